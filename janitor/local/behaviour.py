"""What is adjustable in the embedded ECS: first of all what nobody here knows about AWS.

The marks are those of ecs-facts: [D] documented, [M] read from a model, [U] reported by users, [I] inferred,
[?] looked for and not found. No text of an error is an assertion about AWS unless its mark says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Cursor(StrEnum):
    """What a listing's token does when revisions left the listing after it was issued [?]."""

    HOSTILE = "hostile"
    """Skips as many entries as left before its place, and every second time repeats the last few."""
    STABLE = "stable"
    """Resumes after its last revision: nothing is skipped or repeated."""


class DeletingAgain(StrEnum):
    """What deleting a revision that is DELETE_IN_PROGRESS already gives [?]."""

    SUCCEEDS = "succeeds"
    FAILS = "fails"


class DeniedEntry(StrEnum):
    """What one entry that IAM denies does to its batch [?]."""

    WHOLE_BATCH = "whole batch"
    """AccessDeniedException: nothing in the batch is deleted."""
    ENTRY = "entry"
    """One of the failures[]: the others are deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketLimit:
    """One published token bucket and the operations that share it."""

    burst: int
    refill: float
    """Tokens per second."""
    operations: tuple[str, ...]


# Per account and Region [D]. What is not named here is not throttled.
PUBLISHED_BUCKETS: Mapping[str, BucketLimit] = MappingProxyType(
    {
        "task definition deletion": BucketLimit(burst=5, refill=1, operations=("DeleteTaskDefinitions",)),
        "task definition modify": BucketLimit(
            burst=20, refill=1, operations=("RegisterTaskDefinition", "DeregisterTaskDefinition")
        ),
        "task definition read": BucketLimit(
            burst=50,
            refill=20,
            operations=("DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"),
        ),
        "cluster read": BucketLimit(burst=50, refill=20, operations=("ListClusters", "DescribeClusters")),
        "service read": BucketLimit(burst=100, refill=20, operations=("ListServices", "DescribeServices")),
        "cluster resource read": BucketLimit(burst=100, refill=20, operations=("ListTasks", "DescribeTasks")),
        "service deployment": BucketLimit(
            burst=50, refill=20, operations=("ListServiceDeployments", "DescribeServiceDeployments")
        ),
        "service revision": BucketLimit(burst=50, refill=20, operations=("DescribeServiceRevisions",)),
        "tag modify": BucketLimit(burst=20, refill=10, operations=("TagResource", "UntagResource")),
        "tag read": BucketLimit(burst=50, refill=20, operations=("ListTagsForResource",)),
        "EventBridge requests": BucketLimit(
            burst=50,
            refill=50,
            operations=("ListEventBuses", "ListRules", "ListTargetsByRule", "PutRule", "PutTargets"),
        ),
        "EventBridge Scheduler requests": BucketLimit(
            burst=50, refill=50, operations=("ListSchedules", "GetSchedule", "CreateSchedule")
        ),
        "Step Functions ListStateMachines": BucketLimit(burst=100, refill=5, operations=("ListStateMachines",)),
        "Step Functions DescribeStateMachine": BucketLimit(burst=200, refill=20, operations=("DescribeStateMachine",)),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How this ECS behaves wherever AWS leaves room. The defaults are those hardest on a client."""

    throttling: bool = True
    buckets: Mapping[str, BucketLimit] = field(default_factory=lambda: PUBLISHED_BUCKETS)
    rate_exceeded: str = "Rate exceeded"
    """[D]"""

    latency: tuple[float, float] = (0.0, 0.0)
    """Seconds a call takes, between these two: half before the server acts, half after."""

    cursor: Cursor = Cursor.HOSTILE
    token_lifetime: timedelta | None = None
    """How long a token can be used [?]; None: for ever."""

    deletion_delay: timedelta = timedelta(hours=1)
    """From DELETE_IN_PROGRESS to gone, later while something refers to the revision [D]; the figure is ours [?]."""
    deleting_again: DeletingAgain = DeletingAgain.FAILS
    denied_entry: DeniedEntry = DeniedEntry.WHOLE_BATCH

    limit: int = 1_000_000
    """Revisions per family [D]."""
    deletion_frees_quota: bool = False
    """Whether the limit is on the revisions that exist rather than on the highest number [?]."""
    limit_exceeded: str = "The maximum number of revisions of the task definition family has been reached."
    """LimitExceededException is declared [M]; nobody was found quoting its text [?]."""

    startable_after_deregistration: timedelta = timedelta(minutes=10)
    """Up to ten minutes in which new tasks still start from a deregistered revision [D]."""
    inactive: str = "TaskDefinition is inactive"
    """[U]"""
    cannot_describe: str = "Unable to describe task definition."
    """[U]"""
    not_authorized: str = "User is not authorized to perform: ecs:DeleteTaskDefinitions on resource: {arn}"
    """The text of AccessDeniedException [?]."""

    # The reasons in failures[] of DeleteTaskDefinitions are not documented [?]: never match on them.
    reason_active: str = "ACTIVE"
    reason_missing: str = "MISSING"
    reason_deleting_again: str = "DELETE_IN_PROGRESS"
    reason_denied: str = "ACCESS_DENIED"

"""How fast the calls of a run may be: a token bucket for each bucket of AWS's, shared by all of its clients."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from janitor.core.pacing import Bucket, TokenBucket
from janitor.errors import ReadsSpent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from janitor.core.pacing import Rate
    from janitor.ports import Clock

BUCKETS = {
    "DeleteTaskDefinitions": Bucket.DELETE,
    "RegisterTaskDefinition": Bucket.MODIFY,
    "DeregisterTaskDefinition": Bucket.MODIFY,
    "DescribeTaskDefinition": Bucket.READ,
    "ListTaskDefinitions": Bucket.READ,
    "ListTaskDefinitionFamilies": Bucket.READ,
    "ListClusters": Bucket.CLUSTER,
    "ListServices": Bucket.SERVICE,
    "DescribeServices": Bucket.SERVICE,
    "ListTasks": Bucket.RESOURCE,
    "DescribeTasks": Bucket.RESOURCE,
    "ListServiceDeployments": Bucket.DEPLOYMENT,
    "DescribeServiceRevisions": Bucket.SERVICE_REVISION,
    "ListEventBuses": Bucket.EVENT_BRIDGE,
    "ListRules": Bucket.EVENT_BRIDGE,
    "ListTargetsByRule": Bucket.EVENT_BRIDGE,
    "ListSchedules": Bucket.SCHEDULER,
    "GetSchedule": Bucket.SCHEDULER,
    "ListStateMachines": Bucket.STATE_MACHINE_LIST,
    "DescribeStateMachine": Bucket.STATE_MACHINE,
}
"""Operation → the bucket it takes from; where the rates are published: ``janitor.core.pacing``."""

WRITES = frozenset({"DeleteTaskDefinitions", "DeregisterTaskDefinition", "RegisterTaskDefinition"})

LONGEST_PAUSE = 20.0
"""Seconds between two attempts at most, as botocore's own."""


def least_pause(attempts: int) -> float:
    """Return the seconds that pass at least after so many throttled attempts: half of what botocore may draw.

    What it draws can be next to nothing, time after time: one call in eight would not outlast a minute.
    """
    return float(min(2.0 ** (attempts - 1), LONGEST_PAUSE) / 2)


class ReadBudget:
    """How many read calls may still be made. Satisfies ``janitor.ports.Reads``."""

    def __init__(self, most: float = float("inf")) -> None:
        self._left = most

    @property
    def left(self) -> int:
        """Return how many read calls may still be made."""
        return int(min(self._left, sys.maxsize))

    def take(self) -> None:
        """Take one read, or raise ``ReadsSpent``."""
        if self._left < 1:
            raise ReadsSpent("the budget of reads is used up")
        self._left -= 1

    @contextmanager
    def at_most(self, reads: int) -> Iterator[None]:
        """Lower the budget to that many reads for a while; whoever needs more gets ``ReadsSpent``."""
        before = self._left
        self._left = lowered = min(before, reads)
        try:
            yield
        finally:
            self._left = before - (lowered - self._left)


class Pace:
    """What all clients of one run share: the clock, the buckets, the counts by operation and the budget of reads."""

    def __init__(self, clock: Clock, *, rates: Mapping[Bucket, Rate], reads: ReadBudget) -> None:
        self.calls: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self.reads = reads
        self._clock = clock
        self._lock = threading.Lock()
        now = clock.monotonic()
        self._buckets = {bucket: TokenBucket(rate, now) for bucket, rate in rates.items()}

    def wait(self, operation: str, not_before: float | None = None) -> None:
        """Count an attempt and wait for its token, and for a moment of the clock, or raise ``ReadsSpent``."""
        with self._lock:
            if operation not in WRITES:
                self.reads.take()
            self.calls[operation] += 1
            now = self._clock.monotonic()
            wait = self._buckets[BUCKETS[operation]].reserve(now)
        if not_before is not None:
            wait = max(wait, not_before - now)
        if wait > 0:
            self._clock.sleep(wait)

    def refused(self, operation: str, attempts: int) -> float:
        """Note that so many attempts of a call were throttled; return the moment before which the next must not be."""
        now = self._clock.monotonic()
        with self._lock:
            self.throttled[operation] += 1
            self._buckets[BUCKETS[operation]].refused(now)
        return now + least_pause(attempts)

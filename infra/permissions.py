"""Who may do what: documents made of the actions that ``janitor.aws`` declares beside its calls.

Documents are plain dictionaries: in pulumi-aws 7.51 a list of actions in ``iam.PolicyDocumentArgs`` is lost on its way
to the engine.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from janitor.aws import blobs, brake, events, task_definitions, usage
from janitor.core.model import Mode
from janitor.settings.function import EVENT_SOURCE, FINISHED, UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from janitor.core.retention import Policy
    from janitor.settings import Settings

Statement = dict[str, Any]

LIST_BUCKET = "s3:ListBucket"
"""On the bucket itself and without a condition: S3 asks for it, bare, before it says that an object is missing."""


def document(*statements: Statement) -> dict[str, Any]:
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: Sequence[str], resources: Sequence[str], **condition: dict[str, Any]) -> Statement:
    """Return a statement that allows; the condition's operators are given by name."""
    return _statement("Allow", actions, resources, condition)


def deny(actions: Sequence[str], resources: Sequence[str], **condition: dict[str, Any]) -> Statement:
    """Return a statement that denies, whatever else allows."""
    return _statement("Deny", actions, resources, condition)


def _statement(effect: str, actions: Sequence[str], resources: Sequence[str], condition: dict[str, Any]) -> Statement:
    statement = {"Effect": effect, "Action": sorted(actions), "Resource": sorted(resources)}
    return statement | ({"Condition": condition} if condition else {})


def trust(service: str, **condition: dict[str, Any]) -> dict[str, Any]:
    """Return the document that lets a service take a role."""
    statement: Statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return document(statement | ({"Condition": condition} if condition else {}))


def sweep_statements(mode: Mode, settings: Settings, *, task_definition_arn: str) -> list[Statement]:
    """Return what a sweep may read and delete; ``task_definition_arn`` is the ARN up to the family's name.

    Reading knows no resources (Service Authorization Reference, Amazon ECS). Deleting is allowed for the families that
    the policy selects and denied for those it excludes, and for what every rule keeps by its tags.
    """
    policy = settings.policy
    off = {action for source in settings.usage_off.value for action in usage.OPTIONAL_ACTIONS[source]}
    reading = allow([*task_definitions.READ_ACTIONS, *(set(usage.ACTIONS) - off)], ["*"])
    if mode is Mode.REPORT:
        return [reading]
    deleting = task_definitions.DELETE_ACTIONS
    statements = [reading, allow(deleting, _arns(task_definition_arn, _selected(policy)))]
    never = [pattern for pattern in policy.exclude.value if "[" not in pattern]  # an ARN could only deny more
    if never:
        statements.append(deny(deleting, _arns(task_definition_arn, never)))
    statements.extend(
        deny(deleting, ["*"], Null={f"aws:ResourceTag/{tag}": "false"}) for tag in sorted(_kept_by_all(policy))
    )
    return statements


def _selected(policy: Policy) -> Sequence[str]:
    if policy.include.value:
        return policy.include.value
    return [pattern for rule in policy.rules if not rule.keep for pattern in rule.families.value]


def _arns(prefix: str, patterns: Sequence[str]) -> list[str]:
    """Return the revisions of families as ARNs; a set of characters, which an ARN does not know, becomes any one."""
    families = {re.sub(r"\[!?.[^\]]*\]", "?", pattern) for pattern in patterns}
    return [f"{prefix}{family}:*" for family in ({"*"} if "*" in families else families)]


def _kept_by_all(policy: Policy) -> set[str]:
    tags = [set(rule.keep_tags.value) for rule in policy.rules if not rule.keep]
    return set.intersection(*tags) if tags else set()


def function_statements(*, bucket: str, parameter: str, event_bus: str, queue: str, log_group: str) -> list[Statement]:
    """Return what the function may do beside ECS, each on the one resource it is about, by its ARN."""
    return [
        allow([LIST_BUCKET], [bucket]),
        allow([each for each in blobs.ACTIONS if each != LIST_BUCKET], [f"{bucket}/*"]),
        allow(brake.ACTIONS, [parameter]),
        allow(
            events.ACTIONS,
            [event_bus],
            StringEquals={"events:source": EVENT_SOURCE, "events:detail-type": [FINISHED, UNFINISHED]},
        ),
        allow(["sqs:SendMessage"], [queue]),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group}:*"]),
    ]

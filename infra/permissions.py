"""Who may do what: documents made of the actions that ``janitor.aws`` declares beside its calls.

Documents are plain dictionaries: in pulumi-aws 7.51 a list of actions in ``iam.PolicyDocumentArgs`` is lost on its way
to the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from janitor.aws import blobs, brake, events
from janitor.core.model import Mode
from janitor.permissions import changing, reading, tending
from janitor.settings.function import EVENT_SOURCE, FINISHED, UNFINISHED
from janitor.store import last_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from janitor.permissions import Arns, Statement
    from janitor.settings import Settings


def document(*statements: Statement) -> dict[str, Any]:
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: Sequence[str], resources: Sequence[str], **condition: dict[str, Any]) -> Statement:
    """Return a statement that allows; the condition's operators are given by name."""
    statement: Statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources)}
    return statement | ({"Condition": condition} if condition else {})


def trust(service: str, **condition: dict[str, Any]) -> dict[str, Any]:
    """Return the document that lets a service take a role."""
    statement: Statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return document(statement | ({"Condition": condition} if condition else {}))


def sweep_statements(mode: Mode, settings: Settings, arns: Arns) -> list[Statement]:
    """Return what a sweep may read and, in a stack that deletes, change: the policy that ``janitor iam`` prints."""
    table = settings.lookup_table
    return [
        *reading(settings.usage_off.value),
        *(changing(settings.policy, arns) if mode is Mode.DELETE else ()),
        *([] if table is None else tending(table.name.value, arns, mode=mode)),
    ]


def function_statements(*, bucket: str, parameter: str, event_bus: str, queue: str, log_group: str) -> list[Statement]:
    """Return what the function may do beside ECS, each on the one resource it is about, by its ARN."""
    return [
        _listing(bucket),
        allow([*blobs.READ_ACTIONS, *blobs.WRITE_ACTIONS], [f"{bucket}/*"]),
        allow(brake.ACTIONS, [parameter]),
        allow(
            events.ACTIONS,
            [event_bus],
            StringEquals={"events:source": EVENT_SOURCE, "events:detail-type": [FINISHED, UNFINISHED]},
        ),
        allow(["sqs:SendMessage"], [queue]),
        _logging(log_group),
    ]


def widget_statements(*, bucket: str, log_group: str) -> list[Statement]:
    """Return what the widget's function may do beside reading ECS: read the last report, and write its log."""
    return [_listing(bucket), allow(blobs.READ_ACTIONS, [f"{bucket}/{last_report.KEY}"]), _logging(log_group)]


def _listing(bucket: str) -> Statement:
    """Allow listing a bucket, bare: without it, or with a condition, S3 denies what is merely missing."""
    return allow(blobs.BUCKET_ACTIONS, [bucket])


def _logging(log_group: str) -> Statement:
    return allow(["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group}:*"])

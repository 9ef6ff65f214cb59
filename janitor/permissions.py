"""The IAM policy that a security team reads before it lends credentials, from the actions declared beside the calls.

Only ecs:DeleteTaskDefinitions can be narrowed to resources, ``task-definition/FAMILY:REVISION``, and by
``aws:ResourceTag`` (Service Authorization Reference, Amazon ECS); the reading actions are granted on ``*``, and so is
ecs:DeregisterTaskDefinition, which knows no resource and no condition, where a rule asks for it. IAM's ``*``
and ``?`` mean what they mean in a family pattern; brackets are written out, never widened.

A Deny says what the policy never deletes. Where rules overlap, the first that matches decides, which IAM cannot say
of every pair of patterns: then nothing is denied, and ``janitor.core.grants`` says what is not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from janitor.aws import blobs, brake, cloudtrail, events, lookup_table, registry, task_definitions, usage
from janitor.core.grants import grants
from janitor.core.model import Mode
from janitor.errors import BadInput
from janitor.store import last_report

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from janitor.core.model import UsageSource
    from janitor.core.retention import Policy

Statement: TypeAlias = dict[str, Any]

READING: Mapping[str, tuple[str, ...]] = {
    "task definitions": task_definitions.READ_ACTIONS,
    "services and tasks": usage.ecs.ACTIONS,
    **{source.value: actions for source, actions in usage.OPTIONAL_ACTIONS.items()},
}
"""What every mode reads, by what it is read for. A usage source that can be switched off goes by its own name."""

LONGEST = 6_144
"""Characters of a managed policy, white space not counted (IAM and AWS STS quotas)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arns:
    """Where the statements hold: the beginning of an ARN."""

    partition: str = "aws"
    region: str = "*"
    account: str = "*"

    def family(self, pattern: str) -> str:
        """Return the ARN of every revision of the families that a pattern without brackets matches."""
        return self._in_region("ecs", f"task-definition/{pattern}:*")

    def parameter(self, name: str) -> str:
        """Return the ARN of an SSM parameter."""
        return name if name.startswith("arn:") else self._in_region("ssm", f"parameter/{_literal(name.lstrip('/'))}")

    def table(self, name: str) -> str:
        """Return the ARN of a DynamoDB table."""
        return name if name.startswith("arn:") else self._in_region("dynamodb", f"table/{_literal(name)}")

    def role(self, name: str) -> str:
        """Return the ARN of the roles whose names a pattern matches."""
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"

    def bus(self, name: str) -> str:
        """Return the ARN of an EventBridge bus."""
        return name if name.startswith("arn:") else self._in_region("events", f"event-bus/{_literal(name)}")

    def bucket(self, name: str) -> str:
        """Return the ARN of a bucket of S3."""
        return f"arn:{self.partition}:s3:::{name}"

    def _in_region(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def statements(
    *,
    mode: Mode,
    policy: Policy,
    partition: str = "aws",
    region: str = "*",
    account: str = "*",
    store: str | None = None,
    brake: str | None = None,
    event_bus: str | None = None,
    table: str | None = None,
    without: Collection[UsageSource] = (),
) -> list[Statement]:
    """Return the statements for a mode under a policy.

    ``table`` is the lookup table that the janitor heeds.

    ``store`` is ``s3://bucket/prefix`` (a folder needs no permission), ``brake`` an SSM parameter. ``event_bus`` says
    that they are for the function, which also publishes and, in report mode, stores its last report: without it a
    report has no write permission at all. ``without`` are the usage sources that are switched off.

    Raises:
        BadInput: for each pattern whose brackets would come to too many ARNs.
    """
    arns = Arns(partition=partition, region=region, account=account)
    made = [*reading(without), *(changing(policy, arns) if mode is Mode.DELETE else ())]
    if table is not None:
        made += tending(table, arns, mode=mode)
    if store is not None:
        made += storing(store, arns, mode=mode, function=event_bus is not None)
    if brake is not None:
        made.append(braking(brake, arns))
    if event_bus is not None:
        made.append(publishing(event_bus, arns))
    return made


def document(made: Sequence[Statement]) -> dict[str, Any]:
    """Return the policy document of some statements."""
    return {"Version": "2012-10-17", "Statement": list(made)}


def length(made: Sequence[Statement]) -> int:
    """Return how many characters of IAM's quota the document takes."""
    return len(json.dumps(document(made), separators=(",", ":"), ensure_ascii=False))


def reading(without: Collection[UsageSource] = ()) -> list[Statement]:
    """Return what every mode needs, none of which can be narrowed to a family: ECS, and each other usage source."""
    always = (*task_definitions.READ_ACTIONS, *usage.ecs.ACTIONS)
    sources = {source: actions for source, actions in usage.OPTIONAL_ACTIONS.items() if source not in without}
    return [
        _statement("Read", "Allow", always, ["*"]),
        *(_statement(f"Usage{_sid(source)}", "Allow", actions, ["*"]) for source, actions in sources.items()),
    ]


def storing(store: str, arns: Arns, *, mode: Mode, function: bool) -> list[Statement]:
    """Return what a store in S3 needs: to delete, all of it; to report, reading it or, the function, one object.

    ListBucket has no condition on the prefix: with one, S3 answers for a missing object as for a denied one.
    """
    place = blobs.bucket_of(store)
    if place is None:
        return []
    bucket, prefix = place
    inside = f"{arns.bucket(bucket)}/{_literal(prefix)}"
    if mode is Mode.REPORT and function:
        return [_statement("StoreLastReport", "Allow", blobs.PUT_ACTIONS, [f"{inside}{last_report.KEY}"])]
    listing = _statement("ListStore", "Allow", blobs.BUCKET_ACTIONS, [arns.bucket(bucket)])
    if mode is Mode.REPORT:
        history = _statement("AskWhoElse", "Allow", cloudtrail.ACTIONS, ["*"])
        return [listing, _statement("ReadStore", "Allow", blobs.READ_ACTIONS, [f"{inside}*"]), history]
    actions = (*blobs.READ_ACTIONS, *blobs.WRITE_ACTIONS)
    return [listing, _statement("UseStore", "Allow", actions, [f"{inside}*"])]


def braking(name: str, arns: Arns) -> Statement:
    """Return what reading the brake needs."""
    return _statement("ReadBrake", "Allow", brake.ACTIONS, [arns.parameter(name)])


def publishing(bus: str, arns: Arns) -> Statement:
    """Return what publishing the sweep's events needs."""
    return _statement("PublishEvents", "Allow", events.ACTIONS, [arns.bus(bus)])


def changing(policy: Policy, arns: Arns) -> list[Statement]:
    """Return what a sweep that acts needs in ECS: to delete and, where a rule asks for it, to deregister orphans.

    Raises:
        BadInput: for each pattern whose brackets would come to too many ARNs.
    """
    actions = task_definitions.DEREGISTER_ACTIONS
    orphans = [_statement("DeregisterOrphans", "Allow", actions, ["*"])] if policy.deregisters else []
    return [*deleting(policy, arns), *orphans]


def reusing(table: str, arns: Arns, families: Sequence[str] = ("*",)) -> list[Statement]:
    """Return what whoever reuses definitions needs (a DAG's role), and people need to look into the table.

    Of the calls to ECS only registering and tagging can be narrowed to resources (Service Authorization Reference).
    A role is passed to ECS's tasks alone.
    """
    tag, pass_role = registry.IMPLIED_ACTIONS
    register = "ecs:RegisterTaskDefinition"
    passing = _statement("PassRoles", "Allow", [pass_role], [arns.role("*")])
    passing["Condition"] = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    return [
        _statement("UseLookupTable", "Allow", lookup_table.REUSE_ACTIONS, [arns.table(table)]),
        _statement("FindRevisions", "Allow", {*registry.REUSE_ACTIONS} - {register}, ["*"]),
        _statement("RegisterRevisions", "Allow", [register, tag], map(arns.family, families)),
        passing,
        _statement("ShowLookupTable", "Allow", lookup_table.SHOW_ACTIONS, [arns.table(table)]),
    ]


def tending(table: str, arns: Arns, *, mode: Mode) -> list[Statement]:
    """Return what the janitor needs of a lookup table: to read what it names and, to delete, to take entries away."""
    reads = _statement("ReadLookupTable", "Allow", lookup_table.READ_ACTIONS, [arns.table(table)])
    tends = _statement("TendLookupTable", "Allow", lookup_table.EVICT_ACTIONS, [arns.table(table)])
    return [reads, tends] if mode is Mode.DELETE else [reads]


def deleting(policy: Policy, arns: Arns) -> list[Statement]:
    """Return what deleting needs, narrowed to what the policy can delete: nothing, if it can delete nothing.

    Raises:
        BadInput: for each pattern whose brackets would come to too many ARNs.
    """
    granted = grants(policy)
    if granted.problems:
        raise BadInput(granted.problems)
    if not granted.allowed:
        return []
    actions = task_definitions.DELETE_ACTIONS
    made = [_statement("DeleteRevisions", "Allow", actions, map(arns.family, granted.allowed))]
    for number, denial in enumerate(granted.denials, start=1):
        statement = _statement(f"Keep{number}", "Deny", actions, map(arns.family, denial.families))
        if denial.all_but:
            statement["NotResource"] = statement.pop("Resource")
        if denial.tag is not None:
            statement["Condition"] = {"Null": {f"aws:ResourceTag/{denial.tag}": "false"}}
        made.append(statement)
    return made


def _statement(sid: str, effect: str, actions: Iterable[str], resources: Iterable[str]) -> Statement:
    return {"Sid": sid, "Effect": effect, "Action": sorted(actions), "Resource": list(resources)}


def _sid(source: UsageSource) -> str:
    """Return a source's name as a statement's id has it: letters and digits alone."""
    return source.title().replace("_", "")


def _literal(text: str) -> str:
    """Return a text as IAM takes it word for word: its wildcards and its ``$`` have variables of their own."""
    return "".join(f"${{{each}}}" if each in "*?$" else each for each in text)

"""What a stack's config says, as one frozen value, or every problem by its key before anything is registered.

Keys, types, defaults and descriptions are declared in ``Pulumi.yaml``; the engine merges the defaults and knows nothing
of a key that is misspelt in a stack file. A test keeps the fields and the keys together.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from infra.names import Names
from infra.values import FAMILY, NO_FAMILY, Reader, hours_between, schedule, time_zone
from janitor.core.model import Mode, UsageSource
from janitor.errors import BadInput
from janitor.settings import Flags, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

ROOT = Path(__file__).parents[1]
"""The folder of ``Pulumi.yaml``, from which a policy file is looked for."""

LONGEST_HEARTBEAT = 7 * 24
"""Hours that an alarm with periods of an hour can look back (Amazon CloudWatch API reference, PutMetricAlarm)."""

# Days that a log group may keep (Amazon CloudWatch Logs API reference, PutRetentionPolicy).
LOG_RETENTION = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

LONGEST_STACK = 30
"""Characters of a stack's name: the widget's function is called by it, and takes 64 (AWS Lambda API reference)."""

_STACK = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{LONGEST_STACK - 1}}}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """What one stack is made from; a number that was left open is None, and so is a table that is not made."""

    region: str
    allowed_account_ids: tuple[str, ...]
    mode: Mode
    retention_days: int | None
    keep_newest: int | None
    include_families: tuple[str, ...]
    exclude_families: tuple[str, ...]
    policy_file: Path | None
    max_deletions: int | None
    abort_above: int | None
    usage_off: tuple[str, ...]
    archive: bool
    archive_retention_days: int
    schedule_expression: str
    time_zone: str
    flexible_window_minutes: int
    alarm_emails: tuple[str, ...]
    warning_percent: int
    critical_percent: int
    registrations_per_day: int
    heartbeat_hours: int
    log_retention_days: int
    record_retention_days: int
    delete_store: bool
    lookup_table: str | None
    metric_families: int
    reserved_concurrency: int | None
    memory_megabytes: int
    widget: bool
    test_event: bool
    runbook: str

    @property
    def flags(self) -> Flags:
        """What the stack asks of every sweep, each by the key that says so."""
        return Flags(
            older_than=None if self.retention_days is None else f"{self.retention_days}d",
            keep_newest=None if self.keep_newest is None else str(self.keep_newest),
            family=self.include_families,
            exclude=self.exclude_families,
            policy=self.policy_file,
            max_deletions=None if self.max_deletions is None else str(self.max_deletions),
            abort_above=None if self.abort_above is None else str(self.abort_above),
            usage_off=self.usage_off,
            archive=self.archive,
            lookup_table=self.lookup_table,
            names=FLAG_KEYS,
        )


def key(field: str) -> str:
    """Return the key that a field has in a stack file."""
    first, *others = field.split("_")
    return first + "".join(word.capitalize() for word in others)


KEYS = frozenset(key(each.name) for each in fields(StackSettings))

FLAG_KEYS = {
    "older_than": "retentionDays",
    "keep_newest": "keepNewest",
    "family": "includeFamilies",
    "exclude": "excludeFamilies",
    "policy": "policyFile",
    "max_deletions": "maxDeletions",
    "abort_above": "abortAbove",
    "usage_off": "usageOff",
    "archive": "archive",
    "lookup_table": "lookupTable",
}
"""What a stack calls the settings of a sweep."""


def stack_settings(project: str, stack: str, config: Mapping[str, str], *, root: Path = ROOT) -> StackSettings:
    """Return what a stack's whole config says: keys with their namespace, values as Pulumi gives them, lists as JSON.

    Raises:
        BadInput: with every problem, each by its key.
    """
    problems = _unknown(project, config)
    if not _STACK.fullmatch(stack):
        problems.append(
            f"the stack {stack!r}: its name is in others, so at most {LONGEST_STACK} letters, digits, - and _"
        )
    table = Names(project=project, stack=stack, region="").lookup_table
    read = Reader({name.partition(":")[2]: value for name, value in config.items()}, problems)
    found = StackSettings(
        region=read.text("region", r"[a-z]{2}(-[a-z]+)+-\d", "not a Region, such as eu-west-1"),
        allowed_account_ids=read.texts("allowedAccountIds", r"\d{12}", "not an account's id of 12 digits"),
        mode=read.choice("mode", Mode, Mode.REPORT),
        retention_days=read.optional("retentionDays", least=1, most=36_500),
        keep_newest=read.optional("keepNewest", least=0),
        include_families=read.texts("includeFamilies", FAMILY, NO_FAMILY),
        exclude_families=read.texts("excludeFamilies", FAMILY, NO_FAMILY),
        policy_file=read.path("policyFile", root),
        max_deletions=read.optional("maxDeletions", least=0),
        abort_above=read.optional("abortAbove", least=0),
        usage_off=read.texts("usageOff", "|".join(UsageSource), f"none of {', '.join(UsageSource)}"),
        archive=read.truth("archive"),
        archive_retention_days=read.whole("archiveRetentionDays", least=1),
        schedule_expression=read.checked("scheduleExpression", schedule),
        time_zone=read.checked("timeZone", time_zone),
        flexible_window_minutes=read.whole("flexibleWindowMinutes", least=0, most=1_440),
        alarm_emails=read.texts("alarmEmails", r"[^@\s,]+@[^@\s,]+\.[^@\s,]+", "not an e-mail address"),
        warning_percent=read.whole("warningPercent", least=1, most=98),
        critical_percent=read.whole("criticalPercent", least=2, most=99),
        registrations_per_day=read.whole("registrationsPerDay", least=1),
        heartbeat_hours=read.whole("heartbeatHours", least=1, most=LONGEST_HEARTBEAT),
        log_retention_days=read.one_of("logRetentionDays", LOG_RETENTION),
        record_retention_days=read.whole("recordRetentionDays", least=1),
        delete_store=read.truth("deleteStore"),
        lookup_table=table if read.truth("lookupTable") else None,
        metric_families=read.whole("metricFamilies", least=0, most=100),
        reserved_concurrency=read.optional("reservedConcurrency", least=1),
        memory_megabytes=read.whole("memoryMegabytes", least=128, most=10_240),
        widget=read.truth("widget"),
        test_event=read.truth("testEvent"),
        runbook=read.text("runbook", r"\S+", "not an address"),
    )
    problems.extend(_contradictions(found, read.refused))
    try:
        load(found.flags)
    except BadInput as error:
        problems.extend(error.problems)
    if problems:
        raise BadInput(problems)
    return found


def _unknown(project: str, config: Mapping[str, str]) -> list[str]:
    """Return a problem for each key that nothing reads; Pulumi's own are its business."""
    known = {f"{project}:{each}" for each in KEYS}
    unknown = sorted(name for name in config if name not in known and not name.startswith("pulumi:"))
    return [f"{name.removeprefix(f'{project}:')}: there is no such key{_meant(name, project)}" for name in unknown]


def _meant(name: str, project: str) -> str:
    if name.startswith("aws:"):
        return "; the provider's Region is the key region, its credentials are those of the environment"
    close = difflib.get_close_matches(name.removeprefix(f"{project}:"), KEYS, n=1)
    return f"; is it {close[0]}?" if close else ""


def _contradictions(found: StackSettings, refused: AbstractSet[str]) -> list[str]:
    """Return what does not go together, of what was read."""
    problems = []
    if found.mode is Mode.DELETE and not found.allowed_account_ids and "allowedAccountIds" not in refused:
        problems.append("allowedAccountIds: it is empty, and a stack that deletes must name its account")
    if found.warning_percent >= found.critical_percent and refused.isdisjoint({"warningPercent", "criticalPercent"}):
        problems.append(
            f"warningPercent: {found.warning_percent} is not below criticalPercent ({found.critical_percent})"
        )
    hours = hours_between(found.schedule_expression)
    if hours is not None and hours >= found.heartbeat_hours and "heartbeatHours" not in refused:
        problems.append(
            f"heartbeatHours: {found.heartbeat_hours} is not above the {hours:g} hours between two sweeps, as it "
            f"must be; {LONGEST_HEARTBEAT} are the most that an alarm can look back"
        )
    return problems

"""What the Lambda goes by: its environment, the policy file in its zip, and the event that woke it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from janitor.core.hop import Position, SoFar
from janitor.core.model import Mode
from janitor.errors import BadInput
from janitor.settings import Flags, load, needs_store
from janitor.settings.structure import structured
from janitor.settings.values import moment, whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from janitor.settings import Settings

_SWEEP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)

EVENT_SOURCE = "revision-janitor"
EVENT_VERSION = 1
UNFINISHED = "Sweep Unfinished"
FINISHED = "Sweep Finished"

VARIABLES = {
    "JANITOR_STACK": "the stack's name: the dimension of its metrics",
    "JANITOR_MODE": "report (default) or delete",
    "JANITOR_RETENTION": "how long a revision stays once INACTIVE, such as 180d",
    "JANITOR_KEEP_NEWEST": "newest INACTIVE revisions of a family that stay",
    "JANITOR_INCLUDE": "family patterns, separated by commas: only these",
    "JANITOR_EXCLUDE": "family patterns, separated by commas: never these",
    "JANITOR_POLICY": "the policy file in the zip",
    "JANITOR_MAX_DELETIONS": "deletions after which a sweep stops",
    "JANITOR_ABORT_ABOVE": "candidates above which a sweep does not begin",
    "JANITOR_USAGE_OFF": "sources of usage that are not asked, separated by commas: rules, schedules, state_machines",
    "JANITOR_LOOKUP_TABLE": "the lookup table: what it names is no orphan, and a sweep that deletes tends it",
    "JANITOR_STORE": "s3://bucket/prefix for record, last report, due cache and archive",
    "JANITOR_ARCHIVE": "true: archive each definition in the store before its revision is deleted (default: false)",
    "JANITOR_BRAKE": "the SSM parameter that stops every sweep unless it says off",
    "JANITOR_EVENT_BUS": "the EventBridge bus for the sweep's events (default: the account's default bus)",
    "JANITOR_MAX_HOPS": "invocations one sweep may take (default: 150, more than 1,000,000 revisions need)",
    "JANITOR_METRIC_FAMILIES": "families with metrics of their own, the fullest first (default: 10)",
    "JANITOR_WARNING_PERCENT": "utilization from which a family is named in Sweep Finished (default: 80)",
}
"""Environment variables of the function."""


class Trigger(StrEnum):
    """Who woke the function."""

    SCHEDULE = "schedule"
    HOP = "hop"
    HAND = "hand"


STACK_NAMES = {
    "older_than": "JANITOR_RETENTION",
    "keep_newest": "JANITOR_KEEP_NEWEST",
    "family": "JANITOR_INCLUDE",
    "exclude": "JANITOR_EXCLUDE",
    "policy": "JANITOR_POLICY",
    "max_deletions": "JANITOR_MAX_DELETIONS",
    "abort_above": "JANITOR_ABORT_ABOVE",
    "usage_off": "JANITOR_USAGE_OFF",
    "archive": "JANITOR_ARCHIVE",
    "lookup_table": "JANITOR_LOOKUP_TABLE",
}

EVENT_NAMES = {
    "older_than": "the event's older_than",
    "keep_newest": "the event's keep_newest",
    "family": "the event's families",
    "exclude": "the event's exclude",
    "max_deletions": "the event's max_deletions",
    "max_time": "the time left",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """What an event may ask for: less than the stack allows."""

    families: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    older_than: str | None = None
    keep_newest: int | None = None
    max_deletions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """The event of the schedule, or one typed by hand."""

    trigger: str = Trigger.HAND
    mode: str | None = None
    execution: str | None = None
    families: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    older_than: str | None = None
    keep_newest: int | None = None
    max_deletions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """The detail of a Sweep Unfinished event, version 1: all that the next invocation needs.

    ``digest`` is over everything else: an altered event is refused. It is no secret, and needs none: an event can only
    narrow what the stack allows.
    """

    version: int
    stack: str
    sweep_id: str
    started_at: str
    hop: int
    trigger: str
    mode: str
    narrowing: Narrowing
    position: Position
    so_far: SoFar
    digest: str = ""

    def sealed(self) -> Hop:
        """Return the same with its digest."""
        return replace(self, digest=self._digest())

    @property
    def is_intact(self) -> bool:
        """Say whether the digest fits the rest."""
        return self.digest == self._digest()

    def _digest(self) -> str:
        content = asdict(self)
        del content["digest"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """What the function goes by, whatever the event."""

    stack: str
    mode: Mode
    flags: Flags
    store: str | None
    brake: str | None
    event_bus: str
    max_hops: int
    metric_families: int
    warning_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One invocation: the function's settings, narrowed by the event."""

    function: FunctionSettings
    settings: Settings
    mode: Mode
    trigger: Trigger
    scheduled: bool
    narrowing: Narrowing
    hop: int = 1
    sweep_id: str | None = None
    started_at: datetime | None = None
    position: Position = field(default_factory=Position)
    so_far: SoFar = field(default_factory=SoFar)

    @property
    def narrowed(self) -> bool:
        """Say whether the event asked for less than the stack allows."""
        return self.narrowing != Narrowing()

    def next_hop(self, *, sweep_id: str, started_at: datetime, position: Position, so_far: SoFar) -> Hop:
        """Return what the next invocation has to know: this one's mode and narrowing, never more."""
        return Hop(
            version=EVENT_VERSION,
            stack=self.function.stack,
            sweep_id=sweep_id,
            started_at=started_at.isoformat(),
            hop=self.hop + 1,
            trigger=Trigger.SCHEDULE if self.scheduled else Trigger.HAND,
            mode=self.mode,
            narrowing=self.narrowing,
            position=position,
            so_far=so_far,
        ).sealed()


def function_settings(environment: Mapping[str, str], *, folder: Path) -> FunctionSettings:
    """Return what the environment says; a policy file is looked for in ``folder``.

    Raises:
        BadInput: with every problem, each by the name of its variable.
    """
    unknown = sorted(name for name in environment if name.startswith("JANITOR_") and name not in VARIABLES)
    problems = [f"{name}: there is no such variable" for name in unknown]

    def text(name: str) -> str | None:
        return environment.get(name, "").strip() or None

    def whole(name: str, default: int, *, least: int, most: int) -> int:
        try:
            return whole_number(text(name) or str(default), least=least, most=most)
        except ValueError as error:
            problems.append(f"{name}: {error}")
            return default

    def several(name: str) -> tuple[str, ...]:
        return tuple(each.strip() for each in (text(name) or "").split(",") if each.strip())

    stack = text("JANITOR_STACK")
    if stack is None:
        problems.append("JANITOR_STACK: it is missing; metrics carry it as their dimension")
    mode = _mode("JANITOR_MODE", text("JANITOR_MODE"), problems) or Mode.REPORT
    policy = text("JANITOR_POLICY")
    flags = Flags(
        older_than=text("JANITOR_RETENTION"),
        keep_newest=text("JANITOR_KEEP_NEWEST"),
        family=several("JANITOR_INCLUDE"),
        exclude=several("JANITOR_EXCLUDE"),
        policy=None if policy is None else folder / policy,
        max_deletions=text("JANITOR_MAX_DELETIONS"),
        abort_above=text("JANITOR_ABORT_ABOVE"),
        usage_off=several("JANITOR_USAGE_OFF"),
        archive=_yes("JANITOR_ARCHIVE", text("JANITOR_ARCHIVE"), problems),
        lookup_table=text("JANITOR_LOOKUP_TABLE"),
        names=STACK_NAMES,
    )
    found = FunctionSettings(
        stack=stack or "",
        mode=mode,
        flags=flags,
        store=text("JANITOR_STORE"),
        brake=text("JANITOR_BRAKE"),
        event_bus=text("JANITOR_EVENT_BUS") or "default",
        max_hops=whole("JANITOR_MAX_HOPS", 150, least=1, most=10_000),
        metric_families=whole("JANITOR_METRIC_FAMILIES", 10, least=0, most=100),
        warning_percent=whole("JANITOR_WARNING_PERCENT", 80, least=1, most=99),
    )
    if flags.archive and found.store is None:
        problems.append(needs_store("JANITOR_ARCHIVE", "JANITOR_STORE"))
    try:
        load(flags)
    except BadInput as error:
        problems.extend(error.problems)
    if problems:
        raise BadInput(problems)
    return found


def invocation(event: object, function: FunctionSettings) -> Invocation:
    """Return what an event asks for, within what the stack allows.

    Raises:
        BadInput: for unknown fields, for what would widen, for a hop that was altered or is beyond the limit; all that
            is wrong at once.
    """
    problems: list[str] = []
    if isinstance(event, dict) and event.get("detail-type") == UNFINISHED and event.get("source") == EVENT_SOURCE:
        asked = _hop(event.get("detail"), function, problems)
    else:
        asked = _typed(event, function, problems)
    if asked is None or problems:
        raise BadInput(problems)
    return asked


def _typed(event: object, function: FunctionSettings, problems: list[str]) -> Invocation | None:
    typed = structured(event, _Typed, problems)
    if typed is None:
        return None
    scheduled = typed.trigger == Trigger.SCHEDULE
    if typed.trigger not in {Trigger.SCHEDULE, Trigger.HAND}:
        problems.append(f"the event's trigger: {typed.trigger!r} is neither schedule nor hand")
    mode = _mode("the event's mode", typed.mode, problems) if typed.mode is not None else None
    narrowing = Narrowing(
        families=typed.families,
        exclude=typed.exclude,
        older_than=typed.older_than,
        keep_newest=typed.keep_newest,
        max_deletions=typed.max_deletions,
    )
    return _narrowed(
        function,
        mode=mode or (function.mode if scheduled else Mode.REPORT),
        narrowing=narrowing,
        trigger=Trigger.SCHEDULE if scheduled else Trigger.HAND,
        scheduled=scheduled,
        problems=problems,
    )


def _hop(detail: object, function: FunctionSettings, problems: list[str]) -> Invocation | None:
    hop = structured(detail, Hop, problems)
    if hop is None:
        return None
    if hop.version != EVENT_VERSION:
        problems.append(f"the event's version: {hop.version} is not {EVENT_VERSION}")
    if not hop.is_intact:
        problems.append("the event was altered: its digest does not fit")
    if hop.stack != function.stack:
        problems.append(f"the event's stack: {hop.stack!r} is not {function.stack!r}")
    if not _SWEEP_ID.fullmatch(hop.sweep_id):
        problems.append(f"the event's sweep_id: {hop.sweep_id!r:.100} is no sweep's id")
    if not 1 < hop.hop <= function.max_hops:
        problems.append(f"the event's hop: {hop.hop} is beyond the limit of {function.max_hops}")
    if min(hop.so_far.counts) < 0 or hop.position.round < 1:
        problems.append("the event's counts: none can be negative, and a sweep's rounds begin with 1")
    started_at = _moment(hop.started_at, problems)
    mode = _mode("the event's mode", hop.mode, problems)
    if mode is None or started_at is None:
        return None
    asked = _narrowed(
        function,
        mode=mode,
        narrowing=hop.narrowing,
        trigger=Trigger.HOP,
        scheduled=hop.trigger == Trigger.SCHEDULE,
        problems=problems,
        deleted_before=sum(hop.so_far.outcomes.values()),
        deregistered_before=sum(hop.so_far.orphans_outcomes.values()),
    )
    if asked is None:
        return None
    return replace(
        asked, hop=hop.hop, sweep_id=hop.sweep_id, started_at=started_at, position=hop.position, so_far=hop.so_far
    )


def _narrowed(
    function: FunctionSettings,
    *,
    mode: Mode,
    narrowing: Narrowing,
    trigger: Trigger,
    scheduled: bool,
    problems: list[str],
    deleted_before: int = 0,
    deregistered_before: int = 0,
) -> Invocation | None:
    if mode is Mode.DELETE and function.mode is Mode.REPORT:
        problems.append("the event's mode: the stack only reports, an event cannot make it delete")
    wishes = Flags(
        older_than=narrowing.older_than,
        keep_newest=_text(narrowing.keep_newest),
        family=tuple(narrowing.families),
        exclude=tuple(narrowing.exclude),
        max_deletions=_text(narrowing.max_deletions),
        names=EVENT_NAMES,
        narrows=True,
    )
    try:
        settings = load(function.flags, wishes)
    except BadInput as error:
        problems.extend(error.problems)
        return None
    if settings.max_deletions is not None:
        settings = replace(settings, max_deletions=max(0, settings.max_deletions - deleted_before))
    settings = replace(settings, max_deregistrations=max(0, settings.max_deregistrations - deregistered_before))
    return Invocation(
        function=function,
        settings=settings,
        mode=mode,
        trigger=trigger,
        scheduled=scheduled,
        narrowing=narrowing,
    )


def _mode(name: str, text: str | None, problems: list[str]) -> Mode | None:
    if text is None:
        return None
    try:
        return Mode(text)
    except ValueError:
        problems.append(f"{name}: {text!r:.100} is neither {' nor '.join(Mode)}")
        return None


def _yes(name: str, text: str | None, problems: list[str]) -> bool:
    if text not in {None, "true", "false"}:
        problems.append(f"{name}: {text!r:.100} is neither true nor false")
    return text == "true"


def _moment(text: str, problems: list[str]) -> datetime | None:
    found = moment(text)
    if found is None:
        problems.append(f"the event's started_at: {text!r:.100} is not a moment")
    return found


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)

"""One invocation of the function: run for the time there is, say what came of it, and hand on what is left.

A sweep takes as many invocations as it needs: one that runs out of time publishes ``Sweep Unfinished``, whose rule
wakes the next. What raises needs a person: duty remains and no further hop will come.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from janitor.core.hop import Position, SoFar
from janitor.core.model import LIMIT, OF_DELETIONS, OF_DEREGISTRATIONS, Mode
from janitor.core.report import Ending
from janitor.errors import JanitorError
from janitor.render.json import report_fields
from janitor.render.words import near_limit, summary, title
from janitor.settings.function import EVENT_VERSION, FINISHED, UNFINISHED, Trigger, invocation
from janitor.sweep.events import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from janitor.core.report import FamilyReport, Report
    from janitor.settings import Settings
    from janitor.settings.function import FunctionSettings, Invocation
    from janitor.sweep.events import Event

MARGIN = 45.0
"""Seconds kept back at the end of an invocation: to settle what is under way, write the record and publish."""

LEAST = 15.0
"""Seconds of work below which a run is not begun: usage alone may take as many."""

FAMILIES_ANSWERED = 1_000
"""Families in the answer, the fullest first: it stays below 1 MB at any size, and Lambda's limit is 6 MB."""


LINES_ANSWERED = 40
"""Lines of the summary in the answer, the first in it: who reads it in Lambda's console begins there."""


class DutyRemains(JanitorError):
    """Work is left that no further hop will do: a person has to look."""


class Publisher(Protocol):
    """Publishes events."""

    def publish(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Publish an event, or raise ``JanitorError``."""
        ...


class PublishesMetrics(Protocol):
    """Publishes what may be published of a run."""

    def __call__(self, report: Report, asked: Invocation, /, *, finished: bool, hopped_on: bool) -> None:
        """Publish; ``finished`` when the sweep ends with this hop, ``hopped_on`` when another was asked for."""
        ...


class Runs(Protocol):
    """Makes one run, of either kind."""

    def survey(self, limits: Limits, observe: Callable[[Event], None]) -> Report:
        """Report within the budget of reads."""
        ...

    def hop(
        self, mode: Mode, limits: Limits, observe: Callable[[Event], None], *, hop: HopContext
    ) -> tuple[Report, Position]:
        """Sweep from a position; return the report and the position reached."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HopContext:
    """What a sweep takes over from the hop before: who it is and where to go on."""

    hop: int = 1
    sweep_id: str | None = None
    start: Position = field(default_factory=Position)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What an invocation touches beside ECS."""

    runs: Callable[[Settings], Runs]
    publisher: Publisher
    brake: Callable[[], str | None]
    metrics: PublishesMetrics
    keep_report: Callable[[Mapping[str, Any]], None]
    observe: Callable[[Event], None]


def respond(event: object, function: FunctionSettings, world: World, *, seconds_left: float) -> dict[str, Any]:
    """Do what the event asks for and return the report as JSON values.

    Raises:
        BadInput: if the event is refused; nothing was touched.
        DutyRemains: if work is left that no further hop will do.
    """
    asked = invocation(event, function)
    seconds = seconds_left - MARGIN
    if seconds < LEAST:
        raise DutyRemains(f"{seconds_left:.0f} seconds are too few: {MARGIN + LEAST:.0f} are needed")
    limits = Limits(
        max_deletions=asked.settings.max_deletions,
        max_deregistrations=asked.settings.max_deregistrations,
        max_seconds=seconds,
        abort_above=asked.settings.abort_above,  # of each hop: an event that claims to be a later one skips no guard
        brake=world.brake,
    )
    runs = world.runs(asked.settings)
    position = asked.position
    if asked.mode is Mode.REPORT:
        report = runs.survey(limits, world.observe)
    else:
        context = HopContext(hop=asked.hop, sweep_id=asked.sweep_id, start=asked.position)
        report, position = runs.hop(asked.mode, limits, world.observe, hop=context)
    so_far = added(asked.so_far, report)
    event, failure = _outcome(asked, report, position, so_far)

    hopped_on = event is not None and event.kind == UNFINISHED
    answer = _answer(report, asked, so_far, hopped_on=hopped_on)
    # what was asked about a few families is not the account's last report
    keep = (lambda _: None) if asked.narrowed else world.keep_report
    keep(answer)  # before the event: whoever hears of it finds this report, not the one before
    if event is not None:
        try:
            world.publisher.publish(event.kind, event.detail)
        except JanitorError as error:
            failure = f"the sweep's event could not be published: {error}"
            hopped_on = False
            answer = {**answer, "hopped_on": hopped_on}
            keep(answer)
    finished = report.ending in {Ending.FINISHED, Ending.STOPPED_AT_LIMIT} and failure is None
    world.metrics(report, asked, finished=finished, hopped_on=hopped_on)
    if failure is not None:
        raise DutyRemains(failure)
    return answer


def added(so_far: SoFar, report: Report) -> SoFar:
    """Return what the hops came to with this one."""
    kept = Counter(so_far.kept) + Counter({reason.value: count for reason, count in report.kept.items()})
    orphans = report.deregistrations
    outcomes = Counter(so_far.outcomes) + Counter({kind.value: report.outcome(kind) for kind in OF_DELETIONS})
    orphans_kept = Counter(so_far.orphans_kept) + Counter({each.value: count for each, count in orphans.kept.items()})
    orphans_outcomes = Counter(so_far.orphans_outcomes) + Counter(
        {kind.value: orphans.outcome(kind) for kind in OF_DEREGISTRATIONS}
    )
    return SoFar(
        judged=so_far.judged + report.judged,
        due=so_far.due + report.due.value,
        kept=dict(sorted(kept.items())),
        outcomes=dict(sorted(outcomes.items())),
        orphans_kept=dict(sorted(orphans_kept.items())),
        orphans_outcomes=dict(sorted(orphans_outcomes.items())),
    )


class _Event(NamedTuple):
    kind: str
    detail: Mapping[str, Any]


def _outcome(asked: Invocation, report: Report, position: Position, so_far: SoFar) -> tuple[_Event | None, str | None]:
    """Return the event that the next hop or the audience needs, if any, and why a person is needed, or None."""
    if report.ending in {Ending.COULD_NOT_FINISH, Ending.REFUSED_BY_GUARD}:
        return None, report.ending_words
    if report.ending is Ending.STOPPED_AT_TIME and asked.mode is Mode.DELETE:
        if position == asked.position:
            return None, f"{report.ending_words}, and nothing new was judged: another hop would get no further"
        if asked.hop >= asked.function.max_hops:
            return None, f"{report.ending_words} after {asked.hop} hops, the most that a sweep may take"
        following = asked.next_hop(
            sweep_id=asked.sweep_id or report.sweep_id,
            started_at=asked.started_at or report.started_at,
            position=position,
            so_far=so_far,
        )
        return _Event(UNFINISHED, asdict(following)), None
    event = None
    if report.ending is Ending.FINISHED and (asked.mode is Mode.DELETE or asked.scheduled):
        event = _Event(FINISHED, finished_detail(asked, report, so_far))
    if report.unreadable_usage:
        return event, f"what is in use could not be read, so all it might name was kept: {report.unreadable_usage[0]}"
    return event, None


def finished_detail(asked: Invocation, report: Report, so_far: SoFar) -> dict[str, Any]:
    """Return the detail of Sweep Finished, version 1: figures, and the families above the warning threshold by name."""
    near = [family for family in _fullest(report) if _utilization(family) >= asked.function.warning_percent]
    return {
        "version": EVENT_VERSION,
        "stack": asked.function.stack,
        "account": report.account,
        "region": report.region,
        "sweep_id": asked.sweep_id or report.sweep_id,
        "hops": asked.hop,
        "mode": asked.mode.value,
        "trigger": (Trigger.SCHEDULE if asked.scheduled else Trigger.HAND).value,
        "narrowed": asked.narrowed,
        "started_at": (asked.started_at or report.started_at).isoformat(),
        "finished_at": report.finished_at.isoformat(),
        "totals": asdict(so_far),
        "active_orphans": None if report.active_orphans is None else report.active_orphans.value,
        "limit": LIMIT,
        "families_above_warning": [
            {
                "family": family.family,
                "revision_count": None if family.revision_count is None else family.revision_count.value,
                "highest_revision": family.highest_revision,
                "count_utilization": family.count_utilization,
                "number_utilization": family.number_utilization,
                "days_to_limit": family.days_to_limit,
            }
            for family in near[:100]
        ],
        "families_above_warning_count": len(near),
        "message": near_limit(near),
    }


def _answer(report: Report, asked: Invocation, so_far: SoFar, *, hopped_on: bool) -> dict[str, Any]:
    shown = sorted(_fullest(report)[:FAMILIES_ANSWERED], key=lambda family: family.family)
    lines = summary(report)
    more = len(lines) - LINES_ANSWERED
    return {
        "title": title(report),
        "summary": [*lines[:LINES_ANSWERED], *([f"and {more:,} more lines"] if more > 0 else [])],
        **report_fields(replace(report, families=tuple(shown), sweep_id=asked.sweep_id or report.sweep_id)),
        "totals": report_fields(report)["totals"],
        "families_left_out": len(report.families) - len(shown),
        "hop": asked.hop,
        "hopped_on": hopped_on,
        "sweep_totals": asdict(so_far),
    }


def _fullest(report: Report) -> list[FamilyReport]:
    return sorted(report.families, key=lambda family: (-_utilization(family), family.family))


def _utilization(family: FamilyReport) -> float:
    return max(family.count_utilization or 0.0, family.number_utilization or 0.0)

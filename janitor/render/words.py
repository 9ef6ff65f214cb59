"""The words of a report: what happened, or would happen, never the one for the other."""

from __future__ import annotations

import re
import textwrap
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from janitor.core.boundary import CONFIDENCE
from janitor.core.forecast import NEVER
from janitor.core.model import LIMIT, LINGERING, Mode, OutcomeKind, Reason
from janitor.core.report import Ending
from janitor.core.retention import duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from janitor.core.boundary import Estimate
    from janitor.core.model import Lingering
    from janitor.core.plan import Plan
    from janitor.core.report import FamilyReport, Report

REASONS: Mapping[Reason, str] = {
    Reason.DUE: "old enough, and kept by nothing",
    Reason.NO_RULE: "in families that no rule matches",
    Reason.RULE_KEEPS: "in families that a rule keeps whole",
    Reason.NOT_PLANNED: "not in the plan that the sweep was given, so not looked at",
    Reason.NOT_INACTIVE: "not INACTIVE any more",
    Reason.AMONG_NEWEST: "among the newest INACTIVE ones of their family",
    Reason.NO_DATE: "without a date to count their age from",
    Reason.JUST_DEREGISTERED: "INACTIVE for less than 1 hour",
    Reason.YOUNG: "younger than their retention",
    Reason.TAGGED: "carrying a tag that keeps them",
    Reason.IN_USE: "in use",
    Reason.USAGE_UNKNOWN: "perhaps in use, since a source could not be read",
    Reason.UNREADABLE: "that could not be described",
    Reason.ORPHANED: "an orphan, and kept by nothing",
    Reason.NOT_ACTIVE: "not ACTIVE any more",
    Reason.AMONG_NEWEST_ACTIVE: "among the newest ACTIVE ones of their family",
    Reason.REGISTERED_LATELY: "registered too lately to be orphans",
    Reason.REGISTERED_BY_OTHERS: "registered by nobody whom their rule names",
    Reason.IN_LOOKUP_TABLE: "in the lookup table",
    Reason.NOT_ASKED_FOR: "orphans that no rule would deregister",
}
"""Each reason as it reads after a number of revisions."""

ORPHANS_SHOWN = 5
"""Families that are named for their ACTIVE orphans."""

SHORTLY: Mapping[Reason, str] = {
    Reason.DUE: "old enough",
    Reason.NO_RULE: "no rule",
    Reason.RULE_KEEPS: "its rule keeps it",
    Reason.NOT_INACTIVE: "not INACTIVE",
    Reason.AMONG_NEWEST: "among the newest",
    Reason.NO_DATE: "no date",
    Reason.JUST_DEREGISTERED: "INACTIVE for less than 1 hour",
    Reason.AMONG_NEWEST_ACTIVE: "among the newest ACTIVE",
    Reason.NOT_ASKED_FOR: "an orphan",
    Reason.ORPHANED: "an orphan",
}
"""Reasons that need no further words where the rule and the dates stand beside."""

LINGERING_SHOWN = 10
"""Revisions that are named for being in DELETE_IN_PROGRESS for too long."""

PLANNED_SHOWN = 20
"""Families of a plan that are named before it is applied."""

SOON = 365.0
"""Days to the limit below which a family is named in a summary."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def plain(text: str) -> str:
    """Return a text from outside as one line, without what a terminal or a log would obey.

    Control and direction characters are replaced, line ends become spaces: nobody writes a line of ours.
    """
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split("\n")))


def wrapped(text: str, width: int) -> str:
    """Return a text in lines of a width, each with its further lines two columns deeper; no word is broken."""
    return "".join(f"{line}\n" for each in text.splitlines() for line in _lines_of(each, width))


def _lines_of(line: str, width: int) -> list[str]:
    deeper = " " * (len(line) - len(line.lstrip()) + 2)
    wrap = textwrap.wrap(line, width, subsequent_indent=deeper, break_long_words=False, break_on_hyphens=False)
    return wrap or [""]


def number(count: int | None) -> str:
    """Return a count with thousands separated, or a dash for one that was not read."""
    return "-" if count is None else f"{count:,}"


def about(count: Estimate | None) -> str:
    """Return a count with what is known of it: ``1,234``, ``~1,234`` for an estimate, ``≤1,234`` for a mere bound."""
    if count is None:
        return "-"
    if count.is_bound:
        return f"≤{number(count.value)}"
    return f"{'' if count.is_exact else '~'}{number(count.value)}"


def at_most(count: Estimate | None) -> str:
    """Return a count as ``about`` does, but ``≤1,234`` where it is an upper bound."""
    return f"≤{number(count.value)}" if count and not count.is_exact and count.value == count.high else about(count)


def percent(share: float | None) -> str:
    """Return a percentage with the precision that is of use."""
    if share is None:
        return "-"
    return "<0.1 %" if 0 < share < 0.1 else f"{share:.1f} %"  # noqa: PLR2004 - the precision of the other case


def rate(per_day: float | None) -> str:
    """Return registrations a day, a dash where they are not known."""
    if per_day is None:
        return "-"
    if per_day == 0 or per_day >= 10:  # noqa: PLR2004 - two digits
        return f"{per_day:,.0f}"
    return "<0.1" if per_day < 0.1 else f"{per_day:.1f}"  # noqa: PLR2004 - the precision of the other case


def revisions(count: int) -> str:
    """Return ``1 revision`` or ``1,234 revisions``."""
    return f"{count:,} revision{'' if count == 1 else 's'}"


def families(count: int) -> str:
    """Return ``1 family`` or ``1,234 families``."""
    return f"{count:,} {'family' if count == 1 else 'families'}"


def span(seconds: float) -> str:
    """Return a time that a person can plan with: ``40 seconds``, ``8 minutes``, ``27.8 hours``."""
    if seconds < 90:  # noqa: PLR2004 - below, seconds say more than minutes
        return "1 second" if round(seconds) <= 1 else f"{round(seconds)} seconds"
    if seconds < 5_400:  # noqa: PLR2004 - below, minutes say more than hours
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3_600:.1f} hours"


def title(report: Report) -> str:
    """Return what the report is about, in one line."""
    what = "What a sweep would delete" if report.mode is Mode.REPORT else "What the sweep deleted"
    where = plain(f"{report.account or 'unknown account'} · {report.region}")
    return f"{what} · {where} · {report.started_at:%Y-%m-%d %H:%M} UTC"


def summary(report: Report) -> list[str]:
    """Return what a person needs to know, a sentence a line, the most important first."""
    lines = outcome(report)
    if report.applied_plan is not None:
        lines.extend(applied(report, report.applied_plan))
    lines.extend(deregistered(report))
    lines.extend(_tended(report))
    if report.kept:
        lines.append(f"{'Would keep' if report.mode is Mode.REPORT else 'Kept'}: {kept(report)}.")
    if report.unreadable_usage:
        lines.append("Not everything could be read that says what is in use, so all it might name is kept:")
        lines.extend(f"  {source}" for source in report.unreadable_usage)
    if report.families_not_read:
        names = ", ".join(report.families_not_read[:5])
        more = len(report.families_not_read) - 5
        lines.append(f"Not read to the end: {names}{f' and {more:,} more' if more > 0 else ''}.")
    lines.extend(lingering(report))
    lines.extend(orphans(report))
    lines.extend(out_of_numbers(report))
    if report.ending is Ending.STOPPED_AT_LIMIT:
        lines.append("More may be due: what lies beyond the limit was not looked at.")
    lines.extend(growth(report))
    lines.extend(f"Warning: {warning}" for warning in report.warnings[:20])
    if report.ending is not Ending.FINISHED:
        lines.append(f"Unfinished: {report.ending_words.rstrip('.')}.")
    return [plain(line) for line in lines]


def outcome(report: Report) -> list[str]:
    """Return what a sweep would delete, or what the sweep did, a sentence a line."""
    return _would(report) if report.mode is Mode.REPORT else _did(report)


def plan_words(plan: Plan) -> list[str]:
    """Return what a plan would delete, to be asked about."""
    largest = sorted(plan.numbers, key=lambda family: (-len(plan.numbers[family]), family))
    lines = [f"{_named(plan)} names {revisions(plan.revisions)} in {families(len(largest))}:"]
    lines.extend(f"  {family}: {revisions(len(plan.numbers[family]))}" for family in largest[:PLANNED_SHOWN])
    if len(largest) > PLANNED_SHOWN:
        lines.append(f"  and {len(largest) - PLANNED_SHOWN:,} more")
    return [*lines, "Each is looked at again; what changed since is kept."]


def out_of_numbers(report: Report) -> list[str]:
    """Return which families come to the end of their numbers, and what to do."""
    near = [family for family in report.families if (family.number_utilization or 0) >= 80]  # noqa: PLR2004 - as the alarms
    return [
        f"{family.family} has reached revision {number(family.highest_revision)} of {LIMIT:,}: "
        "numbers are never given again, a new family name is the way out."
        for family in near
    ]


def applied(report: Report, plan: Plan) -> list[str]:
    """Return what became of what was planned, in numbers that add up."""
    still_due = report.due.value
    named = f"{_named(plan)} names {revisions(report.planned or 0)} in {families(len(report.families))}"
    lines = [f"{named}: {still_due:,} still due, {report.outcome(OutcomeKind.DELETED):,} of them deleted."]
    skipped: dict[Reason, int] = {
        reason: count for reason, count in report.kept.items() if reason is not Reason.NOT_PLANNED
    }
    if skipped:
        lines.append(f"In the plan, but kept: {by_reason(skipped)}.")
    if report.not_found and report.ending is Ending.FINISHED:
        lines.append(f"In the plan, but gone already: {revisions(report.not_found)}, not INACTIVE any more.")
    elif report.not_found:
        lines.append(f"In the plan, but not come to, or gone already: {revisions(report.not_found)}.")
    return lines


def _named(plan: Plan) -> str:
    return f"The plan of {plan.made_at:%Y-%m-%d %H:%M} UTC (sweep {plain(plan.sweep_id):.64})"


def lingering(report: Report) -> list[str]:
    """Return what is in DELETE_IN_PROGRESS for too long, the oldest first, and who uses it."""
    found = [each for family in report.families for each in family.lingering]
    if not found:
        return []
    found.sort(key=lambda each: (-each.seconds, each.revision))
    lines = [f"In DELETE_IN_PROGRESS for more than {duration(LINGERING)}, so something may still refer to them:"]
    lines.extend(f"  {each.revision} for {span(each.seconds)}: {_user(each)}" for each in found[:LINGERING_SHOWN])
    if len(found) > LINGERING_SHOWN:
        lines.append(f"  and {len(found) - LINGERING_SHOWN:,} more")
    return lines


def orphans(report: Report) -> list[str]:
    """Return which families have ACTIVE revisions that nothing names, the most first, and what to do about it."""
    leaking = [
        (family.active_orphans, family.family)
        for family in report.families
        if family.active_orphans is not None and family.active_orphans.value
    ]
    if not leaking:
        return []
    leaking.sort(key=lambda each: (-each[0].value, each[1]))
    named = [f"{at_most(count)} in {family}" for count, family in leaking[:ORPHANS_SHOWN]]
    more = len(leaking) - ORPHANS_SHOWN
    others = f", and in {more:,} more" if more > 0 else ""
    rule = "" if report.max_deregistrations is not None else "; or have a rule deregister orphans"
    return [
        f"ACTIVE orphans, old and named by nothing: {', '.join(named)}{others}.",
        f"{_LEAK}{rule}.",
    ]


_LEAK = (
    "No clean-up of INACTIVE revisions will see them. Have the DAG or pipeline deregister its revision in a teardown "
    "task, which runs even when the run fails"
)


def deregistered(report: Report) -> list[str]:
    """Return what rules make of ACTIVE orphans; nothing where none asks for it."""
    if report.max_deregistrations is None or report.applied_plan is not None:
        return []
    found = report.deregistrations
    most = f"at most {report.max_deregistrations:,} a sweep"
    if report.mode is Mode.REPORT:
        count = "nothing" if not found.due.high else f"{at_most(found.due)} ACTIVE orphans, {most}"
        lines = [f"It would deregister {count}."]
    else:
        gone = found.outcome(OutcomeKind.DEREGISTERED)
        done = f"{gone:,} ACTIVE orphan{'' if gone == 1 else 's'}: INACTIVE now" if gone else "no ACTIVE orphan"
        lines = [f"Deregistered {done}, {most}."]
        lines.extend(
            f"{words}, to be deregistered: {revisions(found.outcome(kind))}."
            for kind, words in _TROUBLES.items()
            if found.outcome(kind)
        )
    if found.kept:
        verb = "Would stay ACTIVE" if report.mode is Mode.REPORT else "Stayed ACTIVE"
        lines.append(f"{verb}: {by_reason(found.kept)}.")
    return lines


def _tended(report: Report) -> list[str]:
    """Return what was taken away of the lookup table; nothing where nothing was."""
    done = report.tended
    if done is None or not (done.forgotten or done.evicted):
        return []
    parts = []
    if done.forgotten:
        parts.append(f"{done.forgotten:,} forgotten, whose revision is not ACTIVE any more")
    if done.evicted:
        parts.append(f"{done.evicted:,} evicted, which nobody used for long enough")
    return [f"Entries of the lookup table {done.table}: {'; '.join(parts)}."]


def _user(each: Lingering) -> str:
    if each.used_by is not None:
        return plain(each.used_by)
    return "nothing was found that uses it" if each.usage_is_known else "who uses it could not be read"


NAMED = 10
"""Families that a message names; the others are counted."""


class Near(Protocol):
    """A family of which is known how full it is."""

    @property
    def family(self) -> str:
        """Its name."""
        ...

    @property
    def count_utilization(self) -> float | None:
        """Percent of the limit that the revision count takes."""
        ...

    @property
    def number_utilization(self) -> float | None:
        """Percent of the limit that the highest number takes."""
        ...

    @property
    def days_to_limit(self) -> float | None:
        """Days until the revision count meets the limit."""
        ...


def near_limit(families: Sequence[Near]) -> str:
    """Return one line that names families near the limit, how near, and the days left; nothing for no families."""
    named = [
        f"{each.family}: {percent(each.count_utilization)} of the limit by count, "
        f"{percent(each.number_utilization)} by number, {time_left(each.days_to_limit)}"
        for each in families[:NAMED]
    ]
    more = len(families) - NAMED
    return "; ".join([*named, *([f"and {more:,} more"] if more > 0 else [])])


def time_left(days: float | None) -> str:
    """Return how long until the limit is met, as it reads after a comma."""
    if days is None:
        return "days left unknown"
    return "the limit is not in sight" if days >= NEVER else f"{days:,.0f} days left"


def kept(report: Report) -> str:
    """Return the kept revisions by reason, the commonest first."""
    sign = "" if report.mode is Mode.DELETE or report.is_exact else "~"
    return by_reason(report.kept, sign)


def by_reason(counts: Mapping[Reason, int], sign: str = "") -> str:
    """Return counts by reason in words."""
    return "; ".join(f"{sign}{count:,} {REASONS[reason]}" for reason, count in counts.items())


def growth(report: Report) -> list[str]:
    """Return what the fastest growing family comes to, and every other one that is on its way to the limit."""
    growing = sorted(
        (family for family in report.families if family.registrations_per_day and family.outlook),
        key=lambda family: -(family.registrations_per_day or 0),
    )
    return [
        f"{family.family}: {family.outlook}{_days_left(family)}"
        for place, family in enumerate(growing)
        if place == 0 or (family.days_to_limit or NEVER) < SOON
    ][:5]


def _days_left(family: FamilyReport) -> str:
    days = family.days_to_limit
    return f" If nothing were deleted, the limit is {days:,.0f} days away." if days is not None and days < NEVER else ""


def calls(report: Report) -> str:
    """Return how many calls the run made, and how many of them ECS refused for their rate."""
    throttled = sum(report.throttled_calls.values())
    made = sum(report.api_calls.values())
    return f"{made:,} API call{'' if made == 1 else 's'}, {throttled:,} throttled, {_took(report)}"


def _took(report: Report) -> str:
    return span((report.finished_at - report.started_at) / timedelta(seconds=1))


def _would(report: Report) -> list[str]:
    due = report.due
    if due.high == 0 and report.ending is not Ending.FINISHED:
        return ["What a sweep would delete was not found out."]
    if due.high == 0:
        scope = "Of what was read, a" if report.families_not_read else "A"
        return [f"{scope} sweep would delete nothing."]
    where = f"in {families(sum(1 for family in report.families if family.due.value))}"
    rate = f"At the rate ECS permits that takes about {span(report.deletion_seconds)}."
    if due.is_exact:
        return [f"A sweep would delete {revisions(due.value)} {where}. {rate}"]
    if due.is_bound:
        most = f"A sweep would delete at most {revisions(due.value)} {where}"
        return [f"{most}: the budget of reads sufficed for no more. {rate}"]
    return [
        (
            f"A sweep would delete about {revisions(due.value)} {where}: {due.low:,} to {due.high:,}, "
            f"{CONFIDENCE:.0%} sure. {rate}"
        ),
        "That is an estimate from a sample; --max-reads N draws a larger one, --exact looks at all.",
    ]


def _did(report: Report) -> list[str]:
    deleted = report.outcome(OutcomeKind.DELETED)
    lines = [
        f"Deleted {revisions(deleted)}: DELETE_IN_PROGRESS now, ECS removes each once nothing refers to it."
        if deleted
        else "Deleted nothing."
    ]
    for kind, words in _TROUBLES.items():
        count = report.outcome(kind)
        if count:
            lines.append(f"{words}: {revisions(count)}.")
    return lines


_TROUBLES = {
    OutcomeKind.REFUSED: "Refused by ECS",
    OutcomeKind.FAILED: "Failed",
    OutcomeKind.NOT_ATTEMPTED: "Not attempted, though due",
}

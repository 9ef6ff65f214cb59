"""What a dashboard's widget shows, as HTML of CloudWatch's kind: no script, no frame, buttons by ``cwdb-action``.

CloudWatch takes scripts out, styles elements as its console does, and makes a button of ``<a class="btn">``; what
follows it says which function is called, with which JSON (Amazon CloudWatch user guide, custom widgets).
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from janitor.core.model import LIMIT, LINGERING, OutcomeKind
from janitor.core.report import Ending
from janitor.core.retention import duration
from janitor.render.html import filled
from janitor.render.words import near_limit, span, summary
from janitor.settings.widget import FAMILY, LONGEST_STALE_HOURS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from janitor.core.report import Report
    from janitor.render.stored import StoredReport
    from janitor.settings.widget import Asked, Display

PAGE = 10
"""Families of a page."""

NARROW, WIDE = 560, 900
"""Pixels from which a family has more columns."""

NAMED = 3
"""Sources, warnings and revisions of a kind that are named; the others are counted."""

DAYS_FROM = 48 * 3_600
"""Seconds from which days say more than hours."""

DOCUMENTATION = textwrap.dedent(f"""\
    ## The revision janitor's last report
    What the nightly sweep did or, in a stack that only reports, what one would do: what needs attention first, then the
    families by how much of their limit they hold.

    A refresh reads the stored report and never calls ECS. The button **Dry run** asks ECS about one family, with at
    most 200 read calls, and deletes nothing; this function may not.

    ### Parameters
    Parameter | Meaning
    ---|---
    **stack** | the stack whose function this is; another one is refused
    **stale_hours** | hours after which the report is called old, 1 to {LONGEST_STALE_HOURS:,} (default: 168)
    **page** | the page of families to begin with (default: 1)

    ### Example
    ``` yaml
    stack: prod
    stale_hours: 26
    ```
    """)
"""What ``describe`` answers: Markdown, of which the console takes the first block for the parameters to begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every answer depends on: where it is shown, when, and the function that its buttons call."""

    display: Display
    now: datetime
    endpoint: str
    stack: str

    def filled(self, template: str, **values: object) -> str:
        """Return a template, filled."""
        return filled(template, frame=self, narrow=self.display.width < NARROW, **values)


def last_report(report: StoredReport, asked: Asked, frame: Frame, *, warning_percent: int) -> str:
    """Return the stored report: how it stands, what needs attention, a page of families."""
    pages = max(1, ceil(len(report.families) / PAGE))
    page = min(asked.page, pages)
    first = (page - 1) * PAGE
    return frame.filled(
        "widget_report.html",
        wide=frame.display.width >= WIDE,
        report=report,
        at=f"{report.at.astimezone(frame.display.zone):%Y-%m-%d %H:%M %Z}",
        ago=_ago(report, frame.now),
        headlines=_headlines(report),
        attention=_attention(report, asked, frame.now, warning_percent),
        rows=[(family, bool(FAMILY.fullmatch(family.family))) for family in report.fullest[first : first + PAGE]],
        warning_percent=warning_percent,
        first=first + 1,
        page=page,
        pages=pages,
    )


def dry_run(family: str, report: Report, frame: Frame) -> str:
    """Return what a sweep would do to one family now."""
    found = next(iter(report.families), None)
    missing = found is None and report.ending is Ending.FINISHED
    return frame.filled(
        "widget_dry_run.html",
        family=family,
        found=found,
        sentences=[_NOT_FOUND] if missing else summary(report),
        at=f"{report.finished_at.astimezone(frame.display.zone):%Y-%m-%d %H:%M %Z}",
        calls=sum(report.api_calls.values()),
    )


_NOT_FOUND = "No family of that name was found that the stack's policy selects."


def note(title: str, lines: Sequence[str], frame: Frame) -> str:
    """Return a few sentences where there is no report to show."""
    return frame.filled("widget_note.html", title=title, lines=lines)


def _headlines(report: StoredReport) -> list[tuple[str, object, str]]:
    """Return the figures that stand first: what it is, the number, more words."""
    totals, fullest = report.totals, report.fullest[:1]
    about = "" if totals.due_is_exact else "~"
    full = [("Fullest family", fullest[0].utilization, fullest[0].family)] if fullest else []
    if report.deletes:
        troubled = report.outcome(OutcomeKind.REFUSED) + report.outcome(OutcomeKind.FAILED)
        did: list[tuple[str, object, str]] = [
            ("Deleted", f"{report.outcome(OutcomeKind.DELETED):,}", "now DELETE_IN_PROGRESS"),
            (
                "Refused or failed",
                f"{troubled:,}",
                "the next sweep tries again" if troubled else "none",
            ),
        ]
    else:
        did = [
            ("Would go", f"{about}{totals.due:,}", "a report deletes nothing"),
            ("Would stay", f"{about}{totals.kept:,}", "of those that were judged"),
        ]
    return [*full, *did, ("Families", f"{totals.families:,}", f"in {report.region}")]


def _attention(report: StoredReport, asked: Asked, now: datetime, warning_percent: int) -> list[str]:
    """Return what a person should look at, the most pressing first."""
    run = "sweep" if report.deletes else "report"
    found = []
    if not report.finished and not report.hopped_on:
        found.append(f"The {run} did not finish: {report.ending_reason.rstrip('.')}.")
    if report.usage_not_read:
        kept = "was kept" if report.deletes else "would be kept"
        sources = _some(report.usage_not_read)
        found.append(f"Not everything could be read that says what is in use, so all it might name {kept}: {sources}.")
    troubles = [*report.refused, *report.failed]
    if troubles:
        named = _some([f"{each.revision} ({each.reason.rstrip('.')})" for each in troubles])
        found.append(f"Refused or failed: {named}.")
    near = [family for family in report.fullest if (family.utilization or 0.0) >= warning_percent]
    if near:
        found.append(f"Near the limit of {LIMIT:,}: {_some([near_limit([each]) for each in near], '; ')}.")
    lingering = sorted((each for family in report.families for each in family.lingering), key=lambda each: -each.age)
    if lingering:
        named = _some([f"{each.revision} for {span(each.age)}" for each in lingering])
        found.append(f"In DELETE_IN_PROGRESS for more than {duration(LINGERING)}, perhaps still in use: {named}.")
    orphans = sorted(
        ((each.active_orphans, each.family) for each in report.families if each.active_orphans),
        key=lambda each: (-each[0], each[1]),
    )
    if orphans:
        found.append(f"ACTIVE orphans, old and named by nothing: {_some([f'{n:,} in {name}' for n, name in orphans])}.")
    if report.families_not_read:
        found.append(f"Not read to the end: {_some(report.families_not_read)}.")
    if (now - report.at).total_seconds() > asked.stale_hours * 3_600:
        found.append(f"This report is {_ago(report, now)} old, and is called old after {asked.stale_hours:,} hours.")
    if report.warnings:
        found.append(f"{'Warnings' if len(report.warnings) > 1 else 'Warning'}: {_some(report.warnings)}")
    return found


def _some(texts: Sequence[str], between: str = ", ") -> str:
    more = len(texts) - NAMED
    return between.join(texts[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _ago(report: StoredReport, now: datetime) -> str:
    """Return how old a report is; nothing where this clock is behind the one that made it."""
    seconds = max(0.0, (now - report.at).total_seconds())
    return span(seconds) if seconds < DAYS_FROM else f"{seconds / 86_400:,.0f} days"

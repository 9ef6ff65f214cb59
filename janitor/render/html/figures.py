"""The page's headlines and what needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from janitor.core.model import LIMIT, Mode, OutcomeKind
from janitor.core.report import Ending
from janitor.render import words
from janitor.render.html.families import level, utilization

if TYPE_CHECKING:
    from collections.abc import Sequence

    from janitor.core.report import Report

SHOWN = 20
"""Lines under a heading at most; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A headline: a name, a figure that is read first, and what it means."""

    name: str
    value: str
    note: str
    level: str = ""


def figures(report: Report) -> list[Figure]:
    """Return the headlines: how near the limit is, what goes, what stays, how long it takes."""
    return [_nearest(report), *(_would(report) if report.mode is Mode.REPORT else _did(report))]


def _nearest(report: Report) -> Figure:
    fullest = max(report.families, key=utilization, default=None)
    if fullest is None or utilization(fullest) < 0:
        return Figure(name="Nearest the limit", value="-", note="no family was counted")
    left = "" if fullest.days_to_limit is None else f", {words.time_left(fullest.days_to_limit)}"
    by = "highest number" if (fullest.number_utilization or 0) > (fullest.count_utilization or 0) else "revision count"
    note = f"{fullest.family}, by {by} of {LIMIT:,}{left}"
    share = utilization(fullest)
    return Figure(name="Nearest the limit", value=words.percent(share), note=note, level=level(share))


def _would(report: Report) -> list[Figure]:
    due = report.due
    spread = "" if due.is_exact or due.is_bound else f"{due.low:,} to {due.high:,}, "
    families = words.families(sum(1 for family in report.families if family.due.value))
    unknown = due.high == 0 and report.ending is not Ending.FINISHED
    took = "-" if unknown or not due.high else words.span(report.deletion_seconds)
    return [
        Figure(name="Would go", value="-" if unknown else words.about(due), note=f"{spread}in {families}"),
        _stays(report, "Would stay"),
        Figure(name="Deletion would take", value=took, note="at the rate ECS permits"),
    ]


def _did(report: Report) -> list[Figure]:
    troubled = report.outcome(OutcomeKind.REFUSED) + report.outcome(OutcomeKind.FAILED)
    left = report.outcome(OutcomeKind.NOT_ATTEMPTED)
    deleted = Figure(
        name="Deleted", value=words.number(report.outcome(OutcomeKind.DELETED)), note="DELETE_IN_PROGRESS now"
    )
    return [
        deleted,
        Figure(
            name="Refused or failed",
            value=words.number(troubled),
            note=f"{left:,} more not attempted" if left else "of those that were due",
            level="critical" if troubled else "",
        ),
        _stays(report, "Kept"),
        Figure(name="It took", value=words.span(report.seconds), note="from the first call to the last"),
    ]


def _stays(report: Report, name: str) -> Figure:
    total = sum(report.kept.values())
    sign = "" if report.mode is Mode.DELETE or report.is_exact else "~"
    reason = next(iter(report.kept), None)
    note = "none, of those judged" if reason is None else f"{sign}{report.kept[reason]:,} {words.REASONS[reason]}"
    return Figure(name=name, value=f"{sign}{total:,}", note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """What needs a person: a heading, what it is about, line by line, and how many more there are."""

    heading: str
    lines: Sequence[str]
    more: int = 0


def attention(report: Report) -> list[Concern]:
    """Return what needs a person, the worst first."""
    lingering = words.lingering(report)
    found: list[tuple[str, Sequence[str], int]] = [
        ("Unfinished", [] if report.ending is Ending.FINISHED else [f"{report.ending_words.rstrip('.')}."], 0),
        ("Refused by ECS", _troubles(report, OutcomeKind.REFUSED), report.outcome(OutcomeKind.REFUSED)),
        ("Failed", _troubles(report, OutcomeKind.FAILED), report.outcome(OutcomeKind.FAILED)),
        ("What is in use could not be read whole, so all it might name is kept", report.unreadable_usage, 0),
        ("Near the end of their numbers", words.out_of_numbers(report), 0),
        (lingering[0].rstrip(":") if lingering else "", lingering[1:], 0),
        ("ACTIVE orphans", words.orphans(report), 0),
        ("Not read to the end", report.families_not_read, 0),
        ("Warnings", report.warnings, 0),
    ]
    return [
        Concern(heading=heading, lines=lines[:SHOWN], more=max(total, len(lines)) - len(lines[:SHOWN]))
        for heading, lines, total in found
        if lines
    ]


def _troubles(report: Report, kind: OutcomeKind) -> list[str]:
    return [f"{each.revision}: {each.words}" for each in report.troubles if each.kind is kind]

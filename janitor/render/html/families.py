"""The families in the page's table: how near the limit each is, and what goes and stays of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from janitor.core.model import Mode, OutcomeKind
from janitor.render import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from janitor.core.report import FamilyReport, Report

WARNING, CRITICAL = 80.0, 95.0
"""Percent of the limit from which a bar changes its colour, as the alarms do."""

_OUTCOMES = {
    OutcomeKind.DELETED: "Deleted",
    OutcomeKind.REFUSED: "Refused",
    OutcomeKind.FAILED: "Failed",
    OutcomeKind.NOT_ATTEMPTED: "Not tried",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A family in the table: its utilizations in percent, and its cells under the headings.

    ``by_number`` is there where a bar can show that it is not ``by_count``.
    """

    family: FamilyReport
    by_count: float
    by_number: float | None
    level: str
    cells: Sequence[str]


def headings(report: Report) -> list[str]:
    """Return the headings of what goes and what stays."""
    if report.mode is Mode.REPORT:
        return ["Would go", "Would stay"]
    return [*(name for kind, name in _OUTCOMES.items() if _is_told(report, kind)), "Kept"]


def _is_told(report: Report, kind: OutcomeKind) -> bool:
    return kind is OutcomeKind.DELETED or report.outcome(kind) > 0


def rows(report: Report) -> list[Row]:
    """Return the families, the fullest first."""
    ordered = sorted(report.families, key=lambda family: (-utilization(family), family.family))
    return [
        Row(
            family=family,
            by_count=min(100.0, family.count_utilization or 0),
            by_number=_tick(family),
            level=level(utilization(family)),
            cells=_cells(report, family),
        )
        for family in ordered
    ]


def _cells(report: Report, family: FamilyReport) -> list[str]:
    kept = f"{sum(family.kept.values()):,}"
    if report.mode is Mode.DELETE:
        return [
            *(words.number(family.outcome(kind)) for kind in _OUTCOMES if _is_told(report, kind)),
            kept,
        ]
    unread = family.inactive is None and not family.judged
    unknown = family.inactive is None or family.due.is_bound
    return [
        "-" if unread else words.about(family.due),
        "-" if unknown else f"{'' if family.due.is_exact else '~'}{kept}",
    ]


def _tick(family: FamilyReport) -> float | None:
    number, count = family.number_utilization or 0.0, family.count_utilization or 0.0
    return min(100.0, number) if number - count >= 1.0 else None


def utilization(family: FamilyReport) -> float:
    """Return the larger utilization, less than nothing where none is known."""
    return max(-1.0 if each is None else each for each in (family.count_utilization, family.number_utilization))


def level(share: float) -> str:
    """Return the class of a utilization: none, warning or critical."""
    return "critical" if share >= CRITICAL else "warning" if share >= WARNING else ""

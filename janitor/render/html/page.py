"""The report as one page of HTML: no network, no script, light and dark, on a screen, a phone and on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from janitor.core.model import Mode
from janitor.render import words
from janitor.render.html import ages, families, filled, shares
from janitor.render.html.figures import attention, figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from janitor.core.report import Report

FAMILIES_SHOWN = 20
"""Families in the first table; the others are folded."""

FAMILIES_LISTED = 2_000
"""Families on a page at most, the fullest first; the others are counted."""


def report_page(report: Report) -> str:
    """Return the report as a whole HTML document."""
    what, *where = words.title(report).split(" · ")
    rows = families.rows(report)
    return filled(
        "page.html",
        report=report,
        would=report.mode is Mode.REPORT,
        title=words.title(report),
        what=what,
        where=where,
        figures=figures(report),
        outcome=[*words.outcome(report), *words.deregistered(report)],
        plan=[] if report.applied_plan is None else words.applied(report, report.applied_plan),
        attention=attention(report),
        headings=families.headings(report),
        shown=rows[:FAMILIES_SHOWN],
        folded=rows[FAMILIES_SHOWN:FAMILIES_LISTED],
        left_out=max(0, len(rows) - FAMILIES_LISTED),
        growth=words.growth(report),
        ages=ages.of_rules(report),
        coming=ages.coming(report),
        reasons=shares.reasons(report),
        registrants=shares.registrants(report),
        policy=_nested(report.policy),
        calls=[(name, made, report.throttled_calls.get(name, 0)) for name, made in report.api_calls.items()],
        total_calls=words.calls(report),
    )


def _nested(policy: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return the policy as heads with what is indented below each."""
    heads: list[tuple[str, list[str]]] = []
    for line in policy:
        if line.startswith(" ") and heads:
            heads[-1][1].append(line.strip())
        else:
            heads.append((line, []))
    return heads

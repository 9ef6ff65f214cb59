"""The report as Markdown for a pull request or a chat, and as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import re
from io import StringIO
from typing import TYPE_CHECKING

from janitor.core.model import OF_DELETIONS, Mode
from janitor.render.json import report_fields
from janitor.render.words import about, at_most, calls, families, number, percent, plain, revisions, summary, title

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from janitor.core.report import FamilyReport, Report

FAMILIES_SHOWN = 20
"""Families that Markdown shows unfolded: those of which the most goes."""

FAMILIES_FOLDED = 200
"""Families that it folds at most: a comment on GitHub takes 65,536 characters."""

TROUBLES_SHOWN = 20

_CSV_COLUMNS = (
    "family",
    "rule",
    "revision_count",
    "count_is_exact",
    "active",
    "inactive",
    "delete_in_progress",
    "delete_in_progress_age",
    "lowest_revision",
    "highest_revision",
    "count_utilization",
    "number_utilization",
    "judged",
    "due",
    "due_low",
    "due_high",
    "due_is_exact",
    "deleted",
    "refused",
    "failed",
    "not_attempted",
    "kept",
    "active_orphans",
)


def report_markdown(report: Report) -> str:
    """Return the report for a pull request or a chat: what matters first, the rest folded, of bounded length."""
    lines = [f"### {escaped(title(report))}", "", *(f"- {escaped(line.strip())}" for line in summary(report)), ""]
    moving = [family for family in report.families if family.due.high or any(family.outcomes.values())]
    shown = {id(family) for family in sorted(moving, key=lambda each: -each.due.value)[:FAMILIES_SHOWN]}
    first = [family for family in report.families if id(family) in shown]
    rest = [family for family in report.families if id(family) not in shown]
    if first:
        lines.extend([*_families(report, first, total=len(report.families) > 1), ""])
    if rest:
        more = f"{families(len(rest))} {'more' if first else 'of which nothing goes'}"
        cut = [f"And {len(rest) - FAMILIES_FOLDED:,} more."] if len(rest) > FAMILIES_FOLDED else []
        lines.extend(folded(more, [*_families(report, rest[:FAMILIES_FOLDED]), *(["", *cut] if cut else [])]))
    if report.troubles:
        named = [
            f"- {escaped(f'{each.revision} {each.kind}: {each.words}')}" for each in report.troubles[:TROUBLES_SHOWN]
        ]
        lines.extend(folded(f"{revisions(len(report.troubles))} refused or failed", named))
    lines.extend(folded("Policy", code_block(report.policy)))
    return "\n".join([*lines, f"{calls(report)}."]) + "\n"


def _families(report: Report, shown: Sequence[FamilyReport], *, total: bool = False) -> list[str]:
    """Return families as a Markdown table, under it the sums over all families if they are asked for."""
    would = report.mode is Mode.REPORT
    outcome = ["Would go"] if would else ["Deleted", "Refused", "Failed", "Not tried"]
    headings = ["Family", "Revisions", "Of limit", "INACTIVE", *outcome, "Would stay" if would else "Kept"]
    rows = [
        [
            escaped(family.family),
            at_most(family.revision_count),
            percent(family.count_utilization),
            at_most(family.inactive),
            *([about(family.due)] if would else [number(family.outcome(kind)) for kind in OF_DELETIONS]),
            number(sum(family.kept.values())),
        ]
        for family in shown
    ]
    if total:
        sums = [about(report.due)] if would else [number(report.outcome(kind)) for kind in OF_DELETIONS]
        named = [families(len(report.families)), *sums, number(sum(report.kept.values()))]
        bold = [f"**{each}**" for each in named]
        rows.append([bold[0], "", "", "", *bold[1:]])
    return [row(headings), row(["---", *["---:"] * (len(headings) - 1)]), *map(row, rows)]


def report_csv(report: Report) -> str:
    """Return one line a family; cells that a spreadsheet would take for a formula are made harmless."""
    file = StringIO()
    writer = csv.DictWriter(file, _CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for family in report_fields(report)["families"]:
        writer.writerow({column: _harmless(family[column]) for column in _CSV_COLUMNS})
    return file.getvalue()


def row(cells: Iterable[str]) -> str:
    """Return a row of a Markdown table; the cells are Markdown."""
    return f"| {' | '.join(cells)} |"


def folded(heading: str, lines: Iterable[str]) -> list[str]:
    """Return lines of Markdown that GitHub folds; elsewhere they stand as they are."""
    return ["<details>", f"<summary>{heading}</summary>", "", *lines, "", "</details>", ""]


def code_block(lines: Iterable[str], language: str = "") -> list[str]:
    """Return lines as they are, none of which can end the block."""
    content = [plain(line) for line in lines]
    longest = max((len(run) for line in content for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *content, fence]


def escaped(text: str) -> str:
    """Return a text that Markdown shows as it is, which names nobody and no issue.

    Angle brackets as entities, since chats know no backslash; a word joiner after @ and # keeps a code host, which
    looks for them in what is rendered, from a mention or a link.
    """
    return "".join(_ESCAPED.get(char, char) for char in plain(text))


_ESCAPED = {
    **{char: f"\\{char}" for char in "\\`*_[]|~"},
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "@": "@\N{WORD JOINER}",
    "#": "\\#\N{WORD JOINER}",
}


_FORMULA = re.compile(r"(^|[,;|\"])(\s*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n])")
"""What a spreadsheet computes, full-width forms included, at a text's beginning or after what may end a cell in it.

(OWASP, CSV injection: the separator is the reader's choice.)
"""


def _harmless(value: object) -> object:
    """Put a quote before what a spreadsheet would compute."""
    return plain(_FORMULA.sub(r"\1'\2", value)) if isinstance(value, str) else value

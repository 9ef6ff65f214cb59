"""The report as Markdown for a pull request or a chat, and as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import re
from io import StringIO
from typing import TYPE_CHECKING

from janitor.core.model import OF_DELETIONS, Mode
from janitor.render.json import report_fields
from janitor.render.words import about, at_most, calls, number, percent, plain, summary, title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from janitor.core.report import Report

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
    """Return the report as Markdown."""
    would = report.mode is Mode.REPORT
    outcome = ["Would go"] if would else ["Deleted", "Refused", "Failed", "Not tried"]
    lines = [f"### {escaped(title(report))}", ""]
    lines.extend(f"- {escaped(line.strip())}" for line in summary(report))
    lines.extend(f"- {escaped(f'{each.revision} {each.kind}: {each.words}')}" for each in report.troubles[:20])
    lines.append("")
    headings = ["Family", "Revisions", "Of limit", "INACTIVE", *outcome, "Would stay" if would else "Kept"]
    lines.append(row(headings))
    lines.append(row(["---", *["---:"] * (len(headings) - 1)]))
    lines.extend(
        row([
            escaped(family.family),
            at_most(family.revision_count),
            percent(family.count_utilization),
            at_most(family.inactive),
            *([about(family.due)] if would else [number(family.outcome(kind)) for kind in OF_DELETIONS]),
            number(sum(family.kept.values())),
        ])
        for family in report.families
    )  # fmt: skip
    lines.extend(["", "Policy:", "", *(f"    {plain(line)}" for line in report.policy), "", f"{calls(report)}."])
    return "\n".join(lines) + "\n"


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
    **{char: f"\\{char}" for char in "\\`*_{}[]()+!|~"},
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "@": "@\N{WORD JOINER}",
    "#": "\\#\N{WORD JOINER}",
}


def _harmless(value: object) -> object:
    """Put a quote before a text that a spreadsheet would compute, whatever it skips before."""
    if not isinstance(value, str):
        return value
    return f"'{plain(value)}" if value.lstrip().startswith(("=", "+", "-", "@")) else plain(value)

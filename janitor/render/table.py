"""The report as a table in a terminal, readable at 80 columns."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from janitor.core.model import OF_DELETIONS, Decision, Mode, OutcomeKind, Reason, Status
from janitor.core.plan import ranges
from janitor.render.words import SHORTLY, about, at_most, calls, families, number, percent, plain, summary, title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from janitor.core.model import Verdict
    from janitor.core.report import FamilyReport, Report
    from janitor.sweep.explain import Explanation, FamilyExplanation

TROUBLES_SHOWN = 20

_CODE = re.compile(r"\x1b\[[\d;]*m")
_TRAILING = re.compile(rf"(?:\s|{_CODE.pattern})+$")
"""Blanks at a line's end, perhaps coloured."""

IMAGES_SHOWN = 20
"""Images of a family that are named with the revisions that have them."""

_WITH_BOTH_DATES = 70
"""Columns from which the map of a family has room for both dates."""

_DECISION = 18
"""Columns that a verdict takes at least in the map of a family."""


def drawn(parts: Sequence[RenderableType], *, width: int, color: bool) -> str:
    """Return renderables as text of a width, with or without colour."""
    file = StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    return "\n".join(_TRAILING.sub(_codes, line) for line in file.getvalue().splitlines()) + "\n"


def _codes(end: re.Match[str]) -> str:
    return "".join(_CODE.findall(end[0]))


def report_table(report: Report, *, width: int, color: bool) -> str:
    """Return the whole report: families, summary, troubles, policy."""
    parts: list[RenderableType] = [Text(title(report), style="bold")]
    if report.families:
        parts.append(_would_table(report, width) if report.mode is Mode.REPORT else _did_table(report, width))
    else:
        parts.append("")
    parts.extend(Text(line) for line in summary(report))
    if report.troubles:
        parts.extend(["", Text("Refused or failed", style="bold red")])
        for outcome in report.troubles[:TROUBLES_SHOWN]:
            words = plain(f"{outcome.revision} {outcome.kind}: {outcome.words}")
            parts.append(Padding(Text(words), (0, 0, 0, 2)))
        if len(report.troubles) > TROUBLES_SHOWN:
            parts.append(Text(f"  and {len(report.troubles) - TROUBLES_SHOWN:,} more; --format json names them"))
    parts.extend(["", Text("Policy", style="bold")])
    parts.extend(_indented(line) for line in report.policy)
    parts.extend(["", Text(f"Sweep {report.sweep_id}: {calls(report)}.", style="dim")])
    return drawn(parts, width=width, color=color)


def explanation_story(explanation: Explanation, *, width: int, color: bool) -> str:
    """Return one revision as a short story: what it is, what would become of it, and why."""
    described, verdict = explanation.description, explanation.verdict
    revision = described.revision
    story = Table.grid(padding=(0, 2))
    story.add_column(style="dim", no_wrap=True)
    story.add_column(overflow="fold")
    for container, image in sorted(described.images.items()):
        story.add_row("image", plain(f"{image} ({container})"))
    story.add_row("registered", _moment(revision.registered_at))
    if described.registered_by is not None:
        story.add_row("  by", plain(described.registered_by))
    active = revision.status is Status.ACTIVE
    story.add_row("deregistered", "not yet" if active else _moment(revision.deregistered_at))
    story.add_row("status", revision.status)
    rule = ["none"] if explanation.rule is None else explanation.rule.sentences()
    story.add_row("rule", Group(*(_indented(line, 0) for line in rule)))
    story.add_row("used by", plain(explanation.used_by or "nothing that was found"))
    for source in explanation.unreadable_usage:
        story.add_row("not read", plain(source))
    if explanation.orphan is not None:
        story.add_row("orphan", plain(f"{explanation.orphan.decision}: {explanation.orphan.words}"))
    story.add_row("verdict", Text(f"{verdict.decision}: {plain(verdict.words)}", style="bold"))
    return drawn([Text(plain(str(revision.id)), style="bold"), story], width=width, color=color)


def family_map(explained: FamilyExplanation, *, width: int, color: bool) -> str:
    """Return a family's revisions with their verdicts, newest first, a line each where it fits, and its images."""
    parts: list[RenderableType] = [Text(f"{plain(explained.family)}, newest first", style="bold")]
    if explained.explanations:
        rule = explained.explanations[0].rule
        parts.extend(_indented(line) for line in (() if rule is None else rule.sentences()))
        parts.extend([_revisions_table(explained.explanations, width), Text("Images", style="bold")])
        parts.extend(_images(explained.explanations))
    if not explained.selected:
        parts.append(Text("The run is narrowed to other families: a sweep would not look at this one."))
    parts.extend(Text(plain(f"Not described: {each}")) for each in explained.unreadable)
    if explained.cut_short:
        parts.append(Text("The budget of reads ended here; --max-reads N goes further down."))
    return drawn(parts, width=width, color=color)


def _revisions_table(explanations: Sequence[Explanation], width: int) -> Table:
    table = _table()
    table.add_column("Revision", justify="right", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    dates = ["Registered", "Deregistered"] if width >= _WITH_BOTH_DATES else ["Deregistered"]
    for heading in dates:
        table.add_column(heading, no_wrap=True)
    table.add_column("Verdict", overflow="fold", min_width=_DECISION)
    for each in explanations:
        revision = each.description.revision
        known = {"Registered": revision.registered_at, "Deregistered": revision.deregistered_at}
        table.add_row(
            str(revision.id.number),
            revision.status.replace("DELETE_IN_PROGRESS", "DELETING"),
            *(
                _day(known[heading], missing="-" if revision.status is Status.ACTIVE else "unknown")
                for heading in dates
            ),
            Text(plain(_shortly(each)), style="" if _verdict(each).decision is Decision.KEEP else "bold"),
        )
    return table


def _verdict(explained: Explanation) -> Verdict:
    """Return the verdict that matters: of an ACTIVE revision under a rule that deregisters orphans, that one."""
    return explained.orphan or explained.verdict


def _shortly(explained: Explanation) -> str:
    """Return a verdict in the words that are needed where its rule and its dates stand beside."""
    verdict = _verdict(explained)
    words = SHORTLY.get(verdict.reason, verdict.words)
    if verdict.reason is Reason.YOUNG:  # the dates that it goes on with stand beside
        words = words.rpartition(", ")[2]
    if explained.used_by and explained.used_by != verdict.words:
        words = f"{words} ({explained.used_by})"
    return f"{verdict.decision}: {words}"


def _images(explanations: Sequence[Explanation]) -> Iterator[RenderableType]:
    """Yield each set of images, the one used last first, with the revisions that have it."""
    numbers: dict[str, list[int]] = {}
    for each in explanations:
        images = ", ".join(_without_registry(image) for _, image in sorted(each.description.images.items()))
        numbers.setdefault(plain(images) or "none", []).append(each.description.revision.id.number)
    for images, having in list(numbers.items())[:IMAGES_SHOWN]:
        yield Padding(Text(f"{images}: {ranges(reversed(having)).replace(',', ', ')}"), (0, 0, 0, 2))
    if len(numbers) > IMAGES_SHOWN:
        yield Padding(Text(f"and {len(numbers) - IMAGES_SHOWN:,} more; --format json names them"), (0, 0, 0, 2))


def _would_table(report: Report, width: int) -> Table:
    def row(family: FamilyReport) -> dict[str, str]:
        unknown = family.inactive is None or family.due.is_bound
        stays = "-" if unknown else f"{'' if family.due.is_exact else '~'}{sum(family.kept.values()):,}"
        return {
            "Revisions": at_most(family.revision_count),
            "Of limit": percent(family.count_utilization),
            "INACTIVE": at_most(family.inactive),
            "Goes": about(family.due) if family.judged or family.inactive is not None else "-",
            "Stays": stays,
        }

    sums = {
        "Goes": about(report.due),
        "Stays": f"{'' if report.due.is_exact else '~'}{sum(report.kept.values()):,}",
    }
    return _families_table(report, row, sums, dispensable=("Of limit", "INACTIVE"), width=width)


def _did_table(report: Report, width: int) -> Table:
    troubled = [kind for kind in OF_DELETIONS if kind is not OutcomeKind.DELETED and report.outcome(kind)]

    def row(family: FamilyReport) -> dict[str, str]:
        return {
            "Deleted": number(family.outcome(OutcomeKind.DELETED)),
            **{_HEADINGS[kind]: number(family.outcome(kind)) for kind in troubled},
            "Kept": number(sum(family.kept.values())),
            "INACTIVE now": at_most(family.inactive),
            "Of limit": percent(family.count_utilization),
        }

    sums = {_HEADINGS[kind]: number(report.outcome(kind)) for kind in (OutcomeKind.DELETED, *troubled)}
    sums["Kept"] = number(sum(report.kept.values()))
    return _families_table(report, row, sums, dispensable=("Of limit", "INACTIVE now"), width=width)


_HEADINGS = {
    OutcomeKind.DELETED: "Deleted",
    OutcomeKind.REFUSED: "Refused",
    OutcomeKind.FAILED: "Failed",
    OutcomeKind.NOT_ATTEMPTED: "Not tried",
}


def _families_table(
    report: Report,
    row: Callable[[FamilyReport], Mapping[str, str]],
    sums: Mapping[str, str],
    *,
    dispensable: Sequence[str],
    width: int,
) -> Table:
    """Return families as a table, without the dispensable columns where names would be broken for them."""
    rows = [(Text(plain(family.family)), row(family)) for family in report.families]
    last = Text(f"{families(len(rows))}"), dict.fromkeys(rows[0][1], "") | dict(sums)
    headings = list(rows[0][1])
    for each in dispensable:
        if _width([*rows, last], headings) > width:
            headings.remove(each)
    table = _table()
    table.add_column("Family", overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, cells in rows:
        table.add_row(name, *(cells[each] for each in headings))
    if len(rows) > 1:
        table.add_section()
        table.add_row(last[0], *(last[1][each] for each in headings), style="bold")
    return table


def _width(rows: Sequence[tuple[Text, Mapping[str, str]]], headings: Sequence[str]) -> int:
    """Return the columns that a table of these takes if nothing in it is broken."""
    cells = [max(cell_len(heading), *(cell_len(row[heading]) for _, row in rows)) for heading in headings]
    return max(name.cell_len for name, _ in rows) + sum(2 + each for each in cells) + 1


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)


def _indented(line: str, margin: int = 2) -> Padding:
    """Return a line of the policy, its further lines as deep as its first."""
    text = line.lstrip()
    return Padding(Text(plain(text)), (0, 0, 0, margin + len(line) - len(text)))


def _without_registry(image: str) -> str:
    """Return an image without the address of its registry, which all rows share and none has room for."""
    registry, slash, name = image.partition("/")
    return name if slash and "." in registry else image


def _moment(date: datetime | None) -> str:
    return "unknown" if date is None else f"{date:%Y-%m-%d %H:%M} UTC"


def _day(date: datetime | None, *, missing: str) -> str:
    return missing if date is None else f"{date:%Y-%m-%d}"

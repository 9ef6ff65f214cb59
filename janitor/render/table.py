"""The report as a table in a terminal, readable at 80 columns."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from janitor.core.model import OF_DELETIONS, Mode, OutcomeKind, Status
from janitor.render.words import about, at_most, calls, number, percent, plain, summary, title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from janitor.core.report import FamilyReport, Report
    from janitor.sweep.explain import Explanation, FamilyExplanation

TROUBLES_SHOWN = 20


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
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def report_table(report: Report, *, width: int, color: bool) -> str:
    """Return the whole report: families, summary, troubles, policy."""
    parts: list[RenderableType] = [Text(title(report), style="bold"), ""]
    if report.families:
        parts.append(_would_table(report) if report.mode is Mode.REPORT else _did_table(report))
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
    story.add_row("registered", _moment(revision.registered_at) + _by(described.registered_by))
    active = revision.status is Status.ACTIVE
    story.add_row("deregistered", "not yet" if active else _moment(revision.deregistered_at))
    story.add_row("status", revision.status)
    story.add_row("rule", "none" if explanation.rule is None else "\n".join(map(plain, explanation.rule.sentences())))
    story.add_row("used by", plain(explanation.used_by or "nothing that was found"))
    for source in explanation.unreadable_usage:
        story.add_row("not read", plain(source))
    if explanation.orphan is not None:
        story.add_row("orphan", plain(f"{explanation.orphan.decision}: {explanation.orphan.words}"))
    story.add_row("verdict", Text(f"{verdict.decision}: {plain(verdict.words)}", style="bold"))
    return drawn([Text(plain(str(revision.id)), style="bold"), story], width=width, color=color)


def family_map(explained: FamilyExplanation, *, width: int, color: bool) -> str:
    """Return a family's revisions with their images and verdicts, newest first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("Revision", justify="right", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    table.add_column("Registered", no_wrap=True)
    table.add_column("Image", overflow="fold", ratio=1)
    table.add_column("Verdict", overflow="fold", ratio=1)
    for each in explained.explanations:
        revision, verdict = each.description.revision, each.orphan or each.verdict
        used = f" (used: {each.used_by})" if each.used_by and verdict.words != each.used_by else ""
        table.add_row(
            str(revision.id.number),
            revision.status.replace("DELETE_IN_PROGRESS", "DELETING"),
            "unknown" if revision.registered_at is None else f"{revision.registered_at:%Y-%m-%d}",
            plain(", ".join(_without_registry(image) for _, image in sorted(each.description.images.items()))),
            plain(f"{verdict.decision}: {verdict.words}{used}"),
        )
    parts: list[RenderableType] = [Text(f"{plain(explained.family)}, newest first", style="bold"), table]
    if not explained.selected:
        parts.append(Text("The run is narrowed to other families: a sweep would not look at this one."))
    parts.extend(Text(plain(f"Not described: {each}")) for each in explained.unreadable)
    if explained.cut_short:
        parts.append(Text("The budget of reads ended here; --max-reads N goes further down."))
    return drawn(parts, width=width, color=color)


def _would_table(report: Report) -> Table:
    table = _families_table("Revisions", "Of limit", "INACTIVE", "Goes", "Stays")
    for family in report.families:
        unknown = family.inactive is None or family.due.is_bound
        stays = "-" if unknown else f"{'' if family.due.is_exact else '~'}{sum(family.kept.values()):,}"
        table.add_row(
            Text(plain(family.family)),
            at_most(family.revision_count),
            percent(family.count_utilization),
            at_most(family.inactive),
            about(family.due) if family.judged or family.inactive is not None else "-",
            stays,
        )
    if len(report.families) > 1:
        table.add_section()
        table.add_row(
            Text(f"{len(report.families):,} families"),
            "",
            "",
            "",
            about(report.due),
            f"{'' if report.due.is_exact else '~'}{sum(report.kept.values()):,}",
            style="bold",
        )
    return table


def _did_table(report: Report) -> Table:
    troubled = [kind for kind in OF_DELETIONS if kind is not OutcomeKind.DELETED and report.outcome(kind)]
    table = _families_table("Deleted", *(_HEADINGS[kind] for kind in troubled), "Kept", "INACTIVE now", "Of limit")

    def row(family: FamilyReport) -> list[str]:
        return [
            number(family.outcome(OutcomeKind.DELETED)),
            *(number(family.outcome(kind)) for kind in troubled),
            number(sum(family.kept.values())),
            at_most(family.inactive),
            percent(family.count_utilization),
        ]

    for family in report.families:
        table.add_row(Text(plain(family.family)), *row(family))
    if len(report.families) > 1:
        table.add_section()
        totals = [number(report.outcome(kind)) for kind in (OutcomeKind.DELETED, *troubled)]
        table.add_row(
            Text(f"{len(report.families):,} families"), *totals, number(sum(report.kept.values())), style="bold"
        )
    return table


_HEADINGS = {
    OutcomeKind.DELETED: "Deleted",
    OutcomeKind.REFUSED: "Refused",
    OutcomeKind.FAILED: "Failed",
    OutcomeKind.NOT_ATTEMPTED: "Not tried",
}


def _families_table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("Family", overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _indented(line: str) -> Padding:
    """Return a line of the policy, its further lines as deep as its first."""
    text = line.lstrip()
    return Padding(Text(plain(text)), (0, 0, 0, 2 + len(line) - len(text)))


def _without_registry(image: str) -> str:
    """Return an image without the address of its registry, which all rows share and none has room for."""
    registry, slash, name = image.partition("/")
    return name if slash and "." in registry else image


def _moment(date: object) -> str:
    return "unknown" if date is None else f"{date:%Y-%m-%d %H:%M} UTC"


def _by(who: str | None) -> str:
    return "" if who is None else f" by {plain(who)}"

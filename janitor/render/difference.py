"""What two reports decide differently, for a terminal, a pull request and programs. A is the first, B the second."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from janitor.core.difference import UNKNOWN_ABOVE, Sameness, Sign
from janitor.core.model import Reason
from janitor.core.plan import ranges
from janitor.render.documents import code_block, escaped, folded, row
from janitor.render.table import drawn
from janitor.render.words import REASONS, about, families, plain, revisions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.console import RenderableType

    from janitor.core.boundary import Estimate
    from janitor.core.difference import Difference, FamilyDifference, FamilySide, Figure, Side
    from janitor.core.numbers import NumberSet

SCHEMA_VERSION = 1
"""Of the difference as JSON. Rises when a field goes or changes its meaning; new fields may come without."""

FAMILIES_SHOWN = 50
"""Differing families that are shown to people, those first in which the most would go that did not; JSON has all."""

LONGEST_RANGES = 300
"""Characters of revision numbers that are shown to people."""

_FIGURES = {
    "due": "due",
    "kept": "kept",
    "deleted": "deleted",
    "refused": "refused",
    "failed": "failed",
    "not_attempted": "not attempted",
    "active_orphans": "ACTIVE orphans",
    "to_deregister": "to deregister",
    "deregistered": "deregistered",
    "revision_count": "revisions",
}

_STYLES = {Sign.BEFORE: "red", Sign.AFTER: "green", Sign.BOTH: "dim"}


def difference_table(made: Difference, *, width: int, color: bool) -> str:
    """Return the difference for a terminal."""
    parts: list[RenderableType] = [Text("What two reports decide differently", style="bold"), ""]
    for letter, side in (("A", made.before), ("B", made.after)):
        parts.append(_hanging(letter, plain(f"{side.name}: {_made(side)}")))
    parts.append("")
    if not made.same_place:
        parts.extend([Text(_other_place(made), style="bold red"), ""])
    parts.extend(Text(plain(line)) for line in summary(made))
    if not made.same_policy:
        parts.extend(["", Text("Policy", style="bold")])
        parts.extend(_hanging(f"  {sign}", plain(line), _STYLES[sign]) for sign, line in policy_lines(made))
    shown = _differing(made)
    for family, each in shown[:FAMILIES_SHOWN]:
        parts.extend(["", Text(f"~ {plain(family)}", style="yellow"), _changes(each)])
    for sign, style, names, side in (
        (Sign.AFTER, "green", made.came, made.after),
        (Sign.BEFORE, "red", made.went, made.before),
    ):
        if names:
            parts.append("")
        parts.extend(
            Text(f"{sign} {plain(family)}: {_has(side, family)}", style=style) for family in names[:FAMILIES_SHOWN]
        )
    left = sum(max(0, len(each) - FAMILIES_SHOWN) for each in (shown, made.came, made.went))
    if left:
        parts.extend(["", Text(f"{families(left)} more differ; --format json names them.")])
    return drawn(parts, width=width, color=color)


def difference_markdown(made: Difference) -> str:
    """Return the difference for a pull request or a chat: what matters first, the rest folded."""
    lines = ["### What two reports decide differently", ""]
    lines.extend(
        f"- **{letter}** {escaped(f'{side.name}: {_made(side)}')}"
        for letter, side in (("A", made.before), ("B", made.after))
    )
    if not made.same_place:
        lines.extend(["", f"**{escaped(_other_place(made))}**"])
    lines.extend(["", *(f"- {escaped(line)}" for line in summary(made)), ""])
    shown = _differing(made)
    if shown or made.came or made.went:
        lines.extend([row(["", "Family", "Due", "Kept", "Revisions"]), row(["---", "---", "---:", "---:", "---:"])])
        lines.extend(
            row(["~", escaped(family), *(_arrow(each.figures.get(name)) for name in ("due", "kept", "revision_count"))])
            for family, each in shown[:FAMILIES_SHOWN]
        )
        for sign, names, side in ((Sign.AFTER, made.came, made.after), (Sign.BEFORE, made.went, made.before)):
            lines.extend(
                row([f"\\{sign}", escaped(family), *_alone(side.families[family])]) for family in names[:FAMILIES_SHOWN]
            )
        lines.append("")
    if not made.same_policy:
        lines.extend(folded("Policy", code_block([f"{sign} {line}" for sign, line in policy_lines(made)], "diff")))
    details = [
        f"- {escaped(f'{family}: {label} {arrow}')}"
        for family, each in shown[:FAMILIES_SHOWN]
        for label, arrow, _ in _changed(each)
    ]
    if details:
        lines.extend(folded("Family by family", details))
    return "\n".join(lines).rstrip() + "\n"


def difference_json(made: Difference) -> str:
    """Return the difference for programs, whole."""
    value = {
        "schema_version": SCHEMA_VERSION,
        "sameness": made.sameness.value,
        "same_place": made.same_place,
        "same_policy": made.same_policy,
        "before": _side(made.before),
        "after": _side(made.after),
        "policy": [{"sign": sign.value, "line": line} for sign, line in made.policy],
        "totals": _fields(made.totals),
        "families": [{"family": family, **_fields(each)} for family, each in made.families.items()],
        "only_before": [_lone(made.before, family) for family in made.went],
        "only_after": [_lone(made.after, family) for family in made.came],
        "untold": list(made.untold),
    }
    return json.dumps(value, indent=2) + "\n"


def summary(made: Difference) -> list[str]:
    """Return what a person needs to know, a sentence a line, the most important first."""
    lines = [_verdict(made), *_endings(made)]
    if made.both_plan:
        lines.append(_plans(made))
    if made.came:
        lines.append(f"In B alone: {families(len(made.came))}.")
    if made.went:
        lines.append(f"In A alone: {families(len(made.went))}.")
    if made.untold:
        lines.append(
            f"In one of them {families(len(made.untold))} may have been left out or not read: {_some(made.untold)}."
        )
    counts = dict.fromkeys(Sameness, 0)
    for each in made.families.values():
        counts[each.sameness] += 1
    if counts[Sameness.OPEN]:
        lines.append(
            f"In {families(counts[Sameness.OPEN])} there is no telling: what was estimated or not looked at leaves it "
            "open. Reports made with --exact tell."
        )
    if counts[Sameness.SAME] and made.sameness is not Sameness.SAME:
        lines.append(f"The same in both: {families(counts[Sameness.SAME])}.")
    return lines


def policy_lines(made: Difference) -> Iterator[tuple[Sign, str]]:
    """Yield the lines in which the policies differ, the heading of their rule before them."""
    heading: str | None = None
    for sign, line in made.policy:
        is_heading = not line.startswith(" ")
        if sign is Sign.BOTH:
            heading = line if is_heading else heading
            continue
        if heading is not None and not is_heading:
            yield Sign.BOTH, heading
        heading = None
        yield sign, line


def _verdict(made: Difference) -> str:
    due = made.totals.figures["due"]
    before, after = due.before, due.after
    if made.sameness is Sameness.SAME:
        return "They decide the same."
    if before is None or after is None or due.sameness is Sameness.OPEN:
        return f"Whether more or fewer are due in all there is no telling: {_arrow(due)}."
    if due.sameness is Sameness.SAME:
        return f"In all as many are due: {after.value:,}."
    sign = "" if before.is_exact and after.is_exact else "about "
    more = "more" if after.value > before.value else "fewer"
    return f"In B {sign}{revisions(abs(after.value - before.value))} {more} are due: {_arrow(due)}."


def _plans(made: Difference) -> str:
    plans = [each.plan for each in made.families.values() if each.plan is not None]
    before = sum(len(each.only_before) for each in plans) + sum(len(made.before.planned(each)) for each in made.went)
    after = sum(len(each.only_after) for each in plans) + sum(len(made.after.planned(each)) for each in made.came)
    if not before and not after:
        return "Their plans name the same revisions."
    return f"A's plan alone names {revisions(before)}, B's alone {revisions(after)}."


def _endings(made: Difference) -> Iterator[str]:
    before, after = made.before, made.after
    if before.mode != after.mode:
        yield f"A is {_kind(before)}, B is {_kind(after)}."
    if before.ending != after.ending:
        yield f"A: {before.ending_reason.rstrip('.')}. B: {after.ending_reason.rstrip('.')}."
    for what, one, other in (
        ("what says who uses a revision", before.usage_not_read, after.usage_not_read),
        ("families", before.families_not_read, after.families_not_read),
    ):
        for letter, mine, others in (("A", one, other), ("B", other, one)):
            alone = [each for each in mine if each not in others]
            if alone:
                yield f"Only {letter} could not read {what}: {_some(alone)}."


def _kind(side: Side) -> str:
    return "a report" if side.mode == "report" else "a sweep"


def _made(side: Side) -> str:
    where = f"{side.account or 'unknown account'} · {side.region}"
    return f"{_kind(side)} of {side.started_at:%Y-%m-%d %H:%M} UTC · {where} · version {side.version}"


def _other_place(made: Difference) -> str:
    places = [f"{account or 'unknown account'} · {region}" for account, region in (made.before.place, made.after.place)]
    return f"These are reports of different places, {places[0]} and {places[1]}: families of one name are not the same."


def _differing(made: Difference) -> list[tuple[str, FamilyDifference]]:
    found = [item for item in made.families.items() if item[1].sameness is Sameness.DIFFERENT]
    return sorted(found, key=lambda item: (-_moved(item[1]), item[0]))


def _moved(each: FamilyDifference) -> int:
    due = each.figures["due"]
    return abs((due.after.value if due.after else 0) - (due.before.value if due.before else 0))


def _changes(each: FamilyDifference) -> Table:
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", min_width=12)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for label, arrow, change in _changed(each):
        table.add_row("", Text(plain(label)), Text(arrow), Text(change))
    return table


def _changed(each: FamilyDifference) -> Iterator[tuple[str, str, str]]:
    """Yield a label, what was and is, and by how much, of all that is not the same."""
    if each.before.rule != each.after.rule:
        yield "rule", plain(f"{each.before.rule or 'none'} → {each.after.rule or 'none'}"), ""
    labelled: Iterable[tuple[str, Figure]] = [
        *((_FIGURES[name], figure) for name, figure in each.figures.items() if name != "revision_count"),
        *((f"kept, {_reason(name)}", figure) for name, figure in each.kept.items()),
        *((_FIGURES[name], figure) for name, figure in each.figures.items() if name == "revision_count"),
    ]
    for label, figure in labelled:
        if figure.sameness is Sameness.DIFFERENT:
            yield label, _arrow(figure), _by(figure)
        elif figure.sameness is Sameness.OPEN and figure.before != figure.after:
            yield label, _arrow(figure), "no telling"
    if each.plan is not None:
        for words, numbers in (
            ("planned in A alone", each.plan.only_before),
            ("planned in B alone", each.plan.only_after),
        ):
            if numbers:
                yield words, _shortened(numbers), f"{len(numbers):,}"


def _reason(name: str) -> str:
    return REASONS[Reason(name)]


def _arrow(figure: Figure | None) -> str:
    """Return ``29 → 49``; a figure that is the same stands alone."""
    if figure is None:
        return "-"
    one, other = ("not read" if count is None else about(count) for count in (figure.before, figure.after))
    return one if one == other else f"{one} → {other}"


def _by(figure: Figure) -> str:
    if figure.before is None or figure.after is None:
        return ""
    sign = "" if figure.before.is_exact and figure.after.is_exact else "~"
    return f"{sign}{figure.after.value - figure.before.value:+,}"


def _has(side: Side, family: str) -> str:
    due, kept, count = _alone(side.families[family])
    planned = side.planned(family)
    return f"{due} due, {kept} kept, {count} revisions{f', planned {_shortened(planned)}' if planned else ''}"


def _alone(side: FamilySide) -> tuple[str, ...]:
    return tuple(about(side.figures.get(name)) for name in ("due", "kept", "revision_count"))


def _shortened(numbers: NumberSet) -> str:
    every = ranges(numbers).split(",")
    shown = list(every)
    while len(", ".join(shown)) > LONGEST_RANGES:
        shown = shown[: len(shown) * 3 // 4]
    more = len(every) - len(shown)
    return f"{', '.join(shown)}{f' and {more:,} more ranges' if more else ''}"


def _some(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - 5
    return f"{', '.join(every[:5])}{f' and {more:,} more' if more > 0 else ''}"


def _hanging(mark: str, text: str, style: str = "") -> Table:
    """Return a text whose further lines begin where its first does, after a mark."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    stripped = text.lstrip()
    table.add_row(Text(mark, style=style), Text(stripped, style=style))
    if stripped != text:
        table.columns[0].width = len(mark) + len(text) - len(stripped)
    return table


def _side(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "account": side.account,
        "region": side.region,
        "sweep_id": side.sweep_id,
        "version": side.version,
        "mode": side.mode,
        "started_at": side.started_at.isoformat(),
        "ending": side.ending,
        "ending_reason": side.ending_reason,
        "usage_not_read": list(side.usage_not_read),
        "families_not_read": list(side.families_not_read),
        "families_left_out": side.left_out,
    }


def _fields(each: FamilyDifference) -> dict[str, Any]:
    return {
        "sameness": each.sameness.value,
        "rule_before": each.before.rule,
        "rule_after": each.after.rule,
        "figures": _figures(each.figures),
        "kept_by_reason": _figures(each.kept),
        "planned_only_before": None if each.plan is None else ranges(each.plan.only_before),
        "planned_only_after": None if each.plan is None else ranges(each.plan.only_after),
        "planned_in_both": None if each.plan is None else each.plan.both,
    }


def _lone(side: Side, family: str) -> dict[str, Any]:
    found = side.families[family]
    return {
        "family": family,
        "rule": found.rule,
        "figures": {name: _value(count) for name, count in found.figures.items()},
        "kept_by_reason": {name: _value(count) for name, count in found.kept.items()},
        "planned": None if side.plan is None else ranges(side.planned(family)),
    }


def _figures(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {
        name: {
            "before": _value(figure.before),
            "after": _value(figure.after),
            "sameness": figure.sameness.value,
        }
        for name, figure in figures.items()
    }


def _value(count: Estimate | None) -> dict[str, Any] | None:
    if count is None:
        return None
    known = count.high < UNKNOWN_ABOVE
    return {"value": count.value, "low": count.low if known else None, "high": count.high if known else None}

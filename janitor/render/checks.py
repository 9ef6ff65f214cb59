"""A doctor's checks, a line each."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from janitor.core.check import State
from janitor.render.table import drawn
from janitor.render.words import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from janitor.core.check import Check

_STYLES = {State.OK: "green", State.WARNING: "yellow", State.PROBLEM: "bold red", State.NOT_TRIED: "dim"}


def checks_table(checks: Sequence[Check], *, width: int, color: bool) -> str:
    """Return the checks for a terminal, and how many ended how."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for each in checks:
        said = f"{each.seen}. Next: {each.next_step}." if each.next_step else each.seen
        table.add_row(Text(each.state, style=_STYLES[each.state]), Text(plain(each.about)), Text(plain(said)))
    counts = Counter(each.state for each in checks)
    total = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    return drawn([table, "", Text(f"{total}.")], width=width, color=color)


def checks_json(checks: Sequence[Check]) -> str:
    """Return the checks for programs."""
    value = {"schema_version": 1, "checks": [asdict(each) for each in checks]}
    return json.dumps(value, indent=2) + "\n"

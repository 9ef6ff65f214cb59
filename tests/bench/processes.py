"""Measurements in a process of their own, and their results as a table."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Row = dict[str, float]


def alone(measure: Callable[..., Row], *arguments: int) -> Row:
    """Return what a module's function measures in a fresh process: its memory and CPU are its own."""
    name = f"{measure.__module__}:{measure.__name__}"
    if measure.__module__ == "__main__":
        spec = sys.modules["__main__"].__spec__
        assert spec is not None, "run it with python -m"
        name = f"{spec.name}:{measure.__name__}"
    command = [sys.executable, "-m", "tests.bench.processes", name, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    row: Row = json.loads(done.stdout)
    return row


def show(title: str, rows: Sequence[Mapping[str, float | str]]) -> None:
    """Print rows of the same shape as one table."""
    table = Table(title=title)
    for heading, value in rows[0].items():
        table.add_column(heading, justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(*(value if isinstance(value, str) else f"{value:,}" for value in row.values()))
    Console(width=160).print(table)


def main() -> None:
    """Measure what was named, in this process."""
    module, _, name = sys.argv[1].partition(":")
    measure = getattr(importlib.import_module(module), name)
    sys.stdout.write(json.dumps(measure(*map(int, sys.argv[2:]))))


if __name__ == "__main__":
    main()

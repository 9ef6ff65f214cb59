"""What each command prints, in each format, to the letter. Read the diff when you rewrite them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commandline import run, small_account

if TYPE_CHECKING:
    from tests.commandline import Ran

HERE = Path(__file__).parent / "reports"

REFUSED = ("airflow-dbt:7", "web:5")

COMMANDS = {
    "report.txt": ("report",),
    "report-exact.txt": ("report", "--exact"),
    "report-few-reads.txt": ("report", "--max-reads", "60"),
    "report.json": ("report", "--format", "json"),
    "report-exact.json": ("report", "--exact", "--format", "json"),
    "report.md": ("report", "--format", "markdown"),
    "report.csv": ("report", "--format", "csv"),
    "report-narrowed.txt": ("report", "--family", "web", "--family", "nothing-*", "--exclude", "dead-*"),
    "sweep.txt": ("sweep", "--yes"),
    "sweep.json": ("sweep", "--yes", "--format", "json"),
    "sweep.md": ("sweep", "--yes", "--format", "markdown"),
    "sweep-limited.txt": ("sweep", "--yes", "--max-deletions", "15"),
    "explain-family.txt": ("explain", "dead-report"),
    "explain-kept.txt": ("explain", "airflow-dbt:9"),
    "explain-due.txt": ("explain", "dead-report:1"),
    "explain.json": ("explain", "web:3", "--format", "json"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_prints_what_it_printed_before(name: str, *, update_golden: bool) -> None:
    """Apart from timestamps, the same account gives the same bytes."""
    ran = _ran(name)
    assert not ran.err or "limit" in ran.err
    if update_golden:
        (HERE / name).write_text(ran.out, encoding="utf-8")
    assert ran.out == (HERE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.endswith(".txt")])
def test_a_table_fits_80_columns(name: str) -> None:
    """No line of a table is longer than the terminal is wide."""
    assert max(len(line) for line in _ran(name).out.splitlines()) <= 80


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.startswith("report")])
def test_a_report_never_speaks_in_the_past_tense(name: str) -> None:
    """A report that says "deleted" of what it did not delete would be a lie; JSON's zero counts are figures."""
    text = _ran(name).out
    if name.endswith((".txt", ".md")):
        assert "eleted " not in text


def _ran(name: str) -> Ran:
    ecs = small_account()
    for revision in REFUSED:
        ecs.faults.refuse(revision, reason="REFUSED_FOR_A_REASON", detail="ask the owner")
    return run(ecs, *COMMANDS[name])

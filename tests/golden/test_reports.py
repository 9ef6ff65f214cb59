"""What each command prints, in each format, to the letter. Read the diff when you rewrite them."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from janitor.core.difference import difference
from janitor.demo import embedded_place
from janitor.local.account import believable_account
from janitor.local.clock import VirtualClock
from janitor.render.difference import difference_markdown, difference_table
from janitor.render.table import report_table
from janitor.runner import Runner
from janitor.settings import Flags, load
from janitor.settings.report_file import report_in
from janitor.sweep.events import Limits
from tests.commandline import run, small_account

if TYPE_CHECKING:
    from janitor.core.report import Report
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
    "explain-family-60.txt": ("explain", "airflow-dbt", "--max-reads", "40"),
    "report-60.txt": ("report",),
    "report-120.txt": ("report",),
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
def test_a_golden_table_fits_its_width(name: str) -> None:
    """No line of a table is longer than the terminal is wide."""
    assert max(map(len, (HERE / name).read_text(encoding="utf-8").splitlines())) <= _width(name)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("color", [False, True])
def test_no_word_is_broken_and_no_line_too_long_at_any_width(width: int, *, color: bool) -> None:
    """Names of families stay whole where columns can go; blanks at a line's end are nobody's."""
    text = report_table(_demo(), width=width, color=color)
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in text.splitlines()]
    assert max(map(len, lines)) <= width
    assert not [line for line in lines if line != line.rstrip()]
    for family in _demo().families:
        assert any(line.startswith(f" {family.family} ") for line in lines), family.family
    assert ("INACTIVE" in next(line for line in lines if "Revisions" in line)) == (width >= 80)
    assert ("\x1b[" in text) == color


@pytest.mark.parametrize("name", ["diff.txt", "diff-60.txt", "diff.md"])
def test_a_difference_reads_as_it_read_before(name: str, *, update_golden: bool) -> None:
    """An exact report against what two rules more would come to, and one that lost a family."""
    before = json.loads((HERE / "report-exact.json").read_text(encoding="utf-8"))
    after = json.loads(_stricter())
    after["families"] = [each for each in after["families"] if each["family"] != "batch-align"]
    sides = [report_in(json.dumps(each).encode(), f"{letter}.json") for letter, each in (("a", before), ("b", after))]
    made = difference(*sides)
    said = (
        difference_markdown(made) if name.endswith(".md") else difference_table(made, width=_width(name), color=False)
    )
    if update_golden:
        (HERE / name).write_text(said, encoding="utf-8")
    assert said == (HERE / name).read_text(encoding="utf-8")


@cache
def _stricter() -> str:
    return run(
        small_account(), "report", "--exact", "--older-than", "30d", "--keep-newest", "4", "--format", "json"
    ).out


@cache
def _demo() -> Report:
    clock = VirtualClock()
    runner = Runner(embedded_place(believable_account(clock), clock), load(Flags(max_reads="60")))
    return runner.survey(Limits(), lambda _: None)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.startswith("report")])
def test_a_report_never_speaks_in_the_past_tense(name: str) -> None:
    """A report that says "deleted" of what it did not delete would be a lie; JSON's zero counts are figures."""
    text = _ran(name).out
    if name.endswith((".txt", ".md")):
        assert "eleted " not in text


def _width(name: str) -> int:
    """Return the columns of a golden file's terminal: its name's number, or 80."""
    found = re.search(r"-(\d+)\.txt$", name)
    return int(found[1]) if found else 80


def _ran(name: str) -> Ran:
    os.environ["COLUMNS"] = str(_width(name))  # which a fixture of all tests sets back
    ecs = small_account()
    for revision in REFUSED:
        ecs.faults.refuse(revision, reason="REFUSED_FOR_A_REASON", detail="ask the owner")
    return run(ecs, *COMMANDS[name])

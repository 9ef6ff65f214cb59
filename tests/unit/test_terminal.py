"""What a person sees while a run goes on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.progress import Task, TaskID

from janitor.cli.output import color
from janitor.sweep.events import Looking
from janitor.terminal import Reading, progression, reading
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from rich.text import Text


def line(made: int, seconds: float, family: str = "etl") -> Text:
    """Return what is shown of 600 reads after some time."""
    shown = Reading(lambda: made, 600, about="")
    shown.observe(Looking(family=family, round=1))
    clock = FakeClock()
    task = Task(TaskID(0), "", None, 0, _get_time=clock.monotonic)
    task.start_time = clock.monotonic()
    clock.sleep(seconds)
    return shown.render(task)


@pytest.mark.parametrize(
    ("made", "seconds", "says"),
    [
        (0, 0.0, "etl: 0 of 600 reads, 0.0/s"),
        (120, 12.0, "etl: 120 of 600 reads, 10.0/s, 48 seconds left"),
        (30, 60.0, "etl: 30 of 600 reads, 0.5/s, 19 minutes left"),
        (900, 60.0, "etl: 600 of 600 reads, 10.0/s, 1 second left"),
    ],
)
def test_reading_says_how_much_how_fast_and_how_long(made: int, seconds: float, says: str) -> None:
    """The time left is that of the whole budget: a report may need less."""
    assert line(made, seconds).plain == says


def test_a_long_name_leaves_room_for_the_figures() -> None:
    """On one line at 60 columns, and obeyed by no terminal."""
    text = line(120, 12.0, "a\x1b[31m" + "x" * 200)
    assert len(text.plain) <= 70
    assert "\x1b" not in text.plain
    assert text.no_wrap


def test_nothing_is_shown_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    """A log of a pipeline is no terminal."""
    clock = FakeClock()
    with reading(clock, lambda: 1, 600) as one, progression(clock, total=5) as other:
        one(Looking(family="etl", round=1))
        other(Looking(family="etl", round=1))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("environment", "shown"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_is_for_terminals_that_want_it(
    environment: dict[str, str], *, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR and a dumb terminal get none; nor does a pipe."""
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert color(_Terminal()) is shown
    assert not color(io.StringIO())


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

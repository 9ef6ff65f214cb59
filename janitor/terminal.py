"""What a person at a terminal sees while a run goes on, and how they stop it."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from janitor.core.model import OutcomeKind
from janitor.render.words import plain, span
from janitor.sweep.events import Judged, Looking, Settled, Submitting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.progress import Task, TaskID

    from janitor.ports import Clock
    from janitor.sweep.events import Event


_FAMILY_WIDTH = 20
"""Columns of a family's name that leave room for a bar and a time at 80."""


class Progression:
    """Counts what happens and shows it on stderr. Satisfies what a run calls its observer."""

    def __init__(self, progress: Progress, task: TaskID, clock: Clock) -> None:
        self._progress = progress
        self._task = task
        self._clock = clock
        self._started = clock.monotonic()
        self._family = ""
        self._judged = self._deleted = 0

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case Looking():
                self._family = event.family
            case Judged():
                self._judged += 1
            case Submitting():
                pass
            case Settled():
                self._deleted += event.outcome.kind is OutcomeKind.DELETED
        seconds = max(1.0, self._clock.monotonic() - self._started)
        done = (
            f"{self._deleted:,} deleted, {self._deleted / seconds:.1f}/s"
            if self._deleted
            else f"{self._judged:,} judged"
        )
        self._progress.update(
            self._task, completed=self._deleted, description=f"{plain(self._family[:_FAMILY_WIDTH])}: {done}"
        )


@contextmanager
def progression(clock: Clock, *, total: int | None = None) -> Iterator[Callable[[Event], None]]:
    """Show progress on stderr while the block runs, if stderr is a terminal; ``total`` deletions if known."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns: list[ProgressColumn] = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
    if total:
        columns += [BarColumn(bar_width=12), TaskProgressColumn(), TimeRemainingColumn(compact=True)]
    with _shown(columns, clock) as progress:
        yield Progression(progress, progress.add_task("", total=total), clock)


class Reading(ProgressColumn):
    """Says how many reads of those permitted were made, how fast, and the longest that the rest can take."""

    def __init__(self, calls: Callable[[], int], most: int, *, about: str) -> None:
        super().__init__()
        self._calls = calls
        self._most = most
        self._about = about

    def observe(self, event: Event) -> None:
        """Take note of the family that is looked at."""
        if isinstance(event, Looking):
            self._about = event.family

    def render(self, task: Task) -> Text:
        """Return the line."""
        made = min(self._calls(), self._most)
        rate = made / max(1.0, task.elapsed or 0.0)
        left = f", {span((self._most - made) / rate)} left" if made else ""
        line = f"{plain(self._about[:_FAMILY_WIDTH])}: {made:,} of {self._most:,} reads, {rate:.1f}/s{left}"
        return Text(line, no_wrap=True, overflow="ellipsis")


@contextmanager
def reading(clock: Clock, calls: Callable[[], int], most: int, *, about: str = "") -> Iterator[Callable[[Event], None]]:
    """Show on stderr while the block runs, if that is a terminal, how much of a budget of reads is spent."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    column = Reading(calls, most, about=about)
    with _shown([SpinnerColumn(), column], clock) as progress:
        progress.add_task("", total=None)
        yield column.observe


def _shown(columns: Sequence[ProgressColumn], clock: Clock) -> Progress:
    return Progress(
        *columns, console=Console(stderr=True), transient=True, get_time=clock.monotonic, refresh_per_second=5
    )


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a request to stop between batches; the second ends the program."""
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        sys.stderr.write("\nStopping after what is under way; once more to stop at once.\n")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

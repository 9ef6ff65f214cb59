"""Every order in which the calls of a few callers can come: one call at a time, chosen by whoever runs the stage.

A caller runs in a thread of its own and stops before each call to the table, to ECS and to the clock. A run follows a
list of choices; the next run follows the same list but for its last choice that has an alternative. So all orders are
tried, or all in which callers are interrupted at most so often. Time stands still but for those who sleep: whoever is
chosen wakes, and the clock jumps there, so that any caller can be as slow as a lease is long.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.fakes import START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime


class Killed(BaseException):
    """The machine of a caller has gone."""


@dataclass(frozen=True)
class Death:
    """Which of its calls a caller does not survive, and whether that call is still done."""

    caller: int
    call: int
    done: bool


@dataclass
class Caller:
    """A thread that runs when it is told to, up to its next call."""

    number: int
    run: Callable[[Caller], Any]
    death: Death | None
    clock: StageClock
    result: Any = None
    error: BaseException | None = None
    ended: bool = False
    calls: int = 0
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    stopped: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    sleeping: bool = False

    def main(self) -> None:
        """Be the thread."""
        self.go.acquire()
        try:
            self.result = self.run(self)
        except (Exception, Killed) as error:  # noqa: BLE001 - whoever runs the stage looks at it
            self.error = error
        self.ended = True
        self.stopped.release()

    def call(self, what: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is called
        """Wait for our turn, then make a call, or die of it."""
        self.stopped.release()
        self.go.acquire()
        self.calls += 1
        dies = self.death is not None and self.calls == self.death.call
        if dies and self.death is not None and not self.death.done:
            raise Killed
        answer = what()
        if dies:
            raise Killed
        return answer

    # The clock, as one caller sees it

    def now(self) -> datetime:
        """Return the present; no call of its own."""
        return self.clock.moment

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return (self.clock.moment - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        """Sleep: when it is our turn, that time has passed."""
        wake = self.clock.moment + timedelta(seconds=seconds)

        def jump() -> None:
            self.clock.moment = max(self.clock.moment, wake)

        self.sleeping = True
        self.call(jump)
        self.sleeping = False


@dataclass
class StageClock:
    """What time it is for everybody."""

    moment: datetime = START


class Stepped:
    """A thing whose every call is a step of a caller."""

    def __init__(self, thing: Any, caller: Caller) -> None:  # noqa: ANN401 - any port
        self._thing = thing
        self._caller = caller

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        found = getattr(self._thing, name)
        return (lambda *args: self._caller.call(lambda: found(*args))) if callable(found) else found


@dataclass
class Stage:
    """One run: who took part, and which choices were made out of how many."""

    callers: list[Caller]
    trace: list[tuple[int, int]] = field(default_factory=list)


def runs(
    cast: Callable[[StageClock], Sequence[Callable[[Caller], Any]]],
    *,
    interruptions: int | None = None,
    death: Death | None = None,
    slow: bool = True,
    most: int = 100_000,
) -> Iterator[Stage]:
    """Run a cast in every order, interrupting callers at most so often, and yield each run when it has ended.

    ``slow``: whoever sleeps may wake while others, who are awake, do nothing.
    """
    choices: list[int] | None = []
    while choices is not None:
        stage = _run(cast, choices, interruptions, death, slow=slow)
        yield stage
        most -= 1
        assert most, "there are more orders than anybody wants to wait for"
        choices = _next(stage.trace)


def _run(
    cast: Callable[[StageClock], Sequence[Callable[[Caller], Any]]],
    choices: Sequence[int],
    interruptions: int | None,
    death: Death | None,
    *,
    slow: bool,
) -> Stage:
    clock = StageClock()
    callers = [
        Caller(number, run, death if death is not None and death.caller == number else None, clock)
        for number, run in enumerate(cast(clock))
    ]
    stage = Stage(callers)
    for caller in callers:
        threading.Thread(target=caller.main, daemon=True).start()
        _turn(caller)  # up to its first call
    current: Caller | None = None
    left = interruptions
    while alive := [each for each in callers if not each.ended]:
        if not slow:
            alive = [each for each in alive if not each.sleeping] or alive
        goes_on = current in alive
        options = sorted(alive, key=lambda each: each is not current)
        if goes_on and left == 0:
            options = options[:1]
        chosen = choices[len(stage.trace)] if len(stage.trace) < len(choices) else 0
        stage.trace.append((chosen, len(options)))
        if goes_on and chosen and left is not None:
            left -= 1
        current = options[chosen]
        _turn(current)
    return stage


def _turn(caller: Caller) -> None:
    caller.go.release()
    caller.stopped.acquire()


def _next(trace: Sequence[tuple[int, int]]) -> list[int] | None:
    for index in range(len(trace) - 1, -1, -1):
        chosen, options = trace[index]
        if chosen + 1 < options:
            return [*(each for each, _ in trace[:index]), chosen + 1]
    return None

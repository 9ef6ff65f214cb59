"""Virtual time: threads that sleep for hours in microseconds, in an order that never changes.

One thread runs at a time. Whoever sleeps, or waits for a result, hands the baton to whoever wakes first,
and the clock jumps there. So a sweep of 28 hours, with its workers, its pacing and its races, runs as fast as the
code itself and gives the same result each time.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Lock

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_START = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)


def parked() -> Lock:
    """Return a baton that nobody holds out yet: who acquires it waits until it is released to them."""
    baton = threading.Lock()
    baton.acquire()
    return baton


class Deadlock(RuntimeError):
    """Every thread waits for another: nobody could ever wake."""


class VirtualClock:
    """A clock that only moves when everybody sleeps. Satisfies ``janitor.ports.Clock``."""

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        if start.tzinfo is None:
            message = "VirtualClock needs an aware start time, such as datetime(..., tzinfo=UTC)"
            raise ValueError(message)
        self._start = start
        self._elapsed = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, Lock]] = []

    def now(self) -> datetime:
        """Return the present as an aware datetime."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Let others run until that much virtual time has passed."""
        wake_at = self._elapsed + max(0.0, seconds)
        if not self._sleepers or self._sleepers[0][0] > wake_at:
            self._elapsed = wake_at  # nobody else wakes before: no need to hand the baton round
            return
        baton = parked()
        self._wake_at(wake_at, baton)
        self.pass_on()
        baton.acquire()

    def set(self, moment: datetime) -> None:
        """Move the clock to a moment, as a test needs it; backwards too."""
        self._start = moment - timedelta(seconds=self._elapsed)

    def executor(self, width: int) -> VirtualExecutor:
        """Return an executor whose threads live on this clock."""
        return VirtualExecutor(self, width)

    def wake(self, baton: Lock) -> None:
        """Make a parked thread ready to run now, after those that are ready already."""
        self._wake_at(self._elapsed, baton)

    def pass_on(self) -> None:
        """Hand the baton to the earliest sleeper. The caller parks itself afterwards."""
        if not self._sleepers:
            message = "every thread on the virtual clock waits for another one"
            raise Deadlock(message)
        wake_at, _, baton = heapq.heappop(self._sleepers)
        self._elapsed = max(self._elapsed, wake_at)
        baton.release()

    def _wake_at(self, wake_at: float, baton: Lock) -> None:
        heapq.heappush(self._sleepers, (wake_at, next(self._order), baton))


class VirtualFuture(Future[T]):
    """A future whose ``result`` lets virtual time pass instead of blocking the thread that holds the baton."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock
        self._waiting: list[Lock] = []

    def result(self, timeout: float | None = None) -> T:
        """Return the result, letting virtual time pass until it is there (a timeout is not supported)."""
        if timeout is not None:
            message = "a virtual future knows no timeout"
            raise NotImplementedError(message)
        if not self.done():
            baton = parked()
            self._waiting.append(baton)
            self._clock.pass_on()
            baton.acquire()
        return super().result(timeout=0)

    def wake_waiting(self) -> None:
        """Make those who wait for this result ready to run."""
        for baton in self._waiting:
            self._clock.wake(baton)
        self._waiting.clear()


class VirtualExecutor(Executor):
    """A thread pool on a virtual clock: same interface as ``ThreadPoolExecutor``, one thread running at a time."""

    def __init__(self, clock: VirtualClock, width: int) -> None:
        self._clock = clock
        self._width = width
        self._jobs: deque[tuple[VirtualFuture[Any], Callable[[], Any]]] = deque()
        self._idle: list[Lock] = []
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._let_go: set[Lock] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> VirtualFuture[T]:
        """Queue a call; it starts as soon as a worker is free and virtual time comes to it."""
        future: VirtualFuture[T] = VirtualFuture(self._clock)
        self._jobs.append((future, lambda: fn(*args, **kwargs)))
        if self._idle:
            self._clock.wake(self._idle.pop())
        elif len(self._threads) < self._width:
            baton = parked()
            thread = threading.Thread(target=self._work, args=(baton,), daemon=True)
            self._threads.append(thread)
            thread.start()
            self._clock.wake(baton)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - Executor's own signature
        """Let the workers finish what is queued (or drop it) and end."""
        if cancel_futures:
            while self._jobs:
                self._jobs.popleft()[0].cancel()
        self._closed = True
        self._let_go.update(self._idle)
        while self._idle:
            self._idle.pop().release()  # without the baton: nobody may be left on the clock to hand it over
        if wait:
            while any(thread.is_alive() for thread in self._threads):
                self._clock.sleep(0.0)
                for thread in self._threads:
                    thread.join(timeout=0.001)

    def _work(self, baton: Lock) -> None:
        baton.acquire()
        while True:
            while self._jobs:
                future, call = self._jobs.popleft()
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    result = call()
                except BaseException as error:  # noqa: BLE001 - a future carries every exception to whoever asks
                    future.set_exception(error)
                else:
                    future.set_result(result)
                future.wake_waiting()
            if self._closed:
                break
            self._idle.append(baton)
            self._clock.pass_on()
            baton.acquire()
            if baton in self._let_go:
                return
        self._clock.pass_on()

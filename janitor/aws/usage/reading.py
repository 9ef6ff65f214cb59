"""Reads side by side, some of each kind at once; what cannot be read is noted and never raised."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ParamSpec

from janitor.errors import JanitorError, ReadsSpent

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.ports import Pending, Workers

P = ParamSpec("P")

AT_ONCE = 6
"""Reads of one kind under way: enough for 20 a second at answers that take 0.3 seconds, and none starves the others."""

READERS = 30
"""Workers that keep five kinds of reads going."""

FAILURES = 3
"""Failures of one kind after which the rest of it is not asked for: everything is kept by then."""


@dataclass(slots=True)
class _Kind:
    waiting: deque[tuple[str, Callable[[], None]]] = field(default_factory=deque)
    under_way: int = 0
    failures: int = 0
    stopped: bool = False


class Reading:
    """Reads on workers. A read may add others, and never waits for one: only ``finish`` waits."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._lock = threading.Lock()
        self._kinds: dict[str, _Kind] = defaultdict(_Kind)
        self._under_way: deque[Pending[None]] = deque()
        self._unreadable: set[str] = set()

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Name what could not be read so far, and why: each may protect anything."""
        return tuple(sorted(self._unreadable))

    def add(self, kind: str, source: str, read: Callable[P, None], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Read soon, side by side with what else there is; ``source`` says in a report what it was about."""
        with self._lock:
            here = self._kinds[kind]
            if not here.stopped:
                here.waiting.append((source, partial(read, *args, **kwargs)))
        self._start_next(kind)

    def finish(self) -> None:
        """Wait until everything was read, also what the reads themselves added."""
        while self._under_way:
            self._under_way.popleft().result()

    def _start_next(self, kind: str) -> None:
        with self._lock:
            here = self._kinds[kind]
            if not here.waiting or here.under_way >= AT_ONCE:
                return
            source, read = here.waiting.popleft()
            here.under_way += 1
        self._under_way.append(self._workers.submit(self._run, kind, source, read))

    def _run(self, kind: str, source: str, read: Callable[[], None]) -> None:
        # Whatever this read adds is under way before its own result can be had: ``finish`` misses none.
        try:
            read()
        except JanitorError as error:
            self._failed(kind, source, error)
        finally:
            with self._lock:
                self._kinds[kind].under_way -= 1
            self._start_next(kind)

    def _failed(self, kind: str, source: str, error: JanitorError) -> None:
        hint = "; raise --max-reads" if isinstance(error, ReadsSpent) else ""
        with self._lock:
            here = self._kinds[kind]
            here.failures += 1
            self._unreadable.add(f"{source} could not be read ({error}{hint})")
            if here.failures >= FAILURES:
                here.stopped = True
                here.waiting.clear()

"""What a run tells whoever watches it, and what may stop it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from janitor.core.report import Ending
from janitor.core.retention import duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.core.model import Outcome, Verdict
    from janitor.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """A family is being listed, in this round."""

    family: str
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A described revision got its verdict."""

    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitting:
    """A batch is about to be submitted for deletion."""

    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A revision with the verdict DELETE has its outcome."""

    outcome: Outcome


Event = Looking | Judged | Submitting | Settled


class Stopped(Exception):
    """The run ends here, with work left."""

    def __init__(self, ending: Ending, words: str) -> None:
        self.ending = ending
        self.words = words
        super().__init__(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a run stops with work left: deletions, seconds, or somebody asking for it."""

    max_deletions: int | None = None
    max_seconds: float | None = None
    asked_to_stop: Callable[[], bool] = lambda: False


class Watch:
    """Says when a limit is reached."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._started = clock.monotonic()

    def check(self) -> None:
        """Raise ``Stopped`` when the run was asked to stop or its time is up."""
        if self._limits.asked_to_stop():
            raise Stopped(Ending.STOPPED_BY_USER, "stopped on request")
        longest = self._limits.max_seconds
        if longest is not None and self._clock.monotonic() - self._started >= longest:
            raise Stopped(
                Ending.STOPPED_AT_LIMIT, f"stopped at its time limit of {duration(timedelta(seconds=longest))}"
            )

    def check_deletions(self, submitted: int) -> None:
        """Raise ``Stopped`` when no deletion may follow those submitted."""
        most = self._limits.max_deletions
        if most is not None and submitted >= most:
            raise Stopped(Ending.STOPPED_AT_LIMIT, f"stopped at its limit of {most:,} deletions")

"""What a run tells whoever watches it, and what may stop it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from janitor.core.orphans import MOST_DEREGISTRATIONS
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
    """A described revision got its verdict, of which there is one a revision."""

    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitting:
    """A batch is about to be submitted for deletion, or one revision for deregistration."""

    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A revision with the verdict DELETE or DEREGISTER has its outcome."""

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
    """Where a run stops with work left, and what keeps it from beginning.

    ``max_deregistrations`` is how many ACTIVE orphans may be submitted: a dose that ends nothing but itself.
    ``brake`` says why the brake is on, or None; it is asked at the start and every minute.
    """

    max_deletions: int | None = None
    max_deregistrations: int = MOST_DEREGISTRATIONS
    max_seconds: float | None = None
    abort_above: int | None = None
    asked_to_stop: Callable[[], bool] = lambda: False
    brake: Callable[[], str | None] = lambda: None


BRAKE_EVERY = 60.0
"""Seconds between two looks at the brake: so a sweep stops within a minute of its being put on."""


class Watch:
    """Says when a limit is reached."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._started = clock.monotonic()
        self._brake_asked = float("-inf")

    def check(self) -> None:
        """Raise ``Stopped`` when the run was asked to stop, its time is up or the brake is on."""
        if self._limits.asked_to_stop():
            raise Stopped(Ending.STOPPED_BY_USER, "stopped on request")
        now = self._clock.monotonic()
        longest = self._limits.max_seconds
        if longest is not None and now - self._started >= longest:
            words = f"stopped at its time limit of {duration(timedelta(seconds=round(longest)))}"
            raise Stopped(Ending.STOPPED_AT_TIME, words)
        if now - self._brake_asked >= BRAKE_EVERY:
            self._brake_asked = now
            brake = self._limits.brake()
            if brake is not None:
                raise Stopped(Ending.STOPPED_BY_BRAKE, f"stopped: {brake}")

    def check_deletions(self, submitted: int) -> None:
        """Raise ``Stopped`` when no deletion may follow those submitted."""
        most = self._limits.max_deletions
        if most is not None and submitted >= most:
            raise Stopped(Ending.STOPPED_AT_LIMIT, f"stopped at its limit of {most:,} deletions")

    def check_candidates(self, at_most: int) -> None:
        """Raise ``Stopped`` when there are more candidates than a sweep may begin with."""
        most = self._limits.abort_above
        if most is not None and at_most > most:
            words = f"refused to begin: up to {at_most:,} revisions may be due, more than abort_above = {most:,}"
            raise Stopped(Ending.REFUSED_BY_GUARD, words)

    @property
    def guards(self) -> bool:
        """Say whether the candidates have to be counted before a sweep begins."""
        return self._limits.abort_above is not None

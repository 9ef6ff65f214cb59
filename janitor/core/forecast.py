"""How fast a family grows, when it meets the limit, and whether a policy can hold it below.

Numbers are never reused and rise by one, so the numbers given out within the last week are its registrations, whatever
was deleted since. The formulae assume that a revision is deregistered as soon as it was registered, except orphans.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from janitor.core.model import LIMIT
from janitor.core.retention import duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

DAY = timedelta(days=1)
WEEK = timedelta(days=7)

NEVER = 36_500.0
"""Days, a hundred years: what a metric shows where the limit is never met."""

MOST_ASKS = 10
"""Dates that a rate may cost; a family at rest costs one, 48 registrations a day cost about six."""

_STRIDE = 16
_INTERPOLATIONS = 2
"""Interpolated asks: two are enough where growth is steady; where they were not, halving is the safer way on."""

_GOOD_ENOUGH = 0.05
"""Part of the count within which the start of the window may be guessed instead of searched."""


def recent_rate(
    highest: int,
    lowest: int,
    registered_at: Callable[[int], datetime | None],
    now: datetime,
    window: timedelta = WEEK,
) -> float | None:
    """Return registrations a day over the window that ends now, or None if no date can be had.

    ``registered_at`` is asked at most ``MOST_ASKS`` times; where it does not know (a gap, no date) other numbers are
    asked. A family younger than the window counts for its age, but for a day at least.
    """
    search = _Search(highest, lowest, registered_at, now - window)
    search.gallop()
    search.narrow(now)
    if search.before is not None:
        return (highest - search.last_before(search.before, now)) / (window / DAY)
    if search.within is None:
        return None
    return (highest - search.within.number + 1) / max(1.0, (now - search.within.date) / DAY)


@dataclass(frozen=True, slots=True)
class _Point:
    number: int
    date: datetime


class _Search:
    """Looks for the last number registered before the window started.

    ``before`` is the highest number known to be older than that, ``within`` the lowest known to be younger. Nothing at
    or below ``floor`` is worth asking: it is older, or lies where no date was found.
    """

    def __init__(
        self, highest: int, lowest: int, registered_at: Callable[[int], datetime | None], start: datetime
    ) -> None:
        self.before: _Point | None = None
        self.within: _Point | None = None
        self._highest = highest
        self._lowest = lowest
        self._floor = lowest - 1
        self._registered_at = registered_at
        self._start = start
        self._asks = 0

    def gallop(self) -> None:
        """Go down from the highest number in growing strides, until before the window or at the lowest number."""
        stride, number = 1, self._highest
        self._ask(number)
        while self.before is None and number > self._lowest and self._asks < MOST_ASKS:
            stride *= _STRIDE
            number = max(self._lowest, self._highest - stride)
            self._ask(number)

    def narrow(self, now: datetime) -> None:
        """Ask between what is known, until that is close enough; nothing where no date was found at all."""
        if self.before is None and self.within is None:
            return
        for step in range(MOST_ASKS - self._asks):
            top = self._highest if self.within is None else self.within.number
            room = max(1, int((self._highest - top + 1) * _GOOD_ENOUGH))
            older = self._lowest - 1 if self.before is None else self.before.number
            if top - older <= room:
                return
            if top - self._floor <= room:  # it was but a gap: go on below
                self._floor = older
            if self.before is not None and step < _INTERPOLATIONS:
                guess = self.last_before(self.before, now)
            else:
                guess = self._half_way(top)
            # Where interpolation is exact it finds one end of the gap again and again: stay clear of both.
            self._ask(min(top - 1, max(self._floor + 1, min(top - room, max(self._floor + room, guess)))))

    def last_before(self, before: _Point, now: datetime) -> int:
        """Interpolate; the highest number was registered by now, if its date is not known."""
        within = self.within or _Point(self._highest, now)
        part = (self._start - before.date) / (within.date - before.date)
        return before.number + math.floor((within.number - before.number) * part)

    def _half_way(self, top: int) -> int:
        """Return the middle of what is left, by factors of the distance to the highest number."""
        return self._highest + 1 - round(math.sqrt((self._highest - top + 1) * (self._highest - self._floor + 1)))

    def _ask(self, number: int) -> None:
        self._asks += 1
        date = self._registered_at(number)
        if date is not None and date > self._start:
            self.within = _Point(number, date)
            self._floor = self._lowest - 1 if self._floor >= number else self._floor
            return
        if date is not None:
            self.before = _Point(number, date)
        if date is not None or number < self._highest:
            self._floor = max(self._floor, number)


def days_to_limit(count: int, per_day: float, limit: int = LIMIT) -> float:
    """Return the days until a family that holds ``count`` meets the limit, if nothing more is deleted."""
    if count >= limit:
        return 0.0
    return _at_most_never(limit - count, per_day)


def days_to_limit_with_lasting_orphans(
    per_day: float, retention_days: float, orphan_share: float, limit: int = LIMIT
) -> float:
    """Return the days from a family's first revision to the limit, if a share of them is never deregistered."""
    if per_day * retention_days >= limit:  # before the first revision falls due
        return _at_most_never(limit, per_day)
    return _at_most_never(limit - per_day * (1.0 - orphan_share) * retention_days, per_day * orphan_share)


def steady_state(
    per_day: float,
    retention_days: float,
    sweep_every_days: float = 1.0,
    orphan_share: float = 0.0,
    orphan_age_days: float = 0.0,
) -> float:
    """Return the most revisions a family holds once clean-up keeps pace: just before a sweep.

    Orphans are those left ACTIVE until they are ``orphan_age_days`` old.
    """
    return per_day * (retention_days + sweep_every_days + orphan_share * orphan_age_days)


def fastest_sustainable(
    retention_days: float,
    sweep_every_days: float = 1.0,
    orphan_share: float = 0.0,
    orphan_age_days: float = 0.0,
    limit: int = LIMIT,
) -> float:
    """Return the registrations a day below which the steady state stays under the limit."""
    return limit / steady_state(1.0, retention_days, sweep_every_days, orphan_share, orphan_age_days)


def days_to_drain(backlog: float, per_invocation: float, invocations_per_day: float, per_day: float) -> float:
    """Return the days until a backlog is deleted while ``per_day`` more fall due."""
    return 0.0 if backlog <= 0 else _at_most_never(backlog, per_invocation * invocations_per_day - per_day)


def outlook(per_day: float, retention: timedelta, keep_newest: int) -> str:
    """Say what the policy comes to at this rate: how many revisions it keeps, or that it keeps too many.

    It speaks of what is kept, not of room: nobody knows whether ECS counts what was deleted.
    """
    days = retention / DAY
    kept = max(math.ceil(steady_state(per_day, days)), keep_newest)
    pace = f"At {_rate(per_day)} registration{'' if per_day == 1 else 's'} a day"
    if keep_newest >= LIMIT:
        return f"{pace} this policy has no steady state below the limit: it keeps the newest {keep_newest:,}."
    if kept >= LIMIT:
        most = math.floor(fastest_sustainable(days))
        return (
            f"{pace} this policy has no steady state below the limit: a retention of {duration(retention)} "
            f"has one up to {most:,} a day."
        )
    return (
        f"{pace} this policy keeps about {kept:,} revision{'' if kept == 1 else 's'} ({_share(kept)} of the limit), "
        "if each is deregistered once its task has run."
    )


def _at_most_never(amount: float, per_day: float) -> float:
    return NEVER if per_day <= 0 or amount >= NEVER * per_day else amount / per_day


def _rate(per_day: float) -> str:
    return f"{per_day:,.0f}" if per_day >= 10 or per_day == round(per_day) else f"{per_day:.1f}"  # noqa: PLR2004 - two digits


def _share(kept: int) -> str:
    percent = 100 * kept / LIMIT
    return "less than 0.1 %" if percent < 0.1 else f"{percent:.1f} %"  # noqa: PLR2004 - the precision of the other case

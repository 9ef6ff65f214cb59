"""When the revisions of a family were registered, as far as a few of them tell.

``registeredAt`` rises with the revision number (see ``janitor.core.boundary``), so what lies between two known dates
was registered between them. Where in between is a guess: evenly.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from janitor.core.boundary import apportioned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

_FINE = 1_000
"""Parts of a number that the lengths of intervals are rounded to."""


class Dates:
    """The dates of those registered after a moment, and the last one before it: the others are of no use here."""

    __slots__ = ("_after", "_before", "_since")

    def __init__(self, since: datetime) -> None:
        self._since = since
        self._before: tuple[int, datetime] | None = None
        self._after: dict[int, datetime] = {}

    def note(self, number: int, date: datetime) -> None:
        """Note when a revision was registered."""
        if date > self._since:
            self._after[number] = date
        elif self._before is None or number > self._before[0]:
            self._before = (number, date)

    def __len__(self) -> int:
        """Count the dates after the moment."""
        return len(self._after)

    def spread(self, count: int, top: int, highest: int, ages: Sequence[timedelta], now: datetime) -> dict[int, int]:
        """Share ``count`` revisions registered after the moment, up to the number ``top``, out by age.

        What is returned counts by the index of ``ages``.
        ``ages`` ascend from 0 and say where each one begins; they end with the age of the moment. The highest number
        was registered by now, if its date is not known. Nothing is returned where no date is known.
        """
        points = self._points(highest, now)
        if not points:
            return {}
        places = [min(top, _place(points, now - age)) for age in ages]
        lengths = {index: round((younger - older) * _FINE) for index, (younger, older) in enumerate(pairwise(places))}
        return apportioned(count, {index: length for index, length in lengths.items() if length > 0})

    def _points(self, highest: int, now: datetime) -> list[tuple[float, int]]:
        """Return moments and numbers, both ascending; what contradicts that is left out."""
        if not self._after:
            return []
        known = sorted(self._after.items())
        first = (known[0][0] - 1, self._since) if self._before is None else self._before
        points = [(first[1].timestamp(), first[0])]
        for number, date in [*known, *([(highest, now)] if highest > known[-1][0] else [])]:
            moment = date.timestamp()
            if number > points[-1][1] and moment >= points[-1][0]:
                points.append((moment, number))
        return points


def _place(points: Sequence[tuple[float, int]], moment: datetime) -> float:
    """Return the number reached by a moment, with a fraction."""
    when = moment.timestamp()
    after = bisect_right(points, when, key=lambda point: point[0])
    if after == 0:
        return points[0][1]
    if after == len(points):
        return points[-1][1]
    (start, low), (end, high) = points[after - 1], points[after]
    return low + (high - low) * (when - start) / (end - start)

"""How old INACTIVE revisions are, by the date that their rule counts from, and when they reach their retention.

Ages are counted by cell: so small that buckets of a histogram and weeks to come are both made of whole cells, so few
that a family's counts stay small however many revisions it has.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from janitor.core.retention import AgeFrom

DAY = timedelta(days=1)
WEEK = timedelta(days=7)

WEEKS = 8
"""Weeks to come of which is said what comes due."""

PARTS = 6
"""Buckets below the retention, and as many above before the last one, which is open."""

NO_DATE = -1
"""The cell of those that have no date to count their age from."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The buckets and cells of one retention, each by the age at which it begins; the first of both begins at 0.

    A bucket ends at the retention to the second; the others end at whole days.
    """

    retention: timedelta
    buckets: tuple[timedelta, ...]
    cells: tuple[timedelta, ...]
    seconds: tuple[float, ...]

    def cell(self, age: timedelta) -> int:
        """Return the cell of an age; a date yet to come is no age."""
        return max(0, bisect_right(self.seconds, age.total_seconds()) - 1)

    def bucket(self, cell: int) -> int:
        """Return the bucket in which a cell lies."""
        return bisect_right(self.buckets, self.cells[cell]) - 1

    def week(self, cell: int) -> int | None:
        """Return in which week from now, counted from 0, what is in a cell reaches its retention; None where later."""
        left = self.retention - self.cells[cell]
        week = math.ceil(left / WEEK) - 1
        return week if 0 <= week < WEEKS else None

    def is_young(self, cell: int) -> bool:
        """Say whether what is in a cell has not reached its retention."""
        return self.cells[cell] < self.retention


@cache
def scale(retention: timedelta) -> Scale:
    """Return the scale of a retention, which is its own bucket's end."""
    parts = {timedelta(days=round(retention / DAY * part / PARTS)) for part in range(1, PARTS)}
    parts = {each for each in parts if timedelta(0) < each < retention}
    buckets = {timedelta(0), *parts, retention, *(retention + part for part in parts), 2 * retention}
    weeks = {retention - week * WEEK for week in range(1, WEEKS + 1)}
    cells = tuple(sorted(buckets | {each for each in weeks if each > timedelta(0)}))
    return Scale(
        retention=retention,
        buckets=tuple(sorted(buckets)),
        cells=cells,
        seconds=tuple(each.total_seconds() for each in cells),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """INACTIVE revisions of an age: from ``start`` on, younger than ``end``, which the last bucket does not have.

    ``interpolated`` is the part of ``kept`` that nobody described: see ``RuleAges``.
    """

    start: timedelta
    end: timedelta | None
    kept: int
    due: int
    interpolated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAges:
    """The ages of the INACTIVE revisions in the families of one rule, as they were when the run began.

    Where each was described the counts are exact. ``described`` is how many were; if those were a sample, or if some
    are known to be young without a description, the counts are estimates. The age of what is known to be young is
    ``interpolated`` from the ``dates`` on which others of its family were registered: it is at most that old.
    ``unknown`` are those of which no age is known, the newest that stay mostly. ``left_out`` counts families that could
    not be read far enough to say anything of the rest of them.
    """

    rule: str
    age_from: AgeFrom
    retention: timedelta
    buckets: tuple[Bucket, ...]
    without_date: int
    unknown: int
    described: int
    dates: int
    left_out: int

    @property
    def aged(self) -> int:
        """Revisions that are in a bucket."""
        return sum(each.kept + each.due for each in self.buckets)

    @property
    def interpolated(self) -> int:
        """Revisions whose bucket follows from when others were registered."""
        return sum(each.interpolated for each in self.buckets)

    @property
    def revisions(self) -> int:
        """All that is counted."""
        return self.aged + self.without_date + self.unknown

    @property
    def is_exact(self) -> bool:
        """Say whether each that is in a bucket was described, and no family is left out."""
        return self.described == self.aged + self.without_date and not self.left_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """How many of today's INACTIVE revisions reach their retention between two moments, the second one included.

    ``interpolated`` is the part of them that nobody described: at most that many, and none of them sooner.
    """

    start: datetime
    end: datetime
    revisions: int
    interpolated: int


@dataclass(slots=True)
class AgeCounts:
    """Ages by cell, of one family or of all families of a rule."""

    kept: Counter[int] = field(default_factory=Counter)
    due: Counter[int] = field(default_factory=Counter)
    interpolated: Counter[int] = field(default_factory=Counter)
    unknown: int = 0
    described: int = 0
    dates: int = 0
    left_out: int = 0

    @property
    def revisions(self) -> int:
        """All that is counted."""
        return self.kept.total() + self.due.total() + self.interpolated.total() + self.unknown

    def add(self, other: AgeCounts) -> None:
        """Add the counts of another family."""
        self.kept += other.kept
        self.due += other.due
        self.interpolated += other.interpolated
        self.unknown += other.unknown
        self.described += other.described
        self.dates += other.dates
        self.left_out += other.left_out

    def ages(self, rule: str, age_from: AgeFrom, retention: timedelta) -> RuleAges:
        """Return the counts as a histogram."""
        by = scale(retention)
        ends = (*by.buckets[1:], None)
        kept, due, interpolated = (
            _folded(counts, {cell: by.bucket(cell) for cell in range(len(by.cells))})
            for counts in (self.kept + self.interpolated, self.due, self.interpolated)
        )
        return RuleAges(
            rule=rule,
            age_from=age_from,
            retention=retention,
            buckets=tuple(
                Bucket(start=start, end=end, kept=kept[place], due=due[place], interpolated=interpolated[place])
                for place, (start, end) in enumerate(zip(by.buckets, ends, strict=True))
            ),
            without_date=self.kept[NO_DATE],
            unknown=self.unknown,
            described=self.described,
            dates=self.dates,
            left_out=self.left_out,
        )

    def weeks(self, retention: timedelta) -> tuple[Counter[int], Counter[int]]:
        """Return how many reach their retention by week from now, and how many of them are interpolated."""
        by = scale(retention)
        weeks = {cell: week for cell in range(len(by.cells)) if (week := by.week(cell)) is not None}
        return _folded(self.kept + self.interpolated, weeks), _folded(self.interpolated, weeks)


def coming(now: datetime, revisions: Mapping[int, int], interpolated: Mapping[int, int]) -> tuple[Week, ...]:
    """Return the weeks from now on, with what reaches its retention in each."""
    return tuple(
        Week(
            start=now + week * WEEK,
            end=now + (week + 1) * WEEK,
            revisions=revisions.get(week, 0),
            interpolated=interpolated.get(week, 0),
        )
        for week in range(WEEKS)
    )


def _folded(counts: Mapping[int, int], places: Mapping[int, int]) -> Counter[int]:
    folded: Counter[int] = Counter()
    for cell, count in counts.items():
        if cell in places:
            folded[places[cell]] += count
    return folded

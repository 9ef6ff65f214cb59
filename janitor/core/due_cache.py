"""What a sweep learned about revisions that were deregistered late: a date before which none of them can be due.

A revision's ``deregisteredAt`` never changes, so what was read once need not be read every night. Kept are ranges of
numbers with a lower bound of ``deregisteredAt``, in whole days. It is a bound about *if*: **if** the revision is
INACTIVE and ECS gives its date, **then** the date is not before it. That is safe to say of

- a number that was described as INACTIVE: its date is known, and stays;
- a number that was seen to be gone or DELETE_IN_PROGRESS, which never becomes INACTIVE again, or still ACTIVE: its
  deregistration is yet to come;
- a number between two neighbours of a listing of INACTIVE revisions: when they were listed it was ACTIVE or gone, so it
  was deregistered later than that, or never.

The third holds only where the listing skipped nothing between the two, which no cursor promises while revisions leave
behind it. So ``learn`` takes the number that the listing showed right before, and whoever calls it names one only if no
revision of the family left the listing while it was read (or both stood next to each other, new, in one page).
Everything else is not covered, which costs a describe and nothing more.

Retention does not come into it: whoever asks adds it.
"""

from __future__ import annotations

import hashlib
import heapq
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MOST_RANGES = 1_000
"""Ranges kept for a family: a few kilobytes."""

LAG = timedelta(days=1)
"""How far a listing may lag behind what happened; far more than it does."""

FOR_GOOD = timedelta(days=365)
"""How far ahead the bound of a deleted revision lies: till then its number is not asked for again."""

_WORTH = 180
"""Days: forgetting a number costs about a describe a night until it is due, as many as a usual retention has."""

_ROOM = 4 * MOST_RANGES  # ranges held while learning, before the cheapest are merged
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAY = (datetime.max.replace(tzinfo=UTC) - _EPOCH).days
_FORMAT = b"janitor due cache 1\n"
_DIGEST_SIZE = 16
_LARGEST = 256 * 1024  # bytes unpacked: several times what MOST_RANGES can take


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from first to last, none of which was deregistered before the day (counted from 1970)."""

    first: int
    last: int
    day: int

    @property
    def size(self) -> int:
        """Count the numbers."""
        return self.last - self.first + 1


class DueCache:
    """One family's lower bounds of ``deregisteredAt``.

    Learning more never lowers a bound, as long as there is room; where there is not, the neighbours that lose least
    become one range, with the earlier day.
    """

    def __init__(self, ranges: Sequence[Range] = ()) -> None:
        self._known = list(ranges)  # from earlier passes
        self._pass: list[Range] = []  # from this one, ascending

    def learn(
        self, number: int, deregistered_at: datetime, *, previous: int | None = None, listed_at: datetime | None = None
    ) -> None:
        """Learn the date of a revision that was described as INACTIVE. Numbers ascend within a pass.

        ``previous`` is the number that the listing, asked at ``listed_at``, showed right before this one (0 for its
        first), learned or not: name it only where the listing can have skipped nothing.
        """
        first, day = number, _day(deregistered_at)
        if previous is not None and listed_at is not None and previous + 1 < number:
            first, day = previous + 1, min(day, _day(listed_at - LAG))
        if day >= 0:
            self._cover(Range(first, number, day))

    def learn_not_inactive(
        self, number: int, seen_at: datetime, *, previous: int | None = None, listed_at: datetime | None = None
    ) -> None:
        """Learn that a number is ACTIVE, DELETE_IN_PROGRESS or gone: it will be deregistered later, or is no more."""
        self.learn(number, seen_at - LAG, previous=previous, listed_at=listed_at)

    def learn_deleted(self, numbers: Iterable[int], at: datetime) -> None:
        """Learn of numbers, in ascending order, whose deletion ECS has accepted: they are never INACTIVE again.

        So any bound is true of them; one a year ahead is forgotten in the end.
        """
        deleted: list[Range] = []
        for number in numbers:
            _append(deleted, Range(number, number, _day(at + FOR_GOOD)))
        self._known = _reduced(_highest(self._known, deleted), _ROOM)

    def not_before(self, number: int) -> datetime | None:
        """Return a date before which the revision, if it is INACTIVE, was not deregistered; None if none is known."""
        days = [found.day for ranges in (self._known, self._pass) if (found := _find(ranges, number))]
        return _EPOCH + timedelta(days=max(days)) if days else None

    def known_young(self, cutoff: datetime) -> int:
        """Count the numbers with a bound after the cutoff."""
        return sum(each.size for each in _highest(self._known, self._pass) if _moment(each) > cutoff)

    def open_between(self, first: int, end: int, cutoff: datetime) -> list[range]:
        """Return, ascending, the numbers from ``first`` to before ``end`` without a bound after the cutoff."""
        found: list[range] = []
        reached = first
        for each in _highest(self._known, self._pass):
            if _moment(each) > cutoff and each.last >= first:
                if each.first > reached:
                    found.append(range(reached, min(each.first, end)))
                reached = each.last + 1
            if reached >= end:
                break
        if reached < end:
            found.append(range(reached, end))
        return [each for each in found if each]

    def from_number(self, first: int) -> DueCache:
        """Return what is known of numbers not below ``first``: nothing that exists lies there."""
        cut = (Range(max(each.first, first), each.last, each.day) for each in self.ranges if each.last >= first)
        return DueCache(tuple(cut))

    def merged_with(self, older: DueCache) -> DueCache:
        """Return what both know: where they differ the later bound, since each holds."""
        return DueCache(_reduced(_highest(self.ranges, older.ranges), MOST_RANGES))

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Return what is known, ascending and disjoint, in at most ``MOST_RANGES``."""
        return tuple(_reduced(_highest(self._known, self._pass), MOST_RANGES))

    def encode(self, owner: str) -> bytes:
        """Return it as bytes, in which only ``decode`` for the same owner (account, Region, family) finds anything."""
        numbers, end, day = [], 0, 0
        for each in self.ranges:
            numbers += [each.first - end, each.size, each.day - day]
            end, day = each.last, each.day
        body = zlib.compress(b" ".join(b"%d" % number for number in numbers), level=9)
        return _FORMAT + _digest(owner, body) + body

    def _cover(self, new: Range) -> None:
        if self._pass and new.first <= self._pass[-1].last:  # a new pass, or a repetition
            self._known = _reduced(_highest(self._known, self._pass), _ROOM)
            self._pass = []
        _append(self._pass, new)
        if len(self._pass) > 2 * _ROOM:
            self._pass = _reduced(self._pass, _ROOM)


def decode(content: bytes, owner: str) -> tuple[DueCache, str | None]:
    """Return the cache that ``encode`` wrote for this owner, or an empty one and why there is nothing better."""
    if not content.startswith(_FORMAT):
        return DueCache(), "it is no due cache, or one of another version"
    start = len(_FORMAT) + _DIGEST_SIZE
    body = content[start:]
    if content[len(_FORMAT) : start] != _digest(owner, body):
        return DueCache(), "it is damaged, or somebody else's"
    try:
        return DueCache(list(_unpacked(body))), None
    except (ValueError, zlib.error) as error:
        return DueCache(), f"it makes no sense: {error}"


def _unpacked(body: bytes) -> Iterator[Range]:
    content = zlib.decompressobj().decompress(body, _LARGEST)
    numbers = [int(number) for number in content.split()]
    if len(numbers) % 3 or len(numbers) > 3 * MOST_RANGES:
        raise ValueError("not a number of ranges")
    end = day = 0
    for skipped, size, later in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True):
        day += later
        if skipped < 1 or size < 1 or not 0 <= day <= _LAST_DAY:
            raise ValueError("not a range")
        yield Range(end + skipped, end + skipped + size - 1, day)
        end += skipped + size - 1


def _day(moment: datetime) -> int:
    """Return the day that a moment lies in: it begins no later than the moment."""
    return (moment - _EPOCH).days


def _moment(known: Range) -> datetime:
    """Return the date that a range holds as its bound."""
    return _EPOCH + timedelta(days=known.day)


def _find(ranges: Sequence[Range], number: int) -> Range | None:
    place = bisect_right(ranges, number, key=lambda each: each.first) - 1
    return ranges[place] if place >= 0 and number <= ranges[place].last else None


def _append(ranges: list[Range], new: Range) -> None:
    """Add a range after the others, as part of the last one where they touch and agree."""
    if ranges and ranges[-1].last + 1 == new.first and ranges[-1].day == new.day:
        new = Range(ranges.pop().first, new.last, new.day)
    ranges.append(new)


def _highest(some: Sequence[Range], others: Sequence[Range]) -> list[Range]:
    """Return ranges with, for each number, the later of both bounds."""
    if not some or not others:
        return list(some or others)
    edges = sorted({edge for ranges in (some, others) for each in ranges for edge in (each.first, each.last + 1)})
    highest: list[Range] = []
    for first, end in pairwise(edges):
        days = [found.day for ranges in (some, others) if (found := _find(ranges, first))]
        if days:
            _append(highest, Range(first, end - 1, max(days)))
    return highest


def _reduced(ranges: Sequence[Range], most: int) -> list[Range]:
    """Return at most so many ranges: merge neighbours that touch, or forget one that has none."""
    return list(ranges) if len(ranges) <= most else _Reduction(ranges).down_to(most)


class _Reduction:
    """Ranges as a linked list, and a heap of the cheapest that can be done at each place to have one range less."""

    def __init__(self, ranges: Sequence[Range]) -> None:
        self._ranges: list[Range | None] = [*ranges, None]  # the None at the end spares a question
        self._before = list(range(-1, len(ranges)))
        self._after = [*range(1, len(ranges) + 1), -1]
        self._changes = [0] * len(ranges)
        self._cheapest: list[tuple[int, int, int, Range | None]] = []
        for place in range(len(ranges)):
            self._offer(place)

    def down_to(self, most: int) -> list[Range]:
        """Do the cheapest again and again."""
        surplus = len(self._changes) - most
        while surplus > 0:
            _, place, change, merged = heapq.heappop(self._cheapest)
            if self._ranges[place] is None or change != self._changes[place]:
                continue  # something cheaper came between
            self._remove(place if merged is None else self._after[place])
            if merged is not None:
                self._ranges[place] = merged
            self._offer(place)
            self._offer(self._before[place])
            surplus -= 1
        return [each for each in self._ranges if each is not None]

    def _offer(self, place: int) -> None:
        """Put what can be done with a range into the heap: merge it with what follows, or forget it if it is alone.

        One that touches another is not forgotten: its place would part its neighbours for good.
        """
        here = self._ranges[place]
        if here is None:
            return
        self._changes[place] += 1  # what was offered before does not count any more
        before, following = self._ranges[self._before[place]], self._ranges[self._after[place]]
        if following is not None and following.first == here.last + 1:
            day = min(here.day, following.day)
            loss = here.size * (here.day - day) + following.size * (following.day - day)
            merged = Range(here.first, following.last, day)
        elif before is None or before.last + 1 < here.first:
            loss, merged = here.size * _WORTH, None
        else:
            return
        heapq.heappush(self._cheapest, (loss, place, self._changes[place], merged))

    def _remove(self, place: int) -> None:
        before, after = self._before[place], self._after[place]
        self._ranges[place] = None
        self._after[before] = after
        self._before[after] = before


def _digest(owner: str, body: bytes) -> bytes:
    return hashlib.blake2b(owner.encode() + b"\n" + body, digest_size=_DIGEST_SIZE).digest()

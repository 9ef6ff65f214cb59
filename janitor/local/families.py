"""Families of revisions, stored so compactly that a million of them is no burden.

A revision is one byte of status and two dates; its body is derived from its number, and only what was registered
or tagged by itself is stored by itself.
"""

from __future__ import annotations

import bisect
from array import array
from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Body: TypeAlias = Mapping[str, Any]

MISSING_DATE = 0.0


class Status(StrEnum):
    """ECS's statuses, and GONE for a number whose revision no longer exists."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    GONE = "GONE"


_STATUSES = tuple(Status)
_BYTES = {status: byte for byte, status in enumerate(_STATUSES)}


class Revision(NamedTuple):
    """One revision's place in a listing."""

    family: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where revisions come from: what a run of them, from its first number on, has in common."""

    first: int
    body: Callable[[int], Body]
    tags: Mapping[str, str]
    registered_by: str | None


class Family:
    """The revisions of one family, by number."""

    def __init__(self, name: str) -> None:
        self.name = name
        # Index 0 is a filler, so that a number is its own index.
        self._statuses = bytearray([_BYTES[Status.GONE]])
        self.registered = array("d", [MISSING_DATE])
        self.deregistered = array("d", [MISSING_DATE])
        self.delete_requested = array("d")  # filled when the first deletion is requested
        self._origins: list[Origin] = []
        self._own: dict[int, Origin] = {}

    @property
    def highest(self) -> int:
        """The highest number ever given."""
        return len(self._statuses) - 1

    def append(
        self, origin: Origin, status: Status, *, registered: Iterable[float], deregistered: Iterable[float]
    ) -> None:
        """Append a run of revisions with one origin; the two dates come in step."""
        self.registered.extend(registered)
        self.deregistered.extend(deregistered)
        added = len(self.registered) - len(self._statuses)
        self._statuses.extend(bytes([_BYTES[status]]) * added)
        self._origins.append(origin)
        if self.delete_requested:
            self.delete_requested.extend([MISSING_DATE] * added)

    def register(self, body: Body, *, now: float, tags: Mapping[str, str], registered_by: str | None) -> int:
        """Add one ACTIVE revision with a body of its own and return its number."""
        number = self.highest + 1
        self._statuses.append(_BYTES[Status.ACTIVE])
        self.registered.append(now)
        self.deregistered.append(MISSING_DATE)
        if self.delete_requested:
            self.delete_requested.append(MISSING_DATE)
        self._own[number] = Origin(first=number, body=lambda _: body, tags=tags, registered_by=registered_by)
        return number

    def status(self, number: int) -> Status:
        """Return a number's status; GONE also for one that was never given."""
        return _STATUSES[self._statuses[number]] if 0 < number <= self.highest else Status.GONE

    def origin(self, number: int) -> Origin:
        """Return where a revision comes from."""
        own = self._own.get(number)
        if own is not None:
            return own
        return self._origins[bisect.bisect_right(self._origins, number, key=lambda origin: origin.first) - 1]

    def tag(self, number: int, tags: Mapping[str, str]) -> None:
        """Give one revision tags of its own."""
        self._own[number] = replace(self.origin(number), tags=tags)

    def set_status(self, number: int, status: Status) -> None:
        """Move a revision to another status."""
        self._statuses[number] = _BYTES[status]
        if status is Status.GONE:
            self._own.pop(number, None)

    def request_deletion(self, number: int, now: float) -> None:
        """Note when a revision's deletion was requested."""
        if not self.delete_requested:
            self.delete_requested = array("d", bytes(8 * len(self._statuses)))
        self.delete_requested[number] = now

    def count(self, status: Status) -> int:
        """Count the revisions of a status."""
        # The filler at index 0 is GONE.
        return self._statuses.count(_BYTES[status]) - (status is Status.GONE)

    def has(self, status: Status) -> bool:
        """Say whether any revision has that status."""
        return self._statuses.find(_BYTES[status], 1) > 0

    def numbers(self, status: Status, *, after: int | None = None, descending: bool = False) -> Iterator[int]:
        """Yield the numbers of a status in order, from beyond ``after`` if given."""
        byte = _BYTES[status]
        if descending:
            number = self._statuses.rfind(byte, 1, after)
            while number > 0:
                yield number
                number = self._statuses.rfind(byte, 1, number)
        else:
            number = self._statuses.find(byte, 1 if after is None else after + 1)
            while number > 0:
                yield number
                number = self._statuses.find(byte, number + 1)


class Departures:
    """Which revisions left a status lately: what shifts the listing under an offset cursor."""

    REMEMBERED = 10_000  # so that memory stays flat; a token older than that many departures sees only these

    def __init__(self) -> None:
        self.total = 0
        self._latest: deque[Revision] = deque(maxlen=self.REMEMBERED)

    def add(self, revision: Revision) -> None:
        """Note that a revision left."""
        self.total += 1
        self._latest.append(revision)

    def since(self, mark: int) -> Iterator[Revision]:
        """Yield what left since the total was ``mark``, latest first."""
        return islice(reversed(self._latest), max(0, self.total - mark))


class Removals:
    """The revisions in DELETE_IN_PROGRESS, in the order of their requests, eight bytes each."""

    COMPACT_AT = 8192

    def __init__(self) -> None:
        self._families: list[Family] = []
        self._indexes: dict[str, int] = {}
        self._waiting = array("I")  # index of the family, number, index, number, ...
        self._head = 0
        self._lingering: list[tuple[Family, int]] = []

    def add(self, family: Family, number: int) -> None:
        """Queue a revision whose deletion was requested now."""
        index = self._indexes.setdefault(family.name, len(self._families))
        if index == len(self._families):
            self._families.append(family)
        self._waiting.extend((index, number))

    def due(self, requested_until: float, referred: Callable[[Family, int], bool]) -> Iterator[tuple[Family, int]]:
        """Take out and yield what was requested until then and is no longer referred to."""
        ripe, self._lingering = self._lingering, []
        ripe.extend(self._take(requested_until))
        for family, number in ripe:
            if referred(family, number):
                self._lingering.append((family, number))
            else:
                yield family, number

    def _take(self, requested_until: float) -> Iterator[tuple[Family, int]]:
        while self._head < len(self._waiting):
            family, number = self._families[self._waiting[self._head]], self._waiting[self._head + 1]
            if family.delete_requested[number] > requested_until:
                break
            self._head += 2
            yield family, number
        if self._head >= self.COMPACT_AT and self._head * 2 >= len(self._waiting):
            del self._waiting[: self._head]
            self._head = 0


class Families:
    """All families of the account."""

    def __init__(self) -> None:
        self._by_name: dict[str, Family] = {}
        self._names: list[str] = []
        self._removals = Removals()
        self.departures = {status: Departures() for status in Status}

    def __iter__(self) -> Iterator[Family]:
        """Yield the families by name."""
        return (self._by_name[name] for name in self._names)

    def get(self, name: str) -> Family | None:
        """Return a family that was ever registered."""
        return self._by_name.get(name)

    def get_or_create(self, name: str) -> Family:
        """Return a family, new if need be."""
        family = self._by_name.get(name)
        if family is None:
            family = self._by_name[name] = Family(name)
            bisect.insort(self._names, name)
        return family

    def move(self, family: Family, number: int, status: Status, now: float) -> None:
        """Move a revision on in its lifecycle."""
        self.departures[family.status(number)].add(Revision(family.name, number))
        family.set_status(number, status)
        if status is Status.INACTIVE:
            family.deregistered[number] = now
        elif status is Status.DELETE_IN_PROGRESS:
            self.await_removal(family, number, now)

    def await_removal(self, family: Family, number: int, requested: float) -> None:
        """Queue a revision whose deletion was requested then; requests come in the order of time."""
        family.request_deletion(number, requested)
        self._removals.add(family, number)

    def remove_due(self, requested_until: float, referred: Callable[[Family, int], bool]) -> None:
        """Let those go whose deletion was requested until then and that nothing refers to."""
        for family, number in self._removals.due(requested_until, referred):
            self.move(family, number, Status.GONE, requested_until)

    def walk(
        self, status: Status, *, family: str | None, descending: bool, after: Revision | None
    ) -> Iterator[Revision]:
        """Yield the revisions of a status by family name, then by number; of one family or of all."""
        for name in self._walked(family, after, descending=descending):
            beyond = after.number if after is not None and after.family == name else None
            for number in self._by_name[name].numbers(status, after=beyond, descending=descending):
                yield Revision(name, number)

    def _walked(self, family: str | None, after: Revision | None, *, descending: bool) -> Iterable[str]:
        if family is not None:
            return [family] if family in self._by_name else []
        if descending:
            return reversed(self._names[: bisect.bisect_right(self._names, after.family) if after else None])
        return self._names[bisect.bisect_left(self._names, after.family) if after else 0 :]

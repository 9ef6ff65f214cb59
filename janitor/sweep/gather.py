"""Gather: the revisions of a family that may be due, described, lowest number first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from janitor.core.boundary import Estimate, first_young
from janitor.core.model import Reason, RevisionId, Status
from janitor.core.retention import AgeFrom, cutoff
from janitor.errors import CallFailed, ListingBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from janitor.core.due_cache import DueCache
    from janitor.core.model import Revision
    from janitor.core.retention import Rule
    from janitor.ports import DueCaches, Pending, TaskDefinitions, Workers
    from janitor.sweep.family import FamilyState

DESCRIBED_AHEAD = 40
"""Descriptions under way or waiting to be judged: four batches, so that a delete need not wait for a describe."""

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A revision that may be due: described, gone meanwhile (``revision`` is None) or unreadable (``failure``).

    ``previous`` is the number right before it on the same page of the listing.
    """

    number: int
    newer_inactive: int
    revision: Revision | None
    failure: str | None = None
    previous: int | None = None


class Descriptions:
    """Describes revisions of one family; what was described to find the boundary is not described again."""

    def __init__(self, family: str, *, newer_inactive: int, task_definitions: TaskDefinitions) -> None:
        """``newer_inactive`` is how many newer INACTIVE ones each candidate is known to have, at least."""
        self._family = family
        self._newer_inactive = newer_inactive
        self._task_definitions = task_definitions
        self._probed: dict[int, Candidate] = {}

    def registered_at(self, number: int) -> datetime | None:
        """Return when a revision was registered, or None where ECS does not say."""
        candidate = self._probed[number] = self.candidate(number)
        return None if candidate.revision is None else candidate.revision.registered_at

    def candidate(self, number: int) -> Candidate:
        """Return the description of a revision as a candidate."""
        if number in self._probed:
            return self._probed.pop(number)
        newer = self._newer_inactive
        try:
            revision = self._task_definitions.describe(RevisionId(self._family, number))
        except CallFailed as error:
            return Candidate(number=number, newer_inactive=newer, revision=None, failure=str(error))
        return Candidate(number=number, newer_inactive=newer, revision=revision)


class Gathering:
    """One pass over a family's INACTIVE revisions."""

    def __init__(
        self,
        family: FamilyState,
        rule: Rule,
        *,
        task_definitions: TaskDefinitions,
        readers: Workers,
        now: datetime,
        to_the_end: bool,
        after: int = 0,
        caches: DueCaches | None = None,
        check: Callable[[], None],
    ) -> None:
        """``to_the_end`` lists what lies beyond the boundary as well, to count it; ``check`` may raise to stop.

        What lies not ``after`` that number was judged by an earlier hop. What the ``caches`` know to be too young
        is not described.
        """
        self._family = family
        self._keep_newest = rule.keep_newest.value
        self._task_definitions = task_definitions
        self._descriptions = Descriptions(
            family.name, newer_inactive=self._keep_newest, task_definitions=task_definitions
        )
        self._readers = readers
        self._cutoff = cutoff(rule, now)
        self._to_the_end = to_the_end
        self._after = after
        self._caches = caches
        self._cache: DueCache | None = None
        self._learned = False
        self._young_from: int | None = None  # the lowest number known to lie beyond the boundary
        self._now = now
        self._by_deregistration = rule.age_from.value is AgeFrom.DEREGISTERED_AT
        self._check = check

    def candidates(self) -> Iterator[Candidate]:
        """Return an iterator over each revision that may be due, once, with descriptions read ahead of their use.

        Raises:
            ListingBroken: if the listing broke off; what was yielded stands.
        """
        return in_order(self._readers, self._described, self._numbers(), ahead=DESCRIBED_AHEAD)

    def learn(self, candidate: Candidate) -> None:
        """Learn the deregistration date of a revision that is too young to be due."""
        date = None if candidate.revision is None else candidate.revision.deregistered_at
        if self._cache is not None and date is not None:
            self._cache.learn(candidate.number, date, previous=candidate.previous, listed_at=self._now)
            self._learned = True

    def save(self) -> None:
        """Keep what was learned for the next sweep."""
        if self._caches is not None and self._cache is not None and self._learned:
            self._caches.save(self._family.name, self._cache)

    def _described(self, numbered: tuple[int, int | None]) -> Candidate:
        number, previous = numbered
        return replace(self._descriptions.candidate(number), previous=previous)

    def _numbers(self) -> Iterator[tuple[int, int | None]]:
        """Yield the numbers below the boundary that have enough newer ones above, each with the one listed before it.

        Numbers ascend within a pass: a lower one is a repetition, or was skipped before and is left to the next pass.
        """
        family = self._family
        above: deque[tuple[int, int | None]] = deque()  # seen, with fewer newer ones above them than are to be kept
        listed, highest = 0, -1
        complete = False
        for page in self._task_definitions.pages(family.name, Status.INACTIVE):
            self._check()
            complete = page.last
            numbers = sorted({n for n in page.numbers if n > highest and n not in family.deleted})
            if not numbers:
                continue
            listed += len(numbers)
            highest = numbers[-1]
            family.saw((numbers[0], highest))
            self._look_for_boundary(numbers)
            for numbered in zip(numbers, [None, *numbers], strict=False):
                above.append(numbered)
                if len(above) > self._keep_newest:
                    candidate = above.popleft()
                    if self._needs_description(candidate[0]):
                        yield candidate
            beyond = self._young_from is not None and not any(self._may_be_due(number) for number, _ in above)
            if beyond and not complete and not self._to_the_end:
                for number, _ in above:
                    family.keep(number, Reason.YOUNG)
                above.clear()
                break
        family.newest = tuple(number for number, _ in above if number not in family.judged)
        family.inactive = Estimate.exactly(listed) if complete else None

    def _look_for_boundary(self, numbers: list[int]) -> None:
        """Find out whether the boundary lies in a page; it costs a describe where it does not."""
        if self._cache is None and self._caches is not None and self._by_deregistration:
            self._cache = self._caches.load(self._family.name)
        last = numbers[-1]
        if self._young_from is not None or last <= self._after or self._known_young(last):
            return
        registered_at = self._descriptions.registered_at(last)
        if registered_at is not None and registered_at > self._cutoff:
            young = first_young(numbers, self._descriptions.registered_at, self._cutoff)
            self._young_from = numbers[young] if young < len(numbers) else None

    def _needs_description(self, number: int) -> bool:
        """Say whether a number has to be described; one that is too young is kept at once."""
        if not self._may_be_due(number):
            self._family.keep(number, Reason.YOUNG)
            return False
        return number > self._after and self._family.judged.add(number)

    def _may_be_due(self, number: int) -> bool:
        """Say whether a number lies below the boundary and nothing is known that makes it too young."""
        return (self._young_from is None or number < self._young_from) and not self._known_young(number)

    def _known_young(self, number: int) -> bool:
        """Say whether an earlier sweep learned that the revision was deregistered after the cutoff."""
        bound = None if self._cache is None else self._cache.not_before(number)
        return bound is not None and bound > self._cutoff


def in_order(workers: Workers, call: Callable[[S], T], items: Iterable[S], *, ahead: int) -> Iterator[T]:
    """Yield the result of the call on each item, in order, with up to ``ahead`` calls under way.

    Where the items break off, what is under way is yielded before that is raised.
    """
    under_way: deque[Pending[T]] = deque()
    broken: ListingBroken | None = None
    try:
        for item in items:
            under_way.append(workers.submit(call, item))
            if len(under_way) >= ahead:
                yield under_way.popleft().result()
    except ListingBroken as error:
        broken = error
    while under_way:
        yield under_way.popleft().result()
    if broken is not None:
        raise broken

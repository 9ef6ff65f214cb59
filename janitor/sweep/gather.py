"""Gather: the revisions of a family that may be due, described, lowest number first.

They come from a listing of the family, or (``janitor.sweep.walk``) from what an earlier sweep has learned about it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from janitor.core.boundary import Estimate, first_young
from janitor.core.model import Reason, Status
from janitor.core.retention import AgeFrom, cutoff
from janitor.errors import ListingBroken
from janitor.sweep.descriptions import Descriptions
from janitor.sweep.ends import first_page
from janitor.sweep.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from janitor.core.due_cache import DueCache
    from janitor.core.retention import Rule
    from janitor.ports import DueCaches, Page, Pending, TaskDefinitions, Workers
    from janitor.sweep.descriptions import Candidate
    from janitor.sweep.family import FamilyState
    from janitor.sweep.walk import Walk

DESCRIBED_AHEAD = 80
"""Descriptions under way or waiting to be judged: four seconds' worth under way, and as many ahead of the deletes."""

S = TypeVar("S")
T = TypeVar("T")


class Gathering:
    """One pass over a family's INACTIVE revisions. ``walked``: it was without a listing, so nothing was skipped."""

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
            family.name, newer_inactive=self._keep_newest, task_definitions=task_definitions, dates=family.dates
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
        self.walked = False

    def candidates(self) -> Iterator[Candidate]:
        """Return an iterator over each revision that may be due, once, with descriptions read ahead of their use.

        Raises:
            ListingBroken: if the listing broke off; what was yielded stands.
        """
        for candidate in in_order(self._readers, self._described, self._numbers(), ahead=DESCRIBED_AHEAD):
            if self.walked and candidate.is_not_inactive:
                self._check()
                self._learn_not_inactive(candidate.number)
            else:
                yield candidate

    def learn(self, candidate: Candidate) -> None:
        """Learn the deregistration date of a revision that is too young to be due."""
        date = None if candidate.revision is None else candidate.revision.deregistered_at
        if self._cache is not None and date is not None:
            self._cache.learn(candidate.number, date, previous=candidate.previous, listed_at=self._now)
            self._learned = True

    def _learn_not_inactive(self, number: int) -> None:
        """Learn of a number that was walked into and is no candidate: ACTIVE, DELETE_IN_PROGRESS or no revision."""
        if self._cache is not None:
            self._cache.learn_not_inactive(number, self._now)
            self._learned = True

    def save(self) -> None:
        """Keep what was learned for the next sweep; of what was deleted only where anything else is known."""
        if self._caches is None or self._cache is None:
            return
        if self._family.deleted and self._cache.ranges:
            self._cache.learn_deleted(self._family.deleted, self._now)
            self._learned = True
        if self._learned:
            self._caches.save(self._family.name, self._cache)

    def _described(self, numbered: tuple[int, int | None]) -> Candidate:
        number, previous = numbered
        return replace(self._descriptions.candidate(number), previous=previous)

    def _numbers(self) -> Iterator[tuple[int, int | None]]:
        """Return the numbers that may be due and have enough newer ones above, each with the one listed before it."""
        pages = iter(self._task_definitions.pages(self._family.name, Status.INACTIVE))
        first = first_page(pages)
        walk = self._walk(first)
        self.walked = walk is not None
        return self._listed(chain([first], pages)) if walk is None else self._walked(walk)

    def _walk(self, first: Page) -> Walk | None:
        """Return what can be gathered without listing the rest, if that is the better way."""
        if self._caches is None or not self._by_deregistration or not first.numbers or self._family.planned is not None:
            return None
        self._cache = self._caches.load(self._family.name).from_number(first.numbers[0])
        if self._to_the_end:
            return None
        return walk(
            self._family,
            first,
            self._cache,
            self._cutoff,
            task_definitions=self._task_definitions,
            descriptions=self._descriptions,
        )

    def _walked(self, walk: Walk) -> Iterator[tuple[int, None]]:
        for numbers in walk.numbers:
            for number in numbers:
                if self._needs_description(number):
                    yield number, None
        self._family.newest = self._newest(walk.newest)

    def _listed(self, pages: Iterator[Page]) -> Iterator[tuple[int, int | None]]:
        """Yield the numbers below the boundary that have enough newer ones above, each with the one listed before it.

        Numbers ascend within a pass: a lower one is a repetition, or was skipped before and is left to the next pass.
        """
        family = self._family
        above: deque[tuple[int, int | None]] = deque()  # seen, with fewer newer ones above them than are to be kept
        listed, highest = 0, -1
        complete = False
        following: Pending[Page] | None = None
        while not complete:
            self._check()
            page = next(pages) if following is None else following.result()
            following, complete = None, page.last
            numbers = sorted({n for n in page.numbers if n > highest and n not in family.deleted})
            if not numbers:
                continue
            listed += len(numbers)
            highest = numbers[-1]
            family.saw((numbers[0], highest))
            self._look_for_boundary(numbers)
            if not complete and not self._nothing_beyond(highest):
                following = self._readers.submit(self._next_page, pages, highest)
            for numbered in zip(numbers, [None, *numbers], strict=False):
                above.append(numbered)
                if len(above) > self._keep_newest:
                    candidate = above.popleft()
                    if self._needs_description(candidate[0]):
                        yield candidate
            beyond = self._nothing_beyond(highest) and all(self._kept_unseen(number) for number, _ in above)
            if beyond and not complete and not self._to_the_end:
                for number, _ in above:
                    self._keep_unseen(number)
                above.clear()
                break
        family.newest = self._newest(number for number, _ in above)
        family.inactive = Estimate.exactly(listed) if complete else None

    def _newest(self, above: Iterable[int]) -> tuple[int, ...]:
        """Return those kept as the newest that nobody has counted: neither this sweep nor the hop before it.

        Of a plan only what it names: the others are kept for not being in it.
        """
        family = self._family
        if family.planned is not None:
            above = [number for number in above if not self._keep_unseen(number)]
        return tuple(number for number in above if number > self._after and number not in family.judged)

    def _next_page(self, pages: Iterator[Page], highest: int) -> Page:
        """Return the next page with its last number described, while the one before is judged."""
        page = next(pages)
        last = max(page.numbers, default=0)
        if self._family.planned is None and last > max(highest, self._after) and not self._known_young(last):
            self._descriptions.registered_at(last)
        return page

    def _look_for_boundary(self, numbers: list[int]) -> None:
        """Find out whether the boundary lies in a page; it costs a describe where it does not.

        What a plan names was due when it was made: only to describe it can tell more.
        """
        if self._family.planned is not None:
            return
        last = numbers[-1]
        if self._young_from is not None or last <= self._after or self._known_young(last):
            return
        registered_at = self._descriptions.registered_at(last)
        if registered_at is not None and registered_at > self._cutoff:
            young = first_young(numbers, self._descriptions.registered_at, self._cutoff)
            self._young_from = numbers[young] if young < len(numbers) else None

    def _needs_description(self, number: int) -> bool:
        """Say whether a number has to be described; one that need not be is kept at once."""
        if number <= self._after or self._keep_unseen(number):
            return False
        return self._family.judged.add(number)

    def _keep_unseen(self, number: int) -> bool:
        """Keep a number that need not be described; say whether it is one."""
        reason = self._kept_unseen(number)
        if reason is not None and number > self._after:
            self._family.keep(number, reason)
        return reason is not None

    def _kept_unseen(self, number: int) -> Reason | None:
        """Return why a number is kept without a description: not planned, beyond the boundary or known as too young."""
        if self._family.planned is not None:
            return None if number in self._family.planned else Reason.NOT_PLANNED
        beyond = self._young_from is not None and number >= self._young_from
        return Reason.YOUNG if beyond or self._known_young(number) else None

    def _nothing_beyond(self, highest: int) -> bool:
        """Say whether nothing with a higher number can be due."""
        planned = None if self._family.planned is None else self._family.planned.highest
        return self._young_from is not None if planned is None else highest >= planned

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

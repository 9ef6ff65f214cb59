"""Gather: the revisions of a family that may be due, described, lowest number first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from janitor.core.boundary import Estimate, first_young
from janitor.core.model import Reason, RevisionId, Status
from janitor.core.retention import cutoff
from janitor.errors import CallFailed, ListingBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from janitor.core.model import Revision
    from janitor.core.retention import Rule
    from janitor.ports import Pending, TaskDefinitions, Workers
    from janitor.sweep.family import FamilyState

DESCRIBED_AHEAD = 40
"""Descriptions under way or waiting to be judged: four batches, so that a delete need not wait for a describe."""

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A revision that may be due: described, gone meanwhile (``revision`` is None) or unreadable (``failure``)."""

    number: int
    newer_inactive: int
    revision: Revision | None
    failure: str | None = None


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
        check: Callable[[], None],
    ) -> None:
        """``to_the_end`` lists what lies beyond the boundary as well, to count it; ``check`` may raise to stop.

        What lies not ``after`` that number was judged by an earlier hop.
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
        self._check = check

    def candidates(self) -> Iterator[Candidate]:
        """Return an iterator over each revision that may be due, once, with descriptions read ahead of their use.

        Raises:
            ListingBroken: if the listing broke off; what was yielded stands.
        """
        return in_order(self._readers, self._descriptions.candidate, self._numbers(), ahead=DESCRIBED_AHEAD)

    def _numbers(self) -> Iterator[int]:
        """Yield the numbers below the boundary that have enough newer INACTIVE ones above them.

        Numbers ascend within a pass: a lower one is a repetition, or was skipped before and is left to the next pass.
        """
        family, newest = self._family, self._keep_newest
        young_from: int | None = None  # the lowest number known to lie beyond the boundary
        above: deque[int] = deque()  # seen, with fewer newer ones above them than are to be kept
        listed, highest = 0, -1
        complete = False
        for page in self._task_definitions.pages(family.name, Status.INACTIVE):
            self._check()
            numbers = [number for number in page.numbers if number > highest and number not in family.deleted]
            complete = page.last
            if not numbers:
                continue
            listed += len(numbers)
            highest = numbers[-1]
            family.saw((numbers[0], highest))
            if young_from is None and highest > self._after:
                young_from = self._boundary(numbers)
            for number in numbers:
                above.append(number)
                if len(above) <= newest:
                    continue
                candidate = above.popleft()
                if young_from is not None and candidate >= young_from:
                    family.keep(candidate, Reason.YOUNG)
                elif candidate > self._after and family.judged.add(candidate):
                    yield candidate
            past_boundary = young_from is not None and (not above or above[0] >= young_from)
            if past_boundary and not complete and not self._to_the_end:
                for number in above:
                    family.keep(number, Reason.YOUNG)
                above.clear()
                break
        family.newest = tuple(number for number in above if number not in family.judged)
        family.inactive = Estimate.exactly(listed) if complete else None

    def _boundary(self, numbers: list[int]) -> int | None:
        """Return the first number of a page that is too young to be due, or None."""
        last = self._descriptions.registered_at(numbers[-1])
        if last is None or last <= self._cutoff:
            return None
        young = first_young(numbers, self._descriptions.registered_at, self._cutoff)
        return numbers[young] if young < len(numbers) else None


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

"""How many ACTIVE revisions of a family are orphans: their age from a binary search, their users from usage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from janitor.core.boundary import Estimate, first_young
from janitor.core.model import Status
from janitor.core.orphans import conditions, registered_before
from janitor.errors import CallFailed, ReadsSpent
from janitor.sweep.descriptions import Descriptions
from janitor.sweep.ends import first_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from janitor.ports import TaskDefinitions
    from janitor.sweep.family import FamilyState
    from janitor.sweep.tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Actives:
    """The ACTIVE numbers of a family below its newest: all of them if ``known``, else the range they lie in."""

    below: Sequence[int]
    known: bool


class OrphanCount:
    """Counts orphans, once the ACTIVE revisions were counted. It costs nothing where there is none but the newest."""

    def __init__(self, *, tally: Tally, task_definitions: TaskDefinitions, check: Callable[[], None]) -> None:
        """``check`` may raise to stop."""
        self._tally = tally
        self._task_definitions = task_definitions
        self._check = check
        self._old: dict[str, Actives] = {}

    def count(self) -> None:
        """Fill in every family's count."""
        for family in self._tally.families.values():
            if family.active is None:
                continue
            self._check()
            try:
                self.measure(family)
            except CallFailed as error:
                self._tally.not_fully_read(family.name, str(error))
            else:
                self.subtract_used(family)

    def measure(self, family: FamilyState) -> bool:
        """Find those that are old enough, for log2(n) descriptions; say whether there is one, so that users matter.

        Raises:
            ReadsSpent: if there was no read left for it; then an upper bound is filled in.
        """
        actives = _listed(family)
        family.active_orphans = None
        try:
            count = boundary(family, actives.below, self._task_definitions, self._tally.now)
        except ReadsSpent:
            family.active_orphans = Estimate.at_most(len(actives.below))
            raise
        if count:
            self._old[family.name] = replace(actives, below=actives.below[:count])
        else:
            family.active_orphans = Estimate.exactly(0)
        return count > 0

    def candidates(self, family: FamilyState) -> tuple[list[int], int]:
        """Return the old ones that were listed, and how many more there may be."""
        old = self._old.get(family.name)
        if old is None:  # none is, or nobody could find out
            bound = family.active_orphans
            return [], 0 if bound is None else bound.value
        listed = [number for number in family.listed_active if number <= old.below[-1]]
        return listed, len(_unlisted(family, old))

    def subtract_used(self, family: FamilyState) -> None:
        """Fill in what is left of the old ones without those that anything names; None where that is not known."""
        old = self._old.pop(family.name, None)
        if old is None:
            return
        users = (self._tally.users_of(family.name), self._tally.table_of(family.name))
        unreadable = [source for each in users for source in each.unreadable]
        if unreadable:
            self._tally.warn(f"the ACTIVE orphans of family {family.name} are not known: {unreadable[0]}")
            return
        used = set(chain.from_iterable(each.reasons for each in users))
        family.active_orphans = _left(family, old, used)


def boundary(family: FamilyState, numbers: Sequence[int], task_definitions: TaskDefinitions, now: datetime) -> int:
    """Return how many of some ascending numbers were registered long enough ago to be orphans."""
    newest = conditions(family.rule).keep_newest
    descriptions = Descriptions(family.name, newer_inactive=newest, task_definitions=task_definitions)
    return first_young(numbers, descriptions.registered_at, registered_before(family.rule, now))


def orphans_at_most(family: FamilyState, task_definitions: TaskDefinitions, now: datetime) -> int:
    """Return an upper bound of how many ACTIVE revisions of a family may be deregistered."""
    if not family.may_deregister:
        return 0
    first = first_page(task_definitions.pages(family.name, Status.ACTIVE))
    top = (
        () if first.last else first_page(task_definitions.pages(family.name, Status.ACTIVE, newest_first=True)).numbers
    )
    return boundary(
        family, _below(first.numbers, top, conditions(family.rule).keep_newest).below, task_definitions, now
    )


def _listed(family: FamilyState) -> Actives:
    """Return what counting the ACTIVE revisions has shown."""
    return _below(list(family.listed_active), family.top_active, conditions(family.rule).keep_newest)


def _below(lowest: Sequence[int], top: Sequence[int], newest: int) -> Actives:
    """Return the numbers below the newest; ``top`` are the highest where ``lowest`` are not all there are."""
    ascending = sorted(set(lowest))
    if not top:
        return Actives(below=ascending[: max(0, len(ascending) - newest)], known=True)
    descending = sorted(set(top), reverse=True)
    floor = descending[min(newest, len(descending)) - 1]
    start = ascending[0] if ascending else floor
    return Actives(below=range(start, max(start, floor)), known=False)


def _left(family: FamilyState, old: Actives, used: set[int]) -> Estimate:
    """Return how many of the old numbers are ACTIVE and unused: of what was not listed, as densely as what was."""
    ours = [number for number in family.listed_active if number not in family.orphans.deregistered]
    found = sum(1 for number in ours if number <= old.below[-1] and number not in used)
    beyond = _unlisted(family, old)
    unlisted = len(beyond) - sum(1 for number in used if number in beyond)
    density = len(ours) / (ours[-1] - ours[0] + 1) if ours else 1.0
    return Estimate(value=found + round(unlisted * density), low=found, high=found + unlisted)


def _unlisted(family: FamilyState, old: Actives) -> range:
    """Return the numbers up to the youngest of the old ones that no listing has shown."""
    first = old.below[0] if family.listed_active.highest is None else family.listed_active.highest + 1
    return range(0) if old.known else range(first, max(first, old.below[-1] + 1))

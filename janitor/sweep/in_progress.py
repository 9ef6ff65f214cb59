"""What is in DELETE_IN_PROGRESS: for how long, and who still uses what is there for longer than it should be.

When a deletion was requested, our own record tells; else a description does, and of those there are only so many: a few
a family, so many a run. The lowest numbers usually went first, so most of the sample is of them. Who uses a revision is
read only where one lingers.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from janitor.core.model import LINGERING, Lingering, RevisionId, Status
from janitor.sweep.descriptions import Descriptions
from janitor.sweep.gather import DESCRIBED_AHEAD, in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime, timedelta

    from janitor.ports import Submissions, TaskDefinitions, Workers
    from janitor.sweep.family import FamilyState
    from janitor.sweep.tally import Tally

SAMPLED = 10
"""Revisions of a family whose age is looked up at most."""

DESCRIBED = 200
"""Descriptions that a run spends on it at most."""

NAMED = 5
"""Lingering revisions of a family that are named, the oldest."""


class InProgress:
    """Follows up what is in DELETE_IN_PROGRESS, once it was counted."""

    def __init__(
        self,
        *,
        tally: Tally,
        task_definitions: TaskDefinitions,
        readers: Workers,
        submissions: Submissions | None,
        check: Callable[[], None],
    ) -> None:
        """``check`` may raise to stop."""
        self._tally = tally
        self._task_definitions = task_definitions
        self._readers = readers
        self._submissions = submissions
        self._check = check

    def measure(self, most: int = DESCRIBED) -> None:
        """Fill in each family's age, the fullest first, for so many descriptions in all."""
        families = [family for family in self._tally.families.values() if family.delete_in_progress is not None]
        families.sort(key=lambda family: (-_count(family), family.name))
        for place, family in enumerate(families):
            self._check()
            waiting = sum(1 for each in families[place:] if _count(each))
            most -= self._measure(family, min(SAMPLED, most, 1 + most // max(1, waiting)))

    def name_users(self) -> None:
        """Say of each lingering revision who uses it."""
        for family in self._tally.families.values():
            if family.lingering:
                self._check()
                usage = self._tally.users_of(family.name)
                family.lingering = tuple(each.used(usage) for each in family.lingering)

    def _measure(self, family: FamilyState, most: int) -> int:
        """Fill in one family's age; return how many descriptions that took."""
        sample, whole = _sample(family, most)
        dates = dict(self._submissions.submitted_at(family.name, sample)) if self._submissions and sample else {}
        unknown = [number for number in sample if number not in dates]
        blind = self._task_definitions.blind_to_deletion_dates
        if unknown and blind is not None:
            self._tally.warn(blind)
        described = [] if blind is not None else unknown
        dated = whole and blind is None
        for number, status, date in self._described(family.name, described):
            if status is Status.DELETE_IN_PROGRESS and date is not None:
                dates[number] = date
            elif status is None or status is Status.DELETE_IN_PROGRESS:
                dated = False
        self._note(family, dates, is_exact=dated or (whole and not unknown))
        return len(described)

    def _note(self, family: FamilyState, dates: dict[int, datetime], *, is_exact: bool) -> None:
        now = self._tally.clock.now()
        ages: dict[int, timedelta] = {number: now - date for number, date in dates.items()}
        ours = [] if family.deleting_since is None else [now - family.deleting_since]
        oldest = max([*ages.values(), *ours], default=None)
        if oldest is not None:
            family.delete_in_progress_age = max(0.0, oldest.total_seconds())
        elif is_exact and family.delete_in_progress is not None:
            family.delete_in_progress_age = 0.0
        family.delete_in_progress_age_is_exact = is_exact and family.delete_in_progress_age is not None
        lingering = sorted((number for number, age in ages.items() if age > LINGERING), key=lambda each: -ages[each])
        family.lingering = tuple(
            Lingering(revision=RevisionId(family.name, number), seconds=ages[number].total_seconds())
            for number in lingering[:NAMED]
        )

    def _described(self, family: str, numbers: Sequence[int]) -> Iterator[tuple[int, Status | None, datetime | None]]:
        """Yield status and date of each; no status where it could not be described."""
        descriptions = Descriptions(family, newer_inactive=0, task_definitions=self._task_definitions)
        for candidate in in_order(self._readers, descriptions.candidate, numbers, ahead=DESCRIBED_AHEAD):
            found = candidate.revision
            if found is not None:
                yield candidate.number, found.status, found.delete_requested_at
            elif candidate.failure is not None:
                yield candidate.number, None, None


def _count(family: FamilyState) -> int:
    return 0 if family.delete_in_progress is None else family.delete_in_progress.value


def _sample(family: FamilyState, most: int) -> tuple[list[int], bool]:
    """Return numbers in DELETE_IN_PROGRESS that this run did not submit itself, and whether those are all there are."""

    def others() -> Iterator[int]:
        return (number for number in family.in_progress if number not in family.deleted)

    count = sum(1 for _ in others())
    listed_all = family.delete_in_progress is not None and family.delete_in_progress.is_exact
    if count <= most:
        return list(others()), listed_all
    lowest = most - most // 4
    step = max(1, (count - lowest) // max(1, most - lowest))
    spread = islice(others(), lowest + step - 1, None, step)
    return [*islice(others(), lowest), *islice(spread, most - lowest)], False

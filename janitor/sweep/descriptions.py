"""Describes revisions of one family, each once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from janitor.core.model import Decision, Reason, RevisionId, Status, Verdict
from janitor.errors import CallFailed

if TYPE_CHECKING:
    from datetime import datetime

    from janitor.core.dates import Dates
    from janitor.core.model import Revision
    from janitor.ports import TaskDefinitions


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

    @property
    def is_not_inactive(self) -> bool:
        """Say whether ECS said something of the number, and it was not that there is an INACTIVE revision."""
        if self.revision is None:
            return self.failure is None
        return self.revision.status is not Status.INACTIVE

    def unreadable(self, family: str) -> Verdict | None:
        """Return the verdict on one that could not be described; None for one that is gone."""
        if self.failure is None:
            return None
        revision = RevisionId(family, self.number)
        return Verdict(revision=revision, decision=Decision.KEEP, reason=Reason.UNREADABLE, words=self.failure)


class Descriptions:
    """Describes revisions of one family; what was described to find the boundary is not described again."""

    def __init__(
        self, family: str, *, newer_inactive: int, task_definitions: TaskDefinitions, dates: Dates | None = None
    ) -> None:
        """``newer_inactive`` is how many newer INACTIVE ones each candidate is known to have, at least.

        ``dates`` take the registration dates that were asked for.
        """
        self._family = family
        self._newer_inactive = newer_inactive
        self._task_definitions = task_definitions
        self._dates = dates
        self._probed: dict[int, Candidate] = {}

    def registered_at(self, number: int) -> datetime | None:
        """Return when a revision was registered, or None where ECS does not say."""
        candidate = self._probed[number] = self.candidate(number)
        date = None if candidate.revision is None else candidate.revision.registered_at
        if date is not None and self._dates is not None:
            self._dates.note(number, date)
        return date

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

"""When revisions were submitted for deletion, as the record says: a date that ECS tells to a newer botocore alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from janitor.core.model import OutcomeKind
from janitor.errors import StoreFailed
from janitor.store.history import submissions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from janitor.ports import Blobs, Workers


class StoredSubmissions:
    """Reads the record of one account and Region. Satisfies ``janitor.ports.Submissions``."""

    def __init__(self, blobs: Blobs, *, account: Callable[[], str | None], region: str, workers: Workers) -> None:
        self._blobs = blobs
        self._account = account
        self._region = region
        self._workers = workers
        self.warnings: list[str] = []

    def submitted_at(self, family: str, numbers: Sequence[int]) -> Mapping[int, datetime]:
        """Return when each was submitted last, of those on record as accepted or as unanswered.

        What a killed sweep has left open is not on record yet; the next sweep closes it.
        """
        try:
            found = submissions_of(self._blobs, family, numbers, workers=self._workers)
        except StoreFailed as error:
            self.warnings.append(f"the record was not asked since when revisions are in DELETE_IN_PROGRESS: {error}")
            return {}
        return {
            each.intent.number: each.intent.at
            for each in found
            if each.kind in {OutcomeKind.DELETED, None}
            and not each.deregisters
            and (each.intent.account, each.intent.region) == (self._account(), self._region)
        }

"""What the janitor has to do with the lookup table: spare what it names, and take away what nobody needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from janitor.core.lookup import Entry, Event, What
from janitor.core.model import FamilyUsage, Status
from janitor.errors import TableFailed

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from datetime import datetime, timedelta

    from janitor.core.model import RevisionId
    from janitor.ports import LookupTable, Registry

BY = "janitor"
"""Who it was, as the history names it."""


class LookupUsage:
    """The lookup table as somebody who uses revisions. Satisfies ``janitor.ports.Usage``."""

    def __init__(self, table: LookupTable) -> None:
        self._table = table

    def of(self, family: str) -> FamilyUsage:
        """Return which revisions of a family the table names; all of them, perhaps, where it cannot be read."""
        try:
            named = self._table.named(family)
        except TableFailed as error:
            return FamilyUsage(unreadable=(str(error),))
        return FamilyUsage(reasons={each.number: f"the lookup table {self._table.name}" for each in named})


def forget_gone(
    table: LookupTable, registry: Registry, family: str, *, active: Container[int], now: datetime
) -> tuple[RevisionId, ...]:
    """Forget the entries of a family whose revision is not ACTIVE; return those revisions.

    ``active`` are numbers that were ACTIVE a moment ago; each other one is looked at before its entry is forgotten, as
    it may be younger than that.

    Raises:
        TableFailed: if the table could not be used.
        AccessDenied, Unreachable, CallFailed: if ECS could not be asked.
    """
    gone = []
    for entry in _entries(table, family):
        if entry.revision.number in active:
            continue
        found = registry.find(entry.revision)
        if found is not None and found.status is Status.ACTIVE:
            continue
        words = "it does not exist any more" if found is None else f"it is {found.status}"
        if table.forget(entry, _event(entry, What.FORGOTTEN, words, now)):
            gone.append(entry.revision)
    return tuple(gone)


def evict_unused(table: LookupTable, family: str, *, unused_for: timedelta, now: datetime) -> tuple[RevisionId, ...]:
    """Evict the entries of a family that nobody used for so long; return their revisions, which may be deregistered.

    Not before: from then on nobody is given them any more. One that is used at the same moment stays.

    Raises:
        TableFailed: if the table could not be used.
    """
    evicted = []
    for entry in _entries(table, family):
        if now - entry.last_used_at < unused_for:
            continue
        words = f"last used {entry.last_used_at:%Y-%m-%d %H:%M} UTC by {entry.last_used_by}"
        if table.evict(entry, _event(entry, What.EVICTED, words, now)):
            evicted.append(entry.revision)
    return tuple(evicted)


def _entries(table: LookupTable, family: str) -> Iterator[Entry]:
    for revision, key in sorted(table.named(family).items()):
        entry = table.get(key)
        if isinstance(entry, Entry) and entry.revision == revision:
            yield entry


def _event(entry: Entry, what: What, words: str, now: datetime) -> Event:
    return Event(key=entry.key, at=now, what=what, by=BY, revision=entry.revision, words=words)

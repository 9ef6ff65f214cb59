"""What the janitor has to do with the lookup table: spare what it names, and take away what nobody needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from janitor.core.lookup import Entry, Event, Tended, What
from janitor.core.model import FamilyUsage, Status
from janitor.errors import TableFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator
    from datetime import datetime, timedelta

    from janitor.core.lookup import Found
    from janitor.core.model import Revision, RevisionId
    from janitor.ports import Clock, LookupTable, TaskDefinitions

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


class TableUpkeep:
    """Tends the lookup table. Satisfies ``janitor.ports.Upkeep``.

    A family without entries costs one query; one with some an item each, and a page of its newest ACTIVE revisions.
    """

    def __init__(
        self,
        table: LookupTable,
        task_definitions: TaskDefinitions,
        *,
        region: str,
        clock: Clock,
        evict_after: timedelta | None,
    ) -> None:
        """``evict_after`` is how long nobody has used an entry that is evicted; None: none is."""
        self._table = table
        self._task_definitions = task_definitions
        self._region = region
        self._clock = clock
        self._evict_after = evict_after

    def tend(self, family: str) -> Tended:
        """Forget the entries of a family whose revision is not ACTIVE any more, and evict those nobody used."""
        entries = tuple(entries_of(self._table, family))
        if not entries:
            return Tended(table=self._table.name)
        newest = next(self._task_definitions.pages(family, Status.ACTIVE, newest_first=True)).numbers
        self._check_owner(entries)
        find, now = self._task_definitions.describe, self._clock.now()
        gone = forget_gone(self._table, entries, find, active=newest, now=now)
        left = [entry for entry in entries if entry.revision not in gone]
        evicted = () if self._evict_after is None else evict_unused(self._table, left, self._evict_after, now=now)
        return Tended(table=self._table.name, forgotten=len(gone), evicted=len(evicted))

    def _check_owner(self, entries: Iterable[Entry]) -> None:
        """Refuse a table that others fill: nobody can tell by our revisions which of theirs are ACTIVE.

        Where no answer has told the account, there is no revision in it.
        """
        account, region = self._task_definitions.account, self._region
        for entry in entries:
            of_region, of_account = entry.arn.split(":")[3:5]
            if of_region != region or account not in {None, of_account}:
                raise TableFailed(
                    self._table.name,
                    "reading",
                    f"it names {entry.arn}, and this is account {account} in {region}",
                    "use one table for each account and Region",
                )


def entries_of(table: LookupTable, family: str) -> Iterator[Entry]:
    """Yield the entries of a family, the lowest revision first; a name without its entry is left alone.

    Raises:
        TableFailed: if the table could not be read.
    """
    for revision, key in sorted(table.named(family).items()):
        entry = table.get(key)
        if isinstance(entry, Entry) and entry.revision == revision:
            yield entry


def forget_gone(
    table: LookupTable,
    entries: Iterable[Entry],
    find: Callable[[RevisionId], Found | Revision | None],
    *,
    active: Container[int],
    now: datetime,
) -> tuple[RevisionId, ...]:
    """Forget those of a family's entries whose revision is not ACTIVE; return these revisions.

    ``active`` are numbers that were ACTIVE a moment ago; each other one is looked at before its entry is forgotten, as
    it may be younger than that. ``find`` returns a revision, None where it does not exist any more.

    Raises:
        TableFailed: if the table could not be used.
        AccessDenied, Unreachable, CallFailed: if ECS could not be asked.
    """
    gone = []
    for entry in entries:
        if entry.revision.number in active:
            continue
        found = find(entry.revision)
        if found is not None and found.status is Status.ACTIVE:
            continue
        words = "it does not exist any more" if found is None else f"it is {found.status}"
        if table.forget(entry, _event(entry, What.FORGOTTEN, words, now)):
            gone.append(entry.revision)
    return tuple(gone)


def evict_unused(
    table: LookupTable, entries: Iterable[Entry], unused_for: timedelta, *, now: datetime
) -> tuple[RevisionId, ...]:
    """Evict those of some entries that nobody used for so long; return their revisions, which may be deregistered.

    Not before: from then on nobody is given them any more. One that was used since it was read stays.

    Raises:
        TableFailed: if the table could not be used.
    """
    evicted = []
    for entry in entries:
        if now - entry.last_used_at < unused_for:
            continue
        words = f"last used {entry.last_used_at:%Y-%m-%d %H:%M} UTC by {entry.last_used_by}"
        if table.evict(entry, _event(entry, What.EVICTED, words, now)):
            evicted.append(entry.revision)
    return tuple(evicted)


def _event(entry: Entry, what: What, words: str, now: datetime) -> Event:
    return Event(key=entry.key, at=now, what=what, by=BY, revision=entry.revision, words=words)

"""How callers that know nothing of each other come to one revision for one definition.

An entry of the table is read, its revision looked at, its use noted, and the revision handed out. Where there is no
entry, one caller takes a lease, registers, and puts the revision in the lease's place; the others wait for that. Every
write has a condition on what was read, so that clocks and pauses decide how long it takes and never what comes out:

- A lease that has run out is taken over. Whoever takes over looks first for a revision that was registered meanwhile
  (by its tag), and puts that one into the table: a caller that died leaves no surplus behind.
- Whoever comes too late finds another revision in the table, hands that one out and deregisters its own.
- A revision that is not ACTIVE any more, or not the one it was, is forgotten, and all begins anew.

Whoever dies at any moment leaves at most a lease that runs out, or an ACTIVE revision with its tag.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from janitor.core.lookup import Entry, Event, Lease, What
from janitor.core.model import Status
from janitor.errors import AccessDenied, Busy, CallFailed, JanitorError, LeaseHeld, TableFailed, Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from janitor.core.lookup import Found, Key
    from janitor.core.model import RevisionId
    from janitor.ports import Clock, LookupTable, Registry

SAME_MOMENT = timedelta(seconds=1)
"""Within this two dates of registration are one: nobody says that ECS tells it twice with the same precision."""

FIRST_PAUSE = 0.1
"""Seconds before the table is looked at again, or a registration tried again; doubled each time."""

LONGEST_PAUSE = 3.0
"""Seconds between two looks at most."""


class How(StrEnum):
    """How a caller came to its revision."""

    REUSED = "reused"
    REGISTERED = "registered"
    PLAIN = "plain"
    """Registered without the table, which could not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reused:
    """The revision to run. ``trouble`` says what went wrong beside that."""

    revision: RevisionId
    arn: str
    hash: str
    how: How
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long things may take: a lease, and the waiting in all."""

    lease: timedelta = timedelta(minutes=1)
    patience: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """Hands out revisions. ``by`` is who asks, as the history names it; ``new_owner`` makes another text each time."""

    table: LookupTable
    registry: Registry
    clock: Clock
    by: str
    new_owner: Callable[[], str]
    terms: Terms = field(default_factory=Terms)

    def reuse(self, request: Mapping[str, Any], key: Key, *, plainly: bool = False) -> Reused:
        """Return the revision for a request whose key was made of it, registering it if there is none.

        ``plainly`` asks for a registration without the table where the table fails.

        Raises:
            TableFailed: if the table could not be used, or somebody held the lease for too long.
            AccessDenied, Unreachable, CallFailed: if ECS did not do what it was asked.
        """
        call = _Call(self, request, key)
        try:
            return call.handed_out()
        except TableFailed as error:
            if plainly:
                found = call.mine or call.registered(self.clock.now(), self.clock.now() + self.terms.patience)
                if found is not None:
                    return Reused(
                        revision=found.revision, arn=found.arn, hash=key.hash, how=How.PLAIN, trouble=str(error)
                    )
            raise call.explained(error) from error


class _Call:
    """One caller on its way to one revision. ``mine`` is what it has registered, or found, and not handed out yet."""

    def __init__(self, reuse: Reuse, request: Mapping[str, Any], key: Key) -> None:
        self.mine: Found | None = None
        self._reuse = reuse
        self._table = reuse.table
        self._registry = reuse.registry
        self._clock = reuse.clock
        self._request = request
        self._key = key
        self._lease: Lease | None = None
        self._adopted = False
        self._trouble: JanitorError | None = None

    def handed_out(self) -> Reused:
        """Look, act and look again until there is a revision to hand out."""
        deadline = self._clock.now() + self._reuse.terms.patience
        for pause in _pauses():
            standing = self._table.get(self._key)
            result = self._used(standing) if isinstance(standing, Entry) else self._taken(standing)
            if result is not None:
                return result
            if self._clock.now() >= deadline:
                raise self._trouble or self._held(standing)
            self._clock.sleep(pause)
        raise AssertionError("there is always another pause")

    def explained(self, error: TableFailed) -> TableFailed:
        """Return a failure of the table with what it leaves behind."""
        if self.mine is None:
            return error
        left = f"{self.mine.revision} was registered; whoever asks for the same next puts it into the table"
        return type(error)(error.table, error.action, error.cause, f"{error.next_step} ({left})")

    # Somebody's revision

    def _used(self, entry: Entry) -> Reused | None:
        """Hand out what stands in the table, if it is still what it was."""
        found = self._registry.find(entry.revision)
        why_not = self._why_not(entry, found)
        if why_not is not None:
            self._table.forget(entry, self._event(What.FORGOTTEN, entry.revision, why_not))
            if self.mine is not None and self.mine.revision == entry.revision:
                self.mine = None
            return None
        if not self._table.touch(entry, self._clock.now(), self._reuse.by):
            return None
        trouble = self._given_up() if self.mine is not None and self.mine.revision != entry.revision else None
        return Reused(revision=entry.revision, arn=entry.arn, hash=self._key.hash, how=How.REUSED, trouble=trouble)

    def _why_not(self, entry: Entry, found: Found | None) -> str | None:
        """Return why a revision cannot be handed out; None where it can."""
        if found is None:
            return "it does not exist any more"
        if found.arn != entry.arn:
            raise TableFailed(
                self._table.name,
                "reading",
                f"it names {entry.arn}, and here {entry.revision} is {found.arn}",
                "use one table for each account and Region",
            )
        if found.status is not Status.ACTIVE:
            return f"it is {found.status}"
        if found.hash != self._key.hash:
            return "its tag does not say any more what it is"
        if not _same_moment(found.registered_at, entry.registered_at):
            return "it was registered at another moment"
        return None

    def _given_up(self) -> str | None:
        """Deregister what was registered for nothing; return what went wrong with that."""
        assert self.mine is not None, "only what was registered is given up"
        lost, self.mine = self.mine, None
        trouble: str | None = None
        try:
            self._registry.deregister(lost.revision)
        except JanitorError as error:
            trouble = f"{lost.revision} was registered for nothing and is still ACTIVE: {error}"
        try:
            self._table.note(self._event(What.LOST, lost.revision, trouble or "deregistered"))
        except TableFailed as error:
            trouble = "; ".join(filter(None, (trouble, f"{lost.revision} is not in the history: {error}")))
        return trouble

    # Our own

    def _taken(self, standing: Lease | None) -> Reused | None:
        """Register and put it into the table, if nobody else is about to."""
        if not self._leased(standing):
            self._trouble = None
            return None
        lease = self._lease
        assert lease is not None, "it has just been taken"
        if self.mine is None and standing is not None:
            self.mine = self._registry.tagged(self._key, lease.since)
            self._adopted = self.mine is not None
        if self.mine is None:
            self.mine = self.registered(lease.since, lease.until, lease)
        if self.mine is None:
            return None
        found, now, by = self.mine, self._clock.now(), self._reuse.by
        entry = Entry(
            key=self._key,
            revision=found.revision,
            arn=found.arn,
            registered_at=found.registered_at,
            registered_by=by,
            last_used_at=now,
            last_used_by=by,
            use_count=1,
        )
        what = What.ADOPTED if self._adopted else What.REGISTERED
        if not self._table.commit(lease, entry, self._event(what, found.revision, "")):
            return None
        how = How.REUSED if self._adopted else How.REGISTERED
        return Reused(revision=found.revision, arn=found.arn, hash=self._key.hash, how=how)

    def _leased(self, standing: Lease | None) -> bool:
        """Take the lease, unless it is ours already; say whether we have it.

        One of ours that has run out is as good as any, as long as nobody has taken it over.
        """
        now = self._clock.now()
        if standing is not None:
            if self._lease is not None and standing.owner == self._lease.owner:
                return True
            if now < standing.until:
                return False
        self._lease = Lease(
            key=self._key,
            owner=self._reuse.new_owner(),
            by=self._reuse.by,
            since=now if standing is None else standing.since,
            until=now + self._reuse.terms.lease,
        )
        return self._table.lease(self._lease, standing)

    def registered(self, since: datetime, until: datetime, lease: Lease | None = None) -> Found | None:
        """Register; None where that did not succeed in time. Refused for good, it gives the lease back.

        A call without an answer may have done its work: it is looked for before it is repeated.
        """
        unanswered = False
        for pause in _pauses(self._reuse.new_owner()):
            try:
                return self._registry.register(self._request, self._key.hash)
            except Busy as error:
                self._trouble = error
            except Unanswered as error:
                self._trouble, unanswered = error, True
            except (AccessDenied, CallFailed):
                if lease is not None and not unanswered:
                    self._table.release(lease)
                raise
            if self._clock.now() + timedelta(seconds=pause) >= until:
                break
            self._clock.sleep(pause)
            found = self._registry.tagged(self._key, since) if unanswered else None
            if found is not None:
                return found
        return None

    def _held(self, standing: Entry | Lease | None) -> LeaseHeld:
        who = f"{standing.by} has the lease" if isinstance(standing, Lease) else "others were always faster"
        patience = self._reuse.terms.patience.total_seconds()
        return LeaseHeld(
            self._table.name,
            "waiting",
            f"after {patience:g} seconds {who} for {self._key.family}",
            "look what becomes of it, and try again",
        )

    def _event(self, what: What, revision: RevisionId, words: str) -> Event:
        return Event(key=self._key, at=self._clock.now(), what=what, by=self._reuse.by, revision=revision, words=words)


def _same_moment(one: datetime | None, other: datetime | None) -> bool:
    return one is other if one is None or other is None else abs(one - other) < SAME_MOMENT


def _pauses(owner: str = "") -> Iterator[float]:
    """Yield the seconds between two tries; an owner shortens them by up to a half, so that callers do not keep step."""
    share = 1 - zlib.crc32(owner.encode()) / 2**33
    pause = FIRST_PAUSE
    while True:
        yield pause * share
        pause = min(2 * pause, LONGEST_PAUSE)

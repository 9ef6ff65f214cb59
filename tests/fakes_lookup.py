"""The lookup table and ECS as dictionaries; ``tests.contract.test_lookup_table`` holds the one of them to moto."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from janitor.core.lookup import Entry, FamilyLookup, Found, Lease
from janitor.core.model import RevisionId, Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from janitor.core.lookup import Event, Key
    from janitor.errors import JanitorError
    from janitor.ports import Clock


class MemoryTable:
    """A lookup table whose every call is one step. Satisfies ``janitor.ports.LookupTable``."""

    def __init__(self, name: str = "lookup") -> None:
        self.name = name
        self.standing: dict[Key, Entry | Lease] = {}
        self.named_by_family: dict[RevisionId, Key] = {}
        self.history: list[Event] = []

    def get(self, key: Key) -> Entry | Lease | None:
        """Return what stands for a definition."""
        return self.standing.get(key)

    def lease(self, lease: Lease, over: Lease | None) -> bool:
        """Take the lease, if nothing stands there but the one that is over."""
        if over is None:
            if lease.key in self.standing:
                return False
        elif not self._leased(over):
            return False
        self.standing[lease.key] = lease
        return True

    def release(self, lease: Lease) -> bool:
        """Give the lease back, if it is still this one."""
        if not self._leased(lease):
            return False
        del self.standing[lease.key]
        return True

    def commit(self, lease: Lease, entry: Entry, event: Event) -> bool:
        """Put an entry in the place of a lease, if it is still this one."""
        if not self._leased(lease):
            return False
        self.standing[entry.key] = entry
        self.named_by_family[entry.revision] = entry.key
        self.history.append(event)
        return True

    def touch(self, entry: Entry, at: datetime, by: str) -> bool:
        """Note a use, if it is still this revision."""
        standing = self._entry(entry)
        if standing is None:
            return False
        used = replace(standing, last_used_at=at, last_used_by=by, use_count=standing.use_count + 1)
        self.standing[entry.key] = used
        return True

    def forget(self, entry: Entry, event: Event) -> bool:
        """Take away an entry, if it is still this revision."""
        return self._entry(entry) is not None and self._taken_away(entry, event)

    def evict(self, entry: Entry, event: Event) -> bool:
        """Take away an entry, if it is still this revision and was not used since."""
        standing = self._entry(entry)
        if standing is None:
            return False
        unused = (standing.last_used_at, standing.use_count) == (entry.last_used_at, entry.use_count)
        return unused and self._taken_away(entry, event)

    def note(self, event: Event) -> None:
        """Add a line to the history."""
        self.history.append(event)

    def named(self, family: str) -> Mapping[RevisionId, Key]:
        """Return the revisions of a family that stand for a definition."""
        return {each: key for each, key in self.named_by_family.items() if each.family == family}

    def family(self, family: str) -> FamilyLookup:
        """Return all that there is of a family."""
        standing = [each for key, each in self.standing.items() if key.family == family]
        return FamilyLookup(
            family=family,
            entries=tuple(sorted((e for e in standing if isinstance(e, Entry)), key=lambda entry: entry.revision)),
            leases=tuple(sorted((e for e in standing if isinstance(e, Lease)), key=lambda lease: lease.key)),
            history=tuple(
                sorted(
                    (each for each in self.history if each.key.family == family),
                    key=lambda event: (event.at, event.revision, event.what),
                )
            ),
        )

    def _leased(self, lease: Lease) -> bool:
        standing = self.standing.get(lease.key)
        return isinstance(standing, Lease) and standing.owner == lease.owner

    def _entry(self, entry: Entry) -> Entry | None:
        standing = self.standing.get(entry.key)
        return standing if isinstance(standing, Entry) and standing.arn == entry.arn else None

    def _taken_away(self, entry: Entry, event: Event) -> bool:
        del self.standing[entry.key]
        self.named_by_family.pop(entry.revision, None)
        self.history.append(event)
        return True


@dataclass
class MemoryRegistry:
    """ECS, as far as registering goes. Satisfies ``janitor.ports.Registry``.

    ``answers`` are errors that the next registrations end with, ``acting`` those of them that register all the same.
    """

    clock: Clock
    revisions: dict[RevisionId, Found] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    answers: list[JanitorError] = field(default_factory=list)
    acting: tuple[type[JanitorError], ...] = ()
    stays: JanitorError | None = None
    """What every deregistration ends with."""

    def register(self, request: Mapping[str, Any], hash: str) -> Found:  # noqa: A002 - the port's word
        """Register, or end as scripted."""
        self.calls["register"] += 1
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None and not isinstance(answer, self.acting):
            raise answer
        revision = RevisionId(request["family"], len(self.revisions) + 1)
        found = Found(
            revision=revision,
            arn=f"arn:aws:ecs:eu-west-1:123456789012:task-definition/{revision}",
            registered_at=self.clock.now(),
            status=Status.ACTIVE,
            hash=hash,
        )
        self.revisions[revision] = found
        if answer is not None:
            raise answer
        return found

    def find(self, revision: RevisionId) -> Found | None:
        """Return a revision."""
        self.calls["find"] += 1
        return self.revisions.get(revision)

    def tagged(self, key: Key, since: datetime) -> Found | None:
        """Return the newest ACTIVE revision with a tag that was registered since a moment."""
        self.calls["tagged"] += 1
        for found in reversed(list(self.revisions.values())):
            fresh = found.registered_at is not None and found.registered_at >= since
            if found.hash == key.hash and found.status is Status.ACTIVE and fresh:
                return found
        return None

    def deregister(self, revision: RevisionId) -> None:
        """Deregister a revision, or end as scripted."""
        self.calls["deregister"] += 1
        if self.stays is not None:
            raise self.stays
        self.change(revision, status=Status.INACTIVE)

    def change(self, revision: RevisionId, **changes: Any) -> None:  # noqa: ANN401 - those of Found
        """Let somebody else do something to a revision."""
        self.revisions[revision] = replace(self.revisions[revision], **changes)

    def active(self) -> list[RevisionId]:
        """Return the ACTIVE revisions."""
        return [each.revision for each in self.revisions.values() if each.status is Status.ACTIVE]

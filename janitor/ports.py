"""The outside world on one screen: what the sweep needs, as protocols.

The adapters in ``janitor.aws``, the real clock in ``janitor.wiring`` and the fakes in ``tests`` satisfy these
by shape alone; nothing here imports anything but the core.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from janitor.core.due_cache import DueCache
    from janitor.core.lookup import Entry, Event, FamilyLookup, Found, Key, Lease, Tended
    from janitor.core.model import Condemned, Description, FamilyUsage, Outcome, Revision, RevisionId, Status

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")


class Clock(Protocol):
    """Time as an argument: nobody but ``janitor.wiring`` asks the machine for it."""

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards, from an arbitrary start."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for that many seconds of this clock."""
        ...


class Pending(Protocol[T_co]):
    """A call under way."""

    def done(self) -> bool:
        """Say whether the call has ended."""
        ...

    def result(self) -> T_co:
        """Wait for the call to end; return what it returned or raise what it raised."""
        ...


class Workers(Protocol):
    """Runs calls side by side: ``ThreadPoolExecutor``, or its like on a virtual clock."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Pending[T]:
        """Start a call as soon as a worker is free."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a family's revision numbers, in the order of the listing; ``last`` when none follows."""

    numbers: tuple[int, ...]
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What ECS said about a batch: who was accepted, who was refused and why. Who is in neither was not answered."""

    accepted: frozenset[RevisionId] = frozenset()
    refused: Mapping[RevisionId, str] = field(default_factory=dict)
    request_id: str | None = None


class TaskDefinitions(Protocol):
    """The task definitions of one account and Region.

    Every call raises ``AccessDenied`` or ``Unreachable`` where the run cannot go on, and ``CallFailed`` where one
    thing cannot be had.
    """

    @property
    def account(self) -> str | None:
        """Return the account's number, as soon as an answer has told it."""
        ...

    @property
    def blind_to_deletion_dates(self) -> str | None:
        """Say why a description cannot tell when a deletion was requested; None where it can."""
        ...

    def families(self) -> Iterator[str]:
        """List every family that has a revision, ACTIVE or INACTIVE, by name."""
        ...

    def pages(self, family: str, status: Status, *, newest_first: bool = False) -> Iterator[Page]:
        """List the revision numbers of a family that have a status, ascending unless told otherwise.

        Raises:
            ListingBroken: if a following page cannot be had.
        """
        ...

    def describe(self, revision: RevisionId) -> Revision | None:
        """Return a revision's status, dates and tags, or None when it does not exist any more."""
        ...

    def describe_fully(self, revision: RevisionId) -> Description | None:
        """Return a revision with its images, or None when it does not exist any more."""
        ...

    def delete(self, batch: Sequence[RevisionId]) -> Answer:
        """Ask for the deletion of 1 to 10 revisions and return what ECS answered for each."""
        ...

    def deregister(self, revision: RevisionId) -> Answer:
        """Ask for the deregistration of an ACTIVE revision and return what ECS answered."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What will be registered in place of a revision. ``notes`` say what of it cannot come back.

    ``marked`` says that it will carry a tag with the name of the revision.
    """

    revision: RevisionId
    request: Mapping[str, Any] = field(repr=False)
    marked: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A definition as it was registered: its new name, and AWS's name of the call."""

    revision: RevisionId
    request_id: str | None = None


class Registrations(Protocol):
    """Registers archived definitions again."""

    def prepared(self, revision: RevisionId, archived: bytes) -> Prepared:
        """Return what will be registered in place of a revision; raise ``ValueError`` for what is no definition."""
        ...

    def register(self, prepared: Prepared) -> Registered:
        """Register, once.

        Raises:
            AccessDenied, Unreachable: if nothing was registered, and the next would not fare better.
            Unanswered: if nobody knows whether it was registered.
            CallFailed: if ECS refused it.
        """
        ...


class Usage(Protocol):
    """Who uses a revision. The lookup table is one more of these, which the orphan rule alone asks."""

    def of(self, family: str) -> FamilyUsage:
        """Return which revisions of a family are in use; never raises for a source that cannot be read."""
        ...


class Recorder(Protocol):
    """The record of what is deleted and deregistered. Called from several threads."""

    def intend(self, batch: Sequence[Condemned]) -> Callable[[Sequence[Outcome]], None]:
        """Put a batch on record before it is submitted; return what takes its outcomes.

        Raises:
            StoreFailed: if it could not be written; then nothing of the batch may be submitted. What takes the
                outcomes raises it as well.
        """
        ...


class Submissions(Protocol):
    """When this program itself submitted revisions, by its record."""

    def submitted_at(self, family: str, numbers: Sequence[int]) -> Mapping[int, datetime]:
        """Return when each was submitted for deletion, of those that are on record; never raises."""
        ...


class DueCaches(Protocol):
    """What earlier sweeps learned of each family's late-deregistered revisions. Losing it costs calls, nothing else."""

    def load(self, family: str) -> DueCache:
        """Return what is known of a family; nothing where it cannot be read."""
        ...

    def save(self, family: str, cache: DueCache) -> None:
        """Keep what is known of a family, if possible."""
        ...


class Reads(Protocol):
    """The budget of read calls."""

    @property
    def left(self) -> int:
        """Return how many read calls may still be made."""
        ...

    def at_most(self, reads: int) -> AbstractContextManager[None]:
        """Lower the budget to that many reads for a while; whoever needs more gets ``ReadsSpent``."""
        ...


class Blobs(Protocol):
    """A store of named contents: a folder or a bucket. Keys are paths, their parts separated by ``/``.

    Every call raises ``StoreFailed`` where the store cannot be read or written.
    """

    def get(self, key: str, *, first: int | None = None) -> bytes | None:
        """Return a content, or its first so many bytes; None when there is none by that key."""
        ...

    def put(self, key: str, content: bytes) -> None:
        """Store a content, durably and whole or not at all, in place of the one that was there."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Return an iterator over the keys that begin with a text, sorted."""
        ...

    def delete(self, key: str) -> None:
        """Delete a content; nothing happens when there is none by that key."""
        ...


class LookupTable(Protocol):
    """Which definition is which revision. Every read is of the latest write; every call raises ``TableFailed``.

    What is done on a condition returns whether it held. False also stands for another write that got in between:
    whoever is told so looks again.
    """

    @property
    def name(self) -> str:
        """Return the table's name."""
        ...

    def get(self, key: Key) -> Entry | Lease | None:
        """Return what stands for a definition: a revision, somebody who is about to register one, or nothing."""
        ...

    def lease(self, lease: Lease, over: Lease | None) -> bool:
        """Take the right to register, on condition that nobody has it but, perhaps, the one whose time is over."""
        ...

    def release(self, lease: Lease) -> bool:
        """Give the right to register back, on condition that it is still this one."""
        ...

    def commit(self, lease: Lease, entry: Entry, event: Event) -> bool:
        """Put a revision in the place of a lease, on condition that it is still this one."""
        ...

    def touch(self, entry: Entry, at: datetime, by: str) -> bool:
        """Note a use, on condition that it is still this revision that stands for the definition."""
        ...

    def forget(self, entry: Entry, event: Event) -> bool:
        """Take away an entry, on condition that it still names this revision, whoever used it since."""
        ...

    def evict(self, entry: Entry, event: Event) -> bool:
        """Take away an entry, on condition that it still names this revision and was not used since."""
        ...

    def note(self, event: Event) -> None:
        """Add a line to the history."""
        ...

    def named(self, family: str) -> Mapping[RevisionId, Key]:
        """Return the revisions of a family that stand for a definition."""
        ...

    def family(self, family: str) -> FamilyLookup:
        """Return all that there is of a family. It reads the whole table: for people, not for every run."""
        ...


class Upkeep(Protocol):
    """Keeps the lookup table in step with ECS. What it takes away protects its revision no longer."""

    def tend(self, family: str) -> Tended:
        """Forget the entries of a family whose revision is not ACTIVE any more, and evict those nobody used.

        Raises:
            TableFailed: if the table could not be read or written.
            AccessDenied, Unreachable, CallFailed: if ECS could not be asked.
        """
        ...


class Registry(Protocol):
    """Where definitions are registered."""

    def register(self, request: Mapping[str, Any], hash: str) -> Found:  # noqa: A002 - the word of the table
        """Register, once, with the hash as a tag.

        Raises:
            Busy: if nothing was registered, and it may well be a moment later.
            Unanswered: if nobody knows whether it was registered.
            AccessDenied, CallFailed: if it was refused.
        """
        ...

    def find(self, revision: RevisionId) -> Found | None:
        """Return a revision, or None when it does not exist any more."""
        ...

    def tagged(self, key: Key, since: datetime) -> Found | None:
        """Return the ACTIVE revision with a definition's tag, if one was registered since a moment."""
        ...

    def deregister(self, revision: RevisionId) -> None:
        """Deregister a revision."""
        ...

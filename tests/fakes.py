"""The outside world as dictionaries: one hand-written fake per port, each scripted through plain attributes."""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from janitor.core.due_cache import DueCache, decode
from janitor.core.model import BATCH_SIZE, PAGE_SIZE, Description, FamilyUsage, Status
from janitor.errors import AccessDenied, CallFailed, ListingBroken
from janitor.ports import Answer, Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from janitor.core.model import Revision, RevisionId
    from janitor.errors import JanitorError

T = TypeVar("T")
P = ParamSpec("P")

START = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
REPEATED = 3
"""How many entries a hostile cursor repeats at most."""


class FakeClock:
    """A clock that only moves when somebody sleeps. Satisfies ``janitor.ports.Clock``."""

    def __init__(self, start: datetime = START) -> None:
        self.start = start
        self.elapsed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return the start plus what was slept."""
        return self.start + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        """Return the seconds that were slept."""
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        """Jump ahead."""
        self.slept.append(seconds)
        self.elapsed += seconds


class FakePending(Generic[T]):
    """A call that was made at once, or is made when somebody asks for its result."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._ended = False
        self._error: BaseException | None = None
        self._value: list[T] = []

    def run(self) -> FakePending[T]:
        """Make the call, once."""
        if not self._ended:
            self._ended = True
            try:
                self._value.append(self._call())
            except BaseException as error:  # noqa: BLE001 - a pending call carries every exception to whoever asks
                self._error = error
        return self

    def done(self) -> bool:
        """Say whether the call was made."""
        return self._ended

    def result(self) -> T:
        """Return what the call returned or raise what it raised."""
        self.run()
        if self._error is not None:
            raise self._error
        return self._value[0]


class InlineWorkers:
    """Makes each call at submit or, when ``lazy``, as late as possible. Satisfies ``janitor.ports.Workers``."""

    def __init__(self, *, lazy: bool = False) -> None:
        self._lazy = lazy
        self.submitted = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> FakePending[T]:
        """Take a call."""
        self.submitted += 1
        pending = FakePending(lambda: fn(*args, **kwargs))
        return pending if self._lazy else pending.run()


@dataclass
class FakeUsage:
    """Who uses what, by family. Satisfies ``janitor.ports.Usage``."""

    by_family: Mapping[str, FamilyUsage] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def of(self, family: str) -> FamilyUsage:
        """Return what was scripted."""
        self.asked.append(family)
        return self.by_family.get(family, FamilyUsage())


class FakeDueCaches:
    """The due caches in a dictionary, stored as bytes. Satisfies ``janitor.ports.DueCaches``."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    def load(self, family: str) -> DueCache:
        """Return what was saved."""
        return decode(self.stored[family], family)[0] if family in self.stored else DueCache()

    def save(self, family: str, cache: DueCache) -> None:
        """Keep it."""
        self.stored[family] = cache.encode(family)


def _holds(ascending: Sequence[int], number: int) -> bool:
    place = bisect.bisect_left(ascending, number)
    return place < len(ascending) and ascending[place] == number


class FakeTaskDefinitions:
    """An account in a dictionary, with faults to script. Satisfies ``janitor.ports.TaskDefinitions``.

    The cursor is stable, or hostile: then it is an offset into the listing, which skips as many as left before it,
    and every second time that something left it begins by repeating the end of the page before.
    """

    def __init__(
        self,
        revisions: Iterable[Revision] = (),
        *,
        page_size: int = PAGE_SIZE,
        hostile: bool = False,
        spend: Callable[[], None] = lambda: None,
    ) -> None:
        self.account: str | None = "123456789012"
        self.blind_to_deletion_dates: str | None = None
        self.now = START
        self.page_size = page_size
        self.hostile = hostile
        self.spend = spend  # called before each read call: a budget raises here
        self._revisions: dict[RevisionId, Revision] = {}
        self._listed: dict[tuple[str, Status], list[int]] = defaultdict(list)
        # What goes wrong
        self.refused: dict[RevisionId, str] = {}
        self.unanswered: set[RevisionId] = set()
        self.misreported: dict[RevisionId, str] = {}
        """Deleted, though the answer says refused for this reason, or with an empty reason says nothing."""
        self.denied: set[RevisionId] = set()
        self.denies_everything = False
        self.spoilt: set[RevisionId] = set()
        """A batch with one of these ends in ClientException."""
        self.delete_faults: deque[JanitorError | None] = deque()
        """What the next delete calls end in; None: they go well."""
        self.deregister_faults: deque[JanitorError | None] = deque()
        """What the next deregister calls end in; None: they go well."""
        self.undescribable: dict[RevisionId, JanitorError] = {}
        self.vanishing: set[RevisionId] = set()
        """Listed, but gone when it is described."""
        self.breaks: defaultdict[str, deque[int | None]] = defaultdict(deque)
        """For each INACTIVE listing of a family, after how many pages it breaks off; None: it does not."""
        self.families_fault: JanitorError | None = None
        self.stale_listing = False
        """What was deleted is still listed as INACTIVE: a listing may lag behind."""
        self._stale: dict[str, set[int]] = defaultdict(set)
        # What was asked
        self.batches: list[tuple[RevisionId, ...]] = []
        self.deregistrations: list[RevisionId] = []
        self.described: list[RevisionId] = []
        self.calls: Counter[str] = Counter()
        self.log: list[str] = []
        for revision in revisions:
            self.put(revision)

    # What a test puts in and looks at

    def put(self, revision: Revision) -> None:
        """Add a revision, or move one to another status."""
        self.remove(revision.id)
        self._revisions[revision.id] = revision
        bisect.insort(self._listed[revision.id.family, revision.status], revision.id.number)

    def remove(self, revision: RevisionId) -> None:
        """Let a revision be gone."""
        before = self._revisions.pop(revision, None)
        if before is not None:
            listed = self._listed[revision.family, before.status]
            del listed[bisect.bisect_left(listed, revision.number)]

    def with_status(self, status: Status) -> set[RevisionId]:
        """Return the revisions that have a status now."""
        return {revision.id for revision in self._revisions.values() if revision.status is status}

    def status(self, revision: RevisionId) -> Status | None:
        """Return a revision's status now, None if it is gone."""
        found = self._revisions.get(revision)
        return None if found is None else found.status

    # What the port asks

    def families(self) -> Iterator[str]:
        """List every family that has a revision, by name."""
        if self.families_fault is not None:
            raise self.families_fault
        names = sorted({revision.family for revision in self._revisions})
        for start in range(0, max(1, len(names)), PAGE_SIZE):
            self._read("families")
            yield from names[start : start + PAGE_SIZE]

    def pages(self, family: str, status: Status, *, newest_first: bool = False) -> Iterator[Page]:
        """List a family's numbers; deleting meanwhile disturbs a hostile cursor."""
        breaks = self._breaks_after(family, status)
        taken: list[int] = []
        disturbances = fetched = 0
        while True:
            if breaks == fetched:
                kind = ListingBroken if fetched else CallFailed
                raise kind("ListTaskDefinitions", "InvalidParameterException", "Invalid token.")
            self._read("list")
            fetched += 1
            numbers = self._listed[family, status]
            if status is Status.INACTIVE and self._stale[family]:
                numbers = sorted(self._stale[family].union(numbers))
            ascending = numbers
            if newest_first:
                numbers = numbers[::-1]
            disturbed = any(not _holds(ascending, number) for number in taken)
            disturbances += disturbed
            repeated: list[int] = []
            if self.hostile:
                first = len(taken)
                if disturbed and disturbances % 2 == 0:
                    repeated = taken[len(taken) - min(REPEATED, self.page_size - 1, len(taken)) :]
            else:
                first = 0
                if taken:
                    at_or_below = bisect.bisect_right(ascending, taken[-1])
                    first = len(numbers) - bisect.bisect_left(ascending, taken[-1]) if newest_first else at_or_below
            fresh = numbers[first : first + self.page_size - len(repeated)]
            taken += fresh
            last = first + len(fresh) >= len(numbers)
            yield Page(numbers=(*repeated, *fresh), last=last)
            if last:
                return

    def describe(self, revision: RevisionId) -> Revision | None:
        """Return a revision, None if it is gone."""
        self._read("describe")
        self.described.append(revision)
        if revision in self.undescribable:
            raise self.undescribable[revision]
        if revision in self.vanishing:
            self.remove(revision)
        return self._revisions.get(revision)

    def describe_fully(self, revision: RevisionId) -> Description | None:
        """Return a revision with an image that tells its number."""
        found = self.describe(revision)
        if found is None:
            return None
        return Description(revision=found, images={"main": f"registry/{revision.family}:{revision.number}"})

    def delete(self, batch: Sequence[RevisionId]) -> Answer:
        """Delete what is INACTIVE and not scripted otherwise; say so, or something else where that is scripted."""
        assert 1 <= len(batch) <= BATCH_SIZE, "the API takes 1 to 10"
        assert len(set(batch)) == len(batch), "a batch names each revision once"
        self.calls["delete"] += 1
        self.log.append("delete")
        self.batches.append(tuple(batch))
        fault = self.delete_faults.popleft() if self.delete_faults else None
        if fault is not None:
            raise fault
        denied = [each for each in batch if self.denies_everything or each in self.denied]
        if denied:
            raise AccessDenied("ecs:DeleteTaskDefinitions", f"not authorized to delete {denied[0]}")
        if any(each in self.spoilt for each in batch):
            raise CallFailed("DeleteTaskDefinitions", "ClientException", "an entry is not as it should be")
        accepted: set[RevisionId] = set()
        refused: dict[RevisionId, str] = {}
        for each in batch:
            words = self._delete(each)
            if words is None:
                accepted.add(each)
            elif words:
                refused[each] = words
        return Answer(accepted=frozenset(accepted), refused=refused)

    def deregister(self, revision: RevisionId) -> Answer:
        """Deregister what is ACTIVE and not scripted otherwise; say so, or something else where that is scripted."""
        self.calls["deregister"] += 1
        self.log.append("deregister")
        self.deregistrations.append(revision)
        fault = self.deregister_faults.popleft() if self.deregister_faults else None
        if fault is not None:
            raise fault
        if revision in self.denied:
            raise AccessDenied("ecs:DeregisterTaskDefinition", f"not authorized to deregister {revision}")
        found = self._revisions.get(revision)
        if revision in self.refused or found is None or found.status is Status.DELETE_IN_PROGRESS:
            raise CallFailed("DeregisterTaskDefinition", "ClientException", self.refused.get(revision, "no such thing"))
        if revision in self.unanswered:
            return Answer()
        if found.status is Status.ACTIVE:
            self.put(replace(found, status=Status.INACTIVE, deregistered_at=self.now))
        return Answer() if revision in self.misreported else Answer(accepted=frozenset({revision}))

    def _delete(self, revision: RevisionId) -> str | None:
        """Return None when accepted, the words of a refusal, or nothing to be left unanswered."""
        if revision in self.unanswered:
            return ""
        if revision in self.refused:
            return self.refused[revision]
        found = self._revisions.get(revision)
        if found is None:
            return "MISSING"
        if found.status is not Status.INACTIVE:
            return found.status.value
        if self.stale_listing:
            self._stale[revision.family].add(revision.number)
        self.put(replace(found, status=Status.DELETE_IN_PROGRESS))
        return self.misreported.get(revision)

    def _breaks_after(self, family: str, status: Status) -> int | None:
        script = self.breaks[family]
        return script.popleft() if script and status is Status.INACTIVE else None

    def _read(self, kind: str) -> None:
        self.spend()
        self.calls[kind] += 1
        self.log.append(kind)

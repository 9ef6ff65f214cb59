"""One caller and what it meets: refusals, lost answers, tables that fail, revisions that are not what they were."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from janitor.aws.lookup_table import HISTORY
from janitor.core.lookup import Entry, Event, Key, Lease, What
from janitor.core.model import RevisionId, Status
from janitor.errors import AccessDenied, Busy, CallFailed, LeaseHeld, TableFailed, Unanswered
from janitor.reuse.protocol import How, Reuse, Terms
from tests.fakes import START, FakeClock
from tests.fakes_lookup import MemoryRegistry, MemoryTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from janitor.core.lookup import Found
    from janitor.reuse.protocol import Reused

KEY = Key("web", "1-abc")
REQUEST = {"family": "web", "containerDefinitions": [{"name": "a", "image": "b"}]}
FIRST, SECOND = RevisionId("web", 1), RevisionId("web", 2)
BUSY = Busy("RegisterTaskDefinition", "ClientException", "Too many concurrent attempts")
LOST = Unanswered("RegisterTaskDefinition", "ReadTimeoutError", "the answer was lost")
REFUSED = CallFailed("RegisterTaskDefinition", "ClientException", "No Fargate configuration exists")
DENIED = AccessDenied("ecs:RegisterTaskDefinition", "words")
BROKEN = TableFailed("lookup", "GetItem", "AccessDeniedException: words", "ask for rights")


class FailingTable(MemoryTable):
    """A table some of whose calls fail, perhaps after they did their work."""

    def __init__(self, failing: Mapping[str, bool]) -> None:
        super().__init__()
        self.failing = dict(failing)

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - any method
        found = super().__getattribute__(name)
        if name.startswith("_") or name == "failing" or name not in self.failing:
            return found

        def failing(*args: Any) -> None:  # noqa: ANN401 - as above
            if self.failing[name]:
                found(*args)
            raise BROKEN

        return failing


class Place:
    """A caller with its table, its registry and its clock."""

    def __init__(self, table: MemoryTable | None = None, **terms: timedelta) -> None:
        self.clock = FakeClock()
        self.table = table or MemoryTable()
        self.registry = MemoryRegistry(clock=self.clock)
        self.terms = Terms(**terms)
        self.owners = count()

    def reuse(self, *, plainly: bool = False, by: str = "dag a", key: Key = KEY) -> Reused:
        """Ask for the definition."""
        reuse = Reuse(
            table=self.table,
            registry=self.registry,
            clock=self.clock,
            by=by,
            new_owner=lambda: f"owner {next(self.owners)}",
            terms=self.terms,
        )
        return reuse.reuse(REQUEST, key, plainly=plainly)

    def standing(self) -> Entry:
        """Return the entry that stands."""
        entry = self.table.get(KEY)
        assert isinstance(entry, Entry)
        return entry

    def leased(self, owner: str = "another", seconds: float = 60) -> Lease:
        """Let somebody else have the lease."""
        lease = Lease(key=KEY, owner=owner, by="dag z", since=START, until=START + timedelta(seconds=seconds))
        assert self.table.lease(lease, None)
        return lease

    @property
    def told(self) -> list[What]:
        """What the history tells."""
        return [each.what for each in self.table.history]


def test_the_first_registers_and_the_next_reuses() -> None:
    """The first in four calls without a pause; the entry says who, when and how often."""
    place = Place()
    first = place.reuse()
    assert (first.how, first.revision, first.hash, first.trouble) == (How.REGISTERED, FIRST, "1-abc", None)
    assert not place.clock.slept
    place.clock.elapsed = 60
    second = place.reuse(by="dag b")
    assert (second.how, second.arn) == (How.REUSED, first.arn)
    assert place.registry.calls == Counter(register=1, find=1)
    entry = place.standing()
    assert (entry.registered_by, entry.last_used_by, entry.use_count) == ("dag a", "dag b", 2)
    assert entry.last_used_at == START + timedelta(minutes=1)
    assert entry.registered_at == START
    assert place.table.history == [Event(key=KEY, at=START, what=What.REGISTERED, by="dag a", revision=FIRST, words="")]


def test_another_definition_of_the_family_is_another_matter() -> None:
    """It has a revision of its own."""
    place = Place()
    assert place.reuse().revision == FIRST
    assert place.reuse(key=Key("web", "1-def")).revision == SECOND
    assert place.reuse().revision == FIRST


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": Status.INACTIVE}, "it is INACTIVE"),
        ({"status": Status.DELETE_IN_PROGRESS}, "it is DELETE_IN_PROGRESS"),
        ({"hash": "1-def"}, "its tag"),
        ({"hash": None}, "its tag"),
        ({"registered_at": START + timedelta(seconds=1)}, "at another moment"),
        ({"registered_at": None}, "at another moment"),
    ],
    ids=str,
)
def test_what_is_not_what_it_was_is_forgotten_and_registered_again(change: dict[str, Any], words: str) -> None:
    """And the history says why."""
    place = Place()
    place.reuse()
    place.registry.change(FIRST, **change)
    again = place.reuse()
    assert (again.how, again.revision) == (How.REGISTERED, SECOND)
    assert place.told == [What.REGISTERED, What.FORGOTTEN, What.REGISTERED]
    assert words in place.table.history[1].words
    assert place.table.named("web") == {SECOND: KEY}


def test_a_revision_that_is_gone_is_forgotten() -> None:
    """Deleted by somebody, and removed."""
    place = Place()
    place.reuse()
    del place.registry.revisions[FIRST]
    place.registry.revisions[RevisionId("other", 1)] = place.registry.revisions.get(FIRST)  # type: ignore[assignment] # so that numbers go on
    assert place.reuse().revision == SECOND
    assert "does not exist" in place.table.history[1].words


def test_a_date_told_with_another_precision_is_the_same() -> None:
    """Nobody says that ECS tells it twice alike; and where it tells none, none is the same."""
    place = Place()
    place.reuse()
    place.registry.change(FIRST, registered_at=START + timedelta(seconds=0.999))
    assert place.reuse().how is How.REUSED


def test_where_ecs_tells_no_date_none_is_the_same() -> None:
    """The number and the tag decide."""
    place = Place()
    register = place.registry.register

    def undated(request: Mapping[str, Any], hash: str) -> Found:  # noqa: A002 - the port's word
        found = register(request, hash)
        place.registry.change(found.revision, registered_at=None)
        return place.registry.revisions[found.revision]

    place.registry.register = undated  # type: ignore[method-assign] # scripted
    place.reuse()
    assert place.reuse().how is How.REUSED


def test_a_table_of_another_account_is_refused() -> None:
    """Two accounts that share one would forget each other's revisions for ever."""
    place = Place()
    place.reuse()
    place.registry.change(FIRST, arn="arn:aws:ecs:eu-west-1:210987654321:task-definition/web:1")
    with pytest.raises(TableFailed, match="one table for each account and Region"):
        place.reuse()
    assert place.told == [What.REGISTERED]


# Registering


def test_too_many_attempts_at_once_are_tried_again_with_growing_pauses() -> None:
    """Nothing was registered by them."""
    place = Place()
    place.registry.answers = [BUSY] * 4
    assert place.reuse().how is How.REGISTERED
    assert place.registry.calls == Counter(register=5)
    assert len(place.clock.slept) == 4
    assert all(0.5 * 0.1 * 2**n <= slept <= 0.1 * 2**n for n, slept in enumerate(place.clock.slept))


def test_whoever_is_busy_for_longer_than_its_lease_goes_on_with_another_one() -> None:
    """And looks first whether somebody was faster."""
    place = Place(lease=timedelta(seconds=1))
    place.registry.answers = [BUSY] * 12
    assert place.reuse().how is How.REGISTERED
    assert place.registry.calls["register"] == 13
    assert place.told == [What.REGISTERED]


def test_whoever_was_busy_until_another_took_over_waits_for_that_one() -> None:
    """It registers nothing any more."""
    place = Place(lease=timedelta(seconds=1), patience=timedelta(seconds=30))
    place.registry.answers = [BUSY] * 100
    sleep = place.clock.sleep

    def taken_over(seconds: float) -> None:
        sleep(seconds)
        standing = place.table.get(KEY)
        if isinstance(standing, Lease) and standing.owner != "other" and place.clock.now() >= standing.until:
            until = START + timedelta(hours=1)
            assert place.table.lease(Lease(key=KEY, owner="other", by="dag b", since=START, until=until), standing)
            place.registry.calls.clear()

    place.clock.sleep = taken_over  # type: ignore[method-assign] # scripted
    with pytest.raises(LeaseHeld, match="dag b has the lease"):
        place.reuse()
    assert not place.registry.calls


def test_whoever_is_busy_for_too_long_gives_up_with_ecs_words() -> None:
    """Not with the table's: that is not to blame, and plain registration would fare no better."""
    place = Place(patience=timedelta(minutes=2))
    place.registry.answers = [BUSY] * 1000
    with pytest.raises(Busy, match="Too many concurrent attempts"):
        place.reuse(plainly=True)
    assert timedelta(minutes=2) <= timedelta(seconds=place.clock.elapsed) < timedelta(minutes=4)


@pytest.mark.parametrize("refusal", [REFUSED, DENIED])
def test_a_refused_registration_gives_its_lease_back(refusal: Exception) -> None:
    """Nobody waits for it."""
    place = Place()
    place.registry.answers = [refusal]  # type: ignore[list-item] # one of ours
    with pytest.raises(type(refusal)):
        place.reuse()
    assert place.table.get(KEY) is None
    assert place.reuse().how is How.REGISTERED
    assert not place.clock.slept


def test_a_lost_answer_is_looked_for_before_anything_is_registered_again() -> None:
    """The revision is there, with its tag."""
    place = Place()
    place.registry.answers, place.registry.acting = [LOST], (Unanswered,)
    found = place.reuse()
    assert (found.how, found.revision) == (How.REGISTERED, FIRST)
    assert place.registry.calls["register"] == 1


def test_a_call_that_was_lost_on_its_way_is_made_again() -> None:
    """There is no revision with the tag."""
    place = Place()
    place.registry.answers = [LOST, BUSY, LOST]
    assert place.reuse().revision == FIRST
    assert place.registry.calls == Counter(register=4, tagged=3)


def test_whoever_does_not_know_what_it_did_keeps_its_lease() -> None:
    """Whoever comes next looks for what it may have done."""
    place = Place()
    place.registry.answers, place.registry.acting = [LOST, REFUSED], (Unanswered,)
    tagged, place.registry.tagged = place.registry.tagged, lambda *_: None  # type: ignore[method-assign] # not yet to be seen
    with pytest.raises(CallFailed, match="No Fargate"):
        place.reuse()
    assert isinstance(place.table.get(KEY), Lease)
    place.registry.tagged = tagged  # type: ignore[method-assign] # as it was
    again = place.reuse()
    assert (again.how, again.revision) == (How.REUSED, FIRST)
    assert place.told == [What.ADOPTED]


# Waiting


def test_a_lease_is_a_minute_and_patience_five() -> None:
    """Unless said otherwise, as the README says."""
    assert Terms() == Terms(lease=timedelta(minutes=1), patience=timedelta(minutes=5))
    assert timedelta(days=400) == HISTORY


def test_whoever_waits_looks_again_with_growing_pauses_until_the_lease_is_over() -> None:
    """Then it takes it over, and looks for what was registered under it."""
    place = Place()
    place.leased(seconds=30)
    assert place.reuse().how is How.REGISTERED
    assert place.registry.calls == Counter(tagged=1, register=1)
    assert place.clock.slept[:6] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.0]
    assert 30 <= place.clock.elapsed <= 33


def test_what_a_dead_one_registered_is_found_however_many_died() -> None:
    """A lease remembers when the first of them began."""
    place = Place()
    dead = place.leased()
    place.clock.elapsed = 10
    place.registry.register(REQUEST, KEY.hash)
    place.clock.elapsed = 100
    second = Lease(key=KEY, owner="two", by="dag y", since=dead.since, until=START + timedelta(seconds=160))
    assert place.table.lease(second, dead)
    found = place.reuse()
    assert (found.how, found.revision) == (How.REUSED, FIRST)
    assert place.told == [What.ADOPTED]


def test_what_was_registered_before_the_lease_is_not_taken_for_it() -> None:
    """Whoever tagged it, and why."""
    place = Place()
    place.registry.register(REQUEST, KEY.hash)
    place.clock.elapsed = 5
    lease = Lease(key=KEY, owner="x", by="z", since=place.clock.now(), until=place.clock.now() + timedelta(seconds=1))
    assert place.table.lease(lease, None)
    assert place.reuse().revision == SECOND


def test_whoever_waits_for_too_long_says_for_whom() -> None:
    """And after how long."""
    place = Place(patience=timedelta(seconds=20))
    place.leased(seconds=3_600)
    with pytest.raises(LeaseHeld, match=r"lookup failed at waiting: after 20 seconds dag z has the lease for web"):
        place.reuse()
    assert 20 <= place.clock.elapsed < 24
    assert not place.registry.calls


def test_whoever_waits_for_too_long_registers_plainly_if_it_asked_for_that() -> None:
    """The lease stays whose it is."""
    place = Place(patience=timedelta(seconds=20))
    lease = place.leased(seconds=3_600)
    found = place.reuse(plainly=True)
    assert (found.how, found.revision) == (How.PLAIN, FIRST)
    assert "dag z has the lease" in (found.trouble or "")
    assert place.table.get(KEY) == lease


# A surplus


def slow(place: Place) -> None:
    """Let somebody else be faster, while a registration goes on: its own stands when ours is done."""
    register = place.registry.register

    def registered(request: Mapping[str, Any], hash: str) -> Found:  # noqa: A002 - the port's word
        place.registry.register = register  # type: ignore[method-assign] # only once
        lease = place.table.get(KEY)
        assert isinstance(lease, Lease)
        place.clock.elapsed = 100
        assert place.table.lease(other := Lease(**{**_fields(lease), "owner": "other"}), lease)
        theirs, mine = register(request, hash), register(request, hash)
        entry = Entry(
            key=KEY,
            revision=theirs.revision,
            arn=theirs.arn,
            registered_at=theirs.registered_at,
            registered_by="dag b",
            last_used_at=place.clock.now(),
            last_used_by="dag b",
            use_count=1,
        )
        event = Event(key=KEY, at=place.clock.now(), what=What.REGISTERED, by="dag b", revision=theirs.revision)
        assert place.table.commit(other, entry, event)
        return mine

    place.registry.register = registered  # type: ignore[method-assign] # scripted


def _fields(lease: Lease) -> dict[str, Any]:
    return {name: getattr(lease, name) for name in ("key", "owner", "by", "since", "until")}


def test_a_surplus_is_deregistered_and_told() -> None:
    """Whoever was too slow hands out what stands."""
    place = Place()
    slow(place)
    found = place.reuse()
    assert (found.how, found.revision, found.trouble) == (How.REUSED, FIRST, None)
    assert place.registry.active() == [FIRST]
    assert place.told == [What.REGISTERED, What.LOST]
    assert (place.table.history[1].revision, place.table.history[1].words) == (SECOND, "deregistered")


def test_a_surplus_that_cannot_be_deregistered_is_trouble_and_no_failure() -> None:
    """The caller has its revision; the history says what is left."""
    place = Place()
    slow(place)
    place.registry.stays = AccessDenied("ecs:DeregisterTaskDefinition", "words")
    found = place.reuse()
    assert found.revision == FIRST
    assert "web:2 was registered for nothing and is still ACTIVE: ecs:DeregisterTaskDefinition" in (found.trouble or "")
    assert place.table.history[1].words == found.trouble


def test_a_surplus_that_cannot_be_told_is_trouble_and_no_failure() -> None:
    """It is INACTIVE all the same."""
    place = Place(FailingTable({"note": False}))
    slow(place)
    found = place.reuse()
    assert place.registry.active() == [FIRST]
    assert "web:2 is not in the history" in (found.trouble or "")


# A table that fails

CALLS = ("get", "lease", "commit")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("done", [False, True])
def test_a_failing_table_is_raised_and_says_what_it_leaves(call: str, done: bool) -> None:  # noqa: FBT001 - a parameter
    """With the cause and the next step; and once it works again, nothing is surplus."""
    place = Place(table := FailingTable({call: done}))
    with pytest.raises(TableFailed, match="AccessDeniedException: words; ask for rights") as raised:
        place.reuse()
    assert ("web:1 was registered" in str(raised.value)) is (call == "commit")
    table.failing.clear()
    place.clock.elapsed += 120
    place.reuse()
    assert place.registry.active() == [FIRST]
    assert set(table.named("web")) == {FIRST}


@pytest.mark.parametrize("call", [*CALLS, "touch", "forget"])
def test_a_failing_table_is_done_without_if_asked(call: str) -> None:
    """One registration, whatever failed; the trouble is told."""
    place = Place(table := FailingTable({}))
    if call in {"touch", "forget"}:
        place.reuse()
    if call == "forget":
        place.registry.change(FIRST, status=Status.INACTIVE)
    table.failing[call] = False
    before = place.registry.calls["register"]
    found = place.reuse(plainly=True)
    assert (found.how, found.trouble, found.hash) == (How.PLAIN, str(BROKEN), "1-abc")
    assert place.registry.calls["register"] == before + 1
    assert place.registry.revisions[found.revision].status is Status.ACTIVE
    assert found.arn == place.registry.revisions[found.revision].arn


def test_plain_registration_tries_again_too() -> None:
    """And looks for what it may have registered."""
    place = Place(FailingTable({"get": False}))
    place.registry.answers, place.registry.acting = [BUSY, LOST], (Unanswered,)
    assert place.reuse(plainly=True).revision == FIRST
    assert place.registry.calls["register"] == 2


def test_plain_registration_ends_as_well() -> None:
    """With the table's failure, which came first."""
    place = Place(FailingTable({"get": False}))
    place.registry.answers = [BUSY] * 1000
    with pytest.raises(TableFailed, match="ask for rights"):
        place.reuse(plainly=True)
    assert place.clock.elapsed < 600


def test_a_write_that_met_another_one_is_made_again() -> None:
    """The lease is still ours: nothing is registered twice."""
    place = Place()
    commit = place.table.commit

    def meets(*_: object) -> bool:
        place.table.commit = commit  # type: ignore[method-assign] # only once
        return False

    place.table.commit = meets  # type: ignore[assignment, method-assign] # scripted
    assert place.reuse().how is How.REGISTERED
    assert place.clock.elapsed < 1, "nobody waits for a lease of its own"
    assert place.registry.calls == Counter(register=1)


def test_a_commit_that_was_done_but_said_it_was_not_is_found_out() -> None:
    """A call that was repeated on its way met its own success."""
    place = Place()
    commit = place.table.commit
    place.table.commit = lambda *args: commit(*args) and False  # type: ignore[method-assign] # scripted
    found = place.reuse()
    assert found.revision == FIRST
    assert place.registry.active() == [FIRST]
    assert place.told == [What.REGISTERED]


def test_what_was_forgotten_is_not_put_into_the_table_again() -> None:
    """Its own revision, which somebody deregistered before it knew that it stands there."""
    place = Place()
    commit = place.table.commit

    def met(*args: Any) -> bool:  # noqa: ANN401 - those of commit
        place.table.commit = commit  # type: ignore[method-assign] # only once
        commit(*args)
        place.registry.change(FIRST, status=Status.INACTIVE)
        return False

    place.table.commit = met  # type: ignore[assignment, method-assign] # scripted
    assert place.reuse().revision == SECOND
    assert place.told == [What.REGISTERED, What.FORGOTTEN, What.REGISTERED]

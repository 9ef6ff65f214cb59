"""What the janitor spares for the lookup table's sake, and what it takes away of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from janitor.core.lookup import Entry, Event, Key, Lease, Tended, What
from janitor.core.model import FamilyUsage, RevisionId, Status
from janitor.errors import TableFailed
from janitor.reuse.upkeep import LookupUsage, TableUpkeep, entries_of, evict_unused, forget_gone
from tests.builders import revision
from tests.fakes import START, FakeClock, FakeTaskDefinitions
from tests.fakes_lookup import MemoryRegistry, MemoryTable

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = timedelta(days=1)


class Place:
    """A table and ECS beside it, with some definitions registered, one a day."""

    def __init__(self, definitions: int = 3) -> None:
        self.clock = FakeClock()
        self.registry = MemoryRegistry(clock=self.clock)
        self.table = MemoryTable()
        for number in range(1, definitions + 1):
            key = Key("web", f"1-{number}")
            found = self.registry.register({"family": "web"}, key.hash)
            now = self.clock.now()
            lease = Lease(key=key, owner="o", by="dag a", since=now, until=now)
            entry = Entry(
                key=key,
                revision=found.revision,
                arn=found.arn,
                registered_at=found.registered_at,
                registered_by="dag a",
                last_used_at=now,
                last_used_by="dag a",
                use_count=1,
            )
            event = Event(key=key, at=now, what=What.REGISTERED, by="dag a", revision=found.revision)
            assert self.table.lease(lease, None)
            assert self.table.commit(lease, entry, event)
            self.clock.elapsed += DAY.total_seconds()

    def named(self) -> list[int]:
        """Return the numbers that the table names."""
        return sorted(each.number for each in self.table.named("web"))

    def entries(self) -> Iterator[Entry]:
        """Yield what the table has of the family."""
        return entries_of(self.table, "web")


class Unreadable(MemoryTable):
    """A table that nobody may read."""

    def named(self, family: str) -> dict[RevisionId, Key]:
        """Refuse."""
        raise TableFailed(self.name, "Query", f"AccessDeniedException: {family}", "ask for rights")


def test_what_the_table_names_is_in_use() -> None:
    """By the table, by its name; another family's revisions are not."""
    usage = LookupUsage(Place(2).table)
    assert usage.of("web") == FamilyUsage(reasons=dict.fromkeys((1, 2), "the lookup table lookup"))
    assert usage.of("other") == FamilyUsage()


def test_a_table_that_cannot_be_read_might_name_anything() -> None:
    """The words name table, call, cause and next step."""
    found = LookupUsage(Unreadable()).of("web")
    assert not found.reasons
    assert found.unreadable == ("the lookup table lookup failed at Query: AccessDeniedException: web; ask for rights",)


def test_entries_whose_revision_is_gone_are_forgotten() -> None:
    """What is ACTIVE stays, also where it was registered after the listing; no more is looked at than that."""
    place = Place(4)
    del place.registry.revisions[RevisionId("web", 1)]
    place.registry.change(RevisionId("web", 2), status=Status.INACTIVE)
    gone = forget_gone(place.table, place.entries(), place.registry.find, active={3}, now=place.clock.now())
    assert gone == (RevisionId("web", 1), RevisionId("web", 2))
    assert place.named() == [3, 4]
    assert place.registry.calls["find"] == 3
    last = place.table.history[-2:]
    assert [(each.what, each.by, each.words) for each in last] == [
        (What.FORGOTTEN, "janitor", "it does not exist any more"),
        (What.FORGOTTEN, "janitor", "it is INACTIVE"),
    ]


def test_entries_that_nobody_used_for_so_long_are_evicted() -> None:
    """And only they; the revisions are ACTIVE still, and for the caller to deregister."""
    place = Place(3)
    now = START + 2 * DAY
    assert evict_unused(place.table, place.entries(), 2 * DAY, now=now) == (RevisionId("web", 1),)
    assert place.named() == [2, 3]
    assert len(place.registry.active()) == 3
    assert place.table.history[-1].words == "last used 2027-03-01 12:00 UTC by dag a"


def test_one_that_is_used_at_the_same_moment_stays() -> None:
    """Between the look at it and the eviction."""
    place = Place(1)
    get = place.table.get

    def used_meanwhile(key: Key) -> Entry | Lease | None:
        entry = get(key)
        assert isinstance(entry, Entry)
        assert place.table.touch(entry, place.clock.now(), "dag b")
        return entry

    place.table.get = used_meanwhile  # type: ignore[method-assign] # scripted
    assert not evict_unused(place.table, place.entries(), timedelta(0), now=place.clock.now() + DAY)
    assert place.named() == [1]


@pytest.mark.parametrize("gone", [True, False])
def test_a_name_without_its_entry_is_left_alone(gone: bool) -> None:  # noqa: FBT001 - a parameter
    """It still protects its revision; whoever looks for the definition mends it."""
    place = Place(1)
    key = Key("web", "1-1")
    standing = place.table.standing[key]
    assert isinstance(standing, Entry)
    if gone:
        del place.table.standing[key]
    else:
        place.table.standing[key] = replace(standing, revision=RevisionId("web", 9))
    assert not evict_unused(place.table, place.entries(), timedelta(0), now=place.clock.now())
    assert not forget_gone(place.table, place.entries(), place.registry.find, active=(), now=place.clock.now())
    assert place.named() == [1]


def tended(place: Place, world: FakeTaskDefinitions, region: str = "eu-west-1") -> Tended:
    """Tend the table for a month's disuse."""
    return TableUpkeep(place.table, world, region=region, clock=place.clock, evict_after=30 * DAY).tend("web")


def test_a_family_without_entries_costs_ecs_nothing() -> None:
    """Most families have none."""
    world = FakeTaskDefinitions()
    assert tended(Place(0), world) == Tended(table="lookup")
    assert not world.calls


def test_what_is_gone_is_forgotten_and_the_rest_evicted_if_it_is_old_enough() -> None:
    """For a page of ACTIVE revisions, and a description of each that is not on it."""
    place = Place(3)
    place.clock.elapsed += 28.5 * DAY.total_seconds()
    statuses = (Status.ACTIVE, Status.INACTIVE, Status.ACTIVE)
    world = FakeTaskDefinitions(revision(n, "web", status=each) for n, each in enumerate(statuses, start=1))
    assert tended(place, world) == Tended(table="lookup", forgotten=1, evicted=1)
    assert place.named() == [3]
    assert [event.what for event in place.table.history[-2:]] == [What.FORGOTTEN, What.EVICTED]
    assert world.calls == {"list": 1, "describe": 1}


@pytest.mark.parametrize(("region", "account"), [("eu-west-2", "123456789012"), ("eu-west-1", "210987654321")])
def test_a_table_that_names_anothers_revisions_is_left_alone(region: str, account: str) -> None:
    """Their numbers say nothing about ours."""
    place, world = Place(1), FakeTaskDefinitions()
    world.account = account
    with pytest.raises(TableFailed, match="use one table for each account and Region"):
        tended(place, world, region)
    assert place.named() == [1]


def test_where_nothing_exists_at_all_every_entry_is_forgotten() -> None:
    """No answer tells the account then."""
    place, world = Place(2), FakeTaskDefinitions()
    world.account = None
    assert tended(place, world) == Tended(table="lookup", forgotten=2)

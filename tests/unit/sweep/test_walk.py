"""Families most of which are known to be too young: gathered without a listing, night after night."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.model import FamilyUsage, Reason, RevisionId, Status
from janitor.core.retention import AgeFrom
from janitor.sweep import walk
from tests.builders import DAY, policy, random_family, random_rule, random_usage, revision, rule, sweep
from tests.fakes import START, FakeClock, FakeDueCaches, FakeTaskDefinitions
from tests.oracle import to_delete

if TYPE_CHECKING:
    from datetime import datetime

    from janitor.core.model import Revision
    from tests.builders import Ran

pytestmark = pytest.mark.usefixtures("in_progress_not_followed_up")

BULK = 2_000
DUE = 100
PROBES = 20
"""Descriptions that a binary search for the boundary takes at most."""
POLICY = policy(rule())
"""Retention 30 days, keep-newest 0."""


def bulk_account(*, young: int = 50) -> list[Revision]:
    """Build a family: a bulk deregistered three days ago, then what is due tonight or tomorrow, then the young."""
    bulk = [revision(number, registered=900, deregistered=3) for number in range(1, BULK + 1)]
    due = [
        revision(BULK + 1 + index, registered=40, deregistered=31 if index < DUE else 29.5) for index in range(2 * DUE)
    ]
    first_young = BULK + 2 * DUE + 1
    return bulk + due + [revision(first_young + index, registered=10, deregistered=9) for index in range(young)]


def night(world: FakeTaskDefinitions, caches: FakeDueCaches, *, after: timedelta = timedelta()) -> Ran:
    """Sweep once, that long after the start, and forget what was asked before."""
    world.calls.clear()
    world.described.clear()
    world.batches.clear()
    return sweep(world, POLICY, clock=FakeClock(START + after), caches=caches)


def test_from_the_second_night_on_a_bulk_is_not_even_listed() -> None:
    """A page from each end, the boundary, and a description for each that may be due."""
    world, caches = FakeTaskDefinitions(bulk_account()), FakeDueCaches()
    first = night(world, caches)
    assert first.report.due.value == DUE
    assert world.calls["describe"] >= BULK
    assert BULK // 100 <= world.calls["list"] < 2 * BULK // 100, "the second round walks already"

    second = night(world, caches, after=DAY)

    assert second.report.due.value == DUE
    assert world.calls["delete"] == DUE // 10
    to_count = 3 + 1 + 1 + 1 + 3  # of INACTIVE three pages and the end; of the other statuses what there is
    assert world.calls["list"] <= 2 + to_count
    assert world.calls["describe"] <= DUE + PROBES


def test_what_was_deleted_is_not_asked_for_again() -> None:
    """Its numbers lie among those that may be due, and are learned when they go."""
    world, caches = FakeTaskDefinitions(bulk_account()), FakeDueCaches()
    night(world, caches)
    night(world, caches, after=DAY)
    night(world, caches, after=DAY + timedelta(hours=1))
    assert world.calls["describe"] <= PROBES
    assert world.batches == []


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.DELETE_IN_PROGRESS, None])
def test_what_is_walked_into_and_is_not_inactive_is_asked_for_once(status: Status | None) -> None:
    """ACTIVE ones, those on their way out and gaps: learned, and no verdict of their own."""
    world, caches = FakeTaskDefinitions(bulk_account()), FakeDueCaches()
    others = [each for each in world._revisions.values() if BULK + DUE < each.id.number <= BULK + DUE + 2 * PROBES]
    for each in others:
        world.remove(each.id)
        if status is not None:
            world.put(replace(each, status=status, deregistered_at=None))
    night(world, caches)
    second = night(world, caches, after=DAY)
    assert second.report.due.value == DUE - len(others)
    assert not {Reason.NOT_INACTIVE, Reason.UNREADABLE} & set(second.report.kept)
    night(world, caches, after=DAY + timedelta(hours=1))
    assert world.calls["describe"] <= PROBES


def test_a_rule_that_counts_from_registration_lists() -> None:
    """What is learned is about deregistration."""
    world, caches = FakeTaskDefinitions(bulk_account()), FakeDueCaches()
    sweep(world, policy(rule(age_from=AgeFrom.REGISTERED_AT)), caches=caches)
    assert caches.stored == {}


def test_a_family_with_many_open_numbers_is_listed() -> None:
    """Describing gaps one by one would cost more than the listing does."""
    world, caches = FakeTaskDefinitions(bulk_account()), FakeDueCaches()
    night(world, caches)
    for each in list(world._revisions.values()):
        if each.id.number > BULK:
            world.remove(each.id)
    world.put(revision(3 * BULK, registered=40, deregistered=31))  # and nothing between the bulk and it
    night(world, caches)
    assert world.calls["list"] >= BULK // 100
    assert world.calls["describe"] <= 4 * PROBES, "each probe that meets a gap asks further up"
    assert len(world.batches) == 1


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Walk wherever anything at all is known."""
    monkeypatch.setattr(walk, "LEAST", 1)
    monkeypatch.setattr(walk, "WORTH", 0.2)


@pytest.mark.usefixtures("eager")
@settings(derandomize=True, database=None, deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(20, 90),
    keep_newest=st.integers(0, 4),
    page_size=st.integers(3, 20),
    hostile=st.booleans(),
)
def test_whatever_happens_between_the_nights_exactly_what_the_oracle_condemns_goes(
    *, seed: int, size: int, keep_newest: int, page_size: int, hostile: bool
) -> None:
    """Some are registered, deregistered, tagged or deleted by others; the cache is never needed to be right."""
    dice = random.Random(seed)  # noqa: S311 - test data
    rules = policy(random_rule("etl", keep_newest, dice))
    world = FakeTaskDefinitions(random_family("etl", size, dice), page_size=page_size, hostile=hostile)
    caches = FakeDueCaches()
    for number in range(5):
        now = START + number * dice.choice((1, 20, 60)) * DAY
        exists = list(world._revisions.values())
        usage = FamilyUsage(reasons=random_usage(exists, dice).reasons)
        due = {RevisionId("etl", n) for n in to_delete(exists, rules.rule_for("etl"), usage=usage, now=now)}
        inactive = world.with_status(Status.INACTIVE)
        sweep(world, rules, usage={"etl": usage}, clock=FakeClock(now), caches=caches, lazy=dice.random() < 0.5)
        assert inactive - world.with_status(Status.INACTIVE) == due
        happen(world, dice, now)


def happen(world: FakeTaskDefinitions, dice: random.Random, now: datetime) -> None:
    """Let others register, deregister and delete."""
    for each in list(world._revisions.values()):
        match each.status, dice.random():
            case Status.ACTIVE, chance if chance < 0.4:
                world.put(replace(each, status=Status.INACTIVE, deregistered_at=now))
            case Status.INACTIVE, chance if chance < 0.05:
                world.put(replace(each, status=Status.DELETE_IN_PROGRESS))
            case Status.DELETE_IN_PROGRESS, chance if chance < 0.5:
                world.remove(each.id)
            case _:
                pass

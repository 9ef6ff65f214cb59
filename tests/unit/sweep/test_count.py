"""Rules of counting: exact where it is cheap, else a bound that holds."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.core.boundary import Estimate
from janitor.core.forecast import MOST_ASKS
from janitor.core.model import Mode, Reason, Status
from janitor.sweep.count import COUNTED_PAGES, count
from janitor.sweep.family import FamilyState
from tests.builders import due_family, policy, random_family, revision, rule, sweep, young_family
from tests.fakes import FakeTaskDefinitions
from tests.unit.sweep.test_sweep_properties import STEADY

pytestmark = pytest.mark.usefixtures("growth_not_measured")


def counted(world: FakeTaskDefinitions, most_pages: int | None) -> FamilyState:
    """Count one family."""
    family = FamilyState(name="etl", rule=None)
    count(family, world, most_pages=most_pages, check=lambda: None)
    return family


def actives(numbers: range) -> FakeTaskDefinitions:
    """Return a family of ACTIVE revisions."""
    return FakeTaskDefinitions([revision(number, status=Status.ACTIVE) for number in numbers], page_size=10)


def test_a_listing_that_ends_in_time_gives_an_exact_count() -> None:
    """On the last page allowed."""
    family = counted(actives(range(1, 31)), COUNTED_PAGES)
    assert family.active == Estimate.exactly(30)
    assert family.inactive == family.delete_in_progress == Estimate.exactly(0)
    assert (family.lowest, family.highest) == (1, 30)


def test_a_longer_listing_gives_a_bound_from_its_two_ends() -> None:
    """At least what was listed, at most the room between the lowest and the highest number."""
    world = actives(range(101, 501, 2))
    family = counted(world, COUNTED_PAGES)
    assert family.active == Estimate(value=399, low=30, high=399)
    assert world.calls["list"] == COUNTED_PAGES + 1 + 2
    assert (family.lowest, family.highest) == (101, 499)


def test_without_a_limit_of_pages_every_count_is_exact() -> None:
    """Whatever it costs."""
    world = actives(range(101, 501, 2))
    assert counted(world, None).active == Estimate.exactly(200)
    assert world.calls["list"] == 20 + 2


@STEADY
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(0, 80),
    page_size=st.integers(1, 20),
    most_pages=st.one_of(st.none(), st.integers(1, 4)),
)
def test_a_count_always_holds_the_true_number(seed: int, size: int, page_size: int, most_pages: int | None) -> None:
    """Exact or not, for every status and for their sum."""
    revisions = random_family("etl", size, random.Random(seed))  # noqa: S311 - test data
    family = counted(FakeTaskDefinitions(revisions, page_size=page_size), most_pages)
    found = {
        Status.ACTIVE: family.active,
        Status.INACTIVE: family.inactive,
        Status.DELETE_IN_PROGRESS: family.delete_in_progress,
    }
    for status, estimate in found.items():
        assert estimate is not None
        true = sum(1 for each in revisions if each.status is status)
        assert estimate.low <= true <= estimate.high
        assert estimate.is_exact or most_pages is not None
    total = family.report().revision_count
    assert total is not None
    assert total.low <= len(revisions) <= total.high


def test_a_sweep_counts_after_it_deleted() -> None:
    """What went is counted as DELETE_IN_PROGRESS, not as INACTIVE."""
    world = FakeTaskDefinitions([*due_family(30), *young_family(20, first=31), revision(51, status=Status.ACTIVE)])
    (family,) = sweep(world, policy(rule())).report.families
    assert family.inactive == Estimate.exactly(20)
    assert family.active == Estimate.exactly(1)
    assert family.delete_in_progress == Estimate.exactly(30)
    assert family.revision_count == Estimate.exactly(51)
    assert (family.lowest_revision, family.highest_revision) == (1, 51)


def test_a_family_that_a_rule_keeps_whole_is_counted_and_not_described() -> None:
    """Its INACTIVE revisions are kept, for that reason."""
    world = FakeTaskDefinitions([*due_family(30), *due_family(20, "other")])
    ran = sweep(world, policy(rule("etl", keep=True)), mode=Mode.REPORT)
    assert world.calls["describe"] == 0
    assert ran.report.kept == {Reason.RULE_KEEPS: 30, Reason.NO_RULE: 20}


def test_measuring_growth_takes_a_handful_of_descriptions_a_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """However large it is, and only where there is something to measure."""
    monkeypatch.undo()
    revisions = [each for name in ("a", "b", "c") for each in young_family(1_000, name)]
    world = FakeTaskDefinitions(revisions)
    sweep(world, policy(rule("none", keep=True)), mode=Mode.REPORT)
    assert 0 < world.calls["describe"] <= 3 * MOST_ASKS

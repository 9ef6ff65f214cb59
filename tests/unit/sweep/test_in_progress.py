"""Rules of following up what is in DELETE_IN_PROGRESS: how long, who uses it, and what that may cost."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.core.model import LINGERING, FamilyUsage, Lingering, Mode, RevisionId, Status
from janitor.core.report import Ending
from janitor.errors import CallFailed
from janitor.sweep.events import Limits
from janitor.sweep.in_progress import DESCRIBED, NAMED, SAMPLED
from tests.builders import Account, due_family, policy, revision, rule, survey, sweep, young_family
from tests.fakes import START, FakeClock, FakeTaskDefinitions, FakeUsage
from tests.unit.sweep.test_sweep_properties import STEADY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from janitor.core.model import Revision
    from janitor.core.report import FamilyReport
    from tests.builders import Ran

pytestmark = pytest.mark.usefixtures("growth_not_measured")

EVERYTHING = policy(rule())
HOUR = 3_600.0


def deleting(number: int, hours: float | None, family: str = "etl") -> Revision:
    """Return a revision whose deletion was requested so many hours ago, or nobody says when."""
    at = None if hours is None else START - timedelta(hours=hours)
    return replace(revision(number, family, status=Status.DELETE_IN_PROGRESS), delete_requested_at=at)


@dataclass
class FakeSubmissions:
    """What is on record. Satisfies ``janitor.ports.Submissions``."""

    dates: Mapping[tuple[str, int], datetime] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def submitted_at(self, family: str, numbers: Sequence[int]) -> Mapping[int, datetime]:
        """Return what was scripted."""
        self.asked.extend((family, number) for number in numbers)
        return {number: self.dates[family, number] for number in numbers if (family, number) in self.dates}


def reported(world: FakeTaskDefinitions, **options: object) -> Ran:
    """Make an exact report."""
    return sweep(world, EVERYTHING, mode=Mode.REPORT, **options)  # type: ignore[arg-type]  # options of sweep


def family_of(ran: Ran) -> FamilyReport:
    """Return the report of the only family."""
    (family,) = ran.report.families
    return family


def test_of_a_few_the_oldest_is_found_wherever_it_is() -> None:
    """All of them are described, so the age is exact."""
    world = FakeTaskDefinitions([deleting(1, 2), deleting(2, 1), deleting(3, 20), deleting(9, 3)])
    family = family_of(reported(world))
    assert family.delete_in_progress_age == 20 * HOUR
    assert family.delete_in_progress_age_is_exact
    assert world.calls["describe"] == 4


def test_of_many_a_sample_is_described_and_the_age_is_at_least() -> None:
    """Most of it the lowest numbers, which usually went first."""
    world = FakeTaskDefinitions([deleting(number, 10 if number == 4 else 1) for number in range(1, 91)])
    family = family_of(reported(world))
    assert family.delete_in_progress_age == 10 * HOUR
    assert not family.delete_in_progress_age_is_exact
    assert len(world.described) == SAMPLED
    assert {each.number for each in world.described} >= set(range(1, 8))
    assert max(each.number for each in world.described) > 60


def test_a_run_describes_no_more_than_it_may_and_every_family_has_its_share() -> None:
    """A hundred families of twelve: each gets one or two, none is left out."""
    names = [f"f-{index:03}" for index in range(100)]
    world = FakeTaskDefinitions([deleting(number, 1, name) for name in names for number in range(1, 13)])
    ran = reported(world)
    assert len(world.described) <= DESCRIBED
    assert all(family.delete_in_progress_age == HOUR for family in ran.report.families)


def test_beyond_what_a_run_may_describe_families_are_left_unknown() -> None:
    """The fullest are looked at; of the others nothing is said."""
    crowd = [deleting(1, 1, f"f-{index:03}") for index in range(DESCRIBED + 20)]
    world = FakeTaskDefinitions([*crowd, *(deleting(number, 30, "z") for number in (1, 2, 3))])
    ran = reported(world)
    assert len(world.described) <= DESCRIBED
    ages = {family.family: family.delete_in_progress_age for family in ran.report.families}
    assert ages["z"] == 30 * HOUR
    assert list(ages.values()).count(None) == DESCRIBED + 21 - len({each.family for each in world.described})


def test_where_nothing_is_in_progress_the_age_is_nothing_and_costs_nothing() -> None:
    """The figure of a metric that can go back to nought."""
    world = FakeTaskDefinitions([revision(1, status=Status.ACTIVE)])
    family = family_of(reported(world))
    assert (family.delete_in_progress_age, family.delete_in_progress_age_is_exact) == (0.0, True)
    assert world.calls["describe"] == 0


@pytest.mark.parametrize(("seconds", "lingers"), [(0, False), (1, True)])
def test_over_25_hours_a_revision_lingers(seconds: int, *, lingers: bool) -> None:
    """Who uses it is asked only then."""
    usage = FakeUsage()
    world = FakeTaskDefinitions([deleting(1, (LINGERING.total_seconds() + seconds) / HOUR)])
    family = family_of(reported(world, usage=usage))
    assert bool(family.lingering) == lingers
    assert usage.asked == (["etl"] if lingers else [])


def test_of_those_that_linger_the_oldest_are_named_with_who_uses_them() -> None:
    """A few of them; a revision that nothing was found to use says so."""
    world = FakeTaskDefinitions([deleting(number, 30 + number) for number in range(1, 9)])
    usage = {"etl": FamilyUsage(reasons={8: "task 1 in cluster main is RUNNING with it"})}
    family = family_of(reported(world, usage=usage))
    assert [each.revision.number for each in family.lingering] == [8, 7, 6, 5, 4][:NAMED]
    assert family.lingering[0] == Lingering(
        revision=RevisionId("etl", 8),
        seconds=38 * HOUR,
        used_by="task 1 in cluster main is RUNNING with it",
        usage_is_known=True,
    )
    assert (family.lingering[1].used_by, family.lingering[1].usage_is_known) == (None, True)


def test_usage_that_cannot_be_read_leaves_only_these_words_unknown() -> None:
    """Nothing was kept because of it, so the run has not failed."""
    world = FakeTaskDefinitions([deleting(1, 30)])
    ran = reported(world, usage={"etl": FamilyUsage(unreadable=("tasks: denied",))})
    assert not family_of(ran).lingering[0].usage_is_known
    assert ran.report.causes == ()


def test_what_this_run_deleted_is_not_described_for_it() -> None:
    """The clock knows; what was there before is described, after the last deletion."""
    world = FakeTaskDefinitions([deleting(1, 5), *due_family(30, first=2)])
    clock = FakeClock()
    ran = sweep(world, EVERYTHING, clock=clock, observe=lambda _: clock.sleep(1))
    family = family_of(ran)
    assert world.described.count(RevisionId("etl", 1)) == 1
    assert world.calls["describe"] == 31
    assert "describe" in world.log[len(world.log) - world.log[::-1].index("delete") :]
    assert family.delete_in_progress_age is not None
    assert family.delete_in_progress_age > 5 * HOUR
    alone = family_of(
        sweep(FakeTaskDefinitions(due_family(30)), EVERYTHING, clock=clock, observe=lambda _: clock.sleep(1))
    )
    assert alone.delete_in_progress_age_is_exact
    assert alone.delete_in_progress_age is not None
    assert 20 < alone.delete_in_progress_age < 200


def test_what_is_on_record_is_not_described() -> None:
    """The rest of the sample is."""
    world = FakeTaskDefinitions([deleting(1, None), deleting(2, 3)])
    record = FakeSubmissions({("etl", 1): START - timedelta(hours=40)})
    family = family_of(reported(world, submissions=record))
    assert world.described == [RevisionId("etl", 2)]
    assert record.asked == [("etl", 1), ("etl", 2)]
    assert (family.delete_in_progress_age, family.delete_in_progress_age_is_exact) == (40 * HOUR, True)
    assert [each.revision.number for each in family.lingering] == [1]


def test_an_older_botocore_is_said_once_and_nothing_described_in_vain() -> None:
    """The record still tells; where it tells all, there is nothing to say."""
    world = FakeTaskDefinitions([deleting(1, 30, "a"), deleting(2, 30, "a"), deleting(1, 30, "b")])
    world.blind_to_deletion_dates = "botocore 1.42.0 is too old"
    ran = reported(world, submissions=FakeSubmissions({("a", 2): START - timedelta(hours=30)}))
    assert world.calls["describe"] == 0
    assert ran.report.warnings == ("botocore 1.42.0 is too old",)
    a, b = ran.report.families
    assert (a.delete_in_progress_age, a.delete_in_progress_age_is_exact) == (30 * HOUR, False)
    assert b.delete_in_progress_age is None
    known = FakeSubmissions({(name, number): START for name in "ab" for number in (1, 2)})
    assert reported(world, submissions=known).report.warnings == ()
    none = FakeTaskDefinitions(young_family(3))
    none.blind_to_deletion_dates = "botocore 1.42.0 is too old"
    assert reported(none).report.warnings == ()


def test_what_cannot_be_described_or_has_no_date_makes_the_age_inexact() -> None:
    """And what is gone by then does not."""
    world = FakeTaskDefinitions([deleting(1, 2), deleting(2, None)])
    family = family_of(reported(world))
    assert (family.delete_in_progress_age, family.delete_in_progress_age_is_exact) == (2 * HOUR, False)
    world = FakeTaskDefinitions([deleting(1, None)])
    assert family_of(reported(world)).delete_in_progress_age is None
    world = FakeTaskDefinitions([deleting(1, 2), deleting(2, 3)])
    world.undescribable = {RevisionId("etl", 2): CallFailed("DescribeTaskDefinition", "ServerException", "no")}
    assert not family_of(reported(world)).delete_in_progress_age_is_exact
    world = FakeTaskDefinitions([deleting(1, 2), deleting(2, 3)])
    world.vanishing = {RevisionId("etl", 2)}
    family = family_of(reported(world))
    assert (family.delete_in_progress_age, family.delete_in_progress_age_is_exact) == (2 * HOUR, True)


def test_a_request_to_stop_ends_the_follow_up_and_leaves_the_run_finished() -> None:
    """All duty was done; what was not followed up is said."""
    world = FakeTaskDefinitions([deleting(1, 30, "a"), deleting(1, 30, "b")])
    ran = reported(world, limits=Limits(asked_to_stop=lambda: bool(world.described)))
    assert ran.report.ending is Ending.FINISHED
    assert ran.report.warnings == ("what is in DELETE_IN_PROGRESS was not followed up: stopped on request",)


@pytest.mark.parametrize("budget", [5, 12, 40, 600])
def test_a_bounded_report_follows_up_within_its_budget(budget: int) -> None:
    """However few reads there are; with the usual number those that linger are named."""
    revisions = [deleting(number, 40) for number in range(1, 300)] + due_family(500, "web")
    account = Account(revisions=tuple(revisions), policy=EVERYTHING)
    report, world = survey(account, budget)
    assert sum(world.calls.values()) <= budget
    followed = {family.family: family for family in report.families}["etl"]
    if budget == 600:
        assert followed.delete_in_progress_age == 40 * HOUR
        assert len(followed.lingering) == NAMED
        assert followed.lingering[0].usage_is_known


def test_a_bounded_report_spends_a_small_part_of_its_reads_on_it() -> None:
    """What is due is what it is for."""
    names = [f"f-{index:02}" for index in range(30)]
    revisions = [deleting(number, 1, name) for name in names for number in range(1, 13)]
    _, world = survey(Account(revisions=tuple(revisions), policy=EVERYTHING), 400)
    assert 0 < len(world.described) <= 400 * 0.1


@STEADY
@given(seed=st.integers(0, 10**6), size=st.integers(0, 40), page_size=st.integers(1, 20), blind=st.booleans())
def test_an_age_is_never_more_than_the_truth_and_an_exact_one_is_the_truth(
    *, seed: int, size: int, page_size: int, blind: bool
) -> None:
    """Whatever is dated, on record, listed in part or unknown."""
    rng = random.Random(seed)  # noqa: S311 - test data
    hours = {number: rng.uniform(0, 60) for number in range(1, size + 1)}
    world = FakeTaskDefinitions(
        [deleting(number, rng.choice((age, age, age, None)), "etl") for number, age in hours.items()]
        or [revision(1, status=Status.ACTIVE)],
        page_size=page_size,
    )
    world.blind_to_deletion_dates = "too old" if blind else None
    on_record = FakeSubmissions(
        {("etl", number): START - timedelta(hours=age) for number, age in hours.items() if rng.random() < 0.5}
    )
    family = family_of(reported(world, submissions=rng.choice((None, on_record))))
    truth = max(hours.values(), default=0.0) * HOUR
    if family.delete_in_progress_age is not None:
        assert family.delete_in_progress_age <= truth + 1
    if family.delete_in_progress_age_is_exact:
        assert family.delete_in_progress_age == pytest.approx(truth)
    for each in family.lingering:
        assert each.seconds == pytest.approx(hours[each.revision.number] * HOUR)
        assert each.seconds > LINGERING.total_seconds()

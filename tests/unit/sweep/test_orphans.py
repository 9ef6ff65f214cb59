"""How many ACTIVE revisions are orphans: exactly where that is cheap, else as an estimate; None where nobody knows."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.boundary import Estimate
from janitor.core.model import FamilyUsage, Mode, OutcomeKind, Status
from janitor.core.orphans import OrphanRule
from janitor.core.report import Cause
from janitor.sweep.count import COUNTED_PAGES
from tests.builders import DAY, Account, due_family, policy, revision, rule, survey, sweep
from tests.fakes import START, FakeTaskDefinitions, FakeUsage
from tests.unit.sweep.test_deregister import ASKED, ASKING, active, leaking

pytestmark = pytest.mark.usefixtures("growth_not_measured")
STEADY = settings(derandomize=True, database=None, deadline=None, max_examples=60)
EVERYTHING = policy(rule())


def counted(world: FakeTaskDefinitions, **options: object) -> Estimate | None:
    """Return the only family's orphans by an exact report."""
    ran = sweep(world, EVERYTHING, mode=Mode.REPORT, count_all=True, **options)  # type: ignore[arg-type]
    (family,) = ran.report.families
    return family.active_orphans


def test_a_healthy_account_costs_nothing_more() -> None:
    """300 families with one ACTIVE revision each: no description, and nobody is asked who uses it."""
    usage = FakeUsage()
    world = FakeTaskDefinitions([active(9, f"family-{number}") for number in range(300)])
    ran = sweep(world, EVERYTHING, usage=usage)
    assert world.calls["describe"] == 0
    assert world.calls["list"] == 3 * 300, "as before: a pass, and a count of two more statuses"
    assert usage.asked == []
    assert ran.report.active_orphans == Estimate.exactly(0)


def test_young_ones_cost_a_description_and_no_reading_of_usage() -> None:
    """A deployment registers more than one in a week."""
    usage = FakeUsage()
    world = FakeTaskDefinitions([active(1, registered=6.9), active(2, registered=1)])
    assert counted(world, usage=usage) == Estimate.exactly(0)
    assert world.calls["describe"] == 1
    assert usage.asked == []


def test_1_000_cost_ten_descriptions() -> None:
    """Registration rises with the number: a binary search finds the age."""
    world = FakeTaskDefinitions(leaking(1_000))
    assert counted(world) == Estimate.exactly(1_000)
    assert world.calls["describe"] <= 10


@STEADY
@given(seed=st.integers(0, 10**6), page_size=st.sampled_from((1, 7, 100)))
def test_an_exact_report_counts_them_exactly(*, seed: int, page_size: int) -> None:
    """By plain loops: ACTIVE, not the newest, a week old, named by nothing."""
    rng = random.Random(seed)  # noqa: S311 - test data
    family, number, age = [], 0, 60.0
    for _ in range(rng.randrange(0, 50)):
        number, age = number + rng.choice((1, 1, 4)), age * rng.uniform(0.85, 1.0)
        status = rng.choice((Status.ACTIVE, Status.ACTIVE, Status.INACTIVE))
        family.append(revision(number, status=status, registered=age, deregistered=0.5))
    used = FamilyUsage(reasons={each.id.number: "task" for each in family if rng.random() < 0.2})
    ours = [each for each in family if each.status is Status.ACTIVE][:-1]
    expected = [
        each
        for each in ours
        if each.registered_at and each.registered_at <= START - 7 * DAY and each.id.number not in used.reasons
    ]
    if family:
        found = counted(FakeTaskDefinitions(family, page_size=page_size), usage={"etl": used})
        assert found == Estimate.exactly(len(expected))


@pytest.mark.parametrize("gap", [1, 5])
def test_a_long_listing_is_not_read_to_its_end_and_the_rest_is_estimated(gap: int) -> None:
    """From how densely the first pages lie; the interval holds the truth."""
    listed = COUNTED_PAGES * 100
    family = [active(number * gap, registered=400 - number / 10) for number in range(1, 2_002)]
    world = FakeTaskDefinitions(family)
    (found,) = sweep(world, EVERYTHING, usage={"etl": FamilyUsage(reasons={gap: "task"})}).report.families
    assert found.active_orphans is not None
    assert not found.active_orphans.is_exact
    assert found.active_orphans.low == listed - 1
    assert found.active_orphans.low <= 1_999 <= found.active_orphans.high
    assert abs(found.active_orphans.value - 1_999) <= 20
    assert world.calls["list"] < 12


def test_what_cannot_be_read_makes_the_count_unknown_and_that_is_no_failure() -> None:
    """Nothing was due, so nothing depended on it; a warning says why."""
    usage = {"etl": FamilyUsage(unreadable=("schedules could not be read",))}
    ran = sweep(FakeTaskDefinitions(leaking(3)), EVERYTHING, usage=usage)
    assert ran.report.active_orphans is None
    assert ran.report.causes == ()
    assert "the ACTIVE orphans of family etl are not known: schedules could not be read" in ran.report.warnings


def test_families_that_a_rule_keeps_or_none_matches_are_counted_too() -> None:
    """A leak is a leak."""
    world = FakeTaskDefinitions([*leaking(2, "a"), *leaking(3, "b")])
    ran = sweep(world, policy(rule("a", keep=True)))
    assert [each.active_orphans for each in ran.report.families] == [Estimate.exactly(2), Estimate.exactly(3)]


def test_a_rule_that_asks_says_what_an_orphan_is() -> None:
    """Its age and its newest; who registered it matters for what goes, not for what leaks."""
    world = FakeTaskDefinitions([active(number, registered=10, by=None) for number in range(1, 5)])
    assert sweep(world, policy(rule())).report.active_orphans == Estimate.exactly(3)
    asked = policy(rule(orphans=OrphanRule(older_than=9 * DAY, keep_newest=2, registered_by=("arn:nobody",))))
    assert sweep(world, asked).report.active_orphans == Estimate.exactly(2)
    older = policy(rule(orphans=OrphanRule(older_than=11 * DAY, registered_by=("arn:nobody",))))
    assert sweep(world, older).report.active_orphans == Estimate.exactly(0)
    assert world.deregistrations == []


# On a budget


def account(*families: list, rules: object = EVERYTHING, usage: dict[str, FamilyUsage] | None = None) -> Account:  # type: ignore[type-arg]
    """Return an account of some families."""
    return Account(revisions=tuple(each for some in families for each in some), policy=rules, usage=usage or {})  # type: ignore[arg-type]


def test_a_bounded_report_counts_them_within_its_reads() -> None:
    """Exactly where they suffice."""
    report, world = survey(account(leaking(50), due_family(30, "web")), 100)
    assert [each.active_orphans for each in report.families] == [Estimate.exactly(50), Estimate.exactly(0)]
    assert sum(world.calls.values()) <= 100


@pytest.mark.parametrize("reads", [6, 8, 10, 20, 40])
def test_however_few_the_reads_no_more_are_made_and_a_count_holds_the_truth(reads: int) -> None:
    """A bound, an estimate, or nothing: never a wrong number."""
    report, world = survey(account(leaking(50), leaking(300, "web"), leaking(1, "x")), reads)
    assert sum(world.calls.values()) <= reads
    for family, truth in zip(report.families, (50, 300, 1), strict=True):
        if family.active_orphans is not None:
            assert family.active_orphans.low <= truth <= family.active_orphans.high


@STEADY
@given(orphans=st.integers(0, 250), others=st.integers(0, 60), reads=st.integers(20, 400))
def test_a_bounded_report_says_at_most_what_would_be_deregistered(*, orphans: int, others: int, reads: int) -> None:
    """What was described for sure, and the rest at most; it calls nothing that writes."""
    family = [
        active(number, registered=400 - number / 10, by="arn:aws:iam::1:user/ada" if number <= others else ASKED_BY)
        for number in range(1, orphans + others + 2)
    ]
    report, world = survey(account(family, rules=ASKING), reads)
    made = report.families[0].deregistrations
    assert made.judged == made.due.value + sum(made.kept.values())
    assert world.deregistrations == []
    assert sum(world.calls.values()) <= reads
    if not report.families_not_read:
        assert made.due.low <= orphans <= made.due.high


ASKED_BY = ASKED.registered_by[0].replace("*", "1")


def test_a_bounded_report_that_has_reads_enough_says_exactly_what_would_go() -> None:
    """As the sweep then does."""
    made, _ = survey(account(leaking(30), rules=ASKING), 600)
    assert made.deregistrations.due == Estimate.exactly(30)
    world = FakeTaskDefinitions(leaking(30))
    ran = sweep(world, ASKING)
    assert ran.report.deregistrations.outcome(OutcomeKind.DEREGISTERED) == 30


def test_usage_that_only_the_count_needs_is_no_failure_of_a_report() -> None:
    """But what a rule would deregister depends on it."""
    blind = {"etl": FamilyUsage(unreadable=("services could not be read",))}
    report, _ = survey(account(leaking(5), usage=blind), 600)
    assert (report.active_orphans, report.causes) == (None, ())
    report, _ = survey(account(leaking(5), rules=ASKING, usage=blind), 600)
    assert report.causes == (Cause.USAGE_UNREADABLE,)
    assert report.deregistrations.due == Estimate.exactly(0)

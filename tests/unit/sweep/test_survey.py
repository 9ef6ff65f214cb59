"""Rules of the bounded report: never more reads than allowed, exact where they suffice, else honest about how sure."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.boundary import Estimate
from janitor.core.model import FamilyUsage, Mode, Reason, Status
from janitor.core.report import Ending
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.sweep.events import Limits
from tests.builders import (
    Account,
    due_family,
    policy,
    random_account,
    random_family,
    revision,
    rule,
    runner,
    seed,
    survey,
    sweep_account,
    young_family,
)
from tests.unit.sweep.test_sweep_properties import STEADY

if TYPE_CHECKING:
    from tests.fakes import FakeTaskDefinitions

SIZES = st.lists(st.one_of(st.integers(1, 30), st.integers(1, 400)), min_size=1, max_size=5)
ACCOUNTS = st.builds(random_account, st.integers(0, 10**6), SIZES, st.integers(0, 7))
BUDGETS = st.one_of(st.integers(1, 40), st.integers(1, 700))
PAGE_SIZES = st.one_of(st.just(100), st.integers(3, 30))


def reads(world: FakeTaskDefinitions) -> int:
    """Count the read calls."""
    assert world.calls["delete"] == 0
    return world.calls.total()


@STEADY
@given(account=ACCOUNTS, budget=BUDGETS, page_size=PAGE_SIZES)
def test_a_survey_never_reads_more_than_its_budget_and_never_fails_for_it(
    account: Account, budget: int, page_size: int
) -> None:
    """Whatever does not fit is estimated, or its family is named."""
    report, world = survey(account, budget, page_size=page_size)
    assert reads(world) <= budget
    assert world.batches == []
    selected = [family for family in account.families if account.policy.selects(family)]
    assert [family.family for family in report.families] == selected
    assert report.ending is Ending.FINISHED
    for name in report.families_not_read:
        assert any(f"family {name} was not read to the end" in warning for warning in report.warnings)
        assert not report.is_exact


@STEADY
@given(account=ACCOUNTS)
def test_with_reads_enough_a_survey_equals_the_exact_report(account: Account) -> None:
    """Every figure of every family; only what is kept may be so for another reason, where nobody needs to describe."""
    report, _ = survey(account, float("inf"))
    exact = sweep_account(account, report=True, count_all=True).report
    assert report.is_exact
    assert set(exact.unreadable_usage) <= set(report.unreadable_usage)  # read ahead of knowing whether it matters
    assert [replace(each, kept={}) for each in report.families] == [replace(each, kept={}) for each in exact.families]
    for mine, other in zip(report.families, exact.families, strict=True):
        assert mine.judged == other.judged
        assert mine.kept.get(Reason.AMONG_NEWEST) == other.kept.get(Reason.AMONG_NEWEST)


@STEADY
@given(account=ACCOUNTS, budget=BUDGETS, page_size=PAGE_SIZES)
def test_what_a_survey_calls_exact_is_exact(account: Account, budget: int, page_size: int) -> None:
    """Nobody is told a number without its uncertainty."""
    report, _ = survey(account, budget, page_size=page_size)
    due = account.due()
    for family in report.families:
        if family.family in report.families_not_read:
            continue
        if family.due.is_exact and not account.usage[family.family].unreadable:
            assert family.due.value == len([each for each in due if each.family == family.family])
        if family.inactive is not None and family.inactive.is_exact:
            assert family.inactive.value == account.inactive(family.family)


@STEADY
@given(account=ACCOUNTS, budget=BUDGETS, page_size=PAGE_SIZES)
def test_what_a_survey_judged_is_what_it_says_is_inactive(account: Account, budget: int, page_size: int) -> None:
    """Every INACTIVE revision is kept or due, estimated ones too: the figures of a report add up."""
    report, _ = survey(account, budget, page_size=page_size)
    for family in report.families:
        if family.family not in report.families_not_read:
            assert family.inactive is not None
            assert family.judged == family.inactive.value


def surveyed_account(number: int) -> Account:
    """Draw one of the accounts: one family, too large for its budget, of any mixture."""
    rng = random.Random(number)  # noqa: S311 - test data
    gaps = rng.choice(((1,), (1, 1, 2), (1, 1, 1, 1, 1, 10)))
    family = random_family("etl", rng.choice((100, 200, 300)), rng, inactive=rng.choice((0.5, 0.9, 1.0)), gaps=gaps)
    keep_newest = rng.choice((0, 2, 5))
    retention = timedelta(days=rng.choice((1, 30, 180, 400)))
    return Account(
        revisions=tuple(family),
        policy=policy(rule(keep_newest=keep_newest, retention=retention)),
        usage={"etl": FamilyUsage(reasons={each.id.number: "a task" for each in family if rng.random() < 0.1})},
    )


@pytest.mark.parametrize("too_large_to_list", [False, True])
def test_the_intervals_hold_the_truth_in_95_of_100_accounts(
    monkeypatch: pytest.MonkeyPatch, *, too_large_to_list: bool
) -> None:
    """Over a thousand accounts, for what is due and for what is INACTIVE, the numbers known or not."""
    if too_large_to_list:  # families of 100,000 would take minutes here: the listing is forbidden instead
        monkeypatch.setattr("janitor.sweep.survey.LISTING_PART", 0.0)
    due_held: list[bool] = []
    inactive_held: list[bool] = []
    not_read = 0
    first = 1_000 if too_large_to_list else 0
    for number in range(first, first + 500):
        account = surveyed_account(number)
        budget = random.Random(number).choice((50, 80, 110))  # noqa: S311 - test data
        report, world = survey(account, budget, page_size=30)
        assert reads(world) <= budget
        not_read += bool(report.families_not_read)
        if report.families_not_read:
            continue
        (family,) = report.families
        assert family.inactive is not None
        if not family.due.is_exact:
            due_held.append(family.due.low <= len(account.due()) <= family.due.high)
        if not family.inactive.is_exact:
            inactive_held.append(family.inactive.low <= account.inactive("etl") <= family.inactive.high)
    assert not_read <= 10
    assert len(due_held) > 250
    assert sum(due_held) / len(due_held) >= 0.95
    if too_large_to_list:
        assert len(inactive_held) > 400
        assert sum(inactive_held) / len(inactive_held) >= 0.95


def test_a_family_that_its_share_covers_is_exact_beside_one_that_is_not() -> None:
    """The smallest first: what they leave goes to the others."""
    revisions = (*due_family(20, "small"), *due_family(5_000, "large"))
    report, _ = survey(Account(revisions=revisions, policy=policy(rule())), 200)
    small, large = sorted(report.families, key=lambda family: family.judged)
    assert small.due.is_exact
    assert small.due.value == 20
    assert not large.due.is_exact
    assert large.due.low <= 5_000 <= large.due.high
    assert not report.is_exact


def test_families_that_the_budget_does_not_reach_are_named() -> None:
    """With what to do about it."""
    revisions = tuple(each for index in range(20) for each in due_family(3, f"family-{index:02}"))
    report, _ = survey(Account(revisions=revisions, policy=policy(rule())), 30)
    assert report.families_not_read
    assert set(report.families_not_read) <= {family.family for family in report.families}
    assert any("raise --max-reads" in warning for warning in report.warnings)
    assert not report.is_exact


@pytest.mark.parametrize("gap", [1_000, 100_000, 10**9])
@pytest.mark.parametrize("budget", [30, 100, 600])
def test_hidden_gaps_do_not_blow_the_budget(gap: int, budget: int) -> None:
    """Numbers whose revisions are gone are many, and none of them is listed."""
    revisions = (
        *due_family(150),
        *due_family(150, first=150 + gap),
        *young_family(150, first=300 + 2 * gap),
    )
    account = Account(revisions=revisions, policy=policy(rule(keep_newest=2)))
    report, world = survey(account, budget, page_size=50)
    assert reads(world) <= budget
    (family,) = report.families
    if not report.families_not_read:
        assert family.due.low <= 300 <= family.due.high
        assert family.inactive is not None
        assert family.inactive.low <= 450 <= family.inactive.high


def test_without_anything_old_no_usage_is_read() -> None:
    """A quiet account costs its first look."""
    account = Account(revisions=tuple(young_family(1_000)), policy=policy(rule()))
    report, world = survey(account, 600)
    assert report.due.value == 0
    assert report.is_exact
    assert world.calls["describe"] < 600


def test_a_survey_of_nothing_says_nothing_is_due() -> None:
    """An empty account."""
    report, world = survey(Account(revisions=(), policy=policy(rule())), 1)
    assert report.families == ()
    assert report.due.value == 0
    assert report.ending is Ending.FINISHED
    assert reads(world) == 1


def test_the_same_account_is_surveyed_the_same() -> None:
    """The sample is drawn with a fixed seed."""
    account = surveyed_account(3)
    assert survey(account, 60)[0].families == survey(account, 60)[0].families


def test_a_survey_stops_on_request() -> None:
    """With what it has."""
    report, world = survey(
        Account(revisions=tuple(due_family(500)), policy=policy(rule())), 600, limits=Limits(asked_to_stop=lambda: True)
    )
    assert report.ending is Ending.STOPPED_BY_USER
    assert reads(world) <= 2


@pytest.mark.usefixtures("growth_not_measured")
def test_a_family_kept_whole_is_not_described_where_its_listing_tells() -> None:
    """Its count is all that is needed."""
    account = Account(revisions=tuple(due_family(80)), policy=policy(rule(keep=True)))
    report, world = survey(account, 600)
    assert report.kept == {Reason.RULE_KEEPS: 80}
    assert world.calls["describe"] == 0


def test_one_family_that_cannot_be_listed_is_named_and_the_others_are_read() -> None:
    """One poisoned item sinks nothing."""
    account = Account(revisions=(*due_family(5, "a"), *due_family(5, "b")), policy=policy(rule()))
    healthy, _ = survey(account, 600)
    assert healthy.due.value == 10
    broken_world = account.world()
    broken_world.breaks["a"].extend([0] * 9)
    report, _ = survey(account, 600, world=broken_world)
    assert report.families_not_read == ("a",)
    assert report.families[1].due.value == 5


def test_what_does_not_exist_any_more_is_not_inactive() -> None:
    """A family with ACTIVE ones only has nothing to judge."""
    account = Account(
        revisions=tuple(revision(number, status=Status.ACTIVE) for number in range(1, 50)), policy=policy(rule())
    )
    report, _ = survey(account, 10)
    (family,) = report.families
    assert family.judged == 0
    assert family.revision_count is not None
    assert family.revision_count.value == 49


@settings(STEADY, max_examples=12)
@given(
    account=st.builds(
        random_account, st.integers(0, 10**6), st.lists(st.integers(1, 250), min_size=1, max_size=3), st.integers(0, 5)
    ),
    budget=st.one_of(st.integers(1, 60), st.integers(1, 700)),
)
def test_the_budget_counts_what_reaches_ecs(account: Account, budget: int) -> None:
    """Through the real client: every attempt, usage included, and nothing but reads."""
    clock = VirtualClock(account.now)
    ecs = EmbeddedEcs(clock=clock, behaviour=Behaviour(latency=(0.02, 0.2)))
    seed(ecs, account.revisions)
    report = runner(ecs, clock, account.policy, max_reads=budget).survey(Limits(), lambda _: None)
    assert ecs.calls.total() <= budget
    assert report.mode is Mode.REPORT
    assert "DeleteTaskDefinitions" not in ecs.calls
    assert sum(report.api_calls.values()) == ecs.calls.total()


@pytest.mark.parametrize("budget", [9, 10, 12])
def test_where_the_reads_suffice_for_both_ends_alone_bounds_are_said(budget: int) -> None:
    """What exists at most and what may be due at most: better than nothing, and marked as a bound."""
    revisions = [*due_family(3_000), *young_family(3_000, first=3_001)]
    report, _ = survey(Account(revisions=tuple(revisions), policy=policy(rule(keep_newest=2))), budget)
    (family,) = report.families
    assert report.families_not_read == ("etl",)
    assert family.due == Estimate.at_most(5_998)
    assert family.due.is_bound
    assert family.inactive == Estimate(value=6_000, low=2, high=6_000)

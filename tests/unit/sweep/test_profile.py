"""Ages and registrants of a run, compared to a plain recount of the account."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.ages import DAY
from janitor.core.hop import Position
from janitor.core.model import Mode, Reason, Status
from janitor.core.retention import AgeFrom
from janitor.sweep.events import Limits
from tests.builders import (
    Account,
    due_family,
    policy,
    random_account,
    revision,
    rule,
    survey,
    sweep,
    sweep_account,
    young_family,
)

if TYPE_CHECKING:
    from janitor.core.ages import RuleAges
    from janitor.core.report import Report
    from tests.builders import Ran

STEADY = settings(derandomize=True, database=None, deadline=None, max_examples=40)
SIZES = st.lists(st.one_of(st.integers(1, 12), st.integers(1, 120)), min_size=1, max_size=4)
ACCOUNTS = st.builds(random_account, st.integers(0, 10**6), SIZES, st.integers(0, 7))


def of_rule(report: Report, name: str) -> RuleAges:
    """Return the ages of one rule."""
    (found,) = [each for each in report.ages if each.rule == name]
    return found


def assert_sums(report: Report, account: Account) -> None:
    """Check that ages and registrants add up to what was judged, where every family was read."""
    total = 0
    for rule_ages in report.ages:
        families = [each for each in report.families if each.rule == rule_ages.rule]
        bounds = sum(each.due.value for each in families if each.due.is_bound)  # nothing of those was described
        judged = sum(each.judged - each.kept.get(Reason.NOT_INACTIVE, 0) for each in families) - bounds
        assert sum(bucket.due for bucket in rule_ages.buckets) == sum(each.due.value for each in families) - bounds
        assert rule_ages.revisions >= judged
        assert rule_ages.unknown >= 0
        assert rule_ages.left_out >= sum(each.due.is_bound for each in families)
        if report.mode is Mode.REPORT and not rule_ages.left_out:
            assert rule_ages.revisions == judged
        counted = not bounds and all(each.inactive is not None and each.inactive.is_exact for each in families)
        if counted and report.mode is Mode.REPORT:
            assert rule_ages.revisions == judged == sum(account.inactive(each.family) for each in families)
        total += rule_ages.revisions
        for bucket in rule_ages.buckets:
            assert 0 <= bucket.interpolated <= bucket.kept
            assert not (bucket.due and bucket.start < rule_ages.retention)
            assert not (bucket.interpolated and bucket.start >= rule_ages.retention)
    assert report.registrants is not None
    assert report.registrants.told + report.registrants.unknown == total
    assert all(week.interpolated <= week.revisions for week in report.coming_due)


def assert_recounted(ran: Ran, account: Account) -> None:
    """Count what was described again, one by one."""
    judged = {each.id: each for each in account.revisions if each.id in set(ran.judged)}
    who = Counter(each.registered_by for each in judged.values() if each.status is Status.INACTIVE)
    found = ran.report.registrants
    assert found is not None
    assert found.is_exact
    assert found.not_given == who.pop(None, 0)
    assert found.principals == who
    due = account.due()
    for rule_ages in ran.report.ages:
        mine = [
            each
            for each in judged.values()
            if (decides := account.policy.rule_for(each.id.family)) is not None
            and decides.name == rule_ages.rule
            and each.status is Status.INACTIVE
        ]
        undated = 0
        buckets: Counter[tuple[bool, timedelta]] = Counter()
        for each in mine:
            by_registration = rule_ages.age_from is AgeFrom.REGISTERED_AT
            date = each.registered_at if by_registration else each.deregistered_at
            settled = each.deregistered_at is not None
            if date is None or not settled:
                undated += 1
                continue
            age = max(timedelta(0), account.now - date)
            start = max(bucket.start for bucket in rule_ages.buckets if bucket.start <= age)
            buckets[each.id in due, start] += 1
        assert rule_ages.without_date == undated
        assert rule_ages.described == len(mine)
        for bucket in rule_ages.buckets:
            assert bucket.due == buckets[True, bucket.start]
            assert bucket.kept - bucket.interpolated == buckets[False, bucket.start]


@STEADY
@given(account=ACCOUNTS, page_size=st.one_of(st.just(100), st.integers(5, 30)), delete=st.booleans())
def test_what_was_described_is_in_the_figures_as_it_is_in_the_account(
    *, account: Account, page_size: int, delete: bool
) -> None:
    """In an exact report and in a sweep, whatever the page size: each once."""
    ran = sweep_account(account, account.world(page_size=page_size), report=not delete, count_all=not delete)
    assert_sums(ran.report, account)
    assert_recounted(ran, account)


@STEADY
@given(
    account=ACCOUNTS,
    budget=st.one_of(st.integers(8, 60), st.integers(20, 600)),
    page_size=st.one_of(st.just(100), st.integers(5, 30)),
)
def test_a_bounded_report_spends_nothing_on_them_and_they_add_up(
    *, account: Account, budget: int, page_size: int
) -> None:
    """However little it could read; what it could not read far enough is left out, and it says so."""
    report, world = survey(account, budget, page_size=page_size)
    assert sum(world.calls.values()) <= budget
    assert_sums(report, account)
    whole = len(report.families) - len(report.families_not_read)
    with_rule = [each for each in report.families if each.rule in {ages.rule for ages in report.ages}]
    assert sum(ages.left_out for ages in report.ages) >= len(with_rule) - whole


def steady_family(count: int, days: float) -> list[tuple[float, int]]:
    """Return ages and numbers of revisions registered evenly."""
    return [(days * (1 - index / count), index + 1) for index in range(count)]


@pytest.mark.parametrize("bounded", [True, False])
def test_what_comes_due_of_a_steady_family_is_about_what_it_will_be(*, bounded: bool) -> None:
    """Two dozen dates tell of four thousand revisions that nobody describes, as near as a reader can use."""
    account = Account(
        revisions=tuple(
            revision(number, registered=age, deregistered=max(0.0, age - 0.1))
            for age, number in steady_family(4_000, 100)
        ),
        policy=policy(rule(retention=60 * DAY, keep_newest=2)),
    )
    report = survey(account, 400)[0] if bounded else sweep_account(account, report=True, count_all=True).report
    for week in report.coming_due:
        dates = [each.deregistered_at + 60 * DAY for each in account.revisions if each.deregistered_at is not None]
        truth = sum(week.start < date <= week.end for date in dates)
        assert week.revisions == pytest.approx(truth, rel=0.15)
        assert week.interpolated > 0.9 * week.revisions


def test_a_sweep_tells_of_what_lies_beyond_the_boundary() -> None:
    """It neither lists nor describes it, but counts it in the end; the newest lie there too."""
    account = Account(
        revisions=(*due_family(30), *young_family(200, first=31)),
        policy=policy(rule(retention=25 * DAY, keep_newest=2)),
    )
    report = sweep(account.world(page_size=100), account.policy).report
    (found,) = report.ages
    assert report.judged < 230, "not all that is beyond was listed"
    assert (found.aged, found.interpolated, found.unknown) == (230, 200, 0)
    assert report.registrants is not None
    assert (report.registrants.told, report.registrants.unknown) == (30, 200)


def test_a_sample_beyond_the_boundary_tells_who_registers_and_when() -> None:
    """Four thousand that cannot be listed on sixty reads: a dozen of them tell of all."""
    account = Account(
        revisions=tuple(
            revision(number, registered=age, deregistered=age / 2, registered_by="arn:b")
            for age, number in steady_family(4_000, 100)
        ),
        policy=policy(rule(retention=60 * DAY, keep_newest=2)),
    )
    report, _ = survey(account, 60)
    (found,) = report.ages
    assert report.registrants is not None
    assert sum(report.registrants.principals.values()) == found.revisions - 2
    assert found.dates >= 15
    assert found.described + found.dates <= 60


def test_revisions_deregistered_late_come_due_when_they_do() -> None:
    """They were described, so it is exact: a bulk deregistered a week ago is due in three."""
    account = Account(
        revisions=tuple(revision(number, deregistered=7) for number in range(1, 51)), policy=policy(rule())
    )
    report = sweep_account(account, report=True, count_all=True).report
    assert [week.revisions for week in report.coming_due] == [0, 0, 0, 50, 0, 0, 0, 0]
    assert of_rule(report, "rule for *").is_exact


def test_rules_have_their_own_buckets() -> None:
    """A retention of 30 days and one of 90 lie at their own ends of a bucket; a family kept whole is in none."""
    account = Account(
        revisions=(*due_family(20, "a"), *due_family(30, "b"), *due_family(40, "c")),
        policy=policy(rule("a"), rule("b", retention=90 * DAY), rule("c", keep=True)),
    )
    report = sweep_account(account, report=True, count_all=True).report
    assert [(each.rule, each.retention / DAY, each.revisions) for each in report.ages] == [
        ("rule for a", 30, 20),
        ("rule for b", 90, 30),
    ]


def test_a_plan_looks_at_nothing_else_so_nothing_is_known_of_it() -> None:
    """What is not planned has no age, though its family's boundary may be known."""
    account = Account(revisions=tuple(due_family(30)), policy=policy(rule()))
    made = sweep_account(account, report=True, count_all=True).report
    assert made.plan is not None
    more = Account(
        revisions=(*account.revisions, *(revision(number, registered=2, deregistered=1) for number in range(31, 61))),
        policy=account.policy,
    )
    report = sweep(more.world(), more.policy, plan=made.plan).report
    (found,) = report.ages
    assert (found.described, found.interpolated, found.unknown) == (30, 0, 30)


@pytest.mark.parametrize(
    ("start", "kept"),
    [
        pytest.param(Position(round=1, family="etl", number=20), 5, id="in the middle of the family"),
        pytest.param(Position(round=2, family="etl", number=0, deleted=True), 0, id="in a later round"),
    ],
)
def test_a_hop_counts_what_no_earlier_one_has_counted(start: Position, kept: int) -> None:
    """What is kept was counted by the hop that came by first; what is deleted is met once."""
    tagged = [revision(number, tags=["janitor:keep"], registered_by="arn:a") for number in range(11, 26)]
    account = Account(revisions=(*due_family(10), *tagged, *due_family(10, first=26)), policy=policy(rule()))
    report = sweep(account.world(), account.policy, start=start).report
    (found,) = report.ages
    due = report.due.value
    assert sum(report.kept.values()) == kept
    assert (found.aged, found.described, found.left_out) == (kept + due, kept + due, 1)
    assert found.unknown == found.interpolated == 0
    assert report.registrants is not None
    assert report.registrants.told == kept + due


def test_a_family_of_which_nothing_could_be_sampled_is_left_out() -> None:
    """Eight reads find its boundary, and none is left for what lies below it."""
    report, _ = survey(Account(revisions=tuple(due_family(9)), policy=policy(rule())), 8)
    (found,) = report.ages
    assert report.due.is_bound
    assert (found.left_out, found.aged, found.described) == (1, 0, 0)


def test_a_run_that_stopped_says_what_it_left_out() -> None:
    """What lies beyond the place where it stopped is not young for all it knows."""
    account = Account(revisions=(*due_family(30, "a"), *due_family(30, "b")), policy=policy(rule()))
    report = sweep(account.world(), account.policy, limits=Limits(max_deletions=10)).report
    (found,) = report.ages
    assert (found.left_out, found.is_exact) == (2, False)
    assert found.aged == found.described == report.judged

"""What holds for every account: what goes, how it is submitted, and that the counts add up whatever goes wrong."""

from __future__ import annotations

import random
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.model import Decision, OutcomeKind, Status
from janitor.core.report import Ending
from janitor.errors import AccessDenied, CallFailed, JanitorError, Unreachable
from janitor.sweep.events import Judged, Limits, Looking, Submitting
from tests.builders import DAY, Account, random_account, sweep, sweep_account
from tests.fakes import START, FakeUsage

if TYPE_CHECKING:
    from janitor.core.model import RevisionId
    from tests.builders import Ran
    from tests.fakes import FakeTaskDefinitions

STEADY = settings(derandomize=True, database=None, deadline=None, max_examples=120)

SIZES = st.lists(st.one_of(st.integers(1, 12), st.integers(1, 70)), min_size=1, max_size=4)
ACCOUNTS = st.builds(random_account, st.integers(0, 10**6), SIZES, st.integers(0, 7))
PAGE_SIZES = st.one_of(st.just(100), st.integers(1, 30))


def deleted(world: FakeTaskDefinitions, account: Account) -> set[RevisionId]:
    """Return what was INACTIVE and is on its way out."""
    before = {each.id for each in account.revisions if each.status is Status.INACTIVE}
    return before - world.with_status(Status.INACTIVE)


def assert_batches_are_full(ran: Ran) -> None:
    """Check that batches have 1 to 10 entries and that only the last of a round is not full."""
    rounds: list[list[int]] = []
    number = 0
    for event in ran.events:
        match event:
            case Looking(round=seen) if seen != number:
                number = seen
                rounds.append([])
            case Submitting(verdicts=verdicts):
                rounds[-1].append(len(verdicts))
            case _:
                pass
    for sizes in rounds:
        assert all(size == 10 for size in sizes[:-1])
        assert all(1 <= size <= 10 for size in sizes)


def assert_counts_add_up(ran: Ran, account: Account) -> None:
    """Check judged = kept + deleted + refused + failed + not attempted, over distinct revisions."""
    told = Counter((outcome.revision.family, outcome.kind) for outcome in ran.outcomes)
    condemned = {
        event.verdict.revision
        for event in ran.events
        if isinstance(event, Judged) and event.verdict.decision is Decision.DELETE
    }
    for family in ran.report.families:
        assert family.judged == sum(family.kept.values()) + sum(family.outcomes.values())
        assert family.outcomes == {kind: told[family.family, kind] for kind in family.outcomes}
        assert family.due.value == len([each for each in condemned if each.family == family.family])
        if family.inactive is None or family.inactive.is_exact:  # else what a rule keeps whole is a bound as well
            assert family.judged <= account.inactive(family.family)
    assert len({outcome.revision for outcome in ran.outcomes}) == len(ran.outcomes)
    assert len(set(ran.judged)) == len(ran.judged)


@STEADY
@given(account=ACCOUNTS, page_size=PAGE_SIZES, hostile=st.booleans(), lazy=st.booleans())
def test_exactly_what_the_oracle_condemns_is_deleted(
    *, account: Account, page_size: int, hostile: bool, lazy: bool
) -> None:
    """Whatever the cursor skips or repeats, the page size and how late a delete is done."""
    world = account.world(hostile=hostile, page_size=page_size)
    ran = sweep_account(account, world, lazy=lazy)
    due = account.due()
    assert deleted(world, account) == due
    assert sorted(chain(*ran.submitted)) == sorted(due), "each once"
    assert ran.report.ending is Ending.FINISHED
    assert_batches_are_full(ran)
    assert_counts_add_up(ran, account)
    assert not set(chain(*world.batches)) - set(world.described)


@STEADY
@given(account=ACCOUNTS, page_size=PAGE_SIZES, hostile=st.booleans())
def test_a_second_sweep_deletes_nothing(*, account: Account, page_size: int, hostile: bool) -> None:
    """What is due is gone after one sweep."""
    world = account.world(hostile=hostile, page_size=page_size)
    sweep_account(account, world)
    world.batches.clear()
    again = sweep_account(account, world)
    assert world.batches == []
    assert again.report.due.value == 0


@STEADY
@given(account=ACCOUNTS, page_size=PAGE_SIZES, lazy=st.booleans())
def test_the_exact_report_condemns_what_the_sweep_deletes_and_calls_no_delete(
    *, account: Account, page_size: int, lazy: bool
) -> None:
    """A report is the sweep's verdicts without its deeds."""
    world = account.world(page_size=page_size)
    ran = sweep_account(account, world, report=True, count_all=True, lazy=lazy)
    assert world.batches == []
    assert ran.outcomes == []
    condemned = {
        event.verdict.revision
        for event in ran.events
        if isinstance(event, Judged) and event.verdict.decision is Decision.DELETE
    }
    sweep_account(account, world)
    assert condemned == deleted(world, account) == account.due()


@STEADY
@given(account=ACCOUNTS, page_size=PAGE_SIZES)
def test_an_exact_report_judges_every_inactive_revision_and_counts_every_status(
    *, account: Account, page_size: int
) -> None:
    """Nothing is left out and nothing counted twice when everything is counted."""
    ran = sweep_account(account, account.world(page_size=page_size), report=True, count_all=True)
    selected = [family for family in account.families if account.policy.selects(family)]
    assert [family.family for family in ran.report.families] == selected
    for family in ran.report.families:
        statuses = Counter(each.status for each in account.of(family.family))
        found = {
            Status.ACTIVE: family.active,
            Status.INACTIVE: family.inactive,
            Status.DELETE_IN_PROGRESS: family.delete_in_progress,
        }
        assert all(each is not None and each.is_exact for each in found.values())
        assert {status: each.value for status, each in found.items() if each} == {
            status: statuses[status] for status in Status
        }
        assert family.judged == statuses[Status.INACTIVE]


@STEADY
@given(account=ACCOUNTS, page_size=PAGE_SIZES, hostile=st.booleans())
def test_after_a_sweep_that_counts_everything_the_figures_are_those_of_the_account(
    *, account: Account, page_size: int, hostile: bool
) -> None:
    """Counting comes after deletion, so what was deleted is counted where it is now."""
    world = account.world(hostile=hostile, page_size=page_size)
    ran = sweep_account(account, world, count_all=True)
    for family in ran.report.families:
        now = Counter(world.status(each.id) for each in account.of(family.family))
        assert family.active is not None
        assert family.active.value == now[Status.ACTIVE]
        assert family.inactive is not None
        assert family.inactive.value == now[Status.INACTIVE]
        assert family.delete_in_progress is not None
        assert family.delete_in_progress.value == now[Status.DELETE_IN_PROGRESS]


def spoil(account: Account, world: FakeTaskDefinitions, rng: random.Random) -> set[RevisionId]:
    """Script faults at random; return the INACTIVE revisions that cannot be described."""
    everything = [each.id for each in account.revisions]

    def some(part: float) -> set[RevisionId]:
        return {each for each in everything if rng.random() < part}

    world.refused = dict.fromkeys(some(0.1), "in use by something unknown")
    world.unanswered = some(0.05)
    world.misreported = {each: rng.choice(("", "DELETE_IN_PROGRESS")) for each in some(0.1)}
    world.denied = some(rng.choice((0.0, 0.05, 0.3)))
    world.spoilt = some(rng.choice((0.0, 0.05)))
    world.delete_faults.extend(
        rng.choice((None, None, None, CallFailed("DeleteTaskDefinitions", "ServerException", "no"))) for _ in range(6)
    )
    world.denies_everything = rng.random() < 0.05
    if rng.random() < 0.1:
        world.delete_faults.append(Unreachable("no answer"))
    unknown: list[JanitorError] = [CallFailed("DescribeTaskDefinition", "ServerException", "no")] * 10
    if rng.random() < 0.1:
        unknown.append(AccessDenied("ecs:DescribeTaskDefinition", "no"))
    world.undescribable = {each: rng.choice(unknown) for each in some(0.06)}
    return {each for each in world.undescribable if world.status(each) is Status.INACTIVE}


@STEADY
@given(
    account=ACCOUNTS,
    page_size=PAGE_SIZES,
    hostile=st.booleans(),
    seed=st.integers(0, 10**6),
    most=st.one_of(st.none(), st.integers(0, 40)),
)
def test_whatever_goes_wrong_the_counts_add_up_and_nothing_else_is_touched(
    *, account: Account, page_size: int, hostile: bool, seed: int, most: int | None
) -> None:
    """Refusals, silence, denials, failed calls, requests to stop and limits, in any mixture."""
    rng = random.Random(seed)  # noqa: S311 - test data
    world = account.world(hostile=hostile, page_size=page_size)
    undescribed = spoil(account, world, rng)
    patience = rng.choice((10**9, rng.randrange(1, 60)))
    asked = iter(range(10**9))
    limits = Limits(max_deletions=most, asked_to_stop=lambda: next(asked) >= patience)
    ran = sweep(world, account.policy, usage=account.usage, limits=limits, lazy=rng.random() < 0.5)

    due = account.due(undescribed)
    submitted = list(chain(*ran.submitted))
    assert len(set(submitted)) == len(submitted), "each once"
    assert set(submitted) <= due
    assert set(chain(*world.batches)) <= set(submitted)
    assert not set(submitted) - set(world.described)
    assert deleted(world, account) <= set(submitted)
    assert most is None or len(submitted) <= most
    assert_counts_add_up(ran, account)
    assert_batches_are_full(ran)
    if ran.report.ending is Ending.FINISHED:
        assert set(submitted) == due
    for outcome in ran.outcomes:
        if outcome.kind is OutcomeKind.DELETED:
            assert world.status(outcome.revision) is Status.DELETE_IN_PROGRESS
        if outcome.kind is OutcomeKind.REFUSED and not isinstance(
            world.undescribable.get(outcome.revision), JanitorError
        ):
            assert world.status(outcome.revision) is Status.INACTIVE


@STEADY
@given(
    account=ACCOUNTS,
    page_size=st.integers(1, 10),
    hostile=st.booleans(),
    seed=st.integers(0, 10**6),
    lazy=st.booleans(),
)
def test_a_listing_that_breaks_off_makes_nothing_be_submitted_twice_or_wrongly(
    *, account: Account, page_size: int, hostile: bool, seed: int, lazy: bool
) -> None:
    """A page token may expire at any page of any round."""
    world = account.world(hostile=hostile, page_size=page_size)
    break_listings(account, world, seed)
    ran = sweep_account(account, world, lazy=lazy)
    submitted = list(chain(*ran.submitted))
    assert len(set(submitted)) == len(submitted), "each once"
    assert set(submitted) <= account.due()
    assert deleted(world, account) == set(submitted)
    assert_counts_add_up(ran, account)


@STEADY
@given(account=ACCOUNTS, page_size=st.integers(1, 10), hostile=st.booleans(), seed=st.integers(0, 10**6))
def test_a_listing_that_breaks_off_hides_nothing_from_a_sweep_that_says_it_finished(
    *, account: Account, page_size: int, hostile: bool, seed: int
) -> None:
    """What was not judged because of it is judged in another round, or the family is named."""
    world = account.world(hostile=hostile, page_size=page_size)
    break_listings(account, world, seed)
    ran = sweep_account(account, world)
    read = {each for each in account.due() if each.family not in ran.report.families_not_read}
    assert read <= deleted(world, account)
    if ran.report.ending is Ending.FINISHED:
        assert deleted(world, account) == account.due()


def break_listings(account: Account, world: FakeTaskDefinitions, seed: int) -> None:
    """Let some listings of some families break off after some pages."""
    rng = random.Random(seed)  # noqa: S311 - test data
    for family in account.families:
        world.breaks[family].extend(rng.choice((None, 1, 2, 3, 5)) for _ in range(rng.randrange(5)))


@STEADY
@given(account=ACCOUNTS, page_size=PAGE_SIZES, seed=st.integers(0, 10**6))
def test_a_sweep_stopped_anywhere_and_begun_again_ends_like_one_undisturbed(
    *, account: Account, page_size: int, seed: int
) -> None:
    """Progress lives in ECS itself."""
    rng = random.Random(seed)  # noqa: S311 - test data
    world = account.world(hostile=True, page_size=page_size)
    asked = iter(range(10**9))
    patience = rng.randrange(1, 80)
    sweep(
        world,
        account.policy,
        usage=account.usage,
        limits=Limits(asked_to_stop=lambda: next(asked) >= patience),
    )
    sweep_account(account, world)
    assert deleted(world, account) == account.due()


@STEADY
@given(account=ACCOUNTS)
def test_usage_is_only_read_for_families_in_which_something_would_go_or_be_an_orphan(*, account: Account) -> None:
    """Reading who uses a family costs calls: nobody asks where age, newest and tags keep everything."""
    usage = FakeUsage()
    sweep(account.world(), account.policy, usage=usage)
    unused = Account(revisions=account.revisions, policy=account.policy)
    due = {each.family for each in unused.due()}
    assert due <= set(usage.asked)
    for family in set(usage.asked) - due:
        active = [each for each in account.of(family) if each.status is Status.ACTIVE]
        old = [each for each in active[:-1] if each.registered_at is None or each.registered_at <= START - 7 * DAY]
        assert old, f"{family} has no ACTIVE revision but the newest that is old"


@pytest.mark.parametrize("keep_newest", range(8))
@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("hostile", [False, True])
def test_the_newest_stay_across_pages(*, keep_newest: int, page_size: int, hostile: bool) -> None:
    """Wherever a page ends and whatever the cursor skips, the newest N INACTIVE ones are not submitted."""
    account = random_account(1, [], keep_newest)
    for size in (1, keep_newest, keep_newest + 1, 12, 25):
        drawn = random_account(size, [size], keep_newest)
        account = Account(revisions=drawn.revisions, policy=drawn.policy)
        world = account.world(hostile=hostile, page_size=page_size)
        sweep_account(account, world)
        assert deleted(world, account) == account.due()

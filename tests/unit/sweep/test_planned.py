"""Rules of a plan that is applied: those deletions and no others, each looked at again."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.model import FamilyUsage, Mode, OutcomeKind, Reason, RevisionId, Status
from janitor.core.numbers import NumberSet
from janitor.core.plan import Plan, rule_values
from janitor.core.report import Ending
from janitor.errors import BadInput, CallFailed
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.render.json import report_fields, report_json
from janitor.runner import Runner
from janitor.settings import Flags, load
from janitor.sweep.descriptions import Candidate
from janitor.sweep.events import Judged, Limits
from janitor.sweep.tally import Tally
from tests.builders import (
    DAY,
    KEEP_TAG,
    context,
    due_family,
    ids,
    place_of,
    policy,
    random_account,
    revision,
    rule,
    runner,
    seed,
    sweep,
    young_family,
)
from tests.fakes import START, FakeClock, FakeDueCaches, FakeTaskDefinitions, FakeUsage
from tests.unit.sweep.test_sweep_properties import ACCOUNTS, PAGE_SIZES, SIZES, STEADY
from tests.unit.sweep.test_walk import BULK, DUE, POLICY, bulk_account, night

if TYPE_CHECKING:
    from collections.abc import Iterator

    from janitor.core.report import Report
    from janitor.core.retention import Policy
    from janitor.ports import Page
    from tests.builders import (
        Account,
        Ran,
    )

EVERYTHING = policy(rule())


def plan_of(numbers: dict[str, list[int]], rules: Policy = EVERYTHING, account: str = "123456789012") -> Plan:
    """Return a plan."""
    return Plan(
        account=account,
        region="eu-west-1",
        sweep_id="s-0",
        made_at=START,
        rules=rule_values(rules),
        numbers={family: NumberSet(some) for family, some in numbers.items()},
    )


def reported(
    world: FakeTaskDefinitions, rules: Policy = EVERYTHING, usage: dict[str, FamilyUsage] | None = None
) -> Ran:
    """Make an exact report."""
    return sweep(world, rules, usage=usage, mode=Mode.REPORT, count_all=True)


def gone(world: FakeTaskDefinitions, account: Account) -> set[RevisionId]:
    """Return what was INACTIVE and is on its way out."""
    return {each.id for each in account.revisions if each.status is Status.INACTIVE} - world.with_status(
        Status.INACTIVE
    )


def assert_the_plan_adds_up(report: Report) -> None:
    """Check planned = still due + kept + not found, and due = deleted + refused + failed + not attempted."""
    assert report.planned == sum(family.planned or 0 for family in report.families)
    for family in report.families:
        skipped = sum(count for reason, count in family.kept.items() if reason is not Reason.NOT_PLANNED)
        assert family.planned == family.due.value + skipped + (family.not_found or 0)
        assert family.due.value == sum(family.outcomes.values())


# What a report plans


def test_an_exact_report_plans_what_it_finds_due() -> None:
    """By number, with where, when and by which rules."""
    world = FakeTaskDefinitions([*due_family(4, "a"), *young_family(3, "b"), *due_family(2, "c", first=7)])
    report = reported(world).report
    assert report.plan is not None
    assert {name: list(numbers) for name, numbers in report.plan.numbers.items()} == {"a": [1, 2, 3, 4], "c": [7, 8]}
    assert (report.plan.account, report.plan.region, report.plan.sweep_id) == ("123456789012", "eu-west-1", "s-1")
    assert report.plan.made_at == START
    assert report.plan.rules == rule_values(EVERYTHING)


def test_the_plan_is_not_among_the_fields_that_the_function_answers_with() -> None:
    """Those are bounded; only the command line's JSON has it."""
    report = reported(FakeTaskDefinitions(due_family(4))).report
    assert report.plan is not None
    assert "plan" not in report_fields(report)
    assert json.loads(report_json(report))["plan"]["families"] == {"etl": "1-4"}


def test_a_sweep_plans_nothing() -> None:
    """What it found due is gone."""
    assert sweep(FakeTaskDefinitions(due_family(4)), EVERYTHING).report.plan is None


def test_a_report_that_could_not_read_everything_plans_nothing() -> None:
    """A family that could not be listed, usage that could not be read, a run that was stopped."""
    world = FakeTaskDefinitions([*due_family(4, "a"), *due_family(4, "b")])
    assert reported(world, usage={"a": FamilyUsage(unreadable=("tasks: denied",))}).report.plan is None
    stopped = sweep(world, EVERYTHING, mode=Mode.REPORT, limits=Limits(asked_to_stop=lambda: True))
    assert stopped.report.plan is None
    world.breaks["b"].extend([0] * 9)
    assert reported(world).report.plan is None


def test_a_revision_that_could_not_be_described_is_kept_so_it_is_not_planned() -> None:
    """One poisoned item does not keep a plan from being made."""
    world = FakeTaskDefinitions(due_family(4))
    world.undescribable = {RevisionId("etl", 2): CallFailed("DescribeTaskDefinition", "ServerException", "no")}
    plan = reported(world).report.plan
    assert plan is not None
    assert list(plan.numbers["etl"]) == [1, 3, 4]


# What a sweep makes of it


def test_what_is_due_and_not_planned_is_kept_for_that_reason() -> None:
    """Below, between and beyond what is planned."""
    world = FakeTaskDefinitions(due_family(9))
    ran = sweep(world, EVERYTHING, plan=plan_of({"etl": [2, 3, 6]}))
    assert world.with_status(Status.DELETE_IN_PROGRESS) == ids(2, 3, 6)
    assert ran.report.kept == {Reason.NOT_PLANNED: 6}
    assert_the_plan_adds_up(ran.report)


def test_a_verdict_knows_the_plan_whoever_asks_for_it() -> None:
    """What should never be described is not condemned either: only the verdict says DELETE."""
    world = FakeTaskDefinitions(due_family(3))
    tally = Tally(
        mode=Mode.DELETE,
        policy=EVERYTHING,
        task_definitions=world,
        usage=FakeUsage(),
        clock=FakeClock(),
        context=context(world.calls),
        plan=plan_of({"etl": [2]}),
    )
    tally.list_families()
    (family,) = tally.families.values()
    reasons = [
        tally.judge(family, Candidate(number=each.id.number, newer_inactive=9, revision=each)).reason
        for each in due_family(3)
    ]
    assert reasons == [Reason.NOT_PLANNED, Reason.DUE, Reason.NOT_PLANNED]


def test_what_changed_since_is_kept_with_its_reason() -> None:
    """Tagged, used, dated anew, not INACTIVE any more, among the newest by now, gone."""
    revisions = due_family(9)
    revisions[0] = replace(revisions[0], tags={KEEP_TAG: ""})
    revisions[2] = revision(3, deregistered=3)
    world = FakeTaskDefinitions(revisions)
    world.remove(RevisionId("etl", 4))
    world.put(revision(5, status=Status.DELETE_IN_PROGRESS))
    usage = {"etl": FamilyUsage(reasons={2: "service web runs it"})}
    rules = policy(rule(keep_newest=2))
    ran = sweep(world, rules, usage=usage, plan=plan_of({"etl": list(range(1, 10))}, rules))
    assert {each for batch in world.batches for each in batch} == ids(6, 7)
    assert ran.report.kept == {Reason.AMONG_NEWEST: 2, Reason.IN_USE: 1, Reason.TAGGED: 1, Reason.YOUNG: 1}
    assert ran.report.not_found == 2
    assert_the_plan_adds_up(ran.report)


def test_families_that_are_not_planned_are_not_listed() -> None:
    """Nor are the families themselves: their names are in the plan."""
    world = FakeTaskDefinitions([*due_family(3, "a"), *due_family(3, "b")])
    ran = sweep(world, EVERYTHING, plan=plan_of({"b": [1, 2]}))
    assert [family.family for family in ran.report.families] == ["b"]
    assert world.calls["families"] == 0
    assert {each.family for each in world.described} == {"b"}


def test_numbers_that_are_not_planned_are_neither_searched_nor_described(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies beyond the last planned number is not even listed, but to know the newest."""
    monkeypatch.setattr("janitor.sweep.run.measure_growth", lambda *_: None)
    world = FakeTaskDefinitions(due_family(1_000))
    rules = policy(rule(keep_newest=3))
    sweep(world, rules, plan=plan_of({"etl": [1, 2, 3, 70]}, rules))
    assert world.described == sorted(ids(1, 2, 3, 70))
    account, judged, counted = 1, 2, 3 + 1 + 2
    assert world.calls["list"] == account + judged + counted


@pytest.mark.parametrize("number", [99, 100, 101, 102])
def test_the_last_planned_number_is_found_wherever_a_page_ends(number: int) -> None:
    """The one before it may be the last of a page."""
    world = FakeTaskDefinitions(due_family(300))
    sweep(world, EVERYTHING, plan=plan_of({"etl": [number]}))
    assert world.with_status(Status.DELETE_IN_PROGRESS) == ids(number)


def test_the_newest_are_looked_for_beyond_the_last_planned_number() -> None:
    """As far as it takes to know that there are enough."""
    world = FakeTaskDefinitions(due_family(30), page_size=5)
    rules = policy(rule(keep_newest=12))
    sweep(world, rules, plan=plan_of({"etl": [10]}, rules))
    assert world.with_status(Status.DELETE_IN_PROGRESS) == ids(10)


def test_a_plan_is_applied_the_same_where_an_earlier_sweep_has_learned_much() -> None:
    """What would be walked without a listing is listed as far as the plan goes, and nothing else is described."""
    world, caches = FakeTaskDefinitions(bulk_account()), FakeDueCaches()
    night(world, caches)
    planned = list(range(BULK + DUE + 11, BULK + DUE + 31))
    world.described.clear()
    world.batches.clear()
    plan = plan_of({"etl": [BULK + DUE, *planned]}, POLICY)
    ran = sweep(world, POLICY, clock=FakeClock(START + 2 * DAY), caches=caches, plan=plan)
    assert set(chain(*world.batches)) == ids(*planned)
    assert (ran.report.planned, ran.report.not_found) == (len(planned) + 1, 1)
    assert_the_plan_adds_up(ran.report)


def test_a_plan_of_another_account_is_refused_before_anything_is_described() -> None:
    """Whether or not anything it names is there."""
    for numbers in ({"etl": [1]}, {"nobody": [1]}):
        world = FakeTaskDefinitions(due_family(3))
        with pytest.raises(BadInput, match="it is for account 999999999999, and this is account 123456789012"):
            sweep(world, EVERYTHING, plan=plan_of(numbers, account="999999999999"))
        assert not world.described
        assert not world.batches


@pytest.mark.parametrize("family", ["etl", "web"])
@pytest.mark.parametrize("status", Status)
def test_the_account_is_learned_even_where_nothing_planned_is_left(family: str, status: Status) -> None:
    """From whatever is listed first, of whatever family: else a plan of elsewhere would seem done already."""
    world = FakeTaskDefinitions([revision(1, family, status=status)])
    world.account = None
    listed = world.pages

    def telling(family: str, status: Status, *, newest_first: bool = False) -> Iterator[Page]:
        for page in listed(family, status, newest_first=newest_first):
            world.account = "123456789012" if page.numbers else world.account
            yield page

    world.pages = telling  # type: ignore[method-assign]  # the one thing that is different
    with pytest.raises(BadInput, match="this is account 123456789012"):
        sweep(world, EVERYTHING, plan=plan_of({"etl": [7]}, account="999999999999"))
    assert not world.described
    world.account = None
    ran = sweep(world, EVERYTHING, plan=plan_of({"etl": [7]}))
    assert (ran.report.ending, ran.report.not_found) == (Ending.FINISHED, 1)


def test_a_family_that_the_sweep_is_not_for_is_left_out_and_named() -> None:
    """Flags may narrow what a plan says."""
    world = FakeTaskDefinitions([*due_family(3, "a"), *due_family(3, "b")])
    ran = sweep(world, policy(rule(), exclude=("a",)), plan=plan_of({"a": [1], "b": [1]}))
    assert world.with_status(Status.DELETE_IN_PROGRESS) == ids(1, family="b")
    assert ran.report.warnings == ("in the plan, but not among the families of this sweep: a",)
    assert ran.report.planned == 1


def test_the_stricter_of_plan_and_limit_wins() -> None:
    """What is left is not attempted, or was not come to."""
    world = FakeTaskDefinitions(due_family(30))
    ran = sweep(world, EVERYTHING, plan=plan_of({"etl": list(range(1, 26))}), limits=Limits(max_deletions=12))
    assert len(world.with_status(Status.DELETE_IN_PROGRESS)) == 12
    assert ran.report.ending is Ending.STOPPED_AT_LIMIT
    assert_the_plan_adds_up(ran.report)


@pytest.mark.parametrize(("allowed", "begins"), [(3, True), (2, False)])
def test_the_guard_counts_what_is_planned(*, allowed: int, begins: bool) -> None:
    """Not what may be due beside it."""
    world = FakeTaskDefinitions(due_family(30))
    sweep(world, EVERYTHING, plan=plan_of({"etl": [1, 2, 3]}), limits=Limits(abort_above=allowed))
    assert bool(world.batches) == begins


# Whatever happens between


def disturbed(account: Account, rng: random.Random) -> Account:
    """Let time pass: some revisions are gone, tagged, used or deregistered only now; others come to be due."""
    later = account.now
    revisions = []
    for each in account.revisions:
        match rng.randrange(12):
            case 0:
                continue
            case 1:
                revisions.append(replace(each, tags={**each.tags, KEEP_TAG: ""}))
            case 2 if each.status is Status.INACTIVE:
                revisions.append(replace(each, deregistered_at=later))
            case 3 if each.status is Status.INACTIVE:
                revisions.append(replace(each, status=Status.DELETE_IN_PROGRESS))
            case 4 if each.status is Status.ACTIVE:
                revisions.append(replace(each, status=Status.INACTIVE, deregistered_at=each.registered_at))
            case _:
                revisions.append(each)
    usage = {
        family: FamilyUsage(
            reasons={**used.reasons, **{each.id.number: "used" for each in account.of(family) if rng.random() < 0.1}},
            unreadable=used.unreadable,
        )
        for family, used in account.usage.items()
    }
    return replace(account, revisions=tuple(revisions), usage=usage)


@STEADY
@given(account=ACCOUNTS, page_size=PAGE_SIZES, hostile=st.booleans(), seed=st.integers(0, 10**6), lazy=st.booleans())
def test_what_goes_is_what_was_planned_and_is_still_due(
    *, account: Account, page_size: int, hostile: bool, seed: int, lazy: bool
) -> None:
    """Whatever changed in between, however it is listed, interrupted once or not, and the numbers add up."""
    rng = random.Random(seed)  # noqa: S311 - test data
    readable = replace(account, usage={name: replace(used, unreadable=()) for name, used in account.usage.items()})
    plan = reported(readable.world(page_size=page_size), account.policy, dict(readable.usage)).report.plan
    assert plan is not None
    named = {RevisionId(family, number) for family, numbers in plan.numbers.items() for number in numbers}
    assert named == readable.due()
    now = disturbed(readable, rng)
    world = now.world(hostile=hostile, page_size=page_size)
    expected = named & now.due()
    if rng.random() < 0.5:
        asked, patience = iter(range(10**9)), rng.randrange(1, 60)
        limits = Limits(asked_to_stop=lambda: next(asked) >= patience)
        first = sweep(world, now.policy, usage=now.usage, plan=plan, limits=limits, lazy=lazy)
        assert_the_plan_adds_up(first.report)
        assert gone(world, now) <= expected
    ran = sweep(world, now.policy, usage=now.usage, plan=plan, lazy=lazy)
    assert gone(world, now) == expected
    assert_the_plan_adds_up(ran.report)
    assert ran.report.ending is Ending.FINISHED
    submitted = list(chain(*world.batches))
    assert sorted(submitted) == sorted(expected), "each once"
    judged = {event.verdict.revision for event in ran.events if isinstance(event, Judged)}
    assert judged <= named


@settings(STEADY, max_examples=12)
@given(seed_=st.integers(0, 10**6), sizes=SIZES, most=st.integers(0, 15))
def test_a_plan_is_applied_exactly_to_the_embedded_ecs_in_one_run_or_two(
    seed_: int, sizes: list[int], most: int
) -> None:
    """Through boto3, with a hostile cursor; what is planned is handed over as a file would be."""
    account = random_account(seed_, sizes, 1)
    clock = VirtualClock(account.now)
    ecs = EmbeddedEcs(clock=clock, behaviour=Behaviour(), record=True)
    seed(ecs, account.revisions)
    report = runner(ecs, clock, account.policy).sweep(Mode.REPORT, Limits(), lambda _: None, count_all=True)
    assert report.plan is not None
    named = {f"{family}:{number}" for family, numbers in report.plan.numbers.items() for number in numbers}
    for used in sorted(named)[::5]:
        ecs.seed_task("default", used)
    for deletions in (most, None):
        applying = Runner(place_of(ecs, clock), replace(load(Flags()), policy=account.policy), plan=report.plan)
        swept = applying.sweep(Mode.DELETE, Limits(max_deletions=deletions), lambda _: None, count_all=False)
        assert_the_plan_adds_up(swept)
    submitted = [arn.rsplit("/", 1)[1] for batch in ecs.deleted_requests for arn in batch]
    assert sorted(submitted) == sorted(named - set(sorted(named)[::5]))
    assert swept.outcome(OutcomeKind.DELETED) + (swept.not_found or 0) == len(submitted)

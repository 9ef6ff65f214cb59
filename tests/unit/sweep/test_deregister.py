"""Deregistering ACTIVE orphans: what is looked at again right before, how many go, and what a hop takes over."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.model import FamilyUsage, Mode, OutcomeKind, Reason, RevisionId, Status
from janitor.core.numbers import NumberSet
from janitor.core.orphans import OrphanRule
from janitor.core.plan import Plan, rule_values
from janitor.core.report import Cause, Ending
from janitor.errors import CallFailed, StoreFailed, Unreachable
from janitor.ports import Page
from janitor.sweep.deregister import AT_A_TIME, FRESH, FreshUsage
from janitor.sweep.events import Judged, Limits, Settled
from tests.builders import DAY, due_family, ids, policy, revision, rule, sweep
from tests.fakes import START, FakeClock, FakeDueCaches, FakeTaskDefinitions, FakeUsage
from tests.oracle import to_deregister

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from janitor.core.model import Condemned, Outcome, Revision
    from tests.builders import Ran

pytestmark = pytest.mark.usefixtures("growth_not_measured")

AIRFLOW = "arn:aws:sts::123456789012:assumed-role/airflow-worker/task-7"
ASKED = OrphanRule(older_than=14 * DAY, registered_by=("arn:aws:sts::*:assumed-role/airflow-*",))
ASKING = policy(rule(orphans=ASKED))
STEADY = settings(derandomize=True, database=None, deadline=None, max_examples=60)


def active(number: int, family: str = "etl", *, registered: float = 100, by: str | None = AIRFLOW) -> Revision:
    """Build an ACTIVE revision."""
    return revision(number, family, status=Status.ACTIVE, registered=registered, registered_by=by)


def leaking(count: int, family: str = "etl") -> list[Revision]:
    """Build a family of that many orphans below its newest."""
    return [active(number, family, registered=400 - number * 300 / (count + 1)) for number in range(1, count + 2)]


def orphans(ran: Ran) -> Counter[str]:
    """Count what became of the orphans, and what kept the others."""
    made = ran.report.deregistrations
    assert made.judged == sum(made.kept.values()) + made.due.value
    counts: Counter[str] = Counter()
    counts.update({reason.value: count for reason, count in made.kept.items()})
    counts.update({kind.value: count for kind, count in made.outcomes.items()})
    return counts


def gone(world: FakeTaskDefinitions) -> set[RevisionId]:
    """Return what was deregistered."""
    return set(world.deregistrations)


def test_without_a_rule_that_asks_nothing_is_deregistered() -> None:
    """Promise 1: they are counted, and that is all."""
    world = FakeTaskDefinitions(leaking(5))
    ran = sweep(world, policy(rule()))
    assert world.deregistrations == []
    assert ran.report.active_orphans is not None
    assert ran.report.active_orphans.value == 5
    assert orphans(ran) == {}


def test_orphans_go_one_a_call_oldest_first_and_the_newest_stays() -> None:
    """And what went is INACTIVE, and no orphan any more."""
    world = FakeTaskDefinitions(leaking(5))
    ran = sweep(world, ASKING)
    assert world.deregistrations == [RevisionId("etl", number) for number in range(1, 6)]
    assert world.with_status(Status.ACTIVE) == ids(6)
    assert orphans(ran) == {OutcomeKind.DEREGISTERED: 5}
    assert ran.words_of(RevisionId("etl", 1)) == "deregistered: accepted, INACTIVE"
    assert (ran.report.ending, ran.report.causes) == (Ending.FINISHED, ())
    assert ran.report.active_orphans is not None
    assert ran.report.active_orphans.value == 0


def test_a_report_deregisters_nothing_and_says_all_that_would_go() -> None:
    """More than one sweep would."""
    world = FakeTaskDefinitions(leaking(AT_A_TIME + 20))
    ran = sweep(world, ASKING, mode=Mode.REPORT, limits=Limits(max_deregistrations=3))
    assert world.deregistrations == []
    assert ran.report.deregistrations.due.value == AT_A_TIME + 20
    assert ran.report.max_deregistrations == 3


def test_deletions_come_first_and_each_has_figures_of_its_own() -> None:
    """What is due is deleted, in batches, before the first deregistration."""
    world = FakeTaskDefinitions([*due_family(12, "dead"), *leaking(2)])
    ran = sweep(world, ASKING)
    log = [each for each in world.log if each in {"delete", "deregister"}]
    assert log == ["delete", "delete", "deregister", "deregister"]
    assert (ran.report.due.value, ran.report.outcome(OutcomeKind.DELETED)) == (12, 12)
    assert orphans(ran) == {OutcomeKind.DEREGISTERED: 2}
    assert ran.report.judged == 12


def test_a_sweep_by_plan_deregisters_nothing() -> None:
    """It does what was decided, and nothing else."""
    world = FakeTaskDefinitions([*due_family(2), *(active(number) for number in range(3, 9))])
    plan = Plan(
        account="123456789012",
        region="eu-west-1",
        sweep_id="s-0",
        made_at=START,
        rules=rule_values(ASKING),
        numbers={"etl": NumberSet([1, 2])},
    )
    ran = sweep(world, ASKING, plan=plan)
    assert ran.report.outcome(OutcomeKind.DELETED) == 2
    assert world.deregistrations == []


# Looked at again


class Disturbed(FakeTaskDefinitions):
    """Somebody else acts right before a revision is described for the second time, or at another moment."""

    def __init__(self, revisions: Sequence[Revision], disturb: Callable[[FakeTaskDefinitions], None]) -> None:
        super().__init__(revisions)
        self._disturb = disturb
        self._seen: Counter[RevisionId] = Counter()

    def describe(self, revision: RevisionId) -> Revision | None:
        """Let it happen before the second look at the first one."""
        self._seen[revision] += 1
        if revision == RevisionId("etl", 1) and self._seen[revision] == 2:
            self._disturb(self)
        return super().describe(revision)


def changed(number: int, **what: object) -> Callable[[FakeTaskDefinitions], None]:
    """Return what puts a changed revision in the place of one."""
    return lambda world: world.put(replace(world._revisions[RevisionId("etl", number)], **what))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("disturb", "reason"),
    [
        (changed(1, tags={"janitor:keep": ""}), Reason.TAGGED),
        (changed(1, status=Status.INACTIVE), Reason.NOT_ACTIVE),
        (changed(1, registered_by="arn:aws:iam::1:user/ada"), Reason.REGISTERED_BY_OTHERS),
        (changed(1, registered_at=START), Reason.REGISTERED_LATELY),
        (lambda world: world.undescribable.update({RevisionId("etl", 1): CallFailed("D", "E", "no")}), "unreadable"),
    ],
)
def test_what_changed_between_verdict_and_deed_keeps(
    disturb: Callable[[FakeTaskDefinitions], None], reason: Reason
) -> None:
    """It is described again, and judged by that, once."""
    world = Disturbed(leaking(2), disturb)
    ran = sweep(world, ASKING)
    assert gone(world) == ids(2)
    assert orphans(ran) == {OutcomeKind.DEREGISTERED: 1, reason: 1}
    judged = [event.verdict for event in ran.events if isinstance(event, Judged)]
    assert [(each.revision.number, each.reason) for each in judged] == [(1, reason), (2, Reason.ORPHANED)]


def test_what_is_gone_by_then_counts_as_nothing() -> None:
    """Somebody deregistered and deleted it, and ECS removed it."""
    world = Disturbed(leaking(2), lambda world: world.remove(RevisionId("etl", 1)))
    ran = sweep(world, ASKING)
    assert orphans(ran) == {OutcomeKind.DEREGISTERED: 1}


def test_a_service_that_starts_using_it_in_between_keeps_it() -> None:
    """Who uses what is read anew before anything is deregistered."""
    world = FakeTaskDefinitions(leaking(2))
    used = FakeUsage({"etl": FamilyUsage(reasons={1: "service shop in cluster prod runs it"})})
    ran = sweep(world, ASKING, usage=FakeUsage(), usage_anew=lambda: used)
    assert gone(world) == ids(2)
    assert orphans(ran) == {OutcomeKind.DEREGISTERED: 1, Reason.IN_USE: 1}


def test_a_source_that_cannot_be_read_by_then_keeps_everything_and_is_said() -> None:
    """Nobody knows, so nothing goes."""
    world = FakeTaskDefinitions(leaking(3))
    blind = FakeUsage({"etl": FamilyUsage(unreadable=("schedules could not be read",))})
    ran = sweep(world, ASKING, usage=FakeUsage(), usage_anew=lambda: blind)
    assert world.deregistrations == []
    assert orphans(ran) == {Reason.USAGE_UNKNOWN: 3}
    assert ran.report.causes == (Cause.USAGE_UNREADABLE,)
    assert ran.report.unreadable_usage == ("schedules could not be read",)


def test_what_the_lookup_table_names_is_kept_and_an_unreadable_table_keeps_everything() -> None:
    """It is asked again for each, as it is at that moment; it keeps nothing from being deleted."""
    world = FakeTaskDefinitions([*leaking(3), *due_family(2, "old")])
    table = FakeUsage(
        {"etl": FamilyUsage(reasons={2: "an entry names it"}), "old": FamilyUsage(reasons={1: "an entry"})}
    )
    ran = sweep(world, ASKING, lookup_table=table)
    assert gone(world) == ids(1, 3)
    assert orphans(ran) == {OutcomeKind.DEREGISTERED: 2, Reason.IN_LOOKUP_TABLE: 1}
    assert ran.report.outcome(OutcomeKind.DELETED) == 2
    assert ran.report.active_orphans is not None
    assert ran.report.active_orphans.value == 0, "what an entry names is none"

    world = FakeTaskDefinitions(leaking(3))
    blind = FakeUsage({"etl": FamilyUsage(unreadable=("the lookup table could not be read",))})
    ran = sweep(world, ASKING, lookup_table=blind)
    assert world.deregistrations == []
    assert orphans(ran) == {Reason.USAGE_UNKNOWN: 3}
    assert ran.report.active_orphans is None, "nobody can know"
    assert Cause.USAGE_UNREADABLE in ran.report.causes


def test_an_entry_made_in_between_keeps_it() -> None:
    """The table is asked last of all, after the description."""
    table = FakeUsage({})
    world = Disturbed(leaking(1), lambda _: setattr(table, "by_family", {"etl": FamilyUsage(reasons={1: "an entry"})}))
    ran = sweep(world, ASKING, lookup_table=table)
    assert orphans(ran) == {Reason.IN_LOOKUP_TABLE: 1}


def test_one_that_becomes_the_newest_in_between_is_kept() -> None:
    """Whoever deregisters those above it must not leave the family without an ACTIVE revision."""

    class Emptied(FakeTaskDefinitions):
        def deregister(self, revision: RevisionId):  # type: ignore[no-untyped-def] # noqa: ANN202 - the fake's
            for number in (3, 4):
                self.put(replace(self._revisions[RevisionId("etl", number)], status=Status.INACTIVE))
            return super().deregister(revision)

    world = Emptied(leaking(3))
    ran = sweep(world, ASKING)
    assert gone(world) == ids(1)
    assert world.with_status(Status.ACTIVE) == ids(2)
    assert orphans(ran) == {OutcomeKind.DEREGISTERED: 1, Reason.AMONG_NEWEST_ACTIVE: 1, Reason.NOT_ACTIVE: 1}


def test_the_newest_are_those_that_are_described_as_active_not_those_that_a_listing_names() -> None:
    """A listing may lag behind: it still names what was deregistered a moment ago."""

    class Lagging(FakeTaskDefinitions):
        def describe(self, revision: RevisionId) -> Revision | None:
            found = super().describe(revision)
            return replace(found, status=Status.INACTIVE) if found and revision.number == 3 else found

    world = Lagging(leaking(2))
    ran = sweep(world, ASKING)
    assert gone(world) == ids(1)
    assert orphans(ran)[Reason.AMONG_NEWEST_ACTIVE] == 1


def test_a_newer_one_registered_in_between_changes_nothing() -> None:
    """It only makes the others safer to go."""
    world = Disturbed(leaking(2), lambda world: world.put(active(99, registered=0)))
    assert orphans(sweep(world, ASKING)) == {OutcomeKind.DEREGISTERED: 2}


def test_who_uses_what_is_read_again_after_a_minute() -> None:
    """At a deregistration in ten seconds that is every sixth."""
    clock = FakeClock()
    readings: list[float] = []

    def read() -> FakeUsage:
        readings.append(clock.monotonic())
        return FakeUsage()

    fresh = FreshUsage(read, clock)
    for _ in range(13):
        fresh.of("etl")
        clock.sleep(FRESH / 6)
    assert readings == [0.0, FRESH, 2 * FRESH]


# How many


@pytest.mark.parametrize("most", [0, 1, AT_A_TIME, AT_A_TIME + 1, 2 * AT_A_TIME + 5])
def test_no_more_go_than_the_dose_and_that_is_no_failure(most: int) -> None:
    """The rest is for other nights; the account is counted all the same."""
    world = FakeTaskDefinitions(leaking(150))
    ran = sweep(world, ASKING, limits=Limits(max_deregistrations=most))
    assert world.deregistrations == [RevisionId("etl", number) for number in range(1, most + 1)]
    assert (ran.report.ending, ran.report.causes) == (Ending.FINISHED, ())
    assert ran.report.active_orphans is not None
    assert ran.report.active_orphans.value == 150 - most
    assert orphans(ran) == Counter({OutcomeKind.DEREGISTERED: most} if most else {})


def test_the_dose_is_of_all_families_together() -> None:
    """By name."""
    world = FakeTaskDefinitions([*leaking(3, "a"), *leaking(3, "b"), *leaking(3, "c")])
    sweep(world, ASKING, limits=Limits(max_deregistrations=4))
    assert world.deregistrations == [*(RevisionId("a", n) for n in (1, 2, 3)), RevisionId("b", 1)]


def test_families_that_are_kept_excluded_or_without_a_rule_are_left_alone() -> None:
    """Whatever other rules ask."""
    world = FakeTaskDefinitions([each for name in "abcd" for each in leaking(2, name)])
    rules = policy(
        rule("a", orphans=ASKED, keep=True),
        rule("b"),
        rule("c", orphans=ASKED),
        rule("d", orphans=ASKED),
        exclude=("d",),
    )
    sweep(world, rules)
    assert {each.family for each in world.deregistrations} == {"c"}


@STEADY
@given(
    seed=st.integers(0, 10**6),
    page_size=st.integers(1, 12),
    hostile=st.booleans(),
    lazy=st.booleans(),
    most=st.sampled_from((0, 3, 500)),
)
def test_exactly_what_the_oracle_names_goes_as_far_as_the_dose_goes(
    *, seed: int, page_size: int, hostile: bool, lazy: bool, most: int
) -> None:
    """Whatever the cursor does, however large the pages; a second sweep goes on."""
    rng = random.Random(seed)  # noqa: S311 - test data
    family = []
    number, age = 0, 400.0
    for _ in range(rng.randrange(0, 60)):
        number, age = number + rng.choice((1, 1, 4)), age * rng.uniform(0.85, 1.0)
        status = rng.choice((Status.ACTIVE, Status.ACTIVE, Status.ACTIVE, Status.INACTIVE))
        family.append(
            revision(
                number,
                status=status,
                registered=None if rng.random() < 0.1 else age,
                deregistered=1,
                tags=("janitor:keep",) if rng.random() < 0.1 else (),
                registered_by=rng.choice((AIRFLOW, AIRFLOW, None, "arn:aws:iam::1:user/ada")),
            )
        )
    used = FamilyUsage(reasons={each.id.number: "task" for each in family if rng.random() < 0.1})
    rules = policy(rule(orphans=replace(ASKED, keep_newest=rng.choice((1, 2, 5)))))
    world = FakeTaskDefinitions(family, page_size=page_size, hostile=hostile)
    expected = sorted(to_deregister(family, rules.rules[0], usage=used, table=FamilyUsage(), now=START))
    limits = Limits(max_deregistrations=most)
    ran = sweep(world, rules, usage={"etl": used}, limits=limits, lazy=lazy)
    assert [each.number for each in world.deregistrations] == expected[:most]
    assert orphans(ran)[OutcomeKind.DEREGISTERED] == len(expected[:most])
    assert set(world.deregistrations) <= set(world.described)
    sweep(world, rules, usage={"etl": used}, limits=limits, lazy=lazy)
    assert [each.number for each in world.deregistrations] == expected[: 2 * most]


# What goes wrong


def failed(ran: Ran) -> list[tuple[int, OutcomeKind]]:
    """Return the outcomes in order."""
    return [(each.outcome.revision.number, each.outcome.kind) for each in ran.events if isinstance(each, Settled)]


def test_an_answer_that_does_not_say_so_is_looked_at_again() -> None:
    """It may have happened all the same."""
    world = FakeTaskDefinitions(leaking(2))
    world.misreported = {RevisionId("etl", 1): ""}
    world.unanswered = {RevisionId("etl", 2)}
    ran = sweep(world, ASKING)
    assert failed(ran) == [(1, OutcomeKind.DEREGISTERED), (2, OutcomeKind.FAILED)]
    assert "INACTIVE when looked at again, by us or by somebody else" in ran.words_of(RevisionId("etl", 1))
    assert ran.report.causes == (Cause.REFUSED_OR_FAILED,)
    assert [each.revision.number for each in ran.report.troubles] == [2]


def test_one_that_ecs_refuses_does_not_stop_the_others() -> None:
    """It is named; three in a row end the run."""
    world = FakeTaskDefinitions(leaking(3))
    world.refused = {RevisionId("etl", 2): "it is not to be"}
    ran = sweep(world, ASKING)
    assert failed(ran) == [(1, OutcomeKind.DEREGISTERED), (2, OutcomeKind.FAILED), (3, OutcomeKind.DEREGISTERED)]
    assert "it is not to be" in ran.words_of(RevisionId("etl", 2))

    world = FakeTaskDefinitions(leaking(5))
    world.refused = {RevisionId("etl", number): "no" for number in range(1, 6)}
    ran = sweep(world, ASKING)
    assert [number for number, _ in failed(ran)] == [1, 2, 3]
    assert ran.report.ending is Ending.COULD_NOT_FINISH


def test_a_missing_permission_ends_the_run_with_its_name() -> None:
    """After one call."""
    world = FakeTaskDefinitions(leaking(3))
    world.denied = ids(1)
    ran = sweep(world, ASKING)
    assert failed(ran) == [(1, OutcomeKind.REFUSED)]
    assert ran.report.ending is Ending.COULD_NOT_FINISH
    assert "ecs:DeregisterTaskDefinition" in ran.report.ending_words


def test_where_others_need_the_rate_no_more_is_deregistered_and_the_run_goes_on() -> None:
    """They register with it; the account is counted all the same."""
    world = FakeTaskDefinitions([*leaking(3, "a"), *leaking(3, "b")])
    world.deregister_faults.extend([None, Unreachable("DeregisterTaskDefinition was throttled 2 times")])
    ran = sweep(world, ASKING)
    assert failed(ran) == [(1, OutcomeKind.DEREGISTERED), (2, OutcomeKind.FAILED)]
    assert ran.report.ending is Ending.FINISHED
    assert ran.report.causes == (Cause.REFUSED_OR_FAILED,)
    assert any(each.startswith("no more was deregistered: ") for each in ran.report.warnings)
    assert ran.report.active_orphans is not None
    assert ran.report.active_orphans.value == 5


def test_a_repeated_call_that_meets_its_own_success_is_a_success() -> None:
    """The first attempt was heard, its answer was lost."""

    class Heard(FakeTaskDefinitions):
        def deregister(self, revision: RevisionId):  # type: ignore[no-untyped-def] # noqa: ANN202 - the fake's
            super().deregister(revision)
            raise CallFailed("DeregisterTaskDefinition", "ClientException", "it is not ACTIVE")

    ran = sweep(Heard(leaking(1)), ASKING)
    assert orphans(ran) == {OutcomeKind.DEREGISTERED: 1}


def test_a_family_whose_active_ones_cannot_be_listed_is_named() -> None:
    """And the others are gone through."""

    class Broken(FakeTaskDefinitions):
        def pages(self, family: str, status: Status, *, newest_first: bool = False):  # type: ignore[no-untyped-def] # noqa: ANN202
            if (family, status) == ("a", Status.ACTIVE):
                raise CallFailed("ListTaskDefinitions", "ServerException", "no")
            return super().pages(family, status, newest_first=newest_first)

    world = Broken([*leaking(2, "a"), *leaking(2, "b")])
    ran = sweep(world, ASKING)
    assert {each.family for each in world.deregistrations} == {"b"}
    assert "a" in ran.report.families_not_read
    assert ran.report.active_orphans is None


class Ledger:
    """A record in memory, which may be full."""

    def __init__(self, *, room: int = 10**9) -> None:
        self.lines: list[tuple[str, int]] = []
        self._room = room

    def intend(self, batch: Sequence[Condemned]) -> Callable[[Sequence[Outcome]], None]:
        """Note an intent."""
        if len(self.lines) >= self._room:
            raise StoreFailed("write", "the store", "it is full")
        self.lines += [(each.verdict.decision.value, each.revision.id.number) for each in batch]
        return lambda outcomes: self.lines.extend((each.kind.value, each.revision.number) for each in outcomes)


def test_the_intent_is_on_record_before_the_call_and_the_outcome_after() -> None:
    """One by one."""
    ledger = Ledger()
    sweep(FakeTaskDefinitions(leaking(2)), ASKING, record=ledger)
    assert ledger.lines == [("DEREGISTER", 1), ("deregistered", 1), ("DEREGISTER", 2), ("deregistered", 2)]


def test_nothing_goes_unrecorded() -> None:
    """Without an intent there is no call."""
    world = FakeTaskDefinitions(leaking(3))
    ran = sweep(world, ASKING, record=Ledger(room=2))
    assert gone(world) == ids(1)
    assert orphans(ran) == {OutcomeKind.DEREGISTERED: 1, OutcomeKind.NOT_ATTEMPTED: 1}
    assert ran.report.ending is Ending.COULD_NOT_FINISH


# Guards, hops


def test_a_run_that_is_asked_to_stop_stops_before_the_next() -> None:
    """Or whose brake is put on, or whose time is up; counts still add up."""
    world = FakeTaskDefinitions(leaking(9))
    ran = sweep(world, ASKING, limits=Limits(asked_to_stop=lambda: len(world.deregistrations) == 4))
    assert len(world.deregistrations) == 4
    assert orphans(ran) == {OutcomeKind.DEREGISTERED: 4}
    assert ran.report.ending is Ending.STOPPED_BY_USER


@pytest.mark.parametrize(("most", "begins"), [(4, False), (5, True)])
def test_abort_above_counts_orphans_as_far_as_the_dose_goes(most: int, *, begins: bool) -> None:
    """Three of nine may go, beside two that are due."""
    world = FakeTaskDefinitions([*leaking(9), *due_family(2, "old")])
    ran = sweep(world, ASKING, limits=Limits(abort_above=most, max_deregistrations=3))
    assert bool(world.deregistrations) is begins
    assert (ran.report.ending is Ending.REFUSED_BY_GUARD) is not begins


def described(world: FakeTaskDefinitions, enough: int) -> bool:
    """Say whether so many descriptions were made."""
    return world.calls["describe"] >= enough


@STEADY
@given(seed=st.integers(0, 10**6))
def test_hop_after_hop_does_what_one_run_would_and_judges_each_once(*, seed: int) -> None:
    """A hop goes on after the revision that the one before judged last; the dose is what the hops before left."""
    rng = random.Random(seed)  # noqa: S311 - test data
    families = [
        active(number, name, registered=400 - number, by=rng.choice((AIRFLOW, AIRFLOW, "arn:aws:iam::1:user/ada")))
        for name in ("a", "b")
        for number in range(1, 80)
    ]
    whole = FakeTaskDefinitions(families)
    alone = orphans(sweep(whole, ASKING, limits=Limits(max_deregistrations=60)))

    world = FakeTaskDefinitions(families)
    total: Counter[str] = Counter()
    position = None
    for _ in range(200):
        stop_at = world.calls["describe"] + rng.randrange(30, 120)
        left = 60 - total[OutcomeKind.DEREGISTERED]
        ran = sweep(
            world,
            ASKING,
            start=position,
            limits=Limits(max_deregistrations=left, asked_to_stop=partial(described, world, stop_at)),
        )
        total += orphans(ran)
        position = ran.position
        if ran.report.ending is Ending.FINISHED:
            break
        assert ran.report.ending is Ending.STOPPED_BY_USER
    assert world.deregistrations == whole.deregistrations
    assert total == alone


def test_a_hop_among_the_orphans_goes_through_no_deletions_again() -> None:
    """They were done by the hops before."""
    world = FakeTaskDefinitions([*leaking(4, "a"), *due_family(3, "b")])
    ran = sweep(world, ASKING, limits=Limits(asked_to_stop=lambda: len(world.deregistrations) == 2))
    assert ran.position.orphans
    assert (ran.position.family, ran.position.number) == ("a", 2)
    world.put(revision(9, "b"))
    after = sweep(world, ASKING, start=ran.position)
    assert world.deregistrations == [RevisionId("a", number) for number in (1, 2, 3, 4)]
    assert after.report.outcome(OutcomeKind.DELETED) == 0


# Their later retention


def test_what_was_deregistered_is_not_described_again_before_it_can_be_due() -> None:
    """The due cache learns the day, so that other nights pass them over."""
    caches = FakeDueCaches()
    world = FakeTaskDefinitions(leaking(40))
    clock = FakeClock()
    sweep(world, ASKING, caches=caches, clock=clock)
    assert len(world.deregistrations) == 40
    world.described.clear()
    for _ in range(3):
        clock.elapsed += timedelta(days=1).total_seconds()
        world.now = clock.now()
        sweep(world, ASKING, caches=caches, clock=clock)
    assert len(world.described) <= 3 * 8, "the boundary, and no candidate"
    cache = caches.load("etl")
    assert all(cache.not_before(number) is not None for number in range(1, 41))
    clock.elapsed += timedelta(days=31).total_seconds()
    ran = sweep(world, ASKING, caches=caches, clock=clock)
    assert ran.report.outcome(OutcomeKind.DELETED) == 40


def test_a_backlog_deregistered_over_nights_does_not_starve_the_nights_after() -> None:
    """One number in twenty, more of them than the cache has room for: each is described once more, and then no more."""
    world = FakeTaskDefinitions(
        [active(20 * number, registered=400 - number / 10) for number in range(1, 2_402)], hostile=True
    )
    caches, clock = FakeDueCaches(), FakeClock()
    beside = []
    for _ in range(5):
        world.calls.clear()
        world.now = clock.now()
        sweep(world, ASKING, caches=caches, clock=clock, limits=Limits(max_deregistrations=1_200))
        beside.append(world.calls["describe"] - 3 * world.calls["deregister"])
        clock.elapsed += timedelta(days=1).total_seconds()
    assert len(world.deregistrations) == 2_400
    assert max(beside) < 2 * 1_200
    assert max(beside[3:]) < 240, "a tenth of what is there"


def test_what_went_is_no_orphan_any_more_though_a_listing_still_names_it() -> None:
    """A listing may lag behind what this run did itself."""

    class Lagging(FakeTaskDefinitions):
        def pages(self, family: str, status: Status, *, newest_first: bool = False) -> Iterator[Page]:
            if status is not Status.ACTIVE:
                yield from super().pages(family, status, newest_first=newest_first)
                return
            self.calls["list"] += 1
            numbers = sorted((each.number for each in self._revisions), reverse=newest_first)
            yield Page(numbers=tuple(numbers), last=True)

    ran = sweep(Lagging(leaking(5)), ASKING, limits=Limits(max_deregistrations=3))
    assert orphans(ran) == {OutcomeKind.DEREGISTERED: 3}
    assert ran.report.active_orphans is not None
    assert ran.report.active_orphans.value == 2

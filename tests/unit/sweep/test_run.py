"""Rules of a run: families, rounds, and what ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from janitor.core.model import FamilyUsage, Mode, Reason, RevisionId, Status
from janitor.core.report import Cause, Ending
from janitor.errors import AccessDenied, CallFailed, Unreachable
from janitor.sweep.events import Judged, Limits, Looking
from tests.builders import due_family, ids, policy, revision, rule, sweep, young_family
from tests.fakes import START, FakeClock, FakeTaskDefinitions, FakeUsage

if TYPE_CHECKING:
    from janitor.core.retention import Policy
    from tests.builders import Ran

pytestmark = pytest.mark.usefixtures("growth_not_measured")


EVERYTHING = policy(rule())


def looked_at(ran: Ran) -> list[tuple[str, int]]:
    """Return which family was looked at in which round."""
    return [(event.family, event.round) for event in ran.events if isinstance(event, Looking)]


def test_a_family_in_which_something_was_deleted_is_looked_at_again_until_nothing_is() -> None:
    """The others are looked at once."""
    world = FakeTaskDefinitions([*due_family(3, "a"), *young_family(3, "b"), *due_family(3, "c")])
    ran = sweep(world, EVERYTHING)
    assert looked_at(ran) == [("a", 1), ("b", 1), ("c", 1), ("a", 2), ("c", 2)]


def test_a_report_looks_at_each_family_once() -> None:
    """Nothing moves behind its cursor."""
    ran = sweep(FakeTaskDefinitions(due_family(30)), EVERYTHING, mode=Mode.REPORT)
    assert looked_at(ran) == [("etl", 1)]


def test_what_a_cursor_skipped_goes_in_a_later_round() -> None:
    """A hostile cursor skips much of it each time."""
    world = FakeTaskDefinitions(due_family(400), page_size=10, hostile=True)
    ran = sweep(world, EVERYTHING)
    assert max(number for _, number in looked_at(ran)) > 2
    assert world.with_status(Status.INACTIVE) == set()


def test_what_a_round_collected_is_submitted_before_the_next_begins() -> None:
    """Else a round would look at what is still to go."""
    world = FakeTaskDefinitions(due_family(13))
    sweep(world, EVERYTHING)
    assert [len(batch) for batch in world.batches] == [10, 3]


def test_a_listing_that_breaks_off_is_begun_again() -> None:
    """A page token may expire; what was judged is not judged again."""
    revisions = [revision(number, registered=400, deregistered=3) for number in range(1, 101)]
    world = FakeTaskDefinitions(revisions, page_size=50)
    world.breaks["etl"].append(1)
    ran = sweep(world, EVERYTHING)
    assert looked_at(ran) == [("etl", 1), ("etl", 2)]
    assert ran.report.ending is Ending.FINISHED
    assert len(set(ran.judged)) == len(ran.judged)


def test_a_listing_that_breaks_off_three_times_is_given_up_and_the_family_named() -> None:
    """The run goes on with the others, and says that it could not finish."""
    old = [revision(number, "a", registered=400, deregistered=3) for number in range(1, 151)]
    world = FakeTaskDefinitions([*old, *due_family(10, "b")], page_size=10)
    world.breaks["a"].extend([1] * 3)
    ran = sweep(world, EVERYTHING)
    assert [number for family, number in looked_at(ran) if family == "a"] == [1, 2, 3]
    assert world.with_status(Status.DELETE_IN_PROGRESS) == ids(*range(1, 11), family="b")
    assert ran.report.families_not_read == ("a",)
    assert ran.report.ending is Ending.COULD_NOT_FINISH
    assert "a" in ran.report.ending_words
    assert any("family a was not read to the end" in warning for warning in ran.report.warnings)


def test_a_listing_that_breaks_off_is_not_given_up_while_it_gets_on() -> None:
    """Five expired tokens with deletions between them are no reason to give up."""
    world = FakeTaskDefinitions(due_family(200), page_size=50)
    world.breaks["etl"].extend([1] * 5)
    ran = sweep(world, EVERYTHING)
    assert "etl" not in ran.report.families_not_read


def test_one_family_that_cannot_be_listed_does_not_sink_the_others() -> None:
    """It is named, once it failed at its first page."""
    world = FakeTaskDefinitions([*due_family(10, "a"), *due_family(10, "b"), *due_family(10, "c")])
    world.breaks["b"].extend([0] * 9)
    ran = sweep(world, EVERYTHING)
    assert world.with_status(Status.INACTIVE) == ids(*range(1, 11), family="b")
    assert ran.report.families_not_read == ("b",)
    assert ran.report.ending is Ending.COULD_NOT_FINISH


def test_families_that_cannot_be_listed_end_the_run_at_once() -> None:
    """With the permission named."""
    world = FakeTaskDefinitions(due_family(10))
    world.families_fault = AccessDenied("ecs:ListTaskDefinitionFamilies", "no")
    ran = sweep(world, EVERYTHING)
    assert world.calls == {}
    assert "ecs:ListTaskDefinitionFamilies" in ran.report.ending_words
    assert ran.report.causes == (Cause.COULD_NOT_FINISH,)


def test_an_endpoint_that_stops_answering_ends_the_run_and_keeps_what_was_done() -> None:
    """What is done is reported."""
    world = FakeTaskDefinitions([*due_family(10, "a"), *due_family(10, "b")])
    world.undescribable = {RevisionId("b", 10): Unreachable("no answer from there")}
    ran = sweep(world, EVERYTHING)
    assert world.with_status(Status.DELETE_IN_PROGRESS) == ids(*range(1, 11), family="a")
    assert ran.report.ending is Ending.COULD_NOT_FINISH
    assert ran.report.ending_words == "no answer from there"


def test_a_run_stops_at_its_time_limit_with_work_left() -> None:
    """Time is the clock's."""
    clock = FakeClock()
    world = FakeTaskDefinitions(due_family(300))

    def pass_time(event: object) -> None:
        if isinstance(event, Judged):
            clock.sleep(1.0)

    ran = sweep(world, EVERYTHING, clock=clock, limits=Limits(max_seconds=60), observe=pass_time)
    assert [len(batch) for batch in world.batches] == [10] * 6
    assert ran.report.ending.value.startswith("stopped_at")
    assert ran.report.ending_words == "stopped at its time limit of 1 minute"
    assert ran.report.causes == (Cause.WORK_LEFT,)
    assert (ran.report.finished_at - ran.report.started_at).total_seconds() == 60


@pytest.mark.parametrize("rules", [policy(), policy(rule("other"))])
def test_without_a_rule_for_it_nothing_goes(rules: Policy) -> None:
    """An empty policy deletes nothing."""
    world = FakeTaskDefinitions(due_family(30))
    ran = sweep(world, rules)
    assert world.batches == []
    assert world.described == []
    assert ran.report.kept == {Reason.NO_RULE: 30}


def test_the_first_rule_that_matches_decides() -> None:
    """A rule that keeps a family whole, before one that would not."""
    world = FakeTaskDefinitions([*due_family(5, "etl-a"), *due_family(5, "web")])
    sweep(world, policy(rule("etl-*", keep=True), rule("*")))
    assert world.with_status(Status.INACTIVE) == ids(*range(1, 6), family="etl-a")


def test_families_that_the_run_is_not_narrowed_to_are_neither_listed_nor_reported() -> None:
    """Include and exclude."""
    world = FakeTaskDefinitions([*due_family(5, "a-1"), *due_family(5, "a-2"), *due_family(5, "b")])
    ran = sweep(world, policy(rule(), include=("a-*",), exclude=("*-2",)))
    assert [family.family for family in ran.report.families] == ["a-1"]
    assert world.with_status(Status.DELETE_IN_PROGRESS) == ids(1, 2, 3, 4, 5, family="a-1")


def test_a_pattern_that_matches_no_family_is_a_warning() -> None:
    """Often a misspelt name."""
    ran = sweep(FakeTaskDefinitions(due_family(1)), policy(rule("*"), rule("elt"), exclude=("nobody",)))
    assert ran.report.warnings == ("no family matches nobody (test)", "no family matches elt (test)")
    assert ran.report.ending is Ending.FINISHED


def test_what_is_in_use_stays_with_who_uses_it() -> None:
    """And usage is asked for the family, not for each call anew."""
    world = FakeTaskDefinitions(due_family(5))
    usage = FakeUsage({"etl": FamilyUsage(reasons={2: "service web runs it"})})
    ran = sweep(world, EVERYTHING, usage=usage)
    assert world.with_status(Status.INACTIVE) == ids(2)
    words = [each.verdict.words for each in ran.events if isinstance(each, Judged)]
    assert "service web runs it" in words


def test_unknown_usage_keeps_everything_and_the_run_says_so() -> None:
    """Unknown means keep."""
    world = FakeTaskDefinitions(due_family(5))
    ran = sweep(world, EVERYTHING, usage={"etl": FamilyUsage(unreadable=("tasks of cluster main: denied",))})
    assert world.batches == []
    assert ran.report.kept == {Reason.USAGE_UNKNOWN: 5}
    assert ran.report.unreadable_usage == ("tasks of cluster main: denied",)
    assert ran.report.causes == (Cause.USAGE_UNREADABLE,)


def test_a_report_says_where_when_and_by_what_it_was_made() -> None:
    """Account, Region, sweep, version, dates, calls."""
    world = FakeTaskDefinitions(due_family(5))
    report = sweep(world, EVERYTHING).report
    assert (report.account, report.region, report.sweep_id, report.version) == ("123456789012", "eu-west-1", "s-1", "0")
    assert report.started_at == report.finished_at == START
    assert report.api_calls == dict(world.calls)
    assert report.policy == EVERYTHING.sentences()


def test_troubles_are_named_in_order_up_to_a_bound() -> None:
    """A thousand names, and all of them counted."""
    world = FakeTaskDefinitions(due_family(1_200))
    world.refused = dict.fromkeys(ids(*range(1, 1201)), "no")
    report = sweep(world, EVERYTHING).report
    assert len(report.troubles) == 1_000
    assert [each.revision for each in report.troubles] == sorted(each.revision for each in report.troubles)
    (family,) = report.families
    assert family.outcomes == {"refused": 1_200}


@pytest.mark.parametrize("most", [5, 10, 25, 40])
def test_a_run_that_stops_reports_no_exact_count_from_before_its_deletions(most: int) -> None:
    """Counting never comes before deletion: 30 INACTIVE is not true any more when 10 of them are on their way out."""
    world = FakeTaskDefinitions([*due_family(30, "a"), *due_family(30, "b")])
    ran = sweep(world, EVERYTHING, limits=Limits(max_deletions=most))
    for family in ran.report.families:
        left = len([each for each in world.with_status(Status.INACTIVE) if each.family == family.family])
        assert family.inactive is None or family.inactive.low <= left <= family.inactive.high


def test_the_first_that_cannot_be_described_is_named_with_its_cause() -> None:
    """The others are counted."""
    world = FakeTaskDefinitions(due_family(5))
    world.undescribable = {each: CallFailed("DescribeTaskDefinition", "ServerException", "no") for each in ids(2, 3)}
    ran = sweep(world, EVERYTHING)
    assert ran.report.kept[Reason.UNREADABLE] == 2
    assert ran.report.warnings == ("etl:2 is kept: DescribeTaskDefinition failed: ServerException: no",)


@pytest.mark.parametrize("calls", range(4, 40, 3))
def test_a_family_that_was_not_gone_through_has_no_newest_yet(calls: int) -> None:
    """The hop that comes to its end counts them, and nobody counts them twice."""
    world = FakeTaskDefinitions(due_family(20), page_size=5)
    rules = policy(rule(keep_newest=3))
    asked = iter(range(10**9))
    ran = sweep(world, rules, limits=Limits(asked_to_stop=lambda: next(asked) >= calls))
    (family,) = ran.report.families
    whole = family.judged == 20
    assert family.kept.get(Reason.AMONG_NEWEST, 0) == (3 if whole else 0)
    assert family.judged == sum(family.kept.values()) + sum(family.outcomes.values())

"""Rules of apply, one by one: batches, denials, failures, and looking again before a word is final."""

from __future__ import annotations

from itertools import chain, pairwise
from typing import TYPE_CHECKING

import pytest

from janitor.core.model import OutcomeKind, RevisionId, Status
from janitor.core.report import Cause, Ending
from janitor.errors import AccessDenied, CallFailed, Unreachable
from janitor.sweep.apply import BATCHES_IN_FLIGHT
from janitor.sweep.events import Limits, Settled, Submitting
from tests.builders import due_family, ids, policy, revision, rule, sweep
from tests.fakes import FakeTaskDefinitions

if TYPE_CHECKING:
    from janitor.errors import JanitorError
    from tests.builders import Ran

pytestmark = pytest.mark.usefixtures("growth_not_measured")


EVERYTHING = policy(rule())
SERVER = CallFailed("DeleteTaskDefinitions", "ServerException", "internal")


def world_of(count: int) -> FakeTaskDefinitions:
    """Return one family in which everything is due."""
    return FakeTaskDefinitions(due_family(count))


def kinds(ran: Ran) -> dict[OutcomeKind, int]:
    """Count the outcomes."""
    (family,) = ran.report.families
    return dict(family.outcomes)


def sizes(world: FakeTaskDefinitions) -> list[int]:
    """Return how many each delete call named."""
    return [len(batch) for batch in world.batches]


def test_batches_are_filled_across_families() -> None:
    """Three families of four are two batches, not three."""
    revisions = [*due_family(4, "a"), *due_family(4, "b"), *due_family(4, "c")]
    world = FakeTaskDefinitions(revisions)
    sweep(world, EVERYTHING)
    assert sizes(world) == [10, 2]


def test_what_ecs_accepts_is_deleted() -> None:
    """An accepted revision is DELETED, in the past tense, with its new status."""
    world = world_of(3)
    ran = sweep(world, EVERYTHING)
    assert kinds(ran) == {OutcomeKind.DELETED: 3}
    assert ran.words_of(RevisionId("etl", 1)) == "deleted: accepted, DELETE_IN_PROGRESS"
    assert ran.report.causes == ()


def test_a_refused_revision_does_not_stop_its_batch() -> None:
    """The other nine go, and the one is named with the service's reason."""
    world = world_of(10)
    world.refused = {RevisionId("etl", 4): "SOME_REASON: with detail"}
    ran = sweep(world, EVERYTHING)
    assert sizes(world) == [10]
    assert kinds(ran) == {OutcomeKind.DELETED: 9, OutcomeKind.REFUSED: 1}
    assert [(each.revision, each.words) for each in ran.report.troubles] == [
        (RevisionId("etl", 4), "SOME_REASON: with detail")
    ]
    assert ran.report.ending is Ending.FINISHED
    assert ran.report.causes == (Cause.REFUSED_OR_FAILED,)


def test_a_refused_revision_is_described_again_before_it_is_called_refused() -> None:
    """Ten to judge them, then once more the one that was not accepted."""
    world = world_of(10)
    world.refused = {RevisionId("etl", 4): "no"}
    sweep(world, EVERYTHING)
    assert sorted(world.described[:10]) == [RevisionId("etl", number) for number in range(1, 11)]
    assert world.described[10] == RevisionId("etl", 4)


@pytest.mark.parametrize(
    ("words", "said"), [("MOVED", "MOVED"), ("", "ECS did not answer for it")], ids=["refused", "not answered"]
)
def test_one_not_accepted_but_found_on_its_way_out_is_deleted(words: str, said: str) -> None:
    """Refused or not answered: a repeated call may have met its own success."""
    world = world_of(10)
    world.misreported = {RevisionId("etl", 4): words}
    ran = sweep(world, EVERYTHING)
    assert kinds(ran) == {OutcomeKind.DELETED: 10}
    assert ran.words_of(RevisionId("etl", 4)) == (
        f"deleted: {said}; DELETE_IN_PROGRESS when looked at again, by us or by somebody else"
    )


def test_one_refused_that_cannot_be_described_afterwards_stays_refused() -> None:
    """That ECS cannot describe it proves nothing: a report must not say deleted of what may exist."""
    world = world_of(2)
    gone = RevisionId("etl", 1)
    world.refused = {gone: "MISSING"}

    def removed(event: object) -> None:
        if isinstance(event, Submitting):
            world.remove(gone)

    ran = sweep(world, EVERYTHING, observe=removed)
    assert ran.words_of(gone) == "refused: MISSING; it could not be described afterwards"


def test_one_that_nobody_answered_for_has_failed() -> None:
    """Neither in the accepted nor in failures[]."""
    world = world_of(3)
    world.unanswered = ids(2)
    ran = sweep(world, EVERYTHING)
    assert kinds(ran) == {OutcomeKind.DELETED: 2, OutcomeKind.FAILED: 1}
    assert ran.words_of(RevisionId("etl", 2)) == "failed: ECS did not answer for it"


@pytest.mark.parametrize(
    "error",
    [
        CallFailed("DescribeTaskDefinition", "ServerException", "no"),
        AccessDenied("ecs:DescribeTaskDefinition", "no"),
        Unreachable("no answer"),
    ],
)
def test_one_refused_that_cannot_be_looked_at_again_stays_refused(error: JanitorError) -> None:
    """And keeps the service's reason, not that of the second look."""
    world = world_of(3)
    refused = RevisionId("etl", 2)
    world.refused = {refused: "SOME_REASON"}

    def blinded(event: object) -> None:
        if isinstance(event, Submitting):
            world.undescribable = {refused: error}

    ran = sweep(world, EVERYTHING, observe=blinded)
    assert ran.words_of(refused) == "refused: SOME_REASON"
    assert kinds(ran) == {OutcomeKind.DELETED: 2, OutcomeKind.REFUSED: 1}


@pytest.mark.parametrize("lazy", [False, True])
def test_without_the_permission_eleven_calls_are_made_and_the_run_ends_naming_it(*, lazy: bool) -> None:
    """One batch, then its ten entries alone; nothing after."""
    world = world_of(500)
    world.denies_everything = True
    ran = sweep(world, EVERYTHING, lazy=lazy)
    assert sizes(world) == [10] + [1] * 10
    assert list(chain(*world.batches[1:])) == list(world.batches[0])
    assert ran.report.ending is Ending.COULD_NOT_FINISH
    assert "ecs:DeleteTaskDefinitions" in ran.report.ending_words
    assert kinds(ran)[OutcomeKind.REFUSED] == 10
    assert set(kinds(ran)) <= {OutcomeKind.REFUSED, OutcomeKind.NOT_ATTEMPTED}


def test_a_lone_revision_that_is_denied_is_tried_once() -> None:
    """There is no smaller batch to try."""
    world = world_of(1)
    world.denies_everything = True
    ran = sweep(world, EVERYTHING)
    assert sizes(world) == [1]
    assert ran.report.ending is Ending.COULD_NOT_FINISH


def test_entries_denied_by_tag_do_not_stop_the_others() -> None:
    """The batch is tried once more, one at a time; the run goes on with full batches."""
    world = world_of(25)
    world.denied = ids(3, 7)
    ran = sweep(world, EVERYTHING)
    assert sizes(world) == [10] + [1] * 10 + [10, 5]
    assert kinds(ran) == {OutcomeKind.DELETED: 23, OutcomeKind.REFUSED: 2}
    assert ran.report.ending is Ending.FINISHED
    assert "not authorized to delete etl:3" in ran.words_of(RevisionId("etl", 3))


def test_a_later_batch_that_is_denied_whole_ends_the_run() -> None:
    """The permission may be taken away meanwhile."""
    world = world_of(100)
    world.denied = ids(*range(21, 101))
    ran = sweep(world, EVERYTHING)
    assert sizes(world)[:2] == [10, 10]
    assert len(world.batches) <= 2 + BATCHES_IN_FLIGHT * 11  # those that were under way already
    assert kinds(ran)[OutcomeKind.DELETED] == 20
    assert ran.report.ending is Ending.COULD_NOT_FINISH


@pytest.mark.parametrize("code", ["ClientException", "InvalidParameterException"])
def test_a_batch_spoilt_by_one_entry_is_tried_one_by_one(code: str) -> None:
    """The other nine go."""
    world = world_of(20)
    world.delete_faults.extend([CallFailed("DeleteTaskDefinitions", code, "bad entry"), None, None])
    world.spoilt = ids(4)
    ran = sweep(world, EVERYTHING)
    assert sizes(world) == [10] + [1] * 10 + [10]
    assert kinds(ran) == {OutcomeKind.DELETED: 19, OutcomeKind.FAILED: 1}
    assert ran.report.ending is Ending.FINISHED


def test_a_batch_that_the_server_failed_is_not_tried_one_by_one() -> None:
    """Smaller batches would fail as well; each entry is looked at again, and the run goes on."""
    world = world_of(20)
    world.delete_faults.append(SERVER)
    ran = sweep(world, EVERYTHING)
    assert sizes(world) == [10, 10]
    assert kinds(ran) == {OutcomeKind.FAILED: 10, OutcomeKind.DELETED: 10}
    assert [each for each in world.batches[0] if world.described.count(each) < 2] == []


def test_a_failed_batch_that_was_deleted_all_the_same_is_deleted() -> None:
    """Looking again tells."""
    world = world_of(10)
    world.delete_faults.append(SERVER)

    def acted(event: object) -> None:
        if isinstance(event, Submitting):
            for each in event.verdicts:
                world.put(revision(each.revision.number, status=Status.DELETE_IN_PROGRESS))

    assert kinds(sweep(world, EVERYTHING, observe=acted)) == {OutcomeKind.DELETED: 10}


def test_three_failed_batches_in_a_row_end_the_run() -> None:
    """The fourth would not fare better."""
    world = world_of(100)
    world.delete_faults.extend([SERVER] * 10)
    ran = sweep(world, EVERYTHING)
    assert sizes(world) == [10] * 3
    assert ran.report.ending is Ending.COULD_NOT_FINISH
    assert "3 batches in a row" in ran.report.ending_words
    assert "ServerException" in ran.report.ending_words


def test_failed_batches_with_a_good_one_between_do_not_end_the_run() -> None:
    """Only three in a row say that nothing goes any more."""
    world = world_of(60)
    world.delete_faults.extend([SERVER, SERVER, None, SERVER, SERVER, None])
    ran = sweep(world, EVERYTHING)
    assert sizes(world) == [10] * 6
    assert ran.report.ending is Ending.FINISHED
    assert kinds(ran) == {OutcomeKind.FAILED: 40, OutcomeKind.DELETED: 20}


def test_no_answer_at_all_ends_the_run() -> None:
    """What was in the batch has failed: nobody knows what became of it."""
    world = world_of(30)
    world.delete_faults.append(Unreachable("no answer from there"))
    ran = sweep(world, EVERYTHING)
    assert sizes(world) == [10]
    assert kinds(ran)[OutcomeKind.FAILED] == 10
    assert ran.report.ending_words == "no answer from there"


@pytest.mark.parametrize("lazy", [False, True])
def test_what_was_collected_when_the_run_is_stopped_is_not_attempted(*, lazy: bool) -> None:
    """It has the outcome NOT_ATTEMPTED, with the reason; what is under way is waited for."""
    world = world_of(25)
    asked = iter(range(100))
    ran = sweep(world, EVERYTHING, limits=Limits(asked_to_stop=lambda: next(asked) >= 18), lazy=lazy)
    assert sizes(world) == [10]
    assert kinds(ran) == {OutcomeKind.DELETED: 10, OutcomeKind.NOT_ATTEMPTED: 6}
    assert ran.report.ending is Ending.STOPPED_BY_USER
    assert ran.words_of(RevisionId("etl", 16)) == "not_attempted: the run ended before: stopped on request"


@pytest.mark.parametrize("most", [0, 1, 9, 10, 11, 25])
def test_no_more_is_deleted_than_allowed(most: int) -> None:
    """The limit stops the run, after exactly that many."""
    world = world_of(30)
    ran = sweep(world, EVERYTHING, limits=Limits(max_deletions=most))
    assert sum(sizes(world)) == most
    assert kinds(ran).get(OutcomeKind.DELETED, 0) == most
    assert kinds(ran)[OutcomeKind.NOT_ATTEMPTED] == 1
    assert ran.report.ending is Ending.STOPPED_AT_LIMIT
    assert f"limit of {most}" in ran.report.ending_words


def test_a_limit_that_is_not_reached_stops_nothing() -> None:
    """As many deletions as allowed are no reason to stop when nothing else is due."""
    world = world_of(30)
    ran = sweep(world, EVERYTHING, limits=Limits(max_deletions=30))
    assert ran.report.ending is Ending.FINISHED
    assert sum(sizes(world)) == 30


def test_until_something_was_accepted_one_batch_is_under_way_and_then_several() -> None:
    """Six at once bear slow answers; before the first success it is one, so that a denial costs eleven calls."""
    seen: list[object] = []
    under_way: list[int] = []

    def observe(event: object) -> None:
        seen.append(event)
        if isinstance(event, Submitting):
            submitted = sum(isinstance(each, Submitting) for each in seen)
            under_way.append(submitted - sum(isinstance(each, Settled) for each in seen) // 10)

    sweep(world_of(100), EVERYTHING, lazy=True, observe=observe)
    assert under_way == [1, 1, 2, 3, 4, 5, 6, 6, 6, 6]
    assert max(under_way) == BATCHES_IN_FLIGHT


def test_outcomes_come_in_the_order_of_submission() -> None:
    """A record can be read from top to bottom."""
    ran = sweep(world_of(55), EVERYTHING, lazy=True)
    assert all(a.revision < b.revision for a, b in pairwise(ran.outcomes))


@pytest.mark.parametrize("denied", [True, False])
def test_abandoning_settles_what_is_under_way_even_when_it_ends_the_run_too(*, denied: bool) -> None:
    """A second error while the run is ending neither hides the first nor loses an outcome."""
    world = world_of(60)
    world.denied = ids(*range(11, 61)) if denied else set()
    world.delete_faults.extend([None, *([] if denied else [Unreachable("gone")] * 5)])
    ran = sweep(world, EVERYTHING, lazy=True)
    (family,) = ran.report.families
    assert family.due.value == sum(family.outcomes.values())
    assert family.outcome(OutcomeKind.DELETED) == 10
    assert ran.report.ending is Ending.COULD_NOT_FINISH


@pytest.mark.parametrize("error", [Unreachable("no answer"), AccessDenied("ecs:DeleteTaskDefinitions", "expired")])
def test_a_batch_with_which_the_run_ends_is_looked_at_again(error: JanitorError) -> None:
    """An attempt that nobody heard the answer of may have been heard itself."""
    world = world_of(1)
    world.delete_faults.append(error)

    def acted(event: object) -> None:
        if isinstance(event, Submitting):
            world.put(revision(1, status=Status.DELETE_IN_PROGRESS))

    ran = sweep(world, EVERYTHING, observe=acted)
    assert kinds(ran) == {OutcomeKind.DELETED: 1}
    assert ran.report.ending is Ending.COULD_NOT_FINISH


def test_what_cannot_be_looked_at_again_is_said_to_be_unknown_after_one_try() -> None:
    """Where ECS does not answer at all, ten more questions would not be answered either."""
    world = world_of(10)
    world.delete_faults.append(Unreachable("no answer"))

    def blinded(event: object) -> None:
        if isinstance(event, Submitting):
            world.undescribable = dict.fromkeys(ids(*range(1, 11)), Unreachable("no answer"))

    described = len(world.described)
    ran = sweep(world, EVERYTHING, observe=blinded)
    assert kinds(ran) == {OutcomeKind.FAILED: 10}
    assert {each.words for each in ran.outcomes} == {"no answer; it could not be looked at again"}
    assert len(world.described) - described <= 10 + 1 + 1

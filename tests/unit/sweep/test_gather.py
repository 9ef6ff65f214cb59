"""Rules of gather: what is listed, what is described, and in which order."""

from __future__ import annotations

from math import ceil, log2
from typing import TYPE_CHECKING

import pytest

from janitor.core.model import Mode, Reason, RevisionId, Status
from janitor.core.report import Cause, Ending
from janitor.core.retention import AgeFrom
from janitor.errors import AccessDenied, CallFailed
from janitor.ports import Page
from janitor.sweep.events import Limits
from janitor.sweep.gather import DESCRIBED_AHEAD
from tests.builders import due_family, ids, policy, revision, rule, sweep, young_family
from tests.fakes import FakeTaskDefinitions

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("growth_not_measured")


EVERYTHING = policy(rule())
COUNTING = 2
"""List calls that follow to count ACTIVE and DELETE_IN_PROGRESS, a page each."""


def test_of_a_young_family_one_page_is_listed_and_few_are_described() -> None:
    """The boundary lies in the first page: nothing beyond it is listed to be judged, nothing described."""
    world = FakeTaskDefinitions(young_family(1_000))
    ran = sweep(world, EVERYTHING, mode=Mode.REPORT)
    listed_to_judge, listed_to_count = 1, 3 + 1  # three pages, then the newest end: the count is a bound
    assert world.calls["list"] == listed_to_judge + listed_to_count + COUNTING
    assert world.calls["describe"] <= 1 + ceil(log2(100)) + 1
    assert ran.report.kept == {Reason.YOUNG: 100}


def test_of_a_family_that_is_all_due_each_is_described_once() -> None:
    """A probe at the end of a page is not described again when its turn comes."""
    world = FakeTaskDefinitions(due_family(1_000))
    sweep(world, EVERYTHING, mode=Mode.REPORT)
    assert world.calls["describe"] == 1_000
    assert world.calls["list"] == 10 + COUNTING


def test_after_deletions_another_round_lists_until_nothing_is_found() -> None:
    """Ten pages, then an empty one."""
    world = FakeTaskDefinitions(due_family(1_000))
    sweep(world, EVERYTHING)
    assert (
        world.calls["list"] == 10 + 1 + 1 + 4
    )  # one for ACTIVE; of 1,000 in DELETE_IN_PROGRESS three pages and the end
    assert world.calls["describe"] == 1_000
    assert world.calls["delete"] == 100


@pytest.mark.parametrize("due", [0, 1, 50, 99, 100, 101, 199, 200, 201, 450])
def test_of_a_mixed_family_nothing_beyond_the_boundary_is_described_but_the_probes(due: int) -> None:
    """Descriptions follow what is judged, not what exists."""
    world = FakeTaskDefinitions([*due_family(due), *young_family(600, first=due + 1)])
    ran = sweep(world, EVERYTHING, mode=Mode.REPORT)
    assert ran.report.due.value == due
    assert due <= world.calls["describe"] <= due + 1 + ceil(log2(100)) + 1
    pages_to_judge = due // 100 + 1
    assert world.log.index("list") == 1
    judging = "".join("l" if each == "list" else "." for each in world.log)
    assert judging.rstrip("l").count("l") <= pages_to_judge


def test_old_revisions_deregistered_lately_are_each_described_and_kept() -> None:
    """They lie below the boundary: only their own date tells."""
    revisions = [revision(number, registered=400 - number / 10, deregistered=3) for number in range(1, 151)]
    world = FakeTaskDefinitions(revisions)
    ran = sweep(world, EVERYTHING, mode=Mode.REPORT)
    assert world.calls["describe"] == 150
    assert ran.report.kept == {Reason.YOUNG: 150}


@pytest.mark.parametrize("page_size", [1, 2, 3, 4, 100])
@pytest.mark.parametrize(
    ("keep_newest", "kept"),
    [(0, set()), (1, {9}), (2, {8, 9}), (3, {5, 8, 9}), (6, {1, 2, 3, 5, 8, 9}), (7, {1, 2, 3, 5, 8, 9})],
)
def test_the_newest_are_counted_by_inactive_numbers_across_pages(
    page_size: int, keep_newest: int, kept: set[int]
) -> None:
    """ACTIVE ones and gaps count for nothing."""
    revisions = [revision(number) for number in (1, 2, 3, 5, 8, 9)] + [
        revision(number, status=Status.ACTIVE) for number in (4, 7, 10)
    ]
    world = FakeTaskDefinitions(revisions, page_size=page_size)
    ran = sweep(world, policy(rule(keep_newest=keep_newest)))
    assert world.with_status(Status.INACTIVE) == ids(*kept)
    assert ran.report.kept == ({Reason.AMONG_NEWEST: len(kept)} if kept else {})


def test_young_ones_beyond_the_boundary_are_newer_ones_too() -> None:
    """Five young ones on top: the old ones need no more to be kept as the newest."""
    world = FakeTaskDefinitions([*due_family(10), *young_family(5, first=11)])
    sweep(world, policy(rule(keep_newest=5)))
    assert world.with_status(Status.INACTIVE) == ids(*range(11, 16))


def test_two_young_ones_leave_three_old_ones_among_the_newest_five() -> None:
    """Age and keep-newest must both allow a deletion."""
    world = FakeTaskDefinitions([*due_family(10), *young_family(2, first=11)])
    ran = sweep(world, policy(rule(keep_newest=5)))
    assert world.with_status(Status.INACTIVE) == ids(*range(8, 13))
    assert ran.report.kept == {Reason.AMONG_NEWEST: 5}


def test_the_first_deletion_is_submitted_long_before_the_listing_ends() -> None:
    """The sweep is a stream: it needs a page, the next one and some descriptions to begin."""
    world = FakeTaskDefinitions(due_family(5_000))
    sweep(world, EVERYTHING)
    before = world.log[: world.log.index("delete")]
    assert before.count("list") == 2, "the second page is fetched while the first is judged"
    assert before.count("describe") <= 10 + DESCRIBED_AHEAD + 2


@pytest.mark.parametrize("age_from", AgeFrom)
def test_an_undated_revision_hides_no_boundary_and_no_due_one(age_from: AgeFrom) -> None:
    """Whether it ends a page or lies where the search probes: it is kept, the rest is found."""
    undated = [revision(number, registered=None, deregistered=None) for number in (100, 150, 200)]
    old = [revision(number, registered=400 - number / 10) for number in range(1, 230) if number not in (100, 150, 200)]
    world = FakeTaskDefinitions([*old, *undated, *young_family(170, first=230)])
    ran = sweep(world, policy(rule(age_from=age_from)))
    assert world.with_status(Status.INACTIVE) == ids(100, 150, 200, *range(230, 400))
    assert ran.report.kept[Reason.NO_DATE] == 3


def test_a_revision_that_cannot_be_described_is_kept_and_named() -> None:
    """And the run goes on: one poisoned item sinks nothing."""
    world = FakeTaskDefinitions(due_family(30))
    world.undescribable = {RevisionId("etl", 30): CallFailed("DescribeTaskDefinition", "ServerException", "no")}
    ran = sweep(world, EVERYTHING)
    assert world.with_status(Status.INACTIVE) == ids(30)
    assert ran.report.kept == {Reason.UNREADABLE: 1}
    assert ran.report.ending is Ending.FINISHED


def test_a_listed_revision_that_cannot_be_described_is_kept_and_said() -> None:
    """Gone meanwhile, or ECS will not tell: it is not deleted, and the exit code is not 0."""
    world = FakeTaskDefinitions(due_family(30))
    world.vanishing = ids(7, 30)
    ran = sweep(world, EVERYTHING)
    assert ran.report.judged == 30
    assert ran.report.kept == {Reason.UNREADABLE: 2}
    assert Cause.REFUSED_OR_FAILED in ran.report.causes
    assert not world.vanishing & {each for batch in world.batches for each in batch}


def test_denied_descriptions_end_the_run_with_the_permission_named() -> None:
    """Nothing could be judged."""
    world = FakeTaskDefinitions(due_family(300))
    world.undescribable = {each.id: AccessDenied("ecs:DescribeTaskDefinition", "no") for each in due_family(300)}
    ran = sweep(world, EVERYTHING)
    assert world.calls["describe"] == 1
    assert world.batches == []
    assert ran.report.ending is Ending.COULD_NOT_FINISH
    assert "ecs:DescribeTaskDefinition" in ran.report.ending_words


@pytest.mark.parametrize(("unasked", "calls"), [(0, {}), (1, {"families": 1, "list": 1})])
def test_no_page_is_fetched_and_nothing_described_after_a_request_to_stop(unasked: int, calls: dict[str, int]) -> None:
    """But for the page at which it was noticed; before the first one nothing at all is asked for."""
    world = FakeTaskDefinitions(due_family(1_000))
    asked = iter([False] * unasked)
    ran = sweep(world, EVERYTHING, limits=Limits(asked_to_stop=lambda: next(asked, True)))
    assert world.calls == calls
    assert ran.report.ending is Ending.STOPPED_BY_USER


@pytest.mark.parametrize("breaks_after", [1, 2])
def test_what_was_being_described_when_a_listing_broke_off_is_judged_in_the_next_round(breaks_after: int) -> None:
    """Up to forty revisions are under way at that moment; the sweep says it finished, so none may be left."""
    world = FakeTaskDefinitions(due_family(50), page_size=20)
    world.breaks["etl"].append(breaks_after)
    ran = sweep(world, EVERYTHING)
    assert ran.report.ending is Ending.FINISHED
    assert world.with_status(Status.INACTIVE) == set()


def test_a_sweep_looks_no_further_than_the_boundary_of_each_family() -> None:
    """A quiet night over many families costs a page, a few descriptions and the counting of each."""
    revisions = [each for index in range(20) for each in young_family(90, f"family-{index:02}")]
    world = FakeTaskDefinitions(revisions)
    sweep(world, EVERYTHING)
    assert world.calls["list"] == 20 * (1 + COUNTING)
    assert world.calls["describe"] <= 20 * 9


@pytest.mark.parametrize("keep_newest", [1, 2, 3, 5])
@pytest.mark.parametrize("page_size", [3, 4, 5, 7, 10])
def test_a_repeated_number_is_counted_once_among_the_newest(keep_newest: int, page_size: int) -> None:
    """A cursor that repeats the end of a page makes nobody look older than he is."""
    for count in range(45, 80):
        world = FakeTaskDefinitions(due_family(count), page_size=page_size, hostile=True)
        sweep(world, policy(rule(keep_newest=keep_newest)))
        assert world.with_status(Status.INACTIVE) == ids(*range(count - keep_newest + 1, count + 1))


def test_what_a_listing_shows_after_its_deletion_is_not_counted_as_inactive() -> None:
    """A listing may lag behind; nothing is judged or submitted again because of it."""
    world = FakeTaskDefinitions([*due_family(30), *young_family(20, first=31)])
    world.stale_listing = True
    ran = sweep(world, policy(rule(keep_newest=2)))
    (family,) = ran.report.families
    assert [len(batch) for batch in world.batches] == [10] * 3
    assert family.inactive is not None
    assert (family.inactive.value, family.judged) == (20, 50)


def test_a_page_with_repeated_or_unsorted_numbers_keeps_the_newest_all_the_same() -> None:
    """The newest are counted by distinct numbers, in whatever order a page names them."""
    world = FakeTaskDefinitions(due_family(30))
    listed = world.pages

    def doubled(family: str, status: Status, *, newest_first: bool = False) -> Iterator[Page]:
        for page in listed(family, status, newest_first=newest_first):
            yield Page(numbers=(*reversed(page.numbers), *page.numbers), last=page.last)

    world.pages = doubled  # type: ignore[method-assign]  # the one thing that is different
    ran = sweep(world, policy(rule(keep_newest=2)))
    assert {each for batch in world.batches for each in batch} == ids(*range(1, 29))
    assert ran.report.judged == 30

"""What the sweep may rely on in ``janitor.ports.TaskDefinitions``: the fake and the AWS adapter, by the same rules.

The adapter runs over boto3 on the embedded ECS with its stable cursor: real serialising, signing and parsing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from janitor.aws.client import Api
from janitor.aws.task_definitions import AwsTaskDefinitions
from janitor.core.model import RevisionId, Status
from janitor.errors import AccessDenied, CallFailed
from janitor.local.attach import virtual_time
from janitor.local.behaviour import Behaviour, Cursor
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from tests.builders import DAY, attached_client, due_family, ids, revision, seed
from tests.fakes import START, FakeTaskDefinitions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from janitor.core.model import Revision
    from janitor.ports import TaskDefinitions

REVISIONS = (
    *(revision(number, "a") for number in range(1, 251) if number % 10),
    *(revision(number, "a", status=Status.ACTIVE) for number in range(251, 255)),
    revision(255, "a", registered=None, deregistered=None),
    revision(256, "a", tags=("janitor:keep", "team")),
    revision(1, "a-b"),
    revision(1, "active-only", status=Status.ACTIVE, registered=3),
)


class World:
    """An account that can be asked through the port, and spoilt from outside."""

    port: TaskDefinitions

    def refuse(self, revision: RevisionId, words: str) -> None:
        """Let the service refuse to delete a revision."""
        raise NotImplementedError

    def deny(self, revision: RevisionId) -> None:
        """Let the caller lack the permission to delete a revision."""
        raise NotImplementedError

    def fail_describing(self, revision: RevisionId) -> None:
        """Let the description of a revision fail."""
        raise NotImplementedError

    def remove(self, revision: RevisionId) -> None:
        """Let a revision on its way out be gone."""
        raise NotImplementedError


@dataclass
class FakeWorld(World):
    """The fake, with pages as large as ECS's."""

    port: FakeTaskDefinitions

    def refuse(self, revision: RevisionId, words: str) -> None:
        """Let the service refuse."""
        self.port.refused[revision] = words

    def deny(self, revision: RevisionId) -> None:
        """Let the permission be missing."""
        self.port.denied.add(revision)

    def fail_describing(self, revision: RevisionId) -> None:
        """Let the description fail."""
        self.port.undescribable[revision] = CallFailed("DescribeTaskDefinition", "ServerException", "no")

    def remove(self, revision: RevisionId) -> None:
        """Let it be gone."""
        self.port.remove(revision)


@dataclass
class EcsWorld(World):
    """The adapter on the embedded ECS."""

    port: AwsTaskDefinitions
    ecs: EmbeddedEcs
    clock: VirtualClock

    def refuse(self, revision: RevisionId, words: str) -> None:
        """Let the service refuse."""
        self.ecs.faults.refuse(str(revision), reason=words)

    def deny(self, revision: RevisionId) -> None:
        """Let the permission be missing."""
        self.ecs.faults.deny(str(revision))

    def fail_describing(self, revision: RevisionId) -> None:
        """Let the description fail."""
        self.ecs.faults.add(Fault(operation="DescribeTaskDefinition", arn=str(revision), code="ServerException"))

    def remove(self, revision: RevisionId) -> None:
        """Let it be gone."""
        assert self.ecs.status(revision.family, revision.number) == Status.DELETE_IN_PROGRESS
        self.clock.sleep(timedelta(hours=2).total_seconds())


@pytest.fixture(params=["the fake", "the adapter on the embedded ECS"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Provide the same account behind either."""
    if request.param == "the fake":
        yield FakeWorld(FakeTaskDefinitions(REVISIONS))
        return
    clock = VirtualClock(START)
    ecs = EmbeddedEcs(clock=clock, behaviour=Behaviour(cursor=Cursor.STABLE))
    seed(ecs, REVISIONS)
    with virtual_time(clock):
        yield EcsWorld(AwsTaskDefinitions(Api(attached_client(ecs), clock=clock)), ecs, clock)


def listed(port: TaskDefinitions, family: str, status: Status, *, newest_first: bool = False) -> list[list[int]]:
    """Return a whole listing, page by page."""
    return [list(page.numbers) for page in port.pages(family, status, newest_first=newest_first)]


INACTIVE_OF_A = [number for number in range(1, 251) if number % 10] + [255, 256]


def test_every_family_that_has_a_revision_is_listed_by_name(world: World) -> None:
    """Also one that has none but ACTIVE ones."""
    assert list(world.port.families()) == ["a", "a-b", "active-only"]


def test_a_listing_comes_in_pages_of_a_hundred_ascending(world: World) -> None:
    """By number, not by text, and of one family alone."""
    pages = listed(world.port, "a", Status.INACTIVE)
    assert [len(page) for page in pages] == [100, 100, 27]
    assert [number for page in pages for number in page] == INACTIVE_OF_A


def test_newest_first_is_the_same_backwards(world: World) -> None:
    """Page by page."""
    pages = listed(world.port, "a", Status.INACTIVE, newest_first=True)
    assert [number for page in pages for number in page] == INACTIVE_OF_A[::-1]


def test_only_the_last_page_says_that_it_is_the_last(world: World) -> None:
    """A listing that stops earlier is known to be cut short."""
    assert [page.last for page in world.port.pages("a", Status.INACTIVE)] == [False, False, True]


@pytest.mark.parametrize("family", ["a-b", "nobody"])
def test_a_listing_of_nothing_is_one_empty_page(world: World, family: str) -> None:
    """Of a family without such revisions, or that does not exist."""
    assert [(page.numbers, page.last) for page in world.port.pages(family, Status.ACTIVE)] == [((), True)]


def test_what_is_deleted_behind_the_cursor_is_not_skipped_by_a_stable_one(world: World) -> None:
    """Each number comes once."""
    numbers: list[int] = []
    for page in world.port.pages("a", Status.INACTIVE):
        numbers.extend(page.numbers)
        world.port.delete([RevisionId("a", number) for number in page.numbers[:10]])
    assert numbers == INACTIVE_OF_A
    assert len(listed(world.port, "a", Status.DELETE_IN_PROGRESS)[0]) == 30


def test_a_description_tells_status_dates_and_tags(world: World) -> None:
    """Dates are aware."""
    described = world.port.describe(RevisionId("a", 256))
    assert described == revision(256, "a", tags=("janitor:keep", "team"))
    assert described.registered_at is not None
    assert described.registered_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "expected",
    [
        revision(7, "a"),
        revision(251, "a", status=Status.ACTIVE),
        revision(255, "a", registered=None, deregistered=None),
        revision(1, "active-only", status=Status.ACTIVE, registered=3),
    ],
)
def test_a_missing_date_is_none(world: World, expected: Revision) -> None:
    """Of an undated revision both, of an ACTIVE one when it was deregistered."""
    assert world.port.describe(expected.id) == expected


@pytest.mark.parametrize("name", [RevisionId("a", 10), RevisionId("a", 10**9), RevisionId("nobody", 1)])
def test_what_does_not_exist_is_described_as_none(world: World, name: RevisionId) -> None:
    """By either method."""
    assert world.port.describe(name) is None
    assert world.port.describe_fully(name) is None


def test_a_full_description_tells_images_too(world: World) -> None:
    """By container name."""
    described = world.port.describe_fully(RevisionId("a", 1))
    assert described is not None
    assert described.revision == world.port.describe(RevisionId("a", 1))
    assert list(described.images.values()) != []


def test_a_description_that_fails_is_a_call_that_failed(world: World) -> None:
    """And says nothing about any other revision."""
    world.fail_describing(RevisionId("a", 1))
    with pytest.raises(CallFailed, match="ServerException"):
        world.port.describe(RevisionId("a", 1))
    assert world.port.describe(RevisionId("a", 2)) is not None


def batch(*numbers: int) -> Sequence[RevisionId]:
    """Name revisions of family a."""
    return [RevisionId("a", number) for number in numbers]


def test_what_is_inactive_is_accepted_and_is_then_on_its_way_out(world: World) -> None:
    """Ten at once."""
    answer = world.port.delete(batch(*range(1, 10), 11))
    assert answer.accepted == ids(*range(1, 10), 11, family="a")
    assert answer.refused == {}
    described = world.port.describe(RevisionId("a", 1))
    assert described is not None
    assert described.status is Status.DELETE_IN_PROGRESS
    assert listed(world.port, "a", Status.INACTIVE)[0][0] == 12


def test_each_entry_is_answered_for_by_itself(world: World) -> None:
    """An ACTIVE one, one that is gone, one refused and one on its way out are refused, each with a reason."""
    world.port.delete(batch(1))
    world.refuse(RevisionId("a", 2), "NOT_NOW")
    answer = world.port.delete(batch(1, 2, 3, 10, 251))
    assert answer.accepted == ids(3, family="a")
    assert set(answer.refused) == ids(1, 2, 10, 251, family="a")
    assert answer.refused[RevisionId("a", 2)] == "NOT_NOW"
    assert all(answer.refused.values())
    active = world.port.describe(RevisionId("a", 251))
    assert active is not None
    assert active.status is Status.ACTIVE


def test_one_denied_entry_denies_its_batch_with_the_permission_named(world: World) -> None:
    """And nothing in it goes."""
    world.deny(RevisionId("a", 2))
    with pytest.raises(AccessDenied) as denied:
        world.port.delete(batch(1, 2, 3))
    assert denied.value.permission == "ecs:DeleteTaskDefinitions"
    assert world.port.delete(batch(1, 3)).accepted == ids(1, 3, family="a")


def test_what_is_gone_is_described_as_none(world: World) -> None:
    """After its deletion is complete."""
    world.port.delete(batch(1))
    world.remove(RevisionId("a", 1))
    assert world.port.describe(RevisionId("a", 1)) is None


def test_the_account_is_known_after_a_listing(world: World) -> None:
    """ARNs tell it."""
    listed(world.port, "a", Status.INACTIVE)
    assert world.port.account == "123456789012"


def test_a_hostile_cursor_of_the_fake_skips_and_repeats_as_that_of_the_embedded_ecs() -> None:
    """Both hide something from a sweep that deletes as it lists, and both show something twice."""
    seen: dict[str, list[int]] = {}
    family = due_family(600)
    fake = FakeTaskDefinitions(family, hostile=True)
    clock = VirtualClock(START + DAY)
    ecs = EmbeddedEcs(clock=clock)
    seed(ecs, family)
    adapter = AwsTaskDefinitions(Api(attached_client(ecs), clock=clock))
    ports: dict[str, TaskDefinitions] = {"fake": fake, "embedded": adapter}
    for name, port in ports.items():
        seen[name] = []
        for page in port.pages("etl", Status.INACTIVE):
            seen[name].extend(page.numbers)
            port.delete([RevisionId("etl", number) for number in page.numbers[:10]])
    for numbers in seen.values():
        assert len(set(numbers)) < 600
        assert len(set(numbers)) < len(numbers)


def test_what_is_active_becomes_inactive_and_only_that_is_accepted(world: World) -> None:
    """From today: its date is told from then on."""
    revision = RevisionId("a", 252)
    assert world.port.deregister(revision).accepted == {revision}
    described = world.port.describe(revision)
    assert described is not None
    assert described.status is Status.INACTIVE
    assert described.deregistered_at is not None
    assert listed(world.port, "a", Status.ACTIVE)[0] == [251, 253, 254]


def test_to_deregister_what_is_inactive_changes_nothing(world: World) -> None:
    """A repeated call may meet its own success."""
    before = world.port.describe(RevisionId("a", 1))
    world.port.deregister(RevisionId("a", 1))
    assert world.port.describe(RevisionId("a", 1)) == before


@pytest.mark.parametrize("number", [10, 10**9])
def test_to_deregister_what_does_not_exist_fails(world: World, number: int) -> None:
    """As does what is on its way out."""
    world.port.delete(batch(1))
    for name in (RevisionId("a", number), RevisionId("a", 1)):
        with pytest.raises(CallFailed, match="ClientException"):
            world.port.deregister(name)

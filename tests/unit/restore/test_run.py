"""Restoring on the embedded ECS: each revision once, whatever is refused, lost, damaged or killed."""

from __future__ import annotations

import gzip
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from janitor.aws.client import Api
from janitor.aws.registration import AwsRegistrations
from janitor.aws.task_definitions import AwsTaskDefinitions
from janitor.core.model import RESTORED_FROM, Mode, RevisionId
from janitor.core.report import Cause
from janitor.demo import embedded_place
from janitor.errors import StoreFailed
from janitor.local.attach import virtual_time
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from janitor.restore import run as restoring
from janitor.restore.plan import plan
from janitor.restore.run import IN_A_ROW, Kind, Restore
from janitor.runner import Runner, Store
from janitor.settings import Flags, load
from janitor.store.restored import Restorations, key_of
from janitor.sweep.events import Limits
from tests.builders import attached_client
from tests.fakes_store import Killed, MemoryBlobs, MortalBlobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from janitor.ports import Blobs
    from janitor.restore.run import Outcome, Result

WEB_1 = RevisionId("web", 1)
ACCOUNT, REGION = "123456789012", "eu-west-1"


@dataclass
class Place:
    """A family of four, deleted by a sweep that archives, a service's ACTIVE revision on top, and a day later."""

    count: int = 4
    tags: dict[str, str] = field(default_factory=lambda: {"team": "red"})
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.ecs = EmbeddedEcs(clock=self.clock, behaviour=Behaviour(throttling=False))
        old = self.clock.now() - timedelta(days=400)
        self.ecs.seed_family("web", count=self.count, registered=(old, old), tags=self.tags)
        place = embedded_place(self.ecs, self.clock)
        runner = Runner(place, load(Flags(keep_newest="0", archive=True)), store=Store(blobs=self.blobs))
        report = runner.sweep(Mode.DELETE, Limits(), lambda _: None, count_all=False)
        assert self.ecs.count("web", "DELETE_IN_PROGRESS") == self.count
        self.sweep = report.sweep_id
        self.clock.sleep(86_400)
        self.register()

    def register(self) -> None:
        """Let somebody deploy."""
        container = {"name": "main", "image": "other:1"}
        self.ecs.handle("RegisterTaskDefinition", {"family": "web", "containerDefinitions": [container]})

    def fault(self, operation: str = "RegisterTaskDefinition", **options: Any) -> None:  # noqa: ANN401 - those of Fault
        """Script a fault."""
        self.ecs.faults.add(Fault(operation=operation, **options))

    def restore(
        self,
        target: RevisionId | str | None = None,
        *,
        blobs: Blobs | None = None,
        asked: Callable[[], bool] = lambda: False,
        observe: Callable[[Outcome], None] = lambda _: None,
    ) -> Result:
        """Plan and restore, as a new process."""
        api = Api(attached_client(self.ecs), clock=self.clock)
        store = blobs or self.blobs
        return Restore(
            blobs=store,
            restorations=Restorations(store, self.clock),
            task_definitions=AwsTaskDefinitions(api),
            registrations=AwsRegistrations(api),
            asked_to_stop=asked,
            observe=observe,
        ).run(plan(store, target or self.sweep, account=ACCOUNT, region=REGION))

    @property
    def copies(self) -> list[str]:
        """What the ACTIVE revisions were restored from, in the order of their numbers."""
        asked = [
            self.ecs.handle("DescribeTaskDefinition", {"taskDefinition": f"web:{number}", "include": ["TAGS"]}).body
            for number in self.ecs.numbers("web", "ACTIVE")
        ]
        tags = [{tag["key"]: tag["value"] for tag in each["tags"]} for each in asked]
        return [each[RESTORED_FROM] for each in tags if RESTORED_FROM in each]


@pytest.fixture
def place() -> Iterator[Place]:
    """Provide a swept account."""
    place = Place()
    with virtual_time(place.clock):
        yield place


ALL = ["web:1", "web:2", "web:3", "web:4"]


def kinds(result: Result) -> list[Kind]:
    """Return the kinds of the outcomes, in order."""
    return [outcome.kind for outcome in result.outcomes]


def test_a_sweep_is_restored_in_the_order_of_its_numbers(place: Place) -> None:
    """So the newest of what was deleted is the newest of what was restored."""
    result = place.restore()
    assert place.copies == ALL
    assert [outcome.became for outcome in result.outcomes] == [RevisionId("web", number) for number in (6, 7, 8, 9)]
    assert kinds(result) == [Kind.RESTORED] * 4
    assert (result.causes, result.ended, result.stopped) == ((), None, False)


def test_a_revision_is_restored_alone(place: Place) -> None:
    """With its tags."""
    result = place.restore(WEB_1)
    assert place.copies == ["web:1"]
    assert result.count(Kind.RESTORED) == 1
    assert result.count(Kind.NOT_ATTEMPTED) == 0
    tags = place.ecs.handle("ListTagsForResource", {"resourceArn": place.ecs.names.task_definition("web", 6)}).body
    assert {tag["key"]: tag["value"] for tag in tags["tags"]} == {"team": "red", RESTORED_FROM: "web:1"}


def test_what_was_restored_is_not_restored_again(place: Place) -> None:
    """Alone or with its sweep, ACTIVE or deregistered meanwhile."""
    place.restore(WEB_1)
    place.ecs.handle("DeregisterTaskDefinition", {"taskDefinition": "web:6"})
    again = place.restore()
    assert kinds(again) == [Kind.NOT_NEEDED, *[Kind.RESTORED] * 3]
    assert again.outcomes[0].words == "restored before, as web:6, which is INACTIVE"
    assert kinds(place.restore()) == [Kind.NOT_NEEDED] * 4
    assert place.ecs.calls["RegisterTaskDefinition"] == 4 + 1
    assert again.causes == ()


def test_what_was_restored_and_deleted_since_is_restored_again(place: Place) -> None:
    """The archive is still there."""
    place.restore(WEB_1)
    for operation, name in (
        ("DeregisterTaskDefinition", "taskDefinition"),
        ("DeleteTaskDefinitions", "taskDefinitions"),
    ):
        place.ecs.handle(operation, {name: ["web:6"] if name.endswith("s") else "web:6"})
    assert kinds(place.restore(WEB_1)) == [Kind.RESTORED]
    assert place.copies == ["web:1"]


def test_what_was_not_deleted_is_not_restored() -> None:
    """ECS is asked, not the record: an archive says only what was about to be deleted."""
    place = Place(count=0)
    old = place.clock.now() - timedelta(days=400)
    place.ecs.seed_family("api", count=3, registered=(old, old))
    place.ecs.faults.refuse("api:2", reason="SOMEBODY_NEEDS_IT")
    runner = Runner(
        embedded_place(place.ecs, place.clock),
        load(Flags(keep_newest="0", archive=True)),
        store=Store(blobs=place.blobs),
    )
    place.sweep = runner.sweep(Mode.DELETE, Limits(), lambda _: None, count_all=False).sweep_id
    result = place.restore()
    assert kinds(result) == [Kind.RESTORED, Kind.NOT_NEEDED, Kind.RESTORED]
    assert result.outcomes[1].words == "it was not deleted: it is INACTIVE"


def test_what_a_sweep_archived_twice_is_come_to_once(place: Place) -> None:
    """By a hop that was killed before the deletion, and by the one after it."""
    [key] = [key for key in place.blobs.contents if key.startswith("archive/batches/")]
    name = key.rpartition("/")[2].removesuffix(".jsonl.gz")
    other = "0002-ffffffff-000000"
    content = gzip.decompress(place.blobs.contents[key]).replace(name.encode(), other.encode(), 1)
    place.blobs.contents[key.replace(name, other)] = gzip.compress(content)
    result = place.restore()
    assert kinds(result) == [Kind.RESTORED] * 4
    assert result.count(Kind.NOT_ATTEMPTED) == 0


# Refused, denied, lost


def test_one_that_is_refused_does_not_stop_the_others(place: Place) -> None:
    """It is named with ECS's words, and can be tried again."""
    place.fault(code="ClientException", message="Role is not valid", after=1, times=1)
    result = place.restore()
    assert kinds(result) == [Kind.RESTORED, Kind.REFUSED, Kind.RESTORED, Kind.RESTORED]
    assert result.outcomes[1].words == "RegisterTaskDefinition failed: ClientException: Role is not valid"
    assert result.causes == (Cause.REFUSED_OR_FAILED,)
    assert key_of(RevisionId("web", 2)) not in place.blobs.contents
    assert kinds(place.restore()) == [Kind.NOT_NEEDED, Kind.RESTORED, Kind.NOT_NEEDED, Kind.NOT_NEEDED]


def test_one_that_is_denied_does_not_stop_the_others(place: Place) -> None:
    """Its role may not be passed; the roles of others may."""
    place.fault(code="AccessDeniedException", message="no iam:PassRole", after=1, times=1)
    result = place.restore()
    assert kinds(result) == [Kind.RESTORED, Kind.REFUSED, Kind.RESTORED, Kind.RESTORED]
    assert result.causes == (Cause.REFUSED_OR_FAILED,)


def test_where_all_are_denied_it_ends(place: Place) -> None:
    """After three, the permission named; the rest is not attempted."""
    place.fault(code="AccessDeniedException", message="not authorized to perform: ecs:RegisterTaskDefinition")
    result = place.restore()
    assert kinds(result) == [Kind.REFUSED] * IN_A_ROW
    assert result.count(Kind.NOT_ATTEMPTED) == 1
    assert result.ended is not None
    assert "ecs:RegisterTaskDefinition was denied" in result.ended
    assert result.causes == (Cause.COULD_NOT_FINISH, Cause.REFUSED_OR_FAILED)


@pytest.mark.parametrize("between", [Kind.RESTORED, Kind.REFUSED])
def test_denials_that_are_not_in_a_row_do_not_end_it(between: Kind) -> None:
    """Each role is another matter; an answer about the definition itself shows that the call is permitted."""
    place = Place(count=8)
    denied: dict[str, Any] = {"code": "AccessDeniedException", "message": "no iam:PassRole", "times": 1}
    place.fault(**denied)
    place.fault(**denied)
    if between is Kind.REFUSED:
        place.fault(code="ClientException", message="bad", times=1)
    for _ in range(2):
        place.fault(**denied, after=int(between is Kind.RESTORED))
    result = place.restore()
    assert kinds(result) == [*[Kind.REFUSED] * 2, between, *[Kind.REFUSED] * 2, *[Kind.RESTORED] * 3]
    assert result.causes == (Cause.REFUSED_OR_FAILED,)


def test_the_only_one_denied_could_not_be_finished(place: Place) -> None:
    """It is the permission, as far as anybody knows."""
    place.fault(code="AccessDeniedException", message="no")
    assert place.restore(WEB_1).causes == (Cause.COULD_NOT_FINISH, Cause.REFUSED_OR_FAILED)


def test_a_denied_describe_ends_it(place: Place) -> None:
    """Nothing is registered blindly."""
    place.fault("DescribeTaskDefinition", code="AccessDeniedException", message="no")
    result = place.restore()
    assert result.outcomes == ()
    assert result.causes == (Cause.COULD_NOT_FINISH,)
    assert "ecs:DescribeTaskDefinition was denied" in str(result.ended)
    assert place.ecs.calls["RegisterTaskDefinition"] == 1, "the deploy's own"


def test_a_describe_that_fails_leaves_its_revision_alone(place: Place) -> None:
    """Whether it is needed is not known."""
    place.fault("DescribeTaskDefinition", arn="web:2", code="ServerException", message="no")
    assert kinds(place.restore()) == [Kind.RESTORED, Kind.FAILED, Kind.RESTORED, Kind.RESTORED]


def test_for_ever_throttled_it_ends_and_nothing_is_left_open(place: Place) -> None:
    """The next would not fare better."""
    place.fault(code="ThrottlingException", message="Rate exceeded", after=1)
    result = place.restore()
    assert kinds(result) == [Kind.RESTORED]
    assert "throttled" in str(result.ended)
    assert result.count(Kind.NOT_ATTEMPTED) == 3
    assert key_of(RevisionId("web", 2)) not in place.blobs.contents


@pytest.mark.parametrize("lost", list(Lost))
def test_what_was_registered_and_its_answer_lost_is_found(place: Place, lost: Lost) -> None:
    """By its tag, though somebody else registers meanwhile; it is not registered twice."""
    place.fault(lost=lost, acts=True, times=1)
    result = place.restore()
    assert kinds(result) == [Kind.RESTORED] * 4
    assert result.outcomes[0].words == "as web:6, found after its answer was lost"
    assert place.copies == ALL
    assert kinds(place.restore()) == [Kind.NOT_NEEDED] * 4


def test_what_was_not_registered_and_its_answer_lost_is_left_to_the_next_run(place: Place) -> None:
    """A late one may still appear; the next run looks, and then registers."""
    place.fault(lost=Lost.READ_TIMEOUT, times=1)
    result = place.restore()
    assert kinds(result) == [Kind.FAILED, *[Kind.RESTORED] * 3]
    assert "nothing that was restored from it has appeared. To restore it again is safe" in result.outcomes[0].words
    assert result.causes == (Cause.REFUSED_OR_FAILED,)
    assert kinds(place.restore()) == [Kind.RESTORED, *[Kind.NOT_NEEDED] * 3]
    assert sorted(place.copies) == ALL


def test_one_that_appears_late_is_found_by_the_next_run(place: Place) -> None:
    """Registered, answer lost, and not listed at once."""
    place.fault(lost=Lost.READ_TIMEOUT, acts=True, times=1)
    place.fault("ListTaskDefinitions", code="ServerException", message="later", times=1)
    assert kinds(place.restore(WEB_1)) == [Kind.FAILED]
    again = place.restore(WEB_1)
    assert kinds(again) == [Kind.NOT_NEEDED]
    assert again.outcomes[0].became == RevisionId("web", 6)
    assert place.copies == ["web:1"]
    on_record = Restorations(place.blobs, place.clock).of(WEB_1)
    assert on_record is not None
    assert on_record.became == RevisionId("web", 6)


def test_without_any_answer_it_ends(place: Place) -> None:
    """After three in a row."""
    place.fault(lost=Lost.CONNECTION_CLOSED)
    result = place.restore()
    assert kinds(result) == [Kind.FAILED] * IN_A_ROW
    assert result.causes == (Cause.COULD_NOT_FINISH, Cause.REFUSED_OR_FAILED)


def test_what_was_found_may_have_been_deregistered_since(place: Place) -> None:
    """By whoever saw it and did not need it."""
    place.fault(lost=Lost.READ_TIMEOUT, acts=True)
    place.fault("ListTaskDefinitions", code="ServerException", message="later")
    assert kinds(place.restore(WEB_1)) == [Kind.FAILED]
    place.ecs.handle("DeregisterTaskDefinition", {"taskDefinition": "web:6"})
    place.ecs.faults.clear()
    assert kinds(place.restore(WEB_1)) == [Kind.NOT_NEEDED]


def test_with_fifty_tags_and_a_lost_answer_a_person_must_look() -> None:
    """No tag tells whether it was restored; that is said, and how to go on."""
    place = Place(tags={f"tag-{number}": "" for number in range(50)}, count=1)
    place.fault(lost=Lost.READ_TIMEOUT, acts=True, times=1)
    with virtual_time(place.clock):
        first, again = place.restore(), place.restore()
    assert kinds(first) == kinds(again) == [Kind.FAILED]
    assert f"if not, delete {key_of(WEB_1)} from the store" in again.outcomes[0].words
    assert place.ecs.calls["RegisterTaskDefinition"] == 1 + 1
    place.blobs.delete(key_of(WEB_1))
    assert kinds(place.restore()) == [Kind.RESTORED]


def test_among_too_many_new_revisions_a_person_must_look(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking is bounded."""
    monkeypatch.setattr(restoring, "LOOKED_AT", 5)
    place.fault(lost=Lost.READ_TIMEOUT, acts=True, times=1)
    place.fault("ListTaskDefinitions", code="ServerException", message="later", times=1)
    place.restore(WEB_1)
    for _ in range(6):
        place.register()
    result = place.restore(WEB_1)
    assert kinds(result) == [Kind.FAILED]
    assert "more than 5 revisions were registered since" in result.outcomes[0].words


def test_what_was_registered_before_it_is_not_looked_at(place: Place) -> None:
    """Registration dates rise with the numbers: the look ends where it was to be restored."""
    for _ in range(400):
        place.register()
    place.clock.sleep(3_600)
    place.fault(lost=Lost.READ_TIMEOUT, times=1)
    before = place.ecs.calls["DescribeTaskDefinition"]
    result = place.restore(WEB_1)
    assert "nothing that was restored from it has appeared" in result.outcomes[0].words
    assert place.ecs.calls["DescribeTaskDefinition"] - before == 2


# Interrupted, damaged


def test_it_stops_on_request_and_goes_on(place: Place) -> None:
    """Between two revisions."""
    done: list[Outcome] = []
    result = place.restore(asked=lambda: len(done) == 2, observe=done.append)
    assert kinds(result) == [Kind.RESTORED] * 2
    assert result.count(Kind.NOT_ATTEMPTED) == 2
    assert result.causes == (Cause.WORK_LEFT,)
    assert kinds(place.restore()) == [Kind.NOT_NEEDED, Kind.NOT_NEEDED, Kind.RESTORED, Kind.RESTORED]


@pytest.mark.parametrize("last_takes_effect", [True, False])
def test_killed_anywhere_the_next_run_restores_the_rest_and_nothing_twice(last_takes_effect: bool) -> None:  # noqa: FBT001 - the table
    """After each single call on the store, so also right before and right after the call that registers."""
    for calls in range(60):
        place = Place(count=3)
        mortal = MortalBlobs(place.blobs, calls=calls, last_takes_effect=last_takes_effect)
        with suppress(Killed):
            place.restore(blobs=mortal)
        assert place.restore().causes == ()
        assert place.copies == ["web:1", "web:2", "web:3"], calls
        if mortal.left > 0:
            return
    pytest.fail("it was never left alive")


@pytest.mark.parametrize("acts", [True, False])
def test_killed_in_the_call_the_next_run_restores_what_is_missing(place: Place, acts: bool) -> None:  # noqa: FBT001 - the table
    """Before ECS acted, or after."""

    def killed(**_: object) -> None:
        raise Killed

    client = attached_client(place.ecs)
    event = "after-call" if acts else "before-call"
    events: Any = client.meta.events
    events.register(f"{event}.ecs.RegisterTaskDefinition", killed)
    api = Api(client, clock=place.clock)
    doomed = Restore(
        blobs=place.blobs,
        restorations=Restorations(place.blobs, place.clock),
        task_definitions=AwsTaskDefinitions(api),
        registrations=AwsRegistrations(api),
    )
    with pytest.raises(Killed):
        doomed.run(plan(place.blobs, place.sweep, account=ACCOUNT, region=REGION))
    assert place.copies == ALL[:acts]
    place.restore()
    assert place.copies == ALL


def test_what_cannot_be_put_on_record_is_not_registered(place: Place) -> None:
    """And the run ends."""

    class ReadOnly(MemoryBlobs):
        def put(self, key: str, content: bytes) -> None:
            raise StoreFailed("write", key, f"no room for {len(content)} bytes")

    store = ReadOnly()
    store.contents = place.blobs.contents
    result = place.restore(blobs=store)
    assert result.outcomes == ()
    assert "could not write archive/restored/web" in str(result.ended)
    assert place.copies == []


def test_a_damaged_batch_fails_its_revisions_and_no_others() -> None:
    """It is named; its index still tells what was in it."""
    place = Place(count=14)
    first, _ = (key for key in place.blobs.contents if key.startswith("archive/batches/"))
    place.blobs.contents[first] = place.blobs.contents[first][:-3]
    with virtual_time(place.clock):
        result = place.restore()
    assert kinds(result) == [Kind.FAILED] * 10 + [Kind.RESTORED] * 4
    assert result.outcomes[0].words.startswith(f"{first} in the archive: damaged")
    assert result.causes == (Cause.REFUSED_OR_FAILED,)


def test_a_definition_that_is_none_fails_alone(place: Place) -> None:
    """Whatever somebody made of it."""
    [key] = [key for key in place.blobs.contents if key.startswith("archive/batches/")]
    header, _, *rest = gzip.decompress(place.blobs.contents[key]).split(b"\n")
    place.blobs.contents[key] = gzip.compress(b"\n".join([header, b'{"family":"other"}', *rest]))
    assert kinds(place.restore()) == [Kind.FAILED, *[Kind.RESTORED] * 3]


def test_a_record_of_restoring_that_makes_no_sense_restores_nothing(place: Place) -> None:
    """It may have been restored."""
    place.blobs.put(key_of(WEB_1), b"{")
    result = place.restore()
    assert kinds(result) == [Kind.FAILED, *[Kind.RESTORED] * 3]
    assert result.outcomes[0].words == f"{key_of(WEB_1)} makes no sense"

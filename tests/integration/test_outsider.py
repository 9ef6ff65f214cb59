"""A sweep as an outsider would check it: the whole of it on virtual time, against an ECS that is as hard as allowed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from janitor.core.model import Mode, OutcomeKind, Reason
from janitor.core.report import Cause, Ending
from janitor.local.attach import virtual_time
from janitor.local.behaviour import Behaviour, Cursor, DeniedEntry
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.families import Status
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from janitor.sweep.events import Limits
from tests.builders import DAY, policy, rule, runner
from tests.fakes import START

if TYPE_CHECKING:
    from collections.abc import Iterator

    from janitor.core.report import Report
    from janitor.core.retention import Policy
    from janitor.runner import Runner

FAMILIES = ("airflow-etl", "airflow-etl-2", "web")
RULES = policy(rule(keep_newest=2))


@dataclass
class World:
    """An embedded ECS, its clock, and the runs against it."""

    behaviour: Behaviour = field(default_factory=lambda: Behaviour(latency=(0.02, 0.2)))
    rules: Policy = RULES
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START))
    due: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.ecs = EmbeddedEcs(clock=self.clock, behaviour=self.behaviour, record=True)

    def seed(self, family: str, old: int, young: int, active: int) -> None:
        """Append what is due, what was registered long ago but deregistered lately, and ACTIVE ones."""
        self.ecs.seed_family(
            family, count=old, registered=(START - 400 * DAY, START - 300 * DAY), lifetime=timedelta(days=1)
        )
        self.ecs.seed_family(
            family, count=young, registered=(START - 299 * DAY, START - 290 * DAY), deregistered_at=START - 3 * DAY
        )
        self.ecs.seed_family(
            family, count=active, status=Status.ACTIVE, registered=(START - 30 * DAY, START - 20 * DAY)
        )
        self.due |= {f"{family}:{number}" for number in range(1, old + 1)}

    def runner(self) -> Runner:
        """Return a runner that knows nothing of any run before."""
        return runner(self.ecs, self.clock, self.rules)

    def sweep(self) -> Report:
        """Sweep with a fresh runner."""
        return self.runner().sweep(Mode.DELETE, Limits(), lambda _: None, count_all=False)

    @property
    def batches(self) -> list[tuple[str, ...]]:
        """What each admitted delete named, by short names."""
        return [tuple(arn.rsplit("/", 1)[-1] for arn in batch) for batch in self.ecs.deleted_requests]

    def deleted(self) -> set[str]:
        """Return what was asked to be deleted and is not INACTIVE any more."""
        asked = set(chain(*self.batches))
        return {each for each in asked if self._status(each) in (None, Status.DELETE_IN_PROGRESS)}

    def state(self) -> dict[str, tuple[list[int], list[int]]]:
        """Return which numbers of each family are ACTIVE and INACTIVE."""
        return {
            family: (self.ecs.numbers(family, Status.ACTIVE), self.ecs.numbers(family, Status.INACTIVE))
            for family in FAMILIES
        }

    def _status(self, revision: str) -> str | None:
        family, number = revision.split(":")
        return self.ecs.status(family, int(number))


def outsiders_world(**behaviour: Any) -> World:  # noqa: ANN401 - those of Behaviour
    """Three families of 2,000 INACTIVE of which 15 % are too young, 20 ACTIVE each, and some that use old ones."""
    return _world(1_700, 300, **behaviour)


def fifth_of_a_world(**behaviour: Any) -> World:  # noqa: ANN401 - those of Behaviour
    """Build the same in small, for what does not depend on the size."""
    return _world(340, 60, **behaviour)


def _world(old: int, young: int, **behaviour: Any) -> World:  # noqa: ANN401 - those of Behaviour
    world = World(behaviour=Behaviour(latency=(0.02, 0.2), **behaviour))
    for family in FAMILIES:
        world.seed(family, old=old, young=young, active=20)
    world.ecs.seed_service(
        "prod", "shop", task_definition="web:11", deployments=["web:12"], previous_revisions=["web:10"]
    )
    world.ecs.seed_service("prod", "blue", task_sets=["web:40", "airflow-etl:41"], controller="EXTERNAL")
    world.ecs.seed_task("batch", "airflow-etl:77")
    world.ecs.seed_task("batch", "airflow-etl-2:78", last_status="RUNNING", desired_status="STOPPED")
    world.ecs.seed_task("batch", "airflow-etl-2:79", last_status="STOPPED", desired_status="STOPPED")
    world.due -= {
        *("web:10", "web:11", "web:12", "web:40"),
        *("airflow-etl:41", "airflow-etl:77", "airflow-etl-2:78"),
    }
    return world


@pytest.fixture(autouse=True)
def _botocore_waits_on_no_real_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_: float) -> None:
        pytest.fail("botocore slept in real time")

    monkeypatch.setattr("botocore.endpoint.time.sleep", forbidden)


@pytest.fixture
def world() -> Iterator[World]:
    """Provide the outsider's account in small, with a hostile cursor."""
    world = fifth_of_a_world()
    with virtual_time(world.clock):
        yield world


@pytest.mark.parametrize("cursor", Cursor)
def test_exactly_what_is_due_is_deleted_in_batches_of_ten_once_each(cursor: Cursor) -> None:
    """With at most 140 list calls, ACTIVE untouched, what is in use kept, and no call throttled."""
    world = outsiders_world(cursor=cursor)
    before = world.state()
    with virtual_time(world.clock):
        report = world.sweep()
    asked = list(chain(*world.batches))
    assert Counter(asked) == Counter(world.due)
    assert world.deleted() == world.due
    assert [len(batch) for batch in world.batches].count(10) >= len(world.batches) - 6, "but for the last of a round"
    assert world.ecs.calls["ListTaskDefinitions"] <= 140
    assert world.ecs.calls["DescribeTaskDefinition"] <= 6_000 + 100
    assert world.ecs.throttled == {}
    assert {family: active for family, (active, _) in world.state().items()} == {
        family: active for family, (active, _) in before.items()
    }
    assert (report.ending, report.causes) == (Ending.FINISHED, ())
    assert report.outcome(OutcomeKind.DELETED) == len(world.due) == 5_093
    assert report.kept == {Reason.YOUNG: 894, Reason.IN_USE: 7, Reason.AMONG_NEWEST: 6}
    assert report.judged == 6_000
    assert dict(report.api_calls) == dict(world.ecs.calls)
    minutes = world.clock.monotonic() / 60
    assert minutes < 5_093 / 10 / 60 * 1.05 + 0.5, "at the speed ECS allows"


def test_the_exact_report_before_says_what_the_sweep_then_does(world: World) -> None:
    """And makes no delete call."""
    exact = world.runner().sweep(Mode.REPORT, Limits(), lambda _: None, count_all=True)
    assert exact.due.is_exact
    assert exact.due.value == len(world.due)
    assert world.ecs.calls["DeleteTaskDefinitions"] == 0


@pytest.mark.parametrize("max_reads", [100, 300, 600])
def test_the_bounded_report_before_is_not_mistaken(max_reads: int) -> None:
    """Each family's interval holds what is due, or the family is named."""
    world = World()
    for family in FAMILIES:
        world.seed(family, old=1_700, young=300, active=20)
    world.ecs.seed_task("batch", "airflow-etl:77")
    assert_the_bounded_report_holds(world, max_reads)


@pytest.mark.parametrize("max_reads", [100, 300, 600])
def test_the_bounded_report_is_not_mistaken_about_a_family_that_a_service_runs(max_reads: int) -> None:
    """Reading the past deployments of its services is part of what the budget is for."""
    world = World()
    for family in ("etl", "web"):  # for the first one usage is read before its share is spent
        world.seed(family, old=1_700, young=300, active=20)
    world.ecs.seed_service("prod", "shop", task_definition="web:11")
    assert_the_bounded_report_holds(world, max_reads)


def assert_the_bounded_report_holds(world: World, max_reads: int) -> None:
    """Check the intervals of a bounded report, its cost, and that all of usage was read."""
    with virtual_time(world.clock):
        ran = runner(world.ecs, world.clock, world.rules, max_reads=max_reads)
        estimate = ran.survey(Limits(), lambda _: None)
    assert world.ecs.calls.total() <= max_reads
    assert "DeleteTaskDefinitions" not in world.ecs.calls
    assert estimate.unreadable_usage == ()
    for family in estimate.families:
        if family.family not in estimate.families_not_read:
            due = len([each for each in world.due if each.startswith(f"{family.family}:")])
            assert family.due.low <= due <= family.due.high


def test_three_refused_by_the_service_are_named_with_their_reasons(world: World) -> None:
    """The rest goes, and the run says so."""
    refused = {"web:100": "A", "web:340": "B", "airflow-etl:1": "C"}
    for name, reason in refused.items():
        world.ecs.faults.refuse(name, reason=reason, detail="scripted")
    report = world.sweep()
    assert {str(each.revision): each.words for each in report.troubles} == {
        name: f"{reason}: scripted" for name, reason in refused.items()
    }
    assert report.causes == (Cause.REFUSED_OR_FAILED,)
    assert world.deleted() == world.due - set(refused)
    assert max(Counter(chain(*world.batches)).values()) == 1


def test_without_the_permission_to_delete_eleven_calls_tell(world: World) -> None:
    """And the permission is named."""
    world.ecs.faults.add(Fault(operation="DeleteTaskDefinitions", code="AccessDeniedException", message="no"))
    before = world.state()
    report = world.sweep()
    assert world.ecs.calls["DeleteTaskDefinitions"] == 11
    assert report.causes[0] is Cause.COULD_NOT_FINISH
    assert "ecs:DeleteTaskDefinitions" in report.ending_words
    assert world.state() == before


@pytest.mark.parametrize("denied_entry", DeniedEntry)
def test_some_denied_by_iam_do_not_keep_the_others_from_going(denied_entry: DeniedEntry) -> None:
    """Whatever one denied entry does to its batch."""
    world = fifth_of_a_world(denied_entry=denied_entry)
    denied = {"web:100", "web:101", "airflow-etl:300"}
    for name in denied:
        world.ecs.faults.deny(name)
    with virtual_time(world.clock):
        report = world.sweep()
    assert world.deleted() == world.due - denied
    assert {str(each.revision) for each in report.troubles} == denied
    assert report.ending is Ending.FINISHED


def test_a_minute_in_which_everything_is_throttled_is_outlasted(world: World) -> None:
    """The rate is halved, and comes back."""
    operations = ("ListTaskDefinitions", "ListTaskDefinitionFamilies", "DescribeTaskDefinition")
    for operation in (*operations, "DeleteTaskDefinitions", "ListClusters", "DescribeTasks"):
        world.ecs.faults.add(
            Fault(operation=operation, code="ThrottlingException", message="Rate exceeded", during=(20.0, 80.0))
        )
    report = world.sweep()
    assert report.ending is Ending.FINISHED
    assert report.causes == ()
    assert world.deleted() == world.due
    assert sum(report.throttled_calls.values()) > 0
    assert sum(world.ecs.calls.values()) < 2_000


def test_a_timeout_after_the_service_acted_is_reported_as_deleted(world: World) -> None:
    """The repeated call meets its own success: each is looked at again, and none is called refused."""
    world.ecs.faults.add(Fault(operation="DeleteTaskDefinitions", lost=Lost.READ_TIMEOUT, acts=True, times=3, after=5))
    report = world.sweep()
    assert report.outcome(OutcomeKind.DELETED) == len(world.due)
    assert report.causes == ()
    assert world.deleted() == world.due


def test_tokens_that_expire_while_ecs_is_slow_lose_nothing() -> None:
    """Where the listing breaks off it is begun again."""
    world = World(behaviour=Behaviour(latency=(0.02, 0.2), token_lifetime=timedelta(seconds=8)))
    for family in FAMILIES:
        world.seed(family, old=400, young=100, active=5)
    with virtual_time(world.clock):
        report = world.sweep()
    assert max(Counter(chain(*world.batches)).values()) == 1
    assert world.deleted() <= world.due
    if report.ending is Ending.FINISHED:
        assert world.deleted() == world.due


def test_a_second_sweep_finds_nothing(world: World) -> None:
    """And makes no delete call."""
    world.sweep()
    calls = world.ecs.calls["DeleteTaskDefinitions"]
    report = world.sweep()
    assert report.due.value == 0
    assert world.ecs.calls["DeleteTaskDefinitions"] == calls


# Interrupted anywhere


class Killed(BaseException):
    """Nobody catches it: the process is gone."""


def kill_after(ran: Runner, calls: int) -> list[int]:
    """Let the transport end the process after some calls; return a counter of them."""
    made = [0]

    def sent(**_: object) -> None:
        made[0] += 1
        if made[0] > calls:
            raise Killed

    events: Any = ran.api.client.meta.events
    events.register_first("before-send.ecs", sent)
    return made


def small_world() -> World:
    """Return two families of which 15 are due, one in use among them."""
    world = World(rules=policy(rule(keep_newest=1)))
    world.seed("airflow-etl", old=8, young=2, active=1)
    world.seed("web", old=7, young=1, active=1)
    world.ecs.seed_service("prod", "shop", task_definition="web:3")
    world.due -= {"web:3"}
    return world


def calls_of_an_undisturbed_run() -> int:
    """Count the calls of the small sweep."""
    world = small_world()
    ran = world.runner()
    made = kill_after(ran, 10**9)
    with virtual_time(world.clock):
        ran.sweep(Mode.DELETE, Limits(), lambda _: None, count_all=False)
    assert world.deleted() == world.due
    return made[0]


def test_a_sweep_killed_after_any_call_and_run_again_ends_like_one_undisturbed() -> None:
    """Progress lives in ECS itself: nothing is lost, nothing else is touched, whichever call was the last."""
    undisturbed = small_world()
    with virtual_time(undisturbed.clock):
        undisturbed.sweep()
    calls = calls_of_an_undisturbed_run()
    assert calls > 30
    for last in range(calls):
        world = small_world()
        with virtual_time(world.clock):
            ran = world.runner()
            kill_after(ran, last)
            with pytest.raises(Killed):
                ran.sweep(Mode.DELETE, Limits(), lambda _: None, count_all=False)
            report = world.sweep()
        assert world.state() == undisturbed.state(), f"killed after {last} calls"
        assert world.deleted() == world.due
        assert max(Counter(chain(*world.batches)).values()) == 1
        assert report.ending is Ending.FINISHED

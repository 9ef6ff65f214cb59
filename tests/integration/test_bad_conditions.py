"""Conditions in which nights go badly, each to its end: slow, throttled, disturbed by others, or with a wrong clock.

What is tried elsewhere: a minute in which everything is throttled, and page tokens that expire, over a whole sweep
(``test_outsider``); SIGTERM and Ctrl-C on the command line (``tests/e2e/test_cli_outsider.py``), SIGTERM and worse on
the function (``tests/e2e/test_lambda_runtime.py``); limits of deletions smaller than a batch (``tests/unit/sweep``).
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from janitor.aws.client import ATTEMPTS, Api
from janitor.aws.pace import least_pause
from janitor.aws.task_definitions import AwsTaskDefinitions
from janitor.core.model import OutcomeKind, Reason, RevisionId, Status
from janitor.core.report import Ending
from janitor.function import LEAST, MARGIN
from janitor.local.attach import virtual_time
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from janitor.render.table import report_table
from tests.builders import attached_client, due_family, seed
from tests.fakes import START
from tests.integration.stage import LAMBDA, Stage
from tests.integration.test_fault_matrix import assert_a_night_is_true, end

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["end"]  # a fixture

ALONE: dict[str, Callable[[AwsTaskDefinitions], object]] = {
    "ListTaskDefinitionFamilies": lambda ecs: list(ecs.families()),
    "ListTaskDefinitions": lambda ecs: list(ecs.pages("etl", Status.INACTIVE)),
    "DescribeTaskDefinition": lambda ecs: ecs.describe(RevisionId("etl", 1)),
    "DeleteTaskDefinitions": lambda ecs: ecs.delete([RevisionId("etl", 1)]),
}


@pytest.mark.parametrize("operation", ALONE)
@pytest.mark.parametrize("draw", [0.0, 0.5, 1.0])
def test_a_call_alone_outlasts_a_minute_of_throttling(
    operation: str, draw: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little botocore draws for its pauses, and without more attempts than its own."""
    clock = VirtualClock(START)
    ecs = EmbeddedEcs(clock=clock)
    seed(ecs, due_family(3))
    ecs.faults.add(Fault(operation=operation, code="ThrottlingException", during=(0.0, 60.0)))
    client = attached_client(ecs)
    monkeypatch.setattr("random.random", lambda: draw)
    (handler,) = retry_handlers(client)
    handler._retry_policy._retry_backoff._random = random.random
    with virtual_time(clock):
        ALONE[operation](AwsTaskDefinitions(Api(client, clock=clock)))
    assert ecs.calls[operation] <= ATTEMPTS
    assert 60 <= clock.monotonic() < 150


def retry_handlers(client: Any) -> list[Any]:  # noqa: ANN401 - botocore's internals
    """Return what retries a client's calls: one layer."""
    emitter = client.meta.events._emitter
    registered = emitter._handlers.prefix_search("needs-retry.ecs.Any")
    return [each.__self__ for each in registered if type(getattr(each, "__self__", None)).__name__ == "RetryHandler"]


def test_the_least_pauses_of_all_attempts_come_to_more_than_a_minute() -> None:
    """Not in the mean, but at least."""
    assert sum(least_pause(attempts) for attempts in range(1, ATTEMPTS)) > 60


THROTTLED = [
    "ListTaskDefinitionFamilies",
    "ListTaskDefinitions",
    "DescribeTaskDefinition",
    "DeleteTaskDefinitions",
    "ListClusters",
    "ListServices",
    "DescribeServices",
    "ListTasks",
    "DescribeTasks",
    "ListServiceDeployments",
    "DescribeServiceRevisions",
]


@pytest.mark.parametrize("start", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("operations", [THROTTLED, ["DescribeTaskDefinition"]], ids=["all", "describes alone"])
def test_a_minute_of_throttling_costs_a_minute_and_nothing_else(
    operations: list[str], start: float, end: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first call on, or in the middle of it."""
    stage = Stage(monkeypatch)
    for operation in operations:
        stage.ecs.faults.add(Fault(operation=operation, code="ThrottlingException", during=(start, start + 60.0)))
    night = stage.night()
    assert night.code == 0, night.words
    assert_a_night_is_true(stage, night)
    assert stage.state == end
    assert sum(night.report.throttled_calls.values()) > 0
    assert night.seconds < 240


def test_describes_that_are_throttled_without_end_end_the_run(end: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing and deleting may go well: what cannot be described is not deleted."""
    stage = Stage(monkeypatch)
    stage.ecs.faults.add(Fault(operation="DescribeTaskDefinition", code="ThrottlingException"))
    night = stage.night()
    assert night.code == 1
    assert "DescribeTaskDefinition was throttled at each of" in night.words
    assert not stage.submitted
    assert night.calls < 200
    stage.undisturb()
    assert stage.night().code == 0
    assert stage.state == end


@pytest.mark.parametrize("operations", [THROTTLED, ["DeleteTaskDefinitions"], ["DescribeTaskDefinition"]], ids=len)
def test_answers_slower_than_the_client_waits_cost_time_and_nothing_else(
    operations: list[str], end: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ECS acts each time; the client hears nothing of it for a minute."""
    stage = Stage(monkeypatch)
    for operation in operations:
        stage.ecs.faults.add(Fault(operation=operation, lost=Lost.READ_TIMEOUT, acts=True, during=(0.0, 60.0)))
    night = stage.night()
    assert night.code == 0, night.words
    assert_a_night_is_true(stage, night)
    assert stage.state == end
    assert night.seconds < LAMBDA / 2


def test_answers_that_are_always_too_slow_end_the_run_in_bounded_time(
    end: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the operation and the address named; whoever was deleted without an answer is found out."""
    stage = Stage(monkeypatch)
    for operation in THROTTLED:
        stage.ecs.faults.add(Fault(operation=operation, lost=Lost.READ_TIMEOUT, acts=True, during=(0.2, 1e9)))
    night = stage.night()
    assert night.code == 1
    assert "no answer from" in night.words
    assert night.seconds < LAMBDA
    stage.undisturb()
    assert stage.night().code == 0
    assert stage.state == end


def family_of(stage: Stage, count: int) -> None:
    """Add a family of several pages that is all due."""
    seed(stage.ecs, due_family(count, "pages"))


@pytest.mark.parametrize("lifetime", [1, 5, 20])
def test_page_tokens_that_expire_cost_rounds_and_nothing_else(lifetime: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a listing breaks off it is begun again, as long as it gets on; what is left is for the next night."""
    behaviour = Behaviour(token_lifetime=timedelta(seconds=lifetime), latency=(0.05, 0.05))
    stage = Stage(monkeypatch, behaviour=behaviour)
    family_of(stage, 250)
    pages = {f"pages:{number}" for number in range(1, 249)}
    submitted: set[str] = set()
    for _ in range(4):
        night = stage.night()
        assert night.code in {0, 1}
        assert stage.submitted <= stage.due | pages
        assert len(stage.submitted) > len(submitted) or night.code == 0
        submitted = stage.submitted
        if night.code == 0:
            break
    assert stage.submitted == stage.due | pages


def test_a_family_that_vanishes_between_two_pages_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was described before it went is submitted, and what ECS says of it is told; nothing of it is called gone."""
    stage = Stage(monkeypatch, behaviour=Behaviour(deletion_delay=timedelta(0)))
    family_of(stage, 250)
    pages = {f"pages:{number}" for number in range(1, 249)}
    seen = 0

    def vanishes(_: int) -> None:
        nonlocal seen
        seen += 1
        if seen == 5:  # families, both pages of etl's two rounds or so: in the middle of pages
            for first in range(1, 251, 10):
                names = [f"pages:{number}" for number in range(first, first + 10)]
                EmbeddedEcs.handle(stage.ecs, "DeleteTaskDefinitions", {"taskDefinitions": names})

    stage.ecs.before["ListTaskDefinitions"].append(vanishes)
    night = stage.night()
    assert seen > 5
    assert night.report.ending is Ending.FINISHED
    assert night.code in {0, 3}
    assert stage.submitted <= stage.due | pages
    for family in night.report.families:
        assert family.judged == sum(family.kept.values()) + sum(family.outcomes.values())
    stage.undisturb()
    assert stage.night().code == 0


@pytest.mark.parametrize("calls", [1, 3, 8, 20])
def test_what_others_deregister_meanwhile_is_too_young_to_go(calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revision that leaves ACTIVE in the middle of a sweep is INACTIVE for less than an hour."""
    stage = Stage(monkeypatch)

    def happens(before: int) -> None:
        if before == calls:
            stage.ecs.somebody("DeregisterTaskDefinition", taskDefinition="web:17")
            stage.ecs.somebody("DeregisterTaskDefinition", taskDefinition="etl:15")

    stage.ecs.before["DescribeTaskDefinition"].append(happens)
    night = stage.night()
    assert night.code == 0
    assert stage.submitted - {"web:15"} == stage.due  # one newer makes that one the third newest
    assert stage.status("web:17") == stage.status("etl:15") == "INACTIVE"


@pytest.mark.parametrize("back", [timedelta(minutes=1), timedelta(hours=2), timedelta(days=400)], ids=str)
@pytest.mark.parametrize("calls", [2, 20])
def test_a_clock_that_steps_back_deletes_nothing_more_and_hangs_nothing(
    calls: int, back: timedelta, end: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is due was decided by the time at the start; pace and limits go by a clock that only goes on."""
    stage = Stage(monkeypatch)

    def happens(before: int) -> None:
        if before == calls:
            stage.clock.set(stage.clock.now() - back)

    stage.ecs.before["DescribeTaskDefinition"].append(happens)
    night = stage.night()
    assert night.code == 0, night.words
    assert stage.submitted == stage.due
    assert_a_night_is_true(stage, night)
    assert night.report.seconds >= 0
    assert all(blob["SweepDuration"][0] >= 0 for blob in night.metrics if "SweepDuration" in blob)
    assert "-" not in report_table(night.report, width=80, color=False).splitlines()[-1].partition(":")[2]
    assert stage.state == end
    stage.clock.set(START + timedelta(hours=3))
    stage.undisturb()
    assert stage.night().code == 0
    assert stage.state == end


def test_time_for_less_than_one_batch_a_hop_comes_to_the_same_in_more_hops(
    end: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revision a hop: nothing is counted twice, the newest that stay neither."""
    stage = Stage(monkeypatch, behaviour=Behaviour(latency=(1.5, 1.5)))
    event: object = None
    for _ in range(40):
        night = stage.night(event, seconds=MARGIN + LEAST)
        assert_a_night_is_true(stage, night)
        answer = night.answer or {}
        if not answer["hopped_on"]:
            break
        event = stage.following()
    assert night.code == 0
    assert answer["hop"] > 10
    assert stage.state == end
    assert answer["sweep_totals"] == {
        "judged": 30,
        "due": 13,
        "kept": {"among_newest": 4, "in_use": 9, "just_deregistered": 1, "no_date": 1, "tagged": 1, "young": 1},
        "outcomes": {"deleted": 13},
        "orphans_kept": {},
        "orphans_outcomes": {},
    }


def test_time_that_is_up_before_anything_is_judged_calls_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another hop would get no further."""
    stage = Stage(monkeypatch, behaviour=Behaviour(latency=(9.0, 9.0)))
    night = stage.night(seconds=MARGIN + LEAST)
    assert night.raised is not None
    assert "nothing new was judged" in night.raised
    assert not stage.submitted
    assert not stage.wire.published


@pytest.mark.parametrize("most", [1, 9, 11])
def test_a_limit_smaller_than_a_batch_is_kept(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the batch that it allows goes."""
    stage = Stage(monkeypatch)
    night = stage.night(JANITOR_MAX_DELETIONS=str(most))
    assert night.code == 4
    assert len(stage.submitted) == night.report.outcome(OutcomeKind.DELETED) == most
    assert night.report.outcome(OutcomeKind.NOT_ATTEMPTED) == 1
    assert night.report.kept.get(Reason.USAGE_UNKNOWN, 0) == 0

"""The part of the fault matrix that is ECS's own: what ``failures[]`` says, and what is gone or leaving already.

Of the cells that are not here: only these four calls have ``failures[]``; INACTIVE listings name nothing that is
DELETE_IN_PROGRESS but by lagging behind, which shows when it is described; stores, events and brake know neither.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from janitor.core.model import OutcomeKind, Reason
from janitor.local.behaviour import Behaviour, DeletingAgain
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from tests.integration.stage import Stage
from tests.integration.test_fault_matrix import assert_a_night_is_true, end

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.local.replies import Json
    from tests.integration.stage import Night

__all__ = ["end"]  # a fixture


def assert_mended(stage: Stage, end: object, *, code: int = 0) -> None:
    """Let all go well, sweep again, and check that it ends like a world that was never disturbed."""
    stage.undisturb()
    after = stage.night()
    assert after.code == code, after.words
    assert_a_night_is_true(stage, after)
    assert stage.state == end


# failures[] of a deletion


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        ({"reason": "SOMETHING", "detail": "ask somebody"}, "SOMETHING: ask somebody"),
        ({"reason": "SOMETHING"}, "SOMETHING"),
        ({"detail": "ask somebody"}, "ask somebody"),
        ({}, "no reason given"),
    ],
)
def test_one_that_fails_in_a_batch_is_named_and_the_others_go(
    failure: Json, says: str, end: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of a reason there is."""
    stage = Stage(monkeypatch)
    stage.ecs.faults.refuse("etl:5", reason="scripted")

    def worded(body: Json) -> None:
        for each in body["failures"]:
            del each["reason"]
            each.update(failure)

    stage.ecs.changed["DeleteTaskDefinitions"] = worded
    night = stage.night()
    assert night.code == 3
    assert f"etl:5 {says}" in night.words
    assert_a_night_is_true(stage, night)
    assert night.report.outcome(OutcomeKind.REFUSED) == 1
    assert_mended(stage, end)


def nameless(body: Json) -> None:
    """Say of nobody that it failed."""
    body["failures"] = [{"reason": "SOMETHING"}]


def of_a_stranger(body: Json) -> None:
    """Say that one failed that was not asked about."""
    body["failures"] = [{"arn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/etl:999", "reason": "SOMETHING"}]


def of_all_that_went(body: Json) -> None:
    """Say of each that went that it failed as well."""
    body["failures"] = [{"arn": each["taskDefinitionArn"], "reason": "BOTH"} for each in body["taskDefinitions"]]


def twice(body: Json) -> None:
    """Name each that went twice."""
    body["taskDefinitions"] *= 2


def nothing(body: Json) -> None:
    """Answer for nobody."""
    body.clear()


def still_inactive(body: Json) -> None:
    """Answer with the status of before."""
    for each in body["taskDefinitions"]:
        each["status"] = "INACTIVE"


@pytest.mark.parametrize("changed", [nameless, of_a_stranger, of_all_that_went, twice, nothing, still_inactive])
def test_what_went_is_reported_as_gone_whatever_the_answer_says(
    changed: Callable[[Json], None], end: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking again tells; nobody who was not asked about is counted."""
    stage = Stage(monkeypatch)
    stage.ecs.changed["DeleteTaskDefinitions"] = changed
    night = stage.night()
    assert night.code == 0, night.words
    assert night.report.outcome(OutcomeKind.DELETED) == len(stage.due)
    assert_a_night_is_true(stage, night)
    assert_mended(stage, end)


# failures[] of reading usage

DESCRIBED = {
    "DescribeServices": ("services", "serviceArn"),
    "DescribeTasks": ("tasks", "taskArn"),
    "DescribeServiceRevisions": ("serviceRevisions", "serviceRevisionArn"),
}


def kept(night: Night) -> int:
    """Count what is kept since its users could not all be read."""
    return night.report.kept.get(Reason.USAGE_UNKNOWN, 0)


@pytest.mark.parametrize("operation", DESCRIBED)
@pytest.mark.parametrize("reason", ["MISSING", "SOMETHING", None, "left out"])
def test_a_user_that_cannot_be_described_keeps_everything_unless_it_is_gone(
    operation: str, reason: str | None, end: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MISSING is documented, and means gone since the listing; anything else may hide a user."""
    stage = Stage(monkeypatch)
    members, name = DESCRIBED[operation]

    def changed(body: Json) -> None:
        lost = body[members].pop()
        failure = {"arn": lost[name], **({} if reason is None else {"reason": reason})}
        body["failures"] = [] if reason == "left out" else [failure]

    stage.ecs.changed[operation] = changed
    night = stage.night()
    if reason == "MISSING":
        assert night.code == 0
        assert kept(night) == 0
        return  # what it used may go now: so the account says
    assert night.code == 1
    assert kept(night) > 0
    assert operation in night.words
    assert_a_night_is_true(stage, night)
    assert_mended(stage, end)


# Gone or leaving already


def deleted_by_somebody(stage: Stage, *names: str) -> Callable[[int], None]:
    """Return what deletes some revisions before the first call."""

    def happens(before: int) -> None:
        if before == 0:
            stage.ecs.somebody("DeleteTaskDefinitions", taskDefinitions=list(names))

    return happens


LEAVING = timedelta(hours=1)
GONE = timedelta(0)


@pytest.mark.parametrize("delay", [LEAVING, GONE], ids=["leaving", "gone"])
@pytest.mark.parametrize("again", DeletingAgain)
@pytest.mark.parametrize("operation", ["DescribeTaskDefinition", "DeleteTaskDefinitions"])
def test_what_somebody_else_deletes_meanwhile_is_no_trouble(
    operation: str, again: DeletingAgain, delay: timedelta, end: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between listing and description, or between description and deletion."""
    stage = Stage(monkeypatch, behaviour=Behaviour(deletion_delay=delay, deleting_again=again))
    theirs = {"etl:2", "etl:3", "web:12"}
    stage.ecs.before[operation].append(deleted_by_somebody(stage, *theirs))
    night = stage.night()
    assert stage.submitted <= stage.due
    submitted_theirs = stage.submitted & theirs
    report = night.report
    for family in report.families:
        assert family.judged == sum(family.kept.values()) + sum(family.outcomes.values())
    if operation == "DescribeTaskDefinition":
        assert not submitted_theirs
        # ECS has one answer for what is gone and for what it will not describe, so it is not taken for gone.
        unreadable = report.kept.get(Reason.UNREADABLE, 0)
        assert 0 < unreadable <= len(theirs) if delay is GONE else not unreadable  # a family's rest may be seen gone
        assert night.code == (3 if unreadable else 0)
        assert report.outcome(OutcomeKind.DELETED) == len(stage.due - theirs)
    else:
        # One that is gone proves nothing: ECS refused it, and that is said.
        refused = report.outcome(OutcomeKind.REFUSED)
        assert refused == (len(submitted_theirs) if delay is GONE else 0)
        assert night.code == (3 if refused else 0)
    stage.undisturb()
    assert stage.night().code == 0
    assert stage.state == end


@pytest.mark.parametrize("operation", ["ListTaskDefinitions", "DescribeTaskDefinition"])
def test_a_family_that_is_gone_when_it_is_looked_at_is_no_trouble(
    operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was named by the listing of families, or by its own first page."""
    stage = Stage(monkeypatch, behaviour=Behaviour(deletion_delay=GONE))

    def happens(before: int) -> None:
        if before == 0:
            stage.ecs.somebody("DeregisterTaskDefinition", taskDefinition="etl:15")
            for first in (1, 11):
                names = [f"etl:{number}" for number in range(first, min(first + 10, 16))]
                stage.ecs.somebody("DeleteTaskDefinitions", taskDefinitions=names)

    stage.ecs.before[operation].append(happens)
    night = stage.night()
    unreadable = night.report.kept.get(Reason.UNREADABLE, 0)
    assert bool(unreadable) == (operation == "DescribeTaskDefinition")
    assert night.code == (3 if unreadable else 0), night.words
    assert stage.submitted == {name for name in stage.due if name.startswith("web:")}
    assert stage.state["etl"] == ([], [])


@pytest.mark.parametrize("operation", ["ListServices", "DescribeServices", "ListTasks", "DescribeTasks"])
def test_users_that_are_gone_when_they_are_looked_at_never_free_what_others_use(
    operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that has stopped since the listing is gone; what it used may go, and nothing else."""
    stage = Stage(monkeypatch)

    def happens(before: int) -> None:
        if before == 0:
            listed = EmbeddedEcs.handle(stage.ecs, "ListTasks", {"cluster": "batch", "desiredStatus": "RUNNING"})
            for arn in listed.body["taskArns"]:
                stage.ecs.somebody("StopTask", cluster="batch", task=arn)

    stage.ecs.before[operation].append(happens)
    night = stage.night()
    assert night.code in {0, 1}
    assert stage.submitted <= stage.due | {"web:7"}


# One after the other, in one call


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException"])
def test_an_attempt_that_was_heard_before_the_credentials_ended_is_not_called_refused(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt times out after ECS acted, its repetition is denied: looking again tells."""
    stage = Stage(monkeypatch)
    stage.ecs.faults.add(Fault(operation="DeleteTaskDefinitions", lost=Lost.READ_TIMEOUT, acts=True, times=1))
    stage.ecs.faults.add(Fault(operation="DeleteTaskDefinitions", code=code, message="scripted"))
    night = stage.night()
    assert night.code == 1
    assert night.report.outcome(OutcomeKind.DELETED) == 10
    assert_a_night_is_true(stage, night)


def test_a_deletion_that_nobody_can_look_at_afterwards_is_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a word too much: neither deleted nor refused."""
    stage = Stage(monkeypatch)
    stage.ecs.faults.add(Fault(operation="DeleteTaskDefinitions", lost=Lost.READ_TIMEOUT, acts=True))

    def blinds(before: int) -> None:
        if before == 0:
            stage.ecs.faults.add(Fault(operation="DescribeTaskDefinition", lost=Lost.READ_TIMEOUT))

    stage.ecs.before["DeleteTaskDefinitions"].append(blinds)
    night = stage.night()
    assert night.code == 1
    assert night.report.outcome(OutcomeKind.DELETED) == 0
    assert all("it could not be looked at again" in each.words for each in night.report.troubles)
    for name in stage.submitted:
        (only,) = stage.histories()[name]
        assert only.kind is OutcomeKind.FAILED
        assert "could not be looked at again" in only.words

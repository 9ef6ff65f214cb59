"""The function from its built zip, under AWS's runtime client and emulator; nothing but ECS and its like is ours."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from janitor.aws.blobs import FolderBlobs
from janitor.core.hop import Position, SoFar
from janitor.core.metric import NAMESPACE
from janitor.core.model import OutcomeKind
from janitor.local.behaviour import Behaviour, Cursor
from janitor.local.families import Status
from janitor.local.server import serve
from janitor.settings.function import EVENT_SOURCE, FINISHED, UNFINISHED, Hop, Narrowing
from janitor.store import last_report
from janitor.store.history import history
from janitor.wiring import SystemClock
from tests.e2e.lambda_runtime import ACCOUNT, REGION, TIMEOUT, HeldEcs, neighbours, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.lambda_runtime import Answered, Function, Neighbours, Runtime

NIGHT = {"trigger": "schedule", "execution": "2026-11-01T03:00:00Z"}
FAMILIES = ("airflow", "billing", "web")
IN_USE = {("airflow", 5), ("billing", 4), ("web", 3)}
DUE = {(family, number) for family in FAMILIES for number in range(1, 17)} - IN_USE
ENDED = {
    signal.SIGKILL: "Runtime exited with error: signal: killed",
    signal.SIGTERM: "Runtime exited with error: signal: terminated",
    signal.SIGSTOP: f"Task timed out after {TIMEOUT}.00 seconds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """An account, its neighbours, a store, and the function that is to be started among them."""

    ecs: HeldEcs
    neighbours: Neighbours
    store: Path
    runtime: Runtime
    code: Path
    environment: dict[str, str]

    @contextmanager
    def function(self, **settings: str) -> Iterator[Function]:
        """Run the function, with other settings than usual."""
        log = self.store.parent / "log"
        with running(self.runtime, self.code, log, self.environment | settings) as function:
            yield function

    @property
    def submitted(self) -> Counter[tuple[str, int]]:
        """Return how often each revision was submitted for deletion."""
        arns = [arn for batch in self.ecs.deleted_requests for arn in batch]
        parts = [arn.rpartition("/")[2].rpartition(":") for arn in arns]
        return Counter((family, int(number)) for family, _, number in parts)

    @property
    def leaving(self) -> set[tuple[str, int]]:
        """Return the revisions that are on their way out."""
        return {
            (family, number) for family in FAMILIES for number in self.ecs.numbers(family, Status.DELETE_IN_PROGRESS)
        }


@pytest.fixture
def cursor() -> Cursor:
    """Let listings skip and repeat, unless a test says otherwise."""
    return Cursor.HOSTILE


@pytest.fixture
def stage(lambda_runtime: Runtime, unpacked: Path, tmp_path: Path, cursor: Cursor) -> Iterator[Stage]:
    """Provide three families, each with 16 old revisions, of which one is in use, 2 young ones and 2 ACTIVE ones."""
    ecs = HeldEcs(clock=SystemClock(), behaviour=Behaviour(cursor=cursor), record=True)
    now = datetime.now(UTC)
    old = (now - timedelta(days=400), now - timedelta(days=300))
    lately = now - timedelta(days=3)
    for family in FAMILIES:
        ecs.seed_family(family, count=16, registered=old, lifetime=timedelta(days=1))
        ecs.seed_family(family, count=2, registered=(old[1], now - timedelta(days=290)), deregistered_at=lately)
        ecs.seed_family(family, count=2, status=Status.ACTIVE, registered=(lately, now), lifetime=None)
    ecs.seed_cluster("main")
    ecs.seed_service("main", "shop", task_definition="web:3", task_sets=["billing:4"], controller="EXTERNAL")
    ecs.seed_task("main", "airflow:5")
    with serve(ecs) as ecs_url, neighbours() as (others, others_url):
        others.parameters["/janitor/brake"] = "off"
        environment = {
            "JANITOR_STACK": "test",
            "JANITOR_MODE": "delete",
            "JANITOR_RETENTION": "30d",
            "JANITOR_KEEP_NEWEST": "2",
            "JANITOR_STORE": str(tmp_path / "store"),
            "JANITOR_BRAKE": "/janitor/brake",
            "AWS_ENDPOINT_URL_ECS": ecs_url,
            "AWS_ENDPOINT_URL_EVENTBRIDGE": others_url,
            "AWS_ENDPOINT_URL_SCHEDULER": ecs_url,
            "AWS_ENDPOINT_URL_SFN": ecs_url,
            "AWS_ENDPOINT_URL_SSM": others_url,
        }
        yield Stage(
            ecs=ecs,
            neighbours=others,
            store=tmp_path / "store",
            runtime=lambda_runtime,
            code=unpacked,
            environment=environment,
        )
        ecs.release.set()


def metrics(function: Function) -> list[dict[str, Any]]:
    """Return the metrics that were printed, without the note that says that they are metrics."""
    blobs = [line for line in function.printed if "_aws" in line]
    assert all(blob["_aws"]["CloudWatchMetrics"][0]["Namespace"] == NAMESPACE for blob in blobs)
    return [{name: value for name, value in blob.items() if name != "_aws"} for blob in blobs]


def figure(blob: dict[str, Any], name: str) -> float:
    """Return a metric's value."""
    value = blob[name]
    return float(value[0] if isinstance(value, list) else value)


def hop(**changes: object) -> dict[str, Any]:
    """Return the event of a second hop, altered after it was sealed."""
    sealed = Hop(
        version=1,
        stack="test",
        sweep_id="20261101T030000000000Z",
        started_at="2026-11-01T03:00:00+00:00",
        hop=2,
        trigger="schedule",
        mode="delete",
        narrowing=Narrowing(),
        position=Position(round=1, family="billing", number=10),
        so_far=SoFar(),
    ).sealed()
    return {"source": EVENT_SOURCE, "detail-type": UNFINISHED, "detail": asdict(sealed) | changes}


def test_a_cold_start_is_quick_and_small(stage: Stage) -> None:
    """Imports, settings and clients: seconds at most on a busy machine, in a quarter of the memory it is given."""
    with stage.function() as function:
        cold = function.invoke({"no": "such field"})
        warm = function.invoke({"no": "such field"})
        assert function.peak_mebibytes < 128
    assert "unknown key 'no'" in cold.error
    assert cold.error == warm.error
    assert warm.seconds < cold.seconds < 10


def test_a_normal_night_deletes_what_is_due_and_says_so_everywhere(stage: Stage) -> None:
    """From a cold start: once each, with event, metrics, record, last report and answer of one mind."""
    with stage.function() as function:
        report = function.invoke(NIGHT).report
        printed, blobs = function.printed, metrics(function)

    assert stage.leaving == DUE
    assert stage.submitted == Counter(dict.fromkeys(DUE, 1))
    assert report["finished"]
    assert report["account"] == ACCOUNT
    assert report["region"] == REGION
    assert report["totals"]["deleted"] == len(DUE)
    assert json.loads(last_report.get(FolderBlobs(stage.store)) or "") == report

    (finished,) = stage.neighbours.events
    assert (finished["source"], finished["detail-type"]) == (EVENT_SOURCE, FINISHED)
    assert finished["detail"]["sweep_id"] == report["sweep_id"]
    assert finished["detail"]["totals"]["outcomes"]["deleted"] == len(DUE)

    stack, *families = blobs
    assert (stack["Stack"], figure(stack, "DeletedRevisions"), figure(stack, "Sweeps")) == ("test", len(DUE), 1)
    assert {blob["Family"] for blob in families} == set(FAMILIES)

    lines = [line["record"] for line in printed if "record" in line]
    assert Counter((line["what"], line["family"], line["number"]) for line in lines) == Counter(
        (what, *revision) for what in ("intent", "outcome") for revision in DUE
    )
    for family in FAMILIES:
        (sweep,) = history(FolderBlobs(stage.store), family).sweeps
        assert sweep.outcomes == {"deleted": 15}
        assert sweep.account == ACCOUNT


def test_a_warm_function_starts_its_second_night_afresh(stage: Stage) -> None:
    """The same process; nothing is deleted twice, and its counts are its own."""
    with stage.function() as function:
        first = function.invoke(NIGHT).report
        process = function.processes
        second = function.invoke(NIGHT).report
        assert function.processes == process

    assert stage.submitted == Counter(dict.fromkeys(DUE, 1))
    assert second["sweep_id"] > first["sweep_id"]
    assert second["totals"]["deleted"] == second["totals"]["due"] == 0
    assert [event["detail"]["hops"] for event in stage.neighbours.of(FINISHED)] == [1, 1]


@pytest.mark.parametrize(
    "cursor",
    [Cursor.STABLE, Cursor.HOSTILE],
)
def test_a_backlog_takes_the_hops_that_its_events_ask_for(stage: Stage) -> None:
    """Each revision is judged and submitted once; the last hop tells the whole, and a late duplicate does no harm."""
    old = (datetime.now(UTC) - timedelta(days=500), datetime.now(UTC) - timedelta(days=400))
    due = set(DUE)
    for family, count in {"a-backlog": 150, "backlog": 230}.items():  # one hop is done with the first, not the second
        stage.ecs.seed_family(family, count=count, registered=old, lifetime=timedelta(days=1))
        due |= {(family, number) for number in range(1, count - 1)}
    with stage.function() as function:
        answers = [function.invoke(NIGHT).report]
        while len(stage.neighbours.of(UNFINISHED)) == len(answers) < 5:
            answers.append(function.invoke(stage.neighbours.events[-1]).report)
        sweeps = [figure(blob, "Sweeps") for blob in metrics(function) if "Sweeps" in blob]
        requests = len(stage.ecs.deleted_requests)
        duplicate = function.invoke(stage.neighbours.of(UNFINISHED)[0]).report

    assert 2 <= len(answers) <= 3  # the third on a machine that is slow to start the first
    assert [answer["hopped_on"] for answer in answers] == [True] * (len(answers) - 1) + [False]
    assert stage.submitted == Counter(dict.fromkeys(due, 1))
    assert sweeps == [1] * len(answers)
    whole = stage.neighbours.of(FINISHED)[0]["detail"]
    assert whole["hops"] == len(answers)
    assert {answer["sweep_id"] for answer in answers} == {whole["sweep_id"]}
    assert whole["totals"]["outcomes"]["deleted"] == whole["totals"]["due"] == len(due)
    assert whole["totals"]["judged"] == sum(answer["totals"]["judged"] for answer in answers)
    (sweep,) = history(FolderBlobs(stage.store), "backlog").sweeps
    assert sweep.outcomes == {"deleted": 228}
    assert duplicate["totals"]["deleted"] == 0
    assert len(stage.ecs.deleted_requests) == requests


@pytest.mark.parametrize("event", [{}, {"mode": "report"}], ids=str)
def test_a_report_typed_by_hand_is_answered_and_leaves_nothing_behind(stage: Stage, event: dict[str, str]) -> None:
    """No deletion, no event, no metric; the answer is the bounded report."""
    with stage.function() as function:
        answered = function.invoke(event)
        assert not metrics(function)

    assert answered.report["totals"]["due"] == len(DUE)
    assert answered.report["families_left_out"] == 0
    assert [family["family"] for family in answered.report["families"]] == list(FAMILIES)
    assert len(answered.text) < 100_000
    assert not stage.submitted
    assert not stage.neighbours.events


REFUSED = {
    "an unknown field": ({"familys": ["web"]}, ["unknown key 'familys'"]),
    "several at once": ({"mode": "destroy", "trigger": "x"}, ["mode: 'destroy'", "trigger: 'x'"]),
    "less retention": ({"mode": "delete", "older_than": "1d"}, ["older_than"]),
    "not an object": ([1], ["[1] is not an object"]),
    "an altered hop": (hop(mode="report"), ["the event was altered: its digest does not fit"]),
    "a hop of another stack": (hop(stack="other"), ["altered", "'other' is not 'test'"]),
    "a hop beyond the limit": (hop(hop=151), ["altered", "151 is beyond the limit of 150"]),
}


def test_a_refused_event_is_named_and_nothing_is_called(stage: Stage) -> None:
    """An error by name each time, so that Lambda counts it; the function is as good as new for the next."""
    with stage.function() as function:
        for what, (event, words) in REFUSED.items():
            error = function.invoke(event).error
            assert error.startswith("BadInput: "), what
            assert all(word in error for word in words), (what, error)
        assert not stage.ecs.calls
        assert function.invoke({}).report["totals"]["due"] == len(DUE)


def test_a_stack_that_only_reports_cannot_be_told_to_delete(stage: Stage) -> None:
    """Not by hand and not by a sealed hop; its own night is a report."""
    with stage.function(JANITOR_MODE="report") as function:
        for event in ({"mode": "delete"}, {"trigger": "schedule", "mode": "delete"}, hop()):
            assert "the stack only reports, an event cannot make it delete" in function.invoke(event).error
        assert not stage.ecs.calls
        assert function.invoke(NIGHT).report["totals"]["due"] == len(DUE)
    assert not stage.submitted
    assert [event["detail"]["mode"] for event in stage.neighbours.of(FINISHED)] == ["report"]


def test_every_bad_setting_is_named_at_each_invocation(stage: Stage) -> None:
    """All at once, before anything is called."""
    wrong = {"JANITOR_MODE": "destroy", "JANITOR_RETENTION": "1h", "JANITOR_MAX_HOPS": "0", "JANITOR_TYPO": "x"}
    with stage.function(**wrong) as function:
        for _ in range(2):
            error = function.invoke(NIGHT).error
            assert error.startswith("BadInput: ")
            assert all(f"{name}: " in error for name in wrong), error
    assert not stage.ecs.calls


def test_without_a_store_that_takes_the_record_nothing_is_deleted(stage: Stage) -> None:
    """Nothing goes unrecorded: the function raises, no call to delete was made, and no other hop is asked for."""
    stage.store.write_text("a file, where the folder should be")
    with stage.function() as function:
        error = function.invoke(NIGHT).error
    assert error.startswith("DutyRemains: nothing goes unrecorded: could not write ")
    assert not stage.ecs.calls["DeleteTaskDefinitions"]
    assert not stage.neighbours.events


def test_a_brake_that_is_on_stops_the_night_before_it_deletes(stage: Stage) -> None:
    """And so does one that cannot be read."""
    stage.neighbours.parameters["/janitor/brake"] = "on"
    with stage.function() as function:
        on = function.invoke(NIGHT).report
        stage.neighbours.parameters.clear()
        unreadable = function.invoke(NIGHT).report
    assert "the brake /janitor/brake is on" in on["ending_reason"]
    assert "could not be read, so it counts as on" in unreadable["ending_reason"]
    assert not stage.submitted


@pytest.mark.parametrize(
    "end", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP], ids=["killed", "terminated", "cut at its timeout"]
)
def test_a_function_ended_in_mid_sweep_is_made_up_for_by_the_next(stage: Stage, end: signal.Signals) -> None:
    """The end is that of an undisturbed night; of what was under way the record says that no answer is known.

    Killed is what happens when memory runs out; a process that is stopped stands for one that is stuck until Lambda
    cuts it off.
    """
    stage.ecs.hold_after = 2
    lost: list[Answered] = []
    with stage.function() as function:
        first = threading.Thread(target=lambda: lost.append(function.invoke(NIGHT)))
        first.start()
        assert stage.ecs.holding.wait(timeout=30)
        function.signal(end)
        stage.ecs.release.set()
        first.join(timeout=TIMEOUT + 30)
        before = stage.submitted
        report = function.invoke(NIGHT).report

    assert ENDED[end] in lost[0].text
    assert 20 < len(before) < len(DUE)
    assert stage.leaving == DUE
    assert stage.submitted == Counter(dict.fromkeys(DUE, 1))
    assert report["finished"]
    assert report["totals"]["deleted"] == len(DUE) - len(before)
    blobs = FolderBlobs(stage.store)
    kinds: Counter[OutcomeKind | None] = Counter()
    for family, number in DUE:
        submissions = history(blobs, family, number).submissions
        assert submissions, (family, number)
        assert (family, number) not in before or submissions[-1].intent.sweep < report["sweep_id"]
        kinds.update(each.kind for each in submissions)
    assert set(kinds) == {OutcomeKind.DELETED, None}
    assert 10 <= kinds[None] <= len(DUE) - 10

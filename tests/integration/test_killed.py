"""The command line, killed after each single call of a small sweep, and at each write to its store; then run again.

Progress lives in ECS: the end is that of an undisturbed run, nothing is submitted twice, and the record says what is
known. ECS answers over HTTP from this process; the command line is a process of its own, forked (``zygote``) since it
is started some two hundred times.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import pytest

from janitor.aws.blobs import FolderBlobs
from janitor.core.model import OutcomeKind
from janitor.local.behaviour import Behaviour
from janitor.local.ecs import EmbeddedEcs
from janitor.local.families import Status
from janitor.local.replies import Lost
from janitor.local.server import serve
from janitor.render.past import history_story
from janitor.store.history import history
from janitor.wiring import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from janitor.local.replies import Json, Reply

DUE = {f"etl:{number}" for number in range(1, 13)} - {"etl:3"}
UNKNOWN = None


def account() -> EmbeddedEcs:
    """Return twelve due ones, one of them in use, a young one that will be remembered, the newest, an ACTIVE one."""
    ecs = EmbeddedEcs(clock=SystemClock(), behaviour=Behaviour(throttling=False), record=True)
    now = datetime.now(UTC)
    old = (now - timedelta(days=400), now - timedelta(days=390))
    ecs.seed_family("etl", count=12, registered=old, lifetime=timedelta(days=1))
    ecs.seed_family("etl", count=2, registered=(old[1], old[1]), deregistered_at=now - timedelta(days=3))
    ecs.seed_family("etl", count=1, status=Status.ACTIVE, registered=(now - timedelta(days=3), now), lifetime=None)
    ecs.seed_service("prod", "shop", task_definition="etl:3")
    return ecs


@dataclass
class Stage:
    """What answers: the account of the trial, and the call at which its caller is killed."""

    ecs: EmbeddedEcs = field(default_factory=account)
    calls: int = 0
    operation: str | None = None
    kill_at: int = 0
    heard: bool = True
    caller: int = 0
    known: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, *, kill_at: int = 0, operation: str | None = None, heard: bool = True) -> None:
        """Begin a trial on a new account; the caller is killed at that call, of one operation if it is named."""
        self.ecs, self.kill_at, self.operation, self.heard = account(), kill_at, operation, heard
        self.calls = 0

    def handle(self, operation: str, params: Json) -> Reply:
        """Answer; the caller may be killed right before the call is heard, or before the answer leaves."""
        with self.lock:
            counts = self.operation in (None, operation)
            self.calls += counts
            last = counts and self.calls == self.kill_at
        if last and not self.heard:
            return self._killed(self.ecs.handle("ListClusters", {}))
        reply = self.ecs.handle(operation, params)
        return self._killed(reply) if last else reply

    def _killed(self, reply: Reply) -> Reply:
        assert self.known.wait(30)
        os.kill(self.caller, signal.SIGKILL)
        return replace(reply, lost=Lost.CONNECTION_CLOSED)


@dataclass
class Janitor:
    """The command line against the stage, with a store."""

    stage: Stage
    zygote: subprocess.Popen[str]
    url: str
    store: Path
    report: Path
    policy: Path | None = None

    def sweep(self, *, dies: tuple[int, bool] | None = None) -> int:
        """Run a sweep; return its exit code, negative if it was killed."""
        more = [] if self.policy is None else ["--policy", str(self.policy)]
        args = ["sweep", "--yes", "--older-than", "30d", "--keep-newest", "1", "--store", str(self.store)]
        args += ["--endpoint-url", self.url, "--region", "eu-west-1", "-o", str(self.report), *more]
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        self.stage.known.clear()
        self.zygote.stdin.write(json.dumps({"args": args, "dies": dies}) + "\n")
        self.zygote.stdin.flush()
        self.stage.caller = int(self.zygote.stdout.readline())
        self.stage.known.set()
        return os.waitstatus_to_exitcode(int(self.zygote.stdout.readline()))

    def totals(self) -> Any:  # noqa: ANN401 - parsed JSON
        """Return what the last report counts."""
        return json.loads(self.report.read_text(encoding="utf-8"))["totals"]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Stage, str]]:
    """Serve a stage, once."""
    stage = Stage()
    with serve(stage) as url:  # type: ignore[arg-type] # as much of an ECS as is asked
        yield stage, url


@pytest.fixture(scope="module")
def zygote() -> Iterator[subprocess.Popen[str]]:
    """Provide the process that forks."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [sys.executable, "-m", "tests.integration.zygote"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:  # noqa: S603 - our own
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def janitor(served: tuple[Stage, str], zygote: subprocess.Popen[str], tmp_path: Path) -> Janitor:
    """Provide the command line on a new account, with an empty store."""
    stage, url = served
    stage.begin()
    return Janitor(stage=stage, zygote=zygote, url=url, store=tmp_path / "store", report=tmp_path / "report.json")


def state(ecs: EmbeddedEcs) -> dict[str, list[int]]:
    """Return which numbers have which status."""
    return {status: ecs.numbers("etl", status) for status in ("ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS")}


def submitted(ecs: EmbeddedEcs) -> Counter[str]:
    """Count how often each revision was submitted in a call that was heard."""
    return Counter(arn.rpartition("/")[2] for arn in chain(*ecs.deleted_requests))


END = {"ACTIVE": [15], "INACTIVE": [3, 13, 14], "DELETE_IN_PROGRESS": [1, 2, *range(4, 13)]}


def assert_made_up_for(janitor: Janitor) -> None:
    """Sweep again, and check end, counts and record."""
    ecs = janitor.stage.ecs
    before = submitted(ecs)
    janitor.stage.kill_at = 0
    assert janitor.sweep() == 0
    assert state(ecs) == END
    assert submitted(ecs) == Counter(dict.fromkeys(DUE, 1))
    totals = janitor.totals()
    assert totals["deleted"] == totals["due"] == len(DUE) - len(before)
    blobs = FolderBlobs(janitor.store)
    for name in DUE:
        found = history(blobs, "etl", int(name.partition(":")[2]))
        assert found.unreadable == ()
        kinds = [each.kind for each in found.submissions]
        if name in before:  # heard, and perhaps nobody was left to write down what came of it
            assert kinds in ([OutcomeKind.DELETED], [UNKNOWN])
        else:  # announced by the one that was killed, or not even that, and done by the other
            assert kinds in ([OutcomeKind.DELETED], [OutcomeKind.DELETED, UNKNOWN])
        story = history_story(found, None)
        assert ("It was us" if OutcomeKind.DELETED in kinds else "It may have been us") in story
    for number in (3, 13, 14, 15):
        assert history(blobs, "etl", number).submissions == ()


def test_an_undisturbed_sweep_is_what_the_others_are_compared_with(janitor: Janitor) -> None:
    """Two batches; the young one is remembered; a second sweep does nothing."""
    assert janitor.sweep() == 0
    assert state(janitor.stage.ecs) == END
    assert submitted(janitor.stage.ecs) == Counter(dict.fromkeys(DUE, 1))
    assert [len(batch) for batch in janitor.stage.ecs.deleted_requests] == [10, 1]
    assert_made_up_for(janitor)


def test_killed_after_any_call_it_is_made_up_for(janitor: Janitor) -> None:
    """ECS has acted, nobody hears the answer: call by call through the whole sweep."""
    for last in count(1):
        janitor.stage.begin(kill_at=last)
        janitor.store = janitor.store.parent / f"store-{last}"
        code = janitor.sweep()
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert_made_up_for(janitor)
    assert last > 25


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("heard", [True, False])
def test_killed_at_a_delete_call_it_is_made_up_for(batch: int, janitor: Janitor, *, heard: bool) -> None:
    """Between the intent and the call, or between the call and its outcome: history says that it does not know."""
    janitor.stage.begin(kill_at=batch, operation="DeleteTaskDefinitions", heard=heard)
    assert janitor.sweep() == -signal.SIGKILL
    assert len(janitor.stage.ecs.deleted_requests) == (batch if heard else batch - 1)
    unknown = [name for name in DUE if _last_kind(janitor, name) is UNKNOWN]
    assert len(unknown) == (10 if batch == 1 else 1)
    assert_made_up_for(janitor)


def _last_kind(janitor: Janitor, name: str) -> object:
    found = history(FolderBlobs(janitor.store), "etl", int(name.partition(":")[2])).submissions
    return found[0].kind if found else "nothing on record"


@pytest.mark.parametrize("done", [True, False])
def test_killed_at_any_write_to_its_store_it_is_made_up_for(janitor: Janitor, *, done: bool) -> None:
    """Intents, outcomes, due cache, closing: the write is the last thing that happens, or does not happen any more."""
    for last in count(1):
        janitor.stage.begin()
        janitor.store = janitor.store.parent / f"store-{last}"
        code = janitor.sweep(dies=(last, done))
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert_made_up_for(janitor)
    assert last > 6


ORPHANS = (16, 17, 19)
"""15 is somebody else's, 18 in use, 20 the newest."""


def leak(ecs: EmbeddedEcs) -> None:
    """Add ACTIVE revisions that nobody deregistered."""
    moment = datetime.now(UTC) - timedelta(days=2)
    ecs.seed_family(
        "etl",
        count=5,
        status=Status.ACTIVE,
        registered=(moment, moment),
        lifetime=None,
        registered_by="arn:aws:sts::1:assumed-role/airflow-w/t",
    )
    ecs.seed_task("prod", "etl:18")


def test_killed_after_any_call_the_orphans_are_made_up_for(janitor: Janitor) -> None:
    """Call by call: none too many goes, and history knows what became of each, or says that it does not."""
    janitor.policy = janitor.report.parent / "policy.toml"
    janitor.policy.write_text(
        '[[rule]]\nfamilies = ["*"]\n'
        'orphans = { older_than = "1d", registered_by = ["arn:aws:sts::*:assumed-role/airflow-*"] }\n'
        "[rates.modify]\nper_second = 1000\nburst = 1000\n",
        encoding="utf-8",
    )
    for last in count(1):
        janitor.stage.begin()
        leak(janitor.stage.ecs)
        janitor.stage.kill_at = last
        janitor.stage.operation = "DeregisterTaskDefinition"
        janitor.store = janitor.store.parent / f"orphans-{last}"
        code = janitor.sweep()
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert set(janitor.stage.ecs.numbers("etl", "ACTIVE")) == {15, 16, 17, 18, 19, 20} - set(ORPHANS[:last])
        janitor.stage.kill_at = 0
        assert janitor.sweep() == 0
        assert janitor.stage.ecs.numbers("etl", "ACTIVE") == [15, 18, 20]
        blobs = FolderBlobs(janitor.store)
        for number in ORPHANS:
            found = history(blobs, "etl", number).submissions
            assert [each.deregisters for each in found] == [True]
            killed = number == ORPHANS[last - 1]
            assert found[0].kind is (UNKNOWN if killed else OutcomeKind.DEREGISTERED)
            assert ("It may have been us" if killed else "It was us who deregistered it") in history_story(
                history(blobs, "etl", number), None
            )
    assert last == len(ORPHANS) + 1

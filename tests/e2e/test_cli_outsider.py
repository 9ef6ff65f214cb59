"""The program as installed, in a process of its own, against an ECS endpoint over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from janitor.local.behaviour import Behaviour
from janitor.local.ecs import EmbeddedEcs
from janitor.local.families import Status
from janitor.local.faults import Fault
from janitor.local.server import serve
from janitor.wiring import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JANITOR = (sys.executable, "-m", "janitor")


@pytest.fixture
def ecs() -> EmbeddedEcs:
    """Three families: 30 due, 6 old but deregistered lately, 2 ACTIVE each; three due ones are in use."""
    ecs = EmbeddedEcs(clock=SystemClock(), behaviour=Behaviour(), record=True)
    now = datetime.now(UTC)
    old = (now - timedelta(days=400), now - timedelta(days=300))
    for family in ("airflow", "billing", "web"):
        ecs.seed_family(family, count=30, registered=old, lifetime=timedelta(days=1))
        lately = now - timedelta(days=3)
        ecs.seed_family(family, count=6, registered=(old[1], now - timedelta(days=290)), deregistered_at=lately)
        ecs.seed_family(family, count=2, status=Status.ACTIVE, registered=(lately, now), lifetime=None)
    ecs.seed_cluster("main")
    ecs.seed_service("main", "shop", task_definition="web:3", task_sets=["billing:4"], controller="EXTERNAL")
    ecs.seed_task("main", "airflow:5")
    return ecs


@pytest.fixture
def endpoint(ecs: EmbeddedEcs, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve it, and point the environment there."""
    with serve(ecs) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield url


def _run(*arguments: str, expected: int = 0) -> tuple[Any, str]:
    ran = subprocess.run([*JANITOR, *arguments], capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - ours
    assert ran.returncode == expected, ran.stderr
    return json.loads(ran.stdout) if "json" in arguments else ran.stdout, ran.stderr


@pytest.mark.usefixtures("endpoint")
def test_a_sweep_deletes_exactly_what_is_due_once_each(ecs: EmbeddedEcs) -> None:
    """In batches of ten, the used, young, newest and ACTIVE ones left alone."""
    report, _ = _run("sweep", "--older-than", "30d", "--yes", "--format", "json")
    submitted = [each for batch in ecs.deleted_requests for each in batch]
    deleted = {f"{family}:{number}" for family in ("airflow", "billing", "web") for number in range(1, 31)}
    deleted -= {"airflow:5", "billing:4", "web:3"}
    assert {arn.rsplit("/", 1)[1] for arn in submitted} == deleted
    assert len(submitted) == len(deleted) == report["totals"]["deleted"]
    assert [len(batch) for batch in ecs.deleted_requests] == [10] * 8 + [7]
    assert report["totals"]["kept_by_reason"] == {"young": 12, "among_newest": 6, "in_use": 3}
    assert all(ecs.count(family, Status.ACTIVE) == 2 for family in ("airflow", "billing", "web"))
    assert report["finished"]
    assert report["exit_causes"] == []


@pytest.mark.usefixtures("endpoint")
def test_refused_revisions_are_named_with_their_reasons(ecs: EmbeddedEcs) -> None:
    """Exit code 3; the others of their batch are deleted."""
    for number in (1, 2, 3):
        ecs.faults.refuse(f"billing:{number}", reason="SOMEBODY_NEEDS_IT", detail=f"ticket {number}")
    report, _ = _run("sweep", "--older-than", "30d", "--yes", "--format", "json", expected=3)
    assert report["refused"] == [
        {"revision": f"billing:{number}", "reason": f"SOMEBODY_NEEDS_IT: ticket {number}"} for number in (1, 2, 3)
    ]
    assert report["totals"]["deleted"] == 84


@pytest.mark.usefixtures("endpoint")
def test_a_missing_permission_to_delete_ends_the_run_by_name(ecs: EmbeddedEcs) -> None:
    """One batch, then its ten entries alone, then no more."""
    ecs.faults.add(Fault(operation="DeleteTaskDefinitions", code="AccessDeniedException", message="no rights"))
    report, said = _run("sweep", "--older-than", "30d", "--yes", "--format", "json", expected=1)
    assert ecs.calls["DeleteTaskDefinitions"] <= 11
    assert "ecs:DeleteTaskDefinitions was denied" in said
    assert not report["finished"]
    totals = report["totals"]
    assert totals["due"] == totals["refused"] + totals["not_attempted"] > 0
    assert totals["deleted"] == 0


@pytest.mark.usefixtures("endpoint")
def test_usage_that_cannot_be_read_keeps_everything_due(ecs: EmbeddedEcs) -> None:
    """Exit code 1, the source named, nothing submitted."""
    ecs.faults.add(Fault(operation="ListTasks", code="AccessDeniedException", message="no rights"))
    report, _ = _run("sweep", "--older-than", "30d", "--yes", "--format", "json", expected=1)
    assert not ecs.deleted_requests
    assert report["totals"]["kept_by_reason"]["usage_unknown"] > 0
    assert any("tasks of cluster main" in source for source in report["usage_not_read"])


@pytest.mark.usefixtures("endpoint")
def test_a_report_changes_nothing_and_agrees_with_the_sweep(ecs: EmbeddedEcs) -> None:
    """Reading only: the number it announces is the number a sweep then deletes."""
    report, _ = _run("report", "--older-than", "30d", "--format", "json")
    assert ecs.calls["DeleteTaskDefinitions"] == 0
    assert report["totals"]["due"] == 87
    swept, _ = _run("sweep", "--older-than", "30d", "--yes", "--format", "json")
    assert swept["totals"]["deleted"] == 87


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("limit", [("--max-deletions", "15"), ("--max-time", "1s")])
def test_a_limit_stops_a_sweep_with_work_left(ecs: EmbeddedEcs, limit: tuple[str, str]) -> None:
    """Exit code 4, and what was not attempted is counted."""
    behind = Fault(
        operation="ListTaskDefinitions", code="ThrottlingException", status=400, message="Rate exceeded", times=3
    )
    if limit[0] == "--max-time":
        ecs.faults.add(behind)  # three refusals and botocore's pauses between them take more than a second
    report, said = _run("sweep", "--older-than", "30d", "--yes", "--format", "json", *limit, expected=4)
    assert f"its {'time limit' if 'time' in limit[0] else 'limit of 15 deletions'}" in said
    totals = report["totals"]
    assert totals["deleted"] <= 15
    assert totals["due"] == totals["deleted"] + totals["not_attempted"]


def test_an_endpoint_where_nobody_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 within seconds, with the address."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    _, said = _run("report", "--region", "eu-west-1", "--format", "json", expected=1)
    assert "http://127.0.0.1:9" in said


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_between_batches_with_a_truthful_summary(ecs: EmbeddedEcs, number: signal.Signals) -> None:
    """What the report says was deleted is what ECS was asked to delete."""
    command = [*JANITOR, "sweep", "--older-than", "30d", "--yes", "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        until = time.monotonic() + 60
        while not ecs.deleted_requests and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(number)
        out, said = process.communicate(timeout=60)
    report = json.loads(out)
    assert process.returncode == 4, said
    assert report["ending"] == "stopped_by_user"
    assert report["totals"]["deleted"] == sum(len(batch) for batch in ecs.deleted_requests)
    assert report["totals"]["due"] == report["totals"]["deleted"] + report["totals"]["not_attempted"]


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize(("answer", "deletions"), [("n", 0), ("y", 3)])
def test_a_sweep_on_a_terminal_shows_its_report_and_asks(ecs: EmbeddedEcs, answer: str, deletions: int) -> None:
    """Only a yes deletes; progress and question go to the terminal, the report to stdout."""
    shown, out = _on_a_terminal("sweep", "--older-than", "30d", "--family", "web", answer=answer)
    assert b"A sweep would delete 29 revisions" in shown
    assert b"Delete 29 revisions now?" in shown
    assert len(ecs.deleted_requests) == deletions
    assert ("Deleted 29 revisions" in out) == bool(deletions)


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize(("answer", "deletions"), [("n", 0), ("y", 3)])
def test_a_sweep_by_plan_on_a_terminal_shows_the_plan_and_asks(
    ecs: EmbeddedEcs, answer: str, deletions: int, tmp_path: Path
) -> None:
    """How many of which family; nothing is read for that."""
    plan = str(tmp_path / "plan.json")
    _run("report", "--exact", "--older-than", "30d", "--family", "web", "-o", plan)
    before = ecs.calls.total()
    shown, out = _on_a_terminal("sweep", "--older-than", "30d", "--plan", plan, answer=answer)
    assert b"names 29 revisions in 1 family:" in b" ".join(shown.split())
    assert b"  web: 29 revisions" in shown
    assert b"Delete 29 revisions now?" in shown
    assert len(ecs.deleted_requests) == deletions
    assert ("Deleted 29 revisions" in out) == bool(deletions)
    assert (ecs.calls.total() > before) == bool(deletions)


def _on_a_terminal(*arguments: str, answer: str) -> tuple[bytes, str]:
    """Run a command where somebody can be asked; return what the terminal showed, and stdout."""
    ours, theirs = pty.openpty()
    command = [*JANITOR, *arguments]
    with subprocess.Popen(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # a terminal whose other end is closed raises
            while chunk := os.read(ours, 4096):
                shown += chunk
                if b"[y/N]" in chunk:
                    os.write(ours, f"{answer}\n".encode())
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    return shown, out

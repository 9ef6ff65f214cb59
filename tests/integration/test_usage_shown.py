"""Shown through the command line: exactly what is in use is kept, each with its reason; one source denied keeps all."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from janitor.aws.usage import ACTIONS
from janitor.local.attach import virtual_time
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from tests.commandline import run

if TYPE_CHECKING:
    from pathlib import Path

FAMILIES = ("airflow-etl", "batch-report", "web")
USED = {
    "web:11": "service shop in cluster prod runs it",
    "web:1500": "a task set of service blue in cluster prod names it",
    "airflow-etl:700": "EventBridge rule nightly on bus default names it",
    "airflow-etl:1": "EventBridge schedule hourly in group reports names it",
    "batch-report:42": "Step Functions state machine month-end names it",
    "batch-report:1998": "task ",
}
ALL = [action.partition(":")[2] for action in ACTIONS]
PAST = {"ListServiceDeployments", "DescribeServiceRevisions"}
"""What is asked only for the services of a family, and protects no other."""


def account(size: int) -> EmbeddedEcs:
    """Return three families of INACTIVE revisions, long due, some of them in use by each kind of user."""
    clock = VirtualClock()
    ecs = EmbeddedEcs(clock=clock, behaviour=Behaviour(latency=(0.02, 0.2)), record=True)
    now = clock.now()
    for family in FAMILIES:
        old = (now - timedelta(days=700), now - timedelta(days=300))
        ecs.seed_family(family, count=size, registered=old, lifetime=timedelta(hours=1))
    ecs.seed_service("prod", "shop", task_definition=_within("web:11", size))
    ecs.seed_service("prod", "blue", task_sets=[_within("web:1500", size)], controller="EXTERNAL")
    ecs.event_bridge.add("nightly", _within("airflow-etl:700", size))
    ecs.scheduler.add("hourly", _within("airflow-etl:1", size), group="reports")
    ecs.step_functions.add("month-end", _within("batch-report:42", size))
    ecs.seed_task("prod", _within("batch-report:1998", size))
    return ecs


def _within(revision: str, size: int) -> str:
    """Return the same in a family of another size."""
    family, _, number = revision.partition(":")
    return f"{family}:{max(1, int(number) * size // 2_000)}"


def left(ecs: EmbeddedEcs) -> set[str]:
    """Return what is INACTIVE."""
    return {f"{family}:{number}" for family in FAMILIES for number in ecs.numbers(family)}


def test_exactly_those_in_use_are_kept_and_explained() -> None:
    """Of 6,000 that are due all but six go."""
    ecs = account(2_000)
    with virtual_time(ecs.clock):
        for revision, reason in USED.items():
            explained = run(ecs, "explain", revision, "--keep-newest", "0", "--format", "json")
            (found,) = json.loads(explained.out)
            assert explained.code == 0
            assert found["used_by"].startswith(reason)
            assert found["reason"] == "in_use"
        swept = run(ecs, "sweep", "--yes", "--keep-newest", "0", "--format", "json")
    assert swept.code == 0
    assert left(ecs) == set(USED)
    totals = json.loads(swept.out)["totals"]
    assert (totals["deleted"], totals["kept_by_reason"]) == (6_000 - len(USED), {"in_use": len(USED)})


@pytest.mark.parametrize("denied", ALL)
def test_with_one_source_denied_all_it_might_protect_is_kept(denied: str) -> None:
    """And the exit code is 1, and the report says which permission is missing."""
    ecs = account(40)
    used = {_within(revision, 40) for revision in USED}
    before = left(ecs)
    ecs.faults.add(Fault(operation=denied, code="AccessDeniedException", message="no rights"))
    with virtual_time(ecs.clock):
        swept = run(ecs, "sweep", "--yes", "--keep-newest", "0", "--format", "json")
    report = json.loads(swept.out)
    assert swept.code == 1
    assert report["exit_causes"] == ["usage_unreadable"]
    assert any(f":{denied} was denied" in source for source in report["usage_not_read"])
    if denied in PAST:
        assert left(ecs) >= used | {name for name in before if name.startswith("web:")}
    else:
        assert left(ecs) == before
        assert not ecs.deleted_requests


def test_what_is_switched_off_is_not_asked_and_read_aloud(tmp_path: Path) -> None:
    """Without its permission the run ends well, and says that it did not ask."""
    ecs = account(40)
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[usage]\noff = ["schedules", "rules"]\n[[rule]]\nfamilies = ["*"]\nkeep_newest = 0\n', encoding="utf-8"
    )
    for operation in ("ListSchedules", "ListEventBuses"):
        ecs.faults.add(Fault(operation=operation, code="AccessDeniedException", message="no rights"))
    with virtual_time(ecs.clock):
        explained = run(ecs, "explain", "web:1", "--policy", str(policy))
        swept = run(ecs, "sweep", "--yes", "--policy", str(policy))
    words = "not asked who uses a revision: rules, schedules (policy file policy.toml)"
    assert swept.code == 0
    assert words in " ".join(swept.out.split())
    assert words in explained.err
    by_others = ("web:11", "web:1500", "batch-report:42", "batch-report:1998")
    assert left(ecs) == {_within(revision, 40) for revision in by_others}


def test_a_report_on_few_reads_stays_within_them_and_says_what_it_could_not_ask() -> None:
    """Its budget counts every service's calls; what is not known keeps everything, and more reads would tell."""
    ecs = account(40)
    for number in range(100):
        ecs.event_bridge.add(f"rule-{number}", "web:1")
    with virtual_time(ecs.clock):
        few = run(ecs, "report", "--max-reads", "90", "--format", "json")
        enough = run(ecs, "report", "--max-reads", "600", "--format", "json")
    report = json.loads(few.out)
    assert sum(report["api_calls"].values()) <= 90
    assert few.code == 1
    assert any("raise --max-reads" in source for source in report["usage_not_read"])
    assert enough.code == 0
    assert json.loads(enough.out)["totals"]["due"] > 0

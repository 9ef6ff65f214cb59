"""What the DAGs leave behind in an account, and what the janitor makes of it half a year later."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3

from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from janitor.local.server import serve
from tests.commandline import run as run_command
from tests.lookup import create_table
from tests.workload.airflow import airflow
from tests.workload.moto_ecs import moto

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tests.once import Story
    from tests.workload.airflow import Airflow
    from tests.workload.moto_ecs import Moto

CLUSTER = "airflow"
FAMILY = "airflow-dbt"
CHAIN = "airflow-dbt-chain"
REUSED = "airflow-dbt-reuse"
TABLE = "ecs-revision-janitor-prod-lookup"
TOO_OLD = timedelta(days=181)
GONE = timedelta(hours=2)
"""Longer than a deletion takes in the embedded ECS."""


def tell(folder: Path) -> Story:
    """Run the DAGs against moto and against the embedded ECS, then the janitor, and return what happened."""
    clock = VirtualClock()
    ecs = EmbeddedEcs(clock=clock, behaviour=Behaviour(throttling=False))
    ecs.seed_cluster(CLUSTER)
    with moto() as other, airflow(folder, others=other.url) as running:
        create_table(
            boto3.Session("test", "test", region_name="eu-west-1").client("dynamodb", endpoint_url=other.url), TABLE
        )
        story = _on_moto(running, other)
        with serve(ecs) as url:
            story |= _on_the_embedded_ecs(_Runs(running, ecs, url))
    story["at_once"] = _janitor(ecs, "report", "--exact")
    clock.set(clock.now() + TOO_OLD)
    story["report"] = _janitor(ecs, "report", "--exact")
    story["sweep"] = _swept(ecs)
    _stop_all(ecs)
    story["sweep_after_the_task"] = _swept(ecs)
    return story


def _dynamodb(other: Moto) -> DynamoDBClient:
    return boto3.Session("test", "test", region_name="eu-west-1").client("dynamodb", endpoint_url=other.url)


def _on_moto(running: Airflow, other: Moto) -> Story:
    story: Story = {}
    for name, exit_code in (("moto_succeeds", 0), ("moto_fails", 1)):
        other.exit_code = exit_code
        story[name] = running.run("dbt", ecs=other.url) | {"revisions": other.newest(FAMILY)}
    return story


class _Runs:
    """Runs of a DAG against the embedded ECS."""

    def __init__(self, running: Airflow, ecs: EmbeddedEcs, url: str) -> None:
        self._running = running
        self._ecs = ecs
        self._url = url

    def run(
        self, dag: str, family: str, *exit_codes: int | None, fault: Fault | None = None, kill: bool = False
    ) -> dict[str, Any]:
        """Run a DAG, its tasks ending with these codes, and say what became of the revisions that it registered."""
        first = self._ecs.count(family) + 1
        self._ecs.seed_exit_codes(*exit_codes)
        if fault is not None:
            self._ecs.faults.add(fault)
        ended = self._running.run(dag, ecs=self._url, kill=kill)
        self._ecs.faults.clear()
        return ended | {
            "revisions": [self._ecs.status(family, each) for each in range(first, self._ecs.count(family) + 1)]
        }


def _on_the_embedded_ecs(runs: _Runs) -> Story:
    lost = Fault(operation="RegisterTaskDefinition", lost=Lost.CONNECTION_CLOSED, acts=True, times=1)
    denied = Fault(operation="DeregisterTaskDefinition", code="AccessDeniedException")
    return {
        "succeeds": runs.run("dbt", FAMILY, 0),
        "recovers": runs.run("dbt", FAMILY, 1, 0),
        "fails": runs.run("dbt", FAMILY, 1, 1),
        "registers_twice": runs.run("dbt", FAMILY, 0, fault=lost),
        "cannot_deregister": runs.run("dbt", FAMILY, 0, fault=denied),
        "chain_succeeds": runs.run("dbt_chain", CHAIN, 0),
        "chain_fails": runs.run("dbt_chain", CHAIN, 1),
        "reuse_registers": runs.run("dbt_reuse", REUSED, 0),
        "reuse_reuses": runs.run("dbt_reuse", REUSED, 1, 1),
        "killed": runs.run("dbt", FAMILY, None, kill=True),
    }


def _janitor(ecs: EmbeddedEcs, *arguments: str) -> dict[str, Any]:
    """Return the report of a command that ends well, every INACTIVE revision being one that may go."""
    ran = run_command(ecs, *arguments, "--keep-newest", "0", "--format", "json")
    assert ran.code == 0, ran.err
    report: dict[str, Any] = json.loads(ran.out)
    return report


def _swept(ecs: EmbeddedEcs) -> dict[str, Any]:
    report = _janitor(ecs, "sweep", "--yes")
    ecs.clock.sleep(GONE.total_seconds())
    left = {
        family: {number: ecs.status(family, number) for number in range(1, 20) if ecs.status(family, number)}
        for family in (FAMILY, CHAIN, REUSED)
    }
    return {"report": report, "left": left}


def _stop_all(ecs: EmbeddedEcs) -> None:
    """End what still runs, as the container of a killed task does one day."""
    for task in ecs.handle("ListTasks", {"cluster": CLUSTER}).body["taskArns"]:
        ecs.handle("StopTask", {"cluster": CLUSTER, "task": task})

"""Runs the command line in this process, against an embedded ECS on a virtual clock."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from datetime import timedelta

from janitor.cli import main
from janitor.demo import embedded_place
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.families import Status


@dataclass(frozen=True)
class Ran:
    """What a command printed and its exit code."""

    out: str
    err: str
    code: int

    @property
    def told(self) -> str:
        """What it printed as one line: a story's lines end where the terminal does."""
        return " ".join(self.out.split())


def run(ecs: EmbeddedEcs, *arguments: str) -> Ran:
    """Run one command to its end."""
    clock = ecs.clock
    assert isinstance(clock, VirtualClock)
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(arguments), connect=lambda _: embedded_place(ecs, clock))
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
    return Ran(out=out.getvalue(), err=err.getvalue(), code=code)


def small_account(behaviour: Behaviour | None = None) -> EmbeddedEcs:
    """Return an account with one of everything: due, young, newest, tagged, undated, used, ACTIVE, kept by rule."""
    clock = VirtualClock()
    now = clock.now()
    ecs = EmbeddedEcs(clock=clock, behaviour=behaviour or Behaviour())

    def ago(days: float) -> tuple:  # type: ignore[type-arg]
        return (now - timedelta(days=days), now - timedelta(days=days - 10))

    ecs.seed_family("airflow-dbt", count=5, registered=None)
    ecs.seed_family("airflow-dbt", count=30, registered=ago(400), lifetime=timedelta(hours=1))
    ecs.seed_family("airflow-dbt", count=12, registered=ago(380), deregistered_at=now - timedelta(days=3))
    ecs.seed_family("airflow-dbt", count=20, registered=ago(60), lifetime=timedelta(hours=1))
    ecs.seed_family("airflow-dbt", count=3, status=Status.ACTIVE, registered=ago(20), lifetime=None)
    ecs.seed_family("batch-align", count=8, registered=ago(300), tags={"AWSBatchServiceTag": "batch"})
    ecs.seed_family("dead-report", count=6, registered=ago(500))
    ecs.seed_family("web", count=15, registered=ago(250))
    ecs.seed_family("web", count=1, status=Status.ACTIVE, registered=ago(20), lifetime=None)
    ecs.seed_cluster("main")
    ecs.seed_service("main", "storefront", task_definition="web:3")
    ecs.seed_task("main", "airflow-dbt:9")
    return ecs

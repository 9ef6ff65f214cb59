"""A believable account for the demo: two years of DAG runs and deploys, and nobody cleaned up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from janitor.local import bodies
from janitor.local.ecs import EmbeddedEcs
from janitor.local.families import Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from janitor.local.behaviour import Behaviour
    from janitor.ports import Clock

_DAY = timedelta(days=1)
_HISTORY = 730 * _DAY
_WEEKS = 104
_CLUSTER = "production"


def believable_account(clock: Clock, *, seed: int = 7, behaviour: Behaviour | None = None) -> EmbeddedEcs:
    """Return an embedded ECS with a dozen families, as they look at the clock's present."""
    ecs = EmbeddedEcs(clock=clock, behaviour=behaviour, seed=seed)
    history = _History(ecs)
    _seed_jobs(history)
    _seed_special_cases(history)
    _seed_services(history)
    return ecs


def _seed_jobs(history: _History) -> None:
    """Seed what registers a revision for each run."""
    history.accelerating("airflow-dbt-hourly", 104_000, registered_by="airflow-worker")
    history.segment("airflow-dbt-hourly", 1, status=Status.ACTIVE, registered_by="airflow-worker")

    # Somebody once deleted the oldest by hand; now and then a worker died before it could deregister its revision.
    history.segment("airflow-ingest-orders", 180, status=Status.GONE)
    for older, younger in ((730, 600), (600, 450), (450, 300), (300, 120), (120, 2)):
        history.segment("airflow-ingest-orders", 300, older, younger, registered_by="airflow-worker")
        history.segment("airflow-ingest-orders", 1, younger, younger, status=Status.ACTIVE)
    history.segment("airflow-ingest-orders", 300, 2, 1, registered_by="airflow-worker")

    history.segment("prefect-quality-checks", 900, 90, 1, registered_by="prefect-agent")
    history.segment("jenkins-integration-tests", 1_400, 400, 1, registered_by="jenkins-controller")


def _seed_special_cases(history: _History) -> None:
    """Seed what is kept for reasons of its own."""
    for older, younger in ((720, 540), (540, 360), (360, 180), (180, 1)):
        history.segment("airflow-ml-scoring", 149, older, younger, registered_by="airflow-worker")
        history.segment("airflow-ml-scoring", 1, younger, younger, tags={"janitor:keep": "model release"})

    history.segment("airflow-backfill-events", 800, 600, 450, deregistered=30, registered_by="airflow-worker")

    history.undated("dagster-finance-close", 60)
    history.segment("dagster-finance-close", 280, 700, 1, registered_by="dagster-daemon")

    batch = {"AWSBatchServiceTag": "batch"}
    history.segment("batch-genome-align", 260, 650, 1, tags=batch, registered_by="aws-batch-service-role")

    history.segment("legacy-report-export", 48, 720, 420, registered_by="jenkins-controller")


def _seed_services(history: _History) -> None:
    """Seed what registers a revision for each deploy, and what still runs from old ones."""
    ecs = history.ecs
    for name, count in (("storefront-web", 64), ("checkout-api", 90), ("pricing-api", 40), ("session-worker", 24)):
        history.deploys(name, count)
    # Rolled back to an old release and left there.
    ecs.seed_service(
        _CLUSTER, "storefront-web", task_definition="storefront-web:23", previous_revisions=["storefront-web:64"]
    )
    # A deployment that never finished.
    ecs.seed_service(
        _CLUSTER,
        "checkout-api",
        task_definition="checkout-api:90",
        deployments=["checkout-api:31"],
        previous_revisions=["checkout-api:88", "checkout-api:89"],
    )
    # Blue-green, with the old task set still there.
    ecs.seed_service(
        _CLUSTER,
        "pricing-api",
        controller="CODE_DEPLOY",
        task_definition="pricing-api:40",
        task_sets=["pricing-api:40", "pricing-api:18"],
    )
    # Started by hand long ago, and forgotten.
    ecs.seed_task(_CLUSTER, "session-worker:5", group="family:session-worker")
    ecs.seed_task(_CLUSTER, "storefront-web:23", group="service:storefront-web")
    ecs.seed_task("analytics", "airflow-dbt-hourly:104001")
    # Pinned years ago, each somewhere else; two more follow the family, as they should.
    ecs.event_bridge.add("month-end-closing", "dagster-finance-close:75")
    ecs.event_bridge.add("refresh-prices", "pricing-api", state="DISABLED")
    ecs.scheduler.add("yearly-export", "legacy-report-export:7", group="finance")
    ecs.scheduler.add("expire-sessions", "session-worker")
    ecs.step_functions.add("backfill-orders", "airflow-ingest-orders:200")


class _History:
    """Seeds segments by their age in days."""

    def __init__(self, ecs: EmbeddedEcs) -> None:
        self.ecs = ecs
        self._now = ecs.clock.now()

    def segment(
        self,
        family: str,
        count: int,
        older: float = 0,
        younger: float = 0,
        *,
        status: Status = Status.INACTIVE,
        deregistered: float | None = None,
        registered_by: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Seed revisions registered between two ages, each deregistered two hours later or all at one age."""
        self.ecs.seed_family(
            family,
            count=count,
            status=status,
            registered=(self._ago(older), self._ago(younger)),
            lifetime=timedelta(hours=2),
            deregistered_at=None if deregistered is None else self._ago(deregistered),
            body=bodies.job(family),
            tags=tags,
            registered_by=self._role(registered_by or "airflow-worker"),
        )

    def accelerating(self, family: str, count: int, *, registered_by: str) -> None:
        """Seed a job that runs ever more often: its total grows with the seventh power of time."""
        days = _HISTORY / _DAY
        totals = [round(count * (week / _WEEKS) ** 7) for week in range(_WEEKS + 1)]
        for week in range(_WEEKS):
            added = totals[week + 1] - totals[week]
            older, younger = (days * (1 - each / _WEEKS) + 0.25 for each in (week, week + 1))
            if added:
                self.segment(family, added, older, younger, registered_by=registered_by)

    def undated(self, family: str, count: int) -> None:
        """Seed revisions of a time when ECS did not tell their dates."""
        self.ecs.seed_family(family, count=count, body=bodies.job(family))

    def deploys(self, family: str, count: int) -> None:
        """Seed releases in even steps; each deploy deregisters the release before, the last one is ACTIVE."""
        step = _HISTORY / count
        first, last = self._now - _HISTORY, self._now - step
        role = self._role("github-deploy")
        self.ecs.seed_family(
            family,
            count=count - 1,
            registered=(first, last - step),
            lifetime=step,
            body=bodies.web(family),
            registered_by=role,
        )
        self.ecs.seed_family(
            family,
            count=1,
            status=Status.ACTIVE,
            registered=(last, last),
            body=bodies.web(family),
            registered_by=role,
        )

    def _ago(self, days: float) -> datetime:
        return self._now - days * _DAY

    def _role(self, name: str) -> str:
        names = self.ecs.names
        return f"arn:{names.partition}:sts::{names.account}:assumed-role/{name}/session"

"""ACTIVE orphans: what counting them costs a healthy account, and what deregistering them costs the nights after.

uv run python -m tests.bench.orphans
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from janitor.aws.blobs import FolderBlobs
from janitor.core.model import Mode, OutcomeKind
from janitor.local.families import Status
from janitor.runner import Runner, Store
from janitor.settings import Flags, load
from janitor.sweep.events import Limits
from tests.bench.accounts import DAY, Account
from tests.bench.processes import alone, show
from tests.builders import place_of

AIRFLOW = "arn:aws:sts::123456789012:assumed-role/airflow-worker/task"


def healthy(families: int, active: int) -> dict[str, float]:
    """Count the calls of an exact report on families with so many ACTIVE revisions each, and one service."""
    account = Account()
    now = account.clock.now()
    for number in range(families):
        name = f"family-{number:03}"
        account.ecs.seed_family(name, count=5, registered=(now - 90 * DAY, now - 80 * DAY))
        account.ecs.seed_family(
            name, count=active, status=Status.ACTIVE, registered=(now - 40 * DAY, now - 20 * DAY), lifetime=None
        )
        account.ecs.seed_service("prod", name, task_definition=f"{name}:{5 + active}")
    report = account.runner().sweep(Mode.DELETE, Limits(), lambda _: None, count_all=False)
    calls = report.api_calls
    task_definitions = sum(count for name, count in calls.items() if "TaskDefinition" in name)
    orphans = report.active_orphans
    return {
        "families": families,
        "ACTIVE each": active,
        "orphans": -1 if orphans is None else orphans.value,
        "lists": calls["ListTaskDefinitions"],
        "describes": calls["DescribeTaskDefinition"],
        "to read usage": sum(calls.values()) - task_definitions,
    }


def nights(orphans: int, dose: int) -> list[dict[str, float]]:
    """Deregister so many a night until none is left, and sweep on; one number in twenty is an orphan, the rest gone."""
    account = Account()
    now = account.clock.now()
    step = DAY / 100
    for place in range(orphans):
        moment = now - 400 * DAY + place * step
        account.ecs.seed_family("airflow", count=19, status=Status.GONE)
        account.ecs.seed_family(
            "airflow", count=1, status=Status.ACTIVE, registered=(moment, moment), lifetime=None, registered_by=AIRFLOW
        )
    account.ecs.seed_family("airflow", count=1, status=Status.ACTIVE, registered=(now, now), lifetime=None)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        policy = Path(folder) / "policy.toml"
        policy.write_text(
            f'max_deregistrations = {dose}\n[[rule]]\nfamilies = ["*"]\nkeep_newest = 0\n'
            'orphans = { older_than = "14d", registered_by = ["arn:aws:sts::*:assumed-role/airflow-*"] }\n',
            encoding="utf-8",
        )
        settings = load(Flags(policy=policy))
        limits = Limits(max_deregistrations=dose)
        for night in range(orphans // dose + 3):
            account.clock.set(now + night * DAY)
            runner = Runner(
                place_of(account.ecs, account.clock), settings, store=Store(blobs=FolderBlobs(Path(folder)))
            )
            report = runner.sweep(Mode.DELETE, limits, lambda _: None, count_all=False)
            assert not report.causes, report.ending_words
            calls = Counter(report.api_calls)
            deregistered = report.deregistrations.outcome(OutcomeKind.DEREGISTERED)
            rows.append({
                "night": night + 1,
                "INACTIVE before": min(orphans, night * dose),
                "deregistered": deregistered,
                "describes": calls["DescribeTaskDefinition"],
                "describes without those for a deregistration": calls["DescribeTaskDefinition"] - 3 * deregistered,
                "lists": calls["ListTaskDefinitions"] - deregistered,
                "hours": round(report.seconds / 3600, 1),
                "throttled": sum(report.throttled_calls.values()),
            })  # fmt: skip
    return rows


def main() -> None:
    """Print both tables."""
    show(
        "300 families, each with a service on its newest: a sweep's calls", [alone(healthy, 300, n) for n in (1, 2, 5)]
    )
    show("20,000 orphans, 5,000 a night", nights(20_000, 5_000))


if __name__ == "__main__":
    main()

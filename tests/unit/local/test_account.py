from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest

from janitor.local.account import believable_account
from janitor.local.behaviour import Behaviour, Cursor
from janitor.local.clock import VirtualClock
from tests.unit.local.support import ask, listed, pages

if TYPE_CHECKING:
    from janitor.local.ecs import EmbeddedEcs

CALM = Behaviour(throttling=False, cursor=Cursor.STABLE)
RETENTION = timedelta(days=180)


@cache
def account() -> EmbeddedEcs:
    """Return the account, made once: no test here changes it."""
    return believable_account(VirtualClock(), behaviour=CALM)


def families() -> list[str]:
    """Return the families' names."""
    names: list[str] = ask(account(), "ListTaskDefinitionFamilies")["families"]
    return names


def aged(family: str, retention: timedelta = RETENTION, keep_newest: int = 2) -> list[int]:
    """Return which numbers have been INACTIVE for that long and are not among the newest."""
    ecs = account()
    found = ecs._families.get(family)
    assert found is not None
    cutoff = (ecs.clock.now() - retention).timestamp()
    inactive = ecs.numbers(family, "INACTIVE")
    return [number for number in inactive[: len(inactive) - keep_newest] if 0 < found.deregistered[number] <= cutoff]


def test_the_account_has_about_sixteen_thousand_revisions_due() -> None:
    """Half an hour's deletion, most of it in one family of over a hundred thousand."""
    due = {family: len(aged(family)) for family in families()}

    assert len(due) >= 12
    assert 15_000 <= sum(due.values()) <= 18_000
    assert 13_500 <= due["airflow-dbt-hourly"] <= 14_500
    assert account().count("airflow-dbt-hourly") > 100_000


def test_the_big_family_grows_ever_faster() -> None:
    """More was registered in the last thirty days than in the thirty before, and so on backwards."""
    months = [len(aged("airflow-dbt-hourly", timedelta(days=days), 0)) for days in (120, 90, 60, 30, 1)]
    added = [later - earlier for earlier, later in itertools.pairwise(months)]

    assert added == sorted(added)


@pytest.mark.parametrize(
    ("family", "number", "user"),
    [
        ("storefront-web", 23, "service"),
        ("checkout-api", 31, "deployment"),
        ("pricing-api", 18, "task set"),
        ("session-worker", 5, "task"),
    ],
)
def test_an_old_revision_is_in_use(family: str, number: int, user: str) -> None:
    """By a service, a deployment, a task set, a task: each keeps one that is otherwise due."""
    ecs = account()
    arn = ecs.names.task_definition(family, number)
    assert number in aged(family)
    services = ask(ecs, "DescribeServices", cluster="production", services=[family])["services"]
    tasks = ask(
        ecs, "DescribeTasks", cluster="production", tasks=ask(ecs, "ListTasks", cluster="production")["taskArns"]
    )
    used_by = {
        "service": [service.get("taskDefinition") for service in services],
        "deployment": [each["taskDefinition"] for service in services for each in service["deployments"]],
        "task set": [each["taskDefinition"] for service in services for each in service["taskSets"]],
        "task": [task["taskDefinitionArn"] for task in tasks["tasks"]],
    }

    assert arn in used_by[user]


def test_some_families_are_special() -> None:
    """Orphans, gaps, missing dates, tags, a bulk deregistration, a dead family and a young one."""
    ecs = account()

    assert len(ecs.numbers("airflow-ingest-orders", "ACTIVE")) == 5
    assert ecs.status("airflow-ingest-orders", 1) is None
    assert (
        "registeredAt"
        not in ask(ecs, "DescribeTaskDefinition", taskDefinition="dagster-finance-close:1")["taskDefinition"]
    )
    assert tags("airflow-ml-scoring:150") == {"janitor:keep"}
    assert tags("batch-genome-align:1") == {"AWSBatchServiceTag"}
    assert ecs.count("airflow-backfill-events") == 800
    assert aged("airflow-backfill-events") == aged("prefect-quality-checks") == []
    assert ecs.count("legacy-report-export", "INACTIVE") == ecs.count("legacy-report-export") == 48
    assert len(aged("legacy-report-export", keep_newest=0)) == 48


def tags(reference: str) -> set[str]:
    """Return the keys of a revision's tags."""
    body = ask(account(), "DescribeTaskDefinition", taskDefinition=reference, include=["TAGS"])
    return {tag["key"] for tag in body["tags"]}


def test_registration_dates_rise_with_the_number() -> None:
    """Inside each family, and nothing was deregistered before it was registered, or in the future."""
    ecs = account()
    now = ecs.clock.now().timestamp()
    for name in families():
        family = ecs._families.get(name)
        assert family is not None
        dated = [number for number in range(1, family.highest + 1) if family.registered[number]]
        existing = [number for number in dated if ecs.status(name, number)]
        registered = [family.registered[number] for number in existing]
        assert registered == sorted(registered)
        assert registered[-1:] <= [now]
        assert all(
            family.registered[number] <= family.deregistered[number] <= now
            for number in existing
            if family.deregistered[number]
        )


def test_the_account_is_the_same_each_time() -> None:
    """Ids and all, for one seed and one present."""
    answers = []
    for _ in range(2):
        ecs = believable_account(VirtualClock(), behaviour=replace(CALM))
        services = pages(ecs, "ListServices", "serviceArns", cluster="production")
        tasks = pages(ecs, "ListTasks", "taskArns", cluster="production")
        answers.append((services, tasks, listed(ecs, familyPrefix="storefront-web", status="INACTIVE")))

    assert answers[0] == answers[1]

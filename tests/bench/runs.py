"""One run of each kind in a large account: an invocation of the function, a bounded report, and what Python costs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from janitor.core.model import OutcomeKind
from janitor.demo import embedded_place
from janitor.function import MARGIN
from janitor.sweep.events import Limits, Submitting
from tests.bench.accounts import DAY, HOUR, Account

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ecs.client import ECSClient

    from janitor.sweep.events import Event

LAMBDA = 900.0


def invocation(due: int, services: int, tasks: int) -> dict[str, float]:
    """Do one invocation's part: everything is due, and usage has to be read before the first deletion."""
    account = Account()
    account.due(due)
    now = account.clock.now()
    for number in range(services):
        family = f"service-{number:04}"
        account.ecs.seed_family(family, count=5, registered=(now - 90 * DAY, now - DAY), lifetime=HOUR)
        account.ecs.seed_service(
            f"cluster-{number % 10}", family, task_definition=f"{family}:5", previous_revisions=[f"{family}:4"]
        )
    for number in range(tasks):
        account.ecs.seed_task(f"cluster-{number % 10}", f"service-{number % services:04}:5")
    first = _First(account)
    report = account.sweep(observe=first, seconds=LAMBDA - MARGIN)
    return {
        "due": due,
        "services": services,
        "tasks": tasks,
        "deleted": report.outcome(OutcomeKind.DELETED),
        "seconds": round(report.seconds, 1),
        "first delete after": round(first.seconds, 1),
        "throttled": sum(report.throttled_calls.values()),
    }


class _First:
    """Notes when the first batch was submitted."""

    def __init__(self, account: Account) -> None:
        self._clock = account.clock
        self._start = account.clock.monotonic()
        self.seconds = float("inf")

    def __call__(self, event: Event) -> None:
        if isinstance(event, Submitting):
            self.seconds = min(self.seconds, self._clock.monotonic() - self._start)


def survey(families: int, size: int, max_reads: int) -> dict[str, float]:
    """Report within a budget on families of a size, half of which is due."""
    account = Account()
    for number in range(families):
        account.due(size // 2, f"family-{number}")
        account.young(size - size // 2, f"family-{number}")
    report = account.runner(max_reads=max_reads).survey(Limits(), lambda _: None)
    truth = families * (size // 2)
    return {
        "families": families,
        "reads": sum(report.api_calls.values()),
        "seconds": round(report.seconds, 1),
        "due low": report.due.low,
        "due high": report.due.high,
        "holds": float(report.due.low <= truth <= report.due.high),
    }


def cpu(due: int, rounds: int) -> dict[str, float]:
    """Sweep, then make the same calls in a bare boto3 loop on an account just like it, turn by turn: medians of CPU.

    On one core, which is more than a function of the stack's memory has. On two, the virtual clock's threads hand over
    from one to the other, and that costs as much as the sweep does beyond the loop.
    """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    turns = [(_cpu_of(due, _swept), _cpu_of(due, lambda account: _looped(account, due))) for _ in range(rounds)]
    return {
        "due": due,
        "CPU s": round(statistics.median(ours for ours, _ in turns), 1),
        "bare CPU s": round(statistics.median(bare for _, bare in turns), 1),
        "ratio": round(statistics.median(ours / bare for ours, bare in turns), 2),
    }


def _cpu_of(due: int, run: Callable[[Account], None]) -> float:
    account = Account()
    account.due(due)
    started = time.process_time()
    run(account)
    return time.process_time() - started


def _swept(account: Account) -> None:
    report = account.sweep()
    _CALLS.update(report.api_calls)


_CALLS: dict[str, int] = {}


_OTHERS = {
    "ListTaskDefinitionFamilies": ("ecs", "list_task_definition_families"),
    "ListClusters": ("ecs", "list_clusters"),
    "ListEventBuses": ("events", "list_event_buses"),
    "ListRules": ("events", "list_rules"),
    "ListSchedules": ("scheduler", "list_schedules"),
    "ListStateMachines": ("stepfunctions", "list_state_machines"),
}


def _looped(account: Account, due: int) -> None:
    place = embedded_place(account.ecs, account.clock)
    ecs = place.client
    for operation, (service, method) in _OTHERS.items():
        for _ in range(_CALLS.get(operation, 0)):
            getattr(place.client_of(service), method)()
    for _ in range(_CALLS["ListTaskDefinitions"]):
        ecs.list_task_definitions(familyPrefix="airflow", status="INACTIVE", maxResults=100)
    for number in range(_CALLS["DescribeTaskDefinition"]):
        account.clock.sleep(1 / 12)  # or the embedded ECS would throttle
        ecs.describe_task_definition(taskDefinition=f"airflow:{1 + number % due}", include=["TAGS"])
    _delete_all(ecs, account, due)


def _delete_all(ecs: ECSClient, account: Account, due: int) -> None:
    for first in range(1, due + 1, 10):
        account.clock.sleep(1)
        ecs.delete_task_definitions(taskDefinitions=[f"airflow:{number}" for number in range(first, first + 10)])


OURS = "import janitor.handler; janitor.handler._ready('123456789012')"
BARE = "import boto3, aws_lambda_powertools, aws_lambda_powertools.metrics; boto3.client('ecs')"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nobody",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "JANITOR_STACK": "prod",
    "JANITOR_MODE": "delete",
    "JANITOR_BRAKE": "/janitor/brake",
    "JANITOR_STORE": "s3://bucket/janitor",
}
"""As a stack sets it: a store and a brake, so a client for each."""


def start(rounds: int) -> dict[str, float]:
    """Make the handler ready for its first event, and a bare boto3 client with Powertools, turn by turn: wall times."""
    for code in (OURS, BARE):
        _seconds(code)
    turns = [(_seconds(OURS), _seconds(BARE)) for _ in range(rounds)]
    ratio = statistics.median(ours / bare for ours, bare in turns)
    return {
        "rounds": rounds,
        "ms": round(1000 * statistics.median(ours for ours, _ in turns)),
        "bare ms": round(1000 * statistics.median(bare for _, bare in turns)),
        "ratio": round(ratio, 2),
    }


def _seconds(code: str) -> float:
    timed = f"import time; t = time.perf_counter()\n{code}\nprint(time.perf_counter() - t)"
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", timed], check=True, capture_output=True, text=True, env=environment
    )
    return float(done.stdout)

"""At the speed ECS permits, and beside others: simulated time, refusals and calls on the embedded ECS."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import ceil, log2
from typing import TYPE_CHECKING

import pytest

from janitor.core.model import BATCH_SIZE, Mode, OutcomeKind
from janitor.core.pacing import OURS, Bucket, Rate, our_share
from janitor.demo import embedded_place
from janitor.local.behaviour import Behaviour, Cursor
from janitor.local.families import Status
from janitor.runner import Runner
from janitor.sweep.events import Limits, Submitting
from tests.bench import neighbours
from tests.bench.accounts import DAY, HOUR, JITTER, Account
from tests.builders import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.core.report import Report
    from janitor.sweep.events import Event

DUE = 600
BOUND = DUE / BATCH_SIZE - 5
"""Seconds that deleting takes at a call a second, with five at once to begin with."""


@pytest.mark.parametrize(("latency", "part"), [(JITTER, 1.02), ((2.0, 2.0), 1.02), ((4.0, 5.0), 1.2)])
def test_however_slow_the_answers_deletes_leave_at_one_a_second(latency: tuple[float, float], part: float) -> None:
    """Describes run, and the next page is fetched, while deletes wait for their tokens or answers."""
    account = Account(behaviour=Behaviour(latency=latency, cursor=Cursor.STABLE))
    account.due(DUE)
    submitted: list[float] = []

    def observe(event: Event) -> None:
        if isinstance(event, Submitting):
            submitted.append(account.clock.monotonic())

    report = account.sweep(observe=observe)
    assert report.outcome(OutcomeKind.DELETED) == DUE
    assert report.throttled_calls == {}
    until_the_first_is_accepted = 2 * latency[1]
    assert submitted[-1] - submitted[0] <= BOUND * part + until_the_first_is_accepted


def test_the_first_delete_leaves_within_five_seconds() -> None:
    """It does not wait for the family to be listed."""
    account = Account()
    account.due(20_000)
    first: list[float] = []

    def observe(event: Event) -> None:
        if isinstance(event, Submitting) and not first:
            first.append(account.clock.monotonic())

    account.sweep(observe=observe, seconds=20)
    assert first
    assert first[0] <= 5


def test_deploys_at_30_percent_of_the_shared_buckets_are_refused_nothing() -> None:
    """The bench's scenario, smaller: the deploys' share and ours fit beside each other."""
    account = Account()
    account.ecs.seed_family("web", count=3)
    account.due(DUE)
    others = neighbours.Neighbours(account)
    others.start({"describe": 5.0, "list": 1.0, "register": 0.3})
    report = account.sweep()
    others.stop()
    assert report.throttled_calls == {}
    assert others.calls.total() > 6 * report.seconds * 0.8
    assert others.refused.total() == 0


@pytest.mark.parametrize("raise_by", [1, 5])
def test_an_account_whose_rate_was_raised_is_swept_as_much_faster(raise_by: int) -> None:
    """The table is a setting: the bucket that AWS Support has raised, and the share of it."""
    published = Behaviour(latency=JITTER).buckets
    delete = published["task definition deletion"]
    raised = {**published, "task definition deletion": replace(delete, refill=raise_by, burst=delete.burst)}
    read = replace(published["task definition read"], refill=100)
    account = Account(behaviour=Behaviour(latency=JITTER, buckets={**raised, "task definition read": read}))
    account.due(DUE)
    rates = {
        **OURS,
        Bucket.DELETE: our_share(Bucket.DELETE, Rate(burst=5, per_second=raise_by)),
        Bucket.READ: our_share(Bucket.READ, Rate(burst=50, per_second=100)),
    }
    settings = replace(settings_of(account.runner().settings.policy), rates=rates)
    runner = Runner(embedded_place(account.ecs, account.clock), settings)
    report = runner.hop(Mode.DELETE, Limits(), lambda _: None)[0]
    assert report.outcome(OutcomeKind.DELETED) == DUE
    assert report.throttled_calls == {}
    assert report.seconds <= BOUND / raise_by * 1.05 + 8


def _gaps(account: Account) -> None:
    now = account.clock.now()
    for place in range(20):
        moment = now - (700 - 20 * place) * DAY
        account.ecs.seed_family("airflow", count=30, registered=(moment, moment + HOUR), lifetime=HOUR)
        account.ecs.seed_family("airflow", count=97, status=Status.GONE)
    account.young(300)


def _equal_dates(account: Account) -> None:
    moment = account.clock.now() - 400 * DAY
    account.ecs.seed_family("airflow", count=DUE, registered=(moment, moment), lifetime=HOUR)
    account.young(300)


def _undated_below(account: Account) -> None:
    account.ecs.seed_family("airflow", count=200, registered=None, deregistered_at=None, lifetime=None)
    account.due(DUE)
    account.young(300)


def _bulk_below(account: Account) -> None:
    account.bulk(500)
    account.due(DUE)
    account.young(300)


def _all_due(account: Account) -> None:
    account.due(DUE)


def _all_young(account: Account) -> None:
    account.young(3_000)


def _empty(account: Account) -> None:
    account.ecs.seed_family("airflow", count=1, status=Status.ACTIVE)


@pytest.mark.parametrize(
    ("shape", "due", "judged"),
    [
        (_gaps, 600, 600),
        (_equal_dates, 600, 600),
        (_undated_below, 600, 800),
        (_bulk_below, 600, 1_100),
        (_all_due, 600, 600),
        (_all_young, 0, 0),
        (_empty, 0, 0),
    ],
)
def test_every_shape_costs_what_is_judged_and_little_more(
    shape: Callable[[Account], None], due: int, judged: int
) -> None:
    """A describe for each that may be due, log2(n) for the boundary in each round, and a handful to measure growth."""
    account = Account()
    shape(account)
    exists = account.ecs.count("airflow")
    report = account.sweep()
    assert report.outcome(OutcomeKind.DELETED) == due
    assert report.causes == ()
    growth = 10
    assert report.api_calls["DescribeTaskDefinition"] <= judged + 4 * ceil(log2(exists + 1)) + growth
    assert report.api_calls.get("DeleteTaskDefinitions", 0) <= ceil(due / BATCH_SIZE) + 3
    assert report.api_calls["ListTaskDefinitions"] <= 3 * (judged // 100 + 1) + 12


def test_a_second_night_is_cheap_whatever_is_retained() -> None:
    """Calls follow what is due."""
    calls = []
    for retained in (500, 20_000):
        account = Account()
        account.due(DUE)
        account.young(retained)
        calls.append(sum(_swept(account).api_calls.values()))
    assert calls[1] <= 1.02 * calls[0]


def _swept(account: Account) -> Report:
    report = account.sweep()
    assert timedelta(seconds=report.seconds) < HOUR
    return report

"""The alarms that the program declares, over the metrics that real runs print: what rings, when, and what does not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from janitor.local.behaviour import Behaviour
from janitor.local.families import Status
from janitor.local.faults import Fault
from tests.infra.evaluator import State
from tests.infra.nights import DAY, FIRST, HOUR, Account, Watch, stacks_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.infra.nights import Stack
    from tests.infra.program import Deployed

    Put = Callable[..., AbstractContextManager[list[Stack]]]

AFTER = FIRST + HOUR
"""When the first night's figures are in: until then a new stack has had no sweep, and says so."""


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Provide a way to put stacks into an account."""

    def stacks(account: Account, *deployed: Deployed) -> AbstractContextManager[list[Stack]]:
        return stacks_in(account, *deployed, folder=tmp_path, monkeypatch=monkeypatch)

    return stacks


def _watch(stack: Stack) -> Watch:
    return Watch(stack.deployed, stack.figures)


def _usual(account: Account) -> Account:
    """Add what an account has: something due, something young, a family that is at rest."""
    account.old("airflow", 60)
    account.lately("airflow", 90)
    account.lately("web", 30)
    return account


def test_a_quiet_healthy_month_rings_nothing(put: Put, prod: Deployed, dev: Deployed) -> None:
    """Thirty nights, something to delete in the first, in both kinds of stack."""
    account = _usual(Account())
    with put(account, prod, dev) as (deleting, reporting):
        for _ in range(30):
            reporting.night()
            deleting.night()
            account.until_next_night()
        end = account.clock.now()
        assert end - FIRST > 29 * DAY
        assert not _watch(deleting).rang(AFTER, end)
        assert not _watch(reporting).rang(AFTER, end)
        assert not deleting.others.of("Sweep Unfinished")
        assert len(deleting.others.of("Sweep Finished")) == 60
        assert account.ecs.calls["DeleteTaskDefinitions"] > 0


def test_a_family_at_81_percent_by_number_rings_that_warning_and_nothing_else(put: Put, prod: Deployed) -> None:
    """Its revisions are gone, its numbers are not; and a message names it."""
    account = _usual(Account())
    account.gone("etl", 810_000 - 50)
    account.lately("etl", 50)
    with put(account, prod) as (stack,):
        stack.nights(3)
        assert _watch(stack).rang(AFTER, account.clock.now()) == {"number-warning"}
        assert [event["detail"]["message"].partition(":")[0] for event in stack.finished] == ["etl"] * 3


def test_a_family_at_81_percent_by_count_rings_the_warnings_and_nothing_else(put: Put, prod: Deployed) -> None:
    """What exists has a number as well."""
    account = Account()
    account.lately("etl", 810_000)
    with put(account, prod) as (stack,):
        stack.night()
        assert _watch(stack).rang(AFTER, AFTER + DAY) == {"count-warning", "number-warning"}


def test_a_family_at_96_percent_rings_the_critical_alarms_too(put: Put, prod: Deployed) -> None:
    """Both by number; nothing that exists."""
    account = Account()
    account.gone("etl", 960_000)
    account.lately("etl", 3)
    with put(account, prod) as (stack,):
        stack.night()
        assert _watch(stack).rang(AFTER, AFTER + DAY) == {"number-warning", "number-critical"}


def test_a_family_below_the_thresholds_rings_nothing(put: Put, prod: Deployed) -> None:
    """79 percent: nobody is woken and nobody is told."""
    account = Account()
    account.gone("etl", 790_000)
    account.lately("etl", 3)
    with put(account, prod) as (stack,):
        stack.nights(2)
        assert not _watch(stack).rang(AFTER, account.clock.now())
        assert not stack.finished


def test_less_than_ninety_days_to_the_limit_ring(put: Put, prod: Deployed) -> None:
    """At 3,500 a day, which alone rings nothing, 700,000 are 86 days away from the limit."""
    account = Account()
    account.lately("etl", 700_000 - 24_500)
    now = account.clock.now()
    account.ecs.seed_family("etl", count=24_500, registered=(now - 7 * DAY, now), lifetime=HOUR)
    with put(account, prod) as (stack,):
        stack.night()
        assert _watch(stack).rang(AFTER, AFTER + DAY) == {"days-to-limit"}


def test_growth_rings_even_in_a_small_family(put: Put, prod: Deployed) -> None:
    """It goes on ringing while the fast days are in sight, and stops when the family has come to rest."""
    account = _usual(Account())
    now = account.clock.now()
    account.ecs.seed_family("new-dag", count=30_000, registered=(now - 6 * DAY, now), lifetime=HOUR)
    with put(account, prod) as (stack,):
        stack.nights(14)
        changes = _watch(stack).changes(AFTER, account.clock.now())
        assert _watch(stack).rang(AFTER, account.clock.now()) == {"growth"}
        assert [state for _, state in changes["growth"]] == [State.ALARM, State.OK]


@pytest.mark.parametrize("by_hand", [False, True])
def test_nights_without_a_sweep_ring_within_27_hours(put: Put, prod: Deployed, *, by_hand: bool) -> None:
    """A report typed by hand in between silences nothing; the next sweep sends OK."""
    account = _usual(Account())
    with put(account, prod) as (stack,):
        stack.nights(5)
        last = account.clock.now()
        account.wait_until(last + 20 * HOUR)
        if by_hand:
            assert stack.by_hand({})["mode"] == "report"
            assert stack.by_hand({"mode": "delete", "families": ["web"]})["mode"] == "delete"
        account.wait_until(last + 60 * HOUR)
        stack.night()
        changes = _watch(stack).changes(AFTER, account.clock.now() + 3 * HOUR)
        (_, ok), (rang, alarm), (recovered, again) = changes.pop("no-sweep")
        assert (ok, alarm, again) == (State.OK, State.ALARM, State.OK)
        assert last + 24 * HOUR < rang <= last + 27 * HOUR
        assert recovered <= account.clock.now() + HOUR
        assert not {name for name, each in changes.items() if State.ALARM in {state for _, state in each}}


def test_a_stack_that_has_never_swept_rings(prod: Deployed, put: Put) -> None:
    """A schedule that never starts anything is found out on the first day."""
    with put(Account(), prod) as (stack,):
        assert _watch(stack).rang(FIRST, FIRST + 2 * HOUR) == {"no-sweep"}


def test_a_dev_stack_in_the_same_account_masks_nothing(put: Put, prod: Deployed, dev: Deployed) -> None:
    """It sweeps each night; the one that should delete does not, and rings."""
    account = _usual(Account())
    with put(account, prod, dev) as (deleting, reporting):
        deleting.night()
        for _ in range(3):
            account.until_next_night()
            reporting.night()
        assert _watch(deleting).rang(AFTER, account.clock.now()) == {"no-sweep"}
        assert not _watch(reporting).rang(AFTER + DAY, account.clock.now())


def test_a_drain_of_28_hours_does_not_ring(put: Put, prod: Deployed) -> None:
    """Hop after hop says that it is alive, here at four times the distance that real hops have."""
    account = Account(behaviour=Behaviour(latency=(4.0, 4.0)))
    account.old("etl", 700)
    with put(account, prod) as (stack,):
        stack.night(short=29, pause=timedelta(minutes=58))
        drained = account.clock.now()
        assert timedelta(hours=28) < drained - FIRST < timedelta(hours=40)
        assert len(stack.others.of("Sweep Unfinished")) >= 29
        assert not _watch(stack).rang(AFTER, drained + 20 * HOUR)


def test_a_refused_revision_rings_and_the_next_night_sends_ok(put: Put, prod: Deployed) -> None:
    """Refused is no exception: the function does not fail, and nothing lies in the queue."""
    account = _usual(Account())
    account.ecs.faults.add(Fault(operation="DeleteTaskDefinitions", code="ClientException", times=60))
    with put(account, prod) as (stack,):
        stack.nights(2)
        changes = _watch(stack).changes(AFTER, account.clock.now())
        rang = {name for name, each in changes.items() if State.ALARM in {state for _, state in each}}
        assert rang == {"refused"}
        assert [state for _, state in changes["refused"]] == [State.ALARM, State.OK]


def test_a_run_that_needs_a_person_rings_and_lies_in_the_queue(put: Put, prod: Deployed) -> None:
    """A permission is missing: the function fails, its retry too. No sweep either, a day later."""
    account = _usual(Account())
    account.ecs.faults.add(
        Fault(operation="ListTaskDefinitionFamilies", code="AccessDeniedException", message="not authorized")
    )
    with put(account, prod) as (stack,):
        stack.night()
        watch = _watch(stack)
        assert watch.rang(FIRST, FIRST + HOUR) >= {"errors", "failures"}
        assert watch.rang(AFTER + DAY, AFTER + DAY + 4 * HOUR) == {"no-sweep"}


def test_a_brake_rings_after_a_day(put: Put, prod: Deployed) -> None:
    """While it keeps a sweep from its work: it was put on by a person, and must not be forgotten."""
    account = _usual(Account())
    with put(account, prod) as (stack,):
        stack.night()
        stack.others.parameters[prod.environment["JANITOR_BRAKE"]] = "on"
        account.old("etl", 20)
        account.until_next_night()
        stack.nights(2)
        assert _watch(stack).rang(AFTER, account.clock.now()) == {"no-sweep"}


@pytest.mark.parametrize(("hours", "rings"), [(23, False), (26, True)])
def test_a_revision_stuck_in_delete_in_progress_rings(hours: int, *, rings: bool, put: Put, prod: Deployed) -> None:
    """A task that never ends holds it for more than 25 hours."""
    account = _usual(Account())
    now = account.clock.now()
    account.ecs.seed_family(
        "etl",
        count=1,
        status=Status.DELETE_IN_PROGRESS,
        registered=(now - 300 * DAY, now - 300 * DAY),
        delete_requested_at=now - hours * HOUR,
    )
    account.lately("etl", 3)
    account.ecs.seed_task("main", "etl:1")
    with put(account, prod) as (stack,):
        stack.night()
        assert _watch(stack).rang(AFTER, AFTER + 2 * HOUR) == ({"stuck"} if rings else set())


def test_every_metric_of_an_alarm_is_one_that_a_night_prints(put: Put, prod: Deployed) -> None:
    """Same namespace, same dimensions: an alarm on a metric that never comes would be silent for ever."""
    account = _usual(Account())
    with put(account, prod) as (stack,):
        stack.night()
        printed = {
            (namespace, metric, tuple(sorted(dimensions))) for namespace, metric, dimensions in stack.figures.known
        }
    watched = {
        (metric["namespace"], metric["metricName"], tuple(sorted(metric["dimensions"].items())))
        for alarm in prod.of("MetricAlarm")
        for metric in (
            [alarm.inputs]
            if "metricName" in alarm.inputs
            else [each["metric"] for each in alarm.inputs["metricQueries"] if "metric" in each]
        )
        if metric["namespace"] == "RevisionJanitor"
    }
    assert watched <= printed

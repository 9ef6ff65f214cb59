"""Nights of a deployed stack: the real handler on an embedded ECS, woken as the program's schedule and rule would.

ECS and the clock are ours; the handler, its settings from the program's variables, its wiring, its events and what it
prints are real. What Lambda and SQS would measure is added: an error for each run that raised, and a message in the
queue of failures once its retries are used up.
"""

from __future__ import annotations

import io
import json
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import janitor.handler
from janitor.function_wiring import function_world
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.families import Status
from tests.builders import place_of
from tests.e2e.lambda_runtime import neighbours
from tests.infra.evaluator import Figures, Point, State, emf_points, states
from tests.infra.patterns import matches
from tests.infra.program import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pytest

    from janitor.function import World
    from janitor.settings.function import FunctionSettings
    from tests.e2e.lambda_runtime import Neighbours
    from tests.infra.program import Deployed

FIRST = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

SHORT, LONG = 62.0, 900.0
"""Seconds that an invocation has: hardly more than the least, and Lambda's most."""

READY = janitor.handler._ready.__wrapped__
"""How the handler starts in a new sandbox, without its memory."""


@dataclass
class Account:
    """An account: its ECS and its clock. ``old`` is long due, ``young`` is not, and nothing grows."""

    clock: VirtualClock = field(default_factory=lambda: VirtualClock(FIRST))
    behaviour: Behaviour = field(default_factory=Behaviour)

    def __post_init__(self) -> None:
        self.ecs = EmbeddedEcs(clock=self.clock, behaviour=self.behaviour, account=ACCOUNT, region="eu-west-1")

    def old(self, family: str, count: int) -> None:
        """Add revisions that are due."""
        now = self.clock.now()
        self.ecs.seed_family(family, count=count, registered=(now - 400 * DAY, now - 390 * DAY), lifetime=DAY)

    def lately(self, family: str, count: int, *, days: float = 150) -> None:
        """Add revisions that were all registered so many days ago, and that no sweep of this month will find due."""
        then = self.clock.now() - timedelta(days=days)
        self.ecs.seed_family(family, count=count, registered=(then, then + HOUR), lifetime=HOUR)

    def gone(self, family: str, count: int) -> None:
        """Let numbers be used up."""
        self.ecs.seed_family(family, count=count, status=Status.GONE)

    def until_next_night(self) -> None:
        """Let time pass until the schedule starts a sweep."""
        now = self.clock.now()
        tonight = now.replace(hour=3, minute=0, second=0, microsecond=0)
        self.wait_until(tonight if tonight > now else tonight + DAY)

    def wait_until(self, moment: datetime) -> None:
        """Let time pass."""
        self.clock.sleep((moment - self.clock.now()).total_seconds())


@dataclass
class Stack:
    """A deployed stack in an account."""

    account: Account
    deployed: Deployed
    others: Neighbours
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    figures: Figures
    finished: list[Mapping[str, Any]] = field(default_factory=list)
    _seconds: float = LONG
    _warm: tuple[FunctionSettings, World] | None = None

    def night(self, *, short: int = 0, pause: timedelta = timedelta()) -> None:
        """Let the schedule start a sweep, and each hop wake the next; some are short, with a pause after each."""
        hop = 0
        event: Mapping[str, Any] | None = json.loads(self.deployed.one("Schedule").inputs["target"]["input"])
        while event is not None:
            published = len(self.others.events)
            hop += 1
            self._seconds = SHORT if hop <= short else LONG
            self._tried(event)
            new = self.others.events[published:]
            event = next((each for each in new if self._wakes(each, "-hops")), None)
            self.account.clock.sleep(pause.total_seconds() if hop <= short else 0)
            self.finished += [each for each in new if self._wakes(each, "-near-limit")]

    def by_hand(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke the function in the console."""
        return self._invoked(event)

    def nights(self, count: int) -> None:
        """Let some nights pass, each with a sweep; the present one is the first."""
        for night in range(count):
            if night:
                self.account.until_next_night()
            self.night()

    def _wakes(self, event: Mapping[str, Any], rule: str) -> bool:
        return matches(json.loads(self.deployed.one("EventRule", rule).inputs["eventPattern"]), event)

    def _tried(self, event: Mapping[str, Any]) -> None:
        """Invoke as Lambda does asynchronously: again where it fails, then to the queue."""
        for _ in range(1 + int(self.deployed.one("FunctionEventInvokeConfig").inputs["maximumRetryAttempts"])):
            try:
                self._invoked(event)
            except Exception:  # noqa: BLE001 - whatever it is, Lambda counts it
                self._measured("AWS/Lambda", "Errors", "FunctionName", self.deployed.function.inputs["name"])
                self.account.clock.sleep(60)
            else:
                return
        queue = self.deployed.one("Queue").inputs["name"]
        self._measured("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue)

    def _measured(self, namespace: str, metric: str, dimension: str, name: str) -> None:
        at = self.account.clock.now().timestamp()
        dimensions = frozenset({(dimension, name)})
        self.figures.add([Point(namespace=namespace, metric=metric, dimensions=dimensions, at=at, value=1)])

    def _invoked(self, event: Mapping[str, Any]) -> dict[str, Any]:
        if self._warm is None:
            self._warm = self._started()
        self.monkeypatch.setattr(janitor.handler, "_ready", lambda _: self._warm)
        printed = io.StringIO()
        try:
            with redirect_stdout(printed):
                return janitor.handler.handler(event, _Context(self.deployed, self._seconds))  # type: ignore[arg-type]  # as much as it reads
        finally:
            for line in printed.getvalue().splitlines():
                self.figures.add(emf_points(line))

    def _started(self) -> tuple[FunctionSettings, World]:
        """Start a sandbox, as the handler does, with the program's variables; only the store is a folder."""
        brake = self.deployed.environment["JANITOR_BRAKE"]
        self.others.parameters.setdefault(brake, self.deployed.one("Parameter").inputs["value"])
        place = place_of(self.account.ecs, self.account.clock)
        with self.monkeypatch.context() as patched:
            for name, value in (self.deployed.environment | {"JANITOR_STORE": str(self.folder)}).items():
                patched.setenv(name, value)
            patched.setattr(janitor.handler, "function_world", partial(function_world, place=place))
            return READY(ACCOUNT)


class _Context:
    """What Lambda tells of an invocation."""

    aws_request_id = "7bf73129-1428-4cd3-a780-95db273d1602"

    def __init__(self, deployed: Deployed, seconds: float) -> None:
        name = deployed.function.inputs["name"]
        self.invoked_function_arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:{name}"
        assert deployed.function.inputs["timeout"] == LONG
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1_000)


@dataclass
class Watch:
    """Looks at the alarms of a stack, as declared, over the figures of its account."""

    deployed: Deployed
    figures: Figures

    def changes(self, start: datetime, end: datetime) -> dict[str, list[tuple[datetime, State]]]:
        """Return each alarm's changes of state in a time, by the end of its name."""
        prefix = f"{self.deployed.function.inputs['name']}-"
        return {
            alarm.inputs["name"].removeprefix(prefix): [
                (datetime.fromtimestamp(at, tz=UTC), state)
                for at, state in states(alarm.inputs, self.figures, start.timestamp(), end.timestamp())
            ]
            for alarm in self.deployed.of("MetricAlarm")
        }

    def rang(self, start: datetime, end: datetime) -> set[str]:
        """Return the alarms that rang in a time."""
        return {
            name for name, changes in self.changes(start, end).items() if State.ALARM in {state for _, state in changes}
        }


@contextmanager
def stacks_in(
    account: Account, *deployed: Deployed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Stack]]:
    """Put stacks into an account; their metrics go to one place, as in CloudWatch."""
    figures = Figures()
    with neighbours() as (others, url):
        for name, value in {
            "AWS_ENDPOINT_URL_EVENTBRIDGE": url,
            "AWS_ENDPOINT_URL_SSM": url,
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }.items():
            monkeypatch.setenv(name, value)
        yield [
            Stack(
                account=account,
                deployed=each,
                others=others,
                folder=folder / each.environment["JANITOR_STACK"],
                monkeypatch=monkeypatch,
                figures=figures,
            )
            for each in deployed
        ]

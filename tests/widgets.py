"""The widget on the embedded ECS: what the function stored, and calls as CloudWatch makes them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from janitor.demo import embedded_place
from janitor.function import World as FunctionWorld
from janitor.function import respond as sweep
from janitor.local.clock import VirtualClock
from janitor.runner import Runner, Store
from janitor.settings.function import function_settings
from janitor.store import last_report
from janitor.widget import World, respond
from tests.commandline import small_account
from tests.fakes_store import MemoryBlobs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from janitor.local.ecs import EmbeddedEcs
    from janitor.settings import Settings
    from janitor.settings.function import FunctionSettings

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:customWidget-ecs-revision-janitor-prod"
STACK = {"JANITOR_STACK": "prod", "JANITOR_STORE": "s3://reports"}
PARAMS: Mapping[str, Any] = {"stack": "prod", "stale_hours": 26}
PLENTY = 60.0


def context(*, theme: str = "light", width: float = 588, offset: str = "+00:00", **more: object) -> dict[str, Any]:
    """Return what CloudWatch says of a widget (Amazon CloudWatch user guide, details about custom widgets)."""
    return {
        "dashboardName": "ecs-revision-janitor-prod-eu-west-1",
        "widgetId": "widget-16",
        "accountId": "123456789012",
        "locale": "en",
        "timezone": {"label": "UTC", "offsetISO": offset, "offsetInMinutes": 0},
        "period": 300,
        "isAutoPeriod": True,
        "timeRange": {"mode": "relative", "start": 1627236199729, "end": 1627322599729, "relativeStart": 86400012},
        "theme": theme,
        "linkCharts": True,
        "title": "The last report",
        "forms": {"all": {}},
        "params": dict(PARAMS),
        "width": width,
        "height": 369,
        **more,
    }


def refreshed(*, params: Mapping[str, Any] = PARAMS, **display: Any) -> dict[str, Any]:  # noqa: ANN401 - from outside
    """Return the call of a refresh: the widget's own parameters."""
    return {**params, "widgetContext": context(params=dict(params), **display)}


def pressed(parameters: Mapping[str, object], **display: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Return the call of a button: its parameters alone."""
    return {**parameters, "widgetContext": context(**display)}


@dataclass
class Stage:
    """An account, the store of its function, and its widget."""

    ecs: EmbeddedEcs = field(default_factory=small_account)
    environment: Mapping[str, str] = field(default_factory=lambda: STACK)
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    endpoint: str = ARN

    @property
    def clock(self) -> VirtualClock:
        """The clock that all of it is on."""
        assert isinstance(self.ecs.clock, VirtualClock)
        return self.ecs.clock

    @property
    def calls(self) -> int:
        """Return how many calls ECS and its neighbours have had."""
        return sum(self.ecs.calls.values())

    def sweep(self, mode: str = "report") -> dict[str, Any]:
        """Let the function run as the schedule starts it, and store what it returns."""
        function = function_settings({**STACK, "JANITOR_MODE": mode}, folder=Path())
        world = FunctionWorld(
            runs=lambda settings: Runner(self._place(), settings, store=Store(blobs=self.blobs)),
            publisher=_Nobody(),
            brake=lambda: None,
            metrics=lambda *_args, **_options: None,
            keep_report=lambda answer: last_report.put(self.blobs, json.dumps(answer)),
            observe=lambda _: None,
        )
        return sweep({"trigger": "schedule"}, function, world, seconds_left=900)

    def alter(self, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Change what is stored, as whoever can write to the store may."""
        stored = json.loads(last_report.get(self.blobs) or "{}")
        last_report.put(self.blobs, json.dumps({**stored, **fields}))

    def call(self, event: object) -> str:
        """Call the widget."""
        world = World(now=self._now, last_report=lambda: last_report.get(self.blobs), surveys=self._runner)
        return respond(event, self.function, world, endpoint=self.endpoint, seconds_left=PLENTY)

    @property
    def function(self) -> FunctionSettings:
        """What the widget's environment says."""
        return function_settings(self.environment, folder=Path())

    def _now(self) -> datetime:
        return self.clock.now()

    def _runner(self, settings: Settings) -> Runner:
        return Runner(self._place(), settings)

    def _place(self) -> Any:  # noqa: ANN401 - a place
        return embedded_place(self.ecs, self.clock)


class _Nobody:
    def publish(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Tell nobody."""

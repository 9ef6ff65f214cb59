"""What the benchmarks run on: an embedded ECS with the published rates, answers of 20 to 200 ms, and families."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from janitor.core.model import Mode
from janitor.demo import embedded_place
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.runner import Runner, Store
from janitor.settings import Flags, load
from janitor.sweep.events import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.core.report import Report
    from janitor.ports import Blobs
    from janitor.sweep.events import Event

JITTER = (0.02, 0.2)
"""Seconds an answer takes, drawn evenly."""

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
RETENTION = 180 * DAY


@dataclass
class Account:
    """An account on a virtual clock. Families are seeded from their lowest number up."""

    behaviour: Behaviour = field(default_factory=lambda: Behaviour(latency=JITTER))
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.ecs = EmbeddedEcs(clock=self.clock, behaviour=self.behaviour)

    def due(self, count: int, family: str = "airflow") -> None:
        """Seed revisions past their retention."""
        now = self.clock.now()
        self.ecs.seed_family(family, count=count, registered=(now - 700 * DAY, now - 181 * DAY), lifetime=HOUR)

    def young(self, count: int, family: str = "airflow") -> None:
        """Seed revisions that are not."""
        now = self.clock.now()
        self.ecs.seed_family(family, count=count, registered=(now - 179 * DAY, now - DAY), lifetime=HOUR)

    def bulk(self, count: int, family: str = "airflow") -> None:
        """Seed old revisions, all deregistered three days ago."""
        now = self.clock.now()
        registered = (now - 900 * DAY, now - 720 * DAY)
        self.ecs.seed_family(family, count=count, registered=registered, deregistered_at=now - 3 * DAY)

    def runner(self, blobs: Blobs | None = None, *, max_reads: int | None = None) -> Runner:
        """Return a runner on the account, with a store if there are blobs."""
        store = None if blobs is None else Store(blobs=blobs)
        flags = Flags(keep_newest="0", max_reads=None if max_reads is None else str(max_reads))
        return Runner(embedded_place(self.ecs, self.clock), load(flags), store=store)

    def sweep(
        self,
        *,
        blobs: Blobs | None = None,
        observe: Callable[[Event], None] = lambda _: None,
        seconds: float | None = None,
    ) -> Report:
        """Sweep, counting no more than is cheap."""
        return self.runner(blobs).sweep(Mode.DELETE, Limits(max_seconds=seconds), observe, count_all=False)

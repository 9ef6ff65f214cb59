"""What it takes to know who uses what, on the embedded ECS, in virtual time: calls and seconds.

    uv run python -m tests.bench.usage          # a middling account and a large one
    uv run python -m tests.bench.usage --family # the same, all services of the one family that is asked about

Answers take 20 to 200 ms; the rates are those AWS publishes, of which we take our share. What a service ran before is
read only for the services of the family that is asked about: by default one in thirty, with ``--family`` all.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from janitor.aws.client import Api
from janitor.aws.usage import READERS, AwsUsage
from janitor.demo import embedded_place
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs

JITTER = (0.02, 0.2)
"""Seconds an answer takes, drawn evenly."""

FAMILIES = 30


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How much there is to read."""

    clusters: int
    services: int
    tasks: int
    rules: int = 0
    schedules: int = 0
    state_machines: int = 0


SHAPES = (
    Shape(clusters=10, services=300, tasks=1_000),
    Shape(clusters=50, services=1_000, tasks=5_000, rules=500, schedules=500, state_machines=200),
)


def main() -> None:
    """Read the usage of each account and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", action="store_true", help="all services are of the family that is asked about")
    families = 1 if parser.parse_args().family else FAMILIES
    rows = [measured(shape, families=families) for shape in SHAPES]
    table = Table(title=f"Who uses a family, answers of 20 to 200 ms; services of {families} families")
    for heading in rows[0]:
        table.add_column(heading.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(f"{value:,}" for value in row.values()))
    Console(width=160).print(table)


def measured(shape: Shape, *, families: int) -> dict[str, float]:
    """Read who uses one family of an account of a shape."""
    clock = VirtualClock()
    ecs = EmbeddedEcs(clock=clock, behaviour=Behaviour(latency=JITTER))
    _seed(ecs, shape, families)
    place = embedded_place(ecs, clock)
    api = Api(place.client, clock=clock)
    usage = AwsUsage(api, workers=place.executor(READERS), client_of=place.client_of)
    found = usage.of("family-0")
    assert found.unreadable == (), found.unreadable
    return {
        **asdict(shape),
        "calls": sum(api.calls.values()),
        "throttled": sum(api.throttled.values()),
        "simulated s": round(clock.monotonic(), 1),
        "kept": len(found.reasons),
    }


def _seed(ecs: EmbeddedEcs, shape: Shape, families: int) -> None:
    def reference(index: int) -> str:
        return f"family-{index % families}:{index // families + 1}"

    for index in range(shape.services):
        ecs.seed_service(
            f"cluster-{index % shape.clusters}",
            f"service-{index}",
            task_definition=reference(index),
            previous_revisions=[reference(index + step * families) for step in (1, 2)],
        )
    for index in range(shape.tasks):
        ecs.seed_task(f"cluster-{index % shape.clusters}", reference(index))
    for index in range(shape.rules):
        ecs.event_bridge.add(f"rule-{index}", reference(index))
    for index in range(shape.schedules):
        ecs.scheduler.add(f"schedule-{index}", reference(index))
    for index in range(shape.state_machines):
        ecs.step_functions.add(f"machine-{index}", reference(index))


if __name__ == "__main__":
    main()

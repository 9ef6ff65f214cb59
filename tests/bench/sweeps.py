"""Sweeps of several sizes on the embedded ECS, in virtual time: calls, time over the lower bound, memory.

    uv run python -m tests.bench.sweeps                         # 10,000 and 1,000,000 retained, 5,000 due
    uv run python -m tests.bench.sweeps --all-due 10000 1000000 # everything due; the last takes about half an hour

Each sweep runs in a process of its own, so that its peak memory is its own. The embedded ECS is in that memory:
18 bytes a revision.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from datetime import timedelta

from rich.console import Console
from rich.table import Table

from janitor.core.model import Mode, OutcomeKind
from janitor.demo import embedded_place
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.runner import Runner
from janitor.settings import Flags, load
from janitor.sweep.events import Limits

JITTER = (0.02, 0.2)
"""Seconds an answer takes, drawn evenly."""

DUE = 5_000


def main() -> None:
    """Run the sweeps asked for and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all-due", nargs="*", type=int, default=[], metavar="N", help="families of N, all of it due")
    parser.add_argument("--child", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _print(json.dumps(measured(*options.child)))
        return
    shapes = [(size, size) for size in options.all_due] or [(10_000, DUE), (1_000_000, DUE)]
    rows = [_in_a_process(*shape) for shape in shapes]
    table = Table(title="One family, answers of 20 to 200 ms, the rates AWS publishes")
    for heading in rows[0]:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*(f"{value:,}" for value in row.values()))
    Console(width=160).print(table)


def measured(size: int, due: int) -> dict[str, float]:
    """Sweep one family of ``size`` INACTIVE revisions of which ``due`` are old enough."""
    clock = VirtualClock()
    now = clock.now()
    ecs = EmbeddedEcs(clock=clock, behaviour=Behaviour(latency=JITTER))
    hour = timedelta(hours=1)
    ecs.seed_family(
        "airflow", count=due, registered=(now - timedelta(days=700), now - timedelta(days=181)), lifetime=hour
    )
    if size > due:
        young = (now - timedelta(days=179), now - timedelta(days=1))
        ecs.seed_family("airflow", count=size - due, registered=young, lifetime=hour)
    runner = Runner(embedded_place(ecs, clock), load(Flags(keep_newest="0")))
    started = time.process_time()
    report = runner.sweep(Mode.DELETE, Limits(), lambda _: None, count_all=False)
    deleted = report.outcome(OutcomeKind.DELETED)
    simulated = (report.finished_at - report.started_at).total_seconds()
    calls = report.api_calls
    return {
        "revisions": size,
        "due": due,
        "deleted": deleted,
        "delete calls": calls["DeleteTaskDefinitions"],
        "list calls": calls["ListTaskDefinitions"],
        "describe calls": calls["DescribeTaskDefinition"],
        "calls a deletion": round(sum(calls.values()) / deleted, 3),
        "throttled": sum(report.throttled_calls.values()),
        "simulated s": round(simulated),
        "over bound": round(simulated / max(1, due / 10 - 5), 3),
        "peak MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "CPU s": round(time.process_time() - started, 1),
    }


def _in_a_process(size: int, due: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.sweeps", "--child", str(size), str(due)]
    row: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - our own command
    return row


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()

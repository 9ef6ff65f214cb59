"""What archiving costs a sweep of one family: bytes a definition, time and memory, with and without, in virtual time.

    uv run python -m tests.bench.archive            # 10,000 deletions, bodies of a batch job, then of 16 KiB
    uv run python -m tests.bench.archive 1000

The store is a folder, in both cases. Each sweep runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from janitor.aws.blobs import FolderBlobs
from janitor.core.model import Mode, OutcomeKind
from janitor.demo import embedded_place
from janitor.local import bodies
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.runner import Runner, Store
from janitor.settings import Flags, load
from janitor.sweep.events import Limits
from tests.bench.accounts import JITTER

LARGE = 16 * 1024


def main() -> None:
    """Run the sweeps and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("deletions", nargs="?", type=int, default=10_000)
    parser.add_argument("--child", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _print(json.dumps(measured(options.deletions, *options.child)))
        return
    rows = [_in_a_process(options.deletions, size, archive) for size in (0, LARGE) for archive in (0, 1)]
    table = Table(
        title=f"{options.deletions:,} deletions of one family, answers of 20 to 200 ms, the rates AWS publishes"
    )
    for heading in rows[0]:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*(f"{value:,}" for value in row.values()))
    Console(width=160).print(table)


def measured(count: int, size: int, archive: int) -> dict[str, float]:
    """Sweep a family of bodies of about ``size`` bytes, with an archive or without."""
    clock = VirtualClock()
    now = clock.now()
    ecs = EmbeddedEcs(clock=clock, behaviour=Behaviour(latency=JITTER))
    body = bodies.job("airflow", size=size)
    registered = (now - timedelta(days=700), now - timedelta(days=181))
    ecs.seed_family("airflow", count=count, registered=registered, lifetime=timedelta(hours=1), body=body)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(blobs=FolderBlobs(Path(folder)))
        runner = Runner(embedded_place(ecs, clock), load(Flags(keep_newest="0", archive=bool(archive))), store=store)
        started = time.process_time()
        report = runner.sweep(Mode.DELETE, Limits(), lambda _: None, count_all=False)
        assert report.outcome(OutcomeKind.DELETED) == count
        kept = [path.stat().st_size for path in Path(folder, "archive").rglob("*") if path.is_file()]
    simulated = (report.finished_at - report.started_at).total_seconds()
    return {
        "bytes a body": sum(len(json.dumps(body(number))) for number in range(1, 101)) // 100,
        "archived": archive,
        "deletions a second": round(count / simulated, 2),
        "objects": len(kept),
        "bytes a definition": round(sum(kept) / count),
        "peak MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "CPU s": round(time.process_time() - started, 1),
    }


def _in_a_process(count: int, size: int, archive: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.archive", str(count), "--child", str(size), str(archive)]
    row: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - our own command
    return row


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()

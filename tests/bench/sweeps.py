"""Sweeps of several sizes on the embedded ECS, in virtual time: calls, time over the lower bound, memory.

    uv run python -m tests.bench.sweeps                         # 10,000 and 1,000,000 retained, 5,000 due
    uv run python -m tests.bench.sweeps --all-due 10000 1000000 # everything due; the last takes about half an hour

Each sweep runs in a process of its own, so that its peak memory is its own. The embedded ECS is in that memory:
18 bytes a revision.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

from janitor.core.model import OutcomeKind
from tests.bench.accounts import Account
from tests.bench.processes import alone, show

DUE = 5_000


def main() -> None:
    """Run the sweeps asked for and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all-due", nargs="*", type=int, default=[], metavar="N", help="families of N, all of it due")
    sizes = parser.parse_args().all_due
    shapes = [(size, size) for size in sizes] or [(10_000, DUE), (1_000_000, DUE)]
    rows = [alone(measured, size, due) for size, due in shapes]
    show("One family, answers of 20 to 200 ms, the rates AWS publishes", rows)


def measured(size: int, due: int) -> dict[str, float]:
    """Sweep one family of ``size`` INACTIVE revisions of which ``due`` are old enough."""
    account = _account(size, due)
    started = time.process_time()
    report = account.sweep()
    deleted = report.outcome(OutcomeKind.DELETED)
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
        "simulated s": round(report.seconds),
        "over bound": round(report.seconds / max(1, due / 10 - 5), 3),
        "peak MiB": _peak(),
        "CPU s": round(time.process_time() - started, 1),
    }


def seeded(size: int, due: int) -> dict[str, float]:
    """Make the same account and sweep nothing: what of the memory is the embedded ECS's, now that it is made."""
    account = _account(size, due)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    assert account.ecs.count("airflow") == size
    return {"MiB": round(pages * resource.getpagesize() / 2**20)}


def _account(size: int, due: int) -> Account:
    account = Account()
    account.due(due)
    if size > due:
        account.young(size - due)
    return account


def _peak() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()

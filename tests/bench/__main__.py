"""What a sweep costs, in one table: each figure with what it is to reach.

    uv run python -m tests.bench           # all but the 1,000,000 due, which take half an hour of CPU on their own
    uv run python -m tests.bench --whole   # that as well
    uv run python -m tests.bench bulk cpu  # the rows whose name holds one of these

On the embedded ECS: its cursor is hostile, its buckets are the published ones, answers take 20 to 200 ms of a virtual
clock. Each measurement has a process of its own.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench import neighbours, nights, runs, sweeps
from tests.bench.processes import alone, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table: ``reached`` where the measurement is as it should be."""

    name: str
    reach: str
    measured: str
    reached: bool

    def row(self) -> dict[str, str]:
        """Return the line."""
        return {
            "Figure": self.name,
            "Reach": self.reach,
            "Measured": self.measured,
            "Reached": "yes" if self.reached else "NO",
        }


def at_most(name: str, value: float, most: float) -> Figure:
    """Return a figure that must not be larger."""
    return Figure(name=name, reach=f"≤ {most:,g}", measured=f"{value:,g}", reached=value <= most)


def at_least(name: str, value: float, least: float) -> Figure:
    """Return a figure that must not be smaller."""
    return Figure(name=name, reach=f"≥ {least:,g}", measured=f"{value:,g}", reached=value >= least)


def all_due(size: int) -> Iterator[Figure]:
    """Delete everything."""
    row = alone(sweeps.measured, size, size)
    yield at_most(f"{size:,} due: simulated time over the lower bound", row["over bound"], 1.02)
    yield at_most(f"{size:,} due: calls a deletion", row["calls a deletion"], 1.13)
    yield at_most(f"{size:,} due: calls refused", row["throttled"], 0)


def a_night() -> Iterator[Figure]:
    """Delete 5,000 of 10,000 and of 1,000,000."""
    small, large = (alone(sweeps.measured, size, sweeps.DUE) for size in (10_000, MILLION))
    calls = [sum(row[f"{kind} calls"] for kind in ("delete", "list", "describe")) for row in (small, large)]
    yield at_most("5,000 due: calls with 1,000,000 retained over 10,000", round(calls[1] / calls[0], 3), 1.2)
    yield at_most("5,000 due of 1,000,000: peak MiB", large["peak MiB"], 110)
    less, more = (alone(sweeps.seeded, size, sweeps.DUE) for size in (10_000, MILLION))
    embedded = more["MiB"] - less["MiB"]
    own = (large["peak MiB"] - embedded) / small["peak MiB"]
    yield at_most(f"the same over 10,000, without the embedded ECS's {embedded:g} MiB", round(own, 2), 1.15)


def neighbour() -> Iterator[Figure]:
    """Let deploys run at 30 % of the shared buckets, with a sweep beside them and without."""
    without, beside = alone(neighbours.deploys, 0), alone(neighbours.deploys, 1)
    more = beside["neighbour refused"] - without["neighbour refused"]
    yield at_most("deploys at 30 % of each shared bucket: refused because of a sweep", more, 0)


def contended() -> Iterator[Figure]:
    """Let others take 80 % of every bucket."""
    row = alone(neighbours.contended, 2_000)
    name = "others take 80 % of each bucket"
    yield at_least(f"{name}: deleted of 2,000", row["deleted"], 2_000)
    yield at_most(f"{name}: own calls refused, %", round(100 * row["own refused"] / row["own calls"], 1), 5)


def bulk() -> Iterator[Figure]:
    """Deregister 200,000 old revisions at once, with 5,000 due above them each night."""
    without, bulked = alone(nights.two_nights, 0, 5_000), alone(nights.two_nights, 200_000, 5_000)
    name = "5,000 due above a bulk of 200,000"
    yield at_most(
        f"{name}: calls of the second night over those without", round(bulked["calls 2"] / without["calls 2"], 3), 1.3
    )
    yield Figure(name=f"{name}: the first night", reach="ends", measured=f"{bulked['hours 1']:g} hours", reached=True)


def invocation() -> Iterator[Figure]:
    """Do what 15 minutes allow."""
    row = alone(runs.invocation, 20_000, 300, 1_000)
    yield at_least("15 minutes, 300 services and 1,000 tasks to read first: deleted", row["deleted"], 8_500)
    nobody = alone(runs.invocation, 200, 0, 0)
    yield at_most("seconds to the first delete call, usage read", nobody["first delete after"], 5)


def cpu() -> Iterator[Figure]:
    """Spend CPU."""
    yield at_most("CPU over a bare boto3 loop making the same calls", alone(runs.cpu, 1_500, 7)["ratio"], 1.3)


def report() -> Iterator[Figure]:
    """Report within a budget."""
    for families, reads in ((1, 600), (3, 600), (3, 60)):
        row = alone(runs.survey, families, MILLION, reads)
        name = f"report, {families} x 1,000,000, --max-reads {reads}"
        yield at_most(f"{name}: reads", row["reads"], reads)
        yield at_most(f"{name}: simulated seconds", row["seconds"], 60)
        held = f"{row['due low']:,} to {row['due high']:,}"
        yield Figure(name=f"{name}: due", reach="holds the truth", measured=held, reached=bool(row["holds"]))


def start() -> Iterator[Figure]:
    """Start the function."""
    yield at_most("handler ready over bare boto3 and Powertools", alone(runs.start, 15)["ratio"], 1.25)


def main() -> None:
    """Measure, print the table, and fail if something was not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whole", action="store_true", help="1,000,000 due as well")
    parser.add_argument("rows", nargs="*", help="only these")
    options = parser.parse_args()
    sizes = (10_000, 100_000, MILLION) if options.whole else (10_000,)
    measures: Sequence[tuple[str, Callable[[], Iterator[Figure]]]] = [
        *((f"due {size}", lambda size=size: all_due(size)) for size in sizes),
        *((each.__name__, each) for each in (a_night, bulk, neighbour, contended, invocation, cpu, report, start)),
    ]
    figures: list[Figure] = []
    for name, measure in measures:
        if not options.rows or any(part in name for part in options.rows):
            sys.stderr.write(f"{name} …\n")
            figures.extend(measure())
    show("On the embedded ECS, virtual time", [figure.row() for figure in figures])
    sys.exit(0 if all(figure.reached for figure in figures) else 1)


if __name__ == "__main__":
    main()

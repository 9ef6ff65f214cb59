"""History at 10,000,000 records: a folder with 1,000 nights of 10,000 deletions each in one family.

uv run python -m tests.bench.history              # 1,000 chunks; making them takes a few minutes
uv run python -m tests.bench.history --nights 50
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from janitor.aws.blobs import FolderBlobs
from janitor.core.model import OutcomeKind
from janitor.store.chunks import chunks_of
from janitor.store.history import history
from janitor.store.lines import Line, What, batch_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from janitor.ports import Blobs
    from janitor.store.history import History

A_NIGHT = 10_000
STRAGGLERS = 100
"""Of each night's: revisions deregistered late, whose numbers lie anywhere below."""

START = datetime(2027, 3, 1, 1, tzinfo=UTC)
FAMILY = "dag-runs"


def main() -> None:
    """Make the records, then ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=1_000)
    nights = parser.parse_args().nights
    console = Console(width=120)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with ProcessPoolExecutor() as processes:
            list(processes.map(partial(record, Path(folder), nights), range(nights), chunksize=4))
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.gz"))
        console.print(
            f"{nights * A_NIGHT:,} records in {nights:,} chunks, {size / 1e6:,.0f} MB, "
            f"made in {time.perf_counter() - began:,.0f} s"
        )
        blobs = CountingBlobs(FolderBlobs(Path(folder)))
        middle = nights * A_NIGHT // 2 + 17
        with ThreadPoolExecutor(max_workers=10) as workers:
            ask(console, blobs, f"history {FAMILY}", lambda: history(blobs, FAMILY, workers=workers))
            ask(console, blobs, f"history {FAMILY}, all", lambda: history(blobs, FAMILY, limit=nights, workers=workers))
            ask(console, blobs, f"history {FAMILY}:{middle}", lambda: history(blobs, FAMILY, middle, workers=workers))
            ask(console, blobs, f"history {FAMILY}:3", lambda: history(blobs, FAMILY, 3, workers=workers))


def ask(console: Console, blobs: CountingBlobs, title: str, call: Callable[[], History]) -> None:
    """Ask once, and print how long it took and what was read for it."""
    blobs.gets, blobs.bytes = 0, 0
    began = time.perf_counter()
    found = call()
    seconds = time.perf_counter() - began
    console.print(
        f"{title:28} {seconds:6.2f} s, {blobs.gets:5,} gets, {blobs.bytes / 1e6:6.2f} MB: "
        f"{len(found.sweeps):,} sweeps, {sum(sweep.submitted for sweep in found.sweeps):,} revisions, "
        f"{len(found.submissions)} submissions"
    )


def record(folder: Path, nights: int, night: int) -> None:
    """Put one night's chunk into the folder."""
    for key, content in chunks_of(lines(nights, night)):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def lines(nights: int, night: int) -> Iterator[Line]:
    """Yield the lines of one night: the next numbers, and some that were left below."""
    at = START + timedelta(days=night)
    blank = Line(
        at=at,
        what=What.INTENT,
        sweep=f"{at:%Y%m%dT%H%M%S%fZ}",
        hop=0,
        batch="",
        account="123456789012",
        region="eu-central-1",
        family=FAMILY,
        number=0,
    )
    regular = A_NIGHT - STRAGGLERS
    step = max(1, night * regular // STRAGGLERS)
    stragglers = [1 + (each * step + night) % max(1, nights * A_NIGHT) for each in range(STRAGGLERS)]
    numbers = sorted({*stragglers, *range(1 + night * A_NIGHT, 1 + night * A_NIGHT + regular)})
    for place, number in enumerate(numbers):
        line = replace(
            blank,
            number=number,
            batch=batch_name("0000-0123abcd", place // 10),
            at=at + timedelta(seconds=place // 10, microseconds=place * 997 % 1_000_000),
        )
        yield replace(
            line,
            rule="rule 1",
            reason="deregistered 200 days ago, longer than 180 days (rule 1)",
            registered_at=at - timedelta(days=300, seconds=place),
            deregistered_at=at - timedelta(days=200, seconds=place),
        )
        yield replace(
            line,
            what=What.OUTCOME,
            kind=OutcomeKind.DELETED,
            words="accepted, DELETE_IN_PROGRESS",
            request_id=f"{place // 10:08x}-{night:04x}-4000-8000-0123456789ab",
        )


class CountingBlobs:
    """Another store, counting what is read."""

    def __init__(self, inner: Blobs) -> None:
        self._inner = inner
        self.gets = 0
        self.bytes = 0

    def get(self, key: str, *, first: int | None = None) -> bytes | None:
        """Return a content and count it."""
        content = self._inner.get(key, first=first)
        self.gets += 1
        self.bytes += len(content or b"")
        return content

    def put(self, key: str, content: bytes) -> None:
        """Store a content."""
        self._inner.put(key, content)

    def keys(self, prefix: str) -> Iterator[str]:
        """List keys."""
        return self._inner.keys(prefix)

    def delete(self, key: str) -> None:
        """Delete a content."""
        self._inner.delete(key)


if __name__ == "__main__":
    main()

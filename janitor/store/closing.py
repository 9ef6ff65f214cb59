"""Closing: open objects, one a batch, become chunks, sorted by family and number.

Killed anywhere it loses nothing: an open object goes only when every chunk that holds its lines is there. Whoever reads
takes what then lies in two places once (``lines.submissions``). Only objects that nobody will write again are closed:
those that have every outcome, and those whose writer must be dead.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from janitor.store.chunks import chunks_of
from janitor.store.lines import What, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from janitor.ports import Blobs, Workers
    from janitor.store.lines import Line

OPEN = "record/open/"
"""How the keys of open objects begin."""

SLICE = 1_000
"""Open objects closed at a time, which bounds memory: full batches make one full chunk."""

DEAD_AFTER = timedelta(hours=1)
"""A delete call has its outcome within minutes; one without after this long was made by a process that was killed."""

S = TypeVar("S")
T = TypeVar("T")


def close(blobs: Blobs, prefix: str, *, now: datetime, workers: Workers | None = None) -> None:
    """Close what is open below a prefix of keys and will not be written again."""
    keys = iter(list(blobs.keys(prefix)))
    while some := list(islice(keys, SLICE)):
        _close(blobs, some, now, workers)


def side_by_side(workers: Workers | None, call: Callable[[S], T], items: Iterable[S]) -> list[T]:
    """Return the result of the call on each item, in order; one after the other where there are no workers."""
    if workers is None:
        return [call(item) for item in items]
    under_way = [workers.submit(call, item) for item in items]
    return [pending.result() for pending in under_way]


def _close(blobs: Blobs, keys: Sequence[str], now: datetime, workers: Workers | None) -> None:
    contents = side_by_side(workers, blobs.get, keys)
    final = {key: lines for key, content in zip(keys, contents, strict=True) if (lines := _final(content, now))}
    chunks = chunks_of(line for lines in final.values() for line in lines)
    side_by_side(workers, lambda chunk: blobs.put(*chunk), chunks)
    side_by_side(workers, blobs.delete, final)


def _final(content: bytes | None, now: datetime) -> list[Line]:
    """Return the lines of an open object that will not change any more, else none.

    What cannot be read is left where it is, for a person; what is gone meanwhile was closed by somebody else.
    """
    try:
        lines = parse(content or b"")
    except ValueError:
        return []
    intents = sum(line.what is What.INTENT for line in lines)
    if not intents:
        return []
    settled = 2 * intents == len(lines)
    return lines if settled or now - max(line.at for line in lines) > DEAD_AFTER else []

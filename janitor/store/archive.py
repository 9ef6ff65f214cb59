"""The archive: what is about to be deleted, in a form that RegisterTaskDefinition takes back. It may hold secrets.

One object a batch, ``archive/batches/<sweep>/<batch>.jsonl.gz``, under the name that the record gives the batch: so the
record is the index by family and number. Its first line is a header, which names sweep, account and Region, and of each
revision the rule, the reason and the images; the lines after it are the definitions, in the header's order.

The headers of every thousand batches are kept together once more, ``archive/index/<sweep>/<first batch>.jsonl.gz``, so
that to read what a sweep archived takes a hundredth of its objects. An index that is missing costs reads, nothing else.
"""

from __future__ import annotations

import gzip
import json
import threading
import zlib
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from janitor.core.model import RevisionId
from janitor.errors import StoreFailed
from janitor.store.closing import SLICE, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from janitor.core.model import Condemned
    from janitor.ports import Blobs, Clock, Workers

BATCHES = "archive/batches/"
INDEX = "archive/index/"
HEAD = 4_096
"""Bytes of a batch's object that mostly hold its header."""

READ_AHEAD = 100
"""Headers read side by side where there is no index."""

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One archived revision: why it was to be deleted, and which images it runs."""

    family: str
    number: int
    rule: str
    reason: str
    images: tuple[str, ...] = ()

    @property
    def revision(self) -> RevisionId:
        """Return its name."""
        return RevisionId(self.family, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The header of a batch: where it comes from, and its revisions."""

    sweep: str
    batch: str
    at: datetime
    account: str | None
    region: str
    revisions: tuple[Entry, ...]

    @property
    def key(self) -> str:
        """Return where its object lies."""
        return key_of(self.sweep, self.batch)


def key_of(sweep: str, batch: str) -> str:
    """Return where the object of a batch lies."""
    return f"{BATCHES}{sweep}/{batch}.jsonl.gz"


class Archive:
    """One hop's part of the archive. Safe to call from several threads."""

    def __init__(
        self, blobs: Blobs, *, sweep: str, account: Callable[[], str | None], region: str, clock: Clock
    ) -> None:
        self._blobs = blobs
        self._sweep = sweep
        self._account = account
        self._region = region
        self._clock = clock
        self._lock = threading.Lock()
        self._headers: dict[str, bytes] = {}

    def keep(self, name: str, batch: Sequence[Condemned]) -> None:
        """Archive a batch.

        Raises:
            StoreFailed: if that is not possible; then nothing of the batch may be submitted.
        """
        contents = [each.revision.content for each in batch]
        header = Batch(
            sweep=self._sweep,
            batch=name,
            at=self._clock.now(),
            account=self._account(),
            region=self._region,
            revisions=tuple(_entry(each) for each in batch),
        )
        if any(content is None for content in contents):
            raise StoreFailed("write", header.key, "a revision was described without its definition")
        line = _line(header)
        lines = [line, *(content.request for content in contents if content is not None)]
        self._blobs.put(header.key, _packed(lines))
        with self._lock:
            self._headers[name] = line
        self._index(at_least=SLICE)

    def close(self) -> None:
        """Write the index of what is not in one yet."""
        self._index(at_least=1)

    def _index(self, *, at_least: int) -> None:
        with self._lock:
            if len(self._headers) < at_least:
                return
            headers, self._headers = self._headers, {}
        with suppress(StoreFailed):  # then the batches tell it themselves
            self._blobs.put(f"{INDEX}{self._sweep}/{min(headers)}.jsonl.gz", _packed(headers.values()))


def batches_of(blobs: Blobs, sweep: str, *, unreadable: list[str], workers: Workers | None = None) -> Iterator[Batch]:
    """Yield what a sweep archived, batch by batch in the order of submission; note the objects that make no sense.

    Raises:
        StoreFailed: if the store cannot be read.
    """
    indexes = deque(blobs.keys(f"{INDEX}{sweep}/"))
    known: dict[str, Batch] = {}
    keys = blobs.keys(f"{BATCHES}{sweep}/")
    while some := list(islice(keys, READ_AHEAD)):
        while indexes and indexes[0].removeprefix(INDEX) <= some[-1].removeprefix(BATCHES):
            known.update(_indexed(blobs, indexes.popleft()))
        missing = [key for key in some if key not in known]
        read = side_by_side(workers, lambda key: header_of(blobs, key), missing)
        known.update({key: batch for key, batch in zip(missing, read, strict=True) if batch is not None})
        for key in some:
            if key in known:
                yield known.pop(key)
            else:
                unreadable.append(key)


def header_of(blobs: Blobs, key: str) -> Batch | None:
    """Return the header of a batch's object; None where there is none, or none that makes sense."""
    for first in (HEAD, None):
        content = blobs.get(key, first=first)
        with suppress(ValueError):
            if content is None:
                return None
            batch = _batch(_first_line(content))
            return batch if batch.key == key else None
    return None


def definitions(blobs: Blobs, batch: Batch) -> dict[RevisionId, bytes]:
    """Return the definitions of a batch, each as JSON that RegisterTaskDefinition takes.

    Raises:
        StoreFailed: if the store cannot be read.
        ValueError: if the object is gone or damaged.
    """
    content = blobs.get(batch.key)
    if content is None:
        raise ValueError("it is gone")
    header, *lines = _unpacked(content)
    if _batch(header) != batch or len(lines) != len(batch.revisions):
        raise ValueError("it does not hold what its header says")
    return {entry.revision: line for entry, line in zip(batch.revisions, lines, strict=True)}


def _entry(condemned: Condemned) -> Entry:
    revision = condemned.revision
    return Entry(
        family=revision.id.family,
        number=revision.id.number,
        rule=condemned.rule,
        reason=condemned.verdict.words,
        images=() if revision.content is None else revision.content.images,
    )


def _line(batch: Batch) -> bytes:
    fields: dict[str, Any] = {"archive": _VERSION, **asdict(batch)}
    fields["at"] = batch.at.astimezone(UTC).isoformat()
    return json.dumps(fields, separators=(",", ":")).encode()


def _batch(line: bytes) -> Batch:
    try:
        fields = json.loads(line)
        if fields.pop("archive", None) != _VERSION:
            raise ValueError("no header of an archive that this version reads")
        entries = tuple(Entry(**each | {"images": tuple(each["images"])}) for each in fields.pop("revisions"))
        at = datetime.fromisoformat(fields.pop("at"))
        return Batch(**fields, at=at, revisions=entries)
    except (KeyError, TypeError, AttributeError):
        raise ValueError("not the header of an archive") from None


def _indexed(blobs: Blobs, key: str) -> dict[str, Batch]:
    """Return the batches that an index names, by key; none where it makes no sense."""
    with suppress(ValueError):
        return {batch.key: batch for batch in map(_batch, _unpacked(blobs.get(key) or b""))}
    return {}


def _packed(lines: Iterable[bytes]) -> bytes:
    return gzip.compress(b"\n".join(lines), mtime=0)


def _unpacked(content: bytes) -> list[bytes]:
    try:
        return gzip.decompress(content).split(b"\n")
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"damaged: {error}") from None


def _first_line(content: bytes) -> bytes:
    try:
        text = zlib.decompressobj(wbits=31).decompress(content, 64 * HEAD)
    except zlib.error as error:
        raise ValueError(f"damaged: {error}") from None
    line, end, _ = text.partition(b"\n")
    if not end:
        raise ValueError("damaged: no header")
    return line

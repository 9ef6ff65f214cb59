"""Chunks: up to 10,000 settled submissions of one family in one sweep, sorted by number, compressed, never changed.

The first line is a header that says what the rest comes to, so that a summary need not read the rest. It names the
batches the lines came from: where two chunks name the same one, a close was killed and done again, and only their lines
tell what there is. The same lines always make the same key and the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import heapq
import json
import re
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote

from janitor.store.lines import batch_name, from_json, serialize, split_batch, submissions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from janitor.store.lines import Line

CHUNK = 10_000
"""Submissions in a chunk at most."""

HEAD = 4_096
"""Bytes of a chunk that hold its header, but for one whose batches are scattered."""

LARGEST = 64 * 1_024 * 1_024
"""Bytes of a chunk, uncompressed, beyond which it is none of ours: its lines take a tenth of that."""

RUNS = 256
"""Stretches of numbers that a header names at most: a straggler does not make a chunk hold all that lies between."""

UNKNOWN = "unknown"
"""The outcome, in counts, of what was submitted and has none on record."""

_KEY = re.compile(r"record/closed/[^/]+/(?P<lowest>\d+)-(?P<highest>\d+)-(?P<sweep>[^/]+)-[0-9a-f]{12}\.jsonl\.gz")
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What some submissions come to. ``outcomes`` and ``rules`` count them; the unknown ones are among them."""

    family: str
    sweep: str
    account: str | None
    region: str
    first_at: datetime
    last_at: datetime
    submitted: int
    outcomes: Mapping[str, int]
    rules: Mapping[str, int]

    def __add__(self, other: Summary) -> Summary:
        return Summary(
            family=self.family,
            sweep=self.sweep,
            account=self.account or other.account,
            region=self.region,
            first_at=min(self.first_at, other.first_at),
            last_at=max(self.last_at, other.last_at),
            submitted=self.submitted + other.submitted,
            outcomes=_sorted(Counter(self.outcomes) + Counter(other.outcomes)),
            rules=_sorted(Counter(self.rules) + Counter(other.rules)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A chunk's first line: what it comes to, where its numbers lie, and the batches its lines came from."""

    summary: Summary
    runs: tuple[tuple[int, int], ...]
    batches: frozenset[str]

    def may_hold(self, number: int) -> bool:
        """Say whether a revision's lines can be in the chunk."""
        return any(first <= number <= last for first, last in self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a chunk's key says about it."""

    key: str
    lowest: int
    highest: int
    sweep: str


def folder(family: str) -> str:
    """Return how the keys of a family's chunks begin."""
    return f"record/closed/{quote(family, safe='')}/"


def place_of(key: str) -> Place | None:
    """Return what a key says, or None if it is no chunk's."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    return Place(key=key, lowest=int(match["lowest"]), highest=int(match["highest"]), sweep=match["sweep"])


def summary_of(lines: Iterable[Line]) -> Summary | None:
    """Return what lines of one family and sweep come to, None if there is no submission among them."""
    found = submissions(lines)
    if not found:
        return None
    first = found[0].intent
    return Summary(
        family=first.family,
        sweep=first.sweep,
        account=next((each.intent.account for each in found if each.intent.account), None),
        region=first.region,
        first_at=first.at,
        last_at=max((each.outcome or each.intent).at for each in found),
        submitted=len(found),
        outcomes=_sorted(Counter(str(each.kind or UNKNOWN) for each in found)),
        rules=_sorted(Counter(each.intent.rule or UNKNOWN for each in found)),
    )


def chunks_of(lines: Iterable[Line]) -> Iterator[tuple[str, bytes]]:
    """Return the chunks that hold some lines, as key and content."""
    by_family: dict[tuple[str, str], dict[int, list[Line]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        by_family[line.sweep, line.family][line.number].append(line)
    for (sweep, family), by_number in sorted(by_family.items()):
        numbers = sorted(by_number)
        for start in range(0, len(numbers), CHUNK):
            some = numbers[start : start + CHUNK]
            yield _chunk(sweep, family, some, [line for number in some for line in by_number[number]])


def header_in(content: bytes) -> Header:
    """Return the header of a chunk, of which the first ``HEAD`` bytes usually do.

    Raises:
        ValueError: if it is not in there.
    """
    try:
        text = zlib.decompressobj(wbits=31).decompress(content, 64 * HEAD)
        first, end, _ = text.partition(b"\n")
        fields = json.loads(first) if end else {}
        if fields.pop("chunk", None) != _VERSION:
            raise ValueError("no header")
        batches = _unpacked(fields.pop("batches"))
        runs = tuple((first, last) for first, last in fields.pop("runs"))
        times = {key: datetime.fromisoformat(fields[key]) for key in ("first_at", "last_at")}
        summary = Summary(**fields | times)
        _check(summary)
        return Header(summary=summary, runs=runs, batches=batches)
    except (zlib.error, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a chunk: {error}") from error


def lines_in(content: bytes, number: int | None = None) -> list[Line]:
    """Return the lines of a chunk, all or those of one revision.

    Raises:
        ValueError: if it is no chunk.
    """
    try:
        inside = zlib.decompressobj(wbits=31)
        _, *texts = inside.decompress(content, LARGEST).splitlines()
        if not inside.eof:
            raise ValueError(f"it is cut off, or holds more than {LARGEST:,} bytes")
    except zlib.error as error:
        raise ValueError(f"not a chunk: {error}") from error
    mark = b"" if number is None else b'"number":%d' % number  # to parse 10,000 lines takes far longer than to look
    lines = [from_json(text) for text in texts if mark in text]
    return lines if number is None else [line for line in lines if line.number == number]


def _chunk(sweep: str, family: str, numbers: Sequence[int], lines: Iterable[Line]) -> tuple[str, bytes]:
    ordered = sorted(lines, key=lambda line: (line.number, line.batch, line.what, line.at))
    summary = summary_of(ordered)
    assert summary is not None, "only what has an intent is closed"
    header = {
        "chunk": _VERSION,
        **_fields(summary),
        "runs": _runs(numbers),
        "batches": _packed({line.batch for line in ordered}),
    }
    content = json.dumps(header, separators=(",", ":")).encode() + b"\n" + serialize(ordered)
    digest = hashlib.sha256(content).hexdigest()[:12]
    key = f"{folder(family)}{numbers[0]:09d}-{numbers[-1]:09d}-{sweep}-{digest}.jsonl.gz"
    return key, gzip.compress(content, mtime=0)


def _fields(summary: Summary) -> dict[str, object]:
    return {
        "family": summary.family,
        "sweep": summary.sweep,
        "account": summary.account,
        "region": summary.region,
        "first_at": summary.first_at.astimezone(UTC).isoformat(),
        "last_at": summary.last_at.astimezone(UTC).isoformat(),
        "submitted": summary.submitted,
        "outcomes": summary.outcomes,
        "rules": summary.rules,
    }


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return where ascending numbers lie: cut at the widest gaps, as often as a header has room for."""
    gaps = heapq.nlargest(RUNS - 1, range(1, len(numbers)), key=lambda place: numbers[place] - numbers[place - 1])
    cuts = [0, *sorted(gaps), len(numbers)]
    return [(numbers[start], numbers[end - 1]) for start, end in pairwise(cuts)]


def _packed(batches: Iterable[str]) -> dict[str, list[list[int]]]:
    """Return names as their numbers' first and last, run by run."""
    packed: dict[str, list[list[int]]] = {}
    for writer, number in sorted(map(split_batch, batches)):
        runs = packed.setdefault(writer, [])
        if runs and runs[-1][1] + 1 == number:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return packed


def _check(summary: Summary) -> None:
    """Raise ``ValueError`` where a header's values are of other kinds than ours."""
    counts = [*summary.outcomes.items(), *summary.rules.items(), ("submitted", summary.submitted)]
    texts = [summary.family, summary.sweep, summary.region, summary.account or ""]
    if (
        not all(isinstance(text, str) for text in (*texts, *(name for name, _ in counts)))
        or not all(isinstance(number, int) for _, number in counts)
        or not (summary.first_at.tzinfo and summary.last_at.tzinfo)
    ):
        raise ValueError("its values are of other kinds")


def _unpacked(packed: Mapping[str, Iterable[tuple[int, int]]]) -> frozenset[str]:
    if sum(last - first + 1 for runs in packed.values() for first, last in runs) > 10 * CHUNK:
        raise ValueError("it names more batches than it can hold")
    return frozenset(
        batch_name(writer, number)
        for writer, runs in packed.items()
        for first, last in runs
        for number in range(first, last + 1)
    )


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

"""History: what the record says about a revision, or about a family sweep by sweep."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from janitor.core.model import RevisionId
from janitor.store.archive import key_of
from janitor.store.chunks import HEAD, folder, header_in, lines_in, place_of, summary_of
from janitor.store.closing import OPEN, side_by_side
from janitor.store.lines import parse, submissions
from janitor.store.restored import restoring_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from janitor.ports import Blobs, Workers
    from janitor.store.chunks import Header, Place, Summary
    from janitor.store.lines import Line, Submission
    from janitor.store.restored import Restoring

CHUNKS = 100
"""Chunks of a family that may be asked about a few of its revisions, the latest: three months of nights."""

LIMIT = 30
"""Sweeps or submissions shown unless told otherwise: a month of nights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is on record, the latest first. ``submissions`` are those of one revision, ``sweeps`` those of a family.

    ``earlier`` counts what the limit left out. ``unreadable`` names objects of the store that make no sense.
    ``archived`` are those of the submissions whose definition lies in the archive; ``restored`` says as what the
    revision was registered again.
    """

    family: str
    number: int | None
    submissions: tuple[Submission, ...] = ()
    sweeps: tuple[Summary, ...] = ()
    archived: frozenset[Submission] = frozenset()
    restored: Restoring | None = None
    earlier: int = 0
    unreadable: tuple[str, ...] = ()


def history(
    blobs: Blobs, family: str, number: int | None = None, *, limit: int = LIMIT, workers: Workers | None = None
) -> History:
    """Return what the record says about a revision, or about a family when there is no number.

    Raises:
        StoreFailed: if the store cannot be read.
    """
    reading = _Reading(blobs, workers)
    # First what is open: what is closed in the meantime is then seen twice, not never.
    opened = [line for line in reading.open_lines() if line.family == family]
    places = [place for key in blobs.keys(folder(family)) if (place := place_of(key))]
    if number is not None:
        return _of_revision(reading, RevisionId(family, number), limit, opened, places)
    return _of_family(reading, family, limit, opened, places)


def submissions_of(
    blobs: Blobs, family: str, numbers: Sequence[int], *, workers: Workers | None = None
) -> list[Submission]:
    """Return the submissions of some revisions of a family that closed chunks hold, of the latest ones; in order.

    Raises:
        StoreFailed: if the store cannot be read.
    """
    reading = _Reading(blobs, workers)
    places = [place for key in blobs.keys(folder(family)) if (place := place_of(key))]
    near = [each for each in places if any(each.lowest <= number <= each.highest for number in numbers)]
    near.sort(key=lambda place: place.sweep, reverse=True)
    headers = reading.headers(family, near[:CHUNKS])
    lines = []
    for number in numbers:
        lines += reading.lines([place for place, header in headers.items() if header.may_hold(number)], number)
    return submissions(lines)


def _of_revision(
    reading: _Reading, revision: RevisionId, limit: int, opened: Sequence[Line], places: Sequence[Place]
) -> History:
    number = revision.number
    headers = reading.headers(revision.family, [each for each in places if each.lowest <= number <= each.highest])
    closed = reading.lines([place for place, header in headers.items() if header.may_hold(number)], number)
    found = submissions(line for line in (*opened, *closed) if line.number == number)
    shown = tuple(reversed(found))[:limit]
    return History(
        family=revision.family,
        number=number,
        submissions=shown,
        archived=frozenset(each for each in shown if reading.exists(key_of(each.intent.sweep, each.intent.batch))),
        restored=reading.restoring(revision),
        earlier=max(0, len(found) - limit),
        unreadable=tuple(reading.unreadable),
    )


def _of_family(reading: _Reading, family: str, limit: int, opened: Sequence[Line], places: Sequence[Place]) -> History:
    sweeps = sorted({line.sweep for line in opened} | {place.sweep for place in places}, reverse=True)
    shown = sweeps[:limit]
    summaries = _summaries(
        reading,
        family,
        [line for line in opened if line.sweep in shown],
        [place for place in places if place.sweep in shown],
    )
    return History(
        family=family,
        number=None,
        sweeps=tuple(summaries[sweep] for sweep in shown if sweep in summaries),
        earlier=len(sweeps) - len(shown),
        unreadable=tuple(reading.unreadable),
    )


def _summaries(
    reading: _Reading, family: str, opened: Iterable[Line], places: Sequence[Place]
) -> Mapping[str, Summary]:
    """Return what each sweep comes to: from headers, and line by line where a batch lies in more than one place."""
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in opened:
        lines[line.sweep].append(line)
    headers = reading.headers(family, places)
    seen = Counter({(line.sweep, line.batch) for some in lines.values() for line in some})
    for place, header in headers.items():
        seen.update((place.sweep, batch) for batch in header.batches)
    twice = {
        place for place, header in headers.items() if any(seen[place.sweep, batch] > 1 for batch in header.batches)
    }
    for line in reading.lines(sorted(twice, key=lambda place: place.key)):
        lines[line.sweep].append(line)
    summaries: dict[str, Summary] = {}
    parts = [header.summary for place, header in headers.items() if place not in twice]
    for part in [*parts, *(whole for some in lines.values() if (whole := summary_of(some)))]:
        summaries[part.sweep] = summaries[part.sweep] + part if part.sweep in summaries else part
    return summaries


class _Reading:
    """Reads objects side by side, and notes those that make no sense."""

    def __init__(self, blobs: Blobs, workers: Workers | None) -> None:
        self._blobs = blobs
        self._workers = workers
        self.unreadable: list[str] = []

    def open_lines(self) -> list[Line]:
        """Return every line in an open object."""
        return self._lines(list(self._blobs.keys(OPEN)), parse)

    def lines(self, places: Iterable[Place], number: int | None = None) -> list[Line]:
        """Return the lines of chunks, all or those of one revision."""
        return self._lines([place.key for place in places], lambda content: lines_in(content, number))

    def headers(self, family: str, places: Sequence[Place]) -> dict[Place, Header]:
        """Return the header of each of a family's chunks, from its first bytes where they suffice.

        On a disk that does not tell a from A a folder may hold the chunks of two families.
        """
        headers = side_by_side(self._workers, self._header, places)
        return {
            place: header
            for place, header in zip(places, headers, strict=True)
            if header is not None and header.summary.family == family
        }

    def exists(self, key: str) -> bool:
        """Say whether there is such an object."""
        return self._blobs.get(key, first=1) is not None

    def restoring(self, revision: RevisionId) -> Restoring | None:
        """Return what is on record of a revision's restoring."""
        try:
            return restoring_of(self._blobs, revision)
        except ValueError as error:
            self.unreadable.append(str(error))
            return None

    def _header(self, place: Place) -> Header | None:
        for first in (HEAD, None):
            content = self._blobs.get(place.key, first=first)
            if content is None:
                return None
            try:
                return header_in(content)
            except ValueError:
                continue
        self.unreadable.append(place.key)
        return None

    def _lines(self, keys: Sequence[str], read: Callable[[bytes], list[Line]]) -> list[Line]:
        def found_in(key: str) -> list[Line]:
            content = self._blobs.get(key)
            try:
                return [] if content is None else read(content)
            except ValueError:
                self.unreadable.append(key)
                return []

        return [line for lines in side_by_side(self._workers, found_in, keys) for line in lines]

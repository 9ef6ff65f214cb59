"""The record's lines: one says that a revision is about to be submitted, one what became of it. Nothing of its content.

What is submitted is deleted, unless the intent says that it is deregistered.

A submission is a revision in a batch; both lines name the batch. So a line that lies in two places, because a close was
killed, is told from two lines.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from janitor.core.model import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BATCH = re.compile(r"(?P<writer>\S+)-(?P<number>\d+)", re.ASCII)


class What(StrEnum):
    """What a line is about."""

    INTENT = "intent"
    OUTCOME = "outcome"


class Deed(StrEnum):
    """What is done to a revision other than its deletion, of which the record says nothing."""

    DEREGISTER = "deregister"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: ``rule``, ``reason``, dates and ``deed`` are an intent's, the three after these are an outcome's."""

    at: datetime
    what: What
    sweep: str
    hop: int
    batch: str
    account: str | None
    region: str
    family: str
    number: int
    rule: str | None = None
    reason: str | None = None
    registered_at: datetime | None = None
    deregistered_at: datetime | None = None
    deed: Deed | None = None
    kind: OutcomeKind | None = None
    words: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One revision, submitted once: the intent, and the outcome unless the process was killed in between."""

    intent: Line
    outcome: Line | None

    @property
    def kind(self) -> OutcomeKind | None:
        """Return what became of it, None where nobody knows."""
        return None if self.outcome is None else self.outcome.kind

    @property
    def deregisters(self) -> bool:
        """Say whether it was a deregistration, not a deletion."""
        return self.intent.deed is Deed.DEREGISTER

    @property
    def words(self) -> str:
        """Say what became of it."""
        return "unknown: submitted, no answer recorded" if self.outcome is None else self.outcome.words or ""


def batch_name(writer: str, number: int) -> str:
    """Name a batch: by who wrote it and its number, so that names sort as they were written."""
    return f"{writer}-{number:06d}"


def split_batch(name: str) -> tuple[str, int]:
    """Return a batch's writer and number.

    Raises:
        ValueError: if it is no batch's name.
    """
    match = _BATCH.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not the name of a batch")
    return match["writer"], int(match["number"])


def to_json(line: Line) -> str:
    """Return the line as one line of JSON, without what does not apply to it."""
    said = {name: value for name in _FIELDS if (value := getattr(line, name)) is not None}
    return json.dumps(said, default=_moment, separators=(",", ":"))


def from_json(text: str | bytes) -> Line:
    """Return the line that ``to_json`` wrote; what a later version has added to it is left out.

    Raises:
        ValueError: if it is none.
    """
    try:
        found = json.loads(text)
        values = {name: _READ.get(name, _as_it_is)(found[name]) for name in _FIELDS if name in found}
        for name, value in values.items():
            if value is not None and not isinstance(value, _TYPES.get(name, str)):
                raise ValueError(f"its {name} is a {type(value).__name__}")
            if isinstance(value, datetime) and value.tzinfo is None:
                raise ValueError(f"its {name} has no time zone")
        line = Line(**{"account": None} | values)
        split_batch(line.batch)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a line of the record: {error}") from error
    return line


def parse(content: bytes) -> list[Line]:
    """Return the lines of an open object.

    Raises:
        ValueError: if one of them is none of the record's.
    """
    return [from_json(text) for text in content.splitlines()]


def serialize(lines: Iterable[Line]) -> bytes:
    """Return lines as the content of an open object."""
    return "".join(f"{to_json(line)}\n" for line in lines).encode()


def submissions(lines: Iterable[Line]) -> list[Submission]:
    """Pair intents with outcomes, each line once however often it was found; in the order of intent and name."""
    intents: dict[tuple[str, str, str, int], Line] = {}
    outcomes: dict[tuple[str, str, str, int], Line] = {}
    for line in lines:
        found = intents if line.what is What.INTENT else outcomes
        found[line.sweep, line.batch, line.family, line.number] = line
    pairs = [Submission(intent=intent, outcome=outcomes.get(key)) for key, intent in intents.items()]
    return sorted(pairs, key=lambda each: (each.intent.at, each.intent.family, each.intent.number))


_FIELDS = tuple(field.name for field in fields(Line))
_READ: dict[str, Callable[[Any], Any]] = {
    "at": datetime.fromisoformat,
    "what": What,
    "registered_at": datetime.fromisoformat,
    "deregistered_at": datetime.fromisoformat,
    "kind": OutcomeKind,
    "deed": Deed,
}


_TYPES: dict[str, type[Any]] = {
    "at": datetime,
    "registered_at": datetime,
    "deregistered_at": datetime,
    "hop": int,
    "number": int,
}


def _as_it_is(value: object) -> object:
    return value


def _moment(value: object) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError(f"{value!r} is no moment: a datetime needs its zone")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")

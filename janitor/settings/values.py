"""Texts that people type, as values: durations, whole numbers, patterns. Each refuses by saying what would do."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from janitor.core.lookup import LEAST_UNUSED
from janitor.core.model import UsageSource
from janitor.core.orphans import MINIMUM_AGE
from janitor.core.retention import MINIMUM_RETENTION, AgeFrom, duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

_PATTERN = re.compile(r"[A-Za-z0-9_\-*?\[\]!]{1,255}", re.ASCII)


MOST_PATTERNS = 1_000
"""Family patterns in one place: each family is compared with each of them."""


def bad_patterns(name: str, patterns: Sequence[str]) -> list[str]:
    """Return a problem for each pattern that no family name could match, or for far too many of them."""
    if len(patterns) > MOST_PATTERNS:
        return [f"{name}: {len(patterns):,} patterns are too many: at most {MOST_PATTERNS:,}"]
    return [
        f"{name}: {pattern!r:.100} is not a family pattern: letters, digits, - and _, with * ? [ ] as wildcards"
        for pattern in patterns
        if not _PATTERN.fullmatch(pattern)
    ]


_REGISTRANT = re.compile(r"arn:[A-Za-z0-9+=,.@_:/*?\[\]!-]{1,2000}", re.ASCII)


def bad_registrants(name: str, patterns: Sequence[str]) -> list[str]:
    """Return a problem for each pattern that no registrant's ARN could match, or for none or far too many of them."""
    if not patterns:
        return [f"{name} is empty, so it matches nobody: name the roles whose revisions may go"]
    if len(patterns) > MOST_PATTERNS:
        return [f"{name}: {len(patterns):,} patterns are too many: at most {MOST_PATTERNS:,}"]
    return [
        f"{name}: {pattern!r:.100} is not a pattern of ARNs: one begins with arn:, such as "
        "arn:aws:sts::*:assumed-role/airflow-*"
        for pattern in patterns
        if not _REGISTRANT.fullmatch(pattern)
    ]


def bad_sources(name: str, sources: Sequence[str]) -> list[str]:
    """Return a problem for each source of usage that cannot be switched off."""
    return [
        f"{name}: {source!r:.100} cannot be switched off: only {', '.join(UsageSource)} can"
        for source in sources
        if source not in set(UsageSource)
    ]


def retention(text: str) -> timedelta:
    """Return a retention; raise ValueError for less than the shortest one."""
    value = parse_duration(text)
    if value < MINIMUM_RETENTION:
        raise ValueError(f"{text} is too short: the retention is at least {duration(MINIMUM_RETENTION)}")
    return value


def orphan_age(text: str) -> timedelta:
    """Return the age from which an ACTIVE revision may be an orphan; raise ValueError for less than the least."""
    value = parse_duration(text)
    if value < MINIMUM_AGE:
        raise ValueError(f"{text} is too short: at least {duration(MINIMUM_AGE)}, and longer than the longest run")
    return value


def unused_age(text: str) -> timedelta:
    """Return how long nobody has used an entry that is evicted; raise ValueError for less than the least."""
    value = parse_duration(text)
    if value < LEAST_UNUSED:
        raise ValueError(f"{text} is too short: at least {duration(LEAST_UNUSED)}, and longer than between two runs")
    return value


_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}", re.ASCII)


def table_name(text: str) -> str:
    """Return a DynamoDB table's name (Amazon DynamoDB API reference, CreateTable); raise ValueError for none."""
    if not _TABLE.fullmatch(text):
        raise ValueError(f"{text!r:.100} is not a table's name: 3 to 255 letters, digits, - _ and .")
    return text


def positive_duration(text: str) -> timedelta:
    """Return a duration of more than nothing, or raise ValueError."""
    value = parse_duration(text)
    if not value:
        raise ValueError(f"{text} is no time at all")
    return value


def moment(text: str) -> datetime | None:
    """Return a moment with its zone, or None for a text that is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if found.tzinfo is None else found


def whole_number(text: str, *, least: int, most: int | None = None) -> int:
    """Return a whole number from ``least`` to ``most``, or raise ValueError."""
    if not re.fullmatch(r"-?\d{1,12}", text, re.ASCII):
        raise ValueError(f"{text!r} is not a whole number")
    if int(text) < least:
        raise ValueError(f"{text} is too small: at least {least}")
    if most is not None and int(text) > most:
        raise ValueError(f"{text} is too large: at most {most}")
    return int(text)


def age_from(text: str) -> AgeFrom:
    """Return the date to count age from, or raise ValueError."""
    try:
        return AgeFrom(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither {' nor '.join(AgeFrom)}") from None

"""A plan: which revisions a later sweep may delete, by number, and the rules they were judged by.

An exact report makes one; a sweep that is given it deletes nothing else. As JSON values it carries a digest over all of
itself, so that a damaged or edited one is noticed.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from janitor.core.model import LIMIT
from janitor.core.numbers import NumberSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from janitor.core.retention import Policy

PLAN_VERSION = 1
"""Rises when a field of the plan goes or changes its meaning."""

_RANGE = re.compile(r"([1-9]\d{0,9})(?:-([1-9]\d{0,9}))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleValues:
    """A rule read as values: not its name, nor who said what. A rule that keeps everything has no conditions."""

    families: list[str]
    keep: bool = False
    retention_seconds: int | None = None
    keep_newest: int | None = None
    age_from: str | None = None
    keep_tags: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an exact report found due: numbers by family, none empty. ``account`` is None where nothing exists at all.

    ``rules`` are the policy's, in their order. Its other patterns (include, exclude) only chose the families.
    ``usage_off`` names the sources that were not asked who uses a revision.
    """

    account: str | None
    region: str
    sweep_id: str
    made_at: datetime
    rules: tuple[RuleValues, ...]
    usage_off: tuple[str, ...] = ()
    numbers: Mapping[str, NumberSet]

    @property
    def revisions(self) -> int:
        """Count what is planned."""
        return sum(map(len, self.numbers.values()))


def rule_values(policy: Policy) -> tuple[RuleValues, ...]:
    """Return a policy's rules as values, in their order."""
    return tuple(
        RuleValues(families=sorted(rule.families.value), keep=True)
        if rule.keep
        else RuleValues(
            families=sorted(rule.families.value),
            retention_seconds=round(rule.retention.value.total_seconds()),
            keep_newest=rule.keep_newest.value,
            age_from=rule.age_from.value.value,
            keep_tags=sorted(rule.keep_tags.value),
        )
        for rule in policy.rules
    )


def plan_fields(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON values, with the digest over them."""
    policy = {"rules": [asdict(rule) for rule in plan.rules], "usage_off": sorted(plan.usage_off)}
    fields = {
        "version": PLAN_VERSION,
        "account": plan.account,
        "region": plan.region,
        "sweep_id": plan.sweep_id,
        "made_at": plan.made_at.isoformat(),
        "policy": {"digest": digest(policy), **policy},
        "revisions": plan.revisions,
        "families": {family: ranges(numbers) for family, numbers in sorted(plan.numbers.items())},
    }
    return {**fields, "digest": digest(fields)}


def digest(value: object) -> str:
    """Return the SHA-256 over JSON values, however they were laid out as text."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def ranges(numbers: Iterable[int]) -> str:
    """Write ascending numbers as ranges: ``1-10,12``."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in _runs(numbers))


def numbers_in(text: str) -> NumberSet:
    """Return the numbers that a text of ranges names.

    Raises:
        ValueError: if it is no such text, a number is 0 or has more than ten digits, the ranges do not ascend, or they
            name more revisions than a family can have.
    """
    numbers = NumberSet()
    place = reached = 0
    while True:
        match = _RANGE.match(text, place)
        end = len(text) if match is None else match.end()
        if match is None or (end < len(text) and text[end] != ","):
            raise ValueError(f"{text[place : place + 30]!r} does not begin with a number from 1 up, or a range of them")
        first, last = int(match[1]), int(match[2] or match[1])
        if not reached < first <= last:
            raise ValueError(f"{match[0]} does not ascend")
        if len(numbers) + last - first + 1 > LIMIT:
            raise ValueError(f"more than {LIMIT:,} revisions, which no family can have")
        for number in range(first, last + 1):
            numbers.add(number)
        if end == len(text):
            return numbers
        place, reached = end + 1, last


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for number in numbers:
        if last is not None and first is not None and number != last + 1:
            yield first, last
            first = None
        first, last = number if first is None else first, number
    if first is not None and last is not None:
        yield first, last

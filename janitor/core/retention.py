"""Rules and verdicts: the only code that says DELETE.

Everything here is decided from arguments: the revision as it was described, the rule for its family, who uses it and
what time it is. The order of the questions in ``judge`` is the order in which a person would ask them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Generic, TypeVar, assert_never

from janitor.core.model import Decision, Reason, Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from janitor.core.model import FamilyUsage, Revision
    from janitor.core.orphans import OrphanRule

T = TypeVar("T")

MINIMUM_RETENTION = timedelta(days=1)
DEFAULT_RETENTION = timedelta(days=180)
DEFAULT_KEEP_NEWEST = 2
DEFAULT_KEEP_TAGS = ("AWSBatchServiceTag", "janitor:keep")

SETTLED = timedelta(hours=1)
"""INACTIVE for less than this keeps a revision whatever the rule says: tasks may start from it for ten minutes after
its deregistration (Amazon ECS API reference, DeregisterTaskDefinition)."""


class AgeFrom(StrEnum):
    """The date from which a revision's age is counted."""

    DEREGISTERED_AT = "deregisteredAt"
    REGISTERED_AT = "registeredAt"


@dataclass(frozen=True, slots=True)
class Sourced(Generic[T]):
    """A value and who said so: the default, the policy file, a flag."""

    value: T
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What happens to the families that match: either they are kept whole, or these conditions must all hold."""

    name: str
    families: Sourced[tuple[str, ...]]
    retention: Sourced[timedelta]
    keep_newest: Sourced[int]
    age_from: Sourced[AgeFrom]
    keep_tags: Sourced[tuple[str, ...]]
    keep: bool = False
    orphans: Sourced[OrphanRule] | None = None

    @property
    def deregisters(self) -> bool:
        """Say whether the rule asks for the deregistration of ACTIVE orphans."""
        return self.orphans is not None and not self.keep

    def __post_init__(self) -> None:
        """Refuse a rule that would delete what the promises keep, whoever made it."""
        if self.retention.value < MINIMUM_RETENTION or self.keep_newest.value < 0:
            raise ValueError(f"{self.name}: a retention of {self.retention.value}, newest {self.keep_newest.value}")

    def matches(self, family: str) -> bool:
        """Say whether one of the rule's patterns matches the family, case and all."""
        return any(fnmatchcase(family, pattern) for pattern in self.families.value)

    def sentences(self) -> tuple[str, ...]:
        """Read the rule aloud, each value with its source."""
        head = f"{self.name}: families {listed(self.families.value)} ({self.families.source})"
        if self.keep:
            return (f"{head}: keep every revision",)
        verb = "deregistered" if self.age_from.value is AgeFrom.DEREGISTERED_AT else "registered"
        newest = self.keep_newest.value
        tags = self.keep_tags.value
        orphans = () if self.orphans is None else (f"  {self.orphans.value.sentence()} ({self.orphans.source})",)
        return (
            f"{head}:",
            (
                f"  delete INACTIVE revisions {verb} more than {duration(self.retention.value)} ago "
                f"({self.retention.source}; counted from {self.age_from.value}: {self.age_from.source})"
            ),
            f"  but keep the newest {newest} INACTIVE ones ({self.keep_newest.source})"
            if newest
            else f"  and keep no newest ones: a dead family goes whole ({self.keep_newest.source})",
            f"  and those tagged {listed(tags)} ({self.keep_tags.source})"
            if tags
            else f"  and let no tag keep one ({self.keep_tags.source})",
            *orphans,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Ordered rules, the first whose pattern matches decides, and the families the run is narrowed to.

    A family that no rule matches, that ``exclude`` matches, or that ``include`` or ``narrowing`` (what an event adds)
    does not match keeps every revision.
    """

    rules: tuple[Rule, ...]
    include: Sourced[tuple[str, ...]] = Sourced((), "default")
    exclude: Sourced[tuple[str, ...]] = Sourced((), "default")
    narrowing: Sourced[tuple[str, ...]] = Sourced((), "default")

    def selects(self, family: str) -> bool:
        """Say whether the run looks at this family at all."""
        if any(fnmatchcase(family, pattern) for pattern in self.exclude.value):
            return False
        return all(
            not only.value or any(fnmatchcase(family, pattern) for pattern in only.value)
            for only in (self.include, self.narrowing)
        )

    @property
    def deregisters(self) -> bool:
        """Say whether any rule asks for the deregistration of ACTIVE orphans."""
        return any(rule.deregisters for rule in self.rules)

    def rule_for(self, family: str) -> Rule | None:
        """Return the first rule that matches the family, or None: then everything in it is kept."""
        if not self.selects(family):
            return None
        return next((rule for rule in self.rules if rule.matches(family)), None)

    def unmatched(self, families: Sequence[str]) -> tuple[str, ...]:
        """Name the patterns that match none of the families: often a misspelt name."""
        patterns = [
            *((pattern, self.include.source) for pattern in self.include.value),
            *((pattern, self.narrowing.source) for pattern in self.narrowing.value),
            *((pattern, self.exclude.source) for pattern in self.exclude.value),
            *((pattern, rule.families.source) for rule in self.rules for pattern in rule.families.value),
        ]
        return tuple(
            f"{pattern} ({source})"
            for pattern, source in dict.fromkeys(patterns)
            if not any(fnmatchcase(family, pattern) for family in families)
        )

    def sentences(self) -> tuple[str, ...]:
        """Read the policy aloud, each value with its source."""
        lines = [line for rule in self.rules for line in rule.sentences()]
        if not self.rules:
            lines.append("no rule: every revision is kept")
        lines.extend(
            f"only families {listed(only.value)} ({only.source})"
            for only in (self.include, self.narrowing)
            if only.value
        )
        if self.exclude.value:
            lines.append(f"never families {listed(self.exclude.value)} ({self.exclude.source})")
        active = "ACTIVE but for such orphans" if self.deregisters else "ACTIVE"
        lines.append(f"always kept: {active}, in use, without a date, INACTIVE for less than 1 hour")
        return tuple(lines)


def cutoff(rule: Rule, now: datetime) -> datetime:
    """Return the moment before which a revision's date makes it due under the rule; a naive time is refused."""
    if now.tzinfo is None:
        raise ValueError("now has no time zone")
    return now - rule.retention.value


def judge(  # noqa: C901, PLR0911 - one question, one answer, in the order a person would ask
    revision: Revision,
    rule: Rule | None,
    *,
    newer_inactive: int,
    usage: Callable[[], FamilyUsage],
    now: datetime,
    planned: bool = True,
) -> Verdict:
    """Return the verdict on one described revision.

    ``newer_inactive`` counts the distinct INACTIVE revisions of the family with a higher number. ``usage`` is asked
    last, and only where everything else says DELETE: reading who uses a family costs calls. ``planned`` is False for
    what the plan that a sweep applies does not name.
    """

    def keep(reason: Reason, words: str) -> Verdict:
        return Verdict(revision=revision.id, decision=Decision.KEEP, reason=reason, words=words)

    if rule is None:
        return keep(Reason.NO_RULE, "no rule matches its family")
    if rule.keep:
        return keep(Reason.RULE_KEEPS, f"{rule.name} keeps every revision of its family")
    if not planned:
        return keep(Reason.NOT_PLANNED, "it is not in the plan")
    if revision.status is not Status.INACTIVE:
        return keep(Reason.NOT_INACTIVE, f"it is {revision.status}, not INACTIVE")
    if newer_inactive < rule.keep_newest.value:
        return keep(Reason.AMONG_NEWEST, f"it is among the newest {rule.keep_newest.value} INACTIVE ones")
    age = _age_verdict(revision, rule, now)
    if age.decision is Decision.KEEP:
        return age
    kept_by = sorted(tag for tag in rule.keep_tags.value if tag in revision.tags)
    if kept_by:
        return keep(Reason.TAGGED, f"it carries the tag {listed(kept_by)}")
    used = usage()
    if revision.id.number in used.reasons:
        return keep(Reason.IN_USE, used.reasons[revision.id.number])
    if used.unreadable:
        return keep(Reason.USAGE_UNKNOWN, f"it may be in use: {'; '.join(used.unreadable)}")
    return age


def age_date(revision: Revision, rule: Rule) -> datetime | None:
    """Return the date that the rule counts a revision's age from, None where ECS gives none."""
    match rule.age_from.value:
        case AgeFrom.DEREGISTERED_AT:
            return revision.deregistered_at
        case AgeFrom.REGISTERED_AT:
            return revision.registered_at
        case _:
            assert_never(rule.age_from.value)


def _age_verdict(revision: Revision, rule: Rule, now: datetime) -> Verdict:
    def verdict(decision: Decision, reason: Reason, words: str) -> Verdict:
        return Verdict(revision=revision.id, decision=decision, reason=reason, words=words)

    since = age_date(revision, rule)
    verb = "deregistered" if rule.age_from.value is AgeFrom.DEREGISTERED_AT else "registered"
    inactive_since = revision.deregistered_at
    if since is None or inactive_since is None:
        missing = rule.age_from.value if since is None else AgeFrom.DEREGISTERED_AT
        return verdict(Decision.KEEP, Reason.NO_DATE, f"ECS gives no {missing} for it")
    if now - inactive_since < SETTLED:
        return verdict(Decision.KEEP, Reason.JUST_DEREGISTERED, "it has been INACTIVE for less than 1 hour")
    if since > now:
        return verdict(Decision.KEEP, Reason.YOUNG, f"{verb} on {since:%Y-%m-%d}, which is yet to come")
    if since > cutoff(rule, now):
        due = since + rule.retention.value
        return verdict(Decision.KEEP, Reason.YOUNG, f"{verb} {days(now - since)} ago, due on {due:%Y-%m-%d}")
    if revision.registered_at is not None and inactive_since < revision.registered_at:
        return verdict(Decision.KEEP, Reason.NO_DATE, "ECS's dates contradict: deregistered before it was registered")
    return verdict(
        Decision.DELETE,
        Reason.DUE,
        f"{verb} {days(now - since)} ago, past the {duration(rule.retention.value)} of {rule.name}",
    )


_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?P<number>\d{1,9})\s?(?P<unit>[wdhms])", re.ASCII)
_LONGEST = timedelta(days=36_500)


def parse_duration(text: str) -> timedelta:
    """Return the duration that a text such as ``180d``, ``26w``, ``36h`` or ``15m`` names.

    Raises:
        ValueError: if it is none, or is longer than a hundred years; the message says what would be one.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        message = f"{text!r} is not a duration: write a whole number and a unit, such as 180d, 26w or 36h"
        raise ValueError(message)
    try:
        value = timedelta(**{_UNITS[match["unit"]]: int(match["number"])})
    except OverflowError:
        value = timedelta.max
    if value > _LONGEST:
        message = f"{text!r} is longer than a hundred years"
        raise ValueError(message)
    return value


def duration(value: timedelta) -> str:
    """Say a duration in its largest whole unit: ``180 days``, ``36 hours``."""
    seconds = round(value.total_seconds())
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            return _counted(seconds // size, name)
    return _counted(seconds, "second")


def days(value: timedelta) -> str:
    """Say an age in whole days, or in hours below one."""
    return _counted(value.days, "day") if value >= timedelta(days=1) else _counted(value.seconds // 3600, "hour")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(words: tuple[str, ...] | list[str]) -> str:
    """Say several things one after the other."""
    return ", ".join(words)

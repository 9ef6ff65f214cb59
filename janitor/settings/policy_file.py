"""The policy file: one TOML file in git, the same for the Lambda and the command line.

exclude = ["*-prod"]            # families never touched
max_deletions = 50_000          # of one run
max_deregistrations = 500       # of one sweep, where a rule has orphans

[[rule]]                        # the first rule whose pattern matches a family decides
families = ["airflow-*"]
retention = "90d"
keep_newest = 5
age_from = "deregisteredAt"     # or "registeredAt"
keep_tags = ["janitor:keep"]    # instead of the default ones
orphans = { older_than = "14d", keep_newest = 1, registered_by = ["arn:aws:sts::*:assumed-role/airflow-*"] }

[[rule]]
families = ["billing-*"]
keep = true                     # every revision stays

[rates.read]                    # a bucket; all three may be left out
per_second = 20                 # what the account may, where AWS Support has raised it
burst = 50
share = 0.6                     # the part of it to take

[usage]                         # who uses a revision: ECS is always asked, these need not be
off = ["schedules"]             # of rules, schedules, state_machines; not where a rule has orphans

[lookup_table]                  # by which definitions are reused: what it names is no orphan
name = "ecs-revision-janitor-prod-lookup"
evict_after = "90d"             # entries that nobody used for so long go; without it none does
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from janitor.core.pacing import Bucket
from janitor.core.retention import AgeFrom  # noqa: TC001 - read at run time, from the annotations
from janitor.settings.structure import structured
from janitor.settings.values import (
    bad_patterns,
    bad_registrants,
    bad_sources,
    orphan_age,
    retention,
    table_name,
    unused_age,
)

if TYPE_CHECKING:
    from pathlib import Path


LARGEST = 1_000_000
"""Bytes of a policy file: more are none that a person wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOrphans:
    """The ``orphans`` of a rule: which ACTIVE revisions are deregistered."""

    older_than: str
    registered_by: list[str]
    keep_newest: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRule:
    """One ``[[rule]]`` of a policy file."""

    families: list[str]
    keep: bool = False
    retention: str | None = None
    keep_newest: int | None = None
    age_from: AgeFrom | None = None
    keep_tags: list[str] | None = None
    orphans: FileOrphans | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRate:
    """One ``[rates.BUCKET]`` of a policy file: requests a second, requests at once, part of it to take."""

    per_second: float | None = None
    burst: float | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUsage:
    """The ``[usage]`` of a policy file: the sources that are not asked."""

    off: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLookupTable:
    """The ``[lookup_table]`` of a policy file. Its name may be left to the stack, or to a flag."""

    name: str | None = None
    evict_after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePolicy:
    """A policy file."""

    rule: list[FileRule] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    max_deletions: int | None = None
    max_deregistrations: int | None = None
    abort_above: int | None = None
    rates: dict[str, FileRate] = field(default_factory=dict)
    usage: FileUsage | None = None
    lookup_table: FileLookupTable | None = None


def read_policy(path: Path, flag: str, problems: list[str]) -> FilePolicy | None:
    """Return the policy a file holds, or None; all that is wrong with it is added to the problems."""
    try:
        with path.open("rb") as file:
            content_bytes = file.read(LARGEST + 1)
        if len(content_bytes) > LARGEST:
            problems.append(f"{flag} {path}: it is larger than {LARGEST:,} bytes")
            return None
        text = content_bytes.decode()
    except OSError as error:
        problems.append(f"{flag} {path}: it cannot be read: {error.strerror}")
        return None
    except UnicodeDecodeError as error:
        problems.append(f"{flag} {path}: it is not UTF-8 (byte {error.start})")
        return None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{flag} {path}: it is not TOML: {error}")
        return None
    found: list[str] = []
    policy = structured(content, FilePolicy, found)
    if policy is not None:
        _check_policy(policy, found)
    problems.extend(f"{flag} {path.name}: {problem}" for problem in found)
    return policy


def _check_policy(policy: FilePolicy, problems: list[str]) -> None:
    """Note what is wrong with a policy that is well formed: out of range, or contradicting itself."""
    if not policy.rule:
        problems.append("it has no rule, so nothing could be deleted: add a [[rule]]")
    problems.extend(bad_patterns("exclude", policy.exclude))
    for name in ("max_deletions", "max_deregistrations", "abort_above"):
        limit: int | None = getattr(policy, name)
        if limit is not None and limit < 0:
            problems.append(f"{name} is {limit}: it cannot be negative")
    for name, rate in policy.rates.items():
        problems.extend(f"rates.{name}: {problem}" for problem in _rate_problems(name, rate))
    if policy.usage is not None:
        problems.extend(bad_sources("usage.off", policy.usage.off))
    problems.extend(f"lookup_table.{problem}" for problem in _table_problems(policy.lookup_table or FileLookupTable()))
    if policy.max_deregistrations is not None and not any(rule.orphans for rule in policy.rule):
        problems.append("max_deregistrations limits nothing: no rule has orphans")
    taken: dict[str, int] = {}
    for number, rule in enumerate(policy.rule, start=1):
        problems.extend(f"rule {number}: {problem}" for problem in _rule_problems(rule))
        for pattern in rule.families:
            earlier = taken.get(pattern, taken.get("*"))
            if earlier not in {None, number}:
                problems.append(f"rule {number}: {pattern} never comes to it: rule {earlier} takes those families")
            taken.setdefault(pattern, number)


BUCKETS = {bucket.name.lower(): bucket for bucket in Bucket}
"""What a policy file calls the buckets."""

FASTEST = 10_000
"""Requests, a second or at once, that no account is allowed."""


def _rate_problems(name: str, rate: FileRate) -> list[str]:
    """Return what is wrong with a rate in itself."""
    problems = []
    if name not in BUCKETS:
        problems.append(f"there is no such bucket; there are {', '.join(BUCKETS)}")
    if rate.per_second is not None and not 0 < rate.per_second <= FASTEST:
        problems.append(f"per_second is {rate.per_second:g}: it must be more than 0 and at most {FASTEST:,}")
    if rate.burst is not None and not 1 <= rate.burst <= FASTEST:
        problems.append(f"burst is {rate.burst:g}: it must be from 1 to {FASTEST:,}")
    if rate.share is not None and not 0 < rate.share <= 1:
        problems.append(f"share is {rate.share:g}: it must be more than 0 and at most 1")
    return problems


def _rule_problems(rule: FileRule) -> list[str]:
    problems = bad_patterns("families", rule.families)
    if not rule.families:
        problems.append("families is empty, so it matches nothing")
    if rule.retention is not None:
        try:
            retention(rule.retention)
        except ValueError as error:
            problems.append(f"retention: {error}")
    if rule.keep_newest is not None and rule.keep_newest < 0:
        problems.append(f"keep_newest is {rule.keep_newest}: it cannot be negative")
    if rule.orphans is not None:
        problems.extend(f"orphans.{problem}" for problem in _orphans_problems(rule.orphans))
    conditions = ("retention", "keep_newest", "age_from", "keep_tags", "orphans")
    given = [name for name in conditions if getattr(rule, name) is not None]
    if rule.keep and given:
        problems.append(f"keep = true keeps everything; it contradicts {', '.join(given)}")
    return problems


def _table_problems(table: FileLookupTable) -> list[str]:
    problems = []
    for name, text, check in (
        ("name", table.name, table_name),
        ("evict_after", table.evict_after, unused_age),
    ):
        try:
            if text is not None:
                check(text)
        except ValueError as error:
            problems.append(f"{name}: {error}")
    return problems


def _orphans_problems(orphans: FileOrphans) -> list[str]:
    problems = bad_registrants("registered_by", orphans.registered_by)
    try:
        orphan_age(orphans.older_than)
    except ValueError as error:
        problems.append(f"older_than: {error}")
    if orphans.keep_newest < 1:
        problems.append(
            f"keep_newest is {orphans.keep_newest}: it is at least 1, since a schedule may name the family alone, "
            "which means its newest ACTIVE revision"
        )
    return problems

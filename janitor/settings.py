"""Where a value comes from: flags, the policy file, the defaults. One frozen value, or every problem by name.

Where the policy file and a flag disagree on one axis, the stricter wins: the longer retention, the larger
keep-newest, the later date to count age from, the smaller number of deletions. The value keeps its source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from janitor.core.retention import (
    DEFAULT_KEEP_NEWEST,
    DEFAULT_KEEP_TAGS,
    DEFAULT_RETENTION,
    AgeFrom,
    Policy,
    Rule,
    Sourced,
)
from janitor.errors import BadInput
from janitor.policy_file import FilePolicy, FileRule, read_policy
from janitor.values import age_from, bad_patterns, positive_duration, retention, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

T = TypeVar("T")

DEFAULT_MAX_READS = 600

ENVIRONMENT = {
    "AWS_PROFILE": "the profile, as --profile",
    "AWS_REGION": "the Region, as --region; it wins over AWS_DEFAULT_REGION, as in the newer AWS tools",
    "AWS_DEFAULT_REGION": "the Region, as in the AWS CLI",
    "AWS_ENDPOINT_URL": "another address to call, as --endpoint-url; AWS_ENDPOINT_URL_ECS does the same for ECS alone",
    "NO_COLOR": "no colour, whatever the terminal can show",
}
"""Environment variables that change what a command does; the rest of AWS's are boto3's own business."""

DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The options that shape a run, as text, the way they were typed; None or empty where they were not."""

    older_than: str | None = None
    keep_newest: str | None = None
    age_from: str | None = None
    family: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    policy: Path | None = None
    max_deletions: str | None = None
    max_reads: str | None = None
    max_time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run goes by."""

    policy: Policy
    max_deletions: int | None
    max_reads: int
    max_seconds: float | None


def load(flags: Flags) -> Settings:
    """Return the settings that the flags and the policy file they name ask for.

    Raises:
        BadInput: with every problem found, each by the name of its flag or key.
    """
    problems: list[str] = []
    file = None if flags.policy is None else read_policy(flags.policy, problems)
    asked = _Asked(flags, problems)
    if problems:
        raise BadInput(problems)
    source = DEFAULT if flags.policy is None else f"policy file {flags.policy.name}"
    file = file or FilePolicy(rule=[FileRule(families=["*"])])
    rules = tuple(
        _rule("the default rule" if flags.policy is None else f"rule {number}", each, source, asked)
        for number, each in enumerate(file.rule, start=1)
    )
    limits = [limit for limit in (asked.max_deletions, file.max_deletions) if limit is not None]
    return Settings(
        policy=Policy(
            rules=rules,
            include=Sourced(flags.family, "--family"),
            exclude=Sourced((*file.exclude, *flags.exclude), _joined(file.exclude, source, flags.exclude, "--exclude")),
        ),
        max_deletions=min(limits, default=None),
        max_reads=DEFAULT_MAX_READS if asked.max_reads is None else asked.max_reads,
        max_seconds=None if asked.max_time is None else asked.max_time.total_seconds(),
    )


class _Asked:
    """The flags, parsed; what cannot be parsed is a problem."""

    def __init__(self, flags: Flags, problems: list[str]) -> None:
        def parsed(flag: str, text: str | None, parse: Callable[[str], T]) -> T | None:
            if text is None:
                return None
            try:
                return parse(text)
            except ValueError as error:
                problems.append(f"{flag}: {error}")
                return None

        self.older_than = parsed("--older-than", flags.older_than, retention)
        self.keep_newest = parsed("--keep-newest", flags.keep_newest, lambda text: whole_number(text, least=0))
        self.age_from = parsed("--age-from", flags.age_from, age_from)
        self.max_deletions = parsed("--max-deletions", flags.max_deletions, lambda text: whole_number(text, least=0))
        self.max_reads = parsed("--max-reads", flags.max_reads, lambda text: whole_number(text, least=1))
        self.max_time = parsed("--max-time", flags.max_time, positive_duration)
        problems.extend(bad_patterns("--family", flags.family))
        problems.extend(bad_patterns("--exclude", flags.exclude))
        problems.extend(
            f"--family {pattern} and --exclude {pattern} contradict each other"
            for pattern in flags.family
            if pattern in flags.exclude
        )


def _rule(name: str, rule: FileRule, source: str, asked: _Asked) -> Rule:
    stays = DEFAULT_RETENTION if rule.retention is None else retention(rule.retention)
    newest = DEFAULT_KEEP_NEWEST if rule.keep_newest is None else rule.keep_newest
    date = AgeFrom.DEREGISTERED_AT if rule.age_from is None else rule.age_from
    return Rule(
        name=name,
        families=Sourced(tuple(rule.families), source),
        keep=rule.keep,
        retention=_stricter(stays, _source(rule.retention, source), asked.older_than, "--older-than"),
        keep_newest=_stricter(newest, _source(rule.keep_newest, source), asked.keep_newest, "--keep-newest"),
        age_from=_stricter(
            date, _source(rule.age_from, source), asked.age_from, "--age-from", strictness=_LATER_DATE.index
        ),
        keep_tags=Sourced(
            DEFAULT_KEEP_TAGS if rule.keep_tags is None else tuple(sorted(rule.keep_tags)),
            _source(rule.keep_tags, source),
        ),
    )


_LATER_DATE = [AgeFrom.REGISTERED_AT, AgeFrom.DEREGISTERED_AT]
"""Dates to count age from, the stricter later: a revision is deregistered after it was registered."""


def _stricter(
    value: T, source: str, flag: T | None, name: str, *, strictness: Callable[[T], Any] = lambda v: v
) -> Sourced[T]:
    """Return the flag's value where nobody else has spoken; else the stricter of the two."""
    if flag is None:
        return Sourced(value, source)
    if source == DEFAULT or strictness(flag) > strictness(value):
        return Sourced(flag, name)
    return Sourced(value, source if flag == value else f"{source}; stricter than {name}")


def _source(value: object, source: str) -> str:
    return DEFAULT if value is None else source


def _joined(first: Sequence[str], first_source: str, second: Sequence[str], second_source: str) -> str:
    return ", ".join(source for values, source in ((first, first_source), (second, second_source)) if values) or DEFAULT

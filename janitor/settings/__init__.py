"""Where a value comes from: flags, the stack, an event, the policy file, the defaults.

All of it together is one frozen value, or every problem by name.

Where two of them disagree on one axis, the stricter wins: the longer retention, the larger keep-newest, the later date
to count age from, the smaller number of deletions. The value keeps its source. An event can only narrow: what would
widen is a problem.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from janitor.core.model import UsageSource
from janitor.core.orphans import MOST_DEREGISTRATIONS, OrphanRule
from janitor.core.pacing import ORPHANS_SHARE, OURS, PUBLISHED, Bucket, Rate, our_share
from janitor.core.retention import (
    DEFAULT_KEEP_NEWEST,
    DEFAULT_KEEP_TAGS,
    DEFAULT_RETENTION,
    AgeFrom,
    Policy,
    Rule,
    Sourced,
    duration,
)
from janitor.errors import BadInput
from janitor.settings.policy_file import BUCKETS, FileLookupTable, FilePolicy, FileRule, read_policy
from janitor.settings.values import (
    age_from,
    bad_patterns,
    bad_sources,
    orphan_age,
    positive_duration,
    retention,
    table_name,
    unused_age,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from janitor.settings.policy_file import FileOrphans, FileRate

T = TypeVar("T")

DEFAULT_MAX_READS = 600

ENVIRONMENT = {
    "AWS_PROFILE": "the profile, as --profile",
    "AWS_REGION": "the Region, as --region; it wins over AWS_DEFAULT_REGION, as in the newer AWS tools",
    "AWS_DEFAULT_REGION": "the Region, as in the AWS CLI",
    "AWS_ENDPOINT_URL": "another address to call, as --endpoint-url; AWS_ENDPOINT_URL_ECS does the same for ECS alone",
    "JANITOR_STORE": "where record, due cache and archive are, as --store",
    "NO_COLOR": "no colour, whatever the terminal can show",
}
"""Environment variables that change what a command does; the rest of AWS's are boto3's own business."""

DEFAULT = "default"


FLAG_NAMES = {
    "older_than": "--older-than",
    "keep_newest": "--keep-newest",
    "age_from": "--age-from",
    "family": "--family",
    "exclude": "--exclude",
    "policy": "--policy",
    "max_deletions": "--max-deletions",
    "abort_above": "abort_above",
    "max_reads": "--max-reads",
    "max_time": "--max-time",
    "archive": "--archive",
    "lookup_table": "--lookup-table",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What one source asks for, as text, the way it was typed; None or empty where it is silent.

    ``names`` says what the source calls each field. One that ``narrows`` may only be stricter than those before it.
    """

    older_than: str | None = None
    keep_newest: str | None = None
    age_from: str | None = None
    family: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    policy: Path | None = None
    max_deletions: str | None = None
    abort_above: str | None = None
    max_reads: str | None = None
    max_time: str | None = None
    usage_off: tuple[str, ...] = ()
    archive: bool = False
    lookup_table: str | None = None
    names: dict[str, str] = field(default_factory=lambda: FLAG_NAMES)
    narrows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupSettings:
    """The lookup table to heed, and how long nobody has used an entry that is evicted; None: none is."""

    name: Sourced[str]
    evict_after: Sourced[timedelta] | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """Read it aloud."""
        heeded = f"what the lookup table {self.name.value} names is no orphan ({self.name.source})"
        if self.evict_after is None:
            return (heeded,)
        age = duration(self.evict_after.value)
        return heeded, f"its entries that nobody used for {age} are evicted ({self.evict_after.source})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run goes by. ``abort_above`` refuses a sweep with more candidates; ``max_deletions`` merely stops it."""

    policy: Policy
    max_deletions: int | None
    abort_above: int | None
    max_reads: int
    max_seconds: float | None
    max_deregistrations: int = MOST_DEREGISTRATIONS
    """The most of one sweep, all its hops together; it ends nothing but the deregistrations."""
    rates: Mapping[Bucket, Rate] = field(default_factory=lambda: OURS)
    archive: bool = False
    """Whether a definition is archived before its revision is submitted."""
    limits: tuple[str, ...] = ()
    """The limits, and the rates that are not the usual ones, read aloud, each with its source."""
    usage_off: Sourced[tuple[UsageSource, ...]]
    """The sources that are not asked who uses a revision."""
    lookup_table: LookupSettings | None = None

    @property
    def not_asked(self) -> str | None:
        """Read aloud which sources of usage are not asked, or return None where all are."""
        off = self.usage_off
        return f"not asked who uses a revision: {', '.join(off.value)} ({off.source})" if off.value else None


def load(*sources: Flags) -> Settings:
    """Return the settings that the sources ask for together, and the policy file that one of them names.

    Raises:
        BadInput: with every problem found, each by the name of its flag, variable, field or key.
    """
    problems: list[str] = []
    path, policy_name = next(((each.policy, each.names["policy"]) for each in sources if each.policy), (None, ""))
    file = None if path is None else read_policy(path, policy_name, problems)
    asked = [_Asked(each, problems) for each in sources]
    if problems:
        raise BadInput(problems)
    source = DEFAULT if path is None else f"policy file {path.name}"
    file = file or FilePolicy(rule=[FileRule(families=["*"])])
    rules = tuple(
        _rule("the default rule" if path is None else f"rule {number}", each, source, asked, problems)
        for number, each in enumerate(file.rule, start=1)
    )
    max_deletions = _least("max_deletions", file.max_deletions, source, asked, problems)
    abort_above = _least("abort_above", file.abort_above, source, asked, problems)
    off = _off(None if file.usage is None else tuple(file.usage.off), source, asked)
    problems.extend(_unseen(rules, off))
    lookup_table = _lookup_table(file.lookup_table, source, asked, problems)
    archive = next((each.names["archive"] for each in sources if each.archive), None)
    if problems:
        raise BadInput(problems)
    own_rates = {BUCKETS[name]: _rate(BUCKETS[name], each) for name, each in file.rates.items()}
    deregisters = any(rule.deregisters for rule in rules)
    orphans_rate = {Bucket.MODIFY: our_share(Bucket.MODIFY, part=ORPHANS_SHARE)} if deregisters else {}
    dose = MOST_DEREGISTRATIONS if file.max_deregistrations is None else file.max_deregistrations
    dose_source = DEFAULT if file.max_deregistrations is None else source
    return Settings(
        policy=Policy(
            rules=rules,
            include=_patterns("family", (), DEFAULT, [each for each in asked if not each.narrows]),
            narrowing=_patterns("family", (), DEFAULT, [each for each in asked if each.narrows]),
            exclude=_patterns("exclude", tuple(file.exclude), source, asked),
        ),
        max_deletions=None if max_deletions is None else max_deletions.value,
        abort_above=None if abort_above is None else abort_above.value,
        max_reads=next((each.max_reads for each in asked if each.max_reads is not None), DEFAULT_MAX_READS),
        max_seconds=next((each.max_time.total_seconds() for each in asked if each.max_time is not None), None),
        max_deregistrations=dose,
        rates=OURS | orphans_rate | own_rates,
        archive=archive is not None,
        limits=tuple(
            words.format(limit.value, limit.source)
            for words, limit in (
                ("a sweep stops after {:,} deletions ({})", max_deletions),
                ("a sweep does not begin if more than {:,} revisions may be due ({})", abort_above),
            )
            if limit is not None
        )
        + ((f"a sweep deregisters at most {dose:,} revisions ({dose_source})",) if deregisters else ())
        + tuple(
            f"of the {bucket} bucket it takes {rate.per_second:g} calls a second, {rate.burst:g} at once ({source})"
            for bucket, rate in own_rates.items()
        )
        + (() if archive is None else (f"what is deleted is archived before ({archive})",))
        + (() if lookup_table is None else lookup_table.sentences),
        usage_off=off,
        lookup_table=lookup_table,
    )


def _rate(bucket: Bucket, said: FileRate) -> Rate:
    published = PUBLISHED[bucket]
    account = Rate(
        burst=published.burst if said.burst is None else said.burst,
        per_second=published.per_second if said.per_second is None else said.per_second,
    )
    return our_share(bucket, account, said.share)


def needs_store(archive: str, store: str) -> str:
    """Return what is wrong with an archive that has no place to be in, by the names of its source."""
    return f"{archive}: the archive lies in the store: say where that is with {store}"


class _Asked:
    """What a source asks for, parsed; what cannot be parsed is a problem."""

    def __init__(self, flags: Flags, problems: list[str]) -> None:
        names = self.names = flags.names
        self.narrows = flags.narrows
        self.family = flags.family
        self.exclude = flags.exclude

        def parsed(name: str, text: str | None, parse: Callable[[str], T]) -> T | None:
            if text is None:
                return None
            try:
                return parse(text)
            except ValueError as error:
                problems.append(f"{names[name]}: {error}")
                return None

        self.older_than = parsed("older_than", flags.older_than, retention)
        self.keep_newest = parsed("keep_newest", flags.keep_newest, lambda text: whole_number(text, least=0))
        self.age_from = parsed("age_from", flags.age_from, age_from)
        self.max_deletions = parsed("max_deletions", flags.max_deletions, lambda text: whole_number(text, least=0))
        self.abort_above = parsed("abort_above", flags.abort_above, lambda text: whole_number(text, least=0))
        self.max_reads = parsed("max_reads", flags.max_reads, lambda text: whole_number(text, least=1))
        self.max_time = parsed("max_time", flags.max_time, positive_duration)
        self.usage_off = flags.usage_off
        self.lookup_table = parsed("lookup_table", flags.lookup_table, table_name)
        problems.extend(bad_sources(names.get("usage_off", ""), flags.usage_off))
        problems.extend(bad_patterns(names["family"], flags.family))
        problems.extend(bad_patterns(names["exclude"], flags.exclude))
        problems.extend(
            f"{names['family']} {pattern} and {names['exclude']} {pattern} contradict each other"
            for pattern in flags.family
            if pattern in flags.exclude
        )


def _rule(name: str, rule: FileRule, source: str, asked: Sequence[_Asked], problems: list[str]) -> Rule:
    stays = _said(None if rule.retention is None else retention(rule.retention), source, DEFAULT_RETENTION)
    newest = _said(rule.keep_newest, source, DEFAULT_KEEP_NEWEST)
    date = _said(rule.age_from, source, AgeFrom.DEREGISTERED_AT)
    for each in asked:
        stays = _stricter(stays, each.older_than, each, "older_than", problems)
        newest = _stricter(newest, each.keep_newest, each, "keep_newest", problems)
        date = _stricter(date, each.age_from, each, "age_from", problems, strictness=_LATER_DATE.index)
    return Rule(
        name=name,
        families=Sourced(tuple(rule.families), source),
        keep=rule.keep,
        retention=stays,
        keep_newest=newest,
        age_from=date,
        orphans=None if rule.orphans is None else Sourced(_orphans(rule.orphans), source),
        keep_tags=_said(None if rule.keep_tags is None else tuple(sorted(rule.keep_tags)), source, DEFAULT_KEEP_TAGS),
    )


def _orphans(said: FileOrphans) -> OrphanRule:
    return OrphanRule(
        older_than=orphan_age(said.older_than),
        registered_by=tuple(said.registered_by),
        keep_newest=said.keep_newest,
    )


def _unseen(rules: Sequence[Rule], off: Sourced[tuple[UsageSource, ...]]) -> list[str]:
    """Return what is wrong where orphans are deregistered and not everybody is asked who uses them.

    Nothing can start from an INACTIVE revision, so whoever names one may be left out. An ACTIVE one works until we
    deregister it.
    """
    if not off.value or not any(rule.deregisters for rule in rules):
        return []
    return [
        f"orphans go only where everybody is asked who uses them: {', '.join(off.value)} cannot be off ({off.source})"
    ]


_LATER_DATE = [AgeFrom.REGISTERED_AT, AgeFrom.DEREGISTERED_AT]
"""Dates to count age from, the stricter later: a revision is deregistered after it was registered."""


def _said(value: T | None, source: str, default: T) -> Sourced[T]:
    return Sourced(default, DEFAULT) if value is None else Sourced(value, source)


def _stricter(
    current: Sourced[T],
    asked: T | None,
    source: _Asked,
    field_name: str,
    problems: list[str],
    *,
    strictness: Callable[[T], Any] = lambda value: value,
) -> Sourced[T]:
    """Return what is asked for where only the default has spoken; else the stricter of the two."""
    if asked is None:
        return current
    name = source.names[field_name]
    if strictness(asked) > strictness(current.value) or (current.source == DEFAULT and not source.narrows):
        return Sourced(asked, name)
    if asked == current.value:
        return current
    if source.narrows:
        problems.append(f"{name}: it can only be stricter than {_shown(current.value)} ({current.source})")
    return Sourced(current.value, f"{current.source}; stricter than {name}")


def _least(
    field_name: str, in_file: int | None, source: str, asked: Sequence[_Asked], problems: list[str]
) -> Sourced[int] | None:
    """Return the smallest number that anybody asked for, or None: no limit."""
    least = None if in_file is None else Sourced(in_file, source)
    for each in asked:
        wanted: int | None = getattr(each, field_name)
        if wanted is None:
            continue
        name = each.names[field_name]
        if least is None or wanted < least.value:
            least = Sourced(wanted, name)
        elif wanted > least.value and each.narrows:
            problems.append(f"{name}: it can only be smaller than {least.value:,}")
    return least


def _off(in_file: tuple[str, ...] | None, source: str, asked: Sequence[_Asked]) -> Sourced[tuple[UsageSource, ...]]:
    """Return the sources that all who spoke of it would leave out: who asks one more is the stricter."""
    spoke = [] if in_file is None else [(in_file, source)]
    spoke.extend((each.usage_off, each.names["usage_off"]) for each in asked if each.usage_off)
    off = tuple(each for each in UsageSource if spoke and all(each in sources for sources, _ in spoke))
    return Sourced(off, ", ".join(name for _, name in spoke) or DEFAULT)


def _lookup_table(
    in_file: FileLookupTable | None, source: str, asked: Sequence[_Asked], problems: list[str]
) -> LookupSettings | None:
    """Return the one table that all who spoke of one name; it is a problem if they name two, or nobody does."""
    said = FileLookupTable() if in_file is None else in_file
    spoke = [] if said.name is None else [(said.name, source)]
    spoke.extend((each.lookup_table, each.names["lookup_table"]) for each in asked if each.lookup_table is not None)
    if len({name for name, _ in spoke}) > 1:
        named = " and ".join(f"{name} ({who})" for name, who in spoke)
        problems.append(f"there is one lookup table for each account and Region, and two are named: {named}")
    if not spoke:
        if in_file is not None:
            problems.append(f"{source}: lookup_table.name is missing, and nobody else names the table")
        return None
    return LookupSettings(
        name=Sourced(spoke[0][0], ", ".join(who for _, who in spoke)),
        evict_after=None if said.evict_after is None else Sourced(unused_age(said.evict_after), source),
    )


def _patterns(
    field_name: str, in_file: tuple[str, ...], source: str, asked: Sequence[_Asked]
) -> Sourced[tuple[str, ...]]:
    """Return the patterns of all who gave some, and who they are."""
    given = [(in_file, source), *((getattr(each, field_name), each.names[field_name]) for each in asked)]
    given = [(patterns, name) for patterns, name in given if patterns]
    return Sourced(
        tuple(pattern for patterns, _ in given for pattern in patterns),
        ", ".join(name for _, name in given) or DEFAULT,
    )


def _shown(value: object) -> str:
    return duration(value) if isinstance(value, timedelta) else str(value)

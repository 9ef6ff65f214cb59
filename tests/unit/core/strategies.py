"""Families, rules and usage as Hypothesis draws them, nasty cases first; and a whole family judged at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st

from janitor.core.model import Decision, FamilyUsage, Revision, RevisionId, Status
from janitor.core.retention import AgeFrom, Rule, Sourced, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from janitor.core.model import Verdict

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

STEADY = settings(derandomize=True, database=None, deadline=None, max_examples=60)
"""The same examples in every run: a test fails for what changed in the code, not for what was drawn."""

_ZONES = (UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12)), timezone(timedelta(hours=5, minutes=45)))
_NUMBERS = (1, 2, 3, 4, 5, 7, 8, 9, 10, 99, 100, 101, 999_999, 1_000_000)
_TAGS: tuple[dict[str, str], ...] = (
    *[{}] * 6,
    {"janitor:keep": "true"},
    {"janitor:keep": ""},
    {"AWSBatchServiceTag": "batch", "janitor:keep": "false"},
    {"AWSBatchServiceTag": "batch"},
    {"Janitor:Keep": "true", "janitor:keep ": "true"},
    {"team": "janitor:keep"},
)
_RETENTIONS = (DAY, DAY + MICROSECOND, timedelta(hours=36), timedelta(days=180))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A family at one moment. ``undescribed`` are INACTIVE numbers that were listed and not described."""

    family: tuple[Revision, ...]
    rule: Rule | None
    usage: FamilyUsage = field(default_factory=FamilyUsage)
    undescribed: frozenset[int] = frozenset()
    now: datetime = NOW


def rule(
    *,
    name: str = "airflow",
    families: tuple[str, ...] = ("*",),
    retention: timedelta = timedelta(days=180),
    keep_newest: int = 2,
    age_from: AgeFrom = AgeFrom.DEREGISTERED_AT,
    keep_tags: tuple[str, ...] = ("janitor:keep",),
    keep: bool = False,
) -> Rule:
    """Build a rule whose values all come from the policy file."""
    return Rule(
        name=name,
        families=Sourced(families, "policy.toml"),
        retention=Sourced(retention, "policy.toml"),
        keep_newest=Sourced(keep_newest, "policy.toml"),
        age_from=Sourced(age_from, "policy.toml"),
        keep_tags=Sourced(keep_tags, "policy.toml"),
        keep=keep,
    )


def revision(
    number: int,
    *,
    status: Status = Status.INACTIVE,
    registered: timedelta | None = timedelta(days=400),
    deregistered: timedelta | None = timedelta(days=300),
    tags: Sequence[str] = (),
    now: datetime = NOW,
) -> Revision:
    """Build a revision from how long ago it was registered and deregistered; by default it is long due."""
    return Revision(
        id=RevisionId("etl", number),
        status=status,
        registered_at=None if registered is None else now - registered,
        deregistered_at=None if deregistered is None else now - deregistered,
        tags=dict.fromkeys(tags, "true"),
    )


def newer_inactive(number: int, scenario: Scenario) -> int:
    """Count the distinct INACTIVE numbers above this one, described or not."""
    inactive = {each.id.number for each in scenario.family if each.status is Status.INACTIVE} | scenario.undescribed
    return sum(1 for other in inactive if other > number)


def verdicts(scenario: Scenario) -> list[tuple[Revision, Verdict]]:
    """Judge what was described of a family, as a sweep does: one revision after the other."""
    return [
        (
            each,
            judge(
                each,
                scenario.rule,
                newer_inactive=newer_inactive(each.id.number, scenario),
                usage=lambda: scenario.usage,
                now=scenario.now,
            ),
        )
        for each in scenario.family
        if each.id.number not in scenario.undescribed
    ]


def condemned(scenario: Scenario) -> set[int]:
    """Return the numbers whose verdict is DELETE."""
    return {each.id.number for each, verdict in verdicts(scenario) if verdict.decision is Decision.DELETE}


def rules() -> st.SearchStrategy[Rule]:
    """Draw rules, the shortest retention that there may be among them."""
    return st.builds(
        rule,
        retention=st.sampled_from(_RETENTIONS),
        keep_newest=st.sampled_from((0, 0, 1, 2, 3)),
        age_from=st.sampled_from(AgeFrom),
        keep_tags=st.sampled_from(((), ("janitor:keep",), ("janitor:keep",), ("team", "AWSBatchServiceTag"))),
        keep=st.sampled_from((False,) * 7 + (True,)),
    )


def dates(retention: timedelta) -> st.SearchStrategy[datetime | None]:
    """Draw when something happened: on both sides of every boundary, equal to it, in the future, or not known."""
    steps = (-MICROSECOND, timedelta(0), MICROSECOND)
    ages = [edge + step for edge in (HOUR, retention, timedelta(days=200)) for step in steps]
    ages += [
        timedelta(0),
        -MICROSECOND,
        -DAY,
        *[timedelta(days=400)] * 6,
        *[retention] * 2,
        *[retention + MICROSECOND] * 2,
    ]
    return st.sampled_from(
        [None, None, *((NOW - age).astimezone(_ZONES[index % len(_ZONES)]) for index, age in enumerate(ages))]
    )


def usages() -> st.SearchStrategy[FamilyUsage]:
    """Draw who uses which numbers, some of which do not exist; now and then a source is unreadable."""
    return st.builds(
        FamilyUsage,
        reasons=st.sets(st.sampled_from(_NUMBERS), max_size=4).map(
            lambda numbers: dict.fromkeys(numbers, "service web of cluster main")
        ),
        unreadable=st.sampled_from(((), (), (), (), ("services of cluster main: AccessDenied",))),
    )


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw a family with gaps in its numbers, doubtful dates, all statuses, tags, users and sometimes no rule."""
    drawn_rule = draw(rules())
    date = dates(drawn_rule.retention.value)
    family = draw(
        st.lists(
            st.builds(
                Revision,
                id=st.sampled_from(_NUMBERS).map(lambda number: RevisionId("etl", number)),
                status=st.sampled_from((Status.INACTIVE,) * 6 + (Status.ACTIVE, Status.DELETE_IN_PROGRESS)),
                registered_at=date,
                deregistered_at=date,
                tags=st.sampled_from(_TAGS),
            ),
            unique_by=lambda each: each.id,
            max_size=8,
        )
    )
    repeated = family[: draw(st.sampled_from((0, 0, 0, 1, 3)))]  # a listing that names some twice
    unseen = draw(st.sets(st.sampled_from(_NUMBERS), max_size=2))
    return Scenario(
        family=(*family, *repeated),
        rule=draw(st.sampled_from((drawn_rule,) * 7 + (None,))),
        usage=draw(usages()),
        undescribed=frozenset(unseen - {each.id.number for each in family}),
    )

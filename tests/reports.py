"""Reports as Hypothesis draws them: every field, every ending, names that nobody would give."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from janitor.core.boundary import Estimate
from janitor.core.lookup import Tended
from janitor.core.model import (
    LIMIT,
    OF_DELETIONS,
    OF_DEREGISTRATIONS,
    Lingering,
    Mode,
    Outcome,
    OutcomeKind,
    Reason,
    RevisionId,
)
from janitor.core.numbers import NumberSet
from janitor.core.plan import Plan, RuleValues
from janitor.core.report import Deregistrations, Ending, FamilyReport, Report
from tests.unit.core.strategies import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@team",
    "\t=1",
    "\r=1",
    "\N{FULLWIDTH EQUALS SIGN}1+1",
    "a|b\nc",
    "<img src=x onerror=alert(1)>",
    "<!channel>",
    "[x](javascript:alert(1))",
    "`*_#",
    "```",
    "#1",
    "\x1b[31m\x1b]0;title\x07\x9b2J",
    "\u202eesrever\u2066",
    '",="1',
)
"""Texts that a terminal, a spreadsheet, a page, a chat or a code host would obey."""

NAMES = st.one_of(st.sampled_from(("airflow-dbt", "web", "dead-report")), st.sampled_from(HOSTILE))
TEXTS = st.one_of(st.just("plain words"), st.sampled_from(HOSTILE))
COUNTS = st.integers(0, 2_000)


def estimates() -> st.SearchStrategy[Estimate]:
    """Draw counts: exact, estimated, or no more than a bound."""
    parts = st.integers(0, 300_000)
    guesses = st.builds(
        lambda low, below, above: Estimate(low=low, value=low + below, high=low + below + above), parts, parts, parts
    )
    return st.one_of(st.integers(0, 500).map(Estimate.exactly), guesses, parts.map(Estimate.at_most))


def families() -> st.SearchStrategy[FamilyReport]:
    """Draw a family, read in part or whole."""
    counts = st.one_of(st.none(), estimates())
    amounts = st.one_of(st.none(), st.floats(0, 1e9, allow_nan=False))
    numbers = st.one_of(st.none(), st.integers(1, LIMIT))
    return st.builds(
        FamilyReport,
        family=NAMES,
        rule=st.one_of(st.none(), TEXTS),
        active=counts,
        inactive=counts,
        delete_in_progress=counts,
        lowest_revision=numbers,
        highest_revision=numbers,
        due=estimates(),
        planned=st.one_of(st.none(), COUNTS),
        kept=st.dictionaries(st.sampled_from(Reason), COUNTS),
        outcomes=st.dictionaries(st.sampled_from(OF_DELETIONS), COUNTS),
        registrations_per_day=amounts,
        active_orphans=counts,
        deregistrations=st.builds(
            Deregistrations,
            due=estimates(),
            kept=st.dictionaries(st.sampled_from(Reason), COUNTS),
            outcomes=st.dictionaries(st.sampled_from(OF_DEREGISTRATIONS), COUNTS),
        ),
        delete_in_progress_age=amounts,
        delete_in_progress_age_is_exact=st.booleans(),
        lingering=st.lists(_lingering(), max_size=2).map(tuple),
        outlook=st.one_of(st.none(), TEXTS),
    )


def plans() -> st.SearchStrategy[Plan]:
    """Draw a plan."""
    return st.builds(
        Plan,
        account=st.just("123456789012"),
        region=st.just("eu-west-1"),
        sweep_id=st.just("s-1"),
        made_at=st.just(NOW),
        rules=st.just((RuleValues(families=["*"], keep=True), _conditions())),
        usage_off=st.sampled_from(((), ("schedules",))),
        numbers=numbers_by_family(),
    )


def numbers_by_family() -> st.SearchStrategy[Mapping[str, NumberSet]]:
    """Draw revision numbers by family."""
    numbers = st.sets(st.integers(1, 40), min_size=1).map(NumberSet)
    return st.dictionaries(st.sampled_from(("airflow-dbt", "web", "dead-report")), numbers)


def reports() -> st.SearchStrategy[Report]:
    """Draw a report, of any mode and ending."""
    calls = st.dictionaries(st.sampled_from(("ListTasks", "DescribeTasks")), COUNTS)
    several = st.lists(TEXTS, max_size=3).map(tuple)
    return st.builds(
        Report,
        account=st.one_of(st.none(), st.just("123456789012")),
        region=st.just("eu-west-1"),
        sweep_id=st.just("s-1"),
        version=st.just("0.1.0"),
        mode=st.sampled_from(Mode),
        policy=several,
        max_deregistrations=st.one_of(st.none(), COUNTS),
        started_at=st.just(NOW),
        finished_at=st.integers(0, 10**6).map(lambda seconds: NOW + timedelta(seconds=seconds)),
        families=st.lists(families(), max_size=3, unique_by=lambda each: each.family).map(tuple),
        families_not_read=several,
        troubles=st.lists(_troubles(), max_size=3).map(tuple),
        unreadable_usage=several,
        warnings=several,
        ending=st.sampled_from(Ending),
        ending_words=TEXTS,
        api_calls=calls,
        throttled_calls=calls,
        tended=st.one_of(st.none(), st.builds(Tended, table=TEXTS, forgotten=COUNTS, evicted=COUNTS)),
        plan=st.one_of(st.none(), plans()),
        applied_plan=st.one_of(st.none(), plans()),
    )


def _revisions() -> st.SearchStrategy[RevisionId]:
    return st.builds(RevisionId, NAMES, st.integers(1, LIMIT))


def _lingering() -> st.SearchStrategy[Lingering]:
    return st.builds(
        Lingering,
        revision=_revisions(),
        seconds=st.floats(90_000, 1e7),
        used_by=st.one_of(st.none(), TEXTS),
        usage_is_known=st.booleans(),
    )


def _troubles() -> st.SearchStrategy[Outcome]:
    kinds = st.sampled_from((OutcomeKind.REFUSED, OutcomeKind.FAILED))
    return st.builds(Outcome, revision=_revisions(), kind=kinds, words=TEXTS)


def _conditions() -> RuleValues:
    return RuleValues(
        families=["web-*"], retention_seconds=15_552_000, keep_newest=2, age_from="deregisteredAt", keep_tags=["keep"]
    )

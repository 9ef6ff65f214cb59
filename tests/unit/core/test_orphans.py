"""The rule for ACTIVE orphans, question by question: each keeps for itself, with its own reason and words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from janitor.core.model import Decision, FamilyUsage, Reason, Revision, RevisionId, Status
from janitor.core.orphans import COUNTED, MINIMUM_AGE, OrphanRule, judge_orphan, registered_before
from tests.builders import DAY, rule
from tests.fakes import START

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.core.model import Verdict
    from janitor.core.retention import Rule

AIRFLOW = "arn:aws:sts::123456789012:assumed-role/airflow-worker/task-7"
ASKED = OrphanRule(older_than=14 * DAY, registered_by=("arn:aws:sts::*:assumed-role/airflow-*",), keep_newest=2)
ORPHAN = Revision(
    id=RevisionId("etl", 3), status=Status.ACTIVE, registered_at=START - 20 * DAY, registered_by=AIRFLOW, tags={}
)
NOBODY = FamilyUsage()
INSTANT = timedelta(microseconds=1)


def said(
    revision: Revision = ORPHAN,
    by: Rule | None = rule(orphans=ASKED),  # noqa: B008 - frozen
    *,
    newer: int = 2,
    usage: FamilyUsage = NOBODY,
    table: FamilyUsage = NOBODY,
) -> Verdict:
    """Judge one revision."""
    return judge_orphan(revision, by, newer_active=newer, usage=lambda: usage, table=lambda: table, now=START)


def test_what_nothing_keeps_is_deregistered_with_its_story() -> None:
    """Age, that nothing names it, and the rule."""
    verdict = said()
    assert (verdict.decision, verdict.reason) == (Decision.DEREGISTER, Reason.ORPHANED)
    assert verdict.words == ("an orphan: registered 20 days ago, and named by nothing; past the 14 days of rule for *")


@pytest.mark.parametrize(
    ("verdict", "reason", "words"),
    [
        (lambda: said(by=None), Reason.NO_RULE, "no rule matches its family"),
        (
            lambda: said(by=rule(keep=True, orphans=ASKED)),
            Reason.RULE_KEEPS,
            "rule for * keeps every revision of its family",
        ),
        (lambda: said(replace(ORPHAN, status=Status.INACTIVE)), Reason.NOT_ACTIVE, "it is INACTIVE, not ACTIVE"),
        (
            lambda: said(replace(ORPHAN, status=Status.DELETE_IN_PROGRESS)),
            Reason.NOT_ACTIVE,
            "it is DELETE_IN_PROGRESS, not ACTIVE",
        ),
        (lambda: said(newer=1), Reason.AMONG_NEWEST_ACTIVE, "it is among the newest 2 ACTIVE ones"),
        (lambda: said(newer=0), Reason.AMONG_NEWEST_ACTIVE, "it is among the newest 2 ACTIVE ones"),
        (
            lambda: said(replace(ORPHAN, registered_at=None)),
            Reason.NO_DATE,
            "ECS gives no registeredAt for it",
        ),
        (
            lambda: said(replace(ORPHAN, registered_at=START - 14 * DAY + INSTANT)),
            Reason.REGISTERED_LATELY,
            "registered on 2027-02-15, no orphan before 2027-03-01",
        ),
        (
            lambda: said(replace(ORPHAN, registered_at=START + DAY)),
            Reason.REGISTERED_LATELY,
            "registered on 2027-03-02, no orphan before 2027-03-16",
        ),
        (
            lambda: said(replace(ORPHAN, registered_by="arn:aws:iam::123456789012:user/ada")),
            Reason.REGISTERED_BY_OTHERS,
            "registered by arn:aws:iam::123456789012:user/ada, whom rule for * does not name",
        ),
        (
            lambda: said(replace(ORPHAN, registered_by=None)),
            Reason.REGISTERED_BY_OTHERS,
            "registered by somebody whom ECS does not name, whom rule for * does not name",
        ),
        (
            lambda: said(replace(ORPHAN, tags={"janitor:keep": ""})),
            Reason.TAGGED,
            "it carries the tag janitor:keep",
        ),
        (
            lambda: said(usage=FamilyUsage(reasons={3: "rule nightly names it"})),
            Reason.IN_USE,
            "rule nightly names it",
        ),
        (
            lambda: said(table=FamilyUsage(reasons={3: "the lookup table's entry 7f names it"})),
            Reason.IN_LOOKUP_TABLE,
            "the lookup table's entry 7f names it",
        ),
        (
            lambda: said(usage=FamilyUsage(unreadable=("schedules could not be read",))),
            Reason.USAGE_UNKNOWN,
            "it may be in use: schedules could not be read",
        ),
        (
            lambda: said(table=FamilyUsage(unreadable=("the lookup table could not be read",))),
            Reason.USAGE_UNKNOWN,
            "it may be in use: the lookup table could not be read",
        ),
        (
            lambda: said(usage=FamilyUsage(warnings=("what these start depends on their input: flow",))),
            Reason.USAGE_UNKNOWN,
            "it may be in use: what these start depends on their input: flow",
        ),
        (
            lambda: said(by=rule()),
            Reason.NOT_ASKED_FOR,
            "an orphan: registered 20 days ago, and named by nothing; no rule asks for its deregistration",
        ),
    ],
)
def test_each_condition_keeps_by_itself(verdict: Callable[[], Verdict], reason: Reason, words: str) -> None:
    """All the others hold in each case."""
    found = verdict()
    assert (found.decision, found.reason, found.words) == (Decision.KEEP, reason, words)


def test_the_age_is_reached_to_the_microsecond() -> None:
    """Registered as long ago as the rule says."""
    assert said(replace(ORPHAN, registered_at=START - 14 * DAY)).decision is Decision.DEREGISTER


def test_without_a_rule_that_asks_the_usual_conditions_tell_an_orphan() -> None:
    """Seven days, the newest one, whoever registered it, and no warning matters: nothing is done about it."""
    strange = replace(ORPHAN, registered_by=None, registered_at=START - 7 * DAY)
    warned = FamilyUsage(warnings=("what these start depends on their input: flow",))
    assert said(strange, rule(), newer=1, usage=warned).reason is Reason.NOT_ASKED_FOR
    assert said(strange, rule(), newer=0).reason is Reason.AMONG_NEWEST_ACTIVE
    younger = replace(strange, registered_at=START - 7 * DAY + INSTANT)
    assert said(younger, rule(), newer=1).reason is Reason.REGISTERED_LATELY
    assert registered_before(None, START) == START - COUNTED.older_than == START - 7 * DAY


def test_who_uses_it_is_asked_last_and_the_table_after_the_account() -> None:
    """Reading either costs calls."""
    asked: list[str] = []

    def ask(name: str) -> FamilyUsage:
        asked.append(name)
        return NOBODY

    def judge(revision: Revision) -> None:
        judge_orphan(
            revision,
            rule(orphans=ASKED),
            newer_active=9,
            usage=lambda: ask("usage"),
            table=lambda: ask("table"),
            now=START,
        )

    for revision in (replace(ORPHAN, registered_by=None), replace(ORPHAN, tags={"janitor:keep": ""})):
        judge(revision)
    assert asked == []
    judge(ORPHAN)
    assert asked == ["usage", "table"]


@pytest.mark.parametrize(
    "change", [{"older_than": MINIMUM_AGE - INSTANT}, {"keep_newest": 0}, {"keep_newest": -1}, {"registered_by": ()}]
)
def test_conditions_that_would_take_what_works_cannot_be_made(change: dict[str, object]) -> None:
    """Whoever makes them."""
    with pytest.raises(ValueError, match="orphans older than"):
        replace(ASKED, **change)  # type: ignore[arg-type]
    assert replace(ASKED, older_than=MINIMUM_AGE, keep_newest=1).keep_newest == 1


def test_a_naive_time_is_refused() -> None:
    """As everywhere."""
    with pytest.raises(ValueError, match="no time zone"):
        registered_before(None, datetime(2027, 3, 1))  # noqa: DTZ001 - that is the point


def test_the_rule_reads_its_orphans_aloud() -> None:
    """With their source; what is always kept is said truly."""
    lines = rule(orphans=ASKED).sentences()
    assert lines[-1] == (
        "  deregister ACTIVE revisions registered more than 14 days ago by arn:aws:sts::*:assumed-role/airflow-* and "
        "named by nothing, but never the newest 2 (test)"
    )
    assert replace(ASKED, keep_newest=1).sentence().endswith("but never the newest one")
    assert len(rule(keep=True, orphans=ASKED).sentences()) == 1

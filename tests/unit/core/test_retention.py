"""Every reason with the words a person reads, policies read aloud, and durations."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from janitor.core.model import Decision, FamilyUsage, Reason, Revision, RevisionId, Status
from janitor.core.retention import (
    DEFAULT_KEEP_NEWEST,
    DEFAULT_KEEP_TAGS,
    DEFAULT_RETENTION,
    MINIMUM_RETENTION,
    SETTLED,
    AgeFrom,
    Policy,
    Rule,
    Sourced,
    cutoff,
    duration,
    judge,
    parse_duration,
)
from tests.unit.core.strategies import DAY, HOUR, MICROSECOND, NOW, revision, rule

UNUSED = FamilyUsage()
REGISTERED = AgeFrom.REGISTERED_AT


def _said(
    subject: Revision, by: Rule | None, *, newer: int = 99, usage: FamilyUsage = UNUSED
) -> tuple[Decision, Reason, str]:
    verdict = judge(subject, by, newer_inactive=newer, usage=lambda: usage, now=NOW)
    assert verdict.revision == subject.id
    return verdict.decision, verdict.reason, verdict.words


# Kept whatever the dates and the usage say


@pytest.mark.parametrize(
    ("by", "reason", "words"),
    [
        (None, Reason.NO_RULE, "no rule matches its family"),
        (rule(keep=True), Reason.RULE_KEEPS, "airflow keeps every revision of its family"),
    ],
)
@pytest.mark.parametrize("status", Status)
def test_a_family_without_a_rule_that_deletes_is_kept(
    by: Rule | None, reason: Reason, words: str, status: Status
) -> None:
    """No rule and a rule that keeps are said before anything else is asked."""
    assert _said(revision(3, status=status), by) == (Decision.KEEP, reason, words)


@pytest.mark.parametrize("status", Status)
def test_what_is_not_in_the_plan_is_kept_before_anything_about_it_is_asked(status: Status) -> None:
    """Its status, its place among the newest and its dates are nobody's concern; a family without a rule is."""

    def said(by: Rule | None) -> tuple[Decision, Reason]:
        subject = revision(3, status=status)
        verdict = judge(subject, by, newer_inactive=0, usage=lambda: UNUSED, now=NOW, planned=False)
        return verdict.decision, verdict.reason

    assert said(rule()) == (Decision.KEEP, Reason.NOT_PLANNED)
    assert said(None) == (Decision.KEEP, Reason.NO_RULE)
    assert said(rule(keep=True)) == (Decision.KEEP, Reason.RULE_KEEPS)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.ACTIVE, "it is ACTIVE, not INACTIVE"),
        (Status.DELETE_IN_PROGRESS, "it is DELETE_IN_PROGRESS, not INACTIVE"),
    ],
)
def test_a_revision_that_is_not_inactive_is_kept(status: Status, words: str) -> None:
    """Its status says why, in ECS's own word, and is said before its place among the newest."""
    assert _said(revision(3, status=status), rule(), newer=0) == (Decision.KEEP, Reason.NOT_INACTIVE, words)


@pytest.mark.parametrize(
    ("keep_newest", "newer", "kept"), [(2, 0, True), (2, 1, True), (2, 2, False), (1, 0, True), (1, 1, False)]
)
def test_the_newest_inactive_ones_are_kept(keep_newest: int, newer: int, kept: bool) -> None:  # noqa: FBT001 - a column of the table
    """A revision with fewer newer INACTIVE ones than the rule keeps is among the newest."""
    said = _said(revision(3), rule(keep_newest=keep_newest), newer=newer)
    newest = (Decision.KEEP, Reason.AMONG_NEWEST, f"it is among the newest {keep_newest} INACTIVE ones")
    assert (said == newest) is kept


def test_a_dead_family_goes_whole_where_no_newest_are_kept() -> None:
    """With keep_newest 0 even the newest is due."""
    decision, reason, _ = _said(revision(3), rule(keep_newest=0), newer=0)
    assert (decision, reason) == (Decision.DELETE, Reason.DUE)


def test_the_newest_are_named_as_such_even_where_they_are_also_young() -> None:
    """The place among the newest is asked before the dates."""
    assert _said(revision(3, deregistered=None), rule(), newer=0)[1] is Reason.AMONG_NEWEST


# Dates


@pytest.mark.parametrize(
    ("registered", "deregistered", "age_from", "words"),
    [
        (400 * DAY, None, AgeFrom.DEREGISTERED_AT, "ECS gives no deregisteredAt for it"),
        (None, None, AgeFrom.DEREGISTERED_AT, "ECS gives no deregisteredAt for it"),
        (None, 300 * DAY, AgeFrom.REGISTERED_AT, "ECS gives no registeredAt for it"),
        (400 * DAY, None, AgeFrom.REGISTERED_AT, "ECS gives no deregisteredAt for it"),
        (None, None, AgeFrom.REGISTERED_AT, "ECS gives no registeredAt for it"),
    ],
)
def test_a_revision_without_a_date_is_kept(
    registered: timedelta | None, deregistered: timedelta | None, age_from: AgeFrom, words: str
) -> None:
    """The reason names the missing field."""
    subject = revision(3, registered=registered, deregistered=deregistered)
    assert _said(subject, rule(age_from=age_from)) == (Decision.KEEP, Reason.NO_DATE, words)


def test_a_missing_registration_matters_only_where_the_age_is_counted_from_it() -> None:
    """Revisions from before 2021 may lack it; their deregistration tells their age."""
    assert _said(revision(3, registered=None), rule())[1] is Reason.DUE


@pytest.mark.parametrize("age_from", AgeFrom)
@pytest.mark.parametrize(
    ("deregistered", "kept"),
    [
        (-DAY, True),
        (-MICROSECOND, True),
        (0 * HOUR, True),
        (HOUR - MICROSECOND, True),
        (HOUR, False),
        (HOUR + MICROSECOND, False),
    ],
)
def test_a_revision_inactive_for_less_than_an_hour_is_kept(
    deregistered: timedelta,
    kept: bool,  # noqa: FBT001 - a column of the table
    age_from: AgeFrom,
) -> None:
    """Whatever the rule's retention and whichever date it counts from: tasks may still start from it."""
    lax = rule(retention=DAY, age_from=age_from)
    said = _said(revision(3, deregistered=deregistered), lax)
    words = "it has been INACTIVE for less than 1 hour"
    assert (said == (Decision.KEEP, Reason.JUST_DEREGISTERED, words)) is kept
    assert kept or said[1] is not Reason.JUST_DEREGISTERED


@pytest.mark.parametrize(
    ("by", "registered", "deregistered", "words"),
    [
        (rule(), 400 * DAY, 179 * DAY, "deregistered 179 days ago, due on 2027-03-02"),
        (rule(), 400 * DAY, 180 * DAY - MICROSECOND, "deregistered 179 days ago, due on 2027-03-01"),
        (rule(), 400 * DAY, 2 * DAY - MICROSECOND, "deregistered 1 day ago, due on 2027-08-26"),
        (rule(), 400 * DAY, DAY, "deregistered 1 day ago, due on 2027-08-27"),
        (rule(), 400 * DAY, DAY - MICROSECOND, "deregistered 23 hours ago, due on 2027-08-27"),
        (rule(), 400 * DAY, HOUR, "deregistered 1 hour ago, due on 2027-08-28"),
        (rule(age_from=REGISTERED), 179 * DAY, 3 * DAY, "registered 179 days ago, due on 2027-03-02"),
        (rule(age_from=REGISTERED), 5 * HOUR, 2 * HOUR, "registered 5 hours ago, due on 2027-08-28"),
        (rule(retention=1_200 * DAY), 1_100 * DAY, 1_099 * DAY, "deregistered 1,099 days ago, due on 2027-06-10"),
    ],
)
def test_a_young_revision_is_kept_until_it_is_due(
    by: Rule, registered: timedelta, deregistered: timedelta, words: str
) -> None:
    """The reason says how old it is and on which day it will be due."""
    subject = revision(3, registered=registered, deregistered=deregistered)
    assert _said(subject, by) == (Decision.KEEP, Reason.YOUNG, words)


@pytest.mark.parametrize("ahead", [timedelta(minutes=30), 36 * HOUR, 500 * DAY])
def test_a_date_in_the_future_is_not_called_an_age(ahead: timedelta) -> None:
    """A revision registered tomorrow is kept, and no words say that it was registered hours ago."""
    subject = revision(3, registered=-ahead, deregistered=300 * DAY)
    decision, reason, words = _said(subject, rule(age_from=REGISTERED))
    assert (decision, reason) == (Decision.KEEP, Reason.YOUNG)
    assert "ago" not in words


@pytest.mark.parametrize(
    ("by", "registered", "deregistered", "words"),
    [
        (rule(), 400 * DAY, 300 * DAY, "deregistered 300 days ago, past the 180 days of airflow"),
        (rule(), 200 * DAY, 181 * DAY, "deregistered 181 days ago, past the 180 days of airflow"),
        (
            rule(name="ci", retention=36 * HOUR),
            9 * DAY,
            40 * HOUR,
            "deregistered 1 day ago, past the 36 hours of ci",
        ),
        (
            rule(age_from=REGISTERED),
            2_000 * DAY,
            2 * HOUR,
            "registered 2,000 days ago, past the 180 days of airflow",
        ),
    ],
)
def test_a_revision_past_its_retention_is_due(
    by: Rule, registered: timedelta, deregistered: timedelta, words: str
) -> None:
    """The reason says how old it is, how old it had to be, and which rule says so."""
    subject = revision(3, registered=registered, deregistered=deregistered)
    assert _said(subject, by) == (Decision.DELETE, Reason.DUE, words)


@pytest.mark.parametrize(
    ("past", "reason"), [(-MICROSECOND, Reason.YOUNG), (0 * DAY, Reason.DUE), (MICROSECOND, Reason.DUE)]
)
def test_a_revision_exactly_at_its_retention_is_due(past: timedelta, reason: Reason) -> None:
    """A microsecond less is young."""
    assert _said(revision(3, deregistered=180 * DAY + past), rule())[1] is reason
    subject = revision(3, registered=180 * DAY + past, deregistered=170 * DAY)
    assert _said(subject, rule(age_from=REGISTERED))[1] is reason


@pytest.mark.parametrize("age_from", AgeFrom)
def test_dates_that_contradict_keep_a_revision(age_from: AgeFrom) -> None:
    """Deregistered before it was registered: one of the dates is wrong, and nobody knows which."""
    said = _said(revision(3, registered=300 * DAY, deregistered=300 * DAY + MICROSECOND), rule(age_from=age_from))
    words = "ECS's dates contradict: deregistered before it was registered"
    assert said == (Decision.KEEP, Reason.NO_DATE, words)


def test_the_cutoff_is_the_retention_before_now() -> None:
    """The boundary search and the verdicts look back equally far."""
    assert cutoff(rule(retention=36 * HOUR), NOW) == NOW - 36 * HOUR


def test_a_date_without_a_time_zone_is_refused() -> None:
    """Nobody knows which moment it names; it is an error, never an age."""
    subject = Revision(
        id=RevisionId("etl", 3),
        status=Status.INACTIVE,
        registered_at=datetime(2020, 1, 1),  # noqa: DTZ001 - the missing zone is the point
        deregistered_at=datetime(2020, 1, 1),  # noqa: DTZ001 - the same
    )
    with pytest.raises(TypeError):
        judge(subject, rule(), newer_inactive=99, usage=lambda: UNUSED, now=NOW)


# Tags and usage


@pytest.mark.parametrize(
    ("keep_tags", "tags", "words"),
    [
        (("janitor:keep",), ["janitor:keep"], "it carries the tag janitor:keep"),
        (("janitor:keep", "team"), ["team", "other"], "it carries the tag team"),
        (("team", "AWSBatchServiceTag"), ["team", "AWSBatchServiceTag"], "it carries the tag AWSBatchServiceTag, team"),
    ],
)
def test_a_tagged_revision_is_kept(keep_tags: tuple[str, ...], tags: list[str], words: str) -> None:
    """The reason names the tags that keep it, in an order that never changes."""
    assert _said(revision(3, tags=tags), rule(keep_tags=keep_tags)) == (Decision.KEEP, Reason.TAGGED, words)


@pytest.mark.parametrize("tag", ["Janitor:Keep", "janitor:keep ", "janitor", "team"])
def test_a_tag_keeps_by_its_whole_key(tag: str) -> None:
    """Keys differ by case and by every character."""
    assert _said(revision(3, tags=[tag]), rule())[1] is Reason.DUE


def test_a_revision_in_use_is_kept_with_who_uses_it() -> None:
    """The words are those of the usage; that another source could not be read is then beside the point."""
    usage = FamilyUsage(reasons={3: "service web of cluster main"}, unreadable=("tasks: AccessDenied",))
    assert _said(revision(3), rule(), usage=usage) == (Decision.KEEP, Reason.IN_USE, "service web of cluster main")


def test_a_revision_is_not_in_use_because_another_is() -> None:
    """Usage goes by number."""
    assert _said(revision(3), rule(), usage=FamilyUsage(reasons={4: "service web"}))[1] is Reason.DUE


def test_a_revision_that_may_be_in_use_is_kept() -> None:
    """The reason names every source that could not be read."""
    usage = FamilyUsage(reasons={4: "service web"}, unreadable=("services of main: AccessDenied", "tasks of dev: gone"))
    words = "it may be in use: services of main: AccessDenied; tasks of dev: gone"
    assert _said(revision(3), rule(), usage=usage) == (Decision.KEEP, Reason.USAGE_UNKNOWN, words)


@pytest.mark.parametrize(
    ("subject", "by", "newer", "asked"),
    [
        (revision(3), None, 99, 0),
        (revision(3), rule(keep=True), 99, 0),
        (revision(3, status=Status.ACTIVE), rule(), 99, 0),
        (revision(3), rule(), 0, 0),
        (revision(3, deregistered=None), rule(), 99, 0),
        (revision(3, deregistered=0 * DAY), rule(), 99, 0),
        (revision(3, deregistered=10 * DAY), rule(), 99, 0),
        (revision(3, tags=["janitor:keep"]), rule(), 99, 0),
        (revision(3), rule(), 99, 1),
    ],
)
def test_usage_is_asked_last_and_once(subject: Revision, by: Rule | None, newer: int, asked: int) -> None:
    """Reading who uses a family costs calls: only what everything else condemns is worth them."""
    calls = 0

    def usage() -> FamilyUsage:
        nonlocal calls
        calls += 1
        return UNUSED

    judge(subject, by, newer_inactive=newer, usage=usage, now=NOW)
    assert calls == asked


# Policies


@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("airflow-etl", "airflow"),
        ("airflow-", "airflow"),
        ("airflow-prod-etl", "airflow"),  # the narrower rule stands later: too late
        ("web", "services"),
        ("api", "services"),
        ("Web", None),
        ("Airflow-etl", None),
        ("my-airflow-etl", None),
        ("job-7", "jobs"),
        ("job-77", None),
        ("", None),
    ],
)
def test_the_first_rule_that_matches_decides(family: str, name: str | None) -> None:
    """Order, not closeness; the whole name, case and all."""
    policy = Policy(
        rules=(
            rule(name="airflow", families=("airflow-*",)),
            rule(name="narrow", families=("airflow-prod-*",)),
            rule(name="services", families=("web", "api")),
            rule(name="jobs", families=("job-[0-9]",)),
        )
    )
    found = policy.rule_for(family)
    assert (None if found is None else found.name) == name


def test_a_policy_without_rules_has_no_rule_for_any_family() -> None:
    """An empty policy deletes nothing."""
    assert Policy(rules=()).rule_for("etl") is None
    assert Policy(rules=(rule(families=()),)).rule_for("etl") is None


@pytest.mark.parametrize(
    ("include", "exclude", "family", "selected"),
    [
        ((), (), "etl", True),
        (("etl",), (), "etl", True),
        (("etl*",), (), "etl-7", True),
        (("etl",), (), "web", False),
        (("web", "etl"), (), "etl", True),
        ((), ("etl",), "etl", False),
        ((), ("web", "e*"), "etl", False),
        ((), ("etl",), "web", True),
        (("etl",), ("e*",), "etl", False),
        (("ETL",), (), "etl", False),
        ((), ("ETL",), "etl", True),
    ],
)
def test_include_narrows_and_exclude_wins(
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    family: str,
    selected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Without an include all are meant; what is excluded is excluded whatever includes it."""
    policy = Policy(rules=(), include=Sourced(include, "flag"), exclude=Sourced(exclude, "flag"))
    assert policy.selects(family) is selected


def test_a_pattern_that_matches_no_family_is_named_with_its_source() -> None:
    """Often it is a misspelt name; each is named once, in the order in which a reader would look for it."""
    policy = Policy(
        rules=(rule(families=("etl-*", "elt-*")), rule(families=("elt-*", "WEB")), rule(families=("web",), keep=True)),
        include=Sourced(("etl-*", "wbe"), "--family"),
        exclude=Sourced(("elt-*", "old-*"), "--exclude"),
    )
    assert policy.unmatched(["etl-1", "web"]) == (
        "wbe (--family)",
        "elt-* (--exclude)",
        "old-* (--exclude)",
        "elt-* (policy.toml)",
        "WEB (policy.toml)",
    )
    assert Policy(rules=(rule(),)).unmatched(["etl"]) == ()
    assert Policy(rules=(rule(),)).unmatched([]) == ("* (policy.toml)",)


ALWAYS = "always kept: ACTIVE, in use, without a date, INACTIVE for less than 1 hour"


@pytest.mark.parametrize(
    ("policy", "lines"),
    [
        pytest.param(Policy(rules=()), ("no rule: every revision is kept", ALWAYS), id="empty"),
        pytest.param(
            Policy(
                rules=(
                    Rule(
                        name="default",
                        families=Sourced(("*",), "default"),
                        retention=Sourced(DEFAULT_RETENTION, "default"),
                        keep_newest=Sourced(DEFAULT_KEEP_NEWEST, "default"),
                        age_from=Sourced(AgeFrom.DEREGISTERED_AT, "default"),
                        keep_tags=Sourced(DEFAULT_KEEP_TAGS, "default"),
                    ),
                )
            ),
            (
                "default: families * (default):",
                (
                    "  delete INACTIVE revisions deregistered more than 180 days ago"
                    " (default; counted from deregisteredAt: default)"
                ),
                "  but keep the newest 2 INACTIVE ones (default)",
                "  and those tagged AWSBatchServiceTag, janitor:keep (default)",
                ALWAYS,
            ),
            id="defaults",
        ),
        pytest.param(
            Policy(
                rules=(
                    Rule(
                        name="legacy",
                        families=Sourced(("old-*", "older"), "policy.toml"),
                        retention=Sourced(36 * HOUR, "--older-than"),
                        keep_newest=Sourced(0, "--keep-newest"),
                        age_from=Sourced(AgeFrom.REGISTERED_AT, "--age-from"),
                        keep_tags=Sourced((), "stack"),
                    ),
                    rule(name="web", families=("web",), keep=True),
                ),
                include=Sourced(("o*", "w*"), "--family"),
                exclude=Sourced(("web-2",), "--exclude"),
            ),
            (
                "legacy: families old-*, older (policy.toml):",
                (
                    "  delete INACTIVE revisions registered more than 36 hours ago"
                    " (--older-than; counted from registeredAt: --age-from)"
                ),
                "  and keep no newest ones: a dead family goes whole (--keep-newest)",
                "  and let no tag keep one (stack)",
                "web: families web (policy.toml): keep every revision",
                "only families o*, w* (--family)",
                "never families web-2 (--exclude)",
                ALWAYS,
            ),
            id="every axis",
        ),
    ],
)
def test_a_policy_reads_itself_aloud(policy: Policy, lines: tuple[str, ...]) -> None:
    """Each value with its source, and what no rule can change at the end."""
    assert policy.sentences() == lines


def test_the_defaults_are_those_that_are_promised() -> None:
    """Six months, two newest, the Batch tag and our own; never less than a day, never within the hour."""
    assert timedelta(days=180) == DEFAULT_RETENTION
    assert DEFAULT_KEEP_NEWEST == 2
    assert set(DEFAULT_KEEP_TAGS) == {"janitor:keep", "AWSBatchServiceTag"}
    assert timedelta(days=1) == MINIMUM_RETENTION
    assert timedelta(hours=1) == SETTLED


# Durations


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("180d", timedelta(days=180)),
        ("26w", timedelta(weeks=26)),
        ("36h", timedelta(hours=36)),
        ("15m", timedelta(minutes=15)),
        ("90s", timedelta(seconds=90)),
        ("1 d", timedelta(days=1)),
        ("  7d\n", timedelta(days=7)),
        ("007d", timedelta(days=7)),
        ("0d", timedelta(0)),
        ("36500d", timedelta(days=36_500)),
        ("999999999s", timedelta(seconds=999_999_999)),
    ],
)
def test_a_duration_is_a_whole_number_and_a_unit(text: str, value: timedelta) -> None:
    """Weeks, days, hours, minutes, seconds; one space is forgiven."""
    assert parse_duration(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "d",
        "180",
        "180 days",
        "180D",
        "1.5d",
        "-180d",
        "+180d",
        "1d12h",
        "180  d",
        "180y",
        "6M",
        "1_000d",
        "1,000d",
        "1e3d",
        "\u0661d",
        "1\u00a0d",
        "180d;",
        "1234567890d",
    ],
)
def test_what_is_no_duration_is_refused_and_told_how_to_write_one(text: str) -> None:
    """A misread retention deletes; so nothing is guessed."""
    with pytest.raises(ValueError, match="is not a duration") as refusal:
        parse_duration(text)
    expected = f"{text!r} is not a duration: write a whole number and a unit, such as 180d, 26w or 36h"
    assert str(refusal.value) == expected


@pytest.mark.parametrize("text", ["36501d", "5215w", "876001h", "999999999d", "999999999w"])
def test_a_duration_longer_than_a_hundred_years_is_refused(text: str) -> None:
    """Whether or not Python could still count it."""
    with pytest.raises(ValueError, match=f"^'{text}' is longer than a hundred years$"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (timedelta(days=180), "180 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=24), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=61), "61 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(0), "0 seconds"),
        (timedelta(days=36_500), "36,500 days"),
        (timedelta(weeks=2), "14 days"),
    ],
)
def test_a_duration_is_said_in_its_largest_whole_unit(value: timedelta, words: str) -> None:
    """Nothing is rounded away, and one is singular."""
    assert duration(value) == words

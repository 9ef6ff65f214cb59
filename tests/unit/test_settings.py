"""Flags, policy file and defaults: the stricter wins, and each value keeps its source."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from janitor.core.orphans import OrphanRule
from janitor.core.pacing import Bucket, Rate
from janitor.core.retention import AgeFrom, Sourced
from janitor.errors import BadInput
from janitor.settings import Flags, LookupSettings, load
from janitor.settings.function import STACK_NAMES, function_settings, invocation

if TYPE_CHECKING:
    from janitor.core.retention import Rule
    from janitor.settings import Settings

FILE = "policy file policy.toml"


def _load(tmp_path: Path, content: str, flags: Flags) -> Settings:
    policy = tmp_path / "policy.toml"
    policy.write_text(content, encoding="utf-8")
    return load(replace(flags, policy=policy))


def _rule(settings: Settings) -> Rule:
    (rule,) = settings.policy.rules
    return rule


def test_without_a_word_the_defaults_hold() -> None:
    """Six months, the newest two, counted from the deregistration, every family, 600 reads."""
    settings = load(Flags())
    rule = _rule(settings)
    assert rule.retention == Sourced(timedelta(days=180), "default")
    assert rule.keep_newest == Sourced(2, "default")
    assert rule.age_from == Sourced(AgeFrom.DEREGISTERED_AT, "default")
    assert rule.keep_tags == Sourced(("AWSBatchServiceTag", "janitor:keep"), "default")
    assert rule.families == Sourced(("*",), "default")
    assert settings.max_reads == 600
    assert settings.max_deletions is None
    assert settings.max_seconds is None


@pytest.mark.parametrize(
    ("in_file", "flag", "value", "source"),
    [
        ("", None, 180, "default"),
        ("", "30d", 30, "--older-than"),
        ('retention = "90d"', None, 90, FILE),
        ('retention = "90d"', "30d", 90, f"{FILE}; stricter than --older-than"),
        ('retention = "90d"', "91d", 91, "--older-than"),
        ('retention = "90d"', "90d", 90, FILE),
    ],
)
def test_the_longer_retention_wins(tmp_path: Path, in_file: str, flag: str | None, value: int, source: str) -> None:
    """A default contests nothing; between file and flag the stricter holds."""
    settings = _load(tmp_path, f'[[rule]]\nfamilies = ["*"]\n{in_file}', Flags(older_than=flag))
    assert _rule(settings).retention == Sourced(timedelta(days=value), source)


@pytest.mark.parametrize(
    ("in_file", "flag", "value", "source"),
    [
        ("", "0", 0, "--keep-newest"),
        ("keep_newest = 0", None, 0, FILE),
        ("keep_newest = 5", "3", 5, f"{FILE}; stricter than --keep-newest"),
        ("keep_newest = 5", "7", 7, "--keep-newest"),
    ],
)
def test_the_larger_keep_newest_wins(tmp_path: Path, in_file: str, flag: str | None, value: int, source: str) -> None:
    """As for the retention."""
    settings = _load(tmp_path, f'[[rule]]\nfamilies = ["*"]\n{in_file}', Flags(keep_newest=flag))
    assert _rule(settings).keep_newest == Sourced(value, source)


@pytest.mark.parametrize(
    ("in_file", "flag", "value", "source"),
    [
        ("", "registeredAt", "registeredAt", "--age-from"),
        ('age_from = "registeredAt"', "deregisteredAt", "deregisteredAt", "--age-from"),
        ('age_from = "deregisteredAt"', "registeredAt", "deregisteredAt", f"{FILE}; stricter than --age-from"),
    ],
)
def test_the_later_date_wins(tmp_path: Path, in_file: str, flag: str, value: str, source: str) -> None:
    """A revision is deregistered after it was registered, so counting from there keeps it longer."""
    settings = _load(tmp_path, f'[[rule]]\nfamilies = ["*"]\n{in_file}', Flags(age_from=flag))
    assert _rule(settings).age_from == Sourced(AgeFrom(value), source)


@pytest.mark.parametrize(
    ("in_file", "flag", "value"),
    [("", "7", 7), ("max_deletions = 5", None, 5), ("max_deletions = 5", "7", 5), ("max_deletions = 9", "7", 7)],
)
def test_the_smaller_number_of_deletions_wins(tmp_path: Path, in_file: str, flag: str | None, value: int) -> None:
    """Whoever allows fewer is heard."""
    settings = _load(tmp_path, f'{in_file}\n[[rule]]\nfamilies = ["*"]', Flags(max_deletions=flag))
    assert settings.max_deletions == value


def test_exclusions_add_up_and_inclusions_narrow(tmp_path: Path) -> None:
    """A flag narrows what the file allows, and never widens it."""
    policy = _load(
        tmp_path,
        'exclude = ["*-prod"]\n[[rule]]\nfamilies = ["airflow-*"]',
        Flags(family=("airflow-*", "web"), exclude=("airflow-old",)),
    ).policy
    assert policy.selects("airflow-dbt")
    assert not policy.selects("airflow-prod")
    assert not policy.selects("airflow-old")
    assert not policy.selects("billing")
    assert policy.selects("web")
    assert policy.rule_for("web") is None  # no rule of the file matches it, so everything in it stays
    assert policy.exclude.source == f"{FILE}, --exclude"


def test_tags_in_the_file_replace_the_default_ones(tmp_path: Path) -> None:
    """Even by none."""
    settings = _load(tmp_path, '[[rule]]\nfamilies = ["*"]\nkeep_tags = []', Flags())
    assert _rule(settings).keep_tags == Sourced((), FILE)


def test_limits_are_read_aloud_with_their_sources(tmp_path: Path) -> None:
    """A report must not say what a sweep would delete and keep silent about where it stops."""
    settings = _load(
        tmp_path, 'max_deletions = 9\nabort_above = 5_000\n[[rule]]\nfamilies = ["*"]', Flags(max_deletions="7")
    )
    assert settings.limits == (
        "a sweep stops after 7 deletions (--max-deletions)",
        f"a sweep does not begin if more than 5,000 revisions may be due ({FILE})",
    )


RULES = '[[rule]]\nfamilies = ["*"]\n'


@pytest.mark.parametrize(
    ("in_file", "bucket", "rate"),
    [
        ("", Bucket.READ, Rate(burst=30, per_second=12)),
        ("", Bucket.DELETE, Rate(burst=4, per_second=0.995)),
        ("[rates.read]\nshare = 0.2", Bucket.READ, Rate(burst=10, per_second=4)),
        ("[rates.read]\nshare = 1", Bucket.READ, Rate(burst=49, per_second=19.9)),
        ("[rates.read]\nper_second = 100", Bucket.READ, Rate(burst=30, per_second=60)),
        ("[rates.delete]\nper_second = 4\nburst = 20", Bucket.DELETE, Rate(burst=19, per_second=3.98)),
        ("[rates.delete]\nshare = 0.5", Bucket.DELETE, Rate(burst=2.5, per_second=0.5)),
        ("[rates.service_revision]\nshare = 0.1", Bucket.READ, Rate(burst=30, per_second=12)),
    ],
)
def test_rates_are_the_published_ones_unless_the_file_says_otherwise(
    tmp_path: Path, in_file: str, bucket: Bucket, rate: Rate
) -> None:
    """What AWS Support has raised, and the part of it to take."""
    settings = _load(tmp_path, RULES + in_file, Flags())
    assert settings.rates[bucket].burst == pytest.approx(rate.burst)
    assert settings.rates[bucket].per_second == pytest.approx(rate.per_second)
    assert set(settings.rates) == set(Bucket)


def test_a_rate_of_ones_own_is_read_aloud(tmp_path: Path) -> None:
    """With its source."""
    settings = _load(tmp_path, RULES + "[rates.read]\nshare = 0.2", Flags())
    (words,) = settings.limits
    assert words == f"of the task definition read bucket it takes 4 calls a second, 10 at once ({FILE})"


def test_each_wrong_rate_is_named(tmp_path: Path) -> None:
    """All at once."""
    content = (
        RULES + "[rates.write]\nshare = 0.5\n[rates.read]\nshare = 1.5\nburst = 0\nper_second = nan\n"
        "[rates.delete]\nper_second = 10001"
    )
    with pytest.raises(BadInput) as refused:
        _load(tmp_path, content, Flags())
    said = "\n".join(refused.value.problems)
    for words in (
        "rates.write: there is no such bucket; there are delete, modify, read",
        "rates.read: share is 1.5",
        "rates.read: burst is 0",
        "rates.read: per_second is nan",
        "rates.delete: per_second is 10001",
    ):
        assert words in said


@pytest.mark.parametrize("wrong", ['share = "half"', "share = true", "speed = 3"])
def test_a_rate_of_the_wrong_shape_is_named(tmp_path: Path, wrong: str) -> None:
    """As every other key."""
    with pytest.raises(BadInput, match="rates"):
        _load(tmp_path, RULES + f"[rates.read]\n{wrong}", Flags())


# Sources of usage


@pytest.mark.parametrize(
    ("in_file", "variable", "off", "source"),
    [
        ("", (), (), None),
        ('off = ["schedules"]', (), ("schedules",), FILE),
        ('off = ["state_machines", "rules"]', (), ("rules", "state_machines"), FILE),
        ("off = []", (), (), None),
        ("", ("schedules",), ("schedules",), "JANITOR_USAGE_OFF"),
        ('off = ["schedules", "rules"]', ("rules",), ("rules",), f"{FILE}, JANITOR_USAGE_OFF"),
        ('off = ["schedules"]', ("rules",), (), None),
        ("off = []", ("rules",), (), None),
    ],
)
def test_a_source_is_off_where_all_who_spoke_of_it_say_so(
    tmp_path: Path, in_file: str, variable: tuple[str, ...], off: tuple[str, ...], source: str | None
) -> None:
    """Asking one more is the stricter; what is not asked is read aloud."""
    policy = tmp_path / "policy.toml"
    usage = f"[usage]\n{in_file}\n" if in_file else ""
    policy.write_text(f'[[rule]]\nfamilies = ["*"]\n{usage}', encoding="utf-8")
    settings = load(Flags(policy=policy, usage_off=variable, names=STACK_NAMES))
    assert settings.usage_off.value == off
    assert settings.not_asked == (f"not asked who uses a revision: {', '.join(off)} ({source})" if source else None)


@pytest.mark.parametrize("name", ["ecs", "schedule", "SCHEDULES", "", "everything"])
def test_only_what_can_be_switched_off_is_accepted(tmp_path: Path, name: str) -> None:
    """ECS itself cannot, and a misspelt name must not pass for one."""
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[[rule]]\nfamilies = ["*"]\n[usage]\noff = ["{name}"]', encoding="utf-8")
    with pytest.raises(BadInput, match=rf"policy.toml: usage.off: '{name}' cannot be switched off: only rules, sch"):
        load(Flags(policy=policy))
    with pytest.raises(BadInput, match=f"JANITOR_USAGE_OFF: '{name}' cannot be switched off"):
        load(Flags(usage_off=(name,), names=STACK_NAMES))


@pytest.mark.parametrize(
    ("usage", "problem"),
    [
        ("on = []", "usage: unknown key 'on'"),
        ('off = "rules"', "usage.off: 'rules' is not a list"),
        ("off = [1]", "usage.off: 1 is not a text"),
    ],
)
def test_a_usage_table_of_another_form_is_refused(tmp_path: Path, usage: str, problem: str) -> None:
    """By the path of its key."""
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[[rule]]\nfamilies = ["*"]\n[usage]\n{usage}', encoding="utf-8")
    with pytest.raises(BadInput, match=re.escape(problem)):
        load(Flags(policy=policy))


# The archive


def test_an_archive_is_read_aloud_with_its_source() -> None:
    """Off unless a source asks for it."""
    assert load(Flags()).archive is False
    settings = load(Flags(archive=True))
    assert settings.archive
    assert settings.limits == ("what is deleted is archived before (--archive)",)


@pytest.mark.parametrize(
    ("value", "store", "says"),
    [
        ("yes", "s3://b", "JANITOR_ARCHIVE: 'yes' is neither true nor false"),
        ("true", "", "JANITOR_ARCHIVE: the archive lies in the store: say where that is with JANITOR_STORE"),
    ],
)
def test_the_functions_archive_is_refused_by_name(value: str, store: str, says: str) -> None:
    """With all else that is wrong."""
    environment = {"JANITOR_STACK": "s", "JANITOR_ARCHIVE": value, "JANITOR_STORE": store, "JANITOR_NOPE": "1"}
    with pytest.raises(BadInput) as caught:
        function_settings(environment, folder=Path())
    assert set(caught.value.problems) == {says, "JANITOR_NOPE: there is no such variable"}


@pytest.mark.parametrize(("value", "archives"), [("true", True), ("false", False), ("", False)])
def test_the_function_archives_if_its_environment_says_so(value: str, archives: bool) -> None:  # noqa: FBT001 - the table
    """An event has no word in it."""
    environment = {"JANITOR_STACK": "s", "JANITOR_MODE": "delete", "JANITOR_ARCHIVE": value, "JANITOR_STORE": "s3://b"}
    function = function_settings(environment, folder=Path())
    asked = invocation({"mode": "delete"}, function)
    assert asked.settings.archive is archives
    with pytest.raises(BadInput, match="unknown key 'archive'"):
        invocation({"archive": False}, function)


ORPHANS = 'orphans = { older_than = "14d", keep_newest = 3, registered_by = ["arn:aws:sts::*:assumed-role/airflow-*"] }'


def test_a_rule_may_ask_for_the_deregistration_of_orphans(tmp_path: Path) -> None:
    """Off unless it does; its dose and its smaller share of the bucket come with it."""
    settings = _load(tmp_path, f'[[rule]]\nfamilies = ["*"]\n{ORPHANS}', Flags())
    orphans = _rule(settings).orphans
    assert orphans is not None
    assert orphans == Sourced(
        OrphanRule(
            older_than=timedelta(days=14), keep_newest=3, registered_by=("arn:aws:sts::*:assumed-role/airflow-*",)
        ),
        FILE,
    )
    assert settings.max_deregistrations == 500
    assert "a sweep deregisters at most 500 revisions (default)" in settings.limits
    assert settings.rates[Bucket.MODIFY] == Rate(burst=2, per_second=0.1)

    without = _load(tmp_path, '[[rule]]\nfamilies = ["*"]', Flags())
    assert _rule(without).orphans is None
    assert not without.policy.deregisters
    assert without.limits == ()
    assert without.rates[Bucket.MODIFY] == Rate(burst=5, per_second=0.25)


def test_the_dose_and_the_rate_can_be_given(tmp_path: Path) -> None:
    """By the file alone; an event has no field for either."""
    content = f'max_deregistrations = 7\n[[rule]]\nfamilies = ["*"]\n{ORPHANS}\n[rates.modify]\nshare = 0.5'
    settings = _load(tmp_path, content, Flags())
    assert settings.max_deregistrations == 7
    assert f"a sweep deregisters at most 7 revisions ({FILE})" in settings.limits
    assert settings.rates[Bucket.MODIFY] == Rate(burst=10, per_second=0.5)


def test_all_that_is_wrong_with_orphans_is_said_at_once(tmp_path: Path) -> None:
    """Each by the key."""
    content = """
max_deregistrations = -1
[[rule]]
families = ["a"]
orphans = { older_than = "23h", keep_newest = 0, registered_by = [] }
[[rule]]
families = ["b"]
keep = true
orphans = { older_than = "soon", registered_by = ["airflow-*", "arn:aws:iam::1:role/a b"] }
"""
    with pytest.raises(BadInput) as refused:
        _load(tmp_path, content, Flags())
    problems = "\n".join(refused.value.problems)
    for said in (
        "max_deregistrations is -1",
        "rule 1: orphans.registered_by is empty",
        "rule 1: orphans.older_than: 23h is too short: at least 1 day",
        "rule 1: orphans.keep_newest is 0: it is at least 1",
        "rule 2: orphans.registered_by: 'airflow-*' is not a pattern of ARNs",
        "rule 2: orphans.registered_by: 'arn:aws:iam::1:role/a b' is not a pattern of ARNs",
        "rule 2: orphans.older_than: 'soon' is not a duration",
        "rule 2: keep = true keeps everything; it contradicts orphans",
    ):
        assert said in problems
    assert len(refused.value.problems) == 8


@pytest.mark.parametrize(
    ("orphans", "said"),
    [
        ('{ registered_by = ["arn:aws:sts::*"] }', "orphans.older_than: it is missing"),
        ('{ older_than = "14d" }', "orphans.registered_by: it is missing"),
        ('{ older_than = "14d", registered_by = ["arn:*"], keep = 1 }', "unknown key 'keep'"),
        ('{ older_than = "14d", registered_by = ["arn:*"], keep_newest = true }', "True is not a whole number"),
    ],
)
def test_orphans_need_both_and_nothing_else(tmp_path: Path, orphans: str, said: str) -> None:
    """Age and registrant have no default: they are what somebody who leaks must know."""
    with pytest.raises(BadInput, match=re.escape(said)):
        _load(tmp_path, f'[[rule]]\nfamilies = ["*"]\norphans = {orphans}', Flags())


def test_a_dose_without_orphans_is_a_mistake(tmp_path: Path) -> None:
    """It would limit nothing."""
    with pytest.raises(BadInput, match="no rule has orphans"):
        _load(tmp_path, 'max_deregistrations = 5\n[[rule]]\nfamilies = ["*"]', Flags())


def test_orphans_and_a_source_that_is_off_contradict_each_other(tmp_path: Path) -> None:
    """An ACTIVE revision works for whoever names it: be the source off in the file or by the stack."""
    in_file = f'[[rule]]\nfamilies = ["*"]\n{ORPHANS}\n[usage]\noff = ["schedules"]'
    with pytest.raises(BadInput, match=re.escape(f"schedules cannot be off ({FILE})")):
        _load(tmp_path, in_file, Flags())
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[[rule]]\nfamilies = ["*"]\n{ORPHANS}', encoding="utf-8")
    with pytest.raises(BadInput, match="rules, state_machines cannot be off"):
        load(Flags(policy=policy, usage_off=("rules", "state_machines"), names=STACK_NAMES))
    kept = f'[[rule]]\nfamilies = ["*"]\n{ORPHANS}'.replace("orphans", "keep_tags = []\n#")
    assert _load(tmp_path, f'{kept}\n[usage]\noff = ["schedules"]', Flags()).usage_off.value == ("schedules",)


TABLE = '[[rule]]\nfamilies = ["*"]\n[lookup_table]\n'


def test_the_lookup_table_is_read_aloud_with_who_names_it(tmp_path: Path) -> None:
    """By the file, by a flag or by both, if they agree; without any there is none."""
    settings = _load(tmp_path, f'{TABLE}name = "lookup"\nevict_after = "90d"', Flags(lookup_table="lookup"))
    assert settings.lookup_table is not None
    assert settings.lookup_table.name == Sourced("lookup", f"{FILE}, --lookup-table")
    assert settings.limits == (
        f"what the lookup table lookup names is no orphan ({FILE}, --lookup-table)",
        f"its entries that nobody used for 90 days are evicted ({FILE})",
    )
    assert load(Flags()).lookup_table is None
    by_flag = load(Flags(lookup_table="lookup")).lookup_table
    assert by_flag == LookupSettings(name=Sourced("lookup", "--lookup-table"))


def test_a_policy_file_may_leave_the_tables_name_to_the_stack(tmp_path: Path) -> None:
    """One file for several stacks; but somebody has to name it."""
    content = f'{TABLE}evict_after = "1d"'
    found = _load(tmp_path, content, Flags(lookup_table="lookup", names=STACK_NAMES)).lookup_table
    assert found is not None
    assert (found.name.source, found.evict_after) == ("JANITOR_LOOKUP_TABLE", Sourced(timedelta(days=1), FILE))
    with pytest.raises(BadInput, match=re.escape("lookup_table.name is missing, and nobody else names the table")):
        _load(tmp_path, content, Flags())


def test_two_lookup_tables_are_refused(tmp_path: Path) -> None:
    """Whichever were heeded, what the other names would go."""
    with pytest.raises(BadInput, match=re.escape(f"two are named: one ({FILE}) and two (--lookup-table)")):
        _load(tmp_path, f'{TABLE}name = "one"', Flags(lookup_table="two"))


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ('name = "a b"', "lookup_table.name: 'a b' is not a table's name"),
        ('name = "lookup"\nevict_after = "23h"', "lookup_table.evict_after: 23h is too short: at least 1 day"),
        ('name = "lookup"\nevict_after = "soon"', "lookup_table.evict_after: 'soon' is not a duration"),
        ('name = "lookup"\nregion = "x"', "unknown key 'region'"),
    ],
)
def test_a_bad_lookup_table_is_refused_by_its_key(tmp_path: Path, said: str, problem: str) -> None:
    """Before anything is touched."""
    with pytest.raises(BadInput, match=re.escape(problem)):
        _load(tmp_path, TABLE + said, Flags())

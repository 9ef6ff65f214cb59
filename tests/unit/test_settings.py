"""Flags, policy file and defaults: the stricter wins, and each value keeps its source."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from janitor.core.retention import AgeFrom, Sourced
from janitor.settings import Flags, load

if TYPE_CHECKING:
    from pathlib import Path

    from janitor.core.retention import Rule
    from janitor.settings import Settings

FILE = "policy file policy.toml"


def _load(tmp_path: Path, content: str, flags: Flags) -> Settings:
    policy = tmp_path / "policy.toml"
    policy.write_text(content, encoding="utf-8")
    return load(
        Flags(
            older_than=flags.older_than,
            keep_newest=flags.keep_newest,
            age_from=flags.age_from,
            family=flags.family,
            exclude=flags.exclude,
            max_deletions=flags.max_deletions,
            policy=policy,
        )
    )


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

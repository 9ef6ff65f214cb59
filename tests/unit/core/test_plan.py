"""A plan names numbers compactly and reads a policy as values."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.numbers import NumberSet
from janitor.core.plan import Plan, digest, numbers_in, plan_fields, ranges, rule_values
from janitor.core.retention import AgeFrom
from janitor.settings import Flags, load
from tests.builders import policy, rule
from tests.fakes import START
from tests.unit.core.strategies import STEADY


@settings(STEADY, max_examples=300)
@given(st.sets(st.one_of(st.integers(1, 60), st.integers(1, 10**10 - 1)), min_size=1))
def test_ranges_name_exactly_the_numbers_they_were_made_of(numbers: set[int]) -> None:
    """Written and read again, they are the same."""
    assert list(numbers_in(ranges(NumberSet(numbers)))) == sorted(numbers)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((5,), "5"),
        ((5, 6), "5-6"),
        ((*range(1, 11), 12), "1-10,12"),
        ((1, 3, 5), "1,3,5"),
        (range(1, 10**6 + 1), "1-1000000"),
    ],
)
def test_neighbours_are_written_as_one_range(numbers: tuple[int, ...], text: str) -> None:
    """So a million that follow each other take nine letters."""
    assert ranges(numbers) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' does not begin with a number"),
        ("0", "'0' does not begin"),
        ("0-5", "'0-5' does not begin"),
        ("-5", "'-5' does not begin"),
        ("1-", "'1-' does not begin"),
        ("1,", "'' does not begin"),
        (",1", "',1' does not begin"),
        ("1,,2", "',2' does not begin"),
        ("1, 2", "' 2' does not begin"),
        ("01", "'01' does not begin"),
        ("1.5", "'1.5' does not begin"),
        ("+1", "'+1' does not begin"),
        ("1_0", "'1_0' does not begin"),
        ("\u0661", "does not begin"),
        ("12345678901", "'12345678901' does not begin"),
        ("1-12345678901", "does not begin"),
        ("5-3", "5-3 does not ascend"),
        ("1-3,3", "3 does not ascend"),
        ("1-3,2-9", "2-9 does not ascend"),
        ("9,1", "1 does not ascend"),
        ("1-1000001", "more than 1,000,000 revisions"),
        ("1-9999999999", "more than 1,000,000 revisions"),
        ("1-999999,2000000,3000000", "more than 1,000,000 revisions"),
    ],
)
def test_what_names_no_numbers_is_refused(text: str, says: str) -> None:
    """Malformed, absurd, overlapping: none of it is guessed at, and none of it takes long."""
    with pytest.raises(ValueError, match=re.escape(says)):
        numbers_in(text)


def test_a_refusal_quotes_no_more_than_a_line() -> None:
    """Whatever the file holds."""
    with pytest.raises(ValueError, match="does not begin") as refused:
        numbers_in("x" * 10**6)
    assert len(str(refused.value)) < 120


def test_a_million_scattered_numbers_fit_a_family() -> None:
    """The limit is on revisions, not on the text."""
    odd = NumberSet(range(1, 2_000_000, 2))
    assert len(numbers_in(ranges(odd))) == 1_000_000


def test_a_policy_is_read_as_values() -> None:
    """Not who said them, nor what a rule is called, nor in which order its patterns and tags stand."""
    flags = load(Flags(older_than="26w", keep_newest="2")).policy
    default = load(Flags(older_than="182d")).policy
    assert rule_values(flags) == rule_values(default)
    one = rule("b", "a", keep_tags=("y", "x"))
    other = rule("a", "b", keep_tags=("x", "y"))
    assert rule_values(policy(one)) == rule_values(policy(other))


@pytest.mark.parametrize(
    "other",
    [
        policy(rule("b")),
        policy(rule("a", retention=timedelta(days=31))),
        policy(rule("a", keep_newest=1)),
        policy(rule("a", age_from=AgeFrom.REGISTERED_AT)),
        policy(rule("a", keep_tags=())),
        policy(rule("a", keep=True)),
        policy(rule("a"), rule("b")),
        policy(),
    ],
)
def test_every_value_that_decides_is_part_of_it(other: object) -> None:
    """A policy that would judge differently is another one."""
    assert rule_values(other) != rule_values(policy(rule("a")))  # type: ignore[arg-type]


def test_conditions_of_a_rule_that_keeps_everything_do_not_count() -> None:
    """A flag changes them, and nothing with it."""
    assert rule_values(policy(rule("a", keep=True, keep_newest=1))) == rule_values(policy(rule("a", keep=True)))


def test_the_digest_is_over_values_not_over_their_layout() -> None:
    """Indented or not, whatever the order of the keys: the same; any other value: another."""
    fields = plan_fields(
        Plan(
            account="123456789012",
            region="eu-west-1",
            sweep_id="s-1",
            made_at=START,
            rules=rule_values(policy(rule())),
            usage_off=("rules", "ecs"),
            numbers={"web": NumberSet([2, 1]), "etl": NumberSet([7])},
        )
    )
    said = fields.pop("digest")
    again = json.loads(json.dumps(dict(reversed(fields.items())), indent=8))
    assert digest(again) == said
    assert list(fields["families"].items()) == [("etl", "7"), ("web", "1-2")]
    assert fields["revisions"] == 3
    assert fields["policy"]["usage_off"] == ["ecs", "rules"]
    for name in fields:
        assert digest({**fields, name: "another"}) != said

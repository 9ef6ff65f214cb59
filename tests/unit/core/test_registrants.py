"""Who registers: bounded, and complete in its sums."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.core.registrants import LONGEST, MOST, NAMED, count_registrant, principal, registrants
from tests.unit.core.strategies import STEADY

if TYPE_CHECKING:
    from janitor.core.registrants import Registrant

WHO = st.one_of(st.none(), st.integers(0, 400).map(lambda number: f"arn:role-{number}"))


@STEADY
@given(st.lists(st.tuples(WHO, st.integers(1, 50)), max_size=600))
def test_each_revision_is_counted_once(seen: list[tuple[str | None, int]]) -> None:
    """By name, as one of the others, or as one of whom ECS does not say."""
    counts: Counter[Registrant] = Counter()
    for who, count in seen:
        count_registrant(counts, who, count)
    found = registrants(counts, described=7, unknown=3)
    total = sum(count for _, count in seen)
    assert found.told == total
    assert found.is_exact == (total == 7)
    assert found.not_given == sum(count for who, count in seen if who is None)
    assert len(found.principals) <= NAMED
    assert list(found.principals.values()) == sorted(found.principals.values(), reverse=True)
    assert len(counts) <= MOST + 2
    if len({who for who, _ in seen}) <= NAMED:
        recount: Counter[str] = Counter()
        for who, count in seen:
            if who is not None:
                recount[who] += count
        assert found.principals == recount
        assert found.others == 0


def test_ten_thousand_principals_take_no_more_room_than_two_hundred() -> None:
    """Those that come later are others."""
    counts: Counter[Registrant] = Counter()
    for number in range(10_000):
        count_registrant(counts, f"arn:federated-user/{number}")
    assert len(counts) == MOST + 1
    found = registrants(counts, described=10_000, unknown=0)
    assert (len(found.principals), found.others, found.told) == (NAMED, 10_000 - NAMED, 10_000)


def test_a_name_takes_no_more_room_than_a_name() -> None:
    """Whatever somebody calls himself."""
    counts: Counter[Registrant] = Counter()
    count_registrant(counts, "x" * 10_000)
    (name,) = registrants(counts, described=1, unknown=0).principals
    assert len(name) == LONGEST


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:sts::123456789012:assumed-role/airflow/run-4711", "arn:aws:sts::123456789012:assumed-role/airflow"),
        ("arn:aws:sts::123456789012:assumed-role/airflow", "arn:aws:sts::123456789012:assumed-role/airflow"),
        ("arn:aws-cn:sts::123456789012:assumed-role/a/b/c", "arn:aws-cn:sts::123456789012:assumed-role/a"),
        ("arn:aws:iam::123456789012:user/team/jane", "arn:aws:iam::123456789012:user/team/jane"),
        ("", None),
        (None, None),
    ],
)
def test_a_principal_is_without_the_session_of_a_role(arn: str | None, name: str | None) -> None:
    """Ten thousand runs of a DAG are one principal."""
    assert principal(arn) == name

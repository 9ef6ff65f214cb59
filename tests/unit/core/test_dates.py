"""What a few registration dates tell of all others."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.core.ages import DAY
from janitor.core.dates import Dates
from tests.unit.core.strategies import NOW, STEADY

SINCE = NOW - 30 * DAY
AGES = [timedelta(0), 10 * DAY, 20 * DAY, 30 * DAY]


def dates(*known: tuple[int, float]) -> Dates:
    """Note numbers registered so many days ago."""
    noted = Dates(SINCE)
    for number, days in known:
        noted.note(number, NOW - days * DAY)
    return noted


@pytest.mark.parametrize(
    ("known", "highest", "shares"),
    [
        pytest.param([], 400, {}, id="nobody asked"),
        pytest.param([(100, 40.0)], 400, {}, id="no date beyond the boundary"),
        pytest.param([(100, 30.0), (400, 0.0)], 400, {0: 100, 1: 100, 2: 100}, id="evenly"),
        pytest.param([(100, 30.0), (250, 15.0)], 400, {0: 100, 1: 100, 2: 100}, id="the highest was registered by now"),
        pytest.param([(101, 30.0 - 1e-9), (400, 0.0)], 400, {0: 100, 1: 100, 2: 100}, id="nothing known before"),
        pytest.param([(100, 30.0), (350, 20.0), (400, 0.0)], 400, {0: 25, 1: 25, 2: 250}, id="fewer by and by"),
        pytest.param([(100, 30.0), (399, 12.0), (400, 11.0)], 400, {1: 133, 2: 167}, id="none lately"),
        pytest.param([(99, 50.0), (100, 30.0), (250, 15.0), (251, 25.0)], 400, {0: 100, 1: 100, 2: 100}, id="odd date"),
    ],
)
def test_those_between_two_dates_are_spread_evenly(
    known: list[tuple[int, float]], highest: int, shares: dict[int, int]
) -> None:
    """By number, for that is what rises with the date; a date that contradicts the one before it is left out."""
    found = dates(*known).spread(300, highest, highest, AGES, NOW)
    assert {index: count for index, count in found.items() if count} == pytest.approx(shares, abs=1)


@STEADY
@given(
    known=st.dictionaries(st.integers(1, 1_000), st.floats(0, 60), max_size=20),
    count=st.integers(0, 10_000),
    highest=st.integers(1, 1_000),
)
def test_shares_add_up_or_there_are_none(known: dict[int, float], count: int, highest: int) -> None:
    """Whatever ECS says, and in whatever order."""
    noted = dates(*known.items())
    found = noted.spread(count, highest, highest, AGES, NOW)
    assert sum(found.values()) in {0, count}
    assert all(share >= 0 for share in found.values())
    assert set(found) <= set(range(len(AGES) - 1))
    assert len(noted) == sum(NOW - days * DAY > SINCE for days in known.values())


def test_nothing_lies_above_the_top() -> None:
    """Those above it are ACTIVE, or counted otherwise."""
    assert dates((100, 30.0), (400, 0.0)).spread(100, 200, 400, AGES, NOW) == {2: 100}


def test_what_was_registered_before_the_moment_takes_no_memory() -> None:
    """But for the last one: a boundary is looked for over ten thousand pages."""
    noted = Dates(SINCE)
    for number in range(10_000):
        noted.note(number, datetime(2020, 1, 1, tzinfo=SINCE.tzinfo) + timedelta(minutes=number))
    assert len(noted) == 0
    assert noted._before is not None
    assert noted._before[0] == 9_999

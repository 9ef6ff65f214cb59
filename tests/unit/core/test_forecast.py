"""The forecast: a rate from a few dates, and formulae against a family simulated day by day."""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.core.forecast import (
    MOST_ASKS,
    NEVER,
    days_to_drain,
    days_to_limit,
    days_to_limit_with_lasting_orphans,
    fastest_sustainable,
    outlook,
    recent_rate,
    steady_state,
)
from janitor.core.model import LIMIT
from tests.unit.core.strategies import DAY, HOUR, NOW, STEADY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class Family:
    """Registration dates by number, made from the ages in days, counting who asks."""

    def __init__(self, ages: Iterable[float], *, unknown: Iterable[int] = ()) -> None:
        dates = [NOW - age * DAY for age in sorted(ages, reverse=True)]
        self.highest = len(dates)
        self.asked: list[int] = []
        self._dates = dict(enumerate(dates, start=1))
        self._unknown = frozenset(unknown)

    def __call__(self, number: int) -> datetime | None:
        """Return when the number was given out; what is not known of it is None."""
        assert 1 <= number <= self.highest, "a number that was never given out"
        self.asked.append(number)
        return None if number in self._unknown else self._dates[number]

    @property
    def true_rate(self) -> float:
        """Registrations a day over the last week, each of them counted."""
        return sum(1 for date in self._dates.values() if date > NOW - 7 * DAY) / 7

    def rate(self, window: timedelta = timedelta(days=7)) -> float | None:
        """Return what the forecast makes of it, having checked how often it asked."""
        rate = recent_rate(self.highest, 1, self, NOW, window)
        assert len(self.asked) <= MOST_ASKS
        return rate


def _steady(per_day: float, days: float) -> list[float]:
    return [each / per_day for each in range(round(per_day * days))]


def _random(per_day: float, days: float) -> list[float]:
    drawn = random.Random(1)  # noqa: S311 - a test's randomness, the same in every run
    return [drawn.uniform(0, days) for _ in range(round(per_day * days))]


def _accelerating(count: int, days: float) -> list[float]:
    """Registrations whose rate is e times as high every so many days."""
    return [-days * math.log(1 - each / (count + 1)) for each in range(count)]


# The rate


@pytest.mark.parametrize(("per_day", "asks"), [(0.5, 4), (3, 5), (48, 6), (480, 6), (4_800, 7), (20_000, 8)])
def test_a_steady_rate_is_found_in_a_handful_of_asks(per_day: float, asks: int) -> None:
    """Interpolation is exact where growth is steady, up to the one revision that falls on the edge."""
    family = Family(_steady(per_day, days=40))
    assert family.rate() == pytest.approx(per_day, abs=1 / 7)
    assert len(family.asked) <= asks


@pytest.mark.parametrize("per_day", [0.5, 3, 48, 480, 4_800])
def test_a_rate_from_random_times_is_within_5_percent(per_day: float) -> None:
    """Registrations do not come like clockwork."""
    family = Family(_random(per_day, days=60))
    assert family.rate() == pytest.approx(family.true_rate, rel=0.05, abs=1 / 7)


@pytest.mark.parametrize("days", [5, 10, 30, 100])
@pytest.mark.parametrize("count", [300, 3_000, 200_000])
def test_a_rate_that_accelerates_is_within_5_percent(days: float, count: int) -> None:
    """What counts is the last week, not the years before."""
    family = Family(_accelerating(count, days))
    assert family.rate() == pytest.approx(family.true_rate, rel=0.05, abs=1 / 7)


@pytest.mark.parametrize(
    "ages",
    [
        pytest.param([*_steady(0.05, 400), *_steady(10_000, 0.9)], id="since this morning"),
        pytest.param([6 + age for age in _steady(1_000, 40)], id="until six days ago"),
        pytest.param(
            [day + 0.3 + run / 5_000 for day in range(300) for run in range(500) if day % 7 > 1], id="nightly"
        ),
    ],
)
def test_a_rate_that_jumps_is_within_10_percent(ages: list[float]) -> None:
    """A burst is found, with the asks there are."""
    family = Family(ages)
    assert family.rate() == pytest.approx(family.true_rate, rel=0.1)


def test_a_family_at_rest_costs_one_ask() -> None:
    """Where the newest is older than a week nothing was registered, and most families are like that."""
    family = Family(age + 7.1 for age in _steady(48, 30))
    assert family.rate() == 0
    assert family.asked == [family.highest]


@pytest.mark.parametrize(
    ("ages", "rate"),
    [
        ([0.01], 1),
        ([0.5, 0.4, 0.3], 3),
        ([3, 2, 1], 1),
        ([6, 0.1], 1 / 3),
        (_steady(48, 0.5), 24),
        (_steady(48, 5), 48),
    ],
)
def test_a_young_family_counts_for_its_age_but_for_a_day_at_least(ages: list[float], rate: float) -> None:
    """Four registrations within an hour are not 96 a day."""
    assert Family(ages).rate() == pytest.approx(rate, rel=0.01)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("per_day", [3, 48, 4_800])
def test_unknown_dates_are_stepped_over(per_day: float, share: float) -> None:
    """A gap, or a revision without a date, is not the end of the search."""
    ages = _steady(per_day, days=60)
    drawn = random.Random(2)  # noqa: S311 - a test's randomness, the same in every run
    family = Family(ages, unknown=[number for number in range(2, len(ages)) if drawn.random() < share])
    assert family.rate() == pytest.approx(per_day, rel=0.1)


@pytest.mark.parametrize("back", [0, 16, 256])
def test_one_gap_does_not_spoil_a_rate_that_accelerates(back: int) -> None:
    """Where the search has stepped over it, all below is searched as before."""
    ages = _accelerating(3_000, 5)
    family = Family(ages, unknown=[len(ages) - back])
    assert family.rate() == pytest.approx(family.true_rate, rel=0.05)


@pytest.mark.parametrize("days_left", [8, 3])
def test_what_clean_up_left_out_is_no_growth(days_left: int) -> None:
    """Revision 1 is still in use, all others are gone but the youngest: the numbers between tell nothing."""
    ages = _steady(4_800, days=60)
    family = Family(ages, unknown=range(2, len(ages) - days_left * 4_800))
    assert family.rate() == pytest.approx(4_800, rel=0.1)


def test_a_newest_revision_without_a_date_does_not_matter() -> None:
    """Others tell when it can have been registered at the latest."""
    ages = _steady(48, days=60)
    assert Family(ages, unknown=[len(ages)]).rate() == pytest.approx(48, rel=0.05)
    ages = [age + 8 for age in ages]
    assert Family(ages, unknown=[len(ages)]).rate() == pytest.approx(0, abs=1 / 7)


def test_old_revisions_without_a_date_leave_the_rate_to_the_dated_ones() -> None:
    """Before 2021 ECS kept no dates."""
    old = [age + 2_000 for age in _steady(1, 500)]
    assert Family([*old, 2.5, 2.0, 1.0], unknown=range(1, 501)).rate() == pytest.approx(1.2)


def test_without_any_date_there_is_no_rate() -> None:
    """Unknown is not none, and is found out soon."""
    family = Family(_steady(48, 30), unknown=range(1, 10_000))
    assert family.rate() is None
    assert len(family.asked) <= 4


@pytest.mark.parametrize("window", [timedelta(days=1), timedelta(days=30)])
def test_the_window_is_as_long_as_told(window: timedelta) -> None:
    """A rate is a day's, whatever it was taken from."""
    assert Family(_steady(100, 60)).rate(window) == pytest.approx(100, rel=0.05)


def test_a_registration_just_as_the_window_starts_is_before_it() -> None:
    """The edge belongs to one side."""
    assert Family([8, 7, 6]).rate() == pytest.approx(1 / 7)


@STEADY
@given(
    dates=st.dictionaries(
        st.integers(1, 3_000),
        st.one_of(st.none(), st.integers(-48, 24 * 60).map(lambda hours: NOW - hours * HOUR)),
        min_size=1,
        max_size=80,
    )
)
def test_a_rate_is_never_negative_nor_more_than_there_are_numbers(dates: dict[int, datetime | None]) -> None:
    """Whatever dates there are, out of order or in the future: few asks, none outside, and a rate that is one."""
    asked = []

    def registered_at(number: int) -> datetime | None:
        asked.append(number)
        return dates.get(number)

    lowest, highest = min(dates), max(dates)
    rate = recent_rate(highest, lowest, registered_at, NOW)
    assert len(asked) <= MOST_ASKS
    assert all(lowest <= number <= highest for number in asked)
    assert rate is None or 0 <= rate <= highest - lowest + 1


# Days to the limit


@pytest.mark.parametrize(
    ("per_day", "days"), [(48, 57 * 365.25), (4_800, 208), (48_000, 21)], ids=["one DAG", "100 DAGs", "10 times that"]
)
def test_an_empty_family_meets_the_limit_when_the_design_says(per_day: float, days: float) -> None:
    """57 years, 208 days, 21 days."""
    assert days_to_limit(0, per_day) == pytest.approx(days, rel=0.01)


@pytest.mark.parametrize(("count", "per_day"), [(0, 4_800), (900_000, 100), (999_999, 3), (1, 48_000)])
def test_days_to_the_limit_are_what_a_calendar_says(count: int, per_day: int) -> None:
    """Day by day, with nothing deleted."""
    reached, day = count, 0
    while reached < LIMIT:
        day, reached = day + 1, reached + per_day
    assert math.ceil(days_to_limit(count, per_day)) == day


def test_days_to_the_limit_end_at_none_and_at_a_hundred_years() -> None:
    """At the limit there are none left; without growth a large cap stands for never."""
    assert days_to_limit(LIMIT, 0) == days_to_limit(LIMIT + 5, 48) == 0
    assert days_to_limit(999_999, 0) == days_to_limit(0, 1) == days_to_limit(0, 5e-324) == NEVER


# A family, simulated day by day


def _peak(per_day: int, retention: int, every: int, orphans: int = 0, orphan_age: int = 0) -> int:
    """Register, deregister (orphans late) and sweep for long enough; return the most there were at once, at the end."""
    inactive_since: Counter[int] = Counter()
    peak = 0
    for day in range(3 * (retention + every + orphan_age) + 1):
        inactive_since[day] += per_day - orphans
        inactive_since[day + orphan_age] += orphans
        peak = inactive_since.total()
        if day % every == 0:
            at_sweep = peak
            for since in [since for since in inactive_since if since <= day - retention]:
                del inactive_since[since]
    return max(peak, at_sweep)


@pytest.mark.parametrize("retention", [1, 7, 30])
@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize(("orphans", "orphan_age"), [(0, 0), (1, 30), (5, 7), (10, 12)])
def test_a_steady_state_is_what_a_family_settles_at(retention: int, every: int, orphans: int, orphan_age: int) -> None:
    """The formula and the simulation agree to the revision."""
    expected = _peak(10, retention, every, orphans, orphan_age)
    assert steady_state(10, retention, every, orphans / 10, orphan_age) == pytest.approx(expected)


@pytest.mark.parametrize(("retention", "most"), [(180, 5_524), (30, 32_258), (7, 125_000)])
def test_the_fastest_sustainable_rate_is_the_design_s(retention: float, most: int) -> None:
    """Below it the steady state stays under the limit, above it does not."""
    assert math.floor(fastest_sustainable(retention)) == most
    assert steady_state(most, retention) <= LIMIT < steady_state(most + 1, retention)


def test_orphans_and_rare_sweeps_lower_the_fastest_sustainable_rate() -> None:
    """Both leave more standing, by as much as in the steady state."""
    most = fastest_sustainable(30, 7, 0.1, 60)
    assert most < fastest_sustainable(30)
    assert steady_state(most, 30, 7, 0.1, 60) == pytest.approx(LIMIT)


@pytest.mark.parametrize(("per_day", "retention", "share"), [(4_800, 30, 0.1), (48_000, 7, 0.5), (4_800, 300, 0.1)])
def test_orphans_that_last_fill_a_family_when_the_simulation_says(per_day: int, retention: int, share: float) -> None:
    """They are never deregistered, so only the others ever go."""
    present, day = 0.0, 0
    while present < LIMIT:
        day += 1
        present += per_day
        if day > retention:
            present -= per_day * (1 - share)
    assert days_to_limit_with_lasting_orphans(per_day, retention, share) == pytest.approx(day, abs=1.5)


def test_without_orphans_clean_up_holds_for_ever() -> None:
    """Orphans that last are what has no steady state."""
    assert days_to_limit_with_lasting_orphans(4_800, 30, 0) == NEVER


def _drained(backlog: int, per_invocation: int, invocations: int, per_day: int) -> int:
    day = 0
    while backlog > 0:
        day += 1
        backlog += per_day
        for _ in range(invocations):
            backlog = max(0, backlog - per_invocation)
    return day


@pytest.mark.parametrize(
    ("per_invocation", "invocations", "per_day"), [(9_000, 1, 4_800), (9_000, 28, 4_800), (9_000, 2, 0)]
)
def test_a_backlog_drains_in_the_days_of_the_simulation(per_invocation: int, invocations: int, per_day: int) -> None:
    """To the day."""
    days = days_to_drain(250_000, per_invocation, invocations, per_day)
    assert days == pytest.approx(_drained(250_000, per_invocation, invocations, per_day), abs=1)


def test_a_million_drains_in_the_time_the_design_says() -> None:
    """238 days with one run a night; continued until done, at ten a second, about 28 hours."""
    assert days_to_drain(1_000_000, 9_000, 1, 4_800) == pytest.approx(238, abs=0.5)
    assert 24 * days_to_drain(1_000_000, 10 * 900, 96, 4_800) == pytest.approx(28, abs=0.5)


def test_a_backlog_that_grows_as_fast_as_it_shrinks_never_drains() -> None:
    """And one that is not there needs no time."""
    assert days_to_drain(1, 100, 1, 100) == days_to_drain(1, 100, 1, 200) == NEVER
    assert days_to_drain(0, 100, 1, 200) == 0


# In words


@pytest.mark.parametrize(
    ("per_day", "retention", "keep_newest", "pace", "kept"),
    [
        (48, 180 * DAY, 2, "48 registrations", "8,688 revisions (0.9 % of the limit)"),
        (1, 1 * DAY, 2, "1 registration", "2 revisions (less than 0.1 % of the limit)"),
        (0.4, 1 * DAY, 20_000, "0.4 registrations", "20,000 revisions (2.0 % of the limit)"),
        (0, 30 * DAY, 1, "0 registrations", "1 revision (less than 0.1 % of the limit)"),
        (4_800, 36 * HOUR, 2, "4,800 registrations", "12,000 revisions (1.2 % of the limit)"),
    ],
)
def test_the_outlook_says_the_steady_state(
    per_day: float, retention: timedelta, keep_newest: int, pace: str, kept: str
) -> None:
    """One sentence for the report; the newest stay however old they are."""
    words = f"At {pace} a day this policy keeps about {kept}, if each is deregistered once its task has run."
    assert outlook(per_day, retention, keep_newest) == words


@pytest.mark.parametrize(
    ("per_day", "keep_newest", "why"),
    [
        (6_000, 2, "a retention of 180 days has one up to 5,524 a day"),
        (6_000, 20_000, "a retention of 180 days has one up to 5,524 a day"),
        (48, 1_000_000, "it keeps the newest 1,000,000"),
    ],
)
def test_the_outlook_says_that_there_is_no_steady_state(per_day: float, keep_newest: int, why: str) -> None:
    """With the figure that would have to change."""
    words = f"At {per_day:,} registrations a day this policy has no steady state below the limit: {why}."
    assert outlook(per_day, 180 * DAY, keep_newest) == words


@pytest.mark.parametrize("per_day", [0.0, 48.0, 1e7])
def test_the_outlook_promises_no_room(per_day: float) -> None:
    """Nobody knows whether a deletion gives its place back."""
    words = outlook(per_day, 180 * DAY, 2)
    assert not any(word in words for word in ("free", "room", "settle", "safe", "never"))

"""Buckets and weeks of ages: whole, in order, and on the right side of the retention."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.core.ages import DAY, NO_DATE, PARTS, WEEK, WEEKS, AgeCounts, coming, scale
from janitor.core.retention import AgeFrom
from tests.unit.core.strategies import NOW, STEADY

RETENTIONS = st.integers(86_400, 86_400 * 2_000).map(lambda seconds: timedelta(seconds=seconds))
AGES = st.integers(-86_400, 86_400 * 6_000).map(lambda seconds: timedelta(seconds=seconds))


def counted(retention: timedelta, *ages: timedelta) -> AgeCounts:
    """Count ages as a sweep does: what has reached its retention is due."""
    by, counts = scale(retention), AgeCounts(described=len(ages))
    for age in ages:
        (counts.due if age >= retention else counts.kept)[by.cell(age)] += 1
    return counts


@pytest.mark.parametrize(
    ("days", "begin"),
    [
        (180, [0, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330, 360]),
        (7, [0, 1, 2, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14]),
        (2, [0, 1, 2, 3, 4]),
        (1, [0, 1, 2]),
        (1.5, [0, 1, 1.5, 2.5, 3]),
    ],
)
def test_buckets_end_at_whole_days_and_one_ends_at_the_retention(days: float, begin: list[float]) -> None:
    """The line between what stays and what goes never runs through a bucket."""
    assert [each / DAY for each in scale(days * DAY).buckets] == begin


@STEADY
@given(retention=RETENTIONS, ages=st.lists(AGES, max_size=30))
def test_each_age_is_in_the_bucket_that_says_so(retention: timedelta, ages: list[timedelta]) -> None:
    """Counted again, one by one, by plain comparison."""
    found = counted(retention, *ages).ages("r", AgeFrom.DEREGISTERED_AT, retention)
    assert len(found.buckets) <= 2 * PARTS + 1
    assert found.buckets[0].start == timedelta(0)
    for bucket, following in zip(found.buckets, [*found.buckets[1:], None], strict=True):
        assert bucket.end == (None if following is None else following.start)
        inside = [
            age
            for age in (max(timedelta(0), each) for each in ages)
            if bucket.start <= age and (bucket.end is None or age < bucket.end)
        ]
        assert bucket.kept == sum(age < retention for age in inside)
        assert bucket.due == sum(age >= retention for age in inside)
    assert found.aged == found.revisions == len(ages)
    assert found.is_exact


@STEADY
@given(retention=RETENTIONS, seconds_left=st.lists(st.integers(1, 70 * 86_400), min_size=1, max_size=30))
def test_each_young_revision_comes_due_in_the_week_in_which_it_does(
    retention: timedelta, seconds_left: list[int]
) -> None:
    """A date yet to come counts as now; the end of a week belongs to it."""
    ages = [
        retention - left for left in (*(timedelta(seconds=each) for each in seconds_left), WEEK, 3 * WEEK, 9 * WEEK)
    ]
    weeks = coming(NOW, *counted(retention, *ages).weeks(retention))
    assert [week.start for week in weeks] == [NOW + place * WEEK for place in range(WEEKS)]
    for week in weeks:
        due = [NOW - max(age, timedelta(0)) + retention for age in ages if age < retention]
        assert week.revisions == sum(week.start < date <= week.end for date in due)
        assert week.interpolated == 0


def test_what_was_not_described_makes_an_estimate() -> None:
    """Nobody looked at what is interpolated or unknown, and a family that is left out may hold anything."""
    exact = counted(30 * DAY, 10 * DAY, 40 * DAY)
    whole = AgeCounts()
    whole.add(exact)
    whole.add(AgeCounts(kept=Counter({NO_DATE: 2}), described=2, unknown=1))
    found = whole.ages("r", AgeFrom.REGISTERED_AT, 30 * DAY)
    assert (found.without_date, found.unknown, found.revisions, found.is_exact) == (2, 1, 5, True)
    whole.add(AgeCounts(interpolated=Counter({0: 3}), dates=4))
    found = whole.ages("r", AgeFrom.REGISTERED_AT, 30 * DAY)
    assert (found.buckets[0].kept, found.interpolated, found.dates, found.is_exact) == (3, 3, 4, False)
    assert whole.revisions == found.revisions == 8
    assert sum(week.interpolated for week in coming(NOW, *whole.weeks(30 * DAY))) == 3
    left_out = AgeCounts(left_out=1)
    left_out.add(exact)
    assert not left_out.ages("r", AgeFrom.REGISTERED_AT, 30 * DAY).is_exact

"""Where the young begin, and how many are due: search and estimate against counting one by one."""

from __future__ import annotations

import math
import random
from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.boundary import Estimate, estimate, first_young
from tests.unit.core.strategies import MICROSECOND, NOW, STEADY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Dates:
    """Registration dates by number, counting who asks."""

    def __init__(self, dates: dict[int, datetime | None]) -> None:
        self._dates = dates
        self.asked: list[int] = []

    def __call__(self, number: int) -> datetime | None:
        """Return the date, as a describe would; asking for a number outside the family is an error."""
        self.asked.append(number)
        assert len(self.asked) <= 10_000, "the search does not end"
        return self._dates[number]


def _family(seed: int) -> tuple[list[int], list[datetime]]:
    """Make numbers with gaps, and dates that rise with them, many of them equal, around NOW."""
    # S311: nothing here is a secret; the seed makes every run the same.
    dice = random.Random(seed)  # noqa: S311
    size = dice.choice((0, 1, 2, 3, dice.randrange(100), dice.randrange(400)))
    numbers = sorted(dice.sample(range(1, 4 * size + 2), size))
    step = dice.choice((MICROSECOND, timedelta(hours=1), timedelta(days=3)))
    young = dice.choice((0, size, dice.randint(0, size)))
    date = NOW + step * (young - size)
    dates = []
    for _ in numbers:
        dates.append(date)
        date += step * dice.choice((0, 0, 1, 1, 2))
    return numbers, dates


def _linear(dates: Sequence[datetime], cutoff: datetime) -> int:
    return next((index for index, date in enumerate(dates) if date > cutoff), len(dates))


def test_the_boundary_is_the_one_that_a_linear_scan_finds() -> None:
    """Thousands of dated families: the same index, within log2(n) + 2 questions, none asked twice."""
    for seed in range(3_000):
        numbers, dates = _family(seed)
        asked = Dates(dict(zip(numbers, dates, strict=True)))
        assert first_young(numbers, asked, NOW) == _linear(dates, NOW), seed
        assert len(asked.asked) <= math.log2(max(1, len(numbers))) + 2, seed
        assert len(asked.asked) == len(set(asked.asked)), seed


def test_the_boundary_of_a_million_takes_twenty_questions() -> None:
    """The cost of finding the boundary is the logarithm of what exists."""
    asked: list[int] = []

    def registered_at(number: int) -> datetime:
        asked.append(number)
        return NOW + timedelta(seconds=number - 777_777)

    assert first_young(range(1_000_000), registered_at, NOW) == 777_778
    assert len(asked) <= 20


@pytest.mark.parametrize(("off", "index"), [(-MICROSECOND, 1), (timedelta(0), 1), (MICROSECOND, 0)])
def test_registered_at_the_cutoff_is_old(off: timedelta, index: int) -> None:
    """Exactly at the cutoff may be due, so it lies below the boundary."""
    assert first_young([5], lambda _: NOW + off, NOW) == index


def test_a_family_of_nothing_has_its_boundary_at_nothing() -> None:
    """No number, no question."""
    asked = Dates({})
    assert first_young([], asked, NOW) == 0
    assert asked.asked == []


def test_all_unknown_counts_as_old() -> None:
    """Where no date is known everything is described."""
    assert first_young(range(1, 100), lambda _: None, NOW) == 99


def test_no_known_old_revision_lies_beyond_the_boundary() -> None:
    """With dates missing, singly or in stretches, nothing that can be due is skipped."""
    for seed in range(3_000):
        numbers, dates = _family(seed)
        dice = random.Random(-seed)  # noqa: S311 - a fixed seed: every run the same
        known: list[datetime | None] = list(dates)
        for _ in range(dice.randrange(4)):
            start = dice.randint(0, len(known))
            for index in range(start, min(len(known), start + dice.choice((1, 5, len(known))))):
                known[index] = None
        boundary = first_young(numbers, Dates(dict(zip(numbers, known, strict=True))), NOW)
        assert boundary >= _linear(dates, NOW), seed
        assert all(date is None or date > NOW for date in known[boundary:]), seed


def test_a_single_unknown_does_not_spoil_the_search() -> None:
    """Its neighbour is asked instead: the boundary stays exact unless the unknown one touches it."""
    for missing in range(100):
        for young in (1, 30, 50, 99):
            dates = {n: None if n == missing else NOW + timedelta(seconds=n - young + 1) for n in range(100)}
            boundary = first_young(range(100), Dates(dates), NOW)
            assert boundary == young or (missing == young and boundary == young + 1)


def test_a_long_undated_stretch_costs_few_questions() -> None:
    """Most of a million revisions from before 2021 are stepped over, not asked one by one."""
    asked: list[int] = []

    def registered_at(number: int) -> datetime | None:
        asked.append(number)
        return None if number < 700_001 else NOW + timedelta(seconds=number - 900_000)

    assert first_young(range(1_000_000), registered_at, NOW) == 900_001
    assert len(asked) <= 20 + 18


# Estimates


@pytest.mark.parametrize(
    ("value", "low", "high"), [(-1, -1, 0), (1, 2, 3), (4, 2, 3), (0, 0, -1), (3, 4, 2), (2, -1, 3)]
)
def test_an_estimate_that_contradicts_itself_is_refused(value: int, low: int, high: int) -> None:
    """Its value lies inside its interval, and nothing is counted below zero."""
    with pytest.raises(ValueError, match=f"not {low}, {value}, {high}"):
        Estimate(value=value, low=low, high=high)


def test_estimates_say_what_they_know() -> None:
    """A count is exact, a bound reaches from nothing up, and only a point is exact."""
    assert Estimate.exactly(7) == Estimate(value=7, low=7, high=7)
    assert Estimate.exactly(7).is_exact
    assert Estimate.at_most(7) == Estimate(value=7, low=0, high=7)
    assert not Estimate.at_most(7).is_exact
    assert Estimate.at_most(0).is_exact


def test_estimates_add_up_end_by_end() -> None:
    """The sum is as uncertain as its parts together."""
    total = Estimate(value=5, low=2, high=9) + Estimate.exactly(10)
    assert total == Estimate(value=15, low=12, high=19)


@pytest.mark.parametrize(("hits", "sample", "population"), [(-1, 5, 9), (6, 5, 9), (1, 10, 9), (0, 0, -1)])
def test_a_sample_that_does_not_fit_is_refused(hits: int, sample: int, population: int) -> None:
    """No more hits than draws, no more draws than there are."""
    with pytest.raises(ValueError, match=f"not {hits}, {sample}, {population}"):
        estimate(hits=hits, sample=sample, population=population)


def test_everything_sampled_is_exact() -> None:
    """Who has seen them all does not guess."""
    for population in range(30):
        for hits in range(population + 1):
            assert estimate(hits=hits, sample=population, population=population) == Estimate.exactly(hits)


def test_nothing_sampled_says_nothing() -> None:
    """Without a sample the population is the bound."""
    assert estimate(hits=0, sample=0, population=500) == Estimate.at_most(500)


@settings(STEADY, max_examples=200)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 1_000_000), st.sampled_from((0.5, 0.95, 0.999)))
def test_an_interval_holds_what_was_seen(hits: int, misses: int, unseen: int, confidence: float) -> None:
    """The hits seen are due and the misses are not; the guess follows the sample."""
    sample, population = hits + misses, hits + misses + unseen
    found = estimate(hits=hits, sample=sample, population=population, confidence=confidence)
    assert hits <= found.low <= found.value <= found.high <= population - misses
    if sample:
        assert found.value == round(population * hits / sample)


@settings(STEADY, max_examples=100)
@given(st.integers(0, 20), st.integers(1, 20), st.integers(2, 5))
def test_a_larger_sample_is_never_vaguer(hits: int, misses: int, times: int) -> None:
    """The same share of hits in more draws gives an interval that is no wider."""
    few = estimate(hits=hits, sample=hits + misses, population=100_000)
    many = estimate(hits=times * hits, sample=times * (hits + misses), population=100_000)
    assert many.high - many.low <= few.high - few.low


@settings(STEADY, max_examples=100)
@given(st.integers(1, 60), st.integers(0, 10_000))
def test_more_hits_never_mean_fewer_due(sample: int, unseen: int) -> None:
    """Both ends and the guess rise with the hits."""
    found = [estimate(hits=hits, sample=sample, population=sample + unseen) for hits in range(sample + 1)]
    for fewer, more in pairwise(found):
        assert (fewer.low, fewer.value, fewer.high) <= (more.low, more.value, more.high)
        assert fewer.low <= more.low
        assert fewer.high <= more.high


def test_a_higher_confidence_is_never_narrower() -> None:
    """Who wants to be surer has to say less."""
    wide = estimate(hits=12, sample=60, population=10_000, confidence=0.999)
    usual = estimate(hits=12, sample=60, population=10_000)
    assert wide.low < usual.low < usual.high < wide.high


def test_the_usual_interval_is_that_of_clopper_and_pearson() -> None:
    """A worked example: 10 of 100 gives 4.90 % to 17.62 % at 95 % confidence."""
    assert estimate(hits=10, sample=100, population=100_000) == Estimate(value=10_000, low=4_900, high=17_623)
    assert estimate(hits=0, sample=600, population=1_000_000) == Estimate(value=0, low=0, high=6_130)


@cache
def _interval(hits: int, sample: int, population: int) -> Estimate:
    return estimate(hits=hits, sample=sample, population=population)


@pytest.mark.parametrize(
    ("sample", "population"), [(1, 2), (5, 6), (10, 40), (30, 60), (30, 1_000), (59, 60), (60, 500)]
)
def test_every_true_value_is_covered_at_least_as_often_as_stated(sample: int, population: int) -> None:
    """Counted over every possible sample, not drawn: each true value is inside for 95 % of the samples or more."""
    samples = math.comb(population, sample)
    for true in range(population + 1):
        covered = sum(
            math.comb(true, hits) * math.comb(population - true, sample - hits)
            for hits in range(max(0, sample - (population - true)), min(sample, true) + 1)
            if _interval(hits, sample, population).low <= true <= _interval(hits, sample, population).high
        )
        assert covered * 100 >= 95 * samples, true


def test_simulated_samples_hold_the_true_value_19_times_in_20() -> None:
    """A few thousand families sampled as a report samples them."""
    dice = random.Random(1)  # noqa: S311 - a fixed seed: every run the same
    held = 0
    for _ in range(4_000):
        population = dice.choice((200, 5_000))
        true = dice.choice((0, 1, population // 50, population // 3, population - 1, population))
        sample = dice.choice((20, 100))
        hits = sum(1 for drawn in dice.sample(range(population), sample) if drawn < true)
        found = _interval(hits, sample, population)
        held += found.low <= true <= found.high
    assert held >= 0.95 * 4_000

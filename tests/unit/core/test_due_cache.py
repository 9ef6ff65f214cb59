"""The due cache against the dates it was made of: never later than the truth, whatever was done to it."""

from __future__ import annotations

import random
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from janitor.core.due_cache import (
    _FORMAT,
    LAG,
    MOST_RANGES,
    DueCache,
    _digest,
    _reduced,
    decode,
)
from tests.unit.core.strategies import NOW

OWNER = "123456789012/eu-central-1/family"
DAY = timedelta(days=1)

dates = st.integers(0, 400 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes))
families = st.dictionaries(st.integers(1, 60), dates, max_size=40)
"""What is INACTIVE in a family, number → ``deregisteredAt``; the other numbers are ACTIVE or gone."""


def learn_all(cache: DueCache, family: dict[int, datetime], *, gaps: bool, listed_at: datetime = NOW) -> DueCache:
    """Learn a family as one pass does, its gaps too where the listing skipped nothing."""
    previous = 0
    for number in sorted(family):
        if gaps:
            cache.learn(number, family[number], previous=previous, listed_at=listed_at)
        else:
            cache.learn(number, family[number])
        previous = number
    return cache


def reread(cache: DueCache) -> DueCache:
    """Return the cache after a night in the store."""
    again, problem = decode(cache.encode(OWNER), OWNER)
    assert problem is None
    return again


def holds(cache: DueCache, family: dict[int, datetime]) -> bool:
    """Say whether no bound is later than the truth."""
    return all((bound := cache.not_before(number)) is None or bound <= date for number, date in family.items())


@given(family=families, gaps=st.booleans())
def test_each_learned_revision_is_bounded_by_the_day_of_its_date(family: dict[int, datetime], *, gaps: bool) -> None:
    """Where there is room for every range the bound is the date's own day, but never in the last day."""
    cache = learn_all(DueCache(), family, gaps=gaps)

    for number, date in family.items():
        bound = cache.not_before(number)
        assert bound is not None
        assert min(date, NOW - LAG) - DAY < bound <= date
        assert bound.time() == datetime.min.time()


nights = st.lists(
    st.tuples(
        st.lists(st.integers(1, 60), max_size=30),  # numbers in the order they are learned
        st.booleans(),  # a cache of its own, merged with the older one
        st.sampled_from([1, 3, 200]),  # room for ranges
    ),
    max_size=5,
)


@given(families, nights)
def test_a_bound_never_exceeds_the_date_whatever_was_learned_merged_and_stored(
    family: dict[int, datetime], nights: list[tuple[list[int], bool, int]]
) -> None:
    """In any order, with gaps, over several nights, however little room there is."""
    cache = DueCache()
    for numbers, fresh, room in nights:
        tonight = DueCache() if fresh else cache
        for number in numbers:
            if number in family:
                previous = max((other for other in family if other < number), default=0)
                tonight.learn(number, family[number], previous=previous, listed_at=NOW)
            else:
                tonight.learn_not_inactive(number, NOW)
        cache = reread(DueCache(_reduced(tonight.merged_with(cache).ranges, room)))

        assert len(cache.ranges) <= room
        assert holds(cache, family)
        assert holds(cache, {number: NOW for number in range(70) if number not in family}), "deregistered from now on"


@given(first=families, second=families, gaps=st.booleans())
def test_learning_more_never_lowers_a_bound(
    first: dict[int, datetime], second: dict[int, datetime], *, gaps: bool
) -> None:
    """Nor does a merge, either way round, while there is room."""
    family = {**second, **first}
    older = learn_all(DueCache(), first, gaps=False)
    newer = learn_all(DueCache(), family, gaps=gaps)
    both = newer.merged_with(older)

    assert both.ranges == older.merged_with(newer).ranges
    for number in range(70):
        bounds = [bound for cache in (older, newer) if (bound := cache.not_before(number))]
        assert both.not_before(number) == max(bounds, default=None)


def test_what_was_not_described_is_not_covered() -> None:
    """A gap that nobody vouches for may hide a revision that the listing skipped."""
    cache = DueCache()
    cache.learn(3, NOW)
    cache.learn(5, NOW)

    assert cache.not_before(4) is None
    assert cache.not_before(2) is None
    assert cache.not_before(6) is None


def test_a_gap_begins_after_the_number_listed_before() -> None:
    """One that was listed and could not be described is no gap."""
    cache = DueCache()
    cache.learn(3, NOW - 9 * DAY, previous=0, listed_at=NOW)
    cache.learn(7, NOW - 9 * DAY, previous=5, listed_at=NOW)

    assert [number for number in range(9) if cache.not_before(number) is not None] == [1, 2, 3, 6, 7]


def test_a_gap_is_bounded_by_the_listing_that_showed_it() -> None:
    """What was ACTIVE then may have been deregistered a moment later."""
    cache = DueCache()
    cache.learn(1, NOW)
    cache.learn(9, NOW, previous=1, listed_at=NOW)

    bound = cache.not_before(5)
    assert bound is not None
    assert bound <= NOW - LAG


def test_a_revision_that_is_gone_does_not_come_between_its_neighbours() -> None:
    """It is never INACTIVE again, so its place takes any bound, but no range of its own for long."""
    cache = DueCache()
    for number in range(1, 4_001):
        if number % 2:
            cache.learn(number, NOW - 90 * DAY)
        else:
            cache.learn_not_inactive(number, NOW)

    stored = reread(cache)

    bounds = {stored.not_before(number) for number in range(1, 4_001)} - {(NOW - DAY).replace(hour=0)}
    assert bounds == {(NOW - 90 * DAY).replace(hour=0)}
    assert None not in bounds


def test_a_date_without_a_zone_is_refused() -> None:
    """A bound that is off by hours could be too late."""
    with pytest.raises(TypeError):
        DueCache().learn(1, NOW.replace(tzinfo=None))


def test_a_date_from_before_1970_is_not_learned() -> None:
    """There is no day for it that would not be too late."""
    cache = DueCache()
    cache.learn(1, datetime(1969, 12, 31, tzinfo=UTC))

    assert cache.not_before(1) is None


def test_bulk_deregistrations_are_kept_whole_among_stragglers() -> None:
    """Five bulks of 2,000 with gaps, and 100 of any age among them: nine in ten are still bounded by their own day."""
    dice = random.Random(7)  # noqa: S311 - the seed makes every run the same
    family = {number: NOW - (20 + 30 * (number // 2_000)) * DAY for number in range(1, 10_001) if dice.random() < 0.5}
    for number in dice.sample(sorted(family), 100):
        family[number] = NOW - dice.randrange(180) * DAY
    cache = reread(learn_all(DueCache(), family, gaps=True))

    own_day = sum(1 for number, date in family.items() if (bound := cache.not_before(number)) and date - bound < DAY)
    assert holds(cache, family)
    assert own_day > 0.9 * len(family)
    assert len(cache.encode(OWNER)) < 6_000


def test_a_family_of_any_dates_stays_small() -> None:
    """Where every revision has another date, what is kept is coarse, true, and small."""
    dice = random.Random(7)  # noqa: S311 - the seed makes every run the same
    family = {number: NOW - dice.randrange(180) * DAY for number in range(1, 20_001)}
    cache = reread(learn_all(DueCache(), family, gaps=True))

    assert holds(cache, family)
    assert len(cache.ranges) <= MOST_RANGES
    assert len(cache.encode(OWNER)) < 6_000


@given(families)
def test_the_store_gives_back_what_it_was_given(family: dict[int, datetime]) -> None:
    """The same ranges, and the same bytes again."""
    cache = learn_all(DueCache(), family, gaps=True)

    assert reread(cache).ranges == cache.ranges
    assert reread(cache).encode(OWNER) == cache.encode(OWNER)


@given(st.binary(max_size=200))
@example(b"")
@example(b"janitor due cache 1\n")
@example(b"janitor due cache 2\n" + bytes(40))
def test_bytes_that_are_no_cache_are_an_empty_one(content: bytes) -> None:
    """With the reason, and never an exception."""
    cache, problem = decode(content, OWNER)

    assert cache.ranges == ()
    assert problem


@given(families.filter(bool), st.data())
def test_a_damaged_cache_is_an_empty_one(family: dict[int, datetime], data: st.DataObject) -> None:
    """One bit is enough, anywhere, and so is a missing end."""
    content = bytearray(learn_all(DueCache(), family, gaps=True).encode(OWNER))
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    cut = bytes(content[: bit // 8])
    content[bit // 8] ^= 1 << bit % 8

    for damaged in (bytes(content), cut):
        cache, problem = decode(damaged, OWNER)
        assert cache.ranges == ()
        assert problem


def test_another_familys_cache_is_an_empty_one() -> None:
    """Its numbers mean other revisions: on a disk that does not tell a from A, or in a store that is shared."""
    content = learn_all(DueCache(), {1: NOW}, gaps=False).encode(OWNER)

    assert decode(content, f"{OWNER}-other")[0].ranges == ()


def test_words_in_place_of_numbers_are_an_empty_cache() -> None:
    """Though their checksum is right."""
    body = zlib.compress(b"one two three")

    assert decode(_FORMAT + _digest(OWNER, body) + body, OWNER)[0].ranges == ()


@pytest.mark.parametrize("numbers", [(1, 1), (0, 1, 1), (1, 0, 1), (1, 1, 10_000_000), (1, 1, 1) * (MOST_RANGES + 1)])
def test_a_well_formed_absurdity_is_an_empty_cache(numbers: tuple[int, ...]) -> None:
    """Though its checksum is right."""
    body = zlib.compress(b" ".join(b"%d" % number for number in numbers))

    cache, problem = decode(_FORMAT + _digest(OWNER, body) + body, OWNER)
    assert cache.ranges == ()
    assert problem is not None
    assert problem.startswith("it makes no sense: not a ")


@given(family=families, first=st.integers(1, 60), size=st.integers(0, 60), days=st.integers(0, 400))
def test_open_are_the_numbers_without_a_bound_after_the_cutoff(
    family: dict[int, datetime], first: int, size: int, days: int
) -> None:
    """All of them, none twice, in order; and the others are counted."""
    cache, cutoff = learn_all(DueCache(), family, gaps=True), NOW - days * DAY

    def is_open(number: int) -> bool:
        bound = cache.not_before(number)
        return bound is None or bound <= cutoff

    found = [number for numbers in cache.open_between(first, first + size, cutoff) for number in numbers]
    assert found == [number for number in range(first, first + size) if is_open(number)]
    assert cache.known_young(cutoff) == sum(1 for number in range(70) if not is_open(number))


@given(family=families, first=st.integers(1, 70))
def test_what_lies_below_the_first_number_is_forgotten(family: dict[int, datetime], first: int) -> None:
    """And nothing else is."""
    cache = learn_all(DueCache(), family, gaps=True)
    cut = cache.from_number(first)

    for number in range(70):
        assert cut.not_before(number) == (cache.not_before(number) if number >= first else None)


def test_what_was_deleted_is_not_asked_for_again_within_a_year() -> None:
    """In any order with what was described."""
    cache = learn_all(DueCache(), {1: NOW, 9: NOW}, gaps=False)
    cache.learn_deleted([3, 4, 7], NOW)

    stored = reread(cache)
    assert [stored.not_before(number) is not None for number in (3, 4, 5, 7, 8)] == [True, True, False, True, False]
    assert stored.open_between(1, 10, NOW + 360 * DAY) == [range(1, 3), range(5, 7), range(8, 10)]

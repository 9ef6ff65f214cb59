"""A set of numbers is a set, only smaller."""

from __future__ import annotations

import sys
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.numbers import NumberSet
from tests.unit.core.strategies import STEADY

MANY = 1_000_000
HUGE = 10**18

_NUMBERS = st.one_of(
    st.integers(0, 40),
    st.sampled_from((1_022, 1_023, 1_024, 1_025, 2_047, 2_048, MANY, HUGE, HUGE + 1)),
    st.integers(0, 2**70),
)


@settings(STEADY, max_examples=300)
@given(st.lists(_NUMBERS), st.lists(_NUMBERS))
def test_a_number_set_does_what_a_set_does(numbers: list[int], asked: list[int]) -> None:
    """Adding says whether the number was new; membership, size and order are those of a sorted set."""
    small, plain = NumberSet(), set[int]()
    for number in numbers:
        assert small.add(number) is (number not in plain)
        plain.add(number)
        assert len(small) == len(plain)
    assert list(small) == sorted(plain)
    assert small.highest == max(plain, default=None)
    for number in numbers + asked:
        assert (number in small) is (number in plain)


@settings(STEADY, max_examples=300)
@given(st.lists(_NUMBERS))
def test_a_number_set_made_of_numbers_is_the_same_as_one_grown_by_them(numbers: list[int]) -> None:
    """The constructor adds each number once, from anything that can be iterated once."""
    small = NumberSet(iter(numbers))
    assert list(small) == sorted(set(numbers))
    assert len(small) == len(set(numbers))


def test_neighbours_of_a_member_are_not_members() -> None:
    """A bit belongs to one number alone, at the edges of a chunk as in its middle."""
    for number in (1, 1_023, 1_024, 2_048, MANY, HUGE):
        small = NumberSet([number])
        assert number in small
        assert number - 1 not in small
        assert number + 1 not in small
        assert number + 1_024 not in small


def test_an_empty_number_set_holds_nothing() -> None:
    """Nothing added, nothing there: it is false, as an empty set is."""
    small = NumberSet()
    assert not small
    assert list(small) == []
    assert 0 not in small


def test_a_million_dense_numbers_take_less_than_300_kilobytes() -> None:
    """What a family at its limit costs to remember, every object counted."""
    small = NumberSet(range(1, MANY + 1))
    size = sys.getsizeof(small) + sys.getsizeof(small._chunks)
    size += sum(sys.getsizeof(key) + sys.getsizeof(bits) for key, bits in small._chunks.items())
    assert len(small) == MANY
    assert size < 300_000


def test_a_huge_number_costs_no_more_than_a_small_one() -> None:
    """Memory follows how many numbers there are, not how large they are."""
    tracemalloc.start()
    try:
        small = NumberSet(HUGE * factor for factor in range(1, 101))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert list(small) == [HUGE * factor for factor in range(1, 101)]
    assert size < 100_000

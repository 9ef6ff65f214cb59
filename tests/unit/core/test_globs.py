"""Patterns without brackets match the same families; patterns overlap if some family matches both."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.core.globs import MOST_ALTERNATIVES, TooManyAlternatives, overlap, without_brackets

PIECES = ("a", "b", "-", "*", "?", "[ab]", "[!a]", "[a-c]", "[]a]", "[", "]", "!")
FAMILIES = ["".join(each) for size in (1, 2, 3) for each in product("ab-", repeat=size)]


def patterns(*pieces: str) -> st.SearchStrategy[str]:
    """Draw a pattern made of some pieces."""
    return st.lists(st.sampled_from(pieces), min_size=1, max_size=4).map("".join)


@pytest.mark.parametrize(
    ("pattern", "alternatives"),
    [
        ("airflow-*", ("airflow-*",)),
        ("a?c", ("a?c",)),
        ("web-[ab]", ("web-a", "web-b")),
        ("[a-c]x", ("ax", "bx", "cx")),
        ("[]a]", ("a",)),
        ("[a", ()),
        ("a]", ()),
        ("[.]x", ()),
        ("[A-Za-z0-9_-]", ("?",)),
    ],
)
def test_brackets_are_written_out(pattern: str, alternatives: tuple[str, ...]) -> None:
    """One pattern for each alternative, none for what no family's name can be."""
    assert without_brackets(pattern) == alternatives


def test_what_would_be_too_many_is_refused() -> None:
    """It is not widened in silence."""
    assert len(without_brackets("[!a]")) == 63
    with pytest.raises(TooManyAlternatives, match=str(MOST_ALTERNATIVES)):
        without_brackets("[!a][!b]")
    assert without_brackets("[!a][!b][") == ()


@given(pattern=patterns(*PIECES))
def test_the_same_families_match(pattern: str) -> None:
    """None more, none less."""
    try:
        alternatives = without_brackets(pattern)
    except TooManyAlternatives:
        return
    assert not set("[]!") & set("".join(alternatives))
    for family in FAMILIES:
        assert fnmatchcase(family, pattern) == any(fnmatchcase(family, each) for each in alternatives)


@given(one=patterns("a", "b", "*", "?"), other=patterns("a", "b", "*", "?"))
def test_patterns_overlap_if_some_name_matches_both(one: str, other: str) -> None:
    """The shortest such name is no longer than both of them together."""
    names = ("".join(each) for size in range(len(one) + len(other) + 1) for each in product("ab", repeat=size))
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, other) == any(fnmatchcase(name, one) and fnmatchcase(name, other) for name in names)

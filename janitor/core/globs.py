"""Family patterns beyond matching: without brackets, and whether two of them have a family in common."""

from __future__ import annotations

import re
import string
from fnmatch import fnmatchcase
from itertools import product
from math import prod

FAMILY_CHARACTERS = string.ascii_letters + string.digits + "-_"
"""What a family's name is made of (Amazon ECS API reference, RegisterTaskDefinition)."""

MOST_ALTERNATIVES = 100
"""Patterns that one pattern's brackets may come to."""

_PART = re.compile(r"\[!?]?[^]]*]|.")


class TooManyAlternatives(ValueError):
    """A pattern's brackets stand for more alternatives than can be written out."""


def without_brackets(pattern: str) -> tuple[str, ...]:
    """Return patterns of ``*``, ``?`` and names that match exactly the families that the pattern matches, maybe none.

    Raises:
        TooManyAlternatives: if they would be more than ``MOST_ALTERNATIVES``.
    """
    parts = [_alternatives(part) for part in _PART.findall(pattern)]
    if prod(len(part) for part in parts) > MOST_ALTERNATIVES:
        raise TooManyAlternatives(f"its brackets stand for more than {MOST_ALTERNATIVES} patterns")
    return tuple("".join(each) for each in product(*parts))


def _alternatives(part: str) -> tuple[str, ...]:
    if part in {"*", "?"} or part in FAMILY_CHARACTERS:
        return (part,)
    matching = tuple(character for character in FAMILY_CHARACTERS if fnmatchcase(character, part))
    return ("?",) if len(matching) == len(FAMILY_CHARACTERS) else matching


def overlap(one: str, other: str) -> bool:
    """Say whether some name matches both patterns; they have no brackets."""
    # reachable[j]: what was read of one pattern and the first j characters of the other have a beginning in common.
    reachable = [all(each == "*" for each in other[:length]) for length in range(len(other) + 1)]
    for mine in one:
        before, reachable = reachable, [reachable[0] and mine == "*"]
        for length, theirs in enumerate(other, start=1):
            if "*" in {mine, theirs}:
                reachable.append(before[length] or reachable[length - 1])
            else:
                reachable.append(before[length - 1] and (mine == theirs or "?" in {mine, theirs}))
    return reachable[-1]

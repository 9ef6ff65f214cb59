"""Candidates without a listing, for a family most of which is known to be too young.

After a bulk deregistration hundreds of thousands of revisions that cannot be due yet lie in front of those that are.
The due cache spares their descriptions, but a listing still has to pass them, a hundred a call, and again in the next
round. Where the cache leaves few numbers open these are described as they stand: each would have been described anyway,
and what turns out not to be INACTIVE is learned, so that a gap is asked for once. Nothing is listed that could skip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from janitor.core.boundary import first_young
from janitor.sweep.ends import look

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from janitor.core.due_cache import DueCache
    from janitor.ports import Page, TaskDefinitions
    from janitor.sweep.descriptions import Descriptions
    from janitor.sweep.family import FamilyState

WORTH = 10
"""Numbers known to be too young for each open one, from which walking is worth it. At fewer, a listing adds less than
a fifth to the calls that the open ones take; walking costs a call for each that turns out to be a gap."""

LEAST = 1_000
"""Numbers known to be too young from which it is worth finding out: a handful of calls then spares ten at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The numbers that may be due, ascending, below the ``newest`` INACTIVE ones that stay whatever their age."""

    numbers: Sequence[range]
    newest: tuple[int, ...]


def walk(
    family: FamilyState,
    first: Page,
    cache: DueCache,
    cutoff: datetime,
    *,
    task_definitions: TaskDefinitions,
    descriptions: Descriptions,
) -> Walk | None:
    """Return the numbers to walk, or None where listing the family is the better way.

    ``first`` is the first page of its listing. It takes a list call and log2(n) descriptions to find out; none where
    too little is known.
    """
    if first.last or cache.known_young(cutoff) < LEAST:
        return None
    ends = look(family, task_definitions, first)
    if ends.known:
        return None
    below = ends.below[: first_young(ends.below, descriptions.registered_at, cutoff)]
    if not below:
        return None
    numbers = cache.open_between(below[0], below[-1] + 1, cutoff)
    unknown = sum(map(len, numbers))
    if len(below) - unknown < max(LEAST, WORTH * unknown):
        return None
    return Walk(numbers=numbers, newest=ends.newest)

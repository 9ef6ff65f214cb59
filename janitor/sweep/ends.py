"""A family seen from both ends of its INACTIVE listing, for a call or two whatever its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from janitor.core.boundary import Estimate, first_young
from janitor.core.model import Status
from janitor.core.retention import cutoff
from janitor.sweep.descriptions import Descriptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from janitor.ports import Page, TaskDefinitions
    from janitor.sweep.family import FamilyState


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The INACTIVE numbers of a family without its newest: all of them if ``known``, else the range they lie in."""

    below: Sequence[int]
    newest: tuple[int, ...]
    known: bool


def look(family: FamilyState, task_definitions: TaskDefinitions, first: Page | None = None) -> Numbers:
    """Look at the ``first`` page from the bottom, and where that is not all, at as many from the top as it takes."""
    first = first or first_page(task_definitions.pages(family.name, Status.INACTIVE))
    family.saw(first.numbers)
    newest = 0 if family.rule is None else family.rule.keep_newest.value
    if first.last:
        return known(family, first.numbers, newest)
    top: list[int] = []
    for page in task_definitions.pages(family.name, Status.INACTIVE, newest_first=True):
        top.extend(page.numbers)
        family.saw(page.numbers)
        if page.last or (top and top[-1] <= first.numbers[-1]):
            return known(family, {*first.numbers, *top}, newest)
        if top and len(top) >= newest:
            break
    floor = top[newest - 1] if newest else top[0] + 1
    return Numbers(below=range(first.numbers[0], floor), newest=tuple(sorted(top[:newest])), known=False)


def first_page(pages: Iterable[Page]) -> Page:
    """Return the first page that has numbers, or the last one."""
    return next(page for page in pages if page.numbers or page.last)


def known(family: FamilyState, numbers: Iterable[int], newest: int) -> Numbers:
    """Return what is known when the whole listing is."""
    ascending = sorted(set(numbers))
    family.saw(ascending[:1] + ascending[-1:])
    family.inactive = Estimate.exactly(len(ascending))
    split = max(0, len(ascending) - newest)
    return Numbers(below=ascending[:split], newest=tuple(ascending[split:]), known=True)


def candidates_at_most(family: FamilyState, task_definitions: TaskDefinitions, now: datetime) -> int:
    """Return an upper bound of how many revisions of a family may be due: those below the boundary."""
    if family.rule is None or family.rule.keep:
        return 0
    if family.planned is not None:
        return len(family.planned)
    numbers = look(family, task_definitions)
    descriptions = Descriptions(
        family.name,
        newer_inactive=family.rule.keep_newest.value,
        task_definitions=task_definitions,
        dates=family.dates,
    )
    return first_young(numbers.below, descriptions.registered_at, cutoff(family.rule, now))

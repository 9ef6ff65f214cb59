"""Count what exists in a family, exactly where that is cheap, else as a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from janitor.core.boundary import Estimate
from janitor.core.forecast import recent_rate
from janitor.core.model import Status
from janitor.core.numbers import NumberSet
from janitor.sweep.descriptions import Descriptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from janitor.ports import TaskDefinitions
    from janitor.sweep.family import FamilyState

COUNTED_PAGES = 3
"""Pages listed at most, per family and status, only to count; beyond, the count is a bound."""


def count(
    family: FamilyState,
    task_definitions: TaskDefinitions,
    *,
    statuses: Iterable[Status] = tuple(Status),
    most_pages: int | None,
    check: Callable[[], None],
) -> None:
    """Fill in the counts that the sweep itself did not come by.

    A count is exact where its listing ended within ``most_pages``. Otherwise it lies between what was listed and the
    room between its lowest and its highest number: no more revisions can exist than numbers.
    """
    for status in statuses:
        if status is Status.INACTIVE and family.inactive is not None:
            continue
        check()
        listed, complete = _listed(family, task_definitions, status, most_pages)
        if status is Status.DELETE_IN_PROGRESS:
            family.in_progress = listed
        if status is Status.ACTIVE:
            family.listed_active = listed
        if not complete:
            top = next(iter(task_definitions.pages(family.name, status, newest_first=True))).numbers
            family.saw(top)
            if status is Status.ACTIVE:
                family.top_active = top
            listed_or_top = [*listed, *top]
            room = max(listed_or_top) - min(listed_or_top) + 1
            _set(family, status, Estimate(value=room, low=len(listed), high=room))
        else:
            _set(family, status, Estimate.exactly(len(listed)))


def measure_growth(family: FamilyState, task_definitions: TaskDefinitions, now: datetime) -> None:
    """Fill in how many revisions a day are registered, from the dates of a handful of them."""
    if family.highest is not None and family.lowest is not None:
        descriptions = Descriptions(
            family.name, newer_inactive=0, task_definitions=task_definitions, dates=family.dates
        )
        family.registrations_per_day = recent_rate(family.highest, family.lowest, descriptions.registered_at, now)


def _listed(
    family: FamilyState, task_definitions: TaskDefinitions, status: Status, most_pages: int | None
) -> tuple[NumberSet, bool]:
    """Return the revisions that were listed and whether those are all."""
    listed = NumberSet()
    for pages, page in enumerate(task_definitions.pages(family.name, status), start=1):
        family.saw(page.numbers)
        for number in page.numbers:
            listed.add(number)
        if page.last:
            return listed, True
        if pages == most_pages:
            return listed, False
    return listed, True


def _set(family: FamilyState, status: Status, found: Estimate) -> None:
    match status:
        case Status.ACTIVE:
            family.active = found
        case Status.INACTIVE:
            family.inactive = found
        case Status.DELETE_IN_PROGRESS:
            family.delete_in_progress = found

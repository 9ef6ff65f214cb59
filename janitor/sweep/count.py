"""Count what exists in a family, exactly where that is cheap, else as a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from janitor.core.boundary import Estimate
from janitor.core.model import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
    room between the lowest and the highest number: no more revisions can exist than numbers.
    """
    listed: dict[Status, int] = {}
    for status in statuses:
        if status is Status.INACTIVE and family.inactive is not None:
            continue
        check()
        seen, complete = _listed(family, task_definitions, status, most_pages)
        if complete:
            _set(family, status, Estimate.exactly(seen))
            continue
        listed[status] = seen
        for page in task_definitions.pages(family.name, status, newest_first=True):
            family.saw(page.numbers)
            break
    room = 0 if family.lowest is None or family.highest is None else family.highest - family.lowest + 1
    for status, seen in listed.items():
        _set(family, status, Estimate(value=max(seen, room), low=seen, high=max(seen, room)))


def _listed(
    family: FamilyState, task_definitions: TaskDefinitions, status: Status, most_pages: int | None
) -> tuple[int, bool]:
    """Return how many distinct revisions were listed and whether that is all of them."""
    seen, highest = 0, -1
    for pages, page in enumerate(task_definitions.pages(family.name, status), start=1):
        numbers = [number for number in page.numbers if number > highest]
        if numbers:
            seen, highest = seen + len(numbers), numbers[-1]
            family.saw((numbers[0], highest))
        if page.last:
            return seen, True
        if most_pages is not None and pages >= most_pages:
            return seen, False
    return seen, True


def _set(family: FamilyState, status: Status, found: Estimate) -> None:
    match status:
        case Status.ACTIVE:
            family.active = found
        case Status.INACTIVE:
            family.inactive = found
        case Status.DELETE_IN_PROGRESS:
            family.delete_in_progress = found

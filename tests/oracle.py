"""Which revisions a sweep may delete, said a second time: slowly, from the promises, without the code under test.

Written from design.md (promises 1 to 5) before ``janitor/core/retention.py`` was read. It takes the whole family as a
list and asks one question after the other in plain loops; only the nouns and the rule's data types are shared.
"""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from janitor.core.model import Status
from janitor.core.retention import AgeFrom

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from janitor.core.model import FamilyUsage, Revision
    from janitor.core.retention import Rule

ONE_HOUR = timedelta(hours=1)


def to_delete(  # noqa: C901, PLR0912 - one plain question after the other is what makes an oracle readable
    family: Sequence[Revision],
    rule: Rule | None,
    *,
    usage: FamilyUsage,
    now: datetime,
    undescribed: Collection[int] = (),
) -> set[int]:
    """Return the numbers to delete of a family, given whole.

    ``undescribed`` are INACTIVE numbers that a listing named and nobody described: they are kept, and they count among
    the newest. A revision that is in the list twice is one revision.
    """
    if rule is None:
        return set()
    if rule.keep:
        return set()
    if len(usage.unreadable) > 0:
        return set()

    inactive_numbers: list[int] = []
    for revision in family:
        if revision.status == Status.INACTIVE and revision.id.number not in inactive_numbers:
            inactive_numbers.append(revision.id.number)
    for number in undescribed:
        if number not in inactive_numbers:
            inactive_numbers.append(number)
    inactive_numbers.sort()
    newest: list[int] = []
    while inactive_numbers and len(newest) < rule.keep_newest.value:
        newest.append(inactive_numbers.pop())

    condemned: set[int] = set()
    for revision in family:
        number = revision.id.number
        if revision.status != Status.INACTIVE:
            continue
        if number in newest or number in undescribed:
            continue
        if revision.deregistered_at is None:
            continue
        if now - revision.deregistered_at < ONE_HOUR:
            continue
        if rule.age_from.value == AgeFrom.REGISTERED_AT:
            counted_from = revision.registered_at
        else:
            counted_from = revision.deregistered_at
        if counted_from is None:
            continue
        if now - counted_from < rule.retention.value:
            continue
        if revision.registered_at is not None and revision.deregistered_at < revision.registered_at:
            continue  # its dates contradict each other
        tagged = False
        for key in revision.tags:
            if key in rule.keep_tags.value:
                tagged = True
        if tagged:
            continue
        if number in usage.reasons:
            continue
        condemned.add(number)
    return condemned


ONE_DAY = timedelta(days=1)


def to_deregister(  # noqa: C901, PLR0912 - as above
    family: Sequence[Revision],
    rule: Rule | None,
    *,
    usage: FamilyUsage,
    table: FamilyUsage,
    now: datetime,
) -> set[int]:
    """Return the numbers to deregister of a family, given whole; from workload-and-reuse.md §2, word by word.

    No cap: it says which may go, not how many.
    """
    if rule is None or rule.keep or rule.orphans is None:
        return set()
    for source in (usage, table):
        if len(source.unreadable) > 0:
            return set()
    if len(usage.warnings) > 0:
        return set()
    asked = rule.orphans.value

    active_numbers: list[int] = []
    for revision in family:
        if revision.status == Status.ACTIVE and revision.id.number not in active_numbers:
            active_numbers.append(revision.id.number)
    active_numbers.sort()
    newest: list[int] = []
    while active_numbers and len(newest) < asked.keep_newest:
        newest.append(active_numbers.pop())

    orphans: set[int] = set()
    for revision in family:
        number = revision.id.number
        if revision.status != Status.ACTIVE:
            continue
        if number in newest:
            continue
        if revision.registered_at is None:
            continue
        if now - revision.registered_at < asked.older_than or asked.older_than < ONE_DAY:
            continue
        ours = False
        for pattern in asked.registered_by:
            if revision.registered_by is not None and fnmatchcase(revision.registered_by, pattern):
                ours = True
        if not ours:
            continue
        tagged = False
        for key in revision.tags:
            if key in rule.keep_tags.value:
                tagged = True
        if tagged:
            continue
        if number in usage.reasons or number in table.reasons:
            continue
        orphans.add(number)
    return orphans

"""What would be restored: found in the archive by a revision's name or a sweep's, and refused where it is not ours."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from janitor.core.model import RevisionId
from janitor.core.numbers import NumberSet
from janitor.errors import BadInput
from janitor.store.archive import batches_of, header_of, key_of
from janitor.store.history import history

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from janitor.ports import Blobs, Workers
    from janitor.store.archive import Batch, Entry


@dataclass(slots=True, kw_only=True)
class FamilyPlan:
    """What will be registered in one family: the numbers it had, and how many of them run which image."""

    numbers: NumberSet = field(default_factory=NumberSet)
    images: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be restored, and where. ``unreadable`` names the objects of the archive that make no sense."""

    target: RevisionId | str
    account: str
    region: str
    families: Mapping[str, FamilyPlan]
    unreadable: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Return how many revisions it is about."""
        return sum(len(family.numbers) for family in self.families.values())


def plan(blobs: Blobs, target: RevisionId | str, *, account: str, region: str, workers: Workers | None = None) -> Plan:
    """Return what a revision's name, or a sweep's, would restore in the account and Region that are called.

    Raises:
        BadInput: if nothing is archived by that name, or it was archived elsewhere.
        StoreFailed: if the store cannot be read.
    """
    unreadable: list[str] = []
    families: dict[str, FamilyPlan] = {}
    elsewhere: dict[str, None] = {}
    for batch, entries in archived(blobs, target, unreadable=unreadable, workers=workers):
        if (batch.account, batch.region) != (account, region):
            elsewhere[f"{batch.account} in {batch.region}"] = None
        for entry in entries:
            family = families.setdefault(entry.family, FamilyPlan())
            if family.numbers.add(entry.number):
                family.images.update(entry.images)
    if elsewhere:
        problem = f"{target} was archived in account {' and '.join(elsewhere)}; this is account {account} in {region}"
        raise BadInput([problem])
    if not families and not unreadable:
        raise BadInput([f"{target}: nothing is archived by that name; only a sweep with --archive archives"])
    ordered = dict(sorted(families.items()))
    return Plan(target=target, account=account, region=region, families=ordered, unreadable=tuple(unreadable))


def archived(
    blobs: Blobs, target: RevisionId | str, *, unreadable: list[str], workers: Workers | None
) -> Iterator[tuple[Batch, tuple[Entry, ...]]]:
    """Yield the batches that hold what is meant, each with that; note the objects that make no sense."""
    if isinstance(target, RevisionId):
        batch = _latest(blobs, target, unreadable, workers)
        if batch is not None:
            yield batch, tuple(entry for entry in batch.revisions if entry.revision == target)
        return
    for batch in batches_of(blobs, target, unreadable=unreadable, workers=workers):
        yield batch, batch.revisions


def _latest(blobs: Blobs, revision: RevisionId, unreadable: list[str], workers: Workers | None) -> Batch | None:
    """Return the batch with which a revision was archived last: the record knows in which it was submitted."""
    past = history(blobs, revision.family, revision.number, workers=workers)
    unreadable.extend(past.unreadable)
    for submission in past.submissions:
        key = key_of(submission.intent.sweep, submission.intent.batch)
        batch = header_of(blobs, key)
        if batch is not None:
            return batch
        if blobs.get(key, first=1) is not None:
            unreadable.append(key)
    return None

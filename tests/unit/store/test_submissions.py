"""When a revision was submitted, the record tells, for few reads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from janitor.core.model import OutcomeKind
from janitor.errors import StoreFailed
from janitor.store.history import CHUNKS
from janitor.store.submissions import StoredSubmissions
from tests.fakes import START, InlineWorkers
from tests.fakes_store import MemoryBlobs
from tests.unit.store.support import Nights, orphan, outcome, some
from tests.unit.store.test_history import recorded, sweep_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from janitor.ports import Blobs


def submissions(blobs: Blobs, account: str = "123456789012", region: str = "eu-central-1") -> StoredSubmissions:
    """Return what a run is told of the record."""
    return StoredSubmissions(blobs, account=lambda: account, region=region, workers=InlineWorkers())


def test_each_revision_has_the_date_of_its_own_submission() -> None:
    """The three nights' sweeps deleted three each; what was never submitted has none."""
    blobs, _ = recorded(3)
    found = submissions(blobs).submitted_at("web", [1, 5, 9, 99])
    assert sorted(found) == [1, 5, 9]
    assert [(found[number] - START).days for number in (1, 5, 9)] == [0, 1, 2]
    assert submissions(blobs).submitted_at("job", [1]) == {}


def test_only_what_was_accepted_or_never_answered_counts() -> None:
    """A refusal left the revision INACTIVE; of several submissions the last that may have gone through tells."""
    blobs, nights = MemoryBlobs(), Nights()
    for night, kind in enumerate((OutcomeKind.FAILED, OutcomeKind.DELETED, OutcomeKind.REFUSED)):
        record = nights.record(blobs, sweep_id(night))
        nights.delete(record, *some("web", 1), kind=kind)
        nights.delete(record, *some("web", 2), kind=OutcomeKind.REFUSED)
        record.close()
        nights.clock.sleep(timedelta(days=1).total_seconds())
    killed = nights.record(blobs, sweep_id(3))
    nights.submit(killed, *some("web", 3))
    nights.clock.sleep(timedelta(days=2).total_seconds())
    nights.record(blobs, sweep_id(5)).close_leftovers()
    found = submissions(blobs).submitted_at("web", [1, 2, 3])
    assert {number: (date - START).days for number, date in found.items()} == {1: 1, 3: 3}


def test_another_account_or_region_in_the_same_store_does_not_count() -> None:
    """Families of the same name are not the same family."""
    blobs, _ = recorded(1)
    assert submissions(blobs).submitted_at("web", [1])
    assert submissions(blobs, account="999999999999").submitted_at("web", [1]) == {}
    assert submissions(blobs, region="eu-west-1").submitted_at("web", [1]) == {}


def test_a_long_record_costs_few_reads() -> None:
    """A header of each of the latest chunks at most, and the chunks that hold what is asked for."""
    blobs, _ = recorded(CHUNKS + 50)
    blobs.read.clear()
    assert submissions(blobs).submitted_at("web", [200])
    assert len(blobs.read) == 2
    blobs.read.clear()
    submissions(blobs).submitted_at("web", list(range(1, 3 * (CHUNKS + 50), 3)))
    assert len(blobs.read) <= 2 * CHUNKS


def test_a_store_that_cannot_be_read_is_a_warning() -> None:
    """Nothing depends on it but words."""

    class Broken(MemoryBlobs):
        def keys(self, prefix: str) -> Iterator[str]:
            raise StoreFailed("list", prefix, "AccessDenied")

    asked = submissions(Broken())
    assert asked.submitted_at("web", [1]) == {}
    (warning,) = asked.warnings
    assert "AccessDenied" in warning


def test_a_deregistration_is_no_submission_for_deletion() -> None:
    """Be it answered or not: its date is not that of DELETE_IN_PROGRESS."""
    blobs, nights = MemoryBlobs(), Nights()
    record = nights.record(blobs, sweep_id(0))
    one, two = some("web", 1, 2)
    record.intend([orphan(one)])([outcome(one, OutcomeKind.DEREGISTERED)])
    record.intend([orphan(two)])
    nights.clock.sleep(timedelta(days=40).total_seconds())
    record.close()
    assert submissions(blobs).submitted_at("web", [1, 2]) == {}
    later = nights.record(blobs, sweep_id(1))
    nights.delete(later, one)
    later.close()
    found = submissions(blobs).submitted_at("web", [1, 2])
    assert {number: (date - START).days for number, date in found.items()} == {1: 40}

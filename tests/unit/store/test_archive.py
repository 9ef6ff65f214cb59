"""The archive: a batch an object, found by its record's name or by its sweep, whatever was killed or damaged."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from janitor.core.model import Condemned, Content, Decision, OutcomeKind, Reason, Revision, RevisionId, Status, Verdict
from janitor.errors import BadInput, StoreFailed
from janitor.restore.plan import archived, plan
from janitor.store.archive import Archive, batches_of, definitions
from janitor.store.closing import SLICE
from janitor.store.history import history
from janitor.store.record import Record
from janitor.store.restored import Restorations, key_of
from tests.fakes import FakeClock
from tests.fakes_store import Killed, MemoryBlobs, MortalBlobs
from tests.unit.store.support import orphan, outcome, some

if TYPE_CHECKING:
    from collections.abc import Iterable

    from janitor.ports import Blobs
    from janitor.restore.plan import Plan
    from janitor.store.archive import Batch

ONE, TWO = "20270301T010000000000Z", "20270302T010000000000Z"
HERE = {"account": "123456789012", "region": "eu-central-1"}
WEB_1 = RevisionId("web", 1)


def doomed(revision: RevisionId, *, content: bool = True) -> Condemned:
    """Return a revision that is to be deleted, with a definition that tells its name."""
    request = json.dumps({"family": revision.family, "of": str(revision)}).encode()
    return Condemned(
        revision=Revision(
            id=revision,
            status=Status.INACTIVE,
            content=Content(request, (f"app:{revision.number}",)) if content else None,
        ),
        verdict=Verdict(revision=revision, decision=Decision.DELETE, reason=Reason.DUE, words="too old"),
        rule="rule 1",
    )


def archive(blobs: Blobs, sweep: str = ONE, account: str | None = HERE["account"]) -> Archive:
    """Return the archive of a sweep."""
    return Archive(blobs, sweep=sweep, account=lambda: account, region=HERE["region"], clock=FakeClock())


def record(blobs: Blobs, sweep: str = ONE, *, hop: int = 1, writer: str = "w") -> Record:
    """Return the record of a sweep that archives."""
    return Record(
        blobs,
        sweep=sweep,
        hop=hop,
        account=lambda: HERE["account"],
        region=HERE["region"],
        clock=FakeClock(),
        writer=writer,
        archive=archive(blobs, sweep),
    )


def delete(record: Record, revisions: Iterable[RevisionId]) -> None:
    """Archive, record and settle a batch."""
    batch = list(revisions)
    record.intend([doomed(each) for each in batch])([outcome(each, OutcomeKind.DELETED) for each in batch])


def planned_here(blobs: Blobs, target: RevisionId | str) -> Plan:
    """Plan in the account and Region in which was archived."""
    return plan(blobs, target, account=HERE["account"], region=HERE["region"])


def found(blobs: Blobs, target: RevisionId | str) -> list[RevisionId]:
    """Return what is found in the archive, after checking that each definition is its own."""
    unreadable: list[str] = []
    names = []
    for batch, entries in archived(blobs, target, unreadable=unreadable, workers=None):
        held = definitions(blobs, batch)
        for entry in entries:
            assert json.loads(held[entry.revision])["of"] == str(entry.revision)
            names.append(entry.revision)
    assert not unreadable
    return names


def test_a_batch_is_one_object_under_the_name_its_record_gives_it() -> None:
    """Its header says whence and why, each further line is what RegisterTaskDefinition takes."""
    blobs = MemoryBlobs()
    delete(record(blobs), some("web", 1, 2))
    header, *lines = gzip.decompress(blobs.contents[f"archive/batches/{ONE}/0001-w-000000.jsonl.gz"]).splitlines()
    assert json.loads(header) == {
        "archive": 1,
        "sweep": ONE,
        "batch": "0001-w-000000",
        "at": "2027-03-01T12:00:00+00:00",
        **HERE,
        "revisions": [
            {"family": "web", "number": number, "rule": "rule 1", "reason": "too old", "images": [f"app:{number}"]}
            for number in (1, 2)
        ],
    }
    assert [json.loads(line) for line in lines] == [{"family": "web", "of": f"web:{number}"} for number in (1, 2)]
    assert {line.batch for line in _lines(blobs)} == {"0001-w-000000"}


def _lines(blobs: MemoryBlobs) -> list[Batch]:
    return list(batches_of(blobs, ONE, unreadable=[]))


def test_what_cannot_be_archived_is_not_on_record_either() -> None:
    """It will not be submitted: nobody should read that it was meant to be."""

    class NoArchive(MemoryBlobs):
        def put(self, key: str, content: bytes) -> None:
            if key.startswith("archive/"):
                raise StoreFailed("write", key, f"no room for {len(content)} bytes")
            super().put(key, content)

    blobs = NoArchive()
    with pytest.raises(StoreFailed, match="archive/batches"):
        record(blobs).intend([doomed(WEB_1)])
    assert not blobs.contents


def test_a_revision_without_its_definition_is_not_archived() -> None:
    """Nor the others of its batch: not archived means not submitted."""
    blobs = MemoryBlobs()
    with pytest.raises(StoreFailed, match="without its definition"):
        archive(blobs).keep("0001-w-000000", [doomed(WEB_1), doomed(RevisionId("web", 2), content=False)])
    assert not blobs.contents


def test_a_revision_is_found_by_its_name_once_it_is_closed_and_before() -> None:
    """The record knows its batch."""
    blobs = MemoryBlobs()
    sweep = record(blobs)
    delete(sweep, [RevisionId("api", 1), WEB_1])
    assert found(blobs, WEB_1) == [WEB_1]
    sweep.close()
    assert found(blobs, WEB_1) == [WEB_1]
    assert found(blobs, RevisionId("web", 2)) == []


def test_a_revision_archived_twice_is_restored_from_the_later() -> None:
    """A sweep that was killed before the deletion, and the one after it."""
    blobs = MemoryBlobs()
    for sweep in (ONE, TWO):
        delete(record(blobs, sweep), [WEB_1])
    [(batch, _)] = archived(blobs, WEB_1, unreadable=[], workers=None)
    assert batch.sweep == TWO
    del blobs.contents[batch.key]
    [(batch, _)] = archived(blobs, WEB_1, unreadable=[], workers=None)
    assert batch.sweep == ONE


def test_a_sweep_is_found_whole_in_the_order_of_submission() -> None:
    """Hop by hop, with an index or without, and nothing of another sweep."""
    blobs = MemoryBlobs()
    delete(record(blobs, TWO), [WEB_1])
    for hop in (2, 1):
        one = record(blobs, hop=hop)
        for batch in range(3):
            delete(one, some("web", *(1_000 * hop + 10 * batch + each for each in range(10))))
        if hop == 2:
            one.close()
    assert [each.number for each in found(blobs, ONE)] == [*range(1_000, 1_030), *range(2_000, 2_030)]


def test_a_sweep_of_many_batches_is_read_from_its_indexes() -> None:
    """A thousand batches to one object; those of a hop that was killed tell it themselves."""
    blobs = MemoryBlobs()
    killed = archive(blobs)
    for batch in range(2 * SLICE + 7):
        killed.keep(f"0001-w-{batch:06d}", [doomed(RevisionId("web", batch + 1))])
    blobs.read.clear()
    assert len(list(batches_of(blobs, ONE, unreadable=[]))) == 2 * SLICE + 7
    assert len(blobs.read) == 2 + 7

    killed.close()
    blobs.read.clear()
    planned = planned_here(blobs, ONE)
    assert planned.count == 2 * SLICE + 7
    assert len(blobs.read) == 3


def test_an_index_that_cannot_be_written_or_read_costs_reads_alone() -> None:
    """It is made of what the batches say."""

    class NoIndex(MemoryBlobs):
        def put(self, key: str, content: bytes) -> None:
            if key.startswith("archive/index/"):
                raise StoreFailed("write", key, "no")
            super().put(key, content)

    blobs = NoIndex()
    sweep = record(blobs)
    delete(sweep, [WEB_1])
    sweep.close()
    assert found(blobs, ONE) == [WEB_1]
    for damaged in (b"not gzip", gzip.compress(b"{}"), gzip.compress(b"null")):
        blobs.contents[f"archive/index/{ONE}/0001-w-000000.jsonl.gz"] = damaged
        assert found(blobs, ONE) == [WEB_1]


@pytest.mark.parametrize("keep", [0, 5, 40, -1])
def test_a_damaged_batch_is_named_and_the_others_are_found(keep: int) -> None:
    """Cut short anywhere."""
    blobs = MemoryBlobs()
    sweep = record(blobs)
    delete(sweep, [WEB_1])
    delete(sweep, [RevisionId("web", 2)])
    key = f"archive/batches/{ONE}/0001-w-000000.jsonl.gz"
    blobs.contents[key] = blobs.contents[key][:keep]
    unreadable: list[str] = []
    batches = list(batches_of(blobs, ONE, unreadable=unreadable))
    whole: list[RevisionId] = []
    for batch in batches:
        with suppress(ValueError):
            whole += definitions(blobs, batch)
    assert whole == [RevisionId("web", 2)]
    assert unreadable == ([] if len(batches) == 2 else [key])
    planned = planned_here(blobs, WEB_1)
    assert (planned.count, planned.unreadable) in {(0, (key,)), (1, ())}


def test_a_batch_that_holds_what_its_index_does_not_say_is_damaged() -> None:
    """Somebody put another in its place."""
    blobs = MemoryBlobs()
    sweep = record(blobs)
    delete(sweep, [WEB_1])
    delete(sweep, [RevisionId("web", 2)])
    first, second = (f"archive/batches/{ONE}/0001-w-00000{number}.jsonl.gz" for number in (0, 1))
    [batch, _] = batches_of(blobs, ONE, unreadable=[])
    blobs.contents[first] = blobs.contents[second]
    with pytest.raises(ValueError, match="does not hold what its header says"):
        definitions(blobs, batch)
    del blobs.contents[first]
    with pytest.raises(ValueError, match="gone"):
        definitions(blobs, batch)
    blobs.contents[second] = gzip.compress(gzip.decompress(blobs.contents[second]).splitlines()[0] + b"\n")
    blobs.contents[second] = gzip.compress(gzip.decompress(blobs.contents[second]) + b"1\n2")
    [batch] = batches_of(blobs, ONE, unreadable=[])
    with pytest.raises(ValueError, match="does not hold what its header says"):
        definitions(blobs, batch)


def test_a_batch_under_anothers_name_is_damaged() -> None:
    """Or it would be restored twice, under two names."""
    blobs = MemoryBlobs()
    delete(record(blobs), [WEB_1])
    own, other = (f"archive/batches/{ONE}/0001-{writer}-000000.jsonl.gz" for writer in "wx")
    blobs.contents[other] = blobs.contents[own]
    unreadable: list[str] = []
    assert [batch.key for batch in batches_of(blobs, ONE, unreadable=unreadable)] == [own]
    assert unreadable == [other]


@pytest.mark.parametrize("last_takes_effect", [True, False])
def test_killed_anywhere_what_is_on_record_is_archived(last_takes_effect: bool) -> None:  # noqa: FBT001 - the table
    """After each single call of a sweep on the store: no submission without its archive."""
    for calls in range(30):
        blobs = MemoryBlobs()
        mortal = MortalBlobs(blobs, calls=calls, last_takes_effect=last_takes_effect)
        submitted = []
        with suppress(Killed):
            sweep = record(mortal)
            for number in (1, 2, 3):
                settle = sweep.intend([doomed(RevisionId("web", number))])
                submitted.append(RevisionId("web", number))
                settle([outcome(submitted[-1], OutcomeKind.DELETED)])
            sweep.close()
        for revision in submitted:
            assert found(blobs, revision) == [revision]
        assert set(submitted) <= set(found(blobs, ONE))
        again = record(blobs, TWO, writer="x")
        delete(again, some("web", 1, 2, 3))
        again.close_leftovers()
        assert found(blobs, TWO) == some("web", 1, 2, 3)
        assert found(blobs, WEB_1) == [WEB_1]


@pytest.mark.parametrize(
    ("account", "region"), [("999999999999", HERE["region"]), (HERE["account"], "us-east-1")], ids=["account", "Region"]
)
def test_an_archive_of_elsewhere_is_refused_by_name(account: str, region: str) -> None:
    """A definition means nothing there."""
    blobs = MemoryBlobs()
    delete(record(blobs), [WEB_1])
    for target in (ONE, WEB_1):
        with pytest.raises(BadInput) as caught:
            plan(blobs, target, account=account, region=region)
        assert f"{target} was archived in account 123456789012 in eu-central-1" in str(caught.value)
        assert f"this is account {account} in {region}" in str(caught.value)


def test_what_is_not_archived_is_said() -> None:
    """By the name that was asked for."""
    for target in (ONE, WEB_1):
        with pytest.raises(BadInput, match="nothing is archived by that name"):
            planned_here(MemoryBlobs(), target)


def test_a_plan_counts_each_revision_once_and_its_images() -> None:
    """However often a sweep has archived it."""
    blobs = MemoryBlobs()
    sweep = record(blobs)
    delete(sweep, some("web", 1, 2))
    delete(sweep, some("web", 2, 3))
    planned = planned_here(blobs, ONE)
    assert planned.count == 3
    assert list(planned.families["web"].numbers) == [1, 2, 3]
    assert planned.families["web"].images == {"app:1": 1, "app:2": 1, "app:3": 1}


def test_history_says_what_is_archived_and_what_was_restored() -> None:
    """Of one revision; it costs a read each."""
    blobs = MemoryBlobs()
    delete(record(blobs), [WEB_1])
    past = history(blobs, "web", 1)
    assert past.archived == frozenset(past.submissions)
    assert past.restored is None
    restorations = Restorations(blobs, FakeClock())
    restoring = restorations.intend(WEB_1, marked=True)
    assert history(blobs, "web", 1).restored == restoring
    restorations.settle(restoring, RevisionId("web", 9))
    restored = history(blobs, "web", 1).restored
    assert restored is not None
    assert restored.became == RevisionId("web", 9)
    blobs.contents[key_of(WEB_1)] = b"[]"
    assert history(blobs, "web", 1).unreadable == (f"{key_of(WEB_1)} makes no sense",)
    blobs.delete(f"archive/batches/{ONE}/0001-w-000000.jsonl.gz")
    assert history(blobs, "web", 1).archived == frozenset()


@pytest.mark.parametrize("family", ["a/../../b", "..", ".hidden", "a b", "ü", "x" * 255, "%2e"])
def test_a_family_name_never_leads_a_key_astray(family: str) -> None:
    """It is one part of a key, and cannot be another family's."""
    revision = RevisionId(family, 7)
    prefix, name, number = key_of(revision).rsplit("/", 2)
    assert (prefix, number) == ("archive/restored", "000000007.json")
    assert "/" not in name
    blobs = MemoryBlobs()
    restorations = Restorations(blobs, FakeClock())
    restorations.intend(revision, marked=True)
    assert restorations.of(revision) is not None
    assert restorations.of(RevisionId("other", 7)) is None
    delete(record(blobs), [revision])
    assert found(blobs, revision) == found(blobs, ONE) == [revision]


def test_what_another_family_restored_on_a_disk_that_knows_no_case_is_not_ours() -> None:
    """There, web and Web lie in one place."""
    blobs = MemoryBlobs()
    Restorations(blobs, FakeClock()).intend(RevisionId("Web", 1), marked=True)
    blobs.contents[key_of(WEB_1)] = blobs.contents.pop(key_of(RevisionId("Web", 1)))
    assert Restorations(blobs, FakeClock()).of(WEB_1) is None


def test_what_is_deregistered_is_not_archived() -> None:
    """It stays in ECS; the archive is for what goes."""
    blobs = MemoryBlobs()
    record(blobs).intend([orphan(WEB_1)])
    assert list(blobs.keys("archive/")) == []
    assert len(list(blobs.keys("record/open/"))) == 1

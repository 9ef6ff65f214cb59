"""The record: written before and after, closed by whoever comes, and the same whatever was killed in between."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.model import OutcomeKind, RevisionId
from janitor.errors import StoreFailed
from janitor.store import chunks, closing
from janitor.store.history import history
from janitor.store.record import Record
from tests.fakes import FakeClock
from tests.fakes_store import Killed, MemoryBlobs, MortalBlobs
from tests.unit.store.support import Nights, check, condemned, outcome, some

if TYPE_CHECKING:
    from tests.unit.store.support import Batch

ONE, TWO = "20270301T010000000000Z", "20270302T010000000000Z"
WEB_7 = RevisionId("web", 7)
HOUR = timedelta(hours=1).total_seconds()


def open_keys(blobs: MemoryBlobs) -> list[str]:
    """Return the keys of what is not closed."""
    return list(blobs.keys("record/open/"))


def test_an_intent_is_in_the_store_before_the_call_and_its_outcome_after() -> None:
    """One object for both, named by sweep, hop and batch."""
    blobs, nights = MemoryBlobs(), Nights()
    record = nights.record(blobs, ONE, hop=3)

    batch = nights.submit(record, *some("web", 7, 8))
    [key] = open_keys(blobs)
    before = blobs.contents[key].decode().splitlines()
    nights.settle(batch)
    after = blobs.contents[key].decode().splitlines()

    assert key == f"record/open/{ONE}/0003-00000001-000000.jsonl"
    assert [json.loads(line)["what"] for line in before] == ["intent"] * 2
    assert [json.loads(line)["what"] for line in after] == ["intent"] * 2 + ["outcome"] * 2
    assert after[:2] == before


def test_a_line_says_who_what_when_and_why() -> None:
    """And nothing of the definition."""
    blobs, nights = MemoryBlobs(), Nights()
    record = nights.record(blobs, ONE)
    settle = record.intend([condemned(WEB_7)])
    settle([outcome(WEB_7, OutcomeKind.DELETED)])
    [key] = open_keys(blobs)

    said, became = (json.loads(line) for line in blobs.contents[key].splitlines())

    place = {
        "at": "2027-03-01T12:00:00Z",
        "sweep": ONE,
        "hop": 0,
        "batch": "0000-00000001-000000",
        "account": "123456789012",
        "region": "eu-central-1",
        "family": "web",
        "number": 7,
    }
    assert said == place | {
        "what": "intent",
        "rule": "rule 1",
        "reason": "deregistered 200 days ago, longer than 180 days (rule 1)",
        "registered_at": "2026-05-05T12:00:00Z",
        "deregistered_at": "2026-08-13T12:00:00Z",
    }
    assert became == place | {"what": "outcome", "kind": "deleted", "words": "it was deleted"}


def test_every_line_goes_to_the_log_once_with_a_store_or_without() -> None:
    """The same line in both places."""
    for blobs in (MemoryBlobs(), None):
        lines: list[str] = []
        record = Record(blobs, sweep=ONE, hop=0, account=lambda: None, region="r", clock=FakeClock(), log=lines.append)
        record.intend([condemned(WEB_7)])([outcome(WEB_7, OutcomeKind.DELETED)])
        record.close()
        record.close_leftovers()

        assert [json.loads(line)["what"] for line in lines] == ["intent", "outcome"]


def test_an_intent_that_cannot_be_written_is_raised_and_not_logged() -> None:
    """Then nothing of the batch may be deleted, and nobody should read that it was meant to be."""

    class Full(MemoryBlobs):
        def put(self, key: str, content: bytes) -> None:
            raise StoreFailed("write", key, f"no room for {len(content)} bytes")

    lines: list[str] = []
    record = Record(Full(), sweep=ONE, hop=0, account=lambda: None, region="r", clock=FakeClock(), log=lines.append)

    with pytest.raises(StoreFailed):
        record.intend([condemned(WEB_7)])
    assert lines == []


@pytest.mark.parametrize("sweep", ["", "../x", "a/b", ".", "a b", "x" * 65])
def test_a_sweep_id_that_would_leave_its_place_is_refused(sweep: str) -> None:
    """It comes in an event and becomes part of a key."""
    with pytest.raises(ValueError, match="sweep's id"):
        Nights().record(MemoryBlobs(), sweep)


def test_a_close_leaves_one_sorted_chunk_a_family() -> None:
    """Named by its lowest and highest number; nothing is open any more."""
    blobs, nights = MemoryBlobs(), Nights()
    record = nights.record(blobs, ONE)
    nights.delete(record, *some("web", 12, 7), *some("job", 1))
    nights.delete(record, *some("web", 900), *some("job", 2))
    record.close()

    keys = sorted(blobs.contents)
    assert [key.rsplit("-", 1)[0] for key in keys] == [
        f"record/closed/job/000000001-000000002-{ONE}",
        f"record/closed/web/000000007-000000900-{ONE}",
    ]
    assert [line.number for line in chunks.lines_in(blobs.contents[keys[1]])] == [7, 7, 12, 12, 900, 900]
    check(blobs, nights.truth)


def test_a_close_done_twice_changes_nothing() -> None:
    """Not a byte."""
    blobs, nights = MemoryBlobs(), Nights()
    record = nights.record(blobs, ONE)
    nights.delete(record, *some("web", 7))
    record.close()
    before = dict(blobs.contents)
    record.close()

    assert blobs.contents == before


def test_the_same_lines_make_the_same_chunk() -> None:
    """Whoever closes them, and whenever."""
    stores = [MemoryBlobs(), MemoryBlobs()]
    for blobs in stores:
        nights = Nights()
        record = nights.record(blobs, ONE)
        nights.delete(record, *some("web", 7, 8))
        nights.clock.sleep(HOUR * stores.index(blobs))
        record.close()

    assert stores[0].contents == stores[1].contents


def test_what_waits_for_its_outcome_is_not_closed() -> None:
    """Its writer would write it again."""
    blobs, nights = MemoryBlobs(), Nights()
    living, other = nights.record(blobs, ONE), nights.record(blobs, TWO)
    batch = nights.submit(living, *some("web", 7))
    living.close()
    other.close_leftovers()
    assert len(open_keys(blobs)) == 1

    nights.settle(batch)
    living.close()

    assert open_keys(blobs) == []
    check(blobs, nights.truth)


def test_what_a_killed_sweep_left_is_closed_by_the_next() -> None:
    """What had its outcome at once, the rest when an hour has passed; history knows both throughout."""
    blobs, nights = MemoryBlobs(), Nights()
    killed = nights.record(blobs, ONE)
    nights.delete(killed, *some("web", 7))
    nights.submit(killed, *some("web", 8))
    check(blobs, nights.truth)

    nights.record(blobs, TWO).close_leftovers()
    assert len(open_keys(blobs)) == 1
    check(blobs, nights.truth)

    nights.clock.sleep(HOUR + 1)
    nights.record(blobs, TWO).close_leftovers()
    assert open_keys(blobs) == []
    check(blobs, nights.truth)


def test_an_intent_without_an_outcome_is_unknown() -> None:
    """Said in words, open or closed."""
    blobs, nights = MemoryBlobs(), Nights()
    nights.submit(nights.record(blobs, ONE), *some("web", 8))

    for _ in range(2):
        [found] = history(blobs, "web", 8).submissions
        assert found.kind is None
        assert found.words == "unknown: submitted, no answer recorded"
        nights.clock.sleep(2 * HOUR)
        nights.record(blobs, TWO).close_leftovers()


def test_a_sleeper_that_settles_after_it_was_taken_for_dead_is_believed() -> None:
    """A laptop that slept for a day: the outcome is written when it wakes, and counts, once."""
    blobs, nights = MemoryBlobs(), Nights()
    sleeper = nights.record(blobs, ONE)
    batch = nights.submit(sleeper, *some("web", 7, 8))
    nights.clock.sleep(24 * HOUR)
    nights.record(blobs, TWO).close_leftovers()
    nights.settle(batch)
    check(blobs, nights.truth)

    sleeper.close()
    assert open_keys(blobs) == []
    check(blobs, nights.truth)


def test_two_processes_that_take_themselves_for_one_hop_keep_both_records() -> None:
    """Lambda may deliver an event twice."""
    blobs, nights = MemoryBlobs(), Nights()
    once, again = nights.record(blobs, ONE), nights.record(blobs, ONE)
    nights.delete(once, *some("web", 7))
    nights.delete(again, *some("web", 7), kind=OutcomeKind.REFUSED)
    check(blobs, nights.truth)
    once.close()

    check(blobs, nights.truth)


def test_a_revision_refused_in_one_hop_may_be_deleted_in_the_next() -> None:
    """Both are on record."""
    blobs, nights = MemoryBlobs(), Nights()
    for hop, kind in enumerate((OutcomeKind.REFUSED, OutcomeKind.DELETED)):
        record = nights.record(blobs, ONE, hop=hop)
        nights.delete(record, *some("web", 7), kind=kind)
        record.close()

    check(blobs, nights.truth)
    assert [each.kind for each in history(blobs, "web", 7).submissions] == [OutcomeKind.DELETED, OutcomeKind.REFUSED]


def _night(nights: Nights, blobs: MemoryBlobs) -> Record:
    """Put on record what two hops did, the first of them killed before it closed anything."""
    killed = nights.record(blobs, ONE)
    nights.delete(killed, *some("web", 1, 2), *some("job", 5))
    nights.submit(killed, *some("web", 3))
    nights.clock.sleep(2 * HOUR)
    record = nights.record(blobs, ONE, hop=1)
    nights.delete(record, *some("web", 3, 4), *some("api", 9))
    nights.delete(record, *some("web", 5, 700), kind=OutcomeKind.REFUSED)
    return record


@pytest.mark.parametrize("last_takes_effect", [False, True])
def test_a_close_killed_anywhere_loses_nothing_and_doubles_nothing(
    last_takes_effect: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """At every call it makes: history tells the truth right after, and after the next close, which leaves no rest."""
    for calls in range(100):
        blobs, nights = MemoryBlobs(), Nights()
        _night(nights, blobs)
        mortal = MortalBlobs(blobs, calls=calls, last_takes_effect=last_takes_effect)
        finished = True
        try:
            nights.record(mortal, TWO).close_leftovers()
        except Killed:
            finished = False

        check(blobs, nights.truth, some("web", 6))
        nights.record(blobs, TWO).close_leftovers()
        assert open_keys(blobs) == []
        check(blobs, nights.truth, some("web", 6))
        if finished:
            assert calls > 5
            return
    pytest.fail("it never came to its end")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_history_tells_the_truth_whatever_was_killed_and_closed_when(data: st.DataObject) -> None:
    """Several sweeps write, settle, sleep, close, and are killed in the middle of it."""
    blobs, nights = MemoryBlobs(), Nights()
    records = [nights.record(blobs, sweep, hop) for sweep in (ONE, TWO) for hop in (0, 1)]
    under_way: list[Batch] = []
    for _ in range(data.draw(st.integers(1, 12))):
        record = data.draw(st.sampled_from(records))
        match data.draw(st.sampled_from(["submit", "submit", "settle", "settle", "sleep", "close", "killed"])):
            case "submit":
                numbers = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True))
                family = data.draw(st.sampled_from(["web", "job"]))
                batch = nights.submit(record, *some(family, *numbers))
                under_way.append(batch)
            case "settle" if under_way:
                nights.settle(under_way.pop(0), data.draw(st.sampled_from(OutcomeKind)))
            case "sleep":
                nights.clock.sleep(2 * HOUR)
            case "close":
                record.close_leftovers()
            case _:
                mortal = MortalBlobs(
                    blobs, calls=data.draw(st.integers(0, 30)), last_takes_effect=data.draw(st.booleans())
                )
                with suppress(Killed):
                    nights.record(mortal, TWO).close_leftovers()
        check(blobs, nights.truth)


def test_many_batches_make_full_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No chunk holds more than its share, no slice more than its batches."""
    monkeypatch.setattr(closing, "SLICE", 10)
    monkeypatch.setattr(chunks, "CHUNK", 30)
    blobs, nights = MemoryBlobs(), Nights()
    record = nights.record(blobs, ONE)
    for start in range(1, 251, 5):
        nights.delete(record, *some("web", *range(start, start + 5)))
    record.close()

    sizes = [len(chunks.lines_in(content)) // 2 for content in blobs.contents.values()]
    assert sorted(sizes) == [20] * 5 + [30] * 5
    check(blobs, nights.truth)


def test_a_long_hop_closes_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a million deletions leave no hundred thousand objects for its end."""
    monkeypatch.setattr("janitor.store.record.SLICE", 10)
    blobs, nights = MemoryBlobs(), Nights()
    with ThreadPoolExecutor(max_workers=2) as workers:
        record = nights.record(blobs, ONE, workers=workers)
        for number in range(1, 96):
            nights.delete(record, *some("web", number))
    assert len(open_keys(blobs)) < 30
    check(blobs, nights.truth)

    record = nights.record(blobs, ONE)
    record.close()
    assert open_keys(blobs) == []
    check(blobs, nights.truth)


def test_batches_of_several_threads_do_not_meet() -> None:
    """Each has an object of its own."""
    blobs = MemoryBlobs()
    record = Record(blobs, sweep=ONE, hop=0, account=lambda: None, region="r", clock=FakeClock())

    def work(first: int) -> None:
        for number in range(first, first + 50):
            revision = RevisionId("web", number)
            record.intend([condemned(revision)])([outcome(revision, OutcomeKind.DELETED)])

    with ThreadPoolExecutor(max_workers=6) as workers:
        list(workers.map(work, range(1, 301, 50)))
        assert len(open_keys(blobs)) == 300
        Record(blobs, sweep=ONE, hop=1, account=lambda: None, region="r", clock=FakeClock(), workers=workers).close()

    [found] = history(blobs, "web").sweeps
    assert found.outcomes == {"deleted": 300}

"""What history says, and how little it reads to say it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from janitor.core.model import OutcomeKind
from janitor.render.past import history_json, history_story
from janitor.store import chunks
from janitor.store.history import history
from janitor.store.lines import from_json, parse, to_json
from tests.fakes import START
from tests.fakes_store import MemoryBlobs
from tests.unit.store.support import Nights, orphan, outcome, some


def sweep_id(night: int) -> str:
    """Return the id of that night's sweep."""
    return f"{START + timedelta(days=night):%Y%m%dT%H%M%S%fZ}"


def recorded(night_count: int, *, a_night: int = 3) -> tuple[MemoryBlobs, Nights]:
    """Return a store in which each night deleted the next few revisions of a family."""
    blobs, nights = MemoryBlobs(), Nights()
    for night in range(night_count):
        record = nights.record(blobs, sweep_id(night))
        first = 1 + night * a_night
        nights.delete(record, *some("web", *range(first, first + a_night)))
        record.close()
        nights.clock.sleep(timedelta(days=1).total_seconds())
    return blobs, nights


def test_a_revision_that_was_never_submitted_has_no_history() -> None:
    """Nor has one of a family that is not on record."""
    blobs, _ = recorded(1)

    assert history(blobs, "web", 99).submissions == ()
    assert history(blobs, "job", 1).submissions == ()
    assert history(blobs, "job").sweeps == ()
    assert history(MemoryBlobs(), "web").sweeps == ()


def test_a_revisions_history_says_when_by_which_rule_and_with_what_outcome() -> None:
    """It answers whether it was us."""
    blobs, _ = recorded(3)

    [found] = history(blobs, "web", 5).submissions

    assert found.intent.sweep == sweep_id(1)
    assert found.intent.rule == "rule 1"
    assert found.intent.deregistered_at == START - timedelta(days=200)
    assert found.kind is OutcomeKind.DELETED
    assert found.words == "it was deleted"


def test_a_revisions_history_reads_only_chunks_that_may_hold_it() -> None:
    """Of a hundred, one: its header, then all of it."""
    blobs, _ = recorded(100)
    blobs.read.clear()

    assert len(history(blobs, "web", 150).submissions) == 1
    assert len({key for key in blobs.read if key.startswith("record/")}) == 1
    assert len(set(blobs.read)) == 3, "beside it: is it archived, and was it restored"


def test_a_straggler_does_not_make_a_chunk_hold_all_that_lies_between() -> None:
    """The header says where the numbers lie."""
    blobs, nights = MemoryBlobs(), Nights()
    record = nights.record(blobs, sweep_id(0))
    nights.delete(record, *some("web", 2, 800_000))
    record.close()
    [key] = blobs.contents

    header = chunks.header_in(blobs.contents[key])

    assert header.may_hold(2)
    assert header.may_hold(800_000)
    assert not header.may_hold(400_000)
    assert not header.may_hold(3)


def test_a_familys_history_sums_each_sweep_latest_first() -> None:
    """How many, when, by which rule, with what outcome."""
    blobs, nights = recorded(2)
    nights.delete(nights.record(blobs, sweep_id(1), hop=1), *some("web", 70), kind=OutcomeKind.REFUSED)

    latest, first = history(blobs, "web").sweeps

    assert latest.sweep == sweep_id(1)
    assert latest.outcomes == {"deleted": 3, "refused": 1}
    assert latest.rules == {"rule 1": 4}
    assert (latest.account, latest.region) == ("123456789012", "eu-central-1")
    assert first.outcomes == {"deleted": 3}
    assert first.first_at <= first.last_at < latest.first_at


def test_the_limit_leaves_out_the_earlier_and_says_how_many() -> None:
    """They are not read at all."""
    blobs, _ = recorded(50)
    blobs.read.clear()

    found = history(blobs, "web", limit=5)

    assert [each.sweep for each in found.sweeps] == [sweep_id(night) for night in range(49, 44, -1)]
    assert found.earlier == 45
    assert len(blobs.read) == 5


def test_the_limit_holds_for_a_revision_too() -> None:
    """One that is refused every night."""
    blobs, nights = MemoryBlobs(), Nights()
    for night in range(9):
        record = nights.record(blobs, sweep_id(night))
        nights.delete(record, *some("web", 7), kind=OutcomeKind.REFUSED)
        record.close()

    found = history(blobs, "web", 7, limit=4)

    assert [each.intent.sweep for each in found.submissions] == [sweep_id(night) for night in (8, 7, 6, 5)]
    assert found.earlier == 5


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x1f\x8b\x08\x00broken"])
def test_an_object_that_makes_no_sense_is_named_and_the_rest_is_told(content: bytes) -> None:
    """Open or closed."""
    blobs, nights = recorded(2)
    [key, _] = sorted(blobs.contents)
    blobs.contents[key] = content
    nights.submit(nights.record(blobs, sweep_id(3)), *some("web", 99))
    [opened] = blobs.keys("record/open/")
    blobs.contents[opened] = content or b"{}"

    assert set(history(blobs, "web").unreadable) == {key, opened}
    assert [each.sweep for each in history(blobs, "web").sweeps] == [sweep_id(1)]
    assert set(history(blobs, "web", 1).unreadable) == {key, opened}


def test_what_makes_no_sense_is_not_closed() -> None:
    """It stays where it is, for a person to look at."""
    blobs, nights = recorded(1)
    blobs.contents["record/open/x/y.jsonl"] = b"nonsense\n"
    blobs.contents["record/open/x/z.jsonl"] = b""
    nights.record(blobs, sweep_id(2)).close_leftovers()

    assert list(blobs.keys("record/open/")) == ["record/open/x/y.jsonl", "record/open/x/z.jsonl"]


def test_a_line_of_a_later_version_is_read_as_far_as_it_is_known() -> None:
    """What was added to it is left out."""
    _, nights = recorded(0)
    blobs = MemoryBlobs()
    nights.submit(nights.record(blobs, sweep_id(0)), *some("web", 7))
    [line] = [line for content in blobs.contents.values() for line in parse(content)]

    assert from_json(to_json(line)) == line
    assert from_json(to_json(line)[:-1] + ',"mood":"calm"}') == line


@pytest.mark.parametrize("text", ["", "{}", "[]", "1", "null", '{"at":1}', '{"at":"yesterday"}'])
def test_what_is_no_line_is_refused(text: str) -> None:
    """With one kind of error."""
    with pytest.raises(ValueError, match=r"line of the record|Expecting|Invalid isoformat"):
        from_json(text)


def test_a_disk_that_does_not_tell_a_from_A_does_not_mix_their_families() -> None:  # noqa: N802 - the letter matters
    """Their chunks lie in one folder, but each says whose it is."""
    blobs, nights = recorded(1)
    record = nights.record(blobs, sweep_id(5))
    nights.delete(record, *some("WEB", 1, 2))
    record.close()
    [key] = blobs.keys("record/closed/WEB/")
    blobs.contents[key.replace("WEB", "web")] = blobs.contents.pop(key)

    assert [each.sweep for each in history(blobs, "web").sweeps] == [sweep_id(0)]
    assert len(history(blobs, "web", 1).submissions) == 1


def test_a_family_with_a_strange_name_has_a_folder_of_its_own() -> None:
    """ECS permits letters, digits, - and _; whatever else comes is quoted."""
    assert chunks.folder("Web_1-a") == "record/closed/Web_1-a/"
    assert "/" not in chunks.folder("a/b").removeprefix("record/closed/")[:-1]


def test_a_deregistration_is_told_as_one_by_us_beside_the_deletion_that_followed() -> None:
    """From the open object and from the chunk; without an answer it says that it does not know."""
    blobs, nights = MemoryBlobs(), Nights()
    one, two = some("web", 1, 2)
    record = nights.record(blobs, sweep_id(0))
    settle = record.intend([orphan(one)])
    assert "It may have been us who deregistered it" in history_story(history(blobs, "web", 1), None)
    settle([outcome(one, OutcomeKind.DEREGISTERED)])
    record.intend([orphan(two)])([outcome(two, OutcomeKind.REFUSED)])
    nights.clock.sleep(timedelta(days=200).total_seconds())
    record.close()
    later = nights.record(blobs, sweep_id(200))
    nights.delete(later, one)
    later.close()
    told = history(blobs, "web", 1)
    assert [each.deregisters for each in told.submissions] == [False, True]
    assert [each["deed"] for each in json.loads(history_json(told, None))["submissions"]] == ["delete", "deregister"]
    story = history_story(told, None).splitlines()
    assert story[1].startswith("  It was us: ")
    assert story[2].startswith("  It was us who deregistered it: ")
    assert "an orphan: 20 days old; deregistered (it was deregistered)" in story[2]
    assert "We tried, and it was not deregistered by that" in history_story(history(blobs, "web", 2), None)
    (first, *_) = reversed(history(blobs, "web").sweeps)
    assert first.outcomes == {"deregistered": 1, "refused": 1}

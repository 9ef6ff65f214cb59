"""``janitor history``: was it us, when, by which rule; and where it was not, who."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from janitor.aws.cloudtrail import Trail, TrailEvent
from janitor.core.model import RevisionId
from janitor.local.faults import Fault
from janitor.render.past import history_json, history_story
from janitor.store.history import History
from tests.commandline import run, small_account

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Keep the record of one sweep, in which one revision was refused."""
    ecs = small_account()
    ecs.faults.refuse("web:5", reason="SOMEBODY_NEEDS_IT", detail="ask the owner")
    assert run(ecs, "sweep", "--yes", "--store", str(tmp_path)).code == 3
    return str(tmp_path)


def test_a_deleted_revision_was_us(store: str) -> None:
    """With the sweep, the rule, the reason and the request."""
    ran = run(small_account(), "history", "web:1", "--store", store)
    assert ran.code == 0
    assert "It was us: Sunday 2026-11-01 03:00 UTC, sweep 20261101T030000000000Z, the default rule" in ran.told
    assert "deregistered 249 days ago, past the 180 days of the default rule; deleted" in ran.told
    assert ", request " in ran.told


def test_a_refused_revision_is_told_as_refused(store: str) -> None:
    """In ECS's own words."""
    ran = run(small_account(), "history", "web:5", "--store", store, "--json")
    (submission,) = json.loads(ran.out)["submissions"]
    assert submission["outcome"] == "refused"
    assert submission["words"] == "SOMEBODY_NEEDS_IT: ask the owner"


def test_a_family_is_told_sweep_by_sweep(store: str) -> None:
    """How many, by which rule, with which outcome."""
    ran = run(small_account(), "history", "web", "--store", store)
    assert "12 revisions submitted by the default rule: 11 deleted, 1 refused" in ran.told


def test_what_is_not_on_record_was_not_us(store: str) -> None:
    """And where CloudTrail cannot be asked, that is said."""
    ran = run(small_account(), "history", "web:3", "--store", store)
    assert ran.code == 0
    assert "Nothing is on record of web:3: as far as this record goes, it was not us." in ran.told
    assert "not asked: no Region" in ran.told
    assert "name nobody" not in ran.told


@pytest.mark.parametrize("target", ["web*", "web:x", "", "a b"])
def test_what_is_no_family_and_no_revision_is_refused(store: str, target: str) -> None:
    """A wrong name must not be answered with "not us"."""
    assert run(small_account(), "history", target, "--store", store).code == 2


def test_a_refused_revision_is_not_claimed(store: str) -> None:
    """We tried; it was not deleted by that."""
    ran = run(small_account(), "history", "web:5", "--store", store)
    assert "We tried, and it was not deleted by that" in ran.told


def test_somebody_else_is_named_from_cloudtrail() -> None:
    """Role, day and address."""
    event = TrailEvent(
        at=datetime(2026, 10, 6, 9, 30, tzinfo=UTC),
        name="DeleteTaskDefinitions",
        who="arn:aws:sts::123456789012:assumed-role/deployer/me",
        role="deployer",
        session="me",
        source="198.51.100.7",
        user_agent="aws-cli",
        revisions=(RevisionId("web", 3),),
    )
    nothing = History(family="web", number=3)
    story = history_story(nothing, Trail(events=(event,)))
    assert "Not us: deployer called DeleteTaskDefinitions on Tuesday 2026-10-06 09:30 UTC from 198.51.100.7" in story
    assert json.loads(history_json(nothing, Trail(events=(event,))))["cloudtrail"]["events"][0]["who"] == event.who


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "say where it is with --store"),
        (("--store", "no-such-folder"), "--store no-such-folder: there is no such folder"),
        (("--store", "s3://Not A Bucket/x"), "is not the name of a bucket"),
    ],
)
def test_a_missing_or_wrong_store_is_named(arguments: tuple[str, ...], says: str) -> None:
    """Exit code 2."""
    ran = run(small_account(), "history", "web", *arguments)
    assert ran.code == 2
    assert says in ran.err


def test_a_sweep_whose_record_cannot_be_written_deletes_nothing(tmp_path: Path) -> None:
    """Nothing goes unrecorded."""
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder", encoding="utf-8")
    ecs = small_account()
    ran = run(ecs, "sweep", "--yes", "--store", str(in_the_way))
    assert ran.code == 1
    assert "nothing goes unrecorded" in ran.err
    assert ecs.calls["DeleteTaskDefinitions"] == 0


def test_a_revision_that_nobody_answered_for_is_neither_claimed_nor_denied(tmp_path: Path) -> None:
    """FAILED says that no answer came, not that it is still there."""
    ecs = small_account()
    ecs.faults.add(Fault(operation="DeleteTaskDefinitions", code="ServerException", message="no"))
    assert run(ecs, "sweep", "--yes", "--family", "web", "--store", str(tmp_path)).code == 3
    told = run(ecs, "history", "web:1", "--store", str(tmp_path)).told
    assert "We tried, and nothing says that it was deleted by that" in told

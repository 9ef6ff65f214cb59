"""Sweeps that archive: every hop, whatever fails, and no more definitions in memory than are under way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import pytest
from aws_lambda_powertools import Logger
from moto import mock_aws

from janitor.aws import content
from janitor.core.model import BATCH_SIZE, Content, Mode, OutcomeKind, RevisionId
from janitor.core.report import Ending
from janitor.demo import embedded_place
from janitor.errors import BadInput, StoreFailed
from janitor.function import respond
from janitor.function_wiring import function_world
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.runner import Runner, Store
from janitor.settings import Flags, load
from janitor.settings.function import EVENT_SOURCE, function_settings
from janitor.store.archive import batches_of
from janitor.sweep.apply import BATCHES_IN_FLIGHT
from janitor.sweep.events import Limits
from janitor.sweep.gather import DESCRIBED_AHEAD
from janitor.wiring import READERS
from tests.fakes_store import MemoryBlobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from janitor.core.report import Report
    from janitor.ports import Blobs

PROBED = 25
"""Descriptions kept for a while from the search for the boundary: log2 of any size, and one a page."""


def account(count: int, *, tags: Mapping[str, str] | None = None) -> EmbeddedEcs:
    """Return an account with one family in which everything is old enough."""
    clock = VirtualClock()
    ecs = EmbeddedEcs(clock=clock, behaviour=Behaviour(latency=(0.02, 0.2)))
    old = clock.now() - timedelta(days=400)
    ecs.seed_family("web", count=count, registered=(old, old + timedelta(days=1)), tags=tags)
    return ecs


def sweep(ecs: EmbeddedEcs, blobs: Blobs, mode: Mode = Mode.DELETE) -> Report:
    """Sweep, archiving."""
    assert isinstance(ecs.clock, VirtualClock)
    runner = Runner(
        embedded_place(ecs, ecs.clock), load(Flags(keep_newest="0", archive=True)), store=Store(blobs=blobs)
    )
    return runner.sweep(mode, Limits(), lambda _: None, count_all=False)


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Provide how many contents were alive each time that another was made."""
    living: WeakSet[Content] = WeakSet()
    counts = []

    class Counted(Content):
        def __init__(self, request: bytes, images: tuple[str, ...]) -> None:
            super().__init__(request, images)
            living.add(self)
            counts.append(len(living))

    monkeypatch.setattr(content, "Content", Counted)
    return counts


def test_only_what_is_under_way_is_in_memory(alive: list[int]) -> None:
    """What is described ahead and what waits for its deletion, whatever the sweep's size."""
    assert sweep(account(1_500), MemoryBlobs()).outcome(OutcomeKind.DELETED) == 1_500
    in_batches = BATCH_SIZE * (BATCHES_IN_FLIGHT + 2)
    assert len(alive) >= 1_500
    assert BATCH_SIZE < max(alive) <= DESCRIBED_AHEAD + READERS + in_batches + PROBED


def test_what_is_kept_is_in_memory_until_its_verdict_alone(alive: list[int]) -> None:
    """Not in a batch, not in a report."""
    report = sweep(account(1_500, tags={"janitor:keep": "1"}), MemoryBlobs())
    assert sum(report.kept.values()) == 1_500
    assert len(alive) >= 1_500
    assert max(alive) <= DESCRIBED_AHEAD + READERS + PROBED


def test_a_report_keeps_no_content_and_writes_none(alive: list[int]) -> None:
    """It submits nothing."""
    blobs = MemoryBlobs()
    sweep(account(30), blobs, Mode.REPORT)
    assert alive == []
    assert not blobs.contents


def test_archiving_makes_no_call_more() -> None:
    """What is archived was described anyway."""
    calls = []
    for archive in (True, False):
        ecs = account(300)
        clock = ecs.clock
        assert isinstance(clock, VirtualClock)
        flags = Flags(keep_newest="0", archive=archive)
        runner = Runner(embedded_place(ecs, clock), load(flags), store=Store(blobs=MemoryBlobs()))
        runner.sweep(Mode.DELETE, Limits(), lambda _: None, count_all=False)
        calls.append(dict(ecs.calls))
    assert calls[0] == calls[1]


def test_what_cannot_be_archived_is_not_submitted() -> None:
    """The run ends as for what cannot be put on record: the cause is named, and the rest is not attempted."""

    class Full(MemoryBlobs):
        def put(self, key: str, content: bytes) -> None:
            if key.startswith("archive/batches/") and key.endswith("-000002.jsonl.gz"):
                raise StoreFailed("write", key, "No space left on device")
            super().put(key, content)

    ecs = account(60)
    report = sweep(ecs, Full())
    assert report.ending is Ending.COULD_NOT_FINISH
    assert "could not write archive/batches/" in report.ending_words
    assert "No space left on device" in report.ending_words
    assert report.outcome(OutcomeKind.NOT_ATTEMPTED) >= 10
    deleted = report.outcome(OutcomeKind.DELETED)
    assert ecs.count("web", "DELETE_IN_PROGRESS") == deleted
    assert 0 < deleted <= 50


def test_an_archive_without_a_store_is_refused() -> None:
    """By whoever runs it, too."""
    ecs = account(1)
    assert isinstance(ecs.clock, VirtualClock)
    for store in (None, Store(blobs=None)):
        with pytest.raises(BadInput, match="the archive lies in the store"):
            Runner(embedded_place(ecs, ecs.clock), load(Flags(archive=True)), store=store)


@pytest.mark.usefixtures("_region")
def test_every_hop_of_the_function_archives(tmp_path: Path) -> None:
    """Under the sweep's own name, so that a restore finds it whole."""
    ecs = account(400)
    assert isinstance(ecs.clock, VirtualClock)
    environment = {
        "JANITOR_STACK": "prod",
        "JANITOR_MODE": "delete",
        "JANITOR_KEEP_NEWEST": "0",
        "JANITOR_STORE": str(tmp_path),
        "JANITOR_ARCHIVE": "true",
    }
    settings = function_settings(environment, folder=Path())
    published: list[Mapping[str, Any]] = []

    class Publisher:
        def publish(self, kind: str, detail: Mapping[str, Any]) -> None:
            event = {"source": EVENT_SOURCE, "detail-type": kind, "detail": detail}
            published.append(json.loads(json.dumps(event)))

    place = embedded_place(ecs, ecs.clock)
    with mock_aws(config={"core": {"passthrough": {"services": ["ecs"]}}}):  # the embedded ECS answers that
        world = replace(function_world(settings, Logger(service="test"), place=place), publisher=Publisher())
        answers = [respond({"trigger": "schedule"}, settings, world, seconds_left=63)]
        while answers[-1]["hopped_on"]:
            answers.append(respond(published[-1], settings, world, seconds_left=63))
    assert len(answers) > 1
    assert any("archived before (JANITOR_ARCHIVE)" in sentence for sentence in answers[0]["policy"])
    assert ecs.count("web", "DELETE_IN_PROGRESS") == 400

    from janitor.aws.blobs import FolderBlobs  # noqa: PLC0415 - the store as it lies

    batches = list(batches_of(FolderBlobs(tmp_path), answers[0]["sweep_id"], unreadable=[]))
    archived = {entry.revision for batch in batches for entry in batch.revisions}
    assert archived == {RevisionId("web", number) for number in range(1, 401)}
    assert {batch.batch.partition("-")[0] for batch in batches} == {f"{hop + 1:04d}" for hop in range(len(answers))}


@pytest.fixture
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

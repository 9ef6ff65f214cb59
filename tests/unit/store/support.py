"""Sweeps that put deletions on record, and what history must say about them afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from janitor.core.model import Condemned, Decision, Outcome, OutcomeKind, Reason, Revision, RevisionId, Status, Verdict
from janitor.store.history import history
from janitor.store.record import Record
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from janitor.ports import Blobs, Workers

Told = tuple[str, int, OutcomeKind | None]
"""Sweep, hop and outcome of a submission."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch on record, with what is told of each of its revisions so far."""

    told: Told
    revisions: tuple[RevisionId, ...]
    settle: Callable[[Sequence[Outcome]], None]


@dataclass
class Nights:
    """Sweeps on one clock; ``truth`` is what they did, revision by revision, in order."""

    clock: FakeClock = field(default_factory=FakeClock)
    truth: dict[RevisionId, list[Told]] = field(default_factory=dict)
    records: dict[Record, tuple[str, int]] = field(default_factory=dict)

    def record(self, blobs: Blobs | None, sweep: str, hop: int = 0, workers: Workers | None = None) -> Record:
        """Return the record of a new process."""
        record = Record(
            blobs,
            sweep=sweep,
            hop=hop,
            account=lambda: "123456789012",
            region="eu-central-1",
            clock=self.clock,
            workers=workers,
            writer=f"{len(self.records) + 1:08x}",
        )
        self.records[record] = (sweep, hop)
        return record

    def submit(self, record: Record, *revisions: RevisionId) -> Batch:
        """Put an intent on record."""
        self.clock.sleep(1)
        batch = Batch(
            told=(*self.records[record], None),
            revisions=revisions,
            settle=record.intend([condemned(revision) for revision in revisions]),
        )
        for revision in revisions:
            self.truth.setdefault(revision, []).append(batch.told)
        return batch

    def settle(self, batch: Batch, kind: OutcomeKind = OutcomeKind.DELETED) -> None:
        """Put the outcomes on record, each of one kind."""
        self.clock.sleep(0.25)
        batch.settle([outcome(revision, kind) for revision in batch.revisions])
        for revision in batch.revisions:
            told = self.truth[revision]
            told[told.index(batch.told)] = (*batch.told[:2], kind)

    def delete(self, record: Record, *revisions: RevisionId, kind: OutcomeKind = OutcomeKind.DELETED) -> None:
        """Put intent and outcomes on record."""
        self.settle(self.submit(record, *revisions), kind)


def condemned(revision: RevisionId) -> Condemned:
    """Return a revision that was deregistered 200 days before and is to be deleted for it."""
    start = FakeClock().now()
    return Condemned(
        revision=Revision(
            id=revision,
            status=Status.INACTIVE,
            registered_at=start - timedelta(days=300),
            deregistered_at=start - timedelta(days=200),
        ),
        verdict=Verdict(
            revision=revision,
            decision=Decision.DELETE,
            reason=Reason.DUE,
            words="deregistered 200 days ago, longer than 180 days (rule 1)",
        ),
        rule="rule 1",
    )


def orphan(revision: RevisionId) -> Condemned:
    """Return an ACTIVE revision that is to be deregistered."""
    return Condemned(
        revision=Revision(id=revision, status=Status.ACTIVE, registered_at=FakeClock().now() - timedelta(days=20)),
        verdict=Verdict(
            revision=revision, decision=Decision.DEREGISTER, reason=Reason.ORPHANED, words="an orphan: 20 days old"
        ),
        rule="rule 1",
    )


def outcome(revision: RevisionId, kind: OutcomeKind) -> Outcome:
    """Return an outcome."""
    return Outcome(revision=revision, kind=kind, words=f"it was {kind}")


def some(family: str, *numbers: int) -> list[RevisionId]:
    """Return revisions of a family."""
    return [RevisionId(family, number) for number in numbers]


def check(blobs: Blobs, truth: dict[RevisionId, list[Told]], revisions: Iterable[RevisionId] = ()) -> None:
    """Check that history says exactly the truth: about each revision, and in sum about each family and sweep."""
    for revision in {*truth, *revisions}:
        found = history(blobs, revision.family, revision.number, limit=99)
        told = [(each.intent.sweep, each.intent.hop, each.kind) for each in reversed(found.submissions)]
        assert sorted(told, key=str) == sorted(truth.get(revision, []), key=str), revision
        assert not found.unreadable
    for family in {revision.family for revision in truth}:
        assert sums(blobs, family) == expected_sums(
            [told for revision, several in truth.items() if revision.family == family for told in several]
        )


def sums(blobs: Blobs, family: str) -> dict[str, dict[str, int]]:
    """Return what history says of a family: sweep → outcome → count."""
    found = history(blobs, family, limit=99)
    for summary in found.sweeps:
        assert sum(summary.outcomes.values()) == sum(summary.rules.values()) == summary.submitted
    return {summary.sweep: dict(sorted(summary.outcomes.items())) for summary in found.sweeps}


def expected_sums(told: Sequence[Told]) -> dict[str, dict[str, int]]:
    """Count the truth as ``sums`` does."""
    counted: dict[str, dict[str, int]] = {}
    for sweep, _, kind in told:
        of_sweep = counted.setdefault(sweep, {})
        of_sweep[kind or "unknown"] = of_sweep.get(kind or "unknown", 0) + 1
    return {sweep: dict(sorted(of_sweep.items())) for sweep, of_sweep in counted.items()}

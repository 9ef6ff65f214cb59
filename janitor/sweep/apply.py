"""Apply: batches, of ten to delete and of one to deregister, and for every submitted revision what became of it."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from janitor.core.model import BATCH_SIZE, Outcome, OutcomeKind, Status
from janitor.errors import AccessDenied, CallFailed, RunEnded, StoreFailed
from janitor.sweep.events import Settled, Submitting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from janitor.core.model import Condemned, RevisionId, Verdict
    from janitor.ports import Answer, Pending, Recorder, TaskDefinitions, Workers
    from janitor.sweep.events import Event

BATCHES_IN_FLIGHT = 6
"""Batches submitted and not yet settled: at one a second this bears answers that take five seconds."""

FAILED_BATCHES = 3
"""Batches that may fail whole, one after the other, before the run ends: the next would not fare better."""

_BAD_ENTRY = frozenset({"ClientException", "InvalidParameterException"})
"""Codes with which one entry may have spoilt its batch; after any other, smaller batches would fail as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is done to revisions: the call, how many it takes, and the outcome ``kind`` where it is ``done``.

    ``past`` are the statuses that show it done, by us or by somebody else.
    """

    submit: Callable[[Sequence[RevisionId]], Answer]
    size: int
    kind: OutcomeKind
    done: Status
    past: frozenset[Status]


def deletion(task_definitions: TaskDefinitions) -> Deed:
    """Return deletion: ten a call."""
    return Deed(
        submit=task_definitions.delete,
        size=BATCH_SIZE,
        kind=OutcomeKind.DELETED,
        done=Status.DELETE_IN_PROGRESS,
        past=frozenset({Status.DELETE_IN_PROGRESS}),
    )


def deregistration(task_definitions: TaskDefinitions) -> Deed:
    """Return deregistration: one a call. What is deleted already was deregistered before."""
    return Deed(
        submit=lambda batch: task_definitions.deregister(batch[0]),
        size=1,
        kind=OutcomeKind.DEREGISTERED,
        done=Status.INACTIVE,
        past=frozenset({Status.INACTIVE, Status.DELETE_IN_PROGRESS}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """What came of one batch. ``ended`` says that the run cannot go on, ``failed`` that no entry was answered."""

    outcomes: tuple[Outcome, ...]
    ended: RunEnded | None = None
    failed: CallFailed | None = None


class Submitter:
    """Takes verdicts, submits them for one deed in full batches across families, and hands out each outcome.

    Until ECS has accepted something only one batch is under way: where the permission is missing, that is found out
    with one call and the ten of its entries.
    """

    def __init__(
        self,
        deed: Deed,
        *,
        task_definitions: TaskDefinitions,
        workers: Workers,
        settle: Callable[[Outcome], None],
        observe: Callable[[Event], None],
        record: Recorder | None = None,
    ) -> None:
        self._deed = deed
        self._task_definitions = task_definitions
        self._workers = workers
        self._settle = settle
        self._record = record
        self._observe = observe
        self._batch: list[Condemned] = []
        self._in_flight: deque[Pending[_Attempt]] = deque()
        self._accepted_any = False
        self._failed_in_a_row = 0
        self.taken = 0

    def take(self, condemned: Condemned) -> None:
        """Take a revision whose verdict says to do it; submit when a batch is full. May wait for earlier batches.

        Raises:
            RunEnded: if a batch showed that the run cannot go on.
        """
        self._batch.append(condemned)
        self.taken += 1
        if len(self._batch) == self._deed.size:
            self.flush()

    def flush(self) -> None:
        """Submit what is together, be it less than a batch."""
        if not self._batch:
            return
        while len(self._in_flight) >= (BATCHES_IN_FLIGHT if self._accepted_any else 1):
            self._settle_oldest()
        batch, self._batch = tuple(self._batch), []
        self._observe(Submitting(verdicts=tuple(condemned.verdict for condemned in batch)))
        self._in_flight.append(self._workers.submit(self._recorded, batch))

    def drain(self) -> None:
        """Submit the rest and wait until every batch is settled."""
        self.flush()
        while self._in_flight:
            self._settle_oldest()

    def abandon(self, words: str) -> None:
        """Submit nothing more: wait for what is under way, and give the rest the outcome NOT_ATTEMPTED."""
        while self._in_flight:
            try:
                self._settle_oldest()
            except RunEnded:  # the run is ending already; what this batch came to is settled
                continue
        for condemned in self._batch:
            self.skip(condemned.verdict, words)
        self._batch = []

    def skip(self, verdict: Verdict, words: str) -> None:
        """Give a verdict that says to do it the outcome NOT_ATTEMPTED."""
        self._note(Outcome(revision=verdict.revision, kind=OutcomeKind.NOT_ATTEMPTED, words=words))

    def _settle_oldest(self) -> None:
        attempt = self._in_flight.popleft().result()
        for outcome in attempt.outcomes:
            self._note(outcome)
        self._accepted_any |= any(outcome.kind is self._deed.kind for outcome in attempt.outcomes)
        self._failed_in_a_row = self._failed_in_a_row + 1 if attempt.failed else 0
        if attempt.ended is not None:
            raise attempt.ended
        if attempt.failed is not None and self._failed_in_a_row >= FAILED_BATCHES:
            raise RunEnded(f"{FAILED_BATCHES} batches in a row failed whole: {attempt.failed}")

    def _note(self, outcome: Outcome) -> None:
        self._settle(outcome)
        self._observe(Settled(outcome=outcome))

    # From here on in a worker's thread.

    def _recorded(self, batch: Sequence[Condemned]) -> _Attempt:
        """Submit a batch with its intent on record before and its outcomes after; without the one there is no call."""
        revisions = tuple(condemned.revision.id for condemned in batch)
        if self._record is None:
            return self._attempt(revisions)
        try:
            settle = self._record.intend(batch)
        except StoreFailed as error:
            return _all(revisions, OutcomeKind.NOT_ATTEMPTED, RunEnded(f"nothing goes unrecorded: {error}"))
        attempt = self._attempt(revisions)
        try:
            settle(attempt.outcomes)
        except StoreFailed as error:
            return replace(attempt, ended=attempt.ended or RunEnded(f"outcomes could not be recorded: {error}"))
        return attempt

    def _attempt(self, batch: Sequence[RevisionId]) -> _Attempt:
        try:
            answer = self._deed.submit(batch)
        except AccessDenied as error:
            if len(batch) > 1:
                return self._one_by_one(batch, error)
            return _Attempt(outcomes=self._after_all(batch, OutcomeKind.REFUSED, error), ended=error)
        except RunEnded as error:
            return _Attempt(outcomes=self._after_all(batch, OutcomeKind.FAILED, error), ended=error)
        except CallFailed as error:
            if error.code in _BAD_ENTRY and len(batch) > 1:
                return self._one_by_one(batch, error)
            looked_at = tuple(self._look_again(each, OutcomeKind.FAILED, str(error)) for each in batch)
            return _Attempt(outcomes=looked_at, failed=error)
        outcomes = (self._outcome(revision, answer) for revision in batch)
        return _Attempt(outcomes=tuple(replace(outcome, request_id=answer.request_id) for outcome in outcomes))

    def _outcome(self, revision: RevisionId, answer: Answer) -> Outcome:
        if revision in answer.accepted:
            return Outcome(revision=revision, kind=self._deed.kind, words=f"accepted, {self._deed.done}")
        if revision in answer.refused:
            return self._look_again(revision, OutcomeKind.REFUSED, answer.refused[revision])
        return self._look_again(revision, OutcomeKind.FAILED, "ECS did not answer for it")

    def _one_by_one(self, batch: Sequence[RevisionId], error: AccessDenied | CallFailed) -> _Attempt:
        """Try each entry alone, once: one that is denied or malformed must not sink the others."""
        attempts = [self._attempt((revision,)) for revision in batch]
        outcomes = tuple(outcome for attempt in attempts for outcome in attempt.outcomes)
        if any(outcome.kind is self._deed.kind for outcome in outcomes):
            return _Attempt(outcomes=outcomes)
        if isinstance(error, RunEnded):
            return _Attempt(outcomes=outcomes, ended=error)
        return _Attempt(outcomes=outcomes, failed=error)

    def _after_all(self, batch: Sequence[RevisionId], kind: OutcomeKind, error: RunEnded) -> tuple[Outcome, ...]:
        """Look again at a batch with which the run ends, as far as ECS answers: an attempt may have been heard."""
        outcomes: list[Outcome] = []
        with suppress(CallFailed, RunEnded):
            outcomes.extend(self._seen(each, kind, str(error)) for each in batch)
        unseen = batch[len(outcomes) :]
        words = f"{error}; it could not be looked at again"
        return (*outcomes, *(Outcome(revision=each, kind=kind, words=words) for each in unseen))

    def _look_again(self, revision: RevisionId, kind: OutcomeKind, words: str) -> Outcome:
        """Describe a revision that was not accepted; where that is not possible the word stands."""
        try:
            return self._seen(revision, kind, words)
        except (CallFailed, RunEnded):
            return Outcome(revision=revision, kind=kind, words=words)

    def _seen(self, revision: RevisionId, kind: OutcomeKind, words: str) -> Outcome:
        """Describe a revision that was not accepted: a repeated call may have met its own success."""
        found = self._task_definitions.describe(revision)
        if found is not None and found.status in self._deed.past:
            seen = f"{words}; {found.status} when looked at again, by us or by somebody else"
            return Outcome(revision=revision, kind=self._deed.kind, words=seen)
        if found is None and kind is OutcomeKind.FAILED:
            return Outcome(revision=revision, kind=self._deed.kind, words=f"{words}; gone when looked at again")
        if found is None:  # ECS refused it and cannot describe it: that it is gone is not proven
            words = f"{words}; it could not be described afterwards"
        return Outcome(revision=revision, kind=kind, words=words)


def _all(batch: Sequence[RevisionId], kind: OutcomeKind, error: RunEnded) -> _Attempt:
    return _Attempt(outcomes=tuple(Outcome(revision=each, kind=kind, words=str(error)) for each in batch), ended=error)

"""Restoring what is planned, one revision after the other, each once, whatever is interrupted.

RegisterTaskDefinition knows no client token. So before each call it is on record that it will be made, and what it
registers carries a tag with the name of what it restores. Where an answer is lost, now or in a run that was killed, the
family's newest revisions are looked at for that tag before anything is registered again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING

from janitor.core.model import RESTORED_FROM, RevisionId, Status, mark_of
from janitor.core.numbers import NumberSet
from janitor.core.report import Cause
from janitor.errors import AccessDenied, CallFailed, RunEnded, StoreFailed, Unanswered
from janitor.restore.plan import archived
from janitor.store.archive import definitions
from janitor.store.restored import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from janitor.ports import Blobs, Prepared, Registrations, TaskDefinitions, Workers
    from janitor.restore.plan import Plan
    from janitor.store.archive import Batch
    from janitor.store.restored import Restorations, Restoring

LOOKED_AT = 300
"""Revisions described at most to find one that may have been registered."""

SKEW = timedelta(minutes=5)
"""By how much our clock may be ahead of AWS's."""

IN_A_ROW = 3
"""Revisions denied, or left without an answer, one after the other, after which the next would not fare better."""


class Kind(StrEnum):
    """What became of a revision that was to be restored."""

    RESTORED = "restored"
    NOT_NEEDED = "not_needed"
    REFUSED = "refused"
    FAILED = "failed"
    NOT_ATTEMPTED = "not_attempted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one revision, with the reason in words. ``became`` is its new name where it has one."""

    revision: RevisionId
    kind: Kind
    words: str
    became: RevisionId | None = None
    notes: tuple[str, ...] = ()
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a plan: an outcome for each revision that it came to; ``ended`` says why it could not go on."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    ended: str | None = None
    stopped: bool = False

    def count(self, kind: Kind) -> int:
        """Count the outcomes of a kind; what was not come to was not attempted."""
        left = self.plan.count - len(self.outcomes) if kind is Kind.NOT_ATTEMPTED else 0
        return left + sum(outcome.kind is kind for outcome in self.outcomes)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Return why the exit code is not 0, the first that decides it first."""
        found = {
            Cause.COULD_NOT_FINISH: self.ended is not None or bool(self.plan.unreadable),
            Cause.WORK_LEFT: self.stopped,
            Cause.REFUSED_OR_FAILED: self.count(Kind.REFUSED) + self.count(Kind.FAILED) > 0,
        }
        return tuple(cause for cause in Cause if found.get(cause))


class Restore:
    """Restores what is planned."""

    def __init__(
        self,
        *,
        blobs: Blobs,
        restorations: Restorations,
        task_definitions: TaskDefinitions,
        registrations: Registrations,
        workers: Workers | None = None,
        asked_to_stop: Callable[[], bool] = lambda: False,
        observe: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        self._blobs = blobs
        self._restorations = restorations
        self._task_definitions = task_definitions
        self._registrations = registrations
        self._workers = workers
        self._asked_to_stop = asked_to_stop
        self._observe = observe
        self._outcomes: list[Outcome] = []
        self._restored_any = False
        self._in_a_row = 0
        self._trouble: CallFailed | AccessDenied | None = None

    def run(self, plan: Plan) -> Result:
        """Do it; what ends it early is in the result, not raised."""
        ended, stopped = None, False
        try:
            for revision, definition in self._definitions(plan):
                if self._asked_to_stop():
                    stopped = True
                    break
                self._restore(revision, definition)
        except (RunEnded, StoreFailed) as error:
            ended = str(error)
        if self._trouble is not None and not self._restored_any:  # then it is not about one revision
            ended = ended or str(self._trouble)
        return Result(plan=plan, outcomes=tuple(self._outcomes), ended=ended, stopped=stopped)

    def _definitions(self, plan: Plan) -> Iterator[tuple[RevisionId, bytes | str]]:
        """Yield each revision once, with its definition, or why there is none."""
        come_to: dict[str, NumberSet] = {}
        for batch, entries in archived(self._blobs, plan.target, unreadable=[], workers=self._workers):
            found = self._definitions_in(batch)
            for entry in entries:
                if come_to.setdefault(entry.family, NumberSet()).add(entry.number):
                    yield entry.revision, found if isinstance(found, str) else found[entry.revision]

    def _definitions_in(self, batch: Batch) -> Mapping[RevisionId, bytes] | str:
        try:
            return definitions(self._blobs, batch)
        except ValueError as error:
            return f"{batch.key} in the archive: {error}"

    def _restore(self, revision: RevisionId, definition: bytes | str) -> None:
        """Restore one revision, unless it is there already."""
        if isinstance(definition, str):
            self._note(Outcome(revision=revision, kind=Kind.FAILED, words=definition))
            return
        try:
            outcome = self._there_already(revision)
            prepared = None if outcome else self._registrations.prepared(revision, definition)
        except (CallFailed, ValueError) as error:
            outcome, prepared = Outcome(revision=revision, kind=Kind.FAILED, words=str(error)), None
        if prepared is not None:
            self._register(prepared)
        elif outcome is not None:
            self._note(outcome)

    def _there_already(self, revision: RevisionId) -> Outcome | None:
        """Return what makes it needless to register a revision again; raise where that is not known."""
        before = self._restorations.of(revision)
        became = None if before is None else before.became
        if before is not None and became is None:
            became = self._found(before)
            if became is not None:
                self._restorations.settle(before, became)
        if became is not None and (status := self._status(became)) is not None:
            words = f"restored before, as {became}, which is {status}"
            return Outcome(revision=revision, kind=Kind.NOT_NEEDED, words=words, became=became)
        if (status := self._status(revision)) is not None:
            return Outcome(revision=revision, kind=Kind.NOT_NEEDED, words=f"it was not deleted: it is {status}")
        return None

    def _status(self, revision: RevisionId) -> Status | None:
        """Return the status of a revision that is there to stay, else None."""
        found = self._task_definitions.describe(revision)
        return None if found is None or found.status is Status.DELETE_IN_PROGRESS else found.status

    def _register(self, prepared: Prepared) -> None:
        """Register a revision again, with the intent on record before and the new name after."""
        restoring = self._restorations.intend(prepared.revision, marked=prepared.marked)
        try:
            registered = self._registrations.register(prepared)
        except Unanswered as error:
            self._look_for(restoring, prepared, error)
        except CallFailed as error:
            self._nothing_registered(prepared.revision, error)
            self._in_a_row = 0
        except AccessDenied as error:
            self._nothing_registered(prepared.revision, error)
            self._one_more_in_a_row(error)
        except RunEnded:
            self._restorations.forget(prepared.revision)
            raise
        else:
            self._settle(restoring, prepared, registered.revision, f"as {registered.revision}", registered.request_id)

    def _nothing_registered(self, revision: RevisionId, error: CallFailed | AccessDenied) -> None:
        self._note(Outcome(revision=revision, kind=Kind.REFUSED, words=str(error)))
        self._restorations.forget(revision)

    def _look_for(self, restoring: Restoring, prepared: Prepared, error: Unanswered) -> None:
        """Find out what became of a call without an answer; what cannot be found out is left to the next run."""
        try:
            found = self._found(restoring)
            seen = "nothing that was restored from it has appeared"
        except (CallFailed, RunEnded, ValueError) as second:
            found, seen = None, str(second)
        if found is not None:
            self._settle(restoring, prepared, found, f"as {found}, found after its answer was lost", None)
            return
        words = f"{error}; {seen}. To restore it again is safe: it is looked for first"
        self._note(Outcome(revision=restoring.revision, kind=Kind.FAILED, words=words))
        self._one_more_in_a_row(error)

    def _found(self, restoring: Restoring) -> RevisionId | None:
        """Return what a revision became, told by its tag, among what was registered since it was to be restored.

        Raises:
            ValueError: if that cannot be known.
        """
        revision = restoring.revision
        by_hand = f"see whether {revision.family} has it; if not, delete {key_of(revision)} from the store, and restore"
        if not restoring.marked:
            raise ValueError(
                f"it may have been restored {restoring.at:%Y-%m-%d %H:%M} UTC, and no tag tells: {by_hand}"
            )
        looked = 0
        for status in (Status.ACTIVE, Status.INACTIVE):
            pages = self._task_definitions.pages(revision.family, status, newest_first=True)
            for number in chain.from_iterable(page.numbers for page in pages):
                if looked == LOOKED_AT:
                    raise ValueError(f"more than {LOOKED_AT} revisions were registered since: {by_hand}")
                looked += 1
                found = self._task_definitions.describe(RevisionId(revision.family, number))
                if found is None:
                    continue
                if found.registered_at is not None and found.registered_at < restoring.at - SKEW:
                    break
                if found.tags.get(RESTORED_FROM) == mark_of(revision):
                    return found.id
        return None

    def _settle(
        self, restoring: Restoring, prepared: Prepared, became: RevisionId, words: str, request_id: str | None
    ) -> None:
        self._restored_any = True
        self._in_a_row = 0
        self._note(
            Outcome(
                revision=restoring.revision,
                kind=Kind.RESTORED,
                words=words,
                became=became,
                notes=prepared.notes,
                request_id=request_id,
            )
        )
        self._restorations.settle(restoring, became)

    def _one_more_in_a_row(self, error: CallFailed | AccessDenied) -> None:
        self._in_a_row += 1
        self._trouble = error
        if self._in_a_row == IN_A_ROW:
            raise RunEnded(f"{IN_A_ROW} in a row were not restored: {error}")

    def _note(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._observe(outcome)

"""The record: what is about to be deleted or deregistered, written before the call, and what came of it, after."""

from __future__ import annotations

import re
import secrets
import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from janitor.core.model import Decision
from janitor.errors import StoreFailed
from janitor.store.closing import OPEN, SLICE, close
from janitor.store.lines import Deed, Line, What, batch_name, serialize, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from janitor.core.model import Condemned, Outcome, RevisionId
    from janitor.ports import Blobs, Clock, Workers
    from janitor.store.archive import Archive

_SWEEP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class Record:
    """One hop's part of the record. Every line goes to ``log`` as well, and only there where no store is configured.

    Satisfies ``janitor.ports.Recorder``.

    Safe to call from several threads, and from several processes that take themselves for the same hop: each has
    another ``writer``. Sweep ids must sort by time: history shows the latest first.
    """

    def __init__(
        self,
        blobs: Blobs | None,
        *,
        sweep: str,
        hop: int,
        account: Callable[[], str | None],
        region: str,
        clock: Clock,
        log: Callable[[str], None] = lambda _: None,
        workers: Workers | None = None,
        writer: str | None = None,
        archive: Archive | None = None,
    ) -> None:
        """``account`` is asked at each batch. ``workers`` close the store's objects, some while the hop goes on.

        With an ``archive`` a batch to delete is in it before it is on record, under the same name.
        """
        if _SWEEP.fullmatch(sweep) is None:
            raise ValueError(f"{sweep!r} cannot be a sweep's id: it is part of a key")
        self._blobs = blobs
        self._sweep = sweep
        self._hop = hop
        self._account = account
        self._region = region
        self._clock = clock
        self._log = log
        self._workers = workers
        self._writer = f"{hop:04d}-{writer or secrets.token_hex(4)}"
        self._archive = archive
        self._lock = threading.Lock()
        self._batches = 0
        self._settled = 0
        self._closing = threading.Lock()

    def intend(self, batch: Sequence[Condemned]) -> Callable[[Sequence[Outcome]], None]:
        """Put a batch on record before it is submitted; return what takes its outcomes, all at once.

        Raises:
            StoreFailed: if it could not be written; then nothing of the batch may be submitted. What takes the
                outcomes raises it as well: history then says that no answer is recorded.
        """
        with self._lock:
            name = batch_name(self._writer, self._batches)
            self._batches += 1
        doomed = [each for each in batch if each.verdict.decision is Decision.DELETE]
        if self._archive is not None and doomed:
            self._archive.keep(name, doomed)
        intents = tuple(
            replace(
                self._line(What.INTENT, each.revision.id, name),
                rule=each.rule,
                reason=each.verdict.words,
                registered_at=each.revision.registered_at,
                deregistered_at=each.revision.deregistered_at,
                deed=Deed.DEREGISTER if each.verdict.decision is Decision.DEREGISTER else None,
            )
            for each in batch
        )
        self._write(name, (), intents)
        return partial(self._settle, name, intents)

    def close(self) -> None:
        """Gather what this sweep has left open, its killed hops' too, into chunks.

        Raises:
            StoreFailed: if the store could not be read or written; nothing is lost, and another close will do it.
        """
        self._close_all(f"{OPEN}{self._sweep}/")

    def close_leftovers(self) -> None:
        """Gather what any sweep has left open. What another one is still at is left alone.

        Raises:
            StoreFailed: as for ``close``.
        """
        self._close_all(OPEN)

    def _settle(self, name: str, intents: tuple[Line, ...], outcomes: Sequence[Outcome]) -> None:
        lines = tuple(
            replace(
                self._line(What.OUTCOME, each.revision, name),
                kind=each.kind,
                words=each.words,
                request_id=each.request_id,
            )
            for each in outcomes
        )
        self._write(name, intents, lines)
        self._tidy()

    def _line(self, what: What, revision: RevisionId, batch: str) -> Line:
        return Line(
            at=self._clock.now(),
            what=what,
            sweep=self._sweep,
            hop=self._hop,
            batch=batch,
            account=self._account(),
            region=self._region,
            family=revision.family,
            number=revision.number,
        )

    def _write(self, batch: str, old: tuple[Line, ...], new: tuple[Line, ...]) -> None:
        if self._blobs is not None:
            self._blobs.put(f"{OPEN}{self._sweep}/{batch}.jsonl", serialize(old + new))
        for line in new:
            self._log(to_json(line))

    def _tidy(self) -> None:
        """Close a chunk's worth as soon as there is one, so that a long hop leaves no heap for its end."""
        with self._lock:
            self._settled += 1
            enough = self._settled % SLICE == 0
        if enough and self._workers is not None:
            self._workers.submit(self._close_meanwhile)

    def _close_meanwhile(self) -> None:
        with suppress(StoreFailed):  # nothing is lost: the close at the end will find it all
            self._close(f"{OPEN}{self._sweep}/", None)  # within a worker nobody waits for other workers

    def _close_all(self, prefix: str) -> None:
        if self._archive is not None:
            self._archive.close()
        self._close(prefix, self._workers)

    def _close(self, prefix: str, workers: Workers | None) -> None:
        if self._blobs is None:
            return
        with self._closing:
            close(self._blobs, prefix, now=self._clock.now(), workers=workers)

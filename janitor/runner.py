"""Runs in a place: makes the adapters and hands them to what was asked for."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from janitor.aws.client import Api
from janitor.aws.task_definitions import AwsTaskDefinitions
from janitor.aws.usage import READERS as USAGE_READERS
from janitor.aws.usage import AwsUsage
from janitor.core.model import Mode, RevisionId
from janitor.core.pacing import Bucket
from janitor.errors import BadInput, StoreFailed
from janitor.function import HopContext
from janitor.store.archive import Archive
from janitor.store.due_cache_store import StoredDueCaches
from janitor.store.record import Record
from janitor.store.submissions import StoredSubmissions
from janitor.sweep.explain import Explainer
from janitor.sweep.run import Sweep
from janitor.sweep.survey import Survey
from janitor.sweep.tally import Context, Tally
from janitor.wiring import DELETERS, READERS, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    from janitor.core.due_cache import DueCache
    from janitor.core.hop import Position
    from janitor.core.plan import Plan
    from janitor.core.report import Report
    from janitor.ports import Blobs, LookupTable, Workers
    from janitor.reuse.upkeep import LookupUsage, TableUpkeep
    from janitor.settings import Settings
    from janitor.sweep.events import Event, Limits
    from janitor.sweep.explain import Explanation, FamilyExplanation
    from janitor.wiring import Place


GIVES_WAY = frozenset({"DeregisterTaskDefinition"})
"""What a sweep rather leaves undone than takes from those who share its bucket: every deploy registers with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Where the record and the due caches are kept; without blobs the record goes to the log alone."""

    blobs: Blobs | None
    log: Callable[[str], None] = lambda _: None


class OwnDueCaches:
    """The due caches of the account that a run finds itself in. Satisfies ``janitor.ports.DueCaches``."""

    def __init__(self, blobs: Blobs, task_definitions: AwsTaskDefinitions) -> None:
        self._blobs = blobs
        self._task_definitions = task_definitions
        self._caches: StoredDueCaches | None = None

    @property
    def warnings(self) -> list[str]:
        """Return what could not be read or written, and why."""
        return [] if self._caches is None else self._caches.warnings

    def load(self, family: str) -> DueCache:
        """Return what is known of a family; the listing that asks for it has told the account."""
        return self._own().load(family)

    def save(self, family: str, cache: DueCache) -> None:
        """Keep what is known of a family."""
        self._own().save(family, cache)

    def _own(self) -> StoredDueCaches:
        if self._caches is None:
            owner = f"{self._task_definitions.account}/{self._task_definitions.region}"
            self._caches = StoredDueCaches(self._blobs, owner)
        return self._caches


class Runner:
    """Runs in a place, one after the other: makes the adapters and hands them to what was asked for."""

    def __init__(
        self,
        place: Place,
        settings: Settings,
        *,
        store: Store | None = None,
        plan: Plan | None = None,
    ) -> None:
        """``plan`` is what sweeps apply: they delete nothing that it does not name."""
        if settings.archive and (store is None or store.blobs is None):
            raise BadInput(["the archive lies in the store, and there is none"])
        self._place = place
        self.settings = settings
        self.clock = place.clock
        self._store = store
        self.plan = plan
        lookup = settings.lookup_table
        self._table: LookupTable | None = None if lookup is None else place.table_of(lookup.name.value)
        self.api = Api(place.client, clock=place.clock, rates=settings.rates, gives_way=GIVES_WAY)

    @property
    def calls(self) -> int:
        """Calls made by the run that is under way, or was last."""
        return self.api.calls.total()

    def survey(self, limits: Limits, observe: Callable[[Event], None]) -> Report:
        """Report within the budget of reads, estimating where it does not suffice."""
        with (
            self._workers(READERS) as readers,
            self._workers(USAGE_READERS) as askers,
            self.api.reads.at_most(self.settings.max_reads),
        ):
            task_definitions, tally = self._fresh(Mode.REPORT, askers)
            submissions = self._submissions(task_definitions, readers)
            report = Survey(
                tally=tally,
                task_definitions=task_definitions,
                reads=self.api.reads,
                readers=readers,
                limits=limits,
                clock=self._place.clock,
                submissions=submissions,
                observe=observe,
            ).run()
        return _warned(report, [] if submissions is None else submissions.warnings)

    def sweep(self, mode: Mode, limits: Limits, observe: Callable[[Event], None], *, count_all: bool) -> Report:
        """Sweep: delete, or say exactly what would be deleted."""
        return self.hop(mode, limits, observe, count_all=count_all)[0]

    def hop(
        self,
        mode: Mode,
        limits: Limits,
        observe: Callable[[Event], None],
        *,
        count_all: bool = False,
        hop: HopContext | None = None,
    ) -> tuple[Report, Position]:
        """Do one invocation's part of a sweep; return the report and the position reached."""
        hop = hop or HopContext()
        with (
            self._workers(READERS) as readers,
            self._workers(DELETERS) as deleters,
            self._workers(USAGE_READERS) as askers,
        ):
            task_definitions, tally = self._fresh(mode, askers, hop.sweep_id)
            record, caches = self._kept(mode, tally.sweep_id, hop.hop, task_definitions, readers)
            submissions = self._submissions(task_definitions, readers)
            run = Sweep(
                mode=mode,
                tally=tally,
                task_definitions=task_definitions,
                readers=readers,
                deleters=deleters,
                limits=limits,
                clock=self._place.clock,
                usage_anew=lambda: self._usage(askers),
                count_all=count_all,
                start=hop.start,
                record=record,
                caches=caches,
                submissions=submissions,
                upkeep=self._upkeep(task_definitions),
                observe=observe,
            )
            report = run.run()
            warnings = _closed(record) + [
                warning for kept in (caches, submissions) if kept is not None for warning in kept.warnings
            ]
        return _warned(report, warnings), run.position

    def explain(self, target: RevisionId | str) -> Explanation | FamilyExplanation | None:
        """Explain a revision, or a family as far as the budget of reads goes; None for what does not exist."""
        with self._workers(USAGE_READERS) as askers:
            explainer = Explainer(
                policy=self.settings.policy,
                task_definitions=AwsTaskDefinitions(self.api),
                usage=self._usage(askers),
                now=self._place.clock.now(),
                lookup_table=self._table_usage,
            )
            if isinstance(target, RevisionId):
                return explainer.revision(target)
            with self.api.reads.at_most(self.settings.max_reads):
                return explainer.family(target)

    def _kept(
        self, mode: Mode, sweep_id: str, hop: int, task_definitions: AwsTaskDefinitions, workers: Workers
    ) -> tuple[Record | None, OwnDueCaches | None]:
        """Return what a sweep writes to; a report leaves nothing behind."""
        if self._store is None or mode is Mode.REPORT:
            return None, None
        record = Record(
            self._store.blobs,
            sweep=sweep_id,
            hop=hop,
            account=lambda: task_definitions.account,
            region=self.api.region,
            clock=self.clock,
            log=self._store.log,
            workers=workers,
            archive=self._archive(sweep_id, task_definitions),
        )
        return record, None if self._store.blobs is None else OwnDueCaches(self._store.blobs, task_definitions)

    @property
    def _table_usage(self) -> LookupUsage | None:
        if self._table is None:
            return None
        from janitor.reuse.upkeep import LookupUsage  # noqa: PLC0415 - who has no table does not wait for what it needs

        return LookupUsage(self._table)

    def _upkeep(self, task_definitions: AwsTaskDefinitions) -> TableUpkeep | None:
        lookup = self.settings.lookup_table
        if lookup is None or self._table is None:
            return None
        from janitor.reuse.upkeep import TableUpkeep  # noqa: PLC0415 - as above

        evict_after = None if lookup.evict_after is None else lookup.evict_after.value
        return TableUpkeep(
            self._table, task_definitions, region=self.api.region, clock=self.clock, evict_after=evict_after
        )

    def _usage(self, workers: Workers) -> AwsUsage:
        return AwsUsage(self.api, workers=workers, client_of=self._place.client_of, off=self.settings.usage_off.value)

    def _archive(self, sweep_id: str, task_definitions: AwsTaskDefinitions) -> Archive | None:
        if not self.settings.archive or self._store is None or self._store.blobs is None:
            return None
        return Archive(
            self._store.blobs,
            sweep=sweep_id,
            account=lambda: task_definitions.account,
            region=self.api.region,
            clock=self.clock,
        )

    def _submissions(self, task_definitions: AwsTaskDefinitions, workers: Workers) -> StoredSubmissions | None:
        """Return what the record of earlier sweeps tells; a report may read it."""
        if self._store is None or self._store.blobs is None:
            return None
        return StoredSubmissions(
            self._store.blobs, account=lambda: task_definitions.account, region=self.api.region, workers=workers
        )

    def _fresh(self, mode: Mode, askers: Workers, sweep_id: str | None = None) -> tuple[AwsTaskDefinitions, Tally]:
        """Return what a run starts with: counters at nothing, and nothing known of who uses what."""
        self.api.calls.clear()
        self.api.throttled.clear()
        archives = self.settings.archive and mode is Mode.DELETE
        task_definitions = AwsTaskDefinitions(self.api, with_content=archives)
        started_at = self._place.clock.now()
        return task_definitions, Tally(
            mode=mode,
            policy=self.settings.policy,
            task_definitions=task_definitions,
            usage=self._usage(askers),
            clock=self._place.clock,
            plan=self.plan,
            lookup_table=self._table_usage,
            context=Context(
                region=self.api.region,
                sweep_id=sweep_id or f"{started_at:%Y%m%dT%H%M%S%fZ}",
                version=VERSION,
                api_calls=self.api.calls,
                throttled_calls=self.api.throttled,
                usage_off=tuple(each.value for each in self.settings.usage_off.value),
                limits=(*self.settings.limits, *([self.settings.not_asked] if self.settings.not_asked else [])),
                deletion_rate=self.settings.rates[Bucket.DELETE],
                max_deregistrations=self.settings.max_deregistrations if self.settings.policy.deregisters else None,
            ),
        )

    @contextmanager
    def _workers(self, width: int) -> Iterator[Executor]:
        workers = self._place.executor(width)
        try:
            yield workers
        finally:
            workers.shutdown(wait=False, cancel_futures=True)


def _warned(report: Report, warnings: list[str]) -> Report:
    return replace(report, warnings=(*report.warnings, *warnings))


def _closed(record: Record | None) -> list[str]:
    """Tidy up the record, other sweeps' leftovers too; return what kept from it."""
    try:
        if record is not None:
            record.close_leftovers()
    except StoreFailed as error:
        return [f"the record was not tidied up, the next sweep will: {error}"]
    return []

"""Puts a run together: the real clock, the AWS client, the adapters, the workers."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import botocore.exceptions

from janitor.aws.blobs import open_blobs
from janitor.aws.client import Api, config
from janitor.aws.cloudtrail import Trail, look_up
from janitor.aws.task_definitions import AwsTaskDefinitions
from janitor.aws.usage import EcsUsage
from janitor.core.model import Mode, RevisionId
from janitor.errors import BadInput, StoreFailed
from janitor.function import HopContext
from janitor.store.due_cache_store import StoredDueCaches
from janitor.store.history import history
from janitor.store.record import Record
from janitor.sweep.explain import Explainer
from janitor.sweep.run import Sweep
from janitor.sweep.survey import Survey
from janitor.sweep.tally import Context, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Executor

    from mypy_boto3_ecs.client import ECSClient

    from janitor.core.due_cache import DueCache
    from janitor.core.hop import Position
    from janitor.core.pacing import Bucket, Rate
    from janitor.core.report import Report
    from janitor.ports import Blobs, Clock, Workers
    from janitor.settings import Settings
    from janitor.store.history import History
    from janitor.sweep.events import Event, Limits
    from janitor.sweep.explain import Explanation, FamilyExplanation

READERS = 10
"""Describes side by side: enough for our share of the read bucket at answers that take 0.8 seconds."""

DELETERS = 6
"""Deletes side by side: enough for one a second at answers that take five seconds."""

VERSION = metadata.version("ecs-revision-janitor")


class SystemClock:
    """The machine's clock. Satisfies ``janitor.ports.Clock``."""

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run works: a client, the clock its time comes from, and the threads that live on that clock."""

    client: ECSClient
    clock: Clock
    executor: Callable[[int], Executor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which account and endpoint to call, as the options say; None leaves it to the environment."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None


def aws_place(where: Where) -> Place:
    """Return the place of a run against a real endpoint, in real time, found as the AWS tools find it.

    Raises:
        BadInput: if there is no Region, no credentials, or no such profile; all that is missing at once.
    """
    session = _session(where)
    try:
        client = session.client("ecs", endpoint_url=where.endpoint_url, config=config(VERSION))
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        raise BadInput([f"AWS settings: {error}"]) from error
    return Place(client=client, clock=SystemClock(), executor=threads)


def _session(where: Where, environment: Mapping[str, str] = os.environ) -> boto3.Session:
    problems = []
    try:
        session = boto3.Session(profile_name=where.profile, region_name=where.region or environment.get("AWS_REGION"))
        if not session.region_name:
            problems.append("no Region: give --region, set AWS_REGION, or add one to the profile")
        if session.get_credentials() is None:
            problems.append("no AWS credentials: give --profile, or set AWS_PROFILE or AWS_ACCESS_KEY_ID")
    except botocore.exceptions.BotoCoreError as error:
        raise BadInput([f"AWS settings: {error}"]) from error
    if problems:
        raise BadInput(problems)
    return session


def store_at(location: str, where: Where) -> Blobs:
    """Return the store at a location: a folder, or ``s3://bucket/prefix`` with the credentials of the options."""
    return open_blobs(location, s3=lambda: _session(where).client("s3", endpoint_url=where.endpoint_url))


def past(location: str, where: Where, family: str, number: int | None) -> tuple[History, Trail | None]:
    """Return what the record says, and where it has nothing what CloudTrail does, if there are credentials."""
    if not location.startswith("s3://") and not Path(location).is_dir():
        raise BadInput([f"--store {location}: there is no such folder"])
    with ThreadPoolExecutor(max_workers=READERS) as workers:
        found = history(store_at(location, where), family, number, workers=workers)
    if found.submissions or found.sweeps:
        return found, None
    try:
        client = _session(where).client("cloudtrail", endpoint_url=where.endpoint_url)
    except BadInput as error:
        return found, Trail(events=(), problem=f"not asked: {'; '.join(error.problems)}")
    return found, look_up(client, family, number, clock=SystemClock())


def threads(width: int) -> Executor:
    """Return that many threads of the machine's."""
    return ThreadPoolExecutor(max_workers=width)


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
        rates: Mapping[Bucket, Rate] | None = None,
        store: Store | None = None,
    ) -> None:
        self._place = place
        self.settings = settings
        self.clock = place.clock
        self._store = store
        self.api = Api(place.client, clock=place.clock, rates=rates)

    def survey(self, limits: Limits, observe: Callable[[Event], None]) -> Report:
        """Report within the budget of reads, estimating where it does not suffice."""
        task_definitions, tally = self._fresh(Mode.REPORT)
        with self._workers(READERS) as readers, self.api.reads.at_most(self.settings.max_reads):
            return Survey(
                tally=tally,
                task_definitions=task_definitions,
                reads=self.api.reads,
                readers=readers,
                limits=limits,
                clock=self._place.clock,
                observe=observe,
            ).run()

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
        task_definitions, tally = self._fresh(mode, hop.sweep_id)
        with self._workers(READERS) as readers, self._workers(DELETERS) as deleters:
            record, caches = self._kept(mode, tally.sweep_id, hop.hop, task_definitions, readers)
            run = Sweep(
                mode=mode,
                tally=tally,
                task_definitions=task_definitions,
                readers=readers,
                deleters=deleters,
                limits=limits,
                clock=self._place.clock,
                count_all=count_all,
                start=hop.start,
                record=record,
                caches=caches,
                observe=observe,
            )
            report = run.run()
            warnings = _closed(record) + ([] if caches is None else caches.warnings)
            report = replace(report, warnings=(*report.warnings, *warnings))
        return report, run.position

    def explain(self, target: RevisionId | str) -> Explanation | FamilyExplanation | None:
        """Explain a revision, or a family as far as the budget of reads goes; None for what does not exist."""
        explainer = Explainer(
            policy=self.settings.policy,
            task_definitions=AwsTaskDefinitions(self.api),
            usage=EcsUsage(self.api),
            now=self._place.clock.now(),
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
        )
        return record, None if self._store.blobs is None else OwnDueCaches(self._store.blobs, task_definitions)

    def _fresh(self, mode: Mode, sweep_id: str | None = None) -> tuple[AwsTaskDefinitions, Tally]:
        """Return what a run starts with: counters at nothing, and nothing known of who uses what."""
        self.api.calls.clear()
        self.api.throttled.clear()
        task_definitions = AwsTaskDefinitions(self.api)
        started_at = self._place.clock.now()
        return task_definitions, Tally(
            mode=mode,
            policy=self.settings.policy,
            task_definitions=task_definitions,
            usage=EcsUsage(self.api),
            clock=self._place.clock,
            context=Context(
                region=self.api.region,
                sweep_id=sweep_id or f"{started_at:%Y%m%dT%H%M%S%fZ}",
                version=VERSION,
                api_calls=self.api.calls,
                throttled_calls=self.api.throttled,
                limits=self.settings.limits,
            ),
        )

    @contextmanager
    def _workers(self, width: int) -> Iterator[Executor]:
        workers = self._place.executor(width)
        try:
            yield workers
        finally:
            workers.shutdown(wait=False, cancel_futures=True)


def _closed(record: Record | None) -> list[str]:
    """Tidy up the record, other sweeps' leftovers too; return what kept from it."""
    try:
        if record is not None:
            record.close_leftovers()
    except StoreFailed as error:
        return [f"the record was not tidied up, the next sweep will: {error}"]
    return []

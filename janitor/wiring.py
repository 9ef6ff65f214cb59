"""Puts a run together: the real clock, the AWS client, the adapters, the workers."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions

from janitor.aws import stack
from janitor.aws.blobs import open_blobs
from janitor.aws.client import config, config_of_others
from janitor.aws.cloudtrail import Trail, look_up
from janitor.errors import BadInput
from janitor.store.history import history

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from botocore.config import Config
    from mypy_boto3_ecs.client import ECSClient

    from janitor.aws.lookup_table import DynamoLookupTable
    from janitor.ports import Blobs, Clock, LookupTable
    from janitor.store.history import History

READERS = 40
"""Describes side by side: ten a second feed one delete a second, at answers that take four seconds."""

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


def no_table(name: str) -> LookupTable:
    """Refuse to open a lookup table where there is no DynamoDB."""
    raise BadInput([f"the lookup table {name}: there is no DynamoDB here"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run works: a client, the clock its time comes from, and the threads that live on that clock.

    ``client_of`` makes the client of another service by boto3's name for it, such as ``events``: same credentials,
    Region, endpoint and retries. It may be called from several threads. ``table_of`` opens the lookup table of a name.
    """

    client: ECSClient
    clock: Clock
    executor: Callable[[int], Executor]
    client_of: Callable[[str], Any]
    table_of: Callable[[str], LookupTable] = no_table


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
    client_of = clients(session, where.endpoint_url)
    try:
        client = client_of("ecs")
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        raise BadInput([f"AWS settings: {error}"]) from error
    return Place(client=client, clock=SystemClock(), executor=threads, client_of=client_of, table_of=tables(client_of))


def tables(client_of: Callable[..., Any]) -> Callable[[str], LookupTable]:
    """Return what opens lookup tables for a sweep; the client is made when the table is first asked."""

    def table_of(name: str) -> LookupTable:
        from janitor.aws.lookup_table import DynamoLookupTable  # noqa: PLC0415 - most runs have no table to wait for

        client: Any = AtFirstUse(lambda: client_of("dynamodb", config_of_others(VERSION)))
        return DynamoLookupTable(client, name, lent_by=f"janitor iam --mode delete --table {name}")

    return table_of


def clients(session: boto3.Session, endpoint_url: str | None = None) -> Callable[..., Any]:
    """Return what makes clients of ours, one at a time: a session is not made for several threads."""
    lock = threading.Lock()

    def client_of(service: str, settings: Config | None = None) -> Any:  # noqa: ANN401 - boto3 types a client by its service's name
        with lock:
            return session.client(service, endpoint_url=endpoint_url, config=settings or config(VERSION))  # type: ignore[call-overload]

    return client_of


class AtFirstUse:
    """A client that is made when it is first used: making clients is most of what is left of a cold start."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._made = cache(make)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        return getattr(self._made(), name)


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


def quick_clients(where: Where) -> Callable[[str], Any]:
    """Return what makes clients of other services for calls that may well go unanswered: they give up soon."""
    session: Any = _session(where)  # its types know each service by a literal name
    return lambda service: session.client(service, endpoint_url=where.endpoint_url, config=stack.CONFIG)


def store_at(location: str, where: Where) -> Blobs:
    """Return the store at a location: a folder, or ``s3://bucket/prefix`` with the credentials of the options."""
    others = config_of_others(VERSION)
    return open_blobs(location, s3=lambda: _session(where).client("s3", endpoint_url=where.endpoint_url, config=others))


def lookup_table(name: str, where: Where) -> DynamoLookupTable:
    """Return the lookup table of a name, with the credentials of the options."""
    from janitor.aws.lookup_table import DynamoLookupTable  # noqa: PLC0415 - as above

    others = config_of_others(VERSION)
    return DynamoLookupTable(_session(where).client("dynamodb", endpoint_url=where.endpoint_url, config=others), name)


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

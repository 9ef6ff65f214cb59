"""A small account, its store, its bus and its brake, all on virtual time, and nights in which something goes wrong.

ECS is the embedded one; S3, EventBridge and SSM are moto's, each behind a ``Wire`` that can break any call. What runs
is the function's own wiring, through real clients.
"""

from __future__ import annotations

import io
import json
import uuid
from collections import Counter, defaultdict
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import botocore.exceptions
from aws_lambda_powertools import Logger
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.models import botocore_stubber

from janitor.aws.blobs import S3Blobs
from janitor.cli.output import _CODE
from janitor.core.model import Status
from janitor.function import DutyRemains, respond
from janitor.function_wiring import function_world
from janitor.local.attach import virtual_time
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.settings.function import function_settings
from janitor.store.history import history
from janitor.wiring import Place
from tests.builders import client_maker, revision, seed, session
from tests.fakes import START
from tests.fakes_store import MemoryBlobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pytest
    from mypy_boto3_s3.client import S3Client

    from janitor.core.model import Revision
    from janitor.core.report import Report
    from janitor.function import World
    from janitor.local.replies import Json, Reply
    from janitor.ports import Blobs
    from janitor.store.lines import Submission

BUCKET = "records"
BRAKE = "/janitor/brake"
ENVIRONMENT = {
    "JANITOR_STACK": "prod",
    "JANITOR_MODE": "delete",
    "JANITOR_RETENTION": "30d",
    "JANITOR_KEEP_NEWEST": "2",
    "JANITOR_BRAKE": BRAKE,
    "JANITOR_ARCHIVE": "true",
}
LAMBDA = 900.0
FAMILIES = ("etl", "web")


class DisturbedEcs(EmbeddedEcs):
    """An embedded ECS on whose calls somebody else may act, and whose answers may be changed on their way."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the embedded ECS's own
        super().__init__(**options)
        self.before: defaultdict[str, list[Callable[[int], None]]] = defaultdict(list)
        """By operation: what happens right before a call, which is told how many came before it."""
        self.changed: dict[str, Callable[[Json], object]] = {}
        """By operation: what becomes of the body of an answer."""
        self.submitted: list[tuple[str, ...]] = []
        """What each DeleteTaskDefinitions named that arrived, refused or not."""
        self._arrived: Counter[str] = Counter()

    def handle(self, operation: str, params: Json) -> Reply:
        """Let happen what is to happen before, answer, and change the answer."""
        if operation == "DeleteTaskDefinitions":
            self.submitted.append(tuple(short(each) for each in params["taskDefinitions"]))
        arrived, self._arrived[operation] = self._arrived[operation], self._arrived[operation] + 1
        for happens in self.before[operation]:
            happens(arrived)
        reply = super().handle(operation, params)
        if operation in self.changed and reply.status == 200:
            self.changed[operation](reply.body)
        return reply

    def somebody(self, operation: str, **params: object) -> None:
        """Let somebody else make a call, which goes well."""
        reply = super().handle(operation, params)
        assert reply.status == 200, reply

    def undisturb(self) -> None:
        """Let all go well from now on."""
        self.before.clear()
        self.changed.clear()
        self.faults.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """What becomes of some calls on a wire: an answer in place of the service's, or an error on the way."""

    operation: str
    holds: str = ""
    """Only calls whose address or body hold this."""
    status: int = 400
    body: bytes = b""
    error: type[botocore.exceptions.HTTPClientError] | None = None
    """In place of any answer; a timeout takes the time that the client waits."""
    acts: bool = False
    """The service does what was asked all the same."""
    cut: bool = False
    """The service's own answer arrives in half."""
    times: int | None = None


class Wire:
    """The way to moto: what is asked there, and what is broken on it."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.broken: list[Break] = []
        self.asked: list[tuple[str, str]] = []
        self.published: list[dict[str, Any]] = []
        self._met: Counter[int] = Counter()

    def take(self, client: Any) -> None:  # noqa: ANN401 - any client
        """Let a client's requests go this way."""
        client.meta.events.unregister("before-send", botocore_stubber)

        def send(request: Any, event_name: str, **_: object) -> AWSResponse | None:  # noqa: ANN401 - botocore's
            operation = event_name.rpartition(".")[2]
            address, text = unquote(request.url), _text(request.body)
            self.asked.append((operation, address))
            met = self._broken(operation, address + text)
            if met is None:
                self._note(operation, text)
                return botocore_stubber(event_name, request)
            answer = botocore_stubber(event_name, request) if met.acts or met.cut else None
            if met.acts or met.cut:
                self._note(operation, text)
            if met.error is not None:
                if met.error is botocore.exceptions.ReadTimeoutError:
                    self._clock.sleep(client.meta.config.read_timeout)
                raise met.error(endpoint_url=request.url)
            if answer is not None and met.cut:
                content = answer.content[: len(answer.content) // 2]
                whole: Any = answer.headers
                return AWSResponse(request.url, answer.status_code, whole, _Raw(content))
            headers = HTTPHeaders.from_dict({"Content-Length": str(len(met.body)), "x-amzn-RequestId": "broken"})
            return AWSResponse(request.url, met.status, headers, _Raw(met.body))

        client.meta.events.register_first(f"before-send.{client.meta.service_model.service_id.hyphenize()}", send)

    def _broken(self, operation: str, text: str) -> Break | None:
        for place, each in enumerate(self.broken):
            if each.operation == operation and each.holds in text:
                self._met[place] += 1
                if each.times is None or self._met[place] <= each.times:
                    return each
        return None

    def _note(self, operation: str, text: str) -> None:
        if operation == "PutEvents":
            self.published += json.loads(text)["Entries"]


def _text(body: Any) -> str:  # noqa: ANN401 - bytes, or what can be read again
    if hasattr(body, "read"):
        body.seek(0)
        content = body.read()
        body.seek(0)
    else:
        content = body or b""
    return content.decode(errors="replace") if isinstance(content, bytes) else str(content)


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One invocation that is over: what it answered or raised, and all that it told."""

    report: Report
    answer: Mapping[str, Any] | None
    raised: str | None
    metrics: list[dict[str, Any]]
    log: list[dict[str, Any]]
    calls: int
    seconds: float

    @property
    def code(self) -> int:
        """The exit code that the command line would end with."""
        return _CODE[self.report.causes[0]] if self.report.causes else 0

    @property
    def words(self) -> str:
        """All that a person is told."""
        said = [self.raised or "", self.report.ending_words, *self.report.warnings, *self.report.unreadable_usage]
        said += [f"{each.revision} {each.words}" for each in self.report.troubles]
        said += [line["cause"] for line in self.log if "cause" in line]
        return "\n".join(said)


@dataclass
class Stage:
    """The account and its surroundings; ``night`` is one invocation."""

    monkeypatch: pytest.MonkeyPatch
    behaviour: Behaviour = field(default_factory=Behaviour)
    moto: str = ""
    """The service beside ECS that moto plays: ``s3``, ``events`` or ``ssm``. The others are plain stand-ins, faster."""
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START))

    def __post_init__(self) -> None:
        self.monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        self.memory = MemoryBlobs()
        if self.moto != "s3":
            self.monkeypatch.setattr("janitor.function_wiring.open_blobs", lambda *_, **__: self.memory)
        self.ecs = DisturbedEcs(clock=self.clock, behaviour=self.behaviour)
        self.wire = Wire(self.clock)
        self.prefix = uuid.uuid4().hex
        self.revisions = account()
        seed(self.ecs, self.revisions)
        self.used = set(_seed_users(self.ecs))
        self.gone_before: set[str] = set()
        self._clients: dict[str, Any] = {}
        self.monkeypatch.setattr("janitor.function_wiring.boto3", SimpleNamespace(Session=lambda: _Session(self)))

    @property
    def due(self) -> set[str]:
        """What may go, as the account was made."""
        return {f"{family}:{number}" for family, some in DUE.items() for number in some} - self.used

    def night(self, event: object = None, *, seconds: float = LAMBDA, **settings: str) -> Night:
        """Wake the function once, with nothing left of the night before but the store."""
        environment = {**ENVIRONMENT, "JANITOR_STORE": f"s3://{BUCKET}/{self.prefix}", **settings}
        made: list[Report] = []
        log, printed = io.StringIO(), io.StringIO()
        client_of = self._client_of
        place = Place(client=client_of("ecs"), clock=self.clock, executor=self.clock.executor, client_of=client_of)
        function = function_settings(environment, folder=Path())
        logger = Logger(service=f"stage-{uuid.uuid4().hex}", stream=log)
        logger._logger.propagate = False  # what it says is looked at here
        world = _watched(function_world(function, logger, account="123456789012", place=place), made)
        before, calls = self.clock.monotonic(), self.ecs.calls.total() + len(self.wire.asked)
        answer, raised = None, None
        with virtual_time(self.clock), redirect_stdout(printed):
            try:
                answer = respond(event or {"trigger": "schedule"}, function, world, seconds_left=seconds)
            except DutyRemains as error:
                raised = str(error)
        return Night(
            report=made[0],
            answer=answer,
            raised=raised,
            metrics=[json.loads(line) for line in printed.getvalue().splitlines()],
            log=[json.loads(line) for line in log.getvalue().splitlines()],
            calls=self.ecs.calls.total() + len(self.wire.asked) - calls,
            seconds=self.clock.monotonic() - before,
        )

    def _client_of(self, service: str) -> Any:  # noqa: ANN401 - any client
        """Return the client of a service that the embedded ECS answers for, made once, as in a warm function."""
        if service not in self._clients:
            self._clients[service] = client_maker(self.ecs)(service)
            self._clients[service].meta.events.unregister("before-send", botocore_stubber)
        return self._clients[service]

    def following(self) -> dict[str, Any]:
        """Return the event that EventBridge makes of what was published last."""
        entry = self.wire.published[-1]
        detail = json.loads(entry["Detail"])
        return {"source": entry["Source"], "detail-type": entry["DetailType"], "detail": detail}

    @property
    def state(self) -> dict[str, tuple[list[int], list[int]]]:
        """Which numbers of each family are ACTIVE and INACTIVE now."""
        return {
            family: (self.ecs.numbers(family, Status.ACTIVE), self.ecs.numbers(family, Status.INACTIVE))
            for family in FAMILIES
        }

    def status(self, name: str) -> str | None:
        """Return a revision's status now."""
        family, number = name.split(":")
        return self.ecs.status(family, int(number))

    @property
    def submitted(self) -> set[str]:
        """Every revision that a delete call named, answered or not."""
        return set(chain(*self.ecs.submitted))

    def histories(self) -> dict[str, tuple[Submission, ...]]:
        """Return what is on record of each revision that was due, the latest first."""
        kept = MemoryBlobs()
        store = S3Blobs(_reader(), BUCKET, self.prefix, None) if self.moto == "s3" else self.memory
        kept.contents = {key: store.get(key) or b"" for key in store.keys("record/")}
        return {name: self._history(kept, name) for name in self.due}

    def _history(self, kept: Blobs, name: str) -> tuple[Submission, ...]:
        family, number = name.split(":")
        found = history(kept, family, int(number))
        assert not found.unreadable
        return found.submissions

    def undisturb(self) -> None:
        """Let all go well from now on."""
        self.ecs.undisturb()
        self.wire.broken.clear()


def _watched(world: World, made: list[Report]) -> World:
    """Return a world whose reports are seen as well."""

    def metrics(report: Report, asked: Any, /, *, finished: bool, hopped_on: bool) -> None:  # noqa: ANN401 - passed on
        made.append(report)
        world.metrics(report, asked, finished=finished, hopped_on=hopped_on)

    return replace(world, metrics=metrics)


def short(arn: str) -> str:
    """Return a revision's name."""
    return arn.rpartition("/")[2]


DUE = {"etl": range(1, 9), "web": range(1, 15)}


def account() -> list[Revision]:
    """Return two families with all that keeps a revision, and two batches of what does not."""
    due = [
        revision(number, family, registered=400 - number, deregistered=300)
        for family, some in DUE.items()
        for number in some
    ]
    etl = [
        revision(9, "etl", registered=370, tags=("janitor:keep",)),
        revision(10, "etl", registered=369, deregistered=None),
        revision(11, "etl", registered=368, deregistered=3),
        revision(12, "etl", registered=367, deregistered=0.01),
        revision(13, "etl", registered=10, deregistered=5),
        revision(14, "etl", registered=9, deregistered=4),
        revision(15, "etl", registered=8, status=Status.ACTIVE),
    ]
    web = [
        revision(15, "web", registered=370),  # the newest two INACTIVE ones: old, and kept
        revision(16, "web", registered=369),
        revision(17, "web", registered=8, status=Status.ACTIVE),
    ]
    return sorted([*due, *etl, *web], key=lambda each: each.id)


def _seed_users(ecs: EmbeddedEcs) -> Iterator[str]:
    """Let each kind of user have one of what would be due; yield their names."""
    ecs.seed_service("prod", "shop", task_definition="web:3", deployments=["web:4"], previous_revisions=["web:6"])
    ecs.seed_service("prod", "blue", task_sets=["web:5"], controller="EXTERNAL")
    ecs.seed_task("batch", "web:7")
    ecs.seed_task("batch", "web:8", last_status="RUNNING", desired_status="STOPPED")
    ecs.event_bridge.add("hourly", "web:9")
    ecs.scheduler.add("daily", "web:10")
    ecs.step_functions.add("flow", "web:11")
    yield from (f"web:{number}" for number in range(3, 12))


class _Session:
    """Clients of other services: the one that moto plays on the wire."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def client(self, service: str, **options: Any) -> Any:  # noqa: ANN401 - any client
        if service != self._stage.moto:
            return self._stand_in(service)
        client: Any = cast("Any", session()).client(service, **options)
        self._stage.wire.take(client)
        return client

    def _stand_in(self, service: str) -> object:
        if service == "ssm":
            return SimpleNamespace(get_parameter=lambda **_: {"Parameter": {"Value": "off"}})
        return SimpleNamespace(put_events=self._put_events)

    def _put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, int]:  # noqa: N803 - EventBridge's name
        self._stage.wire.published += Entries
        return {"FailedEntryCount": 0}


@cache
def _reader() -> S3Client:
    return session().client("s3")

"""No content of a task definition gets out, whatever the command, the format, the fault or the crash."""

from __future__ import annotations

import gzip
import io
import json
import traceback
from contextlib import redirect_stdout
from datetime import timedelta
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools import Logger

from janitor import handler as lambda_entry
from janitor.cli.output import Format
from janitor.demo import embedded_place
from janitor.function import DutyRemains, respond
from janitor.function_wiring import function_world
from janitor.local.attach import virtual_time
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from janitor.settings.function import function_settings
from tests.commandline import run
from tests.e2e.planted import REPORTED, SECRET, SHOWN, definition, marks

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.local.replies import Json


def account(*, valid: bool = False) -> EmbeddedEcs:
    """Return an account with a family in which every text that the model knows is a secret."""
    clock = VirtualClock()
    ecs = EmbeddedEcs(clock=clock)
    now = clock.now()
    old = (now - timedelta(days=730), now - timedelta(days=729))
    body = definition(valid=valid)
    tags = {"team": f"{SECRET}.tag"}
    ecs.seed_family("secretive", count=12, registered=old, body=body, tags=tags)
    described = ecs.handle("DescribeTaskDefinition", {"taskDefinition": "secretive:1", "include": ["TAGS"]}).body
    assert marks(described) == marks(body) | {f"{SECRET}.tag"}, "all of it is on the wire"
    ecs.calls.clear()
    return ecs


def test_every_text_of_the_model_is_planted() -> None:
    """Nested, in lists, as keys and values of maps."""
    planted = marks(definition())
    assert len(planted) >= 100
    for name in (
        "containerDefinitions.environment.value",
        "containerDefinitions.secrets.valueFrom",
        "containerDefinitions.command",
        "containerDefinitions.dockerLabels.key",
        "containerDefinitions.logConfiguration.options.value",
        "volumes.efsVolumeConfiguration.fileSystemId",
        "proxyConfiguration.properties.value",
        "taskRoleArn",
    ):
        assert f"{SECRET}.{name}" in planted


def spoiled(**changes: Any) -> Callable[[EmbeddedEcs], None]:  # noqa: ANN401 - members of a definition
    """Return what makes every definition that leaves malformed, its secrets quoted where they do not belong."""

    def spoil(ecs: EmbeddedEcs) -> None:
        answer = ecs.handle

        def handle(operation: str, params: Json) -> Any:  # noqa: ANN401 - a reply
            reply = answer(operation, params)
            for each in (reply.body.get("taskDefinition"), *reply.body.get("taskDefinitions", [])):
                if isinstance(each, dict) and "secretive" in each.get("taskDefinitionArn", ""):
                    each.update(changes)
            return reply

        ecs.handle = handle  # type: ignore[method-assign] # between the account and the wire

    return spoil


def scripted(**options: Any) -> Callable[[EmbeddedEcs], None]:  # noqa: ANN401 - those of a fault
    """Return what scripts a fault."""
    return lambda ecs: ecs.faults.add(Fault(**options))


FAULTS: dict[str, Callable[[EmbeddedEcs], None]] = {
    "no fault": lambda _: None,
    "delete fails": scripted(operation="DeleteTaskDefinitions", code="ClientException", message="no"),
    "describe fails": scripted(operation="DescribeTaskDefinition", code="ServerException", message="no"),
    "delete is cut short": scripted(operation="DeleteTaskDefinitions", lost=Lost.MALFORMED_BODY, acts=True),
    "describe is cut short": scripted(operation="DescribeTaskDefinition", lost=Lost.MALFORMED_BODY, acts=True),
    "a date is none": spoiled(registeredAt=f"{SECRET}.date"),
    "a status is none": spoiled(status=f"{SECRET}.status"),
    "an ARN is none": spoiled(taskDefinitionArn=f"{SECRET}.secretive:1"),
    "containers are none": spoiled(containerDefinitions=f"{SECRET}.containers"),
}
COMMANDS = [
    ("report", "--exact", "--format", "json"),
    ("report", "--format", "json"),
    ("sweep", "--yes", "--format", "json"),
    ("explain", "secretive"),
    ("explain", "secretive:1"),
]
FORMATS = [
    *(("report", "--format", each.value) for each in Format),
    ("report", "--exact"),
    *(("sweep", "--yes", "--format", each.value) for each in Format),
    ("explain", "secretive", "--format", "json"),
    ("explain", "secretive:1", "--format", "json"),
]


@pytest.mark.parametrize(
    ("command", "fault"), [*product(COMMANDS, FAULTS), *((command, "no fault") for command in FORMATS)], ids=str
)
def test_no_content_reaches_an_output_or_the_store(command: tuple[str, ...], fault: str, tmp_path: Path) -> None:
    """Neither what is printed, nor record, cache or file, nor what history makes of them."""
    ecs = account()
    FAULTS[fault](ecs)
    store = ("--store", str(tmp_path)) if command[0] == "sweep" else ()
    ran = run(ecs, *command, *store)
    for each in marks(ran.out + ran.err):  # a table may cut what it shows
        assert any(shown.startswith(each) for shown in (SHOWN if command[0] == "explain" else REPORTED)), each
    if fault == "no fault":
        assert "secretive" in ran.out
    writes = {operation for operation in ecs.calls if not operation.startswith(("Describe", "List"))}
    assert writes <= ({"DeleteTaskDefinitions"} if command[0] == "sweep" else set())
    if command[0] == "sweep" and fault in {"no fault", "delete fails", "delete is cut short"}:
        assert stored(tmp_path)
        for target in ("secretive", "secretive:1"):
            assert not marks(run(ecs, "history", target, *store).out)
            assert not marks(run(ecs, "history", target, "--json", *store).out)
    assert not marks(stored(tmp_path))


def test_no_content_reaches_a_plan_or_what_applies_it(tmp_path: Path) -> None:
    """It holds numbers and the policy; the sweep that applies it says no more than any other."""
    ecs = account()
    plan = tmp_path / "plan.json"
    run(ecs, "report", "--exact", "-o", str(plan))
    assert "secretive" in plan.read_text(encoding="utf-8")
    ran = run(ecs, "sweep", "--yes", "--plan", str(plan))
    assert ecs.count("secretive", "DELETE_IN_PROGRESS") == 10
    assert marks(plan.read_text(encoding="utf-8") + ran.out + ran.err) <= REPORTED


def test_explain_shows_the_image(tmp_path: Path) -> None:
    """The one exception, and only there; an output file is no other place."""
    out = tmp_path / "explained.json"
    run(account(), "explain", "secretive:1", "-o", str(out))
    assert f"{SECRET}.containerDefinitions.image" in out.read_text(encoding="utf-8")


def test_an_archive_holds_the_definitions_and_nothing_beside_it_does(tmp_path: Path) -> None:
    """It is asked for by name, and neither sweep, history nor restore prints of it more than images."""
    ecs = account(valid=True)
    swept = run(ecs, "sweep", "--yes", "--archive", "--store", str(tmp_path))
    assert swept.code == 0
    archived = marks(stored(tmp_path / "archive"))
    assert f"{SECRET}.containerDefinitions.environment.value" in archived
    assert not marks(stored(tmp_path, leaving_out="archive"))
    for command in (("restore", "secretive:1", "--yes"), ("history", "secretive:1"), ("history", "secretive")):
        told = run(ecs, *command, "--store", str(tmp_path))
        assert marks(swept.out + swept.err + told.out + told.err) <= {f"{SECRET}.containerDefinitions.image"}


def stored(folder: Path, *, leaving_out: str = "") -> str:
    """Return all that lies in a store, names and contents."""
    texts = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).parts[0] != leaving_out:
            content = path.read_bytes()
            texts += [
                str(path),
                (gzip.decompress(content) if path.suffix == ".gz" else content).decode(errors="replace"),
            ]
    return "\n".join(texts)


# The function


def invoke(ecs: EmbeddedEcs, store: Path, event: object, seconds: float) -> str:
    """Wake the function once; return all that it answers, logs, prints, publishes and raises."""
    clock = ecs.clock
    assert isinstance(clock, VirtualClock)
    environment = {"JANITOR_STACK": "prod", "JANITOR_MODE": "delete", "JANITOR_STORE": str(store)}
    function = function_settings(environment, folder=Path())
    log, printed = io.StringIO(), io.StringIO()
    logger = Logger(service=f"secrets-{id(log)}", stream=log)
    published: list[object] = []

    def put_events(**entries: object) -> dict[str, int]:
        published.append(entries)
        return {"FailedEntryCount": 0}

    events = SimpleNamespace(put_events=put_events)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), virtual_time(clock):
        session = SimpleNamespace(client=lambda *_, **__: events)
        patch.setattr("janitor.function_wiring.boto3", SimpleNamespace(Session=lambda: session))
        world = function_world(function, logger, place=embedded_place(ecs, clock))
        try:
            told = json.dumps(respond(event, function, world, seconds_left=seconds))
        except DutyRemains as error:
            told = "".join(traceback.format_exception(error))
    return "\n".join((told, log.getvalue(), printed.getvalue(), repr(published)))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("event", [{"trigger": "schedule"}, {"mode": "report"}], ids=str)
def test_no_content_leaves_the_function(event: dict[str, str], fault: str, tmp_path: Path) -> None:
    """Answer, log, metrics, events, record, due cache and last report."""
    ecs = account()
    FAULTS[fault](ecs)
    told = invoke(ecs, tmp_path, event, 900.0)
    assert "secretive" in told or fault != "no fault"
    assert marks(told) <= REPORTED
    assert stored(tmp_path)
    assert marks(stored(tmp_path)) <= REPORTED


# Crashes


class Bug(Exception):
    """Nobody expects it."""


@pytest.fixture
def buggy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program crash with a definition in its hands."""

    def crash(asked: object, described: object, *_: object) -> None:
        assert marks(described)
        raise Bug(f"a bug at {asked}")

    monkeypatch.setattr("janitor.aws.task_definitions._revision", crash)


@pytest.mark.usefixtures("buggy")
@pytest.mark.parametrize("command", [("report",), ("sweep", "--yes"), ("explain", "secretive:1")], ids=" ".join)
def test_no_content_reaches_the_traceback_of_a_crash(command: tuple[str, ...]) -> None:
    """It shows the lines of the program, not what they held."""
    with pytest.raises(Bug) as crashed:
        run(account(), *command, "--family", "secretive")
    shown = "".join(traceback.format_exception(crashed.value))
    assert "a bug at secretive:" in shown
    assert not marks(shown)


@pytest.mark.usefixtures("buggy")
def test_no_content_reaches_the_log_of_a_crash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Lambda's log has the traceback as well."""
    ecs = account()
    clock = ecs.clock
    assert isinstance(clock, VirtualClock)
    log = io.StringIO()
    logger = Logger(service="secrets-crash", stream=log)
    monkeypatch.setattr(lambda_entry, "logger", logger)
    function = function_settings({"JANITOR_STACK": "prod", "JANITOR_STORE": str(tmp_path)}, folder=Path())
    session = SimpleNamespace(client=lambda *_, **__: None)
    monkeypatch.setattr("janitor.function_wiring.boto3", SimpleNamespace(Session=lambda: session))
    world = function_world(function, logger, place=embedded_place(ecs, clock))
    monkeypatch.setattr(lambda_entry, "_ready", lambda _: (function, world))
    context: Any = SimpleNamespace(
        aws_request_id="r-1",
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:janitor",
        get_remaining_time_in_millis=lambda: 900_000,
    )
    with pytest.raises(Bug):
        lambda_entry.handler({"mode": "report", "families": ["secretive"]}, context)
    shown = log.getvalue() + "".join(capsys.readouterr())
    assert "a bug at secretive:" in shown
    assert not marks(shown)

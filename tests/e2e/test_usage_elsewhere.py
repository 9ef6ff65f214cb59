"""The installed program against ECS at one endpoint and the other services at somebody else's: moto's server."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from janitor.local.behaviour import Behaviour
from janitor.local.ecs import EmbeddedEcs
from janitor.local.server import serve
from janitor.wiring import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

ECS = "arn:aws:ecs:eu-west-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/start-tasks"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """Serve an account's rule, schedule and state machine, each of which names a revision."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        _fill(boto3.Session("test", "test", region_name="eu-west-1"), url)
        yield url
    finally:
        server.stop()


def _fill(session: boto3.Session, url: str) -> None:
    def target(reference: str) -> Any:  # noqa: ANN401 - a target of either service
        parameters = {"TaskDefinitionArn": f"{ECS}:task-definition/{reference}"}
        return {"Arn": f"{ECS}:cluster/main", "RoleArn": ROLE, "EcsParameters": parameters}

    events = session.client("events", endpoint_url=url)
    events.create_event_bus(Name="orders")
    events.put_rule(Name="placed", EventPattern='{"source": ["orders"]}', EventBusName="orders", State="DISABLED")
    events.put_targets(Rule="placed", EventBusName="orders", Targets=[target("web:3") | {"Id": "1"}])
    scheduler = session.client("scheduler", endpoint_url=url)
    scheduler.create_schedule(
        Name="hourly", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target("web:4")
    )
    run = {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "End": True}
    run["Parameters"] = {"TaskDefinition": f"{ECS}:task-definition/web:5"}
    machine = {"StartAt": "Run", "States": {"Run": run}}
    states = session.client("stepfunctions", endpoint_url=url)
    states.create_state_machine(name="month-end", definition=json.dumps(machine), roleArn=ROLE)


@pytest.fixture
def ecs(elsewhere: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedEcs]:
    """Serve a family of 20 INACTIVE revisions that are long due, and point the environment to both endpoints."""
    ecs = EmbeddedEcs(clock=SystemClock(), behaviour=Behaviour(), record=True)
    now = datetime.now(UTC)
    ecs.seed_family("web", count=20, registered=(now - timedelta(days=500), now - timedelta(days=400)))
    ecs.seed_service("main", "shop", task_definition="web:1", task_sets=["web:2"], controller="EXTERNAL")
    with serve(ecs) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", elsewhere)
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", url)
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield ecs


def _run(*arguments: str, expected: int = 0) -> Any:  # noqa: ANN401 - JSON
    command = [sys.executable, "-m", "janitor", *arguments, "--keep-newest", "0", "--format", "json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - ours
    assert ran.returncode == expected, ran.stderr
    return json.loads(ran.stdout)


def test_what_others_name_is_kept(ecs: EmbeddedEcs) -> None:
    """Exactly those, each with its reason."""
    for number, words in (
        (3, "EventBridge rule placed on bus orders names it"),
        (4, "EventBridge schedule hourly in group default names it"),
        (5, "Step Functions state machine month-end names it"),
    ):
        (found,) = _run("explain", f"web:{number}")
        assert (found["used_by"], found["decision"]) == (words, "KEEP")
    report = _run("sweep", "--yes")
    assert ecs.numbers("web") == [1, 2, 3, 4, 5]
    assert report["totals"]["kept_by_reason"] == {"in_use": 5}


def test_an_endpoint_that_does_not_know_a_service_keeps_everything(
    ecs: EmbeddedEcs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the policy says that it need not be asked."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SFN", "http://127.0.0.1:9")
    report = _run("sweep", "--yes", expected=1)
    assert not ecs.deleted_requests
    (unreadable,) = report["usage_not_read"]
    assert unreadable.startswith("Step Functions state machines could not be read (no answer from http://127.0.0.1:9")

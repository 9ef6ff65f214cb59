"""The embedded EventBridge, Scheduler and Step Functions as botocore meets them, in process and over HTTP."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from janitor.local.attach import attach
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from janitor.local.server import serve
from janitor.wiring import clients
from tests.builders import client_maker, session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROLE = "arn:aws:iam::123456789012:role/start-tasks"
TARGET: Any = {"Arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/main", "RoleArn": ROLE}


@pytest.fixture(params=["in process", "over HTTP"])
def world(request: pytest.FixtureRequest) -> Iterator[tuple[EmbeddedEcs, Callable[[str], Any]]]:
    """Provide an embedded ECS and what makes clients of it, by either transport."""
    ecs = EmbeddedEcs(clock=VirtualClock(), behaviour=Behaviour(throttling=False))
    if request.param == "in process":
        yield ecs, client_maker(ecs)
    else:
        with serve(ecs) as url:
            yield ecs, clients(session(), url)


def test_a_rule_is_put_and_listed(world: tuple[EmbeddedEcs, Callable[[str], Any]]) -> None:
    """With its targets, page by page; putting it again changes it."""
    events = world[1]("events")
    for name in ("b", "a", "c"):
        arn = events.put_rule(Name=name, ScheduleExpression="rate(1 day)")["RuleArn"]
        assert arn == f"arn:aws:events:eu-west-1:123456789012:rule/{name}"
    events.put_rule(Name="a", EventPattern="{}", State="DISABLED")
    ecs = {"EcsParameters": {"TaskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1"}}
    assert events.put_targets(Rule="a", Targets=[{**TARGET, **ecs, "Id": "1"}])["FailedEntryCount"] == 0
    assert [bus["Name"] for bus in events.list_event_buses()["EventBuses"]] == ["default"]
    first = events.list_rules(Limit=2)
    assert [(rule["Name"], rule["State"]) for rule in first["Rules"]] == [("a", "DISABLED"), ("b", "ENABLED")]
    rest = events.list_rules(Limit=2, NextToken=first["NextToken"], EventBusName="default")
    assert [rule["Name"] for rule in rest["Rules"]] == ["c"]
    assert "NextToken" not in rest
    assert events.list_targets_by_rule(Rule="a")["Targets"] == [{**TARGET, **ecs, "Id": "1"}]
    assert events.list_targets_by_rule(Rule="b")["Targets"] == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda client_of: client_of("events").list_rules(EventBusName="nowhere"),
        lambda client_of: client_of("events").list_targets_by_rule(Rule="nothing"),
        lambda client_of: client_of("scheduler").get_schedule(Name="nothing"),
    ],
)
def test_what_is_not_there_is_said_to_be_missing(
    world: tuple[EmbeddedEcs, Callable[[str], Any]], ask: Callable[[Callable[[str], Any]], object]
) -> None:
    """By the code that the models declare."""
    with pytest.raises(ClientError) as raised:
        ask(world[1])
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_schedule_is_created_listed_and_read(world: tuple[EmbeddedEcs, Callable[[str], Any]]) -> None:
    """In the REST form; a listing tells of the target only where it is."""
    scheduler = world[1]("scheduler")
    target = {**TARGET, "EcsParameters": {"TaskDefinitionArn": "arn:web:1"}}
    for name, group in (("b", "default"), ("a", "default"), ("x.y_z-1", "other")):
        scheduler.create_schedule(
            Name=name,
            GroupName=group,
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )
    with pytest.raises(scheduler.exceptions.ConflictException):
        scheduler.create_schedule(
            Name="a", ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
        )
    first = scheduler.list_schedules(MaxResults=2)
    assert [schedule["Name"] for schedule in first["Schedules"]] == ["a", "b"]
    assert first["Schedules"][0]["Target"] == {"Arn": TARGET["Arn"]}
    rest = scheduler.list_schedules(MaxResults=2, NextToken=first["NextToken"])
    assert [(each["GroupName"], each["Name"]) for each in rest["Schedules"]] == [("other", "x.y_z-1")]
    assert len(scheduler.list_schedules(GroupName="other")["Schedules"]) == 1
    read = scheduler.get_schedule(Name="x.y_z-1", GroupName="other")
    assert read["Target"] == target
    assert read["State"] == "ENABLED"
    assert read["Arn"] == "arn:aws:scheduler:eu-west-1:123456789012:schedule/other/x.y_z-1"


def test_a_state_machine_is_created_listed_and_described(world: tuple[EmbeddedEcs, Callable[[str], Any]]) -> None:
    """With its definition, to the letter."""
    states = world[1]("stepfunctions")
    definition = json.dumps({"StartAt": "S", "States": {"S": {"Type": "Succeed", "Comment": "ünïcode"}}})
    arns = [
        states.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]
        for name in ("b", "a", "c")
    ]
    first = states.list_state_machines(maxResults=2)
    assert [machine["name"] for machine in first["stateMachines"]] == ["a", "b"]
    rest = states.list_state_machines(maxResults=2, nextToken=first["nextToken"])
    assert [machine["name"] for machine in rest["stateMachines"]] == ["c"]
    assert states.describe_state_machine(stateMachineArn=arns[0])["definition"] == definition
    with pytest.raises(states.exceptions.StateMachineDoesNotExist):
        states.describe_state_machine(stateMachineArn=f"{arns[0]}x")


def test_a_token_of_another_listing_is_refused(world: tuple[EmbeddedEcs, Callable[[str], Any]]) -> None:
    """Each is good for the listing that it came from."""
    ecs, client_of = world
    for name in "ab":
        ecs.event_bridge.add(name, "web:1")
    token = client_of("events").list_rules(Limit=1)["NextToken"]
    with pytest.raises(ClientError):
        client_of("events").list_event_buses(NextToken=token)


@pytest.mark.parametrize(
    ("service", "operation", "ask"),
    [
        ("events", "ListRules", lambda client: client.list_rules()),
        ("scheduler", "ListSchedules", lambda client: client.list_schedules()),
        ("stepfunctions", "ListStateMachines", lambda client: client.list_state_machines()),
    ],
)
def test_faults_befall_every_service(
    world: tuple[EmbeddedEcs, Callable[[str], Any]], service: str, operation: str, ask: Callable[[Any], object]
) -> None:
    """An error by its code, an answer that is lost; calls are counted."""
    ecs, client_of = world
    client = client_of(service)
    ecs.faults.add(Fault(operation=operation, code="AccessDeniedException", message="no", times=1))
    with pytest.raises(ClientError, match=r"AccessDeniedException.*no"):
        ask(client)
    ecs.faults.clear()
    ask(client)
    assert ecs.calls == {operation: 2}


def test_an_answer_can_be_lost() -> None:
    """For every service alike."""
    ecs = EmbeddedEcs(clock=VirtualClock())
    ecs.faults.add(Fault(operation="GetSchedule", lost=Lost.CONNECTION_CLOSED))
    client = session().client("scheduler", config=Config(retries={"mode": "standard", "total_max_attempts": 1}))
    attach(client, ecs)
    with pytest.raises(ConnectionClosedError):
        client.get_schedule(Name="a")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/schedules", 200),
        ("GET", "/schedules?MaxResults=1", 200),
        ("GET", "/schedules?MaxResults=many", 400),
        ("GET", "/schedules/a/b", 404),
        ("GET", "/favicon.ico", 404),
        ("POST", "/schedules/a", 400),
        ("POST", "/elsewhere", 400),
    ],
)
def test_a_request_in_rest_form_is_answered_in_it(method: str, path: str, status: int) -> None:
    """Whatever it is, and the connection stays usable."""
    with serve(EmbeddedEcs(clock=VirtualClock())) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        for wanted, asked in ((status, path), (200, "/schedules")):
            connection.request(method if asked == path else "GET", asked)
            response = connection.getresponse()
            body = json.loads(response.read())
            assert response.status == wanted
            assert response.headers.get("x-amzn-ErrorType") == body.get("__type")
        connection.close()

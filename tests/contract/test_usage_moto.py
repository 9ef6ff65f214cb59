"""Usage as other people's EventBridge, Scheduler and Step Functions tell it: moto's, in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from janitor.aws.client import Api
from janitor.aws.usage import READERS, AwsUsage
from janitor.local.clock import VirtualClock
from janitor.wiring import clients

if TYPE_CHECKING:
    from collections.abc import Iterator

    from janitor.core.model import FamilyUsage

REGION = "eu-west-1"
ECS = f"arn:aws:ecs:{REGION}:123456789012"
CLUSTER = f"{ECS}:cluster/main"
ROLE = "arn:aws:iam::123456789012:role/start-tasks"
WINDOW: Any = {"Mode": "OFF"}


def task_definition(reference: str) -> str:
    """Return an ARN."""
    return f"{ECS}:task-definition/{reference}"


def ecs_target(reference: str) -> Any:  # noqa: ANN401 - a target of either service
    """Return a target that starts a task."""
    return {
        "Arn": CLUSTER,
        "RoleArn": ROLE,
        "EcsParameters": {"TaskDefinitionArn": task_definition(reference)},
    }


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    """Provide a session of an account that exists only in this process."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        yield boto3.Session("test", "test", region_name=REGION)


def usage_of(session: boto3.Session, family: str) -> FamilyUsage:
    """Return who uses a family."""
    client_of, clock = clients(session), VirtualClock()
    api = Api(client_of("ecs"), clock=clock)
    return AwsUsage(api, workers=clock.executor(READERS), client_of=client_of).of(family)


def test_an_empty_account_uses_nothing(session: boto3.Session) -> None:
    """And everything can be read."""
    found = usage_of(session, "web")
    assert (found.reasons, found.unreadable, found.warnings) == ({}, (), ())


def test_rules_of_every_bus_are_read_beyond_a_page(session: boto3.Session) -> None:
    """Disabled ones too; a bare family and another kind of target name no revision."""
    events = session.client("events")
    events.create_event_bus(Name="orders")
    for number in range(1, 121):
        rule = f"rule-{number}"
        events.put_rule(Name=rule, ScheduleExpression="rate(1 day)", State="DISABLED" if number % 2 else "ENABLED")
        events.put_targets(Rule=rule, Targets=[ecs_target(f"web:{number}") | {"Id": "1"}])
    events.put_rule(Name="placed", EventPattern='{"source": ["orders"]}', EventBusName="orders")
    targets: Any = [{"Id": "1", **ecs_target("web:200")}, {"Id": "2", **ecs_target("web")}]
    events.put_targets(Rule="placed", EventBusName="orders", Targets=targets)
    events.put_rule(Name="queue", ScheduleExpression="rate(1 day)")
    events.put_targets(Rule="queue", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:123456789012:web"}])
    found = usage_of(session, "web")
    assert found.unreadable == ()
    assert set(found.reasons) == {*range(1, 121), 200}
    assert found.reasons[7] == "EventBridge rule rule-7 on bus default names it"
    assert found.reasons[200] == "EventBridge rule placed on bus orders names it"


def test_schedules_of_every_group_are_read(session: boto3.Session) -> None:
    """Disabled ones too; others that start no tasks name nothing."""
    scheduler = session.client("scheduler")
    scheduler.create_schedule_group(Name="reports")
    for number in range(1, 121):
        scheduler.create_schedule(
            Name=f"schedule-{number}",
            GroupName="reports" if number % 3 else "default",
            State="DISABLED" if number % 2 else "ENABLED",
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow=WINDOW,
            Target=ecs_target(f"web:{number}"),
        )
    run_task: Any = {"Arn": "arn:aws:scheduler:::aws-sdk:ecs:runTask", "RoleArn": ROLE}
    scheduler.create_schedule(
        Name="universal",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow=WINDOW,
        Target=run_task | {"Input": json.dumps({"TaskDefinition": task_definition("web:200")})},
    )
    found = usage_of(session, "web")
    assert found.unreadable == ()
    assert set(found.reasons) == {*range(1, 121), 200}
    assert found.reasons[3] == "EventBridge schedule schedule-3 in group default names it"


def test_state_machines_are_read(session: boto3.Session) -> None:
    """What they take from their input is a warning."""
    states = session.client("stepfunctions")

    def create(name: str, parameters: dict[str, str]) -> None:
        resource = "arn:aws:states:::ecs:runTask.sync"
        state = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}
        inner = {"StartAt": "Run", "States": {"Run": state}}
        outer = {"StartAt": "All", "States": {"All": {"Type": "Map", "ItemProcessor": inner, "End": True}}}
        states.create_state_machine(name=name, definition=json.dumps(outer), roleArn=ROLE)

    for number in range(1, 121):
        create(f"machine-{number}", {"TaskDefinition": task_definition(f"web:{number}")})
    create("latest", {"TaskDefinition": "web"})
    create("any", {"TaskDefinition.$": "$.task_definition"})
    found = usage_of(session, "web")
    assert found.unreadable == ()
    assert set(found.reasons) == set(range(1, 121))
    assert found.reasons[3] == "Step Functions state machine machine-3 names it"
    assert found.warnings == ("what these start depends on their input, so it is not protected: state machine any",)

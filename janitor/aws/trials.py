"""Each reading permission, tried by a call that asks for as little as possible.

AWS decides about the permission before it looks for what is named (not documented): so any answer but a refusal of the
caller counts as permitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from janitor.errors import AccessDenied, CallFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_ecs.client import ECSClient
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_scheduler.client import EventBridgeSchedulerClient
    from mypy_boto3_stepfunctions.client import SFNClient

    from janitor.aws.client import Api, ServiceApi

ACTIONS = (
    "ecs:DescribeServiceRevisions",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTasks",
    "ecs:ListClusters",
    "ecs:ListServiceDeployments",
    "ecs:ListServices",
    "ecs:ListTaskDefinitionFamilies",
    "ecs:ListTaskDefinitions",
    "ecs:ListTasks",
    "events:ListEventBuses",
    "events:ListRules",
    "events:ListTargetsByRule",
    "scheduler:GetSchedule",
    "scheduler:ListSchedules",
    "states:DescribeStateMachine",
    "states:ListStateMachines",
)

NAME = "janitor-doctor"
"""What is asked for where something has to be named: nothing that exists."""

_TASK = "0" * 32


_SERVICES = {"states": "stepfunctions"}
"""IAM's prefix → boto3's name, where they differ."""


def _trials(region: str) -> Mapping[str, Callable[[Any], Any]]:
    """Return the harmless call of each action, on a client of its service."""
    return {**_of_ecs(region), **_of_events(), **_of_scheduler(), **_of_states(region)}


def _of_ecs(region: str) -> Mapping[str, Callable[[ECSClient], Any]]:
    """Return those of ECS; the ARNs name nothing."""
    arn = f"arn:aws:ecs:{region}:{'0' * 12}:"
    service = f"{arn}service/{NAME}/{NAME}"
    revision = f"{arn}service-revision/{NAME}/{NAME}/1"
    return {
        "ecs:DescribeServiceRevisions": lambda ecs: ecs.describe_service_revisions(serviceRevisionArns=[revision]),
        "ecs:DescribeServices": lambda ecs: ecs.describe_services(cluster=NAME, services=[NAME]),
        "ecs:DescribeTaskDefinition": lambda ecs: ecs.describe_task_definition(
            taskDefinition=f"{NAME}:1", include=["TAGS"]
        ),
        "ecs:DescribeTasks": lambda ecs: ecs.describe_tasks(cluster=NAME, tasks=[_TASK]),
        "ecs:ListClusters": lambda ecs: ecs.list_clusters(maxResults=1),
        "ecs:ListServiceDeployments": lambda ecs: ecs.list_service_deployments(
            cluster=NAME, service=service, maxResults=1
        ),
        "ecs:ListServices": lambda ecs: ecs.list_services(cluster=NAME, maxResults=1),
        "ecs:ListTaskDefinitionFamilies": lambda ecs: ecs.list_task_definition_families(status="ALL", maxResults=1),
        "ecs:ListTaskDefinitions": lambda ecs: ecs.list_task_definitions(status="INACTIVE", maxResults=1),
        "ecs:ListTasks": lambda ecs: ecs.list_tasks(cluster=NAME, maxResults=1),
    }


def _of_events() -> Mapping[str, Callable[[EventBridgeClient], Any]]:
    return {
        "events:ListEventBuses": lambda events: events.list_event_buses(Limit=1),
        "events:ListRules": lambda events: events.list_rules(Limit=1),
        "events:ListTargetsByRule": lambda events: events.list_targets_by_rule(Rule=NAME, Limit=1),
    }


def _of_scheduler() -> Mapping[str, Callable[[EventBridgeSchedulerClient], Any]]:
    return {
        "scheduler:GetSchedule": lambda scheduler: scheduler.get_schedule(Name=NAME),
        "scheduler:ListSchedules": lambda scheduler: scheduler.list_schedules(MaxResults=1),
    }


def _of_states(region: str) -> Mapping[str, Callable[[SFNClient], Any]]:
    machine = f"arn:aws:states:{region}:{'0' * 12}:stateMachine:{NAME}"
    return {
        "states:DescribeStateMachine": lambda states: states.describe_state_machine(stateMachineArn=machine),
        "states:ListStateMachines": lambda states: states.list_state_machines(maxResults=1),
    }


def denied(api: Api, client_of: Callable[[str], Any], action: str) -> str | None:
    """Return why an action of ``ACTIONS`` is denied, or None if it is not. ``client_of`` is the place's.

    Raises:
        Unreachable: if no answer came.
        CallFailed: if the answer was none of ECS's.
    """
    prefix, _, operation = action.partition(":")
    asked: ServiceApi[Any] = api if prefix == "ecs" else api.beside(client_of(_SERVICES.get(prefix, prefix)))
    try:
        with asked.calling(operation) as client:
            _trials(api.region)[action](client)
    except AccessDenied as error:
        return error.detail
    except CallFailed as error:
        if error.code in {"MalformedResponse", "ResponseParserError", "UnknownOperationException"}:
            raise
    return None


def knows_deletion_dates(api: Api) -> bool:
    """Say whether this botocore reads ``deleteRequestedAt``: those before 1.43.0 drop it."""
    return "deleteRequestedAt" in api.client.meta.service_model.shape_for("TaskDefinition").members  # type: ignore[attr-defined]  # a structure

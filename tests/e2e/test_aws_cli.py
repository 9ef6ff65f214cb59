"""The AWS CLI, which knows nothing of us, takes the embedded ECS for ECS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.families import Status
from janitor.local.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.aws_cli import AwsCli

CONTAINERS = '[{"name": "main", "image": "busybox", "environment": [{"name": "GREETING", "value": "grüß dich"}]}]'
ARN = "arn:aws:ecs:eu-west-1:123456789012:"


@dataclass(frozen=True, slots=True)
class Stage:
    """An embedded ECS and the AWS CLI pointed at it."""

    ecs: EmbeddedEcs
    aws: AwsCli


@pytest.fixture
def stage(aws_cli: AwsCli) -> Iterator[Stage]:
    """Provide an empty embedded ECS that never throttles."""
    ecs = EmbeddedEcs(clock=VirtualClock(), behaviour=Behaviour(throttling=False))
    with serve(ecs) as url:
        yield Stage(ecs, replace(aws_cli, endpoint_url=url))


def numbers(arns: list[str]) -> list[int]:
    """Return the revision numbers at the end of the ARNs."""
    return [int(arn.rpartition(":")[2]) for arn in arns]


def test_a_revision_lives_from_registration_until_it_is_gone(stage: Stage) -> None:
    """Registered, run, deregistered, deleted: it lingers while its task runs, then it is gone."""
    ecs, aws = stage.ecs, stage.aws
    aws.ask("create-cluster", "--cluster-name", "prod")
    registered = aws.ask("register-task-definition", "--family", "etl", "--container-definitions", CONTAINERS)
    task = aws.ask("run-task", "--cluster", "prod", "--task-definition", "etl")["tasks"][0]["taskArn"]
    deregistered = aws.ask("deregister-task-definition", "--task-definition", "etl:1")["taskDefinition"]
    ecs.clock.sleep(600)
    inactive = aws.error("run-task", "--cluster", "prod", "--task-definition", "etl:1")
    deleted = aws.ask("delete-task-definitions", "--task-definitions", "etl:1")
    ecs.clock.sleep(3600)
    lingering = aws.ask("describe-task-definition", "--task-definition", "etl:1")["taskDefinition"]
    aws.ask("stop-task", "--cluster", "prod", "--task", task)
    gone = aws.error("describe-task-definition", "--task-definition", "etl:1")

    assert registered["taskDefinition"]["containerDefinitions"][0]["environment"][0]["value"] == "grüß dich"
    assert deregistered["status"] == "INACTIVE"
    assert inactive.endswith("(ClientException) when calling the RunTask operation: TaskDefinition is inactive")
    assert [each["status"] for each in deleted["taskDefinitions"]] == ["DELETE_IN_PROGRESS"]
    assert lingering["status"] == "DELETE_IN_PROGRESS"
    assert {"registeredAt", "deregisteredAt", "deleteRequestedAt"} <= lingering.keys()
    assert gone.endswith("operation: Unable to describe task definition.")
    assert aws.ask("list-task-definition-families")["families"] == []


@pytest.mark.parametrize(
    ("options", "calls"), [((), 3), (("--page-size", "40"), 7), (("--sort", "DESC"), 3), (("--max-items", "120"), 2)]
)
def test_the_clis_own_paginator_lists_every_revision_in_order(
    stage: Stage, options: tuple[str, ...], calls: int
) -> None:
    """Numbers are numbers, 2 before 10, both ways and whatever the page size."""
    stage.ecs.seed_family("etl", count=250)

    listed = stage.aws.ask("list-task-definitions", "--family-prefix", "etl", "--status", "INACTIVE", *options)

    expected = list(range(250, 0, -1)) if "DESC" in options else list(range(1, 251))
    assert numbers(listed["taskDefinitionArns"]) == (expected[:120] if "120" in options else expected)
    assert stage.ecs.calls["ListTaskDefinitions"] == calls


def test_the_cli_resumes_where_it_stopped(stage: Stage) -> None:
    """Its own starting token carries ours."""
    stage.ecs.seed_family("etl", count=25)
    options = ("list-task-definitions", "--status", "INACTIVE", "--page-size", "10", "--max-items", "15")
    first = stage.aws.ask(*options)
    second = stage.aws.ask(*options, "--starting-token", first["NextToken"])

    assert numbers(first["taskDefinitionArns"] + second["taskDefinitionArns"]) == list(range(1, 26))


def test_partial_success_is_printed_with_its_failures(stage: Stage) -> None:
    """The command succeeds, one revision is deleted, the ACTIVE and the missing one are failures."""
    stage.ecs.seed_family("etl", count=1)
    stage.ecs.seed_family("etl", count=1, status=Status.ACTIVE)

    printed = stage.aws.ask("delete-task-definitions", "--task-definitions", "etl:1", "etl:2", "etl:3")

    assert [each["revision"] for each in printed["taskDefinitions"]] == [1]
    assert [each["arn"] for each in printed["failures"]] == [f"{ARN}task-definition/etl:{number}" for number in (2, 3)]
    assert all(each["reason"] for each in printed["failures"])


def test_a_description_comes_with_tags_and_dates(stage: Stage) -> None:
    """In one call; the CLI prints dates as they came, as seconds since the epoch."""
    now = stage.ecs.clock.now()
    stage.ecs.seed_family(
        "etl",
        count=1,
        registered=(now - timedelta(days=2), now),
        lifetime=timedelta(days=1),
        tags={"team": "data"},
        registered_by=f"{ARN}role/airflow",
    )

    printed = stage.aws.ask("describe-task-definition", "--task-definition", "etl:1", "--include", "TAGS")

    assert printed["tags"] == [{"key": "team", "value": "data"}]
    assert printed["taskDefinition"]["registeredAt"] == (now - timedelta(days=2)).timestamp()
    assert printed["taskDefinition"]["deregisteredAt"] == (now - timedelta(days=1)).timestamp()
    assert printed["taskDefinition"]["registeredBy"] == f"{ARN}role/airflow"


def test_services_and_tasks_say_what_they_use(stage: Stage) -> None:
    """Clusters, services, deployments, task sets and tasks are listed and described."""
    ecs, aws = stage.ecs, stage.aws
    ecs.seed_service("prod", "web", task_definition="web:3", deployments=["web:2"], previous_revisions=["web:1"])
    ecs.seed_service("prod", "blue", controller="CODE_DEPLOY", task_definition="blue:1", task_sets=["blue:2"])
    task = ecs.seed_task("prod", "etl:7")

    clusters = aws.ask("list-clusters")["clusterArns"]
    services = aws.ask("list-services", "--cluster", "prod")["serviceArns"]
    described = aws.ask("describe-services", "--cluster", "prod", "--services", *services, "none")
    rollouts = aws.ask("list-service-deployments", "--cluster", "prod", "--service", "web")["serviceDeployments"]
    revisions = aws.ask(
        "describe-service-revisions",
        "--service-revision-arns",
        *(each["targetServiceRevisionArn"] for each in rollouts),
    )["serviceRevisions"]
    tasks = aws.ask("describe-tasks", "--cluster", "prod", "--tasks", task)["tasks"]

    blue, web = described["services"]
    assert clusters == [f"{ARN}cluster/prod"]
    assert [each["taskDefinition"] for each in web["deployments"]] == [
        f"{ARN}task-definition/web:{number}" for number in (3, 2)
    ]
    assert [each["taskDefinition"] for each in blue["taskSets"]] == [f"{ARN}task-definition/blue:2"]
    assert [each["reason"] for each in described["failures"]] == ["MISSING"]
    assert [each["taskDefinition"][-1] for each in revisions] == ["3", "2", "1"]
    assert [each["taskDefinitionArn"] for each in tasks] == [f"{ARN}task-definition/etl:7"]


def test_throttling_is_an_error_once_the_clis_attempts_are_used_up(aws_cli: AwsCli) -> None:
    """The CLI recognises it as throttling: it tried again before it gave up."""
    ecs = EmbeddedEcs(clock=VirtualClock())
    while not ecs.throttled:
        ecs.handle("DeleteTaskDefinitions", {"taskDefinitions": ["etl:1"]})
    before = ecs.calls["DeleteTaskDefinitions"]
    environment = {"AWS_MAX_ATTEMPTS": "2", "AWS_RETRY_MODE": "standard"}
    with serve(ecs) as url:
        aws = replace(aws_cli, endpoint_url=url, environment=environment)
        error = aws.error("delete-task-definitions", "--task-definitions", "etl:1")

    assert "(ThrottlingException) when calling the DeleteTaskDefinitions operation" in error
    assert "Rate exceeded" in error
    assert ecs.calls["DeleteTaskDefinitions"] - before == 2


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("list-task-definitions", "--status", "GONE"), "InvalidParameterException"),
        (("list-task-definitions", "--starting-token", "nonsense", "--page-size", "101"), "InvalidParameterException"),
        (("delete-task-definitions", "--task-definitions", "etl"), "InvalidParameterException"),
        (("describe-services", "--services", "web"), "ClusterNotFoundException"),
        (("list-account-settings",), "UnknownOperationException"),
    ],
)
def test_wrong_input_is_an_error_with_its_code(stage: Stage, command: tuple[str, ...], code: str) -> None:
    """The CLI prints the code as it prints AWS's."""
    assert f"({code}) when calling" in stage.aws.error(*command)

"""Believable bodies of task definitions, derived from a number so that none needs to be stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.local.families import Body
    from janitor.local.replies import Json

SIZE_LIMIT = 64 * 1024  # the API's limit for one task definition

_REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
_PARAMETERS = "arn:aws:ssm:eu-west-1:123456789012:parameter"
_ROLES = "arn:aws:iam::123456789012:role"
_BUILD = 40  # revisions that run the same image
_PLAIN = 1_800  # about the size of a body without padding


def job(family: str, *, repository: str | None = None, size: int = 0) -> Callable[[int], Body]:
    """Return the bodies of a batch job as Airflow registers it for each run; ``size`` is about how many bytes."""
    padding = _padding(size - _PLAIN)

    def body(number: int) -> Body:
        environment = [
            {"name": "AIRFLOW_CTX_DAG_ID", "value": family},
            {"name": "AIRFLOW_CTX_TRY_NUMBER", "value": "1"},
            {"name": "AIRFLOW_CTX_DAG_RUN_ID", "value": f"scheduled__{number:07d}"},
            {"name": "DBT_TARGET", "value": "prod"},
            *padding,
        ]
        container = _container(family, number, repository or family, environment)
        return _definition(family, container | {"command": ["dbt", "build", "--select", f"run_{number}"]})

    return body


def web(family: str, *, repository: str | None = None, size: int = 0) -> Callable[[int], Body]:
    """Return the bodies of a web service, one for each deploy."""
    padding = _padding(size - _PLAIN)

    def body(number: int) -> Body:
        environment = [{"name": "PORT", "value": "8080"}, {"name": "RELEASE", "value": f"v{number}"}, *padding]
        container = _container(family, number, repository or family, environment)
        return _definition(
            family, container | {"portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}]}
        )

    return body


def _padding(size: int) -> list[Json]:
    """Return environment variables that together weigh about that many bytes."""
    variable = {"name": "SETTING_0000", "value": "x" * 200}
    count = max(0, size) // len(json.dumps(variable))
    return [variable | {"name": f"SETTING_{index:04d}"} for index in range(count)]


def _container(family: str, number: int, repository: str, environment: list[Json]) -> Json:
    build = crc32(f"{family}:{number // _BUILD}".encode())
    return {
        "name": "main",
        "image": f"{_REGISTRY}/{repository}:{build:08x}",
        "cpu": 0,
        "essential": True,
        "portMappings": [],
        "environment": environment,
        "mountPoints": [],
        "volumesFrom": [],
        "secrets": [
            {"name": "WAREHOUSE_PASSWORD", "valueFrom": f"{_PARAMETERS}/{family}/warehouse-password"},
            {"name": "SENTRY_DSN", "valueFrom": f"{_PARAMETERS}/{family}/sentry-dsn"},
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": f"/ecs/{family}",
                "awslogs-region": "eu-west-1",
                "awslogs-stream-prefix": "main",
            },
        },
        "systemControls": [],
    }


def _definition(family: str, container: Json) -> dict[str, Any]:
    return {
        "containerDefinitions": [container],
        "taskRoleArn": f"{_ROLES}/{family}-task",
        "executionRoleArn": f"{_ROLES}/ecs-execution",
        "networkMode": "awsvpc",
        "volumes": [],
        "placementConstraints": [],
        "compatibilities": ["EC2", "FARGATE"],
        "requiresCompatibilities": ["FARGATE"],
        "requiresAttributes": [{"name": "com.amazonaws.ecs.capability.logging-driver.awslogs"}],
        "cpu": "1024",
        "memory": "2048",
    }

"""What the doctor reads beside ECS: who calls, and the stack as it is deployed. Nothing here writes."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import botocore.exceptions
import botocore.parsers
from botocore.config import Config

from janitor.aws.client import DENIED
from janitor.errors import AccessDenied, CallFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_cloudwatch.client import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_scheduler.client import EventBridgeSchedulerClient
    from mypy_boto3_sts.client import STSClient

ACTIONS = (
    "cloudwatch:DescribeAlarms",
    "iam:SimulatePrincipalPolicy",
    "lambda:GetFunctionConfiguration",
    "scheduler:GetSchedule",
    "scheduler:ListSchedules",
    "sts:GetCallerIdentity",
)
"""The last needs no permission (AWS STS API reference)."""

CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=10)
"""Of these clients: a check that nobody answers should not hold up the others."""

_ASSUMED = re.compile(r"arn:(?P<partition>[^:]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: account and ARN."""

    account: str
    arn: str

    @property
    def principal(self) -> str | None:
        """Return the user or role whose policies decide. A role's path is not in its session's ARN: it is left out."""
        assumed = _ASSUMED.fullmatch(self.arn)
        if assumed is not None:
            return f"arn:{assumed['partition']}:iam::{assumed['account']}:role/{assumed['role']}"
        return self.arn if ":user/" in self.arn or ":role/" in self.arn else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """The function's configuration, as far as it matters. ``timeout`` in seconds, ``memory`` in MB."""

    arn: str
    role: str
    runtime: str
    handler: str
    timeout: int
    memory: int
    state: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule that wakes the function."""

    name: str
    enabled: bool
    expression: str
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm that watches the stack, with CloudWatch's word for its state and its reason."""

    name: str
    state: Literal["ALARM", "INSUFFICIENT_DATA", "OK"]
    reason: str


@contextmanager
def _asking(action: str) -> Iterator[None]:
    """Turn what a call raises into our own errors: ``AccessDenied`` with the permission, or ``CallFailed``."""
    operation = action.partition(":")[2]
    try:
        yield
    except botocore.exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "Unknown")
        detail = error.response.get("Error", {}).get("Message", "") or "no message"
        if code in DENIED:
            raise AccessDenied(action, f"{code}: {detail}") from error
        raise CallFailed(operation, code, detail) from error
    except (botocore.exceptions.BotoCoreError, botocore.parsers.ResponseParserError) as error:
        raise CallFailed(operation, type(error).__name__, str(error)) from error
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        message = f"the answer could not be read ({type(error).__name__})"
        raise CallFailed(operation, "MalformedResponse", message) from None


def caller(sts: STSClient) -> Caller:
    """Return who the credentials belong to."""
    with _asking("sts:GetCallerIdentity"):
        answer = sts.get_caller_identity()
        return Caller(account=answer["Account"], arn=answer["Arn"])


def deployed(client: LambdaClient, function: str) -> Deployed:
    """Return the configuration of a function."""
    with _asking("lambda:GetFunctionConfiguration"):
        answer = client.get_function_configuration(FunctionName=function)
        return Deployed(
            arn=answer["FunctionArn"],
            role=answer["Role"],
            runtime=answer.get("Runtime", "none"),
            handler=answer.get("Handler", "none"),
            timeout=answer["Timeout"],
            memory=answer["MemorySize"],
            state=answer.get("State", "unknown"),
            environment=answer.get("Environment", {}).get("Variables", {}),
        )


def schedules(client: EventBridgeSchedulerClient, function_arn: str) -> list[Schedule]:
    """Return the schedules of EventBridge Scheduler that wake a function, or a version or alias of it."""
    found: list[Schedule] = []
    with _asking("scheduler:ListSchedules"):
        pages = list(client.get_paginator("list_schedules").paginate())
    for each in (schedule for page in pages for schedule in page.get("Schedules", [])):
        target = each.get("Target", {}).get("Arn", "")
        if target != function_arn and not target.startswith(f"{function_arn}:"):
            continue
        with _asking("scheduler:GetSchedule"):
            whole = client.get_schedule(Name=each["Name"], GroupName=each.get("GroupName", "default"))
        found.append(
            Schedule(
                name=each["Name"],
                enabled=whole.get("State", "ENABLED") == "ENABLED",
                expression=whole.get("ScheduleExpression", "?"),
                time_zone=whole.get("ScheduleExpressionTimezone", "UTC"),
            )
        )
    return found


def alarms(client: CloudWatchClient, dimensions: Mapping[str, str]) -> list[Alarm]:
    """Return the alarms on metrics with one of these dimensions: the stack's own, and those of its function."""
    with _asking("cloudwatch:DescribeAlarms"):
        pages = client.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
        return [
            Alarm(name=each["AlarmName"], state=each["StateValue"], reason=each.get("StateReason", ""))
            for page in pages
            for each in page.get("MetricAlarms", [])
            if any(dimensions.get(name) == value for name, value in _dimensions(each))
        ]


def _dimensions(alarm: MetricAlarmTypeDef) -> Iterator[tuple[str, str]]:
    metrics: list[Any] = [each.get("MetricStat", {}).get("Metric", {}) for each in alarm.get("Metrics", [])]
    for metric in (alarm, *metrics):
        for dimension in metric.get("Dimensions", []):
            yield dimension["Name"], dimension["Value"]


def simulated(client: IAMClient, principal: str, action: str, resource: str) -> str:
    """Return what IAM would decide: ``allowed``, ``explicitDeny`` or ``implicitDeny``. It performs nothing."""
    with _asking("iam:SimulatePrincipalPolicy"):
        answer = client.simulate_principal_policy(
            PolicySourceArn=principal, ActionNames=[action], ResourceArns=[resource]
        )
        return answer["EvaluationResults"][0]["EvalDecision"]

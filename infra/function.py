"""The function: its zip, its log, its role, and where a run goes that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.cloudwatch import LogGroup
from pulumi_aws.iam import Role, RolePolicy
from pulumi_aws.lambda_ import Function as LambdaFunction
from pulumi_aws.lambda_ import FunctionEventInvokeConfig

from infra.bundle import HANDLER, POLICY, PROJECT, PYTHON, build
from infra.permissions import trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.failures import Failures
    from infra.names import Names
    from infra.settings import StackSettings

ZIP = PROJECT / "infra" / ".build" / "function.zip"

NONE_RESERVED = -1  # as Pulumi says it

TIMEOUT = 900  # seconds: Lambda's most, and what a hop is planned for
_RETRIES = 1  # a run that crashed may go on; one that a person is needed for fails again at once
_EVENT_AGE = 21_600  # seconds that an event may wait for its turn: Lambda's most


class Function(pulumi.ComponentResource):
    """Runs one hop at each event. ``permissions`` makes its policy of the log group's ARN."""

    def __init__(
        self,
        names: Names,
        settings: StackSettings,
        *,
        environment: dict[str, pulumi.Input[str]],
        permissions: Callable[[pulumi.Output[str]], pulumi.Output[str]],
        failures: Failures,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("janitor:infra:Function", names.short, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        log = LogGroup(names.short, name=names.log_group, retention_in_days=settings.log_retention_days, opts=own)
        role = Role(
            f"{names.short}-function",
            assume_role_policy=pulumi.Output.json_dumps(trust("lambda.amazonaws.com")),
            opts=own,
        )
        self.code = pulumi.FileArchive(str(build(ZIP, policy=settings.policy_file).relative_to(PROJECT / "infra")))
        policy = RolePolicy(f"{names.short}-function", role=role.id, policy=permissions(log.arn), opts=own)
        function = LambdaFunction(
            names.short,
            name=names.prefix,
            description="Deletes old INACTIVE ECS task definition revisions",
            code=self.code,
            handler=HANDLER,
            runtime=f"python{PYTHON}",
            architectures=["arm64"],
            memory_size=settings.memory_megabytes,
            timeout=TIMEOUT,
            reserved_concurrent_executions=settings.reserved_concurrency or NONE_RESERVED,
            role=role.arn,
            environment={"variables": environment},
            logging_config={"log_format": "JSON", "log_group": log.name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        FunctionEventInvokeConfig(
            names.short,
            function_name=function.name,
            maximum_retry_attempts=_RETRIES,
            maximum_event_age_in_seconds=_EVENT_AGE,
            destination_config={"on_failure": {"destination": failures.arn}},
            opts=own,
        )
        self.name = function.name
        self.arn = function.arn
        self.register_outputs({})


def environment(
    names: Names, settings: StackSettings, *, store: pulumi.Output[str], brake: pulumi.Output[str]
) -> dict[str, pulumi.Input[str]]:
    """Return the function's variables: what the stack says, and nothing where it is silent."""
    flags = settings.flags
    said = {
        "JANITOR_MODE": settings.mode.value,
        "JANITOR_MAX_DELETIONS": flags.max_deletions,
        "JANITOR_ABORT_ABOVE": flags.abort_above,
        "JANITOR_ARCHIVE": "true" if flags.archive else None,
        "JANITOR_METRIC_FAMILIES": str(settings.metric_families),
    }
    return {**judging(names, settings), **_said(said), "JANITOR_STORE": store, "JANITOR_BRAKE": brake}


def judging(names: Names, settings: StackSettings) -> dict[str, pulumi.Input[str]]:
    """Return the variables by which revisions are judged, for whatever judges them."""
    flags = settings.flags
    said = {
        "JANITOR_STACK": names.stack,
        "JANITOR_RETENTION": flags.older_than,
        "JANITOR_KEEP_NEWEST": flags.keep_newest,
        "JANITOR_INCLUDE": ",".join(flags.family) or None,
        "JANITOR_EXCLUDE": ",".join(flags.exclude) or None,
        "JANITOR_POLICY": None if settings.policy_file is None else POLICY,
        "JANITOR_USAGE_OFF": ",".join(flags.usage_off) or None,
        "JANITOR_LOOKUP_TABLE": flags.lookup_table,
        "JANITOR_WARNING_PERCENT": str(settings.warning_percent),
    }
    return _said(said)


def _said(values: dict[str, str | None]) -> dict[str, pulumi.Input[str]]:
    return {name: value for name, value in values.items() if value is not None}

"""The widget: a function of its own that shows the last report on a dashboard, and may only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.cloudwatch import LogGroup
from pulumi_aws.iam import Role, RolePolicy
from pulumi_aws.lambda_ import Function as LambdaFunction

from infra.bundle import PYTHON, WIDGET_HANDLER
from infra.function import NONE_RESERVED, judging
from infra.permissions import trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.names import Names
    from infra.settings import StackSettings

MEMORY = 512  # megabytes: with less processor time a first answer takes seconds
TIMEOUT = 60  # seconds: a dry run begins nothing new after 15, and waits up to 30 for an answer
RESERVED = 2
"""Of an account that can reserve concurrency at all: whoever opens a dashboard takes no more of it."""


class Widget(pulumi.ComponentResource):
    """Answers whoever looks at a dashboard. ``permissions`` makes its policy of the log group's ARN.

    CloudWatch calls it with the viewer's own rights (Amazon CloudWatch user guide, custom widgets): it lets nobody in.
    """

    def __init__(
        self,
        names: Names,
        settings: StackSettings,
        *,
        code: pulumi.FileArchive,
        store: pulumi.Output[str],
        permissions: Callable[[pulumi.Output[str]], pulumi.Output[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("janitor:infra:Widget", names.short, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        name = f"{names.short}-widget"
        log = LogGroup(name, name=names.widget_log_group, retention_in_days=settings.log_retention_days, opts=own)
        role = Role(name, assume_role_policy=pulumi.Output.json_dumps(trust("lambda.amazonaws.com")), opts=own)
        policy = RolePolicy(name, role=role.id, policy=permissions(log.arn), opts=own)
        function = LambdaFunction(
            name,
            name=names.widget,
            description="Shows the revision janitor's last report on a CloudWatch dashboard; only reads",
            code=code,
            handler=WIDGET_HANDLER,
            runtime=f"python{PYTHON}",
            architectures=["arm64"],
            memory_size=MEMORY,
            timeout=TIMEOUT,
            reserved_concurrent_executions=NONE_RESERVED if settings.reserved_concurrency is None else RESERVED,
            role=role.arn,
            environment={"variables": {**judging(names, settings), "JANITOR_STORE": store}},
            logging_config={"log_format": "JSON", "log_group": log.name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.arn = function.arn
        self.name = function.name
        self.register_outputs({})

"""What wakes the function: the nightly schedule, and the hop before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.cloudwatch import EventRule, EventTarget
from pulumi_aws.iam import Role, RolePolicy
from pulumi_aws.lambda_ import Permission
from pulumi_aws.scheduler import Schedule as SchedulerSchedule

from infra.permissions import allow, document, trust
from janitor.settings.function import EVENT_SOURCE, UNFINISHED, Trigger

if TYPE_CHECKING:
    from infra.failures import Failures
    from infra.function import Function
    from infra.names import Names
    from infra.settings import StackSettings

EVENT = {"trigger": Trigger.SCHEDULE.value, "execution": "<aws.scheduler.execution-id>"}
"""What the function is woken with; the Scheduler fills in its own id (EventBridge Scheduler user guide)."""

DELIVERY_SECONDS = 3_600
DELIVERY_ATTEMPTS = 10
"""How long and how often a start or a hop is tried before it goes to the failures."""


class Schedule(pulumi.ComponentResource):
    """Starts a sweep. The Scheduler's retries are about delivery alone."""

    def __init__(
        self,
        names: Names,
        settings: StackSettings,
        *,
        function: Function,
        failures: Failures,
        account: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("janitor:infra:Schedule", names.short, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        trusted = trust("scheduler.amazonaws.com", StringEquals={"aws:SourceAccount": account})
        role = Role(f"{names.short}-schedule", assume_role_policy=pulumi.Output.json_dumps(trusted), opts=own)
        policy = RolePolicy(
            f"{names.short}-schedule",
            role=role.id,
            policy=pulumi.Output.all(function.arn, failures.arn).apply(
                lambda arns: json.dumps(
                    document(allow(["lambda:InvokeFunction"], [arns[0]]), allow(["sqs:SendMessage"], [arns[1]]))
                )
            ),
            opts=own,
        )
        minutes = settings.flexible_window_minutes
        SchedulerSchedule(
            names.short,
            name=names.prefix,
            description="Starts a sweep",
            schedule_expression=settings.schedule_expression,
            schedule_expression_timezone=settings.time_zone,
            flexible_time_window=(
                {"mode": "FLEXIBLE", "maximum_window_in_minutes": minutes} if minutes else {"mode": "OFF"}
            ),
            target={
                "arn": function.arn,
                "role_arn": role.arn,
                "input": json.dumps(EVENT),
                "retry_policy": {
                    "maximum_event_age_in_seconds": DELIVERY_SECONDS,
                    "maximum_retry_attempts": DELIVERY_ATTEMPTS,
                },
                "dead_letter_config": {"arn": failures.arn},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.register_outputs({})


class Hops(pulumi.ComponentResource):
    """Wakes the function for the next hop when its own stack says that a sweep is unfinished."""

    def __init__(self, names: Names, *, function: Function, failures: Failures, opts: pulumi.ResourceOptions) -> None:
        super().__init__("janitor:infra:Hops", names.short, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        rule = EventRule(
            f"{names.short}-hops",
            name=f"{names.prefix}-hops",
            description="Wakes the next hop of an unfinished sweep",
            event_pattern=json.dumps(
                {"source": [EVENT_SOURCE], "detail-type": [UNFINISHED], "detail": {"stack": [names.stack]}}
            ),
            opts=own,
        )
        permission = Permission(
            f"{names.short}-hops",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            opts=own,
        )
        EventTarget(
            f"{names.short}-hops",
            rule=rule.name,
            arn=function.arn,
            retry_policy={
                "maximum_event_age_in_seconds": DELIVERY_SECONDS,
                "maximum_retry_attempts": DELIVERY_ATTEMPTS,
            },
            dead_letter_config={"arn": failures.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        self.rule_arn = rule.arn
        self.register_outputs({})

"""Who is told: the topic and its addresses, and the rule that names the families near the limit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_aws.cloudwatch import EventRule, EventTarget
from pulumi_aws.sns import Topic, TopicPolicy, TopicSubscription

from infra.permissions import document
from infra.schedule import DELIVERY_ATTEMPTS, DELIVERY_SECONDS
from janitor.settings.function import EVENT_SOURCE, FINISHED, Trigger

if TYPE_CHECKING:
    from infra.failures import Failures
    from infra.names import Names
    from infra.settings import StackSettings


class Notices(pulumi.ComponentResource):
    """A topic for alarms and messages. Not encrypted with AWS's own key: alarms could not publish to it."""

    def __init__(
        self,
        names: Names,
        settings: StackSettings,
        *,
        failures: Failures,
        account: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("janitor:infra:Notices", names.short, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        topic = Topic(f"{names.short}-notices", name=f"{names.prefix}-notices", opts=own)
        policy = TopicPolicy(
            f"{names.short}-notices",
            arn=topic.arn,
            policy=pulumi.Output.json_dumps(document(*_may_publish(topic.arn, account))),
            opts=own,
        )
        for address in settings.alarm_emails:
            TopicSubscription(f"{names.short}-{address}", topic=topic.arn, protocol="email", endpoint=address, opts=own)
        rule = EventRule(
            f"{names.short}-near-limit",
            name=f"{names.prefix}-near-limit",
            description="Names the families near the limit, after each nightly sweep",
            event_pattern=json.dumps(near_limit_pattern(names.stack)),
            opts=own,
        )
        EventTarget(
            f"{names.short}-near-limit",
            rule=rule.name,
            arn=topic.arn,
            input_transformer=near_limit_message(settings),
            retry_policy={
                "maximum_event_age_in_seconds": DELIVERY_SECONDS,
                "maximum_retry_attempts": DELIVERY_ATTEMPTS,
            },
            dead_letter_config={"arn": failures.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.arn = topic.arn
        self.rule_arn = rule.arn
        self.register_outputs({})


def _may_publish(topic: pulumi.Output[str], account: pulumi.Output[str]) -> list[dict[str, Any]]:
    """Let alarms of this account publish, and rules: for these a topic's policy can have no condition.

    (Amazon EventBridge user guide, resource-based policies: a condition would never hold.)
    """
    publish = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    return [
        publish
        | {
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
        publish | {"Principal": {"Service": "events.amazonaws.com"}},
    ]


def near_limit_pattern(stack: str) -> dict[str, Any]:
    """Return what a nightly sweep's last event looks like where families are above the warning threshold."""
    return {
        "source": [EVENT_SOURCE],
        "detail-type": [FINISHED],
        "detail": {
            "stack": [stack],
            "trigger": [Trigger.SCHEDULE.value],
            "narrowed": [False],
            "families_above_warning_count": [{"numeric": [">", 0]}],
        },
    }


def near_limit_message(settings: StackSettings) -> Any:  # noqa: ANN401 - a TypedDict that pulumi-aws does not export
    """Return how the event becomes a sentence. The names in the template are the paths' keys."""
    paths = {
        each: f"$.detail.{path}"
        for each, path in {
            "account": "account",
            "count": "families_above_warning_count",
            "families": "message",
            "region": "region",
            "stack": "stack",
        }.items()
    }
    template = (
        f"Task definition families at {settings.warning_percent} % of their limit of 1,000,000 revisions or above: "
        "<count> (account <account>, <region>, stack <stack>). <families>. "
        f"What to do: {settings.runbook}#near-the-limit"
    )
    return {"input_paths": paths, "input_template": json.dumps(template)}

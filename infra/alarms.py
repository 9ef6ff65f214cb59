"""What rings: each alarm as a value, then as a resource that acts on ALARM and on OK.

Where data are missing CloudWatch looks further back than the alarm's own window (Amazon CloudWatch user guide, missing
data), so that a heartbeat which only breaches on silence comes days late: silence is filled with zeros instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_aws.cloudwatch import MetricAlarm

from janitor.core.metric import NAMESPACE, TRAITS, Dimension, Metric, Statistic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.names import Names
    from infra.settings import StackSettings

MINUTES = 300
HOUR = 3_600
DAY = 86_400

DAYS_TO_LIMIT = 90
"""Days to the limit below which an alarm rings."""

GROWTH_DAYS = 3
"""Days that one day of growth goes on ringing."""

IN_PROGRESS_SECONDS = 90_000
"""Seconds in DELETE_IN_PROGRESS that need looking at: an hour over the day that a deployment may hold a revision."""


class Compare(StrEnum):
    """Ways to ring, as CloudWatch calls them."""

    AT_LEAST = "GreaterThanOrEqualToThreshold"
    ABOVE = "GreaterThanThreshold"
    BELOW = "LessThanThreshold"


class Missing(StrEnum):
    """What a period without data counts as, as CloudWatch calls it."""

    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One series of figures; it is known by ``id`` in an expression."""

    metric: str
    statistic: Statistic
    dimensions: Mapping[str, pulumi.Input[str]]
    namespace: str = NAMESPACE
    id: str = "watched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm: ``periods`` of so many seconds, of which ``ringing`` must breach, all if None."""

    name: str
    says: str
    watched: Sequence[Watched]
    period: int
    threshold: float
    compare: Compare
    missing: Missing
    chapter: str
    periods: int = 1
    ringing: int | None = None
    expression: str | None = None


def alarms(
    names: Names, settings: StackSettings, *, function: pulumi.Input[str], queue: pulumi.Input[str]
) -> list[Alarm]:
    """Return every alarm of a stack, with the function and the queue by their names."""

    def ours(metric: Metric, name: str = "watched") -> Watched:
        return Watched(
            metric=metric.value,
            statistic=TRAITS[metric].over_time,
            dimensions={Dimension.STACK.value: names.stack},
            id=name,
        )

    def utilization(name: str, metric: Metric, percent: int, says: str) -> Alarm:
        return Alarm(
            name=name,
            says=f"A family holds {percent} % of {says}",
            watched=[ours(metric)],
            period=DAY,
            threshold=percent,
            compare=Compare.AT_LEAST,
            missing=Missing.IGNORE,
            chapter="near-the-limit",
        )

    count = "the revisions that the limit of 1,000,000 allows, or more"
    number = "the numbers that the limit of 1,000,000 allows, or more; clean-up cannot lower it, a new family name can"
    return [
        utilization("count-warning", Metric.COUNT_UTILIZATION, settings.warning_percent, count),
        utilization("count-critical", Metric.COUNT_UTILIZATION, settings.critical_percent, count),
        utilization("number-warning", Metric.NUMBER_UTILIZATION, settings.warning_percent, number),
        utilization("number-critical", Metric.NUMBER_UTILIZATION, settings.critical_percent, number),
        Alarm(
            name="days-to-limit",
            says=f"At its present rate a family meets the limit in less than {DAYS_TO_LIMIT} days",
            watched=[ours(Metric.DAYS_TO_LIMIT)],
            period=DAY,
            threshold=DAYS_TO_LIMIT,
            compare=Compare.BELOW,
            missing=Missing.IGNORE,
            chapter="near-the-limit",
        ),
        Alarm(
            name="growth",
            says=f"A family grows by more than {settings.registrations_per_day:,} registrations a day",
            watched=[ours(Metric.REGISTRATIONS_PER_DAY)],
            period=DAY,
            periods=GROWTH_DAYS,
            ringing=1,
            threshold=settings.registrations_per_day,
            compare=Compare.ABOVE,
            missing=Missing.NOT_BREACHING,
            chapter="growth",
        ),
        Alarm(
            name="refused",
            says="ECS refused to delete a revision, or the call failed",
            watched=[ours(Metric.REFUSED_REVISIONS, "refused"), ours(Metric.FAILED_REVISIONS, "failed")],
            expression="refused + failed",
            period=HOUR,
            threshold=1,
            compare=Compare.AT_LEAST,
            missing=Missing.NOT_BREACHING,
            chapter="refused-or-failed-revisions",
        ),
        Alarm(
            name="stuck",
            says="A revision has been in DELETE_IN_PROGRESS for over 25 hours",
            watched=[ours(Metric.DELETE_IN_PROGRESS_AGE)],
            period=DAY,
            threshold=IN_PROGRESS_SECONDS,
            compare=Compare.ABOVE,
            missing=Missing.NOT_BREACHING,
            chapter="stuck-in-delete_in_progress",
        ),
        Alarm(
            name="errors",
            says="The function failed",
            watched=[
                Watched(
                    namespace="AWS/Lambda",
                    metric="Errors",
                    statistic=Statistic.SUM,
                    dimensions={"FunctionName": function},
                )
            ],
            period=MINUTES,
            threshold=1,
            compare=Compare.AT_LEAST,
            missing=Missing.NOT_BREACHING,
            chapter="a-failed-run",
        ),
        Alarm(
            name="failures",
            says="Something failed for good and lies in the queue of failures",
            watched=[
                Watched(
                    namespace="AWS/SQS",
                    metric="ApproximateNumberOfMessagesVisible",
                    statistic=Statistic.MAXIMUM,
                    dimensions={"QueueName": queue},
                )
            ],
            period=MINUTES,
            threshold=1,
            compare=Compare.AT_LEAST,
            missing=Missing.NOT_BREACHING,
            chapter="a-failed-run",
        ),
        Alarm(
            name="no-sweep",
            says=f"No sweep has come to its end, or to its next hop, for {settings.heartbeat_hours} hours",
            watched=[ours(Metric.SWEEPS, "sweeps")],
            expression="FILL(sweeps, 0)",
            period=HOUR,
            periods=settings.heartbeat_hours,
            threshold=1,
            compare=Compare.BELOW,
            missing=Missing.BREACHING,
            chapter="no-sweep",
        ),
    ]


class Alarms(pulumi.ComponentResource):
    """The alarms as resources; all of them tell one topic, that they ring and that they have stopped."""

    def __init__(
        self,
        names: Names,
        settings: StackSettings,
        *,
        function: pulumi.Output[str],
        queue: pulumi.Output[str],
        topic: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("janitor:infra:Alarms", names.short, None, opts)
        self.arns = [
            MetricAlarm(
                f"{names.short}-{each.name}",
                name=f"{names.prefix}-{each.name}",
                alarm_description=f"{each.says}. What to do: {settings.runbook}#{each.chapter}",
                comparison_operator=each.compare.value,
                threshold=each.threshold,
                evaluation_periods=each.periods,
                datapoints_to_alarm=each.ringing or each.periods,
                treat_missing_data=each.missing.value,
                alarm_actions=[topic],
                ok_actions=[topic],
                opts=pulumi.ResourceOptions(parent=self),
                **_figures(each),
            ).arn
            for each in alarms(names, settings, function=function, queue=queue)
        ]
        self.register_outputs({})


def _figures(alarm: Alarm) -> dict[str, Any]:
    """Return what an alarm watches, as the arguments of its resource: one metric, or an expression of several."""
    if alarm.expression is None:
        (watched,) = alarm.watched
        return {
            "namespace": watched.namespace,
            "metric_name": watched.metric,
            "dimensions": dict(watched.dimensions),
            "statistic": watched.statistic.value,
            "period": alarm.period,
        }
    metrics = [
        {
            "id": each.id,
            "metric": {
                "namespace": each.namespace,
                "metric_name": each.metric,
                "dimensions": dict(each.dimensions),
                "stat": each.statistic.value,
                "period": alarm.period,
            },
            "return_data": False,
        }
        for each in alarm.watched
    ]
    figure = {"id": "figure", "expression": alarm.expression, "label": alarm.name, "return_data": True}
    return {"metric_queries": [figure, *metrics]}

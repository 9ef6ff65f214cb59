"""The dashboard: where families stand, what was done about it, and how the janitor itself is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_aws.cloudwatch import Dashboard

from janitor.aws.brake import RELEASED
from janitor.core.metric import NAMESPACE, TRAITS, Dimension, Metric, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infra.names import Names
    from infra.settings import StackSettings

Widget = dict[str, Any]
Row = tuple[int, list[Widget]]
"""Widgets side by side, as wide as each other, of one height in units of the grid."""

COLUMNS = 24  # of the grid (Amazon CloudWatch user guide, dashboard body)
DAY = 86_400
HOUR = 3_600

LABELS = {
    Metric.REVISION_COUNT: "Revisions",
    Metric.HIGHEST_REVISION: "Highest number",
    Metric.COUNT_UTILIZATION: "Count, % of the limit",
    Metric.NUMBER_UTILIZATION: "Highest number, % of the limit",
    Metric.REGISTRATIONS_PER_DAY: "Registrations a day",
    Metric.DAYS_TO_LIMIT: "Days to the limit",
    Metric.INACTIVE_REVISIONS: "INACTIVE",
    Metric.DUE_REVISIONS: "Due",
    Metric.DELETED_REVISIONS: "Deleted",
    Metric.REFUSED_REVISIONS: "Refused",
    Metric.FAILED_REVISIONS: "Failed",
    Metric.KEPT_IN_USE: "Kept: in use",
    Metric.ACTIVE_ORPHANS: "ACTIVE, used by nobody",
    Metric.DELETE_IN_PROGRESS: "DELETE_IN_PROGRESS",
    Metric.DELETE_IN_PROGRESS_AGE: "Longest in DELETE_IN_PROGRESS",
    Metric.SWEEPS: "Sweeps and hops",
    Metric.SWEEP_DURATION: "Time spent sweeping",
    Metric.API_CALLS: "API calls",
    Metric.THROTTLED_CALLS: "Throttled calls",
}
"""What people read beside a line."""


def rows(
    names: Names,
    settings: StackSettings,
    *,
    function: pulumi.Input[str],
    alarms: Sequence[Any],
    widget: pulumi.Input[str] | None,
) -> list[Row]:
    """Return the dashboard from top to bottom; ``widget`` is the ARN of the function that shows the last report."""
    graphs = _Graphs(names, settings)
    return [
        (3, [{"type": "text", "properties": {"markdown": _explanation(names, settings)}}]),
        (3, [{"type": "alarm", "properties": {"title": "Alarms", "alarms": list(alarms)}}]),
        *([] if widget is None else [(12, [_last_report(names, settings, widget)])]),
        (
            7,
            [
                graphs.families(Metric.COUNT_UTILIZATION, "How full: revisions that exist (clean-up lowers it)"),
                graphs.families(
                    Metric.NUMBER_UTILIZATION, "How full: highest number (only a new family name lowers it)"
                ),
            ],
        ),
        (
            6,
            [
                graphs.families(Metric.REVISION_COUNT, "Revisions by family"),
                graphs.families(Metric.REGISTRATIONS_PER_DAY, "Registrations a day by family"),
                graphs.families(Metric.DAYS_TO_LIMIT, "Days to the limit by family"),
            ],
        ),
        (
            6,
            [
                graphs.totals("Due and deleted", DAY, Metric.DUE_REVISIONS, Metric.DELETED_REVISIONS),
                graphs.totals("ACTIVE orphans: runs that did not deregister", DAY, Metric.ACTIVE_ORPHANS),
                graphs.totals(
                    "Kept in use, refused, failed",
                    DAY,
                    *(Metric.KEPT_IN_USE, Metric.REFUSED_REVISIONS, Metric.FAILED_REVISIONS),
                ),
                graphs.totals(
                    "Deletion in progress", DAY, Metric.DELETE_IN_PROGRESS, right=Metric.DELETE_IN_PROGRESS_AGE
                ),
            ],
        ),
        (
            6,
            [
                graphs.totals("Sweeps and hops", HOUR, Metric.SWEEPS, right=Metric.SWEEP_DURATION),
                graphs.totals("API calls", HOUR, Metric.API_CALLS, right=Metric.THROTTLED_CALLS),
                graphs.function(function),
            ],
        ),
    ]


def body(rows: Iterable[Row]) -> dict[str, Any]:
    """Return a dashboard's body: each row below the one before, its widgets filling the width."""
    widgets: list[Widget] = []
    top = 0
    for height, row in rows:
        width = COLUMNS // len(row)
        for place, widget in enumerate(row):
            widgets.append({"x": place * width, "y": top, "width": width, "height": height, **widget})
        top += height
    return {"start": "-P3M", "periodOverride": "inherit", "widgets": widgets}


def _last_report(names: Names, settings: StackSettings, widget: pulumi.Input[str]) -> Widget:
    """Return the widget that shows the last report; the time range of the dashboard is none of its business."""
    return {
        "type": "custom",
        "properties": {
            "title": "The last report",
            "endpoint": widget,
            "params": {"stack": names.stack, "stale_hours": settings.heartbeat_hours},
            "updateOn": {"refresh": True, "resize": True, "timeRange": False},
        },
    }


class _Graphs:
    """Graphs of one stack's metrics, each read as its traits say."""

    def __init__(self, names: Names, settings: StackSettings) -> None:
        self._names = names
        self._settings = settings

    def families(self, metric: Metric, title: str) -> Widget:
        """Return a line for each of the fullest families: they come and go, so they are searched for."""
        schema = f"{NAMESPACE},{Dimension.FAMILY},{Dimension.STACK}"
        search = f'{{{schema}}} MetricName="{metric}" {Dimension.STACK}="{self._names.stack}"'
        line = {
            "expression": f"SEARCH('{search}', '{TRAITS[metric].over_time}', {DAY})",
            "label": f"${{PROP('Dim.{Dimension.FAMILY}')}}",
            "id": "families",
        }
        percent = TRAITS[metric].unit is Unit.PERCENT
        lines = [("warning", self._settings.warning_percent), ("critical", self._settings.critical_percent)]
        marks = {"horizontal": [{"label": label, "value": value} for label, value in lines]}
        axis = {"label": LABELS[metric], "showUnits": False, "min": 0} | ({"max": 100} if percent else {})
        properties = self._properties(title, DAY, [[line]]) | {"yAxis": {"left": axis}}
        return {"type": "metric", "properties": properties | ({"annotations": marks} if percent else {})}

    def totals(self, title: str, period: int, *left: Metric, right: Metric | None = None) -> Widget:
        """Return lines of the whole stack; one in another unit has the axis on the right to itself."""
        axes: dict[str, Any] = {"left": {"showUnits": False, "min": 0}}
        lines = [self._total(metric, "left") for metric in left]
        if right is not None:
            lines.append(self._total(right, "right"))
            axes["right"] = {"label": LABELS[right], "showUnits": True, "min": 0}
        return {"type": "metric", "properties": self._properties(title, period, lines) | {"yAxis": axes}}

    def function(self, name: pulumi.Input[str]) -> Widget:
        """Return how the function itself is."""
        lines: list[list[Any]] = [
            ["AWS/Lambda", "Duration", "FunctionName", name, {"stat": "Maximum", "label": "Longest run"}],
            ["AWS/Lambda", "Errors", "FunctionName", name, {"stat": "Sum", "label": "Errors", "yAxis": "right"}],
        ]
        axes = {"left": {"showUnits": True, "min": 0}, "right": {"label": "Errors", "showUnits": False, "min": 0}}
        return {"type": "metric", "properties": self._properties("The function", HOUR, lines) | {"yAxis": axes}}

    def _total(self, metric: Metric, axis: str) -> list[Any]:
        how = {"stat": TRAITS[metric].over_time.value, "label": LABELS[metric], "yAxis": axis}
        return [NAMESPACE, metric.value, Dimension.STACK.value, self._names.stack, how]

    def _properties(self, title: str, period: int, lines: list[list[Any]]) -> dict[str, Any]:
        return {
            "title": title,
            "region": self._names.region,
            "view": "timeSeries",
            "stacked": False,
            "period": period,
            "metrics": lines,
        }


def _explanation(names: Names, settings: StackSettings) -> str:
    does = "deletes" if settings.mode.value == "delete" else "only reports"
    return (
        f"# Task definition revisions, {names.region}\n"
        f"Stack **{names.stack}** {does}. A family holds at most 1,000,000 revisions; AWS does not say "
        f"whether a deleted one still counts. Figures are those of the last whole sweep "
        f"({settings.schedule_expression}, {settings.time_zone}).\n\n"
        f"What to do when something rings: {settings.runbook} · to stop every sweep, set the parameter "
        f"`{names.brake}` to anything but `{RELEASED}`."
    )


class Board(pulumi.ComponentResource):
    """The dashboard as a resource."""

    def __init__(
        self,
        names: Names,
        settings: StackSettings,
        *,
        function: pulumi.Output[str],
        alarms: Sequence[pulumi.Output[str]],
        widget: pulumi.Output[str] | None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("janitor:infra:Board", names.short, None, opts)
        content = body(rows(names, settings, function=function, alarms=alarms, widget=widget))
        Dashboard(
            names.short,
            dashboard_name=names.dashboard,
            dashboard_body=pulumi.Output.json_dumps(content),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})

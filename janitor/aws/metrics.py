"""Publishes a run's metrics: CloudWatch takes them out of the log, so no permission is needed but to write it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import EphemeralMetrics

from janitor.core.hop import SoFar
from janitor.core.metric import NAMESPACE, TRAITS, Dimension, Metric, Statistic
from janitor.core.model import Mode, OutcomeKind, Reason
from janitor.core.report import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from janitor.core.boundary import Estimate
    from janitor.core.report import FamilyReport, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a report does not say of its run.

    ``scheduled``: the sweep was started by the schedule, not by hand; its hops are as well. ``narrowed``: by the event.
    ``finished``: the whole sweep ends with this hop. ``hopped_on``: it does not, and another hop was asked for.
    ``top_families``: how many families get metrics of their own; CloudWatch charges for each. ``earlier``: what the
    sweep's hops before this one came to.
    """

    stack: str
    scheduled: bool
    narrowed: bool
    finished: bool
    hopped_on: bool
    top_families: int
    earlier: SoFar = field(default_factory=SoFar)


def publish(report: Report, occasion: Occasion) -> None:
    """Print what may be published of this run, a blob for the stack and one for each of the top families.

    What was done is published of every hop; where the families stand only by a sweep that has seen all of them.
    """
    if report.mode is Mode.REPORT and not occasion.scheduled:
        return
    stack = {Dimension.STACK: occasion.stack}
    if not _is_whole(report, occasion):
        _print(_done(report, occasion), stack, report)
        return
    totals = _totals(report.families)
    totals[Metric.DUE_REVISIONS] += occasion.earlier.due
    totals[Metric.KEPT_IN_USE] += occasion.earlier.kept.get(Reason.IN_USE.value, 0)
    _print(_done(report, occasion) | totals, stack, report)
    for family in _top(report.families, occasion.top_families):
        _print(_standing(family), stack | {Dimension.FAMILY: family.family}, report)


def _is_whole(report: Report, occasion: Occasion) -> bool:
    return (
        occasion.scheduled
        and occasion.finished
        and not occasion.narrowed
        and report.ending is Ending.FINISHED
        and not report.families_not_read
    )


def _done(report: Report, occasion: Occasion) -> dict[Metric, float]:
    figures: dict[Metric, float] = {
        Metric.DELETED_REVISIONS: report.outcome(OutcomeKind.DELETED),
        Metric.REFUSED_REVISIONS: report.outcome(OutcomeKind.REFUSED),
        Metric.FAILED_REVISIONS: report.outcome(OutcomeKind.FAILED),
        Metric.SWEEP_DURATION: report.seconds,
        Metric.API_CALLS: sum(report.api_calls.values()),
        Metric.THROTTLED_CALLS: sum(report.throttled_calls.values()),
    }
    if occasion.scheduled and (occasion.finished or occasion.hopped_on):
        figures[Metric.SWEEPS] = 1
    return figures


def _value(count: Estimate | None) -> int | None:
    return None if count is None else count.value


_GAUGES: Mapping[Metric, Callable[[FamilyReport], float | None]] = {
    Metric.REVISION_COUNT: lambda family: _value(family.revision_count),
    Metric.HIGHEST_REVISION: lambda family: family.highest_revision,
    Metric.COUNT_UTILIZATION: lambda family: family.count_utilization,
    Metric.NUMBER_UTILIZATION: lambda family: family.number_utilization,
    Metric.REGISTRATIONS_PER_DAY: lambda family: family.registrations_per_day,
    Metric.DAYS_TO_LIMIT: lambda family: family.days_to_limit,
    Metric.INACTIVE_REVISIONS: lambda family: _value(family.inactive),
    Metric.DUE_REVISIONS: lambda family: family.due.value,
    Metric.KEPT_IN_USE: lambda family: family.kept.get(Reason.IN_USE, 0),
    Metric.ACTIVE_ORPHANS: lambda family: _value(family.active_orphans),
    Metric.DELETE_IN_PROGRESS: lambda family: _value(family.delete_in_progress),
    Metric.DELETE_IN_PROGRESS_AGE: lambda family: family.delete_in_progress_age,
}


def _standing(family: FamilyReport) -> dict[Metric, float]:
    """Return the gauges of a family; what was not read has none."""
    figures = {metric: gauge(family) for metric, gauge in _GAUGES.items()}
    return {metric: figure for metric, figure in figures.items() if figure is not None}


def _totals(families: Sequence[FamilyReport]) -> dict[Metric, float]:
    """Return the gauges of all families together."""
    totals = {
        metric: _total(TRAITS[metric].total, [gauge(each) for each in families]) for metric, gauge in _GAUGES.items()
    }
    return {metric: total for metric, total in totals.items() if total is not None}


def _total(statistic: Statistic, figures: Sequence[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    match statistic:
        case Statistic.SUM:
            return sum(known) if len(known) == len(figures) else None  # a sum that leaves some out is none
        case Statistic.MAXIMUM:
            return max(known, default=None)
        case Statistic.MINIMUM:
            return min(known, default=None)


def _top(families: Sequence[FamilyReport], most: int) -> list[FamilyReport]:
    """Return the families nearest to the limit, by count or by number; equal ones by name."""

    def nearness(family: FamilyReport) -> float:
        return max(family.count_utilization or 0.0, family.number_utilization or 0.0)

    return sorted(families, key=lambda family: (-nearness(family), family.family))[:most]


def _print(figures: Mapping[Metric, float], dimensions: Mapping[Dimension, str], report: Report) -> None:
    # Of Powertools' ways the one that shares nothing with the next blob. An empty service, since None would be looked
    # up in the environment and become a dimension.
    blob = EphemeralMetrics(namespace=NAMESPACE, service="")
    blob.timestamp = round(report.finished_at.timestamp() * 1_000)  # set_timestamp() would ask the machine's clock
    for dimension, value in dimensions.items():
        blob.add_dimension(dimension.value, value)
    for metric, figure in figures.items():
        blob.add_metric(metric.value, TRAITS[metric].unit.value, figure)
    blob.flush_metrics()

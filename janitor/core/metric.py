"""The metrics by name: what is published, what the alarms watch and what the dashboard draws."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "RevisionJanitor"


class Dimension(StrEnum):
    """What a metric is told apart by: always the stack, and the family where it is about one."""

    STACK = "Stack"
    FAMILY = "Family"


class Metric(StrEnum):
    """Every metric that is published."""

    REVISION_COUNT = "RevisionCount"
    HIGHEST_REVISION = "HighestRevision"
    COUNT_UTILIZATION = "CountUtilization"
    NUMBER_UTILIZATION = "NumberUtilization"
    REGISTRATIONS_PER_DAY = "RegistrationsPerDay"
    DAYS_TO_LIMIT = "DaysToLimit"
    INACTIVE_REVISIONS = "InactiveRevisions"
    DUE_REVISIONS = "DueRevisions"
    DELETED_REVISIONS = "DeletedRevisions"
    REFUSED_REVISIONS = "RefusedRevisions"
    FAILED_REVISIONS = "FailedRevisions"
    KEPT_IN_USE = "KeptInUse"
    ACTIVE_ORPHANS = "ActiveOrphans"
    DELETE_IN_PROGRESS = "DeleteInProgress"
    DELETE_IN_PROGRESS_AGE = "DeleteInProgressAge"
    SWEEPS = "Sweeps"
    SWEEP_DURATION = "SweepDuration"
    API_CALLS = "ApiCalls"
    THROTTLED_CALLS = "ThrottledCalls"


class Unit(StrEnum):
    """Units as CloudWatch calls them; it has none for days."""

    COUNT = "Count"
    PERCENT = "Percent"
    SECONDS = "Seconds"
    NONE = "None"


class Statistic(StrEnum):
    """Ways to make one figure of several, as CloudWatch calls them."""

    SUM = "Sum"
    MAXIMUM = "Maximum"
    MINIMUM = "Minimum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How to read a metric: its unit, the ``total`` of several families, and the figure ``over_time``.

    What a hop did adds up over time. Where a family stands does not: CloudWatch may get a blob twice.
    """

    unit: Unit
    total: Statistic
    over_time: Statistic

    @property
    def is_gauge(self) -> bool:
        """Say whether it is about where families stand, not about what a hop did."""
        return self.over_time is not Statistic.SUM


def _done(unit: Unit = Unit.COUNT) -> Traits:
    return Traits(unit=unit, total=Statistic.SUM, over_time=Statistic.SUM)


def _standing(unit: Unit, total: Statistic, over_time: Statistic = Statistic.MAXIMUM) -> Traits:
    return Traits(unit=unit, total=total, over_time=over_time)


TRAITS: Mapping[Metric, Traits] = MappingProxyType(
    {
        Metric.REVISION_COUNT: _standing(Unit.COUNT, Statistic.SUM),
        Metric.HIGHEST_REVISION: _standing(Unit.COUNT, Statistic.MAXIMUM),
        Metric.COUNT_UTILIZATION: _standing(Unit.PERCENT, Statistic.MAXIMUM),
        Metric.NUMBER_UTILIZATION: _standing(Unit.PERCENT, Statistic.MAXIMUM),
        Metric.REGISTRATIONS_PER_DAY: _standing(Unit.COUNT, Statistic.MAXIMUM),
        Metric.DAYS_TO_LIMIT: _standing(Unit.NONE, Statistic.MINIMUM, Statistic.MINIMUM),
        Metric.INACTIVE_REVISIONS: _standing(Unit.COUNT, Statistic.SUM),
        Metric.DUE_REVISIONS: _standing(Unit.COUNT, Statistic.SUM),
        Metric.DELETED_REVISIONS: _done(),
        Metric.REFUSED_REVISIONS: _done(),
        Metric.FAILED_REVISIONS: _done(),
        Metric.KEPT_IN_USE: _standing(Unit.COUNT, Statistic.SUM),
        Metric.ACTIVE_ORPHANS: _standing(Unit.COUNT, Statistic.SUM),
        Metric.DELETE_IN_PROGRESS: _standing(Unit.COUNT, Statistic.SUM),
        Metric.DELETE_IN_PROGRESS_AGE: _standing(Unit.SECONDS, Statistic.MAXIMUM),
        Metric.SWEEPS: _done(),
        Metric.SWEEP_DURATION: _done(Unit.SECONDS),
        Metric.API_CALLS: _done(),
        Metric.THROTTLED_CALLS: _done(),
    }
)
"""Every metric's traits."""

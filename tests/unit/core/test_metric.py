"""The metrics by name: one list for what is published, watched and drawn."""

from __future__ import annotations

import pytest

from janitor.core.metric import NAMESPACE, TRAITS, Dimension, Metric, Statistic, Unit

CONTRACT = {
    "RevisionCount": ("Count", "Sum", "Maximum"),
    "HighestRevision": ("Count", "Maximum", "Maximum"),
    "CountUtilization": ("Percent", "Maximum", "Maximum"),
    "NumberUtilization": ("Percent", "Maximum", "Maximum"),
    "RegistrationsPerDay": ("Count", "Maximum", "Maximum"),
    "DaysToLimit": ("None", "Minimum", "Minimum"),
    "InactiveRevisions": ("Count", "Sum", "Maximum"),
    "DueRevisions": ("Count", "Sum", "Maximum"),
    "DeletedRevisions": ("Count", "Sum", "Sum"),
    "RefusedRevisions": ("Count", "Sum", "Sum"),
    "FailedRevisions": ("Count", "Sum", "Sum"),
    "KeptInUse": ("Count", "Sum", "Maximum"),
    "ActiveOrphans": ("Count", "Sum", "Maximum"),
    "DeleteInProgress": ("Count", "Sum", "Maximum"),
    "DeleteInProgressAge": ("Seconds", "Maximum", "Maximum"),
    "Sweeps": ("Count", "Sum", "Sum"),
    "SweepDuration": ("Seconds", "Sum", "Sum"),
    "ApiCalls": ("Count", "Sum", "Sum"),
    "ThrottledCalls": ("Count", "Sum", "Sum"),
}
"""The contract with whoever has built on the metrics: name → unit, total of several families, figure over time."""


def test_the_names_are_the_contract_s() -> None:
    """Namespace, dimensions and metrics are what alarms outside this repository may watch."""
    assert NAMESPACE == "RevisionJanitor"
    assert {each.value for each in Dimension} == {"Stack", "Family"}
    assert {each.value for each in Metric} == set(CONTRACT)


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_has_its_unit_and_its_statistics(metric: Metric) -> None:
    """Sums for counts, the maximum of utilizations and rates, the minimum of days."""
    traits = TRAITS[metric]
    assert (traits.unit, traits.total, traits.over_time) == CONTRACT[metric]


def test_a_gauge_is_never_summed_over_time() -> None:
    """A blob may be delivered twice, and two sweeps a day do not make twice the revisions."""
    assert {metric for metric in Metric if not TRAITS[metric].is_gauge} == {
        Metric.DELETED_REVISIONS,
        Metric.REFUSED_REVISIONS,
        Metric.FAILED_REVISIONS,
        Metric.SWEEPS,
        Metric.SWEEP_DURATION,
        Metric.API_CALLS,
        Metric.THROTTLED_CALLS,
    }
    assert all((traits.over_time is Statistic.SUM) is not traits.is_gauge for traits in TRAITS.values())


def test_the_table_cannot_be_changed() -> None:
    """Publisher, alarms and dashboard go by the same table."""
    with pytest.raises(TypeError):
        TRAITS[Metric.SWEEPS] = TRAITS[Metric.API_CALLS]  # type: ignore[index] # that it cannot is the point


def test_units_and_statistics_are_cloudwatch_s_own_words() -> None:
    """CloudWatch refuses what it does not know."""
    assert {unit.value for unit in Unit} <= {"Count", "Percent", "Seconds", "None"}
    assert {statistic.value for statistic in Statistic} <= {"Sum", "Maximum", "Minimum", "Average", "SampleCount"}

"""The evaluator itself, against the tables of the CloudWatch user guide."""

from __future__ import annotations

import json

import pytest

from tests.infra.evaluator import Figures, Point, State, emf_points, evaluated, states

THREE = {
    "evaluationPeriods": 3,
    "datapointsToAlarm": 3,
    "threshold": 1.0,
    "comparisonOperator": "GreaterThanOrEqualToThreshold",
}
X, O = 1.0, 0.0  # noqa: E741 - as in the guide's table: breaching and not


@pytest.mark.parametrize(
    ("series", "missing", "ignore", "breaching", "not_breaching"),
    [
        # The guide gives the oldest first; three of three, five looked at. "retain" is what the state was: here OK.
        ([O, None, X, None, X], "OK", "OK", "OK", "OK"),
        ([None, None, None, None, O], "OK", "OK", "OK", "OK"),
        ([None, None, None, None, None], "INSUFFICIENT_DATA", "retain", "ALARM", "OK"),
        ([O, X, X, None, X], "ALARM", "ALARM", "ALARM", "ALARM"),
        ([None, None, X, None, None], None, "retain", "ALARM", "OK"),
    ],
)
def test_missing_data_are_treated_as_in_the_guides_table(
    series: list[float | None], missing: str | None, ignore: str, breaching: str, not_breaching: str
) -> None:
    """The look further back comes first, then the way that the alarm chose."""
    found = {
        treat: evaluated({**THREE, "treatMissingData": treat}, series[::-1], State.OK).value
        for treat in ("missing", "ignore", "breaching", "notBreaching")
    }
    expected = {
        "missing": missing,
        "ignore": "OK" if ignore == "retain" else ignore,
        "breaching": breaching,
        "notBreaching": not_breaching,
    }
    assert {treat: state for treat, state in found.items() if expected[treat] is not None} == {
        treat: state for treat, state in expected.items() if state is not None
    }


def test_what_is_ignored_keeps_the_state() -> None:
    """Whatever it was."""
    for before in State:
        assert evaluated({**THREE, "treatMissingData": "ignore"}, [None] * 5, before) is before


def test_m_of_n_needs_m() -> None:
    """Anywhere among the last N, and not before them."""
    two = {**THREE, "datapointsToAlarm": 2, "treatMissingData": "notBreaching"}
    assert evaluated(two, [X, O, X, O, O], State.OK) is State.ALARM
    assert evaluated(two, [O, O, X, X, X], State.ALARM) is State.OK


def _point(at: float, value: float, **dimensions: str) -> Point:
    return Point(namespace="N", metric="M", dimensions=frozenset(dimensions.items()), at=at, value=value)


def test_dimensions_must_be_the_same_and_periods_end_now() -> None:
    """One dimension more is another metric."""
    figures = Figures()
    figures.add([_point(10, 1, a="x"), _point(20, 2, a="x"), _point(20, 9, a="x", b="y"), _point(110, 4, a="x")])
    metric = {"namespace": "N", "metricName": "M", "dimensions": {"a": "x"}, "period": 100}
    assert figures.series({**metric, "stat": "Sum"}, 200, 3) == [4, 3, None]
    assert figures.series({**metric, "stat": "Maximum"}, 200, 2) == [4, 2]
    assert figures.series({**metric, "stat": "Minimum"}, 110, 1) == [1]


def test_fill_fills_a_series_that_has_something() -> None:
    """And cannot fill one that has nothing: then the missing data are treated."""
    metric = {"namespace": "N", "metricName": "M", "dimensions": {}, "period": 3_600, "stat": "Sum"}
    alarm = {
        **THREE,
        "comparisonOperator": "LessThanThreshold",
        "treatMissingData": "notBreaching",
        "metricQueries": [
            {"id": "figure", "expression": "FILL(m, 0)", "returnData": True},
            {"id": "m", "metric": metric, "returnData": False},
        ],
    }
    figures = Figures()
    figures.add([_point(3_600 * 10, 1)])
    found = states(alarm, figures, 3_600 * 11, 3_600 * 20)
    assert found == [(3_600 * 11, State.OK), (3_600 * 14, State.ALARM), (3_600 * 16, State.OK)]


def test_figures_are_read_out_of_a_line_of_the_log() -> None:
    """And nothing out of one that is no metrics."""
    directive = {"Namespace": "N", "Dimensions": [["Stack"]], "Metrics": [{"Name": "M", "Unit": "Count"}]}
    line = json.dumps({"_aws": {"Timestamp": 5_000, "CloudWatchMetrics": [directive]}, "Stack": "prod", "M": [3.0]})
    assert list(emf_points(line)) == [
        Point(namespace="N", metric="M", dimensions=frozenset({("Stack", "prod")}), at=5.0, value=3.0)
    ]
    assert not list(emf_points('{"message": "hello"}'))
    assert not list(emf_points("hello"))

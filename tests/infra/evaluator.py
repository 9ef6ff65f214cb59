"""Evaluates alarms as CloudWatch documents it: figures in, states out.

What is modelled: metrics by namespace, name and exact dimensions; statistics; periods that end at the moment of
evaluation (hourly for periods of an hour and more); M of N; the look further back where data are missing, and the four
ways to treat what is still missing (Amazon CloudWatch user guide, configuring how alarms treat missing data); of metric
math ``FILL(a, number)``, which fills a series that has a figure somewhere and cannot fill one that has none, and sums.
"""

from __future__ import annotations

import bisect
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

HOUR = 3_600.0
FURTHER_BACK = 2
"""Periods beyond its own that an alarm looks back: three look at five in the user guide's example."""

STATISTICS: Mapping[str, Callable[[list[float]], float]] = {"Sum": sum, "Maximum": max, "Minimum": min}

Series = list[float | None]
"""Figures, the latest first; None where there is none."""


class State(StrEnum):
    """What an alarm says."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One figure."""

    namespace: str
    metric: str
    dimensions: frozenset[tuple[str, str]]
    at: float
    value: float


def emf_points(line: str) -> Iterator[Point]:
    """Yield the figures that CloudWatch takes out of a line of the log; none if the line is no metrics."""
    if not line.startswith("{"):
        return
    document = json.loads(line)
    for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, str(document[name])) for name in names)
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield Point(
                        namespace=directive["Namespace"],
                        metric=metric["Name"],
                        dimensions=dimensions,
                        at=document["_aws"]["Timestamp"] / 1_000,
                        value=float(value),
                    )


@dataclass(slots=True)
class Figures:
    """All figures by metric, in order of time."""

    _series: dict[tuple[str, str, frozenset[tuple[str, str]]], list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, points: Iterable[Point]) -> None:
        """Take figures, in any order."""
        for point in points:
            bisect.insort(self._series[point.namespace, point.metric, point.dimensions], (point.at, point.value))

    @property
    def known(self) -> set[tuple[str, str, frozenset[tuple[str, str]]]]:
        """The metrics that there are: namespace, name, dimensions."""
        return set(self._series)

    def series(self, metric: Mapping[str, Any], now: float, count: int) -> Series:
        """Return the figures of the periods before a moment."""
        dimensions = frozenset((name, str(value)) for name, value in metric["dimensions"].items())
        points = self._series.get((metric["namespace"], metric["metricName"], dimensions), [])
        combine = STATISTICS[metric["stat"]]
        found: Series = []
        for index in range(count):
            end = now - index * metric["period"]
            first, last = (bisect.bisect_left(points, (moment,)) for moment in (end - metric["period"], end))
            values = [value for _, value in points[first:last]]
            found.append(combine(values) if values else None)
        return found


def states(
    alarm: Mapping[str, Any], figures: Figures, start: float, end: float, state: State = State.INSUFFICIENT
) -> list[tuple[float, State]]:
    """Return when an alarm, as its resource declares it, changed to which state; ``start`` is a full hour."""
    period = _period(alarm)
    step = min(period, HOUR)
    changes = []
    now = start
    while now <= end:
        count = int(alarm["evaluationPeriods"]) + FURTHER_BACK
        new = evaluated(alarm, _figures(alarm, figures, now, count), state)
        if new is not state:
            changes.append((now, new))
            state = new
        now += step
    return changes


def evaluated(alarm: Mapping[str, Any], series: Sequence[float | None], before: State) -> State:
    """Return the state that the periods, the latest first and some further back, come to."""
    periods, needed = int(alarm["evaluationPeriods"]), int(alarm["datapointsToAlarm"])
    known = [value for value in series if value is not None]
    recent = series[:periods]
    used = [value for value in recent if value is not None] if None not in recent else known[:periods]
    missing = periods - len(used)
    breaching = sum(_breaches(alarm, value) for value in used)
    treat = alarm["treatMissingData"]
    if treat == "breaching":
        breaching += missing
    if breaching >= needed:
        return State.ALARM
    if missing and treat == "missing" and not used:
        return State.INSUFFICIENT
    if missing and treat == "ignore" and breaching + missing >= needed:
        return before  # what is missing might decide
    return State.OK


def _breaches(alarm: Mapping[str, Any], value: float) -> bool:
    threshold = alarm["threshold"]
    match alarm["comparisonOperator"]:
        case "GreaterThanOrEqualToThreshold":
            return bool(value >= threshold)
        case "GreaterThanThreshold":
            return bool(value > threshold)
        case "LessThanThreshold":
            return bool(value < threshold)
        case other:
            raise AssertionError(f"{other}: not known here")


def _period(alarm: Mapping[str, Any]) -> float:
    if "period" in alarm:
        return float(alarm["period"])
    (period,) = {each["metric"]["period"] for each in alarm["metricQueries"] if "metric" in each}
    return float(period)


def _figures(alarm: Mapping[str, Any], figures: Figures, now: float, count: int) -> Series:
    if "metricQueries" not in alarm:
        return figures.series({**alarm, "stat": alarm["statistic"]}, now, count)
    queries = alarm["metricQueries"]
    known = {each["id"]: figures.series(each["metric"], now, count) for each in queries if "metric" in each}
    (expression,) = [each["expression"] for each in queries if each.get("returnData") and "expression" in each]
    filled = re.fullmatch(r"FILL\((\w+), (-?\d+)\)", expression)
    if filled is not None:
        series = known[filled[1]]
        return (
            [float(filled[2]) if each is None else each for each in series]
            if any(each is not None for each in series)
            else series
        )
    names = expression.split(" + ")
    assert all(name in known for name in names), f"{expression}: not known here"
    columns = zip(*(known[name] for name in names), strict=True)
    return [None if None in column else sum(each for each in column if each is not None) for column in columns]

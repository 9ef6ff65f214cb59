"""Metrics, parsed back from what was printed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from janitor.aws.metrics import Occasion, publish
from janitor.core.boundary import Estimate
from janitor.core.hop import SoFar
from janitor.core.metric import TRAITS, Metric
from janitor.core.model import Mode, OutcomeKind, Reason
from janitor.core.report import Ending, FamilyReport, Report
from tests.unit.core.strategies import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping

NIGHTLY = Occasion(stack="prod", scheduled=True, narrowed=False, finished=True, hopped_on=False, top_families=10)

ETL = FamilyReport(
    family="etl",
    active=Estimate.exactly(10),
    inactive=Estimate.exactly(8_000),
    delete_in_progress=Estimate.exactly(90),
    lowest_revision=1,
    highest_revision=700_000,
    due=Estimate.exactly(300),
    kept={Reason.IN_USE: 4, Reason.YOUNG: 7_000},
    outcomes={OutcomeKind.DELETED: 297, OutcomeKind.REFUSED: 2, OutcomeKind.FAILED: 1},
    registrations_per_day=48.0,
    active_orphans=Estimate.exactly(7),
    delete_in_progress_age=3_600.0,
)
WEB = FamilyReport(
    family="web",
    active=Estimate.exactly(1),
    inactive=Estimate.exactly(199_999),
    delete_in_progress=Estimate.exactly(0),
    lowest_revision=1,
    highest_revision=200_000,
    due=Estimate.exactly(5),
    kept={Reason.IN_USE: 1},
    outcomes={OutcomeKind.DELETED: 5},
    registrations_per_day=4_800.0,
    active_orphans=Estimate.exactly(0),
)
SWEPT = Report(
    account="123456789012",
    region="eu-central-1",
    sweep_id="s-1",
    version="0.1.0",
    mode=Mode.DELETE,
    policy=(),
    started_at=NOW,
    finished_at=NOW + timedelta(seconds=90.5),
    families=(ETL, WEB),
    api_calls={"DescribeTaskDefinition": 400, "DeleteTaskDefinitions": 31},
    throttled_calls={"DeleteTaskDefinitions": 3},
)

DONE = {
    "DeletedRevisions": 302.0,
    "RefusedRevisions": 2.0,
    "FailedRevisions": 1.0,
    "SweepDuration": 90.5,
    "ApiCalls": 431.0,
    "ThrottledCalls": 3.0,
}
"""What the run did, which adds up whatever became of the sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """One blob as CloudWatch reads it."""

    namespace: str
    timestamp: int
    dimensions: Mapping[str, str]
    units: Mapping[str, str]
    values: Mapping[str, float]


def _parsed(line: str) -> Blob:
    """Read a blob by the rules of the format; it holds nothing that the rules do not name."""
    document: dict[str, Any] = json.loads(line)
    meta = document.pop("_aws")
    assert set(meta) == {"Timestamp", "CloudWatchMetrics"}
    (directive,) = meta["CloudWatchMetrics"]
    (names,) = directive["Dimensions"]
    dimensions = {name: document.pop(name) for name in names}
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert len(units) == len(directive["Metrics"])
    values = {}
    for name in units:
        (values[name],) = document.pop(name)
    assert document == {}
    return Blob(
        namespace=directive["Namespace"],
        timestamp=meta["Timestamp"],
        dimensions=dimensions,
        units=units,
        values=values,
    )


def _published(capsys: pytest.CaptureFixture[str], report: Report, occasion: Occasion) -> list[Blob]:
    publish(report, occasion)
    captured = capsys.readouterr()
    assert captured.err == ""
    return [_parsed(line) for line in captured.out.splitlines()]


# What is published


def test_a_nightly_sweep_publishes_every_metric_of_the_stack(capsys: pytest.CaptureFixture[str]) -> None:
    """Sums of counts, the maximum of utilizations and rates, the minimum of days."""
    total, *_ = _published(capsys, SWEPT, NIGHTLY)
    assert total.dimensions == {"Stack": "prod"}
    assert total.values == {
        **DONE,
        "RevisionCount": 208_100.0,
        "HighestRevision": 700_000.0,
        "CountUtilization": 20.0,
        "NumberUtilization": 70.0,
        "RegistrationsPerDay": 4_800.0,
        "DaysToLimit": pytest.approx(800_000 / 4_800),
        "InactiveRevisions": 207_999.0,
        "DueRevisions": 305.0,
        "KeptInUse": 5.0,
        "ActiveOrphans": 7.0,
        "DeleteInProgress": 90.0,
        "DeleteInProgressAge": 3_600.0,
        "Sweeps": 1.0,
    }
    assert set(total.values) == {metric.value for metric in Metric}


def test_a_nightly_sweep_publishes_where_each_top_family_stands(capsys: pytest.CaptureFixture[str]) -> None:
    """A family's blob holds its gauges; what was done is the stack's, since a hop knows only its own part."""
    _, etl, web = _published(capsys, SWEPT, NIGHTLY)
    assert etl.dimensions == {"Stack": "prod", "Family": "etl"}
    assert etl.values == {
        "RevisionCount": 8_100.0,
        "HighestRevision": 700_000.0,
        "CountUtilization": pytest.approx(0.81),
        "NumberUtilization": 70.0,
        "RegistrationsPerDay": 48.0,
        "DaysToLimit": pytest.approx(991_900 / 48),
        "InactiveRevisions": 8_000.0,
        "DueRevisions": 300.0,
        "KeptInUse": 4.0,
        "ActiveOrphans": 7.0,
        "DeleteInProgress": 90.0,
        "DeleteInProgressAge": 3_600.0,
    }
    assert web.dimensions == {"Stack": "prod", "Family": "web"}
    assert set(web.values) == set(etl.values) - {"DeleteInProgressAge"}


def test_every_blob_is_of_our_namespace_with_the_units_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """One table for what is published and what is watched."""
    blobs = _published(capsys, SWEPT, NIGHTLY)
    for blob in blobs:
        assert blob.namespace == "RevisionJanitor"
        assert blob.timestamp == round(SWEPT.finished_at.timestamp() * 1_000)
        assert blob.units == {name: TRAITS[Metric(name)].unit.value for name in blob.values}


def test_a_scheduled_report_says_where_the_families_stand(capsys: pytest.CaptureFixture[str]) -> None:
    """A stack that only reports is watched all the same."""
    families = tuple(replace(family, outcomes={}) for family in SWEPT.families)
    total, *_ = _published(capsys, replace(SWEPT, mode=Mode.REPORT, families=families), NIGHTLY)
    assert total.values["Sweeps"] == 1
    assert total.values["RevisionCount"] == 208_100
    assert total.values["DeletedRevisions"] == 0


def test_a_hundred_metrics_are_never_reached_in_a_blob(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the number of families: a hundred is where CloudWatch stops and Powertools flushes by itself."""
    families = tuple(replace(ETL, family=f"etl-{number:03}") for number in range(250))
    blobs = _published(capsys, replace(SWEPT, families=families), replace(NIGHTLY, top_families=250))
    assert len(blobs) == 251
    assert max(len(blob.values) for blob in blobs) < 100


# What is not known is not published


def test_what_was_not_read_has_no_figure(capsys: pytest.CaptureFixture[str]) -> None:
    """No zero stands for unknown."""
    blank = FamilyReport(family="etl", active=Estimate.exactly(1))
    total, etl = _published(capsys, replace(SWEPT, families=(blank,)), NIGHTLY)
    assert etl.values == {"DueRevisions": 0, "KeptInUse": 0}
    assert set(total.values) == {*DONE, "Sweeps", "DueRevisions", "KeptInUse"}


def test_a_sum_that_would_leave_a_family_out_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """The most and the least of what is known still hold, a sum of it does not."""
    unknown = FamilyReport(family="unknown", highest_revision=900_000)
    total, *_ = _published(capsys, replace(SWEPT, families=(ETL, unknown)), NIGHTLY)
    assert not {"RevisionCount", "InactiveRevisions", "ActiveOrphans", "DeleteInProgress"} & set(total.values)
    assert total.values["NumberUtilization"] == 90
    assert total.values["RegistrationsPerDay"] == 48


def test_an_account_without_families_still_shows_that_a_sweep_ran(capsys: pytest.CaptureFixture[str]) -> None:
    """Sums of nothing are 0; there is no highest and no lowest."""
    (total,) = _published(capsys, replace(SWEPT, families=()), NIGHTLY)
    assert total.values["Sweeps"] == 1
    assert total.values["RevisionCount"] == 0
    assert not {"CountUtilization", "DaysToLimit"} & set(total.values)


# The top families


def test_only_the_top_families_get_metrics_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Nearest to the limit first, by count or by number; equal ones by name; totals over all."""
    families = tuple(
        replace(WEB, family=name, highest_revision=highest)
        for name, highest in (("d", 300_000), ("b", 300_000), ("low", 200_000), ("c", 300_000), ("a", 900_000))
    )
    counted = replace(WEB, family="counted", inactive=Estimate.exactly(400_000), highest_revision=None)
    report = replace(SWEPT, families=(*families, counted))
    total, *top = _published(capsys, report, replace(NIGHTLY, top_families=4))
    assert [blob.dimensions["Family"] for blob in top] == ["a", "counted", "b", "c"]
    assert total.values["KeptInUse"] == 6


@pytest.mark.parametrize(("most", "published"), [(0, 0), (1, 1), (2, 2), (3, 2)])
def test_no_more_families_are_published_than_allowed(
    capsys: pytest.CaptureFixture[str], most: int, published: int
) -> None:
    """Each costs money; with none there are still the totals."""
    assert len(_published(capsys, SWEPT, replace(NIGHTLY, top_families=most))) == 1 + published


# Runs whose figures would lie


def test_a_report_typed_by_hand_publishes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Looking leaves no trace in the graphs."""
    report = replace(SWEPT, mode=Mode.REPORT)
    assert _published(capsys, report, replace(NIGHTLY, scheduled=False)) == []
    assert _published(capsys, report, replace(NIGHTLY, scheduled=False, narrowed=True, finished=False)) == []


def test_a_sweep_started_by_hand_publishes_what_it_did_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    """Its refusals ring the alarm; it is not the nightly sweep that another alarm waits for."""
    (blob,) = _published(capsys, SWEPT, replace(NIGHTLY, scheduled=False))
    assert blob.dimensions == {"Stack": "prod"}
    assert blob.values == DONE


@pytest.mark.parametrize(
    ("report", "occasion"),
    [
        pytest.param(SWEPT, replace(NIGHTLY, narrowed=True), id="narrowed"),
        pytest.param(SWEPT, replace(NIGHTLY, finished=False, hopped_on=True), id="hopped on"),
        pytest.param(replace(SWEPT, families_not_read=("etl",)), NIGHTLY, id="a family was not read"),
        pytest.param(replace(SWEPT, ending=Ending.STOPPED_AT_LIMIT), NIGHTLY, id="stopped at its limit"),
    ],
)
def test_a_sweep_that_has_not_seen_all_publishes_no_totals(
    capsys: pytest.CaptureFixture[str], report: Report, occasion: Occasion
) -> None:
    """One blob: what this hop did, and that there was a sweep."""
    (blob,) = _published(capsys, report, occasion)
    assert blob.dimensions == {"Stack": "prod"}
    assert blob.values == {**DONE, "Sweeps": 1}


def test_a_hop_that_neither_ended_the_sweep_nor_hopped_on_is_no_sweep(capsys: pytest.CaptureFixture[str]) -> None:
    """Stopped by the brake every night, the alarm for a missing sweep must ring."""
    (blob,) = _published(capsys, SWEPT, replace(NIGHTLY, finished=False))
    assert blob.values == DONE


# The library's traps


def test_the_environment_adds_no_dimension_and_changes_no_namespace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service's name in the environment, there for the logger, would make every metric another one."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "janitor")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Elsewhere")
    for blob in _published(capsys, SWEPT, NIGHTLY):
        assert blob.namespace == "RevisionJanitor"
        assert set(blob.dimensions) <= {"Stack", "Family"}


def test_nothing_of_one_run_is_left_for_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    """A warm Lambda publishes as a cold one does."""
    alone = _published(capsys, replace(SWEPT, families=(WEB,)), replace(NIGHTLY, stack="dev"))
    _published(capsys, SWEPT, NIGHTLY)
    again = _published(capsys, replace(SWEPT, families=(WEB,)), replace(NIGHTLY, stack="dev"))
    assert again == alone


def test_publishing_does_not_bring_the_tracer_along() -> None:
    """X-Ray's SDK is not installed in the Lambda; Powertools' own module is loaded with the package, unused."""
    code = (
        "import sys, janitor.aws.metrics as metrics; "
        "sys.exit('Tracer' in vars(metrics) or any(name.startswith('aws_xray_sdk') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own interpreter and text


def test_the_last_hop_adds_what_the_hops_before_it_judged(capsys: pytest.CaptureFixture[str]) -> None:
    """What was due and what was in use is a figure of the sweep, not of its last invocation."""
    earlier = SoFar(judged=900, due=800, kept={"in_use": 40, "young": 60}, outcomes={"deleted": 800})
    total, *_ = _published(capsys, SWEPT, replace(NIGHTLY, earlier=earlier))
    assert total.values["DueRevisions"] == 305.0 + 800.0
    assert total.values["KeptInUse"] == 5.0 + 40.0
    assert total.values["DeletedRevisions"] == DONE["DeletedRevisions"]  # the other hops have published theirs

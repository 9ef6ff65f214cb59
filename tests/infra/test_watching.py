"""What tells people: alarms, the rules on the sweep's events, the dashboard, the runbook."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.dashboard import COLUMNS, LABELS
from infra.settings import ROOT
from janitor.core.hop import Position, SoFar
from janitor.core.metric import NAMESPACE, TRAITS, Dimension, Metric
from janitor.settings.function import EVENT_SOURCE, FINISHED, UNFINISHED, Hop, Narrowing, function_settings
from tests.infra.patterns import matches, transformed
from tests.infra.program import PROJECT
from tests.infra.stacks import STACKS

if TYPE_CHECKING:
    from janitor.core.metric import Unit
    from tests.infra.program import Deployed, Registered

RUNBOOK = ROOT / ".github" / "RUNBOOK.md"


def _metrics(alarm: Registered) -> list[dict[str, Any]]:
    """Return what an alarm watches, each as namespace, name, dimensions, statistic and period."""
    if "metricQueries" not in alarm.inputs:
        names = {"statistic": "stat"}
        return [
            {
                names.get(key, key): alarm.inputs[key]
                for key in ("namespace", "metricName", "dimensions", "statistic", "period")
            }
        ]
    return [each["metric"] for each in alarm.inputs["metricQueries"] if "metric" in each]


def _chapters() -> set[str]:
    """Return the anchors of the runbook's chapters, as they are made of headings."""
    headings = re.findall(r"^## (.+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-") for heading in headings}


# Alarms


def test_the_alarms_are_those_that_were_asked_for(deployed: Deployed) -> None:
    """One for each way in which things go wrong."""
    assert {each.inputs["name"].partition(f"{_stack(deployed)}-")[2] for each in deployed.of("MetricAlarm")} == {
        "count-warning",
        "count-critical",
        "number-warning",
        "number-critical",
        "days-to-limit",
        "growth",
        "refused",
        "stuck",
        "errors",
        "failures",
        "no-sweep",
    }


def _stack(deployed: Deployed) -> str:
    return deployed.environment["JANITOR_STACK"]


def test_every_alarm_tells_when_it_rings_and_when_it_stops(deployed: Deployed) -> None:
    """The same people; and it is not switched off."""
    topic = f":{deployed.one('Topic').inputs['name']}"
    for alarm in deployed.of("MetricAlarm"):
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"], alarm.name
        (action,) = alarm.inputs["alarmActions"]
        assert action.endswith(topic)
        assert alarm.inputs.get("actionsEnabled", True) is True


def test_every_alarm_says_what_to_do(deployed: Deployed) -> None:
    """Its description ends with the address of a chapter that the runbook has."""
    for alarm in deployed.of("MetricAlarm"):
        says, _, where = alarm.inputs["alarmDescription"].partition(" What to do: ")
        assert says.endswith(".")
        runbook, _, chapter = where.partition("#")
        assert runbook == STACKS[_stack(deployed)].get("runbook", ".github/RUNBOOK.md")
        assert chapter in _chapters(), alarm.name


def test_every_metric_of_ours_that_an_alarm_watches_is_published_so(deployed: Deployed) -> None:
    """Its name, namespace, dimension and statistic; the period fits CloudWatch's rules."""
    seen = set()
    for alarm in deployed.of("MetricAlarm"):
        for metric in _metrics(alarm):
            assert metric["period"] in {300, 3_600, 86_400}
            assert metric["period"] * alarm.inputs["evaluationPeriods"] <= 7 * 86_400
            if metric["namespace"] == NAMESPACE:
                name = Metric(metric["metricName"])
                assert metric["dimensions"] == {Dimension.STACK: _stack(deployed)}
                assert metric["stat"] == TRAITS[name].over_time
                seen.add(name)
    assert seen >= {Metric.SWEEPS, Metric.COUNT_UTILIZATION, Metric.NUMBER_UTILIZATION}


def test_the_other_alarms_watch_this_function_and_this_queue(deployed: Deployed) -> None:
    """By the names that they have."""
    (errors,) = _metrics(deployed.one("MetricAlarm", "-errors"))
    (failures,) = _metrics(deployed.one("MetricAlarm", "-failures"))
    assert errors["dimensions"] == {"FunctionName": deployed.function.inputs["name"]}
    assert (errors["namespace"], errors["metricName"], errors["stat"]) == ("AWS/Lambda", "Errors", "Sum")
    assert failures["dimensions"] == {"QueueName": deployed.one("Queue").inputs["name"]}
    assert failures["namespace"] == "AWS/SQS"
    assert (failures["metricName"], failures["stat"]) == ("ApproximateNumberOfMessagesVisible", "Maximum")


def test_thresholds_are_the_stacks(everything: Deployed, prod: Deployed) -> None:
    """Percentages, growth and heartbeat."""

    def of(deployed: Deployed, key: str) -> list[float]:
        alarms = ("count-warning", "count-critical", "number-warning", "number-critical", "growth", "no-sweep")
        return [deployed.one("MetricAlarm", f"-{alarm}").inputs[key] for alarm in alarms]

    assert of(prod, "threshold") == [80, 95, 80, 95, 4_000, 1]
    assert of(everything, "threshold") == [70, 90, 70, 90, 10_000, 1]
    assert of(prod, "evaluationPeriods") == [1, 1, 1, 1, 3, 26]
    assert of(everything, "evaluationPeriods") == [1, 1, 1, 1, 3, 168]
    assert of(prod, "datapointsToAlarm") == [1, 1, 1, 1, 1, 26]


# Events


def _event(kind: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {"version": "0", "source": EVENT_SOURCE, "detail-type": kind, "detail": json.loads(json.dumps(detail))}


def _hop(stack: str) -> dict[str, Any]:
    hop = Hop(
        version=1,
        stack=stack,
        sweep_id="s-1",
        started_at="2026-11-01T03:00:00+00:00",
        hop=2,
        trigger="schedule",
        mode="delete",
        narrowing=Narrowing(),
        position=Position(),
        so_far=SoFar(),
    )
    return asdict(hop.sealed())


def test_an_unfinished_sweep_wakes_its_own_stack_alone(prod: Deployed) -> None:
    """Neither another stack's hop nor the end of a sweep does."""
    pattern = json.loads(prod.one("EventRule", "-hops").inputs["eventPattern"])
    assert matches(pattern, _event(UNFINISHED, _hop("prod")))
    assert not matches(pattern, _event(UNFINISHED, _hop("dev")))
    assert not matches(pattern, _event(FINISHED, _hop("prod")))
    assert not matches(pattern, _event(UNFINISHED, _hop("prod")) | {"source": "somebody"})


FULL: dict[str, Any] = {
    "stack": "prod",
    "account": "123456789012",
    "region": "eu-west-1",
    "trigger": "schedule",
    "narrowed": False,
    "families_above_warning_count": 1,
    "message": "etl: 81.0 % of the limit by count, 90.0 % by number, 88 days left",
}


@pytest.mark.parametrize(
    ("change", "rings"),
    [
        ({}, True),
        ({"families_above_warning_count": 0, "message": ""}, False),
        ({"stack": "dev"}, False),
        ({"trigger": "hand"}, False),
        ({"narrowed": True}, False),
    ],
)
def test_families_near_the_limit_are_named_after_a_nightly_sweep(
    change: dict[str, Any], *, rings: bool, prod: Deployed
) -> None:
    """Of this stack, of the whole account; a report typed by hand sends no mail."""
    pattern = json.loads(prod.one("EventRule", "-near-limit").inputs["eventPattern"])
    assert matches(pattern, _event(FINISHED, FULL | change)) is rings


def test_the_message_reads_well(prod: Deployed, everything: Deployed) -> None:
    """It names families, how near they are, the days left, where that is, and what to do."""
    target = prod.one("EventTarget", "-near-limit").inputs
    assert target["rule"] == prod.one("EventRule", "-near-limit").inputs["name"]
    assert target["arn"].endswith(f":{prod.one('Topic').inputs['name']}")
    assert transformed(target["inputTransformer"], _event(FINISHED, FULL)) == (
        "Task definition families at 80 % of their limit of 1,000,000 revisions or above: 1 (account 123456789012, "
        "eu-west-1, stack prod). etl: 81.0 % of the limit by count, 90.0 % by number, 88 days left. "
        "What to do: .github/RUNBOOK.md#near-the-limit"
    )
    other = everything.one("EventTarget", "-near-limit").inputs["inputTransformer"]
    assert "https://wiki.example.com/janitor#near-the-limit" in other["inputTemplate"]
    assert "at 70 %" in other["inputTemplate"]
    assert "near-the-limit" in _chapters()


def test_mail_and_alarm_have_one_threshold(everything: Deployed) -> None:
    """Who is named in the event is who the alarm is about."""
    (policy,) = [ROOT / "tests" / "infra"]
    function = function_settings(everything.environment, folder=policy)
    assert function.warning_percent == everything.one("MetricAlarm", "-count-warning").inputs["threshold"] == 70


# The dashboard


@pytest.fixture
def widgets(deployed: Deployed) -> list[dict[str, Any]]:
    """Provide the widgets of a stack's dashboard."""
    return list(json.loads(deployed.one("Dashboard").inputs["dashboardBody"])["widgets"])


def _graphs(widgets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each["properties"] for each in widgets if each["type"] == "metric"]


def test_the_widgets_fit_the_grid_without_a_gap(widgets: list[dict[str, Any]]) -> None:
    """24 columns wide; none lies on another."""
    cells = [
        (column, row)
        for each in widgets
        for column in range(each["x"], each["x"] + each["width"])
        for row in range(each["y"], each["y"] + each["height"])
    ]
    height = max(each["y"] + each["height"] for each in widgets)
    assert sorted(cells) == sorted(itertools.product(range(COLUMNS), range(height)))


def test_every_graph_is_labelled_for_a_person(widgets: list[dict[str, Any]]) -> None:
    """A title of its own, a period, a Region, and words beside each line that are no metric's name."""
    graphs = _graphs(widgets)
    assert len({graph["title"] for graph in graphs}) == len(graphs)
    for graph in graphs:
        assert graph["title"]
        assert graph["period"] in {3_600, 86_400}
        assert graph["region"]
        for line in graph["metrics"]:
            assert line[-1]["label"]
            assert line[-1]["label"] not in set(Metric)


def test_the_dashboard_shows_what_was_asked_for(widgets: list[dict[str, Any]], request: pytest.FixtureRequest) -> None:
    """Every metric that tells something over time, each from this stack and read as its traits say."""
    stack = request.node.callspec.params["deployed"]
    shown = set()
    for graph in _graphs(widgets):
        for *line, how in graph["metrics"]:
            if "expression" in how:
                search = rf"""\{{{NAMESPACE},Family,Stack\}} MetricName="(\w+)" Stack="{stack}\""""
                found = re.fullmatch(rf"SEARCH\('{search}', '(\w+)', 86400\)", how["expression"])
                assert found is not None, how["expression"]
                name, statistic = Metric(found[1]), found[2]
                assert how["label"] == "${PROP('Dim.Family')}"
            elif line[0] == NAMESPACE:
                assert line[2:] == ["Stack", stack]
                name, statistic = Metric(line[1]), how["stat"]
            else:
                continue
            assert statistic == TRAITS[name].over_time
            shown.add(name)
    assert set(Metric) - shown == {Metric.HIGHEST_REVISION, Metric.INACTIVE_REVISIONS}
    assert set(LABELS) == set(Metric)


def test_utilization_is_drawn_against_the_limit_and_its_thresholds(everything: Deployed) -> None:
    """From nothing to 100 percent, with a line where each alarm rings."""
    graphs = _graphs(json.loads(everything.one("Dashboard").inputs["dashboardBody"])["widgets"])
    percents = [graph for graph in graphs if "annotations" in graph]
    assert len(percents) == 2
    for graph in percents:
        assert (graph["yAxis"]["left"]["min"], graph["yAxis"]["left"]["max"]) == (0, 100)
        assert [(each["label"], each["value"]) for each in graph["annotations"]["horizontal"]] == [
            ("warning", 70),
            ("critical", 90),
        ]


def test_the_dashboard_begins_with_what_it_is_and_what_rings(deployed: Deployed, widgets: list[dict[str, Any]]) -> None:
    """The stack, what it does, how to stop it, where help is; then every alarm."""
    text, alarms, *_ = widgets
    words = text["properties"]["markdown"]
    assert f"Stack **{_stack(deployed)}** {'deletes' if _stack(deployed) != 'dev' else 'only reports'}" in words
    assert f"`{deployed.one('Parameter').inputs['name']}` to anything but `off`" in words
    assert STACKS[_stack(deployed)].get("runbook", ".github/RUNBOOK.md") in words
    assert [arn.rpartition(":")[2] for arn in alarms["properties"]["alarms"]] == [
        f"{PROJECT}-{_stack(deployed)}-{name}"
        for name in (
            *("count-warning", "count-critical", "number-warning", "number-critical", "days-to-limit", "growth"),
            *("refused", "stuck", "errors", "failures", "no-sweep"),
        )
    ]


def test_two_units_never_share_an_axis(widgets: list[dict[str, Any]]) -> None:
    """A count beside seconds would be a flat line."""
    for graph in _graphs(widgets):
        units: dict[str, set[Unit]] = {}
        for *line, how in graph["metrics"]:
            if line and line[0] == NAMESPACE:
                units.setdefault(how["yAxis"], set()).add(TRAITS[Metric(line[1])].unit)
        assert all(len(each) == 1 for each in units.values()), graph["title"]


# The runbook


def test_the_runbook_has_what_a_person_at_night_looks_for() -> None:
    """What each alarm means, was it us, a lost revision, a throttled deploy, no sweep, the limit."""
    assert _chapters() >= {
        "near-the-limit",
        "growth",
        "refused-or-failed-revisions",
        "stuck-in-delete_in_progress",
        "a-failed-run",
        "no-sweep",
        "was-it-us",
        "a-lost-revision",
        "a-throttled-deploy",
        "stop-everything",
    }


def test_the_readme_links_the_runbook() -> None:
    """It is found without an alarm, too."""
    assert "(.github/RUNBOOK.md)" in Path(ROOT / "README.md").read_text(encoding="utf-8")

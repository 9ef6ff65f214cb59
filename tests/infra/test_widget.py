"""The widget's function, its role and its place on the dashboard; the test events of Lambda's console."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.console import EVENTS, FIELDS
from infra.names import Names
from infra.settings import LONGEST_STACK
from janitor.aws import task_definitions
from janitor.core.model import Mode
from janitor.permissions import READING
from janitor.settings import load
from janitor.settings.function import VARIABLES, Narrowing, function_settings, invocation
from janitor.settings.widget import asked
from tests.infra.program import ACCOUNT, PROJECT, ROOT
from tests.infra.stacks import STACKS, stack

if TYPE_CHECKING:
    from tests.infra.program import Deployed

HERE = ROOT / "tests" / "infra"
WIDGET = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:customWidget-{PROJECT}-prod"


@pytest.fixture(scope="module")
def rules() -> Deployed:
    """Provide the stack with everything switched on, the widget as well."""
    return stack("everything", widget=True)


def _board(deployed: Deployed) -> list[dict[str, Any]]:
    return list(json.loads(deployed.one("Dashboard").inputs["dashboardBody"])["widgets"])


def _allowed(deployed: Deployed) -> dict[str, list[str]]:
    """Return the resources by action; nothing is denied and nothing has a condition."""
    found: dict[str, list[str]] = {}
    for statement in deployed.policy("RolePolicy", "-widget"):
        assert statement["Effect"] == "Allow"
        assert not statement.keys() - {"Sid", "Effect", "Action", "Resource"}
        for action in statement["Action"]:
            found.setdefault(action, []).extend(statement["Resource"])
    return found


def test_the_widgets_role_reads_ecs_and_one_object(prod: Deployed) -> None:
    """In a stack that deletes as well: no write in ECS, none to the store, no event, no brake."""
    bucket = f"arn:aws:s3:::{prod.one('Bucket').id}"
    log = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/lambda/customWidget-{PROJECT}-prod:*"
    own = {
        "s3:ListBucket": [bucket],
        "s3:GetObject": [f"{bucket}/report/last.json"],
        "logs:CreateLogStream": [log],
        "logs:PutLogEvents": [log],
    }
    allowed = _allowed(prod)
    assert {action: allowed[action] for action in own} == own
    read = {action for actions in READING.values() for action in actions}
    assert {action: allowed[action] for action in allowed.keys() - own.keys()} == {action: ["*"] for action in read}
    assert {action.partition(":")[2][:3] for action in read} == {"Des", "Get", "Lis"}
    assert not set(task_definitions.DELETE_ACTIONS) & allowed.keys()


def test_the_widget_may_not_ask_whom_the_stack_does_not_ask(rules: Deployed) -> None:
    """A source of usage that is switched off."""
    assert {action.partition(":")[0] for action in _allowed(rules)} == {"ecs", "scheduler", "s3", "logs", "dynamodb"}


def test_the_widgets_function_is_the_same_zip_with_another_entry(prod: Deployed) -> None:
    """Its own log and role; it ends within a minute, and nothing reserves what an account may not have."""
    widget, function = prod.widget.inputs, prod.function.inputs
    assert widget["name"] == f"customWidget-{PROJECT}-prod"
    assert widget["handler"] == "janitor.widget_handler.handler"
    assert widget["code"].path == function["code"].path
    assert (widget["runtime"], widget["architectures"]) == (function["runtime"], function["architectures"])
    assert (widget["timeout"], widget["memorySize"], widget["reservedConcurrentExecutions"]) == (60, 512, -1)
    assert widget["loggingConfig"] == {"logFormat": "JSON", "logGroup": f"/aws/lambda/{widget['name']}"}
    assert prod.one("LogGroup", "-widget").inputs["retentionInDays"] == 365
    assert widget["role"].endswith("role/janitor-prod-widget-1a2b3c4")
    assert prod.outputs["widget"] == widget["name"]


def test_who_can_reserve_concurrency_bounds_the_widget_too(rules: Deployed) -> None:
    """A busy dashboard takes two at most."""
    assert rules.widget.inputs["reservedConcurrentExecutions"] == 2


def test_the_longest_stack_still_has_a_widget() -> None:
    """Lambda's names take 64 characters (AWS Lambda API reference, CreateFunction)."""
    assert len(Names(project=PROJECT, stack="s" * LONGEST_STACK, region="eu-west-1").widget) <= 64


@pytest.mark.parametrize("name", ["prod", "rules"])
def test_the_widget_judges_as_the_function_does_and_only_reports(name: str, request: pytest.FixtureRequest) -> None:
    """The very policy of the stack, its store and its threshold; no mode that an event could use."""
    deployed: Deployed = request.getfixturevalue(name)
    environment = deployed.widget.inputs["environment"]["variables"]
    assert set(environment) <= set(VARIABLES)
    widget = function_settings(environment, folder=HERE)
    function = function_settings(deployed.environment, folder=HERE)
    assert function.mode is Mode.DELETE
    assert (widget.mode, widget.brake, widget.flags.archive) == (Mode.REPORT, None, False)
    assert (widget.stack, widget.store, widget.warning_percent) == (
        function.stack,
        function.store,
        function.warning_percent,
    )
    assert load(widget.flags).policy == load(function.flags).policy
    assert load(widget.flags).usage_off == load(function.flags).usage_off


def test_the_dashboard_shows_the_report_between_alarms_and_graphs(prod: Deployed) -> None:
    """Called at each refresh and for its width, not for the dashboard's time range."""
    _, alarms, widget, graph, *_ = _board(prod)
    assert (alarms["type"], widget["type"], graph["type"]) == ("alarm", "custom", "metric")
    assert widget["properties"] == {
        "title": "The last report",
        "endpoint": WIDGET,
        "params": {"stack": "prod", "stale_hours": 26},
        "updateOn": {"refresh": True, "resize": True, "timeRange": False},
    }


def test_the_readme_shows_the_widget_as_it_is(prod: Deployed) -> None:
    """Whoever copies it to another dashboard has the same."""
    shown = re.search(
        r"<!-- widget -->\n```json\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert shown is not None
    (widget,) = [each for each in _board(prod) if each["type"] == "custom"]
    assert {"x": widget["x"], "y": widget["y"], **json.loads(shown[1])} == widget


def test_the_widget_takes_the_parameters_of_the_dashboard(prod: Deployed, rules: Deployed) -> None:
    """As CloudWatch hands them over: at the top, and in the context."""
    for deployed, name, hours in ((prod, "prod", 26), (rules, "everything", 168)):
        params = next(each["properties"]["params"] for each in _board(deployed) if each["type"] == "custom")
        wanted = asked({**params, "widgetContext": {"params": params}}, stack=name)
        assert (wanted.stack, wanted.stale_hours, wanted.dry_run) == (name, hours, None)


def test_a_stack_can_do_without_a_widget(everything: Deployed) -> None:
    """No function, no role, no log group, no place on the dashboard."""
    assert not [each.name for each in everything.of_aws if each.name.endswith("-widget")]
    assert "custom" not in {each["type"] for each in _board(everything)}
    assert "widget" not in everything.outputs


# Lambda's console


def test_the_test_events_lie_where_the_console_looks_for_them(everything: Deployed) -> None:
    """In the schema that is called by the function, in the registry of the account, which no stack makes."""
    schema = everything.one("Schema").inputs
    assert schema["name"] == f"_{everything.function.inputs['name']}-schema"
    assert (schema["registryName"], schema["type"]) == ("lambda-testevent-schemas", "OpenApi3")
    content = json.loads(schema["content"])
    assert (content["openapi"], content["paths"]) == ("3.0.0", {})
    assert {name: each["value"] for name, each in content["components"]["examples"].items()} == EVENTS
    assert content["components"]["schemas"]["Event"]["properties"] == FIELDS
    assert not everything.of("Registry")


def test_no_test_event_unless_it_is_asked_for(prod: Deployed, dev: Deployed) -> None:
    """Without the registry the deployment would fail."""
    assert not prod.of("Schema")
    assert not dev.of("Schema")


def test_each_test_event_is_a_dry_run_that_the_function_takes(everything: Deployed) -> None:
    """In a stack that deletes, and with its policy; one that is not narrowed shows what a night would do."""
    function = function_settings(everything.environment, folder=HERE)
    assert {name: invocation(event, function).mode for name, event in EVENTS.items()} == dict.fromkeys(
        EVENTS, Mode.REPORT
    )
    assert not invocation(EVENTS["dry-run"], function).narrowed
    assert not invocation(EVENTS["dry-run"], function).scheduled


def test_the_schema_names_what_can_be_typed_by_hand() -> None:
    """The mode, and whatever narrows."""
    assert set(FIELDS) == {"mode"} | {each.name for each in fields(Narrowing)}
    function = function_settings({"JANITOR_STACK": "s", "JANITOR_MODE": "delete"}, folder=Path())
    of_type: dict[str, Any] = {"array": [], "integer": 10, "string": "365d"}
    typed = {name: "report" if name == "mode" else of_type[what["type"]] for name, what in FIELDS.items()}
    assert invocation(typed, function).mode is Mode.REPORT


def test_the_stacks_that_are_tested_have_both_with_and_without() -> None:
    """Each way is deployed on paper."""
    assert {bool(said.get("widget", True)) for said in STACKS.values()} == {True, False}
    assert {bool(said.get("testEvent", False)) for said in STACKS.values()} == {True, False}

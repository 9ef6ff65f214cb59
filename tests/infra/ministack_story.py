"""What happens to four stacks in MiniStack, at the same time, told as plain values.

``nightly`` deletes; ``hopping`` has more to delete than one invocation can; ``braked`` too, and its brake is pulled
while it works; ``reporting`` only reports, until somebody changes its mode past the program.
"""

from __future__ import annotations

import json
import traceback
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from janitor.aws.brake import RELEASED
from janitor.core.metric import NAMESPACE, Dimension
from janitor.settings.function import FINISHED, UNFINISHED
from tests.infra.ministack import REGION
from tests.infra.ministack_stacks import (
    Queue,
    account,
    deployed,
    events_of_all,
    notices_of,
    read_metrics,
    until,
)
from tests.infra.program import ACCOUNT, stack_file
from tests.widgets import pressed, refreshed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.infra.ministack import MiniStack
    from tests.infra.ministack_stacks import Stack

TIMEOUT = 63
"""Seconds of an invocation of the stacks that hop: 45 are kept back, so that 18 are for work."""

NIGHTLY_DUE, HOPPING_DUE, BRAKED_DUE, REPORTING_DUE = 25, 500, 300, 5
"""Revisions. In 18 seconds no hop can describe more than 246: a burst of 30, then 12 a second."""

USED_UP = 810_000
"""Numbers of the nightly family that are gone: 81 % of the limit."""

IN_USE = USED_UP + 3
"""Revision of the nightly family that an EventBridge rule in MiniStack starts."""

STACKS: Mapping[str, Mapping[str, Any]] = {
    "hopping": stack_file("prod"),
    "braked": stack_file("prod"),
    "reporting": stack_file("dev"),
    "nightly": {**stack_file("prod"), "lookupTable": True},
}

Told = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    ministack: MiniStack
    stacks: Mapping[str, Stack]
    events: Queue
    notices: Queue

    def told(self, stack: str, kind: str) -> list[dict[str, Any]]:
        """Return the details of a stack's events so far."""
        return [
            event["detail"]
            for event in self.events.read()
            if event["detail-type"] == kind and event["detail"]["stack"] == stack
        ]


def tell(ministack: MiniStack) -> dict[str, Told]:
    """Return what came of each chapter; of one that came to nothing, why, as ``failed``."""
    with ExitStack() as running:
        read_metrics(ministack)
        events = events_of_all(ministack)
        _use(ministack)
        accounts = {
            "hopping": account("etl", HOPPING_DUE),
            "braked": account("etl", BRAKED_DUE),
            "reporting": account("etl", REPORTING_DUE),
            "nightly": account("etl", NIGHTLY_DUE, gone=USED_UP),
        }
        stacks = {
            name: running.enter_context(
                deployed(
                    ministack, name, said, accounts[name], timeout=TIMEOUT if name in {"hopping", "braked"} else None
                )
            )
            for name, said in STACKS.items()
        }
        scene = _Scene(ministack=ministack, stacks=stacks, events=events, notices=notices_of(stacks["nightly"]))
        chapters: dict[str, Callable[[_Scene], Told]] = {
            "provisioned": _provisioned,
            "brake": _brake,
            "reporting": _reporting,
            "nightly": _nightly,
            "looked": _looked,
            "noticed": _noticed,
            "metrics": _metrics,
            "denied": _denied,
            "braked": _braked,
            "hopping": _hopping,
        }
        return {name: _ended(chapter, scene) for name, chapter in chapters.items()}


def _ended(chapter: Callable[[_Scene], Told], scene: _Scene) -> Told:
    try:
        return chapter(scene)
    except Exception:  # noqa: BLE001 - whatever it was, the other chapters are told, and this one's tests say it
        return {"failed": traceback.format_exc()}


def _use(ministack: MiniStack) -> None:
    """Let a rule start a task of a revision that is due."""
    events = ministack.client("events")
    events.put_rule(Name="starts-a-task", ScheduleExpression="rate(30 days)")
    task = {"TaskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/etl:{IN_USE}"}
    cluster = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/default"
    role = f"arn:aws:iam::{ACCOUNT}:role/starts-tasks"
    events.put_targets(
        Rule="starts-a-task", Targets=[{"Id": "task", "Arn": cluster, "RoleArn": role, "EcsParameters": task}]
    )


def _provisioned(scene: _Scene) -> Told:
    return {
        name: {
            "kinds": Counter(each.kind for each in stack.deployed.of_aws),
            "without id": [each.name for each in stack.deployed.of_aws if not each.id],
        }
        for name, stack in scene.stacks.items()
    }


def _brake(scene: _Scene) -> Told:
    """Pull the brake of a stack once it deletes."""
    stack = scene.stacks["braked"]
    until("the braked stack deletes something", lambda: stack.ecs.calls["DeleteTaskDefinitions"])
    parameter = stack.deployed.outputs["brake"]
    assert scene.ministack.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"] == RELEASED
    scene.ministack.client("ssm").put_parameter(Name=parameter, Value="on", Overwrite=True)
    return {}


def _reporting(scene: _Scene) -> Told:
    stack = scene.stacks["reporting"]
    until("the reporting stack has reported", lambda: scene.told("reporting", FINISHED))
    told = {
        "report": stack.report(),
        "finished": scene.told("reporting", FINISHED),
        "calls": dict(stack.ecs.calls),
    }
    stack.alter(JANITOR_MODE="delete")
    stack.wake()
    return told


def _nightly(scene: _Scene) -> Told:
    stack = scene.stacks["nightly"]
    until("the nightly sweep has finished", lambda: scene.told("nightly", FINISHED))
    return {
        "report": stack.report(),
        "finished": scene.told("nightly", FINISHED),
        "left": {status: stack.ecs.numbers("etl", status) for status in ("INACTIVE", "DELETE_IN_PROGRESS")},
    }


def _looked(scene: _Scene) -> Told:
    """Look at the dashboards once there is a report: let the widget be refreshed, and press one of its buttons."""
    nightly, params = scene.stacks["nightly"], {"stack": "nightly"}
    report = nightly.report()
    before = dict(nightly.ecs.calls)
    shown = nightly.look(refreshed(params=params))
    refreshes = {operation: count - before.get(operation, 0) for operation, count in nightly.ecs.calls.items()}
    return {
        "report": report,
        "shown": shown,
        "calls of a refresh": {operation: count for operation, count in refreshes.items() if count},
        "dry run": nightly.look(pressed({"dry_run": "etl"}, params=params)),
        "left": nightly.ecs.numbers("etl", "INACTIVE"),
        "other": scene.stacks["reporting"].look({}),
    }


def _noticed(scene: _Scene) -> Told:
    """Tell what reaches a queue that is subscribed to the nightly stack's topic."""
    alarm = f"{scene.stacks['nightly'].function}-number-warning"

    def ringing() -> list[dict[str, Any]]:
        alarms = [json.loads(each["Message"]) for each in scene.notices.read() if each["Message"].startswith("{")]
        return [each for each in alarms if each["AlarmName"] == alarm and each["NewStateValue"] == "ALARM"]

    def words() -> list[str]:
        return [each["Message"] for each in scene.notices.read() if not each["Message"].startswith("{")]

    until(f"the alarm {alarm} has reached the queue that is subscribed to the topic", ringing)
    until("the message that names families near the limit has reached that queue", words)
    return {"alarm": ringing()[0], "words": words()}


def _metrics(scene: _Scene) -> Told:
    """Tell which metrics were put, and which ones alarms and dashboard watch; MiniStack forgets an alarm's queries."""
    cloudwatch, stack = scene.ministack.client("cloudwatch"), scene.stacks["nightly"]

    def put() -> list[list[str]]:
        metrics = cloudwatch.list_metrics(Namespace=NAMESPACE)["Metrics"]
        series = [
            {"metric": each["MetricName"], **{pair["Name"]: pair["Value"] for pair in each["Dimensions"]}}
            for each in metrics
        ]
        return [
            [each["metric"], *sorted(each.keys() - {"metric"})] for each in series if each.get("Stack") == "nightly"
        ]

    until("metrics by family were put", lambda: any(Dimension.FAMILY in dimensions for _, *dimensions in put()))
    board = cloudwatch.get_dashboard(DashboardName=stack.deployed.outputs["dashboard"])
    return {
        "put": put(),
        "alarmed": sorted(
            {watched for alarm in stack.deployed.of("MetricAlarm") for watched in _watched(alarm.inputs)}
        ),
        "dashboard": json.loads(board["DashboardBody"]),
    }


def _watched(alarm: Mapping[str, Any]) -> list[tuple[str, ...]]:
    metrics = [alarm, *(query["metric"] for query in alarm.get("metricQueries", []) if "metric" in query)]
    return [(each["metricName"], *each["dimensions"]) for each in metrics if each.get("namespace") == NAMESPACE]


def _denied(scene: _Scene) -> Told:
    stack = scene.stacks["reporting"]
    failures = Queue(scene.ministack, stack.deployed.outputs["failures"])
    until("the run that was denied has reached the queue of failures", failures.read)
    return {
        "failures": failures.messages,
        "calls": dict(stack.ecs.calls),
        "left": stack.ecs.numbers("etl"),
        "runs": stack.ecs.calls["ListTaskDefinitionFamilies"],
    }


def _braked(scene: _Scene) -> Told:
    stack = scene.stacks["braked"]
    until("the braked stack has handed on", lambda: scene.told("braked", UNFINISHED))
    until("the hop after it has reported", lambda: stack.report()["hop"] > 1)
    return {
        "report": stack.report(),
        "left": len(stack.ecs.numbers("etl")),
        "unfinished": scene.told("braked", UNFINISHED),
        "finished": scene.told("braked", FINISHED),
    }


def _hopping(scene: _Scene) -> Told:
    stack = scene.stacks["hopping"]
    until("the sweep has hopped to its end", lambda: scene.told("hopping", FINISHED))
    return {
        "unfinished": scene.told("hopping", UNFINISHED),
        "finished": scene.told("hopping", FINISHED),
        "left": stack.ecs.numbers("etl"),
    }

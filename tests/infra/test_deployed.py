"""The program deployed into MiniStack, and the function run there from our zip, with its role's credentials.

The fourth layer: what the others cannot see is whether the pieces work together. What MiniStack gets wrong is said
where it is made up for: ``ministack_cloud.widened``, ``ministack_metrics``, ``ministack_ecs``. Its alarms know neither
dimensions nor missing data: ``test_alarms`` evaluates them.
"""

from __future__ import annotations

import functools
import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

import infra.function
from infra.bundle import NotBuildable, build
from janitor.core.metric import NAMESPACE, Metric
from tests.e2e.installing import NotInstallable
from tests.infra.ministack import REQUIREMENTS, install, ministack
from tests.infra.ministack_story import (
    BRAKED_DUE,
    HOPPING_DUE,
    IN_USE,
    NIGHTLY_DUE,
    REPORTING_DUE,
    STACKS,
    USED_UP,
    tell,
)
from tests.infra.program import ACCOUNT, PROJECT, deploy
from tests.once import once

if TYPE_CHECKING:
    from collections.abc import Callable

Chapter = dict[str, Any]

KEPT = 2
"""Revisions that both stack files keep as the newest."""


@pytest.fixture(scope="session")
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Chapter]:
    """Provide what happened, once for all processes of a test run."""
    return once("ministack", tmp_path_factory, lambda: _told(request, tmp_path_factory))


def _told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Chapter]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            patch.delenv(name)
        patch.setattr(infra.function, "build", functools.cache(build))  # one zip for all stacks
        try:
            python = install(request.config.cache.mkdir("ministack"))
            with ministack(python, tmp_path_factory.mktemp("ministack")) as running:
                return tell(running)
        except NotInstallable as reason:
            return {"skipped": {"reason": f"{' and '.join(REQUIREMENTS)} cannot be installed and started: {reason}"}}
        except NotBuildable as reason:
            return {"skipped": {"reason": f"the function's zip cannot be built: {reason}"}}


@pytest.fixture
def chapter(story: dict[str, Chapter]) -> Callable[[str], Chapter]:
    """Provide a chapter by its name; one that came to nothing fails with the reason."""

    def told(name: str) -> Chapter:
        if "failed" in story[name]:
            pytest.fail(f"{name}: {story[name]['failed']}")
        return story[name]

    return told


@pytest.mark.parametrize("name", STACKS)
def test_the_program_provisions_itself(chapter: Callable[[str], Chapter], name: str) -> None:
    """Every resource that it registers on paper is created, by a call that a service accepts."""
    on_paper = [each.kind for each in deploy(name, STACKS[name]).of_aws]
    created = chapter("provisioned")[name]
    assert created["kinds"] == {kind: on_paper.count(kind) for kind in on_paper}
    assert not created["without id"]


def test_the_schedule_starts_a_sweep_whose_revisions_are_gone(chapter: Callable[[str], Chapter]) -> None:
    """From our zip, with its role's credentials; whoever uses a revision was found in each service that may tell."""
    nightly = chapter("nightly")
    newest = [USED_UP + NIGHTLY_DUE - 1, USED_UP + NIGHTLY_DUE]
    assert nightly["left"] == {"INACTIVE": [IN_USE, *newest], "DELETE_IN_PROGRESS": []}
    report = nightly["report"]
    assert (report["mode"], report["ending"], report["usage_not_read"]) == ("delete", "finished", [])
    assert report["totals"]["deleted"] == NIGHTLY_DUE - KEPT - 1
    assert report["totals"]["kept_by_reason"] == {"among_newest": KEPT, "in_use": 1}
    assert {"ListClusters", "ListEventBuses", "ListRules", "ListSchedules", "ListStateMachines"} <= set(
        report["api_calls"]
    )
    (finished,) = nightly["finished"]
    assert (finished["trigger"], finished["hops"], finished["sweep_id"]) == ("schedule", 1, report["sweep_id"])


def test_the_widget_shows_the_nightly_report_and_asks_ecs_at_a_button_alone(chapter: Callable[[str], Chapter]) -> None:
    """From our zip, with the credentials of a role that can read one object of the store; it deletes nothing."""
    looked = chapter("looked")
    report, arn = looked["report"], f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:customWidget-{PROJECT}-nightly"
    assert "What the sweep deleted" in looked["shown"]
    assert f"<b>{report['totals']['deleted']}</b>" in looked["shown"]
    assert report["sweep_id"] in looked["shown"]
    assert f'endpoint="{arn}"' in looked["shown"]
    assert not looked["calls of a refresh"]
    assert "A sweep would delete nothing." in looked["dry run"]
    assert "1 in use" in looked["dry run"]
    assert looked["left"] == [IN_USE, USED_UP + NIGHTLY_DUE - 1, USED_UP + NIGHTLY_DUE]
    assert "What a sweep would delete" in looked["other"]


def test_every_metric_that_is_watched_is_one_that_a_run_put(chapter: Callable[[str], Chapter]) -> None:
    """Of our namespace: each that an alarm or a graph of the stack names, with the same dimensions."""
    metrics = chapter("metrics")
    put = {tuple(each) for each in metrics["put"]}
    alarmed = {tuple(each) for each in metrics["alarmed"]}
    drawn = set()
    for widget in metrics["dashboard"]["widgets"]:
        for line in widget["properties"].get("metrics", []):
            if line[0] == NAMESPACE:
                drawn.add((line[1], *line[2:-1:2]))
            elif isinstance(line[0], dict):
                schema, metric = re.findall(r'\{(.+?)\} MetricName="(\w+)"', line[0]["expression"])[0]
                drawn.add((metric, *schema.split(",")[1:]))
    assert {(each.value, "Stack") for each in (Metric.NUMBER_UTILIZATION, Metric.SWEEPS)} <= alarmed
    assert (Metric.COUNT_UTILIZATION.value, "Family", "Stack") in drawn
    assert alarmed <= put
    assert drawn <= put


def test_an_alarm_reaches_who_is_subscribed_to_the_topic(chapter: Callable[[str], Chapter]) -> None:
    """A family whose numbers are at 81 % of the limit; the alarm says what to do."""
    alarm = chapter("noticed")["alarm"]
    assert alarm["Trigger"]["Dimensions"] == [{"Name": "Stack", "Value": "nightly"}]
    assert alarm["AlarmDescription"].endswith("RUNBOOK.md#near-the-limit")


def test_a_message_names_the_family_near_the_limit(chapter: Callable[[str], Chapter]) -> None:
    """Once, after the nightly sweep, from its event by the rule."""
    (words,) = chapter("noticed")["words"]
    assert json.loads(words) == (
        "Task definition families at 80 % of their limit of 1,000,000 revisions or above: 1 (account 123456789012, "
        "eu-west-1, stack nightly). etl: <0.1 % of the limit by count, 81.0 % by number, the limit is not in sight. "
        "What to do: .github/RUNBOOK.md#near-the-limit"
    )


def test_a_stack_that_reports_deletes_nothing(chapter: Callable[[str], Chapter]) -> None:
    """Its night is a report; no call to delete is made."""
    reporting = chapter("reporting")
    assert (reporting["report"]["mode"], reporting["report"]["ending"]) == ("report", "finished")
    assert reporting["report"]["totals"]["due"] == REPORTING_DUE - KEPT
    assert "DeleteTaskDefinitions" not in reporting["calls"]
    assert [each["mode"] for each in reporting["finished"]] == ["report"]


def test_a_stack_that_reports_is_denied_deletion_by_its_role(chapter: Callable[[str], Chapter]) -> None:
    """Even when somebody changes the function's mode past the program; the run fails with the permission's name."""
    denied = chapter("denied")
    assert denied["left"] == list(range(1, REPORTING_DUE + 1))
    assert "DeleteTaskDefinitions" not in denied["calls"]
    (failure,) = denied["failures"]
    said = failure["responsePayload"]["errorMessage"]
    assert said.startswith("ecs:DeleteTaskDefinitions was denied: AccessDeniedException: User: ")
    assert "assumed-role/janitor-reporting-function/" in said


def test_a_run_that_failed_is_tried_once_more_and_lies_in_the_queue(chapter: Callable[[str], Chapter]) -> None:
    """With the event that woke it, so that it can be sent again."""
    denied = chapter("denied")
    (failure,) = denied["failures"]
    assert failure["requestPayload"]["trigger"] == "schedule"
    assert denied["runs"] == 1 + 2  # the report, and then the two that were denied


def test_an_unfinished_sweep_hops_to_its_end(chapter: Callable[[str], Chapter]) -> None:
    """The rule wakes the next hop, as often as it takes; nothing that is due is left."""
    hopping = chapter("hopping")
    assert hopping["left"] == [HOPPING_DUE - 1, HOPPING_DUE]
    (finished,) = hopping["finished"]
    assert finished["hops"] == len(hopping["unfinished"]) + 1 >= 3
    assert [each["hop"] for each in hopping["unfinished"]] == list(range(2, finished["hops"] + 1))
    assert {each["sweep_id"] for each in hopping["unfinished"]} == {finished["sweep_id"]}
    assert finished["totals"]["outcomes"]["deleted"] == HOPPING_DUE - KEPT


def test_the_brake_stops_a_sweep_that_is_under_way(chapter: Callable[[str], Chapter]) -> None:
    """The hop after it was pulled deletes nothing, and wakes no other."""
    chapter("brake")
    braked = chapter("braked")
    (unfinished,) = braked["unfinished"]
    assert not braked["finished"]
    assert braked["report"]["ending"] == "stopped_by_brake"
    assert braked["report"]["totals"]["deleted"] == 0
    assert 0 < unfinished["so_far"]["outcomes"]["deleted"] == BRAKED_DUE - braked["left"] < BRAKED_DUE

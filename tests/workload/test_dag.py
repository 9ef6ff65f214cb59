"""The DAG of the README, run by Airflow against the embedded ECS and against moto; then the janitor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workload.story import CHAIN, FAMILY, REUSED

if TYPE_CHECKING:
    from tests.once import Story

DONE = ["success", 1]


@pytest.mark.parametrize("name", ["succeeds", "moto_succeeds"])
def test_a_run_leaves_its_revision_inactive(story: Story, name: str) -> None:
    """One revision a run."""
    assert story[name] == {
        "run": "success",
        "tasks": {"create": DONE, "run": DONE, "deregister": DONE},
        "revisions": ["INACTIVE"],
    }


@pytest.mark.parametrize("name", ["fails", "moto_fails"])
def test_a_failing_container_fails_the_run_and_leaves_its_revision_inactive(story: Story, name: str) -> None:
    """At its second try as at its first: both run the same revision."""
    assert story[name] == {
        "run": "failed",
        "tasks": {"create": DONE, "run": ["failed", 2], "deregister": DONE},
        "revisions": ["INACTIVE"],
    }


def test_a_container_that_fails_once_is_run_again_from_the_same_revision(story: Story) -> None:
    """A retry of the task that runs registers nothing."""
    assert story["recovers"] == {
        "run": "success",
        "tasks": {"create": DONE, "run": ["success", 2], "deregister": DONE},
        "revisions": ["INACTIVE"],
    }


def test_a_killed_task_fails_the_run_and_leaves_its_revision_inactive(story: Story) -> None:
    """SIGKILL to the process that waits for the container, which runs on."""
    assert story["killed"] == {
        "run": "failed",
        "tasks": {"create": DONE, "run": ["failed", 1], "deregister": DONE},
        "revisions": ["INACTIVE"],
    }


def test_a_registration_whose_answer_is_lost_leaks(story: Story) -> None:
    """The client repeats the call, and the first revision is nobody's: no DAG can know of it."""
    assert story["registers_twice"] == {
        "run": "success",
        "tasks": {"create": DONE, "run": DONE, "deregister": DONE},
        "revisions": ["ACTIVE", "INACTIVE"],
    }


def test_a_deregistration_that_fails_leaks_and_the_run_is_green(story: Story) -> None:
    """A teardown does not count for the state of the run."""
    assert story["cannot_deregister"] == {
        "run": "success",
        "tasks": {"create": DONE, "run": DONE, "deregister": ["failed", 2]},
        "revisions": ["ACTIVE"],
    }


def test_a_plain_chain_leaks_whenever_the_container_fails(story: Story) -> None:
    """What the teardown form is for."""
    assert story["chain_succeeds"]["revisions"] == ["INACTIVE"]
    assert story["chain_fails"] == {
        "run": "failed",
        "tasks": {"create": DONE, "run": ["failed", 1], "deregister": ["upstream_failed", 0]},
        "revisions": ["ACTIVE"],
    }


def test_with_a_lookup_table_every_run_has_the_same_revision(story: Story) -> None:
    """The first run registers it; the next one registers nothing, and what becomes of its container changes nothing."""
    assert story["reuse_registers"] == {
        "run": "success",
        "tasks": {"create": DONE, "run": DONE},
        "revisions": ["ACTIVE"],
    }
    assert story["reuse_reuses"] == {"run": "failed", "tasks": {"create": DONE, "run": ["failed", 2]}, "revisions": []}


def test_nothing_is_due_while_it_is_young(story: Story) -> None:
    """The runs were just now."""
    assert story["at_once"]["totals"]["due"] == 0


def test_half_a_year_later_a_report_tells_what_would_go_and_what_is_active(story: Story) -> None:
    """Six runs of the DAG, of which one registered twice, and two of the chain; one container still runs."""
    report = story["report"]
    by_family = {each["family"]: (each["inactive"], each["due"], each["active"]) for each in report["families"]}
    assert by_family == {FAMILY: (5, 4, 2), CHAIN: (1, 1, 1), REUSED: (0, 0, 1)}
    assert report["totals"]["kept_by_reason"] == {"in_use": 1}


def test_what_leaked_is_counted_but_for_the_newest_of_a_family(story: Story) -> None:
    """The newest may be what a schedule starts that names the family alone."""
    counted = {each["family"]: each["active_orphans"] for each in story["report"]["families"]}
    assert counted == {FAMILY: 1, CHAIN: 0, REUSED: 0}


def test_a_sweep_deletes_what_is_inactive_and_unused_and_nothing_else(story: Story) -> None:
    """The leaked revisions stay ACTIVE; the killed task's stays as long as its container runs."""
    swept = story["sweep"]
    assert swept["left"] == {
        FAMILY: {"4": "ACTIVE", "6": "ACTIVE", "7": "INACTIVE"},
        CHAIN: {"2": "ACTIVE"},
        REUSED: {"1": "ACTIVE"},
    }
    assert swept["report"]["totals"]["deleted"] == 5


def test_once_the_container_has_ended_its_revision_goes_and_the_leaked_ones_stay(story: Story) -> None:
    """No clean-up of INACTIVE revisions ever finds those."""
    swept = story["sweep_after_the_task"]
    assert swept["left"] == {FAMILY: {"4": "ACTIVE", "6": "ACTIVE"}, CHAIN: {"2": "ACTIVE"}, REUSED: {"1": "ACTIVE"}}
    assert swept["report"]["totals"]["deleted"] == 1

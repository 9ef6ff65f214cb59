"""What is stuck in DELETE_IN_PROGRESS is followed up: in every format, by the record, and by an older botocore."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from janitor.cli import main
from janitor.local.clock import VirtualClock
from janitor.local.families import Status
from tests.builders import old_client, place_of
from tests.commandline import Ran, run, small_account

if TYPE_CHECKING:
    from pathlib import Path

    from janitor.local.ecs import EmbeddedEcs

DAY = 86_400


@pytest.fixture
def ecs() -> EmbeddedEcs:
    """Provide an account in which a task still uses a revision deleted three days ago."""
    ecs = small_account()
    now = ecs.clock.now()
    for ago, count in ((timedelta(days=3), 2), (timedelta(minutes=30), 3)):
        ecs.seed_family(
            "stuck",
            count=count,
            status=Status.DELETE_IN_PROGRESS,
            registered=(now - timedelta(days=300), now - timedelta(days=300)),
            delete_requested_at=now - ago,
        )
    ecs.seed_task("main", "stuck:2")
    return ecs


def old_run(ecs: EmbeddedEcs, *arguments: str) -> Ran:
    """Run one command with an older botocore."""
    clock = ecs.clock
    assert isinstance(clock, VirtualClock)
    place = replace(place_of(ecs, clock), client=old_client(ecs))
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
        main(list(arguments), connect=lambda _: place)
    return Ran(out=out.getvalue(), err="", code=int(ended.value.code or 0))


def stuck(ran: Ran, family: str = "stuck") -> dict[str, Any]:
    """Return a family of a report."""
    found: dict[str, Any] = {each["family"]: each for each in json.loads(ran.out)["families"]}[family]
    return found


@pytest.mark.parametrize("command", [("report",), ("report", "--exact"), ("sweep", "--yes")], ids=" ".join)
def test_a_revision_that_lingers_is_named_with_its_age_and_its_user(ecs: EmbeddedEcs, command: tuple[str, ...]) -> None:
    """In a table, in Markdown and in JSON; a lingering revision is no failure of this run."""
    found = stuck(run(ecs, *command, "--format", "json"))
    assert found["delete_in_progress"] == 4
    assert 3 * DAY <= found["delete_in_progress_age"] < 3 * DAY + 60
    assert found["delete_in_progress_age_is_exact"]
    (lingering,) = found["lingering"]
    assert lingering["revision"] == "stuck:2"
    assert lingering["age"] == found["delete_in_progress_age"]
    assert lingering["used_by"].startswith("task ")
    assert lingering["used_by"].endswith("in cluster main is RUNNING with it")
    assert lingering["usage_is_known"]
    table = run(ecs, *command)
    assert table.code == 0
    said = " ".join(table.out.split())
    assert (
        "In DELETE_IN_PROGRESS for more than 25 hours, so something may still refer to them: stuck:2 for 72.0" in said
    )
    assert "stuck:2 for 72.0 hours: task " in run(ecs, *command, "--format", "markdown").out


def test_an_older_botocore_is_noticed_and_said_once(ecs: EmbeddedEcs) -> None:
    """Not silently blind: the count is there, the age is not, and the report says why."""
    for command in (("report", "--format", "json"), ("report", "--exact", "--format", "json")):
        ran = old_run(ecs, *command)
        warnings = [each for each in json.loads(ran.out)["warnings"] if "deleteRequestedAt" in each]
        assert len(warnings) == 1
        assert "too old" in warnings[0]
        assert stuck(ran)["delete_in_progress"] == 4
        assert stuck(ran)["delete_in_progress_age"] is None
        assert stuck(ran)["lingering"] == []
    assert "Warning: botocore" in old_run(ecs, "report").out


def test_what_our_own_record_knows_is_followed_up_with_an_older_botocore_too(ecs: EmbeddedEcs, tmp_path: Path) -> None:
    """A sweep wrote down when it submitted; two days later a task still uses one of them."""
    store = ("--store", str(tmp_path))
    old_run(ecs, "sweep", "--yes", "--family", "dead-report", *store)
    ecs.seed_task("main", "dead-report:2")
    ecs.clock.sleep(2 * DAY)
    again = old_run(ecs, "sweep", "--yes", "--family", "dead-report", "--format", "json", *store)
    found = stuck(again, "dead-report")
    assert found["delete_in_progress"] == 1
    assert 2 * DAY <= found["delete_in_progress_age"] < 2 * DAY + 60
    assert found["lingering"][0]["revision"] == "dead-report:2"
    assert json.loads(again.out)["warnings"] == []

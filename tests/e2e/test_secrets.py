"""No content of a task definition gets out, whatever the command, the format or the fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from janitor.local.faults import Fault
from tests.commandline import run, small_account

if TYPE_CHECKING:
    from pathlib import Path

    from janitor.local.ecs import EmbeddedEcs

SECRET = "hunter2-do-not-print"


def _account() -> EmbeddedEcs:
    ecs = small_account()
    now = ecs.clock.now()
    container: dict[str, Any] = {
        "name": "main",
        "image": "registry.example/app:1",
        "command": ["run", f"--password={SECRET}"],
        "entryPoint": [SECRET],
        "environment": [{"name": "PASSWORD", "value": SECRET}],
        "secrets": [{"name": "TOKEN", "valueFrom": f"arn:aws:ssm:eu-west-1:123456789012:parameter/{SECRET}"}],
        "dockerLabels": {"label": SECRET},
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": SECRET}},
    }
    body = {"containerDefinitions": [container], "taskRoleArn": f"arn:aws:iam::123456789012:role/{SECRET}"}
    old = now.replace(year=now.year - 2)
    ecs.seed_family("secretive", count=12, registered=(old, old), body=body, tags={"team": SECRET})
    assert SECRET in str(ecs.handle("DescribeTaskDefinition", {"taskDefinition": "secretive:1"}).body)
    return ecs


COMMANDS = [
    *(("report", "--format", each) for each in ("table", "json", "markdown", "csv")),
    ("report", "--exact"),
    ("report", "--exact", "--format", "json"),
    ("explain", "secretive"),
    ("explain", "secretive:1"),
    ("explain", "secretive:1", "--format", "json"),
    *(("sweep", "--yes", "--format", each) for each in ("table", "json", "markdown", "csv")),
]
FAULTS = [
    None,
    Fault(operation="DeleteTaskDefinitions", code="ClientException", message="no"),
    Fault(operation="DescribeTaskDefinition", code="ServerException", status=400, message="no"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=["no fault", "delete fails", "describe fails"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_content_reaches_an_output(command: tuple[str, ...], fault: Fault | None) -> None:
    """Environment, secrets, commands, labels, roles and the values of tags stay where they are."""
    ecs = _account()
    if fault is not None:
        ecs.faults.add(fault)
    ran = run(ecs, *command)
    assert SECRET not in ran.out + ran.err
    assert "secretive" in ran.out + ran.err
    assert "no such" not in ran.err
    writes = {operation for operation in ecs.calls if not operation.startswith(("Describe", "List"))}
    assert writes == ({"DeleteTaskDefinitions"} if command[0] == "sweep" and fault is not FAULTS[2] else set())


def test_no_content_reaches_a_plan_or_what_applies_it(tmp_path: Path) -> None:
    """It holds numbers and the policy; the sweep that applies it says no more than any other."""
    ecs = _account()
    plan = tmp_path / "plan.json"
    run(ecs, "report", "--exact", "-o", str(plan))
    assert "secretive" in plan.read_text(encoding="utf-8")
    ran = run(ecs, "sweep", "--yes", "--plan", str(plan))
    assert ecs.count("secretive", "DELETE_IN_PROGRESS") == 10
    assert SECRET not in plan.read_text(encoding="utf-8") + ran.out + ran.err


def test_no_content_reaches_the_store(tmp_path: Path) -> None:
    """Neither record nor cache, read as they lie, nor what history makes of them."""
    ecs = _account()
    run(ecs, "sweep", "--yes", "--store", str(tmp_path))
    assert ecs.count("secretive", "DELETE_IN_PROGRESS") == 10
    assert SECRET not in run(ecs, "history", "secretive:1", "--store", str(tmp_path)).out
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if SECRET.encode() in _unpacked(path)]


def _unpacked(path: Path) -> bytes:
    import gzip  # noqa: PLC0415 - used here alone

    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()

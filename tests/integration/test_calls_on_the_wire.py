"""What goes over the wire, whoever asks for it, is within what is declared for its mode; reports write nothing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.endpoint import Endpoint
from botocore.exceptions import ClientError
from moto import mock_aws

from janitor.core.model import Mode
from janitor.demo import embedded_place
from janitor.function import respond
from janitor.function_wiring import function_world
from janitor.permissions import statements
from janitor.settings import Flags, load
from janitor.settings.function import function_settings
from tests.commandline import run, small_account
from tests.unit.test_actions import action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from janitor.local.clock import VirtualClock
    from janitor.local.ecs import EmbeddedEcs

BUCKET, BRAKE, BUS = "janitor-store", "/janitor/brake", "default"
READS = (
    *(("report", "--format", each) for each in ("table", "json", "markdown", "csv")),
    ("report", "--exact"),
    ("report", "--max-reads", "60"),
    ("explain", "airflow-dbt"),
    ("explain", "web:3"),
    ("history", "web:3", "--store", f"s3://{BUCKET}/a"),
    ("history", "web", "--store", f"s3://{BUCKET}/a"),
    ("iam", "--mode", "delete"),
)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Provide what is asked of AWS from now on, as IAM actions."""
    seen: set[str] = set()
    real = Endpoint.make_request

    def noted(self: Endpoint, operation_model: Any, request_dict: Any) -> Any:  # noqa: ANN401 - botocore's own
        seen.add(action(operation_model.service_model.service_name, operation_model.name))
        if operation_model.name == "LookupEvents":  # which moto does not know
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, operation_model.name)
        return real(self, operation_model, request_dict)

    monkeypatch.setattr(Endpoint, "make_request", noted)
    return seen


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Provide a bucket, a released brake and a bus; ECS is the embedded one's business."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws(config={"core": {"passthrough": {"services": ["ecs"]}}}):
        boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        boto3.client("ssm").put_parameter(Name=BRAKE, Value="off", Type="String")
        yield


def lent(mode: Mode, **more: Any) -> set[str]:  # noqa: ANN401 - any of the arguments
    """Return what a mode is permitted."""
    made = statements(mode=mode, policy=load(Flags()).policy, store=f"s3://{BUCKET}/a", **more)
    return {each for statement in made if statement["Effect"] == "Allow" for each in statement["Action"]}


def invoke(ecs: EmbeddedEcs, event: object, mode: str, seconds: float = 900.0) -> dict[str, Any]:
    """Wake the function, with all that it can be given."""
    environment = {
        "JANITOR_STACK": "test",
        "JANITOR_MODE": mode,
        "JANITOR_STORE": f"s3://{BUCKET}/a",
        "JANITOR_BRAKE": BRAKE,
        "JANITOR_EVENT_BUS": BUS,
    }
    settings = function_settings(environment, folder=Path())
    clock: VirtualClock = ecs.clock  # type: ignore[assignment]  # small_account makes a virtual one
    world = function_world(settings, _logger(), account="123456789012", place=embedded_place(ecs, clock))
    return respond(event, settings, world, seconds_left=seconds)


def _logger() -> Any:  # noqa: ANN401 - Powertools' Logger, of which the function uses what any logger has
    return logging.getLogger("janitor-test")


@pytest.mark.usefixtures("aws")
def test_the_commands_that_only_read_make_no_other_call_than_a_report_is_lent(wire: set[str]) -> None:
    """No write call at all, in whatever format, with the store and CloudTrail too."""
    ecs = small_account()
    before = ecs.count("web", "INACTIVE")
    for arguments in READS:
        assert run(ecs, *arguments).code == 0, arguments
    assert wire <= lent(Mode.REPORT)
    assert {"ecs:DescribeServiceRevisions", "s3:ListBucket", "cloudtrail:LookupEvents"} <= wire
    assert not [each for each in wire if each.partition(":")[2].startswith(("Delete", "Put", "Register", "Tag"))]
    assert ecs.count("web", "INACTIVE") == before


@pytest.mark.usefixtures("aws")
def test_a_sweep_makes_no_other_call_than_it_is_lent(wire: set[str]) -> None:
    """Its one write in ECS is the deletion; the rest is its store."""
    ran = run(small_account(), "sweep", "--yes", "--store", f"s3://{BUCKET}/a")
    assert ran.code == 0
    assert wire <= lent(Mode.DELETE)
    assert {"ecs:DeleteTaskDefinitions", "s3:PutObject", "s3:GetObject"} <= wire


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("event", [{}, {"trigger": "schedule"}, {"mode": "report", "families": ["web"]}], ids=str)
def test_the_function_that_reports_writes_its_last_report_and_its_event_alone(
    wire: set[str], event: dict[str, Any]
) -> None:
    """Nothing in ECS, by hand or by schedule."""
    assert invoke(small_account(), event, "report")["mode"] == "report"
    assert wire <= lent(Mode.REPORT, brake=BRAKE, event_bus=BUS)
    assert "ecs:ListTaskDefinitions" in wire


@pytest.mark.usefixtures("aws")
def test_the_function_that_deletes_makes_no_other_call_than_it_is_lent(wire: set[str]) -> None:
    """Brake, store and events included."""
    ecs = small_account()
    assert invoke(ecs, {"trigger": "schedule"}, "delete")["totals"]["deleted"]
    assert wire <= lent(Mode.DELETE, brake=BRAKE, event_bus=BUS)
    assert {"ecs:DeleteTaskDefinitions", "ssm:GetParameter", "events:PutEvents", "s3:PutObject"} <= wire

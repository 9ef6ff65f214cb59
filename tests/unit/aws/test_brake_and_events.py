"""The brake is on unless it says off; an event is published, or that it was not is raised."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.parsers import ResponseParserError
from moto import mock_aws

from janitor.aws.brake import SsmBrake
from janitor.aws.events import EventBridge
from janitor.errors import CallFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_ssm.client import SSMClient


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[SSMClient]:
    """Provide an account with no parameter."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        yield boto3.client("ssm", region_name="eu-west-1")


@pytest.mark.parametrize(("value", "on"), [("off", False), (" OFF \n", False), ("on", True), ("no", True), ("0", True)])
def test_only_the_word_off_releases_the_brake(ssm: SSMClient, value: str, *, on: bool) -> None:
    """Whatever else it says, nothing is deleted."""
    ssm.put_parameter(Name="/janitor/brake", Value=value, Type="String")
    said = SsmBrake(ssm, "/janitor/brake").on()
    assert said == ("the brake /janitor/brake is on" if on else None)


def test_a_brake_that_is_configured_but_unreadable_is_on(ssm: SSMClient) -> None:
    """Missing, denied, out of reach: all the same."""
    said = SsmBrake(ssm, "/janitor/brake").on()
    assert said is not None
    assert "could not be read, so it counts as on" in said
    assert "ParameterNotFound" in said


class FakeEventBridge:
    """Answers PutEvents as scripted."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.entries: list[dict[str, str]] = []

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - boto's own name
        """Take the entries."""
        self.entries += Entries
        return self.answer


def test_an_event_carries_bus_source_kind_and_detail() -> None:
    """As the rule that waits for it expects them."""
    fake = FakeEventBridge({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})
    EventBridge(cast("EventBridgeClient", fake), "ops", source="revision-janitor").publish(
        "Sweep Finished", {"hops": 2}
    )
    (entry,) = fake.entries
    assert json.loads(entry.pop("Detail")) == {"hops": 2}
    assert entry == {"EventBusName": "ops", "Source": "revision-janitor", "DetailType": "Sweep Finished"}


def test_an_entry_that_failed_in_a_call_that_succeeded_is_raised() -> None:
    """PutEvents answers 200 and tells of failures inside."""
    failed = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
    fake = FakeEventBridge({"FailedEntryCount": 1, "Entries": [failed]})
    bridge = EventBridge(cast("EventBridgeClient", fake), "ops", source="revision-janitor")
    with pytest.raises(CallFailed, match="PutEvents failed: ThrottlingException: slow down"):
        bridge.publish("Sweep Unfinished", {})


def test_an_answer_without_a_count_of_failures_is_none() -> None:
    """Botocore makes an empty answer of a body cut short: nobody knows whether the event is on the bus."""
    client = cast("EventBridgeClient", FakeEventBridge({}))
    with pytest.raises(CallFailed, match="PutEvents failed: MalformedResponse"):
        EventBridge(client, "default", source="s").publish("Kind", {})


class Unparsable:
    """Answers what botocore cannot parse."""

    def get_parameter(self, **_: object) -> None:
        """Fail as botocore's parser does."""
        raise ResponseParserError("not well-formed")

    put_events = get_parameter


def test_an_answer_that_cannot_be_parsed_is_a_failure_of_ours_and_puts_the_brake_on() -> None:
    """Botocore's parser has an error of its own kind."""
    client: Any = Unparsable()
    assert "so it counts as on (not well-formed)" in (SsmBrake(client, "/brake").on() or "")
    with pytest.raises(CallFailed, match="not well-formed"):
        EventBridge(client, "default", source="s").publish("Kind", {})

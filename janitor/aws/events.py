"""The sweep's own events on EventBridge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import botocore.exceptions
from botocore.parsers import ResponseParserError

from janitor.errors import CallFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_events.client import EventBridgeClient

ACTIONS = ("events:PutEvents",)


class EventBridge:
    """Publishes to one bus."""

    def __init__(self, client: EventBridgeClient, bus: str, *, source: str) -> None:
        self._client = client
        self._bus = bus
        self._source = source

    def publish(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Publish an event; it is accepted, or ``CallFailed`` is raised: PutEvents reports failures in its answer."""
        entry = {"EventBusName": self._bus, "Source": self._source, "DetailType": kind, "Detail": json.dumps(detail)}
        try:
            answer = self._client.put_events(Entries=[entry])  # type: ignore[list-item]  # the stub wants a TypedDict
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, ResponseParserError) as error:
            raise CallFailed("PutEvents", type(error).__name__, str(error)) from error
        if answer.get("FailedEntryCount") != 0:  # without it the answer is none, and nobody knows
            failed: Mapping[str, Any] = next(iter(answer.get("Entries", [])), {})
            raise CallFailed(
                "PutEvents", failed.get("ErrorCode", "MalformedResponse"), failed.get("ErrorMessage", "no message")
            )

"""Lambda's console: a test event for a dry run that everybody with access to the function finds there.

The console keeps shareable test events as schemas of EventBridge, one a function, in a registry that all functions of
an account and Region share; the events are the examples of an OpenAPI document (AWS Lambda developer guide, testing
functions in the console). The registry is the account's: a stack that made it would take everybody's events with it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_aws.schemas import Schema

from janitor.core.model import Mode

if TYPE_CHECKING:
    from infra.names import Names

REGISTRY = "lambda-testevent-schemas"

EVENTS: dict[str, dict[str, Any]] = {
    "dry-run": {"mode": Mode.REPORT.value},
    "dry-run-of-some-families": {"mode": Mode.REPORT.value, "families": ["airflow-*"]},
}
"""Each deletes nothing, in any stack, and publishes no event."""

_TEXTS = {"type": "array", "items": {"type": "string"}}

FIELDS: dict[str, dict[str, Any]] = {
    "mode": {"type": "string", "enum": [each.value for each in Mode]},
    "families": _TEXTS,
    "exclude": _TEXTS,
    "older_than": {"type": "string"},
    "keep_newest": {"type": "integer"},
    "max_deletions": {"type": "integer"},
}
"""What may be typed by hand."""


def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    event = {"type": "object", "additionalProperties": False, "properties": FIELDS}
    return {
        "openapi": "3.0.0",
        "info": {"version": "1.0.0", "title": "Event"},
        "paths": {},
        "components": {"schemas": {"Event": event}, "examples": {k: {"value": v} for k, v in EVENTS.items()}},
    }


class TestEvents(pulumi.ComponentResource):
    """The schema as a resource; the registry has to be there."""

    def __init__(self, names: Names, *, function: pulumi.Output[str], opts: pulumi.ResourceOptions) -> None:
        super().__init__("janitor:infra:TestEvents", names.short, None, opts)
        Schema(
            f"{names.short}-test-event",
            name=function.apply(lambda name: f"_{name}-schema"),
            registry_name=REGISTRY,
            type="OpenApi3",
            description="Test events that delete nothing",
            content=json.dumps(document(), sort_keys=True),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})

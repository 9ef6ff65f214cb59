"""The made parts of `.github/EVENTS.md`: fields from the schemas, examples from a run of the function."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from janitor.function import LEAST, MARGIN
from janitor.schemas import schema_text
from janitor.settings.function import EVENT_SOURCE
from tests.builders import due_family
from tests.unit.test_function import SlowTaskDefinitions, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FIRST = 850_001
"""Numbers so high that the family is near the limit."""


def fields(name: str) -> str:
    """Return every field of an event's detail as a row: path, type, meaning."""
    schema = json.loads(schema_text(name))
    return "".join(f"| `{path}` | {kind} | {said} |\n" for path, kind, said in _rows(schema, schema, ""))


@cache
def events() -> Mapping[str, dict[str, Any]]:
    """Return the first of each kind that a sweep of two hops publishes, as EventBridge delivers it."""
    stage = Stage(SlowTaskDefinitions([*due_family(300, "airflow-dbt", first=FIRST), *due_family(100, "web")]))
    stage.sweep(seconds=MARGIN + LEAST + 5)
    found: dict[str, dict[str, Any]] = {}
    for kind, detail in stage.published:
        found.setdefault(
            kind,
            {
                "version": "0",
                "id": "7bf73129-1428-4cd3-a780-95db273d1602",
                "detail-type": kind,
                "source": EVENT_SOURCE,
                "account": "123456789012",
                "time": "2027-03-01T12:00:20Z",
                "region": "eu-west-1",
                "resources": [],
                "detail": json.loads(json.dumps(detail)),
            },
        )
    return found


def example(kind: str) -> str:
    """Return an event's detail as indented JSON."""
    return json.dumps(events()[kind]["detail"], indent=2) + "\n"


def _rows(schema: Mapping[str, Any], whole: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    for name, given in schema["properties"].items():
        field = {**whole["$defs"][given["$ref"].rpartition("/")[2]], **given} if "$ref" in given else given
        yield f"{path}{name}", _kind(field), field["description"]
        if "properties" in field:
            yield from _rows(field, whole, f"{path}{name}.")
        elif "properties" in field.get("items", {}):
            yield from _rows(field["items"], whole, f"{path}{name}[].")


def _kind(field: Mapping[str, Any]) -> str:
    if "const" in field:
        return f"always `{json.dumps(field['const'])}`"
    if "format" in field:
        return "moment, as RFC 3339"
    if "enum" in field:
        return "text"
    kinds: list[str] = field["type"] if isinstance(field["type"], list) else [field["type"]]
    words = {"string": "text", "integer": "whole number", "array": "list", "boolean": "true or false"}
    return " or ".join(words.get(each, str(each)) for each in kinds)

"""The JSON Schemas of what the janitor writes for programs, files in this folder, and what a value has against one."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema.exceptions import ValidationError

SCHEMAS = {
    "report": "a report: --format json, the function's answer, the last report in the store",
    "difference": "what janitor diff prints as JSON",
    "sweep-unfinished": "the detail of the event Sweep Unfinished",
    "sweep-finished": "the detail of the event Sweep Finished",
}
"""Each schema by name, with what it describes."""

LONGEST = 200
"""Characters that are said of one problem: a message quotes the value."""


def schema_text(name: str) -> str:
    """Return a schema (draft 2020-12) as it is in the package."""
    return resources.files(__name__).joinpath(f"{name}.schema.json").read_text(encoding="utf-8")


def problems(value: object, name: str, *, ignoring: Iterable[str] = ()) -> Iterator[str]:
    """Yield what a JSON value has against a schema, each with the path of the place, such as ``families[2].due``.

    ``ignoring`` names keywords of JSON Schema that are not enforced.
    """
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 100 ms that only a command that reads one should pay

    schema: dict[str, Any] = json.loads(schema_text(name))
    for error in sorted(Draft202012Validator(schema).iter_errors(value), key=_place):
        if error.validator not in ignoring:
            yield f"{error.json_path.removeprefix('$').lstrip('.') or 'the whole'}: {error.message:.{LONGEST}}"


def _place(error: ValidationError) -> list[str]:
    return [str(step) for step in error.absolute_path]

"""The JSON Schemas of what the janitor writes for programs, files in this folder, and what a value has against one."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from jsonschema import Draft202012Validator
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


def problems(value: object, name: str, *, needed: Collection[str] | None = None) -> Iterator[str]:
    """Yield what a JSON value has against a schema, each with the path of the place, such as ``families[2].due``.

    With ``needed`` it is looked at as a reader of it does: another version may have written it, so fields that the
    schema does not know are let through, and of those that it knows only the needed ones must be there.
    """
    for error in sorted(_validator(name).iter_errors(value), key=_place):
        if needed is None or not _tolerable(error, needed):
            where = error.json_path.removeprefix("$").lstrip(".")
            said = error.message.replace("is a required property", "is missing")
            yield f"{where}{': ' if where else ''}{said:.{LONGEST}}"


@cache
def _validator(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 100 ms that only a command that reads one should pay

    return Draft202012Validator(json.loads(schema_text(name)))


def _tolerable(error: ValidationError, needed: Collection[str]) -> bool:
    match error.validator:
        case "additionalProperties" | "dependentRequired":
            return True
        case "required":
            return not any(error.message.startswith(f"'{field}'") for field in needed)
        case _:
            return False


def _place(error: ValidationError) -> list[str]:
    return [str(step) for step in error.absolute_path]

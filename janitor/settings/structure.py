"""Values of unknown shape, from TOML or JSON, as typed ones: every unknown key and wrong type is a named problem."""

from __future__ import annotations

from typing import Any, TypeVar

from janitor.core.retention import AgeFrom
from janitor.settings.values import age_from

T = TypeVar("T")

MOST_KEYS = 10
"""Unknown keys that a problem names."""

_TYPES: dict[type[Any], str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    float: "a number",
}


def structured(content: object, shape: type[T], problems: list[str], *, more: bool = False) -> T | None:
    """Return the content as a dataclass, or None after adding every problem by the path of its key.

    An unknown key is a problem, unless there may be ``more`` than the shape holds.
    """
    if not isinstance(content, dict):
        problems.append(f"{content!r:.100} is not an object")
        return None
    import cattrs  # noqa: PLC0415 - 50 ms that only a run with a file or an event should pay

    def strictly(value: object, expected: type[Any]) -> Any:  # noqa: ANN401 - whatever was expected
        if type(value) is not expected:  # isinstance would take True for a number
            raise TypeError(f"{value!r:.100} is not {_TYPES[expected]}")
        return value

    converter = cattrs.Converter(forbid_extra_keys=not more)
    for expected in (str, int, bool):
        converter.register_structure_hook(expected, strictly)
    converter.register_structure_hook(
        float, lambda value, _: float(value) if type(value) is int else strictly(value, float)
    )
    converter.register_structure_hook_func(
        lambda expected: expected == list[str], lambda value, _: [strictly(each, str) for each in strictly(value, list)]
    )
    converter.register_structure_hook(AgeFrom, lambda value, _: age_from(strictly(value, str)))
    try:
        return converter.structure(content, shape)
    except cattrs.BaseValidationError as error:
        for message in cattrs.transform_error(error, format_exception=_describe):
            what, _, where = message.rpartition(" @ $")
            problems.append(f"{where.lstrip('.')}: {what}" if where else what)
        return None


def _describe(error: BaseException, _: type[Any] | None) -> str:
    from cattrs.errors import ForbiddenExtraKeysError  # noqa: PLC0415 - as above

    if isinstance(error, ForbiddenExtraKeysError):
        keys = sorted(f"{key!r:.100}" for key in error.extra_fields)
        more = f" and {len(keys) - MOST_KEYS:,} more" if len(keys) > MOST_KEYS else ""
        return f"unknown key {', '.join(keys[:MOST_KEYS])}{more}"
    if isinstance(error, KeyError):
        return "it is missing"
    if isinstance(error, AttributeError):  # cattrs asked for the keys of what has none
        return "it is not an object"
    return str(error)

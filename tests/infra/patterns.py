"""As much of EventBridge's event patterns and input transformers as the program uses; anything else is an error."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def matches(pattern: Mapping[str, Any], event: object) -> bool:
    """Say whether an event matches a pattern: every field of the pattern must be there, with one of its values."""
    return isinstance(event, dict) and all(
        matches(allowed, event.get(name))
        if isinstance(allowed, dict)
        else name in event and any(_is(each, event[name]) for each in allowed)
        for name, allowed in pattern.items()
    )


def _is(allowed: object, value: object) -> bool:
    match allowed:
        case {"numeric": [">", int(bound)]}:
            return isinstance(value, int | float) and not isinstance(value, bool) and value > bound
        case dict():
            raise AssertionError(f"{allowed}: not known here")
        case _:
            return type(allowed) is type(value) and allowed == value


def transformed(transformer: Mapping[str, Any], event: Mapping[str, Any]) -> object:
    """Return what a target gets: the template with what the paths find, as JSON."""
    text = transformer["inputTemplate"]
    used = set(re.findall(r"<([A-Za-z0-9_-]+)>", text))
    assert used == set(transformer["inputPaths"]), "a placeholder without a path, or a path without a placeholder"
    for name, path in transformer["inputPaths"].items():
        found: Any = event
        for step in path.removeprefix("$.").split("."):
            assert step in found, f"{path}: the event has no {step}"
            found = found[step]
        assert isinstance(found, str | int), f"{path} is {found!r}: within a text only a text or a number can be put"
        text = text.replace(f"<{name}>", json.dumps(found)[1:-1] if isinstance(found, str) else str(found))
    return json.loads(text)

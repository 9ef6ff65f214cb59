"""What the probe found: parameters of the embedded ECS, and beside them what was seen, in plain words and raw texts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from janitor.local.behaviour import Behaviour, Cursor, DeletingAgain, DeniedEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCHEMA_VERSION = 1

_ACCOUNT = re.compile(r"\d{12}")
_READ: Mapping[str, Callable[[Any], Any]] = {
    "cursor": Cursor,
    "deleting_again": DeletingAgain,
    "denied_entry": DeniedEntry,
    "deletion_delay": lambda seconds: timedelta(seconds=seconds),
}


@dataclass(slots=True, kw_only=True)
class Answers:
    """What is known so far. ``behaviour`` has the names of ``Behaviour``'s fields; ``left`` is what stays behind."""

    family: str
    behaviour: dict[str, str | float] = field(default_factory=dict)
    observed: dict[str, Any] = field(default_factory=dict)
    not_tried: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    ended: str = "finished"

    def document(self, *, with_account: bool) -> dict[str, Any]:
        """Return all of it as JSON values, without account numbers unless they are asked for."""
        whole = {
            "schema_version": SCHEMA_VERSION,
            "family": self.family,
            "ended": self.ended,
            "behaviour": self.behaviour,
            "observed": self.observed,
            "not_tried": self.not_tried,
            "left": self.left,
        }
        return whole if with_account else _without_accounts(whole)


def behaviour_of(document: Mapping[str, Any]) -> Behaviour:
    """Return the embedded ECS's parameters as a document has them; what it does not know stays as it is.

    Raises:
        TypeError: for a parameter that there is not.
        ValueError: for a value that it cannot have.
    """
    found = document["behaviour"]
    return Behaviour(**{name: _READ.get(name, str)(value) for name, value in found.items()})


def _without_accounts(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    match value:
        case str():
            return _ACCOUNT.sub("0" * 12, value)
        case dict():
            return {key: _without_accounts(each) for key, each in value.items()}
        case list():
            return [_without_accounts(each) for each in value]
        case _:
            return value

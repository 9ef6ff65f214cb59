"""A task definition with a secret planted in every text of it, made from botocore's model: new fields included."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import botocore.session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape

SECRET = "hunter2"
_MARK = re.compile(rf"{SECRET}[A-Za-z0-9_.]*")

OURS = {"taskDefinitionArn", "family", "revision", "status", "registeredAt", "deregisteredAt", "deleteRequestedAt"}
"""What ECS itself says of a revision, and no content of a definition."""

SHOWN = {f"{SECRET}.containerDefinitions.image", f"{SECRET}.containerDefinitions.name", f"{SECRET}.registeredBy"}
"""What explain may show, and nothing else: the image reference, by the container's name, and who registered it."""

REPORTED = {f"{SECRET}.registeredBy"}
"""What a report may show, and nothing else: who registered. It is ECS that says so, nobody who registers writes it."""


def definition(*, valid: bool = False) -> dict[str, Any]:
    """Return a body with a text of its own in each place that the model has for one.

    A ``valid`` one keeps to the words that the model has for some places, so that it can be registered.
    """
    shape = botocore.session.get_session().get_service_model("ecs").shape_for("TaskDefinition")
    planted: dict[str, Any] = _planted(shape, SECRET, valid=valid)
    return {name: value for name, value in planted.items() if name not in OURS}


def marks(value: object) -> set[str]:
    """Return the planted texts in anything that can be made a text of."""
    return set(_MARK.findall(value if isinstance(value, str) else repr(value)))


def _planted(shape: Shape, path: str, *, valid: bool) -> Any:  # noqa: ANN401 - JSON
    match shape.type_name:
        case "structure":
            return dict(_members(shape, path, valid=valid))
        case "list":
            return [_planted(shape.member, path, valid=valid)]  # type: ignore[attr-defined] # the stub's Shape has no member
        case "map":
            return {f"{path}.key": _planted(shape.value, f"{path}.value", valid=valid)}  # type: ignore[attr-defined] # as above
        case "string":
            words = getattr(shape, "enum", None)
            return words[0] if valid and words else path
        case _:
            return {"boolean": True}.get(shape.type_name, 1)


def _members(shape: Shape, path: str, *, valid: bool) -> Iterator[tuple[str, Any]]:
    for name, member in shape.members.items():  # type: ignore[attr-defined] # as above
        yield name, _planted(member, f"{path}.{name}", valid=valid)

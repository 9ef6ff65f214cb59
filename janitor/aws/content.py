"""What DescribeTaskDefinition answers, as what RegisterTaskDefinition takes: told apart by botocore's own shapes.

The answer is taken as it came, before botocore leaves out what its model does not know: the archive of an older
botocore loses no field that a newer one could register again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from botocore.model import ListShape, MapShape, StringShape, StructureShape

from janitor.core.model import Content

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.client import BaseClient
    from botocore.model import ServiceModel, Shape

_BODY = "JanitorBody"


def keep_bodies(client: BaseClient) -> None:
    """Let every DescribeTaskDefinition of a client bring its answer as it came, for ``body_in``."""
    events: Any = client.meta.events
    events.register("before-parse.ecs.DescribeTaskDefinition", _keep_body, unique_id="janitor-body")


def body_in(response: Mapping[str, Any]) -> bytes:
    """Return the answer that a response was parsed from.

    Raises:
        KeyError: if its client does not keep them.
    """
    return cast("bytes", response[_BODY])


class Translation:
    """From a description to a registration, by the shapes of one botocore."""

    def __init__(self, service: ServiceModel) -> None:
        taken = service.operation_model("RegisterTaskDefinition").input_shape
        told = service.shape_for("TaskDefinition")
        assert isinstance(taken, StructureShape), "botocore's model of ECS"
        assert isinstance(told, StructureShape), "botocore's model of ECS"
        self._taken = taken
        self._only_told = frozenset(told.members) - frozenset(taken.members)

    def content(self, body: bytes) -> Content:
        """Return what is archived of an answer: all of the definition but what only a description has, and the tags.

        Raises:
            ValueError, LookupError, AttributeError, TypeError: if it is no description.
        """
        answer = json.loads(body)
        definition = answer["taskDefinition"]
        request = {name: value for name, value in definition.items() if name not in self._only_told}
        request["tags"] = answer.get("tags") or []
        containers = definition.get("containerDefinitions") or []
        images = dict.fromkeys(each["image"] for each in containers if each.get("image"))
        return Content(json.dumps(request, separators=(",", ":")).encode(), tuple(images))

    def request(self, archived: bytes) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return what to register, and the paths of the fields that a registration does not take.

        Raises:
            ValueError: if it is nothing that was archived.
        """
        try:
            definition = json.loads(archived)
            known = {name: value for name, value in definition.items() if name not in self._only_told}
        except AttributeError:
            raise ValueError("not a definition") from None
        left_out: dict[str, None] = {}
        return _taken(self._taken, known, "", left_out), tuple(left_out)

    def texts(self, request: Mapping[str, Any]) -> list[str]:
        """Return every text of a request that somebody chose, but for the family's name.

        What botocore does not know it never sends, so nobody quotes it.
        """
        return list(_texts(self._taken, {name: value for name, value in request.items() if name != "family"}))


def _keep_body(response_dict: Mapping[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    customized_response_dict[_BODY] = response_dict["body"]


def _taken(shape: Shape, value: Any, path: str, left_out: dict[str, None]) -> Any:  # noqa: ANN401 - whatever JSON has
    """Return the part of a value that a shape knows; null stands for what is not there."""
    match shape, value:
        case StructureShape(), dict():
            left_out.update(dict.fromkeys(f"{path}{name}" for name in value if name not in shape.members))
            found = {
                name: _taken(member, value[name], f"{path}{name}.", left_out)
                for name, member in shape.members.items()
                if value.get(name) is not None
            }
            return {name: each for name, each in found.items() if each or not _is_choice(shape.members[name])}
        case ListShape(), list():
            return [_taken(shape.member, each, f"{path.removesuffix('.')}[].", left_out) for each in value]
        case MapShape(), dict():
            return {key: _taken(shape.value, each, path, left_out) for key, each in value.items()}
        case _:
            return value


def _is_choice(shape: Shape) -> bool:
    """Say whether a shape takes exactly one of its members: where that is unknown here, none is not taken."""
    return isinstance(shape, StructureShape) and shape.is_tagged_union


def _texts(shape: Shape, value: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    match shape, value:
        case StructureShape(), dict():
            for name in value.keys() & shape.members.keys():
                yield from _texts(shape.members[name], value[name])
        case ListShape(), list():
            for each in value:
                yield from _texts(shape.member, each)
        case MapShape(), dict():
            for key, each in value.items():
                yield key
                yield from _texts(shape.value, each)
        case StringShape(), str() if not shape.enum:
            yield value
        case _:
            return

"""Requests are checked against botocore's own models: types, required members and enumerated values."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, StringShape, StructureShape

from janitor.local.replies import ApiError, invalid_parameter

if TYPE_CHECKING:
    from botocore.model import Shape

    from janitor.local.replies import Json

SERVICES = ("ecs", "events", "scheduler", "stepfunctions")
"""Whom the embedded ECS answers for; an operation by a name that several have is the first one's."""

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "structure": (dict,),
    "map": (dict,),
}


def check(operation: str, params: Json) -> None:
    """Raise the error that AWS would answer with; members that the model does not know are ignored, as AWS does."""
    model = next(model for model in map(model_of, SERVICES) if operation in model.operation_names)
    shape = model.operation_model(operation).input_shape
    if shape is not None:
        _check(shape, params, "request")


@cache
def model_of(service: str) -> ServiceModel:
    """Return botocore's model of a service."""
    return ServiceModel(Loader().load_service_model(service, "service-2"))


def _check(shape: Shape, value: object, where: str) -> None:
    expected = _TYPES[shape.type_name]
    # A bool is an int to Python, not to JSON.
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        message = f"{where}: {type(value).__name__} cannot be converted to {shape.type_name}"
        raise ApiError("SerializationException", message)
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        message = f"{where}: '{value}' is not one of {', '.join(shape.enum)}."
        raise invalid_parameter(message)
    if isinstance(shape, ListShape) and isinstance(value, list):
        for item in value:
            _check(shape.member, item, where)
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        _check_members(shape, value)


def _check_members(shape: StructureShape, value: Json) -> None:
    for name in shape.required_members:
        if value.get(name) is None:
            message = f"{name} can not be null."
            raise invalid_parameter(message)
    for name, member in shape.members.items():
        if value.get(name) is not None:
            _check(member, value[name], name)

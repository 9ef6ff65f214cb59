"""Values of botocore's shapes: drawn at random, or with every field there is."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, StringShape, StructureShape
from hypothesis import strategies as st

if TYPE_CHECKING:
    from botocore.model import Shape

NAMES = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789_-", min_size=1, max_size=12)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
TAGS = st.dictionaries(
    NAMES.filter(lambda key: not key.lower().startswith("aws")), st.text("abc .:/=+-@é", max_size=8), max_size=4
)


@cache
def ecs_model() -> ServiceModel:
    """Return botocore's model of ECS."""
    return ServiceModel(Loader().load_service_model("ecs", "service-2"))


def registration() -> StructureShape:
    """Return the shape of what RegisterTaskDefinition takes."""
    shape = ecs_model().operation_model("RegisterTaskDefinition").input_shape
    assert isinstance(shape, StructureShape)
    return shape


def requests() -> st.SearchStrategy[dict[str, Any]]:
    """Draw what RegisterTaskDefinition takes, over every field of its shape."""
    members = dict(registration().members)
    containers = members.pop("containerDefinitions")
    assert isinstance(containers, ListShape)
    own = {"family": NAMES, "tags": TAGS.map(tag_list)}
    required = {
        "family": own["family"],
        "containerDefinitions": st.lists(
            _structure(containers.member, name=TEXTS, image=TEXTS), min_size=1, max_size=2
        ),
    }
    optional = {name: drawn(shape) for name, shape in members.items() if name not in own} | {"tags": own["tags"]}
    return st.fixed_dictionaries(required, optional=optional)


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags as the API lists them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def drawn(shape: Shape) -> st.SearchStrategy[Any]:
    """Draw a value of a shape."""
    match shape:
        case StructureShape():
            return _structure(shape)
        case ListShape():
            return st.lists(drawn(shape.member), max_size=2)
        case MapShape():
            return st.dictionaries(TEXTS, drawn(shape.value), max_size=2)
        case StringShape() if shape.enum:
            return st.sampled_from(shape.enum)
        case _:
            whole_numbers = st.integers(shape.metadata.get("min", 0), shape.metadata.get("max", 2**31 - 1))
            return {"string": TEXTS, "boolean": st.booleans(), "integer": whole_numbers}[shape.type_name]


def whole(shape: Shape, text: str = "text") -> Any:  # noqa: ANN401 - whatever the shape says
    """Return a value of a shape with every field there is, and this text in each that somebody chooses."""
    match shape:
        case StructureShape():
            members = list(shape.members.items())[: 1 if shape.is_tagged_union else None]
            return {name: whole(member, text) for name, member in members}
        case ListShape():
            return [whole(shape.member, text)]
        case MapShape():
            return {f"{text}-key": whole(shape.value, text)}
        case StringShape():
            return shape.enum[0] if shape.enum else text
        case _:
            return True if shape.type_name == "boolean" else 7


def _structure(shape: Shape, **own: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    assert isinstance(shape, StructureShape)
    if shape.is_tagged_union:
        return st.one_of(*(st.fixed_dictionaries({name: drawn(each)}) for name, each in shape.members.items()))
    needed = {*shape.required_members, *own}
    strategies = {name: drawn(member) for name, member in shape.members.items()} | own
    return st.fixed_dictionaries(
        {name: each for name, each in strategies.items() if name in needed},
        optional={name: each for name, each in strategies.items() if name not in needed},
    )

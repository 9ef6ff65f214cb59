"""Short ways to ask the embedded ECS, shared by its tests."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from janitor.local.behaviour import Behaviour
from janitor.local.clock import DEFAULT_START, VirtualClock
from janitor.local.ecs import EmbeddedEcs

if TYPE_CHECKING:
    from janitor.local.replies import Json

NOW = DEFAULT_START
LONG_AGO = (NOW - timedelta(days=700), NOW - timedelta(days=400))
UNTHROTTLED = Behaviour(throttling=False)
CONTAINER = {"name": "main", "image": "busybox"}


def embedded(behaviour: Behaviour = UNTHROTTLED, *, record: bool = False) -> EmbeddedEcs:
    """Return an empty embedded ECS on a virtual clock."""
    return EmbeddedEcs(clock=VirtualClock(), behaviour=behaviour, record=record)


def ask(ecs: EmbeddedEcs, operation: str, **params: object) -> Json:
    """Return what a call that succeeds is answered with."""
    reply = ecs.handle(operation, params)
    assert reply.status == 200, reply.body
    return reply.body


def refusal(ecs: EmbeddedEcs, operation: str, **params: object) -> tuple[str, str]:
    """Return the code and the message of a call that is refused."""
    reply = ecs.handle(operation, params)
    assert reply.status >= 400, reply.body
    return reply.body["__type"], reply.body["message"]


def register(ecs: EmbeddedEcs, family: str, **params: object) -> Json:
    """Register a small revision and return its description."""
    definition: Json = ask(ecs, "RegisterTaskDefinition", family=family, containerDefinitions=[CONTAINER], **params)[
        "taskDefinition"
    ]
    return definition


def delete(ecs: EmbeddedEcs, *references: str) -> Json:
    """Ask for a deletion."""
    return ask(ecs, "DeleteTaskDefinitions", taskDefinitions=list(references))


def short(arns: list[str]) -> list[str]:
    """Return family:number of each ARN."""
    return [arn.rsplit("/", 1)[-1] for arn in arns]


def pages(ecs: EmbeddedEcs, operation: str, key: str, **params: object) -> list[list[str]]:
    """Return all pages of a listing, by short names."""
    found, token = [], None
    while True:
        body = ask(ecs, operation, **params, **({"nextToken": token} if token else {}))
        found.append(short(body[key]))
        token = body.get("nextToken")
        if token is None:
            return found


def listed(ecs: EmbeddedEcs, **params: object) -> list[str]:
    """Return a whole listing of revisions."""
    return [entry for page in pages(ecs, "ListTaskDefinitions", "taskDefinitionArns", **params) for entry in page]

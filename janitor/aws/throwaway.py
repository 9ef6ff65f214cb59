"""A family of task definitions to learn from: registered, looked at and deleted, and nothing but that family."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from janitor.aws.task_definitions import revision_in
from janitor.errors import AccessDenied, CallFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from janitor.aws.client import Api
    from janitor.core.model import Status

ACTIONS = (
    "ecs:DeleteTaskDefinitions",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTaskDefinitions",
    "ecs:RegisterTaskDefinition",
)
IMPLIED_ACTIONS = ("ecs:TagResource",)
"""Asked for where a task definition is registered with tags (Amazon ECS developer guide, tagging authorization)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A revision as described, but for its content."""

    status: str
    registered_at: datetime | None
    delete_requested_at: datetime | None
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What a call of DeleteTaskDefinitions came to. ``error``: the whole call failed, with code and text."""

    accepted: frozenset[int] = frozenset()
    failures: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    error: tuple[str, str] | None = None


class ThrowAway:
    """One family of our own. Every call raises ``AccessDenied``, ``Unreachable`` or ``CallFailed`` unless it says."""

    def __init__(self, api: Api, family: str) -> None:
        self._api = api
        self.family = family

    def register(self, tags: Mapping[str, str]) -> int:
        """Register a revision, which nobody starts, and return its number."""
        with self._api.calling("RegisterTaskDefinition") as ecs:
            answer = ecs.register_task_definition(
                family=self.family,
                containerDefinitions=[{"name": "probe", "image": "scratch", "memory": 8, "essential": True}],
                tags=[{"key": key, "value": value} for key, value in tags.items()],
            )
            return answer["taskDefinition"]["revision"]

    def deregister(self, number: int) -> None:
        """Make a revision INACTIVE."""
        with self._api.calling("DeregisterTaskDefinition") as ecs:
            ecs.deregister_task_definition(taskDefinition=f"{self.family}:{number}")

    def page(self, status: Status, *, size: int, token: str | None = None) -> tuple[list[int], str | None]:
        """Return one page of the family's numbers of a status, ascending, and the token of the next."""
        more = {"nextToken": token} if token else {}
        with self._api.calling("ListTaskDefinitions") as ecs:
            answer = ecs.list_task_definitions(
                familyPrefix=self.family, status=status.value, sort="ASC", maxResults=size, **more
            )
            found = [revision_in(arn) for arn in answer["taskDefinitionArns"]]
        numbers = [each.number for each in found if each is not None and each.family == self.family]
        return numbers, answer.get("nextToken")

    def describe(self, number: int) -> Seen | tuple[str, str]:
        """Return a revision, or the code and the text with which ECS says that there is none."""
        try:
            with self._api.calling("DescribeTaskDefinition") as ecs:
                answer = ecs.describe_task_definition(taskDefinition=f"{self.family}:{number}", include=["TAGS"])
                definition = answer["taskDefinition"]
                return Seen(
                    status=definition["status"],
                    registered_at=definition.get("registeredAt"),
                    delete_requested_at=definition.get("deleteRequestedAt"),
                    tags={tag.get("key", ""): tag.get("value", "") for tag in answer.get("tags", [])},
                )
        except CallFailed as error:
            return error.code, error.detail

    def delete(self, numbers: Sequence[int]) -> Deletion:
        """Ask for the deletion of some of the family's revisions; a refusal of the whole call is in the answer."""
        try:
            with self._api.calling("DeleteTaskDefinitions") as ecs:
                answer = ecs.delete_task_definitions(taskDefinitions=[f"{self.family}:{each}" for each in numbers])
        except AccessDenied as error:
            code, _, text = error.detail.partition(": ")
            return Deletion(error=(code, text))
        except CallFailed as error:
            return Deletion(error=(error.code, error.detail))
        accepted = (revision_in(each.get("taskDefinitionArn", "")) for each in answer.get("taskDefinitions", []))
        failures = {
            revision.number: (each.get("reason", ""), each.get("detail", ""))
            for each in answer.get("failures", [])
            if (revision := revision_in(each.get("arn", ""))) is not None
        }
        return Deletion(accepted=frozenset(each.number for each in accepted if each is not None), failures=failures)

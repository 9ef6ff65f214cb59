"""Registering a definition again, once: RegisterTaskDefinition has no client token that makes a repetition safe."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from janitor.aws.content import Translation
from janitor.aws.task_definitions import revision_in
from janitor.core.model import RESTORED_FROM, mark_of
from janitor.errors import AccessDenied, CallFailed, Unanswered
from janitor.ports import Prepared, Registered

if TYPE_CHECKING:
    from janitor.aws.client import Api
    from janitor.core.model import RevisionId

REGISTER_ACTIONS = ("ecs:RegisterTaskDefinition",)

IMPLIED_ACTIONS = ("ecs:TagResource", "iam:PassRole")
"""What the same call needs beside: TagResource for the tags it registers with (Amazon ECS developer guide, "Grant
permission to tag resources on creation"), PassRole on the task role and the execution role that the definition names.
"""

MOST_TAGS = 50
"""Tags of one resource (Amazon ECS API reference); those of AWS's own do not count."""

_OPERATION = "RegisterTaskDefinition"
_NEVER_SENT = "ParamValidationError"
_REFUSALS = frozenset({"ClientException", "InvalidParameterException", "LimitExceededException", _NEVER_SENT})
_SHORTEST_QUOTED = 3
_SHORTEST_PART = 8
_WORD = re.compile(r"[^\s'\"`,;()\[\]{}]+")


class AwsRegistrations:
    """Registers definitions again, through ECS. Satisfies ``janitor.ports.Registrations``."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._translation = Translation(api.client.meta.service_model)

    def prepared(self, revision: RevisionId, archived: bytes) -> Prepared:
        """Return what will be registered in place of a revision, and what of it cannot come back.

        Raises:
            ValueError: if what was archived is no definition of the revision's family.
        """
        request, left_out = self._translation.request(archived)
        if request.get("family") != revision.family:
            raise ValueError(f"it is no definition of the family {revision.family}")
        notes = [f"not registered again, since a registration does not take it: {path}" for path in left_out]
        tags = {tag["key"]: tag.get("value", "") for tag in request.get("tags", []) if "key" in tag}
        of_aws = sorted(key for key in tags if key.lower().startswith("aws:"))
        notes += [f"not tagged again, since only AWS sets such tags: {key}" for key in of_aws]
        tags = {key: value for key, value in tags.items() if key not in of_aws}
        marked = RESTORED_FROM in tags or len(tags) < MOST_TAGS
        if marked:
            tags[RESTORED_FROM] = mark_of(revision)
        else:
            notes.append(f"not tagged {RESTORED_FROM}: it has {MOST_TAGS} tags already, the most ECS takes")
        request["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
        return Prepared(revision=revision, request=request, marked=marked, notes=tuple(notes))

    def register(self, prepared: Prepared) -> Registered:
        """Register, once, and return what became of it.

        Raises:
            AccessDenied, Unreachable: if nothing was registered, and the next would not fare better.
            Unanswered: if nobody knows whether it was registered.
            CallFailed: if ECS refused it.
        """
        hidden = list(self._translation.texts(prepared.request))
        try:
            with self._api.calling(_OPERATION) as ecs:
                response = ecs.register_task_definition(**prepared.request)
                found = revision_in(response["taskDefinition"]["taskDefinitionArn"])
        except AccessDenied as error:
            raise AccessDenied(error.permission, without(error.detail, hidden)) from None
        except CallFailed as error:
            kind = CallFailed if error.code in _REFUSALS and not isinstance(error, Unanswered) else Unanswered
            words = "botocore does not send such a definition" if error.code == _NEVER_SENT else error.detail
            raise kind(_OPERATION, error.code, without(words, hidden)) from None
        if found is None or found.family != prepared.revision.family:
            raise Unanswered(_OPERATION, "MalformedResponse", "the answer is about something else")
        return Registered(revision=found, request_id=response["ResponseMetadata"].get("RequestId"))


def without(words: str, hidden: list[str]) -> str:
    """Return ECS's words without what they quote of a definition, whole or in part.

    What is shorter than three characters cannot be told from ECS's own words, nor a part shorter than eight.
    """
    for text in sorted({each for each in hidden if len(each) >= _SHORTEST_QUOTED}, key=len, reverse=True):
        words = words.replace(text, "***")

    def part(match: re.Match[str]) -> str:
        word = match[0].rstrip(".:!?")
        quoted = len(word) >= _SHORTEST_PART and any(word in text for text in hidden)
        return f"***{match[0][len(word) :]}" if quoted else match[0]

    return _WORD.sub(part, words)

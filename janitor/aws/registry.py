"""Registering a definition that others may register at the same moment, and finding it again by its tag."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import botocore.exceptions

from janitor.aws.client import DENIED, NEVER_SENT, NO_CREDENTIALS, THROTTLED
from janitor.aws.content import Translation
from janitor.aws.registration import without
from janitor.aws.task_definitions import revision_in
from janitor.core.lookup import DEFINITION_TAG, Found
from janitor.core.model import Status
from janitor.errors import AccessDenied, Busy, CallFailed, Unanswered, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mypy_boto3_ecs.client import ECSClient

    from janitor.core.lookup import Key
    from janitor.core.model import RevisionId

REUSE_ACTIONS = (
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTaskDefinitions",
    "ecs:RegisterTaskDefinition",
)

IMPLIED_ACTIONS = ("ecs:TagResource", "iam:PassRole")
"""What RegisterTaskDefinition needs beside: TagResource for the tag (Amazon ECS developer guide, "Grant permission to
tag resources on creation"), PassRole on the task role and the execution role that a definition names."""

LOOKED_AT = 20
"""Newest revisions of a family among which one is looked for that was registered and never told of."""

SKEW = timedelta(minutes=1)
"""How far our clock may be from that of ECS."""

_REFUSED = frozenset({"ClientException", "InvalidParameterException", "LimitExceededException"})
_NOT_SENT = re.compile(r"(?:Missing required|Unknown|Invalid \w+ for) parameter[^\n]*?(?=, value: |$)", re.MULTILINE)


class AwsRegistry:
    """Registers definitions through ECS. Satisfies ``janitor.ports.Registry``.

    RegisterTaskDefinition has no client token that would make a repetition safe: from now on the client never repeats
    it by itself.
    """

    def __init__(self, client: ECSClient) -> None:
        self._client = client
        self._translation = Translation(client.meta.service_model)
        events: Any = client.meta.events  # whose published types allow no handler of ours
        events.register_first("needs-retry.ecs.RegisterTaskDefinition", _end_of_call, unique_id="janitor-once")

    def register(self, request: Mapping[str, Any], hash: str) -> Found:  # noqa: A002 - the port's word
        """Register, once, with the hash as a tag. Members that are None are left out: botocore takes none.

        Raises:
            Busy: if nothing was registered, and it may well be a moment later.
            Unanswered: if nobody knows whether it was registered.
            AccessDenied, CallFailed: if it was refused; what is said of it quotes nothing of the definition.
        """
        tags = [each for each in request.get("tags") or [] if each.get("key") != DEFINITION_TAG]
        asked: dict[str, Any] = _said({**request, "tags": [*tags, {"key": DEFINITION_TAG, "value": hash}]})
        try:
            answer = self._client.register_task_definition(**asked)
            return _found(answer["taskDefinition"], hash)
        except botocore.exceptions.ParamValidationError as error:
            found = "; ".join(each[0] for each in _NOT_SENT.finditer(str(error))) or "botocore does not send it"
            raise CallFailed(_REGISTER, "ParamValidationError", self._silent(found, asked)) from None
        except botocore.exceptions.ClientError as error:
            raise self._refusal(error, asked) from None
        except NO_CREDENTIALS as error:
            raise AccessDenied(f"ecs:{_REGISTER}", f"no valid AWS credentials: {error}") from error
        except NEVER_SENT as error:
            raise Busy(_REGISTER, type(error).__name__, str(error)) from error
        except (botocore.exceptions.BotoCoreError, *_MALFORMED) as error:
            raise Unanswered(_REGISTER, type(error).__name__, "the answer was lost") from None

    def find(self, revision: RevisionId) -> Found | None:
        """Return a revision, or None when it does not exist any more."""
        return self._described(str(revision))

    def tagged(self, key: Key, since: datetime) -> Found | None:
        """Return the ACTIVE revision with a definition's tag, if one was registered since a moment.

        It is looked for among the newest: ``registered_at`` rises with the number.
        """
        try:
            listed = self._client.list_task_definitions(
                familyPrefix=key.family, status="ACTIVE", sort="DESC", maxResults=LOOKED_AT
            )
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            raise _failure("ListTaskDefinitions", error) from error
        for arn in listed.get("taskDefinitionArns", []):
            found = self._described(arn)
            if found is None:
                continue
            if found.registered_at is not None and found.registered_at < since - SKEW:
                break
            if found.hash == key.hash and found.status is Status.ACTIVE:
                return found
        return None

    def deregister(self, revision: RevisionId) -> None:
        """Deregister a revision."""
        try:
            self._client.deregister_task_definition(taskDefinition=str(revision))
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            raise _failure("DeregisterTaskDefinition", error) from error

    def _described(self, name: str) -> Found | None:
        try:
            answer = self._client.describe_task_definition(taskDefinition=name, include=["TAGS"])
            tags = {tag.get("key"): tag.get("value") for tag in answer.get("tags", [])}
            return _found(answer["taskDefinition"], tags.get(DEFINITION_TAG))
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, *_MALFORMED) as error:
            failure = _failure("DescribeTaskDefinition", error)
            if isinstance(failure, CallFailed) and failure.code == "ClientException":
                return None  # ECS has no code of its own for what does not exist; see ``task_definitions``
            raise failure from error

    def _refusal(self, error: botocore.exceptions.ClientError, asked: Mapping[str, Any]) -> Exception:
        """Return what became of a registration that was answered by an error.

        Reported is "Too many concurrent attempts to create a new revision of the specified family", a ClientException
        that nothing but its text tells from others.
        """
        code, words = _told(error)
        words = self._silent(words, asked)
        if code in DENIED:
            hint = "; ecs:TagResource and iam:PassRole are needed as well" if code.startswith("AccessDenied") else ""
            return AccessDenied(f"ecs:{_REGISTER}", f"{code}: {words}{hint}")
        if code in THROTTLED or (code in _REFUSED and "concurrent" in words.lower()):
            return Busy(_REGISTER, code, words)
        return (CallFailed if code in _REFUSED else Unanswered)(_REGISTER, code, words)

    def _silent(self, words: str, asked: Mapping[str, Any]) -> str:
        """Return ECS's words without what they quote of a definition."""
        return without(words, list(self._translation.texts(asked)))


_REGISTER = "RegisterTaskDefinition"
_MALFORMED = (botocore.parsers.ResponseParserError, AttributeError, LookupError, TypeError, ValueError)


def _end_of_call(
    response: tuple[object, Mapping[str, Any]] | None, caught_exception: Exception | None, **_: object
) -> None:
    """Let the first attempt of a call be its last: what came of it is raised before anybody thinks of another."""
    if caught_exception is not None:
        raise caught_exception
    if response is not None and "Error" in response[1]:
        raise botocore.exceptions.ClientError(response[1], _REGISTER)  # type: ignore[arg-type] # what botocore parsed


def _found(definition: Mapping[str, Any], hash: str | None) -> Found:  # noqa: A002 - as above
    arn = definition["taskDefinitionArn"]
    revision = revision_in(arn)
    if revision is None:
        raise ValueError("the answer is about something else")
    return Found(
        revision=revision,
        arn=arn,
        registered_at=definition.get("registeredAt"),
        status=Status(definition["status"]),
        hash=hash,
    )


def _said(value: Any) -> Any:  # noqa: ANN401 - whatever JSON has
    """Return a request without the members that are None."""
    if isinstance(value, dict):
        return {name: _said(each) for name, each in value.items() if each is not None}
    return [_said(each) for each in value] if isinstance(value, list | tuple) else value


def _told(error: botocore.exceptions.ClientError) -> tuple[str, str]:
    told = error.response.get("Error", {})
    return told.get("Code") or "Unknown", told.get("Message") or "no message"


def _failure(operation: str, error: Exception) -> AccessDenied | CallFailed | Unreachable:
    """Return an error of botocore's in our words. A definition is in none of these requests, and in no refusal."""
    if isinstance(error, botocore.exceptions.ClientError):
        code, words = _told(error)
        if code in DENIED:
            return AccessDenied(f"ecs:{operation}", f"{code}: {words}")
        return Unreachable(f"{operation}: {code}: {words}") if code in THROTTLED else CallFailed(operation, code, words)
    if isinstance(error, NO_CREDENTIALS):
        return AccessDenied(f"ecs:{operation}", f"no valid AWS credentials: {error}")
    if isinstance(error, botocore.exceptions.HTTPClientError | botocore.exceptions.ConnectionError):
        return Unreachable(f"no answer to {operation}: {error}")
    return CallFailed(operation, type(error).__name__, "the answer could not be read")

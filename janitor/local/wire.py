"""ECS's JSON protocol: what both transports, botocore's event and HTTP, read and write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from janitor.local.replies import ApiError, Lost
from janitor.local.validation import TARGET_PREFIX

if TYPE_CHECKING:
    from janitor.local.ecs import EmbeddedEcs

CONTENT_TYPE = "application/x-amz-json-1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer, ready to be sent or lost."""

    status: int
    headers: dict[str, str]
    content: bytes
    lost: Lost | None = None


def answer(ecs: EmbeddedEcs, target: str, body: bytes) -> Answer:
    """Answer one request, given the value of its ``X-Amz-Target`` header and its body."""
    try:
        operation, params = _operation(target), _params(body)
    except ApiError as error:
        return refuse(error)
    reply = ecs.handle(operation, params)
    content = _encode(reply.body)
    return Answer(
        status=reply.status,
        headers={"Content-Type": CONTENT_TYPE, "x-amzn-RequestId": reply.request_id},
        content=content[: len(content) // 2] if reply.lost is Lost.MALFORMED_BODY else content,
        lost=reply.lost,
    )


def refuse(error: ApiError) -> Answer:
    """Answer a request that no operation can be asked about."""
    return Answer(status=error.status, headers={"Content-Type": CONTENT_TYPE}, content=_encode(error.body))


def _operation(target: str) -> str:
    prefix, _, operation = target.partition(".")
    if prefix != TARGET_PREFIX or not operation:
        message = "The request names no operation of ECS in X-Amz-Target."
        raise ApiError("UnknownOperationException", message)
    return operation


def _params(body: bytes) -> dict[str, object]:
    try:
        params = json.loads(body or b"{}")
    except ValueError:
        params = None
    if not isinstance(params, dict):
        message = "The request's body is not a JSON object."
        raise ApiError("SerializationException", message)
    return params


def _encode(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()

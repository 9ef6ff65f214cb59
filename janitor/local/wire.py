"""The services' protocols: what both transports, botocore's event and HTTP, read and write.

ECS, EventBridge and Step Functions are asked in the JSON protocol, EventBridge Scheduler in its REST form.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from janitor.local.replies import ApiError, Lost
from janitor.local.scheduler import rest_request

if TYPE_CHECKING:
    from janitor.local.ecs import EmbeddedEcs
    from janitor.local.replies import Json

CONTENT_TYPE = "application/x-amz-json-1.1"

TARGET_PREFIXES = frozenset({"AmazonEC2ContainerServiceV20141113", "AWSEvents", "AWSStepFunctions"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer, ready to be sent or lost."""

    status: int
    headers: dict[str, str]
    content: bytes
    lost: Lost | None = None


def answer(ecs: EmbeddedEcs, method: str, url: str, target: str | None, body: bytes) -> Answer:
    """Answer one request; ``target`` is its ``X-Amz-Target`` header, if it has one."""
    try:
        operation, params = _asked(method, url, target, _params(body))
    except ApiError as error:
        return refuse(error)
    reply = ecs.handle(operation, params)
    content = _encode(reply.body)
    return Answer(
        status=reply.status,
        headers={"Content-Type": CONTENT_TYPE, "x-amzn-RequestId": reply.request_id, **_error_type(reply.body)},
        content=content[: len(content) // 2] if reply.lost is Lost.MALFORMED_BODY else content,
        lost=reply.lost,
    )


def refuse(error: ApiError) -> Answer:
    """Answer a request that no operation can be asked about."""
    headers = {"Content-Type": CONTENT_TYPE, **_error_type(error.body)}
    return Answer(status=error.status, headers=headers, content=_encode(error.body))


def _asked(method: str, url: str, target: str | None, params: Json) -> tuple[str, Json]:
    if target is None:
        request = rest_request(method, url, params)
        if request is not None:
            return request
    prefix, _, operation = (target or "").partition(".")
    if method != "POST" or prefix not in TARGET_PREFIXES or not operation:
        message = "The request names no operation that is known here in X-Amz-Target."
        raise ApiError("UnknownOperationException", message, status=400 if method == "POST" else 404)
    return operation, params


def _error_type(body: Json) -> dict[str, str]:
    """Return the header in which a REST client looks for the error's code."""
    code = body.get("__type")
    return {} if code is None else {"x-amzn-ErrorType": code}


def _params(body: bytes) -> Json:
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

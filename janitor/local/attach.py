"""A botocore client answered in process: its own serialising, signing, retries and parsing, without a network."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import botocore.endpoint
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from janitor.local import wire
from janitor.local.replies import Lost
from janitor.local.validation import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.client import BaseClient

    from janitor.local.ecs import EmbeddedEcs
    from janitor.ports import Clock


# The published types of botocore know neither its module-level ``time`` nor a resolved configuration's attributes.
_endpoint: Any = botocore.endpoint


def attach(client: BaseClient, ecs: EmbeddedEcs) -> None:
    """Let the embedded ECS answer every request of a boto3 or botocore client of a service that it knows.

    ``before-send`` is the last event before the network, so each of botocore's attempts comes here by itself.
    """
    service = client.meta.service_model.service_name
    if service not in SERVICES:
        message = f"The embedded ECS answers for {', '.join(SERVICES)}, not for {service}"
        raise ValueError(message)
    config: Any = client.meta.config
    events: Any = client.meta.events

    def send(request: Any, **_: object) -> AWSResponse:  # noqa: ANN401 - AWSPreparedRequest, whose types are too wide
        target = request.headers.get("X-Amz-Target")
        answer = wire.answer(
            ecs, request.method, request.url, None if target is None else _text(target), request.body or b""
        )
        if answer.lost is Lost.READ_TIMEOUT:
            ecs.clock.sleep(config.read_timeout)
            raise ReadTimeoutError(endpoint_url=request.url)
        if answer.lost is Lost.CONNECTION_CLOSED:
            raise ConnectionClosedError(endpoint_url=request.url)
        return AWSResponse(request.url, answer.status, HTTPHeaders.from_dict(answer.headers), _Raw(answer.content))

    events.register_first("before-send", send)  # before whatever else stands in for a network, such as moto


@contextmanager
def virtual_time(clock: Clock) -> Iterator[None]:
    """Let botocore wait between its retries (modes legacy and standard) on this clock."""
    real = _endpoint.time
    _endpoint.time = SimpleNamespace(sleep=clock.sleep)
    try:
        yield
    finally:
        _endpoint.time = real


class _Raw:
    """As much of a raw HTTP response as AWSResponse reads."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._content


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value

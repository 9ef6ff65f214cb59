"""The embedded ECS as a client of another kind meets it: HTTP, without botocore's help."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = "AmazonEC2ContainerServiceV20141113."


@pytest.fixture
def connection() -> Iterator[http.client.HTTPConnection]:
    """Provide a connection to an empty embedded ECS."""
    with serve(EmbeddedEcs(clock=VirtualClock(), behaviour=Behaviour(throttling=False))) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        yield connection
        connection.close()


def post(connection: http.client.HTTPConnection, body: str, headers: dict[str, str]) -> tuple[int, str | None]:
    """Return the status and the type of the error."""
    connection.request("POST", "/", body, headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read()).get("__type")


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ("{}", {"X-Amz-Target": f"{TARGET}ListClusters"}, (200, None)),
        ("", {"X-Amz-Target": f"{TARGET}ListClusters"}, (200, None)),
        ("{}", {}, (400, "UnknownOperationException")),
        ("{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}, (400, "UnknownOperationException")),
        ("{}", {"X-Amz-Target": f"{TARGET}Nonsense"}, (400, "UnknownOperationException")),
        ("{", {"X-Amz-Target": f"{TARGET}ListClusters"}, (400, "SerializationException")),
        ("[]", {"X-Amz-Target": f"{TARGET}ListClusters"}, (400, "SerializationException")),
        ("\x00\xff", {"X-Amz-Target": f"{TARGET}ListClusters"}, (400, "SerializationException")),
        ('{"nextToken":5}', {"X-Amz-Target": f"{TARGET}ListClusters"}, (400, "SerializationException")),
    ],
)
def test_a_bad_request_is_answered_by_an_error(
    connection: http.client.HTTPConnection, body: str, headers: dict[str, str], expected: tuple[int, str | None]
) -> None:
    """In AWS's form, and the connection stays usable."""
    assert post(connection, body, headers) == expected
    assert post(connection, "{}", {"X-Amz-Target": f"{TARGET}ListClusters"}) == (200, None)


def test_a_length_that_is_no_number_is_answered_by_an_error(connection: http.client.HTTPConnection) -> None:
    """Without waiting for a body."""
    assert post(connection, "", {"Content-Length": "many"}) == (400, "SerializationException")


def test_ecs_is_not_asked_by_get(connection: http.client.HTTPConnection) -> None:
    """Whoever opens the endpoint in a browser is told so."""
    connection.request("GET", "/")
    assert connection.getresponse().status == 404


def test_only_a_loopback_address_is_served() -> None:
    """There is no authentication."""
    ecs = EmbeddedEcs(clock=VirtualClock())
    with pytest.raises(ValueError, match="loopback"), serve(ecs, host="0.0.0.0"):  # noqa: S104 - what is refused
        pass

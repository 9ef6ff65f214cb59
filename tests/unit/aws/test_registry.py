"""Registering for the lookup table: once whatever happens, found by its tag, and nothing said of a content."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from janitor.aws.registry import LOOKED_AT, SKEW, AwsRegistry
from janitor.core.lookup import DEFINITION_TAG, Key
from janitor.core.model import RevisionId, Status
from janitor.errors import AccessDenied, Busy, CallFailed, JanitorError, Unanswered, Unreachable
from janitor.local.attach import virtual_time
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from tests.builders import attached_client

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "hunter2-do-not-print"
REQUEST: dict[str, Any] = {
    "family": "web",
    "containerDefinitions": [
        {"name": "a", "image": "b", "user": None, "environment": [{"name": "PASSWORD", "value": SECRET}]}
    ],
    "taskRoleArn": None,
    "tags": [{"key": "team", "value": "data"}, {"key": DEFINITION_TAG, "value": "of another"}],
}
WEB_1 = RevisionId("web", 1)


class Place:
    """An embedded ECS behind the adapter, on virtual time."""

    def __init__(self, *, throttling: bool = False) -> None:
        self.clock = VirtualClock()
        self.ecs = EmbeddedEcs(clock=self.clock, behaviour=Behaviour(throttling=throttling))
        self.client = attached_client(self.ecs)
        self.registry = AwsRegistry(self.client)

    def fault(self, operation: str = "RegisterTaskDefinition", **options: Any) -> None:  # noqa: ANN401 - those of Fault
        """Script a fault."""
        self.ecs.faults.add(Fault(operation=operation, **options))


@pytest.fixture
def place() -> Iterator[Place]:
    """Provide an empty embedded ECS on whose clock botocore waits."""
    place = Place()
    with virtual_time(place.clock):
        yield place


def test_a_definition_is_registered_with_its_hash_and_found_by_its_name(place: Place) -> None:
    """Its own tags stay; what was None is left out."""
    found = place.registry.register(REQUEST, "1-abc")
    assert (found.revision, found.status, found.hash) == (WEB_1, Status.ACTIVE, "1-abc")
    assert found.registered_at == place.clock.now()
    assert found.arn == "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1"
    assert place.registry.find(WEB_1) == found
    told = place.client.describe_task_definition(taskDefinition="web:1", include=["TAGS"])
    assert told["tags"] == [{"key": "team", "value": "data"}, {"key": DEFINITION_TAG, "value": "1-abc"}]
    assert "taskRoleArn" not in told["taskDefinition"]


def test_what_is_not_there_is_none(place: Place) -> None:
    """ECS has no code of its own for it."""
    assert place.registry.find(WEB_1) is None


def test_what_has_no_tag_has_no_hash(place: Place) -> None:
    """Whoever registered it."""
    place.client.register_task_definition(family="web", containerDefinitions=[{"name": "a", "image": "b"}])
    found = place.registry.find(WEB_1)
    assert found is not None
    assert found.hash is None
    place.registry.deregister(WEB_1)
    found = place.registry.find(WEB_1)
    assert found is not None
    assert found.status is Status.INACTIVE


ANSWERS = [
    ({"code": "ThrottlingException"}, Busy, False),
    ({"code": "ClientException", "message": "Too many concurrent attempts to create a new revision"}, Busy, False),
    ({"code": "ClientException", "message": "No Fargate configuration exists"}, CallFailed, False),
    ({"code": "LimitExceededException"}, CallFailed, False),
    ({"code": "AccessDeniedException"}, AccessDenied, False),
    ({"code": "ServerException", "status": 500}, Unanswered, False),
    ({"code": "ServerException", "status": 500, "acts": True}, Unanswered, True),
    ({"lost": Lost.READ_TIMEOUT, "acts": True}, Unanswered, True),
    ({"lost": Lost.CONNECTION_CLOSED}, Unanswered, False),
]


@pytest.mark.parametrize(("fault", "kind", "made"), ANSWERS, ids=str)
def test_a_registration_is_sent_once(place: Place, fault: dict[str, Any], kind: type[JanitorError], made: bool) -> None:  # noqa: FBT001 - a table
    """Whatever the answer is, botocore does not repeat it; what it means is told apart."""
    place.fault(**fault)
    with pytest.raises(JanitorError) as raised:
        place.registry.register(REQUEST, "1-abc")
    assert type(raised.value) is kind
    assert place.ecs.calls["RegisterTaskDefinition"] == 1
    assert place.ecs.count("web") == made


def test_another_call_of_the_client_is_repeated_as_before(place: Place) -> None:
    """Only registrations are not."""
    place.registry.register(REQUEST, "1-abc")
    place.fault("DescribeTaskDefinition", code="ServerException", status=500, times=2)
    assert place.registry.find(WEB_1) is not None


def test_what_was_never_sent_may_be_tried_again(place: Place) -> None:
    """There was no connection."""

    def never(request: Any, **_: object) -> None:  # noqa: ANN401 - AWSPreparedRequest
        raise EndpointConnectionError(endpoint_url=request.url)

    place.client.meta.events.register_first("before-send", never)
    with pytest.raises(Busy):
        place.registry.register(REQUEST, "1-abc")


def test_without_credentials_it_says_so() -> None:
    """Before anything is sent."""
    with pytest.raises(AccessDenied, match="no valid AWS credentials"):
        AwsRegistry(boto3.client("ecs", region_name="eu-west-1")).register(REQUEST, "1-abc")


def test_a_refusal_quotes_nothing_of_a_definition(place: Place) -> None:
    """Neither ECS's words nor botocore's."""
    place.fault(code="ClientException", message=f"the value '{SECRET}' is bad", times=1)
    with pytest.raises(CallFailed, match=r"the value '\*\*\*' is bad"):
        place.registry.register(REQUEST, "1-abc")
    place.fault(code="AccessDeniedException", message=f"not with {SECRET}", times=1)
    with pytest.raises(AccessDenied, match=r"not with \*\*\*; ecs:TagResource and iam:PassRole are needed as well"):
        place.registry.register(REQUEST, "1-abc")


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"cpu": 256}, "Invalid type for parameter cpu"),
        ({"unheardOf": SECRET}, 'Unknown parameter in input: "unheardOf", must be one of'),
        ({"containerDefinitions": SECRET}, "Invalid type for parameter containerDefinitions"),
        ({"volumes": [{"host": {"sourcePath": {"a": SECRET}}}]}, r"Invalid type for parameter volumes\[0\].host"),
    ],
    ids=str,
)
def test_what_botocore_does_not_send_is_said_without_its_values(place: Place, bad: dict[str, Any], said: str) -> None:
    """All of it at once, by the names of the members."""
    with pytest.raises(CallFailed, match=said) as raised:
        place.registry.register({**REQUEST, **bad}, "1-abc")
    assert SECRET not in str(raised.value)
    assert "256" not in str(raised.value)
    assert not place.ecs.calls


def test_what_was_registered_since_is_found_by_its_tag(place: Place) -> None:
    """The newest ACTIVE one, not another definition, not an INACTIVE one, not an older one."""
    key = Key("web", "1-abc")
    since = place.clock.now()
    assert place.registry.tagged(key, since) is None
    place.registry.register(REQUEST, "1-abc")
    found = place.registry.register(REQUEST, "1-abc")
    place.registry.register(REQUEST, "1-def")
    place.registry.register(REQUEST, "1-abc")
    place.registry.deregister(RevisionId("web", 4))
    assert place.registry.tagged(key, since) == found
    assert place.registry.tagged(Key("web", "1-ghi"), since) is None
    assert place.registry.tagged(Key("other", "1-abc"), since) is None
    assert place.registry.tagged(key, since + SKEW) == found
    assert place.registry.tagged(key, since + SKEW + timedelta(seconds=1)) is None


def test_one_that_goes_while_it_is_looked_for_hides_no_other(place: Place) -> None:
    """It is passed over."""
    found = place.registry.register(REQUEST, "1-abc")
    place.registry.register(REQUEST, "1-def")
    place.fault("DescribeTaskDefinition", code="ClientException", times=1)
    assert place.registry.tagged(Key("web", "1-abc"), place.clock.now()) == found


def test_it_is_looked_for_among_the_newest_alone(place: Place) -> None:
    """A busy family costs so many descriptions at most."""
    place.registry.register(REQUEST, "1-abc")
    for _ in range(LOOKED_AT):
        place.registry.register(REQUEST, "1-def")
    assert place.registry.tagged(Key("web", "1-abc"), place.clock.now()) is None
    assert place.ecs.calls["DescribeTaskDefinition"] == LOOKED_AT


@pytest.mark.parametrize(
    ("operation", "ask"),
    [
        ("DescribeTaskDefinition", lambda registry, _: registry.find(WEB_1)),
        ("ListTaskDefinitions", lambda registry, now: registry.tagged(Key("web", "1-abc"), now)),
        ("DeregisterTaskDefinition", lambda registry, _: registry.deregister(WEB_1)),
    ],
)
def test_every_other_call_fails_in_our_words(place: Place, operation: str, ask: Any) -> None:  # noqa: ANN401 - a lambda
    """The permission by its name, throttling as such."""
    for code, kind, words in (
        ("AccessDeniedException", AccessDenied, f"ecs:{operation} was denied"),
        ("ThrottlingException", Unreachable, f"{operation}: ThrottlingException"),
        ("InvalidParameterException", CallFailed, f"{operation} failed: InvalidParameterException"),
    ):
        place.ecs.faults.clear()
        place.fault(operation, code=code)
        with pytest.raises(kind, match=words):
            ask(place.registry, place.clock.now())
    place.ecs.faults.clear()
    place.fault(operation, lost=Lost.CONNECTION_CLOSED)
    with pytest.raises(Unreachable, match=f"no answer to {operation}"):
        ask(place.registry, place.clock.now())

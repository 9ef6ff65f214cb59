"""Registering again: its tags, once whatever happens to the answer, and nothing said of a content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from janitor.aws.client import ATTEMPTS, Api
from janitor.aws.registration import MOST_TAGS, AwsRegistrations, without
from janitor.core.model import RESTORED_FROM, RevisionId, mark_of
from janitor.errors import AccessDenied, CallFailed, Unanswered, Unreachable
from janitor.local.attach import virtual_time
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from tests.builders import attached_client
from tests.shapes import registration, tag_list, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from janitor.ports import Prepared

WEB_7 = RevisionId("web", 7)
SECRET = "hunter2-do-not-print"
BUSY = "Too many concurrent attempts to create a new revision of the specified family."


class Place:
    """An embedded ECS behind the adapter, on virtual time."""

    def __init__(self, *, throttling: bool = False) -> None:
        self.clock = VirtualClock()
        self.ecs = EmbeddedEcs(clock=self.clock, behaviour=Behaviour(throttling=throttling))
        self.client = attached_client(self.ecs)
        self.port = AwsRegistrations(Api(self.client, clock=self.clock))

    def fault(self, **options: Any) -> None:  # noqa: ANN401 - those of Fault
        """Script a fault."""
        self.ecs.faults.add(Fault(operation="RegisterTaskDefinition", **options))

    def prepared(self, tags: dict[str, str] | None = None, **fields: Any) -> Prepared:  # noqa: ANN401 - members of a definition
        """Prepare a small definition."""
        request = {
            "family": "web",
            "containerDefinitions": [{"name": "main", "image": "app:1"}],
            "tags": tag_list(tags or {}),
            **fields,
        }
        return self.port.prepared(WEB_7, json.dumps(request).encode())

    @property
    def made(self) -> int:
        """How many revisions there are."""
        return self.ecs.count("web")


@pytest.fixture
def place() -> Iterator[Place]:
    """Provide a place whose retries wait on the virtual clock."""
    place = Place()
    with virtual_time(place.clock):
        yield place


def tags(prepared: Prepared) -> dict[str, str]:
    """Return the tags that will be registered."""
    return {tag["key"]: tag["value"] for tag in prepared.request["tags"]}


def test_it_carries_its_tags_and_what_it_was_restored_from(place: Place) -> None:
    """And becomes the next revision of its family."""
    prepared = place.prepared({"team": "red", "empty": ""})
    assert tags(prepared) == {"team": "red", "empty": "", RESTORED_FROM: "web:7"}
    assert (prepared.marked, prepared.notes) == (True, ())
    assert place.port.register(prepared).revision == RevisionId("web", 1)


def test_what_was_restored_before_is_marked_anew(place: Place) -> None:
    """With what it is restored from now."""
    assert tags(place.prepared({RESTORED_FROM: "web:3"})) == {RESTORED_FROM: "web:7"}
    full = {f"tag-{number}": "" for number in range(MOST_TAGS - 1)} | {RESTORED_FROM: "web:3"}
    assert tags(place.prepared(full)) == full | {RESTORED_FROM: "web:7"}


@pytest.mark.parametrize("key", ["aws:cloudformation:stack-name", "AWS:x"])
def test_tags_of_aws_are_left_out_and_said(place: Place, key: str) -> None:
    """Only AWS sets them."""
    prepared = place.prepared({key: SECRET, "team": "red"})
    assert set(tags(prepared)) == {"team", RESTORED_FROM}
    assert prepared.notes == (f"not tagged again, since only AWS sets such tags: {key}",)


@pytest.mark.parametrize(("count", "marked"), [(MOST_TAGS - 1, True), (MOST_TAGS, False)])
def test_the_mark_takes_no_place_from_a_tag(place: Place, count: int, marked: bool) -> None:  # noqa: FBT001 - the table
    """Fifty is the most ECS takes, and ours is not one of the user's; AWS's own do not count."""
    own = {f"tag-{number}": "" for number in range(count)}
    prepared = place.prepared(own | {"aws:x": ""})
    assert prepared.marked is marked
    assert set(tags(prepared)) == {*own, *([RESTORED_FROM] if marked else [])}
    assert any("50 tags already" in note for note in prepared.notes) is not marked
    place.port.register(prepared)


def test_a_mark_is_never_longer_than_a_tags_value() -> None:
    """The family is the restored one's anyway."""
    assert mark_of(RevisionId("f" * 250, 12_345)) == f"{'f' * 250}:12345"
    assert mark_of(RevisionId("f" * 251, 12_345)) == "12345"


def test_a_definition_of_another_family_is_refused(place: Place) -> None:
    """An archive that was mixed up registers nothing."""
    with pytest.raises(ValueError, match="no definition of the family web"):
        place.prepared(family="billing")


# Once


@pytest.mark.parametrize(
    ("lost", "acts"),
    [*((lost, True) for lost in Lost), (Lost.READ_TIMEOUT, False), (Lost.CONNECTION_CLOSED, False)],
)
def test_a_lost_answer_is_never_followed_by_another_call(place: Place, lost: Lost, acts: bool) -> None:  # noqa: FBT001 - the table
    """Nobody knows whether it was done, and there is no client token."""
    place.fault(lost=lost, acts=acts, times=1)
    with pytest.raises(Unanswered):
        place.port.register(place.prepared())
    assert place.ecs.calls["RegisterTaskDefinition"] == 1
    assert place.made == acts


@pytest.mark.parametrize(("code", "status"), [("ServerException", 500), ("ServerException", 400), ("Odd", 503)])
def test_a_servers_failure_is_no_refusal(place: Place, code: str, status: int) -> None:
    """It may have acted."""
    place.fault(code=code, status=status, message="oops", acts=True, times=1)
    with pytest.raises(Unanswered, match="oops"):
        place.port.register(place.prepared())
    assert place.ecs.calls["RegisterTaskDefinition"] == place.made == 1


@pytest.mark.parametrize(
    ("code", "message"), [("ThrottlingException", "Rate exceeded"), ("ClientException", BUSY)], ids=["rate", "busy"]
)
def test_what_certainly_did_nothing_is_repeated(place: Place, code: str, message: str) -> None:
    """Throttling, and somebody else registering in the family at the moment."""
    place.fault(code=code, message=message, times=3)
    place.port.register(place.prepared())
    assert place.ecs.calls["RegisterTaskDefinition"] == 4
    assert place.made == 1
    assert place.clock.monotonic() > 1


def test_what_was_never_sent_is_repeated(place: Place) -> None:
    """Where there was no connection nothing was done."""
    refusals = [EndpointConnectionError(endpoint_url="https://ecs")]

    def unreachable(**_: object) -> None:
        if refusals:
            raise refusals.pop()

    events: Any = place.client.meta.events
    events.register_first("before-send.ecs", unreachable)
    place.port.register(place.prepared())
    assert place.made == 1


def test_a_busy_family_is_not_tried_for_ever(place: Place) -> None:
    """As often as every call, then it is refused."""
    place.fault(code="ClientException", message=BUSY)
    with pytest.raises(CallFailed, match="concurrent"):
        place.port.register(place.prepared())
    assert place.ecs.calls["RegisterTaskDefinition"] == ATTEMPTS


def test_for_ever_throttled_is_no_answer_but_nothing_was_done(place: Place) -> None:
    """That is known, so it is not Unanswered."""
    place.fault(code="ThrottlingException", message="Rate exceeded")
    with pytest.raises(Unreachable, match="throttled"):
        place.port.register(place.prepared())


def test_a_refusal_is_one(place: Place) -> None:
    """Not repeated."""
    place.fault(code="ClientException", message="Fargate requires that 'cpu' be defined at the task level.")
    with pytest.raises(CallFailed, match="ClientException: Fargate requires that 'cpu' be defined") as caught:
        place.port.register(place.prepared())
    assert not isinstance(caught.value, Unanswered)
    assert place.ecs.calls["RegisterTaskDefinition"] == 1


def test_an_answer_about_another_family_is_none(place: Place) -> None:
    """What was registered is not known then."""

    def tampered(parsed: dict[str, Any], **_: object) -> None:
        parsed["taskDefinition"]["taskDefinitionArn"] = parsed["taskDefinition"]["taskDefinitionArn"].replace(
            "web", "x"
        )

    events: Any = place.client.meta.events
    events.register("after-call.ecs.RegisterTaskDefinition", tampered)
    with pytest.raises(Unanswered, match="something else"):
        place.port.register(place.prepared())


def test_registering_takes_a_quarter_of_the_rate_that_deploys_need() -> None:
    """A burst of five, then one every four seconds: ECS never throttles it."""
    place = Place(throttling=True)
    for _ in range(15):
        place.port.register(place.prepared())
    assert place.clock.monotonic() == pytest.approx(40)
    assert not place.ecs.throttled


# Nothing said of a content


def test_no_text_of_a_definition_is_in_an_error(place: Place) -> None:
    """Whatever ECS quotes, whole or in part, from whatever field."""
    request = whole(registration(), SECRET) | {"family": "web", "tags": tag_list({SECRET: SECRET})}
    prepared = place.port.prepared(WEB_7, json.dumps(request).encode())
    quoting = f"Invalid value '{SECRET}' of container {SECRET[:12]}... for ({SECRET}-key)."
    for code, kind in (
        ("ClientException", CallFailed),
        ("ServerException", Unanswered),
        ("AccessDenied", AccessDenied),
    ):
        place.fault(code=code, message=quoting, times=1)
        with pytest.raises(kind) as caught:
            place.port.register(prepared)
        assert SECRET[:8] not in str(caught.value)
        assert "Invalid value '***' of container ***" in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_maps_keys_are_content_too(place: Place) -> None:
    """A label's name is as much somebody's as its value."""
    labels = [{"name": "main", "image": "app:1", "dockerLabels": {"label-of-mine": "v"}}]
    place.fault(code="ClientException", message="label-of-mine is no label")
    with pytest.raises(CallFailed, match=r"\*\*\* is no label"):
        place.port.register(place.prepared(containerDefinitions=labels))


def test_what_botocore_refuses_to_send_says_nothing_of_it_either(place: Place) -> None:
    """Its words quote the value that is wrong."""
    prepared = place.prepared(volumes=[{"name": {"nested": SECRET}}], memory=[SECRET])
    with pytest.raises(CallFailed, match="ParamValidationError") as caught:
        place.port.register(prepared)
    assert SECRET not in str(caught.value)
    assert not isinstance(caught.value, Unanswered)


def test_a_denial_names_the_permission_and_not_the_role(place: Place) -> None:
    """Which permission it is, is ECS's word."""
    role = "arn:aws:iam::123456789012:role/secret-name"
    message = f"User: me is not authorized to perform: iam:PassRole on resource: {role} because no policy allows it"
    place.fault(code="AccessDeniedException", message=message)
    with pytest.raises(AccessDenied, match=r"iam:PassRole on resource: \*\*\* because no policy") as caught:
        place.port.register(place.prepared(taskRoleArn=role))
    assert "secret-name" not in str(caught.value)


@pytest.mark.parametrize(
    ("hidden", "words", "said"),
    [
        (["s3cret"], "value s3cret is bad", "value *** is bad"),
        (["long-secret-value"], "value long-sec... is bad", "value ***... is bad"),
        (["ab", "cpu and memory"], "ab cpu", "ab cpu"),
        (["secret", "secret-longer"], "secret-longer", "***"),
        ([], "nothing hidden", "nothing hidden"),
    ],
)
def test_words_lose_what_they_quote(hidden: list[str], words: str, said: str) -> None:
    """The longest first, parts of eight characters as well; the rest stays readable."""
    assert without(words, hidden) == said

"""What CloudTrail says, read through a stub that answers page by page (moto has no LookupEvents)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import botocore.exceptions
import pytest

from janitor.aws.cloudtrail import EVENT_NAMES, SECONDS_APART, look_up
from janitor.core.model import RevisionId
from tests.fakes import START, FakeClock

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail.client import CloudTrailClient

DELETE, DEREGISTER = EVENT_NAMES
PREFIX = "arn:aws:ecs:eu-central-1:123456789012:task-definition/"
SECRET = "hunter2-in-the-environment"


class StubTrail:
    """A CloudTrail with these pages of events for each event name; a page may be an error to raise."""

    def __init__(self, **pages: list[Any]) -> None:
        self._pages = pages
        self.asked: list[str] = []

    def lookup_events(self, *, LookupAttributes: list[dict[str, str]], NextToken: str = "0") -> Any:  # noqa: ANN401, N803
        """Return a page."""
        [attribute] = LookupAttributes
        assert attribute["AttributeKey"] == "EventName"
        name = attribute["AttributeValue"]
        self.asked.append(name)
        pages = self._pages.get(name, [[]])
        page = pages[int(NextToken)]
        if isinstance(page, Exception):
            raise page
        following = int(NextToken) + 1
        return {"Events": page} | ({"NextToken": str(following)} if following < len(pages) else {})

    @property
    def client(self) -> CloudTrailClient:
        """Return it as what it stands for."""
        return cast("CloudTrailClient", self)


def event(age: float, request: object, **more: object) -> dict[str, object]:
    """Return an event so many days old, as CloudTrail records it."""
    said = {
        "userIdentity": {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::123456789012:assumed-role/deploy/alice",
            "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "deploy"}},
        },
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-cli/2.31",
        "requestID": "r-1",
        "requestParameters": request,
        "responseElements": {
            "taskDefinitions": [{"containerDefinitions": [{"environment": [{"name": "A", "value": SECRET}]}]}]
        },
    } | more
    return {"EventTime": START - timedelta(days=age), "CloudTrailEvent": json.dumps(said)}


def refusal(code: str) -> botocore.exceptions.ClientError:
    """Return an error answer."""
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": "no"}}, "LookupEvents")


def test_a_call_that_named_the_revision_is_found() -> None:
    """By whom, when, from where, and with what."""
    trail = StubTrail(**{DELETE: [[event(3, {"taskDefinitions": ["other:7", f"{PREFIX}web:7"]})]]})

    found = look_up(trail.client, "web", 7, clock=FakeClock())

    [deletion] = found.events
    assert found.problem is None
    assert deletion.at == START - timedelta(days=3)
    assert deletion.name == "DeleteTaskDefinitions"
    assert deletion.who == "arn:aws:sts::123456789012:assumed-role/deploy/alice"
    assert (deletion.role, deletion.session) == ("deploy", "alice")
    assert (deletion.source, deletion.user_agent) == ("192.0.2.7", "aws-cli/2.31")
    assert deletion.revisions == (RevisionId("web", 7),)
    assert deletion.request_id == "r-1"


def test_the_latest_call_comes_first_whatever_its_name() -> None:
    """Both event names are asked for, page by page."""
    trail = StubTrail(
        **{
            DELETE: [[event(3, {"taskDefinitions": ["web:7"]})], [event(9, {"taskDefinitions": ["web:7"]})]],
            DEREGISTER: [[event(5, {"taskDefinition": "web:7"})]],
        }
    )

    found = look_up(trail.client, "web", 7, clock=FakeClock())

    assert [each.name for each in found.events] == [DELETE, DEREGISTER, DELETE]
    assert trail.asked == [DELETE, DELETE, DEREGISTER]


@pytest.mark.parametrize("name", ["web:70", "web-7:7", f"{PREFIX}web:8", "web", "nonsense:", ""])
def test_a_call_about_another_revision_is_not(name: str) -> None:
    """Names are compared as names, not as texts."""
    trail = StubTrail(**{DEREGISTER: [[event(3, {"taskDefinition": name}), event(4, None)]]})

    found = look_up(trail.client, "web", 7, clock=FakeClock())

    assert found.events == ()
    assert found.problem is None


def test_a_familys_trail_names_each_of_its_revisions() -> None:
    """Without a number every revision of the family counts."""
    trail = StubTrail(**{DELETE: [[event(3, {"taskDefinitions": ["web:7", "web:8", "other:1"]})]]})

    [deletion] = look_up(trail.client, "web", None, clock=FakeClock()).events

    assert deletion.revisions == (RevisionId("web", 7), RevisionId("web", 8))


def test_a_refusal_is_told_from_a_deletion() -> None:
    """A call may fail whole, or for some of its entries."""
    failures = {"failures": [{"arn": f"{PREFIX}web:7", "reason": "in use"}]}
    trail = StubTrail(
        **{
            DELETE: [[
                event(3, {"taskDefinitions": ["web:7"]}, errorCode="AccessDenied", responseElements=None),
                event(4, {"taskDefinitions": ["web:7", "web:8"]}, responseElements=failures),
            ]]
        }
    )  # fmt: skip

    denied, refused = look_up(trail.client, "web", None, clock=FakeClock()).events

    assert denied.error == "AccessDenied"
    assert refused.error is None
    assert refused.refused == (RevisionId("web", 7),)


def test_nothing_of_a_definition_is_kept() -> None:
    """CloudTrail records the whole answer; we keep names."""
    trail = StubTrail(**{DELETE: [[event(3, {"taskDefinitions": ["web:7"]})]]})

    assert SECRET not in repr(look_up(trail.client, "web", 7, clock=FakeClock()))


def test_a_service_of_aws_is_named_as_such() -> None:
    """It has no ARN."""
    identity = {"type": "AWSService", "invokedBy": "batch.amazonaws.com"}
    trail = StubTrail(**{DEREGISTER: [[event(3, {"taskDefinition": "web:7"}, userIdentity=identity)]]})

    [found] = look_up(trail.client, "web", 7, clock=FakeClock()).events

    assert (found.who, found.role, found.session) == ("batch.amazonaws.com", None, None)


def test_a_missing_permission_is_said_once_and_not_raised() -> None:
    """The trail is an extra."""
    denied = refusal("AccessDeniedException")
    found = look_up(StubTrail(**{DELETE: [denied], DEREGISTER: [denied]}).client, "web", 7, clock=FakeClock())

    assert found.events == ()
    assert found.problem == "not permitted: cloudtrail:LookupEvents (AccessDeniedException)"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal("ThrottlingException"), "ThrottlingException"),
        (botocore.exceptions.EndpointConnectionError(endpoint_url="https://ct"), "https://ct"),
    ],
)
def test_what_was_found_before_an_error_stands(error: Exception, words: str) -> None:
    """With the error beside it."""
    pages = [[event(3, {"taskDefinitions": ["web:7"]})], error]

    found = look_up(StubTrail(**{DELETE: pages}).client, "web", 7, clock=FakeClock())

    assert len(found.events) == 1
    assert found.problem is not None
    assert words in found.problem


def test_an_event_that_makes_no_sense_is_a_problem_and_no_exception() -> None:
    """Whatever is in it."""
    broken = [{"EventTime": START, "CloudTrailEvent": text} for text in ("{", "[]", '{"requestParameters": [1]}')]
    for each in broken:
        found = look_up(StubTrail(**{DELETE: [[each]]}).client, "web", 7, clock=FakeClock())

        assert found.events == ()
        assert found.problem is not None


def test_the_pages_read_are_bounded_and_paced() -> None:
    """Two calls a second are permitted; where there is more than we read, it is said."""
    clock, trail = FakeClock(), StubTrail(**{DELETE: [[]] * 99})

    found = look_up(trail.client, "web", 7, clock=clock, most_pages=5)

    assert found.problem == "only the latest 5 pages of DeleteTaskDefinitions events were read"
    assert trail.asked == [DELETE] * 5 + [DEREGISTER]
    assert clock.slept == [SECONDS_APART] * 6

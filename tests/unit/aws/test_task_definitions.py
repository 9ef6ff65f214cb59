"""What the adapter makes of ARNs and of responses, also of those that are not as they should be."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import botocore
import pytest

from janitor.aws.client import Api
from janitor.aws.task_definitions import AwsTaskDefinitions, revision_in
from janitor.core.model import RevisionId, Status
from janitor.errors import AccessDenied, CallFailed, ListingBroken
from janitor.local.attach import virtual_time
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from tests.builders import attached_client, due_family, ids, old_client, seed
from tests.fakes import START

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "arn:aws:ecs:eu-west-1:123456789012:task-definition/"
SECOND = RevisionId("etl", 2)


class Place:
    """A family of 150 behind the adapter, whose responses can be tampered with."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START)
        self.behaviour = Behaviour(throttling=False, token_lifetime=timedelta(minutes=10))
        self.ecs = EmbeddedEcs(clock=self.clock, behaviour=self.behaviour, record=True)
        seed(self.ecs, due_family(150))
        self.client = attached_client(self.ecs)
        self.port = AwsTaskDefinitions(Api(self.client, clock=self.clock))

    def tamper(self, operation: str, **changes: Any) -> None:  # noqa: ANN401 - members of any response
        """Change members of each parsed response of an operation; None takes one away."""

        def changed(parsed: dict[str, Any], **_: object) -> None:
            for name, value in changes.items():
                parsed.pop(name, None)
                if value is not None:
                    parsed[name] = value

        events: Any = self.client.meta.events
        events.register(f"after-call.ecs.{operation}", changed)


@pytest.fixture
def place() -> Iterator[Place]:
    """Provide a family whose retries wait on the virtual clock."""
    place = Place()
    with virtual_time(place.clock):
        yield place


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (f"{PREFIX}etl:7", RevisionId("etl", 7)),
        ("arn:aws-cn:ecs:cn-north-1:123456789012:task-definition/a_b-C1:1000000", RevisionId("a_b-C1", 1_000_000)),
        ("arn:aws-us-gov:ecs:us-gov-west-1:1:task-definition/x:1", RevisionId("x", 1)),
        ("etl:7", RevisionId("etl", 7)),
    ],
)
def test_a_reference_names_a_revision(reference: str, expected: RevisionId) -> None:
    """As an ARN of any partition or as family:number."""
    assert revision_in(reference) == expected


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "etl",
        "etl:",
        ":7",
        "etl:seven",
        "etl:-7",
        "etl:7 ",
        " etl:7",
        "etl:7\n",
        "etl:\u0667",
        "etl:7:8",
        "a/etl:7",
        PREFIX,
        f"{PREFIX}etl",
        f"{PREFIX}etl:7/8",
        f"x{PREFIX}etl:7",
        "arn:aws:ecs:eu-west-1:123456789012:service/etl:7",
        "arn:aws:batch:eu-west-1:123456789012:task-definition/etl:7",
        "etl:" + "9" * 19,
    ],
)
def test_what_names_no_revision_is_none(reference: str) -> None:
    """Nothing is guessed."""
    assert revision_in(reference) is None


def test_revisions_are_deleted_by_the_arns_that_were_listed(place: Place) -> None:
    """Partition, Region and account included: nothing else can be meant."""
    list(place.port.pages("etl", Status.INACTIVE))
    place.port.delete([RevisionId("etl", 1), SECOND])
    assert place.ecs.deleted_requests == [(f"{PREFIX}etl:1", f"{PREFIX}etl:2")]


def test_the_account_is_unknown_before_any_answer(place: Place) -> None:
    """And then it is the one in the ARNs."""
    assert place.port.account is None
    next(place.port.pages("etl", Status.INACTIVE))
    assert place.port.account == "123456789012"


@pytest.mark.parametrize("arn", ["nonsense", f"{PREFIX}other:7", f"{PREFIX}etl:x", f"{PREFIX}ETL:7"])
def test_a_listing_with_anything_else_in_it_fails(place: Place, arn: str) -> None:
    """It is not taken for a revision of the family."""
    place.tamper("ListTaskDefinitions", taskDefinitionArns=[f"{PREFIX}etl:1", arn])
    with pytest.raises(CallFailed, match="MalformedResponse"):
        list(place.port.pages("etl", Status.INACTIVE))


def test_a_listing_without_arns_is_an_empty_page(place: Place) -> None:
    """Nothing is listed."""
    place.tamper("ListTaskDefinitions", taskDefinitionArns=None, nextToken=None)
    assert [page.numbers for page in place.port.pages("etl", Status.INACTIVE)] == [()]


def test_a_first_page_that_cannot_be_had_is_a_failed_call_and_no_broken_listing(place: Place) -> None:
    """There is nothing to begin again."""
    place.ecs.faults.add(Fault(operation="ListTaskDefinitions", code="InvalidParameterException"))
    with pytest.raises(CallFailed) as failed:
        list(place.port.pages("etl", Status.INACTIVE))
    assert not isinstance(failed.value, ListingBroken)


def test_a_token_that_expired_breaks_the_listing(place: Place) -> None:
    """What was listed stands; it has to be started again."""
    pages = place.port.pages("etl", Status.INACTIVE)
    assert len(next(pages).numbers) == 100
    place.clock.sleep(3600)
    with pytest.raises(ListingBroken):
        next(pages)


def test_a_denial_on_a_later_page_stays_a_denial(place: Place) -> None:
    """The run cannot go on."""
    place.ecs.faults.add(Fault(operation="ListTaskDefinitions", code="AccessDeniedException", after=1))
    pages = place.port.pages("etl", Status.INACTIVE)
    next(pages)
    with pytest.raises(AccessDenied, match="ecs:ListTaskDefinitions"):
        next(pages)


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"taskDefinitionArn": f"{PREFIX}etl:3", "status": "INACTIVE"},
        {"taskDefinitionArn": f"{PREFIX}other:2", "status": "INACTIVE"},
        {"taskDefinitionArn": f"{PREFIX}etl:2"},
        {"taskDefinitionArn": f"{PREFIX}etl:2", "status": "SOMETHING_NEW"},
        {"taskDefinitionArn": "nonsense", "status": "INACTIVE"},
    ],
)
def test_a_description_of_something_else_or_of_no_known_status_fails(place: Place, definition: dict[str, str]) -> None:
    """No verdict is made of it."""
    place.tamper("DescribeTaskDefinition", taskDefinition=definition)
    for describe in (place.port.describe, place.port.describe_fully):
        with pytest.raises(CallFailed, match="MalformedResponse"):
            describe(SECOND)


def test_a_description_without_a_definition_fails(place: Place) -> None:
    """No verdict is made of it."""
    place.tamper("DescribeTaskDefinition", taskDefinition=None)
    with pytest.raises(CallFailed, match="MalformedResponse"):
        place.port.describe(SECOND)


def test_a_full_description_without_a_definition_fails(place: Place) -> None:
    """As a short one does."""
    place.tamper("DescribeTaskDefinition", taskDefinition=None)
    with pytest.raises(CallFailed, match="MalformedResponse"):
        place.port.describe_fully(SECOND)


def test_tags_are_asked_for_and_told(place: Place) -> None:
    """Also one without a value."""
    place.tamper("DescribeTaskDefinition", tags=[{"key": "janitor:keep"}, {"key": "team", "value": "data"}])
    described = place.port.describe(SECOND)
    assert described is not None
    assert described.tags == {"janitor:keep": "", "team": "data"}


def test_a_full_description_tells_images_by_container_and_who_registered_it(place: Place) -> None:
    """A container without a name or an image is shown as such."""
    definition = {
        "taskDefinitionArn": f"{PREFIX}etl:2",
        "status": "INACTIVE",
        "registeredBy": "arn:somebody",
        "containerDefinitions": [{"name": "main", "image": "repo:1"}, {"name": "side"}],
    }
    place.tamper("DescribeTaskDefinition", taskDefinition=definition)
    described = place.port.describe_fully(SECOND)
    assert described is not None
    assert described.images == {"main": "repo:1", "side": "?"}
    assert described.registered_by == "arn:somebody"


@pytest.mark.parametrize(
    ("by", "principal"),
    [
        ("arn:aws:sts::123456789012:assumed-role/airflow/run-4711", "arn:aws:sts::123456789012:assumed-role/airflow"),
        ("arn:aws:sts::123456789012:assumed-role/airflow", "arn:aws:sts::123456789012:assumed-role/airflow"),
        ("arn:aws-cn:sts::123456789012:assumed-role/a/b/c", "arn:aws-cn:sts::123456789012:assumed-role/a"),
        ("arn:aws:iam::123456789012:user/team/jane", "arn:aws:iam::123456789012:user/team/jane"),
        ("", None),
        (None, None),
    ],
)
def test_a_description_tells_who_registered_without_the_session_of_a_role(
    place: Place, by: str | None, principal: str | None
) -> None:
    """Ten thousand runs of a DAG are one principal."""
    definition = {"taskDefinitionArn": f"{PREFIX}etl:2", "status": "INACTIVE", "registeredBy": by}
    place.tamper("DescribeTaskDefinition", taskDefinition={k: v for k, v in definition.items() if v is not None})
    described = place.port.describe(SECOND)
    assert described is not None
    assert described.registered_by == principal


def accepted(number: int, status: str = "DELETE_IN_PROGRESS") -> dict[str, str]:
    """Build an entry of taskDefinitions[]."""
    return {"taskDefinitionArn": f"{PREFIX}etl:{number}", "status": status}


BATCH = [RevisionId("etl", 1), SECOND]


def test_only_an_entry_on_its_way_out_is_accepted(place: Place) -> None:
    """Success is a status, not a place in a list."""
    place.tamper("DeleteTaskDefinitions", taskDefinitions=[accepted(1), accepted(2, "INACTIVE")])
    assert place.port.delete(BATCH).accepted == ids(1)


def test_an_entry_nobody_asked_for_is_neither_accepted_nor_refused(place: Place) -> None:
    """The answer is about the batch."""
    place.tamper(
        "DeleteTaskDefinitions",
        taskDefinitions=[accepted(1), accepted(77), {}],
        failures=[{"arn": f"{PREFIX}etl:78", "reason": "X"}, {"arn": "nonsense", "reason": "X"}, {"reason": "X"}],
    )
    answer = place.port.delete(BATCH)
    assert answer.accepted == ids(1)
    assert answer.refused == {}


def test_an_entry_both_accepted_and_refused_is_refused(place: Place) -> None:
    """Then it is looked at again."""
    place.tamper(
        "DeleteTaskDefinitions",
        taskDefinitions=[accepted(1), accepted(2)],
        failures=[{"arn": f"{PREFIX}etl:2", "reason": "X"}],
    )
    answer = place.port.delete(BATCH)
    assert answer.accepted == ids(1)
    assert answer.refused == {SECOND: "X"}


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ({"reason": "A", "detail": "because"}, "A: because"),
        ({"reason": "A"}, "A"),
        ({"detail": "because"}, "because"),
        ({}, "no reason given"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_service(place: Place, failure: dict[str, str], words: str) -> None:
    """Reason and detail, as far as there are any."""
    place.tamper("DeleteTaskDefinitions", taskDefinitions=[], failures=[{"arn": f"{PREFIX}etl:2", **failure}])
    assert place.port.delete(BATCH).refused == {SECOND: words}


def test_an_empty_answer_answers_for_nobody(place: Place) -> None:
    """Who is in neither list was not answered for."""
    place.tamper("DeleteTaskDefinitions", taskDefinitions=None, failures=None)
    answer = place.port.delete(BATCH)
    assert answer.accepted == frozenset()
    assert answer.refused == {}


def test_families_are_paged_to_the_end(place: Place) -> None:
    """A hundred a page."""
    for number in range(230):
        place.ecs.seed_family(f"family-{number:03}", count=1)
    assert len(list(place.port.families())) == 231
    assert place.ecs.calls["ListTaskDefinitionFamilies"] == 3


@pytest.mark.parametrize("code", ["AccessDeniedException", "ServerException"])
def test_a_description_refused_for_another_reason_is_not_taken_for_gone(place: Place, code: str) -> None:
    """Only ClientException says that there is no such revision."""
    place.ecs.faults.add(Fault(operation="DescribeTaskDefinition", code=code))
    with pytest.raises((AccessDenied, CallFailed), match=code):
        place.port.describe(SECOND)


def test_a_description_tells_when_its_deletion_was_requested(place: Place) -> None:
    """Of a revision on its way out; before, there is no such date."""
    assert place.port.blind_to_deletion_dates is None
    before = place.port.describe(SECOND)
    next(place.port.pages("etl", Status.INACTIVE))
    place.port.delete([SECOND])
    after = place.port.describe(SECOND)
    assert before is not None
    assert after is not None
    assert (before.delete_requested_at, after.delete_requested_at) == (None, START)


def test_a_model_without_the_date_is_noticed(place: Place) -> None:
    """It drops the date from the answer without a word: the adapter has one."""
    old = AwsTaskDefinitions(Api(old_client(place.ecs), clock=place.clock))
    next(place.port.pages("etl", Status.INACTIVE))
    place.port.delete([SECOND])
    described = old.describe(SECOND)
    assert described is not None
    assert (described.status, described.delete_requested_at) == (Status.DELETE_IN_PROGRESS, None)
    assert old.blind_to_deletion_dates is not None
    assert f"botocore {botocore.__version__} is too old" in old.blind_to_deletion_dates


@pytest.mark.parametrize("member", ["registeredAt", "deregisteredAt", "deleteRequestedAt"])
@pytest.mark.parametrize("value", [1.7e12, 1e20, "garbage secret-value", "2020-01-01T00:00:00", {"a": 1}])
def test_a_date_that_is_none_is_a_failed_call_that_quotes_nothing(place: Place, member: str, value: object) -> None:
    """One bad revision must not end a sweep, nor carry its content into an error."""
    answered = place.ecs.handle

    def tampered(operation: str, params: dict[str, Any]) -> Any:  # noqa: ANN401 - the reply as it is, but for a member
        reply = answered(operation, params)
        if "taskDefinition" in reply.body:
            reply.body["taskDefinition"][member] = value
        return reply

    place.ecs.handle = tampered  # type: ignore[method-assign]  # the one thing that is different
    with pytest.raises(CallFailed) as raised:
        place.port.describe(SECOND)
    assert "secret-value" not in str(raised.value)


@pytest.mark.parametrize("changes", [{"tags": "x"}, {"tags": ["x"]}, {"taskDefinition": "x"}])
def test_a_description_of_another_shape_is_a_failed_call(place: Place, changes: dict[str, Any]) -> None:
    """Whatever is wrong with it."""
    place.tamper("DescribeTaskDefinition", **changes)
    with pytest.raises(CallFailed):
        place.port.describe(SECOND)


def test_containers_of_another_shape_are_a_failed_call(place: Place) -> None:
    """The full description reads them."""
    described = place.client.describe_task_definition(taskDefinition="etl:2")["taskDefinition"]
    place.tamper("DescribeTaskDefinition", taskDefinition={**described, "containerDefinitions": ["x"]})
    with pytest.raises(CallFailed):
        place.port.describe_fully(SECOND)


def test_a_listing_that_never_ends_is_given_up(place: Place) -> None:
    """Tokens that change while nothing new comes: botocore notices only a token that repeats at once."""
    tokens = iter(range(1_000_000))

    def endless(parsed: dict[str, Any], **_: object) -> None:
        parsed["nextToken"] = f"token-{next(tokens)}"
        parsed["taskDefinitionArns"] = [f"{PREFIX}etl:{number}" for number in (1, 2, 3)]

    events: Any = place.client.meta.events
    events.register("after-call.ecs.ListTaskDefinitions", endless)
    place.ecs.handle = _first_page(place.ecs.handle)  # type: ignore[method-assign]  # it knows none of those tokens
    with pytest.raises(ListingBroken, match="nothing new"):
        list(place.port.pages("etl", Status.INACTIVE))


def _first_page(handle: Any) -> Any:  # noqa: ANN401 - the embedded ECS's own method
    return lambda operation, params: handle(operation, {k: v for k, v in params.items() if k != "nextToken"})

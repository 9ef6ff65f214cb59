"""One client: paced before it signs, retried in one layer, counted, and its errors in our words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from hypothesis import given
from hypothesis import strategies as st

from janitor.aws.client import ATTEMPTS, FIRST_ANSWER_ATTEMPTS, Api
from janitor.aws.pace import BUCKETS, WRITES, ReadBudget
from janitor.aws.registration import REGISTER_ACTIONS
from janitor.aws.task_definitions import DELETE_ACTIONS, READ_ACTIONS, AwsTaskDefinitions
from janitor.aws.usage import ACTIONS
from janitor.core.model import RevisionId, Status
from janitor.core.pacing import OURS, Bucket, our_share
from janitor.errors import AccessDenied, CallFailed, JanitorError, ReadsSpent, RunEnded, Unreachable
from janitor.local.attach import virtual_time
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from tests.builders import attached_client, boto_client, due_family, seed
from tests.fakes import START
from tests.unit.sweep.test_sweep_properties import STEADY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


FIRST = RevisionId("etl", 1)


class Place:
    """An embedded ECS with ten revisions and an API of ours on it, on virtual time."""

    def __init__(self, *, throttling: bool = False, reads: ReadBudget | None = None) -> None:
        self.clock = VirtualClock(START)
        self.ecs = EmbeddedEcs(clock=self.clock, behaviour=Behaviour(throttling=throttling))
        seed(self.ecs, due_family(10))
        self.api = Api(attached_client(self.ecs), clock=self.clock, reads=reads)
        self.task_definitions = AwsTaskDefinitions(self.api)

    def fault(self, operation: str, **options: Any) -> None:  # noqa: ANN401 - those of Fault
        """Script a fault."""
        self.ecs.faults.add(Fault(operation=operation, **options))


@pytest.fixture
def place() -> Iterator[Place]:
    """Provide a place whose retries wait on the virtual clock."""
    place = Place()
    with virtual_time(place.clock):
        yield place


# Pace


@pytest.mark.parametrize(("operation", "bucket"), BUCKETS.items())
def test_every_operation_waits_for_its_own_bucket(operation: str, bucket: Bucket) -> None:
    """The burst goes at once; the next waits for a refill, whoever took the tokens."""
    clock = VirtualClock(START)
    api = Api(boto_client(), clock=clock)
    rate = our_share(bucket)
    for _ in range(int(rate.burst)):
        api._before_attempt(operation)
    assert clock.monotonic() == 0
    sharing = next(name for name, each in BUCKETS.items() if each is bucket)
    api._before_attempt(sharing)
    assert clock.monotonic() == pytest.approx(1 / rate.per_second)


def test_deleting_takes_no_token_of_the_readers() -> None:
    """Deletion has a bucket of its own."""
    clock = VirtualClock(START)
    api = Api(boto_client(), clock=clock)
    for _ in range(int(our_share(Bucket.DELETE).burst)):
        api._before_attempt("DeleteTaskDefinitions")
    api._before_attempt("DescribeTaskDefinition")
    assert clock.monotonic() == 0


def test_a_request_waits_for_its_token_before_it_is_signed(place: Place) -> None:
    """A signature does not age while the request waits."""
    signed_at: list[float] = []
    place.api.client.meta.events.register("before-sign.ecs", lambda **_: signed_at.append(place.clock.monotonic()))
    sent_at: list[float] = []
    place.api.client.meta.events.register_first("before-send.ecs", lambda **_: sent_at.append(place.clock.monotonic()))
    burst = int(our_share(Bucket.READ).burst)
    for _ in range(burst + 5):
        place.task_definitions.describe(FIRST)
    assert signed_at == sent_at
    assert signed_at[burst - 1] == 0
    assert signed_at[burst] > 0


def test_a_retry_takes_a_token_and_is_counted_too(place: Place) -> None:
    """One describe, three attempts: three calls, three reads."""
    place.api.pace.reads = ReadBudget(10)
    place.fault("DescribeTaskDefinition", code="ServerException", status=500, times=2)
    assert place.task_definitions.describe(FIRST) is not None
    assert place.api.calls == place.ecs.calls == {"DescribeTaskDefinition": 3}
    assert place.api.reads.left == 7


def test_at_our_own_pace_ecs_never_throttles() -> None:
    """Its published buckets hold what we take."""
    place = Place(throttling=True)
    with virtual_time(place.clock):
        for _ in range(200):
            place.task_definitions.describe(FIRST)
        for number in range(1, 11):
            place.task_definitions.delete([RevisionId("etl", number)])
    assert place.ecs.throttled == {}
    assert place.api.throttled == {}


def test_a_throttled_call_is_tried_again_counted_and_halves_the_rate(place: Place) -> None:
    """The account's bucket is emptier than we thought."""
    place.fault("DescribeTaskDefinition", code="ThrottlingException", message="Rate exceeded", times=1)
    assert place.task_definitions.describe(FIRST) is not None
    assert place.api.throttled == {"DescribeTaskDefinition": 1}
    before = place.clock.monotonic()
    for _ in range(20):
        place.task_definitions.describe(FIRST)
    rate = 20 / (place.clock.monotonic() - before)
    assert rate < our_share(Bucket.READ).per_second * 0.7


def test_rates_can_be_given(place: Place) -> None:
    """Each bucket by itself; the others keep our share."""
    slow = Api(boto_client(), clock=place.clock, rates=OURS | {Bucket.DELETE: our_share(Bucket.READ)})
    for _ in range(int(our_share(Bucket.READ).burst)):
        slow._before_attempt("DeleteTaskDefinitions")
    assert place.clock.monotonic() == 0


# Retries and errors


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_call_the_server_fails_is_tried_as_often_as_one_layer_does(place: Place, status: int) -> None:
    """Eight attempts, not eight times eight."""
    place.fault("DescribeTaskDefinition", code="ServerException", status=status)
    with pytest.raises(CallFailed, match="DescribeTaskDefinition failed: ServerException: Scripted fault"):
        place.task_definitions.describe(FIRST)
    assert place.ecs.calls == {"DescribeTaskDefinition": ATTEMPTS}


def test_throttling_without_end_ends_the_run(place: Place) -> None:
    """No call is retried for ever."""
    place.fault("DescribeTaskDefinition", code="ThrottlingException")
    with pytest.raises(Unreachable, match=f"throttled at each of {ATTEMPTS} attempts"):
        place.task_definitions.describe(FIRST)
    assert place.ecs.calls == {"DescribeTaskDefinition": ATTEMPTS}
    assert place.api.throttled == {"DescribeTaskDefinition": ATTEMPTS}


DENIED = [
    "AccessDeniedException",
    "AccessDenied",
    "ExpiredTokenException",
    "ExpiredToken",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "IncompleteSignature",
    "NotAuthorized",
    "OptInRequired",
    "UnauthorizedOperation",
]
THROTTLED = [
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
]
FAILED = ["InvalidParameterException", "ServerException", "LimitExceededException", "SomethingNew", "ClientException"]


def raised_by(call: Callable[[], object]) -> Any:  # noqa: ANN401 - each kind of error has attributes of its own
    """Return the error of ours that a call raises."""
    with pytest.raises(JanitorError) as raised:
        call()
    return raised.value


@pytest.mark.parametrize("operation", ["ListTaskDefinitionFamilies", "ListTaskDefinitions", "DeleteTaskDefinitions"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((code, AccessDenied) for code in DENIED),
        *((code, Unreachable) for code in THROTTLED),
        *((code, CallFailed) for code in FAILED),
    ],
)
def test_each_error_code_has_one_meaning(place: Place, operation: str, code: str, kind: type[JanitorError]) -> None:
    """Denied ends the run with the permission named; throttled for good ends it; the rest concerns the one call."""
    place.fault(operation, code=code, message="the words of the service")
    calls: dict[str, Callable[[], object]] = {
        "ListTaskDefinitionFamilies": lambda: list(place.task_definitions.families()),
        "ListTaskDefinitions": lambda: list(place.task_definitions.pages("etl", Status.INACTIVE)),
        "DeleteTaskDefinitions": lambda: place.task_definitions.delete([FIRST]),
    }
    error: Any = raised_by(calls[operation])
    assert type(error).__name__ == kind.__name__
    assert "the words of the service" in str(error)
    assert operation in str(error)
    if kind is AccessDenied:
        assert error.permission == f"ecs:{operation}"
        assert place.ecs.calls == {operation: 1}, "a denial is not tried again"
    if kind is CallFailed:
        assert (error.operation, error.code, error.detail) == (operation, code, "the words of the service")


@pytest.mark.parametrize("operation", ["ListClusters", "DescribeServices", "DescribeTaskDefinition"])
def test_an_error_says_which_permission_is_missing(place: Place, operation: str) -> None:
    """In IAM's words."""
    place.fault(operation, code="AccessDeniedException", message="no")
    methods: dict[str, Callable[[Any], object]] = {
        "ListClusters": lambda ecs: ecs.list_clusters(),
        "DescribeServices": lambda ecs: ecs.describe_services(services=["a"]),
        "DescribeTaskDefinition": lambda ecs: ecs.describe_task_definition(taskDefinition="etl:1"),
    }
    with pytest.raises(AccessDenied, match=f"ecs:{operation} was denied"), place.api.calling(operation) as ecs:
        methods[operation](ecs)


def test_every_operation_called_has_a_bucket_and_its_permission_is_declared() -> None:
    """The IAM actions stand beside the calls."""
    writes = {*DELETE_ACTIONS, *REGISTER_ACTIONS, "ecs:DeregisterTaskDefinition"}
    declared = {*READ_ACTIONS, *ACTIONS, *writes}
    assert set(BUCKETS) == {action.partition(":")[2] for action in declared}
    assert {f"ecs:{operation}" for operation in WRITES} == writes


@pytest.mark.parametrize(
    "error",
    [
        botocore.exceptions.NoCredentialsError(),
        botocore.exceptions.PartialCredentialsError(provider="env", cred_var="secret"),
        botocore.exceptions.CredentialRetrievalError(provider="role", error_msg="no"),
        botocore.exceptions.TokenRetrievalError(provider="sso", error_msg="no"),
        botocore.exceptions.UnauthorizedSSOTokenError(),
    ],
)
def test_credentials_that_cannot_be_had_are_a_denial(place: Place, error: Exception) -> None:
    """Not a traceback."""
    with pytest.raises(AccessDenied, match="no valid AWS credentials"), place.api.calling("ListClusters"):
        raise error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (botocore.exceptions.EndpointConnectionError(endpoint_url="http://x"), Unreachable),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="http://x"), Unreachable),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url="http://x"), Unreachable),
        (botocore.exceptions.ConnectionClosedError(endpoint_url="http://x"), Unreachable),
        (botocore.exceptions.SSLError(endpoint_url="http://x", error=ValueError("bad")), Unreachable),
        (botocore.exceptions.ProxyConnectionError(proxy_url="http://x"), Unreachable),
        (botocore.exceptions.ParamValidationError(report="bad"), CallFailed),
        (botocore.exceptions.PaginationError(message="same token"), CallFailed),
    ],
)
def test_what_botocore_raises_by_itself_becomes_ours(place: Place, error: Exception, kind: type[JanitorError]) -> None:
    """Nothing of botocore's leaves janitor.aws."""
    with pytest.raises(kind) as raised, place.api.calling("ListClusters"):
        raise error
    assert raised.value.__cause__ is error


def test_an_error_that_is_not_botocores_is_let_through(place: Place) -> None:
    """A bug is a bug."""
    with pytest.raises(ZeroDivisionError), place.api.calling("ListClusters"):
        raise ZeroDivisionError


def test_a_body_that_cannot_be_parsed_is_a_failed_call(place: Place) -> None:
    """However it came to be cut."""
    place.fault("DescribeTaskDefinition", lost=Lost.MALFORMED_BODY)
    with pytest.raises(CallFailed):
        place.task_definitions.describe(FIRST)


def test_an_answer_that_was_lost_once_is_asked_for_again(place: Place) -> None:
    """A closed connection, a timeout."""
    place.fault("DescribeTaskDefinition", lost=Lost.CONNECTION_CLOSED, times=1)
    place.fault("DescribeTaskDefinition", lost=Lost.READ_TIMEOUT, times=1)
    assert place.task_definitions.describe(FIRST) is not None
    assert place.ecs.calls == {"DescribeTaskDefinition": 3}


def refuse_connections(api: Api, after: int = 0) -> list[float]:
    """Let nobody listen at the endpoint, after some answers; return the list of attempts."""
    attempts: list[float] = []

    def refused(**_: object) -> AWSResponse | None:
        attempts.append(1)
        if len(attempts) <= after:
            return None
        raise botocore.exceptions.EndpointConnectionError(endpoint_url=api.endpoint)

    events: Any = api.client.meta.events
    events.register_first("before-send.ecs", refused)
    return attempts


def test_an_endpoint_that_never_answered_is_given_up_after_two_attempts(place: Place) -> None:
    """A wrong address should not take a minute to be called one."""
    attempts = refuse_connections(place.api)
    with pytest.raises(Unreachable, match=f"no answer from {place.api.endpoint}"):
        place.task_definitions.describe(FIRST)
    assert len(attempts) == FIRST_ANSWER_ATTEMPTS == 2
    assert place.clock.monotonic() < 5


def test_an_endpoint_that_answered_before_is_tried_as_often_as_any(place: Place) -> None:
    """A network may be away for a moment."""
    attempts = refuse_connections(place.api, after=1)
    assert place.task_definitions.describe(FIRST) is not None
    with pytest.raises(Unreachable):
        place.task_definitions.describe(FIRST)
    assert len(attempts) == 1 + ATTEMPTS


def test_the_region_and_the_endpoint_are_told(place: Place) -> None:
    """For the report and for messages."""
    assert place.api.region == "eu-west-1"
    assert place.api.endpoint == place.api.client.meta.endpoint_url


# The budget of reads


def test_without_reads_left_no_request_leaves() -> None:
    """And deletes take none."""
    place = Place(reads=ReadBudget(2))
    place.task_definitions.describe(FIRST)
    place.task_definitions.describe(FIRST)
    with pytest.raises(ReadsSpent):
        place.task_definitions.describe(FIRST)
    assert place.ecs.calls == {"DescribeTaskDefinition": 2}
    assert place.api.calls == {"DescribeTaskDefinition": 2}
    assert place.task_definitions.delete([FIRST]).accepted == {FIRST}


def test_spent_reads_end_a_run() -> None:
    """Whoever does not plan for it is ended by it."""
    assert issubclass(ReadsSpent, RunEnded)


def test_a_budget_is_without_end_unless_told() -> None:
    """A sweep reads what it must."""
    budget = ReadBudget()
    budget.take()
    assert budget.left > 10**9


def test_a_lowered_budget_comes_back_less_what_was_taken() -> None:
    """Nested, and whatever was raised meanwhile."""
    budget = ReadBudget(10)
    with budget.at_most(6):
        budget.take()
        with budget.at_most(2):
            budget.take()
            budget.take()
            with pytest.raises(ReadsSpent):
                budget.take()
        assert budget.left == 3
    assert budget.left == 7


@pytest.mark.parametrize("reads", [11, 100])
def test_a_budget_is_never_raised(reads: int) -> None:
    """``at_most`` says at most."""
    budget = ReadBudget(10)
    with budget.at_most(reads):
        assert budget.left == 10


@STEADY
@given(
    steps=st.recursive(
        st.lists(st.just("take"), max_size=4),
        lambda inner: st.lists(st.one_of(st.just("take"), st.tuples(st.integers(0, 9), inner)), max_size=4),
    ),
    most=st.integers(0, 20),
)
def test_no_nesting_of_budgets_gives_more_than_the_outermost(steps: list[Any], most: int) -> None:
    """Every read taken anywhere is taken from all around it."""
    budget = ReadBudget(most)
    taken = 0

    def walk(steps: list[Any], allowed: int) -> int:
        nonlocal taken
        used = 0
        for step in steps:
            if step == "take":
                try:
                    budget.take()
                except ReadsSpent:
                    assert used >= allowed
                else:
                    used += 1
                    taken += 1
                    assert used <= allowed
            else:
                with budget.at_most(step[0]):
                    used += walk(step[1], min(step[0], allowed - used))
        return used

    walk(steps, most)
    assert budget.left == most - taken


def test_families_come_as_the_wire_has_them(place: Place) -> None:
    """Parsed by botocore itself."""
    body = json.dumps({"families": ["a"]}).encode()

    class Raw:
        def stream(self, **_: object) -> Iterator[bytes]:
            yield body

    def answer(**_: object) -> AWSResponse:
        headers = HTTPHeaders.from_dict({"Content-Type": "application/x-amz-json-1.1"})
        return AWSResponse("https://x", 200, headers, Raw())

    events: Any = place.api.client.meta.events
    events.register_first("before-send.ecs", answer)
    assert list(place.task_definitions.families()) == ["a"]


def test_the_next_run_with_a_client_takes_it_over(place: Place) -> None:
    """A warm function makes a run for each event: the one before counts, paces and limits no longer."""
    first = Api(place.api.client, clock=place.clock, reads=ReadBudget(1))
    list(AwsTaskDefinitions(first).families())
    second = Api(place.api.client, clock=place.clock)
    for _ in range(3):
        list(AwsTaskDefinitions(second).families())
    assert (first.calls.total(), second.calls.total()) == (1, 3)


def test_a_listing_that_is_not_json_is_a_failed_call_and_not_an_empty_one(place: Place) -> None:
    """Botocore itself takes a body that is cut short, or a proxy's page, for an answer in which nothing is."""
    place.fault("ListTaskDefinitions", lost=Lost.MALFORMED_BODY)
    with pytest.raises(CallFailed, match="MalformedResponse"):
        list(place.task_definitions.pages("etl", Status.INACTIVE))


@pytest.mark.parametrize("status", [400, 403, 413, 503])
def test_the_words_of_an_error_that_is_none_of_awss_stay_where_they_are(place: Place, status: int) -> None:
    """Botocore takes the whole body for its message: a page of a proxy, or what was meant for somebody else."""

    def answer(**_: object) -> AWSResponse:
        class Raw:
            def stream(self, **_: object) -> Iterator[bytes]:
                yield b'<html>{"environment": "hunter2"}'

        return AWSResponse("https://x", status, HTTPHeaders.from_dict({}), Raw())

    events: Any = place.api.client.meta.events
    events.register_first("before-send.ecs", answer)
    error = raised_by(lambda: place.task_definitions.delete([FIRST]))
    assert str(error) == f"DeleteTaskDefinitions failed: HTTP {status}: the answer could not be read"


def test_how_often_a_call_was_throttled_is_told_as_it_was(place: Place) -> None:
    """Botocore gives up earlier where its own quota of retries is used up."""
    events: Any = place.api.client.meta.events
    (handler,) = {
        each.__self__
        for each in events._emitter._handlers.prefix_search("needs-retry.ecs.Any")
        if type(getattr(each, "__self__", None)).__name__ == "RetryHandler"
    }
    handler._retry_quota._quota.acquire(500 - 3 * 5)
    place.fault("DescribeTaskDefinition", code="ThrottlingException")
    with pytest.raises(Unreachable, match="throttled at each of 4 attempts"):
        place.task_definitions.describe(FIRST)
    assert place.ecs.calls == {"DescribeTaskDefinition": 4}


def test_a_call_that_gives_way_ends_at_the_second_throttling() -> None:
    """Whoever shares its bucket needs it more; without that word it is tried on, as for those whom somebody awaits."""
    for gives_way, attempts in ((frozenset({"DeregisterTaskDefinition"}), 2), (frozenset(), ATTEMPTS)):
        place = Place()
        place.api = Api(attached_client(place.ecs), clock=place.clock, gives_way=gives_way)
        place.fault("DeregisterTaskDefinition", code="ThrottlingException")
        with virtual_time(place.clock), pytest.raises(Unreachable, match="throttled"):
            AwsTaskDefinitions(place.api).deregister(FIRST)
        assert place.ecs.calls == {"DeregisterTaskDefinition": attempts}


def test_one_throttling_is_no_reason_to_give_way() -> None:
    """It may have been jitter."""
    place = Place()
    place.api = Api(attached_client(place.ecs), clock=place.clock, gives_way=frozenset({"DeregisterTaskDefinition"}))
    place.fault("DeregisterTaskDefinition", code="ThrottlingException", times=1)
    with virtual_time(place.clock):
        assert AwsTaskDefinitions(place.api).deregister(FIRST).accepted == {FIRST}

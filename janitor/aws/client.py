"""boto3's clients: paced, counted, retried, and their errors in our words.

Every attempt, a retry as well, first takes a token from our share of its bucket. The retries are botocore's own
("standard" mode): there is no second layer that could multiply them.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import botocore.exceptions
from botocore.config import Config

from janitor.aws.pace import LONGEST_PAUSE, Pace, ReadBudget
from janitor.core.pacing import OURS
from janitor.errors import AccessDenied, CallFailed, Unanswered, Unreachable

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Mapping

    from botocore.awsrequest import AWSRequest
    from botocore.client import BaseClient
    from botocore.model import OperationModel
    from mypy_boto3_ecs.client import ECSClient

    from janitor.core.pacing import Bucket, Rate
    from janitor.ports import Clock

C = TypeVar("C", bound="BaseClient")
D = TypeVar("D", bound="BaseClient")

ATTEMPTS = 12
"""Attempts of one call. Their least pauses come to 75 seconds: a minute of throttling is outlasted by every call."""

READ_TIMEOUT = 20
"""Seconds without an answer after which a call is repeated: less than the function keeps back at its end."""

FIRST_ANSWER_ATTEMPTS = 2
"""Attempts while the endpoint has never answered: a wrong address should not take a minute to be called one."""

ONCE = frozenset({"RegisterTaskDefinition"})
"""Operations that do it again when they are repeated: repeated only where the first attempt certainly did nothing."""

PATIENCE = 2
"""Throttled attempts after which a call that gives way is not tried again."""

DENIED = frozenset({
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
})  # fmt: skip
THROTTLED = frozenset({
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
})  # fmt: skip
_REFUSED = frozenset({"ClientException", "InvalidParameterException", "LimitExceededException"})
NEVER_SENT = (
    botocore.exceptions.EndpointConnectionError,
    botocore.exceptions.ConnectTimeoutError,
    botocore.exceptions.ProxyConnectionError,
)
NO_CREDENTIALS = (
    botocore.exceptions.NoCredentialsError,
    botocore.exceptions.PartialCredentialsError,
    botocore.exceptions.CredentialRetrievalError,
    botocore.exceptions.TokenRetrievalError,
    botocore.exceptions.SSOError,
)


def config(version: str) -> Config:
    """Return the botocore configuration of every client of ours."""
    return Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=5,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=64,
        user_agent_extra=f"ecs-revision-janitor/{version}",
    )


def config_of_others(version: str) -> Config:
    """Return the botocore configuration of a client of another service: its calls end within half a minute.

    That is less than the function keeps back at its end, in which it writes the record and publishes.
    """
    return Config(
        retries={"mode": "standard", "total_max_attempts": 5},
        connect_timeout=3,
        read_timeout=5,
        user_agent_extra=f"ecs-revision-janitor/{version}",
    )


_NOT_BEFORE = "revision-janitor-not-before"  # in the context that botocore keeps over the attempts of one call


def _check_listing(operation_model: OperationModel, response_dict: Mapping[str, Any], **_: object) -> None:
    """Raise ``ValueError`` where a listing's body is not JSON: botocore would take it for one in which nothing is."""
    if operation_model.name.startswith("List") and response_dict["status_code"] == _OK:
        json.loads(response_dict["body"])


_OK = 200
_MALFORMED = (OverflowError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class ServiceApi(Generic[C]):
    """A client of boto3, with the pace, the counts and the budget of reads that it shares with others."""

    def __init__(self, client: C, pace: Pace, *, gives_way: frozenset[str] = frozenset()) -> None:
        """``gives_way`` are operations that others need more: they end soon where they are throttled."""
        self.client = client
        self.pace = pace
        self._gives_way = gives_way
        self._answered = False
        # First, that is before botocore signs: a signature does not age while the request waits for its token.
        self._hook("request-created", self._before_attempt)
        self._hook("needs-retry", self._after_attempt)
        self._hook("before-parse", _check_listing)

    def beside(self, client: D) -> ServiceApi[D]:
        """Return the same for the client of another service."""
        return ServiceApi(client, self.pace)

    @property
    def endpoint(self) -> str:
        """Return the address that is called."""
        return self.client.meta.endpoint_url

    @property
    def region(self) -> str:
        """Return the Region that is called."""
        return self.client.meta.region_name

    @contextmanager
    def calling(self, operation: str) -> Iterator[C]:
        """Lend the client for one call, and turn what it raises into our own errors.

        Raises:
            AccessDenied: if the permission is missing or the credentials are not valid.
            Unreachable: if there was no answer, or none but throttling, at any attempt.
            CallFailed: for every other refusal.
        """
        try:
            yield self.client
        except botocore.exceptions.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code") or "Unknown")
            detail = error.response.get("Error", {}).get("Message", "") or "no message"
            if code.isdigit():  # botocore found no error of AWS's and took the status; its "message" is the whole body
                code, detail = f"HTTP {code}", "the answer could not be read"
            if code in DENIED:
                raise AccessDenied(self._permission(operation), f"{code}: {detail}") from error
            if code in THROTTLED:
                attempts = 1 + error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)
                message = f"{operation} was throttled at each of {attempts} attempts ({code}: {detail})"
                raise Unreachable(message) from error
            raise CallFailed(operation, code, detail) from error
        except NO_CREDENTIALS as error:
            raise AccessDenied(self._permission(operation), f"no valid AWS credentials: {error}") from error
        except (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError) as error:
            message = f"no answer from {self.endpoint} to {operation}: {error}"
            raise Unreachable(message) from error
        except (botocore.exceptions.BotoCoreError, botocore.parsers.ResponseParserError) as error:
            raise CallFailed(operation, type(error).__name__, str(error)) from error
        except _MALFORMED as error:
            # From botocore's parser or from our reading of the answer. Its words may quote the answer: they stay here.
            raise CallFailed(
                operation, "MalformedResponse", f"the answer could not be read ({type(error).__name__})"
            ) from None

    def _permission(self, operation: str) -> str:
        return f"{self.client.meta.service_model.signing_name}:{operation}"

    def _hook(self, event: str, handler: Callable[..., object]) -> None:
        """Handle an event of the client alone: whoever had it before, in a function that is warm, is done with it."""
        events: Any = self.client.meta.events  # whose published types allow no answer from a handler
        name, ours = f"{event}.{self.client.meta.service_model.service_id.hyphenize()}", f"janitor {event}"
        events.unregister(name, unique_id=ours)
        events.register_first(name, handler, unique_id=ours)

    def _before_attempt(self, operation_name: str, request: AWSRequest | None = None, **_: object) -> None:
        self.pace.wait(operation_name, None if request is None else request.context.get(_NOT_BEFORE))

    def _after_attempt(
        self,
        response: tuple[object, Mapping[str, Any]] | None,
        operation: OperationModel,
        attempts: int,
        caught_exception: Exception | None,
        request_dict: Mapping[str, Any],
        **_: object,
    ) -> float | None:
        """Take note of an attempt; raise to end the call, or return the seconds to the next where botocore has none."""
        if response is not None:
            self._answered = True
            code = response[1].get("Error", {}).get("Code")
            if code in THROTTLED:
                request_dict["context"][_NOT_BEFORE] = self.pace.refused(operation.name, attempts)
                if operation.name in self._gives_way and attempts >= PATIENCE:
                    raise Unreachable(f"{operation.name} was throttled {attempts} times ({code}): others need its rate")
        elif (
            not self._answered
            and attempts >= FIRST_ANSWER_ATTEMPTS
            and isinstance(caught_exception, botocore.exceptions.ConnectionError)
        ):
            raise caught_exception
        return _pause(operation.name, response, attempts, caught_exception) if operation.name in ONCE else None


class Api(ServiceApi["ECSClient"]):
    """An ECS client of boto3, with its pace, its counts and its budget of reads."""

    def __init__(
        self,
        client: ECSClient,
        *,
        clock: Clock,
        rates: Mapping[Bucket, Rate] = OURS,
        reads: ReadBudget | None = None,
        gives_way: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(client, Pace(clock, rates=rates, reads=reads or ReadBudget()), gives_way=gives_way)

    @property
    def calls(self) -> Counter[str]:
        """Return the attempts so far by operation, those of the clients beside included."""
        return self.pace.calls

    @property
    def throttled(self) -> Counter[str]:
        """Return the throttled attempts so far by operation."""
        return self.pace.throttled

    @property
    def reads(self) -> ReadBudget:
        """Return the budget of reads, the same for all clients."""
        return self.pace.reads


def _pause(
    operation: str,
    response: tuple[object, Mapping[str, Any]] | None,
    attempts: int,
    caught_exception: Exception | None,
) -> float | None:
    """Return the seconds to the next attempt of what must not be done twice; None leaves it to botocore.

    Reported is "Too many concurrent attempts to create a new revision of the specified family", a ClientException that
    nothing but its text tells from others: somebody else registers at the moment.
    """
    if response is None:
        if isinstance(caught_exception, NEVER_SENT):
            return None
        raise Unanswered(operation, type(caught_exception).__name__, "the answer was lost") from None
    error = response[1].get("Error", {})
    code, words = error.get("Code"), error.get("Message", "")
    if code is None or code in THROTTLED | DENIED:
        return None
    if code not in _REFUSED:
        raise Unanswered(operation, code, words or "no message")
    again = "concurrent" in words.lower() and attempts < ATTEMPTS
    return min(LONGEST_PAUSE, 2.0 ** (attempts - 1)) if again else None

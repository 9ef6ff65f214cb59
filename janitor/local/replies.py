"""What the embedded ECS answers: a body of the JSON protocol, or an error in AWS's form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


class Lost(StrEnum):
    """How a reply can fail to arrive."""

    CONNECTION_CLOSED = "connection closed"
    READ_TIMEOUT = "read timeout"
    MALFORMED_BODY = "malformed body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer; ``lost`` says what a scripted fault does to it on its way to the client."""

    status: int
    body: Json
    request_id: str
    lost: Lost | None = None


class ApiError(Exception):
    """An operation's refusal: AWS's error code, its text and the HTTP status."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status

    @property
    def body(self) -> Json:
        """The error as the JSON protocol carries it."""
        return {"__type": self.code, "message": self.message}


def client_error(message: str) -> ApiError:
    """Return ECS's error for a request that its state does not allow."""
    return ApiError("ClientException", message)


def invalid_parameter(message: str) -> ApiError:
    """Return ECS's error for a value that it does not accept."""
    return ApiError("InvalidParameterException", message)

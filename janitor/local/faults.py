"""Scripted faults: which call goes wrong, how, and how often."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from janitor.local.replies import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from janitor.local.replies import Json, Lost

_FAMILY_REVISION = re.compile(r"[A-Za-z0-9_-]+:[0-9]+")


def names_it(wanted: str, reference: str) -> bool:
    """Say whether a reference is meant: ``family:number`` means that one revision, other text is looked for inside."""
    if _FAMILY_REVISION.fullmatch(wanted):
        return reference == wanted or reference.endswith(f"/{wanted}")
    return wanted in reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong: an error in place of the answer, or an answer that is lost on its way."""

    operation: str
    arn: str | None = None
    """Only calls that name this: ``family:number``, or any part of an ARN or name."""
    code: str = "ServerException"
    status: int = 400
    message: str = "Scripted fault."
    lost: Lost | None = None
    """The answer is lost; ``code``, ``status`` and ``message`` then do not matter."""
    acts: bool = False
    """Whether the server does what was asked before it answers wrongly or the answer is lost."""
    times: int | None = None
    """How many calls go wrong; None: every one."""
    after: int = 0
    """How many such calls go well first."""
    during: tuple[float, float] | None = None
    """Only from the first up to the second reading of the clock's ``monotonic``."""

    @property
    def error(self) -> ApiError:
        """The error that the client is answered with."""
        return ApiError(self.code, self.message, status=self.status)


@dataclass(slots=True)
class _Scripted:
    fault: Fault
    met: int = 0

    def strikes(self, operation: str, references: list[str], now: float) -> bool:
        fault = self.fault
        if fault.operation != operation:
            return False
        if fault.arn is not None and not any(names_it(fault.arn, reference) for reference in references):
            return False
        if fault.during is not None and not fault.during[0] <= now < fault.during[1]:
            return False
        self.met += 1
        turn = self.met - fault.after
        return turn > 0 and (fault.times is None or turn <= fault.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why one entry of DeleteTaskDefinitions is refused, as failures[] says it."""

    reason: str
    detail: str | None = None


class Faults:
    """The faults scripted for one embedded ECS."""

    def __init__(self) -> None:
        self._scripted: list[_Scripted] = []
        self._refusals: dict[str, Refusal] = {}
        self._denied: list[str] = []
        self._denied_tags: list[tuple[str, str | None]] = []

    def add(self, fault: Fault) -> None:
        """Script a fault; where several would strike, the first one added does."""
        self._scripted.append(_Scripted(fault))

    def refuse(self, arn: str, *, reason: str, detail: str | None = None) -> None:
        """Let every deletion of what ``arn`` means end in failures[]."""
        self._refusals[arn] = Refusal(reason=reason, detail=detail)

    def deny(self, arn: str) -> None:
        """Let IAM deny the deletion of what ``arn`` means."""
        self._denied.append(arn)

    def deny_tag(self, key: str, value: str | None = None) -> None:
        """Let IAM deny the deletion of revisions with that tag, of any value unless one is given."""
        self._denied_tags.append((key, value))

    def clear(self) -> None:
        """Forget all that was scripted."""
        for scripted in (self._scripted, self._refusals, self._denied, self._denied_tags):
            scripted.clear()

    def strike(self, operation: str, params: Json, now: float) -> Fault | None:
        """Return the fault that befalls this call, if any."""
        references = list(_texts(params)) if self._scripted else []
        return next((one.fault for one in self._scripted if one.strikes(operation, references, now)), None)

    def refusal(self, arn: str) -> Refusal | None:
        """Return the refusal scripted for a revision, if any."""
        return next((refusal for wanted, refusal in self._refusals.items() if names_it(wanted, arn)), None)

    def denies(self, arn: str, tags: Mapping[str, str]) -> bool:
        """Say whether IAM denies a revision's deletion."""
        by_tag = any(key in tags and value in (None, tags[key]) for key, value in self._denied_tags)
        return by_tag or any(names_it(wanted, arn) for wanted in self._denied)


def _texts(params: Json) -> Iterator[str]:
    """Yield the texts in a request's members and in its lists of texts: the names and ARNs among them."""
    for value in params.values():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield text

"""What can go wrong, and what each kind means for a run.

JanitorError
├── BadInput            refused before anything was touched; carries every problem at once
├── RunEnded            the run cannot go on
│   ├── AccessDenied        a permission is missing (named), or the credentials are no longer valid
│   ├── Unreachable         no answer came from the endpoint, or only throttling, however often it was asked
│   └── ReadsSpent          the budget of read calls is used up
├── CallFailed          one call failed for good: the thing it was about is left alone
│   ├── ListingBroken       a listing could not be continued: it has to be started again
│   ├── Busy                nothing was done, and it may well be done a moment later
│   └── Unanswered          nobody knows whether a write was done: it must not be repeated without a look
├── StoreFailed         the store could not be read or written: what may not go unrecorded is not done
└── TableFailed         the lookup table could not be read or written
    └── LeaseHeld           somebody else was about to register the same definition, for longer than one would wait
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class JanitorError(Exception):
    """The root: whatever this program raises on purpose."""


class BadInput(JanitorError):
    """The input was refused, by name, all problems at once, before anything was touched."""

    SHOWN = 20

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        shown = list(self.problems[: self.SHOWN])
        if len(self.problems) > self.SHOWN:
            shown.append(f"... and {len(self.problems) - self.SHOWN:,} more problems")
        super().__init__("\n".join(shown))


class RunEnded(JanitorError):
    """The run cannot go on; what was done so far stands and is reported."""


class AccessDenied(RunEnded):
    """ECS refused the caller: a permission is missing or the credentials are no longer valid."""

    def __init__(self, permission: str, detail: str) -> None:
        self.permission = permission
        self.detail = detail
        super().__init__(f"{permission} was denied: {detail}")


class Unreachable(RunEnded):
    """No useful answer came, however often the call was repeated."""


class ReadsSpent(RunEnded):
    """The budget of read calls is used up."""


class CallFailed(JanitorError):
    """One call failed for good, for a reason that concerns only what it asked about."""

    def __init__(self, operation: str, code: str, detail: str) -> None:
        self.operation = operation
        self.code = code
        self.detail = detail
        super().__init__(f"{operation} failed: {code}: {detail}")


class ListingBroken(CallFailed):
    """A listing could not be continued, for example because its page token expired."""


class Busy(CallFailed):
    """Nothing was done for now: too many attempts at once, or no connection."""


class Unanswered(CallFailed):
    """No answer says whether a write was done that must not be done twice."""


class StoreFailed(JanitorError):
    """The store of records and caches could not be read or written."""

    def __init__(self, what: str, where: str, cause: str) -> None:
        self.what = what
        self.where = where
        self.cause = cause
        super().__init__(f"could not {what} {where}: {cause}")


class TableFailed(JanitorError):
    """The lookup table could not be read or written. Says which table, what was asked of it, and what to do next."""

    def __init__(self, table: str, action: str, cause: str, next_step: str) -> None:
        self.table = table
        self.action = action
        self.cause = cause
        self.next_step = next_step
        super().__init__(f"the lookup table {table} failed at {action}: {cause}; {next_step}")


class LeaseHeld(TableFailed):
    """Somebody else was about to register the same definition, for longer than one would wait."""

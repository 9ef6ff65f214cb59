"""ARNs of one account and Region, written and read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

FAMILY = re.compile(r"[A-Za-z0-9_-]{1,255}")
_REFERENCE = re.compile(r"(?P<family>[A-Za-z0-9_-]{1,255})(?::(?P<number>[1-9][0-9]{0,9}))?")


class Reference(NamedTuple):
    """A task definition as a request names it; without a number: the latest ACTIVE one."""

    family: str
    number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The account and Region that every ARN here belongs to."""

    account: str
    region: str
    partition: str

    def arn(self, resource: str, *, service: str = "ecs") -> str:
        """Return the ARN of a resource, such as ``cluster/default``."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def task_definition(self, family: str, number: int) -> str:
        """Return a revision's ARN."""
        return self.arn(f"task-definition/{family}:{number}")

    def task_definition_arn(self, reference: str) -> str:
        """Return the ARN that ``family`` or ``family:number`` stands for; an ARN stands for itself."""
        return reference if reference.startswith("arn:") else self.arn(f"task-definition/{reference}")

    def parse(self, reference: str) -> Reference | None:
        """Read ``family``, ``family:number`` or an ARN; None if it is none of them, or of another account or Region."""
        match = _REFERENCE.fullmatch(reference.removeprefix(self.arn("task-definition/")))
        if match is None:
            return None
        number = match["number"]
        return Reference(match["family"], int(number) if number else None)


def last_part(reference: str) -> str:
    """Return the name or id at the end of an ARN, or the name itself."""
    return reference.rsplit("/", 1)[-1]

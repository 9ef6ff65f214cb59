"""Who registers: revisions by the principal that registered them, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

NAMED = 10
"""Principals that a report names, those with the most revisions."""

MOST = 200
"""Principals that are counted by name in a family, and in all; those that come later are others."""

LONGEST = 200
"""Characters of a principal's name that are kept."""


class Unnamed(Enum):
    """What stands for revisions whose principal is not counted by name."""

    NOT_GIVEN = "not given"
    OTHERS = "others"


Registrant: TypeAlias = str | Unnamed


def principal(arn: str | None) -> str | None:
    """Return who registered, without the session of an assumed role: every run of a DAG may have one of its own.

    ``arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`` is the form of an assumed role (AWS IAM user guide, IAM
    identifiers).
    """
    if not arn:
        return None
    head, is_role, rest = arn.partition(":assumed-role/")
    return f"{head}{is_role}{rest.partition('/')[0]}"


def count_registrant(counts: Counter[Registrant], who: Registrant | None, revisions: int = 1) -> None:
    """Count revisions for a principal; None where ECS does not say who it was."""
    name: Registrant = Unnamed.NOT_GIVEN if who is None else who
    if isinstance(name, str):
        name = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        if name not in counts and len(counts) >= MOST:
            name = Unnamed.OTHERS
    counts[name] += revisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrants:
    """Who registered the INACTIVE revisions that were judged: the ``NAMED`` principals with the most of them.

    ``described`` is how many descriptions told; where those were a sample, the counts are estimates. Of ``unknown``
    revisions nobody was asked.
    """

    principals: Mapping[str, int]
    others: int
    not_given: int
    described: int
    unknown: int

    @property
    def told(self) -> int:
        """Revisions that are counted for a principal, or for none."""
        return sum(self.principals.values()) + self.others + self.not_given

    @property
    def is_exact(self) -> bool:
        """Say whether each that is counted was described."""
        return self.described == self.told


def registrants(counts: Mapping[Registrant, int], *, described: int, unknown: int) -> Registrants:
    """Return the principals with the most revisions, and what is left."""
    named = {name: count for name, count in counts.items() if isinstance(name, str) and count}
    top = dict(sorted(named.items(), key=lambda item: (-item[1], item[0]))[:NAMED])
    return Registrants(
        principals=top,
        others=sum(named.values()) - sum(top.values()) + counts.get(Unnamed.OTHERS, 0),
        not_given=counts.get(Unnamed.NOT_GIVEN, 0),
        described=described,
        unknown=unknown,
    )

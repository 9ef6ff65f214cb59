"""The nouns of the lookup table: which definition is which revision, and what has become of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from janitor.core.model import RevisionId, Status

DEFINITION_TAG = "janitor:definition"
"""The tag that says of a revision which hash its definition has: the table can be made again from ECS."""

LEAST_UNUSED = timedelta(days=1)
"""How long nobody has used an entry at least before it is evicted: a run that was handed its revision has begun."""

_FAMILY = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A definition: a family, and the hash of what is registered in it."""

    family: str
    hash: str

    @property
    def is_possible(self) -> bool:
        """Whether ECS takes the family's name: up to 255 letters, digits, - and _ (Amazon ECS API reference)."""
        return _FAMILY.fullmatch(self.family) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A revision as ECS tells it: enough to know it again, and nothing of its definition.

    ``registered_at`` is None where ECS does not say; ``hash`` is that of its tag, None where it has none.
    """

    revision: RevisionId
    arn: str
    registered_at: datetime | None
    status: Status
    hash: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to register a definition, until a moment. ``owner`` is another text each time.

    ``since`` is when the first of those began who had it one after the other without coming to an end.
    """

    key: Key
    owner: str
    by: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A definition and the revision that stands for it."""

    key: Key
    revision: RevisionId
    arn: str
    registered_at: datetime | None
    registered_by: str
    last_used_at: datetime
    last_used_by: str
    use_count: int
    """How often it was handed out. A call that is repeated on its way may count twice."""


class What(StrEnum):
    """What a line of the history tells."""

    REGISTERED = "registered"
    ADOPTED = "adopted"
    LOST = "lost"
    FORGOTTEN = "forgotten"
    EVICTED = "evicted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A line of the history: the audit trail."""

    key: Key
    at: datetime
    what: What
    by: str
    revision: RevisionId
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyLookup:
    """All that the table has of a family: what stands now, who is about to register, and the past, oldest first."""

    family: str
    entries: tuple[Entry, ...] = ()
    leases: tuple[Lease, ...] = ()
    history: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tended:
    """What a sweep took away of a table: entries whose revision is not ACTIVE any more, and entries nobody used."""

    table: str
    forgotten: int = 0
    evicted: int = 0

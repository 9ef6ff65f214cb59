"""The nouns: what ECS calls a revision, and what a sweep says about one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

LIMIT = 1_000_000
"""Revisions per family, ACTIVE and INACTIVE together; not adjustable (Amazon ECS service quotas)."""

BATCH_SIZE = 10
"""Task definitions in one DeleteTaskDefinitions call (Amazon ECS API reference)."""

PAGE_SIZE = 100
"""ARNs in one page of ListTaskDefinitions (Amazon ECS API reference)."""


LONGEST_TAG_VALUE = 256
"""Characters (Amazon ECS API reference)."""

RESTORED_FROM = "janitor:restored-from"
"""The tag that says of a restored revision which one it was registered again from."""

LINGERING = timedelta(hours=25)
"""In DELETE_IN_PROGRESS for longer than this, a revision is still in use: ECS removes it up to an hour after its last
task has stopped, up to 24 hours after a deployment or task set is gone (Amazon ECS developer guide)."""


class Status(StrEnum):
    """The statuses of a task definition revision, in ECS's own words."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"


class Mode(StrEnum):
    """What a sweep may do."""

    REPORT = "report"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, order=True)
class RevisionId:
    """A revision's name: ``family:number``. Ordered by family, then by number."""

    family: str
    number: int

    def __str__(self) -> str:
        return f"{self.family}:{self.number}"


def mark_of(revision: RevisionId) -> str:
    """Return the value of the tag that names what a revision was restored from, which is of the same family.

    A value takes 256 characters (Amazon ECS API reference); beyond, the number says enough.
    """
    name = str(revision)
    return name if len(name) <= LONGEST_TAG_VALUE else str(revision.number)


class Content:
    """A definition with its tags, for the archive alone: whatever shows or copies what it belongs to shows none of it.

    ``request`` is the JSON that RegisterTaskDefinition takes, ``images`` are the images in it, each once.
    """

    __slots__ = ("__weakref__", "images", "request")

    def __init__(self, request: bytes, images: tuple[str, ...]) -> None:
        self.request = request
        self.images = images

    def __repr__(self) -> str:
        return "<content>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A revision as described: what a verdict needs, and nothing of its definition that anybody could print.

    ``registered_at`` and ``deregistered_at`` are None where ECS did not say: the fields entered its API in 2021.
    ``delete_requested_at`` is when it became DELETE_IN_PROGRESS; an older botocore does not tell.
    ``registered_by`` is the principal that registered it, without the name of a role's session.
    ``content`` is there only where what is deleted is archived.
    """

    id: RevisionId
    status: Status
    registered_at: datetime | None = None
    deregistered_at: datetime | None = None
    delete_requested_at: datetime | None = None
    registered_by: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    content: Content | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What only ``explain`` shows: the revision, its images by container name and who registered it."""

    revision: Revision
    images: Mapping[str, str]
    registered_by: str | None = None


class UsageSource(StrEnum):
    """Who is asked, beside ECS itself, which revisions are in use; the value is the name in the policy file."""

    RULES = "rules"
    SCHEDULES = "schedules"
    STATE_MACHINES = "state_machines"


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyUsage:
    """Which revisions of one family are in use, and what could not be found out.

    ``reasons`` maps a revision number to who uses it, in words. ``unreadable`` names the sources that could not be
    read: while there is one, every revision counts as possibly in use. ``warnings`` say what nobody could know.
    """

    reasons: Mapping[int, str] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lingering:
    """A revision that is in DELETE_IN_PROGRESS for longer than it should be, and who uses it, in words.

    Where nobody was found ``used_by`` is None; unless ``usage_is_known``, not everything could be read.
    """

    revision: RevisionId
    seconds: float
    used_by: str | None = None
    usage_is_known: bool = False

    def used(self, usage: FamilyUsage) -> Lingering:
        """Return it with who uses it."""
        return replace(self, used_by=usage.reasons.get(self.revision.number), usage_is_known=not usage.unreadable)


class Decision(StrEnum):
    """What should happen to a revision."""

    KEEP = "KEEP"
    DELETE = "DELETE"


class Reason(StrEnum):
    """Why a verdict is what it is. The value is the key in reports; the words are in ``Verdict.words``."""

    DUE = "due"
    NO_RULE = "no_rule"
    RULE_KEEPS = "rule_keeps"
    NOT_PLANNED = "not_planned"
    NOT_INACTIVE = "not_inactive"
    AMONG_NEWEST = "among_newest"
    NO_DATE = "no_date"
    JUST_DEREGISTERED = "just_deregistered"
    YOUNG = "young"
    TAGGED = "tagged"
    IN_USE = "in_use"
    USAGE_UNKNOWN = "usage_unknown"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """KEEP or DELETE, always with the reason: once as a key to count by, once in words for a person."""

    revision: RevisionId
    decision: Decision
    reason: Reason
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condemned:
    """A described revision whose verdict is DELETE, with the name of the rule behind it."""

    revision: Revision
    verdict: Verdict
    rule: str


class OutcomeKind(StrEnum):
    """What became of a revision whose verdict was DELETE."""

    DELETED = "deleted"
    REFUSED = "refused"
    FAILED = "failed"
    NOT_ATTEMPTED = "not_attempted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one submitted revision, with the reason in words (ECS's own where it gave one).

    ``request_id`` is AWS's name of the call that answered for it, where one did.
    """

    revision: RevisionId
    kind: OutcomeKind
    words: str
    request_id: str | None = None

"""ACTIVE orphans: revisions that nobody deregistered and nothing names. The only code that says DEREGISTER.

A run that fails between registering and deregistering leaves an ACTIVE revision for ever, which no clean-up of INACTIVE
ones will see. They are always counted. They are deregistered only where a rule asks for it, and only if everything here
holds; the order of the questions in ``judge_orphan`` is the order in which a person would ask them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from janitor.core.model import Decision, Reason, Status, Verdict
from janitor.core.retention import days, duration, listed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from janitor.core.model import FamilyUsage, Revision
    from janitor.core.retention import Rule

MINIMUM_AGE = timedelta(days=1)
"""The least ``older_than``: a run that was queued over night finds its revision."""

MOST_DEREGISTRATIONS = 500
"""Deregistrations of one sweep, all its hops together, unless told otherwise: some 80 minutes at our share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanRule:
    """Which ACTIVE revisions of a rule's families are deregistered: those registered longer ago than ``older_than``.

    Never the newest ``keep_newest``, and only what somebody registered whose ARN matches a pattern in
    ``registered_by``.
    """

    older_than: timedelta
    registered_by: tuple[str, ...]
    keep_newest: int = 1

    def __post_init__(self) -> None:
        """Refuse conditions that would take a family's latest revision, one in use, or anybody's."""
        if self.older_than < MINIMUM_AGE or self.keep_newest < 1 or not self.registered_by:
            raise ValueError(f"orphans older than {self.older_than}, newest {self.keep_newest}, {self.registered_by}")

    def was_registered_by(self, who: str | None) -> bool:
        """Say whether an ARN matches one of the patterns, case and all; an unknown one does not."""
        return who is not None and any(fnmatchcase(who, pattern) for pattern in self.registered_by)

    def sentence(self) -> str:
        """Read it aloud."""
        newest = "one" if self.keep_newest == 1 else str(self.keep_newest)
        return (
            f"deregister ACTIVE revisions registered more than {duration(self.older_than)} ago by "
            f"{listed(self.registered_by)} and named by nothing, but never the newest {newest}"
        )


COUNTED = OrphanRule(older_than=timedelta(days=7), registered_by=("*",))
"""What counts as an orphan where no rule says otherwise. 7 days: Airflow gives up waiting after so many unless told
otherwise (``sensors.default_timeout``, Airflow configuration reference), so a run is rarely longer."""


def conditions(rule: Rule | None) -> OrphanRule:
    """Return what makes an orphan of a family's revision: what its rule says, or the usual."""
    return COUNTED if rule is None or rule.orphans is None else rule.orphans.value


def registered_before(rule: Rule | None, now: datetime) -> datetime:
    """Return the moment before which an orphan was registered; a naive time is refused."""
    if now.tzinfo is None:
        raise ValueError("now has no time zone")
    return now - conditions(rule).older_than


def judge_orphan(  # noqa: C901, PLR0911 - one question, one answer, in the order a person would ask
    revision: Revision,
    rule: Rule | None,
    *,
    newer_active: int,
    usage: Callable[[], FamilyUsage],
    table: Callable[[], FamilyUsage],
    now: datetime,
) -> Verdict:
    """Return the verdict on one described revision that was listed as ACTIVE.

    ``newer_active`` counts the distinct ACTIVE revisions of the family with a higher number. ``usage`` and ``table``,
    the lookup table's entries, are asked last, and only where everything else says DEREGISTER. What nobody could know
    (a state machine whose input names what it starts) may name an ACTIVE revision as well: it keeps.
    """

    def keep(reason: Reason, words: str) -> Verdict:
        return Verdict(revision=revision.id, decision=Decision.KEEP, reason=reason, words=words)

    if rule is None:
        return keep(Reason.NO_RULE, "no rule matches its family")
    if rule.keep:
        return keep(Reason.RULE_KEEPS, f"{rule.name} keeps every revision of its family")
    orphans = conditions(rule)
    if revision.status is not Status.ACTIVE:
        return keep(Reason.NOT_ACTIVE, f"it is {revision.status}, not ACTIVE")
    if newer_active < orphans.keep_newest:
        return keep(Reason.AMONG_NEWEST_ACTIVE, f"it is among the newest {orphans.keep_newest} ACTIVE ones")
    since = revision.registered_at
    if since is None:
        return keep(Reason.NO_DATE, "ECS gives no registeredAt for it")
    if since > registered_before(rule, now):
        on = since + orphans.older_than
        return keep(Reason.REGISTERED_LATELY, f"registered on {since:%Y-%m-%d}, no orphan before {on:%Y-%m-%d}")
    if not orphans.was_registered_by(revision.registered_by) and rule.orphans is not None:
        who = revision.registered_by or "somebody whom ECS does not name"
        return keep(Reason.REGISTERED_BY_OTHERS, f"registered by {who}, whom {rule.name} does not name")
    kept_by = sorted(tag for tag in rule.keep_tags.value if tag in revision.tags)
    if kept_by:
        return keep(Reason.TAGGED, f"it carries the tag {listed(kept_by)}")
    used = usage()
    if revision.id.number in used.reasons:
        return keep(Reason.IN_USE, used.reasons[revision.id.number])
    entries = table()
    if revision.id.number in entries.reasons:
        return keep(Reason.IN_LOOKUP_TABLE, entries.reasons[revision.id.number])
    unknown = (*used.unreadable, *entries.unreadable, *(used.warnings if rule.deregisters else ()))
    if unknown:
        return keep(Reason.USAGE_UNKNOWN, f"it may be in use: {'; '.join(unknown)}")
    story = f"an orphan: registered {days(now - since)} ago, and named by nothing"
    if rule.orphans is None:
        return keep(Reason.NOT_ASKED_FOR, f"{story}; no rule asks for its deregistration")
    return Verdict(
        revision=revision.id,
        decision=Decision.DEREGISTER,
        reason=Reason.ORPHANED,
        words=f"{story}; past the {duration(orphans.older_than)} of {rule.name}",
    )

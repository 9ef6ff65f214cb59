"""The report: counts that add up.

What a sweep did, or what it would do, per family and in all. Every number a person or a metric sees is a field or a
property here.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from janitor.core.boundary import Estimate
from janitor.core.forecast import days_to_limit
from janitor.core.model import BATCH_SIZE, LIMIT, OutcomeKind, Reason
from janitor.core.pacing import OURS, Bucket

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from janitor.core.ages import RuleAges, Week
    from janitor.core.lookup import Tended
    from janitor.core.model import Lingering, Mode, Outcome
    from janitor.core.pacing import Rate
    from janitor.core.plan import Plan
    from janitor.core.registrants import Registrants

K = TypeVar("K", bound=StrEnum)

SCHEMA_VERSION = 1
"""Of the report as JSON. Rises when a field goes or changes its meaning; new fields may come without."""

NOTHING = Estimate.exactly(0)


class Ending(StrEnum):
    """How a run ended."""

    FINISHED = "finished"
    STOPPED_AT_LIMIT = "stopped_at_limit"
    STOPPED_AT_TIME = "stopped_at_time"
    STOPPED_BY_BRAKE = "stopped_by_brake"
    STOPPED_BY_USER = "stopped_by_user"
    REFUSED_BY_GUARD = "refused_by_guard"
    COULD_NOT_FINISH = "could_not_finish"


STOPPED = frozenset({Ending.STOPPED_AT_LIMIT, Ending.STOPPED_AT_TIME, Ending.STOPPED_BY_BRAKE, Ending.STOPPED_BY_USER})
"""The endings of a run that was stopped with work left."""


class Cause(StrEnum):
    """Why a run's exit code is not 0."""

    COULD_NOT_FINISH = "could_not_finish"
    USAGE_UNREADABLE = "usage_unreadable"
    WORK_LEFT = "work_left"
    REFUSED_OR_FAILED = "refused_or_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deregistrations:
    """ACTIVE revisions judged under rules that deregister orphans: what goes, what stays and why, what became of them.

    Apart from the figures of deletion: ``judged`` is what is kept plus what is due, and in a sweep that acts what is
    due is what has an outcome.
    """

    due: Estimate = NOTHING
    kept: Mapping[Reason, int] = field(default_factory=dict)
    outcomes: Mapping[OutcomeKind, int] = field(default_factory=dict)

    @property
    def judged(self) -> int:
        """Distinct revisions that got a verdict."""
        return self.due.value + sum(self.kept.values())

    def outcome(self, kind: OutcomeKind) -> int:
        """Count the revisions with this outcome."""
        return self.outcomes.get(kind, 0)

    def __add__(self, other: Deregistrations) -> Deregistrations:
        return Deregistrations(
            due=self.due + other.due,
            kept=_added(self.kept, other.kept),
            outcomes=_added(self.outcomes, other.outcomes),
        )


def _added(one: Mapping[K, int], other: Mapping[K, int]) -> dict[K, int]:
    """Return counts together, the commonest first."""
    return dict(sorted((Counter(one) + Counter(other)).items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyReport:
    """One family: what exists, what is due, what stays and why, what became of the rest.

    A count is None where it was not read. ``kept`` counts by reason; where ``due`` is an estimate, so are they.
    ``planned`` is how many the plan names that was applied, None where there was none.
    ``judged`` counts distinct revisions and always equals what is kept plus what is due. ``active_orphans`` are ACTIVE
    revisions that nothing names, None where that could not be known; ``deregistrations`` what a rule makes of them.
    ``delete_in_progress_age`` is
    in seconds, of the oldest: at least, unless it is exact. ``lingering`` are the oldest of those over 25 hours in
    DELETE_IN_PROGRESS.
    """

    family: str
    rule: str | None = None
    active: Estimate | None = None
    inactive: Estimate | None = None
    delete_in_progress: Estimate | None = None
    lowest_revision: int | None = None
    highest_revision: int | None = None
    due: Estimate = NOTHING
    planned: int | None = None
    kept: Mapping[Reason, int] = field(default_factory=dict)
    outcomes: Mapping[OutcomeKind, int] = field(default_factory=dict)
    registrations_per_day: float | None = None
    active_orphans: Estimate | None = None
    deregistrations: Deregistrations = field(default_factory=Deregistrations)
    delete_in_progress_age: float | None = None
    delete_in_progress_age_is_exact: bool = False
    lingering: tuple[Lingering, ...] = ()
    outlook: str | None = None

    @property
    def judged(self) -> int:
        """Distinct revisions that got a verdict."""
        return self.due.value + sum(self.kept.values())

    @property
    def revision_count(self) -> Estimate | None:
        """ACTIVE, INACTIVE and DELETE_IN_PROGRESS that exist: what the limit counts, as far as anyone knows."""
        if self.active is None or self.inactive is None or self.delete_in_progress is None:
            return None
        total = self.active + self.inactive + self.delete_in_progress
        if total.is_exact or self.lowest_revision is None or self.highest_revision is None:
            return total
        room = self.highest_revision - self.lowest_revision + 1
        if room < total.low:  # the family grew while it was counted
            return total
        return Estimate(value=min(total.value, room), low=total.low, high=min(total.high, room))

    @property
    def count_utilization(self) -> float | None:
        """Percent of the limit that the revision count takes: what clean-up can lower."""
        count = self.revision_count
        return None if count is None else 100.0 * count.value / LIMIT

    @property
    def number_utilization(self) -> float | None:
        """Percent of the limit that the highest number takes: what clean-up cannot lower."""
        return None if self.highest_revision is None else 100.0 * self.highest_revision / LIMIT

    @property
    def days_to_limit(self) -> float | None:
        """Days until the revision count meets the limit at the present rate, if nothing more is deleted."""
        count = self.revision_count
        if count is None or self.registrations_per_day is None:
            return None
        return days_to_limit(count.value, self.registrations_per_day)

    @property
    def not_found(self) -> int | None:
        """Planned revisions that were not among the INACTIVE ones seen: gone already, where the listing was whole."""
        if self.planned is None:
            return None
        return max(0, self.planned - self.judged + self.kept.get(Reason.NOT_PLANNED, 0))

    def outcome(self, kind: OutcomeKind) -> int:
        """Count the revisions with this outcome."""
        return self.outcomes.get(kind, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run, whole. ``troubles`` are refused or failed revisions by name, the first ``TROUBLES_NAMED`` of them.

    ``max_deregistrations`` is the most of one sweep, None where no rule asks for any.
    ``plan`` is what a report found due, number by number, ``applied_plan`` what a sweep was given.

    ``ages``, ``coming_due`` and ``registrants`` say how old INACTIVE revisions are, what reaches its retention next and
    who registered them, as far as what was read anyway tells.

    ``tended`` is what was taken away of the lookup table, None where nobody looked after it.
    """

    TROUBLES_NAMED = 1_000

    account: str | None
    region: str
    sweep_id: str
    version: str
    mode: Mode
    policy: tuple[str, ...]
    started_at: datetime
    finished_at: datetime
    families: tuple[FamilyReport, ...]
    families_not_read: tuple[str, ...] = ()
    troubles: tuple[Outcome, ...] = ()
    unreadable_usage: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    ending: Ending = Ending.FINISHED
    ending_words: str = "finished"
    deletion_rate: Rate = OURS[Bucket.DELETE]
    max_deregistrations: int | None = None
    api_calls: Mapping[str, int] = field(default_factory=dict)
    throttled_calls: Mapping[str, int] = field(default_factory=dict)
    plan: Plan | None = None
    applied_plan: Plan | None = None
    ages: tuple[RuleAges, ...] = ()
    coming_due: tuple[Week, ...] = ()
    registrants: Registrants | None = None
    tended: Tended | None = None

    @property
    def seconds(self) -> float:
        """How long the run took; nothing where the machine's clock was set back meanwhile."""
        return max(0.0, (self.finished_at - self.started_at).total_seconds())

    @property
    def judged(self) -> int:
        """Distinct revisions that got a verdict, over all families."""
        return sum(family.judged for family in self.families)

    @property
    def kept(self) -> Mapping[Reason, int]:
        """Kept revisions by reason, over all families, the commonest first."""
        total: Counter[Reason] = Counter()
        for family in self.families:
            total.update(family.kept)
        return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))

    @property
    def due(self) -> Estimate:
        """Revisions to delete, over all families."""
        return sum((family.due for family in self.families), NOTHING)

    @property
    def planned(self) -> int | None:
        """Revisions that the plan names in the families of this run, None where no plan was applied."""
        return None if self.applied_plan is None else sum(family.planned or 0 for family in self.families)

    @property
    def not_found(self) -> int | None:
        """Planned revisions that were not among the INACTIVE ones seen, over all families."""
        return None if self.applied_plan is None else sum(family.not_found or 0 for family in self.families)

    @property
    def active_orphans(self) -> Estimate | None:
        """ACTIVE revisions that nothing names, over all families; None where one family's are not known."""
        known = [family.active_orphans for family in self.families if family.active_orphans is not None]
        return sum(known, NOTHING) if len(known) == len(self.families) and not self.families_not_read else None

    @property
    def deregistrations(self) -> Deregistrations:
        """What rules make of ACTIVE orphans, over all families."""
        return sum((family.deregistrations for family in self.families), Deregistrations())

    def outcome(self, kind: OutcomeKind) -> int:
        """Count the revisions with this outcome, over all families."""
        return sum(family.outcome(kind) for family in self.families)

    @property
    def is_exact(self) -> bool:
        """Say whether the number of due revisions is known for every family."""
        return self.due.is_exact and not self.families_not_read

    @property
    def deletion_seconds(self) -> int:
        """Seconds that deleting what is due takes at the rate ECS permits."""
        batches = math.ceil(self.due.value / BATCH_SIZE)
        return max(0, math.ceil((batches - self.deletion_rate.burst) / self.deletion_rate.per_second))

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Why the exit code is not 0, the one that decides first."""
        found = {
            Cause.COULD_NOT_FINISH: self.ending in {Ending.COULD_NOT_FINISH, Ending.REFUSED_BY_GUARD},
            Cause.USAGE_UNREADABLE: bool(self.unreadable_usage),
            Cause.WORK_LEFT: self.ending in STOPPED,
            Cause.REFUSED_OR_FAILED: bool(
                self.outcome(OutcomeKind.REFUSED)
                or self.outcome(OutcomeKind.FAILED)
                or self.kept.get(Reason.UNREADABLE)
                or self.deregistrations.outcome(OutcomeKind.REFUSED)
                or self.deregistrations.outcome(OutcomeKind.FAILED)
                or self.deregistrations.kept.get(Reason.UNREADABLE)
            ),
        }
        return tuple(cause for cause, holds in found.items() if holds)

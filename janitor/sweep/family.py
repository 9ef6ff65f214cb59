"""What a run knows about one family so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from janitor.core.boundary import Estimate
from janitor.core.forecast import outlook
from janitor.core.model import Reason
from janitor.core.numbers import NumberSet
from janitor.core.report import Deregistrations, FamilyReport
from janitor.sweep.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from janitor.core.dates import Dates
    from janitor.core.model import Lingering, OutcomeKind
    from janitor.core.retention import Rule


@dataclass(slots=True)
class OrphanState:
    """The tally of one family's ACTIVE orphans. ``unread`` counts those that may be due and were not described."""

    due: NumberSet = field(default_factory=NumberSet)
    unread: int = 0
    kept: Counter[Reason] = field(default_factory=Counter)
    outcomes: Counter[OutcomeKind] = field(default_factory=Counter)
    deregistered: NumberSet = field(default_factory=NumberSet)

    def report(self) -> Deregistrations:
        """Return the tally as it stands."""
        most = len(self.due) + self.unread
        return Deregistrations(
            due=Estimate(value=most, low=len(self.due), high=most),
            kept=dict(sorted(self.kept.items())),
            outcomes=dict(sorted(self.outcomes.items())),
        )


@dataclass(slots=True)
class FamilyState:
    """The tally of one family. ``judged`` and ``deleted`` hold numbers: a repeated listing counts nothing twice.

    ``due`` are those whose verdict is DELETE. Where a plan is applied, nothing but ``planned`` may be among them.

    ``in_progress`` are those listed as DELETE_IN_PROGRESS, ``deleting_since`` is when the first of this run went there.

    ``listed_active`` are those listed as ACTIVE, the lowest; ``top_active`` the highest where the listing was cut off.

    ``newest`` are those kept as the newest by the latest listing; the next one may see further and judge them anew.

    ``profile`` says how old its INACTIVE revisions are and who registered them, where a rule may delete any.
    """

    name: str
    rule: Rule | None
    judged: NumberSet = field(default_factory=NumberSet)
    deleted: NumberSet = field(default_factory=NumberSet)
    newest: tuple[int, ...] = ()
    due: NumberSet = field(default_factory=NumberSet)
    planned: NumberSet | None = None
    estimated_due: Estimate | None = None
    kept: Counter[Reason] = field(default_factory=Counter)
    outcomes: Counter[OutcomeKind] = field(default_factory=Counter)
    active: Estimate | None = None
    inactive: Estimate | None = None
    delete_in_progress: Estimate | None = None
    listed_active: NumberSet = field(default_factory=NumberSet)
    top_active: tuple[int, ...] = ()
    active_orphans: Estimate | None = None
    orphans: OrphanState = field(default_factory=OrphanState)
    in_progress: NumberSet = field(default_factory=NumberSet)
    deleting_since: datetime | None = None
    delete_in_progress_age: float | None = None
    delete_in_progress_age_is_exact: bool = False
    lingering: tuple[Lingering, ...] = ()
    lowest: int | None = None
    highest: int | None = None
    registrations_per_day: float | None = None
    profile: Profile | None = None

    @classmethod
    def of(cls, name: str, rule: Rule | None, now: datetime, planned: NumberSet | None = None) -> FamilyState:
        """Return a family of which nothing is known yet."""
        profile = None if rule is None or rule.keep else Profile(rule, now)
        return cls(name=name, rule=rule, planned=planned, profile=profile)

    @property
    def dates(self) -> Dates | None:
        """What takes registration dates that were asked for; None where a rule keeps the family whole."""
        return None if self.profile is None else self.profile.dates

    @property
    def may_deregister(self) -> bool:
        """Say whether the rule asks for the deregistration of orphans; a sweep by plan does nothing but its plan."""
        return self.rule is not None and self.rule.deregisters and self.planned is None

    @property
    def may_tend(self) -> bool:
        """Say whether the lookup table's entries of the family may be taken away."""
        return self.may_delete and self.planned is None

    @property
    def may_delete(self) -> bool:
        """Say whether any revision of the family could be due at all."""
        return self.rule is not None and not self.rule.keep

    def saw(self, numbers: Iterable[int]) -> None:
        """Note numbers that exist, of whatever status."""
        for number in numbers:
            self.lowest = number if self.lowest is None else min(self.lowest, number)
            self.highest = number if self.highest is None else max(self.highest, number)

    def keep(self, number: int, reason: Reason) -> None:
        """Note that a revision is kept, once."""
        if self.judged.add(number):
            self.kept[reason] += 1

    def report(self) -> FamilyReport:
        """Return the tally as it stands."""
        kept = self.kept + Counter({Reason.AMONG_NEWEST: len(self.newest)})
        return FamilyReport(
            family=self.name,
            rule=None if self.rule is None else self.rule.name,
            active=self.active,
            inactive=self.inactive,
            delete_in_progress=self.delete_in_progress,
            lowest_revision=self.lowest,
            highest_revision=self.highest,
            due=self.estimated_due or Estimate.exactly(len(self.due)),
            planned=None if self.planned is None else len(self.planned),
            kept=dict(sorted(kept.items())),
            outcomes=dict(sorted(self.outcomes.items())),
            delete_in_progress_age=self.delete_in_progress_age,
            delete_in_progress_age_is_exact=self.delete_in_progress_age_is_exact,
            lingering=self.lingering,
            registrations_per_day=self.registrations_per_day,
            active_orphans=self.active_orphans,
            deregistrations=self.orphans.report(),
            outlook=self._outlook(),
        )

    def _outlook(self) -> str | None:
        if not self.registrations_per_day or self.rule is None or self.rule.keep:
            return None
        return outlook(self.registrations_per_day, self.rule.retention.value, self.rule.keep_newest.value)

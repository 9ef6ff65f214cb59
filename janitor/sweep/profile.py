"""What a run learns, beside its verdicts, of the revisions that it describes: how old they are and who registered them.

It costs no call: only what is described anyway is counted, and the rest is told from the registration dates that the
search for the boundary and the measuring of growth asked for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from janitor.core.ages import NO_DATE, AgeCounts, coming, scale
from janitor.core.boundary import apportioned
from janitor.core.dates import Dates
from janitor.core.model import Decision, Reason, Status
from janitor.core.registrants import count_registrant, principal, registrants
from janitor.core.retention import age_date, cutoff

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from janitor.core.ages import RuleAges, Week
    from janitor.core.model import Revision, Verdict
    from janitor.core.registrants import Registrant, Registrants
    from janitor.core.retention import Rule
    from janitor.sweep.family import FamilyState


@dataclass(frozen=True, slots=True)
class Seen:
    """Of a described INACTIVE revision: the cell of its age and who registered it."""

    cell: int
    registrant: str | None


@dataclass(slots=True)
class Traits:
    """What is counted of INACTIVE revisions with one decision. ``young`` are those kept for being young.

    ``described`` is how many told their age, ``asked`` how many told who registered them.
    """

    ages: Counter[int] = field(default_factory=Counter)
    registrants: Counter[Registrant] = field(default_factory=Counter)
    young: int = 0
    described: int = 0
    asked: int = 0

    def add(self, seen: Seen, *, young: bool) -> None:
        """Count a described revision."""
        self.ages[seen.cell] += 1
        count_registrant(self.registrants, seen.registrant)
        self.young += young
        self.described += 1
        self.asked += 1

    def add_sample(self, total: int, sample: Sequence[Seen], *, young: bool) -> None:
        """Count as many revisions as a sample of them stands for."""
        if sample:
            self.ages.update(apportioned(total, Counter(each.cell for each in sample)))
            self.young += total if young else 0
            self.described += len(sample)
            self.add_registrants(total, [each.registrant for each in sample])

    def add_registrants(self, total: int, sample: Sequence[str | None]) -> None:
        """Count who registered as many revisions as a sample of them stands for."""
        for who, count in apportioned(total, Counter(sample)).items():
            count_registrant(self.registrants, who, count)
        self.asked += len(sample)

    def as_it_is(self) -> Traits:
        """Return a copy that stays as it is."""
        return replace(self, ages=Counter(self.ages), registrants=Counter(self.registrants))

    @property
    def revisions(self) -> int:
        """Revisions that are counted."""
        return self.ages.total()


class Profile:
    """What is known of one family's INACTIVE revisions. ``kept`` and ``due`` are those with that verdict.

    ``whole`` says that every one that may be due was judged, so that the others lie beyond the boundary.
    """

    __slots__ = ("_now", "_rule", "_scale", "dates", "due", "kept", "whole")

    def __init__(self, rule: Rule, now: datetime) -> None:
        self._rule = rule
        self._scale = scale(rule.retention.value)
        self._now = now
        self.kept = Traits()
        self.due = Traits()
        self.dates = Dates(cutoff(rule, now))
        self.whole = False

    def judged(self, revision: Revision, verdict: Verdict) -> None:
        """Count a described revision that was judged."""
        if revision.status is Status.INACTIVE:
            traits = self.due if verdict.decision is Decision.DELETE else self.kept
            traits.add(self.seen(revision, verdict.reason), young=verdict.reason is Reason.YOUNG)

    def seen(self, revision: Revision, reason: Reason) -> Seen:
        """Return what counts of a described revision that was kept, or condemned, for a reason."""
        date = None if reason is Reason.NO_DATE else age_date(revision, self._rule)
        cell = NO_DATE if date is None else self._scale.cell(self._now - date)
        return Seen(cell=cell, registrant=principal(revision.registered_by))

    def sampled_young(self, total: int, sample: Sequence[Revision]) -> None:
        """Count what a sample beyond the boundary tells: who registers, and when.

        Their own ages are not counted. There are few of them for many; the dates tell more, as for all the others.
        """
        self.kept.add_registrants(total, [principal(revision.registered_by) for revision in sample])
        for revision in sample:
            if revision.registered_at is not None:
                self.dates.note(revision.id.number, revision.registered_at)

    def counts(self, family: FamilyState) -> AgeCounts:
        """Return the ages of the family, those of what was not described among them as far as they are known."""
        young, unknown = self._undescribed(family)
        ages = [*(each for each in self._scale.cells if each < self._rule.retention.value), self._rule.retention.value]
        highest = family.highest or 0
        top = min(family.newest, default=highest + 1) - 1
        interpolated = self.dates.spread(young, top, highest, ages, self._now)
        return AgeCounts(
            kept=Counter(self.kept.ages),
            due=Counter(self.due.ages),
            interpolated=Counter(interpolated),
            unknown=unknown + young - sum(interpolated.values()),
            described=self.kept.described + self.due.described,
            dates=len(self.dates) if interpolated else 0,
            left_out=not self.whole,
        )

    def _undescribed(self, family: FamilyState) -> tuple[int, int]:
        """Return how many INACTIVE revisions without a description are known to be young, and how many are not."""
        kept = sum(family.kept.values()) - family.kept[Reason.NOT_INACTIVE] + len(family.newest)
        young = family.kept[Reason.YOUNG] - self.kept.young
        unknown = kept - self.kept.revisions - young
        if not self.whole or family.inactive is None:
            return young, unknown
        stays = len(family.due) - len(family.deleted) if family.estimated_due is None else family.estimated_due.value
        beyond = max(0, family.inactive.value - kept - stays)
        return (young + beyond, unknown) if family.planned is None else (young, unknown + beyond)


def summary(
    families: Iterable[FamilyState], now: datetime
) -> tuple[tuple[RuleAges, ...], tuple[Week, ...], Registrants]:
    """Return the ages by rule, in the order of the rules' first families, what comes due by week and who registers."""
    by_rule: dict[str, tuple[Rule, AgeCounts]] = {}
    who: Counter[Registrant] = Counter()
    asked = 0
    for family in families:
        if family.rule is not None and family.profile is not None:
            _, counts = by_rule.setdefault(family.rule.name, (family.rule, AgeCounts()))
            counts.add(family.profile.counts(family))
            for traits in (family.profile.kept, family.profile.due):
                asked += traits.asked
                for name, count in traits.registrants.items():
                    count_registrant(who, name, count)
    revisions: Counter[int] = Counter()
    interpolated: Counter[int] = Counter()
    for rule, counts in by_rule.values():
        for total, found in zip((revisions, interpolated), counts.weeks(rule.retention.value), strict=True):
            total.update(found)
    every = [counts for _, counts in by_rule.values()]
    return (
        tuple(counts.ages(name, rule.age_from.value, rule.retention.value) for name, (rule, counts) in by_rule.items()),
        coming(now, revisions, interpolated),
        registrants(
            who,
            described=asked,
            unknown=sum(counts.revisions for counts in every) - who.total(),
        ),
    )

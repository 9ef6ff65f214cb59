"""What two reports decide differently: families, figures, policy, endings, planned numbers.

An estimate is compared by its interval: where two intervals meet, nobody can tell, and it is no difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import TYPE_CHECKING

from janitor.core.boundary import Estimate
from janitor.core.numbers import NumberSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from janitor.core.plan import Plan

UNKNOWN_ABOVE = 10**15
"""The upper end of an interval of which a report does not tell the ends."""


class Sign(StrEnum):
    """Where a line of the policy stands."""

    BOTH = " "
    BEFORE = "-"
    AFTER = "+"


class Sameness(StrEnum):
    """How two figures stand to each other."""

    SAME = "same"
    DIFFERENT = "different"
    OPEN = "open"
    """One was not read, or is an estimate whose interval holds the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two reports, as far as it is compared. ``figures`` are counts by name, None where not read.

    ``left_out`` counts families that are in the sums and not by name.
    """

    name: str
    account: str | None
    region: str
    sweep_id: str
    version: str
    mode: str
    started_at: datetime
    ending: str
    ending_reason: str
    policy: tuple[str, ...]
    usage_not_read: tuple[str, ...]
    families_not_read: tuple[str, ...]
    left_out: int
    totals: FamilySide
    families: Mapping[str, FamilySide]
    plan: Plan | None = None

    @property
    def place(self) -> tuple[str | None, str]:
        """Where it was made: account and Region."""
        return self.account, self.region

    def planned(self, family: str) -> NumberSet:
        """Return the numbers of a family that its plan names."""
        return NumberSet() if self.plan is None else self.plan.numbers.get(family, NumberSet())

    def may_hold(self, family: str) -> bool:
        """Say whether a family that it does not name may be there all the same."""
        return bool(self.left_out) or family in self.families_not_read


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilySide:
    """One family, or all of them, in one of the reports: the rule, figures by name, kept revisions by reason.

    ``kept_else`` is what a reason kept that is not named: none, or in a sample none that was seen.
    """

    rule: str | None
    figures: Mapping[str, Estimate | None]
    kept: Mapping[str, Estimate]
    kept_else: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A count before and after, None where it was not read."""

    before: Estimate | None
    after: Estimate | None

    @property
    def sameness(self) -> Sameness:
        """Say how the two stand to each other."""
        if self.before is None or self.after is None:
            return Sameness.SAME if self.before is self.after else Sameness.OPEN
        if self.before.high < self.after.low or self.after.high < self.before.low:
            return Sameness.DIFFERENT
        return Sameness.SAME if self.before.is_exact and self.after.is_exact else Sameness.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDifference:
    """Which numbers only one of two plans names, and how many both do."""

    only_before: NumberSet
    only_after: NumberSet
    both: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyDifference:
    """A family that both reports name, or their totals."""

    before: FamilySide
    after: FamilySide
    plan: PlanDifference | None = None

    @property
    def figures(self) -> Mapping[str, Figure]:
        """The figures by name, before and after."""
        return {
            name: Figure(before=self.before.figures.get(name), after=self.after.figures.get(name))
            for name in dict.fromkeys((*self.before.figures, *self.after.figures))
        }

    @property
    def kept(self) -> Mapping[str, Figure]:
        """The kept revisions by reason, before and after."""
        return {
            name: Figure(
                before=self.before.kept.get(name, self.before.kept_else),
                after=self.after.kept.get(name, self.after.kept_else),
            )
            for name in dict.fromkeys((*self.before.kept, *self.after.kept))
        }

    @property
    def sameness(self) -> Sameness:
        """Say whether anything is different; else whether anything is open."""
        if self.before.rule != self.after.rule:
            return Sameness.DIFFERENT
        if self.plan is not None and (self.plan.only_before or self.plan.only_after):
            return Sameness.DIFFERENT
        found = {each.sameness for each in (*self.figures.values(), *self.kept.values())}
        return next((each for each in (Sameness.DIFFERENT, Sameness.OPEN) if each in found), Sameness.SAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two reports side by side. ``untold`` are families that one names and the other may have left out or not read."""

    before: Side
    after: Side
    totals: FamilyDifference
    families: Mapping[str, FamilyDifference]
    went: tuple[str, ...]
    came: tuple[str, ...]
    untold: tuple[str, ...]
    policy: tuple[tuple[Sign, str], ...]

    @property
    def same_place(self) -> bool:
        """Say whether both are of the same account and Region."""
        return self.before.place == self.after.place

    @property
    def same_policy(self) -> bool:
        """Say whether the policies read the same, sources included."""
        return self.before.policy == self.after.policy

    @property
    def same_ending(self) -> bool:
        """Say whether both ended alike, and could not read the same."""
        return all(
            getattr(self.before, name) == getattr(self.after, name)
            for name in ("mode", "ending", "usage_not_read", "families_not_read")
        )

    @property
    def both_plan(self) -> bool:
        """Say whether both hold a plan."""
        return self.before.plan is not None and self.after.plan is not None

    @property
    def sameness(self) -> Sameness:
        """Say whether the reports differ; when, by whom and at what cost they were made is no difference."""
        if not (self.same_place and self.same_policy and self.same_ending) or self.came or self.went:
            return Sameness.DIFFERENT
        found = {each.sameness for each in (self.totals, *self.families.values())}
        if Sameness.DIFFERENT in found:
            return Sameness.DIFFERENT
        return Sameness.OPEN if self.untold or Sameness.OPEN in found else Sameness.SAME


def difference(before: Side, after: Side) -> Difference:
    """Compare two reports."""
    gone = before.families.keys() - after.families.keys()
    new = after.families.keys() - before.families.keys()
    untold = {each for each in gone if after.may_hold(each)} | {each for each in new if before.may_hold(each)}
    both = sorted(before.families.keys() & after.families.keys())
    return Difference(
        before=before,
        after=after,
        totals=FamilyDifference(before=before.totals, after=after.totals),
        families={
            family: FamilyDifference(
                before=before.families[family],
                after=after.families[family],
                plan=_plan_difference(before, after, family),
            )
            for family in both
        },
        went=tuple(sorted(gone - untold)),
        came=tuple(sorted(new - untold)),
        untold=tuple(sorted(untold)),
        policy=tuple(_lines(before.policy, after.policy)),
    )


def guess(value: int) -> Estimate:
    """Return a count of whose interval a report tells nothing: it differs from no other."""
    return Estimate(value=value, low=0, high=max(UNKNOWN_ABOVE, value))


def _plan_difference(before: Side, after: Side, family: str) -> PlanDifference | None:
    if before.plan is None or after.plan is None:
        return None
    one, other = before.planned(family), after.planned(family)
    only_before = NumberSet(number for number in one if number not in other)
    return PlanDifference(
        only_before=only_before,
        only_after=NumberSet(number for number in other if number not in one),
        both=len(one) - len(only_before),
    )


def _lines(before: Sequence[str], after: Sequence[str]) -> Iterable[tuple[Sign, str]]:
    """Yield the lines of two policies as one text, each with where it stands."""
    for _, start, end, other_start, other_end in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if before[start:end] == after[other_start:other_end]:
            yield from ((Sign.BOTH, line) for line in before[start:end])
        else:
            yield from ((Sign.BEFORE, line) for line in before[start:end])
            yield from ((Sign.AFTER, line) for line in after[other_start:other_end])

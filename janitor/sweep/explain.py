"""Explain: one revision, or a family from its newest revision down, each with its image and its verdict."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from janitor.core.model import FamilyUsage, RevisionId, Status
from janitor.core.orphans import conditions, judge_orphan
from janitor.core.retention import judge
from janitor.errors import CallFailed, ReadsSpent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from janitor.core.model import Description, Revision, Verdict
    from janitor.core.retention import Policy, Rule
    from janitor.ports import TaskDefinitions, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A revision with its images, who uses it, the rule for its family and the verdict.

    ``orphan`` is the verdict on an ACTIVE revision as an orphan: what keeps it, or that it would be deregistered.
    """

    description: Description
    rule: Rule | None
    verdict: Verdict
    orphan: Verdict | None = None
    used_by: str | None
    unreadable_usage: tuple[str, ...]

    @property
    def decisive(self) -> Verdict:
        """The verdict that says most: of an ACTIVE revision that on it as an orphan."""
        return self.orphan or self.verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyExplanation:
    """A family's revisions, newest first; ``cut_short`` when the budget of reads ended before they did.

    ``unreadable`` names those that could not be described, with the reason.
    """

    family: str
    selected: bool
    explanations: tuple[Explanation, ...]
    cut_short: bool
    unreadable: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Say whether the family has no revision at all, as far as anyone looked."""
        return not (self.explanations or self.unreadable or self.cut_short)


class Explainer:
    """Explains revisions under a policy, as of one moment."""

    def __init__(
        self,
        *,
        policy: Policy,
        task_definitions: TaskDefinitions,
        usage: Usage,
        now: datetime,
        lookup_table: Usage | None = None,
    ) -> None:
        self._lookup_table = (lambda _: FamilyUsage()) if lookup_table is None else cache(lookup_table.of)
        self._policy = policy
        self._task_definitions = task_definitions
        self._usage = usage
        self._now = now

    def revision(self, revision: RevisionId) -> Explanation | None:
        """Explain one revision; None if it does not exist."""
        try:
            description = self._task_definitions.describe_fully(revision)
        except CallFailed as error:
            raise CallFailed(error.operation, error.code, f"{revision}: {error.detail}") from error
        if description is None:
            return None
        rule = self._policy.rule_for(revision.family)
        newer = 0
        match description.revision.status:
            case Status.INACTIVE:
                newer = 0 if rule is None else self._newer(revision, Status.INACTIVE, rule.keep_newest.value)
            case Status.ACTIVE:
                newer = self._newer(revision, Status.ACTIVE, conditions(rule).keep_newest)
            case Status.DELETE_IN_PROGRESS:
                pass
        return self._explained(description, rule, newer)

    def family(self, family: str) -> FamilyExplanation:
        """Explain a family's revisions, newest first, as far as the budget of reads goes."""
        rule = self._policy.rule_for(family)
        explanations = []
        newer: Counter[Status] = Counter()
        cut_short = False
        unreadable: list[str] = []
        try:
            for revision in self._newest_first(family):
                try:
                    description = self._task_definitions.describe_fully(revision)
                except CallFailed as error:
                    unreadable.append(f"{revision}: {error}")
                    continue
                if description is None:
                    continue
                status = description.revision.status
                explanations.append(self._explained(description, rule, newer[status]))
                newer[status] += 1
        except ReadsSpent:
            cut_short = True
        return FamilyExplanation(
            family=family,
            selected=self._policy.selects(family),
            explanations=tuple(explanations),
            cut_short=cut_short,
            unreadable=tuple(unreadable),
        )

    def _explained(self, description: Description, rule: Rule | None, newer: int) -> Explanation:
        """Explain; ``newer`` counts those of the same status with a higher number."""
        revision = description.revision
        usage = self._usage.of(revision.id.family)
        asked: list[FamilyUsage] = [usage]
        orphan = self._orphan(revision, rule, newer, asked) if revision.status is Status.ACTIVE else None
        return Explanation(
            description=description,
            rule=rule,
            verdict=judge(revision, rule, newer_inactive=newer, usage=lambda: usage, now=self._now),
            orphan=orphan,
            used_by=usage.reasons.get(revision.id.number),
            unreadable_usage=tuple(source for each in asked for source in each.unreadable),
        )

    def _orphan(self, revision: Revision, rule: Rule | None, newer: int, asked: list[FamilyUsage]) -> Verdict:
        """Judge an ACTIVE revision by its users, the first of ``asked``; add what the lookup table says, if it is."""

        def table() -> FamilyUsage:
            asked.append(self._lookup_table(revision.id.family))
            return asked[-1]

        return judge_orphan(revision, rule, newer_active=newer, usage=lambda: asked[0], table=table, now=self._now)

    def _newer(self, revision: RevisionId, status: Status, enough: int) -> int:
        """Count the revisions of a status with a higher number, as far as it matters."""
        newer = 0
        for page in self._task_definitions.pages(revision.family, status, newest_first=True):
            above = sum(1 for number in page.numbers if number > revision.number)
            newer += above
            if newer >= enough or above < len(page.numbers):
                break
        return newer

    def _newest_first(self, family: str) -> Iterator[RevisionId]:
        """Merge the listings of all statuses; no number is in two of them for long enough to matter."""
        listings = (
            (
                number
                for page in self._task_definitions.pages(family, status, newest_first=True)
                for number in page.numbers
            )
            for status in Status
        )
        last = None
        for number in heapq.merge(*listings, reverse=True):
            if number != last:
                last = number
                yield RevisionId(family, number)

"""A bounded report: exact where the budget of reads allows, else estimated from a random sample.

First a look at every family: a page from each end of its INACTIVE listing and a page of the other statuses, on half
the budget. The rest is shared out, the smallest families first: find the boundary, then describe all below it, or as
many as the family's share allows, drawn at random with a fixed seed.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from janitor.core.boundary import CONFIDENCE, Estimate, apportioned, estimate, first_young
from janitor.core.forecast import MOST_ASKS
from janitor.core.model import PAGE_SIZE, Reason, Status
from janitor.core.report import Ending
from janitor.core.retention import cutoff
from janitor.errors import CallFailed, ReadsSpent, RunEnded
from janitor.sweep.count import count, measure_growth
from janitor.sweep.deregister import OrphanJudge
from janitor.sweep.descriptions import Descriptions
from janitor.sweep.ends import known, look
from janitor.sweep.events import Judged, Looking, Stopped, Watch
from janitor.sweep.gather import DESCRIBED_AHEAD, in_order
from janitor.sweep.in_progress import DESCRIBED, InProgress
from janitor.sweep.orphans import OrphanCount

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from janitor.core.model import Revision
    from janitor.core.report import Report
    from janitor.ports import Clock, Reads, Submissions, TaskDefinitions, Workers
    from janitor.sweep.descriptions import Candidate
    from janitor.sweep.ends import Numbers
    from janitor.sweep.events import Event, Limits
    from janitor.sweep.family import FamilyState
    from janitor.sweep.profile import Seen
    from janitor.sweep.tally import Tally

LOOK = 3
"""Reads that the first look at a family takes at least: one page of each status."""

LISTING_PART = 0.5
"""Part of a family's share that may go into listing it whole: knowing the numbers makes the estimate better."""

ABOVE_PART = 0.25
"""Part of a family's share that goes into counting what lies above the boundary, where it could not be listed."""


IN_PROGRESS_PART = 0.1
"""Part of what the first look left that goes into what is in DELETE_IN_PROGRESS."""

ORPHANS_PART = 0.1
"""Part of what is left then that goes into the age of ACTIVE revisions."""

GROWTH_FROM = 3 * MOST_ASKS
"""Reads a family's share holds at least before some of them go into measuring its growth."""

EACH_OF_TWO = 1 - (1 - CONFIDENCE) / 2
"""Confidence of each of two intervals whose sum is to hold at ``CONFIDENCE``."""


class Survey:
    """A report that spends no more reads than it was given, and says how sure it is."""

    def __init__(
        self,
        *,
        tally: Tally,
        task_definitions: TaskDefinitions,
        reads: Reads,
        readers: Workers,
        limits: Limits,
        clock: Clock,
        submissions: Submissions | None = None,
        observe: Callable[[Event], None] = lambda _: None,
    ) -> None:
        self._tally = tally
        self._task_definitions = task_definitions
        self._reads = reads
        self._readers = readers
        self._observe = observe
        self._watch = Watch(limits, clock)
        self._orphans = OrphanCount(tally=tally, task_definitions=task_definitions, check=self._watch.check)
        self._orphan_judge = OrphanJudge(tally=tally, readers=readers, observe=observe)
        self._in_progress = InProgress(
            tally=tally,
            task_definitions=task_definitions,
            readers=readers,
            submissions=submissions,
            check=self._watch.check,
        )

    def run(self) -> Report:
        """Do it, and report; what ends the run early is in the report, not raised."""
        ending, words = Ending.FINISHED, "finished"
        try:
            self._tally.list_families()
            looked_at = self._look()
            self._follow_up()
            self._judge(looked_at)
        except Stopped as stopped:
            ending, words = stopped.ending, stopped.words
        except (RunEnded, CallFailed) as error:
            ending, words = Ending.COULD_NOT_FINISH, str(error)
        return self._tally.report(ending, words)

    def _look(self) -> dict[str, Numbers]:
        """Look at every family, on half of the budget; what is left out is named in the report."""
        looked_at: dict[str, Numbers] = {}
        with self._reads.at_most(self._reads.left // 2):
            for family in self._tally.families.values():
                self._watch.check()
                if self._reads.left < LOOK:
                    self._tally.not_fully_read(family.name, "the budget of reads is used up; raise --max-reads")
                    continue
                self._observe(Looking(family=family.name, round=1))
                try:
                    looked_at[family.name] = look(family, self._task_definitions)
                    count(
                        family,
                        self._task_definitions,
                        statuses=(Status.ACTIVE, Status.DELETE_IN_PROGRESS),
                        most_pages=1,
                        check=self._watch.check,
                    )
                except (CallFailed, ReadsSpent) as error:
                    self._tally.not_fully_read(family.name, str(error))
        return looked_at

    def _follow_up(self) -> None:
        """Follow up what is in DELETE_IN_PROGRESS, on a small part of what is left; its users on half of that."""
        part = round(self._reads.left * IN_PROGRESS_PART)
        try:
            with self._reads.at_most(part):
                self._in_progress.measure(min(DESCRIBED, part))
        except ReadsSpent:  # repeated calls took more than planned
            pass
        with self._reads.at_most(self._reads.left // 2):
            self._in_progress.name_users()

    def _judge(self, looked_at: dict[str, Numbers]) -> None:
        """Judge each family on its share of what is left, the smallest first: what they leave goes to the others."""
        by_size = sorted(looked_at, key=lambda name: (len(looked_at[name].below), name))
        self._read_usage(by_size, looked_at, others=self._measure_orphans(by_size))
        for done, name in enumerate(by_size):
            self._watch.check()
            try:
                with self._reads.at_most(self._reads.left // (len(by_size) - done)):
                    if self._reads.left >= GROWTH_FROM:
                        measure_growth(self._tally.families[name], self._task_definitions, self._tally.now)
                    self._count_orphans(self._tally.families[name])
                    self._judge_family(self._tally.families[name], looked_at[name])
            except (CallFailed, ReadsSpent) as error:
                self._tally.not_fully_read(name, f"{error}; raise --max-reads")
                _bound(self._tally.families[name], looked_at[name])

    def _measure_orphans(self, names: Sequence[str]) -> str | None:
        """Find the ACTIVE revisions that are old enough to be orphans, on a small part of what is left; name a family.

        Where that does not suffice a family's count is an upper bound.
        """
        found = None
        with self._reads.at_most(round(self._reads.left * ORPHANS_PART)):
            for name in names:
                self._watch.check()
                try:
                    if self._orphans.measure(self._tally.families[name]):
                        found = found or name
                except ReadsSpent:
                    continue
        return found

    def _count_orphans(self, family: FamilyState) -> None:
        """Count the orphans of a family, and judge them where a rule asks for their deregistration."""
        numbers, unlisted = self._orphans.candidates(family)
        self._orphans.subtract_used(family)
        if family.may_deregister:
            family.orphans.unread = unlisted
            with self._reads.at_most(self._reads.left // 2):
                self._orphan_judge.look(family, numbers, self._task_definitions)

    def _read_usage(self, names: Sequence[str], looked_at: dict[str, Numbers], *, others: str | None) -> None:
        """Read who uses what on half of what is left, if anything may be due: all families need it.

        ``others`` is a family with an ACTIVE revision that may be an orphan, which needs it as well.
        """
        for name in names:
            family, below = self._tally.families[name], looked_at[name].below
            if family.rule is None or not family.may_delete or not below:
                continue
            oldest = self._descriptions(family).registered_at(below[0])
            if oldest is None or oldest <= cutoff(family.rule, self._tally.now):
                with self._reads.at_most(self._reads.left // 2):
                    self._tally.usage_of(name)
                return
        if others is not None:
            with self._reads.at_most(self._reads.left // 2):
                self._tally.users_of(others)

    def _judge_family(self, family: FamilyState, numbers: Numbers) -> None:
        rule = family.rule
        if rule is None or rule.keep:
            self._keep_whole(family, numbers, Reason.NO_RULE if rule is None else Reason.RULE_KEEPS)
            return
        if not numbers.known and len(numbers.below) / PAGE_SIZE <= self._reads.left * LISTING_PART:
            pages = self._task_definitions.pages(family.name, Status.INACTIVE)
            numbers = known(family, {n for page in pages for n in page.numbers}, rule.keep_newest.value)
        descriptions = self._descriptions(family)
        boundary = first_young(numbers.below, descriptions.registered_at, cutoff(rule, self._tally.now))
        below, above = numbers.below[:boundary], numbers.below[boundary:]
        family.newest = numbers.newest
        if below:
            self._tally.usage_of(family.name)  # before the sample takes what reads there are
        part = 1.0 if numbers.known or not above else 1.0 - ABOVE_PART
        inactive_below = self._judge_below(family, descriptions, numbers, below, round(self._reads.left * part))
        young = Estimate.exactly(len(above)) if numbers.known else self._young_in(family, above, descriptions)
        family.kept[Reason.YOUNG] += young.value
        if family.inactive is None:
            family.inactive = inactive_below + young + Estimate.exactly(len(numbers.newest))
        if family.profile is not None:
            family.profile.whole = family.estimated_due is None or not family.estimated_due.is_bound

    def _keep_whole(self, family: FamilyState, numbers: Numbers, reason: Reason) -> None:
        if family.inactive is None:
            found, _ = self._inactive_in(numbers.below, self._descriptions(family))
            family.inactive = found + Estimate.exactly(len(numbers.newest))
        family.kept[reason] = family.inactive.value

    def _judge_below(
        self, family: FamilyState, descriptions: Descriptions, numbers: Numbers, below: Sequence[int], reads: int
    ) -> Estimate:
        """Judge what lies below the boundary, or a sample of it; return how many of it are INACTIVE."""
        sample = self._sample(below, descriptions, reads)
        hits: Counter[Reason] = Counter()
        seen: defaultdict[Reason, list[Seen]] = defaultdict(list)
        for candidate in sample:
            verdict = self._tally.verdict(family, candidate)
            if verdict is not None and verdict.reason is not Reason.NOT_INACTIVE:
                hits[verdict.reason] += 1
                if family.profile is not None and candidate.revision is not None:
                    seen[verdict.reason].append(family.profile.seen(candidate.revision, verdict.reason))
                self._observe(Judged(verdict=verdict))
        due = estimate(hits=hits[Reason.DUE], sample=len(sample), population=len(below))
        found = sum(1 for each in sample if _is_inactive(each))
        inactive = estimate(hits=found, sample=len(sample), population=len(below), confidence=EACH_OF_TWO)
        if not sample:
            family.estimated_due = due
            return inactive
        if numbers.known:
            inactive = Estimate.exactly(len(below))
        shares = Counter(apportioned(inactive.value, hits))
        value = min(due.high, max(due.low, shares.pop(Reason.DUE, 0)))
        if shares:  # what rounding put outside of the interval goes to the commonest reason
            shares[max(shares, key=lambda reason: shares[reason])] += inactive.value - value - shares.total()
        family.estimated_due = replace(due, value=value)
        family.kept.update(shares)
        if family.profile is not None:
            family.profile.due.add_sample(value, seen[Reason.DUE], young=False)
            for reason, share in shares.items():
                family.profile.kept.add_sample(share, seen[reason], young=reason is Reason.YOUNG)
        return replace(inactive, value=value + shares.total()) if not inactive.is_exact else inactive

    def _young_in(self, family: FamilyState, above: Sequence[int], descriptions: Descriptions) -> Estimate:
        """Estimate how many INACTIVE revisions lie beyond the boundary, and count what their sample tells."""
        found, inactive = self._inactive_in(above, descriptions)
        if family.profile is not None:
            family.profile.sampled_young(found.value, inactive)
        return found

    def _inactive_in(self, numbers: Sequence[int], descriptions: Descriptions) -> tuple[Estimate, list[Revision]]:
        """Estimate how many of a range of numbers are INACTIVE revisions, with the reads that are left."""
        sample = self._sample(numbers, descriptions, self._reads.left)
        inactive = [each.revision for each in sample if each.revision is not None and _is_inactive(each)]
        found = estimate(hits=len(inactive), sample=len(sample), population=len(numbers), confidence=EACH_OF_TWO)
        return found, inactive

    def _sample(self, numbers: Sequence[int], descriptions: Descriptions, reads: int) -> list[Candidate]:
        """Describe all of the numbers if that takes no more than the reads, else as many, drawn at random."""
        if len(numbers) > reads:
            numbers = random.Random(len(numbers)).sample(numbers, max(0, reads))  # noqa: S311 - statistics
        found: list[Candidate] = []
        try:
            for candidate in in_order(self._readers, descriptions.candidate, numbers, ahead=DESCRIBED_AHEAD):
                self._watch.check()
                found.append(candidate)
        except ReadsSpent:  # a repeated call took more reads than planned: the sample is smaller, and still random
            pass
        return found

    def _descriptions(self, family: FamilyState) -> Descriptions:
        newest = 0 if family.rule is None else family.rule.keep_newest.value
        return Descriptions(
            family.name, newer_inactive=newest, task_definitions=self._task_definitions, dates=family.dates
        )


def _bound(family: FamilyState, numbers: Numbers) -> None:
    """Say what both ends of a family tell, where the reads did not suffice for more: upper bounds."""
    newest, below = len(numbers.newest), len(numbers.below)
    family.newest = numbers.newest
    if family.inactive is None:
        family.inactive = Estimate(value=newest + below, low=newest, high=newest + below)
    if family.may_delete and family.estimated_due is None:
        family.estimated_due = Estimate.at_most(below)


def _is_inactive(candidate: Candidate) -> bool:
    return candidate.revision is not None and candidate.revision.status is Status.INACTIVE

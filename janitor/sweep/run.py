"""A run: gather, decide, apply, family by family and round by round."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from janitor.core.hop import Position
from janitor.core.model import Condemned, Decision, Mode, Reason, RevisionId
from janitor.core.report import Ending
from janitor.errors import CallFailed, ListingBroken, RunEnded
from janitor.sweep.apply import Submitter, deletion, deregistration
from janitor.sweep.count import COUNTED_PAGES, count, measure_growth
from janitor.sweep.deregister import FreshUsage, Orphans
from janitor.sweep.ends import candidates_at_most
from janitor.sweep.events import Judged, Looking, Stopped, Watch
from janitor.sweep.gather import Gathering
from janitor.sweep.in_progress import InProgress
from janitor.sweep.orphans import OrphanCount, orphans_at_most
from janitor.sweep.upkeep import tend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from janitor.core.report import Report
    from janitor.ports import Clock, DueCaches, Recorder, Submissions, TaskDefinitions, Upkeep, Usage, Workers
    from janitor.sweep.events import Event, Limits
    from janitor.sweep.family import FamilyState
    from janitor.sweep.tally import Tally

BROKEN_LISTINGS = 3
"""Listings of one family that may break off without anything new before the family is given up."""


class Sweep:
    """A run that looks at everything: it deletes, or (in report mode) says exactly what it would delete.

    Where a rule asks for it, it also deregisters ACTIVE orphans; they come last, since they take long.
    """

    def __init__(
        self,
        *,
        mode: Mode,
        tally: Tally,
        task_definitions: TaskDefinitions,
        readers: Workers,
        deleters: Workers,
        limits: Limits,
        clock: Clock,
        usage_anew: Callable[[], Usage],
        count_all: bool = False,
        start: Position | None = None,
        record: Recorder | None = None,
        caches: DueCaches | None = None,
        submissions: Submissions | None = None,
        upkeep: Upkeep | None = None,
        observe: Callable[[Event], None] = lambda _: None,
    ) -> None:
        """``count_all`` counts exactly whatever it costs; else counting is limited to a few calls a family.

        ``usage_anew`` returns a usage that has read nothing yet: what is to be deregistered is looked at again.
        ``upkeep`` tends the lookup table, in a sweep that deletes; None where there is none.
        ``start`` is where an earlier hop of the same sweep stopped; ``position`` is where this one did.
        """
        self._mode = mode
        self._tally = tally
        self._task_definitions = task_definitions
        self._readers = readers
        self._count_all = count_all
        self._caches = caches
        self._upkeep = upkeep
        self._taken_before_round = 0
        self._unsettled: list[Gathering] = []
        self._start = start or Position()
        self.position = self._start
        self._observe = observe
        self._watch = Watch(limits, clock)
        self._in_progress = InProgress(
            tally=tally,
            task_definitions=task_definitions,
            readers=readers,
            submissions=submissions,
            check=self._watch.check,
        )
        self._deletions = Submitter(
            deletion(task_definitions),
            task_definitions=task_definitions,
            workers=deleters,
            settle=tally.settle,
            observe=observe,
            record=record,
        )
        self._orphan_count = OrphanCount(tally=tally, task_definitions=task_definitions, check=self._watch.check)
        self._max_deregistrations = limits.max_deregistrations
        self._orphans = Orphans(
            mode=mode,
            tally=tally,
            task_definitions=task_definitions,
            readers=readers,
            submitter=Submitter(
                deregistration(task_definitions),
                task_definitions=task_definitions,
                workers=deleters,
                settle=tally.settle_orphan,
                observe=observe,
                record=record,
            ),
            fresh_usage=FreshUsage(usage_anew, clock),
            most=limits.max_deregistrations,
            check=self._watch.check,
            caches=caches,
            observe=observe,
            reached=self._reached_orphan,
        )

    def run(self) -> Report:
        """Do it, and report; what ends the run early is in the report, not raised."""
        ending, words = Ending.FINISHED, "finished"
        try:
            self._watch.check()
            self._tally.list_families()
            self._guard()
            if not self._start.orphans:
                self._sweep()
                self._tend()
            self._orphans.run(RevisionId(self._start.family, self._start.number) if self._start.orphans else None)
            self._count()
            self._follow_up()
        except Stopped as stopped:
            ending, words = self._stopped(stopped)
        except (RunEnded, CallFailed) as error:
            ending, words = Ending.COULD_NOT_FINISH, str(error)
        finally:
            self._deletions.abandon(f"the run ended before: {words}")
        if ending is Ending.FINISHED and self._tally.not_read:
            ending, words = Ending.COULD_NOT_FINISH, f"could not read {', '.join(list(self._tally.not_read)[:3])}"
        report = self._tally.report(ending, words)
        return self._tally.with_plan(report) if self._mode is Mode.REPORT else report

    def _stopped(self, stopped: Stopped) -> tuple[Ending, str]:
        """Submit what is together when it was only the time that ran out: it is judged, and a second is left for it."""
        if stopped.ending is Ending.STOPPED_AT_TIME:
            try:
                self._deletions.drain()
            except RunEnded as error:
                return Ending.COULD_NOT_FINISH, str(error)
        return stopped.ending, stopped.words

    def _guard(self) -> None:
        """Refuse to begin where more may be due than ``abort_above`` allows."""
        if self._watch.guards and self._mode is Mode.DELETE:
            bounds = (
                candidates_at_most(family, self._task_definitions, self._tally.now)
                for family in self._tally.families.values()
            )
            orphans = sum(
                orphans_at_most(family, self._task_definitions, self._tally.now)
                for family in self._tally.families.values()
            )
            self._watch.check_candidates(sum(bounds) + min(orphans, self._max_deregistrations))

    def _sweep(self) -> None:
        """Go through the families, and again through those in which something was deleted, until nothing is."""
        todo: Iterable[FamilyState] = [
            family
            for family in self._tally.families.values()
            if family.may_delete and family.name >= self._start.family
        ]
        broken: Counter[str] = Counter()
        number = self._start.round - 1
        while todo:
            number += 1
            again = []
            self._taken_before_round = self._deletions.taken
            for family in todo:
                self._observe(Looking(family=family.name, round=number))
                taken = self._deletions.taken
                listed = True
                try:
                    listed = self._pass(family, number)
                except ListingBroken as error:
                    broken[family.name] += 1
                    if broken[family.name] < BROKEN_LISTINGS or self._deletions.taken > taken:
                        again.append(family)
                    else:
                        self._give_up(family, error)
                except CallFailed as error:
                    self._give_up(family, error)
                else:
                    if listed and self._deletions.taken > taken:
                        again.append(family)
            self._deletions.drain()
            for gathering in self._unsettled:
                gathering.save()
            self._unsettled.clear()
            todo = self._with_earlier_hops(again) if number == self._start.round else again

    def _tend(self) -> None:
        if self._upkeep is not None and self._mode is Mode.DELETE:
            tend(self._upkeep, self._tally, self._watch.check)

    def _with_earlier_hops(self, again: list[FamilyState]) -> list[FamilyState]:
        """Add the families in which an earlier hop of this round may have deleted something."""
        if not self._start.deleted:
            return again
        names = {family.name for family in again}
        return [
            family
            for family in self._tally.families.values()
            if family.may_delete and (family.name in names or self._seen_by_earlier_hop(family))
        ]

    def _seen_by_earlier_hop(self, family: FamilyState) -> bool:
        return family.name <= self._start.family

    def _pass(self, family: FamilyState, round_number: int) -> bool:
        """Go through a family once, and judge what had no verdict yet; say whether it was by a listing."""
        taken = self._deletions.taken
        gathering = self._gathering(family, round_number)
        counted = Counter(family.kept), family.newest
        kept = None if family.profile is None else family.profile.kept.as_it_is()
        whole = False
        try:
            for candidate in gathering.candidates():
                self._watch.check()
                verdict = self._tally.judge(family, candidate)
                self._reached(round_number, family, candidate.number)
                self._observe(Judged(verdict=verdict))
                if verdict.reason is Reason.YOUNG:
                    gathering.learn(candidate)
                if verdict.decision is Decision.DELETE and self._mode is Mode.DELETE:
                    assert family.rule is not None
                    assert candidate.revision is not None
                    self._delete(Condemned(revision=candidate.revision, verdict=verdict, rule=family.rule.name))
            self._reached(round_number, family, family.highest or 0)
            whole = True
        finally:
            gathering.save()
            if self._deletions.taken > taken:
                family.inactive = None  # counted before these deletions
                if gathering.walked:  # no other round will save what the last batches come to
                    self._unsettled.append(gathering)
            if not whole:
                family.newest = counted[1]  # the hop that comes to the family's end counts them
            if self._start.round > 1 or (round_number > self._start.round and self._seen_by_earlier_hop(family)):
                family.kept, family.newest = counted  # an earlier hop has counted what is kept
                if family.profile is not None and kept is not None:
                    family.profile.kept = kept
            if family.profile is not None:
                family.profile.whole = whole and self._start == Position()
        return not gathering.walked

    def _reached(self, round_number: int, family: FamilyState, number: int) -> None:
        """Note how far this round has come: a family that is done with is reached to its highest number."""
        self.position = Position(
            round=round_number,
            family=family.name,
            number=number,
            deleted=self._deletions.taken > self._taken_before_round
            or (self._start.deleted and round_number == self._start.round),
        )

    def _reached_orphan(self, revision: RevisionId) -> None:
        self.position = Position(
            round=self.position.round, family=revision.family, number=revision.number, orphans=True
        )

    def _gathering(self, family: FamilyState, round_number: int) -> Gathering:
        assert family.rule is not None
        resumed = (round_number, family.name) == (self._start.round, self._start.family)
        return Gathering(
            family,
            family.rule,
            task_definitions=self._task_definitions,
            readers=self._readers,
            now=self._tally.now,
            to_the_end=self._count_all,
            after=self._start.number if resumed else 0,
            caches=self._caches,
            check=self._watch.check,
        )

    def _delete(self, condemned: Condemned) -> None:
        try:
            self._watch.check_deletions(self._deletions.taken)
        except Stopped as stopped:
            self._deletions.skip(condemned.verdict, stopped.words)
            self._deletions.drain()
            raise
        self._deletions.take(condemned)

    def _follow_up(self) -> None:
        """Follow up what is in DELETE_IN_PROGRESS; all duty is done by then, so no time left for it is no failure."""
        try:
            self._in_progress.measure()
            self._in_progress.name_users()
        except Stopped as stopped:
            self._tally.warn(f"what is in DELETE_IN_PROGRESS was not followed up: {stopped.words}")

    def _give_up(self, family: FamilyState, error: CallFailed) -> None:
        self._tally.not_fully_read(family.name, str(error))

    def _count(self) -> None:
        """Count what exists, after all deletion, and what stays unjudged because a rule keeps it whole."""
        for family in self._tally.families.values():
            most_pages = None if self._count_all else COUNTED_PAGES
            try:
                count(family, self._task_definitions, most_pages=most_pages, check=self._watch.check)
                measure_growth(family, self._task_definitions, self._tally.now)
            except CallFailed as error:
                self._tally.not_fully_read(family.name, str(error))
            if not family.may_delete and family.inactive is not None:
                reason = Reason.NO_RULE if family.rule is None else Reason.RULE_KEEPS
                family.kept[reason] = family.inactive.value
        self._orphan_count.count()

"""A run: gather, decide, apply, family by family and round by round."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from janitor.core.model import Decision, Mode, Reason
from janitor.core.report import Ending
from janitor.errors import CallFailed, ListingBroken, RunEnded
from janitor.sweep.apply import Deletions
from janitor.sweep.count import COUNTED_PAGES, count
from janitor.sweep.events import Judged, Looking, Stopped, Watch
from janitor.sweep.gather import Gathering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from janitor.core.model import Verdict
    from janitor.core.report import Report
    from janitor.ports import Clock, TaskDefinitions, Workers
    from janitor.sweep.events import Event, Limits
    from janitor.sweep.family import FamilyState
    from janitor.sweep.tally import Tally

BROKEN_LISTINGS = 3
"""Listings of one family that may break off without anything new before the family is given up."""


class Sweep:
    """A run that looks at everything: it deletes, or (in report mode) says exactly what it would delete."""

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
        count_all: bool = False,
        observe: Callable[[Event], None] = lambda _: None,
    ) -> None:
        """``count_all`` counts exactly whatever it costs; else counting is limited to a few calls a family."""
        self._mode = mode
        self._tally = tally
        self._task_definitions = task_definitions
        self._readers = readers
        self._count_all = count_all
        self._observe = observe
        self._watch = Watch(limits, clock)
        self._deletions = Deletions(
            task_definitions=task_definitions, workers=deleters, settle=tally.settle, observe=observe
        )

    def run(self) -> Report:
        """Do it, and report; what ends the run early is in the report, not raised."""
        ending, words = Ending.FINISHED, "finished"
        try:
            self._tally.list_families()
            self._sweep()
            self._count()
        except Stopped as stopped:
            ending, words = stopped.ending, stopped.words
        except (RunEnded, CallFailed) as error:
            ending, words = Ending.COULD_NOT_FINISH, str(error)
        finally:
            self._deletions.abandon(f"the run ended before: {words}")
        if ending is Ending.FINISHED and self._tally.not_read:
            ending, words = Ending.COULD_NOT_FINISH, f"could not read {', '.join(list(self._tally.not_read)[:3])}"
        return self._tally.report(ending, words)

    def _sweep(self) -> None:
        """Go through the families, and again through those in which something was deleted, until nothing is."""
        todo: Iterable[FamilyState] = [family for family in self._tally.families.values() if family.may_delete]
        broken: Counter[str] = Counter()
        number = 0
        while todo:
            number += 1
            again = []
            for family in todo:
                self._observe(Looking(family=family.name, round=number))
                taken = self._deletions.taken
                try:
                    self._pass(family)
                except ListingBroken as error:
                    broken[family.name] += 1
                    if broken[family.name] < BROKEN_LISTINGS or self._deletions.taken > taken:
                        again.append(family)
                    else:
                        self._give_up(family, error)
                except CallFailed as error:
                    self._give_up(family, error)
                else:
                    if self._deletions.taken > taken:
                        again.append(family)
            self._deletions.drain()
            todo = again

    def _pass(self, family: FamilyState) -> None:
        assert family.rule is not None
        gathering = Gathering(
            family,
            family.rule,
            task_definitions=self._task_definitions,
            readers=self._readers,
            now=self._tally.now,
            to_the_end=self._count_all,
            check=self._watch.check,
        )
        for candidate in gathering.candidates():
            self._watch.check()
            verdict = self._tally.judge(family, candidate)
            if verdict is None:
                continue
            self._observe(Judged(verdict=verdict))
            if verdict.decision is Decision.DELETE and self._mode is Mode.DELETE:
                self._delete(verdict)

    def _delete(self, verdict: Verdict) -> None:
        try:
            self._watch.check_deletions(self._deletions.taken)
        except Stopped as stopped:
            self._deletions.skip(verdict, stopped.words)
            self._deletions.drain()
            raise
        self._deletions.take(verdict)

    def _give_up(self, family: FamilyState, error: CallFailed) -> None:
        self._tally.not_fully_read(family.name, str(error))

    def _count(self) -> None:
        """Count what exists, after all deletion, and what stays unjudged because a rule keeps it whole."""
        for family in self._tally.families.values():
            most_pages = None if self._count_all else COUNTED_PAGES
            try:
                count(family, self._task_definitions, most_pages=most_pages, check=self._watch.check)
            except CallFailed as error:
                self._tally.not_fully_read(family.name, str(error))
            if not family.may_delete and family.inactive is not None:
                reason = Reason.NO_RULE if family.rule is None else Reason.RULE_KEEPS
                family.kept[reason] = family.inactive.value

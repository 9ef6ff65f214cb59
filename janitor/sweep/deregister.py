"""Deregister ACTIVE orphans, where a rule asks for it: judged like what is deleted, and looked at again before each.

One revision a call, oldest first, from a bucket that every deploy and DAG run registers with: so there are few a sweep,
and there is time between verdict and deed. What was true then is asked again right before: who uses what (read a minute
ago at most), which revisions are the newest, the revision itself, the lookup table. Nothing is being listed while a
deregistration could shift the listing.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from janitor.core.boundary import first_young
from janitor.core.model import Condemned, Decision, Mode, Status
from janitor.core.orphans import conditions, judge_orphan, registered_before
from janitor.errors import CallFailed, ReadsSpent, Unreachable
from janitor.sweep.descriptions import Descriptions
from janitor.sweep.ends import first_page
from janitor.sweep.events import Judged
from janitor.sweep.gather import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from janitor.core.model import FamilyUsage, Revision, RevisionId, Verdict
    from janitor.ports import Clock, DueCaches, TaskDefinitions, Usage, Workers
    from janitor.sweep.apply import Submitter
    from janitor.sweep.descriptions import Candidate
    from janitor.sweep.events import Event
    from janitor.sweep.family import FamilyState
    from janitor.sweep.tally import Tally

AT_A_TIME = 60
"""Orphans of a family that are found before they are deregistered: ten minutes' work at our share of the bucket."""

DESCRIBED_AHEAD = 20
"""Descriptions under way or waiting to be judged."""

FRESH = 60.0
"""Seconds after which who uses what is read again before anything is deregistered."""


class FreshUsage:
    """Who uses a revision, as it was read a minute ago at most. Satisfies ``janitor.ports.Usage``."""

    def __init__(self, read: Callable[[], Usage], clock: Clock) -> None:
        """``read`` returns a usage that has read nothing yet."""
        self._read = read
        self._clock = clock
        self._usage: Usage | None = None
        self._read_at = 0.0

    def of(self, family: str) -> FamilyUsage:
        """Return which revisions of a family are in use."""
        now = self._clock.monotonic()
        if self._usage is None or now - self._read_at >= FRESH:
            self._usage, self._read_at = self._read(), now
        return self._usage.of(family)


class OrphanJudge:
    """Judges ACTIVE revisions of families whose rule asks for it, and counts the verdicts, one a revision."""

    def __init__(self, *, tally: Tally, readers: Workers, observe: Callable[[Event], None]) -> None:
        self._tally = tally
        self._readers = readers
        self._observe = observe
        self._named: dict[str, FamilyUsage] = {}

    def look(self, family: FamilyState, numbers: Sequence[int], task_definitions: TaskDefinitions) -> None:
        """Judge some numbers as far as there are reads, and act on none; the rest is unread."""
        descriptions = self.descriptions(family, task_definitions)
        judged = 0
        try:
            for candidate in in_order(self._readers, descriptions.candidate, numbers, ahead=DESCRIBED_AHEAD):
                verdict = self.verdict(family, candidate)
                judged += 1
                if verdict is not None:
                    self.note(family, verdict)
        except ReadsSpent:
            family.orphans.unread += len(numbers) - judged

    def descriptions(self, family: FamilyState, task_definitions: TaskDefinitions) -> Descriptions:
        """Return what describes candidates, each of which has enough newer ones above it."""
        newest = conditions(family.rule).keep_newest
        return Descriptions(family.name, newer_inactive=newest, task_definitions=task_definitions)

    def verdict(self, family: FamilyState, candidate: Candidate) -> Verdict | None:
        """Return the verdict on a listed candidate by what is known of its users; None for one that is gone."""
        if candidate.revision is not None:
            usage = lambda: self._tally.usage_of(family.name)  # noqa: E731 - asked only where all else says so
            return self.judged(
                family,
                candidate.revision,
                newer_active=candidate.newer_inactive,
                usage=usage,
                table=lambda: self._first_read(family.name),
            )
        return candidate.unreadable(family.name)

    def judged(
        self,
        family: FamilyState,
        revision: Revision,
        *,
        newer_active: int,
        usage: Callable[[], FamilyUsage],
        table: Callable[[], FamilyUsage],
    ) -> Verdict:
        """Return the verdict on a described revision."""
        return judge_orphan(
            revision,
            family.rule,
            newer_active=newer_active,
            usage=usage,
            table=lambda: self._tally.remembered(table()),
            now=self._tally.now,
        )

    def _first_read(self, family: str) -> FamilyUsage:
        """Return what the lookup table named when a family's first orphan was found: good for a first verdict."""
        if family not in self._named:
            self._named[family] = self._tally.table_of(family)
        return self._named[family]

    def note(self, family: FamilyState, verdict: Verdict) -> None:
        """Count a verdict that is final."""
        if verdict.decision is Decision.DEREGISTER:
            family.orphans.due.add(verdict.revision.number)
        else:
            family.orphans.kept[verdict.reason] += 1
        self._observe(Judged(verdict=verdict))


class Orphans:
    """Goes through the families whose rule asks for it: says what would be deregistered, or does it."""

    def __init__(
        self,
        *,
        mode: Mode,
        tally: Tally,
        task_definitions: TaskDefinitions,
        readers: Workers,
        submitter: Submitter,
        fresh_usage: Usage,
        most: int,
        check: Callable[[], None],
        caches: DueCaches | None,
        observe: Callable[[Event], None],
        reached: Callable[[RevisionId], None],
    ) -> None:
        """``most`` is how many may be submitted. ``check`` may raise to stop; ``reached`` is told what is done with."""
        self._acts = mode is Mode.DELETE
        self._tally = tally
        self._task_definitions = task_definitions
        self._readers = readers
        self._judge = OrphanJudge(tally=tally, readers=readers, observe=observe)
        self._submitter = submitter
        self._fresh_usage = fresh_usage
        self._most = most
        self._check = check
        self._caches = caches
        self._reached = reached

    def run(self, after: RevisionId | None = None) -> None:
        """Go through the families, from beyond the revision that an earlier hop has come to, if one has.

        Raises:
            RunEnded: if the run cannot go on. Where the call alone gets no answer, others need its bucket: then no more
                is deregistered, and the run goes on.
        """
        try:
            for family in self._tally.families.values():
                if family.may_deregister and (after is None or family.name >= after.family):
                    self._family(family, after.number if after is not None and family.name == after.family else 0)
        except Unreachable as error:
            self._tally.warn(f"no more was deregistered: {error}")

    @property
    def _room(self) -> int:
        return min(AT_A_TIME, self._most - self._submitter.taken) if self._acts else AT_A_TIME

    def _family(self, family: FamilyState, start: int) -> None:
        after: int | None = start
        try:
            while after is not None and self._room > 0:
                after = self._some(family, after)
        except CallFailed as error:
            self._tally.not_fully_read(family.name, str(error))
        finally:
            self._remember(family)

    def _some(self, family: FamilyState, after: int) -> int | None:
        """Judge what lies beyond a number, and act on some of it; return where to go on, None at the family's end."""
        waiting: list[Verdict] = []
        room = self._room
        descriptions = self._judge.descriptions(family, self._task_definitions)
        numbers = self._old(family, after, descriptions)
        for candidate in in_order(self._readers, descriptions.candidate, numbers, ahead=DESCRIBED_AHEAD):
            self._check()
            verdict = self._judge.verdict(family, candidate)
            if verdict is None:
                continue
            if not self._acts or (verdict.decision is Decision.KEEP and not waiting):
                self._done_with(family, verdict)
                continue
            waiting.append(verdict)
            room -= verdict.decision is Decision.DEREGISTER
            if not room:
                break
        for verdict in waiting:
            self._check()
            if verdict.decision is Decision.KEEP:
                self._done_with(family, verdict)
            else:
                self._act(family, verdict.revision)
        return None if room else waiting[-1].revision.number

    def _old(self, family: FamilyState, after: int, descriptions: Descriptions) -> Iterator[int]:
        """Yield the ACTIVE numbers that are old enough and below the newest, ascending, by a listing of them all."""
        assert family.rule is not None
        before = registered_before(family.rule, self._tally.now)
        pages = iter(self._task_definitions.pages(family.name, Status.ACTIVE))
        first = first_page(pages)
        floor = self._floor(family, first.numbers if first.last else None)
        highest = after
        for page in chain([first], pages):
            numbers = sorted({number for number in page.numbers if highest < number < floor})
            if not numbers:
                continue
            highest = numbers[-1]
            registered_at = descriptions.registered_at(highest)
            if registered_at is not None and registered_at > before:
                yield from numbers[: first_young(numbers, descriptions.registered_at, before)]
                return
            yield from numbers

    def _floor(self, family: FamilyState, whole: Sequence[int] | None) -> int:
        """Return the lowest number among the newest ACTIVE ones, by the ``whole`` listing or by one from the top."""
        newest = conditions(family.rule).keep_newest
        top: set[int] = set(whole or ())
        if whole is None:
            for page in self._task_definitions.pages(family.name, Status.ACTIVE, newest_first=True):
                top.update(page.numbers)
                if len(top) >= newest:
                    break
        return sorted(top, reverse=True)[newest - 1] if len(top) >= newest else 0

    def _act(self, family: FamilyState, asked: RevisionId) -> None:
        """Look at everything again, and deregister what is still an orphan."""
        verdict, revision = self._again(family, asked)
        if verdict is None:
            return
        self._judge.note(family, verdict)
        if verdict.decision is Decision.DEREGISTER and revision is not None and family.rule is not None:
            self._submitter.take(Condemned(revision=revision, verdict=verdict, rule=family.rule.name))
            self._submitter.drain()
        self._reached(asked)

    def _again(self, family: FamilyState, asked: RevisionId) -> tuple[Verdict | None, Revision | None]:
        """Return the verdict on what is read anew, the revision last; None for one that is gone."""
        usage = self._tally.remembered(self._fresh_usage.of(family.name))
        newer = self._newer_active(asked, conditions(family.rule).keep_newest)
        found = Descriptions(family.name, newer_inactive=newer, task_definitions=self._task_definitions).candidate(
            asked.number
        )
        if found.revision is None:
            return self._judge.verdict(family, found), None
        verdict = self._judge.judged(
            family,
            found.revision,
            newer_active=newer,
            usage=lambda: usage,
            table=lambda: self._tally.table_of(family.name),
        )
        return verdict, found.revision

    def _newer_active(self, revision: RevisionId, enough: int) -> int:
        """Count the ACTIVE revisions with a higher number, as far as it matters, each described: a listing may lag."""
        descriptions = Descriptions(revision.family, newer_inactive=0, task_definitions=self._task_definitions)
        seen: set[int] = set()
        newer = 0
        for page in self._task_definitions.pages(revision.family, Status.ACTIVE, newest_first=True):
            for number in sorted(set(page.numbers) - seen, reverse=True):
                if number <= revision.number or newer >= enough:
                    return newer
                seen.add(number)
                found = descriptions.candidate(number).revision
                newer += found is not None and found.status is Status.ACTIVE
        return newer

    def _done_with(self, family: FamilyState, verdict: Verdict) -> None:
        self._judge.note(family, verdict)
        self._reached(verdict.revision)

    def _remember(self, family: FamilyState) -> None:
        """Let the due cache know of what is INACTIVE from today: it cannot be due before its retention is over."""
        if self._caches is None or not family.orphans.deregistered:
            return
        cache = self._caches.load(family.name)
        for number in family.orphans.deregistered:
            cache.learn_not_inactive(number, self._tally.now)
        self._caches.save(family.name, cache)

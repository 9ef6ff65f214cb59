"""What a run gathers for its report, whether it looks at everything or at a sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from janitor.core.lookup import Tended
from janitor.core.model import Decision, FamilyUsage, OutcomeKind, Reason, RevisionId, Verdict
from janitor.core.pacing import OURS, Bucket
from janitor.core.plan import Plan, rule_values
from janitor.core.report import Cause, Report
from janitor.core.retention import judge
from janitor.sweep.family import FamilyState
from janitor.sweep.planned import check_account
from janitor.sweep.profile import summary

if TYPE_CHECKING:
    from collections import Counter

    from janitor.core.model import Mode, Outcome
    from janitor.core.pacing import Rate
    from janitor.core.report import Ending
    from janitor.core.retention import Policy
    from janitor.ports import Clock, TaskDefinitions, Usage
    from janitor.sweep.descriptions import Candidate

LEFT_OUT_NAMED = 5
"""Families of a plan that a warning names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a report says about its run. The counters are read when the report is made."""

    region: str
    sweep_id: str
    version: str
    api_calls: Counter[str]
    throttled_calls: Counter[str]
    limits: tuple[str, ...] = ()
    usage_off: tuple[str, ...] = ()
    deletion_rate: Rate = OURS[Bucket.DELETE]
    max_deregistrations: int | None = None


class Tally:
    """What both kinds of run gather for their report: families, usage that could not be read, troubles."""

    def __init__(
        self,
        *,
        mode: Mode,
        policy: Policy,
        task_definitions: TaskDefinitions,
        usage: Usage,
        clock: Clock,
        context: Context,
        plan: Plan | None = None,
        lookup_table: Usage | None = None,
    ) -> None:
        """``plan`` is what the run applies: it looks at nothing else.

        ``lookup_table`` names the ACTIVE revisions that its entries reuse; None where no table is configured.
        """
        self.policy = policy
        self._plan = plan
        self.now = clock.now()
        self.families: dict[str, FamilyState] = {}
        self.not_read: dict[str, None] = {}
        self._mode = mode
        self._task_definitions = task_definitions
        self._usage = usage
        self._lookup_table = lookup_table
        self._tended: Tended | None = None
        self.clock = clock
        self._context = context
        self.sweep_id = context.sweep_id
        self._warnings: list[str] = []
        self._troubles: list[Outcome] = []
        self._undescribed: list[Verdict] = []
        self._unreadable: dict[str, None] = {}
        self._usage_warnings: dict[str, None] = {}

    def list_families(self) -> None:
        """List the families the policy selects, and note patterns that match none; with a plan they are its own.

        Raises:
            BadInput: if the plan is another account's.
        """
        if self._plan is not None:
            self._take_up(self._plan)
            return
        found = sorted(set(self._task_definitions.families()))
        for pattern in self.policy.unmatched(found):
            self._warnings.append(f"no family matches {pattern}")
        selected = [family for family in found if self.policy.selects(family)]
        self.families = {name: FamilyState.of(name, self.policy.rule_for(name), self.now) for name in selected}

    def _take_up(self, plan: Plan) -> None:
        check_account(plan, self._task_definitions)
        left_out = [family for family in sorted(plan.numbers) if not self.policy.selects(family)]
        if left_out:
            names = ", ".join(left_out[:LEFT_OUT_NAMED])
            more = len(left_out) - LEFT_OUT_NAMED
            self._warnings.append(
                f"in the plan, but not among the families of this sweep: {names}"
                f"{f' and {more:,} more' if more > 0 else ''}"
            )
        self.families = {
            name: FamilyState.of(name, self.policy.rule_for(name), self.now, planned=numbers)
            for name, numbers in sorted(plan.numbers.items())
            if name not in left_out
        }

    def not_fully_read(self, family: str, why: str) -> None:
        """Note that a family's figures are not whole."""
        self._warnings.append(f"family {family} was not read to the end: {why}")
        self.not_read[family] = None

    def warn(self, words: str) -> None:
        """Note a warning, once."""
        if words not in self._warnings:
            self._warnings.append(words)

    def users_of(self, family: str) -> FamilyUsage:
        """Return who uses a family where nothing depends on it but words."""
        return self._usage.of(family)

    def usage_of(self, family: str) -> FamilyUsage:
        """Return who uses a family, and remember what could not be read."""
        return self.remembered(self._usage.of(family))

    def table_of(self, family: str) -> FamilyUsage:
        """Return which revisions of a family the lookup table names, as it is now, where there is one."""
        return FamilyUsage() if self._lookup_table is None else self._lookup_table.of(family)

    def tended(self, done: Tended) -> None:
        """Count what was taken away of the lookup table."""
        before = self._tended or Tended(table=done.table)
        self._tended = replace(
            before, forgotten=before.forgotten + done.forgotten, evicted=before.evicted + done.evicted
        )

    def remembered(self, usage: FamilyUsage) -> FamilyUsage:
        """Return what was read of a family's users, and remember what could not be."""
        self._unreadable.update(dict.fromkeys(usage.unreadable))
        self._usage_warnings.update(dict.fromkeys(usage.warnings))
        return usage

    def judge(self, family: FamilyState, candidate: Candidate) -> Verdict:
        """Return the verdict on a listed candidate and count it; one that ECS cannot describe is unreadable."""
        verdict = self.verdict(family, candidate) or Verdict(
            revision=RevisionId(family.name, candidate.number),
            decision=Decision.KEEP,
            reason=Reason.UNREADABLE,
            words="it was listed, but ECS could not describe it",
        )
        if candidate.revision is not None and family.profile is not None:
            family.profile.judged(candidate.revision, verdict)
        match verdict.decision:
            case Decision.KEEP:
                family.kept[verdict.reason] += 1
                if verdict.reason is Reason.UNREADABLE and not self._undescribed:
                    self._undescribed.append(verdict)
            case Decision.DELETE:
                family.due.add(candidate.number)
            case Decision.DEREGISTER:
                raise AssertionError("an INACTIVE revision is never deregistered")
        return verdict

    def verdict(self, family: FamilyState, candidate: Candidate) -> Verdict | None:
        """Return the verdict on a candidate; None for one that is gone meanwhile."""
        if candidate.revision is not None:
            return judge(
                candidate.revision,
                family.rule,
                newer_inactive=candidate.newer_inactive,
                usage=lambda: self.usage_of(family.name),
                now=self.now,
                planned=family.planned is None or candidate.number in family.planned,
            )
        return candidate.unreadable(family.name)

    def settle(self, outcome: Outcome) -> None:
        """Count an outcome; keep those a person must look at."""
        family = self.families[outcome.revision.family]
        family.outcomes[outcome.kind] += 1
        match outcome.kind:
            case OutcomeKind.DELETED:
                family.deleted.add(outcome.revision.number)
                family.deleting_since = family.deleting_since or self.clock.now()
            case OutcomeKind.REFUSED | OutcomeKind.FAILED:
                self._trouble(outcome)
            case OutcomeKind.NOT_ATTEMPTED | OutcomeKind.DEREGISTERED:
                pass

    def settle_orphan(self, outcome: Outcome) -> None:
        """Count what became of an ACTIVE orphan; keep those a person must look at."""
        orphans = self.families[outcome.revision.family].orphans
        orphans.outcomes[outcome.kind] += 1
        match outcome.kind:
            case OutcomeKind.DEREGISTERED:
                orphans.deregistered.add(outcome.revision.number)
            case OutcomeKind.REFUSED | OutcomeKind.FAILED:
                self._trouble(outcome)
            case OutcomeKind.NOT_ATTEMPTED | OutcomeKind.DELETED:
                pass

    def _trouble(self, outcome: Outcome) -> None:
        if len(self._troubles) < Report.TROUBLES_NAMED:
            self._troubles.append(outcome)

    def report(self, ending: Ending, words: str) -> Report:
        """Return the report on what was gathered."""
        ages, coming_due, registrants = summary(self.families.values(), self.now)
        return Report(
            account=self._task_definitions.account,
            region=self._context.region,
            sweep_id=self._context.sweep_id,
            version=self._context.version,
            mode=self._mode,
            policy=(*self.policy.sentences(), *self._context.limits),
            started_at=self.now,
            finished_at=self.clock.now(),
            families=tuple(state.report() for state in self.families.values()),
            families_not_read=tuple(self.not_read),
            troubles=tuple(sorted(self._troubles, key=lambda outcome: outcome.revision)),
            unreadable_usage=tuple(self._unreadable),
            warnings=(
                *self._warnings,
                *self._usage_warnings,
                *(f"{each.revision} is kept: {each.words}" for each in self._undescribed),
            ),
            ending=ending,
            ending_words=words,
            deletion_rate=self._context.deletion_rate,
            max_deregistrations=self._context.max_deregistrations,
            api_calls=dict(sorted(self._context.api_calls.items())),
            throttled_calls=dict(sorted(self._context.throttled_calls.items())),
            applied_plan=self._plan,
            ages=ages,
            coming_due=coming_due,
            registrants=registrants,
            tended=self._tended,
        )

    def with_plan(self, report: Report) -> Report:
        """Add the plan that applies an exact report; none where the report is not whole.

        A revision that could not be described is kept, so it is not in the plan either.
        """
        if set(report.causes) - {Cause.REFUSED_OR_FAILED}:
            return report
        plan = Plan(
            account=report.account,
            region=report.region,
            sweep_id=report.sweep_id,
            made_at=report.started_at,
            rules=rule_values(self.policy),
            usage_off=self._context.usage_off,
            numbers={name: family.due for name, family in self.families.items() if family.due},
        )
        return replace(report, plan=plan)

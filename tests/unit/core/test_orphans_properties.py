"""What must hold of the ACTIVE revisions of every family, however odd: no verdict on one may break a promise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.model import Decision, FamilyUsage, Reason, Revision, RevisionId, Status
from janitor.core.orphans import OrphanRule, judge_orphan
from janitor.core.retention import Sourced
from tests.oracle import to_deregister
from tests.unit.core.strategies import DAY, MICROSECOND, NOW, STEADY, rules
from tests.unit.core.test_retention_properties import OF_ORPHANS

if TYPE_CHECKING:
    from janitor.core.model import Verdict
    from janitor.core.retention import Rule

AIRFLOW = "arn:aws:sts::1:assumed-role/airflow-worker/x"
WHO = (AIRFLOW, AIRFLOW, AIRFLOW, None, "arn:aws:iam::1:user/ada", "ARN:AWS:STS::1:ASSUMED-ROLE/AIRFLOW-WORKER/X")
PATTERNS = (("arn:aws:sts::*:assumed-role/airflow-*",), ("arn:nobody", AIRFLOW), ("arn:nobody",), ("arn:*",))
NUMBERS = (1, 2, 3, 4, 5, 9, 10, 11, 999_999, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A family at one moment, and who names what."""

    family: tuple[Revision, ...]
    rule: Rule | None
    usage: FamilyUsage
    table: FamilyUsage

    def verdicts(self) -> list[tuple[Revision, Verdict]]:
        """Judge every revision, whatever its status."""
        active = {each.id.number for each in self.family if each.status is Status.ACTIVE}
        return [
            (
                each,
                judge_orphan(
                    each,
                    self.rule,
                    newer_active=sum(1 for number in active if number > each.id.number),
                    usage=lambda: self.usage,
                    table=lambda: self.table,
                    now=NOW,
                ),
            )
            for each in self.family
        ]

    def doomed(self) -> set[int]:
        """Return the numbers that are deregistered."""
        return {each.id.number for each, verdict in self.verdicts() if verdict.decision is Decision.DEREGISTER}


def users() -> st.SearchStrategy[FamilyUsage]:
    """Draw who names what; now and then a source is unreadable, or nobody can know."""
    return st.builds(
        FamilyUsage,
        reasons=st.sets(st.sampled_from(NUMBERS), max_size=3).map(lambda some: dict.fromkeys(some, "names it")),
        unreadable=st.sampled_from(((), (), (), (), (), ("schedules",))),
        warnings=st.sampled_from(((), (), (), (), (), ("depends on input",))),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a family whose dates lie on every edge of its rule."""
    asked = OrphanRule(
        older_than=draw(st.sampled_from((DAY, 14 * DAY))),
        registered_by=draw(st.sampled_from(PATTERNS)),
        keep_newest=draw(st.sampled_from((1, 1, 2, 3))),
    )
    ages = [asked.older_than + step for step in (-MICROSECOND, 0 * DAY, MICROSECOND, 90 * DAY, 90 * DAY, -40 * DAY)]
    family = draw(
        st.lists(
            st.builds(
                Revision,
                id=st.sampled_from(NUMBERS).map(lambda number: RevisionId("etl", number)),
                status=st.sampled_from((Status.ACTIVE,) * 8 + (Status.INACTIVE, Status.DELETE_IN_PROGRESS)),
                registered_at=st.sampled_from([None, *(NOW - age for age in ages)]),
                registered_by=st.sampled_from(WHO),
                tags=st.sampled_from(({}, {}, {}, {"janitor:keep": "false"}, {"team": "a"})),
            ),
            unique_by=lambda each: each.id,
            max_size=8,
        )
    )
    drawn = replace(draw(rules()), orphans=draw(st.sampled_from((Sourced(asked, "policy.toml"),) * 6 + (None,))))
    return Case(
        family=tuple(family),
        rule=draw(st.sampled_from((drawn,) * 9 + (None,))),
        usage=draw(users()),
        table=draw(users()),
    )


@settings(STEADY, max_examples=300)
@given(cases())
def test_exactly_what_the_oracle_names_is_deregistered(case: Case) -> None:
    """The oracle was written from the page on the workload, in plain loops."""
    expected = to_deregister(case.family, case.rule, usage=case.usage, table=case.table, now=NOW)
    assert case.doomed() == expected


def test_the_cases_reach_every_reason() -> None:
    """Properties prove nothing about cases that are never drawn."""
    reasons: set[Reason] = set()

    @settings(STEADY, max_examples=300)
    @given(cases())
    def look(case: Case) -> None:
        reasons.update(verdict.reason for _, verdict in case.verdicts())

    look()
    shared = {Reason.NO_RULE, Reason.RULE_KEEPS, Reason.NO_DATE, Reason.TAGGED, Reason.IN_USE, Reason.USAGE_UNKNOWN}
    assert reasons == OF_ORPHANS | shared


@settings(STEADY, max_examples=60)
@given(cases())
def test_the_newest_active_one_is_never_deregistered(case: Case) -> None:
    """Whatever the rule: a schedule that names the family alone starts it."""
    active = [each.id.number for each in case.family if each.status is Status.ACTIVE]
    assert max(active, default=0) not in case.doomed()


@settings(STEADY, max_examples=60)
@given(cases(), st.sampled_from(NUMBERS))
def test_one_more_user_saves_exactly_what_it_names(case: Case, number: int) -> None:
    """Be it in the account or in the table."""
    for field in ("usage", "table"):
        source: FamilyUsage = getattr(case, field)
        named = replace(source, reasons={**source.reasons, number: "names it"})
        assert replace(case, **{field: named}).doomed() == case.doomed() - {number}  # type: ignore[arg-type]


@settings(STEADY, max_examples=60)
@given(cases())
def test_what_cannot_be_read_saves_everything(case: Case) -> None:
    """Each source for itself; and what nobody can know is none that can be read."""
    blind = (
        replace(case, usage=replace(case.usage, unreadable=("services",))),
        replace(case, usage=replace(case.usage, warnings=("depends on input",))),
        replace(case, table=replace(case.table, unreadable=("the lookup table",))),
    )
    assert [each.doomed() for each in blind] == [set()] * 3


@settings(STEADY, max_examples=60)
@given(cases())
def test_keeping_more_of_the_newest_never_deregisters_more(case: Case) -> None:
    """Nor does a longer age."""
    if case.rule is None or case.rule.orphans is None:
        return
    asked = case.rule.orphans.value
    for stricter in (
        replace(asked, keep_newest=asked.keep_newest + 1),
        replace(asked, older_than=asked.older_than + DAY),
        replace(asked, registered_by=("arn:nobody",)),
    ):
        rule = replace(case.rule, orphans=Sourced(stricter, "policy.toml"))
        assert replace(case, rule=rule).doomed() <= case.doomed()

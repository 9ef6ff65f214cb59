"""What must hold of every family, however odd: no verdict on it may break a promise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.model import Decision, FamilyUsage, Reason, Status
from janitor.core.retention import AgeFrom, Sourced
from tests.oracle import to_delete
from tests.unit.core.strategies import (
    DAY,
    HOUR,
    MICROSECOND,
    STEADY,
    condemned,
    rules,
    scenarios,
    usages,
    verdicts,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from janitor.core.model import Revision, RevisionId
    from janitor.core.retention import Rule
    from tests.unit.core.strategies import Scenario


OF_ORPHANS = {
    Reason.ORPHANED,
    Reason.NOT_ACTIVE,
    Reason.AMONG_NEWEST_ACTIVE,
    Reason.REGISTERED_LATELY,
    Reason.REGISTERED_BY_OTHERS,
    Reason.IN_LOOKUP_TABLE,
    Reason.NOT_ASKED_FOR,
}
"""What is said of ACTIVE revisions alone: ``test_orphans_properties``."""


def _doomed(scenario: Scenario) -> list[Revision]:
    return [each for each, verdict in verdicts(scenario) if verdict.decision is Decision.DELETE]


def _age(each: Revision, scenario: Scenario) -> timedelta | None:
    assert scenario.rule is not None
    by_deregistration = scenario.rule.age_from.value is AgeFrom.DEREGISTERED_AT
    since = each.deregistered_at if by_deregistration else each.registered_at
    return None if since is None else scenario.now - since


def _with_rule(scenario: Scenario, change: Callable[[Rule], Rule]) -> Scenario:
    return replace(scenario, rule=None if scenario.rule is None else change(scenario.rule))


def test_the_strategies_reach_every_reason_and_both_sides_of_the_retention() -> None:
    """Properties prove nothing about cases that are never drawn."""
    reasons: set[Reason] = set()
    edges: set[tuple[AgeFrom, Reason, timedelta]] = set()

    @settings(STEADY, max_examples=700)
    @given(scenarios())
    def look(scenario: Scenario) -> None:
        for each, verdict in verdicts(scenario):
            reasons.add(verdict.reason)
            if verdict.reason in {Reason.DUE, Reason.YOUNG} and scenario.rule is not None:
                age = _age(each, scenario)
                assert age is not None
                edges.add((scenario.rule.age_from.value, verdict.reason, age - scenario.rule.retention.value))

    look()
    # UNREADABLE is said where there is no description, NOT_PLANNED where there is a plan: neither has scenarios here.
    assert reasons == set(Reason) - {Reason.UNREADABLE, Reason.NOT_PLANNED} - OF_ORPHANS
    for age_from in AgeFrom:
        assert (age_from, Reason.YOUNG, -MICROSECOND) in edges
        assert (age_from, Reason.DUE, 0 * DAY) in edges
        assert (age_from, Reason.DUE, MICROSECOND) in edges


@settings(STEADY, max_examples=400)
@given(scenarios())
def test_what_is_deleted_is_what_the_oracle_deletes(scenario: Scenario) -> None:
    """The verdicts and the promises, said twice, agree on every revision of every family."""
    expected = to_delete(
        scenario.family, scenario.rule, usage=scenario.usage, now=scenario.now, undescribed=scenario.undescribed
    )
    assert condemned(scenario) == expected


@STEADY
@given(scenarios())
def test_verdicts_partition_the_family(scenario: Scenario) -> None:
    """Every revision is kept or deleted, never both, and the verdict says why in words."""
    kept: set[RevisionId] = set()
    deleted: set[RevisionId] = set()
    for each, verdict in verdicts(scenario):
        assert verdict.revision == each.id
        assert verdict.words.strip()
        assert (verdict.decision is Decision.DELETE) == (verdict.reason is Reason.DUE)
        (deleted if verdict.decision is Decision.DELETE else kept).add(each.id)
    assert kept.isdisjoint(deleted)
    assert kept | deleted == {each.id for each in scenario.family}


@STEADY
@given(scenarios())
def test_only_an_inactive_revision_is_condemned(scenario: Scenario) -> None:
    """Neither ACTIVE nor DELETE_IN_PROGRESS is ever touched."""
    assert all(each.status is Status.INACTIVE for each in _doomed(scenario))


@STEADY
@given(scenarios())
def test_a_revision_without_a_date_is_never_condemned(scenario: Scenario) -> None:
    """The date the age is counted from is known, and so is the date since when it is INACTIVE."""
    for each in _doomed(scenario):
        assert each.deregistered_at is not None
        assert _age(each, scenario) is not None


@STEADY
@given(scenarios())
def test_a_young_revision_is_never_condemned(scenario: Scenario) -> None:
    """It has its retention behind it, and an hour as INACTIVE whatever the rule says."""
    for each in _doomed(scenario):
        age = _age(each, scenario)
        assert scenario.rule is not None
        assert age is not None
        assert age >= scenario.rule.retention.value
        assert each.deregistered_at is not None
        assert scenario.now - each.deregistered_at >= HOUR


@STEADY
@given(scenarios())
def test_the_newest_are_never_condemned(scenario: Scenario) -> None:
    """The highest INACTIVE numbers stay, as many as the rule says, however often the listing named them."""
    assert scenario.rule is None or condemned(scenario).isdisjoint(
        sorted(
            {each.id.number for each in scenario.family if each.status is Status.INACTIVE} | scenario.undescribed,
            reverse=True,
        )[: scenario.rule.keep_newest.value]
    )


@STEADY
@given(scenarios())
def test_a_tagged_revision_is_never_condemned(scenario: Scenario) -> None:
    """A keep tag keeps by its key, whatever its value: false and nothing are values too."""
    for each in _doomed(scenario):
        assert scenario.rule is not None
        assert not set(each.tags) & set(scenario.rule.keep_tags.value)


@STEADY
@given(scenarios())
def test_a_revision_in_use_or_possibly_in_use_is_never_condemned(scenario: Scenario) -> None:
    """Who is named as used stays; where a source could not be read, all stay."""
    assert condemned(scenario).isdisjoint(scenario.usage.reasons)
    assert not (scenario.usage.unreadable and condemned(scenario))


@STEADY
@given(scenarios())
def test_no_rule_or_one_that_keeps_condemns_nothing(scenario: Scenario) -> None:
    """An empty policy deletes nothing."""
    assert not condemned(replace(scenario, rule=None))
    assert not condemned(_with_rule(scenario, lambda rule: replace(rule, keep=True)))


@STEADY
@given(scenarios(), st.integers(1, 5))
def test_keeping_more_never_deletes_more(scenario: Scenario, more: int) -> None:
    """A larger keep_newest condemns a part of what the smaller one did."""
    stricter = _with_rule(
        scenario, lambda rule: replace(rule, keep_newest=Sourced(rule.keep_newest.value + more, "flag"))
    )
    assert condemned(stricter) <= condemned(scenario)


@STEADY
@given(scenarios(), st.timedeltas(min_value=0 * DAY, max_value=400 * DAY))
def test_a_longer_retention_never_deletes_more(scenario: Scenario, longer: timedelta) -> None:
    """A longer retention condemns a part of what the shorter one did."""
    stricter = _with_rule(scenario, lambda rule: replace(rule, retention=Sourced(rule.retention.value + longer, "x")))
    assert condemned(stricter) <= condemned(scenario)


@STEADY
@given(scenarios(), st.sampled_from(("janitor:keep", "team", "anything")))
def test_more_tags_never_delete_more(scenario: Scenario, key: str) -> None:
    """Neither a tag on the revisions nor a further keep tag of the rule condemns anything."""
    on_revisions = replace(
        scenario, family=tuple(replace(each, tags={**each.tags, key: ""}) for each in scenario.family)
    )
    in_the_rule = _with_rule(
        scenario, lambda rule: replace(rule, keep_tags=Sourced((*rule.keep_tags.value, key), "flag"))
    )
    assert condemned(on_revisions) <= condemned(scenario)
    assert condemned(in_the_rule) <= condemned(scenario)


@STEADY
@given(scenarios(), usages())
def test_more_usage_never_deletes_more(scenario: Scenario, found: FamilyUsage) -> None:
    """Whatever else turns out to be in use or unreadable, nothing more is condemned."""
    both = FamilyUsage(
        reasons={**scenario.usage.reasons, **found.reasons}, unreadable=scenario.usage.unreadable + found.unreadable
    )
    assert condemned(replace(scenario, usage=both)) <= condemned(scenario)


@STEADY
@given(scenarios(), st.timedeltas(min_value=0 * DAY, max_value=400 * DAY))
def test_what_is_due_stays_due(scenario: Scenario, later: timedelta) -> None:
    """With time alone, nothing that was to be deleted becomes safe: two nights do not contradict each other."""
    assert condemned(scenario) <= condemned(replace(scenario, now=scenario.now + later))


@STEADY
@given(scenarios())
def test_deciding_twice_changes_nothing(scenario: Scenario) -> None:
    """The same arguments give the same verdicts."""
    assert verdicts(scenario) == verdicts(scenario)


@STEADY
@given(st.data(), scenarios())
def test_the_order_of_a_listing_changes_nothing(data: st.DataObject, scenario: Scenario) -> None:
    """A listing may come in any order, and name a revision twice."""
    shuffled = data.draw(st.permutations(scenario.family))
    assert condemned(replace(scenario, family=tuple(shuffled))) == condemned(scenario)


@STEADY
@given(scenarios())
def test_a_second_run_finds_nothing_to_delete(scenario: Scenario) -> None:
    """Once the condemned are DELETE_IN_PROGRESS, or gone, the same moment condemns nothing else."""
    doomed = condemned(scenario)
    gone = tuple(each for each in scenario.family if each.id.number not in doomed)
    going = tuple(
        replace(each, status=Status.DELETE_IN_PROGRESS) if each.id.number in doomed else each
        for each in scenario.family
    )
    assert not condemned(replace(scenario, family=gone))
    assert not condemned(replace(scenario, family=going))


@STEADY
@given(rules())
def test_every_rule_reads_itself_aloud_with_its_sources(rule: Rule) -> None:
    """No value of a rule is silent about where it came from."""
    said = "\n".join(rule.sentences())
    sources = 1 if rule.keep else 5
    assert said.startswith("airflow: families * (policy.toml)")
    assert said.count("policy.toml") == sources

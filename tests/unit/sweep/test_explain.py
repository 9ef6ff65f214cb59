"""Rules of explain: the same verdicts as the sweep's, revision by revision, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.aws.pace import ReadBudget
from janitor.core.model import Decision, FamilyUsage, Reason, RevisionId, Status
from janitor.sweep.explain import Explainer
from tests.builders import due_family, policy, random_account, revision, rule
from tests.fakes import START, FakeTaskDefinitions, FakeUsage
from tests.unit.sweep.test_sweep_properties import STEADY

if TYPE_CHECKING:
    from janitor.core.retention import Policy
    from tests.builders import Account


def explainer(world: FakeTaskDefinitions, rules: Policy, usage: dict[str, FamilyUsage] | None = None) -> Explainer:
    """Build an explainer of a fake account."""
    return Explainer(policy=rules, task_definitions=world, usage=FakeUsage(usage or {}), now=START)


@STEADY
@given(
    account=st.builds(
        random_account, st.integers(0, 10**6), st.lists(st.integers(1, 30), min_size=1, max_size=2), st.integers(0, 7)
    ),
    page_size=st.integers(1, 12),
)
def test_explain_condemns_what_the_oracle_condemns(account: Account, page_size: int) -> None:
    """Family by family and revision by revision, with the same words."""
    world = account.world(page_size=page_size)
    explain = Explainer(policy=account.policy, task_definitions=world, usage=FakeUsage(account.usage), now=account.now)
    due = account.due()
    for name in account.families:
        family = explain.family(name)
        assert family.selected is account.policy.selects(name)
        assert not family.cut_short
        numbers = [each.verdict.revision.number for each in family.explanations]
        assert numbers == sorted((each.id.number for each in account.of(name)), reverse=True)
        for each in family.explanations:
            alone = explain.revision(each.verdict.revision)
            assert alone is not None
            assert alone.verdict == each.verdict
            if family.selected:
                assert (each.verdict.decision is Decision.DELETE) == (each.verdict.revision in due)


def test_one_revision_is_explained_with_its_image_its_rule_and_who_uses_it() -> None:
    """All that a person wants to know about it."""
    rules = policy(rule("etl", keep_newest=2))
    usage = {"etl": FamilyUsage(reasons={3: "service web runs it"}, unreadable=("tasks of cluster main",))}
    explanation = explainer(FakeTaskDefinitions(due_family(10)), rules, usage).revision(RevisionId("etl", 3))
    assert explanation is not None
    assert explanation.description.images == {"main": "registry/etl:3"}
    assert explanation.rule is rules.rules[0]
    assert explanation.used_by == "service web runs it"
    assert explanation.unreadable_usage == ("tasks of cluster main",)
    assert explanation.verdict.reason is Reason.IN_USE


def test_what_does_not_exist_is_not_explained() -> None:
    """Neither a revision nor a family."""
    explain = explainer(FakeTaskDefinitions(due_family(3)), policy(rule()))
    assert explain.revision(RevisionId("etl", 4)) is None
    assert explain.family("nobody").explanations == ()


@pytest.mark.parametrize(("number", "decision"), [(1, Decision.DELETE), (99, Decision.KEEP), (100, Decision.KEEP)])
def test_newer_ones_are_counted_only_as_far_as_it_matters(number: int, decision: Decision) -> None:
    """Of a family of ten pages the newest one is listed."""
    world = FakeTaskDefinitions(due_family(100), page_size=10)
    explanation = explainer(world, policy(rule(keep_newest=5))).revision(RevisionId("etl", number))
    assert explanation is not None
    assert explanation.verdict.decision is decision
    assert world.calls["list"] == 1


def test_an_active_revision_needs_one_listing_to_tell_whether_it_is_an_orphan() -> None:
    """Its status keeps it from being deleted; that it is the newest, from being an orphan."""
    world = FakeTaskDefinitions([revision(1, status=Status.ACTIVE)])
    explanation = explainer(world, policy(rule(keep_newest=5))).revision(RevisionId("etl", 1))
    assert explanation is not None
    assert explanation.verdict.reason is Reason.NOT_INACTIVE
    assert explanation.orphan is not None
    assert explanation.orphan.reason is Reason.AMONG_NEWEST_ACTIVE
    assert world.calls["list"] == 1


def test_a_family_is_explained_as_far_as_the_reads_go() -> None:
    """Newest first, and it says that it was cut short."""
    reads = ReadBudget(3 + 5)
    world = FakeTaskDefinitions(due_family(30), spend=reads.take)
    family = explainer(world, policy(rule())).family("etl")
    assert [each.verdict.revision.number for each in family.explanations] == [30, 29, 28, 27, 26]
    assert family.cut_short


def test_one_gone_between_the_listing_and_its_description_is_left_out() -> None:
    """And does not count among the newest."""
    world = FakeTaskDefinitions(due_family(5))
    world.vanishing = {RevisionId("etl", 5)}
    family = explainer(world, policy(rule(keep_newest=1))).family("etl")
    assert [(each.verdict.revision.number, each.verdict.reason) for each in family.explanations] == [
        (4, Reason.AMONG_NEWEST),
        (3, Reason.DUE),
        (2, Reason.DUE),
        (1, Reason.DUE),
    ]


def test_a_family_outside_the_run_is_explained_and_said_to_be_outside() -> None:
    """So that nobody wonders why it is not in the report."""
    explain = explainer(FakeTaskDefinitions(due_family(1)), policy(rule(), exclude=("etl",)))
    assert not explain.family("etl").selected


def test_the_lookup_table_is_asked_once_and_said_if_it_cannot_be_read() -> None:
    """Of a family with many old ACTIVE revisions; an unreadable table counts as any other user who cannot be asked."""
    world = FakeTaskDefinitions([revision(n, status=Status.ACTIVE, registered=90 - n) for n in range(1, 9)])
    table = FakeUsage({"etl": FamilyUsage(reasons={3: "the lookup table"}, unreadable=("denied",))})
    rules = policy(rule("etl"))
    found = Explainer(policy=rules, task_definitions=world, usage=FakeUsage(), now=START, lookup_table=table).family(
        "etl"
    )
    verdicts = {each.verdict.revision.number: each for each in found.explanations}
    assert table.asked == ["etl"]
    assert verdicts[3].decisive.reason is Reason.IN_LOOKUP_TABLE
    assert verdicts[1].decisive.reason is Reason.USAGE_UNKNOWN
    assert verdicts[1].unreadable_usage == ("denied",)
    assert verdicts[8].unreadable_usage == (), "the newest stays whatever the table says"

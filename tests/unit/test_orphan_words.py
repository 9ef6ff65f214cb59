"""What people read about ACTIVE orphans: that a DAG leaks, what would go and what went, and each one's story."""

from __future__ import annotations

import json

import pytest

from janitor.core.model import FamilyUsage, Mode, RevisionId, Status
from janitor.render.json import explanations_json, report_fields
from janitor.render.table import explanation_story, family_map
from janitor.render.words import summary
from janitor.sweep.events import Limits
from janitor.sweep.explain import Explainer, Explanation, FamilyExplanation
from tests.builders import policy, rule, sweep
from tests.fakes import START, FakeTaskDefinitions, FakeUsage
from tests.unit.sweep.test_deregister import ASKING, active, leaking

LEAK = (
    "No clean-up of INACTIVE revisions will see them. Have the DAG or pipeline deregister its revision in a teardown "
    "task, which runs even when the run fails"
)


def test_a_leak_is_named_with_what_to_do_about_it() -> None:
    """The most first; the others are counted."""
    world = FakeTaskDefinitions([each for place, name in enumerate("abcdefg") for each in leaking(place, name)])
    said = summary(sweep(world, policy(rule())).report)
    line = said.index(
        "ACTIVE orphans, old and named by nothing: 6 in g, 5 in f, 4 in e, 3 in d, 2 in c, and in 1 more."
    )
    assert said[line + 1] == f"{LEAK}; or have a rule deregister orphans."
    assert not any("eregistered" in each for each in said)


def test_without_a_leak_nothing_is_said() -> None:
    """Nor where nobody knows."""
    blind = {"etl": FamilyUsage(unreadable=("schedules",))}
    for ran in (
        sweep(FakeTaskDefinitions(leaking(0)), policy(rule())),
        sweep(FakeTaskDefinitions(leaking(2)), policy(rule()), usage=blind),
    ):
        assert not any("ACTIVE orphans, old" in each for each in summary(ran.report))


def test_a_report_says_would_and_a_sweep_says_did() -> None:
    """Each with the dose and with what kept the others, apart from the figures of deletion."""
    family = [*leaking(3), active(9, registered=90, by="arn:aws:iam::1:user/ada"), active(10, registered=1)]
    limits = Limits(max_deregistrations=2)
    said = summary(sweep(FakeTaskDefinitions(family), ASKING, mode=Mode.REPORT, limits=limits).report)
    assert "It would deregister 4 ACTIVE orphans, at most 2 a sweep." in said
    assert "Would stay ACTIVE: 1 registered by nobody whom their rule names." in said
    world = FakeTaskDefinitions(family)
    world.refused = {RevisionId("etl", 1): "no"}
    said = summary(sweep(world, ASKING, limits=limits).report)
    assert "Deregistered 1 ACTIVE orphan: INACTIVE now, at most 2 a sweep." in said
    assert "Failed, to be deregistered: 1 revision." in said
    assert f"{LEAK}." in said
    said = summary(sweep(FakeTaskDefinitions(leaking(0)), ASKING).report)
    assert "Deregistered no ACTIVE orphan, at most 500 a sweep." in said


def test_json_has_the_figures_apart_from_those_of_deletion() -> None:
    """By family and in all; they add up."""
    world = FakeTaskDefinitions([*leaking(3), active(9, registered=90, by=None), active(10, registered=1)])
    fields = report_fields(sweep(world, ASKING, limits=Limits(max_deregistrations=3)).report)
    (family,) = fields["families"]
    for figures in (family, fields["totals"]):
        assert (figures["active_orphans"], figures["active_orphans_is_exact"]) == (2, True)
        assert figures["judged"] == figures["due"] == figures["deleted"] == 0
        assert figures["deregistrations"] == {
            "judged": 3,
            "due": 3,
            "due_low": 3,
            "due_high": 3,
            "due_is_exact": True,
            "deregistered": 3,
            "refused": 0,
            "failed": 0,
            "not_attempted": 0,
            "kept": 0,
            "kept_by_reason": {},
        }
    assert fields["max_deregistrations"] == 3


def explained(number: int | None, asked: bool = True) -> Explanation | FamilyExplanation:  # noqa: FBT001, FBT002 - short
    """Explain one of a family, or all of it."""
    world = FakeTaskDefinitions([active(1), active(2), active(3, registered=5), active(4, registered=1)])
    explainer = Explainer(
        policy=ASKING if asked else policy(rule()),
        task_definitions=world,
        usage=FakeUsage({"etl": FamilyUsage(reasons={2: "task 7 runs with it"})}),
        now=START,
    )
    found = explainer.family("etl") if number is None else explainer.revision(RevisionId("etl", number))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("number", "asked", "story"),
    [
        (
            1,
            True,
            "DEREGISTER: an orphan: registered 100 days ago, and named by nothing; past the 14 days of rule for *",
        ),
        (
            1,
            False,
            "KEEP: an orphan: registered 100 days ago, and named by nothing; no rule asks for its deregistration",
        ),
        (2, True, "KEEP: task 7 runs with it"),
        (3, True, "KEEP: registered on 2027-02-24, no orphan before 2027-03-10"),
        (4, True, "KEEP: it is among the newest 1 ACTIVE ones"),
    ],
)
def test_explain_tells_whether_one_is_an_orphan_what_keeps_it_and_when_it_goes(
    number: int, story: str, *, asked: bool
) -> None:
    """Beside the verdict on its deletion; in JSON too."""
    one = explained(number, asked)
    assert isinstance(one, Explanation)
    shown = explanation_story(one, width=200, color=False)
    assert story in shown
    assert "KEEP: it is ACTIVE, not INACTIVE" in shown
    (fields,) = json.loads(explanations_json((one,)))
    assert f"{fields['orphan']['decision']}: {fields['orphan']['words']}" == story


def test_a_familys_map_tells_it_too() -> None:
    """Newest first, each ACTIVE one by what keeps it."""
    whole = explained(None)
    assert isinstance(whole, FamilyExplanation)
    reasons = [each.orphan.reason.value for each in whole.explanations if each.orphan is not None]
    assert reasons == ["among_newest_active", "registered_lately", "in_use", "orphaned"]
    assert "DEREGISTER: an orphan" in family_map(whole, width=200, color=False)
    assert all(each.description.revision.status is Status.ACTIVE for each in whole.explanations)

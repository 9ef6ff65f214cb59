"""Plan, then apply exactly that: the file as it is written, and what is refused of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from janitor.core.plan import digest, numbers_in
from janitor.local.families import Status
from tests.commandline import run, small_account

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from janitor.local.ecs import EmbeddedEcs

DUE = {"airflow-dbt": "6-8,10-35", "dead-report": "1-4", "web": "1-2,4-13"}


@pytest.fixture
def ecs() -> EmbeddedEcs:
    """Provide an account with one of everything."""
    return small_account()


@pytest.fixture
def plan(ecs: EmbeddedEcs, tmp_path: Path) -> Path:
    """Provide the plan that an exact report makes of it; no call is counted yet."""
    path = tmp_path / "plan.json"
    assert run(ecs, "report", "--exact", "-o", str(path)).code == 0
    ecs.calls.clear()
    return path


def edited(path: Path, edit: Callable[[dict[str, Any]], object], *, digest_too: bool = False) -> None:
    """Edit the report in a file, and its plan's digests where somebody took that trouble."""
    report = json.loads(path.read_text(encoding="utf-8"))
    edit(report)
    if digest_too:
        plan = report["plan"]
        plan["policy"]["digest"] = digest({name: value for name, value in plan["policy"].items() if name != "digest"})
        plan["digest"] = digest({name: value for name, value in plan.items() if name != "digest"})
    path.write_text(json.dumps(report), encoding="utf-8")


def test_a_plan_is_applied_exactly_and_once_more_without_harm(ecs: EmbeddedEcs, plan: Path) -> None:
    """Those deletions and no others; one of them is used by now, others are due by now; the numbers add up."""
    assert json.loads(plan.read_text(encoding="utf-8"))["plan"]["families"] == DUE
    ecs.seed_task("main", "web:5")
    ecs.clock.sleep(120 * 86_400)
    first = json.loads(run(ecs, "sweep", "--plan", str(plan), "--yes", "--format", "json").out)
    assert (first["totals"]["planned"], first["totals"]["deleted"], first["totals"]["not_found"]) == (45, 44, 0)
    assert first["totals"]["kept_by_reason"] == {"not_planned": 43, "in_use": 1}
    assert first["applied_plan"] == {"sweep_id": "20261101T030000000000Z", "made_at": "2026-11-01T03:00:00+00:00"}
    assert ecs.status("web", 5) == Status.INACTIVE
    again = run(ecs, "sweep", "--plan", str(plan), "--yes")
    said = " ".join(again.out.split())
    assert "names 45 revisions in 3 families: 0 still due, 0 of them deleted." in said
    assert "In the plan, but kept: 1 in use." in said
    assert "In the plan, but gone already: 44 revisions, not INACTIVE any more." in said
    assert again.code == 0


def test_a_plan_stopped_on_the_way_says_what_it_did_not_come_to(ecs: EmbeddedEcs, plan: Path) -> None:
    """That is not called gone."""
    ran = run(ecs, "sweep", "--plan", str(plan), "--yes", "--max-deletions", "10")
    assert ran.code == 4
    assert "In the plan, but not come to, or gone already:" in ran.out
    assert sum(ecs.count(family, "DELETE_IN_PROGRESS") for family in DUE) == 10


def test_what_earlier_sweeps_learned_changes_nothing_about_a_plan(ecs: EmbeddedEcs, tmp_path: Path) -> None:
    """With a store that knows late-deregistered revisions: still those deletions and no others."""
    store, path = ("--store", str(tmp_path / "store")), tmp_path / "plan.json"
    for days in (0, 125):
        ecs.clock.sleep(days * 86_400)
        run(ecs, "sweep", "--yes", *store)
    ecs.clock.sleep(3 * 86_400)
    run(ecs, "report", "--exact", "-o", str(path))
    planned = json.loads(path.read_text(encoding="utf-8"))["plan"]["families"]
    assert list(planned) == ["airflow-dbt"]
    before = ecs.numbers("airflow-dbt", "INACTIVE")
    ecs.clock.sleep(120 * 86_400)
    swept = json.loads(run(ecs, "sweep", "--yes", "--plan", str(path), "--format", "json", *store).out)
    gone = [number for number in before if number not in ecs.numbers("airflow-dbt", "INACTIVE")]
    assert gone == list(numbers_in(planned["airflow-dbt"]))
    assert len(gone) < len(before) - 10, "others have come to be due"
    assert (swept["totals"]["deleted"], swept["totals"]["not_found"]) == (len(gone), 0)


def test_flags_may_narrow_a_plan(ecs: EmbeddedEcs, plan: Path) -> None:
    """To some of its families; the others are named."""
    ran = run(ecs, "sweep", "--plan", str(plan), "--yes", "--family", "web")
    assert {family: ecs.count(family, "DELETE_IN_PROGRESS") for family in DUE} == {
        "airflow-dbt": 0,
        "dead-report": 0,
        "web": 12,
    }
    assert "in the plan, but not among the families of this sweep: airflow-dbt" in ran.out


def test_the_same_policy_in_other_words_is_the_same(ecs: EmbeddedEcs, plan: Path, tmp_path: Path) -> None:
    """A file that says what the defaults are."""
    policy = tmp_path / "policy.toml"
    rule = 'families = ["*"]\nretention = "4320h"\nkeep_tags = ["janitor:keep", "AWSBatchServiceTag"]'
    policy.write_text(f"[[rule]]\n{rule}", encoding="utf-8")
    ran = run(ecs, "sweep", "--plan", str(plan), "--yes", "--policy", str(policy), "--format", "json")
    assert json.loads(ran.out)["totals"]["deleted"] == 45


@pytest.mark.parametrize("command", [("report",), ("report", "--exact", "--max-time", "1s"), ("sweep", "--yes")])
def test_only_a_whole_exact_report_makes_a_plan(ecs: EmbeddedEcs, command: tuple[str, ...], tmp_path: Path) -> None:
    """What was estimated, cut short or done is no plan, and what refuses it says what to do."""
    path = tmp_path / "report.json"
    run(ecs, *command, "-o", str(path))
    assert "plan" not in json.loads(path.read_text(encoding="utf-8"))
    ecs.calls.clear()
    ran = run(ecs, "sweep", "--yes", "--plan", str(path))
    assert ran.code == 2
    assert "it holds no plan; make one with janitor report --exact -o plan.json" in ran.err
    assert not ecs.calls


ALTERED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "number": (lambda report: report["plan"]["families"].update(web="1-13"), "it was altered since it was made"),
    "family": (lambda report: report["plan"]["families"].update(other="1"), "it was altered since it was made"),
    "date": (lambda report: report["plan"].update(made_at="2026-11-02T03:00:00+00:00"), "it was altered"),
    "digest": (lambda report: report["plan"].update(digest="0" * 64), "it was altered since it was made"),
    "rule": (lambda report: report["plan"]["policy"]["rules"][0].update(keep_newest=0), "its policy was altered"),
    "schema": (lambda report: report.update(schema_version=2), "schema_version 2 is newer than this janitor knows (1)"),
    "version": (lambda report: report["plan"].update(version=2), "plan version 2 is newer than this janitor knows (1)"),
    "missing": (lambda report: report["plan"].pop("account"), "account: it is missing"),
    "unknown": (lambda report: report["plan"].update(extra=1), "unknown key 'extra'"),
    "no object": (lambda report: report.update(plan=[1]), "[1] is not an object"),
    "families": (lambda report: report["plan"].update(families=["web"]), "families: "),
    "numbers": (lambda report: report["plan"]["families"].update(web=[1, 2]), "[1, 2] is not a text"),
    "rules": (lambda report: report["plan"]["policy"].update(rules={}), "it was altered"),
}


@pytest.mark.parametrize(("edit", "says"), ALTERED.values(), ids=ALTERED)
def test_an_altered_plan_is_refused(
    ecs: EmbeddedEcs, plan: Path, edit: Callable[[dict[str, Any]], object], says: str
) -> None:
    """By name, and nothing is called."""
    edited(plan, edit)
    ran = run(ecs, "sweep", "--yes", "--plan", str(plan))
    assert ran.code == 2
    assert says in ran.err
    assert "Nothing was touched" in ran.err
    assert not ecs.calls


FORGED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "zero": (lambda plan: plan["families"].update(web="0"), "family web: '0' does not begin with a number"),
    "negative": (lambda plan: plan["families"].update(web="-3"), "family web: '-3' does not begin with a number"),
    "long": (lambda plan: plan["families"].update(web="12345678901"), "family web: '12345678901' does not begin"),
    "endless": (lambda plan: plan["families"].update(web="1-9999999999"), "family web: more than 1,000,000 revisions"),
    "overlap": (lambda plan: plan["families"].update(web="1-5,5"), "family web: 5 does not ascend"),
    "nothing": (lambda plan: plan["families"].update(web=""), "family web: '' does not begin with a number"),
    "name": (lambda plan: plan["families"].update({"a\x1b[2Jb": "1"}), "'a\\x1b[2Jb' is not the name of a family"),
    "count": (lambda plan: plan.update(revisions=44), "it says 44 revisions and names 45"),
    "account": (lambda plan: plan.update(account=None), "account None is not twelve digits"),
    "date": (lambda plan: plan.update(made_at="yesterday"), "made_at 'yesterday' is not a time with its zone"),
    "zone": (lambda plan: plan.update(made_at="2026-11-01"), "made_at '2026-11-01' is not a time with its zone"),
    "policy": (
        lambda plan: plan["policy"]["rules"][0].update(retention_seconds=10**40),
        "rule 1: retention is 1" + "0" * 40 + " in the plan, 180 days in this sweep",
    ),
}


@pytest.mark.parametrize(("edit", "says"), FORGED.values(), ids=FORGED)
def test_an_absurd_plan_is_refused_whatever_its_digest(
    ecs: EmbeddedEcs, plan: Path, edit: Callable[[dict[str, Any]], object], says: str
) -> None:
    """Whoever can make a digest cannot make a crash."""
    edited(plan, lambda report: edit(report["plan"]), digest_too=True)
    ran = run(ecs, "sweep", "--yes", "--plan", str(plan))
    assert ran.code == 2
    assert says in ran.err
    assert "\x1b" not in ran.err
    assert not ecs.calls


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"9" * 5_000, "it is not JSON"),
        (b"[]", "it is not a report of janitor's"),
        (b"{}", "it is not a report of janitor's"),
        (b'{"schema_version": true}', "it is not a report of janitor's"),
        (b'{"schema_version": 1}', "it is a bounded report"),
    ],
)
def test_what_is_no_plan_is_refused_with_what_to_do(
    ecs: EmbeddedEcs, tmp_path: Path, content: bytes, says: str
) -> None:
    """The file is named."""
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    ran = run(ecs, "sweep", "--yes", "--plan", str(path))
    assert ran.code == 2
    assert f"--plan plan.json: {says}" in ran.err
    assert "make one with janitor report --exact -o plan.json" in ran.err
    assert not ecs.calls


def test_all_problems_are_said_at_once(ecs: EmbeddedEcs, plan: Path) -> None:
    """Another policy, another Region, an altered number of the plan's, a folder that is not there: each by name."""
    edited(plan, lambda report: report["plan"].update(region="us-east-1"), digest_too=True)
    ran = run(ecs, "sweep", "--yes", "--plan", str(plan), "--older-than", "30d", "--age-from", "registeredAt")
    assert ran.code == 2
    for says in (
        "--plan: it is for Region us-east-1, and this is eu-west-1",
        "--plan: another policy: rule 1: retention is 180 days in the plan, 30 days in this sweep",
        "--plan: another policy: rule 1: age_from is deregisteredAt in the plan, registeredAt in this sweep",
    ):
        assert says in ran.err
    ran = run(ecs, "sweep", "--yes", "--plan", "nowhere.json", "--keep-newest", "x", "-o", "no/such/file")
    for says in ("--plan nowhere.json: it cannot be read: No such file", "--keep-newest", "--output no/such/file"):
        assert says in ran.err
    assert not ecs.calls


def test_a_policy_with_another_number_of_rules_is_named(ecs: EmbeddedEcs, plan: Path, tmp_path: Path) -> None:
    """The first rule differs by value, the second is one too many."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rule]]\nfamilies = ["a-*"]\n[[rule]]\nfamilies = ["*"]', encoding="utf-8")
    ran = run(ecs, "sweep", "--yes", "--plan", str(plan), "--policy", str(policy))
    assert "rule 1: families is * in the plan, a-* in this sweep" in ran.err
    assert "rule 2: the plan has no such rule" in ran.err
    assert not ecs.calls


def test_sources_of_usage_that_are_not_asked_are_part_of_the_policy(
    ecs: EmbeddedEcs, plan: Path, tmp_path: Path
) -> None:
    """A plan made with all of them is not applied with fewer."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rule]]\nfamilies = ["*"]\n[usage]\noff = ["schedules", "rules"]', encoding="utf-8")
    ran = run(ecs, "sweep", "--yes", "--plan", str(plan), "--policy", str(policy))
    assert ran.code == 2
    assert "usage_off is empty in the plan, rules, schedules in this sweep" in ran.err
    assert not ecs.calls
    run(ecs, "report", "--exact", "--policy", str(policy), "-o", str(plan))
    assert run(ecs, "sweep", "--yes", "--plan", str(plan), "--policy", str(policy)).code == 0
    assert ecs.count("web", "DELETE_IN_PROGRESS")


def test_a_plan_of_another_account_is_refused(ecs: EmbeddedEcs, plan: Path) -> None:
    """One listing tells the account; nothing is described, and nothing deleted."""
    edited(plan, lambda report: report["plan"].update(account="999999999999"), digest_too=True)
    ran = run(ecs, "sweep", "--yes", "--plan", str(plan))
    assert ran.code == 2
    assert "--plan: it is for account 999999999999, and this is account 123456789012" in ran.err
    assert dict(ecs.calls) == {"ListTaskDefinitions": 1}


def test_a_sweep_by_plan_asks_or_is_told_yes(ecs: EmbeddedEcs, plan: Path) -> None:
    """Where nobody can be asked, it is refused before anything is called."""
    ran = run(ecs, "sweep", "--plan", str(plan))
    assert ran.code == 2
    assert "--yes" in ran.err
    assert not ecs.calls

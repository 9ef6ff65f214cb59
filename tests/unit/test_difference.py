"""What two reports decide differently: what is called a difference, what is refused, what is said."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from janitor.core.boundary import Estimate
from janitor.core.difference import Figure, Sameness, Sign, difference, guess
from janitor.core.hop import SoFar
from janitor.core.model import OutcomeKind
from janitor.core.plan import digest
from janitor.errors import BadInput
from janitor.function import LEAST, MARGIN
from janitor.render.difference import difference_json, difference_markdown, difference_table, policy_lines
from janitor.render.json import report_json
from janitor.settings.report_file import MOST_PROBLEMS, NEEDED, report_in
from tests.commandline import run, small_account
from tests.reports import reports
from tests.schemas import described
from tests.unit.core.strategies import STEADY
from tests.unit.test_function import stage_of

if TYPE_CHECKING:
    from janitor.core.difference import Difference, Side
    from janitor.core.report import Report

GOLDEN = Path(__file__).parents[1] / "golden" / "reports"
EXACT: dict[str, Any] = json.loads((GOLDEN / "report-exact.json").read_text(encoding="utf-8"))
SWEPT: dict[str, Any] = json.loads((GOLDEN / "sweep.json").read_text(encoding="utf-8"))


def side(document: Any, name: str = "a.json") -> Side:  # noqa: ANN401 - whatever a file may hold
    """Read a report as a file would hold it."""
    return report_in(json.dumps(document).encode(), name)


def compared(**changes: Any) -> Difference:  # noqa: ANN401 - fields of a report
    """Compare the golden report with itself, some fields of it changed."""
    return difference(side(EXACT), side({**EXACT, **changes}, "b.json"))


def family(name: str, **changes: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - fields of a family
    """Return the golden report's families, one of them changed."""
    return [{**each, **(changes if each["family"] == name else {})} for each in EXACT["families"]]


def said(made: Difference) -> str:
    """Return all that the table says, as one line."""
    return " ".join(difference_table(made, width=100, color=False).split())


EXACTLY = Estimate.exactly
FIGURES = {
    "the same count": (EXACTLY(5), EXACTLY(5), Sameness.SAME),
    "another count": (EXACTLY(5), EXACTLY(6), Sameness.DIFFERENT),
    "a count inside the interval": (EXACTLY(5), Estimate(value=9, low=5, high=12), Sameness.OPEN),
    "a count beside the interval": (EXACTLY(4), Estimate(value=9, low=5, high=12), Sameness.DIFFERENT),
    "intervals that meet": (Estimate(value=3, low=1, high=5), Estimate(value=9, low=5, high=12), Sameness.OPEN),
    "intervals apart": (Estimate(value=3, low=1, high=4), Estimate(value=9, low=5, high=12), Sameness.DIFFERENT),
    "the same estimate": (Estimate(value=3, low=1, high=4), Estimate(value=3, low=1, high=4), Sameness.OPEN),
    "a guess": (EXACTLY(500_000), guess(0), Sameness.OPEN),
    "not read": (None, EXACTLY(0), Sameness.OPEN),
    "read in neither": (None, None, Sameness.SAME),
}


@pytest.mark.parametrize(("before", "after", "sameness"), FIGURES.values(), ids=list(FIGURES))
def test_only_what_no_estimate_explains_is_a_difference(
    before: Estimate | None, after: Estimate | None, sameness: Sameness
) -> None:
    """In either order."""
    assert Figure(before=before, after=after).sameness is sameness
    assert Figure(before=after, after=before).sameness is sameness


@settings(STEADY, max_examples=40)
@given(one=reports(), other=reports())
def test_any_two_reports_can_be_compared(one: Report, other: Report) -> None:
    """No report differs from itself; the other way round is the mirror image; a plan's numbers are shared out."""
    a, b = (report_in(report_json(each).encode(), "x") for each in (one, other))
    assert difference(a, a).sameness is not Sameness.DIFFERENT
    made, mirrored = difference(a, b), difference(b, a)
    assert made.sameness is mirrored.sameness
    assert (made.came, made.went, made.untold) == (mirrored.went, mirrored.came, mirrored.untold)
    for name, each in made.families.items():
        assert each.sameness is mirrored.families[name].sameness
        if each.plan is not None:
            assert {*each.plan.only_before} == {*a.planned(name)} - {*b.planned(name)}
            assert {*each.plan.only_after} == {*b.planned(name)} - {*a.planned(name)}
            assert each.plan.both == len({*a.planned(name)} & {*b.planned(name)})
    described(json.loads(difference_json(made)), "difference")
    for text in (difference_table(made, width=60, color=False), difference_markdown(made)):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_a_report_does_not_differ_from_a_later_one_that_decides_the_same() -> None:
    """When, by whom and at what cost it was made is no difference."""
    made = compared(
        sweep_id="another", version="9.9", started_at="2027-01-01T00:00:00+00:00", api_calls={}, warnings=["x"]
    )
    assert made.sameness is Sameness.SAME
    assert "They decide the same." in said(made)


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "due": ({"families": family("web", due=13, due_low=13, due_high=13)}, "~ web due 12 → 13 +1"),
    "kept for a reason": (
        {"families": family("web", kept_by_reason={"tagged": 3})},
        "kept, carrying a tag that keeps them 0 → 3 +3",
    ),
    "a rule": ({"families": family("web", rule="rule 2")}, "rule the default rule → rule 2"),
    "refused": ({"families": family("web", refused=4)}, "refused 0 → 4 +4"),
    "the count": ({"families": family("web", revision_count=17)}, "revisions 16 → 17 +1"),
    "a family less": ({"families": EXACT["families"][1:]}, "- airflow-dbt: 29 due, 38 kept, 70 revisions"),
    "the policy": ({"policy": [*EXACT["policy"], "never families x (--exclude)"]}, "+ never families x (--exclude)"),
    "the account": ({"account": "210987654321"}, "These are reports of different places, 123456789012 · eu-west-1 and"),
    "the Region": ({"region": "us-east-1"}, "123456789012 · us-east-1: families of one name are not the same."),
    "the mode": ({"mode": "delete"}, "A is a report, B is a sweep."),
    "the ending": ({"ending": "stopped_at_time", "ending_reason": "time is up."}, "A: finished. B: time is up."),
    "usage": (
        {"usage_not_read": ["rules: denied"]},
        "Only B could not read what says who uses a revision: rules: denied.",
    ),
    "families not read": ({"families_not_read": ["web"]}, "Only B could not read families: web."),
}


@pytest.mark.parametrize(("changes", "says"), CHANGES.values(), ids=list(CHANGES))
def test_each_difference_is_found_and_said(changes: dict[str, Any], says: str) -> None:
    """In the table and in the Markdown; the JSON holds it too."""
    made = compared(**changes)
    assert made.sameness is Sameness.DIFFERENT
    assert says in said(made)
    assert json.loads(difference_json(made))["sameness"] == "different"
    assert "They decide the same" not in difference_markdown(made)


def test_a_family_that_came_is_told_with_what_is_planned() -> None:
    """As one that only the second report names."""
    made = difference(side({**EXACT, "families": EXACT["families"][:3]}), side(EXACT, "b.json"))
    assert "+ web: 12 due, 3 kept, 16 revisions, planned 1-2, 4-13" in said(made)
    assert "In B alone: 1 family." in said(made)


@pytest.mark.parametrize("changes", [{"families_left_out": 3}, {"families_not_read": ["airflow-dbt"]}])
def test_a_family_that_may_be_there_all_the_same_did_not_go(changes: dict[str, Any]) -> None:
    """The function's answer leaves families out, and some could not be read."""
    shown = {**EXACT, "families": EXACT["families"][1:], **changes}
    if "families_left_out" in changes:
        del shown["plan"]
        shown |= {"hop": 1, "hopped_on": False, "sweep_totals": asdict(SoFar())}
    made = difference(side(EXACT), side(shown, "b.json"))
    assert (made.went, made.untold) == ((), ("airflow-dbt",))
    assert "1 family may have been left out or not read: airflow-dbt." in said(made)


def test_what_a_run_did_not_come_to_is_no_difference() -> None:
    """A sweep that stopped at a limit has not looked at what lies beyond."""
    stopped = {**SWEPT, "ending": "stopped_at_limit", "families": family("web", due=2, due_low=2, due_high=2)}
    made = difference(side(SWEPT), side(stopped, "b.json"))
    assert made.families["web"].figures["due"].sameness is Sameness.OPEN


def test_what_a_sample_did_not_see_is_no_difference() -> None:
    """Neither a reason that it met no revision of, nor how many are kept in all."""
    web = {"due_low": 1, "due_high": 15, "due_is_exact": False, "kept": 4, "kept_by_reason": {"young": 4}}
    made = difference(side(EXACT), side({**EXACT, "families": family("web", **web)}, "b.json")).families["web"]
    assert {name for name, each in made.kept.items() if each.sameness is Sameness.DIFFERENT} == set()
    assert made.kept.keys() == {"among_newest", "in_use", "young"}
    assert made.figures["kept"].sameness is Sameness.OPEN
    assert made.sameness is Sameness.OPEN


def test_where_most_would_change_stands_first() -> None:
    """Families by how much more or less is due in them, then by name."""
    changes = {"airflow-dbt": 30, "dead-report": 1, "web": 2}
    changed = [
        {**each, **dict.fromkeys(("due", "due_low", "due_high"), changes.get(each["family"], each["due"]))}
        for each in EXACT["families"]
    ]
    text = difference_table(compared(families=changed), width=80, color=False)
    assert re.findall(r"^~ (\S+)", text, re.MULTILINE) == ["web", "dead-report", "airflow-dbt"]


def test_a_line_that_belongs_to_no_rule_has_no_heading() -> None:
    """Only what stands below a rule is shown with it."""
    made = compared(policy=[*EXACT["policy"], "never families x (--exclude)"])
    assert list(policy_lines(made)) == [(Sign.AFTER, "never families x (--exclude)")]


def test_a_rule_reads_as_a_block_of_what_changed() -> None:
    """Its heading stands before its lines, and only where one of them changed."""
    ecs = small_account()
    said = difference_markdown(
        difference(
            *(
                report_in(run(ecs, "report", "--format", "json", *flags).out.encode(), "x")
                for flags in ((), ("--keep-newest", "3"))
            )
        )
    )
    block = said[said.index("```diff") : said.rindex("```")].splitlines()
    assert block[1:] == [
        "  the default rule: families * (default):",
        "-   but keep the newest 2 INACTIVE ones (default)",
        "+   but keep the newest 3 INACTIVE ones (--keep-newest)",
    ]


def test_an_answer_of_the_function_is_compared_like_a_report() -> None:
    """The last report in a store is such an answer."""
    first, second = stage_of(60), stage_of(90)
    answers = [each.sweep(seconds=MARGIN + LEAST + 100)[-1] for each in (first, second)]
    made = difference(side(answers[0]), side(answers[1], "b.json"))
    assert made.families["etl"].figures[OutcomeKind.DELETED.value] == Figure(before=EXACTLY(60), after=EXACTLY(90))


def test_a_report_of_another_version_is_read() -> None:
    """One may have fields that nobody here knows, one may lack what came later."""
    newer = {**EXACT, "new": 1, "families": [{**each, "new": {}} for each in EXACT["families"]]}
    older = {name: value for name, value in EXACT.items() if name in NEEDED}
    older["families"] = [{name: value for name, value in each.items() if name in NEEDED} for each in EXACT["families"]]
    assert len(older) < len(EXACT) - 5
    assert difference(side(newer), side(older)).sameness is Sameness.OPEN  # the older one does not tell the count
    for name in NEEDED & EXACT.keys() - {"schema_version"}:
        with pytest.raises(BadInput, match=f"'{name}' is missing"):
            side({each: value for each, value in EXACT.items() if each != name})


BAD: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"what", "it is not JSON; make one with janitor report -o report.json"),
    "not UTF-8": (b"\xff\xfe\xfd", "it is not JSON"),
    "too deep": (b"[" * 100_000, "it is not JSON"),
    "a list": (b"[]", "it is not a report of janitor's"),
    "another document": (b'{"version": 1}', "it is not a report of janitor's"),
    "a newer one": (b'{"schema_version": 2}', "schema_version 2 is newer than this janitor knows (1); update janitor"),
    "no number": (b'{"schema_version": true}', "it is not a report of janitor's"),
    "a wrong type": (json.dumps({**EXACT, "mode": 5}).encode(), "mode: 5 is not one of ['report', 'delete']"),
    "a wrong figure": (
        json.dumps({**EXACT, "families": family("web", kept=-1)}).encode(),
        "families[3].kept: -1 is less than the minimum of 0",
    ),
    "an interval that is none": (
        json.dumps({**EXACT, "families": family("web", due_low=99)}).encode(),
        "family web: an estimate needs",
    ),
    "no moment": (json.dumps({**EXACT, "started_at": "yesterday"}).encode(), "started_at: 'yesterday' is not a time"),
    "an altered plan": (
        json.dumps({**EXACT, "plan": {**EXACT["plan"], "revisions": 1}}).encode(),
        "it was altered since it was made",
    ),
}


@pytest.mark.parametrize(("content", "says"), BAD.values(), ids=list(BAD))
def test_what_is_no_report_is_refused_by_name(content: bytes, says: str) -> None:
    """With the file, the cause and where there is one the next step."""
    with pytest.raises(BadInput) as refused:
        report_in(content, "a.json")
    assert str(refused.value).startswith(f"a.json: {says}")


def test_a_file_full_of_mistakes_names_some_of_them() -> None:
    """And says how many more there are."""
    with pytest.raises(BadInput) as refused:
        side({**EXACT, "families": [{}] * 200})
    assert len(refused.value.problems) == MOST_PROBLEMS + 1
    assert refused.value.problems[-1].endswith("more problems")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Provide two reports that differ, as files."""
    ecs = small_account()
    folder = tmp_path_factory.mktemp("reports")
    paths = (str(folder / "a.json"), str(folder / "b.json"))
    run(ecs, "report", "--exact", "-o", paths[0])
    run(ecs, "report", "--exact", "-o", paths[1], "--older-than", "30d")
    return paths


def test_the_command_exits_with_0_unless_it_is_asked_to_tell(files: tuple[str, str]) -> None:
    """With --exit-code it exits as diff(1) does."""
    ecs = small_account()
    assert run(ecs, "diff", *files).code == 0
    assert run(ecs, "diff", *files, "--exit-code").code == 1
    assert run(ecs, "diff", files[0], files[0], "--exit-code").code == 0
    assert not ecs.calls


def test_the_format_follows_the_files_ending(files: tuple[str, str], tmp_path: Path) -> None:
    """As it does for a report."""
    ecs = small_account()
    for name, begins in (("d.json", "{"), ("d.md", "### What"), ("d.txt", "What two")):
        assert run(ecs, "diff", *files, "-o", str(tmp_path / name)).out == ""
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)


def test_one_of_them_may_come_from_stdin(files: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As the last report does that was fetched from a bucket."""
    content = Path(files[1]).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    ran = run(small_account(), "diff", files[0], "-")
    assert "B stdin: a report of" in ran.out


def test_bad_input_is_named_all_at_once(tmp_path: Path) -> None:
    """Both files, the format and where it should go; nothing is printed."""
    (tmp_path / "bad.json").write_text('{"schema_version": 7}', encoding="utf-8")
    ran = run(small_account(), "diff", str(tmp_path / "none.json"), str(tmp_path / "bad.json"), "-o", "/no/where.csv")
    assert (ran.out, ran.code) == ("", 2)
    for problem in (
        "it cannot be read: No such",
        "schema_version 7 is newer",
        "diff prints table",
        "cannot be written",
    ):
        assert problem in ran.err
    assert "stdin can be one of the two" in run(small_account(), "diff", "-", "-").err


def test_long_lists_are_shortened_for_people_and_whole_for_programs() -> None:
    """Families and ranges."""
    planned = ",".join(str(number) for number in range(1, 2_000, 2))
    plan = {**EXACT["plan"], "families": {"web": planned}, "revisions": 1_000}
    del plan["digest"]
    web = EXACT["families"][3]
    many = [{**web, "family": f"f{number:03}"} for number in range(120)]
    made = difference(side(EXACT), side({**EXACT, "plan": {**plan, "digest": digest(plan)}, "families": [*many, web]}))
    text = said(made)
    assert re.search(r"planned in B alone [0-9, ]+ and [0-9]+ more ranges", text)
    assert "70 families more differ; --format json names them." in text
    document = json.loads(difference_json(made))
    assert len(document["only_after"]) == 120
    (shown,) = [each for each in document["families"] if each["family"] == "web"]
    assert shown["planned_only_after"].endswith("1995,1997,1999")

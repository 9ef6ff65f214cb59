"""The JSON Schemas in the package describe all that is written for programs, and nothing that is not."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from janitor.core.model import LIMIT, OF_DELETIONS, OF_DEREGISTRATIONS, Mode, Reason
from janitor.core.report import SCHEMA_VERSION, Cause, Ending
from janitor.core.retention import AgeFrom
from janitor.function import LEAST, MARGIN
from janitor.local.faults import Fault
from janitor.render.json import report_json
from janitor.schemas import SCHEMAS, problems, schema_text
from tests.builders import random_account, survey, sweep_account
from tests.commandline import run, small_account
from tests.reports import reports
from tests.schemas import described
from tests.unit.core.strategies import STEADY
from tests.unit.test_function import STACK, stage_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from janitor.core.report import Report
    from tests.unit.test_function import Stage

GOLDEN = Path(__file__).parents[1] / "golden" / "reports"
SCHEMA = {name: json.loads(schema_text(name)) for name in SCHEMAS}
MAPS = (
    "kept_by_reason",
    "kept",
    "outcomes",
    "orphans_kept",
    "orphans_outcomes",
    "api_calls",
    "throttled_calls",
    "plan.families",
)
"""Objects whose keys are names, not fields."""


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_and_says_of_every_field_what_it_is(name: str) -> None:
    """Draft 2020-12, a description for each field, nothing but what is described, and no address to fetch from."""
    Draft202012Validator.check_schema(SCHEMA[name])
    for path, each in _objects(SCHEMA[name], name):
        if "properties" in each:
            assert each["additionalProperties"] is False, path
            assert each["title"], path
        for field, described_as in each.get("properties", {}).items():
            assert "description" in described_as or "$ref" in described_as, f"{path}.{field}"
    assert schema_text(name).count("://") == schema_text(name).count("https://json-schema.org/draft/2020-12/schema")


def test_the_schema_knows_the_words_that_the_code_knows() -> None:
    """A new reason, ending or outcome has its place in both."""
    report = SCHEMA["report"]
    fields = report["properties"]
    assert set(report["$defs"]["kept_by_reason"]["propertyNames"]["enum"]) == set(Reason)
    assert set(report["$defs"]["outcomes"]["propertyNames"]["enum"]) == set(OF_DELETIONS)
    assert set(report["$defs"]["deregistration_outcomes"]["propertyNames"]["enum"]) == set(OF_DEREGISTRATIONS)
    assert set(fields["ending"]["enum"]) == set(Ending)
    assert set(fields["mode"]["enum"]) == set(Mode)
    assert fields["exit_causes"]["items"]["enum"] == list(Cause)
    assert fields["limit"]["const"] == LIMIT
    assert fields["schema_version"]["const"] == SCHEMA_VERSION
    assert report["$defs"]["rule"]["properties"]["age_from"]["enum"] == [*AgeFrom, None]


@STEADY
@given(report=reports())
def test_any_report_is_as_its_schema_says(report: Report) -> None:
    """Whatever was read, however it ended, whatever things are called."""
    described(json.loads(report_json(report)), "report")


@pytest.mark.parametrize("seed", range(6))
def test_the_report_of_a_drawn_account_is_as_the_schema_says(seed: int) -> None:
    """Swept, reported and surveyed."""
    account = random_account(seed, (40, 90, 0, 15), keep_newest=seed % 3)
    surveyed, _ = survey(account, budget=60)
    for report in (sweep_account(account).report, sweep_account(account, report=True).report, surveyed):
        described(json.loads(report_json(report)), "report")


RUNS: dict[str, tuple[str, ...]] = {
    "finished": ("report",),
    "an exact one, with its plan": ("report", "--exact"),
    "nothing read": ("report", "--max-reads", "20"),
    "no family": ("report", "--family", "nothing-*"),
    "swept": ("sweep", "--yes"),
    "stopped at a limit": ("sweep", "--yes", "--max-deletions", "5"),
    "stopped at a time": ("sweep", "--yes", "--max-time", "2s"),
}


@pytest.mark.parametrize("arguments", RUNS.values(), ids=list(RUNS))
def test_what_a_command_prints_is_as_the_schema_says(arguments: tuple[str, ...]) -> None:
    """Of each mode and ending."""
    ecs = small_account()
    ecs.faults.refuse("web:5", reason="REFUSED_FOR_A_REASON")
    described(json.loads(run(ecs, *arguments, "--format", "json").out), "report")


def test_a_run_that_could_not_finish_is_as_the_schema_says() -> None:
    """It has a report too."""
    ecs = small_account()
    ecs.faults.add(Fault(operation="ListTaskDefinitions", code="AccessDeniedException", message="no"))
    document = json.loads(run(ecs, "report", "--exact", "--format", "json").out)
    assert document["ending"] == "could_not_finish"
    described(document, "report")


def test_an_applied_plan_is_as_the_schema_says(tmp_path: Path) -> None:
    """A sweep that was given a plan says which."""
    ecs = small_account()
    run(ecs, "report", "--exact", "-o", str(tmp_path / "plan.json"))
    document = json.loads(run(ecs, "sweep", "--yes", "--plan", str(tmp_path / "plan.json"), "--format", "json").out)
    assert document["applied_plan"]
    described(document, "report")


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.glob("*.json") if path.name != "explain.json"))
def test_a_golden_report_is_as_the_schema_says(name: str) -> None:
    """Whoever rewrites them sees it here."""
    described(json.loads((GOLDEN / name).read_text(encoding="utf-8")), "report")


def _answers() -> tuple[Stage, dict[str, Any]]:
    stage = stage_of(400)
    return stage, stage.sweep(seconds=MARGIN + LEAST + 5)[-1]


def test_what_the_function_answers_stores_and_publishes_is_as_the_schemas_say() -> None:
    """Hop for hop, in both modes."""
    stage, answer = _answers()
    assert {kind for kind, _ in stage.published} == {"Sweep Unfinished", "Sweep Finished"}
    for kind, detail in stage.published:
        described(json.loads(json.dumps(detail)), kind.lower().replace(" ", "-"))
    for stored in (*stage.reports, answer):
        described(json.loads(json.dumps(stored)), "report")
    reporting = stage_of(10, environment={**STACK, "JANITOR_MODE": "report"})
    described(reporting.invoke({"mode": "report"}), "report")


def _documents() -> dict[str, tuple[str, dict[str, Any]]]:
    stage, answer = _answers()
    unfinished, finished = (dict(stage.published)[kind] for kind in ("Sweep Unfinished", "Sweep Finished"))
    exact = json.loads((GOLDEN / "report-exact.json").read_text(encoding="utf-8"))
    return {
        "exact report": ("report", exact),
        "answer": ("report", answer),
        "unfinished": ("sweep-unfinished", json.loads(json.dumps(unfinished))),
        "finished": ("sweep-finished", json.loads(json.dumps(finished))),
    }


@pytest.mark.parametrize("which", ["exact report", "answer", "unfinished", "finished"])
def test_a_field_that_is_missing_or_was_added_is_noticed(which: str) -> None:
    """In every object of the document; the message says where."""
    name, document = _documents()[which]
    described(document, name)
    seen = 0
    for path, each in list(_objects(document, "")):
        if path.endswith(MAPS):
            continue
        for field in [*each, "unheard_of"]:
            changed = copy.deepcopy(document)
            place = dict(_objects(changed, ""))[path]
            if field in place:
                del place[field]
            else:
                place[field] = 1
            optional = path == "" and field == "plan"
            assert any(field in problem for problem in problems(changed, name)) != optional, f"{path}.{field}"
            seen += 1
    assert seen > 10


def test_a_plan_and_an_answers_fields_exclude_each_other() -> None:
    """The function makes no plan, and the command line has no hops."""
    exact = json.loads((GOLDEN / "report-exact.json").read_text(encoding="utf-8"))
    _, answer = _answers()
    assert list(problems({**answer, "plan": exact["plan"]}, "report"))


def test_a_problem_is_short_and_says_where() -> None:
    """It may quote a value of megabytes."""
    (problem,) = problems({**_documents()["exact report"][1], "region": ["x" * 10_000]}, "report")
    assert problem.startswith("region: ['xxx")
    assert len(problem) < 300


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_command_prints_the_file(name: str) -> None:
    """``janitor schema``, of a report unless another is named."""
    ran = run(small_account(), "schema", name)
    assert (ran.out, ran.code) == (schema_text(name), 0)
    assert run(small_account(), "schema").out == schema_text("report")


def _objects(value: object, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object in a JSON value with its path."""
    if isinstance(value, dict):
        yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _objects(child, f"{path}.{key}" if path else str(key))

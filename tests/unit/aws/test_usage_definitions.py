"""State machine definitions: what they name is found wherever it is; what only an execution knows is said to be so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.aws.usage.definitions import STARTS, Named, task_definitions_in
from janitor.local.validation import model_of
from tests.unit.sweep.test_sweep_properties import STEADY

if TYPE_CHECKING:
    from botocore.model import ServiceModel

WEB = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7"
ETL = "etl:3"


def run_task(task_definition: object = WEB, *, resource: str = "ecs:runTask", **members: object) -> dict[str, Any]:
    """Return a Task state that starts a task definition."""
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Parameters": {"Cluster": "main", "TaskDefinition": task_definition},
        "End": True,
        **members,
    }


def machine(*states: dict[str, Any], **members: object) -> dict[str, Any]:
    """Return a state machine, or a part of one, with these states."""
    return {"StartAt": "S0", "States": {f"S{number}": state for number, state in enumerate(states)}, **members}


def named(*states: dict[str, Any], **members: object) -> Named:
    """Return what a state machine names."""
    return task_definitions_in(json.dumps(machine(*states, **members)))


def each(inner: dict[str, Any]) -> dict[str, Any]:
    """Return a Map state."""
    return {"Type": "Map", "ItemProcessor": inner}


def parallel(*branches: dict[str, Any]) -> dict[str, Any]:
    """Return a Parallel state."""
    return {"Type": "Parallel", "Branches": list(branches)}


PASS = {"Type": "Pass", "Next": "S1"}
LAMBDA = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"TaskDefinition": WEB}}
FUNCTION = {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:ecs"}


@pytest.mark.parametrize(
    "resource",
    [
        "ecs:runTask",
        "ecs:runTask.sync",
        "ecs:runTask.waitForTaskToken",
        "aws-sdk:ecs:runTask",
        "aws-sdk:ecs:runTask.waitForTaskToken",
        "aws-sdk:ecs:startTask",
        "aws-sdk:ecs:createService",
        "aws-sdk:ecs:updateService",
        "aws-sdk:ecs:createTaskSet",
    ],
)
def test_every_integration_that_starts_tasks_names_its_task_definition(resource: str) -> None:
    """The optimized one with its suffixes, and those of the SDK."""
    assert named(run_task(resource=resource)) == Named(references=(WEB,), depends_on_input=False)


@pytest.mark.parametrize(
    "resource", ["aws-sdk:ecs:describeTaskDefinition", "aws-sdk:ecs:runTaskX", "eks:runJob.sync", "batch:submitJob"]
)
def test_what_starts_no_task_of_ecs_names_nothing(resource: str) -> None:
    """Nor does it depend on an input."""
    assert named(run_task(resource=resource)) == Named(references=(), depends_on_input=False)


def test_the_integrations_are_all_that_the_model_of_ecs_has() -> None:
    """Whatever takes a task definition, but for the calls that only look at it or retire it."""
    ecs: ServiceModel = model_of("ecs")
    taking = {
        operation[0].lower() + operation[1:]
        for operation in ecs.operation_names
        if "taskDefinition" in getattr(ecs.operation_model(operation).input_shape, "members", {})
    }
    assert set(STARTS) == taking - {"deregisterTaskDefinition", "describeTaskDefinition"}


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_every_partition_is_understood(partition: str) -> None:
    """The resource is an ARN too."""
    state = run_task() | {"Resource": f"arn:{partition}:states:::ecs:runTask.sync"}
    assert named(state).references == (WEB,)


@pytest.mark.parametrize(
    "definition",
    [
        machine({"Type": "Map", "Iterator": machine(run_task())}),
        machine(each(machine(run_task()))),
        machine({"Type": "Map", "ItemProcessor": machine(run_task(), ProcessorConfig={"Mode": "DISTRIBUTED"})}),
        machine(parallel(machine(PASS, LAMBDA), machine(run_task()))),
        machine(PASS, parallel(machine(LAMBDA), machine(each(machine(FUNCTION, run_task()))))),
        machine(each(machine(each(machine(parallel(machine(run_task()))))))),
        machine(run_task(), {"Type": "Succeed"}, {"Type": "Wait", "Seconds": 5, "Next": "S0"}),
    ],
)
def test_it_is_found_wherever_it_is(definition: dict[str, Any]) -> None:
    """In Map, in its newer form too, in a distributed one, in Parallel, and in each other."""
    assert task_definitions_in(json.dumps(definition)) == Named(references=(WEB,), depends_on_input=False)


def test_a_hundred_levels_are_no_trouble() -> None:
    """A definition may be as deep as its author likes."""
    inner = machine(run_task())
    for _ in range(100):
        inner = machine(each(inner))
    assert task_definitions_in(json.dumps(inner)).references == (WEB,)


@st.composite
def machines(draw: st.DrawFn, depth: int = 3) -> tuple[dict[str, Any], set[str]]:
    """Draw a state machine and what it names."""
    states: list[dict[str, Any]] = []
    planted: set[str] = set()
    for kind in draw(st.lists(st.sampled_from(["run", "other", "map", "iterator", "parallel"]), max_size=4)):
        branches = {"run": 0, "other": 0, "parallel": draw(st.integers(1, 3))}.get(kind, 1) if depth else 0
        inner = [draw(machines(depth - 1)) for _ in range(branches)]
        planted.update(*(names for _, names in inner))
        parts = [part for part, _ in inner]
        if kind == "run":
            reference = f"family-{draw(st.integers(0, 9))}:{draw(st.integers(1, 99))}"
            planted.add(reference)
            states.append(run_task(reference))
        elif not parts:
            states.append(LAMBDA)
        elif kind == "parallel":
            states.append(parallel(*parts))
        else:
            states.append({"Type": "Map", "Iterator" if kind == "iterator" else "ItemProcessor": parts[0]})
    return machine(*states), planted


@given(machines())
@STEADY
def test_whatever_the_shape_all_that_is_named_is_found(drawn: tuple[dict[str, Any], set[str]]) -> None:
    """And nothing else."""
    definition, planted = drawn
    assert set(task_definitions_in(json.dumps(definition)).references) == planted


def test_several_are_all_found_once_each() -> None:
    """In the order of the definition."""
    found = named(run_task(), run_task(ETL), run_task(), LAMBDA)
    assert found == Named(references=(WEB, ETL), depends_on_input=False)


def test_what_jsonata_arguments_name_is_found() -> None:
    """They are called Arguments there."""
    state = run_task()
    state["Arguments"] = state.pop("Parameters")
    assert named(state, QueryLanguage="JSONata") == Named(references=(WEB,), depends_on_input=False)


@pytest.mark.parametrize(
    "changed",
    [
        {"Parameters": {"TaskDefinition.$": "$.task_definition"}},
        {"Parameters": {"TaskDefinition.$": "States.Format('web:{}', $.number)"}},
        {"Parameters": None, "Arguments": {"TaskDefinition": "{% $states.input.task_definition %}"}},
        {"Parameters": None, "Arguments": {"TaskDefinition": " {% 'web:' & $n %} "}},
        {"Parameters": None, "Arguments": "{% $states.input %}"},
        {"Parameters": None},
    ],
)
def test_what_an_execution_decides_cannot_be_known(changed: dict[str, object]) -> None:
    """A path, an intrinsic function, an expression, all arguments in one, the input as it is."""
    state = {name: value for name, value in (run_task() | changed).items() if value is not None}
    assert named(run_task(ETL), state) == Named(references=(ETL,), depends_on_input=True)


def test_a_request_without_a_task_definition_names_nothing() -> None:
    """An UpdateService that only scales."""
    state = run_task(resource="aws-sdk:ecs:updateService") | {"Parameters": {"Service": "web", "DesiredCount": 2}}
    assert named(state) == Named(references=(), depends_on_input=False)


@pytest.mark.parametrize(
    "definition",
    [
        "",
        "{",
        "[]",
        "null",
        '"States"',
        "{}",
        '{"States": []}',
        '{"States": {"A": 1}}',
        '{"States": {"A": {}}}',
        '{"States": {"A": {"Type": "Task"}}}',
        '{"States": {"A": {"Type": "Map"}}}',
        '{"States": {"A": {"Type": "Map", "ItemProcessor": {}, "Iterator": 7}}}',
        '{"States": {"A": {"Type": "Parallel"}}}',
        '{"States": {"A": {"Type": "Parallel", "Branches": 1}}}',
        '{"States": {"A": {"Type": "Parallel", "Branches": [1]}}}',
        '{"States": {"A": {"Type": "Task", "Resource": 1}}}',
        json.dumps(machine(run_task(7))),
        json.dumps(machine(run_task([WEB]))),
        json.dumps(machine(run_task(None))),
        json.dumps(machine(run_task() | {"Parameters": 7})),
        json.dumps(machine(run_task() | {"Parameters": [WEB]})),
    ],
)
def test_what_is_not_in_the_language_is_refused(definition: str) -> None:
    """Nobody may take it for naming nothing."""
    with pytest.raises((AttributeError, LookupError, TypeError, ValueError)):
        task_definitions_in(definition)

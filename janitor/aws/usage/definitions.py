"""What a state machine's definition names: the task definitions of its ECS integrations, wherever in it they are.

The language: "Amazon States Language" and "Integrating AWS services" (AWS Step Functions developer guide).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS = ("createService", "createTaskSet", "runTask", "startTask", "updateService")
"""Operations of ECS that start tasks from a task definition (Amazon ECS API reference)."""

_INTEGRATION = re.compile(rf"arn:[^:]+:states:[^:]*:[^:]*:(aws-sdk:)?ecs:({'|'.join(STARTS)})(\..+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The references in a definition, and whether there is one that only an execution will know."""

    references: tuple[str, ...]
    depends_on_input: bool


def task_definitions_in(definition: str) -> Named:
    """Return the task definitions that a definition names.

    Raises:
        ValueError, TypeError, LookupError, AttributeError: if it is not what the language says.
    """
    references: dict[str, None] = {}
    depends_on_input = False
    for state in _states(json.loads(definition)):
        if state["Type"] == "Task" and _INTEGRATION.fullmatch(state["Resource"]):
            reference = _reference(state)
            if reference is None:
                depends_on_input = True
            elif reference:
                references[reference] = None
    return Named(references=tuple(references), depends_on_input=depends_on_input)


def _states(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every state, those inside Map and Parallel too, however deep."""
    machines = [machine]
    while machines:
        for state in machines.pop()["States"].values():
            yield state
            match state["Type"]:
                case "Parallel":
                    machines.extend(state["Branches"])
                case "Map":
                    machines.append(state.get("ItemProcessor") or state["Iterator"])
                case _:
                    pass


def _reference(state: dict[str, Any]) -> str | None:
    """Return what a state names: nothing if it names none, None if that depends on its input.

    Without parameters the input itself is the request. In JSONPath a member whose name ends in ``.$`` is computed, in
    JSONata whatever stands between ``{%`` and ``%}``, which may be all of the arguments.
    """
    request = state.get("Arguments", state.get("Parameters"))
    if request is None or isinstance(request, str):
        return None
    if "TaskDefinition.$" in request:
        return None
    reference = request.get("TaskDefinition", "")
    if not isinstance(reference, str):
        raise TypeError(f"TaskDefinition is a {type(reference).__name__}")
    return None if reference.strip().startswith("{%") else reference

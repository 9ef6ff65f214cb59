"""The embedded Step Functions: state machines and their definitions. It keeps them; it never runs one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from janitor.local.paging import page_of_records
from janitor.local.replies import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.local.names import Names
    from janitor.local.paging import Tokens
    from janitor.local.replies import Json

PAGE = 100  # the API's default
PAGE_LIMIT = 1_000  # the API's limit


class StepFunctions:
    """Answers what Step Functions is asked about state machines, and takes new ones."""

    def __init__(self, names: Names, tokens: Tokens, now: Callable[[], float]) -> None:
        self._names = names
        self._tokens = tokens
        self._now = now
        self._machines: dict[str, Json] = {}

    def operations(self) -> dict[str, Callable[[Json], Json]]:
        """Return the operations by the API's names."""
        return {
            "ListStateMachines": self._list,
            "DescribeStateMachine": self._describe,
            "CreateStateMachine": self._create,
        }

    def add(self, name: str, task_definition: str) -> None:
        """Add a state machine that runs a task definition: ``family``, ``family:number`` or an ARN."""
        run_task = {
            "Type": "Task",
            "Resource": f"arn:{self._names.partition}:states:::ecs:runTask.sync",
            "Parameters": {"TaskDefinition": self._names.task_definition_arn(task_definition), "Cluster": "default"},
            "End": True,
        }
        self.add_definition(name, json.dumps({"StartAt": "Run", "States": {"Run": run_task}}))

    def add_definition(self, name: str, definition: str) -> None:
        """Add a state machine with a definition of any kind; it is not checked."""
        self._create({"name": name, "definition": definition, "roleArn": self._names.arn("role/run", service="iam")})

    def _list(self, params: Json) -> Json:
        shown = ("stateMachineArn", "name", "type", "creationDate")
        records = {arn: {member: machine[member] for member in shown} for arn, machine in self._machines.items()}
        return page_of_records(
            self._tokens,
            ["state machines"],
            params,
            records,
            key="stateMachines",
            size=min(PAGE_LIMIT, params.get("maxResults") or PAGE),
            token="nextToken",  # noqa: S106 - a member's name
        )

    def _describe(self, params: Json) -> Json:
        arn = params["stateMachineArn"]
        if arn not in self._machines:
            message = f"State Machine Does Not Exist: '{arn}'"
            raise ApiError("StateMachineDoesNotExist", message)
        return self._machines[arn]

    def _create(self, params: Json) -> Json:
        arn = self._names.arn(f"stateMachine:{params['name']}", service="states")
        self._machines[arn] = {
            "stateMachineArn": arn,
            "name": params["name"],
            "status": "ACTIVE",
            "definition": params["definition"],
            "roleArn": params["roleArn"],
            "type": params.get("type") or "STANDARD",
            "creationDate": self._now(),
        }
        return {"stateMachineArn": arn, "creationDate": self._now()}

"""The operations on tasks: what is started runs at once, what is stopped stops at once."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from janitor.local.names import last_part
from janitor.local.paging import page_of_names
from janitor.local.replies import invalid_parameter
from janitor.local.workloads import at_most, found

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.local.paging import Tokens
    from janitor.local.replies import Json
    from janitor.local.workloads import Workloads

TASKS_PER_CALL = 100  # the API's limit
STARTED_PER_CALL = 10  # the API's limit of RunTask


class Tasks:
    """Answers what ECS is asked about tasks."""

    def __init__(self, workloads: Workloads, *, startable: Callable[[str], str], tokens: Tokens) -> None:
        self._workloads = workloads
        self._startable = startable
        self._tokens = tokens

    def operations(self) -> dict[str, Callable[[Json], Json]]:
        """Return the operations by the API's names."""
        return {
            "RunTask": self._run,
            "StopTask": self._stop,
            "ListTasks": self._list,
            "DescribeTasks": self._describe,
        }

    def add(
        self,
        cluster: Json,
        task_definition: str,
        *,
        last_status: str = "RUNNING",
        desired_status: str = "RUNNING",
        group: str | None = None,
    ) -> Json:
        """Start a task, or show one at another point of its life."""
        arn = self._workloads.names.arn(f"task/{cluster['clusterName']}/{self._workloads.identity()}")
        task = {
            "taskArn": arn,
            "clusterArn": cluster["clusterArn"],
            "taskDefinitionArn": task_definition,
            "group": group or f"family:{_family(task_definition)}",
            "lastStatus": last_status,
            "desiredStatus": desired_status,
            "launchType": "FARGATE",
            "containers": [],
            "createdAt": self._workloads.now(),
        }
        self._workloads.tasks[arn] = task
        self._workloads.changed()
        return task

    def _run(self, params: Json) -> Json:
        cluster = self._workloads.cluster(params)
        count = 1 if params.get("count") is None else params["count"]
        if not 1 <= count <= STARTED_PER_CALL:
            message = f"count must be between 1 and {STARTED_PER_CALL}."
            raise invalid_parameter(message)
        arn = self._startable(params["taskDefinition"])
        tasks = [self.add(cluster, arn, group=params.get("group")) for _ in range(count)]
        if params.get("startedBy"):
            for task in tasks:
                task["startedBy"] = params["startedBy"]
        return {"tasks": copy.deepcopy(tasks), "failures": []}

    def _stop(self, params: Json) -> Json:
        cluster = self._workloads.cluster(params)
        task = self._workloads.tasks_of(cluster).get(last_part(params["task"]))
        if task is None:
            message = "The referenced task was not found."
            raise invalid_parameter(message)
        task |= {"desiredStatus": "STOPPED", "lastStatus": "STOPPED", "stoppedAt": self._workloads.now()}
        task["stoppedReason"] = params.get("reason") or "Task stopped by user"
        self._workloads.changed()
        return {"task": copy.deepcopy(task)}

    def _list(self, params: Json) -> Json:
        cluster = self._workloads.cluster(params)
        service = params.get("serviceName")
        wanted = {
            "desiredStatus": params.get("desiredStatus") or "RUNNING",
            "launchType": params.get("launchType"),
            "startedBy": params.get("startedBy"),
            "group": f"service:{last_part(service)}" if service else None,
        }
        family = params.get("family")
        arns = sorted(
            task["taskArn"]
            for task in self._workloads.tasks_of(cluster).values()
            if all(value in (None, task.get(key)) for key, value in wanted.items())
            and family in (None, _family(task["taskDefinitionArn"]))
        )
        listing = ["tasks", cluster["clusterName"], *wanted.values(), family]
        return page_of_names(self._tokens, listing, params, arns, "taskArns")

    def _describe(self, params: Json) -> Json:
        cluster = self._workloads.cluster(params)
        at_most(TASKS_PER_CALL, params["tasks"], "tasks")
        known = self._workloads.tasks_of(cluster)
        path = f"task/{cluster['clusterName']}"
        return found(
            "tasks",
            {reference: known.get(last_part(reference)) for reference in params["tasks"]},
            lambda reference: self._workloads.names.arn(f"{path}/{last_part(reference)}"),
        )


def _family(task_definition: str) -> str:
    return last_part(task_definition).partition(":")[0]

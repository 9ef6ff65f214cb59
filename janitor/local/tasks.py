"""The operations on tasks: what is started runs at once, what is stopped or has an exit code to come stops at once."""

from __future__ import annotations

import copy
from collections import deque
from typing import TYPE_CHECKING

from janitor.local.names import last_part
from janitor.local.paging import page_of_names
from janitor.local.replies import invalid_parameter
from janitor.local.workloads import at_most, found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from janitor.local.paging import Tokens
    from janitor.local.replies import Json
    from janitor.local.workloads import Workloads

TASKS_PER_CALL = 100  # the API's limit
STARTED_PER_CALL = 10  # the API's limit of RunTask
_TERMINATED = 143  # of a process that SIGTERM ends, which is what StopTask sends first


class Tasks:
    """Answers what ECS is asked about tasks."""

    def __init__(
        self,
        workloads: Workloads,
        *,
        startable: Callable[[str], str],
        containers: Callable[[str], Sequence[Json]],
        tokens: Tokens,
    ) -> None:
        self.exit_codes: deque[int | None] = deque()
        """Of the tasks that RunTask starts next, in their order; None, as when there is none: it runs until stopped."""
        self._workloads = workloads
        self._startable = startable
        self._containers = containers
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
        tasks = [self._start(cluster, arn, params) for _ in range(count)]
        answer = {"tasks": copy.deepcopy(tasks), "failures": []}
        for task in tasks:
            exit_code = self.exit_codes.popleft() if self.exit_codes else None
            if exit_code is not None:
                self._end(task, exit_code, code="EssentialContainerExited", reason="Essential container in task exited")
        return answer

    def _start(self, cluster: Json, task_definition: str, params: Json) -> Json:
        task = self.add(cluster, task_definition, group=params.get("group"))
        if params.get("startedBy"):
            task["startedBy"] = params["startedBy"]
        task["containers"] = [
            {"name": each["name"], "image": each["image"], "taskArn": task["taskArn"], "lastStatus": "RUNNING"}
            for each in self._containers(task_definition)
        ]
        return task

    def _end(self, task: Json, exit_code: int, *, code: str, reason: str) -> None:
        task |= {"desiredStatus": "STOPPED", "lastStatus": "STOPPED", "stoppedAt": self._workloads.now()}
        task |= {"stopCode": code, "stoppedReason": reason}
        for container in task["containers"]:
            container |= {"lastStatus": "STOPPED", "exitCode": exit_code}
        self._workloads.changed()

    def _stop(self, params: Json) -> Json:
        cluster = self._workloads.cluster(params)
        task = self._workloads.tasks_of(cluster).get(last_part(params["task"]))
        if task is None:
            message = "The referenced task was not found."
            raise invalid_parameter(message)
        if task["lastStatus"] != "STOPPED":
            reason = params.get("reason") or "Task stopped by user"
            self._end(task, _TERMINATED, code="UserInitiated", reason=reason)
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

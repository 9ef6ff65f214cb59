"""The operations on services and their task sets.

A deployment that a request starts is complete at once; one that is still under way, and its history, can be seeded.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from janitor.local.names import last_part
from janitor.local.paging import page_of_names, page_size
from janitor.local.replies import ApiError, invalid_parameter
from janitor.local.rollouts import roll_out
from janitor.local.workloads import Service, at_most, found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from janitor.local.paging import Tokens
    from janitor.local.replies import Json
    from janitor.local.workloads import Workloads

SERVICES_PER_CALL = 10  # the API's limit
SERVICE_PAGE = 10  # the API's default


class Services:
    """Answers what ECS is asked about services and task sets."""

    def __init__(self, workloads: Workloads, *, startable: Callable[[str], str], tokens: Tokens) -> None:
        self._workloads = workloads
        self._startable = startable
        self._tokens = tokens

    def operations(self) -> dict[str, Callable[[Json], Json]]:
        """Return the operations by the API's names."""
        return {
            "CreateService": self._create,
            "UpdateService": self._update,
            "DeleteService": self._delete,
            "ListServices": self._list,
            "DescribeServices": self._describe,
            "CreateTaskSet": self._create_task_set,
            "DescribeTaskSets": self._describe_task_sets,
        }

    def add(
        self,
        cluster: Json,
        name: str,
        *,
        controller: str,
        task_definition: str | None,
        desired: int = 1,
        deployments: Sequence[str] = (),
        task_sets: Sequence[str] = (),
        previous: Sequence[str] = (),
    ) -> Json:
        """Create a service: ``deployments`` run beside its task definition, of ``previous`` only its history tells."""
        body: Json = {
            "serviceArn": self._workloads.names.arn(f"service/{cluster['clusterName']}/{name}"),
            "serviceName": name,
            "clusterArn": cluster["clusterArn"],
            "status": "ACTIVE",
            "desiredCount": desired,
            "runningCount": desired,
            "pendingCount": 0,
            "launchType": "FARGATE",
            "schedulingStrategy": "REPLICA",
            "deploymentController": {"type": controller},
            "deployments": [],
            "taskSets": [],
            "createdAt": self._workloads.now(),
        }
        service = self._workloads.services[cluster["clusterName"], name] = Service(body)
        if task_definition is not None:
            body["taskDefinition"] = task_definition
        if controller == "ECS":
            for arn in previous:
                roll_out(self._workloads, service, arn)
            running: Sequence[Json] = ()
            for arn in (*deployments, *filter(None, [task_definition])):
                roll_out(self._workloads, service, arn, beside=running)
                running = body["deployments"]
        for position, arn in enumerate(task_sets):
            self._add_task_set(service, arn, status="ACTIVE" if position else "PRIMARY")
        self._workloads.changed()
        return body

    def _create(self, params: Json) -> Json:
        cluster, name = self._workloads.cluster(params), params["serviceName"]
        controller = (params.get("deploymentController") or {}).get("type", "ECS")
        task_definition = params.get("taskDefinition")
        if controller == "ECS" and task_definition is None:
            message = "TaskDefinition can not be blank."
            raise invalid_parameter(message)
        existing = self._workloads.services.get((cluster["clusterName"], name))
        if existing is not None and existing.active:
            message = "Creation of service was not idempotent."
            raise invalid_parameter(message)
        arn = self._startable(task_definition) if task_definition else None
        desired = params.get("desiredCount") or 0
        body = self.add(cluster, name, controller=controller, task_definition=arn, desired=desired)
        return {"service": copy.deepcopy(body)}

    def _update(self, params: Json) -> Json:
        service = self._workloads.service(params)
        if not service.active:
            message = "Service was not ACTIVE."
            raise ApiError("ServiceNotActiveException", message)
        if params.get("desiredCount") is not None:
            service.body["desiredCount"] = service.body["runningCount"] = params["desiredCount"]
        if params.get("taskDefinition"):
            if service.controller != "ECS":
                message = f"A task definition cannot be updated under the {service.controller} controller."
                raise invalid_parameter(message)
            service.body["taskDefinition"] = self._startable(params["taskDefinition"])
            roll_out(self._workloads, service, service.body["taskDefinition"])
        self._workloads.changed()
        return {"service": copy.deepcopy(service.body)}

    def _delete(self, params: Json) -> Json:
        service = self._workloads.service(params)
        if service.body["desiredCount"] and not params.get("force"):
            message = "The service cannot be stopped while it is scaled above 0."
            raise invalid_parameter(message)
        service.body |= {"status": "INACTIVE", "desiredCount": 0, "runningCount": 0, "deployments": [], "taskSets": []}
        shown = copy.deepcopy(service.body)
        service.body.pop("taskDefinition", None)  # it no longer refers to it
        self._workloads.changed()
        return {"service": shown}

    def _list(self, params: Json) -> Json:
        cluster = self._workloads.cluster(params)
        launch_type, strategy = params.get("launchType"), params.get("schedulingStrategy")
        arns = sorted(
            service.body["serviceArn"]
            for (cluster_name, _), service in self._workloads.services.items()
            if cluster_name == cluster["clusterName"]
            and service.active
            and launch_type in (None, service.body["launchType"])
            and strategy in (None, service.body["schedulingStrategy"])
        )
        listing = ["services", cluster["clusterName"], launch_type, strategy]
        sized = params | {"maxResults": page_size(params, SERVICE_PAGE)}
        return page_of_names(self._tokens, listing, sized, arns, "serviceArns")

    def _describe(self, params: Json) -> Json:
        cluster = self._workloads.cluster(params)["clusterName"]
        wanted = params["services"]
        at_most(SERVICES_PER_CALL, wanted, "services")
        services = {reference: self._workloads.services.get((cluster, last_part(reference))) for reference in wanted}
        bodies = {reference: service.body if service else None for reference, service in services.items()}
        path = f"service/{cluster}"
        return found("services", bodies, lambda name: self._workloads.names.arn(f"{path}/{last_part(name)}"))

    def _create_task_set(self, params: Json) -> Json:
        service = self._workloads.service(params)
        if service.controller != "EXTERNAL":
            message = "A task set needs a service under the EXTERNAL controller."
            raise invalid_parameter(message)
        task_set = self._add_task_set(service, self._startable(params["taskDefinition"]), status="ACTIVE")
        self._workloads.changed()
        return {"taskSet": copy.deepcopy(task_set)}

    def _describe_task_sets(self, params: Json) -> Json:
        task_sets = self._workloads.service(params).body["taskSets"]
        known = {task_set[key]: task_set for task_set in task_sets for key in ("id", "taskSetArn")}
        wanted = params.get("taskSets") or [task_set["id"] for task_set in task_sets]
        return found("taskSets", {reference: known.get(reference) for reference in wanted})

    def _add_task_set(self, service: Service, arn: str, *, status: str) -> Json:
        body, now = service.body, self._workloads.now()
        identity = f"ecs-svc/{self._workloads.digits()}"
        task_set: Json = {
            "id": identity,
            "taskSetArn": self._workloads.names.arn(f"task-set/{service.path}/{identity}"),
            "serviceArn": body["serviceArn"],
            "clusterArn": body["clusterArn"],
            "status": status,
            "taskDefinition": arn,
            "computedDesiredCount": body["desiredCount"],
            "runningCount": body["desiredCount"],
            "pendingCount": 0,
            "launchType": body["launchType"],
            "scale": {"value": 100.0, "unit": "PERCENT"},
            "stabilityStatus": "STEADY_STATE",
            "createdAt": now,
            "updatedAt": now,
        }
        body["taskSets"].append(task_set)
        return task_set

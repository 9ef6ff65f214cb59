"""What runs: clusters, services and tasks, kept in the form in which the API shows them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from janitor.local.names import last_part
from janitor.local.replies import ApiError, invalid_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from random import Random

    from janitor.local.names import Names
    from janitor.local.replies import Json

_DEFAULT_CLUSTER = "default"


@dataclass(slots=True)
class Service:
    """A service, its service revisions and its service deployments, the latter two by ARN."""

    body: Json
    revisions: dict[str, Json] = field(default_factory=dict)
    rollouts: dict[str, Json] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Say whether the service was not deleted."""
        return bool(self.body["status"] == "ACTIVE")

    @property
    def controller(self) -> str:
        """The type of its deployment controller."""
        return str(self.body["deploymentController"]["type"])

    @property
    def path(self) -> str:
        """The part of its ARN that the ARNs of its revisions, deployments and task sets share."""
        return str(self.body["serviceArn"].partition(":service/")[2])

    def task_definitions(self) -> Iterator[str]:
        """Yield what the service, its deployments and its task sets refer to."""
        for part in (self.body, *self.body["deployments"], *self.body["taskSets"]):
            if "taskDefinition" in part:
                yield part["taskDefinition"]


class Workloads:
    """All that runs in the account, and which revisions it refers to."""

    def __init__(self, *, names: Names, now: Callable[[], float], random: Random) -> None:
        self.names = names
        self.now = now
        self.clusters: dict[str, Json] = {}
        self.services: dict[tuple[str, str], Service] = {}
        self.tasks: dict[str, Json] = {}
        self._random = random
        self._referred: frozenset[str] | None = None

    def referred(self) -> frozenset[str]:
        """Return the ARNs of the revisions that a task, service, deployment or task set refers to."""
        if self._referred is None:
            arns = {task["taskDefinitionArn"] for task in self.tasks.values() if task["lastStatus"] != "STOPPED"}
            for service in self.services.values():
                arns.update(service.task_definitions())
            self._referred = frozenset(arns)
        return self._referred

    def changed(self) -> None:
        """Look anew at what is referred to, the next time somebody asks."""
        self._referred = None

    def add_cluster(self, name: str) -> Json:
        """Return a cluster, created if need be."""
        return self.clusters.setdefault(
            name, {"clusterArn": self.names.arn(f"cluster/{name}"), "clusterName": name, "status": "ACTIVE"}
        )

    def cluster(self, params: Json) -> Json:
        """Return the cluster that a request names, or means by naming none."""
        cluster = self.clusters.get(last_part(params.get("cluster") or _DEFAULT_CLUSTER))
        if cluster is None:
            message = "Cluster not found."
            raise ApiError("ClusterNotFoundException", message)
        return cluster

    def service(self, params: Json) -> Service:
        """Return the service that a request names."""
        service = self.services.get((self.cluster(params)["clusterName"], last_part(params["service"])))
        if service is None:
            message = "Service not found."
            raise ApiError("ServiceNotFoundException", message)
        return service

    def tasks_of(self, cluster: Json) -> dict[str, Json]:
        """Return a cluster's tasks by id."""
        return {last_part(arn): task for arn, task in self.tasks.items() if task["clusterArn"] == cluster["clusterArn"]}

    def digits(self) -> str:
        """Return a new id of nineteen digits."""
        return f"{self._random.randrange(10**18, 10**19)}"

    def identity(self) -> str:
        """Return a new id of thirty-two hexadecimal digits."""
        return f"{self._random.getrandbits(128):032x}"


def found(key: str, records: Mapping[str, Json | None], arn: Callable[[str], str] = str) -> Json:
    """Return the records under ``key``, and as failures[] the references that have none."""
    return {
        key: [copy.deepcopy(record) for record in records.values() if record is not None],
        "failures": [{"arn": arn(name), "reason": "MISSING"} for name, record in records.items() if record is None],
    }


def at_most(limit: int, wanted: Sequence[str], what: str) -> None:
    """Refuse a request that names nothing or too much."""
    if not 1 <= len(wanted) <= limit:
        message = f"{what} must name between 1 and {limit}."
        raise invalid_parameter(message)

"""The operations on clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from janitor.local.names import last_part
from janitor.local.paging import page_of_names
from janitor.local.replies import ApiError
from janitor.local.workloads import at_most, found

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.local.paging import Tokens
    from janitor.local.replies import Json
    from janitor.local.workloads import Workloads

CLUSTERS_PER_CALL = 100  # the API's limit


class Clusters:
    """Answers what ECS is asked about clusters."""

    def __init__(self, workloads: Workloads, tokens: Tokens) -> None:
        self._workloads = workloads
        self._tokens = tokens

    def operations(self) -> dict[str, Callable[[Json], Json]]:
        """Return the operations by the API's names."""
        return {
            "CreateCluster": self._create,
            "ListClusters": self._list,
            "DescribeClusters": self._describe,
            "DeleteCluster": self._delete,
        }

    def _create(self, params: Json) -> Json:
        return {"cluster": self._view(self._workloads.add_cluster(params.get("clusterName") or "default"))}

    def _list(self, params: Json) -> Json:
        arns = sorted(cluster["clusterArn"] for cluster in self._workloads.clusters.values())
        return page_of_names(self._tokens, ["clusters"], params, arns, "clusterArns")

    def _describe(self, params: Json) -> Json:
        wanted = params.get("clusters") or ["default"]
        at_most(CLUSTERS_PER_CALL, wanted, "clusters")
        clusters = {reference: self._workloads.clusters.get(last_part(reference)) for reference in wanted}
        views = {reference: cluster and self._view(cluster) for reference, cluster in clusters.items()}
        return found("clusters", views, lambda name: self._workloads.names.arn(f"cluster/{last_part(name)}"))

    def _delete(self, params: Json) -> Json:
        cluster = self._workloads.cluster(params)
        view = self._view(cluster)
        if view["activeServicesCount"]:
            message = "The Cluster cannot be deleted while Services are active."
            raise ApiError("ClusterContainsServicesException", message)
        if view["runningTasksCount"] or view["pendingTasksCount"]:
            message = "The Cluster cannot be deleted while Tasks are active."
            raise ApiError("ClusterContainsTasksException", message)
        del self._workloads.clusters[cluster["clusterName"]]
        return {"cluster": view | {"status": "INACTIVE"}}

    def _view(self, cluster: Json) -> Json:
        services = self._workloads.services.values()
        tasks = [task["lastStatus"] for task in self._workloads.tasks_of(cluster).values()]
        return cluster | {
            "activeServicesCount": sum(
                service.active and service.body["clusterArn"] == cluster["clusterArn"] for service in services
            ),
            "runningTasksCount": tasks.count("RUNNING"),
            "pendingTasksCount": tasks.count("PENDING"),
            "registeredContainerInstancesCount": 0,
        }

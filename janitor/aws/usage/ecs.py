"""Who uses a revision, as ECS itself knows it: services with their deployments and task sets, and tasks.

Clusters, services and tasks are read once, when the first family asks. What a service ran *before* its current
revision takes calls per service, so it is read only for the services of a family that has something due.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from janitor.aws.task_definitions import revision_in
from janitor.core.model import FamilyUsage
from janitor.errors import CallFailed, JanitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mypy_boto3_ecs.type_defs import ServiceTypeDef, TaskTypeDef

    from janitor.aws.client import Api

ACTIONS = (
    "ecs:DescribeServiceRevisions",
    "ecs:DescribeServices",
    "ecs:DescribeTasks",
    "ecs:ListClusters",
    "ecs:ListServiceDeployments",
    "ecs:ListServices",
    "ecs:ListTasks",
)

# Entries a call takes at most (Amazon ECS API reference).
_SERVICES = 10
_TASKS = 100
_SERVICE_REVISIONS = 20

PAST_DEPLOYMENTS = 10
"""How far back a service's deployments are read: the current one, the one before, and some that failed between."""

T = TypeVar("T")
P = ParamSpec("P")


class EcsUsage:
    """The users of task definitions that ECS names. Satisfies ``janitor.ports.Usage``."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._users: dict[str, dict[int, str]] = defaultdict(dict)
        self._services: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._asked: set[str] = set()
        self._unreadable: list[str] = []

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Name the sources that could not be read so far: each may protect anything."""
        return tuple(self._unreadable)

    def of(self, family: str) -> FamilyUsage:
        """Return which revisions of a family are in use; never raises for a source that cannot be read."""
        if not self._asked:
            self._read("services and tasks", self._read_clusters)
        if family not in self._asked:
            self._asked.add(family)
            for cluster, service in self._services[family]:
                self._read(f"past deployments of service {_short(service)}", self._read_past, cluster, service)
        return FamilyUsage(reasons=self._users.get(family, {}), unreadable=self.unreadable)

    def _read(self, source: str, read: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Read a source; one that cannot be read is noted and protects everything from then on."""
        try:
            with self._api.calling("reading usage"):
                read(*args, **kwargs)
        except JanitorError as error:
            self._unreadable.append(f"{source} could not be read ({error})")

    def _read_clusters(self) -> None:
        with self._api.calling("ListClusters") as ecs:
            pages = ecs.get_paginator("list_clusters").paginate()
            clusters = [arn for page in pages for arn in _member("ListClusters", page, "clusterArns")]
        for cluster in clusters:
            self._read(f"services of cluster {_short(cluster)}", self._read_services, cluster)
            self._read(f"tasks of cluster {_short(cluster)}", self._read_tasks, cluster)

    def _read_services(self, cluster: str) -> None:
        with self._api.calling("ListServices") as ecs:
            pages = ecs.get_paginator("list_services").paginate(cluster=cluster, PaginationConfig={"PageSize": 100})
            services = [arn for page in pages for arn in _member("ListServices", page, "serviceArns")]
        for some in _batched(services, _SERVICES):
            with self._api.calling("DescribeServices") as ecs:
                response = ecs.describe_services(cluster=cluster, services=some)
            for service in _all_answered("DescribeServices", response, "services", some):
                self._note_service(cluster, service)

    def _note_service(self, cluster: str, service: ServiceTypeDef) -> None:
        name = f"service {service['serviceName']} in cluster {_short(cluster)}"
        current = service.get("taskDefinition", "")
        self._note(current, f"{name} runs it")
        for deployment in service.get("deployments", []):
            self._note(deployment.get("taskDefinition", ""), f"a deployment of {name} names it")
        for task_set in service.get("taskSets", []):
            self._note(task_set.get("taskDefinition", ""), f"a task set of {name} names it")
        revision = revision_in(current)
        if revision is not None and service.get("currentServiceRevisions"):  # it has service deployments to ask for
            self._services[revision.family].append((cluster, service["serviceArn"]))

    def _read_tasks(self, cluster: str) -> None:
        # A task that is told to stop is listed as STOPPED while it still runs: only its last status tells.
        tasks: dict[str, None] = {}
        for desired in ("RUNNING", "STOPPED"):
            with self._api.calling("ListTasks") as ecs:
                pages = ecs.get_paginator("list_tasks").paginate(
                    cluster=cluster, desiredStatus=desired, PaginationConfig={"PageSize": _TASKS}
                )
                tasks.update((arn, None) for page in pages for arn in _member("ListTasks", page, "taskArns"))
        for some in _batched(tasks, _TASKS):
            with self._api.calling("DescribeTasks") as ecs:
                response = ecs.describe_tasks(cluster=cluster, tasks=some)
            for task in _all_answered("DescribeTasks", response, "tasks", some):
                self._note_task(cluster, task)

    def _note_task(self, cluster: str, task: TaskTypeDef) -> None:
        status = task.get("lastStatus", "UNKNOWN")
        if status != "STOPPED":
            name = f"task {_short(task.get('taskArn', '?'))} in cluster {_short(cluster)}"
            self._note(task.get("taskDefinitionArn", ""), f"{name} is {status} with it")

    def _read_past(self, cluster: str, service: str) -> None:
        """Protect what the service's latest deployments aimed at: a rollback goes back to one of them."""
        with self._api.calling("ListServiceDeployments") as ecs:
            latest = ecs.list_service_deployments(cluster=cluster, service=service, maxResults=PAST_DEPLOYMENTS)
        deployments = _member("ListServiceDeployments", latest, "serviceDeployments")
        revisions = {arn: None for each in deployments if (arn := each.get("targetServiceRevisionArn"))}
        for some in _batched(revisions, _SERVICE_REVISIONS):
            with self._api.calling("DescribeServiceRevisions") as ecs:
                response = ecs.describe_service_revisions(serviceRevisionArns=some)
            for revision in _all_answered("DescribeServiceRevisions", response, "serviceRevisions", some):
                name = f"service {_short(service)} in cluster {_short(cluster)}"
                self._note(revision.get("taskDefinition", ""), f"a recent deployment of {name} names it")

    def _note(self, reference: str, reason: str) -> None:
        if not reference:  # a service whose task sets alone have a task definition
            return
        revision = revision_in(reference)
        if revision is None:
            raise CallFailed("reading usage", "MalformedResponse", f"{reason}, but {reference!r} names no revision")
        self._users[revision.family].setdefault(revision.number, reason)


def _member(operation: str, response: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list of a response; one that lacks it says nothing, so its source counts as unreadable."""
    found = response.get(name)
    if not isinstance(found, list):
        raise CallFailed(operation, "MalformedResponse", f"there is no {name} in it")
    return found


def _all_answered(operation: str, response: Mapping[str, Any], name: str, asked: Sequence[str]) -> list[Any]:
    """Return what was described; whoever was asked about must be in it, or be gone since the listing."""
    found = _member(operation, response, name)
    failures = response.get("failures", [])
    for failure in failures:
        # MISSING is documented for these calls ("API failure messages", Amazon ECS API reference).
        if failure.get("reason") != "MISSING":
            raise CallFailed(operation, failure.get("reason", "unknown"), failure.get("arn", "no ARN given"))
    if len(found) + len(failures) < len(asked):
        raise CallFailed(operation, "MalformedResponse", f"{len(asked)} were asked about, {len(found)} answered")
    return found


def _short(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch

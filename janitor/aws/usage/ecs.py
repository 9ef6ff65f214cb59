"""Who uses a revision, as ECS itself knows it: services with their deployments and task sets, and tasks.

What a service ran *before* its current revision takes calls per service, so it is read only for the services that
are asked for.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from janitor.aws.task_definitions import revision_in
from janitor.aws.usage.users import Rank
from janitor.errors import CallFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mypy_boto3_ecs.type_defs import ServiceTypeDef, TaskTypeDef

    from janitor.aws.client import Api
    from janitor.aws.usage.reading import Reading
    from janitor.aws.usage.users import Users

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

_DESIRED: tuple[Literal["RUNNING", "STOPPED"], ...] = ("RUNNING", "STOPPED")

PAST_DEPLOYMENTS = 10
"""How far back a service's deployments are read: the current one, the one before, and some that failed between."""

T = TypeVar("T")


class EcsUsers:
    """Tells of the users that ECS names."""

    def __init__(self, api: Api, users: Users, reading: Reading) -> None:
        self._api = api
        self._users = users
        self._reading = reading
        self._families: set[str] = set()
        self._services: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._past: dict[str, str] = {}  # service revisions to describe → the service that had them
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to read all clusters, services and tasks."""
        self._reading.add("clusters", "services and tasks", self._read_clusters)

    def read_past(self, family: str) -> None:
        """Begin to read what the services of a family ran before: a rollback goes back to it."""
        with self._lock:
            self._families.add(family)
            services = self._services.pop(family, [])
        for cluster, service in services:
            self._read_past_of(cluster, service)

    def read_rest(self) -> None:
        """Begin to read what was left for a call that others could share."""
        self._describe_past(at_least=1)

    def _read_clusters(self) -> None:
        with self._api.calling("ListClusters") as ecs:
            for page in ecs.get_paginator("list_clusters").paginate():
                for cluster in _member("ListClusters", page, "clusterArns"):
                    name = _short(cluster)
                    self._reading.add("services", f"services of cluster {name}", self._read_services, cluster)
                    self._reading.add("tasks", f"tasks of cluster {name}", self._read_tasks, cluster)

    def _read_services(self, cluster: str) -> None:
        with self._api.calling("ListServices") as ecs:
            pages = ecs.get_paginator("list_services").paginate(cluster=cluster, PaginationConfig={"PageSize": 100})
            for page in pages:
                for some in _batched(_member("ListServices", page, "serviceArns"), _SERVICES):
                    source = f"services of cluster {_short(cluster)}"
                    self._reading.add("services", source, self._describe_services, cluster, some)

    def _describe_services(self, cluster: str, some: Sequence[str]) -> None:
        with self._api.calling("DescribeServices") as ecs:
            response = ecs.describe_services(cluster=cluster, services=some)
            for service in _all_answered("DescribeServices", response, "services", some):
                self._note_service(cluster, service)

    def _note_service(self, cluster: str, service: ServiceTypeDef) -> None:
        name = f"service {service['serviceName']} in cluster {_short(cluster)}"
        current = service.get("taskDefinition", "")
        self._note(current, Rank.SERVICE, f"{name} runs it")
        for deployment in service.get("deployments", []):
            self._note(deployment.get("taskDefinition", ""), Rank.DEPLOYMENT, f"a deployment of {name} names it")
        for task_set in service.get("taskSets", []):
            self._note(task_set.get("taskDefinition", ""), Rank.TASK_SET, f"a task set of {name} names it")
        revision = revision_in(current)
        if revision is None or not service.get("currentServiceRevisions"):  # it has no service deployments to ask for
            return
        with self._lock:
            wanted = revision.family in self._families
            if not wanted:
                self._services[revision.family].append((cluster, service["serviceArn"]))
        if wanted:
            self._read_past_of(cluster, service["serviceArn"])

    def _read_tasks(self, cluster: str) -> None:
        """List those that shall run, then those that shall stop: whichever is told to stop meanwhile is in the second.

        A task that is told to stop is listed as STOPPED while it still runs: only its last status tells.
        """
        for some in _batched(self._tasks_of(cluster), _TASKS):
            self._reading.add("tasks", f"tasks of cluster {_short(cluster)}", self._describe_tasks, cluster, some)

    def _tasks_of(self, cluster: str) -> Iterator[str]:
        listed: set[str] = set()
        for desired in _DESIRED:
            with self._api.calling("ListTasks") as ecs:
                pages = ecs.get_paginator("list_tasks").paginate(
                    cluster=cluster, desiredStatus=desired, PaginationConfig={"PageSize": _TASKS}
                )
                for page in pages:
                    tasks = [arn for arn in _member("ListTasks", page, "taskArns") if arn not in listed]
                    listed.update(tasks)
                    yield from tasks

    def _describe_tasks(self, cluster: str, some: Sequence[str]) -> None:
        with self._api.calling("DescribeTasks") as ecs:
            response = ecs.describe_tasks(cluster=cluster, tasks=some)
            for task in _all_answered("DescribeTasks", response, "tasks", some):
                self._note_task(cluster, task)

    def _note_task(self, cluster: str, task: TaskTypeDef) -> None:
        status = task.get("lastStatus", "UNKNOWN")
        if status != "STOPPED":
            name = f"task {_short(task.get('taskArn', '?'))} in cluster {_short(cluster)}"
            self._note(task.get("taskDefinitionArn", ""), Rank.TASK, f"{name} is {status} with it")

    def _read_past_of(self, cluster: str, service: str) -> None:
        source = f"past deployments of service {_short(service)}"
        self._reading.add("deployments", source, self._read_deployments, cluster, service)

    def _read_deployments(self, cluster: str, service: str) -> None:
        """Take down what the service's latest deployments aimed at."""
        with self._api.calling("ListServiceDeployments") as ecs:
            latest = ecs.list_service_deployments(cluster=cluster, service=service, maxResults=PAST_DEPLOYMENTS)
            deployments = _member("ListServiceDeployments", latest, "serviceDeployments")
            revisions = [arn for each in deployments if (arn := each.get("targetServiceRevisionArn"))]
        name = f"service {_short(service)} in cluster {_short(cluster)}"
        with self._lock:
            self._past.update(dict.fromkeys(revisions, name))
        self._describe_past(at_least=_SERVICE_REVISIONS)

    def _describe_past(self, *, at_least: int) -> None:
        """Describe service revisions, as many a call as it takes, whichever service they are of."""
        while True:
            with self._lock:
                if len(self._past) < at_least:
                    return
                some = [self._past.popitem() for _ in range(min(_SERVICE_REVISIONS, len(self._past)))]
            self._reading.add("past", "past deployments of services", self._describe_revisions, dict(some))

    def _describe_revisions(self, services: Mapping[str, str]) -> None:
        asked = list(services)
        with self._api.calling("DescribeServiceRevisions") as ecs:
            response = ecs.describe_service_revisions(serviceRevisionArns=asked)
            for each in _all_answered("DescribeServiceRevisions", response, "serviceRevisions", asked):
                words = f"a recent deployment of {services[each['serviceRevisionArn']]} names it"
                self._note(each.get("taskDefinition", ""), Rank.PAST_DEPLOYMENT, words)

    def _note(self, reference: str, rank: Rank, words: str) -> None:
        if reference:  # a service whose task sets alone have a task definition has none itself
            self._users.runs(reference, rank, words)


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

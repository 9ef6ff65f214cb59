"""The embedded ECS: one account in one Region, in memory, on a clock that can be set.

Beside ECS it answers for the services that may name a revision: EventBridge, EventBridge Scheduler, Step Functions.
"""

from __future__ import annotations

import random
import threading
import uuid
from array import array
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from janitor.local import bodies
from janitor.local.behaviour import Behaviour
from janitor.local.clusters import Clusters
from janitor.local.definitions import Definitions
from janitor.local.event_bridge import EventBridge
from janitor.local.families import MISSING_DATE, Families, Origin, Status
from janitor.local.faults import Faults
from janitor.local.names import Names
from janitor.local.paging import Tokens
from janitor.local.replies import ApiError, Reply
from janitor.local.rollouts import Rollouts
from janitor.local.scheduler import Scheduler
from janitor.local.services import Services
from janitor.local.step_functions import StepFunctions
from janitor.local.tasks import Tasks
from janitor.local.throttling import Throttle
from janitor.local.validation import check
from janitor.local.workloads import Workloads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from janitor.local.families import Body, Family
    from janitor.local.faults import Fault
    from janitor.local.replies import Json
    from janitor.ports import Clock


class EmbeddedEcs:
    """Answers ECS's operations; ``handle`` is all that a transport needs, the rest is for seeding and looking."""

    def __init__(
        self,
        *,
        clock: Clock,
        account: str = "123456789012",
        region: str = "eu-west-1",
        partition: str = "aws",
        behaviour: Behaviour | None = None,
        seed: int = 0,
        record: bool = False,
    ) -> None:
        self.clock = clock
        self.names = Names(account=account, region=region, partition=partition)
        self.behaviour = behaviour or Behaviour()
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        """Attempts that reached the server, refused ones included."""
        self.throttled: Counter[str] = Counter()
        self.deleted_requests: list[tuple[str, ...]] = []
        """With ``record``: what each admitted DeleteTaskDefinitions named."""
        self._record = record
        self._random = random.Random(seed)  # noqa: S311 - ids and latency, no secrets
        self._lock = threading.Lock()
        self._throttle = Throttle(self.behaviour.buckets if self.behaviour.throttling else {})
        self._families = Families()
        self._workloads = Workloads(names=self.names, now=self._now, random=self._random)
        tokens = Tokens(self.behaviour, self._now)
        definitions = Definitions(
            self._families,
            names=self.names,
            behaviour=self.behaviour,
            faults=self.faults,
            tokens=tokens,
            now=self._now,
        )
        self._services = Services(self._workloads, startable=definitions.startable, tokens=tokens)
        self._tasks = Tasks(
            self._workloads, startable=definitions.startable, containers=definitions.containers, tokens=tokens
        )
        self.event_bridge = EventBridge(self.names, tokens)
        self.scheduler = Scheduler(self.names, tokens, self._now)
        self.step_functions = StepFunctions(self.names, tokens, self._now)
        self._operations: dict[str, Callable[[Json], Json]] = {
            **definitions.operations(),
            **Clusters(self._workloads, tokens).operations(),
            **self._services.operations(),
            **Rollouts(self._workloads, tokens).operations(),
            **self._tasks.operations(),
            **self.event_bridge.operations(),
            **self.scheduler.operations(),
            **self.step_functions.operations(),
        }

    # What a client asks

    def handle(self, operation: str, params: Json) -> Reply:
        """Answer one call, taking its time on the clock. The lock is never held while the clock sleeps."""
        with self._lock:
            pause = self._random.uniform(*self.behaviour.latency) / 2
        self._pause(pause)
        with self._lock:
            reply = self._answer(operation, params)
        self._pause(pause)
        return reply

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self.clock.sleep(seconds)

    def _answer(self, operation: str, params: Json) -> Reply:
        self.calls[operation] += 1
        request_id = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        fault = None
        try:
            fault = self._admit(operation, params)
            status, body = 200, self._act(operation, params, fault)
        except ApiError as error:
            if error.code == "ThrottlingException":
                self.throttled[operation] += 1
            status, body = error.status, error.body
        return Reply(status=status, body=body, request_id=request_id, lost=fault.lost if fault else None)

    def _admit(self, operation: str, params: Json) -> Fault | None:
        """Raise if the operation is unknown or its bucket is empty; else return the fault that befalls it, if any."""
        if operation not in self._operations:
            message = f"The embedded ECS does not know the operation {operation}."
            raise ApiError("UnknownOperationException", message)
        now = self.clock.monotonic()
        if not self._throttle.admits(operation, now):
            raise ApiError("ThrottlingException", self.behaviour.rate_exceeded)
        return self.faults.strike(operation, params, now)

    def _act(self, operation: str, params: Json, fault: Fault | None) -> Json:
        """Do what is asked, unless the fault prevents it, and raise the fault's error, if it has one."""
        body: Json = {}
        if fault is None or fault.acts:
            check(operation, params)
            if self._record and operation == "DeleteTaskDefinitions":
                self.deleted_requests.append(tuple(params["taskDefinitions"]))
            self._advance()
            body = self._operations[operation](params)
        if fault is not None and fault.lost is None:
            raise fault.error
        return body

    def _advance(self) -> None:
        """Let those revisions go whose time has come."""
        requested_until = self._now() - self.behaviour.deletion_delay.total_seconds()
        self._families.remove_due(requested_until, self._is_referred)

    def _is_referred(self, family: Family, number: int) -> bool:
        return self.names.task_definition(family.name, number) in self._workloads.referred()

    def _now(self) -> float:
        return self.clock.now().timestamp()

    # What a test or the demo puts in

    def seed_family(
        self,
        name: str,
        *,
        count: int,
        status: Status = Status.INACTIVE,
        registered: tuple[datetime, datetime] | None = None,
        lifetime: timedelta | None = timedelta(hours=1),
        deregistered_at: datetime | None = None,
        delete_requested_at: datetime | None = None,
        body: Body | Callable[[int], Body] | None = None,
        tags: Mapping[str, str] | None = None,
        registered_by: str | None = None,
    ) -> None:
        """Append ``count`` revisions to a family, registered evenly between two moments.

        They were deregistered a ``lifetime`` after their registration, or all at one moment. Without ``registered``
        or ``lifetime`` the date is missing; a revision that is DELETE_IN_PROGRESS was asked to go now, unless said
        otherwise (requests must be seeded in the order of their time).
        """
        dates = _spaced(registered, count)
        if status in (Status.ACTIVE, Status.GONE):
            left = array("d", [MISSING_DATE]) * count
        elif deregistered_at is not None:
            left = array("d", [deregistered_at.timestamp()]) * count
        elif lifetime is not None and registered is not None:
            seconds = lifetime.total_seconds()
            left = array("d", [date + seconds for date in dates])
        else:
            left = array("d", [MISSING_DATE]) * count
        with self._lock:
            family = self._families.get_or_create(name)
            origin = Origin(
                first=family.highest + 1,
                body=_body_of(name, body),
                tags=tags or {},
                registered_by=registered_by,
            )
            family.append(origin, status, registered=dates, deregistered=left)
            if status is Status.DELETE_IN_PROGRESS:
                requested = (delete_requested_at or self.clock.now()).timestamp()
                for number in range(origin.first, origin.first + count):
                    self._families.await_removal(family, number, requested)

    def seed_cluster(self, name: str) -> str:
        """Create a cluster and return its ARN."""
        with self._lock:
            return str(self._workloads.add_cluster(name)["clusterArn"])

    def seed_service(
        self,
        cluster: str,
        name: str,
        *,
        task_definition: str | None = None,
        deployments: Sequence[str] = (),
        task_sets: Sequence[str] = (),
        previous_revisions: Sequence[str] = (),
        controller: str = "ECS",
    ) -> str:
        """Create a service that refers to these revisions, given as family:number or ARN, and return its ARN.

        ``deployments`` still run beside the service's task definition; ``previous_revisions``, oldest first, are
        only told by its service deployments.
        """
        with self._lock:
            body = self._services.add(
                self._workloads.add_cluster(cluster),
                name,
                controller=controller,
                task_definition=self.names.task_definition_arn(task_definition) if task_definition else None,
                deployments=[self.names.task_definition_arn(reference) for reference in deployments],
                task_sets=[self.names.task_definition_arn(reference) for reference in task_sets],
                previous=[self.names.task_definition_arn(reference) for reference in previous_revisions],
            )
            return str(body["serviceArn"])

    def seed_task(
        self,
        cluster: str,
        task_definition: str,
        *,
        last_status: str = "RUNNING",
        desired_status: str = "RUNNING",
        group: str | None = None,
    ) -> str:
        """Create a task and return its ARN."""
        with self._lock:
            task = self._tasks.add(
                self._workloads.add_cluster(cluster),
                self.names.task_definition_arn(task_definition),
                last_status=last_status,
                desired_status=desired_status,
                group=group,
            )
            return str(task["taskArn"])

    def seed_exit_codes(self, *exit_codes: int | None) -> None:
        """Let the tasks that RunTask starts next end at once with these, in this order.

        None, as when none is left: the task runs until it is stopped.
        """
        with self._lock:
            self._tasks.exit_codes.extend(exit_codes)

    # What a test looks at

    def status(self, family: str, number: int) -> str | None:
        """Return a revision's status now, None if it is gone or never was."""
        with self._lock:
            self._advance()
            found = self._families.get(family)
            status = found.status(number) if found else Status.GONE
            return None if status is Status.GONE else status.value

    def numbers(self, family: str, status: str = Status.INACTIVE) -> list[int]:
        """Return the numbers of a family's revisions that have a status now."""
        with self._lock:
            self._advance()
            found = self._families.get(family)
            return list(found.numbers(Status(status))) if found else []

    def count(self, family: str, status: str | None = None) -> int:
        """Count a family's revisions that have a status now; without one, all that exist."""
        wanted = [Status(status)] if status else [each for each in Status if each is not Status.GONE]
        with self._lock:
            self._advance()
            found = self._families.get(family)
            return sum(found.count(each) for each in wanted) if found else 0


def _spaced(between: tuple[datetime, datetime] | None, count: int) -> array[float]:
    if between is None:
        return array("d", [MISSING_DATE]) * count
    first, last = (moment.timestamp() for moment in between)
    step = (last - first) / max(1, count - 1)
    return array("d", [first + index * step for index in range(count)])


def _body_of(family: str, body: Mapping[str, Any] | Callable[[int], Body] | None) -> Callable[[int], Body]:
    if body is None:
        return bodies.job(family)
    if callable(body):
        return body
    return lambda _: body

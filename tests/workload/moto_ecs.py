"""moto as a server, with what its ECS needs for a task to end (5.2.5).

Its containers stay PENDING for ever, which Airflow takes for a failure; it wants to know the memory of each container,
where ECS is content with that of the task; and the subnet and the security group must exist.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.ec2.models import ec2_backends
from moto.ecs.models import EC2ContainerServiceBackend
from moto.moto_api import state_manager
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moto.ecs.models import Task

_run_task = EC2ContainerServiceBackend.run_task
_describe_tasks = EC2ContainerServiceBackend.describe_tasks


class Moto:
    """A server of moto's in which a task that was started has stopped when it is asked about."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.exit_code = 0
        """With which every container ends."""
        self._ecs = boto3.Session("test", "test", region_name="eu-west-1").client("ecs", endpoint_url=url)
        self._ecs.create_cluster(clusterName="airflow")

    def newest(self, family: str) -> list[str]:
        """Return the status of a family's newest revision, in a list as of those that one run registered."""
        by_number = {
            int(arn.rpartition(":")[2]): status
            for status in ("ACTIVE", "INACTIVE")
            for arn in self._ecs.list_task_definitions(familyPrefix=family, status=status)["taskDefinitionArns"]
        }
        return [by_number[max(by_number)]]

    def run_task(self, backend: EC2ContainerServiceBackend, *params: Any) -> list[Task]:  # noqa: ANN401 - as moto has them
        """Start tasks in the default subnet."""
        cluster, reference, *rest = params
        for container in backend.describe_task_definition(reference).container_definitions:
            container.setdefault("memory", 1024)
        subnet, *_ = ec2_backends[backend.account_id][backend.region_name].get_default_subnets().values()
        rest[5] = {"awsvpcConfiguration": {"subnets": [subnet.id], "securityGroups": []}}
        return _run_task(backend, cluster, reference, *rest)

    def describe_tasks(self, backend: EC2ContainerServiceBackend, *params: Any) -> list[Task]:  # noqa: ANN401 - as moto has them
        """Show the containers of a task that has stopped as stopped."""
        tasks = _describe_tasks(backend, *params)
        for container in [each for task in tasks if task.last_status == "STOPPED" for each in task.containers]:
            container.last_status, container.exitCode = "STOPPED", self.exit_code
        return tasks


@contextmanager
def moto() -> Iterator[Moto]:
    """Serve on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    started = Moto(f"http://{host}:{port}")
    state_manager.set_transition("ecs::task", {"progression": "immediate"})
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("run_task", "describe_tasks"):
                helped = getattr(started, name)
                patch.setattr(
                    EC2ContainerServiceBackend, name, lambda self, *params, helped=helped: helped(self, *params)
                )
            yield started
    finally:
        state_manager.unset_transition("ecs::task")
        server.stop()

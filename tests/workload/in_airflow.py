"""Runs DAGs for whoever asks, a JSON line in and a JSON line out: the process in which Airflow lives.

Airflow reads its settings when it is imported, logs wherever it likes, and forks; so it has a process of its own, and
its environment (``AIRFLOW_HOME`` first of all) is made by who starts that: ``tests.workload.airflow``.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
import threading
import time
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any

import boto3
import psutil
import uvicorn
from airflow.api_fastapi.app import create_app
from airflow.utils.db import initdb

if TYPE_CHECKING:
    from collections.abc import Callable

_EXECUTION_API = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"


def main() -> None:
    """Answer on the open file of that number until nothing more is asked."""
    initdb()
    with os.fdopen(int(sys.argv[1]), "w") as answers:
        _serve_tasks(answers)
        for line in sys.stdin:
            print(json.dumps(_run(**json.loads(line))), file=answers, flush=True)


def _run(dag: str, connection: dict[str, Any], *, kill: bool) -> dict[str, Any]:
    """Run a DAG once and say how the run, and each of its tasks at which try, ended.

    The tasks run in this process, one after the other; with ``kill`` under an executor, each supervised in a process
    of its own as by a worker, and the one that waits for its container is killed, without a second try.
    """
    os.environ["AIRFLOW_CONN_AWS_DEFAULT"] = json.dumps(connection)
    loaded = importlib.import_module(f"tests.workload.dags.{dag}").dag
    for task in loaded.tasks:
        task.retry_delay = timedelta(0)
        task.retries = 0 if kill else task.retries
    if kill:
        threading.Thread(target=_kill_what_waits, args=(connection,), daemon=True).start()
    ended = loaded.test(use_executor=kill)
    return {
        "run": ended.state,
        "tasks": {each.task_id: [each.state, each.try_number] for each in ended.get_task_instances()},
    }


def _serve_tasks(answers: IO[str]) -> None:
    """Serve the API that a task in a process of its own asks, in another process, as a deployment does."""
    listening = socket.create_server(("127.0.0.1", 0))
    os.environ[_EXECUTION_API] = f"http://127.0.0.1:{listening.getsockname()[1]}/execution/"
    if os.fork():
        return
    answers.close()
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
    uvicorn.Server(uvicorn.Config(create_app(apps="execution"), log_level="warning")).run(sockets=[listening])
    os._exit(0)


def _kill_what_waits(connection: dict[str, Any]) -> None:
    """Kill the process of the task whose container runs: the one below the executor's worker."""
    extra = connection["extra"]
    ecs = boto3.client(
        "ecs",
        region_name=extra["region_name"],
        endpoint_url=extra["service_config"]["ecs"]["endpoint_url"],
        aws_access_key_id=connection["login"],
        aws_secret_access_key=connection["password"],
    )
    _await(lambda: bool(ecs.list_tasks(cluster="airflow")["taskArns"]))
    (task,) = (below for child in psutil.Process().children() for below in child.children())
    task.kill()


def _await(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.1)


if __name__ == "__main__":
    main()

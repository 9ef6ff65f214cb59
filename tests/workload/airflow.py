"""Airflow in a process and a folder of its own, asked to run DAGs."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING = "Airflow is not installed: uv run --group airflow pytest tests/workload"
_HERE = Path(__file__).parent
_REGION = "eu-west-1"
_MOST_SECONDS = 240
"""After which it is ended: a run that waits for ever ends as an error."""


def installed() -> bool:
    """Say whether this Python has Airflow and its Amazon provider."""
    return importlib.util.find_spec("airflow") is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Airflow:
    """A running Airflow; ``others`` is the endpoint of every service but ECS, such as CloudWatch Logs."""

    asked: IO[str]
    answers: IO[str]
    log: Path
    others: str

    def run(self, dag: str, *, ecs: str, kill: bool = False) -> dict[str, Any]:
        """Run a DAG once against an ECS endpoint and return how it and its tasks ended.

        With ``kill`` the process of the task that waits for its container is killed by ``SIGKILL``.
        """
        connection = {
            "conn_type": "aws",
            "login": "test",
            "password": "test",
            "extra": {
                "region_name": _REGION,
                "endpoint_url": self.others,
                "service_config": {"ecs": {"endpoint_url": ecs}},
            },
        }
        self.asked.write(json.dumps({"dag": dag, "connection": connection, "kill": kill}) + "\n")
        self.asked.flush()
        answer = self.answers.readline()
        if not answer:
            said = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
            raise RuntimeError("Airflow ended: " + "\n".join(said[-20:]))
        ended: dict[str, Any] = json.loads(answer)
        return ended


@contextmanager
def airflow(folder: Path, *, others: str) -> Iterator[Airflow]:
    """Start Airflow with everything that it writes in the folder, and end it with all that it started."""
    log = folder / "log"
    answered, answering = os.pipe()
    with log.open("w", encoding="utf-8") as written:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "tests.workload.in_airflow", str(answering)],
            cwd=_HERE.parents[1],
            env=_environment(folder),
            stdin=subprocess.PIPE,
            stdout=written,
            stderr=written,
            pass_fds=[answering],
            text=True,
            start_new_session=True,
        )
    os.close(answering)  # its own end is then the last one: when Airflow ends, there is nothing more to read
    assert process.stdin is not None
    overdue = threading.Timer(_MOST_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    overdue.start()
    try:
        with process.stdin, os.fdopen(answered) as answers:
            yield Airflow(asked=process.stdin, answers=answers, log=log, others=others)
    finally:
        overdue.cancel()
        os.killpg(process.pid, signal.SIGKILL)  # it and what it forked: a group of their own
        process.wait()


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(_HERE / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": "as long as the sixty-four bytes that a secret of HS512 needs to be",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

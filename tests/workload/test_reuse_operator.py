"""The operator in the place of the provider's: the same arguments, the same XCom, fewer revisions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.workload.airflow import MISSING, installed

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.skipif(not installed(), reason=MISSING)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Provide what both operators gave; Airflow has a process and a folder of its own."""
    connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": {"region_name": "eu-west-1"}}
    done = subprocess.run(
        [sys.executable, "-m", "tests.workload.operator_alone"],
        cwd=Path(__file__).parents[2],
        env={
            "PATH": os.environ["PATH"],
            "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        },
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    told: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**told, "logged": done.stdout.rpartition("From here on, ours")[2]}


def number(ran: Mapping[str, Any]) -> int:
    """Return the revision's number that an operator gave, and pushed as the provider's does."""
    assert ran["pushed"] == {"task_definition_arn": ran["given"]}
    return int(ran["given"].rpartition(":")[2])


def test_it_gives_and_pushes_what_the_providers_does(told: Mapping[str, Any]) -> None:
    """The ARN, under the same key; of its own first registration, and of none after that."""
    assert number(told["theirs"]) == 1
    assert [number(each) for each in told["ours"]] == [2, 2, 3]


def test_it_takes_templates_where_the_providers_does(told: Mapping[str, Any]) -> None:
    """And in the table's name."""
    theirs, ours = told["templated"]
    assert ours == [*theirs, "table"]


def test_it_says_who_asked_and_nothing_of_the_definition(told: Mapping[str, Any]) -> None:
    """The history names DAG, task and run; the log names the revision, and the table that could not be used."""
    assert told["by"] == ["dbt.ours manual"]
    assert "Task definition airflow-dbt:2: registered" in told["logged"]
    assert "Task definition airflow-dbt:2: reused" in told["logged"]
    assert "the lookup table nowhere failed" in told["logged"]
    assert "hunter2" not in told["logged"]
    assert "256" not in told["logged"]

"""Runs the operator without a scheduler or a database, in a process that has Airflow's settings before it is imported.

Prints what it logs, and as JSON what the operator of the provider and ours gave and pushed.
"""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import boto3
from airflow.providers.amazon.aws.operators.ecs import EcsRegisterTaskDefinitionOperator
from moto import mock_aws

from janitor.local.attach import attach
from janitor.local.behaviour import Behaviour
from janitor.local.ecs import EmbeddedEcs
from janitor.reuse.airflow import EcsReuseTaskDefinitionOperator
from janitor.wiring import SystemClock
from tests.lookup import create_table

OURS = "From here on, ours"
"""A line of the output: after it nothing of the provider's operator is logged, which logs the definition."""

DEFINITION: dict[str, Any] = {
    "family": "airflow-dbt",
    "container_definitions": [
        {"name": "dbt", "image": "dbt:1", "environment": [{"name": "PASSWORD", "value": "hunter2-do-not-print"}]}
    ],
    "register_task_kwargs": {"networkMode": "awsvpc", "cpu": "256", "memory": "512"},
}


def main() -> None:
    """Run both operators, ours three times."""
    ecs = EmbeddedEcs(clock=SystemClock(), behaviour=Behaviour(throttling=False))
    with mock_aws():
        create_table(boto3.client("dynamodb", "eu-west-1"), "lookup")
        theirs = run(ecs, EcsRegisterTaskDefinitionOperator(task_id="theirs", **DEFINITION))
        sys.stdout.write(f"{OURS}\n")
        ours = []
        for table in ("lookup", "lookup", "nowhere"):
            operator = EcsReuseTaskDefinitionOperator(
                task_id="ours", table=table, on_table_trouble="register", **DEFINITION
            )
            ours.append(run(ecs, operator))
        stored = boto3.client("dynamodb", "eu-west-1").scan(TableName="lookup")["Items"]
    operators = (EcsRegisterTaskDefinitionOperator, EcsReuseTaskDefinitionOperator)
    answer = {
        "theirs": theirs,
        "ours": ours,
        "templated": [list(each.template_fields) for each in operators],
        "by": [each["by"]["S"] for each in stored if "by" in each],
    }
    sys.stdout.write(f"{json.dumps(answer)}\n")


def run(ecs: EmbeddedEcs, operator: Any) -> dict[str, Any]:  # noqa: ANN401 - of either kind
    """Execute an operator once; return what it gave and what it pushed."""
    attach(operator.client, ecs)
    pushed: dict[str, Any] = {}
    instance = SimpleNamespace(
        dag_id="dbt",
        task_id=operator.task_id,
        run_id="manual",
        xcom_push=lambda key, value: pushed.update({key: value}),
    )
    return {"given": operator.execute({"ti": instance}), "pushed": pushed}


if __name__ == "__main__":
    main()

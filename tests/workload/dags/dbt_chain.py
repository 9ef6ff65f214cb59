"""The same as a plain chain, which leaks: after a run that failed nothing deregisters its revision."""

from datetime import UTC, datetime, timedelta

from airflow.providers.amazon.aws.operators.ecs import (
    EcsDeregisterTaskDefinitionOperator,
    EcsRegisterTaskDefinitionOperator,
    EcsRunTaskOperator,
)

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

with DAG(
    "dbt_chain",
    schedule=timedelta(minutes=30),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
) as dag:
    create = EcsRegisterTaskDefinitionOperator(
        task_id="create",
        family="airflow-dbt-chain",
        container_definitions=[{"name": "dbt", "image": "dbt:1.0.1"}],
        register_task_kwargs={"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256"},
    )
    run = EcsRunTaskOperator(
        task_id="run",
        cluster="airflow",
        task_definition=create.output,
        launch_type="FARGATE",
        network_configuration={"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}},
        overrides={},
        container_name="dbt",
    )
    deregister = EcsDeregisterTaskDefinitionOperator(task_id="deregister", task_definition=create.output)

    create >> run >> deregister

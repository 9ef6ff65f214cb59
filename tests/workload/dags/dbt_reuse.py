"""Every run has the same revision, as long as nothing in its definition changes; nothing is deregistered."""

from datetime import UTC, datetime, timedelta

from airflow.providers.amazon.aws.operators.ecs import EcsRunTaskOperator

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

from janitor.reuse.airflow import EcsReuseTaskDefinitionOperator

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/dbt:1.0.1"  # a release changes the tag
LOGS = {"awslogs-group": "/airflow/dbt", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "run"}

with DAG(
    "dbt_reuse",
    schedule=timedelta(minutes=30),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 1},
) as dag:
    create = EcsReuseTaskDefinitionOperator(
        task_id="create",
        table="ecs-revision-janitor-prod-lookup",
        family="airflow-dbt-reuse",
        container_definitions=[
            {"name": "dbt", "image": IMAGE, "logConfiguration": {"logDriver": "awslogs", "options": LOGS}}
        ],
        register_task_kwargs={
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "1024",
            "memory": "2048",
            "executionRoleArn": "arn:aws:iam::123456789012:role/dbt-execution",
            "taskRoleArn": "arn:aws:iam::123456789012:role/dbt",
        },
    )
    run = EcsRunTaskOperator(
        task_id="run",
        cluster="airflow",
        task_definition=create.output,
        launch_type="FARGATE",
        network_configuration={"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}},
        overrides={"containerOverrides": [{"name": "dbt", "command": ["dbt", "run"]}]},
        container_name="dbt",
        awslogs_group=LOGS["awslogs-group"],
        awslogs_stream_prefix=LOGS["awslogs-stream-prefix"],
    )

    create >> run

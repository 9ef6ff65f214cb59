"""The lookup table as an operator of Airflow, in the place of ``EcsRegisterTaskDefinitionOperator``, whose XCom it has.

The DAG then has no task that deregisters: the revision is the next run's as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from airflow.providers.amazon.aws.operators.ecs import EcsRegisterTaskDefinitionOperator

from janitor.reuse import How, reuse_or_register

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal


class EcsReuseTaskDefinitionOperator(EcsRegisterTaskDefinitionOperator):
    """Hands out the revision that stands in the lookup table for a definition, or registers it.

    Its arguments are those of the operator that it stands for, and ``table`` (templated), the name of the lookup table;
    ``on_table_trouble``, what to do where that cannot be used: ``raise``, or ``register`` as that operator does.
    Returns the revision's ARN, as ``task_definition_arn`` in XCom too.
    """

    template_fields: Sequence[str] = (*EcsRegisterTaskDefinitionOperator.template_fields, "table")

    def __init__(
        self,
        *,
        table: str,
        on_table_trouble: Literal["raise", "register"] = "raise",
        **kwargs: Any,  # noqa: ANN401 - those of the operator that this one stands for
    ) -> None:
        super().__init__(**kwargs)
        self.table = table
        self.on_table_trouble = on_table_trouble

    def execute(self, context: Any) -> str:  # noqa: ANN401 - Airflow's context
        """Return the ARN of the revision to run. Nothing of the definition is logged."""
        dynamodb = AwsGenericHook(client_type="dynamodb", **self._hook_parameters)  # of the same connection
        task = context["ti"]
        found = reuse_or_register(
            {"family": self.family, "containerDefinitions": self.container_definitions, **self.register_task_kwargs},
            table=self.table,
            ecs=self.client,
            dynamodb=dynamodb.conn,
            by=f"{task.dag_id}.{task.task_id} {task.run_id}",
            on_table_trouble=self.on_table_trouble,
        )
        self.log.info("Task definition %s: %s", found.revision, found.how)
        if found.trouble is not None:
            self.log.warning("%s", found.trouble)
        if found.how is How.PLAIN:
            self.log.warning("The lookup table does not know %s: nobody else will use it", found.revision)
        task.xcom_push(key="task_definition_arn", value=found.arn)
        return found.arn

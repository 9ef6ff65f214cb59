"""The brake: a parameter that stops every sweep of the stack unless it says off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.ssm import Parameter

from janitor.aws.brake import RELEASED

if TYPE_CHECKING:
    from infra.names import Names


class Brake(pulumi.ComponentResource):
    """Made released; from then on its value belongs to whoever pulls it, and no deployment releases it."""

    def __init__(self, names: Names, opts: pulumi.ResourceOptions) -> None:
        super().__init__("janitor:infra:Brake", names.short, None, opts)
        parameter = Parameter(
            f"{names.short}-brake",
            name=names.brake,
            type="String",
            value=RELEASED,
            description="Any value but off stops the sweeps of this stack within a minute",
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["value"]),
        )
        self.name = parameter.name
        self.arn = parameter.arn
        self.register_outputs({})

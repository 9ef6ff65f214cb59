"""The lookup table, by which DAGs reuse definitions; optional."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.dynamodb import Table

from janitor.aws.lookup_items import EXPIRES, PARTITION, SORT

if TYPE_CHECKING:
    from infra.names import Names
    from infra.settings import StackSettings


class Lookup(pulumi.ComponentResource):
    """Paid by request, kept to any second of the last weeks, encrypted as DynamoDB does by itself.

    It is protected and outlives the stack, unless the stack deletes its store as well: whoever loses it registers every
    definition once more.
    """

    def __init__(self, names: Names, settings: StackSettings, opts: pulumi.ResourceOptions) -> None:
        super().__init__("janitor:infra:Lookup", names.short, None, opts)
        kept = not settings.delete_store
        table = Table(
            f"{names.short}-lookup",
            name=names.lookup_table,
            billing_mode="PAY_PER_REQUEST",
            hash_key=PARTITION,
            range_key=SORT,
            attributes=[{"name": PARTITION, "type": "S"}, {"name": SORT, "type": "S"}],
            ttl={"attribute_name": EXPIRES, "enabled": True},
            point_in_time_recovery={"enabled": True},
            deletion_protection_enabled=kept,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=kept),
        )
        self.name = table.name
        self.arn = table.arn
        self.register_outputs({})

"""A lookup table in moto's DynamoDB, and the lock without which its conditional writes are not safe."""

from __future__ import annotations

import functools
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from moto.dynamodb.models import DynamoDBBackend

from janitor.aws.lookup_items import PARTITION, SORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb.client import DynamoDBClient

WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")


def create_table(client: DynamoDBClient, name: str) -> None:
    """Create the table as ``infra`` does, as far as moto cares."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": PARTITION, "KeyType": "HASH"}, {"AttributeName": SORT, "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": PARTITION, "AttributeType": "S"},
            {"AttributeName": SORT, "AttributeType": "S"},
        ],
    )


@contextmanager
def one_write_at_a_time() -> Iterator[None]:
    """Let moto's DynamoDB do one call after the other.

    moto 5.2.5 checks a condition and writes without a lock in between (``put_item``, ``update_item``, ``delete_item``
    of ``moto.dynamodb.models.DynamoDBBackend``), and a transaction that is cancelled puts whole tables back as they
    were (``transact_write_items``), without what others wrote meanwhile. Real DynamoDB does neither.
    """
    lock = threading.RLock()
    before = {name: getattr(DynamoDBBackend, name) for name in (*WRITES, "get_item", "query", "scan")}

    def locked(call: Any) -> Any:  # noqa: ANN401 - a method of moto's
        @functools.wraps(call)
        def called(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
            with lock:
                return call(*args, **kwargs)

        return called

    for name, call in before.items():
        setattr(DynamoDBBackend, name, locked(call))
    try:
        yield
    finally:
        for name, call in before.items():
            setattr(DynamoDBBackend, name, call)

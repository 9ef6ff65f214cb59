"""The lookup table in DynamoDB: which definition is which revision, who is about to register one, and the past.

Every read is strongly consistent. What the items are: ``lookup_items``.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import botocore.exceptions

from janitor.aws import lookup_items as items
from janitor.aws.client import DENIED, NO_CREDENTIALS
from janitor.core.lookup import Entry, FamilyLookup, Lease
from janitor.errors import TableFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from janitor.core.lookup import Event, Key
    from janitor.core.model import RevisionId

READ_ACTIONS = ("dynamodb:GetItem", "dynamodb:Query")
"""What the janitor needs to know what it must not deregister."""

EVICT_ACTIONS = ("dynamodb:DeleteItem", "dynamodb:PutItem")
"""What it needs beside to forget and to evict. A transaction needs what its writes need (Amazon DynamoDB developer
guide, "IAM policies for transactions")."""

REUSE_ACTIONS = ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
"""What whoever reuses definitions needs."""

SHOW_ACTIONS = ("dynamodb:Scan",)
"""What people need to see the past of a family."""

HISTORY = timedelta(days=400)
"""How long a line of the history is kept, unless said otherwise."""

_LOST_RACES = frozenset({
    "ConditionalCheckFailed",
    "ConditionalCheckFailedException",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
})  # fmt: skip
"""Codes of a write whose condition did not hold, or that met another one: whoever asked looks again."""


class DynamoLookupTable:
    """The lookup table. Satisfies ``janitor.ports.LookupTable``; may be called from several threads."""

    def __init__(
        self,
        client: DynamoDBClient,
        name: str,
        *,
        history: timedelta | None = HISTORY,
        lent_by: str | None = None,
    ) -> None:
        """``history`` is how long a line of the history is kept; None: for ever.

        ``lent_by`` is the command that prints the permissions; without it, that for whoever reuses definitions.
        """
        self.name = name
        self._client = client
        self._history = history
        self._lent_by = lent_by or f"janitor iam --mode reuse --table {name}"

    def get(self, key: Key) -> Entry | Lease | None:
        """Return what stands for a definition: a revision, somebody who is about to register one, or nothing."""
        with self._calling("GetItem"):
            asked = items.typed(items.entry_key(key))
            answer = self._client.get_item(TableName=self.name, Key=asked, ConsistentRead=True)
            return items.standing_in(items.plain(answer["Item"])) if "Item" in answer else None

    def lease(self, lease: Lease, over: Lease | None) -> bool:
        """Take the right to register, on condition that nobody has it but, perhaps, the one whose time is over."""
        condition = {"ConditionExpression": "attribute_not_exists(pk)"} if over is None else _still_leased(over)
        item = items.typed(items.lease_item(lease))
        return self._held("PutItem", lambda: self._client.put_item(TableName=self.name, Item=item, **condition))

    def release(self, lease: Lease) -> bool:
        """Give the right to register back, on condition that it is still this one."""
        key, condition = items.typed(items.entry_key(lease.key)), _still_leased(lease)
        return self._held("DeleteItem", lambda: self._client.delete_item(TableName=self.name, Key=key, **condition))

    def commit(self, lease: Lease, entry: Entry, event: Event) -> bool:
        """Put a revision in the place of a lease, on condition that it is still this one."""
        return self._written(
            self._put(items.entry_item(entry), **_still_leased(lease)),
            self._put(items.named_item(entry)),
            self._put(items.event_item(event, self._history)),
        )

    def touch(self, entry: Entry, at: datetime, by: str) -> bool:
        """Note a use, on condition that it is still this revision that stands for the definition."""
        values = items.typed({":arn": entry.arn, ":at": items.text(at), ":by": by, ":one": 1})
        return self._held(
            "UpdateItem",
            lambda: self._client.update_item(
                TableName=self.name,
                Key=items.typed(items.entry_key(entry.key)),
                UpdateExpression="SET last_used_at = :at, last_used_by = :by ADD use_count :one",
                ConditionExpression="arn = :arn",
                ExpressionAttributeValues=values,
            ),
        )

    def forget(self, entry: Entry, event: Event) -> bool:
        """Take away an entry, on condition that it still names this revision, whoever used it since."""
        return self._taken_away(entry, event, "arn = :arn", {":arn": entry.arn})

    def evict(self, entry: Entry, event: Event) -> bool:
        """Take away an entry, on condition that it still names this revision and was not used since."""
        values = {":arn": entry.arn, ":used": items.text(entry.last_used_at), ":count": entry.use_count}
        return self._taken_away(entry, event, "arn = :arn AND last_used_at = :used AND use_count = :count", values)

    def note(self, event: Event) -> None:
        """Add a line to the history."""
        with self._calling("PutItem"):
            line = items.typed(items.event_item(event, self._history))
            self._client.put_item(TableName=self.name, Item=line)

    def named(self, family: str) -> Mapping[RevisionId, Key]:
        """Return the revisions of a family that stand for a definition."""
        with self._calling("Query"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self.name,
                ConsistentRead=True,
                KeyConditionExpression="pk = :family",
                ExpressionAttributeValues=items.typed({":family": items.revisions_of(family)}),
            )
            found = [items.plain(each) for page in pages for each in page.get("Items", [])]
            return dict(items.named_in(family, each) for each in found)

    def family(self, family: str) -> FamilyLookup:
        """Return all that there is of a family. It reads the whole table: for people, not for every run."""
        with self._calling("Scan"):
            pages = self._client.get_paginator("scan").paginate(
                TableName=self.name,
                ConsistentRead=True,
                FilterExpression="begins_with(pk, :family)",
                ExpressionAttributeValues=items.typed({":family": items.partitions_of(family)}),
            )
            found = [items.plain(each) for page in pages for each in page.get("Items", [])]
            standing = [items.standing_in(each) for each in found if each[items.SORT] == items.ENTRY]
            history = [items.event_in(each) for each in found if each[items.SORT] != items.ENTRY]
        return FamilyLookup(
            family=family,
            entries=tuple(sorted((e for e in standing if isinstance(e, Entry)), key=lambda each: each.revision)),
            leases=tuple(sorted((e for e in standing if isinstance(e, Lease)), key=lambda each: each.key)),
            history=tuple(sorted(history, key=lambda each: (each.at, each.revision, each.what))),
        )

    def _taken_away(self, entry: Entry, event: Event, condition: str, values: Mapping[str, Any]) -> bool:
        key = items.typed(items.entry_key(entry.key))
        checked = {"ConditionExpression": condition, "ExpressionAttributeValues": items.typed(values)}
        return self._written(
            {"Delete": {"TableName": self.name, "Key": key, **checked}},  # type: ignore[typeddict-item] # both are known
            {"Delete": {"TableName": self.name, "Key": items.typed(items.revision_key(entry.revision))}},
            self._put(items.event_item(event, self._history)),
        )

    def _put(self, item: items.Item, **condition: Any) -> TransactWriteItemTypeDef:  # noqa: ANN401 - as boto3 has it
        return {"Put": {"TableName": self.name, "Item": items.typed(item), **condition}}  # type: ignore[typeddict-item] # as above

    def _written(self, *writes: TransactWriteItemTypeDef) -> bool:
        """Write all or nothing. boto3 gives each call a token, by which a repetition of it is known for ten minutes."""
        return self._held("TransactWriteItems", lambda: self._client.transact_write_items(TransactItems=writes))

    def _held(self, operation: str, write: Callable[[], object]) -> bool:
        """Write; say whether that was done, or its condition did not hold."""
        with self._calling(operation):
            try:
                write()
            except botocore.exceptions.ClientError as error:
                if _lost_race(error):
                    return False
                raise
            return True

    @contextmanager
    def _calling(self, operation: str) -> Iterator[None]:
        """Turn what a call raises into our own error: which table, what of it, why, and what to do next."""
        try:
            yield
        except botocore.exceptions.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "Unknown")
            words = error.response.get("Error", {}).get("Message") or "no message"
            raise TableFailed(self.name, operation, f"{code}: {words}", self._next_step(code)) from error
        except NO_CREDENTIALS as error:
            cause = f"no valid AWS credentials: {error}"
            raise TableFailed(self.name, operation, cause, "set AWS_PROFILE, or give it a role") from error
        except botocore.exceptions.BotoCoreError as error:
            raise TableFailed(self.name, operation, str(error), "look whether DynamoDB can be reached") from error
        except (botocore.parsers.ResponseParserError, AttributeError, LookupError, TypeError, ValueError) as error:
            cause = f"what it answered could not be read ({type(error).__name__})"
            raise TableFailed(self.name, operation, cause, "look who else writes to it") from error

    def _next_step(self, code: str) -> str:
        if code == "ResourceNotFoundException":
            return f"look for its name in {self._client.meta.region_name}, or deploy it (lookupTable: true)"
        if code in DENIED:
            return f"{self._lent_by} prints what is needed"
        return "try again"


def _lost_race(error: botocore.exceptions.ClientError) -> bool:
    response: Any = error.response  # of which the published types know no reasons
    code = response.get("Error", {}).get("Code")
    if code != "TransactionCanceledException":
        return code in _LOST_RACES
    reasons = {reason.get("Code") or "None" for reason in response.get("CancellationReasons", [])} - {"None"}
    return bool(reasons) and reasons <= _LOST_RACES


def _still_leased(lease: Lease) -> dict[str, Any]:
    return {
        "ConditionExpression": "#owner = :owner",
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": items.typed({":owner": lease.owner}),
    }

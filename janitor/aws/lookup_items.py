"""The items of the lookup table, and the nouns that they stand for.

One table, no index. By partition key ``pk`` and sort key ``sk``:

- ``TD#family#hash`` / ``ENTRY``: the revision that stands for a definition (``state`` READY), or the lease of whoever
  is about to register one (REGISTERING).
- ``TD#family#hash`` / ``H#time#id``: a line of the history. The only items with an ``expires_at``, in seconds of the
  epoch, after which DynamoDB removes them within days (Amazon DynamoDB developer guide, Time to Live).
- ``REV#family`` / ``revision``: the revisions of a family that stand for a definition, for whoever must not deregister
  them. Written and taken away in one transaction with their entries.

Nothing of a definition is in them but names, numbers, dates and the hash.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from janitor.core.lookup import Entry, Event, Key, Lease, What
from janitor.core.model import RevisionId

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

PARTITION, SORT, EXPIRES = "pk", "sk", "expires_at"

ENTRY = "ENTRY"
"""The sort key of an entry or a lease."""

_READY, _REGISTERING = "READY", "REGISTERING"
_DIGITS = 10  # of a revision's number in a sort key: as text, numbers keep their order

Item: TypeAlias = "dict[str, Any]"

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def typed(item: Mapping[str, Any]) -> Item:
    """Return an item, or a part of one, as DynamoDB's API has it: each value with its type."""
    return {name: _serialize(value) for name, value in item.items()}


def plain(item: Mapping[str, Any]) -> Item:
    """Return an item without the types."""
    return {name: _deserialize(value) for name, value in item.items()}


def partition_of(key: Key) -> str:
    """Return the partition key of a definition's items."""
    return f"TD#{key.family}#{key.hash}"


def partitions_of(family: str) -> str:
    """Return how the partition keys of all definitions of a family begin; no family's name has a # in it."""
    return f"TD#{family}#"


def entry_key(key: Key) -> Item:
    """Return the key of a definition's entry."""
    return {PARTITION: partition_of(key), SORT: ENTRY}


def revisions_of(family: str) -> str:
    """Return the partition key of the revisions that stand for definitions of a family."""
    return f"REV#{family}"


def revision_key(revision: RevisionId) -> Item:
    """Return the key of a revision that stands for a definition."""
    return {PARTITION: revisions_of(revision.family), SORT: f"{revision.number:0{_DIGITS}}"}


def named_item(entry: Entry) -> Item:
    """Return the item that names an entry's revision by its family."""
    return {**revision_key(entry.revision), "hash": entry.key.hash, "arn": entry.arn}


def named_in(family: str, item: Item) -> tuple[RevisionId, Key]:
    """Return the revision that an item names, and the definition it stands for."""
    return RevisionId(family, int(item[SORT])), Key(family, item["hash"])


def lease_item(lease: Lease) -> Item:
    """Return the item of a lease."""
    return {
        **entry_key(lease.key),
        "state": _REGISTERING,
        "owner": lease.owner,
        "registering_by": lease.by,
        "since": text(lease.since),
        "lease_until": text(lease.until),
    }


def entry_item(entry: Entry) -> Item:
    """Return the item of an entry."""
    return {
        **entry_key(entry.key),
        "state": _READY,
        "revision": entry.revision.number,
        "arn": entry.arn,
        "registered_by": entry.registered_by,
        "last_used_at": text(entry.last_used_at),
        "last_used_by": entry.last_used_by,
        "use_count": entry.use_count,
        **({} if entry.registered_at is None else {"registered_at": text(entry.registered_at)}),
    }


def standing_in(item: Item) -> Entry | Lease:
    """Return what an item stands for."""
    key = _key_in(item)
    if item["state"] == _REGISTERING:
        return Lease(
            key=key,
            owner=item["owner"],
            by=item["registering_by"],
            since=_moment(item["since"]),
            until=_moment(item["lease_until"]),
        )
    return Entry(
        key=key,
        revision=RevisionId(key.family, int(item["revision"])),
        arn=item["arn"],
        registered_at=_moment(item["registered_at"]) if "registered_at" in item else None,
        registered_by=item["registered_by"],
        last_used_at=_moment(item["last_used_at"]),
        last_used_by=item["last_used_by"],
        use_count=int(item["use_count"]),
    )


def event_item(event: Event, kept: timedelta | None) -> Item:
    """Return the item of a line of the history, which is kept for a time; None: for ever."""
    at = text(event.at)
    return {
        PARTITION: partition_of(event.key),
        SORT: f"H#{at}#{uuid.uuid4().hex}",
        "at": at,
        "what": event.what.value,
        "by": event.by,
        "revision": event.revision.number,
        **({"words": event.words} if event.words else {}),
        **({} if kept is None else {EXPIRES: int((event.at + kept).timestamp())}),
    }


def event_in(item: Item) -> Event:
    """Return the line of the history that an item is."""
    key = _key_in(item)
    return Event(
        key=key,
        at=_moment(item["at"]),
        what=What(item["what"]),
        by=item["by"],
        revision=RevisionId(key.family, int(item["revision"])),
        words=item.get("words", ""),
    )


def text(moment: datetime) -> str:
    """Return a moment as a text: those of one zone are in the order of time."""
    return moment.isoformat(timespec="microseconds")


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment


def _key_in(item: Item) -> Key:
    _, family, hashed = item[PARTITION].split("#", 2)
    return Key(family, hashed)

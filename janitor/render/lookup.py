"""What the lookup table has of a family: a short story for people, and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from janitor.core.lookup import What
from janitor.render.words import plain

if TYPE_CHECKING:
    from datetime import datetime

    from janitor.core.lookup import Entry, Event, FamilyLookup

_SHOWN = 14
"""Characters of a hash that are shown to people."""

_DID: dict[What, str] = {
    What.REGISTERED: "registered by {by}",
    What.ADOPTED: "registered by somebody who did not come back, and taken over by {by}",
    What.LOST: "registered for nothing by {by}, who was too late",
    What.FORGOTTEN: "forgotten by {by}",
    What.EVICTED: "evicted by {by}",
}


def lookup_story(found: FamilyLookup, table: str) -> str:
    """Return what stands in the table for a family, and how it came to that, oldest first."""
    lines = [f"{found.family} in the lookup table {table}"]
    lines += [f"  {_entry(each)}" for each in found.entries]
    lines += [
        f"  {each.by} is about to register {each.key.hash[:_SHOWN]}, and has until {_moment(each.until)}"
        for each in found.leases
    ]
    if not (found.entries or found.leases):
        lines.append("  No revision stands for a definition.")
    if found.history:
        lines.append("  History:")
    lines += [f"    {_event(each)}" for each in found.history]
    return "".join(f"{plain(line)}\n" for line in lines)


def lookup_json(found: FamilyLookup, table: str) -> str:
    """Return the same for programs."""
    value: dict[str, Any] = {
        "table": table,
        "family": found.family,
        "entries": [
            {
                "revision": str(each.revision),
                "arn": each.arn,
                "hash": each.key.hash,
                "registered_at": None if each.registered_at is None else each.registered_at.isoformat(),
                "registered_by": each.registered_by,
                "last_used_at": each.last_used_at.isoformat(),
                "last_used_by": each.last_used_by,
                "use_count": each.use_count,
            }
            for each in found.entries
        ],
        "leases": [
            {
                "hash": each.key.hash,
                "by": each.by,
                "since": each.since.isoformat(),
                "until": each.until.isoformat(),
            }
            for each in found.leases
        ],
        "history": [
            {
                "at": each.at.isoformat(),
                "what": each.what.value,
                "revision": str(each.revision),
                "hash": each.key.hash,
                "by": each.by,
                "words": each.words,
            }
            for each in found.history
        ],
    }
    return json.dumps(value, indent=2) + "\n"


def _entry(entry: Entry) -> str:
    registered = "" if entry.registered_at is None else f" {_moment(entry.registered_at)}"
    times = "once" if entry.use_count == 1 else f"{entry.use_count:,} times"
    return (
        f"{entry.revision} ({entry.key.hash[:_SHOWN]}) registered{registered} by {entry.registered_by}; "
        f"handed out {times}, last {_moment(entry.last_used_at)} to {entry.last_used_by}"
    )


def _event(event: Event) -> str:
    words = f": {event.words}" if event.words else ""
    did = _DID[event.what].format(by=event.by)
    return f"{_moment(event.at)} {event.revision} ({event.key.hash[:_SHOWN]}) {did}{words}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"

"""The last report, as the JSON it was returned as."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from janitor.ports import Blobs

KEY = "report/last.json"


def put(blobs: Blobs, report: str) -> None:
    """Store the report's JSON.

    Raises:
        StoreFailed: if that is not possible.
    """
    blobs.put(KEY, report.encode())


def get(blobs: Blobs) -> str | None:
    """Return the JSON of the report stored last, None if there is none.

    Raises:
        StoreFailed: if the store cannot be read.
    """
    content = blobs.get(KEY)
    return None if content is None else content.decode()

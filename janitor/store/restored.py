"""What was restored: one object a revision, ``archive/restored/<family>/<number>.json``.

It is written before the call and again with what the call gave. While it says nothing of that, the call may have been
made and its answer lost: whoever comes next looks before calling again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from janitor.core.model import RevisionId

if TYPE_CHECKING:
    from janitor.ports import Blobs, Clock

_FOLDER = "archive/restored/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """A revision that was being restored. ``became`` is what it is now, None while nobody knows.

    ``marked`` says that what it became carries a tag with its name.
    """

    revision: RevisionId
    at: datetime
    marked: bool
    became: RevisionId | None = None


def restoring_of(blobs: Blobs, revision: RevisionId) -> Restoring | None:
    """Return what is on record of a revision, None if it never was restored.

    Raises:
        StoreFailed: if the store cannot be read.
        ValueError: if what is on record makes no sense.
    """
    content = blobs.get(key_of(revision))
    if content is None:
        return None
    try:
        fields = json.loads(content)
        became = fields["became"]
        found = Restoring(
            revision=RevisionId(fields["family"], fields["number"]),
            at=datetime.fromisoformat(fields["at"]),
            marked=fields["marked"],
            became=None if became is None else RevisionId(fields["family"], int(became)),
        )
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{key_of(revision)} makes no sense") from None
    # On a disk that does not tell a from A it may be another family's.
    return found if found.revision == revision else None


class Restorations:
    """The record of what was restored, in a store."""

    def __init__(self, blobs: Blobs, clock: Clock) -> None:
        self._blobs = blobs
        self._clock = clock

    def of(self, revision: RevisionId) -> Restoring | None:
        """Return what is on record of a revision, as ``restoring_of``."""
        return restoring_of(self._blobs, revision)

    def intend(self, revision: RevisionId, *, marked: bool) -> Restoring:
        """Note that a revision is about to be registered again.

        Raises:
            StoreFailed: if it could not be written; then nothing may be registered.
        """
        restoring = Restoring(revision=revision, at=self._clock.now(), marked=marked)
        self._write(restoring)
        return restoring

    def settle(self, restoring: Restoring, became: RevisionId) -> None:
        """Note what a revision became.

        Raises:
            StoreFailed: if it could not be written; whoever comes next will look for it.
        """
        self._write(Restoring(revision=restoring.revision, at=restoring.at, marked=restoring.marked, became=became))

    def forget(self, revision: RevisionId) -> None:
        """Note that nothing was registered.

        Raises:
            StoreFailed: if it could not be written; whoever comes next will look, and find nothing.
        """
        self._blobs.delete(key_of(revision))

    def _write(self, restoring: Restoring) -> None:
        fields = {
            "family": restoring.revision.family,
            "number": restoring.revision.number,
            "at": restoring.at.astimezone(UTC).isoformat(),
            "marked": restoring.marked,
            "became": None if restoring.became is None else restoring.became.number,
        }
        self._blobs.put(key_of(restoring.revision), json.dumps(fields).encode())


def key_of(revision: RevisionId) -> str:
    """Return where the object of a revision lies."""
    return f"{_FOLDER}{quote(revision.family, safe='')}/{revision.number:09d}.json"

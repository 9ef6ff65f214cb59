"""What was found so far: revision → who uses it. Told from several threads, the same whatever their order."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from enum import IntEnum
from typing import TYPE_CHECKING

from janitor.aws.task_definitions import revision_in
from janitor.errors import CallFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAMILY = re.compile(r"(arn:[^:\s]+:ecs:[^:\s]+:[^:\s]*:task-definition/)?[A-Za-z0-9_-]{1,255}", re.ASCII)


NAMED = 5
"""Those a warning names that nobody can know about; it counts the others."""


class Rank(IntEnum):
    """Users in the order in which a person wants to hear of them; of several the first is told."""

    SERVICE = 1
    DEPLOYMENT = 2
    TASK_SET = 3
    TASK = 4
    RULE = 5
    SCHEDULE = 6
    STATE_MACHINE = 7
    PAST_DEPLOYMENT = 8


class Users:
    """Who uses a revision, by family and number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: dict[str, dict[int, tuple[Rank, str]]] = defaultdict(dict)
        self._depending: set[str] = set()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say whose revisions nobody can know, and are not protected."""
        if not self._depending:
            return ()
        names = sorted(self._depending)
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        return (f"what these start depends on their input, so it is not protected: {', '.join(names[:NAMED])}{more}",)

    def of(self, family: str) -> Mapping[int, str]:
        """Return who uses a family's revisions, in words."""
        return {number: words for number, (_, words) in self._users.get(family, {}).items()}

    def runs(self, reference: str, rank: Rank, words: str) -> None:
        """Note a user of a revision; raise ``CallFailed`` where the reference names none."""
        revision = revision_in(reference)
        if revision is None:
            raise CallFailed("reading usage", "MalformedResponse", f"{words}, but {reference!r} names no revision")
        found = (rank, words)
        with self._lock:
            users = self._users[revision.family]
            users[revision.number] = min(found, users.get(revision.number, found))

    def may_start(self, reference: str, rank: Rank, words: str) -> None:
        """Note what will start tasks; a family without a number means its latest ACTIVE revision, so none is noted."""
        if not _FAMILY.fullmatch(reference):
            self.runs(reference, rank, words)

    def depends_on_input(self, who: str) -> None:
        """Note somebody whose revision only an execution will know."""
        with self._lock:
            self._depending.add(who)

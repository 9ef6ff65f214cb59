"""A report read back from its JSON, as far as a dashboard shows it.

It may be of another version of the program, or be forged by whoever can write to the store: what is not there has a
default where one is honest, and what is of another shape is refused. ``more`` fields than these are no problem.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from janitor.core.model import Mode
from janitor.core.report import SCHEMA_VERSION, Ending
from janitor.settings.structure import structured
from janitor.settings.values import moment

if TYPE_CHECKING:
    from datetime import datetime

    from janitor.core.model import OutcomeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrouble:
    """A revision that was refused or failed."""

    revision: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLingering:
    """A revision that is in DELETE_IN_PROGRESS for over 25 hours; its age is in seconds."""

    revision: str
    age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFamily:
    """One family. StoredReport that were not read are None."""

    family: str
    revision_count: int | None = None
    count_is_exact: bool = True
    highest_revision: int | None = None
    count_utilization: float | None = None
    number_utilization: float | None = None
    days_to_limit: float | None = None
    due: int = 0
    due_is_exact: bool = True
    deleted: int = 0
    kept: int = 0
    active_orphans: int | None = None
    lingering: list[StoredLingering] = field(default_factory=list)

    @property
    def utilization(self) -> float | None:
        """Percent of the limit, by count or by number, whichever is more; None where neither was read."""
        known = [share for share in (self.count_utilization, self.number_utilization) if share is not None]
        return max(known, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTotals:
    """All families of one run."""

    families: int = 0
    due: int = 0
    due_is_exact: bool = True
    kept: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSweep:
    """All hops of a sweep so far."""

    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReport:
    """A report: its run, its totals and its families."""

    schema_version: int
    region: str
    sweep_id: str
    version: str
    mode: str
    started_at: str
    finished_at: str
    ending: str
    ending_reason: str
    families: list[StoredFamily]
    totals: StoredTotals
    sweep_totals: StoredSweep = field(default_factory=StoredSweep)
    account: str | None = None
    summary: list[str] = field(default_factory=list)
    families_not_read: list[str] = field(default_factory=list)
    families_left_out: int = 0
    refused: list[StoredTrouble] = field(default_factory=list)
    failed: list[StoredTrouble] = field(default_factory=list)
    usage_not_read: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    hop: int = 1
    hopped_on: bool = False

    @property
    def deletes(self) -> bool:
        """Say whether it is of a sweep that deletes, not of a report."""
        return self.mode == Mode.DELETE

    @property
    def finished(self) -> bool:
        """Say whether it came to its end."""
        return self.ending == Ending.FINISHED

    @property
    def at(self) -> datetime:
        """When the run had ended."""
        found = moment(self.finished_at)
        assert found is not None, "read_stored looks at it"
        return found

    @property
    def fullest(self) -> list[StoredFamily]:
        """The families, the fullest first."""
        return sorted(self.families, key=lambda family: (-(family.utilization or 0.0), family.family))

    def outcome(self, kind: OutcomeKind) -> int:
        """Count the revisions with this outcome, over all hops of the sweep."""
        return self.sweep_totals.outcomes.get(kind, 0)


class NotReadable(ValueError):
    """A stored report is none, or of another version of the schema."""


def read_stored(text: str) -> StoredReport:
    """Return the figures of a report as JSON.

    Raises:
        NotReadable: with what is wrong.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise NotReadable("it is not JSON") from None
    problems: list[str] = []
    found = structured(content, StoredReport, problems, more=True)
    if found is None:
        raise NotReadable("; ".join(problems[:3]))
    if found.schema_version != SCHEMA_VERSION:
        raise NotReadable(f"its schema_version is {found.schema_version}, this program reads {SCHEMA_VERSION}")
    if moment(found.finished_at) is None or found.mode not in set(Mode):
        raise NotReadable("its finished_at or its mode is none")
    return found

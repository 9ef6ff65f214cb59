"""What one invocation of a sweep hands to the next: where to go on, and what was done so far."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a sweep goes on: after this number of this family, in this round.

    ``deleted`` says that something was deleted in this round before: a listing may have skipped what moved, so the
    families up to here are to be listed once more. ``orphans``: what is due is gone through, and family and number are
    those of the ACTIVE revision that was judged last.
    """

    round: int = 1
    family: str = ""
    number: int = 0
    deleted: bool = False
    orphans: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SoFar:
    """What the hops before this one came to, over all families: counts by name."""

    judged: int = 0
    due: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    orphans_kept: dict[str, int] = field(default_factory=dict)
    orphans_outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> tuple[int, ...]:
        """Return every count."""
        by_name = (self.kept, self.outcomes, self.orphans_kept, self.orphans_outcomes)
        return (self.judged, self.due, *(count for each in by_name for count in each.values()))

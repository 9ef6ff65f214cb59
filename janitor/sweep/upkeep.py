"""Tend the lookup table before orphans are judged: what is evicted is an ordinary ACTIVE revision from then on.

Only in a sweep that deletes, and only in families that it may change: not those that are left out, that no rule matches
or that a rule keeps whole, and none where a plan is applied. A table that fails stops nothing: what it would protect is
kept as long as it cannot be read, and the deletions are done by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from janitor.errors import CallFailed, TableFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.ports import Upkeep
    from janitor.sweep.tally import Tally


def tend(upkeep: Upkeep, tally: Tally, check: Callable[[], None]) -> None:
    """Go through the families, for one query each where the table has nothing. ``check`` may raise to stop.

    Raises:
        RunEnded: if ECS shows that the run cannot go on.
    """
    for family in tally.families.values():
        if not family.may_tend:
            continue
        check()
        try:
            tally.tended(upkeep.tend(family.name))
        except TableFailed as error:
            tally.warn(f"the lookup table was not tended to the end: {error}")
            return
        except CallFailed as error:
            tally.warn(f"the lookup table was not tended for family {family.name}: {error}")

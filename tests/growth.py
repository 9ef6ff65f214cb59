"""How fast a family fills, at three paces: the rows of the README's table, by the formulae of ``core/forecast``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from janitor.core.forecast import (
    NEVER,
    days_to_drain,
    days_to_limit,
    days_to_limit_with_lasting_orphans,
    fastest_sustainable,
    steady_state,
)
from janitor.core.model import LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACES = (48, 4_800, 48_000)
"""Runs a day and family: one every half an hour, and of a hundred or a thousand such DAGs."""

LEAK = 0.01
ORPHAN_AGE = 30
"""Days after which the rule for ACTIVE orphans deregisters them."""

CHANGES = 10
"""Definitions changed a day, where a lookup table lets only these register."""

INVOCATION = 9_000
"""Deletions of one run of the function, which has fifteen minutes."""

WHOLE_DAY = 864_000
"""Deletions a day of a sweep that hops until it is done: ten a second."""

CONFIG_ITEM = 0.003
"""Dollars a configuration item that AWS Config records continuously."""

CONFIG_ITEMS = 2
"""Of a revision, at least: one when it is registered, one when it is deregistered."""


def rows() -> Iterator[str]:
    """Yield the table's rows."""
    yield _row("never cleaned up: full after", lambda pace: _span(days_to_limit(0, pace)))
    for retention in (180, 30, 7):
        most = int(fastest_sustainable(retention))
        yield _row(
            f"cleaned up after {retention} days, which holds below {most:,} a day: most at once",
            partial(_steady_peak, retention_days=retention),
        )
    yield _row(
        f"cleaned up after 7 days, {LEAK:.0%} left ACTIVE for ever, so no steady state: full after",
        lambda pace: _span(days_to_limit_with_lasting_orphans(pace, 7, LEAK)),
    )
    yield _row(
        f"cleaned up after 7 days, {LEAK:.0%} left ACTIVE for {ORPHAN_AGE} days: most at once",
        partial(_steady_peak, retention_days=7, orphan_share=LEAK, orphan_age_days=ORPHAN_AGE),
    )
    yield _row(
        f"never cleaned up, with a lookup table and {CHANGES} changed definitions a day: full after",
        lambda _: _span(days_to_limit(0, CHANGES)),
    )
    yield _row(
        f"1,000,000 to delete, {INVOCATION:,} a night: gone after",
        lambda pace: _span(days_to_drain(LIMIT, INVOCATION, 1, pace), beyond="never"),
    )
    yield _row(
        "1,000,000 to delete, hop after hop at ten a second: gone after",
        lambda pace: _span(days_to_drain(LIMIT, WHOLE_DAY, 1, pace), beyond="never"),
    )
    yield _row("AWS Config: 30 days", lambda pace: f"${CONFIG_ITEM * CONFIG_ITEMS * pace * 30:,.2f} or more")


def _row(label: str, cell: Callable[[int], str]) -> str:
    return f"| {label} | {' | '.join(cell(pace) for pace in PACES)} |\n"


def _steady_peak(pace: int, **policy: float) -> str:
    revisions = steady_state(pace, **policy)
    return f"{revisions:,.0f}" if revisions < LIMIT else "no steady state"


def _span(days: float, *, beyond: str = "more than 100 years") -> str:
    if days >= NEVER:
        return beyond
    if days < 3:
        return f"{days * 24:.0f} hours"
    if days < 3 * 365:
        return f"{days:.0f} days"
    return f"{days / 365:.1f} years" if days < 10 * 365 else f"{days / 365:.0f} years"

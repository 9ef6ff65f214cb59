"""Where the young revisions begin, and how many are due when not all can be described.

``registeredAt`` rises with the revision number inside a family (an inference, see the README), and a revision is
deregistered after it was registered. So the first revision registered after the cutoff ends what can be due. A wrong
boundary costs calls or leaves work for later; it never deletes anything, since every candidate is described.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

K = TypeVar("K")


CONFIDENCE = 0.95
"""How often the intervals of an estimate hold the true value, at least."""


def first_young(numbers: Sequence[int], registered_at: Callable[[int], datetime | None], cutoff: datetime) -> int:
    """Return the index of the first number registered after the cutoff, or ``len(numbers)`` if there is none.

    ``numbers`` ascend. ``registered_at`` is asked about log2(n) times. Where it does not know (no date, no such
    revision) numbers ever further up are asked instead; what stays unknown counts as old, so it is described.
    """
    low, high = 0, len(numbers)
    boundary = high  # from here on all are young; between high and here nothing is known
    while low < high:
        probe, date = _first_known(numbers, registered_at, (low + high) // 2, high)
        if date is None:
            high = (low + high) // 2
        elif date > cutoff:
            high = boundary = probe
        else:
            low = probe + 1
    return boundary


def _first_known(
    numbers: Sequence[int], registered_at: Callable[[int], datetime | None], start: int, end: int
) -> tuple[int, datetime | None]:
    probe, step = start, 1
    while probe < end:
        date = registered_at(numbers[probe])
        if date is not None:
            return probe, date
        probe += step
        step *= 2
    return probe, None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A count: exact where ``low == high``, else a best guess inside an interval that holds the true value."""

    value: int
    low: int
    high: int

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.value <= self.high:
            message = f"an estimate needs 0 <= low <= value <= high, not {self.low}, {self.value}, {self.high}"
            raise ValueError(message)

    @classmethod
    def exactly(cls, count: int) -> Estimate:
        """Return a count that is known."""
        return cls(value=count, low=count, high=count)

    @classmethod
    def at_most(cls, bound: int) -> Estimate:
        """Return a count of which only an upper bound is known."""
        return cls(value=bound, low=0, high=bound)

    @property
    def is_exact(self) -> bool:
        """Say whether the count is known."""
        return self.low == self.high

    @property
    def is_bound(self) -> bool:
        """Say whether no more is known than an upper bound."""
        return self.low == 0 and not self.is_exact and self.value == self.high

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(value=self.value + other.value, low=self.low + other.low, high=self.high + other.high)


def estimate(*, hits: int, sample: int, population: int, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate how many of a population have a property that ``hits`` of a random ``sample`` had.

    The sample is drawn without replacement. The interval is Clopper and Pearson's, which never holds the true value
    less often than stated; drawing without replacement only makes it safer.

    Raises:
        ValueError: if hits, sample and population do not fit each other.
    """
    if not 0 <= hits <= sample <= population:
        message = f"a sample needs 0 <= hits <= sample <= population, not {hits}, {sample}, {population}"
        raise ValueError(message)
    if sample == population:
        return Estimate.exactly(hits)
    if sample == 0:
        return Estimate.at_most(population)
    alpha = 1.0 - confidence
    # P(X >= hits) grows with p and P(X <= hits) falls with it: each end is where one of them is alpha / 2.
    low_p = 0.0 if hits == 0 else _bisect(lambda p: _tail(hits, sample, sample, p) < alpha / 2)
    high_p = 1.0 if hits == sample else _bisect(lambda p: _tail(0, hits, sample, p) > alpha / 2)
    low = max(hits, math.floor(population * low_p))
    high = min(population - (sample - hits), math.ceil(population * high_p))
    return Estimate(value=min(high, max(low, round(population * hits / sample))), low=low, high=high)


def apportioned(total: int, hits: Mapping[K, int]) -> dict[K, int]:
    """Share a total out in proportion to the hits, in whole numbers that add up to it; nothing where nobody hit."""
    whole = sum(hits.values())
    if not whole:
        return {}
    shares = {key: total * count // whole for key, count in hits.items()}
    by_remainder = sorted(hits, key=lambda key: -(total * hits[key] % whole))
    for key in by_remainder[: total - sum(shares.values())]:
        shares[key] += 1
    return shares


def _bisect(goes_up: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if goes_up(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _tail(first: int, last: int, n: int, p: float) -> float:
    """Return the binomial probability of first to last hits in n draws."""
    if p <= 0.0 or p >= 1.0:
        certain = 0 if p <= 0.0 else n
        return 1.0 if first <= certain <= last else 0.0
    log_p, log_q = math.log(p), math.log1p(-p)
    whole = math.lgamma(n + 1)
    return math.fsum(
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * log_p + (n - k) * log_q)
        for k in range(first, last + 1)
    )

"""Bar charts, laid out; the template draws them as SVG, and the page's style sheet gives them their colours.

Laid out here since no chart library does without what this page must not have. Pygal, the one with stacked bars, brings
a script, fixed colours and names drawn at random into every chart, no name for a screen reader, and an import hook into
the process; nothing that it draws would be left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 560, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 552, 12, 188
"""The ends of the axes: to the left and below there is room for labels as large as a narrow screen needs."""

TICKS = 4
"""Steps of the vertical axis at most."""

GAP = 0.16
"""Part of a bar's place that stays empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A rectangle of a stacked bar, by its upper left corner; ``key`` is its class."""

    key: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Stacked bars with a label each, ticks at heights, and perhaps a line. ``name`` is unique in its page."""

    name: str
    title: str
    description: str
    parts: Sequence[Part]
    labels: Sequence[tuple[float, str]]
    ticks: Sequence[tuple[float, str]]
    line: float | None


def bars(
    name: str,
    *,
    title: str,
    description: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[int]],
    line: int | None = None,
) -> Chart:
    """Lay a chart of stacked bars out, the first of the ``series`` at the bottom.

    ``labels`` stand under the bars. With ``line`` they stand where the bars begin, and a line is drawn before the bar
    of that index.
    """
    place = (RIGHT - LEFT) / len(labels)
    highest = max(map(sum, zip(*series.values(), strict=True)))
    step = _step(highest)
    most = step * max(1, math.ceil(highest / step))
    scale = (BOTTOM - TOP) / most
    parts = []
    for index in range(len(labels)):
        reached = 0
        for key, counts in series.items():
            if counts[index]:
                reached += counts[index]
                parts.append(
                    Part(
                        key=key,
                        x=LEFT + place * (index + GAP / 2),
                        y=BOTTOM - reached * scale,
                        width=place * (1 - GAP),
                        height=counts[index] * scale,
                    )
                )
    shift = 0.0 if line is not None else 0.5
    return Chart(
        name=name,
        title=title,
        description=description,
        parts=parts,
        labels=[(LEFT + place * (index + shift), label) for index, label in enumerate(labels)],
        ticks=[(BOTTOM - count * scale, _short(count)) for count in range(0, most + 1, step)],
        line=None if line is None else LEFT + place * line,
    )


def _short(count: int) -> str:
    """Return a round number as it fits beside an axis."""
    return f"{count:,}" if count < 10_000 else f"{count // 1_000:,}k"  # noqa: PLR2004 - from there on thousands are enough


def _step(highest: int) -> int:
    """Return the least of 1, 2, 5, 10, 20, … of which few enough reach the highest bar."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power * TICKS >= highest:
                return factor * power
        power *= 10

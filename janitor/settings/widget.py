"""What a dashboard's widget asks for: the parameters of its call, and the widget that CloudWatch says it is.

A call holds the parameters at its top and ``widgetContext`` beside them (Amazon CloudWatch user guide, details about
custom widgets). The parameters are ours, so what is unknown among them is refused by name. The context is CloudWatch's
and grows: what it does not say, or says in another way, has a default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from janitor.errors import BadInput
from janitor.settings.structure import structured

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTEXT = "widgetContext"
DESCRIBE = "describe"
DRY_RUN = "dry_run"

LONGEST_STALE_HOURS = 8_760

FAMILY = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)
"""The name of a family (Amazon ECS API reference, RegisterTaskDefinition): no pattern, so that it names one."""

_OFFSET = re.compile(r"([+-])(0\d|1[0-4]):([0-5]\d)", re.ASCII)
USUAL_WIDTH = 600
_LEAST_WIDTH, _MOST_WIDTH = 100, 10_000


class Theme(StrEnum):
    """How the dashboard looks."""

    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """Where an answer is shown; ``width`` is in pixels."""

    theme: Theme = Theme.LIGHT
    width: int = USUAL_WIDTH
    zone: timezone = UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The parameters: a page of the stored report, or a dry run of one family."""

    stack: str | None = None
    page: int = 1
    dry_run: str | None = None
    stale_hours: int = 168
    """Hours after which a report is called old."""


def describes(event: object) -> bool:
    """Say whether only the widget's documentation is asked for."""
    return isinstance(event, dict) and event.get(DESCRIBE) is True


def display(event: object) -> Display:
    """Return where the answer will be shown, as far as the context says."""
    context = _object(event, CONTEXT)
    return Display(
        theme=Theme.DARK if context.get("theme") == Theme.DARK else Theme.LIGHT,
        width=_width(context.get("width")),
        zone=_zone(_object(context, "timezone").get("offsetISO")),
    )


def asked(event: object, *, stack: str) -> Asked:
    """Return what is asked of the widget of a stack. A button's parameters go before those of its widget.

    Raises:
        BadInput: for unknown parameters, for wrong ones, and for a dry run that is not a button's: the parameters of a
            widget come with every refresh, and no refresh may scan ECS. All that is wrong at once.
    """
    if not isinstance(event, dict):
        raise BadInput([f"the call: {event!r:.100} is not an object"])
    standing = _object(_object(event, CONTEXT), "params")
    pressed = {name: value for name, value in event.items() if name not in {CONTEXT, DESCRIBE}}
    problems: list[str] = []
    found = structured({**standing, **pressed}, Asked, problems)
    if found is None:
        raise BadInput(problems)
    if DRY_RUN in standing:
        problems.append(f"{DRY_RUN}: a widget's own parameters come with every refresh, only a button can ask for it")
    if found.dry_run is not None and not FAMILY.fullmatch(found.dry_run):
        problems.append(f"{DRY_RUN}: {found.dry_run!r:.100} is not the name of a family: letters, digits, - and _")
    if found.stack not in {None, stack}:
        problems.append(f"stack: {found.stack!r:.100} is not {stack!r}, whose function this is")
    if found.page < 1:
        problems.append(f"page: {found.page} is none, the first is 1")
    if not 1 <= found.stale_hours <= LONGEST_STALE_HOURS:
        problems.append(f"stale_hours: {found.stale_hours} is not between 1 and {LONGEST_STALE_HOURS:,}")
    if problems:
        raise BadInput(problems)
    return found


def _object(value: object, name: str) -> Mapping[str, Any]:
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _width(pixels: object) -> int:
    """Return a width that a widget can have."""
    if isinstance(pixels, int | float) and _LEAST_WIDTH <= pixels <= _MOST_WIDTH:
        return round(pixels)
    return USUAL_WIDTH


def _zone(offset: object) -> timezone:
    match = _OFFSET.fullmatch(offset) if isinstance(offset, str) else None
    if match is None:
        return UTC
    away = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-away if match[1] == "-" else away)

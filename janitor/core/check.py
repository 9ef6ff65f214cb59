"""What a doctor's check comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check ended. ``NOT_TRIED``: nothing is known, since it could not or should not be asked."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: about what, how it ended, what was seen, and what to do next where something is to be done."""

    about: str
    state: State
    seen: str
    next_step: str = ""


def ok(about: str, seen: str) -> Check:
    """Return a check that found what it should."""
    return Check(about=about, state=State.OK, seen=seen)


def warning(about: str, seen: str, next_step: str) -> Check:
    """Return a check that found what may be meant so."""
    return Check(about=about, state=State.WARNING, seen=seen, next_step=next_step)


def problem(about: str, seen: str, next_step: str) -> Check:
    """Return a check that found what keeps the janitor from its work."""
    return Check(about=about, state=State.PROBLEM, seen=seen, next_step=next_step)


def not_tried(about: str, seen: str, next_step: str = "") -> Check:
    """Return a check that found out nothing."""
    return Check(about=about, state=State.NOT_TRIED, seen=seen, next_step=next_step)

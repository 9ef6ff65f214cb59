"""Config values as Pulumi gives them, texts all of them, as typed ones; each problem by its key."""

from __future__ import annotations

import json
import re
import zoneinfo
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=Enum)

UNSAID = "-1"
"""Stands for nothing said: Pulumi requires a default for every key that a stack may leave out."""

FAMILY = r"[A-Za-z0-9_*?-]{1,255}"
NO_FAMILY = "not a family pattern of letters, digits, -, _, * and ?, which mean the same in an ARN"

_RATE = re.compile(r"rate\(([1-9]\d{0,4}) (minute|hour|day)s?\)", re.ASCII)
_HOURS = {"minute": 1 / 60, "hour": 1.0, "day": 24.0}

# The six fields and what each may hold (Amazon EventBridge Scheduler user guide, schedule types).
_NUMBERS = r"\d{1,4}(-\d{1,4})?(/\d{1,4})?"
_DAYS = r"(SUN|MON|TUE|WED|THU|FRI|SAT)"
_MONTHS = r"(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
_CRON = (
    rf"\*(/\d+)?|{_NUMBERS}(,{_NUMBERS})*",
    rf"\*(/\d+)?|{_NUMBERS}(,{_NUMBERS})*",
    rf"\?|\*(/\d+)?|L|\d{{1,2}}W|LW|{_NUMBERS}(,{_NUMBERS})*",
    rf"\*(/\d+)?|{_NUMBERS}(,{_NUMBERS})*|{_MONTHS}([,-]{_MONTHS})*",
    rf"\?|\*|[1-7]?L|[1-7](#[1-5])?|[1-7]([,-][1-7])*|{_DAYS}([,-]{_DAYS})*",
    rf"\*(/\d+)?|{_NUMBERS}(,{_NUMBERS})*",
)
_DAY_OF_MONTH, _DAY_OF_WEEK = 2, 4
_DAILY = {"*", "?"}


class Reader:
    """Reads values by their keys. For what cannot be read a stand-in is returned; its key is among the ``refused``."""

    def __init__(self, values: Mapping[str, str], problems: list[str]) -> None:
        self._values = values
        self._problems = problems
        self.refused: set[str] = set()

    def text(self, key: str, pattern: str, otherwise: str) -> str:
        """Return a text that the whole pattern matches."""

        def matching(text: str) -> str:
            if not re.fullmatch(pattern, text, re.ASCII):
                raise ValueError(f"{text!r} is {otherwise}")
            return text

        return self.checked(key, matching)

    def checked(self, key: str, check: Callable[[str], str]) -> str:
        """Return a text that a check, which raises ValueError, lets through."""
        return self._read(key, check, "")

    def texts(self, key: str, pattern: str, otherwise: str) -> tuple[str, ...]:
        """Return a list of different texts that the whole pattern matches; an account's id may look like a number."""

        def matching(text: str) -> tuple[str, ...]:
            items = [str(each) if type(each) is int else each for each in _json_list(text)]
            bad = [each for each in items if not (isinstance(each, str) and re.fullmatch(pattern, each, re.ASCII))]
            if bad:
                raise ValueError(f"{', '.join(map(repr, bad))}: {otherwise}")
            twice = sorted({str(each) for each in items if items.count(each) > 1})
            if twice:
                raise ValueError(f"{', '.join(twice)}: there twice")
            return tuple(map(str, items))

        return self._read(key, matching, ())

    def whole(self, key: str, *, least: int, most: int | None = None) -> int:
        """Return a whole number within bounds."""

        def bounded(text: str) -> int:
            number = _number(text)
            if number < least:
                raise ValueError(f"{number} is too small: at least {least}")
            if most is not None and number > most:
                raise ValueError(f"{number} is too large: at most {most:,}")
            return number

        return self._read(key, bounded, least)

    def optional(self, key: str, *, least: int, most: int | None = None) -> int | None:
        """Return a whole number within bounds, or None where nothing was said."""
        return None if self._values.get(key) == UNSAID else self.whole(key, least=least, most=most)

    def one_of(self, key: str, allowed: Sequence[int]) -> int:
        """Return one of some numbers."""

        def among(text: str) -> int:
            number = _number(text)
            if number not in allowed:
                raise ValueError(f"{number} is none of {', '.join(map(str, allowed))}")
            return number

        return self._read(key, among, allowed[0])

    def truth(self, key: str) -> bool:
        """Return true or false."""

        def true(text: str) -> bool:
            if text not in {"true", "false"}:
                raise ValueError(f"{text!r} is neither true nor false")
            return text == "true"

        return self._read(key, true, False)  # noqa: FBT003 - the stand-in

    def choice(self, key: str, kind: type[Choice], stand_in: Choice) -> Choice:
        """Return a member of an enumeration of texts."""

        def member(text: str) -> Choice:
            try:
                return kind(text)
            except ValueError:
                raise ValueError(f"{text!r} is neither {' nor '.join(str(each.value) for each in kind)}") from None

        return self._read(key, member, stand_in)

    def path(self, key: str, root: Path) -> Path | None:
        """Return a path from ``root``, or None for no text."""
        text = self.checked(key, str)
        return root / text if text else None

    def _read(self, key: str, parse: Callable[[str], Value], stand_in: Value) -> Value:
        try:
            return parse(self._values[key])
        except KeyError:
            self._problems.append(f"{key}: it is missing")
        except ValueError as error:
            self._problems.append(f"{key}: {error}")
        self.refused.add(key)
        return stand_in


def _number(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def _json_list(text: str) -> list[object]:
    try:
        items = json.loads(text)
    except json.JSONDecodeError:
        items = None
    if not isinstance(items, list):
        raise ValueError(f"{text!r} is not a list")  # noqa: TRY004 - the type of a value that a person wrote
    return items


def time_zone(text: str) -> str:
    """Return a time zone's name, or raise ValueError."""
    if text not in zoneinfo.available_timezones():
        raise ValueError(f"{text!r} is not a time zone, such as Europe/Berlin")
    return text


def schedule(text: str) -> str:
    """Return a schedule expression, or raise ValueError."""
    if _RATE.fullmatch(text):
        return text
    parts = text.removeprefix("cron(").removesuffix(")").split(" ")
    if text != f"cron({' '.join(parts)})" or len(parts) != len(_CRON):
        raise ValueError(f"{text!r} is neither rate(1 day) nor cron() of six fields, such as cron(0 3 * * ? *)")
    for part, pattern in zip(parts, _CRON, strict=True):
        if not re.fullmatch(pattern, part):
            raise ValueError(f"{text!r}: {part!r} is not what its field can be")
    if (parts[_DAY_OF_MONTH] == "?") == (parts[_DAY_OF_WEEK] == "?"):
        raise ValueError(f"{text!r}: ? must stand for the day of the month or that of the week, and for one of them")
    return text


def hours_between(expression: str) -> float | None:
    """Return the hours between two starts that a schedule leaves at least once a week, or None if that is not plain."""
    rate = _RATE.fullmatch(expression)
    if rate is not None:
        return int(rate[1]) * _HOURS[rate[2]]
    parts = expression.removeprefix("cron(").removesuffix(")").split(" ")
    daily = len(parts) == len(_CRON) and set(parts[_DAY_OF_MONTH:]) <= _DAILY
    return 24.0 if daily and parts[1].isdigit() else None

"""How a command prints a report, and with what it exits."""

from __future__ import annotations

import os
import shutil
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click

from janitor.core.report import Cause, Ending
from janitor.render.documents import report_csv, report_markdown
from janitor.render.json import report_json
from janitor.render.table import report_table
from janitor.render.words import plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from janitor.cli.options import Call
    from janitor.core.report import Report

EXIT_CODES = {
    0: "done, nothing to do included",
    1: "could not finish, or a source that says what is in use could not be read",
    2: "wrong input; nothing was touched",
    3: "finished, but ECS refused some revisions, or some failed",
    4: "stopped with work left: at its time or deletion limit, or on request (Ctrl-C)",
}

_CODE = {
    Cause.COULD_NOT_FINISH: 1,
    Cause.USAGE_UNREADABLE: 1,
    Cause.WORK_LEFT: 4,
    Cause.REFUSED_OR_FAILED: 3,
}

WIDEST = 120
"""Columns a table takes at most: beyond, the eye loses the line."""


class Format(StrEnum):
    """What a report can be printed as."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    CSV = "csv"
    HTML = "html"


_ENDINGS = {
    ".json": Format.JSON,
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".csv": Format.CSV,
    ".html": Format.HTML,
    ".htm": Format.HTML,
}


def finish(call: Call, made: Report) -> None:
    """Print a report and end with its exit code."""
    match call.printed_as():
        case Format.TABLE:
            in_file = call.output is not None
            call.print(report_table(made, width=WIDEST, color=False) if in_file else table(made, sys.stdout))
        case Format.JSON:
            call.print(report_json(made))
        case Format.MARKDOWN:
            call.print(report_markdown(made))
        case Format.CSV:
            call.print(report_csv(made))
        case Format.HTML:
            from janitor.render.html.page import report_page  # noqa: PLC0415 - no other format waits for its templates

            call.print(report_page(made))
    if made.ending is not Ending.FINISHED:
        click.echo(f"janitor: {plain(made.ending_words)}", err=True)
    sys.exit(exit_code(made.causes))


def format_of(named: str | None, output: Path | None) -> Format:
    """Return the format asked for, by name or by the ending of the output file."""
    if named is not None:
        return Format(named)
    return Format.TABLE if output is None else _ENDINGS.get(output.suffix, Format.TABLE)


def put(text: str, output: Path | None) -> None:
    """Print to stdout, or into the output file."""
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


def exit_code(causes: Sequence[Cause]) -> int:
    """Return the exit code: the first cause decides."""
    return _CODE[causes[0]] if causes else 0


def table(made: Report, stream: Any) -> str:  # noqa: ANN401 - any text stream
    """Return a report as a table for a stream."""
    return report_table(made, width=width(), color=color(stream))


def width() -> int:
    """Return the columns that a table may take."""
    return min(WIDEST, shutil.get_terminal_size((80, 24)).columns)


def color(stream: Any) -> bool:  # noqa: ANN401 - any text stream
    """Say whether a stream shows colour."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

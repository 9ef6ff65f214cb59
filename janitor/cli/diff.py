"""``janitor diff``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from janitor.cli.options import checked_output, collected
from janitor.cli.output import WIDEST, Format, color, format_of, put, width
from janitor.core.difference import Sameness, difference
from janitor.errors import BadInput
from janitor.render.difference import difference_json, difference_markdown, difference_table
from janitor.settings.report_file import report_in

if TYPE_CHECKING:
    from janitor.core.difference import Side

_FORMATS = (Format.TABLE, Format.JSON, Format.MARKDOWN)


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option(
    "--format",
    "printed_as",
    type=click.Choice([each.value for each in _FORMATS]),
    help="How to print. [default: table, or by the ending of -o]",
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Print into a file.")
@click.option(
    "--exit-code", is_flag=True, help="Exit with 1 if they differ, as diff does; what is open is no difference."
)
def diff(before: str, after: str, *, printed_as: str | None, output: Path | None, exit_code: bool) -> None:
    """Say what two reports decide differently. A and B are JSON files, or - for stdin. Calls nobody."""
    if before == after == "-":
        raise BadInput(["stdin can be one of the two reports, not both"])
    problems: list[str] = []
    one = collected(problems, lambda: _report(before))
    other = collected(problems, lambda: _report(after))
    shown = format_of(printed_as, output)
    if shown not in _FORMATS:
        problems.append(f"--format {shown}: diff prints table, json or markdown")
    collected(problems, lambda: checked_output(output))
    if problems or one is None or other is None:
        raise BadInput(problems)
    made = difference(one, other)
    match shown:
        case Format.JSON:
            put(difference_json(made), output)
        case Format.MARKDOWN:
            put(difference_markdown(made), output)
        case _ if output is None:
            put(difference_table(made, width=width(), color=color(sys.stdout)), output)
        case _:
            put(difference_table(made, width=WIDEST, color=False), output)
    sys.exit(1 if exit_code and made.sameness is Sameness.DIFFERENT else 0)


def _report(name: str) -> Side:
    if name == "-":
        return report_in(sys.stdin.buffer.read(), "stdin")
    try:
        content = Path(name).read_bytes()
    except OSError as error:
        raise BadInput([f"{name}: it cannot be read: {error.strerror}"]) from error
    return report_in(content, name)

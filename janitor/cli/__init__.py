"""The command line: parse, call, print, and the exit codes. A module a command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from janitor.cli.demo import demo
from janitor.cli.diff import diff
from janitor.cli.doctor import doctor
from janitor.cli.explain import explain
from janitor.cli.history import history
from janitor.cli.iam import iam
from janitor.cli.probe import probe
from janitor.cli.report import report
from janitor.cli.restore import restore
from janitor.cli.reuse import reuse
from janitor.cli.schema import schema
from janitor.cli.sweep import sweep
from janitor.errors import BadInput, JanitorError
from janitor.render.words import plain
from janitor.wiring import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.wiring import Place, Where


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="janitor")
def cli() -> None:
    """Delete old INACTIVE Amazon ECS task definition revisions, and say why the others stay."""


for command in (report, sweep, diff, explain, history, restore, reuse, iam, doctor, probe, schema, demo):
    cli.add_command(command)


def main(arguments: list[str] | None = None, *, connect: Callable[[Where], Place] | None = None) -> None:
    """Run the command line; what goes wrong on purpose is one message on stderr and an exit code.

    ``connect`` may lead to another place than AWS: the tests' embedded ECS.
    """
    try:
        cli.main(args=arguments, prog_name="janitor", obj=connect)
    except BadInput as error:
        for line in str(error).splitlines():
            click.echo(f"janitor: {plain(line)}", err=True)
        click.echo("Nothing was touched. janitor --help says more.", err=True)
        sys.exit(2)
    except JanitorError as error:
        click.echo(f"janitor: {plain(str(error))}", err=True)
        sys.exit(1)

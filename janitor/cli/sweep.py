"""``janitor sweep``."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from janitor.cli.options import STORE, limits_of, shared
from janitor.cli.output import finish, table
from janitor.core.model import Mode
from janitor.core.report import Ending
from janitor.errors import BadInput
from janitor.render.words import revisions
from janitor.terminal import progression, stoppable

if TYPE_CHECKING:
    from janitor.cli.options import Call


@click.command()
@shared
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")
@STORE
@click.option("--archive", is_flag=True, help="Keep each definition in the store before it goes, for janitor restore.")
def sweep(call: Call, *, yes: bool, store: str | None, archive: bool) -> None:
    """Delete what the policy allows. Asks first, on a terminal."""
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BadInput(["sweep deletes: add --yes where nobody can be asked, or look first with janitor report"])
    call = replace(call, flags=replace(call.flags, archive=archive))
    runner = call.prepared(store)
    with stoppable() as asked:
        limits = limits_of(runner, asked)
        total = None
        if not yes:
            with progression(runner.clock) as observe:
                first = runner.survey(limits, observe)
            click.echo(table(first, sys.stderr), err=True)
            if first.ending is not Ending.FINISHED or not first.due.high:
                finish(call, first)
                return
            total = first.due.value
            if not click.confirm(f"Delete {'' if first.is_exact else 'about '}{revisions(total)} now?", err=True):
                click.echo("Nothing was deleted.", err=True)
                return
        with progression(runner.clock, total=total) as observe:
            made = runner.sweep(Mode.DELETE, limits, observe, count_all=call.exact)
    finish(call, made)

"""``janitor sweep``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from janitor.cli.options import STORE, limits_of, shared, surveyed
from janitor.cli.output import finish, table, width
from janitor.core.model import Mode
from janitor.core.report import Ending
from janitor.errors import BadInput
from janitor.render.words import plan_words, revisions, wrapped
from janitor.terminal import progression, stoppable

if TYPE_CHECKING:
    from janitor.cli.options import Call
    from janitor.core.plan import Plan
    from janitor.runner import Runner
    from janitor.sweep.events import Limits


@click.command()
@shared
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")
@click.option(
    "--plan",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Delete what the plan of an exact report names and is still due, and nothing else.",
)
@STORE
@click.option("--archive", is_flag=True, help="Keep each definition in the store before it goes, for janitor restore.")
def sweep(call: Call, *, yes: bool, plan: Path | None, store: str | None, archive: bool) -> None:
    """Delete what the policy allows, and deregister orphans where it says so. Asks first, on a terminal."""
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BadInput(["sweep deletes: add --yes where nobody can be asked, or look first with janitor report"])
    call = replace(call, flags=replace(call.flags, archive=archive))
    runner = call.prepared(store, plan)
    with stoppable() as asked:
        limits = limits_of(runner, asked)
        total = None if runner.plan is None else runner.plan.revisions
        if not yes:
            total = _of_plan(runner.plan) if runner.plan else _of_survey(call, runner, limits)
            if total is None:
                return
        with progression(runner.clock, total=total) as observe:
            made = runner.sweep(Mode.DELETE, limits, observe, count_all=call.exact)
    finish(call, made)


def _of_plan(plan: Plan) -> int | None:
    """Show a plan and ask; return how many revisions it names, or None where nothing is to be done."""
    click.echo(wrapped("\n".join(plan_words(plan)), width()), err=True, nl=False)
    return plan.revisions if _confirmed(f"Delete {revisions(plan.revisions)} now?") else None


def _of_survey(call: Call, runner: Runner, limits: Limits) -> int | None:
    """Show a report and ask; return about how many revisions would go, or None where nothing is to be done."""
    first = surveyed(runner, limits)
    click.echo(table(first, sys.stderr), err=True)
    orphans = min(first.deregistrations.due.high, first.max_deregistrations or 0)
    if first.ending is not Ending.FINISHED or not (first.due.high or orphans):
        finish(call, first)
    about = "" if first.is_exact else "about "
    too = f" and deregister at most {revisions(orphans)}" if orphans else ""
    return first.due.value if _confirmed(f"Delete {about}{revisions(first.due.value)}{too} now?") else None


def _confirmed(question: str) -> bool:
    if click.confirm(question, err=True):
        return True
    click.echo("Nothing was changed.", err=True)
    return False

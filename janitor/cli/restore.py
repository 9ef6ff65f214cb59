"""``janitor restore``."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from janitor.aws.task_definitions import revision_in
from janitor.cli.options import STORE, collected
from janitor.cli.output import Format, exit_code, width
from janitor.errors import BadInput
from janitor.render.restoring import outcome_line, plan_story, result_json, result_story
from janitor.render.words import revisions, wrapped
from janitor.restore_wiring import restorer
from janitor.terminal import stoppable
from janitor.wiring import Where, aws_place, store_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.core.model import RevisionId
    from janitor.restore.run import Outcome

_SWEEP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@click.command()
@click.argument("target", metavar="FAMILY:REVISION|SWEEP")
@STORE
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")
@click.option(
    "--format",
    "printed_as",
    type=click.Choice([Format.TABLE.value, Format.JSON.value]),
    default=Format.TABLE.value,
    help="How to print. [default: table]",
)
@click.option("--profile", metavar="NAME", help="AWS profile.")
@click.option("--region", metavar="NAME", help="AWS Region.")
@click.option("--endpoint-url", metavar="URL", help="Call this address instead of AWS's.")
def restore(
    target: str,
    *,
    store: str | None,
    yes: bool,
    printed_as: str,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
) -> None:
    """Register again, as new revisions, what was archived before it was deleted. Asks first, on a terminal."""
    problems: list[str] = []
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        problems.append("restore registers: add --yes where nobody can be asked")
    if store is None:
        problems.append("restore reads the archive: say where it is with --store, or set JANITOR_STORE")
    where = Where(profile=profile, region=region, endpoint_url=endpoint_url)
    wanted = collected(problems, lambda: _wanted(target))
    place = collected(problems, lambda: (click.get_current_context().obj or aws_place)(where))
    blobs = None if store is None else collected(problems, lambda: store_at(store, where))
    if problems or wanted is None or place is None or blobs is None:
        raise BadInput(problems)
    with stoppable() as asked, restorer(place, blobs) as restoring:
        planned = restoring.plan(wanted)
        click.echo(wrapped(plan_story(planned), width()), err=True)
        if not yes and not click.confirm(f"Register {revisions(planned.count)} again now?", err=True):
            click.echo("Nothing was registered.", err=True)
            return
        result = restoring.run(planned, asked_to_stop=asked, observe=_narrator())
    told = result_json(result) if printed_as == Format.JSON else wrapped(result_story(result), width())
    click.echo(told, nl=False)
    sys.exit(exit_code(result.causes))


def _wanted(target: str) -> RevisionId | str:
    """Return the revision that is named, or the sweep; refuse what is neither."""
    revision = revision_in(target)
    if revision is None and not _SWEEP.fullmatch(target):
        raise BadInput([f"{target!r} is neither FAMILY:REVISION nor a sweep"])
    return revision or target


def _narrator() -> Callable[[Outcome], None]:
    """Return what tells each outcome as it comes, where somebody watches."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda outcome: click.echo(outcome_line(outcome), err=True)

"""``janitor explain``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from janitor.cli.options import checked_target, shared
from janitor.cli.output import Format, color, width
from janitor.errors import BadInput
from janitor.render.json import explanations_json
from janitor.render.table import explanation_story, family_map
from janitor.sweep.explain import FamilyExplanation
from janitor.terminal import reading

if TYPE_CHECKING:
    from janitor.cli.options import Call


@click.command()
@shared
@click.argument("target", metavar="FAMILY[:REVISION]")
def explain(call: Call, target: str) -> None:
    """Show a revision's dates, image, rule, verdict and users; of a family, all of them."""
    revision = checked_target(target)
    runner = call.prepared()
    if call.printed_as() not in {Format.TABLE, Format.JSON}:
        raise BadInput([f"--format {call.printed_as()}: explain prints table or json"])
    with reading(runner.clock, lambda: runner.calls, runner.settings.max_reads, about=target):
        found = runner.explain(revision or target)
    if runner.settings.not_asked:
        click.echo(f"janitor: {runner.settings.not_asked}", err=True)
    if found is None or (isinstance(found, FamilyExplanation) and found.is_empty):
        kind = "revision" if ":" in target else "family"
        raise BadInput([f"{target}: there is no such {kind} in {runner.api.region}"])

    if call.printed_as() is Format.JSON:
        call.print(explanations_json(found.explanations if isinstance(found, FamilyExplanation) else (found,)))
    elif isinstance(found, FamilyExplanation):
        call.print(family_map(found, width=width(), color=color(sys.stdout)))
    else:
        call.print(explanation_story(found, width=width(), color=color(sys.stdout)))
    explained = found.explanations if isinstance(found, FamilyExplanation) else (found,)
    if any(each.unreadable_usage for each in explained) or (isinstance(found, FamilyExplanation) and found.unreadable):
        sys.exit(1)

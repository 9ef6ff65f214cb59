"""``janitor history``."""

from __future__ import annotations

import click

from janitor.cli.options import ENDPOINT_URL, PROFILE, REGION, STORE, checked_target
from janitor.cli.output import width
from janitor.errors import BadInput
from janitor.render.past import history_json, history_story
from janitor.render.words import wrapped
from janitor.wiring import Where, past


@click.command()
@click.argument("target", metavar="FAMILY[:REVISION]")
@STORE
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@PROFILE
@REGION
@ENDPOINT_URL
def history(
    target: str, *, store: str | None, as_json: bool, profile: str | None, region: str | None, endpoint_url: str | None
) -> None:
    """Say what the record knows: was it us, when, by which rule."""
    if store is None:
        raise BadInput(["history reads the record: say where it is with --store, or set JANITOR_STORE"])
    revision = checked_target(target)
    family, number = (target, None) if revision is None else (revision.family, revision.number)
    where = Where(profile=profile, region=region, endpoint_url=endpoint_url)
    found, trail = past(store, where, family, number)
    told = history_json(found, trail) if as_json else wrapped(history_story(found, trail), width())
    click.echo(told, nl=False)

"""``janitor reuse``."""

from __future__ import annotations

import click

from janitor.cli.options import ENDPOINT_URL, PROFILE, REGION
from janitor.core.lookup import Key
from janitor.errors import BadInput
from janitor.render.lookup import lookup_json, lookup_story
from janitor.wiring import Where, lookup_table


@click.group()
def reuse() -> None:
    """Look into the lookup table, by which definitions are reused."""


@reuse.command()
@click.argument("family")
@click.option("--table", metavar="NAME", required=True, help="The lookup table.")
@click.option(
    "--format", "format_", type=click.Choice(["table", "json"]), default="table", help="How to print. [default: table]"
)
@PROFILE
@REGION
@ENDPOINT_URL
def show(
    family: str, *, table: str, format_: str, profile: str | None, region: str | None, endpoint_url: str | None
) -> None:
    """Say which revisions stand for definitions of a family, and how it came to that."""
    if not Key(family, "").is_possible:
        raise BadInput([f"{family!r} is no family: up to 255 letters, digits, - and _"])
    found = lookup_table(table, Where(profile=profile, region=region, endpoint_url=endpoint_url)).family(family)
    click.echo((lookup_json if format_ == "json" else lookup_story)(found, table), nl=False)

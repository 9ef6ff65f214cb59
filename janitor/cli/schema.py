"""``janitor schema``."""

from __future__ import annotations

import click

from janitor.schemas import SCHEMAS, schema_text


@click.command()
@click.argument("name", type=click.Choice(list(SCHEMAS)), default="report")
def schema(name: str) -> None:
    """Print the JSON Schema of a document: of a report, unless another is named."""
    click.echo(schema_text(name), nl=False)

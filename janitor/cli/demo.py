"""``janitor demo``."""

from __future__ import annotations

import sys

import click

from janitor import demo as demonstration
from janitor.cli.output import table


@click.command()
@click.option("--serve", is_flag=True, help="Leave the embedded ECS running on loopback, for --endpoint-url.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="With --serve: the port. [default: a free one]")
def demo(*, serve: bool, port: int) -> None:
    """Show it all on an embedded ECS: no account, no network."""
    if serve:
        demonstration.serve_account(port, say=click.echo)
    else:
        demonstration.show(say=click.echo, table=lambda made: table(made, sys.stdout))

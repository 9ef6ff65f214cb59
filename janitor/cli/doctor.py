"""``janitor doctor``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from janitor.aws.client import Api
from janitor.cli.options import ENDPOINT_URL, EXCLUDE, FAMILY, POLICY, PROFILE, REGION, STORE
from janitor.cli.output import color, width
from janitor.core.check import State
from janitor.core.model import Mode
from janitor.doctor import Doctor, Questions
from janitor.render.checks import checks_json, checks_table
from janitor.settings import Flags, load
from janitor.wiring import Where, aws_place, quick_clients, store_at

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.option(
    "--mode",
    type=click.Choice([each.value for each in Mode]),
    callback=lambda _context, _option, value: None if value is None else Mode(value),
    help="What permissions are needed for. [default: as the function is deployed, else report]",
)
@POLICY
@FAMILY
@EXCLUDE
@click.option("--function", metavar="NAME", help="The function, where one is deployed: it says the rest.")
@click.option("--stack", metavar="NAME", help="The stack whose alarms are looked at. [default: the function's]")
@STORE
@click.option("--brake", metavar="NAME", help="The SSM parameter that is the brake. [default: the function's]")
@click.option("--format", "as_format", type=click.Choice(["table", "json"]), default="table", help="How to print.")
@PROFILE
@REGION
@ENDPOINT_URL
def doctor(
    mode: Mode | None,
    *,
    policy: Path | None,
    family_glob: tuple[str, ...],
    exclude: tuple[str, ...],
    function: str | None,
    stack: str | None,
    store: str | None,
    brake: str | None,
    as_format: str,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
) -> None:
    """Check an account, and the stack where one is deployed. Only reads."""
    settings = load(Flags(policy=policy, family=family_glob, exclude=exclude))
    where = Where(profile=profile, region=region, endpoint_url=endpoint_url)
    place = (click.get_current_context().obj or aws_place)(where)
    asked = Questions(
        mode=mode,
        policy=settings.policy,
        off=settings.usage_off.value,
        function=function,
        stack=stack,
        store=store,
        brake=brake,
    )
    examiner = Doctor(
        api=Api(place.client, clock=place.clock),
        client_of=place.client_of,
        client=quick_clients(where),
        open_store=lambda location: store_at(location, where),
        clock=place.clock,
    )
    checks = list(examiner.checks(asked))
    if as_format == "json":
        click.echo(checks_json(checks), nl=False)
    else:
        click.echo(checks_table(checks, width=width(), color=color(sys.stdout)), nl=False)
    sys.exit(1 if any(each.state is State.PROBLEM for each in checks) else 0)

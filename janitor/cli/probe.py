"""``janitor probe``."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path

import click

from janitor.aws.client import Api
from janitor.aws.throwaway import ThrowAway
from janitor.cli.options import ENDPOINT_URL, PROFILE, REGION
from janitor.errors import BadInput
from janitor.probe.questions import REVISIONS, Probe
from janitor.render.words import plain
from janitor.settings.values import positive_duration
from janitor.wiring import Where, aws_place


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")
@click.option("--wait", metavar="TIME", default="70m", show_default=True, help="How long to wait for a deletion's end.")
@click.option("--denied-tag", metavar="KEY", help="A tag whose revisions you are denied to delete, if there is one.")
@click.option("--with-account", is_flag=True, help="Leave account numbers in the texts.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Print into a file.")
@PROFILE
@REGION
@ENDPOINT_URL
def probe(
    *,
    yes: bool,
    wait: str,
    denied_tag: str | None,
    with_account: bool,
    output: Path | None,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
) -> None:
    """Find out what AWS does not document, on a task definition family of its own."""
    problems = []
    try:
        seconds = positive_duration(wait).total_seconds()
    except ValueError as error:
        problems.append(f"--wait: {error}")
    interactive = sys.stdin.isatty() and sys.stderr.isatty()
    if not yes and not interactive:
        problems.append("probe writes to the account: add --yes where nobody can be asked")
    if output is not None and not output.parent.is_dir():
        problems.append(f"--output {output}: there is no such folder")
    if problems:
        raise BadInput(problems)
    place = (click.get_current_context().obj or aws_place)(
        Where(profile=profile, region=region, endpoint_url=endpoint_url)
    )
    api = Api(place.client, clock=place.clock)
    family = f"janitor-probe-{secrets.token_hex(4)}"
    click.echo(
        f"In {api.region}, at {api.endpoint}: registers {REVISIONS} to {REVISIONS + 3} revisions of {family}, which "
        "nobody starts, deregisters and deletes them. It takes minutes, and up to "
        f"{wait} until the first is gone. ECS never forgets a family's name.",
        err=True,
    )
    if not yes and not click.confirm("Go on?", err=True):
        click.echo("Nothing was done.", err=True)
        return
    answers = Probe(
        ThrowAway(api, family),
        clock=place.clock,
        wait=seconds,
        denied_tag=denied_tag,
        say=lambda words: click.echo(words, err=True),
    ).run()
    text = json.dumps(answers.document(with_account=with_account), indent=2) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
    if answers.left:
        click.echo(plain(f"Left behind, delete them by hand: {', '.join(answers.left)}"), err=True)
    if answers.ended != "finished":
        click.echo(f"janitor: {plain(answers.ended)}", err=True)
    sys.exit(1 if answers.left or answers.ended != "finished" else 0)

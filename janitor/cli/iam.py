"""``janitor iam``."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click

from janitor.cli.options import EXCLUDE, FAMILY, POLICY
from janitor.core.grants import grants
from janitor.core.model import Mode
from janitor.errors import BadInput
from janitor.permissions import LONGEST, document, length, statements
from janitor.render.words import plain
from janitor.settings import Flags, load

if TYPE_CHECKING:
    from pathlib import Path

    from janitor.core.retention import Policy
    from janitor.permissions import Statement

_PLACE = {
    "--partition": re.compile(r"aws(-[a-z]+)*", re.ASCII),
    "--region": re.compile(r"\*|[a-z]{2}(-[a-z]+)+-\d+", re.ASCII),
    "--account": re.compile(r"\*|\d{12}", re.ASCII),
}


@click.command()
@click.option(
    "--mode",
    type=click.Choice([each.value for each in Mode]),
    required=True,
    callback=lambda _context, _option, value: Mode(value),
    help="What is to be permitted: reports alone, or deletion.",
)
@POLICY
@FAMILY
@EXCLUDE
@click.option("--partition", metavar="NAME", help="Partition of the ARNs. [default: aws]", default="aws")
@click.option("--region", metavar="NAME", help="Region of the ARNs. [default: *]", default="*")
@click.option("--account", metavar="NUMBER", help="Account of the ARNs. [default: *]", default="*")
@click.option("--store", metavar="LOCATION", help="s3://bucket/prefix of the record and the due cache.")
@click.option("--brake", metavar="NAME", help="For the function: the SSM parameter that is its brake.")
@click.option("--event-bus", metavar="NAME", help="For the function: the bus that it publishes to.")
def iam(
    mode: Mode,
    *,
    policy: Path | None,
    family_glob: tuple[str, ...],
    exclude: tuple[str, ...],
    partition: str,
    region: str,
    account: str,
    store: str | None,
    brake: str | None,
    event_bus: str | None,
) -> None:
    """Print the IAM policy to lend: JSON on stdout, what it says on stderr. Calls nobody."""
    settings = load(Flags(policy=policy, family=family_glob, exclude=exclude))
    given = {"--partition": partition, "--region": region, "--account": account}
    problems = [f"{name}: {text!r} is none" for name, text in given.items() if not _PLACE[name].fullmatch(text)]
    if problems:
        raise BadInput(problems)
    made = statements(
        mode=mode,
        policy=settings.policy,
        partition=partition,
        region=region,
        account=account,
        store=store,
        brake=brake,
        event_bus=event_bus,
        without=settings.usage_off.value,
    )
    click.echo(json.dumps(document(made), indent=2))
    for line in _explained(mode, settings.policy, made):
        click.echo(plain(line), err=True)


def _explained(mode: Mode, policy: Policy, made: list[Statement]) -> list[str]:
    """Return what a person should know who lends this."""
    size = length(made)
    lines = []
    if size > LONGEST:
        lines.append(
            f"It is {size:,} characters long without white space, {size - LONGEST:,} more than IAM takes as one "
            "managed policy: use fewer or wider patterns, or spread the statements over two policies."
        )
    if mode is Mode.REPORT:
        return ["It reads alone: no action of it changes anything in ECS.", *lines]
    granted = grants(policy)
    if not granted.allowed:
        return ["The policy deletes nothing, so no deletion is permitted.", *lines]
    deregisters = (
        "It permits deregistering any task definition, since a rule asks for the deregistration of ACTIVE orphans: "
        "IAM knows neither resource nor condition for that. Which are orphans the janitor sees to."
    )
    return [
        *([deregisters] if policy.deregisters else []),
        "It permits deleting task definition revisions; ECS deletes no ACTIVE one.",
        "Age, use and which are the newest cannot be said in IAM: that the janitor sees to.",
        *(f"Not denied, though the janitor keeps it: {sentence}." for sentence in granted.unsaid),
        "Sweep with the same --policy, --family and --exclude: a batch in which all entries are denied ends the run.",
        *lines,
    ]

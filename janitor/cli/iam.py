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
from janitor.permissions import LONGEST, Arns, document, length, reusing, statements
from janitor.render.words import plain
from janitor.settings import FLAG_NAMES, Flags, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from janitor.core.retention import Policy
    from janitor.permissions import Statement

REUSE = "reuse"
"""What is to be permitted to whoever registers by a lookup table."""

_REUSING = (
    "It permits registering task definitions of these families, and deregistering any: IAM cannot narrow that.",
    "Narrow PassRoles to the task roles and execution roles that the definitions name.",
    "ShowLookupTable is for people, with janitor reuse show; whoever registers does without.",
)

_TABLE = re.compile(r"(arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table/)?[A-Za-z0-9_.-]{3,255}", re.ASCII)

_PLACE = {
    "--partition": re.compile(r"aws(-[a-z]+)*", re.ASCII),
    "--region": re.compile(r"\*|[a-z]{2}(-[a-z]+)+-\d+", re.ASCII),
    "--account": re.compile(r"\*|\d{12}", re.ASCII),
}


@click.command()
@click.option(
    "--mode",
    type=click.Choice([*(each.value for each in Mode), REUSE]),
    required=True,
    help="What is to be permitted: reports alone, deletion, or registering by a lookup table.",
)
@POLICY
@FAMILY
@EXCLUDE
@click.option("--partition", metavar="NAME", help="Partition of the ARNs. [default: aws]", default="aws")
@click.option("--region", metavar="NAME", help="Region of the ARNs. [default: *]", default="*")
@click.option("--account", metavar="NUMBER", help="Account of the ARNs. [default: *]", default="*")
@click.option("--store", metavar="LOCATION", help="s3://bucket/prefix of the record and the due cache.")
@click.option("--table", metavar="NAME", help="The lookup table that is heeded; for reuse, by its name or ARN.")
@click.option("--brake", metavar="NAME", help="For the function: the SSM parameter that is its brake.")
@click.option("--event-bus", metavar="NAME", help="For the function: the bus that it publishes to.")
def iam(
    mode: str,
    *,
    policy: Path | None,
    family_glob: tuple[str, ...],
    exclude: tuple[str, ...],
    partition: str,
    region: str,
    account: str,
    store: str | None,
    table: str | None,
    brake: str | None,
    event_bus: str | None,
) -> None:
    """Print the IAM policy to lend: JSON on stdout, what it says on stderr. Calls nobody."""
    heeded = None if mode == REUSE else table
    names = FLAG_NAMES | {"lookup_table": "--table"}
    settings = load(Flags(policy=policy, family=family_glob, exclude=exclude, lookup_table=heeded, names=names))
    given = {"--partition": partition, "--region": region, "--account": account}
    problems = [f"{name}: {text!r} is none" for name, text in given.items() if not _PLACE[name].fullmatch(text)]
    problems += _table_problems(mode, table, {"--policy": policy, "--exclude": exclude, "--store": store}, family_glob)
    if problems:
        raise BadInput(problems)
    if mode == REUSE and table is not None:
        arns = Arns(partition=partition, region=region, account=account)
        _print(reusing(table, arns, family_glob or ("*",)), _REUSING)
        return
    made = statements(
        mode=Mode(mode),
        policy=settings.policy,
        partition=partition,
        region=region,
        account=account,
        store=store,
        brake=brake,
        event_bus=event_bus,
        table=None if settings.lookup_table is None else settings.lookup_table.name.value,
        without=settings.usage_off.value,
    )
    _print(made, _explained(Mode(mode), settings.policy, made))


def _print(made: list[Statement], lines: Iterable[str]) -> None:
    click.echo(json.dumps(document(made), indent=2))
    for line in lines:
        click.echo(plain(line), err=True)


def _table_problems(mode: str, table: str | None, others: Mapping[str, object], families: tuple[str, ...]) -> list[str]:
    """Return what does not go together about a lookup table."""
    if mode != REUSE:
        return []
    problems = [f"{name}: it says nothing about --mode {REUSE}" for name, value in others.items() if value]
    if not table:
        problems.append(f"--mode {REUSE}: say of which lookup table, with --table")
    elif not _TABLE.fullmatch(table):
        problems.append(f"--table: {table!r} is none")
    return problems + [f"--family {each}: IAM knows * and ? alone" for each in families if "[" in each]


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

"""The options that commands share, and what they make of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from janitor.aws.task_definitions import revision_in
from janitor.cli.output import Format, format_of, put
from janitor.core.retention import DEFAULT_KEEP_NEWEST, DEFAULT_RETENTION, AgeFrom, duration
from janitor.errors import BadInput
from janitor.runner import Runner, Store
from janitor.settings import DEFAULT_MAX_READS, Flags, load, needs_store
from janitor.settings.plan_file import differences, read_plan
from janitor.sweep.events import Limits
from janitor.terminal import reading
from janitor.wiring import Where, aws_place, store_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.core.model import RevisionId
    from janitor.core.report import Report

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What every command is given: the flags, where to go, and how to print."""

    flags: Flags
    exact: bool
    where: Where
    format: Format | None
    output: Path | None

    def prepared(self, store: str | None = None, plan: Path | None = None) -> Runner:
        """Return what runs the command, or raise all that is wrong with it at once."""
        problems: list[str] = []
        if self.flags.archive and store is None:
            problems.append(needs_store("--archive", "--store"))
        settings = collected(problems, lambda: load(self.flags))
        place = collected(problems, lambda: (click.get_current_context().obj or aws_place)(self.where))
        blobs = None if store is None else collected(problems, lambda: store_at(store, self.where))
        collected(problems, lambda: checked_output(self.output))
        planned = None if plan is None else collected(problems, lambda: read_plan(plan))
        if planned is not None and settings is not None:
            problems.extend(differences(planned, settings))
        if planned is not None and place is not None and planned.region != (region := place.client.meta.region_name):
            problems.append(f"--plan: it is for Region {planned.region}, and this is {region}")
        if problems or settings is None or place is None:
            raise BadInput(problems)
        return Runner(place, settings, store=None if blobs is None else Store(blobs=blobs), plan=planned)

    def printed_as(self) -> Format:
        """Return the format asked for, by name or by the ending of the output file."""
        return format_of(self.format, self.output)

    def print(self, text: str) -> None:
        """Print to stdout, or into the output file."""
        put(text, self.output)


def checked_output(output: Path | None) -> None:
    """Refuse a file that cannot be written."""
    if output is not None:
        try:
            output.open("a", encoding="utf-8").close()
        except OSError as error:
            raise BadInput([f"--output {output}: it cannot be written: {error.strerror}"]) from error


def collected(problems: list[str], make: Callable[[], T]) -> T | None:
    """Return what is made, or note what is wrong with its input."""
    try:
        return make()
    except BadInput as error:
        problems.extend(error.problems)
        return None


def shared(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that all of them share, as one ``Call``."""

    @wraps(command)
    def called(  # noqa: PLR0917 - click calls by keyword
        older_than: str | None,
        keep_newest: str | None,
        age_from: str | None,
        family_glob: tuple[str, ...],
        exclude: tuple[str, ...],
        policy: Path | None,
        lookup_table: str | None,
        max_deletions: str | None,
        max_reads: str | None,
        max_time: str | None,
        exact: bool,  # noqa: FBT001 - as above
        format: Format | None,  # noqa: A002 - the option's name
        output: Path | None,
        profile: str | None,
        region: str | None,
        endpoint_url: str | None,
        **others: Any,  # noqa: ANN401 - the command's own parameters
    ) -> None:
        flags = Flags(
            older_than=older_than,
            keep_newest=keep_newest,
            age_from=age_from,
            family=family_glob,
            exclude=exclude,
            policy=policy,
            lookup_table=lookup_table,
            max_deletions=max_deletions,
            max_reads=max_reads,
            max_time=max_time,
        )
        call = Call(
            flags=flags,
            exact=exact,
            where=Where(profile=profile, region=region, endpoint_url=endpoint_url),
            format=format,
            output=output,
        )
        command(call, **others)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called


FAMILY = click.option("--family", "family_glob", metavar="GLOB", multiple=True, help="Only these families; repeatable.")
EXCLUDE = click.option("--exclude", metavar="GLOB", multiple=True, help="Never these families; repeatable.")
POLICY = click.option("--policy", metavar="FILE", type=click.Path(path_type=Path), help="Rules by family, in TOML.")
PROFILE = click.option("--profile", metavar="NAME", help="AWS profile.")
REGION = click.option("--region", metavar="NAME", help="AWS Region.")
ENDPOINT_URL = click.option("--endpoint-url", metavar="URL", help="Call this address instead of AWS's.")

_OPTIONS = (
    click.option(
        "--older-than",
        metavar="TIME",
        help=f"How long a revision stays once INACTIVE, such as 180d. [default: {duration(DEFAULT_RETENTION)}]",
    ),
    click.option(
        "--keep-newest",
        metavar="N",
        help=f"Newest INACTIVE revisions of a family that stay whatever their age. [default: {DEFAULT_KEEP_NEWEST}]",
    ),
    FAMILY,
    EXCLUDE,
    POLICY,
    click.option(
        "--age-from",
        metavar="DATE",
        help=f"Count age from {' or '.join(AgeFrom)}. [default: {AgeFrom.DEREGISTERED_AT}]",
    ),
    click.option(
        "--lookup-table",
        metavar="NAME",
        help="The DynamoDB table by which definitions are reused: what it names is no orphan. [default: none]",
    ),
    click.option("--max-deletions", metavar="N", help="Stop after so many deletions. [default: no limit]"),
    click.option(
        "--max-reads",
        metavar="N",
        help=f"Read calls that a report or an explanation may make. [default: {DEFAULT_MAX_READS}]",
    ),
    click.option("--exact", is_flag=True, help="Look at and count everything, however many reads it takes."),
    click.option("--max-time", metavar="TIME", help="Stop after this time, such as 15m. [default: no limit]"),
    click.option(
        "--format",
        type=click.Choice([each.value for each in Format]),
        callback=lambda _context, _option, value: None if value is None else Format(value),
        help="How to print. [default: table, or by the ending of -o]",
    ),
    click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Print into a file."),
    PROFILE,
    REGION,
    ENDPOINT_URL,
)


STORE = click.option(
    "--store",
    metavar="LOCATION",
    envvar="JANITOR_STORE",
    help="Folder or s3://bucket/prefix of the record, the due cache and the archive. [default: none]",
)


def checked_target(target: str) -> RevisionId | None:
    """Return the revision that FAMILY:REVISION names, None for a family; refuse what is neither."""
    revision = revision_in(target)
    if revision is None and not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", target, re.ASCII):
        raise BadInput([f"{target!r} is neither a family nor FAMILY:REVISION"])
    return revision


def limits_of(runner: Runner, asked: Callable[[], bool]) -> Limits:
    """Return where a run stops: what the settings say, or somebody asks for."""
    return Limits(
        max_deletions=runner.settings.max_deletions,
        max_deregistrations=runner.settings.max_deregistrations,
        max_seconds=runner.settings.max_seconds,
        abort_above=runner.settings.abort_above,
        asked_to_stop=asked,
    )


def surveyed(runner: Runner, limits: Limits) -> Report:
    """Report within the budget of reads, and show how much of it is spent."""
    with reading(runner.clock, lambda: runner.calls, runner.settings.max_reads) as observe:
        return runner.survey(limits, observe)

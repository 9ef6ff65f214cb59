"""The command line: parse, call, print, and the exit codes."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from janitor import demo as demonstration
from janitor.aws.task_definitions import revision_in
from janitor.core.model import Mode
from janitor.core.report import Cause, Ending
from janitor.core.retention import DEFAULT_KEEP_NEWEST, DEFAULT_RETENTION, AgeFrom, duration
from janitor.errors import BadInput, JanitorError
from janitor.render.documents import report_csv, report_markdown
from janitor.render.json import explanations_json, report_json
from janitor.render.past import history_json, history_story
from janitor.render.table import explanation_story, family_map, report_table
from janitor.render.words import plain, revisions
from janitor.settings import DEFAULT_MAX_READS, Flags, load
from janitor.sweep.events import Limits
from janitor.sweep.explain import FamilyExplanation
from janitor.terminal import progression, stoppable
from janitor.wiring import VERSION, Runner, Store, Where, aws_place, past, store_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.core.model import RevisionId
    from janitor.core.report import Report
    from janitor.wiring import Place

EXIT_CODES = {
    0: "done, nothing to do included",
    1: "could not finish, or a source that says what is in use could not be read",
    2: "wrong input; nothing was touched",
    3: "finished, but ECS refused some revisions, or some failed",
    4: "stopped with work left: at its time or deletion limit, or on request (Ctrl-C)",
}

_CODE = {
    Cause.COULD_NOT_FINISH: 1,
    Cause.USAGE_UNREADABLE: 1,
    Cause.WORK_LEFT: 4,
    Cause.REFUSED_OR_FAILED: 3,
}

T = TypeVar("T")

WIDEST = 120
"""Columns a table takes at most: beyond, the eye loses the line."""


class Format(StrEnum):
    """What a report can be printed as."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    CSV = "csv"


_ENDINGS = {".json": Format.JSON, ".md": Format.MARKDOWN, ".markdown": Format.MARKDOWN, ".csv": Format.CSV}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What every command is given: the flags, where to go, and how to print."""

    flags: Flags
    exact: bool
    where: Where
    format: Format | None
    output: Path | None

    def prepared(self, store: str | None = None) -> Runner:
        """Return what runs the command, or raise all that is wrong with it at once."""
        problems: list[str] = []
        settings = _collected(problems, lambda: load(self.flags))
        place = _collected(problems, lambda: (click.get_current_context().obj or aws_place)(self.where))
        blobs = None if store is None else _collected(problems, lambda: store_at(store, self.where))
        _collected(problems, self._check_output)
        if problems or settings is None or place is None:
            raise BadInput(problems)
        return Runner(place, settings, store=None if blobs is None else Store(blobs=blobs))

    def printed_as(self) -> Format:
        """Return the format asked for, by name or by the ending of the output file."""
        if self.format is not None:
            return self.format
        return Format.TABLE if self.output is None else _ENDINGS.get(self.output.suffix, Format.TABLE)

    def print(self, text: str) -> None:
        """Print to stdout, or into the output file."""
        if self.output is None:
            click.echo(text, nl=False)
        else:
            self.output.write_text(text, encoding="utf-8")

    def _check_output(self) -> None:
        if self.output is not None:
            try:
                self.output.open("a", encoding="utf-8").close()
            except OSError as error:
                raise BadInput([f"--output {self.output}: it cannot be written: {error.strerror}"]) from error


def _collected(problems: list[str], make: Callable[[], T]) -> T | None:
    try:
        return make()
    except BadInput as error:
        problems.extend(error.problems)
        return None


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that all of them share, as one ``Call``."""

    @wraps(command)
    def called(  # noqa: PLR0917 - click calls by keyword
        older_than: str | None,
        keep_newest: str | None,
        age_from: str | None,
        family_glob: tuple[str, ...],
        exclude: tuple[str, ...],
        policy: Path | None,
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
    click.option("--family", "family_glob", metavar="GLOB", multiple=True, help="Only these families; repeatable."),
    click.option("--exclude", metavar="GLOB", multiple=True, help="Never these families; repeatable."),
    click.option("--policy", metavar="FILE", type=click.Path(path_type=Path), help="Rules by family, in TOML."),
    click.option(
        "--age-from",
        metavar="DATE",
        help=f"Count age from {' or '.join(AgeFrom)}. [default: {AgeFrom.DEREGISTERED_AT}]",
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
    click.option("--profile", metavar="NAME", help="AWS profile."),
    click.option("--region", metavar="NAME", help="AWS Region."),
    click.option("--endpoint-url", metavar="URL", help="Call this address instead of AWS's."),
)


_STORE = click.option(
    "--store",
    metavar="LOCATION",
    envvar="JANITOR_STORE",
    help="Folder or s3://bucket/prefix of the record and the due cache. [default: none]",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="janitor")
def cli() -> None:
    """Delete old INACTIVE Amazon ECS task definition revisions, and say why the others stay."""


@cli.command()
@_shared
def report(call: Call) -> None:
    """Say what a sweep would delete. Changes nothing."""
    runner = call.prepared()
    with stoppable() as asked, progression(runner.clock) as observe:
        limits = _limits(runner, asked)
        if call.exact:
            made = runner.sweep(Mode.REPORT, limits, observe, count_all=True)
        else:
            made = runner.survey(limits, observe)
    _finish(call, made)


@cli.command()
@_shared
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")
@_STORE
def sweep(call: Call, *, yes: bool, store: str | None) -> None:
    """Delete what the policy allows. Asks first, on a terminal."""
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BadInput(["sweep deletes: add --yes where nobody can be asked, or look first with janitor report"])
    runner = call.prepared(store)
    with stoppable() as asked:
        limits = _limits(runner, asked)
        total = None
        if not yes:
            with progression(runner.clock) as observe:
                first = runner.survey(limits, observe)
            click.echo(_table(first, sys.stderr), err=True)
            if first.ending is not Ending.FINISHED or not first.due.high:
                _finish(call, first)
                return
            total = first.due.value
            if not click.confirm(f"Delete {'' if first.is_exact else 'about '}{revisions(total)} now?", err=True):
                click.echo("Nothing was deleted.", err=True)
                return
        with progression(runner.clock, total=total) as observe:
            made = runner.sweep(Mode.DELETE, limits, observe, count_all=call.exact)
    _finish(call, made)


@cli.command()
@_shared
@click.argument("target", metavar="FAMILY[:REVISION]")
def explain(call: Call, target: str) -> None:
    """Show a revision's dates, image, rule, verdict and users; of a family, all of them."""
    revision = _checked_target(target)
    runner = call.prepared()
    if call.printed_as() not in {Format.TABLE, Format.JSON}:
        raise BadInput([f"--format {call.printed_as()}: explain prints table or json"])
    found = runner.explain(revision or target)
    if found is None or (isinstance(found, FamilyExplanation) and found.is_empty):
        kind = "revision" if ":" in target else "family"
        raise BadInput([f"{target}: there is no such {kind} in {runner.api.region}"])

    if call.printed_as() is Format.JSON:
        call.print(explanations_json(found.explanations if isinstance(found, FamilyExplanation) else (found,)))
    elif isinstance(found, FamilyExplanation):
        call.print(family_map(found, width=_width(), color=_color(sys.stdout)))
    else:
        call.print(explanation_story(found, width=_width(), color=_color(sys.stdout)))
    explained = found.explanations if isinstance(found, FamilyExplanation) else (found,)
    if any(each.unreadable_usage for each in explained) or (isinstance(found, FamilyExplanation) and found.unreadable):
        sys.exit(1)


@cli.command()
@click.argument("target", metavar="FAMILY[:REVISION]")
@_STORE
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--profile", metavar="NAME", help="AWS profile.")
@click.option("--region", metavar="NAME", help="AWS Region.")
@click.option("--endpoint-url", metavar="URL", help="Call this address instead of AWS's.")
def history(
    target: str, *, store: str | None, as_json: bool, profile: str | None, region: str | None, endpoint_url: str | None
) -> None:
    """Say what the record knows: was it us, when, by which rule."""
    if store is None:
        raise BadInput(["history reads the record: say where it is with --store, or set JANITOR_STORE"])
    revision = _checked_target(target)
    family, number = (target, None) if revision is None else (revision.family, revision.number)
    where = Where(profile=profile, region=region, endpoint_url=endpoint_url)
    found, trail = past(store, where, family, number)
    click.echo(history_json(found, trail) if as_json else history_story(found, trail), nl=False)


@cli.command()
@click.option("--serve", is_flag=True, help="Leave the embedded ECS running on loopback, for --endpoint-url.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="With --serve: the port. [default: a free one]")
def demo(*, serve: bool, port: int) -> None:
    """Show it all on an embedded ECS: no account, no network."""
    if serve:
        demonstration.serve_account(port, say=click.echo)
    else:
        demonstration.show(say=click.echo, table=lambda made: _table(made, sys.stdout))


def main(arguments: list[str] | None = None, *, connect: Callable[[Where], Place] | None = None) -> None:
    """Run the command line; what goes wrong on purpose is one message on stderr and an exit code.

    ``connect`` may lead to another place than AWS: the tests' embedded ECS.
    """
    try:
        cli.main(args=arguments, prog_name="janitor", obj=connect)
    except BadInput as error:
        for line in str(error).splitlines():
            click.echo(f"janitor: {plain(line)}", err=True)
        click.echo("Nothing was touched. janitor --help says more.", err=True)
        sys.exit(2)
    except JanitorError as error:
        click.echo(f"janitor: {plain(str(error))}", err=True)
        sys.exit(1)


def _checked_target(target: str) -> RevisionId | None:
    """Return the revision that FAMILY:REVISION names, None for a family; refuse what is neither."""
    revision = revision_in(target)
    if revision is None and not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", target, re.ASCII):
        raise BadInput([f"{target!r} is neither a family nor FAMILY:REVISION"])
    return revision


def _limits(runner: Runner, asked: Callable[[], bool]) -> Limits:
    return Limits(
        max_deletions=runner.settings.max_deletions, max_seconds=runner.settings.max_seconds, asked_to_stop=asked
    )


def _finish(call: Call, made: Report) -> None:
    """Print a report and end with its exit code."""
    match call.printed_as():
        case Format.TABLE:
            in_file = call.output is not None
            call.print(report_table(made, width=WIDEST, color=False) if in_file else _table(made, sys.stdout))
        case Format.JSON:
            call.print(report_json(made))
        case Format.MARKDOWN:
            call.print(report_markdown(made))
        case Format.CSV:
            call.print(report_csv(made))
    if made.ending is not Ending.FINISHED:
        click.echo(f"janitor: {plain(made.ending_words)}", err=True)
    sys.exit(_CODE[made.causes[0]] if made.causes else 0)


def _table(made: Report, stream: Any) -> str:  # noqa: ANN401 - any text stream
    return report_table(made, width=_width(), color=_color(stream))


def _width() -> int:
    return min(WIDEST, shutil.get_terminal_size((80, 24)).columns)


def _color(stream: Any) -> bool:  # noqa: ANN401 - any text stream
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR")

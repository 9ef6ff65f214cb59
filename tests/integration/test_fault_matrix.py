"""Every fault at every call, a test each: the run ends, its words are right, its record is true, the next mends it.

Two tables make the matrix. ``SITES`` names the calls: **a new call is one line there**, with the operation, what of it
(``holds``: a text in its address or body) and what it means to a run when it cannot be had (``Meaning``). A service
that the stage does not know yet needs a line in ``CODES`` as well. ``TROUBLES`` names what goes wrong. A cell that
makes no sense says why in ``no_cell``; what is ECS's own (``failures[]``, revisions and users that are gone or leaving)
is scripted cell by cell in ``test_fault_matrix_ecs.py``.

Each cell is a night on the account of ``tests.integration.stage``: two batches of due revisions among all that keeps
one. ``assert_a_night_is_true`` holds for each, whatever goes wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING

import botocore.exceptions
import pytest

from janitor.core.model import OutcomeKind
from janitor.core.report import Cause, Ending
from janitor.local.behaviour import Behaviour
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from tests.integration.stage import LAMBDA, Break, Stage

if TYPE_CHECKING:
    from tests.integration.stage import Night


class Meaning(Enum):
    """What a run comes to without a call."""

    RUN = "the run ends"
    FAMILY = "its family is not read, and named"
    REVISION = "its revision is kept as unreadable, or the run ends"
    BATCH = "its revisions are looked at again, and the run ends"
    USERS = "everything that might be in use is kept"
    PAST_USERS = "everything of the service's family is kept"
    INTENT = "nothing is submitted"
    OUTCOME = "the run ends, and history does not know"
    EXTRA = "a warning"
    QUIET = "nothing: what is missing is made up for when it is read"
    EVENT = "a person is called"
    BRAKE = "the brake is on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A call that a night makes."""

    name: str
    service: str
    operation: str
    meaning: Meaning
    holds: str = ""
    """Only calls that name this: of ECS a revision, else a text in address or body."""
    unfinished: bool = False
    """The night is too short, so that another hop is asked for."""


def ecs(operation: str, meaning: Meaning, holds: str = "") -> Site:
    """Return a call to ECS."""
    name = f"{operation} {holds}".strip()
    return Site(name=name, service="ecs", operation=operation, meaning=meaning, holds=holds)


SITES = (
    ecs("ListTaskDefinitionFamilies", Meaning.RUN),
    ecs("ListTaskDefinitions", Meaning.FAMILY),
    ecs("DescribeTaskDefinition", Meaning.REVISION),
    ecs("DescribeTaskDefinition", Meaning.REVISION, holds="etl:5"),
    ecs("DeleteTaskDefinitions", Meaning.BATCH),
    ecs("ListClusters", Meaning.USERS),
    ecs("ListServices", Meaning.USERS),
    ecs("DescribeServices", Meaning.USERS),
    ecs("ListTasks", Meaning.USERS),
    ecs("DescribeTasks", Meaning.USERS),
    ecs("ListEventBuses", Meaning.USERS),
    ecs("ListRules", Meaning.USERS),
    ecs("ListTargetsByRule", Meaning.USERS),
    ecs("ListSchedules", Meaning.USERS),
    ecs("GetSchedule", Meaning.USERS),
    ecs("ListStateMachines", Meaning.USERS),
    ecs("DescribeStateMachine", Meaning.USERS),
    ecs("ListServiceDeployments", Meaning.PAST_USERS),
    ecs("DescribeServiceRevisions", Meaning.PAST_USERS),
    Site(name="intent", service="s3", operation="PutObject", holds='"what":"intent"', meaning=Meaning.INTENT),
    Site(name="outcome", service="s3", operation="PutObject", holds='"what":"outcome"', meaning=Meaning.OUTCOME),
    Site(name="archive", service="s3", operation="PutObject", holds="archive/batches/", meaning=Meaning.INTENT),
    Site(name="archive: index", service="s3", operation="PutObject", holds="archive/index/", meaning=Meaning.QUIET),
    Site(name="close: list", service="s3", operation="ListObjectsV2", holds="record/open/", meaning=Meaning.EXTRA),
    Site(name="close: read", service="s3", operation="GetObject", holds="record/open/", meaning=Meaning.EXTRA),
    Site(name="close: write", service="s3", operation="PutObject", holds="record/closed/", meaning=Meaning.EXTRA),
    Site(name="close: remove", service="s3", operation="DeleteObject", holds="record/open/", meaning=Meaning.EXTRA),
    Site(name="cache: read", service="s3", operation="GetObject", holds="cache/due/", meaning=Meaning.EXTRA),
    Site(name="cache: write", service="s3", operation="PutObject", holds="cache/due/", meaning=Meaning.EXTRA),
    Site(name="last report", service="s3", operation="PutObject", holds="report/last", meaning=Meaning.EXTRA),
    Site(name="Sweep Finished", service="events", operation="PutEvents", meaning=Meaning.EVENT),
    Site(name="Sweep Unfinished", service="events", operation="PutEvents", meaning=Meaning.EVENT, unfinished=True),
    Site(name="brake", service="ssm", operation="GetParameter", meaning=Meaning.BRAKE),
)


class Trouble(Enum):
    """What goes wrong with a call. The value is what a person must read of it, or None where the code is that."""

    THROTTLED = "throttled"
    SERVER_ERROR = "server error"
    RESET = "connection reset"
    TIMEOUT = "read timeout after the service acted"
    DENIED = "access denied"
    EXPIRED = "expired token"
    MALFORMED = "malformed response"
    PASSING = "one after the other what botocore repeats"


CODES = {
    "ecs": ("ThrottlingException", "ServerException", "AccessDeniedException", "ExpiredTokenException"),
    "s3": ("SlowDown", "InternalError", "AccessDenied", "ExpiredToken"),
    "events": ("ThrottlingException", "InternalException", "AccessDeniedException", "ExpiredTokenException"),
    "ssm": ("ThrottlingException", "InternalServerError", "AccessDeniedException", "ExpiredTokenException"),
}
"""By service: how it says that it throttles, has failed, denies, and knows the caller no longer."""
CODED = (Trouble.THROTTLED, Trouble.SERVER_ERROR, Trouble.DENIED, Trouble.EXPIRED)

REPEATED = (Trouble.THROTTLED, Trouble.SERVER_ERROR, Trouble.RESET, Trouble.TIMEOUT)
"""What botocore tries again by itself: once is not noticed, but in the figures. ``PASSING`` is all of it."""


def code_of(site: Site, trouble: Trouble) -> str:
    """Return the error code with which a service says what is wrong."""
    return CODES[site.service][CODED.index(trouble)]


def said_of(site: Site, trouble: Trouble) -> str:
    """Return what a person must be able to read of it."""
    match trouble:
        case Trouble.RESET:
            return "onnection was closed"
        case Trouble.TIMEOUT:
            return "ead timeout"
        case Trouble.MALFORMED:
            return ""
        case _:
            return code_of(site, trouble)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A trouble at a call: the first time alone, or every time."""

    site: Site
    trouble: Trouble
    lasting: bool

    def __str__(self) -> str:
        return f"{self.site.name}-{self.trouble.value}-{'lasting' if self.lasting else 'once'}"

    @property
    def noticed(self) -> bool:
        """Whether more than a retry comes of it."""
        listed = self.site.operation == "ListObjectsV2"  # of S3 botocore repeats what cannot be parsed
        probed = self.site.operation == "DescribeTaskDefinition" and not self.site.holds  # the first one looks for ages
        repeated = self.trouble is Trouble.PASSING or (self.trouble is Trouble.MALFORMED and (listed or probed))
        return self.lasting or not repeated

    @property
    def code(self) -> int:
        """The exit code it must have."""
        if self.site.unfinished:
            return 4
        return self._code_if_noticed() if self.noticed else 0

    def _code_if_noticed(self) -> int:
        match self.site.meaning:
            case Meaning.REVISION:
                return 3 if self.trouble in {Trouble.SERVER_ERROR, Trouble.MALFORMED} else 1
            case Meaning.BATCH:
                mended = not self.lasting or self.trouble is Trouble.MALFORMED
                refused = 3 if self.trouble is Trouble.SERVER_ERROR else 1
                return 0 if mended else refused  # one by one they go, or looking again shows that they went
            case Meaning.EXTRA | Meaning.QUIET | Meaning.EVENT:
                return 0
            case Meaning.BRAKE:
                return 4
            case _:
                return 1


def no_cell(site: Site, trouble: Trouble, *, lasting: bool) -> str | None:
    """Say why a cell makes no sense, or None where it does."""
    if lasting and trouble is Trouble.PASSING:
        return "what lasts is tried one by one"
    if trouble in REPEATED and not lasting:
        return "in PASSING"
    if trouble is Trouble.MALFORMED and site.service == "s3" and site.operation in {"PutObject", "DeleteObject"}:
        return "nothing is read of its answer but the status"
    if trouble in {Trouble.DENIED, Trouble.EXPIRED} and not lasting and site.meaning is not Meaning.BATCH:
        return "it is not tried again: the same as lasting"
    return None


CELLS = [
    Cell(site=site, trouble=trouble, lasting=lasting)
    for site, trouble, lasting in product(SITES, Trouble, (False, True))
    if no_cell(site, trouble, lasting=lasting) is None
]


def script(stage: Stage, cell: Cell) -> None:
    """Let it happen."""
    site, trouble = cell.site, cell.trouble
    if trouble is Trouble.PASSING:
        for each in REPEATED:
            script(stage, Cell(site=site, trouble=each, lasting=False))
        return
    times = None if cell.lasting else 1
    coded = trouble in CODED
    if site.service == "ecs":
        lost = {
            Trouble.RESET: Lost.CONNECTION_CLOSED,
            Trouble.TIMEOUT: Lost.READ_TIMEOUT,
            Trouble.MALFORMED: Lost.MALFORMED_BODY,
        }.get(trouble)
        fault = Fault(
            operation=site.operation,
            arn=site.holds or None,
            code=code_of(site, trouble) if coded else "",
            status=500 if trouble is Trouble.SERVER_ERROR else 400,
            message="scripted",
            lost=lost,
            acts=trouble in {Trouble.TIMEOUT, Trouble.MALFORMED},
            times=times,
        )
        stage.ecs.faults.add(fault)
        return
    error: dict[Trouble, type[botocore.exceptions.HTTPClientError]] = {
        Trouble.RESET: botocore.exceptions.ConnectionClosedError,
        Trouble.TIMEOUT: botocore.exceptions.ReadTimeoutError,
    }
    stage.wire.broken.append(
        Break(
            operation=site.operation,
            holds=site.holds,
            status={Trouble.SERVER_ERROR: 500, Trouble.THROTTLED: 503 if site.service == "s3" else 400}.get(
                trouble, 403
            ),
            body=error_body(site.service, code_of(site, trouble)) if coded else b"",
            error=error.get(trouble),
            acts=trouble is Trouble.TIMEOUT,
            cut=trouble is Trouble.MALFORMED,
            times=times,
        )
    )


def error_body(service: str, code: str) -> bytes:
    """Return an error as the service writes one."""
    if service == "s3":
        return f"<Error><Code>{code}</Code><Message>scripted</Message></Error>".encode()
    return f'{{"__type": "{code}", "message": "scripted"}}'.encode()


@pytest.fixture(scope="module")
def end() -> object:
    """Return what an undisturbed world comes to."""
    with pytest.MonkeyPatch.context() as patch:
        stage = Stage(patch)
        assert stage.night().code == 0
        assert stage.submitted == stage.due
        return stage.state


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_every_fault_at_every_call_ends_well(cell: Cell, end: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded, counted, recorded, said in words; and the night after makes up for it."""
    latency = (2.0, 2.0) if cell.site.unfinished else (0.0, 0.0)
    stage = Stage(monkeypatch, moto=cell.site.service, behaviour=Behaviour(latency=latency))
    script(stage, cell)
    night = stage.night(seconds=60.0 if cell.site.unfinished else LAMBDA)

    assert night.code == cell.code, night.words
    if cell.site.service != "ecs":
        assert night.seconds < (60.0 if cell.site.unfinished else LAMBDA), "it ends by itself before Lambda ends it"
    assert_a_night_is_true(stage, night)
    assert (night.raised is not None) == (cell.code == 1 or (cell.site.meaning is Meaning.EVENT and cell.noticed))
    if cell.noticed and not (cell.site.meaning is Meaning.BATCH and cell.code == 0):
        assert_the_words_name_it(cell, night)
    if cell.site.meaning is Meaning.PAST_USERS and cell.noticed:
        assert not [name for name in stage.submitted if name.startswith("web:")]
    if not cell.noticed and not cell.site.unfinished:
        assert stage.submitted == stage.due
        assert stage.state == end
        return
    if cell.site.meaning in {Meaning.USERS, Meaning.RUN, Meaning.INTENT, Meaning.BRAKE} and cell.noticed:
        assert not stage.submitted

    stage.undisturb()
    after = stage.night()
    assert after.code == 0, after.words
    assert after.raised is None
    assert_a_night_is_true(stage, after)
    assert stage.state == end


def test_each_cell_is_tried_or_says_why_not() -> None:
    """Of the whole product, and each cell once."""
    whole = len(SITES) * len(Trouble) * 2
    left_out = [
        why
        for site, trouble, lasting in product(SITES, Trouble, (False, True))
        if (why := no_cell(site, trouble, lasting=lasting))
    ]
    assert len(CELLS) + len(left_out) == whole
    assert len({str(cell) for cell in CELLS}) == len(CELLS)


@pytest.mark.usefixtures("aws")
def test_every_call_of_a_night_is_a_site(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a night asks for without being in the table would not be tried."""
    stage = Stage(monkeypatch, moto="s3")
    stage.night()
    known = {(site.operation, site.holds) for site in SITES}
    for operation in stage.ecs.calls:
        assert (operation, "") in known
    for operation, address in stage.wire.asked:
        assert any(operation == each and (holds in address or "what" in holds) for each, holds in known), address


def assert_the_words_name_it(cell: Cell, night: Night) -> None:
    """Check that what went wrong, where, and how can be read."""
    words = night.words
    if cell.site.meaning is Meaning.QUIET:
        return
    assert said_of(cell.site, cell.trouble) in words
    match cell.site.service:
        case "ecs":
            assert cell.site.operation in words
        case "s3":
            place = cell.site.holds if "/" in cell.site.holds else "record/open/"
            assert "s3://records/" in words
            assert place in words
        case "events":
            assert "PutEvents" in words
        case _:
            assert "the brake /janitor/brake could not be read" in words


def assert_a_night_is_true(stage: Stage, night: Night) -> None:
    """Check what holds of every night, whatever went wrong in it."""
    report = night.report
    assert night.calls < 1_000
    # Nothing that must stay was named in a delete call, answered or not.
    assert stage.submitted <= stage.due
    # The counts add up over distinct revisions, and say what became of them in ECS.
    for family in report.families:
        assert family.judged == sum(family.kept.values()) + sum(family.outcomes.values())
    gone = {name for name in stage.due if stage.status(name) != "INACTIVE"}
    assert report.outcome(OutcomeKind.DELETED) == len(gone - stage.gone_before)
    # Whatever was submitted is on record, and the record tells the truth.
    for name, submissions in stage.histories().items():
        assert submissions or name not in stage.submitted, f"{name} is not on record"
        kinds = [each.kind for each in submissions]
        if OutcomeKind.DELETED in kinds:
            assert name in gone, f"{name} is on record as deleted"
        elif name in gone:
            assert kinds[0] is None, f"{name} is gone, on record as {kinds}"
    # Metrics and events are of one mind with the report.
    for blob in night.metrics[:1]:
        assert figure(blob, "DeletedRevisions") == report.outcome(OutcomeKind.DELETED)
        assert figure(blob, "RefusedRevisions") == report.outcome(OutcomeKind.REFUSED)
        assert figure(blob, "FailedRevisions") == report.outcome(OutcomeKind.FAILED)
    finished = report.ending is Ending.FINISHED
    assert finished == (Cause.COULD_NOT_FINISH not in report.causes and Cause.WORK_LEFT not in report.causes)
    stage.gone_before |= gone


def figure(blob: dict[str, object], name: str) -> object:
    """Return a metric's value."""
    value = blob[name]
    return value[0] if isinstance(value, list) else value

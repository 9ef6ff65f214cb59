"""One call of the dashboard's widget: the stored report as HTML or, when a button asks, a dry run of one family.

A refresh reads one object of the store and never calls ECS. Whatever goes wrong is said in HTML: there is nobody but
the person who looks at the widget.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from janitor.core.model import Mode
from janitor.errors import BadInput, StoreFailed
from janitor.render import widget as render
from janitor.render.stored import NotReadable, read_stored
from janitor.settings.function import invocation
from janitor.settings.widget import asked, describes, display
from janitor.sweep.events import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from janitor.core.report import Report
    from janitor.render.widget import Frame
    from janitor.settings import Settings
    from janitor.settings.function import FunctionSettings
    from janitor.settings.widget import Asked
    from janitor.sweep.events import Event

SECONDS = 15.0
"""Seconds after which a dry run stops: whoever pressed the button is waiting."""

MARGIN = 5.0
"""Seconds kept back at the end of an invocation, to say what came of it."""

MAX_READS = 200
"""Read calls of a dry run: at our share of ECS's rate they take 14 seconds."""


class Surveys(Protocol):
    """Makes a bounded report."""

    def survey(self, limits: Limits, observe: Callable[[Event], None]) -> Report:
        """Report within the budget of reads."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a call touches: the clock, the stored report, and ECS where a dry run is asked for."""

    now: Callable[[], datetime]
    last_report: Callable[[], str | None]
    surveys: Callable[[Settings], Surveys]


def respond(event: object, function: FunctionSettings, world: World, *, endpoint: str, seconds_left: float) -> str:
    """Return the answer to a call: HTML, or the documentation as Markdown.

    ``endpoint`` is the ARN that the buttons call. Nothing of ours is raised.
    """
    if describes(event):
        return render.DOCUMENTATION
    frame = render.Frame(display=display(event), now=world.now(), endpoint=endpoint, stack=function.stack)
    try:
        wanted = asked(event, stack=function.stack)
        if wanted.dry_run is not None:
            return _dry_run(wanted.dry_run, function, world, frame, seconds_left)
        return _last_report(wanted, function, world, frame)
    except BadInput as error:
        return render.note("This call is refused", error.problems, frame)
    except StoreFailed as error:
        return render.note("The last report could not be read", [f"{error}."], frame)


def _last_report(wanted: Asked, function: FunctionSettings, world: World, frame: Frame) -> str:
    text = world.last_report()
    if text is None:
        return render.note("There is no report yet", _NO_STORE if function.store is None else _NONE_YET, frame)
    try:
        report = read_stored(text)
    except NotReadable as error:
        return render.note("The last report cannot be shown", [f"It is not what this version reads: {error}."], frame)
    return render.last_report(report, wanted, frame, warning_percent=function.warning_percent)


_NO_STORE = ("The function has no store: JANITOR_STORE does not name one, so no report is kept.",)
_NONE_YET = (
    "A sweep stores one at its end. Either none has run yet, or it could not store it: the function's log says why.",
    'To have one now, invoke the function by hand with {"mode": "report"}: it deletes nothing.',
)


def _dry_run(family: str, function: FunctionSettings, world: World, frame: Frame, seconds_left: float) -> str:
    """Report on one family, under the stack's own policy."""
    settings = invocation({"mode": Mode.REPORT.value, "families": [family]}, function).settings
    settings = replace(settings, max_reads=MAX_READS, archive=False)  # an archive is a deletion's business
    limits = Limits(max_seconds=max(0.0, min(SECONDS, seconds_left - MARGIN)))
    report = world.surveys(settings).survey(limits, lambda _: None)
    return render.dry_run(family, report, frame)

"""What the record, or else CloudTrail, says of the past: was it us, when, by which rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from janitor.core.model import OutcomeKind
from janitor.render.words import plain, revisions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from janitor.aws.cloudtrail import Trail, TrailEvent
    from janitor.store.chunks import Summary
    from janitor.store.history import History
    from janitor.store.lines import Submission
    from janitor.store.restored import Restoring


def history_story(history: History, trail: Trail | None) -> str:
    """Return the past of a family or a revision as short paragraphs, the latest first."""
    name = history.family if history.number is None else f"{history.family}:{history.number}"
    lines = [
        *map(_sweep, history.sweeps),
        *(_submission(each, archived=each in history.archived) for each in history.submissions),
    ]
    if not lines:
        lines.append(f"Nothing is on record of {name}: as far as this record goes, it was not us.")
    if history.restored is not None:
        lines.append(_restored(history.restored))
    if history.earlier:
        lines.append(f"{history.earlier:,} earlier ones are not shown.")
    lines.extend(f"Not readable: {each}" for each in history.unreadable)
    if trail is not None:
        lines.extend(_event(event) for event in trail.events)
        if not trail.events and trail.problem is None:
            lines.append("CloudTrail's 90 days name nobody who deregistered or deleted it.")
        if trail.problem is not None:
            lines.append(f"CloudTrail: {trail.problem}.")
    return "\n".join(plain(each) for each in (name, *(f"  {line}" for line in lines))) + "\n"


def history_json(history: History, trail: Trail | None) -> str:
    """Return the same for programs."""
    value: dict[str, Any] = {
        "family": history.family,
        "number": history.number,
        "sweeps": [
            {
                "sweep": each.sweep,
                "account": each.account,
                "region": each.region,
                "first_at": each.first_at.isoformat(),
                "last_at": each.last_at.isoformat(),
                "submitted": each.submitted,
                "outcomes": dict(each.outcomes),
                "rules": dict(each.rules),
            }
            for each in history.sweeps
        ],
        "submissions": [
            {
                "revision": f"{each.intent.family}:{each.intent.number}",
                "sweep": each.intent.sweep,
                "submitted_at": each.intent.at.isoformat(),
                "rule": each.intent.rule,
                "reason": each.intent.reason,
                "registered_at": _iso(each.intent.registered_at),
                "deregistered_at": _iso(each.intent.deregistered_at),
                "outcome": None if each.kind is None else each.kind.value,
                "words": each.words,
                "deed": "deregister" if each.deregisters else "delete",
                "request_id": None if each.outcome is None else each.outcome.request_id,
                "archived": each in history.archived,
            }
            for each in history.submissions
        ],
        "restored": None if history.restored is None else _restoring(history.restored),
        "earlier": history.earlier,
        "not_readable": list(history.unreadable),
        "cloudtrail": None if trail is None else _trail(trail.events, trail.problem),
    }
    return json.dumps(value, indent=2) + "\n"


def _sweep(summary: Summary) -> str:
    outcomes = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in sorted(summary.outcomes.items()))
    rules = ", ".join(sorted(summary.rules))
    return (
        f"{summary.first_at:%Y-%m-%d %H:%M} UTC, sweep {summary.sweep}: "
        f"{revisions(summary.submitted)} submitted by {rules}: {outcomes}"
    )


def _submission(submission: Submission, *, archived: bool) -> str:
    intent = submission.intent
    outcome = "outcome unknown" if submission.kind is None else submission.kind.value.replace("_", " ")
    request = "" if submission.outcome is None else submission.outcome.request_id
    return (
        f"{_who(submission)}: {intent.at:%A %Y-%m-%d %H:%M} UTC, sweep {intent.sweep}, "
        f"{intent.rule or 'no rule'}: {intent.reason or ''}; {outcome} "
        f"({submission.words}{f', request {request}' if request else ''})"
        f"{'; archived' if archived else ''}"
    )


def _restored(restoring: Restoring) -> str:
    when = f"{restoring.at:%A %Y-%m-%d %H:%M} UTC"
    if restoring.became is None:
        return f"It may have been restored on {when}: no answer is on record; janitor restore will look for it"
    return f"Restored on {when} as {restoring.became}"


def _restoring(restoring: Restoring) -> Mapping[str, Any]:
    return {"at": restoring.at.isoformat(), "became": None if restoring.became is None else str(restoring.became)}


def _who(submission: Submission) -> str:
    done = "deregistered" if submission.deregisters else "deleted"
    match submission.kind:
        case OutcomeKind.DELETED:
            return "It was us"
        case OutcomeKind.DEREGISTERED:
            return "It was us who deregistered it"
        case OutcomeKind.REFUSED | OutcomeKind.NOT_ATTEMPTED:
            return f"We tried, and it was not {done} by that"
        case OutcomeKind.FAILED:
            return f"We tried, and nothing says that it was {done} by that"
        case None:
            return "It may have been us who deregistered it" if submission.deregisters else "It may have been us"


def _event(event: TrailEvent) -> str:
    failed = f", which failed: {event.error}" if event.error else ""
    return (
        f"Not us: {event.role or event.who} called {event.name} on {event.at:%A %Y-%m-%d %H:%M} UTC "
        f"from {event.source or 'an unknown address'}{failed}"
    )


def _trail(events: Sequence[TrailEvent], problem: str | None) -> Mapping[str, Any]:
    return {
        "events": [
            {"at": each.at.isoformat(), "name": each.name, "who": each.who, "source": each.source, "error": each.error}
            for each in events
        ],
        "problem": problem,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

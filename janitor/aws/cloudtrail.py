"""Who else it was: what CloudTrail says about revisions that our record does not know.

CloudTrail keeps management events for 90 days in the Region they happened in, can be asked for one event name at a
time, and answers two calls a second per account and Region (AWS CloudTrail API reference, LookupEvents). An event holds
the whole definition as it was answered; of that nothing is kept but names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import botocore.exceptions

from janitor.aws.task_definitions import revision_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mypy_boto3_cloudtrail.client import CloudTrailClient
    from mypy_boto3_cloudtrail.type_defs import EventTypeDef, LookupAttributeTypeDef

    from janitor.core.model import RevisionId
    from janitor.ports import Clock

ACTIONS = ("cloudtrail:LookupEvents",)

EVENT_NAMES = ("DeleteTaskDefinitions", "DeregisterTaskDefinition")

MOST_PAGES = 40
"""Pages of 50 events read at most for each event name: 20 seconds."""

SECONDS_APART = 0.5
"""Two calls a second are permitted."""

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailEvent:
    """One call that named a revision we asked about. ``who`` is the caller's ARN, or the AWS service it was.

    ``error`` is the code with which the whole call failed; ``refused`` are those it failed for one by one.
    """

    at: datetime
    name: str
    who: str
    role: str | None
    session: str | None
    source: str | None
    user_agent: str | None
    revisions: tuple[RevisionId, ...]
    refused: tuple[RevisionId, ...] = ()
    error: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What was found, the latest first. ``problem`` says why there may be more: not permitted, too many, no answer."""

    events: tuple[TrailEvent, ...]
    problem: str | None = None


def look_up(
    client: CloudTrailClient, family: str, number: int | None, *, clock: Clock, most_pages: int = MOST_PAGES
) -> Trail:
    """Return the calls of the last 90 days that deleted or deregistered a revision, or any of a family.

    Never raises for what CloudTrail answers or does not: the trail is an extra.
    """
    events: list[TrailEvent] = []
    problems: dict[str, None] = {}
    for name in EVENT_NAMES:
        try:
            for event in _events(client, name, clock, most_pages):
                found = _trail_event(event, name, family, number)
                if found is not None:
                    events.append(found)
        except _MoreEvents:
            problems[f"only the latest {most_pages} pages of {name} events were read"] = None
        except botocore.exceptions.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "Unknown")
            denied = f"not permitted: {ACTIONS[0]} ({code})"
            problems[denied if code in _DENIED else f"{name} events could not be read: {code}"] = None
        except (botocore.exceptions.BotoCoreError, _Malformed) as error:
            problems[f"{name} events could not be read: {error}"] = None
    events.sort(key=lambda event: event.at, reverse=True)
    return Trail(events=tuple(events), problem="; ".join(problems) or None)


class _MoreEvents(Exception):
    """There are more pages than we read."""


class _Malformed(Exception):
    """An event is not made as documented."""


def _events(client: CloudTrailClient, name: str, clock: Clock, most_pages: int) -> Iterator[EventTypeDef]:
    """Yield the events of one name, the latest first, slowly; raise ``_MoreEvents`` after so many pages."""
    attributes: list[LookupAttributeTypeDef] = [{"AttributeKey": "EventName", "AttributeValue": name}]
    token: str | None = None
    for _ in range(most_pages):
        page = (
            client.lookup_events(LookupAttributes=attributes, NextToken=token)
            if token
            else client.lookup_events(LookupAttributes=attributes)
        )
        clock.sleep(SECONDS_APART)
        yield from page.get("Events", [])
        token = page.get("NextToken")
        if not token:
            return
    raise _MoreEvents


def _trail_event(event: EventTypeDef, name: str, family: str, number: int | None) -> TrailEvent | None:
    """Return an event in our words, None if it names no revision that was asked for."""
    try:
        said = json.loads(event["CloudTrailEvent"])
        asked = said.get("requestParameters") or {}
        named = _revisions(asked.get("taskDefinitions") or [asked.get("taskDefinition")], family, number)
        if not named:
            return None
        failures = (said.get("responseElements") or {}).get("failures") or []
        identity = said.get("userIdentity") or {}
        arn = identity.get("arn")
        return TrailEvent(
            at=event["EventTime"],
            name=name,
            who=arn or identity.get("invokedBy") or identity.get("principalId") or "unknown",
            role=((identity.get("sessionContext") or {}).get("sessionIssuer") or {}).get("userName"),
            session=arn.rsplit("/", 1)[-1] if arn and ":assumed-role/" in arn else None,
            source=said.get("sourceIPAddress"),
            user_agent=said.get("userAgent"),
            revisions=named,
            refused=_revisions([failure.get("arn") for failure in failures], family, number),
            error=said.get("errorCode"),
            request_id=said.get("requestID"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _Malformed(f"an event is not made as expected ({type(error).__name__})") from error


def _revisions(references: list[Any], family: str, number: int | None) -> tuple[RevisionId, ...]:
    """Return those of the revisions named, by ARN or by name, that were asked for."""
    named = (revision_in(reference) for reference in references if reference)
    return tuple(each for each in named if each and each.family == family and number in (None, each.number))

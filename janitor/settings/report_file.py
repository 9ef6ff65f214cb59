"""A report's file: JSON that the janitor printed, answered or stored, as far as two of them are compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from janitor.core.boundary import Estimate
from janitor.core.difference import FamilySide, Side, guess
from janitor.core.model import OF_DELETIONS
from janitor.core.report import SCHEMA_VERSION, Ending
from janitor.errors import BadInput
from janitor.schemas import problems as against
from janitor.settings.plan_file import plan_in
from janitor.settings.values import moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAKE_ONE = "make one with janitor report -o report.json"

MOST_PROBLEMS = 10
"""Problems that are named of one file."""

NEEDED = frozenset(
    {
        *("schema_version", "account", "region", "sweep_id", "version", "mode", "started_at", "ending"),
        *("ending_reason", "policy", "families_not_read", "usage_not_read", "totals", "families", "family"),
        *("rule", "due", "due_low", "due_high", "due_is_exact", "kept", "kept_by_reason", *OF_DELETIONS),
    }
)
"""Fields without which nothing can be compared. Others may be missing: an older janitor wrote it."""


def report_in(content: bytes, name: str) -> Side:
    """Return the report that a file holds; ``name`` is what the file is called.

    Raises:
        BadInput: with every problem found.
    """

    def refused(*found: str) -> BadInput:
        more = [f"and {len(found) - MOST_PROBLEMS:,} more problems"] if len(found) > MOST_PROBLEMS else []
        return BadInput([f"{name}: {problem}" for problem in [*found[:MOST_PROBLEMS], *more]])

    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise refused(f"it is not JSON; {MAKE_ONE}") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if type(version) is not int:
        raise refused(f"it is not a report of janitor's; {MAKE_ONE}")
    if version > SCHEMA_VERSION:
        raise refused(f"schema_version {version} is newer than this janitor knows ({SCHEMA_VERSION}); update janitor")
    problems = list(against(document, "report", needed=NEEDED))
    if problems:
        raise refused(*problems)
    started_at = moment(document["started_at"])
    if started_at is None:
        raise refused(f"started_at: {document['started_at']!r:.60} is not a time with its zone")
    found = _side(document, name, started_at, problems)
    if problems:
        raise refused(*problems)
    return found


def _side(document: Mapping[str, Any], name: str, started_at: datetime, problems: list[str]) -> Side:
    plan = plan_in(document["plan"], problems) if "plan" in document else None
    not_read = document["families_not_read"]
    finished = document["ending"] == Ending.FINISHED  # else some of it was not looked at
    return Side(
        name=name,
        account=document["account"],
        region=document["region"],
        sweep_id=document["sweep_id"],
        version=document["version"],
        mode=document["mode"],
        started_at=started_at,
        ending=document["ending"],
        ending_reason=document["ending_reason"],
        policy=tuple(document["policy"]),
        usage_not_read=tuple(document["usage_not_read"]),
        families_not_read=tuple(not_read),
        left_out=document.get("families_left_out", 0),
        totals=_figures({**document["totals"], "rule": None}, "totals", problems, whole=finished),
        families={
            each["family"]: _figures(
                each, f"family {each['family']:.255}", problems, whole=finished and each["family"] not in not_read
            )
            for each in document["families"]
        },
        plan=plan,
    )


def _figures(family: Mapping[str, Any], where: str, problems: list[str], *, whole: bool) -> FamilySide:
    """Return the figures of a family, or of the totals; they are guesses unless it was read ``whole``."""
    exact = family["due_is_exact"] and whole
    try:
        figures = {"due": _estimate(family, "due", whole=whole)}
    except ValueError as error:
        problems.append(f"{where}: {error}")
        figures = {}
    figures["kept"] = _count(family["kept"], exact=exact)
    figures |= {kind.value: Estimate.exactly(family[kind]) for kind in OF_DELETIONS}
    if "active_orphans" in family:
        figures |= _orphans(family, where, problems, whole=whole)
    if "revision_count" in family:
        count = family["revision_count"]
        figures["revision_count"] = None if count is None else _count(count, exact=family.get("count_is_exact", False))
    kept = {reason: _count(count, exact=exact) for reason, count in family["kept_by_reason"].items() if count}
    return FamilySide(rule=family["rule"], figures=figures, kept=kept, kept_else=_count(0, exact=exact))


def _orphans(family: Mapping[str, Any], where: str, problems: list[str], *, whole: bool) -> dict[str, Estimate | None]:
    """Return the figures of ACTIVE orphans, which a report of an older janitor lacks."""
    made = family.get("deregistrations", {})
    try:
        found: dict[str, Estimate | None] = {
            "active_orphans": _estimate(family, "active_orphans", whole=whole),
            "to_deregister": _estimate(made, "due", whole=whole),
        }
    except ValueError as error:
        problems.append(f"{where}: {error}")
        return {}
    return found | {"deregistered": Estimate.exactly(made.get("deregistered", 0))}


def _estimate(fields: Mapping[str, Any], name: str, *, whole: bool) -> Estimate | None:
    """Return an estimate from its fields, None where it is not told."""
    value, low, high = (fields.get(f"{name}{end}") for end in ("", "_low", "_high"))
    if value is None or low is None or high is None:
        return None
    told = Estimate(value=value, low=low, high=high)
    return told if not told.is_exact or (whole and fields.get(f"{name}_is_exact", True)) else guess(value)


def _count(count: int, *, exact: bool) -> Estimate:
    return Estimate.exactly(count) if exact else guess(count)

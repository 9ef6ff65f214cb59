"""The words of a restore: what it would do and what nobody can bring back, then what it did. Never a content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from janitor.core.model import RESTORED_FROM
from janitor.core.pacing import Bucket, our_share
from janitor.render.words import plain, revisions, span
from janitor.restore.run import Kind

if TYPE_CHECKING:
    from janitor.restore.plan import FamilyPlan, Plan
    from janitor.restore.run import Outcome, Result

SHOWN = 20
"""Families, and outcomes of each kind, that are named; JSON names all."""

IMAGES_SHOWN = 3

CANNOT_COME_BACK = (
    "Each becomes a new revision, ACTIVE, with a number of its own: the old one is never given again.",
    "It is then the newest ACTIVE one of its family: what names the family without a number starts it.",
    f"It gets its tags again, but for those of AWS's own, and {RESTORED_FROM} with its old name.",
    "An image or a role that is gone does not come back, nor a secret's value: only what named them does.",
    "The task role and the execution role must be yours to pass: iam:PassRole.",
)

_SAID = {
    Kind.RESTORED: "Restored",
    Kind.NOT_NEEDED: "Not needed",
    Kind.REFUSED: "Refused",
    Kind.FAILED: "Failed",
    Kind.NOT_ATTEMPTED: "Not attempted",
}


def plan_story(plan: Plan) -> str:
    """Return what would be restored, where, how long it takes and what cannot come back."""
    families = list(plan.families.items())
    seconds = plan.count / our_share(Bucket.MODIFY).per_second
    lines = [
        f"To restore: {revisions(plan.count)} of {plan.target}, in account {plan.account}, {plan.region}",
        *(f"  {_family(name, family)}" for name, family in families[:SHOWN]),
    ]
    if len(families) > SHOWN:
        lines.append(f"  and {len(families) - SHOWN:,} more families")
    lines += [*CANNOT_COME_BACK, f"At a quarter of the rate that every deploy registers with: about {span(seconds)}."]
    lines.extend(f"Not readable: {plain(each)}" for each in plan.unreadable)
    return "\n".join(lines) + "\n"


def outcome_line(outcome: Outcome) -> str:
    """Return what became of one revision, with what did not come back."""
    said = f"{outcome.revision} {outcome.kind.value.replace('_', ' ')}: {plain(outcome.words)}"
    return "; ".join([said, *map(plain, outcome.notes)])


def result_story(result: Result) -> str:
    """Return what was restored and what was not, each with its reason."""
    counts = [f"{_SAID[kind]}: {revisions(result.count(kind))}" for kind in Kind if result.count(kind)]
    lines = [". ".join(counts) + "."]
    if result.count(Kind.RESTORED):
        lines.append("What was restored is ACTIVE: deregister what you do not need.")
    for kind in Kind:
        named = [outcome for outcome in result.outcomes if outcome.kind is kind]
        lines.extend(f"  {outcome_line(outcome)}" for outcome in named[:SHOWN])
        if len(named) > SHOWN:
            lines.append(f"  and {len(named) - SHOWN:,} more {kind.value.replace('_', ' ')}; --format json names them")
    lines.extend(f"Not readable: {plain(each)}" for each in result.plan.unreadable)
    if result.ended is not None:
        lines.append(f"Unfinished: {plain(result.ended).rstrip('.')}.")
    if result.stopped:
        lines.append("Stopped on request; the same command goes on with the rest.")
    return "\n".join(lines) + "\n"


def result_json(result: Result) -> str:
    """Return the same for programs, with every outcome."""
    value: dict[str, Any] = {
        "target": str(result.plan.target),
        "account": result.plan.account,
        "region": result.plan.region,
        "planned": result.plan.count,
        "counts": {kind.value: result.count(kind) for kind in Kind},
        "outcomes": [
            {
                "revision": str(each.revision),
                "outcome": each.kind.value,
                "became": None if each.became is None else str(each.became),
                "words": each.words,
                "notes": list(each.notes),
                "request_id": each.request_id,
            }
            for each in result.outcomes
        ],
        "not_readable": list(result.plan.unreadable),
        "ended": result.ended,
        "stopped": result.stopped,
        "exit_causes": [cause.value for cause in result.causes],
    }
    return json.dumps(value, indent=2) + "\n"


def _family(name: str, family: FamilyPlan) -> str:
    numbers = list(family.numbers)
    which = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    images = [f"{plain(image)} ({count:,})" for image, count in family.images.most_common(IMAGES_SHOWN)]
    if len(family.images) > IMAGES_SHOWN:
        images.append(f"{len(family.images) - IMAGES_SHOWN:,} more")
    return f"{plain(name)}: {revisions(len(numbers))} ({which}); images: {', '.join(images) or 'none'}"

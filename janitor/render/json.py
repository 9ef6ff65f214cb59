"""The report as JSON: one schema, with a version, for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from janitor.core.ages import DAY
from janitor.core.model import LIMIT, OF_DELETIONS, OF_DEREGISTRATIONS, OutcomeKind
from janitor.core.plan import plan_fields
from janitor.core.report import SCHEMA_VERSION, Ending

if TYPE_CHECKING:
    from janitor.core.ages import RuleAges, Week
    from janitor.core.boundary import Estimate
    from janitor.core.model import Verdict
    from janitor.core.registrants import Registrants
    from janitor.core.report import Deregistrations, FamilyReport, Report
    from janitor.sweep.explain import Explanation


def report_json(report: Report) -> str:
    """Return the report as an indented JSON document, with the plan that an exact one makes."""
    fields = report_fields(report)
    return _document(fields if report.plan is None else {**fields, "plan": plan_fields(report.plan)})


def report_fields(report: Report) -> dict[str, Any]:
    """Return the report as plain values: what ``--format json`` prints, but for the plan: the size is bounded."""
    return {
        "schema_version": SCHEMA_VERSION,
        "account": report.account,
        "region": report.region,
        "sweep_id": report.sweep_id,
        "version": report.version,
        "mode": report.mode.value,
        "started_at": report.started_at.isoformat(),
        "finished_at": report.finished_at.isoformat(),
        "finished": report.ending is Ending.FINISHED,
        "ending": report.ending.value,
        "ending_reason": report.ending_words,
        "exit_causes": [cause.value for cause in report.causes],
        "policy": list(report.policy),
        "applied_plan": None
        if report.applied_plan is None
        else {"sweep_id": report.applied_plan.sweep_id, "made_at": report.applied_plan.made_at.isoformat()},
        "limit": LIMIT,
        "max_deregistrations": report.max_deregistrations,
        "lookup_table": None if report.tended is None else asdict(report.tended),
        "totals": {
            "families": len(report.families),
            "judged": report.judged,
            **_due(report.due),
            "due_is_exact": report.is_exact,
            "planned": report.planned,
            "not_found": report.not_found,
            **{kind.value: report.outcome(kind) for kind in OF_DELETIONS},
            "kept": sum(report.kept.values()),
            "kept_by_reason": {reason.value: count for reason, count in report.kept.items()},
            "deletion_seconds": report.deletion_seconds,
            **_orphans(report.active_orphans, report.deregistrations),
        },
        "families": [_family(family) for family in report.families],
        "families_not_read": list(report.families_not_read),
        "refused": _troubles(report, OutcomeKind.REFUSED),
        "failed": _troubles(report, OutcomeKind.FAILED),
        "usage_not_read": list(report.unreadable_usage),
        "warnings": list(report.warnings),
        "ages": [_ages(ages) for ages in report.ages],
        "coming_due": [_week(week) for week in report.coming_due],
        "registered_by": None if report.registrants is None else _registrants(report.registrants),
        "api_calls": dict(report.api_calls),
        "throttled_calls": dict(report.throttled_calls),
    }


def explanations_json(explanations: tuple[Explanation, ...]) -> str:
    """Return explained revisions as an indented JSON document."""
    return _document([_explanation(each) for each in explanations])


def _family(family: FamilyReport) -> dict[str, Any]:
    count = family.revision_count
    unread = family.inactive is None and not family.judged
    return {
        "family": family.family,
        "rule": family.rule,
        "revision_count": None if count is None else count.value,
        "count_is_exact": count is not None and count.is_exact,
        "active": _value(family.active),
        "inactive": _value(family.inactive),
        "delete_in_progress": _value(family.delete_in_progress),
        "delete_in_progress_age": family.delete_in_progress_age,
        "delete_in_progress_age_is_exact": family.delete_in_progress_age_is_exact,
        "lingering": [
            {
                "revision": str(each.revision),
                "age": each.seconds,
                "used_by": each.used_by,
                "usage_is_known": each.usage_is_known,
            }
            for each in family.lingering
        ],
        "lowest_revision": family.lowest_revision,
        "highest_revision": family.highest_revision,
        "count_utilization": family.count_utilization,
        "number_utilization": family.number_utilization,
        "registrations_per_day": family.registrations_per_day,
        "days_to_limit": family.days_to_limit,
        "outlook": family.outlook,
        "judged": family.judged,
        **_due(family.due),
        "due_is_exact": family.due.is_exact and not unread,
        "planned": family.planned,
        "not_found": family.not_found,
        **{kind.value: family.outcome(kind) for kind in OF_DELETIONS},
        "kept": sum(family.kept.values()),
        "kept_by_reason": {reason.value: count for reason, count in family.kept.items()},
        **_orphans(family.active_orphans, family.deregistrations),
    }


def _orphans(count: Estimate | None, made: Deregistrations) -> dict[str, Any]:
    """Return how many there are, and what a rule makes of them: figures of their own, apart from those of deletion."""
    return {
        "active_orphans": _value(count),
        "active_orphans_low": None if count is None else count.low,
        "active_orphans_high": None if count is None else count.high,
        "active_orphans_is_exact": count is not None and count.is_exact,
        "deregistrations": {
            "judged": made.judged,
            **_due(made.due),
            **{kind.value: made.outcome(kind) for kind in OF_DEREGISTRATIONS},
            "kept": sum(made.kept.values()),
            "kept_by_reason": {reason.value: count for reason, count in made.kept.items()},
        },
    }


def _ages(ages: RuleAges) -> dict[str, Any]:
    return {
        "rule": ages.rule,
        "age_from": ages.age_from.value,
        "retention_days": ages.retention / DAY,
        "revisions": ages.revisions,
        "is_exact": ages.is_exact,
        "described": ages.described,
        "interpolated": ages.interpolated,
        "dates": ages.dates,
        "without_date": ages.without_date,
        "unknown": ages.unknown,
        "families_left_out": ages.left_out,
        "buckets": [
            {
                "from_days": bucket.start / DAY,
                "to_days": None if bucket.end is None else bucket.end / DAY,
                "kept": bucket.kept,
                "due": bucket.due,
                "interpolated": bucket.interpolated,
            }
            for bucket in ages.buckets
        ],
    }


def _week(week: Week) -> dict[str, Any]:
    return {
        "from": week.start.isoformat(),
        "to": week.end.isoformat(),
        "revisions": week.revisions,
        "interpolated": week.interpolated,
    }


def _registrants(registrants: Registrants) -> dict[str, Any]:
    return {
        "is_exact": registrants.is_exact,
        "described": registrants.described,
        "principals": [{"principal": name, "revisions": count} for name, count in registrants.principals.items()],
        "others": registrants.others,
        "not_given": registrants.not_given,
        "unknown": registrants.unknown,
    }


def _due(due: Estimate) -> dict[str, Any]:
    return {"due": due.value, "due_low": due.low, "due_high": due.high, "due_is_exact": due.is_exact}


def _value(count: Estimate | None) -> int | None:
    return None if count is None else count.value


def _troubles(report: Report, kind: OutcomeKind) -> list[dict[str, str]]:
    return [
        {"revision": str(outcome.revision), "reason": outcome.words}
        for outcome in report.troubles
        if outcome.kind is kind
    ]


def _explanation(explanation: Explanation) -> dict[str, Any]:
    described, revision = explanation.description, explanation.description.revision
    return {
        "revision": str(revision.id),
        "status": revision.status.value,
        "registered_at": None if revision.registered_at is None else revision.registered_at.isoformat(),
        "deregistered_at": None if revision.deregistered_at is None else revision.deregistered_at.isoformat(),
        "registered_by": described.registered_by,
        "images": dict(sorted(described.images.items())),
        "rule": None if explanation.rule is None else explanation.rule.name,
        "used_by": explanation.used_by,
        "usage_not_read": list(explanation.unreadable_usage),
        **_verdict(explanation.verdict),
        "orphan": None if explanation.orphan is None else _verdict(explanation.orphan),
    }


def _verdict(verdict: Verdict) -> dict[str, str]:
    return {"decision": verdict.decision.value, "reason": verdict.reason.value, "words": verdict.words}


def _document(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"

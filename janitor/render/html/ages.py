"""What the page says of ages and of what comes due: charts, the same figures, and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from janitor.core.ages import DAY
from janitor.core.retention import AgeFrom, duration
from janitor.render.html.charts import bars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from janitor.core.ages import Bucket, RuleAges
    from janitor.core.report import Report
    from janitor.render.html.charts import Chart

RULES_SHOWN = 3
"""Rules whose ages are drawn at once, those with the most revisions; the others are folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A chart with the same figures as rows under headings, and in words what they rest on."""

    heading: str
    chart: Chart
    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    basis: Sequence[str]
    interpolated: bool
    line: str | None = None
    folded: bool = False


def of_rules(report: Report) -> list[Drawn]:
    """Return the ages of each rule that has any, the one with the most revisions first."""
    ordered = sorted((ages for ages in report.ages if ages.aged), key=lambda ages: -ages.revisions)
    return [_drawn(ages, place) for place, ages in enumerate(ordered)]


def _drawn(ages: RuleAges, place: int) -> Drawn:
    retention = duration(ages.retention)
    verb = "deregistered" if ages.age_from is AgeFrom.DEREGISTERED_AT else "registered"
    younger = sum(each.kept + each.due for each in ages.buckets if each.start < ages.retention)
    line = next(index for index, each in enumerate(ages.buckets) if each.start >= ages.retention)
    sign = "" if ages.is_exact else "about "
    return Drawn(
        heading=f"{ages.rule}, retention {retention}",
        line=f"the retention, {retention}",
        chart=bars(
            f"ages-{place}",
            title=f"INACTIVE revisions by days since they were {verb}",
            description=(
                f"{sign}{younger:,} are younger than the retention of {retention}, where the line stands; "
                f"{sign}{ages.aged - younger:,} are older. The table below has the figures."
            ),
            labels=[_days(each.start.total_seconds() / DAY.total_seconds()) for each in ages.buckets],
            series={
                "kept": [each.kept - each.interpolated for each in ages.buckets],
                "interpolated": [each.interpolated for each in ages.buckets],
                "due": [each.due for each in ages.buckets],
            },
            line=line,
        ),
        caption=f"INACTIVE revisions by age; the retention is {retention}",
        headings=("Days since they were " + verb, "Kept", "Due"),
        rows=[
            (
                _range(each),
                f"{_sign(each.interpolated or not _is_whole(ages), each.kept)}{each.kept:,}",
                f"{_sign(not _is_whole(ages), each.due)}{each.due:,}",
            )
            for each in ages.buckets
        ],
        basis=_basis(ages),
        interpolated=bool(ages.interpolated),
        folded=place >= RULES_SHOWN,
    )


def _is_whole(ages: RuleAges) -> bool:
    """Say whether all that is not interpolated was described, instead of a sample of it."""
    return ages.described == ages.aged + ages.without_date - ages.interpolated


def _sign(is_estimate: object, count: int) -> str:
    return "~" if is_estimate and count else ""


def _range(bucket: Bucket) -> str:
    start = _days(bucket.start / DAY)
    return f"{start} or more" if bucket.end is None else f"{start} to {_days(bucket.end / DAY)}"


def _days(days: float) -> str:
    return f"{days:g}"


def _basis(ages: RuleAges) -> list[str]:
    """Say what the figures rest on."""
    lines = []
    looked_at = ages.aged + ages.without_date - ages.interpolated
    if _is_whole(ages):
        lines.append(f"Exact for the {looked_at:,} that were described, one by one.")
    else:
        lines.append(
            f"About {looked_at:,} of these ages are estimated from {ages.described:,} revisions that were described."
        )
    if ages.interpolated:
        lines.append(
            f"{ages.interpolated:,} younger ones were not described. Their age follows from the dates on which "
            f"{ages.dates:,} others were registered"
            + (
                ", as if each had been deregistered at once: they are at most that old."
                if ages.age_from is AgeFrom.DEREGISTERED_AT
                else "."
            )
        )
    if ages.without_date:
        lines.append(f"{ages.without_date:,} have no date to count from.")
    if ages.unknown:
        lines.append(f"Of {ages.unknown:,} the age is not known: they were not described.")
    if ages.left_out:
        lines.append(f"Not all was read in {ages.left_out:,} of the rule's families: what is left out is not counted.")
    return lines


def coming(report: Report) -> Drawn | None:
    """Return what reaches its retention in the weeks to come; None where nothing is known to."""
    weeks = report.coming_due
    total = sum(week.revisions for week in weeks)
    if not total:
        return None
    guessed = sum(week.interpolated for week in weeks)
    exact = all(ages.is_exact for ages in report.ages)
    basis = ["Of the INACTIVE revisions that exist now; the newest of a family, tags and users may keep some of them."]
    if guessed:
        basis.append(
            f"{guessed:,} of them were not described: they are as many as were registered early enough, so what "
            "was deregistered late comes due later."
        )
    if not exact and not guessed:
        basis.append("An estimate from a sample.")
    return Drawn(
        heading="",
        chart=bars(
            "coming",
            title="INACTIVE revisions that reach their retention, by week",
            description=f"{'' if exact else 'about '}{total:,} in {len(weeks)} weeks. The table below has the figures.",
            labels=[f"{week.start:%d %b}" for week in weeks],
            series={
                "kept": [week.revisions - week.interpolated for week in weeks],
                "interpolated": [week.interpolated for week in weeks],
            },
        ),
        caption="INACTIVE revisions that reach their retention, by week",
        headings=("Week from", "Reach their retention"),
        rows=[(f"{week.start:%Y-%m-%d}", f"{'' if exact else '~'}{week.revisions:,}") for week in weeks],
        basis=basis,
        interpolated=bool(guessed),
    )

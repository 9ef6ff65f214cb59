"""Parts of a whole, with bars: why revisions stay, and who registers them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from janitor.core.model import Mode
from janitor.render.words import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from janitor.core.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part: its words, its count as it is shown, and ``percent`` of the largest part."""

    words: str
    count: str
    percent: float


def reasons(report: Report) -> list[Share]:
    """Return the kept revisions by reason, the commonest first."""
    sign = "" if report.mode is Mode.DELETE or report.is_exact else "~"
    return _shares(((REASONS[reason], count) for reason, count in report.kept.items()), sign)


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who registers, and in words what that rests on."""

    shares: Sequence[Share]
    basis: Sequence[str]


def registrants(report: Report) -> Who | None:
    """Return who registers, those with the most revisions first; None where nothing told."""
    found = report.registrants
    if found is None or not found.told:
        return None
    parts = [(principal(name, report.account), count) for name, count in found.principals.items()]
    parts += [("other principals", found.others)] if found.others else []
    parts += [("ECS does not say who", found.not_given)] if found.not_given else []
    basis = [
        f"Exact for the {found.told:,} INACTIVE revisions that were described."
        if found.is_exact
        else f"About {found.told:,} INACTIVE revisions, estimated from {found.described:,} that were described."
    ]
    if found.unknown:
        basis.append(f"{found.unknown:,} more were not described, so nobody knows whose they are.")
    return Who(shares=_shares(parts, "" if found.is_exact else "~"), basis=basis)


def principal(arn: str, account: str | None) -> str:
    """Return a principal without what all of one account share: ``assumed-role/airflow``."""
    head, colon, resource = arn.rpartition(f":{account}:")
    return resource if colon and head.startswith("arn:") else arn


def _shares(parts: Iterable[tuple[str, int]], sign: str) -> list[Share]:
    counted = list(parts)
    largest = max((count for _, count in counted), default=0) or 1
    return [Share(words=text, count=f"{sign}{count:,}", percent=100.0 * count / largest) for text, count in counted]

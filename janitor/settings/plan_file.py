"""The plan file: the JSON of an exact report, of which a sweep takes the plan, or all that is wrong with it at once."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from janitor.core.plan import (
    PLAN_VERSION,
    Plan,
    RuleValues,  # noqa: TC001 - read at run time, from the annotations
    digest,
    numbers_in,
    rule_values,
)
from janitor.core.report import SCHEMA_VERSION
from janitor.core.retention import duration
from janitor.errors import BadInput
from janitor.settings.structure import structured
from janitor.settings.values import moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from janitor.core.numbers import NumberSet
    from janitor.settings import Settings

MAKE_ONE = "make one with janitor report --exact -o plan.json"

_LONGEST = 10**10
"""Seconds that are said as days; no policy has more."""

_FAMILY = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePolicy:
    """The policy of a plan."""

    digest: str
    rules: list[RuleValues]
    usage_off: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan:
    """The ``plan`` of a report."""

    version: int
    account: str | None
    region: str
    sweep_id: str
    made_at: str
    policy: FilePolicy
    revisions: int
    families: dict[str, str]
    digest: str


def read_plan(path: Path) -> Plan:
    """Return the plan that a report's JSON holds.

    Raises:
        BadInput: with every problem found.
    """
    problems: list[str] = []
    plan = plan_in(_member(path), problems)
    if problems or plan is None:
        raise BadInput([f"--plan {path.name}: {problem}" for problem in problems])
    return plan


def differences(plan: Plan, settings: Settings) -> list[str]:
    """Return a problem for each value in which the sweep's policy differs from the one the plan was made by."""
    problems = []
    before, after = sorted(plan.usage_off), sorted(settings.usage_off.value)
    if before != after:
        off = f"{_said('usage_off', before)} in the plan, {_said('usage_off', after)} in this sweep"
        problems.append(f"--plan: another policy: usage_off is {off}")
    for number, (planned, now) in enumerate(zip_longest(plan.rules, rule_values(settings.policy)), start=1):
        if planned is None or now is None:
            where = "the plan has no such rule" if planned is None else "this sweep has no such rule"
            problems.append(f"--plan: another policy: rule {number}: {where}")
            continue
        problems.extend(
            f"--plan: another policy: rule {number}: {name.removesuffix('_seconds')} is {_said(name, before)} "
            f"in the plan, {_said(name, after)} in this sweep"
            for name, before in asdict(planned).items()
            if before != (after := getattr(now, name))
        )
    return problems


def _member(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return the ``plan`` member of a report's JSON."""

    def refused(problem: str) -> BadInput:
        return BadInput([f"--plan {path.name}: {problem}"])

    try:
        report = json.loads(path.read_bytes())
    except OSError as error:
        raise refused(f"it cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise refused(f"it is not JSON; {MAKE_ONE}") from error
    version = report.get("schema_version") if isinstance(report, dict) else None
    if type(version) is not int:
        raise refused(f"it is not a report of janitor's; {MAKE_ONE}")
    if version > SCHEMA_VERSION:
        raise refused(f"schema_version {version} is newer than this janitor knows ({SCHEMA_VERSION}); update janitor")
    if "plan" not in report:
        swept = report.get("mode") == "delete"
        what = "a sweep's report" if swept else "a bounded report, or one in which something could not be read"
        raise refused(f"it is {what}, so it holds no plan; {MAKE_ONE}")
    return report["plan"]


def plan_in(member: Any, problems: list[str]) -> Plan | None:  # noqa: ANN401 - whatever the file holds
    """Return the plan that a report's ``plan`` member is, after adding every problem."""
    version = member.get("version") if isinstance(member, dict) else None
    if type(version) is int and version > PLAN_VERSION:
        problems.append(f"plan version {version} is newer than this janitor knows ({PLAN_VERSION}); update janitor")
        return None
    found = structured(member, FilePlan, problems)
    if found is None:
        return None
    if found.digest != digest({name: value for name, value in member.items() if name != "digest"}):
        problems.append(f"it was altered since it was made: its digest does not fit; {MAKE_ONE}")
    policy = asdict(found.policy)
    if policy.pop("digest") != digest(policy):
        problems.append("its policy was altered: the policy's digest does not fit")
    if not (_ACCOUNT.fullmatch(found.account) if found.account else found.account is None and not found.families):
        problems.append(f"account {found.account!r:.40} is not twelve digits")
    made_at = _moment(found.made_at, problems)
    numbers = _numbers(found.families, problems)
    if made_at is None:
        return None
    plan = Plan(
        account=found.account,
        region=found.region,
        sweep_id=found.sweep_id,
        made_at=made_at,
        rules=tuple(found.policy.rules),
        usage_off=tuple(found.policy.usage_off),
        numbers=numbers,
    )
    if not problems and plan.revisions != found.revisions:
        problems.append(f"it says {found.revisions:,} revisions and names {plan.revisions:,}")
    return plan


def _numbers(families: Mapping[str, str], problems: list[str]) -> dict[str, NumberSet]:
    numbers = {}
    for family, text in families.items():
        if not _FAMILY.fullmatch(family):
            problems.append(f"{family!r:.100} is not the name of a family")
        try:
            numbers[family] = numbers_in(text)
        except ValueError as error:
            problems.append(f"family {family:.255}: {error}")
    return numbers


def _moment(text: str, problems: list[str]) -> datetime | None:
    found = moment(text)
    if found is None:
        problems.append(f"made_at {text!r:.60} is not a time with its zone")
    return found


def _said(name: str, value: object) -> str:
    match value:
        case None:
            return "not set"
        case int() if name == "retention_seconds" and abs(value) < _LONGEST:
            return duration(timedelta(seconds=value))
        case list():
            return ", ".join(map(str, value)) or "empty"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)

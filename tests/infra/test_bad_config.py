"""Wrong config: one error that names every key, before anything is registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from infra.settings import LOG_RETENTION
from tests.infra.program import PaperCloud, deploy
from tests.infra.stacks import STACKS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class CountingCloud(PaperCloud):
    """Counts what is registered."""

    def __init__(self) -> None:
        super().__init__("eu-west-1")
        self.created = 0

    def create(self, kind: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return a resource's id and outputs."""
        self.created += 1
        return super().create(kind, name, inputs)


def _refused(*, stack: str = "prod", **changes: Any) -> list[str]:  # noqa: ANN401 - config values
    """Return the lines of the error with which the program stops; nothing has been registered by then."""
    cloud = CountingCloud()
    with pytest.raises(pulumi.RunError) as stopped:
        deploy(stack, {**STACKS["prod"], **changes}, cloud)
    assert not cloud.created
    first, *problems = str(stopped.value).splitlines()
    assert first == f"the config of stack {stack} is refused:"
    return problems


BAD: Mapping[str, tuple[Any, str]] = {
    "region": ("europe", "'europe' is not a Region"),
    "allowedAccountIds": (["12345"], "'12345': not an account's id of 12 digits"),
    "mode": ("purge", "'purge' is neither report nor delete"),
    "retentionDays": (0, "0 is too small: at least 1"),
    "keepNewest": (-2, "-2 is too small: at least 0"),
    "includeFamilies": (["air flow", "a[0-9]"], "'air flow', 'a[0-9]': not a family pattern"),
    "excludeFamilies": (["web:1"], "'web:1': not a family pattern"),
    "policyFile": ("missing.toml", "it cannot be read: No such file"),
    "maxDeletions": ("many", "'many' is not a whole number"),
    "abortAbove": (1.5, "'1.5' is not a whole number"),
    "usageOff": (["ecs"], "'ecs': none of rules, schedules, state_machines"),
    "archive": ("1", "'1' is neither true nor false"),
    "archiveRetentionDays": (0, "0 is too small: at least 1"),
    "scheduleExpression": ("every night", "'every night' is neither rate(1 day) nor cron() of six fields"),
    "timeZone": ("Europe/Atlantis", "'Europe/Atlantis' is not a time zone"),
    "flexibleWindowMinutes": (1_441, "1441 is too large: at most 1,440"),
    "alarmEmails": (["on-call"], "'on-call': not an e-mail address"),
    "warningPercent": (95, "95 is not below criticalPercent (95)"),
    "criticalPercent": (100, "100 is too large: at most 99"),
    "registrationsPerDay": (0, "0 is too small: at least 1"),
    "heartbeatHours": (169, "169 is too large: at most 168"),
    "logRetentionDays": (100, "100 is none of 1, 3, 5"),
    "recordRetentionDays": (0, "0 is too small: at least 1"),
    "deleteStore": ("yes", "'yes' is neither true nor false"),
    "lookupTable": ("1", "'1' is neither true nor false"),
    "metricFamilies": (101, "101 is too large: at most 100"),
    "reservedConcurrency": (0, "0 is too small: at least 1"),
    "memoryMegabytes": (64, "64 is too small: at least 128"),
    "widget": (1, "'1' is neither true nor false"),
    "testEvent": ("on", "'on' is neither true nor false"),
    "runbook": ("", "'' is not an address"),
}


def test_there_is_a_wrong_value_for_every_key() -> None:
    """No key may be forgotten here."""
    assert set(BAD) == set(STACKS["everything"])


@pytest.mark.parametrize("key", BAD)
def test_a_wrong_value_is_refused_by_its_key(key: str) -> None:
    """And nothing else is complained about."""
    value, says = BAD[key]
    (problem,) = _refused(**{key: value})
    assert problem.startswith(key)
    assert says in problem


def test_all_that_is_wrong_is_said_at_once() -> None:
    """Nobody has to try again to hear of the next."""
    problems = _refused(**{key: value for key, (value, _) in BAD.items() if key != "warningPercent"})
    shown = {problem.partition(":")[0].partition(" ")[0] for problem in problems}
    assert len(problems) == 21  # 20 are shown, the rest is counted
    assert problems[-1] == f"... and {len(BAD) - 1 - 20} more problems"
    assert shown - {"..."} <= set(BAD)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"retentionDay": 30}, "retentionDay: there is no such key; is it retentionDays?"),
        ({"nonsense": 1}, "nonsense: there is no such key"),
        ({"other-project:mode": "delete"}, "other-project:mode: there is no such key"),
        ({"aws:region": "eu-west-1"}, "aws:region: there is no such key; the provider's Region is the key region"),
        ({"region": None}, "region: it is missing"),
        ({"retentionDays": "180d"}, "retentionDays: '180d' is not a whole number"),
        ({"alarmEmails": "on-call@example.com"}, "alarmEmails: 'on-call@example.com' is not a list"),
        ({"alarmEmails": [True]}, "alarmEmails: True: not an e-mail address"),
        ({"alarmEmails": [1]}, "alarmEmails: '1': not an e-mail address"),
        ({"alarmEmails": ["a@example.com", "a@example.com"]}, "alarmEmails: a@example.com: there twice"),
        ({"includeFamilies": ["a"], "excludeFamilies": ["a"]}, "includeFamilies a and excludeFamilies a contradict"),
        ({"warningPercent": 96}, "warningPercent: 96 is not below criticalPercent (95)"),
        ({"allowedAccountIds": []}, "allowedAccountIds: it is empty, and a stack that deletes must name its account"),
        ({"policyFile": "Pulumi.yaml"}, "policyFile"),
        ({"heartbeatHours": 24}, "heartbeatHours: 24 is not above the 24 hours between two sweeps"),
        (
            {"scheduleExpression": "rate(2 days)"},
            "heartbeatHours: 26 is not above the 48 hours between two sweeps",
        ),
        ({"scheduleExpression": "cron(0 3 * * *)"}, "scheduleExpression: 'cron(0 3 * * *)' is neither"),
        ({"scheduleExpression": "cron(0 3 ? * ? *)"}, "? must stand for the day of the month or that of the week"),
        ({"scheduleExpression": "cron(0 3 1 * MON *)"}, "? must stand for the day of the month or that of the week"),
        ({"scheduleExpression": "cron(x 3 * * ? *)"}, "'x' is not what its field can be"),
        ({"scheduleExpression": "rate(0 days)"}, "'rate(0 days)' is neither"),
        ({"scheduleExpression": "at(2026-11-01T03:00:00)"}, "is neither rate(1 day) nor cron()"),
        ({"stack": "my.stack"}, "the stack 'my.stack'"),
        ({"stack": "s" * 31}, "at most 30 letters, digits, - and _"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any], says: str) -> None:
    """Unknown keys, wrong types, what contradicts itself."""
    (problem,) = _refused(**changes)
    assert says in problem


@pytest.mark.parametrize(
    "changes",
    [
        {"scheduleExpression": "rate(1 day)", "heartbeatHours": 25},
        {"scheduleExpression": "rate(90 minutes)", "heartbeatHours": 2},
        {"scheduleExpression": "cron(15 2,14 ? * MON-FRI *)", "heartbeatHours": 72},
        {"scheduleExpression": "cron(0/30 * L JAN-JUN ? 2026-2030)"},
        {"logRetentionDays": LOG_RETENTION[-1]},
        {"warningPercent": 1, "criticalPercent": 2},
        {"keepNewest": 0, "maxDeletions": 0, "abortAbove": 0, "metricFamilies": 0},
        {"mode": "report", "allowedAccountIds": []},
        {"region": "us-gov-east-1"},
        {"allowedAccountIds": [123456789012]},
        {"pulumi:tags": {"value": {"team": "platform"}}},
    ],
)
def test_what_can_be_meant_is_deployed(changes: dict[str, Any]) -> None:
    """The bounds themselves are within."""
    assert deploy("prod", {**STACKS["prod"], **changes}).outputs


def test_a_policy_file_that_names_another_lookup_table_is_refused(tmp_path: Path) -> None:
    """Before anything is deployed, not at night; the very same is welcome."""
    file = tmp_path / "policy.toml"
    file.write_text('[[rule]]\nfamilies = ["*"]\n[lookup_table]\nname = "other"\n', encoding="utf-8")
    (problem,) = _refused(lookupTable=True, policyFile=str(file))
    assert (
        "two are named: other (policy file policy.toml) and ecs-revision-janitor-prod-lookup (lookupTable)" in problem
    )

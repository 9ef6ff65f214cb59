"""The stacks that are tested: both stack files, and one with everything switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.infra.program import deploy, stack_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.program import Cloud, Deployed

EVERYTHING: Mapping[str, Any] = {
    "region": "eu-central-1",
    "allowedAccountIds": ["123456789012", "210987654321"],
    "mode": "delete",
    "retentionDays": 30,
    "keepNewest": 0,
    "includeFamilies": ["airflow-*", "web-?"],
    "excludeFamilies": ["airflow-core"],
    "policyFile": "tests/infra/policy.toml",
    "maxDeletions": 50_000,
    "abortAbove": 500_000,
    "usageOff": ["rules", "state_machines"],
    "archive": True,
    "archiveRetentionDays": 90,
    "scheduleExpression": "rate(12 hours)",
    "timeZone": "Europe/Berlin",
    "flexibleWindowMinutes": 0,
    "alarmEmails": ["on-call@example.com", "platform@example.com"],
    "warningPercent": 70,
    "criticalPercent": 90,
    "registrationsPerDay": 10_000,
    "heartbeatHours": 168,
    "logRetentionDays": 731,
    "recordRetentionDays": 1_000,
    "deleteStore": True,
    "lookupTable": True,
    "metricFamilies": 100,
    "reservedConcurrency": 1,
    "memoryMegabytes": 1_024,
    "widget": False,
    "testEvent": True,
    "runbook": "https://wiki.example.com/janitor",
}

STACKS: Mapping[str, Mapping[str, Any]] = {
    "dev": stack_file("dev"),
    "prod": stack_file("prod"),
    "everything": EVERYTHING,
}


def stack(name: str, *, cloud: Cloud | None = None, **changes: Any) -> Deployed:  # noqa: ANN401 - config values
    """Deploy one of the stacks on paper, with some values changed; None takes a key away."""
    return deploy(name, {**STACKS[name], **changes}, cloud)

"""Night after night with a store: what a bulk deregistration costs, and how it is without one."""

from __future__ import annotations

import tempfile
from pathlib import Path

from janitor.aws.blobs import FolderBlobs
from janitor.core.model import OutcomeKind
from tests.bench.accounts import DAY, HOUR, RETENTION, Account

YOUNG = 10_000


def two_nights(bulk: int, due: int) -> dict[str, float]:
    """Sweep twice, with a bulk below what is due, if any: as much comes due each night."""
    account = Account()
    now = account.clock.now()
    if bulk:
        account.bulk(bulk)
    for night in (0, 1):
        moment = now - RETENTION + night * DAY
        account.ecs.seed_family("airflow", count=due, registered=(moment - 2 * HOUR, moment - HOUR), lifetime=HOUR / 2)
    account.young(YOUNG)
    nights: dict[str, float] = {"bulk": bulk, "due a night": due}
    with tempfile.TemporaryDirectory() as folder:
        for night in (1, 2):
            report = account.sweep(blobs=FolderBlobs(Path(folder)))
            assert report.outcome(OutcomeKind.DELETED) == due, report.ending_words
            nights |= {
                f"list calls {night}": report.api_calls["ListTaskDefinitions"],
                f"describe calls {night}": report.api_calls["DescribeTaskDefinition"],
                f"calls {night}": sum(report.api_calls.values()),
                f"hours {night}": round(report.seconds / 3600, 2),
            }
            account.clock.set(now + DAY)
    return nights

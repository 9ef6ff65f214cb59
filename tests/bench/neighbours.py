"""Others who use the same account while a sweep runs: what they are refused, and what we are."""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions
from botocore.config import Config

from janitor.core.model import OutcomeKind
from janitor.core.pacing import PUBLISHED, Bucket
from janitor.local.attach import attach
from tests.bench.accounts import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

READ, MODIFY, DELETE = (PUBLISHED[bucket].per_second for bucket in (Bucket.READ, Bucket.MODIFY, Bucket.DELETE))


class Neighbours:
    """Clients that call at a mean rate, at random moments, and never retry."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._over = False
        self.calls: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def start(self, rates: Mapping[str, float]) -> None:
        """Call each operation so many times a second, until ``stop``."""
        callers = [
            (operation, per_second / math.ceil(per_second))
            for operation, per_second in rates.items()
            for _ in range(math.ceil(per_second))
        ]
        workers = self._account.clock.executor(len(callers))
        for seed, (operation, per_second) in enumerate(callers):
            workers.submit(self._keep_calling, operation, per_second, random.Random(seed))  # noqa: S311 - a load

    def stop(self) -> None:
        """Let every one of them make no further call."""
        self._over = True

    def _keep_calling(self, operation: str, per_second: float, dice: random.Random) -> None:
        client = boto3.client(
            "ecs",
            region_name=self._account.ecs.names.region,
            aws_access_key_id="neighbour",
            aws_secret_access_key="neighbour",
            config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        )
        attach(client, self._account.ecs)
        call = _CALLS[operation]
        clock = self._account.clock
        due = clock.monotonic()
        while not self._over:
            due += dice.expovariate(per_second)  # whatever the answers take
            clock.sleep(max(0.0, due - clock.monotonic()))
            self.calls[operation] += 1
            try:
                call(client)
            except botocore.exceptions.ClientError as error:
                self.refused[operation] += error.response["Error"]["Code"] == "ThrottlingException"


_CALLS: dict[str, Callable[[Any], object]] = {
    "describe": lambda ecs: ecs.describe_task_definition(taskDefinition="web:1"),
    "list": lambda ecs: ecs.list_task_definitions(familyPrefix="web"),
    "register": lambda ecs: ecs.register_task_definition(
        family="web", containerDefinitions=[{"name": "main", "image": "web", "memory": 128}]
    ),
    "delete": lambda ecs: ecs.delete_task_definitions(taskDefinitions=["web:1"]),
}


def deploys(janitor: int) -> dict[str, float]:
    """Count what deploys at 30 % of the read and the modify bucket are refused, with a sweep beside them or without."""
    return _beside(
        {"describe": 0.25 * READ, "list": 0.05 * READ, "register": 0.3 * MODIFY}, due=2_000 if janitor else 0
    )


def contended(due: int) -> dict[str, float]:
    """Sweep while others take 80 % of the read, the modify and the delete bucket."""
    rates = {"describe": 0.7 * READ, "list": 0.1 * READ, "register": 0.8 * MODIFY, "delete": 0.8 * DELETE}
    return _beside(rates, due=due)


def _beside(rates: Mapping[str, float], *, due: int) -> dict[str, float]:
    account = Account()
    account.ecs.seed_family("web", count=3)
    if due:
        account.due(due)
    neighbours = Neighbours(account)
    neighbours.start(rates)
    if due:
        report = account.sweep()
        own, refused = sum(report.api_calls.values()), sum(report.throttled_calls.values())
        deleted, seconds = report.outcome(OutcomeKind.DELETED), report.seconds
    else:
        account.clock.sleep(200)
        own, refused, deleted, seconds = 0, 0, 0, 200.0
    neighbours.stop()
    return {
        "due": due,
        "deleted": deleted,
        "seconds": round(seconds),
        "own calls": own,
        "own refused": refused,
        "neighbour calls": neighbours.calls.total(),
        "neighbour refused": neighbours.refused.total(),
    }

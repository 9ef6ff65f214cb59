"""ACTIVE orphans: what counting them costs a healthy account, and what deregistering them costs the nights after.

uv run python -m tests.bench.orphans
"""

from __future__ import annotations

from janitor.core.model import Mode
from janitor.local.families import Status
from janitor.sweep.events import Limits
from tests.bench.accounts import DAY, Account
from tests.bench.processes import alone, show
from tests.builders import policy, rule, sweep
from tests.fakes import FakeClock, FakeDueCaches, FakeTaskDefinitions
from tests.unit.sweep.test_deregister import ASKED, active


def healthy(families: int, active: int) -> dict[str, float]:
    """Count the calls of an exact report on families with so many ACTIVE revisions each, and one service."""
    account = Account()
    now = account.clock.now()
    for number in range(families):
        name = f"family-{number:03}"
        account.ecs.seed_family(name, count=5, registered=(now - 90 * DAY, now - 80 * DAY))
        account.ecs.seed_family(
            name, count=active, status=Status.ACTIVE, registered=(now - 40 * DAY, now - 20 * DAY), lifetime=None
        )
        account.ecs.seed_service("prod", name, task_definition=f"{name}:{5 + active}")
    report = account.runner().sweep(Mode.DELETE, Limits(), lambda _: None, count_all=False)
    calls = report.api_calls
    task_definitions = sum(count for name, count in calls.items() if "TaskDefinition" in name)
    orphans = report.active_orphans
    return {
        "families": families,
        "ACTIVE each": active,
        "orphans": -1 if orphans is None else orphans.value,
        "lists": calls["ListTaskDefinitions"],
        "describes": calls["DescribeTaskDefinition"],
        "to read usage": sum(calls.values()) - task_definitions,
    }


def nights(orphans: int, dose: int, gap: int = 20) -> list[dict[str, int]]:
    """Deregister so many a night until none is left, and sweep on; one number in ``gap`` is an orphan, the rest gone.

    On the fake, whose cursor is hostile: what is counted are calls.
    """
    world = FakeTaskDefinitions(
        [active(gap * number, registered=400 - 300 * number / orphans) for number in range(1, orphans + 2)],
        hostile=True,
    )
    rules = policy(rule(orphans=ASKED, retention=180 * DAY))
    caches, clock = FakeDueCaches(), FakeClock()
    rows = []
    for night in range(1, -(-orphans // dose) + 4):
        world.calls.clear()
        world.now = clock.now()
        sweep(world, rules, caches=caches, clock=clock, limits=Limits(max_deregistrations=dose))
        gone = world.calls["deregister"]
        rows.append({
            "night": night,
            "deregistered": gone,
            "describes": world.calls["describe"],
            "but for three a deregistration": world.calls["describe"] - 3 * gone,
            "lists but for one a deregistration": world.calls["list"] - gone,
        })  # fmt: skip
        clock.elapsed += DAY.total_seconds()
    return rows


def main() -> None:
    """Print both tables."""
    show(
        "300 families, each with a service on its newest: a sweep's calls", [alone(healthy, 300, n) for n in (1, 2, 5)]
    )
    show("20,000 orphans, 2,500 a night", nights(20_000, 2_500))


if __name__ == "__main__":
    main()

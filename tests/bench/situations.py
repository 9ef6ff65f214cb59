"""Generated situations, each judged twice: by a sweep, and by the oracle that was written from the promises.

    uv run python -m tests.bench.situations --count 1000000

A situation is **one revision in its context**: its status, dates and tags, its place among the newest of its family,
who uses it, the rule for its family, and what ECS answers when it is submitted. Accounts of a few families are drawn,
and swept by the real program: who uses what is read through boto3 from an embedded ECS with services, deployments, task
sets, past deployments and tasks, with rules, schedules and state machines. The task definitions themselves are a fake
that refuses in every way, and whose cursor skips and repeats. What was named in a delete call is compared with
``tests/oracle.py``. Ends with 1 if once they disagree.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.table import Table

from janitor.aws.client import Api
from janitor.aws.usage import AwsUsage
from janitor.core.model import OF_DELETIONS, FamilyUsage, Revision, RevisionId, Status
from janitor.core.report import Ending
from janitor.errors import CallFailed
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from tests.builders import DAY, KEEP_TAG, Account, client_maker, policy, random_rule, sweep
from tests.fakes import START, InlineWorkers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from janitor.local.replies import Json, Reply
    from janitor.ports import Clock
    from tests.fakes import FakeTaskDefinitions

SIZES = (1, 2, 3, 5, 8, 13, 30, 60, 90)
HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
RETENTIONS = (1, 30, 90, 180, 400)  # those that rules are drawn with


@dataclass
class Tally:
    """What some accounts came to."""

    situations: int = 0
    accounts: int = 0
    submitted: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def __iadd__(self, other: Self) -> Self:
        self.situations += other.situations
        self.accounts += other.accounts
        self.submitted += other.submitted
        self.outcomes += other.outcomes
        self.kept += other.kept
        self.disagreements += other.disagreements
        return self


class Users:
    """Reads who uses what through real clients, made once, whichever embedded ECS is in place."""

    def __init__(self) -> None:
        self.clock: Clock = VirtualClock(START)
        self.ecs = EmbeddedEcs(clock=self.clock)
        self._client_of = cache(client_maker(self))  # type: ignore[arg-type] # as much of an ECS as is asked

    def handle(self, operation: str, params: Json) -> Reply:
        """Pass a call on."""
        return self.ecs.handle(operation, params)

    def usage(self, ecs: EmbeddedEcs) -> AwsUsage:
        """Return what reads an account's users, from the beginning."""
        self.ecs = ecs
        api = Api(self._client_of("ecs"), clock=self.clock)
        return AwsUsage(api, workers=InlineWorkers(), client_of=self._client_of)


def account(seed: int, clock: Clock) -> tuple[Account, EmbeddedEcs]:
    """Draw an account, and an embedded ECS with its users; the same seed draws the same."""
    rng = random.Random(seed)  # noqa: S311 - test data
    names = [f"family-{index}" for index in range(rng.randint(1, 6))]
    families = {name: list(_family(name, rng.choice(SIZES), rng)) for name in names}
    ecs = EmbeddedEcs(clock=clock, behaviour=Behaviour(throttling=False))
    used = {name: dict(_users(ecs, family, rng)) for name, family in families.items()}
    unreadable: tuple[str, ...] = ()
    if rng.random() < 0.06 and ecs.handle("ListClusters", {}).body["clusterArns"]:
        denied = rng.choice(("ListTasks", "ListServices", "ListEventBuses", "ListSchedules", "ListStateMachines"))
        ecs.faults.add(Fault(operation=denied, code="AccessDeniedException"))
        unreadable = ("denied",)
    rules = [random_rule(name, rng.choice((0, 0, 1, 2, 2, 5)), rng) for name in names if rng.random() > 0.04]
    excluded = tuple(name for name in names if rng.random() < 0.04)
    drawn = Account(
        revisions=tuple(chain.from_iterable(families.values())),
        policy=policy(*rules, exclude=excluded),
        usage={name: FamilyUsage(reasons=used[name], unreadable=unreadable) for name in names},
    )
    return drawn, ecs


def _family(name: str, size: int, rng: random.Random) -> Iterator[Revision]:
    """Draw a family: registration rises with the number, everything else is as odd as it may be."""
    ages = sorted((_age(rng) for _ in range(size)), reverse=True)
    number = 0
    for age in ages:
        number += rng.choice((1, 1, 1, 2, 7))
        registered = START - age
        status = rng.choices(tuple(Status), (2, 14, 1))[0]
        deregistered = None if status is Status.ACTIVE else _deregistered(registered, rng)
        contradictory = deregistered is not None and deregistered < registered  # to see, not to guess
        yield Revision(
            id=RevisionId(name, number),
            status=status,
            registered_at=None if rng.random() < 0.06 and not contradictory else registered,
            deregistered_at=deregistered,
            tags=dict.fromkeys(rng.choice(((), (), (), (), (), (), (KEEP_TAG,), ("team",))), ""),
        )


def _age(rng: random.Random) -> timedelta:
    """Draw an age: often to the microsecond where a rule changes its mind, seldom before its own time."""
    edge = rng.choice(RETENTIONS) * DAY
    return rng.choice(
        (
            rng.uniform(0, 500) * DAY,
            rng.uniform(0, 500) * DAY,
            edge,
            edge + INSTANT,
            edge - INSTANT,
            edge + rng.uniform(0, 2) * DAY,
            timedelta(0),
            -rng.uniform(0, 5) * DAY,
        )
    )


def _deregistered(registered: Any, rng: random.Random) -> Any:  # noqa: ANN401 - moments or none
    """Draw when a revision was deregistered: missing, at once, late, contradictory, on an edge, or yet to come."""
    edge = rng.choice(RETENTIONS) * DAY
    drawn = rng.choice(
        (
            None,
            registered,
            registered + rng.uniform(0, 1) * DAY,
            registered + rng.uniform(0, 1) * DAY,
            registered + rng.uniform(0, 1) * DAY,
            registered + rng.uniform(0, 400) * DAY,
            registered - rng.uniform(0, 30) * DAY,
            START - edge,
            START - edge - INSTANT,
            START - edge + INSTANT,
            START - HOUR,
            START - HOUR + INSTANT,
            START - rng.uniform(0, 2) * HOUR,
            START + rng.uniform(0, 5) * DAY,
        )
    )
    if drawn is not None and drawn < registered and rng.random() < 0.7:
        drawn = registered  # contradictions are rare enough not to hide the rest
    return drawn


def _users(ecs: EmbeddedEcs, family: Sequence[Revision], rng: random.Random) -> Iterator[tuple[int, str]]:
    """Let some revisions of a family be used, by any kind of user; yield their numbers."""
    for count, each in enumerate(rng.sample(family, min(len(family), rng.choice((0, 1, 3, 8))))):
        user = rng.choice(USERS)
        user(ecs, f"{each.id.family}-{count}", str(each.id), rng)
        if user is not _stopped_task:
            yield each.id.number, user.__name__


def _service(ecs: EmbeddedEcs, name: str, reference: str, rng: random.Random) -> None:
    cluster, other = rng.choice(("prod", "batch")), f"{reference.partition(':')[0]}:999999"
    match rng.randrange(4):
        case 0:
            ecs.seed_service(cluster, name, task_definition=reference)
        case 1:
            ecs.seed_service(cluster, name, task_definition=other, deployments=[reference])
        case 2:
            ecs.seed_service(cluster, name, task_definition=other, previous_revisions=[reference])
        case _:
            ecs.seed_service(cluster, name, task_sets=[reference], controller="EXTERNAL")


def _task(ecs: EmbeddedEcs, _: str, reference: str, rng: random.Random) -> None:
    status = rng.choice(("PROVISIONING", "PENDING", "RUNNING", "STOPPING", "DEPROVISIONING"))
    desired = "STOPPED" if status in {"STOPPING", "DEPROVISIONING"} else "RUNNING"
    ecs.seed_task(rng.choice(("prod", "batch")), reference, last_status=status, desired_status=desired)


def _stopped_task(ecs: EmbeddedEcs, _: str, reference: str, rng: random.Random) -> None:
    ecs.seed_task(rng.choice(("prod", "batch")), reference, last_status="STOPPED", desired_status="STOPPED")


def _rule(ecs: EmbeddedEcs, name: str, reference: str, _: random.Random) -> None:
    ecs.event_bridge.add(name, reference)


def _schedule(ecs: EmbeddedEcs, name: str, reference: str, _: random.Random) -> None:
    ecs.scheduler.add(name, reference)


def _state_machine(ecs: EmbeddedEcs, name: str, reference: str, _: random.Random) -> None:
    ecs.step_functions.add(name, reference)


USERS = (_service, _service, _service, _service, _task, _task, _stopped_task, _rule, _schedule, _state_machine)


MOST_NEWEST = 5  # of the rules that are drawn


def lie(world: FakeTaskDefinitions, drawn: Account, rng: random.Random) -> None:
    """List some that are ACTIVE or leaving among the INACTIVE ones: a listing may lag behind.

    Not among the newest: whoever is listed there takes the place of one that stays (README, "What could not be tried").
    """
    for name in drawn.families:
        inactive = [each.id.number for each in drawn.of(name) if each.status is Status.INACTIVE]
        below = inactive[-MOST_NEWEST] if len(inactive) > MOST_NEWEST else 0
        for each in drawn.of(name):
            if each.status is not Status.INACTIVE and each.id.number < below and rng.random() < 0.3:
                world._stale[name].add(each.id.number)


def spoil(world: FakeTaskDefinitions, drawn: Account, rng: random.Random) -> None:
    """Let ECS refuse, deny, forget and misreport some."""
    everything = [each.id for each in drawn.revisions]

    def some(part: float) -> set[RevisionId]:
        return {each for each in everything if rng.random() < part}

    world.refused = dict.fromkeys(some(0.05), "no")
    world.unanswered = some(0.03)
    world.misreported = {each: rng.choice(("", "DELETE_IN_PROGRESS")) for each in some(0.05)}
    world.denied = some(rng.choice((0.0, 0.0, 0.05)))
    world.spoilt = some(rng.choice((0.0, 0.0, 0.03)))
    if rng.random() < 0.2:
        world.delete_faults.extend([CallFailed("DeleteTaskDefinitions", "ServerException", "no"), None])


@cache
def users_of_this_process() -> Users:
    """Return what reads users: one client is enough."""
    return Users()


def judged(seeds: Iterable[int]) -> Tally:
    """Sweep the accounts of some seeds, and compare."""
    users = users_of_this_process()
    tally = Tally()
    for seed in seeds:
        _judge(seed, users, tally)
    return tally


def _judge(seed: int, users: Users, tally: Tally) -> None:
    rng = random.Random(~seed)  # noqa: S311 - test data
    drawn, ecs = account(seed, users.clock)
    world = drawn.world(hostile=rng.random() < 0.5, page_size=rng.choice((1, 3, 10, 100)))
    lie(world, drawn, rng)
    if rng.random() < 0.5:
        spoil(world, drawn, rng)
    ran = sweep(
        world,
        drawn.policy,
        usage=users.usage(ecs),
        lazy=rng.random() < 0.5,
        count_all=rng.random() < 0.3,
    )
    due, submitted = drawn.due(), set(chain.from_iterable(world.batches))
    tally.accounts += 1
    tally.situations += len(drawn.revisions)
    tally.submitted += len(submitted)
    for kind in OF_DELETIONS:
        tally.outcomes[kind.value] += ran.report.outcome(kind)
    for reason, count in ran.report.kept.items():
        tally.kept[reason.value] += count
    tally.disagreements += [f"seed {seed}: {each} was submitted" for each in sorted(submitted - due)]
    if ran.report.ending is Ending.FINISHED:
        tally.disagreements += [f"seed {seed}: {each} was not submitted" for each in sorted(due - submitted)]
    for family in ran.report.families:
        if family.judged != sum(family.kept.values()) + sum(family.outcomes.values()):
            tally.disagreements.append(f"seed {seed}: the counts of {family.family} do not add up")


SHARE = 25
"""Accounts judged at a time by one process."""


def _share(first: int) -> Tally:
    return judged(range(first, first + SHARE))


def main() -> int:
    """Judge as many situations as asked for, on every core, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000, help="situations, at least [default: 1,000,000]")
    parser.add_argument("--seed", type=int, default=0, help="the first account's [default: 0]")
    options = parser.parse_args()
    started = time.perf_counter()
    whole = Tally()
    with multiprocessing.Pool() as pool:
        for tally in pool.imap_unordered(_share, _seeds(options)):
            whole += tally
            if whole.situations >= options.count:
                pool.terminate()
                break
    _print(whole, time.perf_counter() - started)
    return 1 if whole.disagreements else 0


def _seeds(options: argparse.Namespace) -> range:
    """Return the first seed of each share; an account has more than ten situations in the mean."""
    return range(options.seed, options.seed + max(SHARE, options.count // 10), SHARE)


def _print(tally: Tally, seconds: float) -> None:
    table = Table(title="Situations: revisions in their context, each judged by a sweep and by the oracle")
    table.add_column("")
    table.add_column("count", justify="right")
    rest = tally.situations - tally.submitted - sum(tally.kept.values())
    rows = {
        "situations": tally.situations,
        "accounts": tally.accounts,
        "submitted": tally.submitted,
        **{f"  {kind}": count for kind, count in sorted(tally.outcomes.items())},
        **{f"kept: {reason}": count for reason, count in tally.kept.most_common()},
        "never candidates: ACTIVE, leaving, beyond the boundary, not looked at": rest,
        "disagreements": len(tally.disagreements),
        "seconds": round(seconds),
    }
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    console = Console(width=100)
    console.print(table)
    for each in tally.disagreements[:20]:
        console.print(each, markup=False)


if __name__ == "__main__":
    sys.exit(main())

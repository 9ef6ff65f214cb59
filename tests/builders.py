"""Accounts, rules and runs in a line each: what the tests of the sweep and of its adapters are told with."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.loaders import Loader

from janitor.aws.client import config
from janitor.aws.pace import ReadBudget
from janitor.core.hop import Position
from janitor.core.model import FamilyUsage, Mode, Revision, RevisionId, Status
from janitor.core.retention import AgeFrom, Policy, Rule, Sourced
from janitor.local.attach import attach
from janitor.local.families import Status as LocalStatus
from janitor.runner import Runner
from janitor.settings import Flags, load
from janitor.sweep.events import Judged, Limits, Settled, Submitting
from janitor.sweep.run import Sweep
from janitor.sweep.survey import Survey
from janitor.sweep.tally import Context, Tally
from janitor.wiring import VERSION, Place, clients
from tests.fakes import START, FakeClock, FakeTaskDefinitions, FakeUsage, InlineWorkers
from tests.oracle import to_delete

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from botocore.config import Config
    from mypy_boto3_ecs.client import ECSClient

    from janitor.core.model import Outcome
    from janitor.core.orphans import OrphanRule
    from janitor.core.plan import Plan
    from janitor.core.report import Report
    from janitor.local.clock import VirtualClock
    from janitor.local.ecs import EmbeddedEcs
    from janitor.ports import DueCaches, Recorder, Submissions, Upkeep, Usage
    from janitor.settings import Settings
    from janitor.sweep.events import Event

DAY = timedelta(days=1)
KEEP_TAG = "janitor:keep"


def rule(
    *families: str,
    retention: timedelta = 30 * DAY,
    keep_newest: int = 0,
    age_from: AgeFrom = AgeFrom.DEREGISTERED_AT,
    keep_tags: tuple[str, ...] = (KEEP_TAG,),
    keep: bool = False,
    orphans: OrphanRule | None = None,
) -> Rule:
    """Build a rule; without families it matches all."""
    return Rule(
        name=f"rule for {', '.join(families) or '*'}",
        families=Sourced(families or ("*",), "test"),
        retention=Sourced(retention, "test"),
        keep_newest=Sourced(keep_newest, "test"),
        age_from=Sourced(age_from, "test"),
        keep_tags=Sourced(keep_tags, "test"),
        keep=keep,
        orphans=None if orphans is None else Sourced(orphans, "test"),
    )


def policy(*rules: Rule, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> Policy:
    """Build a policy."""
    return Policy(rules=rules, include=Sourced(include, "test"), exclude=Sourced(exclude, "test"))


def revision(
    number: int,
    family: str = "etl",
    *,
    status: Status = Status.INACTIVE,
    registered: float | None = 400,
    deregistered: float | None = 300,
    tags: Sequence[str] = (),
    registered_by: str | None = None,
    now: datetime = START,
) -> Revision:
    """Build a revision from how many days ago it was registered and deregistered; by default it is long due."""
    return Revision(
        id=RevisionId(family, number),
        status=status,
        registered_at=None if registered is None else now - registered * DAY,
        deregistered_at=None if deregistered is None or status is Status.ACTIVE else now - deregistered * DAY,
        registered_by=registered_by,
        tags=dict.fromkeys(tags, "true"),
    )


def due_family(count: int, family: str = "etl", *, first: int = 1) -> list[Revision]:
    """Build a family in which everything is long due."""
    return [revision(first + index, family) for index in range(count)]


def young_family(count: int, family: str = "etl", *, first: int = 1) -> list[Revision]:
    """Build a family in which nothing is due, registered lately."""
    return [
        revision(first + index, family, registered=20 - index / count, deregistered=5 - index / count)
        for index in range(count)
    ]


def ids(*numbers: int, family: str = "etl") -> set[RevisionId]:
    """Name revisions of one family."""
    return {RevisionId(family, number) for number in numbers}


# Accounts drawn at random


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What exists, who uses it and the policy for it."""

    revisions: tuple[Revision, ...]
    policy: Policy
    usage: Mapping[str, FamilyUsage] = field(default_factory=dict)
    now: datetime = START

    @property
    def families(self) -> list[str]:
        """The names of the families, in order."""
        return sorted({each.id.family for each in self.revisions})

    def of(self, family: str) -> list[Revision]:
        """Return a family's revisions."""
        return [each for each in self.revisions if each.id.family == family]

    def inactive(self, family: str) -> int:
        """Count a family's INACTIVE revisions."""
        return sum(1 for each in self.of(family) if each.status is Status.INACTIVE)

    def due(self, undescribed: Collection[RevisionId] = ()) -> set[RevisionId]:
        """Return what the oracle condemns."""
        return {
            RevisionId(family, number)
            for family in self.families
            if self.policy.selects(family)
            for number in to_delete(
                self.of(family),
                self.policy.rule_for(family),
                usage=self.usage.get(family, FamilyUsage()),
                now=self.now,
                undescribed={each.number for each in undescribed if each.family == family},
            )
        }

    def world(self, **options: bool | int) -> FakeTaskDefinitions:
        """Return the account as a fake."""
        hostile, page_size = bool(options.get("hostile", False)), int(options.get("page_size", 100))
        return FakeTaskDefinitions(self.revisions, hostile=hostile, page_size=page_size)


def random_family(
    name: str, size: int, rng: random.Random, *, inactive: float = 0.8, gaps: tuple[int, ...] = (1, 1, 1, 2, 5)
) -> list[Revision]:
    """Draw a family in which ``registeredAt`` rises with the number and everything else is as odd as it may be."""
    ages = sorted((rng.uniform(0.0, 500.0) for _ in range(size)), reverse=True)
    family = []
    number = 0
    for age in ages:
        number += rng.choice(gaps)
        lifetime = rng.choice((0.01, 0.1, 1.0, rng.uniform(0, 400)))  # the last: deregistered late
        status = Status.INACTIVE
        if rng.random() > inactive:
            status = rng.choice((Status.ACTIVE, Status.DELETE_IN_PROGRESS))
        family.append(
            revision(
                number,
                name,
                status=status,
                registered=None if rng.random() < 0.08 else age,
                deregistered=None if rng.random() < 0.08 else max(0.0, age - lifetime),
                tags=rng.choice(((), (), (), (), (), (KEEP_TAG,), ("team",))),
                registered_by=(None, "arn:a", "arn:b", "arn:b")[number % 4],
            )
        )
    return family


def random_usage(revisions: Sequence[Revision], rng: random.Random) -> FamilyUsage:
    """Draw who uses a family: mostly a few of its revisions, seldom nobody knows."""
    users = {each.id.number: f"service web{each.id.number} runs it" for each in revisions if rng.random() < 0.1}
    return FamilyUsage(reasons=users, unreadable=("tasks of cluster main",) if rng.random() < 0.06 else ())


def random_rule(name: str, keep_newest: int, rng: random.Random) -> Rule:
    """Draw a rule for one family; seldom one that keeps it whole."""
    return rule(
        name,
        retention=rng.choice((1, 30, 90, 180, 400)) * DAY,
        keep_newest=keep_newest,
        age_from=rng.choice((AgeFrom.DEREGISTERED_AT, AgeFrom.DEREGISTERED_AT, AgeFrom.REGISTERED_AT)),
        keep_tags=rng.choice(((KEEP_TAG,), (KEEP_TAG, "team"), ())),
        keep=rng.random() < 0.08,
    )


def random_account(seed: int, sizes: Sequence[int], keep_newest: int) -> Account:
    """Draw an account with families of these sizes; the same seed draws the same account."""
    rng = random.Random(seed)  # noqa: S311 - test data
    families = {f"{rng.choice('abcd')}-{index}": size for index, size in enumerate(sizes)}
    revisions = {name: random_family(name, size, rng) for name, size in families.items()}
    rules = [random_rule(name, keep_newest, rng) for name in families if rng.random() > 0.05]  # else no rule
    excluded = tuple(name for name in families if rng.random() < 0.05)
    return Account(
        revisions=tuple(each for family in revisions.values() for each in family),
        policy=policy(*rules, exclude=excluded),
        usage={name: random_usage(family, rng) for name, family in revisions.items()},
    )


# Runs on the fakes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run that is over, with all that it told."""

    report: Report
    events: list[Event]
    position: Position = field(default_factory=Position)

    @property
    def submitted(self) -> list[tuple[RevisionId, ...]]:
        """The batches that were about to be submitted, in order."""
        return [tuple(v.revision for v in each.verdicts) for each in self.events if isinstance(each, Submitting)]

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcomes, in order."""
        return [each.outcome for each in self.events if isinstance(each, Settled)]

    @property
    def judged(self) -> list[RevisionId]:
        """The described revisions that got a verdict, in order."""
        return [each.verdict.revision for each in self.events if isinstance(each, Judged)]

    def words_of(self, revision: RevisionId) -> str:
        """Return the words of a revision's outcome."""
        (outcome,) = [each for each in self.outcomes if each.revision == revision]
        return f"{outcome.kind}: {outcome.words}"


def context(calls: Counter[str]) -> Context:
    """Build what a report says about its run."""
    return Context(region="eu-west-1", sweep_id="s-1", version="0", api_calls=calls, throttled_calls=type(calls)())


def sweep(
    world: FakeTaskDefinitions,
    rules: Policy,
    *,
    usage: Mapping[str, FamilyUsage] | Usage | None = None,
    usage_anew: Callable[[], Usage] | None = None,
    lookup_table: Usage | None = None,
    start: Position | None = None,
    mode: Mode = Mode.DELETE,
    limits: Limits | None = None,
    count_all: bool = False,
    lazy: bool = False,
    clock: FakeClock | None = None,
    caches: DueCaches | None = None,
    record: Recorder | None = None,
    plan: Plan | None = None,
    submissions: Submissions | None = None,
    upkeep: Upkeep | None = None,
    observe: Callable[[Event], None] = lambda _: None,
) -> Ran:
    """Sweep a fake account to the end."""
    clock = clock or FakeClock()
    events: list[Event] = []
    users = FakeUsage(usage or {}) if usage is None or isinstance(usage, Mapping) else usage

    def seen(event: Event) -> None:
        events.append(event)
        observe(event)

    run = Sweep(
        mode=mode,
        tally=Tally(
            mode=mode,
            policy=rules,
            task_definitions=world,
            usage=users,
            clock=clock,
            context=replace(
                context(world.calls),
                max_deregistrations=(limits or Limits()).max_deregistrations if rules.deregisters else None,
            ),
            plan=plan,
            lookup_table=lookup_table,
        ),
        task_definitions=world,
        readers=InlineWorkers(lazy=lazy),
        deleters=InlineWorkers(lazy=lazy),
        limits=limits or Limits(),
        clock=clock,
        usage_anew=usage_anew or (lambda: users),
        count_all=count_all,
        start=start,
        record=record,
        caches=caches,
        submissions=submissions,
        upkeep=upkeep,
        observe=seen,
    )
    report = run.run()
    return Ran(report=report, events=events, position=run.position)


def sweep_account(account: Account, world: FakeTaskDefinitions | None = None, **options: bool) -> Ran:
    """Sweep a drawn account under its own policy."""
    lazy, count_all = options.get("lazy", False), options.get("count_all", False)
    mode = Mode.REPORT if options.get("report", False) else Mode.DELETE
    return sweep(
        world or account.world(), account.policy, usage=account.usage, mode=mode, lazy=lazy, count_all=count_all
    )


def survey(
    account: Account,
    budget: float,
    *,
    page_size: int = 100,
    limits: Limits | None = None,
    world: FakeTaskDefinitions | None = None,
) -> tuple[Report, FakeTaskDefinitions]:
    """Survey a fake account on a budget of reads; return the report and the fake that was asked."""
    reads = ReadBudget(budget)
    world = world or account.world(page_size=page_size)
    world.spend = reads.take
    clock = FakeClock(account.now)
    report = Survey(
        tally=Tally(
            mode=Mode.REPORT,
            policy=account.policy,
            task_definitions=world,
            usage=FakeUsage(account.usage),
            clock=clock,
            context=context(world.calls),
        ),
        task_definitions=world,
        reads=reads,
        readers=InlineWorkers(),
        limits=limits or Limits(),
        clock=clock,
    ).run()
    return report, world


# Runs through boto3 on the embedded ECS


@cache
def session() -> boto3.Session:
    """Return the session of all clients that need no account."""
    return boto3.Session("test", "test", region_name="eu-west-1")


def boto_client(settings: Config | None = None, *, endpoint_url: str | None = None) -> ECSClient:
    """Return an ECS client that needs no account, configured as ours are unless told otherwise."""
    return session().client("ecs", config=settings or config(VERSION), endpoint_url=endpoint_url)


class _OldLoader(Loader):
    """Loads the models of before botocore 1.43, as far as we can tell the difference."""

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:  # noqa: ANN401 - a model
        model = copy.deepcopy(super().load_service_model(service_name, type_name, api_version))
        if (service_name, type_name) == ("ecs", "service-2"):
            del model["shapes"]["TaskDefinition"]["members"]["deleteRequestedAt"]
        return model


def old_client(ecs: EmbeddedEcs) -> ECSClient:
    """Return a client of an older botocore, whose model lacks ``deleteRequestedAt``, on the embedded ECS."""
    session = botocore.session.Session()
    session.register_component(
        "data_loader", _OldLoader(extra_search_paths=session.get_component("data_loader").search_paths)
    )
    old = boto3.Session("test", "test", region_name="eu-west-1", botocore_session=session)
    client = old.client("ecs", config=config(VERSION))
    attach(client, ecs)
    return client


def attached_client(ecs: EmbeddedEcs) -> ECSClient:
    """Return a client of ours that the embedded ECS answers in process."""
    client = boto_client()
    attach(client, ecs)
    return client


def client_maker(ecs: EmbeddedEcs) -> Callable[[str], Any]:
    """Return what makes clients of ours, of any service that the embedded ECS answers for in process."""
    new_client = clients(session())

    def client_of(service: str) -> Any:  # noqa: ANN401 - boto3 types a client by its service's name
        client = new_client(service)
        attach(client, ecs)
        return client

    return client_of


def place_of(ecs: EmbeddedEcs, clock: VirtualClock) -> Place:
    """Return the place of a run against the embedded ECS."""
    client_of = client_maker(ecs)
    return Place(client=client_of("ecs"), clock=clock, executor=clock.executor, client_of=client_of)


def settings_of(rules: Policy, *, max_reads: int = 600) -> Settings:
    """Return the settings of a run under a policy."""
    return replace(load(Flags(max_reads=str(max_reads))), policy=rules)


def runner(ecs: EmbeddedEcs, clock: VirtualClock, rules: Policy, *, max_reads: int = 600) -> Runner:
    """Return a runner, new in every respect, against the embedded ECS on its clock."""
    return Runner(place_of(ecs, clock), settings_of(rules, max_reads=max_reads))


def seed(ecs: EmbeddedEcs, revisions: Sequence[Revision]) -> None:
    """Put revisions, in ascending order of their numbers, into an embedded ECS, with the gaps between them."""
    reached: dict[str, int] = {}
    for each in revisions:
        family, number = each.id.family, each.id.number
        gap = number - reached.get(family, 0) - 1
        if gap:
            ecs.seed_family(family, count=gap, status=LocalStatus.GONE)
        reached[family] = number
        ecs.seed_family(
            family,
            count=1,
            status=LocalStatus(each.status.value),
            registered=None if each.registered_at is None else (each.registered_at, each.registered_at),
            lifetime=None,
            deregistered_at=each.deregistered_at,
            tags=each.tags,
            registered_by=each.registered_by,
        )

"""A DAG, a lookup table and the janitor in one account, for a year: nothing alive goes, and nothing grows for ever.

One family is fed on the fly (register, run, deregister; some runs fail and leave their revision ACTIVE), one by the
lookup table, with a configuration that changes now and then, and one is a service's. The janitor sweeps at night. Time
is virtual; ECS is the embedded one, which the janitor meets through its own client.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from janitor.aws.lookup_table import DynamoLookupTable
from janitor.aws.registry import AwsRegistry
from janitor.core.forecast import steady_state
from janitor.core.lookup import Key, Tended, What
from janitor.core.model import Mode, OutcomeKind, Reason
from janitor.core.report import Cause, Ending
from janitor.errors import TableFailed
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.reuse.fingerprint import fingerprint
from janitor.reuse.protocol import Reuse
from janitor.runner import Runner
from janitor.settings import Flags, load
from janitor.sweep.events import Limits
from tests.builders import place_of
from tests.fakes_lookup import MemoryTable
from tests.lookup import create_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from janitor.core.lookup import Entry, Event
    from janitor.core.model import RevisionId
    from janitor.core.report import Report
    from janitor.local.replies import Json, Reply
    from janitor.ports import LookupTable
    from janitor.reuse.protocol import Reused

DAY = timedelta(days=1)
RUNS = 2
"""Runs a day of each DAG."""
FAILING = 5
"""Each so-many-th run fails, and leaves its revision ACTIVE."""
SWEEP_EVERY = 7
"""Days from sweep to sweep: a sweep is what takes most of the test's time."""
RETENTION, ORPHAN_AGE, EVICT_AFTER = 30, 20, 60
"""Days."""
ORPHANS = f'orphans = {{ older_than = "{ORPHAN_AGE}d", registered_by = ["arn:aws:iam::*:root"] }}'
POLICY = f"""
[[rule]]
families = ["*"]
retention = "{RETENTION}d"
%s

[lookup_table]
name = "lookup"
evict_after = "{EVICT_AFTER}d"
"""


class Watched(EmbeddedEcs):
    """An ECS that looks at each revision that the janitor takes away, at the moment it does."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the embedded ECS's own
        super().__init__(**options)
        self.sweeping = False
        self.alive: Callable[[str], str | None] = lambda _: None
        self.taken: Counter[str] = Counter()

    def handle(self, operation: str, params: Json) -> Reply:
        """Fail the test where the janitor takes away what somebody has, or will be given."""
        if self.sweeping and operation in {"DeregisterTaskDefinition", "DeleteTaskDefinitions"}:
            named = params.get("taskDefinitions") or [params["taskDefinition"]]
            for each in named:
                name = each.rpartition("/")[2]
                assert self.alive(name) is None, f"{operation} of {name}: {self.alive(name)}"
            self.taken[operation] += len(named)
        return super().handle(operation, params)


class JanitorsView:
    """A table as the janitor has it: it may be denied, and somebody may act right before or after an eviction."""

    def __init__(self, table: LookupTable) -> None:
        self._table = table
        self.denied = False
        self.before: Callable[[], object] = lambda: None
        self.after: Callable[[], object] = lambda: None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the table has
        return getattr(self._table, name)

    def named(self, family: str) -> Mapping[RevisionId, Key]:
        """Return the revisions of a family that stand for a definition."""
        if self.denied:
            raise TableFailed(self.name, "Query", "AccessDeniedException: not you", "janitor iam prints what is needed")
        return self._table.named(family)

    def evict(self, entry: Entry, event: Event) -> bool:
        """Evict, with somebody else acting right before and after."""
        self.before()
        done = self._table.evict(entry, event)
        self.after()
        return done


@dataclass
class Account:
    """All of it together."""

    policy: Path
    table: LookupTable = field(default_factory=lambda: MemoryTable("lookup"))
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.ecs = Watched(clock=self.clock, behaviour=Behaviour())
        self.janitors = JanitorsView(self.table)
        self.place = replace(place_of(self.ecs, self.clock), table_of=lambda _: self.janitors)
        self.settings = load(Flags(policy=self.policy))
        self.registry = AwsRegistry(self.place.client)
        self.owners = count()
        self.running: dict[str, str] = {}
        """Revision of each task that runs, by the task."""
        self.handed_out: dict[str, datetime] = {}
        self.reports: list[Report] = []
        self.peaks: defaultdict[str, list[int]] = defaultdict(list)
        self.ecs.alive = self.why_alive
        self.ecs.seed_cluster("prod")

    def call(self, operation: str, **params: object) -> Json:
        """Be somebody who calls ECS, which does what is asked."""
        reply = self.ecs.handle(operation, params)
        assert reply.status == 200, (operation, params, reply.body)
        return reply.body

    def register(self, family: str, image: str) -> str:
        """Register on the fly."""
        made = self.call(
            "RegisterTaskDefinition",
            family=family,
            containerDefinitions=[{"name": "main", "image": image, "memory": 512}],
        )
        return str(made["taskDefinition"]["taskDefinitionArn"]).rpartition("/")[2]

    def run(self, revision: str, *, lasts: bool = False) -> None:
        """Run a task, which must start; unless it lasts it is over at once."""
        self.ecs.seed_exit_codes(None if lasts else 0)
        made = self.call("RunTask", cluster="prod", taskDefinition=revision)
        assert not made["failures"]
        if lasts:
            self.running[made["tasks"][0]["taskArn"]] = revision

    def stop(self) -> None:
        """Let what runs come to its end; ECS forgets stopped tasks after an hour, the embedded one does not."""
        for task in self.running:
            self.call("StopTask", cluster="prod", task=task)
        self.running.clear()
        self.ecs._workloads.tasks.clear()
        self.ecs._workloads.changed()

    def reuse(self, image: str, table: Any = None) -> Reused:  # noqa: ANN401 - the port, or its like
        """Ask for a definition, and remember that its revision was handed out."""
        request = {"family": "reused", "containerDefinitions": [{"name": "main", "image": image, "memory": 512}]}
        reuse = Reuse(
            table=table or self.table,
            registry=self.registry,
            clock=self.clock,
            by="dag",
            new_owner=lambda: f"owner {next(self.owners)}",
        )
        found = reuse.reuse(request, Key("reused", _hash(image)))
        self.handed_out[str(found.revision)] = self.clock.now()
        return found

    def why_alive(self, name: str) -> str | None:
        """Say why a revision must not go: it runs, a service has it, the table names it, or somebody was given it."""
        if name in self.running.values():
            return "a task runs from it"
        if name in self.services():
            return "it is a service's"
        if any(str(each) == name for each in self.table.named(name.partition(":")[0])):
            return "the lookup table names it"
        if self.clock.now() - self.handed_out.get(name, datetime.min.replace(tzinfo=self.clock.now().tzinfo)) < DAY:
            return "somebody was just given it"
        return None

    def services(self) -> set[str]:
        """Return what services run."""
        told = self.call("DescribeServices", cluster="prod", services=["shop"])["services"]
        return {str(each["taskDefinition"]).rpartition("/")[2] for each in told}

    def night(self) -> Report:
        """Sweep, as a function would that starts anew each night."""
        self.ecs.sweeping = True
        for family in ("fly", "reused", "service"):
            self.peaks[family].append(self.ecs.count(family))
        limits = Limits(max_deregistrations=self.settings.max_deregistrations)
        self.reports.append(
            Runner(self.place, self.settings).sweep(Mode.DELETE, limits, lambda _: None, count_all=False)
        )
        self.ecs.sweeping = False
        return self.reports[-1]

    def pass_days(self, days: float) -> None:
        """Let time pass."""
        self.clock.sleep((days * DAY).total_seconds())


@cache
def _hash(image: str) -> str:
    return fingerprint({"family": "reused", "containerDefinitions": [{"name": "main", "image": image, "memory": 512}]})


@dataclass
class Year:
    """What happens day by day."""

    account: Account
    runs: int = 0
    version: int = 0
    by_hand: tuple[int, ...] = (104, 201)
    """Days on whose evening somebody deregisters the revision that is reused; the first is followed by a sweep."""
    denied: range = range(0)
    """Days on which the janitor may not read the table."""

    def live(self, days: int) -> None:
        """Live through the days, with a sweep in the night of every so-many-th."""
        account = self.account
        for day in range(days):
            started = account.clock.now()
            account.stop()
            self._fly(day)
            self._reuse(day)
            self._serve(day)
            account.pass_days(0.9)
            account.janitors.denied = day in self.denied
            if day % SWEEP_EVERY == SWEEP_EVERY - 1:
                account.night()
            account.pass_days(1 - (account.clock.now() - started) / DAY)

    def _fly(self, day: int) -> None:
        """Run on the fly; the last run of a day goes on over night."""
        for turn in range(RUNS):
            self.runs += 1
            revision = self.account.register("fly", f"etl:{day}")
            self.account.run(revision, lasts=turn == RUNS - 1)
            if self.runs % FAILING:
                self.account.call("DeregisterTaskDefinition", taskDefinition=revision)

    def _reuse(self, day: int) -> None:
        """Reuse; every 25 days the configuration changes, and on day 150 it is once that of the first day again."""
        self.version = 0 if 150 <= day < 155 else day // 25
        for turn in range(RUNS):
            found = self.account.reuse(f"dbt:{self.version}")
            self.account.run(str(found.revision), lasts=turn == RUNS - 1)
        if day in self.by_hand:
            self.account.stop()
            self.account.call("DeregisterTaskDefinition", taskDefinition=str(found.revision))

    def _serve(self, day: int) -> None:
        """Deploy every 30 days; what was before stays ACTIVE, as ECS leaves it. On day 200 it is rolled back."""
        if day == 0:
            self.account.ecs.seed_service("prod", "shop", task_definition=self.account.register("service", "shop:0"))
        elif day == 200:
            self.account.call("UpdateService", cluster="prod", service="shop", taskDefinition="service:6")
        elif day % 30 == 0 and day < 200:
            revision = self.account.register("service", f"shop:{day}")
            self.account.call("UpdateService", cluster="prod", service="shop", taskDefinition=revision)


def account_of(tmp_path: Path, *, orphans: bool = True, **options: Any) -> Account:  # noqa: ANN401 - those of Account
    """Return an account without a past."""
    file = tmp_path / "policy.toml"
    file.write_text(POLICY % (ORPHANS if orphans else ""), encoding="utf-8")
    return Account(policy=file, **options)


def test_in_a_year_nothing_alive_goes_and_nothing_grows_for_ever(tmp_path: Path) -> None:
    """The revisions on the fly stay at what the formula says, leak and all; those that are reused are a handful."""
    account = account_of(tmp_path)
    Year(account).live(365)
    assert {(report.ending, report.causes) for report in account.reports} == {(Ending.FINISHED, ())}
    assert not any(report.warnings for report in account.reports[1:])

    expected = steady_state(RUNS, RETENTION, SWEEP_EVERY, 1 / FAILING, ORPHAN_AGE)
    steady = account.peaks["fly"][(RETENTION + ORPHAN_AGE) // SWEEP_EVERY + 3 :]
    margin = RUNS * SWEEP_EVERY / FAILING + RUNS  # orphans wait for a sweep as well, and a run is not over at night
    assert expected - margin <= min(steady) <= max(steady) <= expected + margin, (expected, min(steady), max(steady))

    history = Counter(event.what for event in history_of(account))
    configurations = 15
    forgot = [event.by for event in history_of(account) if event.what is What.FORGOTTEN]
    assert forgot == ["janitor", "dag"], "on two evenings somebody deregistered what is reused"
    assert history[What.REGISTERED] == configurations + 2 + 1, "and the first one came back after it had been evicted"
    assert history[What.EVICTED] >= configurations - EVICT_AFTER // 25 - 2
    assert history.keys() == {What.FORGOTTEN, What.REGISTERED, What.EVICTED}
    tended = [report.tended for report in account.reports if report.tended is not None]
    assert sum(each.evicted for each in tended) == history[What.EVICTED]
    assert sum(each.forgotten for each in tended) == 1
    lives = 25 + EVICT_AFTER + RETENTION + 2 * SWEEP_EVERY
    assert max(account.peaks["reused"]) <= lives / 25 + 3, "the newest two INACTIVE ones stay, and one went by hand"

    gone = sum(report.deregistrations.outcome(OutcomeKind.DEREGISTERED) for report in account.reports)
    assert gone == account.ecs.taken["DeregisterTaskDefinition"] > 365 * RUNS / FAILING * 0.9
    assert account.services() == {"service:6"}


def test_without_the_rule_for_orphans_there_is_no_steady_state(tmp_path: Path) -> None:
    """Each run that fails stays for ever; evicted entries leave ACTIVE revisions that nobody takes away."""
    account = account_of(tmp_path, orphans=False)
    Year(account).live(133)
    peaks = account.peaks["fly"]
    assert account.ecs.taken["DeregisterTaskDefinition"] == 0
    for sweep in (8, 13):
        assert peaks[sweep + 5] - peaks[sweep] == pytest.approx(5 * SWEEP_EVERY * RUNS / FAILING, abs=2)


def test_a_month_in_which_the_table_is_denied(tmp_path: Path) -> None:
    """No orphan goes, their count is unknown, and why is said; what is INACTIVE goes. Then all is made up for."""
    account = account_of(tmp_path)
    denied = range(70, 100)
    Year(account, by_hand=(), denied=denied).live(130)
    days = range(SWEEP_EVERY - 1, 130, SWEEP_EVERY)
    for day, report in zip(days, account.reports, strict=True):
        if day not in denied:
            assert (report.ending, report.causes) == (Ending.FINISHED, ()), day
            continue
        assert report.causes == (Cause.USAGE_UNREADABLE,)
        assert report.ending is Ending.FINISHED
        assert "AccessDeniedException: not you; janitor iam prints what is needed" in report.unreadable_usage[0]
        assert any(words.startswith("the lookup table was not tended to the end") for words in report.warnings)
        assert report.deregistrations.outcome(OutcomeKind.DEREGISTERED) == 0
        assert report.deregistrations.kept[Reason.USAGE_UNKNOWN] >= 0
        assert report.active_orphans is None
        assert report.outcome(OutcomeKind.DELETED) >= 1, day
    after = next(report for day, report in zip(days, account.reports, strict=True) if day >= denied.stop)
    made_up = after.deregistrations.outcome(OutcomeKind.DEREGISTERED)
    assert made_up >= (len(denied) - SWEEP_EVERY) * RUNS / FAILING
    assert not account.reports[-1].active_orphans.value  # type: ignore[union-attr] # it is known again


def history_of(account: Account) -> tuple[Event, ...]:
    """Return what became of the reused definitions, oldest first."""
    return account.table.family("reused").history


def old(tmp_path: Path, **options: Any) -> Account:  # noqa: ANN401 - those of Account
    """Return an account in which an entry, of which the revision is not the newest ACTIVE one, has come of age."""
    account = account_of(tmp_path, **options)
    account.ecs.seed_service("prod", "shop", task_definition=account.register("service", "shop:0"))
    assert str(account.reuse("old").revision) == "reused:1"
    account.pass_days(EVICT_AFTER - 1)
    account.reuse("new")
    account.pass_days(2)
    return account


def test_what_is_evicted_is_deregistered_in_the_same_sweep(tmp_path: Path) -> None:
    """If nobody is in between: entry first."""
    account = old(tmp_path)
    report = account.night()
    assert account.ecs.status("reused", 1) == "INACTIVE"
    assert report.tended is not None
    assert (report.tended.evicted, report.deregistrations.outcome(OutcomeKind.DEREGISTERED)) == (1, 1)
    assert [event.what for event in history_of(account)[-1:]] == [What.EVICTED]


def test_so_it_is_with_dynamodb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto's: the very calls, and the history in the table."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        client = boto3.client("dynamodb", "eu-west-1")
        create_table(client, "lookup")
        account = old(tmp_path, table=DynamoLookupTable(client, "lookup"))
        report = account.night()
        assert report.tended == Tended(table="lookup", evicted=1)
        assert account.ecs.status("reused", 1) == "INACTIVE"
        account.call("DeregisterTaskDefinition", taskDefinition="reused:2")
        assert account.night().tended == Tended(table="lookup", forgotten=1)
        said = [(event.what, event.words) for event in history_of(account)[-2:]]
        assert said == [
            (What.EVICTED, "last used 2026-11-01 03:00 UTC by dag"),
            (What.FORGOTTEN, "it is INACTIVE"),
        ]
        assert not account.table.named("reused")
        client.delete_table(TableName="lookup")
        account.register("fly", "a")
        denied = account.night()
        (warning,) = denied.warnings
        assert "ResourceNotFoundException" in warning
        assert "look for its name in eu-west-1, or deploy it (lookupTable: true)" in warning


def test_whoever_touches_it_before_the_eviction_keeps_it(tmp_path: Path) -> None:
    """The condition on its last use does not hold any more; the orphan rule finds it in the table."""
    account = old(tmp_path)
    given: list[Reused] = []
    account.janitors.before = lambda: given.append(account.reuse("old"))
    report = account.night()
    (found,) = given
    account.run(str(found.revision))
    assert str(found.revision) == "reused:1"
    assert report.tended is not None
    assert report.tended.evicted == 0
    assert report.deregistrations.kept[Reason.IN_LOOKUP_TABLE] == 1


def test_whoever_asks_right_after_the_eviction_is_given_another(tmp_path: Path) -> None:
    """Registered at that moment, it stays; the one that was evicted goes."""
    account = old(tmp_path)
    given: list[Reused] = []
    account.janitors.after = lambda: given.append(account.reuse("old"))
    account.night()
    (found,) = given
    account.run(str(found.revision))
    assert str(found.revision) == "reused:3"
    assert account.ecs.status("reused", 1) == "INACTIVE"


class WithASweepBeforeItsTouch:
    """A caller's table, between whose look at the revision and whose touch there is a whole night."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the table has
        return getattr(self._account.table, name)

    def touch(self, entry: Entry, at: datetime, by: str) -> bool:
        """Be slow, once."""
        if str(entry.revision) == "reused:1":
            self._account.night()
        return self._account.table.touch(entry, at, by)


def test_whoever_read_it_as_ready_and_is_slower_than_the_night_is_given_another(tmp_path: Path) -> None:
    """It had been ACTIVE when it looked; the touch fails, since the entry went first."""
    account = old(tmp_path)
    found = account.reuse("old", WithASweepBeforeItsTouch(account))
    assert account.ecs.status("reused", 1) == "INACTIVE"
    assert str(found.revision) == "reused:3"
    account.run(str(found.revision))
    assert [event.what for event in history_of(account)[-2:]] == [What.EVICTED, What.REGISTERED]

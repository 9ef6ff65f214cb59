"""Two or three callers in every order of their calls: one revision stands, and nobody is given another."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from janitor.core.lookup import Entry, Key, What
from janitor.core.model import RevisionId, Status
from janitor.reuse.protocol import How, Reuse, Terms
from janitor.reuse.upkeep import entries_of, evict_unused
from tests.fakes_lookup import MemoryRegistry, MemoryTable
from tests.unit.reuse.interleaving import Death, Killed, Stepped, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from janitor.reuse.protocol import Reused
    from tests.unit.reuse.interleaving import Caller, Stage, StageClock

KEY = Key("web", "1-abc")
REQUEST = {"family": "web", "containerDefinitions": [{"name": "a", "image": "b"}]}
SHORT = Terms(lease=timedelta(seconds=0.25), patience=timedelta(minutes=1))
LONG = Terms(lease=timedelta(hours=1), patience=timedelta(minutes=1))


class World:
    """A table and a registry that a cast shares, made anew for each run."""

    def __init__(self, terms: Terms, clock: StageClock) -> None:
        self.terms = terms
        self.table = MemoryTable()
        self.registry = MemoryRegistry(clock=_Now(clock))
        self.owners = count()

    def caller(self, caller: Caller) -> Reused:
        """Be a caller, step by step."""
        return self._reuse(
            Stepped(self.table, caller), Stepped(self.registry, caller), caller, f"caller {caller.number}"
        )

    def afterwards(self, clock: StageClock) -> Reused:
        """Be a caller that comes when all is over."""
        return self._reuse(self.table, self.registry, _Now(clock), "afterwards")

    def evictor(self, caller: Caller) -> bool:
        """Be the janitor: take away what was unused, and only then deregister."""
        table, registry = Stepped(self.table, caller), Stepped(self.registry, caller)
        entries = tuple(entries_of(table, "web"))
        evicted = evict_unused(table, entries, timedelta(days=1), now=caller.now())
        for revision in evicted:
            registry.deregister(revision)
        return bool(evicted)

    def stranger(self, caller: Caller) -> None:
        """Be somebody who deregisters the newest revision by hand."""
        registry = Stepped(self.registry, caller)
        if self.registry.revisions:
            registry.deregister(max(self.registry.revisions))

    def _reuse(self, table: Any, registry: Any, clock: Any, by: str) -> Reused:  # noqa: ANN401 - ports, stepped or not
        reuse = Reuse(
            table=table,
            registry=registry,
            clock=clock,
            by=by,
            new_owner=lambda: f"owner {next(self.owners)}",
            terms=self.terms,
        )
        return reuse.reuse(REQUEST, KEY)


class _Now:
    """The stage's clock, for whoever is no caller."""

    def __init__(self, clock: StageClock) -> None:
        self._clock = clock

    def now(self) -> Any:  # noqa: ANN401 - a datetime
        return self._clock.moment

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        self._clock.moment += timedelta(seconds=seconds)


def stages(
    terms: Terms,
    cast: Callable[[World], Sequence[Callable[[Caller], Any]]],
    *,
    standing: bool = False,
    **options: Any,  # noqa: ANN401 - those of runs
) -> Any:  # noqa: ANN401 - an iterator over pairs
    """Yield each run with its world; ``standing``: after somebody has registered the definition long ago."""
    worlds: list[World] = []

    def made(clock: StageClock) -> Sequence[Callable[[Caller], Any]]:
        world = World(terms, clock)
        if standing:
            world.afterwards(clock)
            clock.moment += timedelta(days=30)
        worlds.append(world)
        return cast(world)

    for stage in runs(made, **options):
        yield stage, worlds.pop()


def check(stage: Stage, world: World, surplus: int = 0) -> RevisionId:
    """Return the revision that stands: ACTIVE, named to the janitor, and the only one but for some surplus."""
    standing = world.table.get(KEY)
    assert isinstance(standing, Entry), "a lease was left behind"
    assert world.table.named("web") == {standing.revision: KEY}
    active = world.registry.active()
    assert standing.revision in active
    assert len(active) <= 1 + surplus
    for caller in stage.callers:
        assert caller.error is None or isinstance(caller.error, Killed), caller.error
    return standing.revision


@pytest.mark.parametrize("callers", [2, 3])
def test_one_registers_and_the_others_wait_for_it(callers: int) -> None:
    """As long as the lease lasts there is one registration, in whatever order they come."""
    tried = 0
    for stage, world in stages(
        LONG, lambda world: [world.caller] * callers, slow=False, interruptions=None if callers == 2 else 3
    ):
        tried += 1
        revision = check(stage, world)
        assert world.registry.calls["register"] == 1
        assert {each.result.revision for each in stage.callers} == {revision}
        hows = Counter(each.result.how for each in stage.callers)
        assert hows == {How.REGISTERED: 1, How.REUSED: callers - 1}
        assert [each.what for each in world.table.history] == [What.REGISTERED]
        entry = world.table.get(KEY)
        assert isinstance(entry, Entry)
        assert entry.use_count == callers
    assert tried > (10 if callers == 2 else 100)


@pytest.mark.parametrize("callers", [2, 3])
def test_whoever_is_slower_than_its_lease_leaves_nothing_behind(callers: int) -> None:
    """Its revision is handed out by whoever took over, or it deregisters it; all are given the one that stands."""
    outcomes: Counter[tuple[What, ...]] = Counter()
    for stage, world in stages(SHORT, lambda world: [world.caller] * callers, interruptions=4 if callers == 2 else 2):
        revision = check(stage, world)
        assert {each.result.revision for each in stage.callers} == {revision}
        assert not any(each.result.trouble for each in stage.callers)
        outcomes[tuple(each.what for each in world.table.history)] += 1
    assert {(What.REGISTERED,), (What.ADOPTED,), (What.REGISTERED, What.LOST)} <= set(outcomes)


def deaths() -> list[Death]:
    """Return every death that a caller can die on its way to a revision."""
    return [Death(0, call, done) for call in range(1, 6) for done in (False, True)]


@pytest.mark.parametrize("death", deaths(), ids=str)
def test_whoever_dies_is_followed_by_one_who_finds_its_revision(death: Death) -> None:
    """Dead before the next one comes: never more than one registration, wherever it died."""
    for stage, world in stages(SHORT, lambda world: [world.caller, world.caller], interruptions=0, death=death):
        revision = check(stage, world)
        assert [each.result.revision for each in stage.callers if each.result] == [revision] * (
            1 + (stage.callers[0].error is None)
        )
        assert world.registry.calls["register"] == 1


@pytest.mark.parametrize("death", deaths(), ids=str)
def test_whoever_dies_amid_others_leaves_one_surplus_at_most(death: Death) -> None:
    """Where it registers after another one took over its lease."""
    for stage, world in stages(SHORT, lambda world: [world.caller, world.caller], interruptions=3, death=death):
        revision = check(stage, world, surplus=1)
        assert all(each.result.revision == revision for each in stage.callers if each.error is None)


def test_nothing_that_was_handed_out_is_evicted() -> None:
    """Entry first, on condition that nobody used it: in whatever order, what a caller was given stays ACTIVE."""
    evicted = Counter[bool]()
    for stage, world in stages(
        SHORT, lambda world: [world.caller, world.evictor, world.caller], standing=True, interruptions=2
    ):
        revision = check(stage, world)
        evicted[stage.callers[1].result] += 1
        assert {stage.callers[0].result.revision, stage.callers[2].result.revision} == {revision}
        assert (revision != RevisionId("web", 1)) is stage.callers[1].result
    assert evicted[True]
    assert evicted[False]


@pytest.mark.parametrize("standing", [False, True])
def test_what_somebody_deregisters_by_hand_is_forgotten(standing: bool) -> None:  # noqa: FBT001 - a parameter
    """At the latest by the next caller; and it is registered again once."""
    for stage, world in stages(
        SHORT, lambda world: [world.caller, world.stranger, world.caller], standing=standing, interruptions=2
    ):
        errors = [each.error for each in stage.callers if each.error is not None]
        assert not errors
        again = world.afterwards(stage.callers[0].clock)
        assert world.registry.revisions[again.revision].status is Status.ACTIVE
        assert check(stage, world) == again.revision
        assert world.registry.calls["register"] <= 3

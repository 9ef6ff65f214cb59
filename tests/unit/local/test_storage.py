from __future__ import annotations

import sys
from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.unit.local.support import CONTAINER, LONG_AGO, ask, embedded, listed

FAMILIES = ("a", "a-b", "b")
DELAY = 3600.0


def test_a_revision_costs_at_most_25_bytes() -> None:
    """A status and two dates; the time of its deletion only once something is deleted."""
    ecs = embedded()
    count = 1_000_000
    ecs.seed_family("big", count=count, registered=LONG_AGO, lifetime=timedelta(days=1))
    family = ecs._families.get("big")
    assert family is not None
    parts = (family._statuses, family.registered, family.deregistered, family.delete_requested)

    assert sum(map(sys.getsizeof, parts)) / count <= 25
    assert (ecs.count("big"), ecs.status("big", count)) == (count, "INACTIVE")


class Lifecycle(RuleBasedStateMachine):
    """The compact storage against a plain model: a dictionary of dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.ecs = embedded()
        self.model: dict[str, dict[int, str]] = {name: {} for name in FAMILIES}
        self.requested: dict[tuple[str, int], float] = {}
        self.tasks: dict[str, tuple[str, int]] = {}

    families = st.sampled_from(FAMILIES)
    numbers = st.integers(1, 12)

    @rule(name=families)
    def register(self, name: str) -> None:
        """Give the next number, whatever happened to those before."""
        number = ask(self.ecs, "RegisterTaskDefinition", family=name, containerDefinitions=[CONTAINER])[
            "taskDefinition"
        ]["revision"]
        assert number == len(self.model[name]) + 1
        self.model[name][number] = "ACTIVE"

    @rule(name=families, count=st.integers(1, 4))
    def seed(self, name: str, count: int) -> None:
        """Append a segment."""
        self.ecs.seed_family(name, count=count)
        for _ in range(count):
            self.model[name][len(self.model[name]) + 1] = "INACTIVE"

    @rule(name=families, number=numbers)
    def deregister(self, name: str, number: int) -> None:
        """ACTIVE becomes INACTIVE; nothing else changes."""
        self.ecs.handle("DeregisterTaskDefinition", {"taskDefinition": f"{name}:{number}"})
        if self.model[name].get(number) == "ACTIVE":
            self.model[name][number] = "INACTIVE"

    @rule(name=families, batch=st.lists(numbers, min_size=1, max_size=10))
    def delete(self, name: str, batch: list[int]) -> None:
        """INACTIVE becomes DELETE_IN_PROGRESS; every entry is answered for."""
        body = ask(self.ecs, "DeleteTaskDefinitions", taskDefinitions=[f"{name}:{number}" for number in batch])
        assert len(body["taskDefinitions"]) + len(body["failures"]) == len(batch)
        for number in batch:
            if self.model[name].get(number) == "INACTIVE":
                self.model[name][number] = "DELETE_IN_PROGRESS"
                self.requested[name, number] = self.ecs.clock.monotonic()

    @rule(name=families, number=numbers)
    def run(self, name: str, number: int) -> None:
        """Let a task refer to a revision that exists."""
        if self.model[name].get(number, "GONE") != "GONE":
            self.tasks[self.ecs.seed_task("default", f"{name}:{number}")] = (name, number)

    @rule()
    def stop(self) -> None:
        """Stop the task that was started last."""
        if self.tasks:
            task, _ = self.tasks.popitem()
            ask(self.ecs, "StopTask", task=task)
            self._let_go()

    @rule(seconds=st.sampled_from([1.0, DELAY / 2, DELAY]))
    def wait(self, seconds: float) -> None:
        """Let go what was requested long enough ago, unless a task refers to it."""
        self.ecs.clock.sleep(seconds)
        self._let_go()

    def _let_go(self) -> None:
        for (name, number), requested in list(self.requested.items()):
            ripe = self.ecs.clock.monotonic() - requested >= DELAY
            if ripe and (name, number) not in self.tasks.values():
                self.model[name][number] = "GONE"
                del self.requested[name, number]

    @invariant()
    def every_status_is_the_models(self) -> None:
        """Compare the getters and the listings with the model."""
        for name, revisions in self.model.items():
            for number, status in revisions.items():
                assert (self.ecs.status(name, number) or "GONE") == status
        for status in ("ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"):
            expected = [
                f"{name}:{number}" for name in FAMILIES for number, found in self.model[name].items() if found == status
            ]
            assert listed(self.ecs, status=status, maxResults=3) == expected


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)

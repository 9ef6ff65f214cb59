"""When the lookup table is tended: in a sweep that deletes, in families it may change, before orphans are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from janitor.core.lookup import Tended
from janitor.core.model import FamilyUsage, Mode, OutcomeKind, Reason, RevisionId, Status
from janitor.core.numbers import NumberSet
from janitor.core.plan import Plan, rule_values
from janitor.core.report import Ending
from janitor.errors import AccessDenied, CallFailed, TableFailed
from janitor.render.words import summary
from janitor.sweep.events import Limits
from tests.builders import due_family, policy, rule, sweep
from tests.fakes import START, FakeTaskDefinitions
from tests.unit.sweep.test_deregister import ASKED, ASKING, leaking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from janitor.errors import JanitorError

pytestmark = pytest.mark.usefixtures("growth_not_measured")
DENIED = TableFailed("lookup", "TransactWriteItems", "AccessDeniedException: not you", "ask for the right")


class FakeTable:
    """What the table names, by family, and its upkeep: it takes all away. Satisfies ``Usage`` and ``Upkeep``."""

    def __init__(
        self,
        named: Mapping[str, tuple[int, ...]],
        log: list[str] | None = None,
        faults: Mapping[str, JanitorError] | None = None,
    ) -> None:
        self.named = dict(named)
        self.tended: list[str] = []
        self._log = [] if log is None else log
        self._faults = faults or {}

    def of(self, family: str) -> FamilyUsage:
        """Return what it names now."""
        return FamilyUsage(reasons=dict.fromkeys(self.named.get(family, ()), "the lookup table"))

    def tend(self, family: str) -> Tended:
        """Evict everything, or fail as scripted."""
        self.tended.append(family)
        self._log.append("tend")
        if family in self._faults:
            raise self._faults[family]
        return Tended(table="lookup", forgotten=1, evicted=len(self.named.pop(family, ())))


def test_what_is_evicted_is_an_ordinary_revision_in_the_same_sweep() -> None:
    """After all deletions, before the first deregistration."""
    world = FakeTaskDefinitions([*due_family(12, "dead"), *leaking(3)])
    table = FakeTable({"etl": (1, 2)}, world.log)
    ran = sweep(world, ASKING, lookup_table=table, upkeep=table)
    log = [each for each in world.log if each in {"delete", "tend", "deregister"}]
    assert log == ["delete"] * 2 + ["tend"] * 2 + ["deregister"] * 3
    assert ran.report.tended == Tended(table="lookup", forgotten=2, evicted=2)
    said = "Entries of the lookup table lookup: 2 forgotten, whose revision is not ACTIVE any more; 2 evicted"
    assert any(line.startswith(said) for line in summary(ran.report))


def test_a_report_touches_no_entry() -> None:
    """It says what the entries keep as they stand."""
    table = FakeTable({"etl": (1, 2)})
    ran = sweep(FakeTaskDefinitions(leaking(3)), ASKING, mode=Mode.REPORT, lookup_table=table, upkeep=table)
    assert (table.tended, ran.report.tended) == ([], None)
    assert ran.report.deregistrations.kept[Reason.IN_LOOKUP_TABLE] == 2
    assert not [line for line in summary(ran.report) if line.startswith("Entries of")]


def test_families_that_a_sweep_may_not_change_keep_their_entries() -> None:
    """Left out, kept whole, without a rule: nothing of the table is taken away for them."""
    families = ("mine", "left-out", "kept", "unruled")
    world = FakeTaskDefinitions([each for family in families for each in leaking(1, family)])
    table = FakeTable({})
    rules = policy(rule("mine"), rule("kept", keep=True), exclude=("left-out",))
    sweep(world, rules, upkeep=table)
    assert table.tended == ["mine"]


def test_a_sweep_by_plan_touches_no_entry() -> None:
    """It does what was decided, and nothing else."""
    plan = Plan(
        account="123456789012",
        region="eu-west-1",
        sweep_id="s-0",
        made_at=START,
        rules=rule_values(ASKING),
        numbers={"etl": NumberSet([1])},
    )
    table = FakeTable({})
    sweep(FakeTaskDefinitions(due_family(3)), ASKING, plan=plan, upkeep=table)
    assert table.tended == []


def test_a_table_that_fails_is_a_warning_and_ends_its_upkeep_alone() -> None:
    """With cause and next step; the deletions are done, and orphans that nothing names go."""
    world = FakeTaskDefinitions([*due_family(12, "a"), *leaking(2, "b"), *leaking(2, "c")])
    table = FakeTable({"c": (1,)}, faults={"b": DENIED})
    ran = sweep(world, ASKING, lookup_table=table, upkeep=table)
    assert table.tended == ["a", "b"]
    assert f"the lookup table was not tended to the end: {DENIED}" in ran.report.warnings
    assert "AccessDeniedException: not you; ask for the right" in str(DENIED)
    assert (ran.report.ending, ran.report.causes) == (Ending.FINISHED, ())
    assert ran.report.outcome(OutcomeKind.DELETED) == 12
    assert set(world.deregistrations) == {RevisionId("b", 1), RevisionId("b", 2), RevisionId("c", 2)}
    assert ran.report.tended == Tended(table="lookup", forgotten=1)


def test_a_family_that_ecs_cannot_tell_of_is_passed_over() -> None:
    """The next one is tended."""
    fault = CallFailed("ListTaskDefinitions", "ServerException", "try later")
    table = FakeTable({}, faults={"b": fault})
    ran = sweep(FakeTaskDefinitions([*leaking(1, "b"), *leaking(1, "c")]), policy(rule()), upkeep=table)
    assert table.tended == ["b", "c"]
    assert f"the lookup table was not tended for family b: {fault}" in ran.report.warnings


def test_a_permission_of_ecs_that_is_missing_ends_the_run() -> None:
    """As everywhere."""
    table = FakeTable({}, faults={"etl": AccessDenied("ecs:ListTaskDefinitions", "not you")})
    ran = sweep(FakeTaskDefinitions(leaking(1)), policy(rule()), upkeep=table)
    assert ran.report.ending is Ending.COULD_NOT_FINISH


def test_the_brake_stops_the_upkeep() -> None:
    """Between two families."""
    world = FakeTaskDefinitions([*leaking(1, "b"), *leaking(1, "c")])
    table = FakeTable({})
    ran = sweep(world, ASKING, upkeep=table, limits=Limits(asked_to_stop=lambda: bool(table.tended)))
    assert table.tended == ["b"]
    assert ran.report.ending is Ending.STOPPED_BY_USER
    assert world.with_status(Status.INACTIVE) == set()


def test_the_orphan_conditions_still_hold_for_what_was_evicted() -> None:
    """A table that lets go of everything frees nothing that is young, the newest, or in use."""
    world = FakeTaskDefinitions(leaking(4))
    table = FakeTable({"etl": (1, 2, 3, 4, 5)})
    used = {"etl": FamilyUsage(reasons={1: "service web runs it"})}
    ran = sweep(world, policy(rule(orphans=ASKED)), usage=used, lookup_table=table, upkeep=table)
    assert set(world.deregistrations) == {RevisionId("etl", number) for number in (2, 3, 4)}
    assert ran.report.deregistrations.kept[Reason.IN_USE] == 1

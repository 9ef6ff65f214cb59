"""Every fault at DeregisterTaskDefinition: no wrong one goes, counts and record are true, the next night mends it.

The troubles are those of ``test_fault_matrix``; the night is that of the stage, on whose account a family leaks.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from janitor.core.model import OutcomeKind, RevisionId, Status
from janitor.core.report import Ending
from janitor.local.behaviour import Behaviour
from janitor.local.families import Status as LocalStatus
from janitor.store.history import history
from tests.fakes import START
from tests.integration.stage import Stage
from tests.integration.test_fault_matrix import Cell, Meaning, Trouble, ecs, figure, no_cell, said_of, script

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.stage import Night

SITE = ecs("DeregisterTaskDefinition", Meaning.BATCH)
ORPHANS = (1, 2, 4, 6, 7)
"""3 is in use, 5 somebody else's, 8 the newest."""
CELLS = [
    Cell(site=SITE, trouble=trouble, lasting=lasting)
    for trouble in Trouble
    for lasting in (False, True)
    if no_cell(SITE, trouble, lasting=lasting) is None
]
POLICY = """
[[rule]]
families = ["*"]
orphans = { older_than = "14d", registered_by = ["arn:aws:sts::*:assumed-role/airflow-*"] }
"""


def stage_of(monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour | None = None) -> Stage:
    """Return the stage with a family that leaks."""
    stage = Stage(monkeypatch, behaviour=behaviour or Behaviour())
    moment = START - timedelta(days=100)
    for number in range(1, 9):
        who = "arn:aws:iam::123456789012:user/ada" if number == 5 else "arn:aws:sts::1:assumed-role/airflow-w/t"
        stage.ecs.seed_family(
            "leak",
            count=1,
            status=LocalStatus.ACTIVE,
            registered=(moment, moment),
            lifetime=None,
            registered_by=who,
        )
        moment += timedelta(days=1)
    stage.ecs.seed_task("batch", "leak:3")
    return stage


@pytest.fixture
def policy(tmp_path: Path) -> str:
    """Provide the file of a policy that asks."""
    file = tmp_path / "policy.toml"
    file.write_text(POLICY, encoding="utf-8")
    return str(file)


def gone(stage: Stage) -> set[int]:
    """Return which of the leaking family are not ACTIVE any more."""
    return set(range(1, 9)) - set(stage.ecs.numbers("leak", Status.ACTIVE))


def assert_true(stage: Stage, night: Night, before: set[int]) -> None:
    """Check what holds of every night."""
    made = night.report.deregistrations
    assert gone(stage) <= set(ORPHANS)
    assert made.judged == sum(made.kept.values()) + sum(made.outcomes.values())
    assert made.outcome(OutcomeKind.DEREGISTERED) == len(gone(stage) - before)
    for number in range(1, 9):
        found = history(stage.memory, "leak", number).submissions
        assert all(each.deregisters for each in found)
        done = [each.kind is OutcomeKind.DEREGISTERED for each in found]
        assert any(done) == (number in gone(stage))


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_every_fault_ends_well(cell: Cell, policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded, counted, recorded, said in words; and the night after makes up for it."""
    stage = stage_of(monkeypatch)
    script(stage, cell)
    night = stage.night(JANITOR_POLICY=policy)
    assert_true(stage, night, set())
    assert stage.submitted == stage.due, "all deletions were done before"
    attempts = stage.ecs.calls["DeregisterTaskDefinition"]
    deregistered = night.report.deregistrations.outcome(OutcomeKind.DEREGISTERED)
    match cell.trouble, cell.lasting:
        case (Trouble.PASSING, _) | (Trouble.MALFORMED, _):
            assert (night.code, deregistered) == (0, len(ORPHANS))
        case Trouble.THROTTLED, _:
            assert (night.code, deregistered, attempts) == (3, 0, 2), "it gives way"
        case Trouble.RESET, _:
            assert (night.code, deregistered) == (3, 0)
        case Trouble.TIMEOUT, _:
            assert (night.code, deregistered) == (0, 1), "it was heard, and looking again shows it"
        case Trouble.SERVER_ERROR, _:
            assert (night.code, deregistered) == (1, 0)
        case _:
            assert (night.code, deregistered, attempts) == (1, 0, 1)
    if night.code or cell.trouble is Trouble.TIMEOUT:
        assert said_of(cell.site, cell.trouble) in night.words
        assert "DeregisterTaskDefinition" in night.words
    assert night.seconds < 900

    before = gone(stage)
    stage.undisturb()
    after = stage.night(JANITOR_POLICY=policy)
    assert after.code == 0, after.words
    assert_true(stage, after, before)
    assert gone(stage) == set(ORPHANS)


@pytest.mark.usefixtures("aws")
def test_hop_after_hop_no_more_go_than_the_dose(policy: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The hops of a sweep together; each goes on where the one before stopped, and Sweep Finished tells the sum."""
    (tmp_path / "policy.toml").write_text(f"max_deregistrations = 4\n{POLICY}", encoding="utf-8")
    stage = stage_of(monkeypatch, Behaviour(latency=(3.0, 3.0)))
    night = stage.night(seconds=105, JANITOR_POLICY=policy)
    hops = 1
    while night.report.ending is Ending.STOPPED_AT_TIME:
        assert night.raised is None
        night = stage.night(stage.following(), seconds=105, JANITOR_POLICY=policy)
        hops += 1
    assert hops > 2
    assert gone(stage) == set(ORPHANS[:4])
    detail = stage.following()["detail"]
    assert detail["totals"]["orphans_outcomes"] == {"deregistered": 4}
    assert detail["totals"]["orphans_kept"] == {"in_use": 1, "registered_by_others": 1}
    assert detail["active_orphans"] == 2, "the one that is left, and somebody else's"
    names = [RevisionId("leak", number) for number in ORPHANS[:4]]
    told = [history(stage.memory, each.family, each.number).submissions[0].intent.hop for each in names]
    assert len(set(told)) > 1, "several hops did it"


@pytest.mark.usefixtures("aws")
def test_a_brake_stops_it_within_a_minute(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked every minute; at one in ten seconds, burst aside, that is a handful."""
    stage = stage_of(monkeypatch)
    answers = iter(["off"])
    monkeypatch.setattr("janitor.aws.brake.SsmBrake.on", lambda _: None if next(answers, "") else "the brake is on")
    stage.ecs.before["DeregisterTaskDefinition"].append(lambda count: stage.clock.sleep(61) if count == 1 else None)
    night = stage.night(JANITOR_POLICY=policy)
    assert night.report.ending is Ending.STOPPED_BY_BRAKE
    assert len(gone(stage)) == 2


@pytest.mark.usefixtures("aws")
def test_with_the_same_event_and_no_rule_nothing_is_deregistered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 1: no call of it is made at all."""
    stage = stage_of(monkeypatch)
    night = stage.night()
    assert night.code == 0
    assert stage.ecs.calls["DeregisterTaskDefinition"] == 0
    assert figure(night.metrics[0], "ActiveOrphans") == 6, "but for the newest and the one in use"

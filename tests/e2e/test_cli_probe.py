"""``janitor probe`` finds what the embedded ECS was told to do where AWS says nothing, and clears everything away."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from janitor.aws.client import Api
from janitor.aws.throwaway import ThrowAway
from janitor.errors import BadInput
from janitor.local.behaviour import Behaviour, Cursor, DeletingAgain, DeniedEntry
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.families import Status
from janitor.local.faults import Fault
from janitor.probe.answers import behaviour_of
from janitor.probe.questions import REVISIONS, Probe
from tests.builders import attached_client
from tests.commandline import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from janitor.probe.answers import Answers

BEHAVIOURS = {
    "the hardest": Behaviour(),
    "the kindest": Behaviour(
        cursor=Cursor.STABLE,
        deleting_again=DeletingAgain.SUCCEEDS,
        denied_entry=DeniedEntry.ENTRY,
        deletion_delay=timedelta(minutes=10),
    ),
    "other words": Behaviour(
        denied_entry=DeniedEntry.ENTRY,
        deletion_delay=timedelta(minutes=3),
        cannot_describe="There is no such thing.",
        reason_active="It is active.",
        reason_missing="What?",
        reason_deleting_again="Patience.",
        reason_denied="Not you.",
    ),
    "slow answers": Behaviour(latency=(0.1, 0.9), cursor=Cursor.STABLE, deletion_delay=timedelta(minutes=30)),
}
TEXTS = ("cannot_describe", "reason_active", "reason_missing", "reason_deleting_again", "reason_denied")


def account(behaviour: Behaviour | None = None) -> EmbeddedEcs:
    """Return an account with a family of somebody else's."""
    clock = VirtualClock()
    ecs = EmbeddedEcs(clock=clock, behaviour=behaviour or Behaviour(), record=True)
    ecs.seed_family("web", count=5, registered=(clock.now(), clock.now()))
    return ecs


def probed(ecs: EmbeddedEcs, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Run the probe and return what it printed."""
    ran = run(ecs, "probe", "--yes", *arguments)
    assert ran.code == code, ran.err
    document: dict[str, Any] = json.loads(ran.out)
    return document


def left(ecs: EmbeddedEcs, family: str) -> dict[str, int]:
    """Return what of a family is left that somebody would have to see to."""
    return {status: ecs.count(family, status) for status in (Status.ACTIVE, Status.INACTIVE)}


@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=list(BEHAVIOURS))
def test_the_parameters_are_found_again(behaviour: Behaviour) -> None:
    """The embedded ECS built from the answers behaves like the one that was asked."""
    ecs = account(behaviour)
    ecs.faults.deny_tag("locked")
    document = probed(ecs, "--denied-tag", "locked", code=1)
    found = behaviour_of(document)
    for name in ("cursor", "deleting_again", "denied_entry", "cannot_describe", "reason_active", "reason_missing"):
        assert getattr(found, name) == getattr(behaviour, name), name
    if behaviour.deleting_again is DeletingAgain.FAILS:
        assert found.reason_deleting_again == behaviour.reason_deleting_again
    if behaviour.denied_entry is DeniedEntry.ENTRY:
        assert found.reason_denied == behaviour.reason_denied
    assert timedelta() <= found.deletion_delay - behaviour.deletion_delay <= timedelta(seconds=65)
    assert document["left"] == [f"{document['family']}:{REVISIONS + 1}"]
    assert left(ecs, document["family"]) == {"ACTIVE": 0, "INACTIVE": 1}


def test_without_a_denied_tag_everything_is_cleared_away() -> None:
    """And the number after all are gone is the next one."""
    ecs = account()
    document = probed(ecs)
    assert document["ended"] == "finished"
    assert left(ecs, document["family"]) == {"ACTIVE": 0, "INACTIVE": 0}
    assert document["left"] == []
    assert document["not_tried"].keys() == {"denied_entry"}
    assert document["observed"]["numbers"] == list(range(1, REVISIONS + 1))
    assert document["observed"]["number_after_all_are_gone"] == REVISIONS + 1
    assert {name: document["observed"][name] for name in document["observed"] if name in FACTS} == FACTS
    assert ecs.throttled.total() == 0


FACTS = {
    "numbers_are_reused": False,
    "registered_at_rises": True,
    "tags_of_inactive_kept": True,
    "deleted_leaves_inactive_listing_at_once": True,
    "deleted_is_listed_as_delete_in_progress": True,
}


def test_only_the_familys_own_revisions_are_touched() -> None:
    """Whatever exists beside it."""
    ecs = account()
    family = probed(ecs)["family"]
    assert family.startswith("janitor-probe-")
    assert all(each.startswith(f"{family}:") for batch in ecs.deleted_requests for each in batch)
    assert ecs.count("web", Status.INACTIVE) == 5


def test_what_takes_longer_than_one_waits_is_not_known() -> None:
    """The deletions were asked for all the same."""
    ecs = account()
    document = probed(ecs, "--wait", "10m")
    assert {"deletion_delay", "cannot_describe", "numbers_are_reused"} <= document["not_tried"].keys()
    assert behaviour_of(document).deletion_delay == Behaviour().deletion_delay
    assert left(ecs, document["family"]) == {"ACTIVE": 0, "INACTIVE": 0}


@pytest.mark.parametrize("after", range(0, 60, 7))
@pytest.mark.parametrize("operation", ["RegisterTaskDefinition", "DescribeTaskDefinition", "DeleteTaskDefinitions"])
def test_an_error_at_any_call_leaves_nothing_behind(operation: str, after: int) -> None:
    """It is said, and the family is cleared away."""
    ecs = account()
    ecs.faults.add(Fault(operation=operation, code="AccessDeniedException", message="no", after=after, times=1))
    ran = run(ecs, "probe", "--yes")
    document = json.loads(ran.out)
    assert left(ecs, document["family"]) == {"ACTIVE": 0, "INACTIVE": 0}
    assert document["left"] == []
    struck = ecs.calls[operation] > after and operation != "DeleteTaskDefinitions"
    assert (document["ended"] != "finished") == (ran.code == 1) == struck


class Impatient(VirtualClock):
    """A clock during whose n-th sleep somebody presses Ctrl-C."""

    def __init__(self, sleeps: int) -> None:
        super().__init__()
        self.left = sleeps

    def sleep(self, seconds: float) -> None:
        """Sleep, or be interrupted."""
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        super().sleep(seconds)


@pytest.mark.parametrize("sleeps", [1, 5, 9, 14, 20, 24, 40])
def test_ctrl_c_leaves_nothing_behind(sleeps: int) -> None:
    """At whatever moment; what was found until then is told."""
    clock = Impatient(sleeps)
    ecs = EmbeddedEcs(clock=clock)
    answers = probe(ecs)
    assert answers.ended == "stopped on request"
    assert left(ecs, "own") == {"ACTIVE": 0, "INACTIVE": 0}
    assert answers.left == []


def probe(ecs: EmbeddedEcs) -> Answers:
    """Run a probe on a family called own."""
    return Probe(ThrowAway(Api(attached_client(ecs), clock=ecs.clock), "own"), clock=ecs.clock, wait=7_200).run()


class Reusing(ThrowAway):
    """A family whose numbers begin again after the first twelve."""

    def register(self, tags: Mapping[str, str]) -> int:
        """Register, and count as no ECS is known to."""
        return (super().register(tags) - 1) % REVISIONS + 1


def test_numbers_that_come_again_are_noticed() -> None:
    """Nobody has seen it; should it happen, the record of what was deleted would be ambiguous."""
    ecs = account()
    answers = Probe(Reusing(Api(attached_client(ecs), clock=ecs.clock), "own"), clock=ecs.clock, wait=7_200).run()
    assert answers.observed["numbers_are_reused"] is True
    assert left(ecs, "own") == {"ACTIVE": 0, "INACTIVE": 0}


def test_what_cannot_be_cleared_away_is_named() -> None:
    """For the person who has to."""
    ecs = account()
    ecs.faults.add(Fault(operation="DeleteTaskDefinitions", code="AccessDeniedException", message="no"))
    ran = run(ecs, "probe", "--yes", "--wait", "1m")
    document = json.loads(ran.out)
    assert ran.code == 1
    assert len(document["left"]) == REVISIONS
    assert "Left behind, delete them by hand" in ran.err


def test_a_family_that_exists_is_not_the_probes() -> None:
    """It is refused, and nothing is touched."""
    ecs = account()
    ecs.seed_family("own", count=1, status=Status.ACTIVE, registered=(ecs.clock.now(), ecs.clock.now()))
    with pytest.raises(BadInput, match="exists already"):
        probe(ecs)
    assert set(ecs.calls) == {"ListTaskDefinitions"}


def test_account_numbers_are_left_out_unless_asked_for() -> None:
    """Of error texts too."""
    ecs = account()
    ecs.faults.deny_tag("locked")
    text = json.dumps(probed(ecs, "--denied-tag", "locked", code=1))
    assert "123456789012" not in text
    assert "000000000000" in text
    ecs = account()
    ecs.faults.deny_tag("locked")
    assert "123456789012" in json.dumps(probed(ecs, "--denied-tag", "locked", "--with-account", code=1))


def test_it_asks_first(tmp_path: Path) -> None:
    """Where nobody can be asked it needs --yes; all that is wrong is said at once."""
    ecs = account()
    ran = run(ecs, "probe", "--wait", "soon", "-o", str(tmp_path / "no" / "such"))
    assert ran.code == 2
    assert [word in ran.err for word in ("--yes", "--wait", "--output")] == [True] * 3
    assert not ecs.calls


def test_the_answers_can_be_written_to_a_file(tmp_path: Path) -> None:
    """To be attached to an issue."""
    file = tmp_path / "answers.json"
    ran = run(account(), "probe", "--yes", "-o", str(file))
    assert ran.out == ""
    assert behaviour_of(json.loads(file.read_text(encoding="utf-8"))).cursor is Cursor.HOSTILE


def test_an_unknown_parameter_is_no_behaviour() -> None:
    """A document of another version is not half believed."""
    with pytest.raises(TypeError, match="surprise"):
        behaviour_of({"behaviour": {"surprise": "x"}})
    with pytest.raises(ValueError, match="sometimes"):
        behaviour_of({"behaviour": {"cursor": "sometimes"}})
    assert behaviour_of({"behaviour": {}}) == replace(Behaviour())

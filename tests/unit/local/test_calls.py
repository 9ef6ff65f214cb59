from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from janitor.local.behaviour import PUBLISHED_BUCKETS, Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from tests.unit.local.support import UNTHROTTLED, ask, delete, embedded, refusal

if TYPE_CHECKING:
    from janitor.local.replies import Json

THROTTLED = ("ThrottlingException", "Rate exceeded")


@pytest.mark.parametrize(
    ("bucket", "burst", "refill"),
    [
        ("task definition deletion", 5, 1),
        ("task definition modify", 20, 1),
        ("task definition read", 50, 20),
        ("cluster read", 50, 20),
        ("service read", 100, 20),
        ("cluster resource read", 100, 20),
        ("service deployment", 50, 20),
        ("service revision", 50, 20),
        ("tag modify", 20, 10),
        ("tag read", 50, 20),
    ],
)
def test_the_buckets_are_the_published_ones(bucket: str, burst: int, refill: int) -> None:
    """A bucket lets its burst through, then as many as flow in."""
    clock = VirtualClock()
    ecs = EmbeddedEcs(clock=clock)
    operations = PUBLISHED_BUCKETS[bucket].operations

    def admitted(calls: int) -> int:
        replies = [ecs.handle(operations[index % len(operations)], {}) for index in range(calls)]
        return sum(reply.body.get("__type") != "ThrottlingException" for reply in replies)

    assert admitted(burst + 10) == burst
    clock.sleep(1)
    assert admitted(refill + 10) == refill
    assert sum(ecs.throttled.values()) == 20
    assert sum(ecs.calls.values()) == burst + refill + 20


def test_a_call_of_one_bucket_takes_nothing_from_another() -> None:
    """Deleting has a bucket of its own."""
    ecs = EmbeddedEcs(clock=VirtualClock())
    while ecs.handle("DescribeTaskDefinition", {"taskDefinition": "etl:1"}).body["__type"] == "ClientException":
        pass

    delete(ecs, "etl:1")
    assert refusal(ecs, "ListTaskDefinitions") == THROTTLED


def test_a_throttled_call_does_nothing() -> None:
    """It is counted as a call and as a throttle, and a throttle is answered as HTTP 400."""
    ecs = embedded(Behaviour(), record=True)
    ecs.seed_family("etl", count=6)
    for number in range(1, 6):
        delete(ecs, f"etl:{number}")

    reply = ecs.handle("DeleteTaskDefinitions", {"taskDefinitions": ["etl:6"]})

    assert (reply.status, reply.body) == (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
    assert (ecs.calls["DeleteTaskDefinitions"], ecs.throttled["DeleteTaskDefinitions"]) == (6, 1)
    assert ecs.status("etl", 6) == "INACTIVE"
    assert ecs.deleted_requests == [(f"etl:{number}",) for number in range(1, 6)]


def test_an_operation_that_is_not_embedded_is_refused() -> None:
    """By a clear error, not by an answer that is not true."""
    code, message = refusal(embedded(), "PutAccountSetting")

    assert code == "UnknownOperationException"
    assert "PutAccountSetting" in message


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("DescribeTaskDefinition", {}, "InvalidParameterException"),
        ("DescribeTaskDefinition", {"taskDefinition": None}, "InvalidParameterException"),
        ("DescribeTaskDefinition", {"taskDefinition": 7}, "SerializationException"),
        ("DeleteTaskDefinitions", {"taskDefinitions": "etl:1"}, "SerializationException"),
        ("DeleteTaskDefinitions", {"taskDefinitions": [None]}, "SerializationException"),
        ("ListTaskDefinitions", {"maxResults": True}, "SerializationException"),
        ("ListTaskDefinitions", {"maxResults": "10"}, "SerializationException"),
        ("DescribeTaskDefinition", {"taskDefinition": "x:1", "include": ["ALL"]}, "InvalidParameterException"),
        ("RegisterTaskDefinition", {"family": "x", "containerDefinitions": ["y"]}, "SerializationException"),
    ],
)
def test_a_request_is_checked_against_the_model(operation: str, params: Json, code: str) -> None:
    """Required members, types and enumerated values are those of botocore's model."""
    assert refusal(embedded(), operation, **params)[0] == code


def test_a_member_that_the_model_does_not_know_is_ignored() -> None:
    """So newer clients can ask an older model."""
    ask(embedded(), "ListClusters", novelty=1)


def test_a_call_takes_its_time_before_and_after_the_server_acts() -> None:
    """Half of the latency lies on either side, so that a race can slip in between."""
    ecs = embedded(replace(UNTHROTTLED, latency=(0.2, 0.2), deletion_delay=timedelta(0)))
    ecs.seed_family("etl", count=1)
    start = ecs.clock.now().timestamp()

    deleted = delete(ecs, "etl:1")["taskDefinitions"][0]

    assert deleted["deleteRequestedAt"] == pytest.approx(start + 0.1)
    assert ecs.clock.monotonic() == pytest.approx(0.2)


def test_latency_is_the_same_each_time() -> None:
    """It is drawn from a seed."""

    def elapsed(seed: int) -> float:
        clock = VirtualClock()
        ecs = EmbeddedEcs(clock=clock, behaviour=replace(UNTHROTTLED, latency=(0.01, 0.5)), seed=seed)
        for _ in range(5):
            ask(ecs, "ListClusters")
        return clock.monotonic()

    assert elapsed(1) == elapsed(1) != elapsed(2)
    assert 0.05 <= elapsed(1) <= 2.5


def test_calls_overlap_on_the_virtual_clock() -> None:
    """The lock is not held while a call takes its time: ten calls of a second take a second."""
    clock = VirtualClock()
    ecs = EmbeddedEcs(clock=clock, behaviour=replace(UNTHROTTLED, latency=(1, 1)))
    with clock.executor(10) as executor:
        for future in [executor.submit(ask, ecs, "ListClusters") for _ in range(10)]:
            future.result()

    assert clock.monotonic() == pytest.approx(1)


def outcomes(ecs: EmbeddedEcs, calls: int, operation: str = "ListClusters", **params: object) -> str:
    """Return for each of some calls whether it went well: ``.`` or ``x``."""
    return "".join(".x"[ecs.handle(operation, params).status >= 400] for _ in range(calls))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(operation="ListClusters"), "xxxxx"),
        (Fault(operation="ListClusters", times=2), "xx..."),
        (Fault(operation="ListClusters", times=1, after=3), "...x."),
        (Fault(operation="ListServices"), "....."),
    ],
)
def test_a_fault_strikes_exactly_as_often_as_scripted(fault: Fault, expected: str) -> None:
    """So many times, after so many calls, of that operation."""
    ecs = embedded()
    ecs.faults.add(fault)

    assert outcomes(ecs, 5) == expected


def test_a_fault_strikes_during_its_time() -> None:
    """From its start up to its end on the clock."""
    ecs = embedded()
    ecs.faults.add(Fault(operation="ListClusters", during=(10, 20)))
    seen = []
    for _ in range(4):
        seen.append(outcomes(ecs, 1))
        ecs.clock.sleep(8)

    assert "".join(seen) == "..x."


@pytest.mark.parametrize(
    ("arn", "expected"),
    [("etl:1", "x..."), ("etl", "xxx."), ("task-definition/etl:1", "x.x."), ("web:", "...x")],
)
def test_a_fault_can_be_about_one_resource(arn: str, expected: str) -> None:
    """``family:number`` means that revision only; other text is looked for in what the call names."""
    ecs = embedded()
    ecs.faults.add(Fault(operation="DeleteTaskDefinitions", arn=arn))
    prefix = "arn:aws:ecs:eu-west-1:123456789012:task-definition/"

    seen = [
        outcomes(ecs, 1, "DeleteTaskDefinitions", taskDefinitions=[f"{prefix}{reference}"])
        for reference in ("etl:1", "etl:2", "etl:11", "web:1")
    ]

    assert "".join(seen) == expected


def test_a_fault_says_what_it_is() -> None:
    """Code, status and text are as scripted; a scripted throttle counts as one."""
    ecs = embedded()
    ecs.faults.add(Fault(operation="ListClusters", code="ThrottlingException", message="Slow down", times=1))
    ecs.faults.add(Fault(operation="ListClusters", code="ServerException", status=500, message="Oops"))

    first, second = ecs.handle("ListClusters", {}), ecs.handle("ListClusters", {})

    assert (first.status, first.body) == (400, {"__type": "ThrottlingException", "message": "Slow down"})
    assert (second.status, second.body) == (500, {"__type": "ServerException", "message": "Oops"})
    assert ecs.throttled["ListClusters"] == 1
    ecs.faults.clear()
    ask(ecs, "ListClusters")


@pytest.mark.parametrize(("acts", "status"), [(False, "INACTIVE"), (True, "DELETE_IN_PROGRESS")])
def test_a_fault_prevents_the_work_or_only_the_answer(*, acts: bool, status: str) -> None:
    """A server can fail after it acted; a repeated call then meets its own success."""
    ecs = embedded()
    ecs.seed_family("etl", count=1)
    ecs.faults.add(Fault(operation="DeleteTaskDefinitions", acts=acts))

    refusal(ecs, "DeleteTaskDefinitions", taskDefinitions=["etl:1"])

    assert ecs.status("etl", 1) == status


@pytest.mark.parametrize("lost", list(Lost))
def test_an_answer_can_be_lost(lost: Lost) -> None:
    """The transport is told how; the server acted or not, as scripted."""
    ecs = embedded()
    ecs.seed_family("etl", count=1)
    ecs.faults.add(Fault(operation="DeleteTaskDefinitions", lost=lost, acts=True))

    reply = ecs.handle("DeleteTaskDefinitions", {"taskDefinitions": ["etl:1"]})

    assert reply.lost is lost
    assert ecs.status("etl", 1) == "DELETE_IN_PROGRESS"


def test_no_module_of_the_embedded_ecs_reads_the_machines_clock_or_prints() -> None:
    """Time is an argument here too."""
    modules = Path(__file__).parents[3].joinpath("janitor", "local").glob("*.py")
    offences = [
        module.name
        for module in modules
        if re.search(
            r"^import time|from time import|datetime\.now|\bprint\(", module.read_text(encoding="utf-8"), re.MULTILINE
        )
    ]
    assert offences == []

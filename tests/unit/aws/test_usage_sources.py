"""What else starts tasks: rules, schedules and state machines, paged to their ends; unreadable keeps everything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from janitor.aws.client import Api
from janitor.aws.pace import ReadBudget
from janitor.aws.usage import ACTIONS, OPTIONAL_ACTIONS, READERS, AwsUsage
from janitor.aws.usage.reading import AT_ONCE, FAILURES
from janitor.core.model import FamilyUsage, UsageSource
from janitor.local.attach import virtual_time
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from tests.builders import attached_client, client_maker
from tests.fakes import START, InlineWorkers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

RULES, SCHEDULES, STATE_MACHINES = (
    "EventBridge rules",
    "EventBridge Scheduler schedules",
    "Step Functions state machines",
)
OPERATIONS = {
    "ListEventBuses": RULES,
    "ListRules": RULES,
    "ListTargetsByRule": RULES,
    "ListSchedules": SCHEDULES,
    "GetSchedule": SCHEDULES,
    "ListStateMachines": STATE_MACHINES,
    "DescribeStateMachine": STATE_MACHINES,
}
PERMISSIONS = {action.partition(":")[2]: action for action in ACTIONS}


class Place:
    """An account, and what reads it."""

    def __init__(self, behaviour: Behaviour | None = None, *, seed: int = 0) -> None:
        self.clock = VirtualClock(START)
        self.ecs = EmbeddedEcs(clock=self.clock, behaviour=behaviour or Behaviour(throttling=False), seed=seed)

    def usage(
        self, *, off: Collection[UsageSource] = (), reads: ReadBudget | None = None, inline: bool = False
    ) -> AwsUsage:
        """Return what reads it, new in every respect."""
        return AwsUsage(
            Api(attached_client(self.ecs), clock=self.clock, reads=reads),
            workers=InlineWorkers() if inline else self.clock.executor(READERS),
            client_of=client_maker(self.ecs),
            off=off,
        )

    def used(self, family: str = "web") -> dict[int, str]:
        """Return who uses a family, and check that nothing was unreadable."""
        found = self.usage().of(family)
        assert found.unreadable == ()
        return dict(found.reasons)

    def one_of_each(self) -> None:
        """Add one user by each source, and one in ECS."""
        self.ecs.seed_service("prod", "shop", task_definition="web:1")
        self.ecs.event_bridge.add("nightly", "web:2")
        self.ecs.scheduler.add("hourly", "web:3")
        self.ecs.step_functions.add("etl", "web:4")


ONE_OF_EACH = {
    1: "service shop in cluster prod runs it",
    2: "EventBridge rule nightly on bus default names it",
    3: "EventBridge schedule hourly in group default names it",
    4: "Step Functions state machine etl names it",
}


@pytest.fixture
def place() -> Iterator[Place]:
    """Provide an account whose retries wait on the virtual clock."""
    place = Place()
    with virtual_time(place.clock):
        yield place


def test_each_source_tells_of_its_users(place: Place) -> None:
    """By name, so that somebody can go and look."""
    place.one_of_each()
    assert place.used() == ONE_OF_EACH


def test_all_is_read_on_the_callers_own_thread_as_well(place: Place) -> None:
    """No read waits for another one, so that no number of workers is too small."""
    place.one_of_each()
    assert dict(place.usage(inline=True).of("web").reasons) == ONE_OF_EACH


@pytest.mark.parametrize("family", ["etl", "we", "web-2"])
def test_what_names_another_family_is_not_in_use(place: Place, family: str) -> None:
    """However alike the names are."""
    place.one_of_each()
    assert place.used(family) == {}


@pytest.mark.parametrize(
    "reference", ["web:7", "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7", "web", "task-definition-arn"]
)
@pytest.mark.parametrize("source", ["event_bridge", "scheduler", "step_functions"])
def test_only_a_number_names_a_revision(place: Place, source: str, reference: str) -> None:
    """Without one the latest ACTIVE revision is started, which is no candidate; that is neither use nor trouble."""
    getattr(place.ecs, source).add("one", reference)
    assert set(place.used()) == ({7} if reference.endswith(":7") else set())


@pytest.mark.parametrize("source", ["event_bridge", "scheduler", "step_functions"])
@pytest.mark.parametrize("reference", ["arn:aws:ecs:eu-west-1:123456789012:cluster/web:7", "arn:odd", "arn:web:latest"])
def test_a_reference_that_cannot_be_parsed_is_not_taken_for_free(place: Place, source: str, reference: str) -> None:
    """Everything is kept, and the words name it."""
    getattr(place.ecs, source).add("one", reference)
    (unreadable,) = place.usage().of("web").unreadable
    assert repr(reference) in unreadable
    assert "one" in unreadable


def test_every_bus_and_disabled_rules_count(place: Place) -> None:
    """A rule can be enabled again."""
    place.ecs.event_bridge.add("nightly", "web:2", state="DISABLED")
    place.ecs.event_bridge.add("nightly", "web:3", "etl:1", bus="partner/bus")
    assert place.used() == {
        2: "EventBridge rule nightly on bus default names it",
        3: "EventBridge rule nightly on bus partner/bus names it",
    }


def test_every_group_and_disabled_schedules_count(place: Place) -> None:
    """As for rules."""
    place.ecs.scheduler.add("hourly", "web:2", state="DISABLED")
    place.ecs.scheduler.add("hourly", "web:3", group="reports")
    assert place.used() == {
        2: "EventBridge schedule hourly in group default names it",
        3: "EventBridge schedule hourly in group reports names it",
    }


def test_everything_is_read_to_the_end(place: Place) -> None:
    """Beyond a page of each: buses, rules, targets, schedules, state machines."""
    for number in range(1, 131):
        place.ecs.event_bridge.add("rule", f"buses:{number}", bus=f"bus-{number:03}")
        place.ecs.event_bridge.add(f"rule-{number:03}", f"rules:{number}")
        place.ecs.scheduler.add(f"schedule-{number:03}", f"schedules:{number}")
    place.ecs.event_bridge.add("many", *(f"targets:{number}" for number in range(1, 131)))
    for number in range(1, 1_006):
        place.ecs.step_functions.add(f"machine-{number:04}", f"machines:{number}")
    usage = place.usage()
    for family in ("buses", "rules", "targets", "schedules"):
        assert set(usage.of(family).reasons) == set(range(1, 131)), family
    assert set(usage.of("machines").reasons) == set(range(1, 1_006))
    assert usage.of("web").unreadable == ()


def test_all_is_read_once(place: Place) -> None:
    """However many families ask."""
    place.one_of_each()
    usage = place.usage()
    usage.of("web")
    before = dict(place.ecs.calls)
    for family in ("etl", "web", "nobody"):
        usage.of(family)
    assert place.ecs.calls == before


def test_only_schedules_that_can_start_tasks_are_read_whole(place: Place) -> None:
    """A listing tells whether the target is a cluster, or an operation of ECS."""
    role = {"RoleArn": "arn:aws:iam::123456789012:role/r"}
    for number, arn in enumerate((
        "arn:aws:lambda:eu-west-1:123456789012:function:f",
        "arn:aws:sqs:eu-west-1:123456789012:cluster",
        "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
    )):  # fmt: skip
        place.ecs.scheduler.add_target(f"other-{number}", role | {"Arn": arn})
    run_task = role | {"Arn": "arn:aws:scheduler:::aws-sdk:ecs:runTask"}
    place.ecs.scheduler.add_target("universal", run_task | {"Input": json.dumps({"TaskDefinition": "web:7"})})
    place.ecs.scheduler.add_target("universal-2", run_task | {"Input": json.dumps({"taskDefinition": "web:8"})})
    place.ecs.scheduler.add_target("nothing", run_task | {"Input": "{}"})
    place.ecs.scheduler.add("templated", "web:9")
    assert place.used() == {
        7: "EventBridge schedule universal in group default names it",
        8: "EventBridge schedule universal-2 in group default names it",
        9: "EventBridge schedule templated in group default names it",
    }
    assert place.ecs.calls["GetSchedule"] == 4


@pytest.mark.parametrize("content", ["{", "[]", "null", '"web:7"', '{"TaskDefinition": 7}'])
def test_an_input_that_cannot_be_read_protects_everything(place: Place, content: str) -> None:
    """Of a universal target."""
    target = {"Arn": "arn:aws:scheduler:::aws-sdk:ecs:runTask", "RoleArn": "arn:aws:iam::1:role/r", "Input": content}
    place.ecs.scheduler.add_target("universal", target)
    (unreadable,) = place.usage().of("web").unreadable
    assert unreadable.startswith(f"{SCHEDULES} could not be read")
    assert "GetSchedule" in unreadable


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("ListRules", "ResourceNotFoundException"),
        ("ListTargetsByRule", "ResourceNotFoundException"),
        ("GetSchedule", "ResourceNotFoundException"),
        ("DescribeStateMachine", "StateMachineDoesNotExist"),
    ],
)
def test_what_went_after_it_was_listed_uses_nothing(place: Place, operation: str, code: str) -> None:
    """A schedule that runs once may delete itself."""
    place.one_of_each()
    place.ecs.faults.add(Fault(operation=operation, code=code))
    found = place.usage().of("web")
    assert found.unreadable == ()
    assert len(found.reasons) == 3


def test_a_definition_that_is_not_in_the_language_protects_everything(place: Place) -> None:
    """The state machine is named; nothing of its definition is told."""
    place.ecs.step_functions.add_definition("broken", '{"States": {"A": {"Type": "Task", "Secret": "hunter2"}}}')
    (unreadable,) = place.usage().of("web").unreadable
    assert unreadable.startswith(f"{STATE_MACHINES} could not be read")
    assert "broken" in unreadable
    assert "hunter2" not in unreadable


def test_a_definition_too_deep_to_be_parsed_protects_everything(place: Place) -> None:
    """It ends neither the run nor the source's good name."""
    place.ecs.step_functions.add_definition("deep", "[" * 100_000)
    (unreadable,) = place.usage().of("web").unreadable
    assert "the definition of deep is not in the Amazon States Language (RecursionError)" in unreadable


def test_what_depends_on_an_input_is_a_warning_that_names_the_state_machines(place: Place) -> None:
    """It cannot be known, so it is neither use nor trouble; a few are named, the others counted."""
    state = {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask", "Parameters": {"TaskDefinition.$": "$.t"}}
    for number in range(1, 8):
        place.ecs.step_functions.add_definition(f"m{number}", json.dumps({"States": {"A": state}}))
    found = place.usage().of("web")
    (warning,) = found.warnings
    assert "state machine m1, state machine m2," in warning
    assert warning.endswith("state machine m5 and 2 more")
    assert (found.reasons, found.unreadable) == ({}, ())


# What cannot be read


FAULTS: dict[str, dict[str, Any]] = {
    "throttled for ever": {"code": "ThrottlingException", "message": "Rate exceeded"},
    "failing": {"code": "InternalException", "status": 500, "message": "words of the service"},
    "failing for a reason of its own": {"code": "KmsAccessDeniedException", "message": "words of the service"},
    "connection reset": {"lost": Lost.CONNECTION_CLOSED},
    "denied": {"code": "AccessDeniedException", "message": "words of the service"},
    "expired": {"code": "ExpiredTokenException", "status": 403, "message": "words of the service"},
    "malformed": {"lost": Lost.MALFORMED_BODY, "acts": True},
}
CAUSES = {
    "throttled for ever": "was throttled at each of 12 attempts",
    "failing": "InternalException: words of the service",
    "failing for a reason of its own": "KmsAccessDeniedException: words of the service",
    "connection reset": "no answer from",
    "denied": "was denied: AccessDeniedException: words of the service",
    "expired": "was denied: ExpiredTokenException: words of the service",
    "malformed": "",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_call_that_fails_protects_everything(place: Place, operation: str, fault: str) -> None:
    """The words say what was asked, what went wrong and which permission is missing; other users are still found."""
    place.one_of_each()
    place.ecs.faults.add(Fault(operation=operation, **FAULTS[fault]))
    found = place.usage().of("web")
    (unreadable,) = found.unreadable
    assert unreadable.startswith(f"{OPERATIONS[operation]} could not be read (")
    assert CAUSES[fault] in unreadable
    assert (PERMISSIONS[operation] if fault in {"denied", "expired"} else operation) in unreadable
    own = {RULES: 2, SCHEDULES: 3, STATE_MACHINES: 4}[OPERATIONS[operation]]
    assert dict(found.reasons) == {number: words for number, words in ONE_OF_EACH.items() if number != own}


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        ("ListEventBuses", "EventBuses"),
        ("ListRules", "Rules"),
        ("ListTargetsByRule", "Targets"),
        ("ListSchedules", "Schedules"),
        ("GetSchedule", "Target"),
        ("ListStateMachines", "stateMachines"),
        ("DescribeStateMachine", "definition"),
    ],
)
def test_an_answer_without_what_was_asked_for_protects_everything(place: Place, operation: str, member: str) -> None:
    """It is not the same as an empty one."""
    place.one_of_each()
    new_client = client_maker(place.ecs)

    def client_of(service: str) -> Any:  # noqa: ANN401 - as boto3
        client = new_client(service)
        client.meta.events.register("after-call", tampered)
        return client

    def tampered(parsed: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's OperationModel
        if model.name == operation:
            parsed.pop(member)

    usage = AwsUsage(
        Api(attached_client(place.ecs), clock=place.clock), workers=place.clock.executor(READERS), client_of=client_of
    )
    (unreadable,) = usage.of("web").unreadable
    assert unreadable.startswith(f"{OPERATIONS[operation]} could not be read ({operation} failed: MalformedResponse")


def test_a_target_without_a_task_definition_protects_everything(place: Place) -> None:
    """It says that it starts tasks, and not which."""
    place.ecs.event_bridge._put_rule({"Name": "odd"})
    place.ecs.event_bridge._put_targets({"Rule": "odd", "Targets": [{"Id": "1", "Arn": "arn", "EcsParameters": {}}]})
    assert place.usage().of("web").unreadable


def test_a_service_for_which_there_is_no_client_protects_everything(place: Place) -> None:
    """A Region that boto3 does not know, for instance."""

    def client_of(service: str) -> Any:  # noqa: ANN401 - as boto3
        message = f"nothing is known of {service}"
        raise ValueError(message)

    usage = AwsUsage(Api(attached_client(place.ecs), clock=place.clock), workers=InlineWorkers(), client_of=client_of)
    assert len(usage.of("web").unreadable) == 3


def test_a_source_that_fails_is_soon_left_alone(place: Place) -> None:
    """Of 200 rules a handful are asked for in vain: by then everything is kept, and the report stays short."""
    for number in range(200):
        place.ecs.event_bridge.add(f"rule-{number}", "web:1")
    place.ecs.faults.add(Fault(operation="ListTargetsByRule", code="AccessDeniedException", message="no"))
    assert len(place.usage().of("web").unreadable) == 1
    assert place.ecs.calls["ListTargetsByRule"] <= FAILURES + AT_ONCE


def test_a_source_that_is_throttled_for_ever_ends(place: Place) -> None:
    """Not each of 200 rules is tried for minutes."""
    for number in range(200):
        place.ecs.event_bridge.add(f"rule-{number}", "web:1")
    place.ecs.faults.add(Fault(operation="ListTargetsByRule", code="ThrottlingException", message="Rate exceeded"))
    assert place.usage().of("web").unreadable
    assert place.clock.monotonic() < 600


def test_reads_that_the_budget_does_not_allow_are_not_made(place: Place) -> None:
    """The budget counts the calls to all services; what it kept from being read protects everything."""
    for number in range(50):
        place.ecs.event_bridge.add(f"rule-{number}", "web:1")
        place.ecs.scheduler.add(f"schedule-{number}", "web:2")
    unreadable = place.usage(reads=ReadBudget(20)).of("web").unreadable
    assert sum(place.ecs.calls.values()) <= 20
    assert any("raise --max-reads" in each for each in unreadable)


# Switched off


@pytest.mark.parametrize("source", UsageSource)
def test_a_source_that_is_switched_off_is_not_asked(place: Place, source: UsageSource) -> None:
    """No call, no client, no permission needed; the others are."""
    place.one_of_each()
    found = place.usage(off={source}).of("web")
    assert found.unreadable == ()
    assert len(found.reasons) == 3
    asked = {PERMISSIONS[operation] for operation in place.ecs.calls}
    assert not asked & set(OPTIONAL_ACTIONS[source])
    assert asked >= {action for other in UsageSource if other is not source for action in OPTIONAL_ACTIONS[other]}


# Side by side


def test_no_source_waits_for_another(place: Place) -> None:
    """400 rules take 19 seconds at 20 a second; what ECS and Step Functions know is there long before."""
    place = Place(Behaviour(latency=(0.02, 0.2)))
    last: dict[str, float] = {}
    for number in range(400):
        place.ecs.event_bridge.add(f"rule-{number}", "web:1")
    for number in range(10):
        place.ecs.seed_service(f"cluster-{number}", "shop", task_definition=f"web:{number + 2}")
        place.ecs.step_functions.add(f"machine-{number}", "web:20")
    handle = place.ecs.handle

    def timed(operation: str, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a Reply
        last[operation] = place.clock.monotonic()
        return handle(operation, params)

    place.ecs.handle = timed  # type: ignore[method-assign]
    with virtual_time(place.clock):
        place.used()
    assert last["ListTargetsByRule"] > 15
    assert max(last["DescribeServices"], last["ListTasks"], last["DescribeStateMachine"]) < 5
    assert sum(place.ecs.throttled.values()) == 0


def test_what_is_told_does_not_depend_on_who_answered_first() -> None:
    """Of several users of a revision the same one is named, whatever the answers' order."""
    found: set[str] = set()
    for seed in range(6):
        place = Place(Behaviour(throttling=False, latency=(0.0, 2.0)), seed=seed)
        place.ecs.seed_service("b", "shop", task_definition="web:1", previous_revisions=["web:2"])
        place.ecs.seed_service("a", "shop", task_definition="web:1", deployments=["web:2"])
        place.ecs.event_bridge.add("nightly", "web:1", "web:2", "web:3")
        place.ecs.event_bridge.add("daily", "web:3")
        place.ecs.step_functions.add("etl", "web:3")
        with virtual_time(place.clock):
            found.add(str(sorted(place.used().items())))
    assert found == {
        str(
            [
                (1, "service shop in cluster a runs it"),
                (2, "a deployment of service shop in cluster a names it"),
                (3, "EventBridge rule daily on bus default names it"),
            ]
        )
    }


def test_a_task_told_to_stop_between_two_listings_is_in_one_of_them(place: Place) -> None:
    """The running ones are listed first: whoever stops meanwhile is among the others."""
    place.ecs.seed_task("prod", "web:9")
    handle = place.ecs.handle

    def stopping(operation: str, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a Reply
        listed = operation == "ListTasks" and params["desiredStatus"]
        if listed == "RUNNING":
            for task in place.ecs._workloads.tasks.values():
                task["desiredStatus"] = "STOPPED"
        return handle(operation, params)

    place.ecs.handle = stopping  # type: ignore[method-assign]
    assert set(place.used()) == {9}


def test_nobody_is_asked_about_an_empty_account_more_than_needed(place: Place) -> None:
    """One call of each listing."""
    assert place.usage().of("web") == FamilyUsage()
    assert set(place.ecs.calls.values()) == {1}

"""Who uses a revision: every referrer that ECS knows, paged to its end; what cannot be read protects everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from janitor.aws.client import Api
from janitor.aws.usage import READERS, AwsUsage
from janitor.aws.usage.ecs import PAST_DEPLOYMENTS
from janitor.aws.usage.reading import FAILURES
from janitor.core.model import FamilyUsage
from janitor.local.attach import virtual_time
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.families import Status
from janitor.local.faults import Fault
from tests.builders import attached_client, client_maker
from tests.fakes import START

if TYPE_CHECKING:
    from collections.abc import Iterator


class Place:
    """An account with services and tasks, and what reads it."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START)
        self.ecs = EmbeddedEcs(clock=self.clock, behaviour=Behaviour(throttling=False))
        for family in ("web", "etl"):
            self.ecs.seed_family(family, count=400, status=Status.INACTIVE)
        self.client = attached_client(self.ecs)
        self.usage = AwsUsage(
            Api(self.client, clock=self.clock),
            workers=self.clock.executor(READERS),
            client_of=client_maker(self.ecs),
        )

    def used(self, family: str = "web") -> dict[int, str]:
        """Return who uses a family, and check that nothing was unreadable."""
        found = self.usage.of(family)
        assert found.unreadable == ()
        return dict(found.reasons)

    def tamper(self, operation: str, **changes: Any) -> None:  # noqa: ANN401 - members of any response
        """Change members of each parsed response of an operation; None takes one away."""

        def changed(parsed: dict[str, Any], **_: object) -> None:
            for name, value in changes.items():
                parsed.pop(name, None)
                if value is not None:
                    parsed[name] = value

        events: Any = self.client.meta.events
        events.register(f"after-call.ecs.{operation}", changed)


@pytest.fixture
def place() -> Iterator[Place]:
    """Provide an account whose retries wait on the virtual clock."""
    place = Place()
    with virtual_time(place.clock):
        yield place


def test_without_clusters_nothing_is_in_use(place: Place) -> None:
    """One call of each service tells, and one more for its default event bus."""
    assert place.usage.of("web") == FamilyUsage()
    assert place.ecs.calls == {
        "ListClusters": 1,
        "ListEventBuses": 1,
        "ListRules": 1,
        "ListSchedules": 1,
        "ListStateMachines": 1,
    }


def test_what_a_service_runs_is_in_use(place: Place) -> None:
    """With its name and its cluster."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7")
    assert place.used() == {7: "service shop in cluster prod runs it"}
    assert place.used("etl") == {}


def test_every_deployment_of_a_service_is_in_use(place: Place) -> None:
    """Also one that is not finished."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7", deployments=["web:3", "web:5"])
    assert place.used() == {
        7: "service shop in cluster prod runs it",
        3: "a deployment of service shop in cluster prod names it",
        5: "a deployment of service shop in cluster prod names it",
    }


@pytest.mark.parametrize("task_definition", ["web:7", None])
def test_every_task_set_of_a_service_is_in_use(place: Place, task_definition: str | None) -> None:
    """Also where the service itself names no task definition."""
    place.ecs.seed_service(
        "prod", "shop", task_definition=task_definition, task_sets=["web:2", "etl:3"], controller="EXTERNAL"
    )
    assert place.used()[2] == "a task set of service shop in cluster prod names it"
    assert place.used("etl") == {3: "a task set of service shop in cluster prod names it"}
    assert (7 in place.used()) is (task_definition is not None)


def test_what_a_service_ran_before_is_in_use(place: Place) -> None:
    """A rollback goes back to it."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7", previous_revisions=["web:4", "web:6"])
    assert place.used() == {
        7: "service shop in cluster prod runs it",
        6: "a recent deployment of service shop in cluster prod names it",
        4: "a recent deployment of service shop in cluster prod names it",
    }


def test_the_latest_deployments_are_read_as_far_as_they_matter(place: Place) -> None:
    """Ten of them, the newest."""
    place.ecs.seed_service(
        "prod", "shop", task_definition="web:100", previous_revisions=[f"web:{number}" for number in range(1, 31)]
    )
    assert set(place.used()) == {100, *range(31 - (PAST_DEPLOYMENTS - 1), 31)}
    assert place.ecs.calls["ListServiceDeployments"] == 1


def test_past_deployments_are_read_only_for_services_of_the_family_that_is_asked_for(place: Place) -> None:
    """Each costs calls."""
    for number in range(1, 6):
        place.ecs.seed_service("prod", f"web-{number}", task_definition=f"web:{number}")
    place.ecs.seed_service("prod", "etl", task_definition="etl:7", previous_revisions=["etl:6"])
    assert set(place.used("etl")) == {6, 7}
    assert place.ecs.calls["ListServiceDeployments"] == 1
    assert place.ecs.calls["DescribeServiceRevisions"] == 1


def test_a_service_without_service_deployments_is_not_asked_for_them(place: Place) -> None:
    """Under CodeDeploy or an external controller ECS refuses the call."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7", controller="CODE_DEPLOY", task_sets=["web:6"])
    assert set(place.used()) == {6, 7}
    assert place.ecs.calls["ListServiceDeployments"] == 0


@pytest.mark.parametrize(
    ("last_status", "desired_status", "used"),
    [
        ("PROVISIONING", "RUNNING", True),
        ("PENDING", "RUNNING", True),
        ("ACTIVATING", "RUNNING", True),
        ("RUNNING", "RUNNING", True),
        ("RUNNING", "STOPPED", True),
        ("DEACTIVATING", "STOPPED", True),
        ("STOPPING", "STOPPED", True),
        ("DEPROVISIONING", "STOPPED", True),
        ("SOMETHING_NEW", "RUNNING", True),
        ("STOPPED", "STOPPED", False),
    ],
)
def test_a_task_uses_its_revision_until_it_has_stopped(
    place: Place, last_status: str, desired_status: str, *, used: bool
) -> None:
    """Also one that was told to stop and still runs, and one without a service."""
    arn = place.ecs.seed_task("prod", "web:9", last_status=last_status, desired_status=desired_status)
    identity = arn.rsplit("/", 1)[-1]
    expected = {9: f"task {identity} in cluster prod is {last_status} with it"} if used else {}
    assert place.used() == expected


def test_the_first_reason_found_is_the_one_that_is_told(place: Place) -> None:
    """A service before its deployments and its tasks: nobody wants to read a hundred."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7")
    for _ in range(3):
        place.ecs.seed_task("prod", "web:7", group="service:shop")
    assert place.used() == {7: "service shop in cluster prod runs it"}


def test_all_clusters_services_and_tasks_are_read_to_the_end(place: Place) -> None:
    """Beyond a page of each: 130 clusters, 130 services, 130 running and 130 stopping tasks."""
    for number in range(1, 131):
        place.ecs.seed_cluster(f"cluster-{number:03}")
        place.ecs.seed_service("big", f"shop-{number}", task_definition=f"web:{number}")
        place.ecs.seed_task("big", f"etl:{number}")
        place.ecs.seed_task("big", f"etl:{200 + number}", last_status="RUNNING", desired_status="STOPPED")
    place.ecs.seed_task("cluster-130", "etl:399")
    usage = place.usage.of("etl")
    assert usage.unreadable == ()
    assert set(usage.reasons) == {*range(1, 131), *range(201, 331), 399}
    assert place.ecs.calls["DescribeServices"] == 13
    assert set(place.used("web")) == set(range(1, 131))


def test_clusters_services_and_tasks_are_read_once(place: Place) -> None:
    """However many families ask, and however often."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7")
    place.ecs.seed_task("prod", "etl:3")
    for family in ("web", "etl", "nobody", "web"):
        place.usage.of(family)
    assert place.ecs.calls["ListClusters"] == 1
    assert place.ecs.calls["DescribeServices"] == 1
    assert place.ecs.calls["ListServiceDeployments"] == 1


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ("ListClusters", "services and tasks"),
        ("ListServices", "services of cluster prod"),
        ("DescribeServices", "services of cluster prod"),
        ("ListTasks", "tasks of cluster prod"),
        ("DescribeTasks", "tasks of cluster prod"),
        ("ListServiceDeployments", "past deployments of service shop"),
        ("DescribeServiceRevisions", "past deployments of services"),
    ],
)
@pytest.mark.parametrize("code", ["AccessDeniedException", "ServerException", "ThrottlingException", "ClientException"])
def test_a_source_that_cannot_be_read_is_named_and_does_not_raise(
    place: Place, operation: str, named: str, code: str
) -> None:
    """Whatever the reason: denied, failed or throttled for good."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7", previous_revisions=["web:6"])
    place.ecs.seed_task("prod", "web:9")
    place.ecs.faults.add(Fault(operation=operation, code=code, message="words of the service"))
    (unreadable,) = place.usage.of("web").unreadable
    assert unreadable.startswith(f"{named} could not be read")
    assert operation in unreadable


def test_one_unreadable_cluster_does_not_hide_the_users_in_the_others(place: Place) -> None:
    """What is known is told with its reason; the rest is possibly in use."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7")
    place.ecs.seed_service("test", "shop", task_definition="web:8")
    place.ecs.faults.add(Fault(operation="ListServices", arn="prod", code="AccessDeniedException"))
    found = place.usage.of("web")
    assert dict(found.reasons) == {8: "service shop in cluster test runs it"}
    assert len(found.unreadable) == 1


def test_what_was_unreadable_once_protects_the_families_asked_for_later(place: Place) -> None:
    """It might have named any of them."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7")
    place.ecs.faults.add(Fault(operation="ListTasks", code="AccessDeniedException"))
    for family in ("web", "etl", "web"):
        assert len(place.usage.of(family).unreadable) == 1


@pytest.mark.parametrize("reference", ["web", "arn:aws:ecs:eu-west-1:1:task-definition/web", "web:latest", "web:7/8"])
def test_a_reference_that_names_no_revision_makes_its_source_unreadable(place: Place, reference: str) -> None:
    """An ARN that cannot be parsed must not be taken for free."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7")
    services = place.client.describe_services(cluster="prod", services=["shop"])["services"]
    place.tamper("DescribeServices", services=[{**services[0], "taskDefinition": reference}])
    (unreadable,) = place.usage.of("web").unreadable
    assert unreadable.startswith("services of cluster prod could not be read")
    assert repr(reference) in unreadable


@pytest.mark.parametrize(
    ("operation", "seeded"),
    [("DescribeServices", "services"), ("DescribeTasks", "tasks"), ("DescribeServiceRevisions", "past deployments")],
)
@pytest.mark.parametrize(("reason", "readable"), [("MISSING", True), ("ACCESS_DENIED", False), (None, False)])
def test_a_failure_lets_pass_only_what_is_missing(
    place: Place, operation: str, seeded: str, reason: str | None, *, readable: bool
) -> None:
    """What went away between the listing and now uses nothing; anything else means that we do not know."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7")
    place.ecs.seed_task("prod", "web:9")
    failure = {"arn": "arn:of:it"} | ({"reason": reason} if reason else {})
    place.tamper(operation, failures=[failure])
    unreadable = place.usage.of("web").unreadable
    if readable:
        assert unreadable == ()
    else:
        assert len(unreadable) == 1
        assert unreadable[0].startswith(seeded)
        assert "arn:of:it" in unreadable[0]


def test_a_task_that_went_between_listing_and_describing_is_no_trouble(place: Place) -> None:
    """ECS says MISSING."""
    place.ecs.seed_task("prod", "web:9")
    gone = "arn:aws:ecs:eu-west-1:123456789012:task/prod/" + "0" * 32
    arns = [*place.client.list_tasks(cluster="prod")["taskArns"], gone]
    place.tamper("ListTasks", taskArns=arns)
    assert set(place.used()) == {9}


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        ("ListClusters", "clusterArns"),
        ("ListServices", "serviceArns"),
        ("DescribeServices", "services"),
        ("ListTasks", "taskArns"),
        ("DescribeTasks", "tasks"),
        ("ListServiceDeployments", "serviceDeployments"),
        ("DescribeServiceRevisions", "serviceRevisions"),
    ],
)
def test_a_response_without_its_list_is_unreadable(place: Place, operation: str, member: str) -> None:
    """Unknown means keep, and ``of`` never raises."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7", previous_revisions=["web:6"])
    place.ecs.seed_task("prod", "web:9")
    place.tamper(operation, **{member: None})
    assert place.usage.of("web").unreadable


@pytest.mark.parametrize(
    ("operation", "member"),
    [("DescribeServices", "services"), ("DescribeTasks", "tasks"), ("DescribeServiceRevisions", "serviceRevisions")],
)
def test_an_entry_that_nobody_answered_for_makes_its_source_unreadable(
    place: Place, operation: str, member: str
) -> None:
    """Neither described nor said to be missing: unknown means keep."""
    place.ecs.seed_service("prod", "shop", task_definition="web:7", previous_revisions=["web:6"])
    place.ecs.seed_task("prod", "web:9")
    place.tamper(operation, **{member: []})
    assert place.usage.of("web").unreadable


def test_what_failed_three_times_is_not_tried_for_every_family(place: Place) -> None:
    """Everything is kept by then, also what belongs to the families asked for later."""
    for number in range(20):
        place.ecs.seed_service("prod", f"shop-{number}", task_definition=f"family-{number}:1")
    place.ecs.faults.add(Fault(operation="ListServiceDeployments", code="AccessDeniedException"))
    for number in range(20):
        assert place.usage.of(f"family-{number}").unreadable
    assert place.ecs.calls["ListServiceDeployments"] == FAILURES


def test_services_share_the_calls_that_describe_what_they_ran_before(place: Place) -> None:
    """Twenty of their revisions go into one."""
    for number in range(1, 26):
        place.ecs.seed_service("prod", f"shop-{number}", task_definition=f"web:{number}")
    assert set(place.used()) == set(range(1, 26))
    assert place.ecs.calls["ListServiceDeployments"] == 25
    assert place.ecs.calls["DescribeServiceRevisions"] == 2

"""The embedded ECS as a real botocore client meets it: serialising, signing, retries and parsing are botocore's own."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from janitor.local.attach import attach, virtual_time
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.local.families import Status
from janitor.local.faults import Fault
from janitor.local.replies import Lost
from janitor.local.server import serve
from janitor.local.validation import SERVICES, model_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_ecs import ECSClient

CALM = Behaviour(throttling=False)
REGISTERED = datetime(2024, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def client_of(endpoint_url: str | None = None, *, attempts: int = 3) -> ECSClient:
    """Return an ECS client that needs no account."""
    session = boto3.Session("test", "test", region_name="eu-west-1")
    config = Config(retries={"mode": "standard", "total_max_attempts": attempts}, read_timeout=30)
    return session.client("ecs", endpoint_url=endpoint_url, config=config)


def attached(ecs: EmbeddedEcs, *, attempts: int = 3) -> ECSClient:
    """Return a client that the embedded ECS answers in process."""
    client = client_of(attempts=attempts)
    attach(client, ecs)
    return client


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    """Provide a virtual clock that botocore's retries run on as well."""
    clock = VirtualClock()
    with virtual_time(clock):
        yield clock


@pytest.fixture(params=["in process", "over HTTP"])
def transported(request: pytest.FixtureRequest, clock: VirtualClock) -> Iterator[tuple[EmbeddedEcs, ECSClient]]:
    """Provide an embedded ECS and a client of it, by either transport."""
    ecs = EmbeddedEcs(clock=clock, behaviour=CALM)
    if request.param == "in process":
        yield ecs, attached(ecs)
    else:
        with serve(ecs) as url:
            client = client_of(url)
            yield ecs, client
            client.close()


def test_a_lifecycle_parses(transported: tuple[EmbeddedEcs, ECSClient]) -> None:
    """From registration to gone, with dates as aware datetimes."""
    ecs, client = transported
    client.create_cluster(clusterName="prod")
    registered = client.register_task_definition(
        family="etl",
        containerDefinitions=[{"name": "main", "image": "busybox", "environment": [{"name": "A", "value": "ä"}]}],
        requiresCompatibilities=["FARGATE"],
        tags=[{"key": "team", "value": "data"}],
    )
    arn = registered["taskDefinition"]["taskDefinitionArn"]
    task = client.run_task(cluster="prod", taskDefinition="etl")["tasks"][0]
    client.stop_task(cluster="prod", task=task["taskArn"])
    client.deregister_task_definition(taskDefinition=arn)
    deleted = client.delete_task_definitions(taskDefinitions=[arn])

    assert registered["tags"] == [{"key": "team", "value": "data"}]
    assert deleted["failures"] == []
    definition = deleted["taskDefinitions"][0]
    assert definition["status"] == "DELETE_IN_PROGRESS"
    assert definition["containerDefinitions"][0]["environment"] == [{"name": "A", "value": "ä"}]
    assert definition["registeredAt"] == definition["deregisteredAt"] == definition["deleteRequestedAt"]
    assert definition["registeredAt"] == ecs.clock.now()
    ecs.clock.sleep(3600)
    with pytest.raises(ClientError, match=r"ClientException.*Unable to describe task definition\."):
        client.describe_task_definition(taskDefinition=arn)


def test_botocores_paginators_list_everything(transported: tuple[EmbeddedEcs, ECSClient]) -> None:
    """Both listings, over several pages."""
    ecs, client = transported
    ecs.seed_family("etl", count=250)
    ecs.seed_family("web", count=1)

    revisions = client.get_paginator("list_task_definitions").paginate(familyPrefix="etl", status="INACTIVE")
    families = client.get_paginator("list_task_definition_families").paginate(PaginationConfig={"PageSize": 1})

    numbers = [int(arn.rpartition(":")[2]) for page in revisions for arn in page["taskDefinitionArns"]]
    assert numbers == list(range(1, 251))
    assert [name for page in families for name in page["families"]] == ["etl", "web"]


def test_a_failure_parses_with_reason_and_detail(transported: tuple[EmbeddedEcs, ECSClient]) -> None:
    """Partial success is one answer with two lists."""
    ecs, client = transported
    ecs.seed_family("etl", count=2)
    ecs.faults.refuse("etl:2", reason="BUSY", detail="Try later.")

    body = client.delete_task_definitions(taskDefinitions=["etl:1", "etl:2"])

    assert [each["revision"] for each in body["taskDefinitions"]] == [1]
    assert body["failures"][0]["reason"] == "BUSY"
    assert body["failures"][0]["detail"] == "Try later."


def test_dates_and_their_absence_parse(transported: tuple[EmbeddedEcs, ECSClient]) -> None:
    """A date survives to the millisecond; a missing one is missing."""
    ecs, client = transported
    ecs.seed_family("etl", count=1, registered=(REGISTERED, REGISTERED), lifetime=timedelta(days=1))
    ecs.seed_family("etl", count=1)

    dated = client.describe_task_definition(taskDefinition="etl:1")["taskDefinition"]
    undated = client.describe_task_definition(taskDefinition="etl:2")["taskDefinition"]

    assert dated["registeredAt"] == REGISTERED
    assert dated["deregisteredAt"] == REGISTERED + timedelta(days=1)
    assert "registeredAt" not in undated


def test_usage_parses(transported: tuple[EmbeddedEcs, ECSClient]) -> None:
    """Services, deployments, service revisions, task sets and tasks name their task definitions."""
    ecs, client = transported
    ecs.seed_service("prod", "web", task_definition="web:3", deployments=["web:2"], previous_revisions=["web:1"])
    ecs.seed_service("prod", "blue", controller="CODE_DEPLOY", task_definition="web:4", task_sets=["web:5"])
    ecs.seed_task("prod", "web:6")

    services = client.list_services(cluster="prod")["serviceArns"]
    described = {
        each["serviceName"]: each for each in client.describe_services(cluster="prod", services=services)["services"]
    }
    deployments = client.list_service_deployments(cluster="prod", service="web")["serviceDeployments"]
    details = client.describe_service_deployments(
        serviceDeploymentArns=[each["serviceDeploymentArn"] for each in deployments]
    )["serviceDeployments"]
    revisions = client.describe_service_revisions(
        serviceRevisionArns=[each["targetServiceRevision"]["arn"] for each in details]
    )["serviceRevisions"]
    tasks = client.describe_tasks(cluster="prod", tasks=client.list_tasks(cluster="prod")["taskArns"])["tasks"]

    assert [each["taskDefinition"][-1] for each in described["web"]["deployments"]] == ["3", "2"]
    assert [each["arn"] for each in described["web"]["currentServiceRevisions"]] == [
        each["serviceRevisionArn"] for each in revisions[:2]
    ]
    assert described["blue"]["taskSets"][0]["taskDefinition"].endswith("web:5")
    assert client.describe_task_sets(cluster="prod", service="blue")["taskSets"] == described["blue"]["taskSets"]
    assert [each["taskDefinition"][-1] for each in revisions] == ["3", "2", "1"]
    assert tasks[0]["taskDefinitionArn"].endswith("web:6")
    assert [each["activeServicesCount"] for each in client.describe_clusters(clusters=["prod"])["clusters"]] == [2]


def test_tags_round_trip(transported: tuple[EmbeddedEcs, ECSClient]) -> None:
    """What was tagged is listed and described."""
    ecs, client = transported
    ecs.seed_family("etl", count=1, status=Status.ACTIVE, tags={"team": "data"})
    arn = client.list_task_definitions()["taskDefinitionArns"][0]
    client.tag_resource(resourceArn=arn, tags=[{"key": "janitor:keep", "value": "1"}])
    client.untag_resource(resourceArn=arn, tagKeys=["team"])

    expected = [{"key": "janitor:keep", "value": "1"}]
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == expected
    assert client.describe_task_definition(taskDefinition=arn, include=["TAGS"])["tags"] == expected


def test_a_modeled_error_is_raised_as_its_exception(transported: tuple[EmbeddedEcs, ECSClient]) -> None:
    """The client's own exception classes are raised."""
    _, client = transported

    with pytest.raises(client.exceptions.ClusterNotFoundException):
        client.list_services(cluster="none")
    with pytest.raises(client.exceptions.InvalidParameterException):
        client.delete_task_definitions(taskDefinitions=["etl"])


def test_an_unknown_operation_is_an_error(transported: tuple[EmbeddedEcs, ECSClient]) -> None:
    """Not an empty success."""
    _, client = transported

    with pytest.raises(ClientError, match="UnknownOperationException"):
        client.list_account_settings()


def test_a_lost_answer_is_met_again_by_botocores_retry(transported: tuple[EmbeddedEcs, ECSClient]) -> None:
    """The server acted, the answer got lost, the repeated call meets its own success as a failure."""
    ecs, client = transported
    ecs.seed_family("etl", count=1)
    ecs.faults.add(Fault(operation="DeleteTaskDefinitions", lost=Lost.CONNECTION_CLOSED, acts=True, times=1))

    body = client.delete_task_definitions(taskDefinitions=["etl:1"])

    assert ecs.calls["DeleteTaskDefinitions"] == 2
    assert body["taskDefinitions"] == []
    assert len(body["failures"]) == 1


def test_an_answer_lost_each_time_is_a_connection_error(transported: tuple[EmbeddedEcs, ECSClient]) -> None:
    """Once the attempts are used up."""
    ecs, client = transported
    ecs.faults.add(Fault(operation="ListClusters", lost=Lost.CONNECTION_CLOSED))

    with pytest.raises(ConnectionClosedError):
        client.list_clusters()
    assert ecs.calls["ListClusters"] == 3


def test_a_malformed_body_parses_as_an_answer_without_members(transported: tuple[EmbeddedEcs, ECSClient]) -> None:
    """Botocore raises nothing: whoever reads an outcome must notice that neither list names its revision."""
    ecs, client = transported
    ecs.seed_family("etl", count=1)
    ecs.faults.add(Fault(operation="DeleteTaskDefinitions", lost=Lost.MALFORMED_BODY, acts=True, times=1))

    body = client.delete_task_definitions(taskDefinitions=["etl:1"])

    assert body["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert not {"taskDefinitions", "failures"} & body.keys()
    assert ecs.status("etl", 1) == "DELETE_IN_PROGRESS"


def test_throttled_calls_are_retried_on_virtual_time(clock: VirtualClock) -> None:
    """Botocore's own backoff waits on the clock until a token has flowed in."""
    ecs = EmbeddedEcs(clock=clock)
    ecs.seed_family("etl", count=20)
    client = attached(ecs, attempts=10)

    for number in range(1, 11):
        client.delete_task_definitions(taskDefinitions=[f"etl:{number}"])

    assert ecs.count("etl", "DELETE_IN_PROGRESS") == 10
    assert ecs.throttled["DeleteTaskDefinitions"] > 0
    assert ecs.calls["DeleteTaskDefinitions"] == 10 + ecs.throttled["DeleteTaskDefinitions"]
    assert clock.monotonic() >= 4.999


def test_a_throttle_that_outlasts_the_attempts_is_raised(clock: VirtualClock) -> None:
    """With one attempt, the refusal itself is what the caller sees."""
    ecs = EmbeddedEcs(clock=clock)
    client = attached(ecs, attempts=1)
    for _ in range(5):
        client.delete_task_definitions(taskDefinitions=["etl:1"])

    with pytest.raises(ClientError, match=r"ThrottlingException.*Rate exceeded") as caught:
        client.delete_task_definitions(taskDefinitions=["etl:1"])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_read_timeout_takes_its_time_and_is_retried(clock: VirtualClock) -> None:
    """The server acted; botocore waited its read timeout out before it asked again."""
    ecs = EmbeddedEcs(clock=clock, behaviour=CALM)
    ecs.seed_family("etl", count=1)
    ecs.faults.add(Fault(operation="DeleteTaskDefinitions", lost=Lost.READ_TIMEOUT, acts=True))
    client = attached(ecs, attempts=2)

    with pytest.raises(ReadTimeoutError):
        client.delete_task_definitions(taskDefinitions=["etl:1"])

    assert ecs.calls["DeleteTaskDefinitions"] == 2
    assert ecs.status("etl", 1) == "DELETE_IN_PROGRESS"
    assert clock.monotonic() >= 60


def test_a_server_error_is_retried(clock: VirtualClock) -> None:
    """HTTP 500 once, then the answer."""
    ecs = EmbeddedEcs(clock=clock, behaviour=CALM)
    ecs.faults.add(Fault(operation="ListClusters", status=500, times=1))

    assert attached(ecs).list_clusters()["clusterArns"] == []
    assert ecs.calls["ListClusters"] == 2


def test_every_embedded_operation_is_one_of_the_models(clock: VirtualClock) -> None:
    """No operation is answered that botocore does not know by that name, and none by a name that two have."""
    ecs = EmbeddedEcs(clock=clock)
    known = Counter(name for service in SERVICES for name in model_of(service).operation_names)

    assert set(ecs._operations) <= set(known)
    assert {name for name in ecs._operations if known[name] > 1} <= {
        "ListTagsForResource",
        "TagResource",
        "UntagResource",
    }  # ECS's

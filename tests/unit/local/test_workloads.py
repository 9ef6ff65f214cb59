from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from janitor.local.families import Status
from tests.unit.local.support import ask, delete, embedded, pages, refusal, register

if TYPE_CHECKING:
    from janitor.local.ecs import EmbeddedEcs
    from janitor.local.replies import Json

ARN = "arn:aws:ecs:eu-west-1:123456789012:"
HOUR = 3600


def service(ecs: EmbeddedEcs, name: str, cluster: str = "prod") -> Json:
    """Describe one service."""
    found: Json = ask(ecs, "DescribeServices", cluster=cluster, services=[name])["services"][0]
    return found


def test_a_task_starts_from_a_deregistered_revision_for_ten_minutes() -> None:
    """Then nothing new starts from it; what runs, runs on."""
    ecs = embedded()
    ecs.seed_cluster("default")
    register(ecs, "etl")
    ask(ecs, "DeregisterTaskDefinition", taskDefinition="etl:1")
    ecs.clock.sleep(599)
    ask(ecs, "RunTask", taskDefinition="etl:1")
    ecs.clock.sleep(1)

    assert refusal(ecs, "RunTask", taskDefinition="etl:1") == ("ClientException", "TaskDefinition is inactive")
    assert len(ask(ecs, "ListTasks")["taskArns"]) == 1


@pytest.mark.parametrize("operation", ["RunTask", "CreateService"])
def test_nothing_new_starts_from_a_revision_that_is_being_deleted(operation: str) -> None:
    """Not within the ten minutes either."""
    ecs = embedded()
    ecs.seed_cluster("default")
    register(ecs, "etl")
    ask(ecs, "DeregisterTaskDefinition", taskDefinition="etl:1")
    delete(ecs, "etl:1")

    code, _ = refusal(ecs, operation, taskDefinition="etl:1", **({"serviceName": "s"} if "S" in operation else {}))
    assert code == "ClientException"


def test_a_deleted_revision_lingers_while_a_task_runs_from_it() -> None:
    """It goes once the task has stopped; asking again does not hurry it."""
    ecs = embedded()
    ecs.seed_family("etl", count=2)
    task = ecs.seed_task("prod", "etl:1")
    delete(ecs, "etl:1", "etl:2")
    ecs.clock.sleep(3 * HOUR)

    assert (ecs.status("etl", 1), ecs.status("etl", 2)) == ("DELETE_IN_PROGRESS", None)
    ask(ecs, "StopTask", cluster="prod", task=task)
    assert ecs.status("etl", 1) is None


def test_a_deleted_revision_lingers_while_a_service_deployment_or_task_set_refers_to_it() -> None:
    """Once the services are deleted, it goes."""
    ecs = embedded()
    ecs.seed_family("web", count=5)
    ecs.seed_service("prod", "a", task_definition="web:1", deployments=["web:2"], previous_revisions=["web:5"])
    ecs.seed_service("prod", "b", controller="CODE_DEPLOY", task_definition="web:3", task_sets=["web:4"])
    delete(ecs, *(f"web:{number}" for number in range(1, 6)))
    ecs.clock.sleep(HOUR)

    assert ecs.numbers("web", "DELETE_IN_PROGRESS") == [1, 2, 3, 4]
    for name in ("a", "b"):
        ask(ecs, "DeleteService", cluster="prod", service=name, force=True)
    assert ecs.count("web") == 0


def test_a_service_shows_who_it_refers_to() -> None:
    """Its task definition, deployments still running and current service revisions."""
    ecs = embedded()
    ecs.seed_service("prod", "web", task_definition="web:3", deployments=["web:2"], previous_revisions=["web:1"])

    shown = service(ecs, "web")

    assert shown["taskDefinition"] == f"{ARN}task-definition/web:3"
    assert [(each["status"], each["taskDefinition"][-1]) for each in shown["deployments"]] == [
        ("PRIMARY", "3"),
        ("ACTIVE", "2"),
    ]
    assert len(shown["currentServiceRevisions"]) == 2
    assert shown["deploymentController"] == {"type": "ECS"}


def test_service_deployments_tell_a_services_history_latest_first() -> None:
    """Each names a service revision, and that names the task definition."""
    ecs = embedded()
    ecs.seed_service("prod", "web", task_definition="web:3", deployments=["web:2"], previous_revisions=["web:1"])

    briefs = ask(ecs, "ListServiceDeployments", cluster="prod", service="web")["serviceDeployments"]
    revisions = ask(
        ecs, "DescribeServiceRevisions", serviceRevisionArns=[each["targetServiceRevisionArn"] for each in briefs]
    )["serviceRevisions"]
    detail = ask(ecs, "DescribeServiceDeployments", serviceDeploymentArns=[briefs[0]["serviceDeploymentArn"]])

    assert [each["taskDefinition"][-1] for each in revisions] == ["3", "2", "1"]
    assert [each["status"] for each in briefs] == ["IN_PROGRESS", "SUCCESSFUL", "SUCCESSFUL"]
    sources = detail["serviceDeployments"][0]["sourceServiceRevisions"]
    assert [each["arn"] for each in sources] == [revisions[1]["serviceRevisionArn"]]


def test_service_deployments_come_in_pages_and_by_status() -> None:
    """Each is listed once."""
    ecs = embedded()
    ecs.seed_service("prod", "web", task_definition="web:9", previous_revisions=[f"web:{n}" for n in range(1, 8)])
    asked = {"cluster": "prod", "service": "web"}

    first = ask(ecs, "ListServiceDeployments", **asked, maxResults=5)
    second = ask(ecs, "ListServiceDeployments", **asked, maxResults=5, nextToken=first["nextToken"])

    assert len(first["serviceDeployments"]) == 5
    assert (
        len({each["serviceDeploymentArn"] for each in first["serviceDeployments"] + second["serviceDeployments"]}) == 8
    )
    assert ask(ecs, "ListServiceDeployments", **asked, status=["PENDING"])["serviceDeployments"] == []
    later = {"after": ecs.clock.now().timestamp() + 1}
    assert ask(ecs, "ListServiceDeployments", **asked, createdAt=later)["serviceDeployments"] == []


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_other_controllers_have_task_sets_instead_of_deployments(controller: str) -> None:
    """Service deployments are known for ECS's own controller only."""
    ecs = embedded()
    ecs.seed_service("prod", "web", controller=controller, task_definition="web:1", task_sets=["web:1", "web:2"])

    shown = service(ecs, "web")

    assert shown["deployments"] == []
    assert [(each["status"], each["taskDefinition"][-1]) for each in shown["taskSets"]] == [
        ("PRIMARY", "1"),
        ("ACTIVE", "2"),
    ]
    listed = ask(ecs, "DescribeTaskSets", cluster="prod", service="web", taskSets=[shown["taskSets"][0]["id"], "x"])
    assert listed["taskSets"] == shown["taskSets"][:1]
    assert listed["failures"] == [{"arn": "x", "reason": "MISSING"}]
    assert refusal(ecs, "ListServiceDeployments", cluster="prod", service="web")[0] == "UnsupportedFeatureException"


def test_a_service_is_created_updated_and_deleted() -> None:
    """An update deploys at once; the revision before is then told by the history only."""
    ecs = embedded()
    ask(ecs, "CreateCluster", clusterName="prod")
    register(ecs, "web")
    register(ecs, "web")
    asked = {"cluster": "prod", "service": "web"}
    ask(ecs, "CreateService", cluster="prod", serviceName="web", taskDefinition="web:1", desiredCount=2)
    updated = ask(ecs, "UpdateService", **asked, taskDefinition="web")["service"]

    assert updated["taskDefinition"].endswith("web:2")
    assert len(updated["deployments"]) == 1
    assert len(ask(ecs, "ListServiceDeployments", **asked)["serviceDeployments"]) == 2
    assert refusal(ecs, "DeleteService", **asked)[0] == "InvalidParameterException"
    ask(ecs, "UpdateService", **asked, desiredCount=0)
    ask(ecs, "DeleteService", **asked)
    assert service(ecs, "web")["status"] == "INACTIVE"
    assert ask(ecs, "ListServices", cluster="prod")["serviceArns"] == []
    assert refusal(ecs, "UpdateService", **asked)[0] == "ServiceNotActiveException"


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("CreateService", {"serviceName": "new"}, "InvalidParameterException"),
        ("CreateService", {"serviceName": "web", "taskDefinition": "web:1"}, "InvalidParameterException"),
        ("UpdateService", {"service": "external", "taskDefinition": "web:1"}, "InvalidParameterException"),
        ("CreateTaskSet", {"service": "web", "taskDefinition": "web:1"}, "InvalidParameterException"),
        ("DescribeServices", {"services": ["web"] * 11}, "InvalidParameterException"),
        ("DescribeServices", {"services": ["web"], "cluster": "none"}, "ClusterNotFoundException"),
        ("ListServiceDeployments", {"service": "none"}, "ServiceNotFoundException"),
        ("DescribeServiceRevisions", {"serviceRevisionArns": ["x"] * 21}, "InvalidParameterException"),
        ("DescribeTasks", {"tasks": ["x"] * 101}, "InvalidParameterException"),
        ("RunTask", {"taskDefinition": "web:1", "count": 11}, "InvalidParameterException"),
        ("StopTask", {"task": "none"}, "InvalidParameterException"),
        ("DeleteCluster", {"cluster": "default"}, "ClusterContainsServicesException"),
    ],
)
def test_what_ecs_does_not_accept_is_refused(operation: str, params: Json, code: str) -> None:
    """By the error that the API declares for it."""
    ecs = embedded()
    ecs.seed_family("web", count=1, status=Status.ACTIVE)
    ecs.seed_service("default", "web", task_definition="web:1")
    ecs.seed_service("default", "external", controller="EXTERNAL")

    assert refusal(ecs, operation, **params)[0] == code


def test_a_task_set_can_be_created_under_the_external_controller() -> None:
    """It then refers to its revision."""
    ecs = embedded()
    ecs.seed_family("web", count=1, status=Status.ACTIVE)
    ecs.seed_service("prod", "web", controller="EXTERNAL")

    created = ask(ecs, "CreateTaskSet", cluster="prod", service="web", taskDefinition="web")["taskSet"]

    assert ask(ecs, "DescribeTaskSets", cluster="prod", service="web")["taskSets"] == [created]


def test_a_task_shows_its_containers_and_how_they_ended() -> None:
    """A task runs when RunTask answers; with an exit code seeded it has stopped when it is asked about."""
    ecs = embedded()
    ecs.seed_cluster("default")
    register(ecs, "etl")
    ecs.seed_exit_codes(0, None, 3)

    def run() -> Json:
        started: Json = ask(ecs, "RunTask", taskDefinition="etl:1", startedBy="airflow")["tasks"][0]
        assert started["containers"] == [
            {"name": "main", "image": "busybox", "taskArn": started["taskArn"], "lastStatus": "RUNNING"}
        ]
        assert (started["lastStatus"], started["startedBy"]) == ("RUNNING", "airflow")
        found: Json = ask(ecs, "DescribeTasks", tasks=[started["taskArn"]])["tasks"][0]
        return found

    def ending(task: Json) -> tuple[str, str | None, str, int | None]:
        (container,) = task["containers"]
        return task["lastStatus"], task.get("stopCode"), container["lastStatus"], container.get("exitCode")

    assert ending(run()) == ("STOPPED", "EssentialContainerExited", "STOPPED", 0)
    running = run()
    assert ending(running) == ("RUNNING", None, "RUNNING", None)
    assert ending(run()) == ("STOPPED", "EssentialContainerExited", "STOPPED", 3)
    assert ending(run()) == ("RUNNING", None, "RUNNING", None)
    assert (
        len(ask(ecs, "ListTasks")["taskArns"]) == len(ask(ecs, "ListTasks", desiredStatus="STOPPED")["taskArns"]) == 2
    )
    stopped = ask(ecs, "StopTask", task=running["taskArn"])["task"]
    assert ending(stopped) == ("STOPPED", "UserInitiated", "STOPPED", 143)


def test_what_has_stopped_is_not_stopped_again() -> None:
    """Its exit code and its reason stay."""
    ecs = embedded()
    ecs.seed_cluster("default")
    register(ecs, "etl")
    ecs.seed_exit_codes(1)
    task = ask(ecs, "RunTask", taskDefinition="etl:1")["tasks"][0]["taskArn"]

    stopped = ask(ecs, "StopTask", task=task)["task"]
    assert (stopped["stopCode"], stopped["containers"][0]["exitCode"]) == ("EssentialContainerExited", 1)


def test_tasks_are_listed_by_desired_status_and_family() -> None:
    """RUNNING by default: a task that is draining is found under STOPPED only."""
    ecs = embedded()
    running = ecs.seed_task("prod", "etl:1")
    draining = ecs.seed_task("prod", "etl:2", last_status="DEACTIVATING", desired_status="STOPPED")
    other = ecs.seed_task("prod", "web:1", group="service:web")

    assert ask(ecs, "ListTasks", cluster="prod")["taskArns"] == sorted([running, other])
    assert ask(ecs, "ListTasks", cluster="prod", desiredStatus="STOPPED")["taskArns"] == [draining]
    assert ask(ecs, "ListTasks", cluster="prod", family="etl")["taskArns"] == [running]
    assert ask(ecs, "ListTasks", cluster="prod", serviceName="web")["taskArns"] == [other]
    described = ask(ecs, "DescribeTasks", cluster="prod", tasks=[draining, "none"])
    assert described["tasks"][0]["lastStatus"] == "DEACTIVATING"
    assert described["failures"] == [{"arn": f"{ARN}task/prod/none", "reason": "MISSING"}]


def test_tasks_services_and_clusters_come_in_pages() -> None:
    """Each is listed once; services come by tens unless asked otherwise."""
    ecs = embedded()
    for number in range(25):
        ecs.seed_task("prod", "etl:1")
        ecs.seed_service("prod", f"web-{number}", task_definition="web:1")
        ecs.seed_cluster(f"cluster-{number}")

    tasks = pages(ecs, "ListTasks", "taskArns", cluster="prod", maxResults=20)
    services = pages(ecs, "ListServices", "serviceArns", cluster="prod")
    clusters = pages(ecs, "ListClusters", "clusterArns", maxResults=13)

    assert [len(page) for page in tasks] == [20, 5]
    assert [len(page) for page in services] == [10, 10, 5]
    assert [len(page) for page in clusters] == [13, 13]
    for found in (tasks, services, clusters):
        entries = [entry for page in found for entry in page]
        assert len(set(entries)) == len(entries)


def test_clusters_are_described_with_what_runs_in_them() -> None:
    """A missing one is a failure; an empty one can be deleted."""
    ecs = embedded()
    ecs.seed_cluster("empty")
    ecs.seed_task("prod", "etl:1")
    ecs.seed_service("prod", "web", task_definition="web:1")

    body = ask(ecs, "DescribeClusters", clusters=["prod", "empty", "none"])

    assert [(each["runningTasksCount"], each["activeServicesCount"]) for each in body["clusters"]] == [(1, 1), (0, 0)]
    assert body["failures"] == [{"arn": f"{ARN}cluster/none", "reason": "MISSING"}]
    ask(ecs, "DeleteCluster", cluster="empty")
    assert len(ask(ecs, "ListClusters")["clusterArns"]) == 1
    ask(ecs, "DeleteService", cluster="prod", service="web", force=True)
    assert refusal(ecs, "DeleteCluster", cluster="prod")[0] == "ClusterContainsTasksException"

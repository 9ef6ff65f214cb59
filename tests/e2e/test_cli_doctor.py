"""``janitor doctor``: looks at an account and at a stack, changes nothing, and says a line for each check."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from janitor.aws import stack, trials
from janitor.aws.client import Api
from janitor.demo import embedded_place
from janitor.local.clock import VirtualClock
from janitor.local.faults import Fault
from janitor.local.server import serve
from janitor.permissions import READING
from janitor.store import last_report
from tests.commandline import run, small_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from janitor.local.ecs import EmbeddedEcs
    from tests.commandline import Ran

BUCKET = "janitor-store"
NIGHT = {"mode": "delete", "finished_at": "2026-11-01T01:00:00+00:00", "ending": "finished", "ending_reason": "done"}
ENVIRONMENT = {
    "JANITOR_STACK": "prod",
    "JANITOR_MODE": "delete",
    "JANITOR_POLICY": "policy.toml",
    "JANITOR_STORE": f"s3://{BUCKET}/a",
    "JANITOR_BRAKE": "/janitor/brake",
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Provide an account of every service but ECS."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    settings: Any = {"core": {"passthrough": {"services": ["ecs"]}}, "lambda": {"use_docker": False}}
    with mock_aws(config=settings):
        yield


def deploy(report: dict[str, Any] | None = None, *, brake: str = "off", enabled: bool = True, **settings: Any) -> None:  # noqa: ANN401 - any setting of a function
    """Put up what the stack would, by hand."""
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = boto3.client("iam").create_role(RoleName="janitor", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("x.py", "")
    function: dict[str, Any] = {
        "Runtime": "python3.13",
        "Handler": "janitor.handler.handler",
        "Timeout": 900,
        "MemorySize": 512,
        "Environment": {"Variables": ENVIRONMENT},
    }
    made = boto3.client("lambda").create_function(
        FunctionName="sweeper", Role=role, Code={"ZipFile": code.getvalue()}, **(function | settings)
    )
    for name, target in (("nightly", made["FunctionArn"]), ("others", made["FunctionArn"] + "-2")):
        boto3.client("scheduler").create_schedule(
            Name=name,
            ScheduleExpression="cron(0 3 * * ? *)",
            ScheduleExpressionTimezone="Europe/Vienna",
            FlexibleTimeWindow={"Mode": "OFF"},
            State="ENABLED" if enabled else "DISABLED",
            Target={"Arn": target, "RoleArn": role},
        )
    boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    if report is not None:
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"a/{last_report.KEY}", Body=json.dumps(report).encode())
    boto3.client("ssm").put_parameter(Name="/janitor/brake", Value=brake, Type="String")
    for name, namespace, dimension in (
        ("too full", "RevisionJanitor", {"Name": "Stack", "Value": "prod"}),
        ("errors", "AWS/Lambda", {"Name": "FunctionName", "Value": "sweeper"}),
        ("of another stack", "RevisionJanitor", {"Name": "Stack", "Value": "dev"}),
    ):
        boto3.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            Namespace=namespace,
            MetricName="m",
            Dimensions=[dimension],  # type: ignore[list-item]  # the stub wants a TypedDict
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
            Statistic="Sum",
        )


def doctor(*arguments: str, ecs: EmbeddedEcs | None = None) -> tuple[dict[str, list[dict[str, str]]], Ran]:
    """Run the doctor; return its checks by what they are about."""
    ran = run(ecs or small_account(), "doctor", "--format", "json", *arguments)
    found: dict[str, list[dict[str, str]]] = {}
    for each in json.loads(ran.out)["checks"]:
        found.setdefault(each["about"], []).append(each)
    return found, ran


def states(found: dict[str, list[dict[str, str]]]) -> dict[str, set[str]]:
    """Return how the checks ended."""
    return {about: {each["state"] for each in checks} for about, checks in found.items()}


@pytest.mark.usefixtures("aws")
def test_a_healthy_stack_has_no_problem() -> None:
    """Every part of it is found from the function's name; what the emulator does not know is not tried."""
    deploy(NIGHT)
    ecs = small_account()
    found, ran = doctor("--function", "sweeper", ecs=ecs)
    ended = states(found)
    assert ran.code == 0
    assert {about for about, each in ended.items() if each != {"ok"}} <= {"ecs:DeleteTaskDefinitions"}
    assert set(READING["task definitions"]) | set(READING["services and tasks"]) <= set(ended)
    assert found["schedule"][0]["seen"] == "nightly: cron(0 3 * * ? *), Europe/Vienna"
    assert found["alarms"][0]["seen"] == "2, none rings"
    assert found["settings"][0]["seen"] == "stack prod, mode delete, policy.toml in its zip not looked at"
    assert found["last sweep"][0]["seen"] == "delete, 2026-11-01 01:00 UTC, finished"
    assert not [operation for operation in ecs.calls if not operation.startswith(("Describe", "Get", "List"))]


@pytest.mark.usefixtures("aws")
def test_what_is_wrong_with_a_stack_is_said_with_the_next_step() -> None:
    """Every line that is not ok says what to do."""
    late = NIGHT | {"finished_at": "2026-10-30T01:00:00+00:00"}
    deploy(
        late,
        brake="on",
        enabled=False,
        MemorySize=128,
        Environment={"Variables": ENVIRONMENT | {"JANITOR_STORE": f"s3://{BUCKET}/a"}},
    )
    boto3.client("cloudwatch").set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="3 errors")
    found, ran = doctor("--function", "sweeper")
    ended = states(found)
    assert ran.code == 1
    assert {about: ended[about] for about in ("function", "schedule", "last sweep", "brake", "alarms")} == {
        "function": {"warning"},
        "schedule": {"warning"},
        "last sweep": {"warning"},
        "brake": {"warning"},
        "alarms": {"problem"},
    }
    assert "errors rings: 3 errors" in found["alarms"][0]["seen"]
    assert all(
        each["next_step"] for checks in found.values() for each in checks if each["state"] in {"warning", "problem"}
    )


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("settings", "about"),
    [
        ({"Runtime": "nodejs20.x"}, "function"),
        ({"Handler": "x.handler"}, "function"),
        ({"Timeout": 59}, "function"),
        ({"Environment": {"Variables": {"JANITOR_STACK": "prod", "JANITOR_RETENTON": "9d"}}}, "settings"),
    ],
    ids=["runtime", "handler", "timeout", "environment"],
)
def test_a_function_that_cannot_work_is_a_problem(settings: dict[str, Any], about: str) -> None:
    """Its environment is read as it reads it itself."""
    deploy(NIGHT, **settings)
    found, ran = doctor("--function", "sweeper", "--brake", "/janitor/brake")
    assert (ran.code, states(found)[about]) == (1, {"problem"})


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("report", "state"),
    [
        (None, "warning"),
        (NIGHT | {"ending": "could_not_finish"}, "problem"),
        (NIGHT | {"ending": "refused_by_guard"}, "problem"),
        ({"finished_at": "yesterday"}, "problem"),
        (NIGHT | {"finished_at": "2026-11-01T01:00:00"}, "problem"),
    ],
    ids=["none", "could not finish", "refused", "unreadable", "naive"],
)
def test_a_last_sweep_that_did_not_end_well_is_said(report: dict[str, Any] | None, state: str) -> None:
    """Or that there was none."""
    deploy(report)
    found, _ = doctor("--store", f"s3://{BUCKET}/a")
    assert states(found)["last sweep"] == {state}


@pytest.mark.usefixtures("aws")
def test_a_function_that_is_not_there_is_a_problem() -> None:
    """The rest is checked all the same."""
    found, ran = doctor("--function", "nobody")
    assert (ran.code, states(found)["function"]) == (1, {"problem"})
    assert "ecs:ListTasks" in found


@pytest.mark.usefixtures("aws")
def test_a_reading_permission_that_is_missing_is_named() -> None:
    """That one, and no other."""
    ecs = small_account()
    ecs.faults.add(Fault(operation="ListTasks", code="AccessDeniedException", message="not you"))
    found, ran = doctor(ecs=ecs)
    problems = {about for about, each in states(found).items() if "problem" in each}
    assert (ran.code, problems) == (1, {"ecs:ListTasks"})
    assert "janitor iam" in found["ecs:ListTasks"][0]["next_step"]


@pytest.mark.parametrize("action", trials.ACTIONS)
def test_each_reading_permission_is_tried_by_its_own_call(action: str) -> None:
    """Denied is told from permitted, whatever else ECS answers."""
    ecs = small_account()
    assert isinstance(ecs.clock, VirtualClock)
    place = embedded_place(ecs, ecs.clock)
    api = Api(place.client, clock=ecs.clock)
    assert trials.denied(api, place.client_of, action) is None
    assert dict(ecs.calls) == {action.partition(":")[2]: 1}
    ecs.faults.add(Fault(operation=action.partition(":")[2], code="AccessDeniedException", message="not you"))
    assert trials.denied(api, place.client_of, action) == "AccessDeniedException: not you"
    assert {action for actions in READING.values() for action in actions} == set(trials.ACTIONS)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("decision", "state"), [("allowed", "ok"), ("implicitDeny", "problem"), ("explicitDeny", "problem")]
)
def test_the_right_to_delete_is_asked_of_iam_and_never_tried(
    monkeypatch: pytest.MonkeyPatch, decision: str, state: str
) -> None:
    """Of the function's role, for the families of the policy."""
    deploy(NIGHT)
    asked: list[tuple[str, str, str]] = []

    def simulated(_: object, *what: str) -> str:
        asked.append(what)  # type: ignore[arg-type]  # three of them
        return decision

    monkeypatch.setattr(stack, "simulated", simulated)
    ecs = small_account()
    found, _ = doctor("--function", "sweeper", "--family", "etl-*", ecs=ecs)
    assert states(found)["ecs:DeleteTaskDefinitions"] == {state}
    arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/etl-*:*"
    assert asked == [("arn:aws:iam::123456789012:role/janitor", "ecs:DeleteTaskDefinitions", arn)]
    assert "DeleteTaskDefinitions" not in ecs.calls


def test_the_simulation_is_read_as_iam_answers_it() -> None:
    """Principal, action and resource go in, the decision comes out."""

    class Iam:
        def simulate_principal_policy(self, **asked: object) -> dict[str, Any]:
            assert asked == {"PolicySourceArn": "p", "ActionNames": ["a"], "ResourceArns": ["r"]}
            return {"EvaluationResults": [{"EvalDecision": "explicitDeny"}]}

    assert stack.simulated(Iam(), "p", "a", "r") == "explicitDeny"  # type: ignore[arg-type]  # a fake


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        ("arn:aws:sts::123456789012:assumed-role/ops/me", "arn:aws:iam::123456789012:role/ops"),
        ("arn:aws-cn:iam::123456789012:user/me", "arn:aws-cn:iam::123456789012:user/me"),
        ("arn:aws:sts::123456789012:federated-user/me", None),
        ("arn:aws:iam::123456789012:root", None),
    ],
)
def test_whose_policies_decide_is_told_from_the_caller(arn: str, principal: str | None) -> None:
    """Of a session it is the role's."""
    assert stack.Caller(account="123456789012", arn=arn).principal == principal


def test_an_endpoint_that_knows_ecs_alone_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does not implement could not be asked."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "demo")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "demo")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    ecs = small_account()
    with serve(ecs) as url:
        found, ran = doctor(
            *("--endpoint-url", url, "--region", "eu-west-1", "--mode", "delete", "--function", "f", "--stack", "s"),
            *("--store", f"s3://{BUCKET}/a"),
            ecs=ecs,
        )
    ended = states(found)
    assert ran.code == 0
    assert {about for about, each in ended.items() if each == {"not tried"}} == {
        *("credentials", "function", "ecs:DeleteTaskDefinitions", "alarms", "last sweep")
    }


def test_bad_input_is_refused_before_anything_is_asked() -> None:
    """As with every command."""
    ecs = small_account()
    ran = run(ecs, "doctor", "--policy", "no-such-file")
    assert ran.code == 2
    assert not ecs.calls


@pytest.mark.usefixtures("aws")
def test_the_table_counts_how_the_checks_ended() -> None:
    """A line a check, and the sum."""
    ran = run(small_account(), "doctor")
    assert ran.out.splitlines()[-1] == "20 ok."
    assert "ecs:ListTasks" in ran.out

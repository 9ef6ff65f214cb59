"""Stacks deployed into MiniStack, each with an ECS of its own, and what is told of them to whoever listens."""

from __future__ import annotations

import io
import json
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.permissions import allow, document, trust
from janitor.local.behaviour import Behaviour
from janitor.local.ecs import EmbeddedEcs
from janitor.local.families import Status
from janitor.settings.function import EVENT_SOURCE
from janitor.store import last_report
from janitor.wiring import SystemClock
from tests.infra import ministack_metrics
from tests.infra.ministack import REGION
from tests.infra.ministack_cloud import Changes, MiniStackCloud
from tests.infra.ministack_ecs import guarded
from tests.infra.program import ACCOUNT, deploy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.infra.ministack import MiniStack
    from tests.infra.program import Deployed

METRICS = "metrics-out-of-logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A deployed stack."""

    name: str
    ministack: MiniStack
    deployed: Deployed
    ecs: EmbeddedEcs

    @property
    def function(self) -> str:
        """The function's name."""
        return str(self.deployed.outputs["function"])

    def look(self, event: Mapping[str, Any]) -> str:
        """Call the widget as a dashboard does, and return its answer."""
        name = self.deployed.outputs["widget"]
        answer = self.ministack.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        payload = answer["Payload"].read().decode()
        assert "FunctionError" not in answer, payload
        return str(json.loads(payload))

    def report(self) -> dict[str, Any]:
        """Return the report that lies in the stack's store, the last one."""
        bucket = self.deployed.outputs["store"].removeprefix("s3://")
        content = self.ministack.client("s3").get_object(Bucket=bucket, Key=last_report.KEY)["Body"].read()
        return dict(json.loads(content))

    def alter(self, **variables: str) -> None:
        """Change variables of the function, as somebody may in the console."""
        client = self.ministack.client("lambda")
        said = client.get_function_configuration(FunctionName=self.function)["Environment"]["Variables"]
        client.update_function_configuration(
            FunctionName=self.function, Environment={"Variables": {**said, **variables}}
        )

    def wake(self) -> None:
        """Wake the function as the schedule does."""
        schedule = self.ministack.client("scheduler").get_schedule(Name=self.deployed.one("Schedule").inputs["name"])
        answer = self.ministack.client("lambda").invoke(
            FunctionName=self.function, InvocationType="Event", Payload=schedule["Target"]["Input"]
        )
        assert answer["StatusCode"] == 202, answer


@contextmanager
def deployed(
    ministack: MiniStack, name: str, said: Mapping[str, Any], ecs: EmbeddedEcs, *, timeout: int | None = None
) -> Iterator[Stack]:
    """Deploy a stack, with an ECS of its own, whose schedule starts a sweep in a few seconds."""
    with guarded(ministack, ecs) as url:
        changes = Changes(
            variables={"AWS_ENDPOINT_URL_ECS": url},
            timeout=timeout,
            logs_to=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{METRICS}",
        )
        program = deploy(name, said, MiniStackCloud(ministack, changes))
        yield Stack(name=name, ministack=ministack, deployed=program, ecs=ecs)


def account(family: str, due: int, *, gone: int = 0) -> EmbeddedEcs:
    """Return an ECS with one family: numbers used up, then revisions that are due. What is deleted is gone at once."""
    ecs = EmbeddedEcs(
        clock=SystemClock(), behaviour=Behaviour(deletion_delay=timedelta(0)), account=ACCOUNT, region=REGION
    )
    now, day = datetime.now(UTC), timedelta(days=1)
    if gone:
        ecs.seed_family(family, count=gone, status=Status.GONE)
    ecs.seed_family(family, count=due, registered=(now - 400 * day, now - 390 * day), lifetime=day)
    return ecs


def read_metrics(ministack: MiniStack) -> None:
    """Create the function that takes metrics out of logs."""
    role = ministack.client("iam").create_role(
        RoleName=METRICS, AssumeRolePolicyDocument=json.dumps(trust("lambda.amazonaws.com"))
    )["Role"]
    policy = json.dumps(document(allow(["cloudwatch:PutMetricData"], ["*"])))
    ministack.client("iam").put_role_policy(RoleName=METRICS, PolicyName=METRICS, PolicyDocument=policy)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.write(Path(ministack_metrics.__file__), "metrics.py")
    ministack.client("lambda").create_function(
        FunctionName=METRICS,
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="metrics.handler",
        Code={"ZipFile": content.getvalue()},
        Timeout=30,
    )


@dataclass(slots=True)
class Queue:
    """A queue and all that was found in it so far."""

    ministack: MiniStack
    url: str
    messages: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> list[dict[str, Any]]:
        """Take what is new, and return all messages' bodies."""
        client = self.ministack.client("sqs")
        while new := client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
            for message in new:
                client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                self.messages.append(json.loads(message["Body"]))
        return self.messages


def listening(ministack: MiniStack, name: str) -> tuple[Queue, str]:
    """Create a queue that every service may write to, and return it with its ARN."""
    client = ministack.client("sqs")
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    attributes = {"Policy": json.dumps(document(everybody))}
    return Queue(ministack, client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]), arn


def events_of_all(ministack: MiniStack) -> Queue:
    """Return a queue that gets every event of every janitor."""
    queue, arn = listening(ministack, "events")
    events = ministack.client("events")
    events.put_rule(Name="all-events", EventPattern=json.dumps({"source": [EVENT_SOURCE]}))
    events.put_targets(Rule="all-events", Targets=[{"Id": "queue", "Arn": arn}])
    return queue


def notices_of(stack: Stack) -> Queue:
    """Return a queue that is subscribed to a stack's topic."""
    queue, arn = listening(stack.ministack, f"{stack.function}-told")
    stack.ministack.client("sns").subscribe(TopicArn=stack.deployed.outputs["notices"], Protocol="sqs", Endpoint=arn)
    return queue


def until(what: str, holds: Callable[[], object], seconds: float = 300) -> None:
    """Wait until something holds, and fail with what it was if it never does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)

"""Many threads and many processes ask for the same definitions, at once: each is registered once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws
from moto.server import ThreadedMotoServer

from janitor.core.lookup import DEFINITION_TAG
from janitor.errors import BadInput, TableFailed
from janitor.local.attach import attach
from janitor.local.behaviour import Behaviour
from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from janitor.local.server import serve
from janitor.reuse import How, Terms, reuse_or_register
from tests.integration.reusers import definition
from tests.lookup import create_table, one_write_at_a_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb.client import DynamoDBClient

    from janitor.reuse import Reused

THREADS = 32
PROCESSES = 16
BUSY = "Too many concurrent attempts to create a new revision of the specified family."
SECRET = "hunter2-do-not-store"


class ShortPauses:
    """The machine's clock, on which nobody sleeps for long. Satisfies ``janitor.ports.Clock``."""

    def now(self) -> datetime:
        """Return the present."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let others go on."""
        time.sleep(seconds / 20)


def new_ecs() -> EmbeddedEcs:
    """Return an empty ECS that does not throttle."""
    return EmbeddedEcs(clock=ShortPauses(), behaviour=Behaviour(throttling=False))


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """Provide a client of a DynamoDB in this process, with the table."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws(), one_write_at_a_time():
        client = boto3.client("dynamodb", "eu-west-1", config=Config(max_pool_connections=THREADS))
        create_table(client, "lookup")
        yield client


class Place:
    """An ECS with a table beside it, and whoever asks."""

    def __init__(self, dynamodb: DynamoDBClient) -> None:
        self.ecs = new_ecs()
        self.dynamodb = dynamodb
        self.client = boto3.client("ecs", "eu-west-1", config=Config(max_pool_connections=THREADS))
        attach(self.client, self.ecs)

    def reuse(self, number: int = 0, *, terms: Terms | None = None, **options: Any) -> Reused:  # noqa: ANN401 - those of the function
        """Ask for a definition."""
        return reuse_or_register(
            definition(number),
            **{"table": "lookup", "ecs": self.client, "dynamodb": self.dynamodb, "clock": ShortPauses(), **options},
            terms=terms or Terms(lease=timedelta(hours=1), patience=timedelta(hours=1)),
        )

    def at_once(self, definitions: int, **options: Any) -> dict[int, Counter[tuple[str, How]]]:  # noqa: ANN401 - as above
        """Let all threads ask, each for one of the definitions; return what was given for each."""
        given: dict[int, Counter[tuple[str, How]]] = defaultdict(Counter)
        with ThreadPoolExecutor(THREADS) as threads:
            for number, found in threads.map(
                lambda thread: (thread % definitions, self.reuse(thread % definitions, **options)), range(THREADS)
            ):
                given[number][str(found.revision), found.how] += 1
        return given

    def hashes(self) -> Counter[str]:
        """Count the ACTIVE revisions by their tag."""
        found = Counter[str]()
        for number in self.ecs.numbers("airflow-dbt", "ACTIVE"):
            told = self.client.describe_task_definition(taskDefinition=f"airflow-dbt:{number}", include=["TAGS"])
            found[{tag["key"]: tag["value"] for tag in told["tags"]}[DEFINITION_TAG]] += 1
        return found


@pytest.fixture
def place(dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Provide an empty place."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    return Place(dynamodb)


def test_threads_register_each_definition_once(place: Place) -> None:
    """Among them are registrations that ECS refuses for a moment, and one whose answer is lost."""
    place.ecs.faults.add(Fault(operation="RegisterTaskDefinition", code="ClientException", message=BUSY, times=5))
    place.ecs.faults.add(Fault(operation="RegisterTaskDefinition", status=500, acts=True, times=1))
    given = place.at_once(4)
    assert place.ecs.count("airflow-dbt") == 4
    assert len(given) == 4
    for counted in given.values():
        assert len({revision for revision, _ in counted}) == 1
        assert sum(counted.values()) == THREADS // 4
    hows = Counter(how for counted in given.values() for (_, how), times in counted.items() for _ in range(times))
    assert hows == {How.REGISTERED: 4, How.REUSED: THREADS - 4}
    assert set(place.hashes().values()) == {1}


def test_threads_that_find_their_revision_gone_register_it_once(place: Place) -> None:
    """Deregistered by hand, and then deleted."""
    assert str(place.reuse().revision) == "airflow-dbt:1"
    place.client.deregister_task_definition(taskDefinition="airflow-dbt:1")
    given = place.at_once(1)
    assert {revision for revision, _ in given[0]} == {"airflow-dbt:2"}
    place.client.deregister_task_definition(taskDefinition="airflow-dbt:2")
    place.client.delete_task_definitions(taskDefinitions=["airflow-dbt:2"])
    given = place.at_once(1)
    assert {revision for revision, _ in given[0]} == {"airflow-dbt:3"}
    assert place.ecs.numbers("airflow-dbt", "ACTIVE") == [3]


def test_threads_slower_than_their_leases_leave_one_revision(place: Place) -> None:
    """Leases that run out at once: whoever has a surplus deregisters it, and all are given the one that stands."""
    given = place.at_once(2, terms=Terms(lease=timedelta(0), patience=timedelta(hours=1)))
    assert len(place.ecs.numbers("airflow-dbt", "ACTIVE")) == 2
    assert all(len({revision for revision, _ in counted}) == 1 for counted in given.values())


def test_nothing_of_a_definition_is_stored(place: Place) -> None:
    """Not its environment, nor its image."""
    request = definition(0)
    request["containerDefinitions"][0]["environment"] = [{"name": "PASSWORD", "value": SECRET}]
    reuse_or_register(request, table="lookup", ecs=place.client, dynamodb=place.dynamodb)
    stored = json.dumps(place.dynamodb.scan(TableName="lookup")["Items"])
    assert "airflow-dbt" in stored
    assert SECRET not in stored
    assert "PASSWORD" not in stored
    assert "dbt:0" not in stored


def test_a_program_gives_a_session_or_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the clients are made as the AWS tools make them."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert reuse_or_register(definition(0), table="lookup", ecs=place.client).how is How.REGISTERED
    session = boto3.Session(region_name="eu-west-1")
    assert reuse_or_register(definition(0), table="lookup", ecs=place.client, session=session).how is How.REUSED
    found = reuse_or_register(definition(1), table="lookup", session=session)  # in moto's ECS
    assert found.how is How.REGISTERED
    assert place.ecs.count("airflow-dbt") == 1


def test_the_readmes_example_runs(dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands there, with the credentials and the Region of the environment."""
    for name, value in {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }.items():
        monkeypatch.setenv(name, value)
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(from janitor.reuse import.*?)```", readme, re.DOTALL)
    create_table(dynamodb, "ecs-revision-janitor-prod-lookup")
    hows = []
    for _ in range(2):
        names: dict[str, Any] = {}
        exec(example, names)  # noqa: S102 - our own README
        hows.append(names["found"].how)
    assert hows == [How.REGISTERED, How.REUSED]


def test_a_table_that_is_not_there_is_named_or_done_without(place: Place) -> None:
    """As the caller asks."""
    with pytest.raises(TableFailed, match="lookup table nowhere failed at GetItem: ResourceNotFoundException"):
        place.reuse(table="nowhere")
    assert not place.ecs.count("airflow-dbt")
    found = place.reuse(table="nowhere", on_table_trouble="register")
    assert found.how is How.PLAIN
    assert "nowhere" in (found.trouble or "")


def test_whatever_is_wrong_is_said_at_once_and_nothing_asked(place: Place) -> None:
    """By the names of the arguments."""
    request: dict[str, Any] = {"family": "a b", "cpu": 1.5, "tags": [{"key": str(n), "value": ""} for n in range(50)]}
    bad: Any = "maybe"
    with pytest.raises(BadInput) as raised:
        reuse_or_register(request, table="", ecs=place.client, dynamodb=place.dynamodb, on_table_trouble=bad)
    assert [each.partition(":")[0] for each in raised.value.problems] == [
        "family",
        "table",
        "on_table_trouble",
        "tags",
        "cpu",
    ]
    assert not place.ecs.calls


# Processes


@pytest.fixture(scope="module")
def reusers() -> Iterator[subprocess.Popen[str]]:
    """Provide the process that forks."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-m", "tests.integration.reusers"]
    with subprocess.Popen(command, **pipes) as process:  # noqa: S603 - our own
        yield process


@pytest.mark.parametrize("dies", [None, 0])
def test_processes_register_each_definition_once(
    reusers: subprocess.Popen[str], dies: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where one is killed as soon as it has registered: whoever takes over finds its revision."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    server, ecs = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False), new_ecs()
    server.start()
    try:
        with one_write_at_a_time(), serve(ecs) as url:
            host, port = server.get_host_and_port()
            table = f"http://{host}:{port}"
            client = boto3.client("dynamodb", "eu-west-1", endpoint_url=table)
            create_table(client, "lookup")
            asked = {"ecs": url, "dynamodb": table, "processes": PROCESSES, "definitions": 3, "dies": dies}
            assert reusers.stdin is not None
            assert reusers.stdout is not None
            reusers.stdin.write(json.dumps(asked) + "\n")
            reusers.stdin.flush()
            answer = json.loads(reusers.stdout.readline())
            client.delete_table(TableName="lookup")
    finally:
        server.stop()
    given: dict[int, set[str]] = defaultdict(set)
    for number, revision, how in answer["given"]:
        assert how != "failed", revision
        given[number].add(revision)
    assert sorted(given) == [0, 1, 2]
    assert all(len(revisions) == 1 for revisions in given.values())
    surplus = 0 if dies is None else 1  # where the dead one was so slow that its lease had run out when it registered
    assert 3 <= len(ecs.numbers("airflow-dbt", "ACTIVE")) <= 3 + surplus
    assert answer["ended"] == [0 if number != dies else -9 for number in range(PROCESSES)]
    if dies is None:
        assert ecs.count("airflow-dbt") == 3
        assert Counter(how for _, _, how in answer["given"]) == {"registered": 3, "reused": 3 * PROCESSES - 3}

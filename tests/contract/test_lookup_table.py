"""What every lookup table does alike: the fake, on which the interleavings are tried, and DynamoDB as moto has it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from moto import mock_aws

from janitor.aws.lookup_table import DynamoLookupTable
from janitor.core.lookup import Entry, Event, Key, Lease, What
from janitor.core.model import RevisionId
from janitor.errors import TableFailed
from tests.fakes import START
from tests.fakes_lookup import MemoryTable
from tests.lookup import create_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb.client import DynamoDBClient

    from janitor.ports import LookupTable

MINUTE = timedelta(minutes=1)
KEY = Key("airflow-dbt", "1-abc")
OTHER = Key("airflow-dbt", "1-abcd")


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """Provide a client of a DynamoDB that exists only in this process, with the table."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        create_table(client, "lookup")
        yield client


@pytest.fixture(params=["fake", "dynamodb"])
def table(request: pytest.FixtureRequest) -> LookupTable:
    """Return an empty table of each kind."""
    if request.param == "fake":
        return MemoryTable()
    return DynamoLookupTable(request.getfixturevalue("dynamodb"), "lookup")


def lease(key: Key = KEY, owner: str = "one", minutes: int = 1) -> Lease:
    """Return a lease from the start on."""
    return Lease(key=key, owner=owner, by="dag a", since=START, until=START + minutes * MINUTE)


def entry(key: Key = KEY, number: int = 7, **changes: Any) -> Entry:  # noqa: ANN401 - those of Entry
    """Return an entry as its registration leaves it."""
    made = Entry(
        key=key,
        revision=RevisionId(key.family, number),
        arn=f"arn:aws:ecs:eu-west-1:123456789012:task-definition/{key.family}:{number}",
        registered_at=START,
        registered_by="dag a",
        last_used_at=START,
        last_used_by="dag a",
        use_count=1,
    )
    return replace(made, **changes)


def event(what: What = What.REGISTERED, key: Key = KEY, number: int = 7, minutes: int = 0) -> Event:
    """Return a line of the history."""
    at = START + minutes * MINUTE
    return Event(key=key, at=at, what=what, by="dag a", revision=RevisionId(key.family, number), words="why")


def committed(table: LookupTable, made: Entry) -> Entry:
    """Put an entry into the table as a caller does."""
    assert table.lease(lease(made.key), None)
    assert table.commit(lease(made.key), made, event(key=made.key, number=made.revision.number))
    return made


def test_nothing_stands_where_nothing_was_written(table: LookupTable) -> None:
    """And there is nothing of the family."""
    assert table.get(KEY) is None
    assert not table.named("airflow-dbt")
    found = table.family("airflow-dbt")
    assert not found.entries
    assert not found.leases
    assert not found.history


def test_one_of_two_gets_the_lease(table: LookupTable) -> None:
    """The other learns who has it; another definition of the family is another matter."""
    assert table.lease(lease(owner="one"), None)
    assert not table.lease(lease(owner="two"), None)
    assert table.get(KEY) == lease(owner="one")
    assert table.lease(lease(OTHER, owner="two"), None)


def test_a_lease_is_taken_over_from_whom_it_was_read(table: LookupTable) -> None:
    """Of two who read the same lease, one takes it over."""
    first, second, third = (lease(owner=owner) for owner in ("one", "two", "three"))
    assert not table.lease(second, first)
    assert table.lease(first, None)
    assert table.lease(second, first)
    assert not table.lease(third, first)
    assert table.get(KEY) == second


def test_no_lease_takes_the_place_of_a_revision(table: LookupTable) -> None:
    """Neither from nothing nor over a lease that was."""
    made = committed(table, entry())
    assert not table.lease(lease(owner="two"), None)
    assert not table.lease(lease(owner="two"), lease(owner="one"))
    assert table.get(KEY) == made


def test_a_lease_is_given_back_by_whom_it_is(table: LookupTable) -> None:
    """Nobody gives back another's, nor a revision."""
    assert not table.release(lease())
    assert table.lease(lease(owner="one"), None)
    assert not table.release(lease(owner="two"))
    assert table.release(lease(owner="one"))
    assert table.get(KEY) is None
    made = committed(table, entry())
    assert not table.release(lease(owner="one"))
    assert table.get(KEY) == made


def test_a_revision_takes_the_place_of_its_lease(table: LookupTable) -> None:
    """With its name for the family, and a line of history, all or nothing."""
    assert not table.commit(lease(owner="one"), entry(), event())
    assert table.lease(lease(owner="two"), None)
    assert not table.commit(lease(owner="one"), entry(), event())
    assert table.get(KEY) == lease(owner="two")
    assert not table.named("airflow-dbt")
    assert not table.family("airflow-dbt").history
    assert table.commit(lease(owner="two"), entry(), event())
    assert table.get(KEY) == entry()
    assert table.named("airflow-dbt") == {RevisionId("airflow-dbt", 7): KEY}
    assert table.family("airflow-dbt").history == (event(),)
    assert not table.commit(lease(owner="two"), entry(number=8), event(number=8)), "it is no lease any more"


def test_a_date_that_ecs_does_not_tell_is_none(table: LookupTable) -> None:
    """Nothing is made up."""
    assert table.get(KEY) is None
    made = committed(table, entry(registered_at=None))
    assert table.get(KEY) == made


def test_a_use_is_noted_of_the_revision_that_stands_there(table: LookupTable) -> None:
    """Not of another, not of a lease, not of nothing."""
    later = START + MINUTE
    assert not table.touch(entry(), later, "dag b")
    assert table.lease(lease(), None)
    assert not table.touch(entry(), later, "dag b")
    assert table.get(KEY) == lease()
    assert table.commit(lease(), entry(), event())
    assert not table.touch(entry(number=6), later, "dag b")
    assert table.touch(entry(), later, "dag b")
    assert table.get(KEY) == entry(last_used_at=later, last_used_by="dag b", use_count=2)


def test_a_revision_is_forgotten_whoever_used_it(table: LookupTable) -> None:
    """If it is the one that stands there; the family does not name it any more, and history tells."""
    assert not table.forget(entry(), event(What.FORGOTTEN))
    made = committed(table, entry())
    assert table.touch(made, START + MINUTE, "dag b")
    assert not table.forget(entry(number=6), event(What.FORGOTTEN, number=6))
    assert table.named("airflow-dbt")
    assert table.forget(made, event(What.FORGOTTEN, minutes=2))
    assert table.get(KEY) is None
    assert not table.named("airflow-dbt")
    assert [each.what for each in table.family("airflow-dbt").history] == [What.REGISTERED, What.FORGOTTEN]
    assert not table.forget(made, event(What.FORGOTTEN, minutes=3))


def test_a_lease_is_not_forgotten(table: LookupTable) -> None:
    """It runs out."""
    assert table.lease(lease(), None)
    assert not table.forget(entry(), event(What.FORGOTTEN))
    assert not table.evict(entry(), event(What.EVICTED))
    assert table.get(KEY) == lease()


@pytest.mark.parametrize(
    "used",
    [{"last_used_at": START + MINUTE}, {"last_used_at": START - MINUTE}, {"use_count": 2}, {"arn": "another"}],
    ids=str,
)
def test_what_was_used_since_is_not_evicted(table: LookupTable, used: dict[str, Any]) -> None:
    """Not even at the same moment, or by a clock that is behind; nor is another revision."""
    made = committed(table, entry(**used))
    assert not table.evict(entry(), event(What.EVICTED))
    assert table.get(KEY) == made
    assert table.named("airflow-dbt")
    assert table.evict(made, event(What.EVICTED, minutes=1))
    assert table.get(KEY) is None
    assert not table.named("airflow-dbt")
    assert [each.what for each in table.family("airflow-dbt").history] == [What.REGISTERED, What.EVICTED]


def test_a_family_is_told_apart_from_those_that_begin_alike(table: LookupTable) -> None:
    """By number, and the history by time."""
    kept = [committed(table, entry(Key("airflow-dbt", f"1-{number}"), number)) for number in (100, 20, 3)]
    committed(table, entry(Key("airflow-dbt-2", "1-3"), 3))
    committed(table, entry(Key("airflow", "1-3"), 3))
    assert table.lease(lease(), None)
    table.note(event(What.LOST, minutes=-5))
    found = table.family("airflow-dbt")
    assert found.entries == tuple(reversed(kept))
    assert found.leases == (lease(),)
    assert [each.what for each in found.history] == [What.LOST, *[What.REGISTERED] * 3]
    assert [each.number for each in table.named("airflow-dbt")] == [100, 20, 3] or sorted(
        each.number for each in table.named("airflow-dbt")
    ) == [3, 20, 100]


# What only DynamoDB has


def items(client: DynamoDBClient) -> list[dict[str, Any]]:
    """Return all items, with their types."""
    return client.scan(TableName="lookup")["Items"]


def test_history_alone_expires(dynamodb: DynamoDBClient) -> None:
    """After the time that the user said; for ever where that is none."""
    table = DynamoLookupTable(dynamodb, "lookup", history=timedelta(days=30))
    committed(table, entry())
    expiring = [each for each in items(dynamodb) if "expires_at" in each]
    assert [each["sk"]["S"][:2] for each in expiring] == ["H#"]
    assert expiring[0]["expires_at"] == {"N": str(int((START + timedelta(days=30)).timestamp()))}
    DynamoLookupTable(dynamodb, "lookup", history=None).note(event(What.LOST))
    assert len([each for each in items(dynamodb) if "expires_at" in each]) == 1


def test_the_items_are_those_that_the_readme_and_others_know(dynamodb: DynamoDBClient) -> None:
    """Keys are read by other programs."""
    committed(DynamoLookupTable(dynamodb, "lookup"), entry())
    keys = sorted((each["pk"]["S"], each["sk"]["S"].partition("#")[0]) for each in items(dynamodb))
    assert keys == [
        ("REV#airflow-dbt", "0000000007"),
        ("TD#airflow-dbt#1-abc", "ENTRY"),
        ("TD#airflow-dbt#1-abc", "H"),
    ]


def test_long_answers_are_read_to_their_end(dynamodb: DynamoDBClient) -> None:
    """A page of DynamoDB ends after a megabyte."""
    dynamodb.meta.events.register("provide-client-params.dynamodb.*", _two_a_page)
    table = DynamoLookupTable(dynamodb, "lookup")
    for number in range(1, 6):
        committed(table, entry(Key("airflow-dbt", f"1-{number}"), number))
    assert [each.number for each in table.named("airflow-dbt")] == [1, 2, 3, 4, 5]
    assert len(table.family("airflow-dbt").entries) == 5


def _two_a_page(params: dict[str, object], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
    if model.name in {"Query", "Scan"}:
        params["Limit"] = 2


def answering(code: str, status: int = 400, **more: Any) -> DynamoDBClient:  # noqa: ANN401 - members of an error
    """Return a client whose every call is answered by an error."""
    client = boto3.client(
        "dynamodb",
        region_name="eu-west-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )
    body = json.dumps({"__type": f"com.amazonaws.dynamodb#{code}", "message": "words", **more}).encode()

    def send(request: Any, **_: object) -> AWSResponse:  # noqa: ANN401 - AWSPreparedRequest
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(body))

    events: Any = client.meta.events  # whose published types allow no answer from a handler
    events.register("before-send", send)
    return client


class _Raw:
    """As much of a raw HTTP response as AWSResponse reads."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        """Yield the content."""
        yield self._content


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDeniedException", "janitor iam --mode reuse --table lookup"),
        ("ResourceNotFoundException", r"look for its name in eu-west-1, or deploy it \(lookupTable: true\)"),
        ("ProvisionedThroughputExceededException", "try again"),
    ],
)
def test_a_failing_table_is_named_with_cause_and_next_step(code: str, said: str) -> None:
    """Whatever was asked of it."""
    table = DynamoLookupTable(answering(code), "lookup")
    for ask in (
        lambda: table.get(KEY),
        lambda: table.lease(lease(), None),
        lambda: table.release(lease()),
        lambda: table.commit(lease(), entry(), event()),
        lambda: table.touch(entry(), START, "dag a"),
        lambda: table.forget(entry(), event()),
        lambda: table.evict(entry(), event()),
        lambda: table.note(event()),
        lambda: table.named("web"),
        lambda: table.family("web"),
    ):
        with pytest.raises(TableFailed, match=rf"^the lookup table lookup failed at \w+: {code}: words; {said}"):
            ask()


def test_a_table_that_nobody_answers_for_is_unreachable() -> None:
    """The tests' endpoint: nobody listens."""
    client = boto3.client(
        "dynamodb",
        region_name="eu-west-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(TableFailed, match=r"127\.0\.0\.1:9.*look whether DynamoDB can be reached"):
        DynamoLookupTable(client, "lookup").get(KEY)


def test_without_credentials_it_says_so() -> None:
    """Before anything is sent; by a session of its own, which no other test has lent any."""
    client = boto3.Session().client("dynamodb", region_name="eu-west-1")
    with pytest.raises(TableFailed, match="no valid AWS credentials"):
        DynamoLookupTable(client, "lookup").get(KEY)


@pytest.mark.parametrize(
    ("reasons", "lost"),
    [
        (["ConditionalCheckFailed", "None", "None"], True),
        (["None", "TransactionConflict", "None"], True),
        (["ConditionalCheckFailed", "ValidationError", "None"], False),
        (["ThrottlingError", "None", "None"], False),
        ([], False),
    ],
)
def test_a_cancelled_transaction_is_a_lost_race_or_a_failure(reasons: list[str], lost: bool) -> None:  # noqa: FBT001 - a table
    """By the reasons of all its writes (Amazon DynamoDB API reference, TransactWriteItems)."""
    why = [{"Code": each} for each in reasons]
    table = DynamoLookupTable(answering("TransactionCanceledException", CancellationReasons=why), "lookup")
    if lost:
        assert not table.commit(lease(), entry(), event())
    else:
        with pytest.raises(TableFailed, match="TransactionCanceledException"):
            table.commit(lease(), entry(), event())


def test_a_write_that_meets_a_transaction_is_a_lost_race() -> None:
    """Whoever asked looks again."""
    assert not DynamoLookupTable(answering("TransactionConflictException"), "lookup").touch(entry(), START, "a")


@pytest.mark.parametrize(
    "change",
    [{"last_used_at": {"S": "2027-03-01T12:00:00"}}, {"arn": None}, {"revision": {"S": "x"}}, {"state": None}],
    ids=str,
)
def test_an_item_that_somebody_else_wrote_is_refused(dynamodb: DynamoDBClient, change: dict[str, Any]) -> None:
    """It names nobody's revision."""
    table = DynamoLookupTable(dynamodb, "lookup")
    committed(table, entry())
    (item,) = [each for each in items(dynamodb) if each["sk"]["S"] == "ENTRY"]
    forged = {name: value for name, value in {**item, **change}.items() if value is not None}
    dynamodb.put_item(TableName="lookup", Item=forged)
    with pytest.raises(TableFailed, match=r"could not be read \(\w+\); look who else writes to it"):
        table.get(KEY)

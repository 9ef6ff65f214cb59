"""``janitor reuse show``: what stands for a family's definitions, and how it came to that."""

from __future__ import annotations

import contextlib
import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from janitor.aws.lookup_table import DynamoLookupTable
from janitor.cli import main
from janitor.core.lookup import Entry, Event, Key, Lease, What
from janitor.core.model import RevisionId
from tests.fakes import START
from tests.lookup import create_table
from tests.unit.test_threats import HOSTILE, obeyed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from janitor.ports import LookupTable

STORY = """\
airflow-dbt in the lookup table lookup
  airflow-dbt:8 (1-bbbbbbbbbbbb) registered by dag b; handed out once, last 2027-03-01 13:00 UTC to dag b
  airflow-dbt:9 (1-cccccccccccc) registered 2027-03-01 14:00 UTC by dag a; handed out 2 times, last 2027-03-01 15:00 UTC to dag c
  dag d is about to register 1-dddddddddddd, and has until 2027-03-01 12:01 UTC
  History:
    2027-03-01 12:00 UTC airflow-dbt:7 (1-aaaaaaaaaaaa) registered by dag a
    2027-03-01 13:00 UTC airflow-dbt:8 (1-bbbbbbbbbbbb) registered by somebody who did not come back, and taken over by dag b
    2027-03-01 14:00 UTC airflow-dbt:9 (1-cccccccccccc) registered by dag a
    2027-03-01 15:00 UTC airflow-dbt:10 (1-cccccccccccc) registered for nothing by dag c, who was too late: deregistered
    2027-03-01 16:00 UTC airflow-dbt:7 (1-aaaaaaaaaaaa) evicted by janitor: last used long ago
"""  # noqa: E501 - as it is printed


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[LookupTable]:
    """Provide an empty table that the command line finds."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        create_table(client, "lookup")
        yield DynamoLookupTable(client, "lookup")


def shown(*arguments: str) -> tuple[str, str, int]:
    """Run the command; return what it printed, also to stderr, and its exit code."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(["reuse", "show", *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
    return out.getvalue(), err.getvalue(), code


def committed(table: LookupTable, number: int, letter: str, by: str, what: What = What.REGISTERED) -> Entry:
    """Put a revision into the table, an hour after the one before it."""
    key, at = Key("airflow-dbt", f"1-{letter * 64}"), START + timedelta(hours=number - 7)
    revision = RevisionId("airflow-dbt", number)
    lease = Lease(key=key, owner="o", by=by, since=at, until=at)
    entry = Entry(
        key=key,
        revision=revision,
        arn=f"arn:aws:ecs:eu-west-1:123456789012:task-definition/{revision}",
        registered_at=None if what is What.ADOPTED else at,
        registered_by=by,
        last_used_at=at,
        last_used_by=by,
        use_count=1,
    )
    assert table.lease(lease, None)
    assert table.commit(lease, entry, Event(key=key, at=at, what=what, by=by, revision=revision))
    return entry


def lived(table: LookupTable) -> None:
    """Let a family have a past."""
    first = committed(table, 7, "a", "dag a")
    committed(table, 8, "b", "dag b", What.ADOPTED)
    third = committed(table, 9, "c", "dag a")
    later = START + timedelta(hours=3)
    assert table.touch(third, later, "dag c")
    surplus = RevisionId("airflow-dbt", 10)
    table.note(Event(key=third.key, at=later, what=What.LOST, by="dag c", revision=surplus, words="deregistered"))
    gone = Event(
        key=first.key,
        at=START + timedelta(hours=4),
        what=What.EVICTED,
        by="janitor",
        revision=first.revision,
        words="last used long ago",
    )
    assert table.evict(first, gone)
    until = START + timedelta(minutes=1)
    key = Key("airflow-dbt", f"1-{'d' * 64}")
    assert table.lease(Lease(key=key, owner="o", by="dag d", since=START, until=until), None)


def test_the_past_of_a_family_is_a_short_story(table: LookupTable) -> None:
    """What stands, who is about to register, and every line of the history, oldest first."""
    lived(table)
    assert shown("airflow-dbt", "--table", "lookup") == (STORY, "", 0)


def test_the_same_as_json(table: LookupTable) -> None:
    """With whole hashes and ARNs."""
    lived(table)
    out, _, code = shown("airflow-dbt", "--table", "lookup", "--format", "json")
    told = json.loads(out)
    assert code == 0
    assert [each["revision"] for each in told["entries"]] == ["airflow-dbt:8", "airflow-dbt:9"]
    assert told["entries"][0]["registered_at"] is None
    assert told["entries"][1] == {
        "revision": "airflow-dbt:9",
        "arn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/airflow-dbt:9",
        "hash": f"1-{'c' * 64}",
        "registered_at": "2027-03-01T14:00:00+00:00",
        "registered_by": "dag a",
        "last_used_at": "2027-03-01T15:00:00+00:00",
        "last_used_by": "dag c",
        "use_count": 2,
    }
    assert told["leases"] == [
        {
            "hash": f"1-{'d' * 64}",
            "by": "dag d",
            "since": "2027-03-01T12:00:00+00:00",
            "until": "2027-03-01T12:01:00+00:00",
        }
    ]
    assert [each["what"] for each in told["history"]] == ["registered", "adopted", "registered", "lost", "evicted"]


def test_a_family_that_the_table_does_not_know_has_no_story(table: LookupTable) -> None:
    """That is no error."""
    assert table.get(Key("web", "x")) is None
    out, _, code = shown("web", "--table", "lookup")
    assert (out, code) == ("web in the lookup table lookup\n  No revision stands for a definition.\n", 0)


def test_whoever_asks_writes_no_line_of_ours(table: LookupTable) -> None:
    """Names are told without their escapes."""
    committed(table, 7, "a", HOSTILE)
    out, _, code = shown("airflow-dbt", "--table", "lookup")
    assert code == 0
    assert not obeyed(out)
    assert len(out.splitlines()) == 4


def test_wrong_input_is_refused_and_a_missing_table_named(table: LookupTable) -> None:
    """The one by exit code 2, the other by 1."""
    assert table.get(Key("web", "x")) is None
    _, err, code = shown("a#b", "--table", "lookup")
    assert (code, "'a#b' is no family" in err) == (2, True)
    _, err, code = shown("web", "--table", "nowhere")
    assert (code, "the lookup table nowhere failed at Scan: ResourceNotFoundException" in err) == (1, True)

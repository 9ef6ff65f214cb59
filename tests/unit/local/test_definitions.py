from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from janitor.local import bodies
from janitor.local.behaviour import Behaviour, DeletingAgain, DeniedEntry
from janitor.local.families import Status
from tests.unit.local.support import (
    CONTAINER,
    LONG_AGO,
    NOW,
    UNTHROTTLED,
    ask,
    delete,
    embedded,
    refusal,
    register,
)

ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/"
HOUR = 3600


def test_registering_gives_the_next_number_and_returns_the_definition() -> None:
    """A new revision is ACTIVE and shows what was registered."""
    ecs = embedded()
    register(ecs, "etl")

    definition = register(ecs, "etl", cpu="256", tags=[{"key": "team", "value": "data"}])

    assert definition["taskDefinitionArn"] == f"{ARN}etl:2"
    assert (definition["family"], definition["revision"], definition["status"]) == ("etl", 2, "ACTIVE")
    assert (definition["cpu"], definition["containerDefinitions"]) == ("256", [CONTAINER])
    assert definition["registeredAt"] == NOW.timestamp()
    assert "tags" not in definition


def test_a_number_is_never_used_again() -> None:
    """Even when every revision of the family is gone, numbers go on."""
    ecs = embedded()
    register(ecs, "etl")
    ask(ecs, "DeregisterTaskDefinition", taskDefinition="etl:1")
    delete(ecs, "etl:1")
    ecs.clock.sleep(HOUR)
    assert ecs.status("etl", 1) is None
    assert ask(ecs, "ListTaskDefinitionFamilies")["families"] == []

    assert register(ecs, "etl")["revision"] == 2


@pytest.mark.parametrize(
    "params",
    [
        {"family": "no spaces", "containerDefinitions": [CONTAINER]},
        {"family": "etl", "containerDefinitions": []},
        {"family": "etl", "containerDefinitions": [{"name": "main"}]},
        {"family": "etl", "containerDefinitions": [CONTAINER | {"command": ["x" * 70_000]}]},
    ],
)
def test_a_definition_without_what_it_needs_is_not_registered(params: dict[str, object]) -> None:
    """A bad name, no container, no image, or more than 64 KiB: refused, and no number is used up."""
    ecs = embedded()

    assert refusal(ecs, "RegisterTaskDefinition", **params)[0] == "ClientException"
    assert ecs.count("etl") == 0


@pytest.mark.parametrize(("frees", "expected"), [(False, "LimitExceededException"), (True, None)])
def test_the_limit_is_on_the_highest_number_unless_deletion_frees_quota(*, frees: bool, expected: str | None) -> None:
    """Which of the two holds at AWS is not known; the harder one is the default."""
    ecs = embedded(replace(UNTHROTTLED, limit=10, deletion_frees_quota=frees))
    ecs.seed_family("etl", count=5, status=Status.GONE)
    ecs.seed_family("etl", count=5)

    reply = ecs.handle("RegisterTaskDefinition", {"family": "etl", "containerDefinitions": [CONTAINER]})

    assert reply.body.get("__type") == expected


def test_describing_shows_dates_and_who_registered() -> None:
    """Dates are seconds since the epoch; who registered is shown where it is known."""
    ecs = embedded()
    first, last = LONG_AGO
    ecs.seed_family("etl", count=3, registered=LONG_AGO, lifetime=timedelta(days=2), registered_by="arn:role/airflow")

    oldest, newest = (ask(ecs, "DescribeTaskDefinition", taskDefinition=f"etl:{n}")["taskDefinition"] for n in (1, 3))

    assert oldest["registeredAt"] == first.timestamp()
    assert oldest["deregisteredAt"] == (first + timedelta(days=2)).timestamp()
    assert newest["registeredAt"] == last.timestamp()
    assert newest["registeredBy"] == "arn:role/airflow"
    assert "deleteRequestedAt" not in newest


def test_a_missing_date_is_not_shown() -> None:
    """Revisions of before 2021 may have no dates."""
    ecs = embedded()
    ecs.seed_family("etl", count=1)
    ecs.seed_family("etl", count=1, registered=LONG_AGO, lifetime=None)

    undated, half = (ask(ecs, "DescribeTaskDefinition", taskDefinition=f"etl:{n}")["taskDefinition"] for n in (1, 2))

    assert not {"registeredAt", "deregisteredAt", "registeredBy"} & undated.keys()
    assert "registeredAt" in half
    assert "deregisteredAt" not in half


def test_describing_a_bare_family_shows_its_latest_active_revision() -> None:
    """Without a number the highest ACTIVE one is meant, even below INACTIVE ones."""
    ecs = embedded()
    ecs.seed_family("etl", count=2, status=Status.ACTIVE)
    ecs.seed_family("etl", count=2)

    assert ask(ecs, "DescribeTaskDefinition", taskDefinition="etl")["taskDefinition"]["revision"] == 2


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.INACTIVE, Status.DELETE_IN_PROGRESS])
def test_any_existing_revision_can_be_described(status: Status) -> None:
    """INACTIVE and DELETE_IN_PROGRESS revisions too, by number or by ARN."""
    ecs = embedded()
    ecs.seed_family("etl", count=1, status=status)

    for reference in ("etl:1", f"{ARN}etl:1"):
        assert ask(ecs, "DescribeTaskDefinition", taskDefinition=reference)["taskDefinition"]["status"] == status


@pytest.mark.parametrize("reference", ["etl", "etl:1", "etl:3", "other:1", "etl:x", "arn:aws:ecs:eu-west-1:1:x/etl:2"])
def test_what_does_not_exist_cannot_be_described(reference: str) -> None:
    """Gone, never registered, no ACTIVE one, or no reference at all: one and the same error."""
    ecs = embedded()
    ecs.seed_family("etl", count=1, status=Status.GONE)
    ecs.seed_family("etl", count=1)

    expected = ("ClientException", "Unable to describe task definition.")
    assert refusal(ecs, "DescribeTaskDefinition", taskDefinition=reference) == expected


def test_deregistering_makes_a_revision_inactive_once() -> None:
    """The date of the first time stays."""
    ecs = embedded()
    register(ecs, "etl")

    first = ask(ecs, "DeregisterTaskDefinition", taskDefinition="etl:1")["taskDefinition"]
    ecs.clock.sleep(HOUR)
    second = ask(ecs, "DeregisterTaskDefinition", taskDefinition="etl:1")["taskDefinition"]

    assert (first["status"], first["deregisteredAt"]) == ("INACTIVE", NOW.timestamp())
    assert second == first


def test_deregistering_needs_a_number_and_a_revision_that_stays() -> None:
    """A bare family is refused, and so is what is being deleted."""
    ecs = embedded()
    ecs.seed_family("etl", count=1, status=Status.DELETE_IN_PROGRESS)

    assert refusal(ecs, "DeregisterTaskDefinition", taskDefinition="etl")[0] == "InvalidParameterException"
    assert refusal(ecs, "DeregisterTaskDefinition", taskDefinition="etl:1")[0] == "ClientException"


def test_deletion_answers_for_each_entry_by_itself() -> None:
    """INACTIVE ones leave at once, with their whole definition; ACTIVE and missing ones are failures."""
    ecs = embedded()
    ecs.seed_family("etl", count=2, body=bodies.job("etl"))
    ecs.seed_family("etl", count=1, status=Status.ACTIVE)

    body = delete(ecs, "etl:1", "etl:3", f"{ARN}etl:2", "etl:9", "other:1")

    assert [(each["revision"], each["status"]) for each in body["taskDefinitions"]] == [
        (1, "DELETE_IN_PROGRESS"),
        (2, "DELETE_IN_PROGRESS"),
    ]
    assert body["taskDefinitions"][0]["deleteRequestedAt"] == NOW.timestamp()
    assert "containerDefinitions" in body["taskDefinitions"][0]
    assert [(each["arn"], each["reason"]) for each in body["failures"]] == [
        (f"{ARN}etl:3", "ACTIVE"),
        (f"{ARN}etl:9", "MISSING"),
        (f"{ARN}other:1", "MISSING"),
    ]
    assert ecs.status("etl", 3) == "ACTIVE"


@pytest.mark.parametrize("entries", [[], ["etl:1"] * 11, ["etl"], ["etl:1", "no such thing"]])
def test_a_deletion_names_one_to_ten_revisions(entries: list[str]) -> None:
    """None, more than ten, or one without a number: nothing is deleted."""
    ecs = embedded()
    ecs.seed_family("etl", count=1)

    assert refusal(ecs, "DeleteTaskDefinitions", taskDefinitions=entries)[0] == "InvalidParameterException"
    assert ecs.status("etl", 1) == "INACTIVE"


@pytest.mark.parametrize(("again", "deleted"), [(DeletingAgain.FAILS, 0), (DeletingAgain.SUCCEEDS, 1)])
def test_deleting_again_is_a_failure_unless_told_otherwise(again: DeletingAgain, deleted: int) -> None:
    """What AWS does is not known; the time of the request stays in any case."""
    ecs = embedded(replace(UNTHROTTLED, deleting_again=again))
    ecs.seed_family("etl", count=1)
    delete(ecs, "etl:1")
    ecs.clock.sleep(60)

    body = delete(ecs, "etl:1")

    assert (len(body["taskDefinitions"]), len(body["failures"])) == (deleted, 1 - deleted)
    described = ask(ecs, "DescribeTaskDefinition", taskDefinition="etl:1")["taskDefinition"]
    assert described["deleteRequestedAt"] == NOW.timestamp()


def test_a_deleted_revision_is_gone_after_the_delay() -> None:
    """Until then it is listed and described as DELETE_IN_PROGRESS."""
    ecs = embedded(replace(UNTHROTTLED, deletion_delay=timedelta(hours=2)))
    ecs.seed_family("etl", count=3)
    delete(ecs, "etl:2")

    ecs.clock.sleep(2 * HOUR - 1)
    assert ecs.status("etl", 2) == "DELETE_IN_PROGRESS"
    ecs.clock.sleep(1)
    assert ecs.status("etl", 2) is None
    assert (ecs.count("etl"), ecs.numbers("etl", "INACTIVE")) == (2, [1, 3])


def test_a_refused_entry_does_not_stop_its_batch() -> None:
    """A scripted refusal meets one revision; etl:1 is not etl:11."""
    ecs = embedded()
    ecs.seed_family("etl", count=11)
    ecs.faults.refuse("etl:1", reason="BUSY", detail="Try later.")

    body = delete(ecs, "etl:1", "etl:11")

    assert body["failures"] == [{"arn": f"{ARN}etl:1", "reason": "BUSY", "detail": "Try later."}]
    assert [each["revision"] for each in body["taskDefinitions"]] == [11]


def test_a_denied_entry_denies_the_whole_batch_by_default() -> None:
    """Nothing is deleted, and the error names the revision."""
    ecs = embedded()
    ecs.seed_family("etl", count=1)
    ecs.seed_family("etl", count=1, tags={"env": "prod"})
    ecs.faults.deny_tag("env", "prod")

    code, message = refusal(ecs, "DeleteTaskDefinitions", taskDefinitions=["etl:1", "etl:2"])

    assert code == "AccessDeniedException"
    assert f"{ARN}etl:2" in message
    assert ecs.count("etl", "INACTIVE") == 2


def test_a_denied_entry_can_be_a_failure_of_its_own() -> None:
    """The other way AWS may behave: the rest of the batch is deleted."""
    ecs = embedded(replace(UNTHROTTLED, denied_entry=DeniedEntry.ENTRY))
    ecs.seed_family("etl", count=2)
    ecs.faults.deny("etl:2")

    body = delete(ecs, "etl:1", "etl:2")

    assert [each["revision"] for each in body["taskDefinitions"]] == [1]
    assert [each["reason"] for each in body["failures"]] == ["ACCESS_DENIED"]


def test_tags_are_described_only_when_asked_for() -> None:
    """``include=TAGS`` brings them in the same call."""
    ecs = embedded()
    ecs.seed_family("etl", count=1, tags={"janitor:keep": "yes"})

    with_tags = ask(ecs, "DescribeTaskDefinition", taskDefinition="etl:1", include=["TAGS"])

    assert with_tags["tags"] == [{"key": "janitor:keep", "value": "yes"}]
    assert "tags" not in ask(ecs, "DescribeTaskDefinition", taskDefinition="etl:1")


def test_tagging_one_revision_leaves_the_others_alone() -> None:
    """Revisions seeded with common tags can be tagged and untagged one by one."""
    ecs = embedded()
    ecs.seed_family("etl", count=2, tags={"team": "data"})
    ask(ecs, "TagResource", resourceArn=f"{ARN}etl:1", tags=[{"key": "keep", "value": "1"}])
    ask(ecs, "UntagResource", resourceArn=f"{ARN}etl:1", tagKeys=["team"])

    def tags(number: int) -> list[dict[str, str]]:
        found: list[dict[str, str]] = ask(ecs, "ListTagsForResource", resourceArn=f"{ARN}etl:{number}")["tags"]
        return found

    assert tags(1) == [{"key": "keep", "value": "1"}]
    assert tags(2) == [{"key": "team", "value": "data"}]


def test_a_body_can_be_given_for_all_or_derived_from_the_number() -> None:
    """Seeding takes a body as it is, a function of the number, or makes a believable one up."""
    ecs = embedded()
    ecs.seed_family("fixed", count=1, body={"cpu": "64"})
    ecs.seed_family("derived", count=7, body=lambda number: {"cpu": str(number)})
    ecs.seed_family("believable", count=1)

    def described(reference: str) -> dict[str, object]:
        found: dict[str, object] = ask(ecs, "DescribeTaskDefinition", taskDefinition=reference)["taskDefinition"]
        return found

    assert described("fixed:1")["cpu"] == "64"
    assert described("derived:7")["cpu"] == "7"
    assert "containerDefinitions" in described("believable:1")


@pytest.mark.parametrize("body", [bodies.job, bodies.web])
@pytest.mark.parametrize("size", [4_096, 49_152, bodies.SIZE_LIMIT])
def test_a_body_is_about_as_large_as_asked_for(body: type, size: int) -> None:
    """Never above the API's limit."""
    length = len(json.dumps(body("etl", size=size)(1)))

    assert size * 0.8 <= length <= size


def test_families_can_be_composed_of_segments() -> None:
    """Numbers run on from one segment to the next; a gap is a segment that is gone."""
    ecs = embedded()
    ecs.seed_family("etl", count=2)
    ecs.seed_family("etl", count=3, status=Status.GONE)
    ecs.seed_family("etl", count=2, registered=LONG_AGO, deregistered_at=NOW)
    ecs.seed_family("etl", count=1, status=Status.ACTIVE)

    assert ecs.numbers("etl", "INACTIVE") == [1, 2, 6, 7]
    assert ecs.numbers("etl", "ACTIVE") == [8]
    assert (ecs.count("etl"), ecs.count("etl", "INACTIVE"), ecs.count("none")) == (5, 4, 0)
    assert ecs.status("etl", 4) is ecs.status("etl", 9) is ecs.status("none", 1) is None
    bulk = [ask(ecs, "DescribeTaskDefinition", taskDefinition=f"etl:{n}")["taskDefinition"] for n in (6, 7)]
    assert {each["deregisteredAt"] for each in bulk} == {NOW.timestamp()}


def test_seeded_deletions_have_their_own_request_time() -> None:
    """A revision asked to go yesterday goes when its delay is over."""
    ecs = embedded(Behaviour(throttling=False, deletion_delay=timedelta(hours=25)))
    ecs.seed_family(
        "etl", count=1, status=Status.DELETE_IN_PROGRESS, delete_requested_at=NOW - timedelta(hours=24, minutes=59)
    )

    assert ecs.status("etl", 1) == "DELETE_IN_PROGRESS"
    ecs.clock.sleep(60)
    assert ecs.status("etl", 1) is None

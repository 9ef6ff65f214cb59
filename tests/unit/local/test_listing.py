from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.local.behaviour import Cursor
from janitor.local.families import Status
from tests.unit.local.support import LONG_AGO, UNTHROTTLED, ask, delete, embedded, listed, pages, refusal, short

STABLE = replace(UNTHROTTLED, cursor=Cursor.STABLE)


def test_revisions_are_ordered_by_family_then_by_number() -> None:
    """A number is a number: 2 comes before 10, also where families follow each other."""
    ecs = embedded()
    ecs.seed_family("b", count=2)
    ecs.seed_family("a", count=11)

    found = listed(ecs, status="INACTIVE")

    assert found == [f"a:{number}" for number in range(1, 12)] + ["b:1", "b:2"]
    assert listed(ecs, status="INACTIVE", sort="DESC", maxResults=4) == found[::-1]


def test_family_prefix_is_the_full_family_name() -> None:
    """A family whose name only begins so is not listed."""
    ecs = embedded()
    ecs.seed_family("etl", count=1)
    ecs.seed_family("etl-hourly", count=1)

    assert listed(ecs, status="INACTIVE", familyPrefix="etl") == ["etl:1"]
    assert listed(ecs, status="INACTIVE", familyPrefix="et") == []


def test_active_revisions_are_listed_by_default() -> None:
    """Without a status, only ACTIVE revisions are listed."""
    ecs = embedded()
    ecs.seed_family("etl", count=2)
    ecs.seed_family("etl", count=1, status=Status.ACTIVE)
    ecs.seed_family("etl", count=1, status=Status.DELETE_IN_PROGRESS)

    assert listed(ecs) == ["etl:3"]
    assert listed(ecs, status="DELETE_IN_PROGRESS") == ["etl:4"]


def test_a_page_holds_a_hundred_unless_told_otherwise() -> None:
    """The last page has no token, even when it is full."""
    ecs = embedded()
    ecs.seed_family("etl", count=200)

    assert [len(page) for page in pages(ecs, "ListTaskDefinitions", "taskDefinitionArns", status="INACTIVE")] == [
        100,
        100,
    ]
    assert len(pages(ecs, "ListTaskDefinitions", "taskDefinitionArns", status="INACTIVE", maxResults=30)) == 7


@pytest.mark.parametrize("params", [{"maxResults": 0}, {"maxResults": 101}, {"status": "GONE"}, {"sort": "UP"}])
def test_a_value_out_of_range_is_an_invalid_parameter(params: dict[str, object]) -> None:
    """Page sizes, statuses and orders that ECS does not know are refused."""
    assert refusal(embedded(), "ListTaskDefinitions", **params)[0] == "InvalidParameterException"


@pytest.mark.parametrize("token", ["", "nonsense", "W10="])
def test_a_bad_token_is_an_invalid_parameter(token: str) -> None:
    """A token that was never issued is refused."""
    assert refusal(embedded(), "ListTaskDefinitions", nextToken=token)[0] == "InvalidParameterException"


def test_a_token_is_good_for_its_own_listing_only() -> None:
    """A token of another status, family or order is refused."""
    ecs = embedded()
    ecs.seed_family("etl", count=3)
    token = ask(ecs, "ListTaskDefinitions", status="INACTIVE", maxResults=1)["nextToken"]

    for other in ({"status": "ACTIVE"}, {"status": "INACTIVE", "sort": "DESC"}, {"familyPrefix": "etl"}):
        assert refusal(ecs, "ListTaskDefinitions", nextToken=token, **other)[0] == "InvalidParameterException"


def test_a_token_expires_after_its_lifetime() -> None:
    """With a lifetime set, a token that is older is refused."""
    ecs = embedded(replace(UNTHROTTLED, token_lifetime=timedelta(minutes=5)))
    ecs.seed_family("etl", count=3)
    token = ask(ecs, "ListTaskDefinitions", status="INACTIVE", maxResults=1)["nextToken"]

    ecs.clock.sleep(300)
    ask(ecs, "ListTaskDefinitions", status="INACTIVE", nextToken=token)
    ecs.clock.sleep(1)

    assert refusal(ecs, "ListTaskDefinitions", status="INACTIVE", nextToken=token)[0] == "InvalidParameterException"


def test_a_stable_token_resumes_after_its_last_revision() -> None:
    """Deleting behind a stable cursor skips nothing."""
    ecs = embedded(STABLE)
    ecs.seed_family("etl", count=30)
    first = ask(ecs, "ListTaskDefinitions", status="INACTIVE", maxResults=10)
    delete(ecs, *short(first["taskDefinitionArns"]))

    second = ask(ecs, "ListTaskDefinitions", status="INACTIVE", maxResults=10, nextToken=first["nextToken"])

    assert short(second["taskDefinitionArns"]) == [f"etl:{number}" for number in range(11, 21)]


def test_a_hostile_token_skips_as_many_as_left_behind_it() -> None:
    """Like an offset: what left before the cursor shifts the rest, what left after it does not."""
    ecs = embedded()
    ecs.seed_family("etl", count=40)
    first = ask(ecs, "ListTaskDefinitions", status="INACTIVE", maxResults=10)
    delete(ecs, "etl:1", "etl:2", "etl:3", "etl:30")

    second = ask(ecs, "ListTaskDefinitions", status="INACTIVE", maxResults=10, nextToken=first["nextToken"])

    assert short(second["taskDefinitionArns"]) == [f"etl:{number}" for number in range(14, 24)]


def test_a_hostile_token_skips_downwards_too() -> None:
    """In descending order, behind the cursor means above it."""
    ecs = embedded()
    ecs.seed_family("etl", count=40)
    params = {"status": "INACTIVE", "maxResults": 10, "sort": "DESC"}
    first = ask(ecs, "ListTaskDefinitions", **params)
    delete(ecs, "etl:40", "etl:39", "etl:1")

    second = ask(ecs, "ListTaskDefinitions", **params, nextToken=first["nextToken"])

    assert short(second["taskDefinitionArns"])[0] == "etl:28"


def test_every_second_disturbed_resumption_repeats_the_last_entries() -> None:
    """A hostile cursor shows the end of the page before once more, also what is no longer INACTIVE."""
    ecs = embedded()
    ecs.seed_family("etl", count=60)
    body, starts = ask(ecs, "ListTaskDefinitions", status="INACTIVE", maxResults=10), []
    for _ in range(4):
        delete(ecs, short(body["taskDefinitionArns"])[-1])
        body = ask(ecs, "ListTaskDefinitions", status="INACTIVE", maxResults=10, nextToken=body["nextToken"])
        starts.append(short(body["taskDefinitionArns"])[:4])

    assert starts == [
        ["etl:12", "etl:13", "etl:14", "etl:15"],
        ["etl:19", "etl:20", "etl:21", "etl:23"],
        ["etl:31", "etl:32", "etl:33", "etl:34"],
        ["etl:38", "etl:39", "etl:40", "etl:42"],
    ]


def test_a_hostile_cursor_is_harmless_while_nothing_leaves() -> None:
    """Listing alone, or registering meanwhile, skips and repeats nothing."""
    ecs = embedded()
    ecs.seed_family("etl", count=35)

    assert listed(ecs, status="INACTIVE", maxResults=10) == [f"etl:{number}" for number in range(1, 36)]


def test_families_are_listed_by_true_prefix_and_status() -> None:
    """ACTIVE: has one; INACTIVE: has none of them; ALL: whatever exists."""
    ecs = embedded()
    ecs.seed_family("etl-live", count=1)
    ecs.seed_family("etl-live", count=1, status=Status.ACTIVE)
    ecs.seed_family("etl-dead", count=1)
    ecs.seed_family("etl-leaving", count=1, status=Status.DELETE_IN_PROGRESS)
    ecs.seed_family("etl-gone", count=1, status=Status.GONE)
    ecs.seed_family("web", count=1, status=Status.ACTIVE)

    def families(**params: object) -> list[str]:
        names: list[str] = ask(ecs, "ListTaskDefinitionFamilies", familyPrefix="etl", **params)["families"]
        return names

    assert families() == families(status="ALL") == ["etl-dead", "etl-leaving", "etl-live"]
    assert families(status="ACTIVE") == ["etl-live"]
    assert families(status="INACTIVE") == ["etl-dead"]


def test_families_come_in_pages() -> None:
    """Each family is listed once, in order."""
    ecs = embedded()
    for number in range(25):
        ecs.seed_family(f"family-{number:02d}", count=1)

    found = pages(ecs, "ListTaskDefinitionFamilies", "families", maxResults=10)

    assert [len(page) for page in found] == [10, 10, 5]
    assert [name for page in found for name in page] == [f"family-{number:02d}" for number in range(25)]


def test_a_page_deep_in_a_million_revisions_looks_at_its_own_entries_only() -> None:
    """Resuming at either end costs no walk through what lies before."""
    ecs = embedded()
    ecs.seed_family("big", count=1_000_000, registered=LONG_AGO)
    params = {"familyPrefix": "big", "status": "INACTIVE", "maxResults": 2}

    upwards = ask(ecs, "ListTaskDefinitions", **params)
    downwards = ask(ecs, "ListTaskDefinitions", **params, sort="DESC")

    assert short(upwards["taskDefinitionArns"]) == ["big:1", "big:2"]
    assert short(downwards["taskDefinitionArns"]) == ["big:1000000", "big:999999"]


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=3),
    page=st.integers(1, 12),
    descending=st.booleans(),
    data=st.data(),
)
def test_a_stable_listing_shows_each_revision_once_whatever_is_deleted(
    sizes: list[int], page: int, *, descending: bool, data: st.DataObject
) -> None:
    """Nothing is listed twice, and nothing that stayed is missed."""
    ecs = embedded(STABLE)
    for index, size in enumerate(sizes):
        ecs.seed_family(f"family-{index}", count=size)
    everything = listed(ecs, status="INACTIVE")
    params = {"status": "INACTIVE", "maxResults": page, "sort": "DESC" if descending else "ASC"}

    found, deleted, token = [], set(), None
    while True:
        body = ask(ecs, "ListTaskDefinitions", **params, **({"nextToken": token} if token else {}))
        found += short(body["taskDefinitionArns"])
        token = body.get("nextToken")
        if token is None:
            break
        chosen = data.draw(st.lists(st.sampled_from(everything), max_size=10, unique=True))
        if chosen:
            delete(ecs, *chosen)
            deleted.update(chosen)

    assert len(found) == len(set(found))
    assert set(everything) - deleted <= set(found)
    assert found == sorted(found, key=everything.index, reverse=descending)


@settings(deadline=None)
@given(size=st.integers(1, 60), page=st.integers(1, 12), data=st.data())
def test_a_hostile_listing_ends_and_repeated_passes_find_everything(size: int, page: int, data: st.DataObject) -> None:
    """Whoever lists anew until nothing is left has met every revision, however hostile the cursor."""
    ecs = embedded()
    ecs.seed_family("etl", count=size)
    met: set[str] = set()
    for _ in range(size + 1):
        token = None
        while True:
            params = {"status": "INACTIVE", "maxResults": page} | ({"nextToken": token} if token else {})
            body = ask(ecs, "ListTaskDefinitions", **params)
            entries = short(body["taskDefinitionArns"])
            met.update(entries)
            leave = data.draw(st.booleans())
            if entries and leave:
                delete(ecs, *entries[:10])
            token = body.get("nextToken")
            if token is None:
                break
    assert met == {f"etl:{number}" for number in range(1, size + 1)}

"""What stands on the page: the report's own figures, the worst first, nothing hostile, and bounded."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.boundary import Estimate
from janitor.core.model import Mode, Reason
from janitor.core.report import Ending, FamilyReport
from janitor.render.html.families import rows
from janitor.render.html.page import FAMILIES_LISTED, FAMILIES_SHOWN, report_page
from janitor.render.html.shares import principal
from janitor.render.json import report_fields
from janitor.render.words import REASONS
from tests.builders import random_account, survey, sweep_account
from tests.pages import HOSTILE, Elements, assert_nothing_gets_out, figure, hostile, many, report, tables

if TYPE_CHECKING:
    from janitor.core.report import Report
    from tests.builders import Account
    from tests.pages import Table

STEADY = settings(derandomize=True, database=None, deadline=None, max_examples=12)
SIZES = st.lists(st.one_of(st.integers(1, 12), st.integers(1, 120)), min_size=1, max_size=4)
ACCOUNTS = st.builds(random_account, st.integers(0, 10**6), SIZES, st.integers(0, 3))


def captioned(page: str, words: str) -> list[Table]:
    """Return the tables whose caption has these words."""
    return [table for table in tables(page) if words in table.caption]


def assert_same(report: Report) -> None:
    """Check that the page's tables have the figures that the JSON has."""
    page, fields = report_page(report), report_fields(report)
    would = fields["mode"] == "report"
    shown = [
        row for table in (*captioned(page, "How near each"), *captioned(page, "other fam")) for row in table.rows[1:]
    ]
    assert len(shown) == len(fields["families"])
    by_name = {row[0]: row for row in shown}
    for family in fields["families"]:
        assert_same_family(by_name[family["family"]], family, would=would)
    assert [(row[0], figure(row[-1])) for table in captioned(page, "by the reason") for row in table.rows[1:]] == [
        (REASONS[Reason(reason)], count) for reason, count in fields["totals"]["kept_by_reason"].items()
    ]
    assert_same_ages(page, fields)
    calls = {
        row[0]: (figure(row[1]), figure(row[2])) for table in captioned(page, "Calls made") for row in table.rows[1:]
    }
    assert calls == {name: (made, fields["throttled_calls"].get(name, 0)) for name, made in fields["api_calls"].items()}


def assert_same_family(row: list[str], family: dict[str, Any], *, would: bool) -> None:
    """Check one row of the families."""
    count = family["revision_count"]
    assert row[3] == "-" if count is None else figure(row[3]) == count
    assert figure(row[4]) == family["inactive"]
    goes, stays = (row[5], row[-2])
    if would:
        assert goes == "-" or figure(goes) == family["due"]
        assert stays == "-" or figure(stays) == family["kept"]
        assert goes.startswith(("~", "≤", "-")) == (not family["due_is_exact"])
    else:
        assert (figure(goes), figure(stays)) == (family["deleted"], family["kept"])


def assert_same_ages(page: str, fields: dict[str, Any]) -> None:
    """Check the tables below the charts, and who registers."""
    drawn = sorted((each for each in fields["ages"] if aged(each)), key=lambda each: -each["revisions"])
    found = captioned(page, "by age")
    assert [[(figure(row[1]), figure(row[2])) for row in table.rows[1:]] for table in found] == [
        [(bucket["kept"], bucket["due"]) for bucket in each["buckets"]] for each in drawn
    ]
    weeks = [figure(row[1]) for table in captioned(page, "by week") for row in table.rows[1:]]
    expected = [week["revisions"] for week in fields["coming_due"]]
    assert weeks == (expected if any(expected) else [])
    who = {row[0]: figure(row[-1]) for table in captioned(page, "who registered") for row in table.rows[1:]}
    told = fields["registered_by"]
    counts = {principal(each["principal"], fields["account"]): each["revisions"] for each in told["principals"]}
    counts |= {"other principals": told["others"]} if told["others"] else {}
    counts |= {"ECS does not say who": told["not_given"]} if told["not_given"] else {}
    assert who == counts


def aged(ages: dict[str, Any]) -> int:
    """Count the revisions in the buckets."""
    return sum(bucket["kept"] + bucket["due"] for bucket in ages["buckets"])


@STEADY
@given(account=ACCOUNTS, delete=st.booleans())
def test_the_figures_on_the_page_are_those_of_the_json(*, account: Account, delete: bool) -> None:
    """Of an exact report and of a sweep."""
    assert_same(sweep_account(account, report=not delete, count_all=True).report)


@STEADY
@given(account=ACCOUNTS, budget=st.integers(10, 300))
def test_the_figures_of_a_bounded_report_are_those_of_the_json(*, account: Account, budget: int) -> None:
    """However little it could read: what is not known is a dash."""
    assert_same(survey(account, budget)[0])


@STEADY
@given(account=ACCOUNTS, budget=st.integers(10, 600))
def test_a_report_never_speaks_in_the_past_tense_of_what_it_did_not_do(*, account: Account, budget: int) -> None:
    """On the page as little as anywhere else."""
    text = Elements(report_page(survey(account, budget)[0])).text
    assert not re.search(r"\b(D|d)eleted\b", text)
    assert "Would go" in text


def test_the_same_report_gives_the_same_bytes() -> None:
    """No chart has a name or a date of its own."""
    assert report_page(hostile()) == report_page(hostile())


def test_nothing_hostile_gets_out_of_its_place() -> None:
    """No element, attribute or address comes of a name, and no character that turns a line around is left."""
    page = report_page(hostile())
    assert_nothing_gets_out(page)
    elements = Elements(page)
    assert "<script>alert(1)</script>" in elements.text
    assert "{{ 7 * 7 }}" in elements.text


def test_each_hostile_text_is_readable() -> None:
    """It is shown, not dropped."""
    text = Elements(report_page(hostile())).text
    for each in HOSTILE:
        assert re.sub(r"[\x00-\x1f\u200b\u202e]", "\N{REPLACEMENT CHARACTER}", each) in text


def test_what_needs_a_person_comes_first() -> None:
    """Before any figure but the headlines, the worst on top; what is not named is counted."""
    page = report_page(hostile())
    headings = re.findall(r"<h3>(.*?)</h3>", page)
    assert headings[:8] == [
        "Unfinished",
        "Refused by ECS",
        "Failed",
        "What is in use could not be read whole, so all it might name is kept",
        "Near the end of their numbers",
        "In DELETE_IN_PROGRESS for more than 25 hours, so something may still refer to them",
        "Not read to the end",
        "Warnings",
    ]
    sections = ("glance", "attention", "families", "ages", "coming", "reasons", "registrants", "policy", "calls")
    order = [page.index(f'id="{section}"') for section in sections]
    assert order == sorted(order)
    assert "and 12 more" in page, "20 were refused, 8 are named"


def test_what_was_not_read_is_not_made_up() -> None:
    """A dash for what is unknown, at most for what is a bound."""
    page = report_page(report((FamilyReport(family="a"), FamilyReport(family="b", inactive=Estimate.at_most(7)))))
    (table,) = captioned(page, "How near each")
    assert [row[1:] for row in table.rows[1:]] == [
        ["-", "-", "-", "-", "-", "-", "-"],
        ["-", "-", "-", "≤7", "0", "0", "-"],
    ]
    assert "no family was counted" in page


def test_an_unfinished_report_knows_no_number_to_go() -> None:
    """Zero would be a promise."""
    page = report_page(report(ending=Ending.COULD_NOT_FINISH, ending_words="no permission"))
    assert '<dt>Would go</dt>\n<dd class="value">-</dd>' in page
    assert "What a sweep would delete was not found out." in page


def test_two_thousand_families_are_a_page_of_bounded_size() -> None:
    """The fullest are shown, the others folded, what is beyond is counted."""
    found = many(2_500)
    page = report_page(found)
    first, second = captioned(page, "How near each")[0], captioned(page, "other families")[0]
    assert len(first.rows) == FAMILIES_SHOWN + 1
    assert len(second.rows) == FAMILIES_LISTED - FAMILIES_SHOWN + 1
    assert "500 families more are not on this page" in page
    assert len(page) < 2_000_000
    names = [row[0] for row in (*first.rows[1:], *second.rows[1:])]
    assert names == [row.family.family for row in rows(found)][:FAMILIES_LISTED]
    assert names[0] == "airflow-team-19-some-longer-dag-name-02499"


def test_a_bar_shows_the_number_where_the_count_does_not() -> None:
    """What clean-up cannot lower is seen beside what it can."""
    family = FamilyReport(
        family="a",
        active=Estimate.exactly(0),
        inactive=Estimate.exactly(100_000),
        delete_in_progress=Estimate.exactly(0),
        lowest_revision=850_000,
        highest_revision=960_000,
    )
    (row,) = rows(report((family,)))
    assert (row.by_count, row.by_number, row.level) == (10.0, 96.0, "critical")
    assert 'style="left:96.0%"' in report_page(report((family,)))


@pytest.mark.parametrize(
    ("arn", "shown"),
    [
        ("arn:aws:sts::123456789012:assumed-role/airflow", "assumed-role/airflow"),
        ("arn:aws:iam::210987654321:root", "arn:aws:iam::210987654321:root"),
        ("x:123456789012:y", "x:123456789012:y"),
    ],
)
def test_a_principal_of_the_account_is_shown_without_it(arn: str, shown: str) -> None:
    """One of another account is shown whole."""
    assert principal(arn, "123456789012") == shown


@pytest.mark.parametrize("command", ["janitor.cli", "janitor.handler"])
def test_nothing_waits_for_templates_but_the_page(command: str) -> None:
    """They take time to import, which a night in Lambda and another command need not spend."""
    look = f"import sys, {command}; print(sorted({{'jinja2', 'janitor.render.html'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True, timeout=60)  # noqa: S603 - our own command
    assert done.stdout.strip() == "[]"


def test_a_sweep_says_what_it_did() -> None:
    """In the past tense, with columns for what went wrong alone."""
    (table,) = captioned(report_page(hostile()), "How near each")
    assert table.rows[0][5:-1] == ["Deleted", "Refused", "Failed", "Not tried", "Kept"]
    (table,) = captioned(report_page(report((FamilyReport(family="a"),), mode=Mode.DELETE)), "How near each")
    assert table.rows[0][5:-1] == ["Deleted", "Kept"]

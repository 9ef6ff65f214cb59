"""The report: its sums are sums, and it says no more than it knows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.core.boundary import Estimate
from janitor.core.model import Mode, OutcomeKind, Reason
from janitor.core.pacing import Rate
from janitor.core.report import Cause, Ending, FamilyReport, Report
from tests.unit.core.strategies import NOW, STEADY

BLANK = Report(
    account="123456789012",
    region="eu-central-1",
    sweep_id="s-1",
    version="0.1.0",
    mode=Mode.REPORT,
    policy=(),
    started_at=NOW,
    finished_at=NOW,
    families=(),
)


def _estimates() -> st.SearchStrategy[Estimate]:
    parts = st.integers(0, 300_000)
    return st.builds(
        lambda low, below, above: Estimate(low=low, value=low + below, high=low + below + above), parts, parts, parts
    )


def _families() -> st.SearchStrategy[FamilyReport]:
    counts = st.one_of(st.none(), _estimates(), st.integers(0, 500).map(Estimate.exactly))
    numbers = st.one_of(st.none(), st.integers(1, 2_000))
    return st.builds(
        FamilyReport,
        family=st.sampled_from(("a", "b", "c")),
        active=counts,
        inactive=counts,
        delete_in_progress=counts,
        lowest_revision=numbers,
        highest_revision=numbers.map(lambda number: None if number is None else number + 2_000),
        due=_estimates(),
        kept=st.dictionaries(st.sampled_from(Reason), st.integers(0, 50), max_size=4),
        outcomes=st.dictionaries(st.sampled_from(OutcomeKind), st.integers(0, 50), max_size=4),
    )


def _counted(*, active: Estimate, lowest: int | None = None, highest: int | None = None) -> FamilyReport:
    return FamilyReport(
        family="etl",
        active=active,
        inactive=Estimate.exactly(10),
        delete_in_progress=Estimate.exactly(1),
        lowest_revision=lowest,
        highest_revision=highest,
    )


# Sums


@STEADY
@given(st.lists(_families(), max_size=4))
def test_the_totals_are_the_sums_of_the_families(families: list[FamilyReport]) -> None:
    """Judged is kept plus due, and every total is what its families add up to."""
    report = replace(BLANK, families=tuple(families))
    for family in families:
        assert family.judged == sum(family.kept.values()) + family.due.value
    assert report.judged == sum(family.judged for family in families)
    assert report.judged == sum(report.kept.values()) + report.due.value
    assert report.due.low == sum(family.due.low for family in families)
    assert report.due.high == sum(family.due.high for family in families)
    for reason in Reason:
        assert report.kept.get(reason, 0) == sum(family.kept.get(reason, 0) for family in families)
    for kind in OutcomeKind:
        assert report.outcome(kind) == sum(family.outcomes.get(kind, 0) for family in families)


def test_reasons_come_the_commonest_first_and_equal_ones_by_name() -> None:
    """The order of the reasons is the same in every run."""
    families = (
        FamilyReport(family="a", kept={Reason.YOUNG: 2, Reason.TAGGED: 3, Reason.IN_USE: 3}),
        FamilyReport(family="b", kept={Reason.YOUNG: 5}),
    )
    assert list(replace(BLANK, families=families).kept.items()) == [
        (Reason.YOUNG, 7),
        (Reason.IN_USE, 3),
        (Reason.TAGGED, 3),
    ]


def test_a_run_over_no_family_counts_nothing() -> None:
    """Nothing judged, nothing due, nothing wrong."""
    assert (BLANK.judged, BLANK.kept, BLANK.due) == (0, {}, Estimate.exactly(0))
    assert BLANK.outcome(OutcomeKind.DELETED) == 0
    assert BLANK.is_exact
    assert BLANK.causes == ()


@pytest.mark.parametrize(
    ("due", "not_read", "exact"),
    [
        (Estimate.exactly(3), (), True),
        (Estimate.at_most(3), (), False),
        (Estimate.exactly(3), ("billing",), False),
    ],
)
def test_a_report_is_exact_only_where_every_family_is(due: Estimate, not_read: tuple[str, ...], exact: bool) -> None:  # noqa: FBT001 - a column of the table
    """One estimate, or one family that was not read, and the total is about right."""
    families = (FamilyReport(family="a", due=Estimate.exactly(1)), FamilyReport(family="b", due=due))
    assert replace(BLANK, families=families, families_not_read=not_read).is_exact is exact


# How many exist


@pytest.mark.parametrize("missing", ["active", "inactive", "delete_in_progress"])
def test_a_revision_count_needs_all_three_statuses(missing: str) -> None:
    """A count that leaves a status out is no count of what the limit counts."""
    counts = {"active": Estimate.exactly(1), "inactive": Estimate.exactly(2), "delete_in_progress": Estimate.exactly(3)}
    del counts[missing]
    family = FamilyReport(family="etl", lowest_revision=1, highest_revision=9, **counts)  # type: ignore[arg-type] # one keyword is left out by name
    assert family.revision_count is None
    assert family.count_utilization is None


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        pytest.param(_counted(active=Estimate.exactly(5)), Estimate.exactly(16), id="counted"),
        pytest.param(
            _counted(active=Estimate.exactly(5), lowest=1, highest=3), Estimate.exactly(16), id="a count beats numbers"
        ),
        pytest.param(
            _counted(active=Estimate.at_most(100)), Estimate(value=111, low=11, high=111), id="numbers not read"
        ),
        pytest.param(
            _counted(active=Estimate.at_most(100), lowest=1), Estimate(value=111, low=11, high=111), id="no highest"
        ),
        pytest.param(
            _counted(active=Estimate.at_most(100), highest=50), Estimate(value=111, low=11, high=111), id="no lowest"
        ),
        pytest.param(
            _counted(active=Estimate.at_most(100), lowest=21, highest=50),
            Estimate(value=30, low=11, high=30),
            id="no more than the numbers leave room for",
        ),
        pytest.param(
            _counted(active=Estimate(value=4, low=1, high=100), lowest=1, highest=50),
            Estimate(value=15, low=12, high=50),
            id="room above the guess",
        ),
        pytest.param(
            _counted(active=Estimate.at_most(100), lowest=40, highest=50), Estimate.exactly(11), id="just room enough"
        ),
        pytest.param(
            _counted(active=Estimate.at_most(100), lowest=41, highest=50),
            Estimate(value=111, low=11, high=111),
            id="the family grew meanwhile",
        ),
    ],
)
def test_a_revision_count_is_bounded_by_the_room_between_lowest_and_highest(
    family: FamilyReport, expected: Estimate
) -> None:
    """Distinct numbers cannot be more than the numbers there are."""
    assert family.revision_count == expected


@STEADY
@given(_families())
def test_a_revision_count_is_never_above_either_of_its_bounds(family: FamilyReport) -> None:
    """Whatever was read, the count lies within the sum of the counts."""
    count = family.revision_count
    if count is None:
        assert None in (family.active, family.inactive, family.delete_in_progress)
        return
    assert family.active is not None
    assert family.inactive is not None
    assert family.delete_in_progress is not None
    total = family.active + family.inactive + family.delete_in_progress
    assert count.low == total.low
    assert count.high <= total.high


def test_utilization_is_percent_of_a_million() -> None:
    """Clean-up can lower the first figure, not the second."""
    family = FamilyReport(
        family="etl",
        active=Estimate.exactly(200_000),
        inactive=Estimate.exactly(50_000),
        delete_in_progress=Estimate.exactly(5_000),
        highest_revision=870_000,
    )
    assert family.count_utilization == pytest.approx(25.5)
    assert family.number_utilization == pytest.approx(87.0)
    assert FamilyReport(family="etl").number_utilization is None


# Exit causes


@pytest.mark.parametrize(
    ("report", "causes"),
    [
        (BLANK, ()),
        (replace(BLANK, ending=Ending.COULD_NOT_FINISH), (Cause.COULD_NOT_FINISH,)),
        (replace(BLANK, unreadable_usage=("services",)), (Cause.USAGE_UNREADABLE,)),
        (replace(BLANK, ending=Ending.STOPPED_AT_LIMIT), (Cause.WORK_LEFT,)),
        (replace(BLANK, ending=Ending.STOPPED_BY_USER), (Cause.WORK_LEFT,)),
        *[
            (replace(BLANK, families=(FamilyReport(family="a", outcomes={kind: 1}),)), causes)
            for kind, causes in (
                (OutcomeKind.DELETED, ()),
                (OutcomeKind.NOT_ATTEMPTED, ()),
                (OutcomeKind.REFUSED, (Cause.REFUSED_OR_FAILED,)),
                (OutcomeKind.FAILED, (Cause.REFUSED_OR_FAILED,)),
            )
        ],
        (
            replace(BLANK, families=(FamilyReport(family="a", kept={Reason.UNREADABLE: 1}),)),
            (Cause.REFUSED_OR_FAILED,),
        ),
        (replace(BLANK, families=(FamilyReport(family="a", kept={Reason.YOUNG: 1}),)), ()),
    ],
)
def test_each_cause_has_its_sign(report: Report, causes: tuple[Cause, ...]) -> None:
    """An exit code other than 0 has a cause that the report shows, and a good run has none."""
    assert report.causes == causes


@pytest.mark.parametrize("ending", [Ending.COULD_NOT_FINISH, Ending.STOPPED_AT_LIMIT])
def test_causes_come_in_the_order_of_the_exit_codes(ending: Ending) -> None:
    """The first cause decides: 1 before 4 before 3."""
    report = replace(
        BLANK,
        ending=ending,
        unreadable_usage=("services",),
        families=(FamilyReport(family="a", outcomes={OutcomeKind.FAILED: 2}),),
    )
    first = (
        (Cause.COULD_NOT_FINISH, Cause.USAGE_UNREADABLE)
        if ending is Ending.COULD_NOT_FINISH
        else (Cause.USAGE_UNREADABLE, Cause.WORK_LEFT)
    )
    assert report.causes == (*first, Cause.REFUSED_OR_FAILED)


# How long it takes


@pytest.mark.parametrize(
    ("due", "seconds"),
    [(0, 0), (1, 0), (40, 0), (41, 2), (50, 2), (51, 3), (1_000, 97), (9_000, 901), (1_000_000, 100_499)],
)
def test_deleting_takes_a_second_for_ten_beyond_the_burst(due: int, seconds: int) -> None:
    """Four batches go at once, then one a second less a hair; begun seconds count whole."""
    assert replace(BLANK, families=(FamilyReport(family="a", due=Estimate.exactly(due)),)).deletion_seconds == seconds


def test_the_time_to_delete_follows_the_best_guess() -> None:
    """An estimate is timed by its value, not by its bound."""
    due = Estimate(value=1_000, low=0, high=9_000)
    assert replace(BLANK, families=(FamilyReport(family="a", due=due),)).deletion_seconds == 97


def test_an_account_whose_rate_was_raised_is_done_sooner() -> None:
    """The time that deletion takes follows the rate of the run."""
    due = FamilyReport(family="a", due=Estimate.exactly(10_000))
    raised = replace(BLANK, families=(due,), deletion_rate=Rate(burst=20, per_second=10))
    assert raised.deletion_seconds == 98

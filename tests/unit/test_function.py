"""One invocation after the other: hops, brake, guards, what is published, what is raised."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from janitor.core.boundary import Estimate
from janitor.core.hop import Position
from janitor.core.model import FamilyUsage, Mode, OutcomeKind, RevisionId, Status
from janitor.core.report import FamilyReport
from janitor.errors import BadInput, CallFailed
from janitor.function import LEAST, MARGIN, DutyRemains, World, respond
from janitor.render.words import near_limit
from janitor.settings.function import EVENT_SOURCE, FINISHED, UNFINISHED, function_settings
from janitor.sweep.events import Judged
from janitor.sweep.run import Sweep
from janitor.sweep.tally import Context, Tally
from tests.builders import due_family, random_account
from tests.fakes import FakeClock, FakeTaskDefinitions, FakeUsage, InlineWorkers
from tests.schemas import described

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from janitor.core.report import Report
    from janitor.errors import JanitorError
    from janitor.function import HopContext
    from janitor.ports import Answer
    from janitor.settings import Settings
    from janitor.settings.function import FunctionSettings, Invocation
    from janitor.sweep.events import Event, Limits

LAMBDA = 900.0
STACK = {"JANITOR_STACK": "prod", "JANITOR_MODE": "delete", "JANITOR_KEEP_NEWEST": "0", "JANITOR_RETENTION": "30d"}
SCHEDULE = {"trigger": "schedule"}


class SlowTaskDefinitions(FakeTaskDefinitions):
    """A fake whose deletions take the second that ECS allows one of them."""

    clock: FakeClock

    def delete(self, batch: Sequence[RevisionId]) -> Answer:
        """Take a second, then delete."""
        self.clock.sleep(1.0)
        return super().delete(batch)


@dataclass
class Stage:
    """An account, a clock and all that the function publishes; ``invoke`` is one invocation."""

    account: SlowTaskDefinitions
    environment: Mapping[str, str] = field(default_factory=lambda: STACK)
    usage: FakeUsage = field(default_factory=FakeUsage)
    clock: FakeClock = field(default_factory=FakeClock)
    published: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    metrics: list[tuple[bool, bool]] = field(default_factory=list)
    reports: list[Mapping[str, Any]] = field(default_factory=list)
    judged: Counter[RevisionId] = field(default_factory=Counter)
    brake: Callable[[], str | None] = lambda: None
    publishing_fails: JanitorError | None = None
    reports_when_published: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.account.clock = self.clock

    def invoke(self, event: object, *, seconds: float = LAMBDA) -> dict[str, Any]:
        """Wake the function."""
        world = World(
            runs=lambda settings: _Runs(self, settings),
            publisher=self,
            brake=self.brake,
            metrics=self._metrics,
            keep_report=self.reports.append,
            observe=self._observe,
        )
        answer = respond(event, self.settings, world, seconds_left=seconds)
        described(answer, "report")
        return answer

    def sweep(self, event: object = None, *, seconds: float = LAMBDA) -> list[dict[str, Any]]:
        """Wake the function, and again for each hop that it asks for."""
        answers = [self.invoke(event or SCHEDULE, seconds=seconds)]
        while answers[-1]["hopped_on"]:
            answers.append(self.invoke(self.following(), seconds=seconds))
        return answers

    def following(self) -> dict[str, Any]:
        """Return the event that EventBridge makes of what was published last."""
        kind, detail = self.published[-1]
        return {
            "version": "0",
            "id": "7bf73129-1428-4cd3-a780-95db273d1602",
            "detail-type": kind,
            "source": EVENT_SOURCE,
            "detail": json.loads(json.dumps(detail)),
        }

    @property
    def settings(self) -> FunctionSettings:
        """Return what the environment says."""
        return function_settings(self.environment, folder=Path())

    @property
    def kinds(self) -> list[str]:
        """Return what was published, by kind."""
        return [kind for kind, _ in self.published]

    def publish(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Take an event."""
        if self.publishing_fails is not None:
            raise self.publishing_fails
        described(json.loads(json.dumps(detail)), kind.lower().replace(" ", "-"))
        self.published.append((kind, detail))
        self.reports_when_published.append([report["sweep_id"] for report in self.reports])

    def _metrics(self, _: Report, asked: Invocation, *, finished: bool, hopped_on: bool) -> None:
        assert asked.function.stack == "prod"
        self.metrics.append((finished, hopped_on))

    def _observe(self, event: Event) -> None:
        if isinstance(event, Judged):
            self.judged[event.verdict.revision] += 1


class _Runs:
    """Sweeps of the fake account. Satisfies ``janitor.function.Runs``."""

    def __init__(self, stage: Stage, settings: Settings) -> None:
        self._stage = stage
        self._settings = settings

    def survey(self, limits: Limits, observe: Callable[[Event], None]) -> Report:
        return self._run(Mode.REPORT, limits, observe, Position())[0]

    def hop(
        self, mode: Mode, limits: Limits, observe: Callable[[Event], None], *, hop: HopContext
    ) -> tuple[Report, Position]:
        return self._run(mode, limits, observe, hop.start, hop.sweep_id)

    def _run(
        self, mode: Mode, limits: Limits, observe: Callable[[Event], None], start: Position, sweep_id: str | None = None
    ) -> tuple[Report, Position]:
        stage = self._stage
        counters: Counter[str] = Counter()
        context = Context(
            region="eu-west-1",
            sweep_id=sweep_id or f"sweep-{len(stage.reports)}",
            version="0",
            api_calls=counters,
            throttled_calls=counters,
        )
        tally = Tally(
            mode=mode,
            policy=self._settings.policy,
            task_definitions=stage.account,
            usage=stage.usage,
            clock=stage.clock,
            context=context,
        )
        run = Sweep(
            mode=mode,
            tally=tally,
            task_definitions=stage.account,
            readers=InlineWorkers(),
            deleters=InlineWorkers(),
            limits=limits,
            clock=stage.clock,
            usage_anew=lambda: stage.usage,
            start=start,
            observe=observe,
        )
        return run.run(), run.position


def stage_of(count: int, **options: Any) -> Stage:  # noqa: ANN401 - the stage's own fields
    """Return a stage with one family of that many due revisions."""
    return Stage(SlowTaskDefinitions(due_family(count)), **options)


@pytest.mark.parametrize(("hostile", "backlog", "hops"), [(False, 100_000, 12), (True, 20_000, 3)])
def test_a_backlog_takes_hop_after_hop_and_judges_each_revision_once(*, hostile: bool, backlog: int, hops: int) -> None:
    """Each invocation of 15 minutes does its share and hands on; the last one says that the sweep is finished."""
    stage = Stage(SlowTaskDefinitions(due_family(backlog), hostile=hostile))
    answers = stage.sweep()
    assert abs(len(answers) - hops) <= 1
    assert set(stage.judged.values()) == {1}
    assert len(stage.judged) == backlog
    submitted = [each for batch in stage.account.batches for each in batch]
    assert len(submitted) == len(set(submitted)) == backlog
    assert stage.kinds == [UNFINISHED] * (len(answers) - 1) + [FINISHED]
    assert stage.published[-1][1]["totals"]["outcomes"] == {"deleted": backlog}
    assert stage.published[-1][1]["hops"] == len(answers)
    assert stage.metrics == [(False, True)] * (len(answers) - 1) + [(True, False)]
    assert all(answer["sweep_id"] == answers[0]["sweep_id"] for answer in answers)


@pytest.mark.parametrize("seed", range(12))
def test_hops_come_to_what_one_long_run_comes_to(seed: int) -> None:
    """Wherever an invocation ends, its successors do the rest, and the figures add up over all of them."""
    account = random_account(seed, (60, 90, 40), keep_newest=2)

    def stage() -> Stage:
        world = SlowTaskDefinitions(account.revisions, page_size=20, hostile=seed % 2 == 1)
        return Stage(world, {**STACK, "JANITOR_KEEP_NEWEST": "2"}, FakeUsage(account.usage))

    whole, hopped = stage(), stage()
    whole.sweep(seconds=100_000.0)
    answers = hopped.sweep(seconds=MARGIN + LEAST)
    assert {each for batch in hopped.account.batches for each in batch} == {
        each for batch in whole.account.batches for each in batch
    }
    totals = answers[-1]["sweep_totals"]
    assert totals["due"] == sum(totals["outcomes"].values())
    assert totals["judged"] == totals["due"] + sum(totals["kept"].values())


@pytest.mark.parametrize("seconds", [16, 19, 23, 40])
def test_what_a_cursor_skipped_in_an_earlier_hop_is_not_forgotten(seconds: int) -> None:
    """The sweep is finished when nothing is due in any family, also in those a hop before was done with."""
    due = [*due_family(230, "a"), *due_family(100, "b"), *due_family(70, "c")]
    stage = Stage(SlowTaskDefinitions(due, hostile=True, page_size=20))
    answers = stage.sweep(seconds=MARGIN + seconds)
    assert len(answers) > 1 or seconds == 40
    assert not stage.account.with_status(Status.INACTIVE)
    assert answers[-1]["sweep_totals"]["outcomes"] == {"deleted": 400}
    assert set(stage.judged.values()) == {1}


def test_what_is_kept_is_counted_once_over_all_hops() -> None:
    """A family that is listed again by a later hop adds nothing to what is kept."""
    kept = [replace(each, tags={"janitor:keep": ""}) for each in due_family(40, "a")]
    due = [*kept, *due_family(230, "a", first=41), *due_family(200, "b")]
    stage = Stage(SlowTaskDefinitions(due, hostile=True, page_size=20))
    answers = stage.sweep(seconds=MARGIN + LEAST + 4)
    assert len(answers) > 1
    assert answers[-1]["sweep_totals"]["kept"] == {"tagged": 40}
    assert answers[-1]["sweep_totals"]["judged"] == 470


def test_a_second_delivery_of_the_same_hop_is_harmless() -> None:
    """What was deleted is no longer listed: the progress is in ECS itself."""
    stage = stage_of(400)
    stage.invoke(SCHEDULE, seconds=MARGIN + LEAST + 5)
    event = stage.following()
    stage.invoke(event)
    stage.invoke(event)
    submitted = [each for batch in stage.account.batches for each in batch]
    assert len(submitted) == len(set(submitted)) == 400


def test_a_hop_inherits_mode_narrowing_and_count() -> None:
    """The next invocation may do no more than this one, and knows which one it is."""
    stage = stage_of(2_000)
    asked = {"mode": "delete", "families": ["e*"], "older_than": "60d", "max_deletions": 1_900}
    stage.invoke(asked, seconds=200)
    _, detail = stage.published[-1]
    assert detail["mode"] == "delete"
    assert detail["hop"] == 2
    assert detail["trigger"] == "hand"
    assert detail["narrowing"] == {
        "families": ["e*"],
        "exclude": [],
        "older_than": "60d",
        "keep_newest": None,
        "max_deletions": 1_900,
    }
    answers = stage.sweep(stage.following())
    assert answers[-1]["ending"] == "stopped_at_limit"
    assert answers[-1]["sweep_totals"]["outcomes"]["deleted"] == 1_900


@pytest.mark.parametrize(
    "change",
    [
        {"hop": 3},
        {"mode": "report"},
        {"sweep_id": "another"},
        {"position": {"round": 1, "family": "zzz", "number": 0}},
        {"narrowing": {"families": [], "exclude": [], "older_than": None, "keep_newest": None, "max_deletions": None}},
        {"digest": "0" * 64},
    ],
)
def test_an_altered_hop_is_refused_before_anything_is_touched(change: dict[str, Any]) -> None:
    """Its digest tells."""
    stage = stage_of(400)
    stage.invoke({"mode": "delete", "older_than": "60d"}, seconds=MARGIN + LEAST + 5)
    before = stage.account.calls.total()
    event = stage.following()
    event["detail"].update(change)
    with pytest.raises(BadInput, match="altered"):
        stage.invoke(event)
    assert stage.account.calls.total() == before


BAD_EVENTS = {
    "an unknown field": ({"families": ["a"], "dry_run": False}, "unknown key 'dry_run'"),
    "a shorter retention": ({"older_than": "29d"}, "the event's older_than: it can only be stricter than 30 days"),
    "fewer newest": ({"keep_newest": -1}, "the event's keep_newest: -1 is too small"),
    "more deletions": ({"max_deletions": 5_001}, "the event's max_deletions: it can only be smaller than 5,000"),
    "a pattern that is none": ({"families": ["a b"]}, "the event's families: 'a b' is not a family pattern"),
    "an unknown mode": ({"mode": "purge"}, "the event's mode: 'purge' is neither"),
    "an unknown trigger": ({"trigger": "cron"}, "the event's trigger: 'cron' is neither"),
    "a wrong type": ({"families": "a"}, "families: 'a' is not a list"),
    "no object": ([1], "[1] is not an object"),
    "nothing": (None, "None is not an object"),
}


@pytest.mark.parametrize(("event", "says"), BAD_EVENTS.values(), ids=list(BAD_EVENTS))
def test_a_bad_event_is_refused_by_name(event: object, says: str) -> None:
    """Unknown fields and what would widen are problems; nothing is called."""
    stage = stage_of(10, environment={**STACK, "JANITOR_MAX_DELETIONS": "5000"})
    with pytest.raises(BadInput) as refused:
        stage.invoke(event)
    assert says in str(refused.value)
    assert not stage.account.calls


def test_an_event_names_all_its_problems_at_once() -> None:
    """Nobody has to try again to hear of the next."""
    stage = stage_of(10)
    with pytest.raises(BadInput) as refused:
        stage.invoke({"mode": "purge", "older_than": "1d", "families": ["a b"]})
    assert len(refused.value.problems) >= 2


def test_a_stack_that_reports_cannot_be_made_to_delete() -> None:
    """Neither by a typed event nor by the schedule."""
    stage = stage_of(10, environment={**STACK, "JANITOR_MODE": "report"})
    with pytest.raises(BadInput, match="cannot make it delete"):
        stage.invoke({"mode": "delete"})
    assert stage.invoke(SCHEDULE)["mode"] == "report"
    assert not stage.account.batches
    assert stage.kinds == [FINISHED]


def test_what_is_typed_by_hand_reports_unless_it_says_delete() -> None:
    """An empty test event in the console must not delete."""
    stage = stage_of(10)
    assert stage.invoke({})["mode"] == "report"
    assert not stage.account.batches
    assert not stage.published
    assert stage.invoke({"mode": "delete"})["totals"]["deleted"] == 10


def test_a_report_never_hops() -> None:
    """It is cut off where its time ends, and says so."""
    stage = stage_of(10)
    stage.account.spend = lambda: stage.clock.sleep(10.0)
    answer = stage.invoke({"mode": "report"}, seconds=MARGIN + LEAST)
    assert answer["ending"] == "stopped_at_time"
    assert not answer["hopped_on"]
    assert not stage.published


def test_a_hop_that_judged_nothing_new_starts_no_other_and_is_raised() -> None:
    """Another one would get no further: a person is needed."""
    stage = stage_of(500)
    stage.account.spend = lambda: stage.clock.sleep(8.0)
    with pytest.raises(DutyRemains, match="nothing new was judged"):
        stage.invoke(SCHEDULE, seconds=MARGIN + LEAST)
    assert not stage.published
    assert stage.metrics == [(False, False)]


def test_a_sweep_takes_no_more_hops_than_it_may() -> None:
    """Beyond, it is raised, and a hop event beyond the limit is refused."""
    stage = stage_of(2_000, environment={**STACK, "JANITOR_MAX_HOPS": "2"})
    stage.invoke(SCHEDULE, seconds=100)
    with pytest.raises(DutyRemains, match="after 2 hops"):
        stage.invoke(stage.following(), seconds=100)
    event = stage.following()
    stage.environment = {**STACK, "JANITOR_MAX_HOPS": "1"}
    with pytest.raises(BadInput, match="beyond the limit of 1"):
        stage.invoke(event)


def test_too_little_time_for_anything_is_raised_before_anything_is_touched() -> None:
    """A budget too small for one batch begins nothing."""
    stage = stage_of(10)
    with pytest.raises(DutyRemains, match="seconds are too few"):
        stage.invoke(SCHEDULE, seconds=MARGIN + LEAST - 1)
    assert not stage.account.calls


def test_an_event_that_cannot_be_published_is_raised() -> None:
    """The next hop will not come by itself."""
    stage = stage_of(2_000, publishing_fails=CallFailed("PutEvents", "InternalException", "try later"))
    with pytest.raises(DutyRemains, match="could not be published: PutEvents failed"):
        stage.invoke(SCHEDULE, seconds=100)
    assert not stage.reports[-1]["hopped_on"]
    assert stage.metrics == [(False, False)]


@pytest.mark.parametrize("seconds", [LAMBDA, 100])
def test_who_hears_of_a_sweep_finds_its_report(seconds: float) -> None:
    """Stored before the event is published: a rule's target reads it at once."""
    stage = stage_of(2_000)
    stage.invoke(SCHEDULE, seconds=seconds)
    ((kind, detail),) = stage.published
    assert kind == (FINISHED if seconds == LAMBDA else UNFINISHED)
    assert stage.reports_when_published == [[detail["sweep_id"]]]


def test_refusals_are_figures_not_exceptions() -> None:
    """The sweep is finished; the alarm on refused revisions tells."""
    stage = stage_of(30)
    stage.account.refused[RevisionId("etl", 3)] = "somebody needs it"
    answer = stage.invoke(SCHEDULE)
    assert answer["totals"]["refused"] == 1
    assert answer["exit_causes"] == ["refused_or_failed"]
    assert stage.kinds == [FINISHED]


def test_what_needs_a_person_is_raised_after_it_was_reported() -> None:
    """A missing permission, or usage that cannot be read: the report is stored, then the function fails."""
    denied = stage_of(30)
    denied.account.denies_everything = True
    with pytest.raises(DutyRemains, match="denied"):
        denied.invoke(SCHEDULE)
    blind = stage_of(30, usage=FakeUsage({"etl": FamilyUsage(unreadable=("tasks could not be read",))}))
    with pytest.raises(DutyRemains, match="tasks could not be read"):
        blind.invoke(SCHEDULE)
    assert len(denied.reports) == len(denied.metrics) == len(blind.reports) == len(blind.metrics) == 1
    assert len(denied.account.batches) == 11  # refused, every one
    assert not blind.account.batches


def test_the_brake_stops_a_sweep_within_a_minute_and_starts_no_hop() -> None:
    """It was put on by a person, so nobody is called."""
    stage = stage_of(5_000)
    stage.brake = lambda: "the brake is on" if stage.clock.elapsed > 100 else None
    answer = stage.invoke(SCHEDULE)
    assert answer["ending"] == "stopped_by_brake"
    assert 100 < stage.clock.elapsed < 180
    assert not stage.published


def test_a_brake_that_is_on_from_the_start_lets_nothing_be_deleted() -> None:
    """It is asked before the first family."""
    stage = stage_of(50, brake=lambda: "the brake could not be read, so it counts as on")
    answer = stage.invoke(SCHEDULE)
    assert answer["ending"] == "stopped_by_brake"
    assert not stage.account.batches


def test_a_brake_is_seen_where_there_is_nothing_to_judge() -> None:
    """Who put it on is told so, not that all is well; and no family is listed."""
    stage = stage_of(0, brake=lambda: "the brake is on")
    answer = stage.invoke(SCHEDULE)
    assert answer["ending"] == "stopped_by_brake"
    assert stage.account.calls.total() == 0


@pytest.mark.parametrize(("allowed", "begins"), [(499, False), (500, True)])
def test_more_candidates_than_abort_above_refuse_the_whole_sweep(*, allowed: int, begins: bool) -> None:
    """Before the first deletion, and a person is called."""
    stage = stage_of(500, environment={**STACK, "JANITOR_ABORT_ABOVE": str(allowed)})
    if begins:
        assert stage.invoke(SCHEDULE)["totals"]["deleted"] == 500
        return
    with pytest.raises(DutyRemains, match="up to 500 revisions may be due, more than abort_above = 499"):
        stage.invoke(SCHEDULE)
    assert not stage.account.batches


def test_a_limit_of_deletions_stops_a_sweep_without_a_hop() -> None:
    """It was asked for: the next night goes on."""
    stage = stage_of(500, environment={**STACK, "JANITOR_MAX_DELETIONS": "25"})
    answer = stage.invoke(SCHEDULE)
    assert answer["ending"] == "stopped_at_limit"
    assert answer["totals"]["deleted"] == 25
    assert not stage.published


def test_a_narrowed_run_is_not_the_last_report() -> None:
    """What was asked of one family must not stand for the account."""
    stage = stage_of(20)
    stage.invoke({"families": ["etl"]})
    assert not stage.reports
    stage.invoke({})
    assert len(stage.reports) == 1


def test_two_sweeps_at_once_delete_nothing_twice_and_keep_the_newest() -> None:
    """Both see the same listing; what the other one deleted is found out when it is described."""
    stage = stage_of(300, environment={**STACK, "JANITOR_KEEP_NEWEST": "5"})
    first = stage.invoke(SCHEDULE, seconds=MARGIN + LEAST)
    other = Stage(stage.account, stage.environment, clock=stage.clock)
    other.sweep()
    stage.sweep(stage.following())
    submitted = [each for batch in stage.account.batches for each in batch]
    assert first["hopped_on"]
    assert len(submitted) == len(set(submitted)) == 295


def test_the_answer_is_bounded_at_any_size() -> None:
    """Lambda answers at most 6 MB; a thousand families are shown, the fullest, the others counted."""
    revisions = [replace(each, id=RevisionId(f"family-{n:05d}", 1)) for n in range(1_200) for each in due_family(1)]
    stage = Stage(SlowTaskDefinitions(revisions))
    answer = stage.invoke({})
    assert len(answer["families"]) == 1_000
    assert answer["families_left_out"] == 200
    assert answer["totals"]["families"] == 1_200
    assert len(json.dumps(answer)) < 2_000_000


def test_the_answer_begins_with_its_story() -> None:
    """Lambda's console shows JSON as it comes: what happened, or would, in the mood of the mode, then the figures."""
    would = Stage(SlowTaskDefinitions(due_family(12))).invoke({"mode": "report"})
    did = Stage(SlowTaskDefinitions(due_family(12))).invoke(SCHEDULE)
    assert [list(answer)[:3] for answer in (would, did)] == [["title", "summary", "schema_version"]] * 2
    assert would["title"].startswith("What a sweep would delete \N{MIDDLE DOT} ")
    assert would["summary"][0].startswith("A sweep would delete 12 revisions in 1 family.")
    assert did["title"].startswith("What the sweep deleted \N{MIDDLE DOT} ")
    assert did["summary"][0].startswith("Deleted 12 revisions: DELETE_IN_PROGRESS now")


def test_the_story_is_bounded_at_any_size() -> None:
    """A line a family that is out of numbers, but forty at most; the others are counted."""
    revisions = [replace(each, id=RevisionId(f"f{n:03d}", 900_000)) for n in range(60) for each in due_family(1)]
    lines = Stage(SlowTaskDefinitions(revisions)).invoke({})["summary"]
    assert len(lines) == 41
    assert lines[-1] == "and 21 more lines"


def test_sweep_finished_names_the_families_above_the_threshold() -> None:
    """An alarm on totals names nobody; this event does."""
    revisions = [
        replace(each, id=RevisionId(family, number))
        for family, number in (("full", 810_000), ("half", 500_000), ("small", 3))
        for each in due_family(1)
    ]
    stage = Stage(SlowTaskDefinitions(revisions), {**STACK, "JANITOR_KEEP_NEWEST": "1"})
    stage.invoke(SCHEDULE)
    _, detail = stage.published[-1]
    assert [each["family"] for each in detail["families_above_warning"]] == ["full"]
    assert detail["families_above_warning"][0]["number_utilization"] == 81.0
    assert detail["families_above_warning_count"] == 1
    assert detail["message"] == "full: <0.1 % of the limit by count, 81.0 % by number, the limit is not in sight"
    assert detail["version"] == 1


def test_the_message_of_sweep_finished_is_bounded_and_empty_where_no_family_is_near() -> None:
    """Ten families are named, the others counted; a rule tells by the count whether anybody is to be told."""
    families = [FamilyReport(family=f"etl-{number:02}", highest_revision=900_000) for number in range(12)]
    assert near_limit(families).startswith(
        "etl-00: - of the limit by count, 90.0 % by number, days left unknown; etl-01"
    )
    assert near_limit(families).endswith("; and 2 more")
    growing = FamilyReport(
        family="etl",
        active=Estimate.exactly(0),
        inactive=Estimate.exactly(900_000),
        delete_in_progress=Estimate.exactly(0),
        highest_revision=950_000,
        registrations_per_day=1_000.0,
    )
    assert near_limit([growing]) == "etl: 90.0 % of the limit by count, 95.0 % by number, 100 days left"
    stage = stage_of(3)
    stage.invoke(SCHEDULE)
    assert (stage.published[-1][1]["families_above_warning_count"], stage.published[-1][1]["message"]) == (0, "")


def test_settings_of_the_function_name_every_problem_at_once() -> None:
    """A misspelt variable, a value out of range and a missing one, in one message."""
    with pytest.raises(BadInput) as refused:
        function_settings(
            {
                "JANITOR_MODE": "purge",
                "JANITOR_RETENTION": "12h",
                "JANITOR_MAX_HOPS": "0",
                "JANITOR_METRIC_FAMILIES": "101",
                "JANITOR_WARNING_PERCENT": "x",
                "JANITOR_INCLUDE": "ok-*, not ok",
                "JANITOR_POLICY": "missing.toml",
                "JANITOR_RETENTOIN": "180d",
                "AWS_REGION": "eu-west-1",
            },
            folder=Path(),
        )
    said = str(refused.value)
    for name in (
        "JANITOR_STACK: it is missing",
        "JANITOR_MODE: 'purge' is neither",
        "JANITOR_MAX_HOPS: 0 is too small",
        "JANITOR_METRIC_FAMILIES: 101 is too large",
        "JANITOR_WARNING_PERCENT: 'x' is not a whole number",
        "JANITOR_RETENTOIN: there is no such variable",
        "JANITOR_POLICY missing.toml: it cannot be read",
        "JANITOR_RETENTION: 12h is too short",
        "JANITOR_INCLUDE: 'not ok' is not a family pattern",
    ):
        assert name in said
    assert len(refused.value.problems) == 9


def test_an_outcome_of_every_kind_survives_the_journey_through_an_event() -> None:
    """Names in events are plain text: what one version writes the next can read."""
    stage = stage_of(2_000)
    stage.account.refused[RevisionId("etl", 3)] = "no"
    stage.invoke(SCHEDULE, seconds=100)
    _, detail = stage.published[-1]
    assert json.loads(json.dumps(detail)) == detail
    assert set(detail["so_far"]["outcomes"]) <= {kind.value for kind in OutcomeKind}

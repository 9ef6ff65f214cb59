"""The dashboard's widget: what a refresh shows, what a button may ask for, what is refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from janitor.errors import StoreFailed
from janitor.local.account import believable_account
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.faults import Fault
from janitor.render.widget import DOCUMENTATION, NARROW, PAGE, WIDE
from janitor.settings.function import function_settings
from janitor.settings.widget import USUAL_WIDTH, Display, Theme, asked, describes, display
from janitor.store import last_report
from janitor.widget import MAX_READS, SECONDS, World, respond
from tests.commandline import small_account
from tests.fakes_store import MemoryBlobs
from tests.widgets import ARN, PARAMS, STACK, Stage, context, pressed, refreshed

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'</cwdb-action><!--\u202e"
ALLOWED = {
    *("style", "div", "h2", "p", "span", "b", "i", "ul", "li", "a", "cwdb-action"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}
"""Elements that a widget is made of: CloudWatch takes scripts, frames and ``use`` out."""


class Seen(HTMLParser):
    """What a browser would make of a widget: elements, their attributes, texts, and the actions of the buttons."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.actions: list[tuple[dict[str, str | None], Any]] = []
        self._inside: list[str] = []
        self._action: dict[str, str | None] = {}
        self.feed(html)
        self.close()
        assert not self._inside, "each element ends"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element's name and attributes."""
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self._inside.append(tag)
        if tag == "cwdb-action":
            self._action = dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        """See that what ends has begun."""
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        """Take a text, or a button's parameters."""
        if self._inside[-1:] == ["cwdb-action"]:
            self.actions.append((self._action, json.loads(data)))
        elif self._inside[-1:] != ["style"]:
            self.text += data

    @property
    def words(self) -> str:
        """The text with single spaces."""
        return " ".join(self.text.split())

    def buttons(self, name: str) -> list[Any]:
        """Return what the buttons ask for that have a parameter."""
        return [asked_for[name] for _, asked_for in self.actions if name in asked_for]


@pytest.fixture
def stage() -> Stage:
    """Provide an account that was reported on."""
    return Stage(blobs=_stored("report"))


@pytest.fixture
def swept() -> Stage:
    """Provide an account that was swept, in which ECS refused two revisions."""
    return Stage(blobs=_stored("delete"))


def _stored(mode: str) -> MemoryBlobs:
    blobs = MemoryBlobs()
    last_report.put(blobs, _report(mode))
    return blobs


@cache
def _report(mode: str) -> str:
    """Let the function run once; return what it stored."""
    stage = Stage()
    for revision in ("airflow-dbt:7", "web:5"):
        stage.ecs.faults.refuse(revision, reason="REFUSED_FOR_A_REASON", detail="ask the owner")
    stage.sweep(mode)
    return last_report.get(stage.blobs) or ""


# What it shows


def test_a_refresh_never_calls_ecs(stage: Stage) -> None:
    """Nor its neighbours: it reads one object of the store."""
    before, stage.blobs.read = stage.calls, []
    for event in (refreshed(), refreshed(theme="dark", width=300), pressed({"page": 2}), {}):
        assert "What a sweep would delete" in stage.call(event)
    assert stage.calls == before
    assert set(stage.blobs.read) == {last_report.KEY}


def test_a_report_is_shown_with_its_figures_and_never_in_the_past_tense(stage: Stage) -> None:
    """The figures are those of the stored JSON; nothing was deleted, so nothing says so."""
    stored = json.loads(last_report.get(stage.blobs) or "")
    words = Seen(stage.call(refreshed())).words
    assert "What a sweep would delete report only" in words
    assert f"Would go {stored['totals']['due']}" in words
    assert f"Would stay {stored['totals']['kept']}" in words
    assert f"Families {stored['totals']['families']}" in words
    assert "Needs attention ACTIVE orphans, old and named by nothing: 2 in airflow-dbt." in words
    assert all(line in words for line in stored["summary"])
    assert not re.search(r"eleted|Kept|was kept|were kept", words)


def test_a_sweep_is_shown_with_what_became_of_it(swept: Stage) -> None:
    """In the past tense; what ECS refused comes first, by name and reason."""
    stored = json.loads(last_report.get(swept.blobs) or "")
    words = Seen(swept.call(refreshed())).words
    assert "What the sweep deleted deletes" in words
    assert f"Deleted {stored['sweep_totals']['outcomes']['deleted']}" in words
    assert "Refused or failed 2" in words
    assert words.index("Needs attention") < words.index("Refused or failed: airflow-dbt:7 (REFUSED_FOR_A_REASON")
    assert "web:5 (REFUSED_FOR_A_REASON" in words
    assert "would" not in words.lower()


ATTENTION: list[tuple[dict[str, Any], str]] = [
    (
        {"ending": "could_not_finish", "ending_reason": "ecs:ListTasks was denied."},
        "The report did not finish: ecs:ListTasks was denied.",
    ),
    (
        {"usage_not_read": [f"tasks of cluster {n}" for n in range(5)]},
        "so all it might name would be kept: tasks of cluster 0, tasks of cluster 1, tasks of cluster 2 and 2 more.",
    ),
    ({"failed": [{"revision": "web:1", "reason": "no answer."}]}, "Refused or failed: web:1 (no answer)."),
    ({"families_not_read": ["web"]}, "Not read to the end: web."),
    ({"warnings": ["a", "b"]}, "Warnings: a, b"),
    ({"warnings": ["a"]}, "Warning: a"),
]


@pytest.mark.parametrize(("fields", "says"), ATTENTION)
def test_what_needs_attention_is_said(stage: Stage, fields: dict[str, Any], says: str) -> None:
    """Each kind in a sentence, in the mood of a report."""
    stage.alter(**fields)
    words = Seen(stage.call(refreshed())).words
    assert says in words
    assert words.index("Needs attention") < words.index(says) < words.index("Would go")


def test_a_family_near_the_limit_or_long_on_its_way_out_is_named(stage: Stage) -> None:
    """From the stack's own threshold; a full bar is red and no longer than the table's cell."""
    family = json.loads(last_report.get(stage.blobs) or "")["families"][0]
    lingering = [{"revision": "web:3", "age": 100_000.0, "used_by": None, "usage_is_known": True}]
    stage.alter(families=[{**family, "number_utilization": 120.0, "lingering": lingering}])
    html = stage.call(refreshed())
    assert (
        "Near the limit of 1,000,000: airflow-dbt: <0.1 % of the limit by count, 120.0 % by number" in Seen(html).text
    )
    assert "In DELETE_IN_PROGRESS for more than 25 hours, perhaps still in use: web:3 for 27.8 hours." in html
    assert '<i class="janitor-near" style="width:100.0%">' in html
    at_99 = replace(stage, environment={**STACK, "JANITOR_WARNING_PERCENT": "99"})
    for percent, is_near in ((98.9, False), (99.0, True)):
        at_99.alter(families=[{**family, "number_utilization": percent}])
        html = at_99.call(refreshed())
        assert ("Near the limit" in html, 'class="janitor-near"' in html) == (is_near, is_near)


def test_the_report_says_how_old_it_is_and_when_that_is_too_old(stage: Stage) -> None:
    """As the dashboard's parameters say; in the time of who looks."""
    stage.clock.sleep(25 * 3_600)
    assert "2026-11-01 03:00 UTC, 25.0 hours ago" in stage.call(refreshed())
    assert "2026-10-31 23:30 UTC-03:30, 25.0 hours ago" in stage.call(refreshed(offset="-03:30"))
    assert " is called old" not in stage.call(refreshed())
    stage.clock.sleep(48 * 3_600)
    assert "This report is 3 days old, and is called old after 26 hours." in stage.call(refreshed())
    assert " is called old" not in stage.call({})


def test_a_clock_that_is_behind_makes_no_negative_age(stage: Stage) -> None:
    """The report may be of this second."""
    stage.alter(finished_at="2026-11-01T04:00:00+00:00")
    assert "1 second ago" in stage.call(refreshed())


def test_an_unfinished_hop_is_under_way_and_needs_nobody(swept: Stage) -> None:
    """Its families' figures are its own, the headline is the whole sweep's; what it has not read is a dash."""
    unread = {"family": "checkout-api", "count_is_exact": False, "due_is_exact": False}
    swept.alter(families=[unread], refused=[], hop=3, hopped_on=True, ending="stopped_at_time")
    swept.alter(sweep_totals={"outcomes": {"deleted": 23_000}})
    seen = Seen(swept.call(refreshed(width=1_000)))
    assert "under way, hop 3 has handed on to the next" in seen.words
    assert "deleted and kept are of hop 3 alone" in seen.words
    assert "Deleted 23,000" in seen.words
    assert "Nothing needs attention." in seen.words
    assert "checkout-api - - - 0 - Dry run" in seen.words


# Pages


@pytest.mark.parametrize(
    ("page", "names", "buttons"),
    [(1, range(10), [2]), (2, range(10, 20), [1, 3]), (3, range(20, 25), [2]), (9, range(20, 25), [2])],
)
def test_families_are_paged_through_from_the_fullest(stage: Stage, page: int, names: range, buttons: list[int]) -> None:
    """A page beyond the last is the last: families may have gone since the button was drawn."""
    families = [{"family": f"f{99 - n}", "count_utilization": 1, "number_utilization": 50 - n} for n in range(25)]
    stage.alter(families=families, families_left_out=1_000)
    seen = Seen(stage.call(pressed({"page": page})))
    assert seen.buttons("dry_run") == [f"f{99 - n}" for n in names]
    assert seen.buttons("page") == buttons
    assert f"{names[0] + 1} to {names[-1] + 1} of 25" in seen.words
    assert "1,000 families less full than these are not in the stored report." in seen.words
    assert len(names) <= PAGE


def test_an_account_without_families_has_an_empty_report(stage: Stage) -> None:
    """No table, no page."""
    stage.alter(families=[], totals={}, summary=[])
    seen = Seen(stage.call(refreshed()))
    assert "Families 0" in seen.words
    assert "table" not in seen.tags
    assert not seen.actions


# Buttons


def test_each_button_calls_this_function(stage: Stage) -> None:
    """A dry run opens beside the widget, so that no refresh of it can repeat it; a page takes its place."""
    stage.alter(families=[{"family": f"f{n}"} for n in range(12)])
    html = stage.call(refreshed())
    for attributes, parameters in Seen(html).actions:
        assert attributes["action"] == "call"
        assert attributes["endpoint"] == ARN
        assert attributes["display"] == ("popup" if "dry_run" in parameters else "widget")
        assert attributes.keys() <= {"action", "endpoint", "display"}
    assert html.count("</a>\n<cwdb-action") == html.count("<cwdb-action") == html.count('<a class="btn"') == 11
    assert '<cwdb-action action="call"' in html
    assert '>{"dry_run": "f0"}</cwdb-action>' in html


def test_a_button_asks_ecs_about_one_family(stage: Stage) -> None:
    """What is so now, in the mood of a report; no write call, and nothing is stored."""
    before, stored = stage.ecs.calls.copy(), dict(stage.blobs.contents)
    words = Seen(stage.call(pressed({"dry_run": "airflow-dbt"}))).words
    made = stage.ecs.calls - before
    assert "Dry run of airflow-dbt: what a sweep would delete now" in words
    assert "A sweep would delete 29 revisions in 1 family." in words
    assert "web" not in words
    assert not re.search(r"eleted (?!nothing)|Kept", words)
    assert made
    assert all(operation.startswith(("List", "Describe", "Get")) for operation in made)
    assert f"{sum(n for n in made.values())} read calls, no write call" in words
    assert stage.blobs.contents == stored


def test_a_dry_run_stays_within_its_budget() -> None:
    """Of reads, in an account of any size; it says that it is an estimate."""
    stage = Stage(ecs=believable_account(VirtualClock()))
    words = Seen(stage.call(pressed({"dry_run": "airflow-dbt-hourly"}))).words
    assert "A sweep would delete about " in words
    assert stage.calls <= MAX_READS
    assert (stage.clock.now() - Stage().clock.now()).total_seconds() <= 30


def test_a_dry_run_stops_while_somebody_waits_for_it() -> None:
    """Where ECS answers slowly it says what it had found out by then."""
    stage = Stage(ecs=small_account(Behaviour(latency=(3.0, 3.0))))
    started = stage.clock.now()
    assert "Unfinished: stopped at its time limit of 15 seconds." in stage.call(pressed({"dry_run": "airflow-dbt"}))
    assert SECONDS <= (stage.clock.now() - started).total_seconds() <= 45


def test_a_dry_run_without_time_says_so(stage: Stage) -> None:
    """An invocation that has none left."""
    world = World(now=stage.clock.now, last_report=lambda: None, surveys=stage._runner)
    event = pressed({"dry_run": "web"})
    html = respond(event, stage.function, world, endpoint=ARN, seconds_left=3)
    assert "Unfinished: stopped at its time limit" in html


def test_a_dry_run_that_is_denied_names_the_permission(stage: Stage) -> None:
    """As a sentence, not as a stack trace."""
    stage.ecs.faults.add(Fault(operation="ListTaskDefinitionFamilies", code="AccessDeniedException", message="no"))
    html = stage.call(pressed({"dry_run": "web"}))
    assert "Unfinished: ecs:ListTaskDefinitionFamilies was denied: AccessDeniedException: no." in html
    assert "Traceback" not in html


def test_a_dry_run_is_under_the_policy_of_the_stack(stage: Stage) -> None:
    """Its retention and what it leaves out, whatever the button says."""
    excluded = replace(stage, environment={**STACK, "JANITOR_EXCLUDE": "web"})
    assert "No family of that name was found that the stack&#39;s policy selects." in excluded.call(
        pressed({"dry_run": "web"})
    )
    older = replace(stage, environment={**STACK, "JANITOR_RETENTION": "1000d", "JANITOR_MODE": "delete"})
    assert "A sweep would delete nothing." in older.call(pressed({"dry_run": "web"}))
    assert "No family of that name was found" in stage.call(pressed({"dry_run": "no-such-family"}))


# What is asked


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"dry_run": "air*"}, "dry_run: 'air*' is not the name of a family"),
    ({"dry_run": "web:1"}, "dry_run: 'web:1' is not the name of a family"),
    ({"dry_run": "w" * 256}, "is not the name of a family"),
    ({"dry_run": ""}, "dry_run: '' is not the name of a family"),
    ({"dry_run": ["web"]}, "dry_run: "),
    ({"mode": "delete"}, "unknown key 'mode'"),
    ({"families": ["web"]}, "unknown key 'families'"),
    ({"page": 0}, "page: 0 is none"),
    ({"page": "2"}, "page: '2' is not a whole number"),
    ({"page": True}, "page: True is not a whole number"),
    ({"stack": "dev"}, "stack: 'dev' is not 'prod'"),
    ({"stale_hours": 0}, "stale_hours: 0 is not between 1 and 8,760"),
]


@pytest.mark.parametrize(("parameters", "says"), REFUSED)
def test_a_bad_parameter_is_refused_by_name(stage: Stage, parameters: dict[str, Any], says: str) -> None:
    """In a sentence, with ECS and the store untouched."""
    before, stage.blobs.read = stage.calls, []
    words = Seen(stage.call(pressed(parameters))).words
    assert "This call is refused" in words
    assert says in words
    assert stage.calls == before
    assert not stage.blobs.read


def test_all_that_is_wrong_is_said_at_once(stage: Stage) -> None:
    """Whoever wrote the parameters mends them in one go."""
    words = Seen(stage.call(pressed({"page": 0, "stack": "x", "dry_run": "?"}))).words
    assert all(name in words for name in ("page: 0", "stack: 'x'", "dry_run: '?'"))


def test_a_widgets_own_parameters_cannot_ask_for_a_dry_run(stage: Stage) -> None:
    """They come with each refresh: a dashboard that scans ECS by itself is what must not be."""
    params = {**PARAMS, "dry_run": "web"}
    before = stage.calls
    html = stage.call({**params, "widgetContext": context(params=params)})
    assert "only a button can ask for it" in html
    assert stage.calls == before


def test_a_buttons_parameters_go_before_those_of_its_widget() -> None:
    """Whether CloudWatch hands over both or the button's alone."""
    original = {"stack": "prod", "page": 2, "stale_hours": 26}
    for sent in ({"page": 3}, {**original, "page": 3}):
        wanted = asked({**sent, "widgetContext": context(params=original)}, stack="prod")
        assert (wanted.page, wanted.stale_hours) == (3, 26)


@pytest.mark.parametrize("event", ["text", None, [1], 5])
def test_a_call_that_is_no_object_is_refused(stage: Stage, event: object) -> None:
    """Whatever somebody types into the console."""
    assert "is not an object" in Seen(stage.call(event)).words


def test_describe_answers_with_documentation_and_does_nothing_else(stage: Stage) -> None:
    """Markdown, in which CloudWatch finds the parameters to begin with as YAML; they are ones that it takes."""
    before, stage.blobs.read = stage.calls, []
    assert stage.call({"describe": True}) == stage.call({"describe": True, "nonsense": 1}) == DOCUMENTATION
    assert (stage.calls, stage.blobs.read) == (before, [])
    assert not describes({"describe": "yes"})
    block = re.search(r"``` yaml\n(.*?)```", DOCUMENTATION, re.DOTALL)
    assert block is not None
    example = dict(line.split(": ") for line in block[1].splitlines())
    wanted = asked({**example, "stale_hours": int(example["stale_hours"])}, stack="prod")
    assert (wanted.stack, wanted.stale_hours) == ("prod", 26)
    assert f"{MAX_READS} read calls" in DOCUMENTATION
    assert f"{MAX_READS} read calls" in stage.call(refreshed())


DISPLAYS: list[tuple[object, Display]] = [
    (None, Display()),
    ({}, Display()),
    ({"widgetContext": None}, Display()),
    ({"widgetContext": {"theme": "dark", "width": 588.4}}, Display(theme=Theme.DARK, width=588)),
    ({"widgetContext": {"theme": "solarized", "width": "wide"}}, Display()),
    ({"widgetContext": {"theme": ["dark"], "width": 10**9}}, Display()),
    ({"widgetContext": {"width": float("nan"), "timezone": "UTC"}}, Display()),
    ({"widgetContext": {"width": -5, "timezone": {"offsetISO": "+99:00"}}}, Display()),
]


@pytest.mark.parametrize(("event", "where"), DISPLAYS)
def test_what_the_context_does_not_say_has_a_default(event: object, where: Display) -> None:
    """It is CloudWatch's and may grow or change: a widget that fails for it would be of no use."""
    assert display(event) == where
    assert Display().width == USUAL_WIDTH


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (NARROW - 1, ["Family", "Would go", "Now"]),
        (NARROW, ["Family", "Of the limit", "Would go", "Would stay", "Now"]),
        (WIDE, ["Family", "Of the limit", "Revisions", "Highest number", "Would go", "Would stay", "Now"]),
    ],
)
def test_a_wider_widget_has_more_columns(stage: Stage, width: int, columns: list[str]) -> None:
    """The figure that a bar is drawn for stands in each."""
    html = stage.call(refreshed(width=width))
    assert re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', html) == columns
    assert "&lt;0.1 %" in html


def test_the_theme_of_the_dashboard_is_the_widgets(stage: Stage) -> None:
    """Text that can be read on either ground."""
    light, dark = stage.call(refreshed()), stage.call(refreshed(theme="dark"))
    assert ("janitor-light" in light, "janitor-dark" in dark) == (True, True)
    assert light.replace("janitor-light", "") != dark.replace("janitor-dark", "")


# The store


def test_without_a_report_it_says_what_to_do() -> None:
    """A new stack has none until its first night."""
    seen = Seen(Stage().call(refreshed()))
    assert "There is no report yet" in seen.words
    assert '{"mode": "report"}' in seen.words
    assert "JANITOR_STORE" in Stage(environment={"JANITOR_STACK": "prod"}).call(refreshed())


def test_a_store_that_cannot_be_read_is_named(stage: Stage) -> None:
    """With the cause, as a sentence."""

    def fails() -> str | None:
        raise StoreFailed("read", "s3://bucket/report/last.json", "AccessDenied: <b>no</b>")

    world = World(now=stage.clock.now, last_report=fails, surveys=stage._runner)
    html = respond(refreshed(), stage.function, world, endpoint=ARN, seconds_left=60)
    assert "could not read s3://bucket/report/last.json: AccessDenied: &lt;b&gt;no&lt;/b&gt;." in html


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ("", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ('{"schema_version": ' + "9" * 5_000 + "}", "it is not JSON"),
        ("[]", "[] is not an object"),
        ("{}", "schema_version: it is missing"),
        ('{"families": [{"family": 1}]}', "it is missing"),
    ],
)
def test_a_stored_report_that_is_none_is_not_shown(stage: Stage, stored: str, says: str) -> None:
    """Whoever can write to the store can do no more than spoil the widget."""
    last_report.put(stage.blobs, stored)
    words = Seen(stage.call(refreshed())).words
    assert "The last report cannot be shown" in words
    assert says in words


@pytest.mark.parametrize("fields", [{"schema_version": 2}, {"finished_at": "yesterday"}, {"mode": "purge"}])
def test_a_report_of_another_version_is_not_guessed_at(stage: Stage, fields: dict[str, Any]) -> None:
    """What a field means may have changed."""
    stage.alter(**fields)
    assert "The last report cannot be shown" in stage.call(refreshed())


def test_a_report_of_an_earlier_version_without_words_is_shown(stage: Stage) -> None:
    """Fields may come, and more than are known are no problem."""
    stored = json.loads(last_report.get(stage.blobs) or "")
    del stored["summary"], stored["title"]
    last_report.put(stage.blobs, json.dumps({**stored, "news": {"x": 1}}))
    assert "What a sweep would delete" in stage.call(refreshed())


def test_where_no_family_has_orphans_nothing_needs_attention(stage: Stage) -> None:
    """What is not known is no orphan either."""
    families = json.loads(last_report.get(stage.blobs) or "")["families"]
    for orphans in (0, None):
        stage.alter(families=[{**each, "active_orphans": orphans} for each in families])
        assert "Nothing needs attention." in stage.call(refreshed())


# What a text can do


def test_hostile_names_are_shown_and_never_obeyed(stage: Stage) -> None:
    """In every text of a stored report: no element, attribute or action comes of one; a bad name has no button."""
    family = json.loads(last_report.get(stage.blobs) or "")["families"][0]
    lingering = [{"revision": HOSTILE, "age": 1e6}]
    fields = ("account", "region", "sweep_id", "version", "ending_reason")
    lists = ("families_not_read", "usage_not_read", "warnings", "summary")
    stage.alter(
        **dict.fromkeys(fields, HOSTILE),
        **{name: [HOSTILE] for name in lists},
        ending="could_not_finish",
        refused=[{"revision": HOSTILE, "reason": HOSTILE}],
        families=[{**family, "family": HOSTILE, "number_utilization": 99.0, "lingering": lingering}],
    )
    for width in (300, 700, 1_200):
        seen = Seen(stage.call(refreshed(width=width)))
        assert seen.tags <= ALLOWED
        assert seen.attributes <= {"class", "style", "scope", "title", "action", "display", "endpoint"}
        assert seen.text.count("<script>alert(1)</script>") >= 10
        assert "\u202e" not in seen.text
        assert not seen.actions


def test_a_hostile_call_is_refused_harmlessly(stage: Stage) -> None:
    """What is quoted of it is text, and short."""
    html = stage.call(pressed({HOSTILE: 1, "dry_run": HOSTILE, "stack": HOSTILE * 1_000}))
    assert Seen(html).tags <= ALLOWED
    assert len(html) < 10_000


def test_an_endpoint_cannot_leave_its_attribute(stage: Stage) -> None:
    """It is Lambda's own word for the function; quoted all the same."""
    seen = Seen(replace(stage, endpoint='arn" onclick="x').call(refreshed()))
    assert {attributes["endpoint"] for attributes, _ in seen.actions} == {'arn" onclick="x'}
    assert "onclick" not in seen.attributes


def test_nothing_but_what_cloudwatch_lets_through_is_used(stage: Stage, swept: Stage) -> None:
    """No script, no frame, no address that would be asked for anything, in any answer."""
    calls: list[object] = [refreshed(width=width) for width in (300, 700, 1_200)]
    calls += [pressed({"dry_run": "web"}), pressed({"page": 0})]
    for html in (one.call(event) for one in (stage, swept, Stage()) for event in calls):
        assert Seen(html).tags <= ALLOWED
        assert not re.search(r"https?:|url\(|@import|javascript:|\son\w+=", html)


# The entry


def test_the_widget_reads_the_functions_variables(tmp_path: Path) -> None:
    """A misspelt one is refused, as the function does."""
    assert function_settings({"JANITOR_STACK": "prod"}, folder=tmp_path).stack == "prod"

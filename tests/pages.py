"""Reports for the page's tests: empty, hostile, with very many families; and what stands in a page's tables."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser

from janitor.core.ages import AgeCounts, coming
from janitor.core.boundary import Estimate
from janitor.core.model import Lingering, Mode, Outcome, OutcomeKind, Reason, RevisionId
from janitor.core.registrants import registrants
from janitor.core.report import Ending, FamilyReport, Report
from janitor.core.retention import AgeFrom
from tests.fakes import START

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; alert(1);//",
    "{{ 7 * 7 }} {% raw %}",
    "\u202egnp.exe\u200b",
    "</style></svg><iframe src=//evil.example>",
    "&lt;b&gt; \x00\x1b[31m",
    "a" * 255,
)


def report(families: tuple[FamilyReport, ...] = (), *, mode: Mode = Mode.REPORT, **others: object) -> Report:
    """Build a report of a run of a minute."""
    fields: dict[str, object] = {
        "account": "123456789012",
        "region": "eu-west-1",
        "sweep_id": "s-1",
        "version": "0",
        "mode": mode,
        "policy": (
            "the default rule: families * (default):",
            "  delete INACTIVE revisions (default)",
            "always kept: ACTIVE",
        ),
        "started_at": START,
        "finished_at": START + timedelta(minutes=1),
        "families": families,
        "coming_due": coming(START, {}, {}),
    }
    return Report(**(fields | others))  # type: ignore[arg-type] # the fields are named above


def hostile() -> Report:
    """Build a sweep in which every text from outside would break out of a page, and everything went wrong."""
    counts = AgeCounts(kept=Counter({0: 5}), due=Counter({9: 7}), described=12)
    names = [*HOSTILE, *(f"{text} {place}" for place in range(3) for text in HOSTILE)]
    families = tuple(
        FamilyReport(
            family=name,
            rule=HOSTILE[0],
            active=Estimate.exactly(1),
            inactive=Estimate.exactly(850_000 - 40_000 * place),
            delete_in_progress=Estimate.exactly(3),
            lowest_revision=1,
            highest_revision=990_000 - 40_000 * place,
            due=Estimate.exactly(4),
            kept={Reason.IN_USE: 2, Reason.YOUNG: 3},
            outcomes={
                OutcomeKind.DELETED: 1,
                OutcomeKind.REFUSED: 1,
                OutcomeKind.FAILED: 1,
                OutcomeKind.NOT_ATTEMPTED: 1,
            },
            registrations_per_day=1_234.5,
            delete_in_progress_age=200_000.0,
            lingering=(Lingering(revision=RevisionId(name, 7), seconds=200_000.0, used_by=HOSTILE[1]),),
            outlook="At 1,235 registrations a day this policy keeps about 200,000 revisions.",
        )
        for place, name in enumerate(names)
        if place < 20
    )
    return report(
        families,
        mode=Mode.DELETE,
        account=HOSTILE[1],
        region=HOSTILE[2],
        sweep_id=HOSTILE[0],
        policy=HOSTILE,
        families_not_read=HOSTILE,
        troubles=tuple(
            Outcome(revision=RevisionId(text, 1), kind=kind, words=text)
            for text in HOSTILE
            for kind in (OutcomeKind.REFUSED, OutcomeKind.FAILED)
        ),
        unreadable_usage=HOSTILE,
        warnings=HOSTILE,
        ending=Ending.COULD_NOT_FINISH,
        ending_words=HOSTILE[0],
        api_calls=dict.fromkeys(HOSTILE, 7),
        throttled_calls=dict.fromkeys(HOSTILE, 3),
        ages=(counts.ages(HOSTILE[0], AgeFrom.DEREGISTERED_AT, timedelta(days=180)),),
        coming_due=coming(START, {0: 3, 5: 2_000_000}, {5: 1}),
        registrants=registrants(Counter(dict.fromkeys(HOSTILE, 2)), described=12, unknown=4),
    )


def many(count: int) -> Report:
    """Build a report on very many families."""
    return report(
        tuple(
            FamilyReport(
                family=f"airflow-team-{place % 40}-some-longer-dag-name-{place:05}",
                rule="the default rule",
                active=Estimate.exactly(1),
                inactive=Estimate.at_most(100 + place),
                delete_in_progress=Estimate.exactly(0),
                lowest_revision=1,
                highest_revision=120 + place,
                due=Estimate(value=40, low=30, high=50),
                kept={Reason.YOUNG: 60 + place},
                registrations_per_day=3.25,
            )
            for place in range(count)
        ),
        api_calls={"DescribeTaskDefinition": 600},
    )


@dataclass
class Table:
    """A table as a reader has it: its caption, its headings, its rows of texts."""

    caption: str = ""
    rows: list[list[str]] = field(default_factory=list)


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: list[Table] = []
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's signature
        match tag:
            case "table":
                self.tables.append(Table())
            case "tr":
                self.tables[-1].rows.append([])
            case "caption" | "th" | "td":
                self._text = []
            case _:
                pass

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"caption", "th", "td"} and self._text is not None:
            text = " ".join("".join(self._text).split())
            if tag == "caption":
                self.tables[-1].caption = text
            else:
                self.tables[-1].rows[-1].append(text)
            self._text = None


def tables(page: str) -> list[Table]:
    """Return the tables of a page, in order."""
    parser = _Tables()
    parser.feed(page)
    return parser.tables


def figure(cell: str) -> int | None:
    """Return the number that a cell shows, None for a dash."""
    return None if cell == "-" else int(cell.lstrip("~≤").replace(",", ""))


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text outside of style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.found.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if self._open[-1:] != ["style"]:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        """Close it, and what was never closed in it."""
        while self._open and self._open.pop() != tag:
            pass


def assert_nothing_gets_out(page: str) -> None:
    """Check that no element, attribute or address came of a text, and that no character turns a line around."""
    elements = Elements(page)
    allowed = {"class", "id", "style", "lang", "charset", "name", "content", "scope", "role", "viewbox", "xmlns"}
    allowed |= {"aria-labelledby", "aria-hidden", "d", "x", "y", "rx", "ry", "width", "height", "transform"}
    for tag, attributes in elements.found:
        assert tag not in {"script", "img", "iframe", "link", "object", "a", "form"}
        assert set(attributes) <= allowed, tag
        assert not any("//" in (value or "") for name, value in attributes.items() if name != "xmlns"), tag
        assert re.fullmatch(r"(width|left):\d+\.\d%", attributes.get("style") or "width:0.0%")
    assert [tag for tag, _ in elements.found].count("style") == 1
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u200b-\u200f\u202a-\u202e\u2060-\u2069]", page)

"""The page to the letter, and as a browser shows it: the same reports for both."""

from __future__ import annotations

from pathlib import Path

import pytest

from janitor.render.html.page import report_page
from tests.commandline import run, small_account
from tests.pages import hostile, report

HERE = Path(__file__).parent / "pages"


def _ran(*command: str) -> str:
    ecs = small_account()
    for revision in ("airflow-dbt:7", "web:5"):
        ecs.faults.refuse(revision, reason="REFUSED_FOR_A_REASON", detail="ask the owner")
    return run(ecs, *command, "--format", "html").out


PAGES = {
    "report.html": lambda: _ran("report"),
    "report-exact.html": lambda: _ran("report", "--exact"),
    "sweep.html": lambda: _ran("sweep", "--yes"),
    "empty.html": lambda: report_page(report()),
    "hostile.html": lambda: report_page(hostile()),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_it_was_before(name: str, *, update_golden: bool) -> None:
    """The style sheet, which is the same in all, is left out."""
    page = PAGES[name]()
    head, style, rest = page.partition("<style>")
    page = head + style + rest.partition("</style>")[1] + rest.partition("</style>")[2]
    if update_golden:
        HERE.mkdir(exist_ok=True)
        (HERE / name).write_text(page, encoding="utf-8")
    assert page == (HERE / name).read_text(encoding="utf-8")

"""The page in a real Chromium: on a desktop, a phone and a widget's width, light, dark and on paper."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # it ships no types

from janitor.render.html.page import report_page
from tests.commandline import run, small_account
from tests.pages import hostile, many, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

DESKTOP, WIDGET, PHONE = 1280, 480, 375
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

SPILLED = """[...document.querySelectorAll('body *')]
    .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map(each => each.outerHTML)"""
"""What reaches beyond the right edge."""

PAGES: dict[str, Callable[[], str]] = {
    "report": lambda: run(small_account(), "report", "--format", "html").out,
    "troubled sweep": lambda: report_page(hostile()),
    "empty": lambda: report_page(report()),
    "many families": lambda: report_page(many(300)),
}


@contextmanager
def opened(
    browser: Browser, file: Path, *, width: int = DESKTOP, dark: bool = False
) -> Iterator[tuple[Page, list[str]]]:
    """Open a file; yield the page and what it complained about or asked for beside itself."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.on("dialog", lambda dialog: heard.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: heard.append(request.url) if request.url != file.as_uri() else None)
    page.goto(file.as_uri())
    yield page, heard
    context.close()


@pytest.fixture
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Provide a page as a file."""
    path = tmp_path / "report.html"
    path.write_text(PAGES[request.param](), encoding="utf-8")
    return path


@pytest.mark.parametrize("file", PAGES, indirect=True)
def test_a_page_fits_each_screen_asks_for_nothing_and_complains_of_nothing(browser: Browser, file: Path) -> None:
    """No scrolling sideways with everything unfolded, no request, no message, no script of somebody's name."""
    for width in (DESKTOP, WIDGET, PHONE):
        with opened(browser, file, width=width) as (page, heard):
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.evaluate(SPILLED) == []
            assert heard == []


@pytest.mark.parametrize(
    ("file", "width", "dark"),
    [
        ("report", DESKTOP, False),
        ("report", PHONE, True),
        ("troubled sweep", DESKTOP, True),
        ("troubled sweep", WIDGET, False),
    ],
    indirect=["file"],
)
def test_axe_finds_nothing_that_keeps_somebody_out(browser: Browser, file: Path, *, width: int, dark: bool) -> None:
    """Contrast, landmarks, the order of headings, tables, names of pictures: WCAG 2.2 AA and best practice."""
    with opened(browser, file, width=width, dark=dark) as (page, _):
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        results = Axe().run(page, options=RULES)
        assert results.violations_count == 0, results.generate_report()
        assert len(results.response["passes"]) > 15


@pytest.mark.parametrize("file", ["report"], indirect=True)
def test_a_page_is_dark_where_its_reader_is_and_light_on_paper(browser: Browser, file: Path) -> None:
    """On paper the figures below the charts are unfolded; the list of further families is not."""

    def background(page: Page) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    figures = "document.querySelector('details:not(.long) td').checkVisibility({contentVisibilityAuto: true})"
    with opened(browser, file) as (light, _):
        assert background(light) == "rgb(255, 255, 255)"
    with opened(browser, file, dark=True) as (page, _):
        assert background(page) == "rgb(20, 23, 27)"
        assert not page.evaluate(figures)
        page.emulate_media(media="print")
        assert background(page) == "rgb(255, 255, 255)"
        assert page.evaluate(figures)
        assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("file", ["many families"], indirect=True)
def test_what_is_folded_opens_without_a_script(browser: Browser, file: Path) -> None:
    """By a click, or from the keyboard."""
    with opened(browser, file) as (page, _):
        last = page.get_by_text("airflow-team-0-some-longer-dag-name-00000")
        assert not last.is_visible()
        page.get_by_text("280 more").click()
        assert last.is_visible()

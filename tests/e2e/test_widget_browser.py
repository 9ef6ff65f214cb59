"""The widget in a real Chromium, as wide as CloudWatch says, on the ground of each theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # it ships no types

from tests.widgets import Stage, pressed, refreshed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

GROUNDS = {"light": ("#ffffff", "#006ce0"), "dark": ("#161d26", "#42b4ff")}
"""About the colours of the console: the ground of a widget, and a button."""

WIDTHS = (300, 588, 1_180)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
LONGEST = "a" * 255
"""The longest name that a family can have."""

SPILLED = """[...document.querySelectorAll('main *')]
    .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map(each => each.outerHTML)"""
"""What reaches beyond the right edge."""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    """Provide a page of its own."""
    return browser.new_page()


@pytest.fixture(scope="module")
def stage() -> Stage:
    """Provide an account with everything that needs attention, and names as long as they can be."""
    made = Stage()
    families = made.sweep("delete")["families"]
    long = [{**families[0], "family": f"{LONGEST[:-2]}{n:02}", "number_utilization": 90.0 - n} for n in range(25)]
    trouble = {"revision": f"{LONGEST}:1000000", "reason": "REFUSED"}
    made.alter(families=[*long, *families], refused=[trouble], usage_not_read=["s" * 300], warnings=["w" * 300])
    return made


def shown(page: Page, stage: Stage, *, width: int, theme: str) -> Iterator[list[str]]:
    """Show a report, a dry run and a refusal, one after the other; yield what was said or asked for at each."""
    ground, button = GROUNDS[theme]
    style = f"body{{background:{ground};margin:0}}cwdb-action{{display:none}}"
    style += f".btn{{border:1px solid;border-radius:20px;color:{button};display:inline-block;padding:2px 12px}}"
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    page.set_viewport_size({"width": width, "height": 700})
    display: dict[str, Any] = {"theme": theme, "width": width}
    for event in (refreshed(**display), pressed({"dry_run": "web"}, **display), pressed({"page": 0}, **display)):
        page.set_content(
            f'<!doctype html><html lang="en"><title>Dashboard</title><style>{style}</style>'
            f"<main><h1 hidden>Dashboard</h1>{stage.call(event)}</main></html>"
        )
        yield heard


@pytest.mark.parametrize("width", WIDTHS)
def test_the_widget_fits_its_width_and_asks_for_nothing(page: Page, stage: Stage, width: int) -> None:
    """Nothing sticks out, whatever the names are; nothing is asked of the network, and the console is silent."""
    for heard in shown(page, stage, width=width, theme="light"):
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(SPILLED) == []
        assert heard == []


@pytest.mark.parametrize("theme", GROUNDS)
def test_axe_finds_nothing_that_keeps_somebody_out(page: Page, stage: Stage, theme: str) -> None:
    """Contrast on either ground, headings, tables."""
    for _ in shown(page, stage, width=1_180, theme=theme):
        found = Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()
        assert "color-contrast" in {each["id"] for each in found.response["passes"]}

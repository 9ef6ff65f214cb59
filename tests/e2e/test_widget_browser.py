"""The widget in a real Chromium, in a page as wide as CloudWatch says, on the ground of each theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import chromium
from tests.widgets import Stage, pressed, refreshed

if TYPE_CHECKING:
    from pathlib import Path

GROUNDS = {"light": "#ffffff", "dark": "#161d26"}
BUTTON = (
    "<style>.btn{border:1px solid;border-radius:20px;display:inline-block;padding:2px 12px}"
    "cwdb-action{display:none}</style>"
)
"""About what the console makes of a button."""

LONGEST = "a" * 255
"""The longest name that a family can have."""


@pytest.fixture(scope="session")
def browser() -> str:
    """Provide a Chromium."""
    found = chromium.find()
    if found is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    return found


@pytest.fixture(scope="module")
def stage() -> Stage:
    """Provide an account with everything that needs attention, and names as long as they can be."""
    made = Stage()
    families = made.sweep("delete")["families"]
    long = [{**families[0], "family": f"{LONGEST[:-2]}{n:02}", "number_utilization": 90.0 - n} for n in range(25)]
    trouble = {"revision": f"{LONGEST}:1000000", "reason": "REFUSED"}
    made.alter(families=[*long, *families], refused=[trouble], usage_not_read=["s" * 300], warnings=["w" * 300])
    return made


@pytest.mark.parametrize("theme", GROUNDS)
def test_the_widget_fits_its_width_and_the_console_is_silent(
    browser: str, stage: Stage, tmp_path: Path, theme: str
) -> None:
    """Nothing sticks out, whatever the names are; nothing is asked of the network, and nothing is said."""
    widths = (300, 588, 1_180)
    shown = [
        (stage.call(event), width)
        for width in widths
        for event in (
            refreshed(theme=theme, width=width),
            pressed({"dry_run": "web"}, theme=theme, width=width),
            pressed({"page": 0}, theme=theme, width=width),
        )
    ]
    boxes = [chromium.box(BUTTON + html, width=width, ground=GROUNDS[theme]) for html, width in shown]
    seen, complaints = chromium.look(browser, tmp_path / "widget.html", boxes)
    assert [box.width for box in seen] == [width for _, width in shown]
    assert [box.wide for box in seen] == [[]] * len(shown)
    assert min(box.height for box in seen) > 30
    assert not complaints


def test_what_sticks_out_and_what_the_console_says_is_seen(browser: str, tmp_path: Path) -> None:
    """A look that sees nothing would prove nothing."""
    wide = chromium.box('<p style="width:400px">wide</p>', width=300, ground="white")
    asking = chromium.box('<img src="https://example.invalid/x.png">', width=300, ground="white")
    failing = "<script>console.error('said'); nobody.knows()</script>"
    seen, complaints = chromium.look(browser, tmp_path / "page.html", [wide, asking, failing])
    assert [len(box.wide) for box in seen] == [1, 0]
    assert "asks for https://example.invalid/x.png" in complaints
    assert "error: Uncaught ReferenceError: nobody is not defined" in complaints
    assert any("said" in line for line in complaints)

"""What the dashboard's widget answers, to the letter, in each theme and as wide as a column and as a dashboard."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.widgets import Stage, pressed, refreshed

HERE = Path(__file__).parent / "widget"

WIDTHS = (340, 1_180)
THEMES = ("light", "dark")

CALLS = {
    **{
        f"report-{width}-{theme}.html": ("report", refreshed(theme=theme, width=width))
        for width in WIDTHS
        for theme in THEMES
    },
    "sweep-1180-light.html": ("delete", refreshed(width=1_180, offset="+05:30")),
    "dry-run-588-dark.html": ("report", pressed({"dry_run": "airflow-dbt"}, theme="dark")),
    "refused-588-light.html": ("report", pressed({"dry_run": "*", "mode": "delete"})),
}


@cache
def _stage(mode: str) -> Stage:
    stage = Stage()
    for revision in ("airflow-dbt:7", "web:5"):
        stage.ecs.faults.refuse(revision, reason="REFUSED_FOR_A_REASON", detail="ask the owner")
    stage.sweep(mode)
    stage.clock.sleep(3 * 3_600)
    return stage


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_answered_as_it_was_before(name: str, *, update_golden: bool) -> None:
    """The same report gives the same bytes."""
    mode, event = CALLS[name]
    html = _stage(mode).call(event)
    if update_golden:
        (HERE / name).write_text(html, encoding="utf-8")
    assert html == (HERE / name).read_text(encoding="utf-8")

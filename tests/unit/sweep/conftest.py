"""What the tests of the sweep share."""

from __future__ import annotations

import pytest


@pytest.fixture
def growth_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the descriptions that only measure a family's growth: a test counts the others exactly."""
    for module in ("run", "survey"):
        monkeypatch.setattr(f"janitor.sweep.{module}.measure_growth", lambda *_: None)


@pytest.fixture
def in_progress_not_followed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the descriptions that only tell since when revisions are in DELETE_IN_PROGRESS."""
    monkeypatch.setattr("janitor.sweep.in_progress.InProgress.measure", lambda *_: None)

"""What the tests of the sweep share."""

from __future__ import annotations

import pytest


@pytest.fixture
def growth_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the descriptions that only measure a family's growth: a test counts the others exactly."""
    for module in ("run", "survey"):
        monkeypatch.setattr(f"janitor.sweep.{module}.measure_growth", lambda *_: None)

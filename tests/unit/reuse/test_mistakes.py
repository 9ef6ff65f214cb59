"""The list of planted mistakes; a module of its own, since each of them would be caught by it."""

from __future__ import annotations

from tests.infra.mutations import stale
from tests.unit.reuse.mutations import MISTAKES


def test_every_mistake_can_be_planted() -> None:
    """``tests.unit.reuse.mutations`` would report as caught what it did not plant."""
    assert not stale(MISTAKES)

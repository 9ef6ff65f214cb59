"""What is told once for all processes of a test run, since it takes long: the first that asks lets it happen."""

from __future__ import annotations

import fcntl
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

Story = dict[str, dict[str, Any]]


def once(name: str, folders: pytest.TempPathFactory, tell: Callable[[], Story]) -> Story:
    """Return what ``tell`` returned in the first process; skip the test if that is ``{"skipped": {"reason": …}}``."""
    shared = folders.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = shared / f"{name}.json"
        if not told.exists():
            told.write_text(json.dumps(tell()), encoding="utf-8")
    story: Story = json.loads(told.read_text(encoding="utf-8"))
    if "skipped" in story:
        pytest.skip(story["skipped"]["reason"])
    return story

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

import infra.function
from tests.infra.stacks import STACKS, stack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.program import Deployed


@pytest.fixture(autouse=True)
def _unbuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build no zip: a test that wants one builds it itself."""

    def named(target: Path, *, policy: Path | None = None) -> Path:
        assert policy is None or policy.is_file()
        return target

    monkeypatch.setattr(infra.function, "build", named)


@cache
def _deployed(name: str) -> Deployed:
    return stack(name)


@pytest.fixture(params=STACKS)
def deployed(request: pytest.FixtureRequest) -> Deployed:
    """Provide each stack as it is deployed."""
    return _deployed(request.param)


@pytest.fixture
def dev() -> Deployed:
    """Provide the stack that reports."""
    return _deployed("dev")


@pytest.fixture
def prod() -> Deployed:
    """Provide the stack that deletes."""
    return _deployed("prod")


@pytest.fixture
def everything() -> Deployed:
    """Provide the stack with everything switched on."""
    return _deployed("everything")

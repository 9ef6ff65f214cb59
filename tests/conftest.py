"""No test reaches AWS by accident: no credentials, no profile, and an endpoint that nobody answers."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

import botocore.session
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from pathlib import Path

# How long an example takes is the machine's business; the same examples each time, so that a landing is no lottery.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")

# Every session reads the models of its services anew, a tenth of a second a client: one loader reads them once.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that rewrites the golden files."""
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the golden files; read the diff before commit"
    )


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # the discard port: nothing listens
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Say whether golden files are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))

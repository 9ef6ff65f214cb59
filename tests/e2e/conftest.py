from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from infra.bundle import NotBuildable, build
from tests.e2e import lambda_runtime as runtime
from tests.e2e.aws_cli import REQUIREMENT, AwsCli, install
from tests.e2e.installing import NotInstallable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Provide a Chromium without a window."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium; apt-get install chromium brings one")
    with sync_playwright() as playwright:
        # As root, as in a container, Chromium has no sandbox of its own; it shows nothing here but our page.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def aws_cli(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AwsCli:
    """Provide the AWS CLI, installed once and kept in pytest's cache; it still needs an endpoint."""
    try:
        python = install(request.config.cache.mkdir("aws-cli"))
    except NotInstallable as reason:
        pytest.skip(f"{REQUIREMENT} cannot be installed: {reason}")
    return AwsCli(python=python, home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def lambda_runtime(request: pytest.FixtureRequest) -> runtime.Runtime:
    """Provide AWS's runtime client and its emulator, installed once and kept in pytest's cache."""
    try:
        return runtime.install(request.config.cache.mkdir("lambda-runtime"))
    except NotInstallable as reason:
        pytest.skip(f"Lambda's runtime cannot be installed: {reason}")


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide the function's zip, built, and unpacked as Lambda does it."""
    folder = tmp_path_factory.mktemp("function")
    try:
        archive = build(folder / "function.zip")
    except NotBuildable as reason:
        pytest.skip(f"the function's zip cannot be built: {reason}")
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder / "task")
    return folder / "task"

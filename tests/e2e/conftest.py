from __future__ import annotations

import pytest

from tests.e2e.aws_cli import REQUIREMENT, AwsCli, NotInstallable, install


@pytest.fixture(scope="session")
def aws_cli(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AwsCli:
    """Provide the AWS CLI, installed once and kept in pytest's cache; it still needs an endpoint."""
    try:
        python = install(request.config.cache.mkdir("aws-cli"))
    except NotInstallable as reason:
        pytest.skip(f"{REQUIREMENT} cannot be installed: {reason}")
    return AwsCli(python=python, home=tmp_path_factory.mktemp("home"))

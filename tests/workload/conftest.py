from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.once import once
from tests.workload.airflow import MISSING, installed
from tests.workload.story import tell

if TYPE_CHECKING:
    from tests.once import Story


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Provide what happened, once for all processes of a test run."""
    if not installed():
        pytest.skip(MISSING)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        return once("workload", tmp_path_factory, lambda: tell(tmp_path_factory.mktemp("airflow")))

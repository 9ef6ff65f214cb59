"""The widget from the built zip, under AWS's runtime client and emulator: what CloudWatch gets when it calls."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from infra.bundle import WIDGET_HANDLER
from infra.widget import TIMEOUT
from janitor.aws.blobs import FolderBlobs
from janitor.local.ecs import EmbeddedEcs
from janitor.local.server import serve
from janitor.store import last_report
from janitor.wiring import SystemClock
from tests.e2e.lambda_runtime import ACCOUNT, REGION, running
from tests.widgets import Stage, pressed, refreshed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.lambda_runtime import Runtime


def test_a_dashboard_is_answered_with_html(lambda_runtime: Runtime, unpacked: Path, tmp_path: Path) -> None:
    """In one life of the sandbox: a report without a call to ECS, documentation, a refusal, a dry run."""
    stored = Stage()
    stored.sweep("delete")
    store = FolderBlobs(tmp_path / "store")
    last_report.put(store, last_report.get(stored.blobs) or "")
    ecs = EmbeddedEcs(clock=SystemClock(), account=ACCOUNT, region=REGION)
    ecs.seed_family("etl", count=7, registered=(now := ecs.clock.now(), now))
    with serve(ecs) as url:
        environment = {
            "JANITOR_STACK": "prod",
            "JANITOR_STORE": str(tmp_path / "store"),
            "JANITOR_USAGE_OFF": "rules,schedules,state_machines",
            "AWS_ENDPOINT_URL_ECS": url,
        }
        log = tmp_path / "log"
        with running(lambda_runtime, unpacked, log, environment, handler=WIDGET_HANDLER, timeout=TIMEOUT) as function:
            cold, warm = function.invoke(refreshed(theme="dark")), function.invoke(refreshed(theme="dark"))
            refreshes = sum(ecs.calls.values())
            described, refused = function.invoke({"describe": True}), function.invoke(pressed({"mode": "delete"}))
            dry_run = function.invoke(pressed({"dry_run": "etl"}))
            memory = function.peak_mebibytes
    html = json.loads(cold.text)
    assert html == json.loads(warm.text)
    assert refreshes == 0
    assert "What the sweep deleted" in html
    assert f'endpoint="arn:aws:lambda:us-east-1:{ACCOUNT}:function:test_function"' in html
    assert json.loads(described.text).startswith("## The revision janitor")
    assert "unknown key &#39;mode&#39;" in json.loads(refused.text)
    assert "A sweep would delete nothing." in json.loads(dry_run.text)
    assert '<td class="janitor-number">7</td>' in json.loads(dry_run.text)
    assert ecs.calls["DescribeTaskDefinition"]
    assert not ecs.calls["DeleteTaskDefinitions"]
    assert warm.seconds < cold.seconds < 10
    assert memory < 128

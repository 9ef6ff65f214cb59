"""The test events of Lambda's console, found and read by AWS's own tool for them, the SAM CLI."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from infra.console import EVENTS
from infra.names import Names
from tests.infra.program import PROJECT
from tests.infra.stacks import stack

if TYPE_CHECKING:
    import pytest

    from tests.e2e.lambda_runtime import Runtime

READ = """
import json, sys
from types import SimpleNamespace
sys.path.append(sys.argv[1])
from samcli.lib.shared_test_events.lambda_shared_test_event import LambdaSharedTestEvent

registry, name, content = json.load(sys.stdin)
class Schemas:
    def check_registry_exists(self, asked): return asked == registry
    def get_schema(self, asked, schema): return content if (asked, schema) == (registry, name) else None
events = LambdaSharedTestEvent(Schemas(), None)
function = SimpleNamespace(
    resource_type="AWS::Lambda::Function", physical_resource_id=sys.argv[2], logical_resource_id="function"
)
found = events.list_events(function).split()
print(json.dumps({each: events.get_event(each, function) for each in found}))
"""
"""EventBridge's registry is a stand-in; which schema is asked for, and what is an event in it, is AWS's own code."""


def test_the_sam_cli_finds_the_events_of_the_function(lambda_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `sam remote test-event list` and `get` do."""
    monkeypatch.setattr("infra.function.build", lambda target, **_: target)
    schema = stack("everything").one("Schema").inputs
    function = Names(project=PROJECT, stack="everything", region="eu-central-1").prefix
    where = str(lambda_runtime.emulator.parents[3])
    told = json.dumps([schema["registryName"], schema["name"], schema["content"]])
    command = [sys.executable, "-c", READ, where, function]
    done = subprocess.run(command, check=False, capture_output=True, text=True, input=told, timeout=120)  # noqa: S603 - our own command
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {name: json.loads(each["json"]) for name, each in found.items()} == EVENTS

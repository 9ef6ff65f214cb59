"""What was registered comes back: described, archived, deleted, restored, over every field of botocore's model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings

from janitor.aws.client import Api
from janitor.aws.registration import AwsRegistrations
from janitor.aws.task_definitions import AwsTaskDefinitions
from janitor.core.model import RESTORED_FROM, Condemned, Decision, Reason, RevisionId, Verdict
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.store.archive import Archive, batches_of, definitions
from tests.builders import attached_client
from tests.fakes_store import MemoryBlobs
from tests.shapes import registration, requests, tag_list, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

FILLED_IN: Mapping[str, Any] = {"volumes": [], "placementConstraints": []}
"""What the embedded ECS describes though nobody registered it; ECS does so too."""


def registered_archived_restored(request: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what ECS describes of a definition that was restored, without what only a description has, and notes."""
    clock = VirtualClock()
    ecs = EmbeddedEcs(clock=clock, behaviour=Behaviour(throttling=False))
    client = attached_client(ecs)
    client.register_task_definition(**request)
    first = RevisionId(request["family"], 1)
    client.deregister_task_definition(taskDefinition=str(first))
    api = Api(client, clock=clock)
    described = AwsTaskDefinitions(api, with_content=True).describe(first)
    assert described is not None

    blobs = MemoryBlobs()
    archive = Archive(blobs, sweep="s", account=lambda: "123456789012", region="eu-west-1", clock=clock)
    verdict = Verdict(revision=first, decision=Decision.DELETE, reason=Reason.DUE, words="old")
    archive.keep("0001-w-000000", [Condemned(revision=described, verdict=verdict, rule="rule 1")])
    assert client.delete_task_definitions(taskDefinitions=[str(first)])["failures"] == []

    [batch] = batches_of(blobs, "s", unreadable=[])
    by_hand = client.register_task_definition(**json.loads(definitions(blobs, batch)[first]))["taskDefinition"]
    assert by_hand["revision"] == 2, "each line is what RegisterTaskDefinition takes"
    registrations = AwsRegistrations(api)
    prepared = registrations.prepared(first, definitions(blobs, batch)[first])
    assert registrations.register(prepared).revision == RevisionId(request["family"], 3)

    answer = ecs.handle("DescribeTaskDefinition", {"taskDefinition": f"{first.family}:3", "include": ["TAGS"]}).body
    definition = {name: value for name, value in answer["taskDefinition"].items() if name in registration().members}
    return definition | {"tags": answer["tags"]}, prepared.notes


def expected(request: dict[str, Any]) -> dict[str, Any]:
    """Return what a description of a restored request must hold."""
    mark = {"key": RESTORED_FROM, "value": f"{request['family']}:1"}
    return {**FILLED_IN, **request, "tags": [*request.get("tags", []), mark]}


@given(request=requests())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=60)
def test_a_restored_definition_is_the_one_that_was_registered(request: dict[str, Any]) -> None:
    """Every field that was there, and none that was not; its tags, and one more that says where it comes from."""
    came_back, notes = registered_archived_restored(request)
    assert came_back == expected(request)
    assert notes == ()


def test_a_definition_with_every_field_there_is_comes_back() -> None:
    """However unlikely: no field of the model is forgotten."""
    request = whole(registration()) | {"family": "web", "tags": tag_list({"team": "red", "empty": ""})}
    came_back, notes = registered_archived_restored(request)
    assert came_back == expected(request)
    assert set(came_back) == set(registration().members)
    assert notes == ()

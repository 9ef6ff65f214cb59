"""What is archived of an answer, and what of an archived definition can be registered again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from janitor.aws.client import Api
from janitor.aws.content import Translation
from janitor.aws.task_definitions import AwsTaskDefinitions
from janitor.core.model import Content, Revision, RevisionId, Status
from janitor.errors import CallFailed
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from tests.builders import attached_client
from tests.shapes import ecs_model, registration, whole

SECRET = "hunter2-do-not-print"
TRANSLATION = Translation(ecs_model())


def answer(**fields: Any) -> bytes:  # noqa: ANN401 - members of a definition
    """Return a description as it comes over the wire."""
    definition = {"family": "web", "revision": 7, "status": "INACTIVE", "registeredAt": 1.5, **fields}
    return json.dumps({"taskDefinition": definition, "tags": [{"key": "team", "value": "red"}]}).encode()


def archived(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - members of a definition
    """Return what is archived of a description."""
    found: dict[str, Any] = json.loads(TRANSLATION.content(answer(**fields)).request)
    return found


def described(body: dict[str, Any], *, with_content: bool = True) -> Revision:
    """Return a revision as the adapter describes it."""
    clock = VirtualClock()
    ecs = EmbeddedEcs(clock=clock)
    ecs.seed_family("web", count=1, body=body)
    api = Api(attached_client(ecs), clock=clock)
    found = AwsTaskDefinitions(api, with_content=with_content).describe(RevisionId("web", 1))
    assert found is not None
    return found


def test_what_only_a_description_has_is_not_archived() -> None:
    """Told by botocore's two shapes, whatever is in them."""
    told = ecs_model().shape_for("TaskDefinition")
    only_told = set(whole(told)) - set(registration().members)
    assert {"taskDefinitionArn", "revision", "status", "registeredAt", "compatibilities"} <= only_told
    assert set(archived(**whole(told) | {"containerDefinitions": []})) == set(registration().members)


def test_tags_are_archived_with_the_definition() -> None:
    """As RegisterTaskDefinition takes them."""
    assert archived()["tags"] == [{"key": "team", "value": "red"}]


def test_a_field_that_this_botocore_does_not_know_is_archived_all_the_same() -> None:
    """A newer one will register it: the answer is taken as it came."""
    assert archived(holograms={"depth": 3})["holograms"] == {"depth": 3}
    body = {"containerDefinitions": [{"name": "main", "image": "app:1", "holograms": 3}], "holograms": [1]}
    found = described(body)
    assert found.content is not None
    assert json.loads(found.content.request)["containerDefinitions"] == body["containerDefinitions"]
    assert json.loads(found.content.request)["holograms"] == [1]


def test_what_a_registration_does_not_take_is_left_out_and_named() -> None:
    """By its path; a name of a field is no content."""
    fields = {
        "holograms": SECRET,
        "containerDefinitions": [
            {"name": "main", "image": "app:1", "dockerLabels": {"anything": "goes"}, "glow": SECRET},
            {"name": "side", "image": "app:1", "logConfiguration": {"logDriver": "awslogs", "glow": SECRET}},
        ],
        "volumes": [{"name": "data", "glow": SECRET}],
    }
    request, left_out = TRANSLATION.request(TRANSLATION.content(answer(**fields)).request)
    assert left_out == (
        "holograms",
        "containerDefinitions[].glow",
        "containerDefinitions[].logConfiguration.glow",
        "volumes[].glow",
    )
    assert SECRET not in str(request)
    assert request["containerDefinitions"][0]["dockerLabels"] == {"anything": "goes"}


def test_a_choice_that_this_botocore_does_not_know_is_not_made() -> None:
    """Of a union ECS takes exactly one member; none would be refused."""
    requirement = {"type": "GPU", "value": "1", "sharingStrategy": {"hologram": {"depth": 3}}}
    fields = {"containerDefinitions": [{"name": "main", "image": "app:1", "resourceRequirements": [requirement]}]}
    request, left_out = TRANSLATION.request(TRANSLATION.content(answer(**fields)).request)
    assert request["containerDefinitions"][0]["resourceRequirements"] == [{"type": "GPU", "value": "1"}]
    assert left_out == ("containerDefinitions[].resourceRequirements[].sharingStrategy.hologram",)


def test_an_empty_structure_comes_back_empty() -> None:
    """It may mean something: only a choice must have a member."""
    request, _ = TRANSLATION.request(json.dumps({"family": "web", "volumes": [{"name": "v", "host": {}}]}).encode())
    assert request["volumes"] == [{"name": "v", "host": {}}]


def test_null_stands_for_what_is_not_there() -> None:
    """On the wire it may be either."""
    request, left_out = TRANSLATION.request(TRANSLATION.content(answer(cpu=None, pidMode="task")).request)
    assert "cpu" not in request
    assert request["pidMode"] == "task"
    assert left_out == ()


@pytest.mark.parametrize("damaged", [b"", b"null", b"[1]", b'"text"', b"{", b"\xff"])
def test_what_is_no_definition_is_refused(damaged: bytes) -> None:
    """As a ValueError, whatever is wrong."""
    with pytest.raises(ValueError, match=r"\S"):
        TRANSLATION.request(damaged)


def test_images_are_told_once_each() -> None:
    """In the order of the containers."""
    containers = [{"image": "b"}, {"image": "a"}, {"image": "b"}, {"name": "none"}]
    assert TRANSLATION.content(answer(containerDefinitions=containers)).images == ("b", "a")


def test_content_is_there_only_where_it_is_archived() -> None:
    """Else nothing of a definition leaves the adapter."""
    body = {"containerDefinitions": [{"name": "main", "image": "app:1"}]}
    assert described(body, with_content=False).content is None
    assert described(body).content is not None


def test_an_answer_that_cannot_be_kept_fails_the_description() -> None:
    """Then the revision stays: it is unreadable."""
    with pytest.raises(CallFailed, match="MalformedResponse"):
        described({"containerDefinitions": [SECRET]})


def test_nothing_shows_a_content() -> None:
    """Neither what it is printed as, nor what a revision is, nor a copy of its fields."""
    content = Content(SECRET.encode(), (SECRET,))
    revision = Revision(id=RevisionId("web", 7), status=Status.INACTIVE, content=content)
    shown = [repr(content), str(content), f"{content}", repr(revision), str(asdict(revision)), f"{[revision]}"]
    assert not [text for text in shown if SECRET in text]
    with pytest.raises(TypeError):
        json.dumps(content)
    assert revision == Revision(id=RevisionId("web", 7), status=Status.INACTIVE)

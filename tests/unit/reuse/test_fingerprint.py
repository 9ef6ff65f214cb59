"""What is one definition and what is two: every folding is one that ECS makes, every other difference counts."""

from __future__ import annotations

import copy
import json
import random
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.model import ListShape, MapShape, StructureShape
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from janitor.errors import BadInput
from janitor.local.behaviour import Behaviour
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.reuse.fingerprint import DEFAULTS, FORM, NONE_IF_EMPTY, SETS, canonical, fingerprint
from tests.builders import attached_client
from tests.shapes import registration, requests, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.model import Shape

Request = dict[str, Any]


class _Mode(StrEnum):
    AWSVPC = "awsvpc"


JOB: Request = {
    "family": "airflow-dbt",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE", "EC2"],
    "cpu": "1024",
    "memory": "2048",
    "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
    "containerDefinitions": [
        {
            "name": "dbt",
            "image": "registry.example.com/dbt@sha256:1234",
            "command": ["dbt", "run"],
            "environment": [{"name": "STAGE", "value": "dev"}, {"name": "EMPTY", "value": ""}],
            "secrets": [{"name": "PASSWORD", "valueFrom": "arn:aws:ssm:::parameter/p"}],
            "portMappings": [{"containerPort": 80}, {"containerPort": 53, "protocol": "udp"}],
            "healthCheck": {"command": ["CMD-SHELL", "true"]},
            "ulimits": [
                {"name": "nofile", "softLimit": 1, "hardLimit": 2},
                {"name": "core", "softLimit": 0, "hardLimit": 0},
            ],
            "dependsOn": [{"containerName": "log", "condition": "START"}],
            "mountPoints": [
                {"sourceVolume": "a", "containerPath": "/a"},
                {"sourceVolume": "b", "containerPath": "/b"},
            ],
        },
        {"name": "log", "image": "fluent:1", "essential": False},
    ],
    "volumes": [{"name": "a"}, {"name": "b", "host": {"sourcePath": "/srv"}}],
    "tags": [{"key": "team", "value": "data"}],
}


def changed(change: Callable[[Request, Request], object], request: Request = JOB) -> Request:
    """Return a copy of a request after a change, which is given the request and its first container."""
    found = copy.deepcopy(request)
    change(found, found["containerDefinitions"][0])
    return found


# What is folded

SAME: dict[str, Callable[[Request, Request], object]] = {
    "essential said": lambda _, box: box.update(essential=True),
    "tcp said": lambda _, box: box["portMappings"][0].update(protocol="tcp"),
    "the host port said": lambda _, box: box["portMappings"][0].update(hostPort=80),
    "interval said": lambda _, box: box["healthCheck"].update(interval=30),
    "timeout said": lambda _, box: box["healthCheck"].update(timeout=5),
    "retries said": lambda _, box: box["healthCheck"].update(retries=3),
    "no cpu said": lambda _, box: box.update(cpu=0),
    "size in vCPU": lambda job, _: job.update(cpu="1 vCPU"),
    "size in vcpu": lambda job, _: job.update(cpu="1.0vcpu"),
    "memory in GB": lambda job, _: job.update(memory="2 GB"),
    "memory in GB without a space": lambda job, _: job.update(memory="2GB"),
    "None in a container": lambda _, box: box.update(user=None),
    "None in the definition": lambda job, _: job.update(taskRoleArn=None),
    "no links": lambda _, box: box.update(links=[]),
    "no secret options": lambda _, box: box.update(dnsServers=()),
    "a tuple": lambda _, box: box.update(command=tuple(box["command"])),
    "other tags": lambda job, _: job.update(tags=[{"key": "team", "value": "web"}]),
    "keys in another order": lambda job, _: job.update({name: job.pop(name) for name in reversed(list(job))}),
    "an enumeration's text": lambda job, _: job.update(networkMode=_Mode.AWSVPC),
}


@pytest.mark.parametrize("name", SAME)
def test_what_ecs_does_not_tell_apart_is_one_definition(name: str) -> None:
    """One case for each folding; where AWS says so stands beside each in ``fingerprint``."""
    other = changed(SAME[name])
    assert repr(other) != repr(JOB)
    assert fingerprint(other) == fingerprint(JOB)


@pytest.mark.parametrize("path", SETS)
def test_the_order_of_a_set_says_nothing(path: str) -> None:
    """Of two entries that differ in what tells them apart."""
    first, second = whole(shape_at(path), "a"), whole(shape_at(path), "b")
    if isinstance(first, list):
        first, second = first[0], second[0]
    if "containerPort" in SETS[path]:
        second["containerPort"] = 8
    if path in {f"{'containerDefinitions'}.ulimits", "requiresCompatibilities"}:
        second = {**first, "name": "cpu"} if isinstance(first, dict) else "FARGATE"
    assert hashed_at(path, [first, second]) == hashed_at(path, [second, first])
    assert hashed_at(path, [first, second]) != hashed_at(path, [first])


@pytest.mark.parametrize("path", [path for path in SETS if SETS[path] == ("name",)])
def test_repeated_names_keep_their_order(path: str) -> None:
    """One of them wins, and it may be the last."""
    two = [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]
    assert hashed_at(path, two) != hashed_at(path, two[::-1])
    assert hashed_at(path, two) != hashed_at(path, two[:1])
    three = [two[0], {"name": "b", "value": "3"}, two[1]]
    assert hashed_at(path, three) != hashed_at(path, [two[0], two[1], three[1]]), "nobody says what ECS makes of them"


@settings(max_examples=50)
@given(request=requests(), seed=st.integers(0, 10_000))
def test_no_folding_depends_on_another(request: Request, seed: int) -> None:
    """Everything that may be shuffled, said or left out, shuffled, said and left out at random: one definition."""
    assert fingerprint(disguised(request, random.Random(seed))) == fingerprint(request)  # noqa: S311 - no secret


def disguised(value: Any, rng: random.Random, path: str = "", mode: str | None = None) -> Any:  # noqa: ANN401 - JSON
    """Return a request that says the same in another way. Its rules are written again, from §3 of the design notes."""
    if isinstance(value, list):
        items = [disguised(each, rng, path, mode) for each in value]
        names = [str([each.get(key) for key in keys]) if (keys := SETS.get(path)) else str(each) for each in value]
        if path in SETS and len(set(names)) == len(names):
            rng.shuffle(items)
        return items
    if not isinstance(value, dict):
        return value
    mode = value.get("networkMode") if not path else mode
    found = {
        name: disguised(each, rng, f"{path}.{name}" if path else name, mode)
        for name, each in value.items()
        if not (each == [] and name not in {"command", "entryPoint"} and rng.random() < 0.5)
        or f"{path}.{name}".strip(".") not in NONE_IF_EMPTY
    }
    for member, default in DEFAULTS.items():
        parent, _, name = member.rpartition(".")
        if parent == path:
            if name not in found and rng.random() < 0.5:
                found[name] = default
            elif found.get(name) == default and type(found[name]) is type(default) and rng.random() < 0.5:
                del found[name]
    if path.endswith("portMappings") and "containerPort" in found and "hostPort" not in found:
        found |= {"awsvpc": {"hostPort": found["containerPort"]}, "bridge": {"hostPort": 0}}.get(mode or "", {})
    keys = list(found)
    rng.shuffle(keys)
    return {key: found[key] for key in keys}


# What is not

DIFFERENT: dict[str, Callable[[Request, Request], object]] = {
    "another command": lambda _, box: box.update(command=["dbt", "test"]),
    "the command in another order": lambda _, box: box["command"].reverse(),
    "an empty command": lambda _, box: box.update(command=[]),
    "an empty entry point": lambda _, box: box.update(entryPoint=[]),
    "another tag of the image": lambda _, box: box.update(image="registry.example.com/dbt:latest"),
    "a space in the image": lambda _, box: box.update(image=box["image"] + " "),
    "a value in other letters": lambda _, box: box["environment"][0].update(value="DEV"),
    "an empty value gone": lambda _, box: box["environment"].pop(),
    "an empty text": lambda _, box: box.update(user=""),
    "not essential": lambda _, box: box.update(essential=False),
    "essential in another type": lambda _, box: box.update(essential=1),
    "udp": lambda _, box: box["portMappings"][0].update(protocol="udp"),
    "another host port": lambda _, box: box["portMappings"][0].update(hostPort=81),
    "host port 0 with awsvpc": lambda _, box: box["portMappings"][0].update(hostPort=0),
    "another interval": lambda _, box: box["healthCheck"].update(interval=31),
    "a start period": lambda _, box: box["healthCheck"].update(startPeriod=0),
    "more cpu": lambda job, _: job.update(cpu="2 vCPU"),
    "a size nobody can read": lambda job, _: job.update(cpu="1  vCPU"),
    "cpu as GB": lambda job, _: job.update(cpu="1 GB"),
    "cpu in another type": lambda job, _: job.update(cpu=1024),
    "a part of a unit": lambda job, _: job.update(cpu="0.0001 vCPU"),
    "no network mode": lambda job, _: job.pop("networkMode"),
    "another role": lambda job, _: job.update(taskRoleArn="arn:aws:iam::123456789012:role/task"),
    "an empty structure": lambda _, box: box.update(linuxParameters={}),
    "empty options": lambda _, box: box.update(dockerLabels={}),
    "a member nobody knows": lambda _, box: box.update(unheardOf=[]),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_may_change_what_runs_is_another_definition(name: str) -> None:
    """Where it is not certain, too: a miss costs one revision."""
    assert fingerprint(changed(DIFFERENT[name])) != fingerprint(JOB)


def test_a_part_of_a_unit_is_not_rounded() -> None:
    """ECS refuses it; what it would make of it nobody says."""
    assert fingerprint({"cpu": "0.0001 vCPU"}) != fingerprint({"cpu": "0"})
    assert fingerprint({"memory": "0.5001 GB"}) != fingerprint({"memory": "512"})


@pytest.mark.parametrize(
    "member",
    [
        "environmentFiles",
        "dnsServers",
        "dnsSearchDomains",
        "links",
        "extraHosts",
        "command",
        "entryPoint",
        "volumesFrom",
    ],
)
def test_the_order_of_every_other_list_counts(member: str) -> None:
    """The first environment file wins, the first server is asked first."""
    first, second = ({"value": "1"}, {"value": "2"}) if member == "environmentFiles" else ("1", "2")
    path = f"containerDefinitions.{member}"
    assert hashed_at(path, [first, second]) != hashed_at(path, [second, first])


@pytest.mark.parametrize(
    ("mode", "port", "same"),
    [
        ("awsvpc", 80, True),
        ("awsvpc", 0, False),
        ("host", 80, True),
        ("host", 0, False),
        ("bridge", 0, True),
        ("bridge", 80, False),
        ("none", 80, False),
        (None, 0, False),
        (None, 80, False),
        (["bridge"], 0, False),
    ],
)
def test_the_host_port_that_is_none_depends_on_the_network_mode(mode: Any, port: int, same: bool) -> None:  # noqa: ANN401, FBT001 - values of a table
    """Without a mode it is bridge, but not on Windows, so nothing is folded."""
    said, unsaid = ({"networkMode": mode, **ports(more)} for more in ({"hostPort": port}, {}))
    assert (fingerprint(said) == fingerprint(unsaid)) is same


def test_a_range_of_ports_has_no_host_port_to_fold() -> None:
    """ECS sets it; a request that says one is another."""
    said, unsaid = (
        {"networkMode": "bridge", "containerDefinitions": [{"portMappings": [{"containerPortRange": "80-90", **more}]}]}
        for more in ({"hostPort": 0}, {})
    )
    assert fingerprint(said) != fingerprint(unsaid)


def ports(more: Request) -> Request:
    """Return a container with one port."""
    return {"containerDefinitions": [{"portMappings": [{"containerPort": 80, **more}]}]}


@pytest.mark.parametrize("path", DEFAULTS)
def test_only_the_default_itself_is_the_same_as_none(path: str) -> None:
    """Not what Python takes for equal, nor its text."""
    default = DEFAULTS[path]
    others: list[Any] = [1, "true", False] if default is True else [False, f"{default} ", 1]
    assert hashed_at(path, default) == hashed_at(path, None)
    assert len({hashed_at(path, each) for each in [default, *others]}) == len(others) + 1


# Every member there is


def leaves(shape: Shape, path: str = "") -> Iterator[str]:
    """Yield the path of every member of a shape that is no structure."""
    match shape:
        case StructureShape():
            for name, member in shape.members.items():
                yield from leaves(member, f"{path}.{name}" if path else name)
        case ListShape() if isinstance(shape.member, StructureShape):
            yield from leaves(shape.member, path)
        case _:
            yield path


def shape_at(path: str) -> Shape:
    """Return the shape of a member."""
    shape: Shape = registration()
    for name in path.split("."):
        if isinstance(shape, ListShape):
            shape = shape.member
        assert isinstance(shape, StructureShape)
        shape = shape.members[name]
    return shape


def hashed_at(path: str, value: Any) -> str:  # noqa: ANN401 - whatever JSON has
    """Return the hash of a request in which a member has a value, and nothing else is."""
    names = path.split(".")
    for index in range(len(names) - 1, -1, -1):
        parent = ".".join(names[:index])
        value = {names[index]: value}
        if parent and isinstance(shape_at(parent), ListShape):
            value = [value]
    assert isinstance(value, dict)
    return fingerprint(value, with_tags=True)


COUNTED = [path for path in leaves(registration()) if path != "family"]


@pytest.mark.parametrize("path", COUNTED)
def test_every_member_of_botocores_shape_counts(path: str) -> None:
    """One that a newer botocore brings, too: it is hashed as it is."""
    shape = shape_at(path)
    values: list[Any]
    match shape:
        case ListShape():
            values = [["a"], ["b"], ["a", "b"]]
        case MapShape():
            values = [{"a": "1"}, {"a": "2"}, {"b": "1"}, {}]
        case _:
            some: dict[str, list[Any]] = {"boolean": [False], "string": ["a", "b", "A", ""]}
            values = some.get(shape.type_name, [1, 2, 10])
    hashes = [hashed_at(path, value) for value in values]
    assert len({*hashes, hashed_at(path, None)}) == len(values) + 1


def test_what_is_folded_is_there() -> None:
    """A member that was misspelt would fold nothing."""
    every = {path for path, _ in members(registration())}
    assert {*DEFAULTS, *SETS, *NONE_IF_EMPTY} <= every
    lists = {path for path, shape in members(registration()) if isinstance(shape, ListShape)}
    not_folded = {"command", "entryPoint", "healthCheck.command"}
    assert lists - NONE_IF_EMPTY <= {
        *(f"containerDefinitions.{name}" for name in not_folded),
        "containerDefinitions.restartPolicy.ignoredExitCodes",
        "containerDefinitions.linuxParameters.devices.permissions",
        "containerDefinitions.linuxParameters.tmpfs.mountOptions",
        "proxyConfiguration.properties",
    }


def members(shape: Shape, path: str = "") -> Iterator[tuple[str, Shape]]:
    """Yield every member with its path."""
    if isinstance(shape, ListShape):
        yield from members(shape.member, path)
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            here = f"{path}.{name}" if path else name
            yield here, member
            yield from members(member, here)


@settings(max_examples=50)
@given(request=requests(), other=requests())
def test_two_requests_with_one_hash_have_one_form(request: Request, other: Request) -> None:
    """And the form is a fixed point: folding it again changes nothing."""
    form = canonical(request)
    assert canonical(form) == form
    assert (fingerprint(request) == fingerprint(other)) == (json.dumps(form, sort_keys=True) == dumped(other))


def dumped(request: Request) -> str:
    """Return a request's form as a text."""
    return json.dumps(canonical(request), sort_keys=True)


def test_tags_count_if_asked_for() -> None:
    """Their order says nothing."""
    tags = [{"key": "b", "value": "1"}, {"key": "a", "value": "2"}]
    one, turned, none = ({**JOB, "tags": each} for each in (tags, tags[::-1], []))
    assert fingerprint(one, with_tags=True) == fingerprint(turned, with_tags=True) != fingerprint(none, with_tags=True)
    assert fingerprint(one) == fingerprint(none)


def test_the_family_is_no_part_of_the_hash() -> None:
    """It is a part of the key."""
    assert fingerprint(JOB) == fingerprint({**JOB, "family": "other"})


@pytest.mark.parametrize("value", [1.5, float("nan"), b"x", {1, 2}, object()], ids=lambda value: type(value).__name__)
def test_what_json_cannot_say_is_refused_by_its_place(value: object) -> None:
    """Without the value."""
    with pytest.raises(BadInput, match=r"^containerDefinitions\.user: a definition holds no \w+$"):
        fingerprint({"containerDefinitions": [{"user": value}]})
    with pytest.raises(BadInput, match="member's name"):
        fingerprint({"containerDefinitions": [{5: "x"}]})


GOLDEN: dict[str, Request] = {
    "1-ca863cd9f72da3ff696aca499a83a35ca38ac36a5efffc7a97109194acfe6b2e": JOB,
    "1-82684377f6fe9c3e3cc96f0eede3db1def25a3b42fa5809f2c388b812a9c8302": {
        "family": "a",
        "containerDefinitions": [{"name": "a", "image": "b"}],
    },
    "1-fd7569e481ceca4ef0fc38187a314ca8947d09528061885ac6c18b4ff2a9b069": {
        "family": "web",
        "networkMode": "bridge",
        "cpu": ".25 vCPU",
        "memory": "0.5GB",
        "containerDefinitions": [
            {
                "name": "web",
                "image": "web:é",
                "essential": True,
                "cpu": 0,
                "links": [],
                "portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}],
                "environment": [{"name": "B", "value": "1"}, {"name": "A", "value": "2"}],
                "environmentFiles": [{"value": "b", "type": "s3"}, {"value": "a", "type": "s3"}],
                "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3},
                "user": None,
            }
        ],
    },
}


@pytest.mark.parametrize("expected", GOLDEN)
def test_the_form_does_not_change_without_its_number(expected: str) -> None:
    """Tables out there are full of these: another form is another ``FORM``."""
    assert FORM == 1
    assert fingerprint(GOLDEN[expected]) == expected


# Those who fill in defaults themselves


FILLED_IN = ("essential", "cpu", "environment", "mountPoints", "portMappings", "volumesFrom")


def test_moto_tells_of_a_default_what_it_tells_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what moto fills in of what is folded: described, each is the one that said nothing of it."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        ecs = boto3.client("ecs", "eu-west-1")
        told = {}
        for member in (None, *FILLED_IN):
            value: Any = {"essential": True, "cpu": 0}.get(member or "", [])
            container: Any = {"name": "a", "image": "b", "memory": 6, **({member: value} if member else {})}
            made = ecs.register_task_definition(family="web", containerDefinitions=[container])["taskDefinition"]
            told[member] = made["containerDefinitions"]
            if member is not None:
                path = f"containerDefinitions.{member}"
                assert hashed_at(path, value) == hashed_at(path, None)
    assert all(each == told[None] for each in told.values())


@pytest.mark.parametrize("member", ["volumes", "placementConstraints"])
def test_the_embedded_ecs_tells_of_an_empty_list_what_it_tells_of_none(member: str) -> None:
    """As Amazon ECS's own examples of answers do."""
    ecs = EmbeddedEcs(clock=VirtualClock(), behaviour=Behaviour(throttling=False))
    client = attached_client(ecs)
    request: Any = {"family": "web", "containerDefinitions": [{"name": "a", "image": "b"}]}
    client.register_task_definition(**request)
    empty: Any = {member: []}
    client.register_task_definition(**request, **empty)
    told: list[Any] = [
        client.describe_task_definition(taskDefinition=f"web:{number}")["taskDefinition"] for number in (1, 2)
    ]
    assert told[0][member] == told[1][member]
    assert fingerprint(request) == fingerprint({**request, member: []})

"""The Pulumi program, run without an engine: config merged as the engine does, resources recorded as it would get them.

What stands in for AWS is a ``Cloud``: it answers for each resource with an id and outputs. ``PaperCloud`` invents them;
another one may create the resources somewhere.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import runpy
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pulumi
import pulumi.runtime
import yaml
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import stack as pulumi_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
PROJECT = "ecs-revision-janitor"

PROVIDER = "pulumi:providers:aws"


class Cloud(Protocol):
    """What stands in for AWS."""

    def create(self, kind: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return a resource's id and outputs; ``kind`` is Pulumi's token, keys are camelCase."""
        ...

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a function of the provider answers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One resource as the engine got it, with the options that matter."""

    kind: str
    name: str
    inputs: Mapping[str, Any]
    urn: str
    parent: str
    provider: str
    id: str
    ignored: tuple[str, ...]
    retained: bool
    after: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Deployed:
    """All that one run of the program registered."""

    resources: list[Registered] = field(default_factory=list)
    looked_up: list[tuple[str, str]] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> list[Registered]:
        """Return AWS's resources whose kind ends so."""
        return [each for each in self.of_aws if each.kind.endswith(f":{kind}")]

    def one(self, kind: str, name: str = "") -> Registered:
        """Return the one resource of a kind whose name ends so."""
        found = [each for each in self.of(kind) if each.name.endswith(name)]
        assert len(found) == 1, f"{len(found)} resources of kind {kind}: {[each.name for each in found]}"
        return found[0]

    @property
    def function(self) -> Registered:
        """The function that sweeps."""
        (found,) = [each for each in self.of("Function") if not each.name.endswith("-widget")]
        return found

    @property
    def widget(self) -> Registered:
        """The function that shows the last report."""
        return self.one("Function", "-widget")

    @property
    def log_group(self) -> Registered:
        """The log group of the function that sweeps."""
        (found,) = [each for each in self.of("LogGroup") if not each.name.endswith("-widget")]
        return found

    @property
    def of_aws(self) -> list[Registered]:
        """The resources that are AWS's: no components, no provider."""
        return [each for each in self.resources if each.kind.startswith("aws:")]

    def policy(self, kind: str, name: str = "") -> list[dict[str, Any]]:
        """Return the statements of a resource's policy."""
        statements = json.loads(self.one(kind, name).inputs["policy"])["Statement"]
        return list(statements)

    @property
    def environment(self) -> dict[str, str]:
        """The function's variables."""
        return dict(self.function.inputs["environment"]["variables"])


ARNS = {
    "Bucket": "arn:aws:s3:::{name}",
    "EventRule": "arn:aws:events:{region}:{account}:rule/{name}",
    "Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "MetricAlarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "Parameter": "arn:aws:ssm:{region}:{account}:parameter{name}",
    "Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "Role": "arn:aws:iam::{account}:role/{name}",
    "Topic": "arn:aws:sns:{region}:{account}:{name}",
}


class PaperCloud:
    """Invents ids and ARNs that look like AWS's, and nothing else: an output nobody has thought of is missing."""

    def __init__(self, region: str) -> None:
        self._region = region

    def create(self, kind: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return a resource's id and outputs."""
        if not kind.startswith("aws:"):
            return f"{name}-id", {}
        what = kind.rpartition(":")[2]
        called = str(inputs.get("name", f"{name}-1a2b3c4"))
        outputs = {"name": called}
        if what in ARNS:
            outputs["arn"] = ARNS[what].format(region=self._region, account=ACCOUNT, name=called)
        if what == "Bucket":
            outputs["bucket"] = called
        if what == "Queue":
            outputs["url"] = f"https://sqs.{self._region}.amazonaws.com/{ACCOUNT}/{called}"
        return called, {**inputs, **outputs}

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a function of the provider answers."""
        match token:
            case "aws:index/getCallerIdentity:getCallerIdentity":
                return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "id": ACCOUNT, "userId": "AIDA"}
            case "aws:index/getPartition:getPartition":
                return {
                    "partition": "aws",
                    "dnsSuffix": "amazonaws.com",
                    "id": "aws",
                    "reverseDnsPrefix": "com.amazonaws",
                }
            case _:
                raise AssertionError(f"{token} {arguments}: the program asks for something new")


class _Mocks(pulumi_mocks.Mocks):
    """Pulumi's mocks, as a cloud."""

    def __init__(self, cloud: Cloud, deployed: Deployed) -> None:
        self._cloud = cloud
        self._deployed = deployed

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return self._cloud.create(args.typ, args.name, args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        self._deployed.looked_up.append((args.token, args.provider))
        return self._cloud.look_up(args.token, args.args), []


class _Monitor(pulumi_mocks.MockMonitor):
    """Keeps what the mocks are not told: parents, options, order."""

    def __init__(self, mocks: pulumi_mocks.Mocks, deployed: Deployed) -> None:
        super().__init__(mocks)
        self._deployed = deployed

    def RegisterResource(self, request: Any) -> Any:  # noqa: ANN401, N802 - the engine's own
        """Register a resource."""
        with _loop():
            response = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # pulumi's mocks have no types
        if request.type != "pulumi:pulumi:Stack":
            self._deployed.resources.append(
                Registered(
                    kind=request.type,
                    name=request.name,
                    inputs=_plain(request.object),
                    urn=response.urn,
                    parent=request.parent,
                    provider=request.provider,
                    id=response.id,
                    ignored=tuple(request.ignoreChanges),
                    retained=request.retainOnDelete,
                    after=tuple(request.dependencies),
                )
            )
        return response

    def Invoke(self, request: Any) -> Any:  # noqa: ANN401, N802 - the engine's own
        """Answer a question."""
        with _loop():
            return super().Invoke(request)  # type: ignore[no-untyped-call]  # as above

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: ANN401, N802 - the engine's own
        """Take what the program exports."""
        if "pulumi:pulumi:Stack" in request.urn:
            self._deployed.outputs.update(_plain(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # as above


def schema() -> dict[str, Any]:
    """Return the config that ``Pulumi.yaml`` declares, by key."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    return {key: what for key, what in declared.items() if ":" not in key}


def stack_file(stack: str) -> dict[str, Any]:
    """Return what a stack file says, by key without the namespace."""
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items()}


def merged(said: Mapping[str, Any]) -> dict[str, str]:
    """Return what the engine would hand to the program: the defaults, what was said over them, everything as text.

    None takes a key away.
    """
    values = {key: what["default"] for key, what in schema().items() if "default" in what} | dict(said)
    return {
        key if ":" in key else f"{PROJECT}:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
        if value is not None
    }


def deploy(stack: str, said: Mapping[str, Any], cloud: Cloud | None = None) -> Deployed:
    """Run the program as Pulumi does: ``infra/`` is its folder and the first place where modules are looked for."""
    deployed = Deployed()
    mocks = _Mocks(cloud or PaperCloud(str(said.get("region"))), deployed)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        with _place(ROOT / "infra"):
            pulumi.runtime.mocks.set_mocks(
                mocks, project=PROJECT, stack=stack, preview=False, monitor=_Monitor(mocks, deployed)
            )
            pulumi.runtime.settings.ROOT.set(None)  # the mocks brought one; the program gets its own, with outputs
            pulumi.runtime.set_all_config(merged(said))
            loop.run_until_complete(pulumi_stack.run_in_stack(_run_main))
    finally:
        loop.close()
        asyncio.set_event_loop(None)
        pulumi.runtime.settings.reset_options()
    return deployed


def _run_main() -> None:
    runpy.run_path("__main__.py", run_name="__main__")


def _plain(properties: Any) -> dict[str, Any]:  # noqa: ANN401 - a protobuf
    """Return properties as plain values; pulumi-aws takes any parameter's value for a secret."""
    values = pulumi.runtime.rpc.deserialize_properties(properties)
    return {key: pulumi.runtime.rpc.unwrap_rpc_secret(value) for key, value in values.items()}


@contextmanager
def _loop() -> Iterator[None]:
    """Give a worker's thread a loop and close it: the one that Pulumi would make stays open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        loop.close()
        asyncio.set_event_loop(None)


@contextmanager
def _place(folder: Path) -> Iterator[None]:
    before, path = Path.cwd(), list(sys.path)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path


def unresolved(value: object) -> bool:
    """Say whether something in a value was never resolved: None, an Output's text, a None within a text."""
    if isinstance(value, dict):
        return any(unresolved(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(unresolved(each) for each in value)
    return value is None or (isinstance(value, str) and bool(re.search(r"\bNone\b|Output\[|Calling __str__", value)))

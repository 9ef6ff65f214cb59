"""What two requests to register must have in common to be one definition: a canonical form, and its hash.

Requests are compared with requests, never with what DescribeTaskDefinition tells: that is another shape, in which ECS
has filled in what nobody asked for. A definition that is not recognized costs one revision; one that is taken for
another runs the wrong container. So only those differences are folded away that ECS itself does not make, and each is
listed here with where AWS says so: "API" is the Amazon ECS API reference, RegisterTaskDefinition and its types.

``FORM`` is the number of this form. It stands before the hash and goes into it: whoever changes what is folded must
raise it.
"""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from janitor.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FORM = 1

_CONTAINERS = "containerDefinitions"
_PORTS = f"{_CONTAINERS}.portMappings"

DEFAULTS: Mapping[str, bool | int | str] = {
    f"{_CONTAINERS}.essential": True,  # API: "If this parameter is omitted, a container is assumed to be essential"
    f"{_CONTAINERS}.cpu": 0,  # developer guide, task definition parameters: null and zero are passed on alike
    f"{_PORTS}.protocol": "tcp",  # API: "The default is tcp"
    f"{_CONTAINERS}.healthCheck.interval": 30,  # API: "The default value is 30 seconds"
    f"{_CONTAINERS}.healthCheck.timeout": 5,  # API: "The default value is 5"
    f"{_CONTAINERS}.healthCheck.retries": 3,  # API: "The default value is 3"
}
"""Member → the value that is the same as none."""

SETS: Mapping[str, Sequence[str]] = {
    _CONTAINERS: ("name",),
    f"{_CONTAINERS}.environment": ("name",),
    f"{_CONTAINERS}.secrets": ("name",),
    _PORTS: ("containerPort", "containerPortRange", "protocol"),
    f"{_CONTAINERS}.mountPoints": ("containerPath",),
    f"{_CONTAINERS}.dependsOn": ("containerName",),
    f"{_CONTAINERS}.ulimits": ("name",),
    "requiresCompatibilities": (),
    "tags": ("key",),
    "volumes": ("name",),
}
"""Lists whose order says nothing → what tells their entries apart. Where two entries are the same in that, one of them
wins, and nobody says which: then the order is kept."""

NONE_IF_EMPTY = frozenset({
    *SETS,
    "inferenceAccelerators",
    "placementConstraints",
    *(f"{_CONTAINERS}.{name}" for name in (
        "credentialSpecs",
        "dnsSearchDomains",
        "dnsServers",
        "dockerSecurityOptions",
        "environmentFiles",
        "extraHosts",
        "links",
        "linuxParameters.capabilities.add",
        "linuxParameters.capabilities.drop",
        "linuxParameters.devices",
        "linuxParameters.tmpfs",
        "logConfiguration.secretOptions",
        "resourceRequirements",
        "systemControls",
        "volumesFrom",
    )),
})  # fmt: skip
"""Lists that add something: an empty one adds nothing. An empty ``command`` or ``entryPoint`` is not among them: it
takes the place of the image's own, and the ECS agent tells it from none."""

_SIZES = {
    "cpu": (re.compile(r"(\d*\.?\d+) ?v(?:CPU|cpu)", re.ASCII), 1024),
    "memory": (re.compile(r"(\d*\.?\d+) ?GB", re.ASCII), 1024),
}
"""API: "1 vCPU or 1 vcpu", "1GB or 1 GB" are converted to CPU units and MiB when the definition is registered."""

_HOST_PORT: Mapping[object, Callable[[Mapping[str, Any]], object]] = {
    "awsvpc": lambda mapping: mapping.get("containerPort"),
    "host": lambda mapping: mapping.get("containerPort"),
    "bridge": lambda _: 0,
}
"""Network mode → the host port that is the same as none. API: with awsvpc and host "left blank or the same value as the
containerPort", with bridge "omit the hostPort (or set it to 0)". Without a mode it is bridge, but not on Windows: there
nothing is folded."""

Canonical = dict[str, Any]


def fingerprint(request: Mapping[str, Any], *, with_tags: bool = False) -> str:
    """Return the hash by which a RegisterTaskDefinition request is known, its family left out: ``FORM-sha256``.

    Tags do not change what runs, so they count only ``with_tags``.

    Raises:
        BadInput: if a request holds what JSON cannot say.
    """
    form = canonical(request, with_tags=with_tags)
    text = json.dumps([FORM, form], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"{FORM}-{hashlib.sha256(text.encode()).hexdigest()}"


def canonical(request: Mapping[str, Any], *, with_tags: bool = False) -> Canonical:
    """Return the form that is hashed. It holds environment values and must not be shown or stored.

    Raises:
        BadInput: if a request holds what JSON cannot say.
    """
    problems: list[str] = []
    without = {"family"} if with_tags else {"family", "tags"}
    counted = {name: value for name, value in request.items() if name not in without}
    form: Canonical = _folded(counted, "", request.get("networkMode"), problems)
    if problems:
        raise BadInput(sorted(set(problems)))
    for name, (pattern, units) in _SIZES.items():
        form |= {name: _whole(form[name], pattern, units)} if name in form else {}
    return form


def _folded(value: Any, path: str, mode: object, problems: list[str]) -> Any:  # noqa: ANN401 - whatever JSON has
    if isinstance(value, dict):
        return _structure(value, path, mode, problems)
    if isinstance(value, list | tuple):
        items = [_folded(each, path, mode, problems) for each in value]
        return _ordered(items, SETS[path]) if path in SETS else items
    if isinstance(value, str):
        return str.__str__(value)  # of a subclass too, such as an enumeration's
    if value is not None and not isinstance(value, int):
        problems.append(f"{path}: a definition holds no {type(value).__name__}")
    return value


def _structure(value: Mapping[str, Any], path: str, mode: object, problems: list[str]) -> Canonical:
    found: Canonical = {}
    for name, each in value.items():
        if type(name) is not str:
            problems.append(f"{path or 'the request'}: a member's name is a text, not {type(name).__name__}")
            continue
        member = f"{path}.{name}" if path else name
        if each is None or (not each and isinstance(each, list | tuple) and member in NONE_IF_EMPTY):
            continue
        folded = _folded(each, member, mode, problems)
        if not (member in DEFAULTS and _same(folded, DEFAULTS[member])):
            found[name] = folded
    if path == _PORTS and isinstance(mode, str) and mode in _HOST_PORT and {"containerPort", "hostPort"} <= set(found):
        blank = _HOST_PORT[mode](found)
        found = {name: each for name, each in found.items() if name != "hostPort" or not _same(each, blank)}
    return found


def _same(value: object, other: object) -> bool:
    """Say whether two values are the same to JSON: to Python ``True`` is 1."""
    return type(value) is type(other) and value == other


def _ordered(items: list[Any], keys: Sequence[str]) -> list[Any]:
    """Return entries in the order of what tells them apart, or as they came where that is not all different."""
    names = [_text([each.get(key) for key in keys] if keys and isinstance(each, dict) else each) for each in items]
    if len(set(names)) < len(names):
        return items
    return [each for _, each in sorted(zip(names, items, strict=True), key=lambda pair: pair[0])]


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _whole(value: object, pattern: re.Pattern[str], units: int) -> object:
    """Return a size in vCPU or GB as the text of its units, if it comes to a whole number of them."""
    match = pattern.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    size = Decimal(match[1]) * units
    return str(int(size)) if size == int(size) else value

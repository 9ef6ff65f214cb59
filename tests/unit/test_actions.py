"""Every AWS call that the code can make is declared beside it as an IAM action, and nothing else is."""

from __future__ import annotations

import ast
import importlib
from functools import cache
from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore import xform_name

from janitor.core.model import Mode
from janitor.core.orphans import COUNTED
from janitor.permissions import READING, Arns, reusing, statements
from janitor.settings import Flags, load
from tests.builders import policy, rule
from tests.unit.test_imports import imported, inside, tree, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIXES = {"stepfunctions": "states"}
"""Services whose IAM prefix is not their name in boto3 (Service Authorization Reference)."""

EXCEPTIONS = {"s3:ListObjectsV2": "s3:ListBucket", "dynamodb:TransactWriteItems": "dynamodb:PutItem"}
"""Operations whose action has another name (Amazon S3 user guide, required permissions). A transaction needs what its
writes need (Amazon DynamoDB developer guide, IAM with transactions): ours put and delete."""

INDIRECT = {"get_paginator", "get_waiter", "can_paginate", "generate_presigned_url", "generate_presigned_post"}
"""Methods of every client that take an operation's name, or make calls of their own."""

BY_HAND = {f"janitor.aws.{name}" for name in ("registration", "stack", "throwaway", "trials")}
"""Modules of commands that people run with rights of their own: the README names what these need."""

UNREAD = {"copy", "download_file", "download_fileobj", "upload_file", "upload_fileobj"}
"""Methods of S3's client that make calls which this test would not see: not to be used."""


@cache
def methods(service: str) -> Mapping[str, str]:
    """Return a service's operations by the name of the client's method."""
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(operation): operation for operation in model.operation_names}


def services(module: str) -> set[str]:
    """Return the services that a module has a client of: it imports its type, or works through our ECS client."""
    names = {name.partition(".")[0] for name in imported(module)}
    ours = {"ecs"} if "janitor.aws.client.Api" in imported(module) else set()
    return ours | {name.removeprefix("mypy_boto3_") for name in names if name.startswith("mypy_boto3_")}


def calls(module: str) -> Iterator[str]:
    """Yield the actions of the calls in a module, wherever the name of an operation's method stands."""
    for service in services(module):
        for node in ast.walk(tree(module)):
            if not isinstance(node, ast.Attribute):
                continue
            if operation := methods(service).get(node.attr):
                yield action(service, operation)
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in INDIRECT:
            assert node.func.attr == "get_paginator", f"{module}, line {node.lineno}: this test cannot follow it"
            (name,) = node.args
            assert isinstance(name, ast.Constant), f"{module}, line {node.lineno}: name the operation"
            method = str(name.value)
            (found,) = {action(each, methods(each)[method]) for each in services(module) if method in methods(each)}
            yield found


def action(service: str, operation: str) -> str:
    """Return the IAM action of an operation."""
    plain = f"{PREFIXES.get(service, service)}:{operation}"
    return EXCEPTIONS.get(plain, plain)


def declared(module: str) -> set[str]:
    """Return all that a module declares."""
    names = vars(importlib.import_module(module))
    found = (actions for name, actions in names.items() if name.endswith("ACTIONS") and isinstance(actions, tuple))
    return {each for actions in found for each in actions}


def implied(module: str) -> set[str]:
    """Return what a module's calls need beside the actions of their own names."""
    return set(getattr(importlib.import_module(module), "IMPLIED_ACTIONS", ()))


@pytest.mark.parametrize("module", [each for each in inside("janitor.aws") if each != "janitor.aws"])
def test_a_module_declares_the_actions_of_its_calls_and_no_others(module: str) -> None:
    """Beside the calls, whatever the constants are called."""
    made = {each for one in inside(module) for each in calls(one)}  # a package stands for its modules
    assert declared(module) == made | implied(module)


@pytest.mark.parametrize(
    "module", [each for each in inside("janitor") if not within(each, "janitor.aws", "janitor.local")]
)
def test_no_call_is_made_outside_the_adapters(module: str) -> None:
    """Nobody else has a client's method in hand."""
    known = {
        name
        for service in (
            *("ecs", "s3", "ssm", "events", "cloudtrail", "lambda", "scheduler", "cloudwatch", "iam", "sts"),
            "dynamodb",
        )
        for name in methods(service)
    }
    used = {node.attr for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)}
    assert not used & (known | INDIRECT | UNREAD)


def test_the_scan_sees_calls_and_paginators() -> None:
    """It would pass without looking otherwise."""
    assert set(calls("janitor.aws.task_definitions")) >= {"ecs:DeleteTaskDefinitions", "ecs:ListTaskDefinitions"}
    assert set(calls("janitor.aws.blobs")) == {"s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"}


def test_whatever_is_declared_is_lent_in_one_mode_or_the_other() -> None:
    """A new source cannot be forgotten in the policy that is lent."""
    default, asking = load(Flags()).policy, policy(rule(orphans=COUNTED))
    lent = {
        each
        for mode in Mode
        for bus in (None, "default")
        for rules in (default, asking)
        for statement in statements(mode=mode, policy=rules, store="s3://bucket", brake="/b", event_bus=bus, table="t")
        for each in statement["Action"]
    }
    lent |= {each for statement in reusing("t", Arns()) for each in statement["Action"]}
    asked_for = {each for module in inside("janitor.aws") if module not in BY_HAND for each in declared(module)}
    assert lent == asked_for
    assert set().union(*READING.values()) < lent

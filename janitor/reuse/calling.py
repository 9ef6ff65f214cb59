"""The one function that a program calls, and what it is put together from: the real clock, clients, the table."""

from __future__ import annotations

import os
import platform
import uuid
from typing import TYPE_CHECKING, Any

import boto3

from janitor.aws.client import config, config_of_others
from janitor.aws.lookup_table import HISTORY, DynamoLookupTable
from janitor.aws.registration import MOST_TAGS
from janitor.aws.registry import AwsRegistry
from janitor.core.lookup import DEFINITION_TAG, Key
from janitor.errors import BadInput
from janitor.reuse.fingerprint import fingerprint
from janitor.reuse.protocol import Reuse, Terms
from janitor.wiring import VERSION, SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from typing import Literal

    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_ecs.client import ECSClient

    from janitor.ports import Clock
    from janitor.reuse.protocol import Reused

LONGEST_NAME = 200
"""Characters of who asks that are kept."""


def reuse_or_register(
    request: Mapping[str, Any],
    *,
    table: str,
    session: boto3.Session | None = None,
    ecs: ECSClient | None = None,
    dynamodb: DynamoDBClient | None = None,
    by: str | None = None,
    on_table_trouble: Literal["raise", "register"] = "raise",
    with_tags: bool = False,
    history: timedelta | None = HISTORY,
    terms: Terms | None = None,
    clock: Clock | None = None,
) -> Reused:
    """Return the revision of a definition: the one that stands in the table, or a new one that does from now on.

    Args:
        request: what RegisterTaskDefinition takes, as a dictionary. Members that are None count as left out.
        table: the name of the DynamoDB table, one for each account and Region.
        session: makes the clients that are not given; without one, boto3's own way to find credentials and Region.
        ecs: an ECS client. From then on it does not repeat a RegisterTaskDefinition by itself any more.
        dynamodb: a DynamoDB client.
        by: who asks, as the history names it; without it, this machine and process.
        on_table_trouble: what to do where the table cannot be used, or another caller keeps its lease for too long:
            ``raise``, or ``register`` a revision as if there were no table.
        with_tags: whether other tags make another definition. They do not change what runs.
        history: how long the history is kept; None for ever.
        terms: how long a lease lasts, and how long to wait for another's.
        clock: time, for tests.

    Raises:
        BadInput: with all that is wrong with the arguments, before anything is asked.
        TableFailed: if the table could not be used; it names the table, the cause and the next step.
        AccessDenied, Unreachable, CallFailed: if ECS did not do what it was asked.
    """
    key = _checked(request, table, on_table_trouble, with_tags=with_tags)
    make: Any = None if ecs and dynamodb else session or boto3.Session()
    reuse = Reuse(
        table=DynamoLookupTable(
            dynamodb or make.client("dynamodb", config=config_of_others(VERSION)), table, history=history
        ),
        registry=AwsRegistry(ecs or make.client("ecs", config=config(VERSION))),
        clock=clock or SystemClock(),
        by=(by or f"{platform.node()}, process {os.getpid()}")[:LONGEST_NAME],
        new_owner=lambda: uuid.uuid4().hex,
        terms=terms or Terms(),
    )
    return reuse.reuse(request, key, plainly=on_table_trouble == "register")


def _checked(request: Mapping[str, Any], table: str, on_table_trouble: str, *, with_tags: bool) -> Key:
    """Return the key of a request, or raise all that is wrong with it and with where it should go."""
    problems = []
    family = request.get("family")
    if not isinstance(family, str) or not Key(family, "").is_possible:
        problems.append("family: it takes up to 255 letters, digits, - and _")
    if not table:
        problems.append("table: it has no name")
    if on_table_trouble not in {"raise", "register"}:
        problems.append(f"on_table_trouble: {on_table_trouble!r} is neither raise nor register")
    if sum(each.get("key") != DEFINITION_TAG for each in request.get("tags") or []) >= MOST_TAGS:
        problems.append(f"tags: with that of the hash there would be more than the {MOST_TAGS} that ECS takes")
    try:
        hashed = fingerprint(request, with_tags=with_tags)
    except BadInput as error:
        problems.extend(error.problems)
    if problems:
        raise BadInput(problems)
    return Key(str(family), hashed)

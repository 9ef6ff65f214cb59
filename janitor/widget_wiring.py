"""Puts a widget's world together: the store's client, and that of ECS when a dry run first asks for it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from janitor.aws.blobs import open_blobs
from janitor.aws.client import config_of_others
from janitor.store import last_report
from janitor.widget import World
from janitor.wiring import READERS, VERSION, Place, SystemClock, clients, tables, threads

if TYPE_CHECKING:
    from janitor.settings import Settings
    from janitor.settings.function import FunctionSettings
    from janitor.widget import Surveys


def widget_world(function: FunctionSettings, *, account: str | None = None) -> World:
    """Return what a call touches. ``account`` must own the store's bucket."""
    session, clock = boto3.Session(), SystemClock()
    made_by = clients(session)
    hurried = config_of_others(VERSION).merge(Config(max_pool_connections=READERS))

    def client_of(service: str) -> Any:  # noqa: ANN401 - boto3 types a client by its service's name
        return made_by(service, hurried)  # a person waits: a call ends within half a minute

    blobs = None
    if function.store is not None:
        blobs = open_blobs(function.store, s3=lambda: client_of("s3"), expected_owner=account)

    @cache
    def place() -> Place:
        return Place(
            client=client_of("ecs"),
            clock=clock,
            executor=threads,
            client_of=client_of,
            table_of=tables(made_by),
        )

    def surveys(settings: Settings) -> Surveys:
        from janitor.runner import Runner  # noqa: PLC0415 - most calls are refreshes, which need none of it

        return Runner(place(), settings)

    return World(now=clock.now, last_report=lambda: None if blobs is None else last_report.get(blobs), surveys=surveys)

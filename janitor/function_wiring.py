"""Puts an invocation's world together: the clients it needs, its store, its metrics, its log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3

from janitor.aws.blobs import open_blobs
from janitor.aws.brake import SsmBrake
from janitor.aws.client import config_of_others
from janitor.aws.events import EventBridge
from janitor.aws.metrics import Occasion, publish
from janitor.errors import StoreFailed
from janitor.function import World
from janitor.runner import Runner, Store
from janitor.settings.function import EVENT_SOURCE
from janitor.store import last_report
from janitor.wiring import VERSION, AtFirstUse, Place, SystemClock, clients, tables, threads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools import Logger

    from janitor.core.report import Report
    from janitor.settings.function import FunctionSettings, Invocation


def function_world(
    function: FunctionSettings, logger: Logger, *, account: str | None = None, place: Place | None = None
) -> World:
    """Return what an invocation touches. ``account`` must own the store's bucket; a test brings its own ``place``."""
    session = boto3.Session()
    client_of = clients(session)
    where = place or Place(
        client=client_of("ecs"),
        clock=SystemClock(),
        executor=threads,
        client_of=client_of,
        table_of=tables(client_of),
    )

    def other(service: str) -> Any:  # noqa: ANN401 - boto3 types a client by its service's name
        return AtFirstUse(lambda: client_of(service, config_of_others(VERSION)))

    blobs = None
    if function.store is not None:
        blobs = open_blobs(function.store, s3=lambda: other("s3"), expected_owner=account)
    store = Store(blobs=blobs, log=lambda line: logger.info("record", extra={"record": json.loads(line)}))

    def metrics(report: Report, asked: Invocation, *, finished: bool, hopped_on: bool) -> None:
        occasion = Occasion(
            stack=function.stack,
            scheduled=asked.scheduled,
            narrowed=asked.narrowed,
            finished=finished,
            hopped_on=hopped_on,
            top_families=function.metric_families,
            earlier=asked.so_far,
        )
        publish(report, occasion)

    def keep_report(answer: Mapping[str, Any]) -> None:
        if blobs is None:
            return
        try:
            last_report.put(blobs, json.dumps(answer))
        except StoreFailed as error:  # the answer is returned and logged all the same
            logger.warning("the last report was not stored", extra={"cause": str(error)})

    brake = None if function.brake is None else SsmBrake(other("ssm"), function.brake)
    return World(
        runs=lambda settings: Runner(where, settings, store=store),
        publisher=EventBridge(other("events"), function.event_bus, source=EVENT_SOURCE),
        brake=(lambda: None) if brake is None else brake.on,
        metrics=metrics,
        keep_report=keep_report,
        observe=lambda _: None,
    )

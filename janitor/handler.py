"""The Lambda's entry: parse, call, return. ``janitor.handler.handler`` is what the function is configured with."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from janitor.function import respond
from janitor.function_wiring import function_world
from janitor.settings.function import function_settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from janitor.function import World
    from janitor.settings.function import FunctionSettings

logger = Logger(service="revision-janitor")


def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Do what the event asks for and return the report; raise when a person is needed."""
    logger.append_keys(request_id=context.aws_request_id)
    try:
        settings, world = _ready(_account(context))
        return respond(event, settings, world, seconds_left=context.get_remaining_time_in_millis() / 1_000)
    except Exception:
        logger.exception("a person is needed")
        raise


@cache
def _ready(account: str | None) -> tuple[FunctionSettings, World]:
    """Read the environment and make the clients, once in the life of the sandbox."""
    settings = function_settings(os.environ, folder=Path(__file__).parents[1])
    return settings, function_world(settings, logger, account=account)


def _account(context: LambdaContext) -> str | None:
    """Return the account the function runs in: the store's bucket has to belong to it."""
    parts = context.invoked_function_arn.split(":")
    return parts[4] if len(parts) > 4 and parts[4] else None  # noqa: PLR2004 - arn:partition:lambda:region:account:...

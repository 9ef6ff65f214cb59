"""The entry of the widget's Lambda: ``janitor.widget_handler.handler`` is what its function is configured with."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from janitor.settings.function import function_settings
from janitor.widget import respond
from janitor.widget_wiring import widget_world

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from janitor.settings.function import FunctionSettings
    from janitor.widget import World

logger = Logger(service="revision-janitor-widget")

FAILED = "<p>The widget failed. The log of its function says why, by this request: {}</p>"


def handler(event: object, context: LambdaContext) -> str:
    """Return what the widget shows; what nobody thought of is logged, and shown as a sentence."""
    logger.append_keys(request_id=context.aws_request_id)
    arn = context.invoked_function_arn
    try:
        settings, world = _ready(arn.split(":")[4] or None)
        seconds = context.get_remaining_time_in_millis() / 1_000
        return respond(event, settings, world, endpoint=arn, seconds_left=seconds)
    except Exception:
        logger.exception("the widget failed")
        return FAILED.format(context.aws_request_id)


@cache
def _ready(account: str | None) -> tuple[FunctionSettings, World]:
    """Read the environment and make the clients, once in the life of the sandbox."""
    settings = function_settings(os.environ, folder=Path(__file__).parents[1])
    return settings, widget_world(settings, account=account)

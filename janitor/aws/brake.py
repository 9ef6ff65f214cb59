"""The brake: one SSM parameter that stops every sweep, and its hops, within a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import botocore.exceptions
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient

ACTIONS = ("ssm:GetParameter",)

RELEASED = "off"


class SsmBrake:
    """A parameter that must say ``off``; whatever else it says, and when it cannot be read, the brake is on."""

    def __init__(self, client: SSMClient, name: str) -> None:
        self._client = client
        self._name = name

    def on(self) -> str | None:
        """Return why the brake is on, or None when it is off."""
        try:
            value = self._client.get_parameter(Name=self._name)["Parameter"].get("Value", "")
        except (
            botocore.exceptions.ClientError,
            botocore.exceptions.BotoCoreError,
            ResponseParserError,
            LookupError,
        ) as error:
            return f"the brake {self._name} could not be read, so it counts as on ({error})"
        return None if value.strip().lower() == RELEASED else f"the brake {self._name} is on"

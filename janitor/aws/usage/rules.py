"""Who uses a revision, as EventBridge knows it: the targets of the rules on every event bus, disabled rules too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from janitor.aws.usage.users import Rank
from janitor.errors import CallFailed

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_events.type_defs import TargetOutputTypeDef

    from janitor.aws.client import ServiceApi
    from janitor.aws.usage.reading import Reading
    from janitor.aws.usage.users import Users

ACTIONS = ("events:ListEventBuses", "events:ListRules", "events:ListTargetsByRule")

SOURCE = "EventBridge rules"

_GONE = "ResourceNotFoundException"


class RuleUsers:
    """Tells of the rules that start tasks."""

    def __init__(self, api: ServiceApi[EventBridgeClient], users: Users, reading: Reading) -> None:
        self._api = api
        self._users = users
        self._reading = reading

    def start(self) -> None:
        """List the event buses, and begin to read the rules of each."""
        with self._api.calling("ListEventBuses") as events:
            following: dict[str, Any] = {}
            while True:
                page = events.list_event_buses(Limit=100, **following)
                for bus in page["EventBuses"]:
                    self._reading.add("rules", SOURCE, self._read_rules, bus["Name"])
                if not page.get("NextToken"):
                    return
                following = {"NextToken": page["NextToken"]}

    def _read_rules(self, bus: str) -> None:
        try:
            with self._api.calling("ListRules") as events:
                for page in events.get_paginator("list_rules").paginate(EventBusName=bus):
                    for rule in page["Rules"]:
                        self._reading.add("targets", SOURCE, self._read_targets, bus, rule["Name"])
        except CallFailed as error:
            if error.code != _GONE:
                raise

    def _read_targets(self, bus: str, rule: str) -> None:
        try:
            with self._api.calling("ListTargetsByRule") as events:
                for page in events.get_paginator("list_targets_by_rule").paginate(Rule=rule, EventBusName=bus):
                    for target in page["Targets"]:
                        self._note(bus, rule, target)
        except CallFailed as error:
            if error.code != _GONE:
                raise

    def _note(self, bus: str, rule: str, target: TargetOutputTypeDef) -> None:
        if "EcsParameters" in target:
            words = f"EventBridge rule {rule} on bus {bus} names it"
            self._users.may_start(target["EcsParameters"]["TaskDefinitionArn"], Rank.RULE, words)

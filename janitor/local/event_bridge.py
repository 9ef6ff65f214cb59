"""The embedded EventBridge: event buses, rules and what they run. It keeps them; it never fires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from janitor.local.paging import page_of_records
from janitor.local.replies import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.local.names import Names
    from janitor.local.paging import Tokens
    from janitor.local.replies import Json

PAGE = 100  # the API's limit


class EventBridge:
    """Answers what EventBridge is asked about rules, and takes new ones."""

    def __init__(self, names: Names, tokens: Tokens) -> None:
        self._names = names
        self._tokens = tokens
        self._rules: dict[str, dict[str, Json]] = {"default": {}}
        self._targets: dict[tuple[str, str], dict[str, Json]] = {}

    def operations(self) -> dict[str, Callable[[Json], Json]]:
        """Return the operations by the API's names."""
        return {
            "ListEventBuses": self._list_buses,
            "ListRules": self._list_rules,
            "ListTargetsByRule": self._list_targets,
            "PutRule": self._put_rule,
            "PutTargets": self._put_targets,
        }

    def add(self, rule: str, *task_definitions: str, bus: str = "default", state: str = "ENABLED") -> None:
        """Add a rule, and its bus if need be, that runs task definitions: ``family``, ``family:number`` or ARNs."""
        self._rules.setdefault(bus, {})
        self._put_rule({"Name": rule, "EventBusName": bus, "State": state, "ScheduleExpression": "rate(1 hour)"})
        cluster = self._names.arn("cluster/default")
        targets = [
            {
                "Id": str(number),
                "Arn": cluster,
                "EcsParameters": {"TaskDefinitionArn": self._names.task_definition_arn(reference)},
            }
            for number, reference in enumerate(task_definitions)
        ]
        self._put_targets({"Rule": rule, "EventBusName": bus, "Targets": targets})

    def _list_buses(self, params: Json) -> Json:
        buses = {
            name: {"Name": name, "Arn": self._names.arn(f"event-bus/{name}", service="events")} for name in self._rules
        }
        return self._page(["buses"], params, buses, "EventBuses")

    def _list_rules(self, params: Json) -> Json:
        bus = self._bus(params)
        return self._page(["rules", bus], params, self._rules[bus], "Rules")

    def _list_targets(self, params: Json) -> Json:
        bus, rule = self._rule(params)
        return self._page(["targets", bus, rule], params, self._targets[bus, rule], "Targets")

    def _put_rule(self, params: Json) -> Json:
        bus, name = self._bus(params), params["Name"]
        arn = self._names.arn(f"rule/{name}" if bus == "default" else f"rule/{bus}/{name}", service="events")
        rule = {"Name": name, "Arn": arn, "EventBusName": bus, "State": params.get("State") or "ENABLED"}
        for member in ("ScheduleExpression", "EventPattern", "Description"):
            if params.get(member):
                rule[member] = params[member]
        self._rules[bus][name] = rule
        self._targets.setdefault((bus, name), {})
        return {"RuleArn": arn}

    def _put_targets(self, params: Json) -> Json:
        self._targets[self._rule(params)].update((target["Id"], target) for target in params["Targets"])
        return {"FailedEntryCount": 0, "FailedEntries": []}

    def _bus(self, params: Json) -> str:
        named = str(params.get("EventBusName") or "default")
        bus = named.removeprefix(self._names.arn("event-bus/", service="events"))
        if bus not in self._rules:
            message = f"Event bus {bus} does not exist."
            raise ApiError("ResourceNotFoundException", message)
        return bus

    def _rule(self, params: Json) -> tuple[str, str]:
        bus, rule = self._bus(params), params["Rule"]
        if rule not in self._rules[bus]:
            message = f"Rule {rule} does not exist on EventBus {bus}."
            raise ApiError("ResourceNotFoundException", message)
        return bus, rule

    def _page(self, listing: list[str], params: Json, records: dict[str, Json], key: str) -> Json:
        size = min(PAGE, params.get("Limit") or PAGE)
        return page_of_records(self._tokens, listing, params, records, key=key, size=size, token="NextToken")  # noqa: S106 - a member's name

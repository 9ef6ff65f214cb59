"""The embedded EventBridge Scheduler: schedules and what they run. It keeps them; it never fires."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from janitor.local.paging import page_of_records
from janitor.local.replies import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.local.names import Names
    from janitor.local.paging import Tokens
    from janitor.local.replies import Json

PAGE = 100  # the API's limit

_SCHEDULE = re.compile(r"/schedules/(?P<name>[^/]+)")


class Scheduler:
    """Answers what EventBridge Scheduler is asked about schedules, and takes new ones."""

    def __init__(self, names: Names, tokens: Tokens, now: Callable[[], float]) -> None:
        self._names = names
        self._tokens = tokens
        self._now = now
        self._schedules: dict[str, Json] = {}

    def operations(self) -> dict[str, Callable[[Json], Json]]:
        """Return the operations by the API's names."""
        return {"ListSchedules": self._list, "GetSchedule": self._get, "CreateSchedule": self._create}

    def add(self, name: str, task_definition: str, *, group: str = "default", state: str = "ENABLED") -> None:
        """Add a schedule that runs a task definition: ``family``, ``family:number`` or an ARN."""
        target = {
            "Arn": self._names.arn("cluster/default"),
            "RoleArn": self._names.arn("role/scheduler", service="iam"),
            "EcsParameters": {"TaskDefinitionArn": self._names.task_definition_arn(task_definition)},
        }
        self.add_target(name, target, group=group, state=state)

    def add_target(self, name: str, target: Json, *, group: str = "default", state: str = "ENABLED") -> None:
        """Add a schedule with a target of any kind."""
        self._create({
            "Name": name,
            "GroupName": group,
            "State": state,
            "ScheduleExpression": "rate(1 hour)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
        })  # fmt: skip

    def _list(self, params: Json) -> Json:
        group, prefix, state = (params.get(member) for member in ("GroupName", "NamePrefix", "State"))
        records = {
            key: _summary(schedule)
            for key, schedule in self._schedules.items()
            if group in (None, schedule["GroupName"])
            and state in (None, schedule["State"])
            and schedule["Name"].startswith(prefix or "")
        }
        return page_of_records(
            self._tokens,
            ["schedules", group, prefix, state],
            params,
            records,
            key="Schedules",
            size=min(PAGE, params.get("MaxResults") or PAGE),
            token="NextToken",  # noqa: S106 - a member's name
        )

    def _get(self, params: Json) -> Json:
        key = f"{params.get('GroupName') or 'default'}/{params['Name']}"
        if key not in self._schedules:
            message = f"Schedule {key} does not exist."
            raise ApiError("ResourceNotFoundException", message, status=404)
        return self._schedules[key]

    def _create(self, params: Json) -> Json:
        key = f"{params.get('GroupName') or 'default'}/{params['Name']}"
        if key in self._schedules:
            message = f"Schedule {key} already exists."
            raise ApiError("ConflictException", message, status=409)
        arn = self._names.arn(f"schedule/{key}", service="scheduler")
        given = {member: value for member, value in params.items() if member != "ClientToken"}
        dates = {"CreationDate": self._now(), "LastModificationDate": self._now()}
        self._schedules[key] = {"State": "ENABLED", **given, **dates, "GroupName": key.partition("/")[0], "Arn": arn}
        return {"ScheduleArn": arn}


def rest_request(method: str, url: str, body: Json) -> tuple[str, Json] | None:
    """Return the operation and parameters of a request in the Scheduler's REST form; None if it is none."""
    split = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(split.query).items()}
    if (method, split.path) == ("GET", "/schedules"):
        renamed = {"ScheduleGroup": "GroupName"}
        params: Json = {renamed.get(name, name): value for name, value in query.items()}
        if params.get("MaxResults", "").isdecimal():
            params["MaxResults"] = int(params["MaxResults"])
        return "ListSchedules", params
    schedule = _SCHEDULE.fullmatch(split.path)
    if schedule is None:
        return None
    name = unquote(schedule["name"])
    match method:
        case "GET":
            return "GetSchedule", {"Name": name, "GroupName": query.get("groupName")}
        case "POST":
            return "CreateSchedule", body | {"Name": name}
        case _:
            return None


def _summary(schedule: Json) -> Json:
    shown = ("Arn", "Name", "GroupName", "State", "CreationDate", "LastModificationDate")
    return {member: schedule[member] for member in shown} | {"Target": {"Arn": schedule["Target"]["Arn"]}}

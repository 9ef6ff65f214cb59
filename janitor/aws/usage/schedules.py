"""Who uses a revision, as EventBridge Scheduler knows it: the targets of its schedules, disabled ones too.

A listing tells the target's ARN alone, so only those that can start tasks are read whole: a cluster as a templated
target, and an operation of ECS as a universal one, whose input is the request ("Managing targets in EventBridge
Scheduler", EventBridge Scheduler user guide).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from janitor.aws.usage.users import Rank
from janitor.errors import CallFailed

if TYPE_CHECKING:
    from mypy_boto3_scheduler.client import EventBridgeSchedulerClient
    from mypy_boto3_scheduler.type_defs import ScheduleSummaryTypeDef

    from janitor.aws.client import ServiceApi
    from janitor.aws.usage.reading import Reading
    from janitor.aws.usage.users import Users

ACTIONS = ("scheduler:GetSchedule", "scheduler:ListSchedules")

SOURCE = "EventBridge Scheduler schedules"

_OTHER_TARGET = re.compile(r"arn:[^:]+:(?!ecs:)(?!scheduler:::aws-sdk:ecs:).+")


class ScheduleUsers:
    """Tells of the schedules that start tasks."""

    def __init__(self, api: ServiceApi[EventBridgeSchedulerClient], users: Users, reading: Reading) -> None:
        self._api = api
        self._users = users
        self._reading = reading

    def start(self) -> None:
        """List the schedules of all groups, and begin to read those that can start tasks."""
        with self._api.calling("ListSchedules") as scheduler:
            for page in scheduler.get_paginator("list_schedules").paginate(PaginationConfig={"PageSize": 100}):
                for schedule in page["Schedules"]:
                    if not _OTHER_TARGET.fullmatch(schedule.get("Target", {}).get("Arn", "")):
                        self._reading.add("schedules", SOURCE, self._read_schedule, schedule)

    def _read_schedule(self, summary: ScheduleSummaryTypeDef) -> None:
        try:
            with self._api.calling("GetSchedule") as scheduler:
                name, group = summary["Name"], summary["GroupName"]
                target = scheduler.get_schedule(Name=name, GroupName=group)["Target"]
                reference = target["EcsParameters"]["TaskDefinitionArn"] if "EcsParameters" in target else None
                if ":aws-sdk:ecs:" in target["Arn"]:
                    request = json.loads(target.get("Input") or "{}")
                    reference = request.get("TaskDefinition") or request.get("taskDefinition")
                if reference is not None:
                    words = f"EventBridge schedule {name} in group {group} names it"
                    self._users.may_start(reference, Rank.SCHEDULE, words)
        except CallFailed as error:
            if error.code != "ResourceNotFoundException":  # a schedule that ran once may delete itself
                raise

"""Who uses a revision: ECS itself, and whatever else in the account starts tasks by naming one.

All of it is read once, when the first family asks; nothing that cannot be read is ever taken for unused.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from janitor.aws.usage import ecs, rules, schedules, state_machines
from janitor.aws.usage.ecs import EcsUsers
from janitor.aws.usage.reading import READERS, Reading
from janitor.aws.usage.rules import RuleUsers
from janitor.aws.usage.schedules import ScheduleUsers
from janitor.aws.usage.state_machines import StateMachineUsers
from janitor.aws.usage.users import Users
from janitor.core.model import FamilyUsage, UsageSource

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from janitor.aws.client import Api
    from janitor.ports import Workers

OPTIONAL_ACTIONS: Mapping[UsageSource, tuple[str, ...]] = MappingProxyType(
    {
        UsageSource.RULES: rules.ACTIONS,
        UsageSource.SCHEDULES: schedules.ACTIONS,
        UsageSource.STATE_MACHINES: state_machines.ACTIONS,
    }
)
"""What a source needs that can be switched off."""

ACTIONS = (*ecs.ACTIONS, *(action for actions in OPTIONAL_ACTIONS.values() for action in actions))

__all__ = ["ACTIONS", "OPTIONAL_ACTIONS", "READERS", "AwsUsage"]


class _Source(Protocol):
    def start(self) -> None:
        """Begin to read."""
        ...


_SERVICES: Mapping[UsageSource, tuple[str, str, Callable[[Any, Users, Reading], _Source]]] = MappingProxyType(
    {
        UsageSource.RULES: ("events", rules.SOURCE, RuleUsers),
        UsageSource.SCHEDULES: ("scheduler", schedules.SOURCE, ScheduleUsers),
        UsageSource.STATE_MACHINES: ("stepfunctions", state_machines.SOURCE, StateMachineUsers),
    }
)
"""Source → the service to ask, what a report calls it, and what asks it."""


class AwsUsage:
    """All users of task definitions that the account names. Satisfies ``janitor.ports.Usage``.

    Each source is asked side by side with the others, on ``workers``, at the pace of its own buckets. What is ``off``
    is not asked. ``client_of`` makes the client of another service, when it is first asked.
    """

    def __init__(
        self, api: Api, *, workers: Workers, client_of: Callable[[str], Any], off: Collection[UsageSource] = ()
    ) -> None:
        self._api = api
        self._client_of = client_of
        self._asked_sources = [source for source in UsageSource if source not in off]
        self._users = Users()
        self._reading = Reading(workers)
        self._ecs = EcsUsers(api, self._users, self._reading)
        self._asked: set[str] = set()

    def of(self, family: str) -> FamilyUsage:
        """Return which revisions of a family are in use; never raises for a source that cannot be read."""
        if family not in self._asked:
            self._ecs.read_past(family)
            if not self._asked:
                self._ecs.start()
                for source in self._asked_sources:
                    self._reading.add(source, _SERVICES[source][1], self._start, source)
            self._asked.add(family)
            self._reading.finish()
            self._ecs.read_rest()
            self._reading.finish()
        return FamilyUsage(
            reasons=self._users.of(family), unreadable=self._reading.unreadable, warnings=self._users.warnings
        )

    def _start(self, source: UsageSource) -> None:
        service, _, users_of = _SERVICES[source]
        with self._api.calling(f"making the client of {service}"):
            client = self._client_of(service)
        users_of(self._api.beside(client), self._users, self._reading).start()

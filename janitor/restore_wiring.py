"""Puts a restore together: the adapters on a place, the archive and the record of what was restored."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from janitor.aws.client import Api
from janitor.aws.registration import AwsRegistrations
from janitor.aws.task_definitions import AwsTaskDefinitions
from janitor.errors import BadInput
from janitor.restore.plan import plan
from janitor.restore.run import Restore
from janitor.store.restored import Restorations
from janitor.wiring import READERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from janitor.core.model import RevisionId
    from janitor.ports import Blobs, Workers
    from janitor.restore.plan import Plan
    from janitor.restore.run import Outcome, Result
    from janitor.wiring import Place


class Restorer:
    """Plans and restores in a place, from the archive in a store."""

    def __init__(self, place: Place, blobs: Blobs, workers: Workers) -> None:
        self._place = place
        self._blobs = blobs
        self._workers = workers
        self._api = Api(place.client, clock=place.clock)
        self._task_definitions = AwsTaskDefinitions(self._api)

    def plan(self, target: RevisionId | str) -> Plan:
        """Return what a revision's name, or a sweep's, would restore here.

        Raises:
            BadInput: if nothing is archived by that name, or it comes from another account or Region.
        """
        account = self._task_definitions.owner()
        if account is None:
            raise BadInput(["which account this is cannot be told: ECS lists no task definition in it"])
        return plan(self._blobs, target, account=account, region=self._api.region, workers=self._workers)

    def run(self, planned: Plan, *, asked_to_stop: Callable[[], bool], observe: Callable[[Outcome], None]) -> Result:
        """Restore what is planned."""
        return Restore(
            blobs=self._blobs,
            restorations=Restorations(self._blobs, self._place.clock),
            task_definitions=self._task_definitions,
            registrations=AwsRegistrations(self._api),
            workers=self._workers,
            asked_to_stop=asked_to_stop,
            observe=observe,
        ).run(planned)


@contextmanager
def restorer(place: Place, blobs: Blobs) -> Iterator[Restorer]:
    """Return what restores in a place, with threads that read the archive ahead."""
    workers = place.executor(READERS)
    try:
        yield Restorer(place, blobs, workers)
    finally:
        workers.shutdown(wait=False, cancel_futures=True)

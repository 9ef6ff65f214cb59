"""Token bucket arithmetic: how long to wait so that a shared bucket is never drained beyond our share.

Rates and bursts are those AWS publishes per account and Region: "Request throttling for the Amazon ECS API", "Amazon
EventBridge quotas" (all requests but PutEvents). Those of Scheduler and Step Functions could not be looked up where
this was written: they are cautious assumptions. One request takes one token, whatever its size, and every caller in the
account takes from the same bucket.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Bucket(StrEnum):
    """The token buckets that this program takes from: those of the ECS API, and what else knows who uses a revision."""

    DELETE = "task definition deletion"
    MODIFY = "task definition modify"
    READ = "task definition read"
    CLUSTER = "cluster read"
    SERVICE = "service read"
    RESOURCE = "cluster resource read"
    DEPLOYMENT = "service deployment read"
    SERVICE_REVISION = "service revision read"
    EVENT_BRIDGE = "EventBridge requests"
    SCHEDULER = "EventBridge Scheduler requests"
    STATE_MACHINE_LIST = "Step Functions ListStateMachines"
    STATE_MACHINE = "Step Functions DescribeStateMachine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A bucket's size in requests and its refill in requests a second."""

    burst: float
    per_second: float

    def share(self, part: float) -> Rate:
        """Return that part of the rate, leaving the rest to others; a burst never falls below one request.

        The whole of it is a hair less in the refill, and one request in the burst: requests that left a second apart
        may arrive closer together.
        """
        return Rate(
            burst=max(1.0, min(self.burst * part, self.burst - 1.0)),
            per_second=self.per_second * min(part, JITTER_MARGIN),
        )


PUBLISHED = {
    Bucket.DELETE: Rate(burst=5, per_second=1),
    Bucket.MODIFY: Rate(burst=20, per_second=1),
    Bucket.READ: Rate(burst=50, per_second=20),
    Bucket.CLUSTER: Rate(burst=50, per_second=20),
    Bucket.SERVICE: Rate(burst=100, per_second=20),
    Bucket.RESOURCE: Rate(burst=100, per_second=20),
    Bucket.DEPLOYMENT: Rate(burst=50, per_second=20),
    Bucket.SERVICE_REVISION: Rate(burst=50, per_second=20),
    Bucket.EVENT_BRIDGE: Rate(burst=50, per_second=50),
    Bucket.SCHEDULER: Rate(burst=50, per_second=50),
    Bucket.STATE_MACHINE_LIST: Rate(burst=100, per_second=5),
    Bucket.STATE_MACHINE: Rate(burst=200, per_second=20),
}

ORPHANS_SHARE = 0.1
"""What a sweep takes of the modify bucket to deregister orphans: less than a restore or a probe does, whom somebody
waits for. It goes on for an hour, while DAGs and deploys register in bursts."""

JITTER_MARGIN = 0.995
"""The most that is taken of a bucket's refill."""

READ_SHARE = 0.6
SHARES = dict.fromkeys(Bucket, READ_SHARE) | {
    Bucket.DELETE: 1.0,
    Bucket.MODIFY: 0.25,
    Bucket.EVENT_BRIDGE: 0.4,
    Bucket.SCHEDULER: 0.4,
    Bucket.STATE_MACHINE_LIST: 0.4,
    Bucket.STATE_MACHINE: 0.4,
}
"""What we take of each bucket: all of the one nobody else needs, a part of those that deploys share, less of those of
other services."""


def our_share(bucket: Bucket, account: Rate | None = None, part: float | None = None) -> Rate:
    """Return what we take of a bucket, be it of a rate raised for the ``account``, or another ``part`` than usual."""
    return (account or PUBLISHED[bucket]).share(SHARES[bucket] if part is None else part)


OURS = {bucket: our_share(bucket) for bucket in Bucket}
"""What we take of each bucket unless told otherwise."""


class TokenBucket:
    """One bucket as we use it: hands out moments to send at, slower after a refusal, faster again with time.

    Times are seconds of any monotonic clock. A refusal halves the rate, at most once a second however many calls were
    in flight, down to a sixteenth; each ``RECOVERY`` seconds without one give back a sixteenth of the full rate.
    """

    RECOVERY = 10.0
    SLOWEST = 1 / 16

    __slots__ = ("_factor", "_halved_at", "_promised", "_rate", "_recovering_since", "_tokens", "_updated_at")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = rate.burst
        self._updated_at = now
        self._factor = 1.0
        self._halved_at = self._recovering_since = self._promised = float("-inf")

    def reserve(self, now: float) -> float:
        """Take one token, on credit where there is none, and return the seconds to wait before sending."""
        self._refill(now)
        self._tokens -= 1.0
        if self._tokens >= 0.0:
            return 0.0
        # On credit: when the token will be there, and no sooner after the one before than the rate of today allows,
        # since that one may have been promised at a slower rate.
        per_second = self._rate.per_second * self._factor
        self._promised = max(self._updated_at - self._tokens / per_second, self._promised + 1.0 / per_second)
        return self._promised - self._updated_at

    def refused(self, now: float) -> None:
        """Note that the service throttled a call: the account's bucket is emptier than we thought."""
        self._refill(now)
        self._tokens = min(self._tokens, 0.0)
        if now - self._halved_at >= 1.0:
            self._factor = max(self.SLOWEST, self._factor / 2)
            self._halved_at = self._recovering_since = now

    def _refill(self, now: float) -> None:
        elapsed = max(0.0, now - self._updated_at)  # a clock that steps back gives no tokens and takes none
        self._tokens = min(self._rate.burst, self._tokens + elapsed * self._rate.per_second * self._factor)
        self._updated_at = max(self._updated_at, now)
        if self._factor < 1.0:
            steps = (now - self._recovering_since) // self.RECOVERY
            if steps >= 1.0:
                self._factor = min(1.0, self._factor + steps * self.SLOWEST)
                self._recovering_since += steps * self.RECOVERY

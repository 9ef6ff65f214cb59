"""The published token buckets: one token a request, whatever its size."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from janitor.local.behaviour import BucketLimit


class Bucket:
    """One token bucket, full at first."""

    def __init__(self, limit: BucketLimit) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._filled_at: float | None = None

    def take(self, now: float) -> bool:
        """Take a token if there is one; ``now`` is in seconds of a monotonic clock."""
        if self._filled_at is not None:
            grown = self._tokens + (now - self._filled_at) * self._limit.refill
            self._tokens = min(self._limit.burst, grown)
        self._filled_at = now
        # A hair less than one: waiting exactly one refill must be enough, whatever the rounding.
        if self._tokens < 1 - 1e-9:
            return False
        self._tokens -= 1
        return True


class Throttle:
    """The account's buckets, by operation."""

    def __init__(self, limits: Mapping[str, BucketLimit]) -> None:
        self._by_operation: dict[str, Bucket] = {}
        for limit in limits.values():
            bucket = Bucket(limit)
            self._by_operation.update(dict.fromkeys(limit.operations, bucket))

    def admits(self, operation: str, now: float) -> bool:
        """Say whether a call may pass; an operation without a bucket always may."""
        bucket = self._by_operation.get(operation)
        return bucket is None or bucket.take(now)

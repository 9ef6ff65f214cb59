"""The due cache between sweeps. Whatever goes wrong with it costs describes, never more: it is said, not raised."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from janitor.core.due_cache import DueCache, decode
from janitor.errors import StoreFailed

if TYPE_CHECKING:
    from janitor.ports import Blobs


class StoredDueCaches:
    """Due caches in a store. Satisfies ``janitor.ports.DueCaches``.

    ``owner`` is what tells account and Region from others that might share the store: only what was saved under the
    same one is used. ``warnings`` says what could not be read or written, and why.
    """

    def __init__(self, blobs: Blobs, owner: str) -> None:
        self._blobs = blobs
        self._owner = owner
        self.warnings: list[str] = []

    def load(self, family: str) -> DueCache:
        """Return what is known of a family; nothing where it cannot be read."""
        try:
            content = self._blobs.get(_key(family))
        except StoreFailed as error:
            return self._nothing(family, str(error))
        if content is None:
            return DueCache()
        cache, problem = decode(content, f"{self._owner}/{family}")
        return cache if problem is None else self._nothing(family, problem)

    def save(self, family: str, cache: DueCache) -> None:
        """Keep what is known of a family, if possible."""
        try:
            self._blobs.put(_key(family), cache.encode(f"{self._owner}/{family}"))
        except StoreFailed as error:
            self.warnings.append(f"the due cache of family {family} was not saved: {error}")

    def _nothing(self, family: str, why: str) -> DueCache:
        self.warnings.append(f"the due cache of family {family} is not used: {why}")
        return DueCache()


def _key(family: str) -> str:
    return f"cache/due/{quote(family, safe='')}"

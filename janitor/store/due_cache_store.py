"""The due cache between sweeps. Whatever goes wrong with it costs describes, never more: it is said, not raised."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from janitor.core.due_cache import DueCache, decode
from janitor.errors import StoreFailed

if TYPE_CHECKING:
    from janitor.ports import Blobs


def load(blobs: Blobs, family: str, owner: str) -> tuple[DueCache, str | None]:
    """Return what was saved for a family under the same owner (account and Region), or nothing and a warning."""
    try:
        content = blobs.get(_key(family))
    except StoreFailed as error:
        return DueCache(), f"the due cache of family {family} is not used: {error}"
    if content is None:
        return DueCache(), None
    cache, problem = decode(content, f"{owner}/{family}")
    return cache, None if problem is None else f"the due cache of family {family} is not used: {problem}"


def save(blobs: Blobs, family: str, owner: str, cache: DueCache) -> str | None:
    """Save what is known of a family; return a warning if that was not possible."""
    try:
        blobs.put(_key(family), cache.encode(f"{owner}/{family}"))
    except StoreFailed as error:
        return f"the due cache of family {family} was not saved: {error}"
    return None


def _key(family: str) -> str:
    return f"cache/due/{quote(family, safe='')}"

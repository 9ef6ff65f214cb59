"""The due cache and the last report between sweeps."""

from __future__ import annotations

import pytest

from janitor.core.due_cache import DueCache
from janitor.errors import StoreFailed
from janitor.store import last_report
from janitor.store.due_cache_store import StoredDueCaches
from tests.fakes import START
from tests.fakes_store import MemoryBlobs

OWNER = "123456789012/eu-central-1"


class Broken(MemoryBlobs):
    """A store that can be neither read nor written."""

    def get(self, key: str, *, first: int | None = None) -> bytes | None:
        """Fail."""
        raise StoreFailed("read", key, f"AccessDenied ({first})")

    def put(self, key: str, content: bytes) -> None:
        """Fail."""
        raise StoreFailed("write", key, f"AccessDenied ({len(content)})")


def learned() -> DueCache:
    """Return a cache that knows something."""
    cache = DueCache()
    cache.learn(7, START)
    return cache


def test_what_was_learned_is_there_the_next_night() -> None:
    """For the family it was learned of, and no other."""
    blobs = MemoryBlobs()
    caches = StoredDueCaches(blobs, OWNER)
    caches.save("web", learned())

    assert caches.load("web").ranges == learned().ranges
    assert caches.load("job").ranges == ()
    assert caches.warnings == []
    assert list(blobs.contents) == ["cache/due/web"]


def test_a_cache_of_another_region_is_not_used() -> None:
    """Two that share a store keep overwriting each other, and stay right."""
    blobs = MemoryBlobs()
    StoredDueCaches(blobs, "123456789012/us-east-1").save("web", learned())

    caches = StoredDueCaches(blobs, OWNER)
    assert caches.load("web").ranges == ()
    assert caches.warnings == ["the due cache of family web is not used: it is damaged, or somebody else's"]


def test_a_store_that_fails_costs_a_warning() -> None:
    """With the cause; nothing is raised."""
    caches = StoredDueCaches(Broken(), OWNER)
    assert caches.load("web").ranges == ()
    caches.save("web", learned())

    assert len(caches.warnings) == 2
    assert all("family web" in words and "AccessDenied" in words for words in caches.warnings)


def test_the_last_report_is_the_one_put_last() -> None:
    """There is none at first."""
    blobs = MemoryBlobs()
    assert last_report.get(blobs) is None

    last_report.put(blobs, '{"a": 1}')
    last_report.put(blobs, '{"a": "ü"}')

    assert last_report.get(blobs) == '{"a": "ü"}'


def test_a_report_that_cannot_be_stored_is_an_error() -> None:
    """Whoever asked for it decides what that means."""
    with pytest.raises(StoreFailed):
        last_report.put(Broken(), "{}")

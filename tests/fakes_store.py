"""The store as a dictionary, and one that is killed in the middle of what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from janitor.ports import Blobs


class MemoryBlobs:
    """Contents in a dictionary. Satisfies ``janitor.ports.Blobs``."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.read: list[str] = []

    def get(self, key: str, *, first: int | None = None) -> bytes | None:
        """Return a content, or its first so many bytes, and remember that it was asked for."""
        self.read.append(key)
        content = self.contents.get(key)
        return content if content is None else content[:first]

    def put(self, key: str, content: bytes) -> None:
        """Store a content."""
        self.contents[key] = content

    def keys(self, prefix: str) -> Iterator[str]:
        """Return an iterator over the keys that begin with a text, sorted."""
        return iter(sorted(key for key in self.contents if key.startswith(prefix)))

    def delete(self, key: str) -> None:
        """Delete a content."""
        self.contents.pop(key, None)


class Killed(Exception):
    """The process is no more."""


class MortalBlobs:
    """Another store, until so many calls were made; the last has its effect, or has not. Then nothing goes any more."""

    def __init__(self, inner: Blobs, *, calls: int, last_takes_effect: bool) -> None:
        self._inner = inner
        self.left = calls
        self._last_takes_effect = last_takes_effect

    def get(self, key: str, *, first: int | None = None) -> bytes | None:
        """Return a content while alive."""
        self._live()
        return self._inner.get(key, first=first)

    def put(self, key: str, content: bytes) -> None:
        """Store a content while alive."""
        self._live(writes=True)
        self._inner.put(key, content)
        self._die()

    def keys(self, prefix: str) -> Iterator[str]:
        """List while alive."""
        self._live()
        return self._inner.keys(prefix)

    def delete(self, key: str) -> None:
        """Delete a content while alive."""
        self._live(writes=True)
        self._inner.delete(key)
        self._die()

    def _live(self, *, writes: bool = False) -> None:
        if self.left == 0 and not (writes and self._last_takes_effect):
            self.left = -1
        if self.left < 0:
            raise Killed
        self.left -= 1

    def _die(self) -> None:
        if self.left < 0:
            raise Killed

"""The outside world on one screen: what the sweep needs, as protocols.

The adapters in ``janitor.aws``, the real clock in ``janitor.wiring`` and the fakes in ``tests`` satisfy these
by shape alone; nothing here imports anything but the core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """Time as an argument: nobody but ``janitor.wiring`` asks the machine for it."""

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards, from an arbitrary start."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for that many seconds of this clock."""
        ...

"""Threads on a virtual clock."""

from __future__ import annotations

import threading

from janitor.local.clock import VirtualClock


def test_no_thread_is_left_behind_by_an_executor_that_nobody_waits_for() -> None:
    """A run does not wait for its workers; a suite with thousands of runs must not pile them up."""
    clock = VirtualClock()
    before = set(threading.enumerate())
    for _ in range(5):
        executor = clock.executor(10)
        for future in [executor.submit(clock.sleep, 1.0) for _ in range(30)]:
            future.result()
        executor.shutdown(wait=False, cancel_futures=True)
    started = set(threading.enumerate()) - before
    for thread in started:
        thread.join(timeout=1.0)
    assert not [thread for thread in started if thread.is_alive()]

"""Starts the command line again and again in a few hundredths of a second: a process that has imported all, and forks.

One JSON object a line on stdin: ``args``, and in ``dies`` perhaps at which write to its store it kills itself and
whether that write is done before. The answers, a line each: the child's process id, then what ``waitpid`` said of it.
It has no threads, so that a fork is whole.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import botocore.loaders

from janitor.aws.blobs import FolderBlobs
from janitor.cli import main
from janitor.wiring import SystemClock, Where, aws_place

if TYPE_CHECKING:
    from collections.abc import Callable


def serve() -> None:
    """Fork for each line until there is none."""
    loader: Any = botocore.loaders.JSONFileLoader
    loader.load_file = functools.cache(loader.load_file)
    loader.__hash__ = lambda _: 0  # any of them reads the same
    loader.__eq__ = lambda *_: True
    aws_place(Where(region="eu-west-1"))
    system: Any = os
    system.fsync = lambda _: None  # whoever is killed loses nothing that it wrote; power is another matter
    SystemClock.sleep = lambda *_: None  # type: ignore[method-assign] # the embedded ECS does not throttle here
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            run(asked)
        say(child)
        say(os.waitpid(child, 0)[1])


def say(number: int) -> None:
    """Answer with a number."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def run(asked: dict[str, Any]) -> None:
    """Be the command line, to the end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    if asked["dies"]:
        at, done = asked["dies"]
        writes = iter(range(1, 10**9))
        FolderBlobs.put = mortal(FolderBlobs.put, writes, at, done=done)  # type: ignore[method-assign]
        FolderBlobs.delete = mortal(FolderBlobs.delete, writes, at, done=done)  # type: ignore[method-assign]
    code: Any = 1
    try:
        main(asked["args"])
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        os._exit(code)


def mortal(write: Callable[..., None], writes: Any, at: int, *, done: bool) -> Callable[..., None]:  # noqa: ANN401 - an iterator
    """Return a write that is the process's last if it is the one."""

    def wrapped(*args: Any, **options: Any) -> None:  # noqa: ANN401 - the write's own
        last = next(writes) == at
        if not last or done:
            write(*args, **options)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

    return wrapped


if __name__ == "__main__":
    serve()

"""Installs what a test runs from outside of the project, in an environment of its own."""

from __future__ import annotations

import subprocess
from typing import Any

_INSTALL_SECONDS = 300


class NotInstallable(Exception):
    """What a test needs cannot be installed here."""


def run(command: list[Any]) -> None:
    """Run a command to its end, or raise ``NotInstallable`` with the last thing it said."""
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS)  # noqa: S603 - our own command
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstallable(str(error)) from error
    except subprocess.CalledProcessError as error:
        lines = str(error.stderr).strip().splitlines() or ["no output"]
        raise NotInstallable(lines[-1]) from error

"""The real AWS CLI, in an environment of its own: it pins a botocore that is not ours."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.e2e.installing import run

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENT = "awscli==1.46.3"  # pinned, so that what the tests compare with does not change under them
_CALL_SECONDS = 60


def install(folder: Path) -> Path:
    """Install the AWS CLI into the folder, unless it is there already, and return its Python."""
    python = folder / "environment" / "bin" / "python"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / f"{REQUIREMENT}.installed"
        if not done.exists():
            uv = [shutil.which("uv")] if shutil.which("uv") else [sys.executable, "-m", "uv"]
            run([*uv, "venv", "--clear", "--python", sys.executable, folder / "environment"])
            run([*uv, "pip", "install", "--python", python, REQUIREMENT])
            done.touch()
    return python


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsCli:
    """``aws ecs``, pointed at an endpoint and cut off from this machine's AWS configuration."""

    python: Path
    home: Path
    endpoint_url: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command and return how it ended."""
        command = [str(self.python), "-m", "awscli", "ecs", *arguments, "--endpoint-url", self.endpoint_url]
        return subprocess.run(  # noqa: S603 - our own command
            command, check=False, capture_output=True, text=True, timeout=_CALL_SECONDS, env=self._environment()
        )

    def ask(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever JSON the command prints
        """Return what a command that succeeds prints, None if it prints nothing."""
        done = self.run(*arguments, "--output", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def error(self, *arguments: str) -> str:
        """Return the error text of a command that fails."""
        done = self.run(*arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr.strip()

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_CONFIG_FILE": str(self.home / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.home / "no-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.environment,
        }

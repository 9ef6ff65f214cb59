"""MiniStack, an emulator of AWS, as a process of its own: installed once, started on loopback, ended by its id.

It checks signatures and IAM (``AUTH``), and talks TLS, since the program's policies deny everything else.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tests.e2e.installing import NotInstallable, run
from tests.infra.program import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Functions run under MiniStack's interpreter: its boto3 stands for the one that Lambda's runtime brings.
REQUIREMENTS = ("ministack==1.5.33", "boto3==1.43.106")
REGION = "eu-west-1"
ROOT_KEY = "test"
"""The root user's key and secret: MiniStack lets these do everything, and verifies signatures all the same."""

_START_SECONDS = 30
_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30, max_pool_connections=32)


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniStack:
    """A running MiniStack."""

    port: int
    certificate: Path
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"https://127.0.0.1:{self.port}"

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 types a client by its service's name
        """Return a client of the account's root user; any thread may ask for it and use it."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = _session().client(  # type: ignore[call-overload]  # any service
                    service, endpoint_url=self.url, verify=str(self.certificate), config=_CONFIG
                )
            return self._clients[service]


@cache
def _session() -> boto3.Session:
    return boto3.Session(ROOT_KEY, ROOT_KEY, region_name=REGION)


def install(folder: Path) -> Path:
    """Install MiniStack into the folder, unless it is there already, and return its Python."""
    python = folder / "environment" / "bin" / "python"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / f"{'+'.join(REQUIREMENTS)}.installed"
        if not done.exists():
            uv = [shutil.which("uv")] if shutil.which("uv") else [sys.executable, "-m", "uv"]
            run([*uv, "venv", "--clear", "--python", sys.executable, folder / "environment"])
            # without our own pins, which hold another boto3
            run([*uv, "pip", "install", "--no-config", "--python", python, *REQUIREMENTS])
            done.touch()
    return python


@contextmanager
def ministack(python: Path, folder: Path) -> Iterator[MiniStack]:
    """Start MiniStack with its files in the folder; end it and the functions that it started.

    Raises:
        NotInstallable: if it does not start.
    """
    certificate, key = _certificate(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate),
        "MINISTACK_SSL_KEY": str(key),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",  # a minute in Lambda
        "AWS_CA_BUNDLE": str(certificate),  # for the functions, which inherit it
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [python, "-m", "ministack"], env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        started = MiniStack(port=port, certificate=certificate)
        _await_health(process, started, folder / "log")
        yield started
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # it and its functions: a group of their own
        process.wait()


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for the loopback address; MiniStack's own names hosts alone."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    named = ["-subj", "/CN=ministack", "-addext", "subjectAltName=IP:127.0.0.1"]
    run(["openssl", *new, *named, "-keyout", key, "-out", certificate])
    return certificate, key


def _await_health(process: subprocess.Popen[bytes], started: MiniStack, log: Path) -> None:
    context = ssl.create_default_context(cafile=started.certificate)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{started.url}/_ministack/health", context=context, timeout=5):  # noqa: S310 - ours
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    said = log.read_text(errors="replace").strip().splitlines() or ["nothing"]
    raise NotInstallable(f"MiniStack did not start within {_START_SECONDS} s; it said: {said[-1]}")

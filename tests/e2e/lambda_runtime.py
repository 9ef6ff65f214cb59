"""The function as Lambda runs it: AWS's runtime client under AWS's runtime interface emulator, from an unpacked zip.

Everything listens on loopback. ECS is the embedded one; a small server takes the events and answers for the brake.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.bundle import HANDLER
from janitor.local.ecs import EmbeddedEcs
from tests.e2e.installing import NotInstallable, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from janitor.local.replies import Json, Reply

RUNTIME = ("awslambdaric==4.2.2", "boto3==1.44.5")  # what Lambda's own image brings
EMULATOR = "aws-sam-cli==1.170.0"  # AWS ships the emulator's binary inside
ACCOUNT = "012345678912"  # the emulator's invoked_function_arn names this one
REGION = "eu-west-1"
TIMEOUT = 64
"""Seconds an invocation has: 45 are kept back, 15 are the least, the rest is for a cold start on a busy machine."""

_BINARIES = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}
_START_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What was installed: a Python with the runtime client and boto3, and the emulator."""

    python: Path
    emulator: Path


def lambda_python() -> str:
    """Return a Python 3.13, Lambda's, if there is one; else the one that runs the tests."""
    found = shutil.which("python3.13")
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for python in [*([found] if found else []), *sorted(map(str, root.glob("versions/3.13.*/bin/python3.13")))]:
        # pyenv's own python3.13 is there, and fails, where another version is switched on
        if subprocess.run([python, "-c", ""], check=False, capture_output=True, timeout=60).returncode == 0:  # noqa: S603 - a Python
            return python
    return sys.executable


def install(folder: Path) -> Runtime:
    """Install runtime client and emulator into the folder, unless they are there already."""
    binary = _BINARIES.get(platform.machine()) if sys.platform == "linux" else None
    if binary is None:
        raise NotInstallable(f"AWS has no emulator for {sys.platform} on {platform.machine()}")
    python = folder / "environment" / "bin" / "python"
    emulator = folder / "emulator" / "samcli" / "local" / "rapid" / binary
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / f"{'+'.join((*RUNTIME, EMULATOR))}.installed"
        if not done.exists():
            uv = [shutil.which("uv")] if shutil.which("uv") else [sys.executable, "-m", "uv"]
            pip = [*uv, "pip", "install", "--python", python]
            run([*uv, "venv", "--clear", "--python", lambda_python(), folder / "environment"])
            run([*pip, "--compile-bytecode", *RUNTIME])  # as in Lambda, where nobody waits for the compiler
            run([*pip, "--no-deps", "--target", folder / "emulator", EMULATOR])
            emulator.chmod(0o755)
            done.touch()
    return Runtime(python=python, emulator=emulator)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What an invocation came to; ``text`` is the answer as it came."""

    status: int
    text: str
    seconds: float

    @property
    def report(self) -> dict[str, Any]:
        """Return the report of an invocation that went well."""
        content = json.loads(self.text)
        assert "errorMessage" not in content, self.text
        return dict(content)

    @property
    def error(self) -> str:
        """Return type and message of one that raised."""
        content = json.loads(self.text)
        return f"{content['errorType']}: {content['errorMessage']}"


@dataclass(slots=True, kw_only=True)
class Function:
    """A function that waits for events."""

    url: str
    emulator: subprocess.Popen[bytes]
    log: Path
    timeout: int

    def invoke(self, event: object) -> Answered:
        """Invoke the function and wait for what comes of it."""
        started = time.monotonic()
        request = urllib.request.Request(f"{self.url}/2015-03-31/functions/function/invocations", method="POST")  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, json.dumps(event).encode(), timeout=self.timeout + 30) as response:  # noqa: S310 - loopback
                status, text = response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read().decode()
        return Answered(status=status, text=text, seconds=time.monotonic() - started)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that the handler runs in."""
        for process in self.processes:
            os.kill(process, number)

    @property
    def processes(self) -> list[int]:
        """Return the processes that the emulator has started and that still run."""
        found = []
        for task in Path(f"/proc/{self.emulator.pid}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
        return found

    @property
    def peak_mebibytes(self) -> float:
        """Return the most memory that the handler's process has had; the emulator itself knows no limit."""
        (process,) = self.processes
        status = Path(f"/proc/{process}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))

    @property
    def printed(self) -> list[dict[str, Any]]:
        """Return the lines of JSON in the log: the record's, the metrics', and what else was logged."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def running(
    runtime: Runtime,
    code: Path,
    log: Path,
    environment: Mapping[str, str],
    *,
    handler: str = HANDLER,
    timeout: int = TIMEOUT,
) -> Iterator[Function]:
    """Run the function in the folder ``code`` until the end of the block."""
    invocations, api = _free_ports(2)
    command = [
        *(str(runtime.emulator), "--log-level", "error"),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{invocations}"),
        *("--runtime-api-address", f"127.0.0.1:{api}"),
        *(str(runtime.python), "-m", "awslambdaric", handler),
    ]
    base = {
        "PATH": os.defpath,
        "HOME": str(log.parent),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(code),
        "_HANDLER": handler,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # what has no endpoint of its own finds nobody
    }
    with log.open("wb") as output:
        emulator = subprocess.Popen(command, cwd=code, env=base | dict(environment), stdout=output, stderr=output)  # noqa: S603 - our own command
    function = Function(url=f"http://127.0.0.1:{invocations}", emulator=emulator, log=log, timeout=timeout)
    try:
        _wait_for(invocations, emulator, log)
        yield function
    finally:
        started = function.processes
        emulator.terminate()
        try:
            emulator.wait(timeout=10)
        except subprocess.TimeoutExpired:
            emulator.kill()
            emulator.wait(timeout=10)
        for process in started:
            _end(process)


def _end(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:  # it went with the emulator
        return


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _wait_for(port: int, emulator: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert emulator.poll() is None, log.read_text()
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"the emulator did not listen within {_START_SECONDS} seconds: {log.read_text()}")


class HeldEcs(EmbeddedEcs):
    """An embedded ECS that acts on a deletion and keeps the answer back, once, from the moment it is told to."""

    hold_after: int | None = None
    """Deletions that are answered before one is held."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the embedded ECS's own
        super().__init__(account=ACCOUNT, region=REGION, **options)
        self.holding = threading.Event()
        self.release = threading.Event()

    def handle(self, operation: str, params: Json) -> Reply:
        """Answer one call, late if it is to be held."""
        reply = super().handle(operation, params)
        held = self.hold_after is not None and self.calls["DeleteTaskDefinitions"] > self.hold_after
        if operation == "DeleteTaskDefinitions" and held:
            self.hold_after = None
            self.holding.set()
            self.release.wait(timeout=3 * TIMEOUT)
        return reply


@dataclass(slots=True, kw_only=True)
class Neighbours:
    """What stands for EventBridge and SSM: events as the function would be woken with them, and parameters."""

    events: list[dict[str, Any]] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind."""
        return [event for event in self.events if event["detail-type"] == kind]

    def answer(self, target: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer one call."""
        match target:
            case "AWSEvents.PutEvents":
                for entry in asked["Entries"]:
                    self.events.append({
                        "source": entry["Source"],
                        "detail-type": entry["DetailType"],
                        "detail": json.loads(entry["Detail"]),
                    })  # fmt: skip
                return 200, {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in asked["Entries"]]}
            case "AWSEvents.ListEventBuses":
                return 200, {"EventBuses": []}
            case "AmazonSSM.GetParameter" if asked["Name"] in self.parameters:
                return 200, {"Parameter": {"Name": asked["Name"], "Value": self.parameters[asked["Name"]]}}
            case _:
                return 400, {"__type": "UnknownOperationException", "message": f"{target} {asked}"}


@contextmanager
def neighbours() -> Iterator[tuple[Neighbours, str]]:
    """Serve EventBridge's PutEvents and SSM's GetParameter on loopback."""
    what = Neighbours()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = what.answer(self.headers.get("X-Amz-Target", ""), asked)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield what, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()

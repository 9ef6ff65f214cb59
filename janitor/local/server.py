"""The embedded ECS over HTTP, for the AWS CLI and any other client of another process."""

from __future__ import annotations

import ipaddress
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from janitor.local import wire
from janitor.local.replies import ApiError, Lost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from janitor.local.ecs import EmbeddedEcs


@contextmanager
def serve(ecs: EmbeddedEcs, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve on a loopback address, at a free port unless one is given, and yield the endpoint URL."""
    if not ipaddress.ip_address(host).is_loopback:
        message = f"The embedded ECS knows no authentication and listens on a loopback address only, not on {host}"
        raise ValueError(message)
    with _Server((host, port), _handler(ecs)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def _handler(ecs: EmbeddedEcs) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # headers and body leave together

        def do_POST(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            length = self.headers.get("Content-Length", "0")
            if not length.isdecimal():
                self.close_connection = True
                self._send(wire.refuse(ApiError("SerializationException", "Content-Length is not a number.")))
                return
            body = self.rfile.read(int(length))
            answer = wire.answer(ecs, self.command, self.path, self.headers.get("X-Amz-Target"), body)
            if answer.lost in (Lost.CONNECTION_CLOSED, Lost.READ_TIMEOUT):
                self.close_connection = True
                return
            self._send(answer)

        def _send(self, answer: wire.Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
            """Say nothing: standard error belongs to the command that serves."""

    return Handler

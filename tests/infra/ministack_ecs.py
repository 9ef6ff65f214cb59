"""The embedded ECS behind MiniStack's door: who may call is MiniStack's to say, what ECS answers is ours."""

from __future__ import annotations

import http.client
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from janitor.local.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from janitor.local.ecs import EmbeddedEcs
    from tests.infra.ministack import MiniStack

_DENIED = (b"AccessDenied", b"UnrecognizedClient", b"InvalidSignature", b"SignatureDoesNotMatch", b"InvalidToken")
_SECONDS = 30


@contextmanager
def guarded(ministack: MiniStack, ecs: EmbeddedEcs) -> Iterator[str]:
    """Serve the embedded ECS on loopback and yield its URL.

    Each call goes to MiniStack first, as it was signed: what its IAM denies is answered so. It has no task definition
    itself, so that nothing comes of a call that it admits; the embedded ECS then answers.
    """
    with serve(ecs) as behind, _Door(("127.0.0.1", 0), _handler(ministack, behind)) as door:
        thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.server_port}"
        finally:
            door.shutdown()
            thread.join()


class _Door(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def _handler(ministack: MiniStack, behind: str) -> type[BaseHTTPRequestHandler]:
    context = ssl.create_default_context(cafile=ministack.certificate)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def setup(self) -> None:
            super().setup()
            port = urlsplit(behind).port
            self._iam = http.client.HTTPSConnection("127.0.0.1", ministack.port, context=context, timeout=_SECONDS)
            self._ecs = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)

        def finish(self) -> None:
            self._iam.close()
            self._ecs.close()
            super().finish()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, kind, answer = self._asked(self._iam, body)
            if status < http.client.BAD_REQUEST or not any(each in answer for each in _DENIED):
                status, kind, answer = self._asked(self._ecs, body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _asked(self, connection: http.client.HTTPConnection, body: bytes) -> tuple[int, str, bytes]:
            """Pass the call on; the host stays the one that was signed."""
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
            """Say nothing."""

    return Handler

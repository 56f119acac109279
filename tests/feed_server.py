"""An HTTP server on loopback that answers what a test says, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Asked(NamedTuple):
    """A request: path with its query, headers in lower case."""

    path: str
    headers: dict[str, str]


class FeedServer:
    """``answer(request, handler)`` writes the response; ``asked`` has the requests."""

    def __init__(self, tls: object | None = None) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked, BaseHTTPRequestHandler], None] = lambda _, handler: say(handler, 404)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()})
                outer.asked.append(asked)
                try:
                    outer.answer(asked, self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that hangs up is what some tests are about."""

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)  # type: ignore[attr-defined]
        scheme = "https" if tls is not None else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def gives(self, body: bytes, **headers: str) -> None:
        """Answer everything with this body."""
        self.answer = lambda _, handler: say(handler, 200, body, **headers)


def say(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    """A whole response; ``_`` in names of headers stands for ``-``."""
    handler.send_response(status)
    for name, value in {"Content_Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def feed_server(tls: object | None = None) -> Iterator[FeedServer]:
    """A server for the time of the block."""
    made = FeedServer(tls)
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()

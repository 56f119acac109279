"""``/healthz``, ``/readyz`` and ``/metrics`` of one process, served by a thread of its own.

Live means that the process's main loop turns; it never asks the broker, else an outage there would restart every pod.
Ready means that it does its work: state restored, topics right. Both answer one line of text, the reason in it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

_STARTING = "starting"


class Health:
    """What a process says about itself: ``beat`` from the main loop, ``ready`` and ``not_ready`` where that changes.

    ``stalled_after``: seconds without a beat after which the process no longer counts as live.
    """

    def __init__(self, *, stalled_after: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._stalled_after, self._clock = stalled_after, clock
        self._last_beat = clock()
        self._why_not: str | None = _STARTING

    def beat(self) -> None:
        """The main loop turned."""
        self._last_beat = self._clock()

    def ready(self) -> None:
        """From now on it does its work."""
        self._why_not = None

    def not_ready(self, reason: str) -> None:
        """It cannot do its work; ``reason`` is shown to the operator."""
        self._why_not = reason

    def live(self) -> tuple[bool, str]:
        """Whether the main loop still turns, and a line about it."""
        silent = self._clock() - self._last_beat
        if silent > self._stalled_after:
            return False, f"the main loop has not turned for {silent:.0f} s"
        return True, "live"

    def readiness(self) -> tuple[bool, str]:
        """Whether it does its work, and a line about it."""
        reason = self._why_not
        return (True, "ready") if reason is None else (False, reason)


class HealthServer:
    """The endpoints, from construction to ``stop``. ``port=0`` takes a free one; ``.port`` tells which.

    Raises ``OSError`` where the address is taken. A ``with`` block stops it.
    """

    def __init__(self, health: Health, registry: CollectorRegistry, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server = _Server((host, port), _Request)
        self._server.health, self._server.registry = health, registry
        self.host, self.port = host, int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="health", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and end the thread. Safe to call twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    health: Health
    registry: CollectorRegistry


class _Request(BaseHTTPRequestHandler):
    server: _Server
    server_version = "weir"
    sys_version = ""
    timeout = 5  # a client that connects and says nothing does not keep a thread

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/healthz":
            self._line(*self.server.health.live())
        elif path == "/readyz":
            self._line(*self.server.health.readiness())
        elif path == "/metrics":
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            self._answer(200, content_type, encode(self.server.registry))
        else:
            self._answer(404, "text/plain; charset=utf-8", b"there are /healthz, /readyz and /metrics\n")

    def _line(self, good: bool, text: str) -> None:
        self._answer(200 if good else 503, "text/plain; charset=utf-8", f"{text}\n".encode())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server passes
        """Nothing: a probe every few seconds is not news."""

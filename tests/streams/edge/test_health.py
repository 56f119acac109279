"""What the probes and the scraper see."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry, Counter

from streams.edge.health import Health, HealthServer


def _get(server: HealthServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_probes_follow_what_the_process_says() -> None:
    """Live from the start; ready only once it says so, and with the reason while it is not."""
    health = Health()
    with HealthServer(health, CollectorRegistry()) as server:
        assert _get(server, "/healthz") == (200, "live\n")
        assert _get(server, "/readyz") == (503, "starting\n")
        health.not_ready("restoring partition 3")
        assert _get(server, "/readyz") == (503, "restoring partition 3\n")
        health.ready()
        assert _get(server, "/readyz?verbose") == (200, "ready\n")
        assert _get(server, "/nothing")[0] == 404


def test_stalled_main_loop_is_not_live() -> None:
    """Without a beat for longer than allowed the process counts as dead, until the next beat."""
    now = 0.0
    health = Health(stalled_after=60, clock=lambda: now)
    now = 60.0
    assert health.live()[0]
    now = 61.0
    assert health.live() == (False, "the main loop has not turned for 61 s")
    health.beat()
    assert health.live()[0]


def test_metrics_are_those_of_the_given_registry() -> None:
    """The scraper gets what this process registered, in the Prometheus text format."""
    registry = CollectorRegistry()
    Counter("weir_events", "events", registry=registry).inc(3)
    with HealthServer(Health(), registry) as server:
        status, body = _get(server, "/metrics")
    assert status == 200
    assert "weir_events_total 3.0" in body


def test_stop_frees_the_port_and_ends_the_thread() -> None:
    """After stop nothing listens; a silent client does not hold it up; a taken port is an error at once."""
    first = HealthServer(Health(), CollectorRegistry())
    with pytest.raises(OSError):
        HealthServer(Health(), CollectorRegistry(), port=first.port)
    with socket.create_connection(("127.0.0.1", first.port)):
        first.stop()
    second = HealthServer(Health(), CollectorRegistry(), port=first.port)
    assert second.port == first.port
    second.stop()

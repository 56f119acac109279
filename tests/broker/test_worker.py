"""How a worker process ends: on its agent's failure at once, on SIGTERM after the transaction it is in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.edge.session import EXIT_FAILED, EXIT_REFUSED
from streams.settings import Settings
from tests.broker.test_transport import recreate, until
from tests.broker.transport import append, values
from tests.conftest import ReadAll

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]
ROOT = Path(__file__).resolve().parents[2]


STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def _leave_none_behind() -> Iterator[None]:
    yield
    while STARTED:
        STARTED.pop().kill()


def start(settings: Settings, how: str = "") -> subprocess.Popen[str]:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("WEIR_")},
        "PYTHONPATH": str(ROOT),
        "WEIR_BOOTSTRAP": settings.bootstrap or "",
        "WEIR_APP": settings.app,
        "WEIR_PARTITIONS": str(settings.partitions),
        "WEIR_INSTANCE": settings.instance,
        "WEIR_SESSION_TIMEOUT_MS": str(settings.session_timeout_ms),
    }
    worker = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("trivial_worker.py")), how],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    STARTED.append(worker)
    return worker


def test_a_failing_agent_ends_the_process(settings: Settings, read_all: ReadAll) -> None:
    """Faust would restart the agent behind the failed record; the process ends instead, and nothing past it is out."""
    append(settings, range(20))
    append(settings, range(20, 40))
    worker = start(settings, "fails")
    assert worker.wait(60) == EXIT_FAILED
    assert worker.stderr is not None
    assert "event 25" in worker.stderr.read()
    numbers = [int(v.split(b":")[0]) for v in values(read_all(settings, settings.topic("units")))]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) <= 20


def test_sigterm_inside_a_transaction_ends_in_time(settings: Settings, read_all: ReadAll) -> None:
    """The transaction is finished first: the outputs are there when the process is gone."""
    append(settings, range(50))
    worker = start(settings, "slow")
    assert worker.stdout is not None
    assert worker.stdout.readline() == "started\n"
    assert worker.stdout.readline() == "in transaction\n"
    asked = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert time.monotonic() - asked < 20
    assert len(read_all(settings, settings.topic("units"))) == 50


def test_sigterm_ends_a_worker_that_has_nothing_to_do(settings: Settings) -> None:
    """An idle worker, and one that is still starting, end at once and well."""
    worker = start(settings)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "started\n"
    time.sleep(2)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0


def test_a_refused_start_ends_with_its_own_code(settings: Settings, read_all: ReadAll) -> None:
    """A supervisor can tell a refusal, which a restart does not mend, from a crash."""
    append(settings, range(50))
    worker = start(settings)
    until(lambda: len(read_all(settings, settings.topic("units"))) == 50)
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
    recreate(settings, "state")
    worker = start(settings)
    assert worker.wait(60) == EXIT_REFUSED
    assert worker.stderr is not None
    assert "no genesis record" in worker.stderr.read()

"""``weir run --once`` on a real broker: everything is drained, counted and printed, and what is there stays there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.edge.units import latest
from streams.settings import Settings

MakeSettings = Callable[..., Settings]
pytestmark = pytest.mark.broker
SCENARIO = ("--events", "1500", "--seed", "7")


@pytest.fixture
def environment(make_settings: MakeSettings, tmp_path: Path) -> dict[str, str]:
    """The environment of a command, with an application prefix of its own and short waits."""
    settings = make_settings(create=False)
    assert settings.bootstrap is not None
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("WEIR_")},
        "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap,
        "WEIR_APP": settings.app,
        "WEIR_PARTITIONS": "2",
        "WEIR_ENGINE__GROUP_WAIT_MS": "1500",
        "WEIR_ENGINE__UPDATE_INTERVAL_MS": "1000",
        "WEIR_REDACTION_KEY": "a key for tests only",
        "XDG_STATE_HOME": str(tmp_path),
        "NO_COLOR": "1",
    }


def weir(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "streams.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150, check=False)


def line(ran: subprocess.CompletedProcess[str], name: str) -> str:
    return next(each for each in ran.stdout.splitlines() if each.startswith(name))


def test_once_drains_everything(environment: dict[str, str]) -> None:
    """All is read and accounted for, units are shown and kept, a second run feeds nothing, and doctor is content."""
    ran = weir(environment, "run", "--once", *SCENARIO)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "feeding the built-in scenario, seed 7, 1,500 simulated messages" in ran.stderr
    assert "1,500 fed" in line(ran, "raw records")
    assert "all accounted for" in line(ran, "folded")
    assert "9 of 9 incidents have a unit" in line(ran, "truth")

    settings = Settings(bootstrap=environment["KAFKA_BOOTSTRAP_SERVERS"], app=environment["WEIR_APP"])
    kept = latest(settings).revisions
    assert f"{len(kept)} opened" in line(ran, "units")
    listed = weir(environment, "units", "ls", "--json", "--limit", "0", "--status", "all")
    assert {json.loads(each)["unit_id"] for each in listed.stdout.splitlines()} == set(kept)
    assert all(unit_id in ran.stdout for unit_id in kept)
    one = next(iter(kept))
    shown = weir(environment, "units", "show", one)
    assert shown.returncode == 0
    assert one in shown.stdout
    assert "\x1b" not in shown.stdout + ran.stdout
    well = weir(environment, "doctor", "--json")
    report = json.loads(well.stdout)
    assert well.returncode == 0, report
    assert [fold["genesis"] for fold in report["partitions"]] == [True, True]

    again = weir(environment, "run", "--once", *SCENARIO)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "hold records already: the built-in scenario is not fed" in again.stderr
    assert line(again, "units").split(maxsplit=1)[1].startswith(f"0 opened beside {len(kept)} that were there")


def test_killed_processes_are_started_again_and_nothing_is_lost(environment: dict[str, str], tmp_path: Path) -> None:
    """With all processes killed in the middle, the run goes on and ends with every incident's unit."""
    command = [sys.executable, "-m", "streams.cli", "run", "--once", "--rate", "300", *SCENARIO]
    output = (tmp_path / "out").open("w+")
    running = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 100
        while "feeding" not in (tmp_path / "out").read_text().split("elsewhere")[-1]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        for pid in _children(running.pid):
            os.kill(pid, signal.SIGKILL)
        assert running.wait(150) == 0, (tmp_path / "out").read_text()
    finally:
        running.kill()
        output.close()
    said = (tmp_path / "out").read_text()
    assert "ingest ended by signal 9" in said
    assert "correlate ended by signal 9" in said
    assert "links ended by signal 9" in said
    assert "9 of 9 incidents have a unit" in said


def test_interrupt_ends_all_processes_in_order(environment: dict[str, str], tmp_path: Path) -> None:
    """Ctrl-C: the processes end by themselves, the summary is printed, exit code 0."""
    command = [sys.executable, "-m", "streams.cli", "run", "--no-feed"]
    with (tmp_path / "out").open("w") as output:
        running = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        deadline = time.monotonic() + 100
        while "waiting for input" not in (tmp_path / "out").read_text():
            assert time.monotonic() < deadline
            assert running.poll() is None, (tmp_path / "out").read_text()
            time.sleep(0.2)
        children = _children(running.pid)
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0, (tmp_path / "out").read_text()
    assert len(children) == 3
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
    assert "raw records" in (tmp_path / "out").read_text()


def _children(pid: int) -> list[int]:
    """Ingest, correlate and links of a supervisor."""
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (thread / "children").read_text().split()]
    return [child for child in found if b"streams.cli" in Path(f"/proc/{child}/cmdline").read_bytes()]

"""Starts a process under observation, listens to what it reports, and works out what it took."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson

import streams
from streams.edge.children import reason
from streams.settings import Settings, redaction_key

Report = dict[str, Any]
START_SECONDS = 120.0
STILL_SECONDS = 60.0


class ChildFailed(RuntimeError):
    """A process ended, or reports nothing any more; the text says why, as far as its log does."""


class Took(NamedTuple):
    """From the assignment of the partitions to the last commit. Times in seconds, ``cpu`` of all threads together."""

    seconds: float
    cpu: float
    peak: int
    """Most memory held at a time, from the start of the process on, bytes."""
    commits: int
    commit_mean: float
    commit_longest: float


class Watched:
    """One process of a role of ``streams.bench.child``. ``stop`` it in any case."""

    def __init__(self, role: str, settings: Settings, folder: Path) -> None:
        self.role = role
        self.log = folder / f"{role}.log"
        self.reports: list[Report] = []
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "streams.bench.child", role],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(settings, folder),
                start_new_session=True,
            )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.reports.append(orjson.loads(line))

    def wait(self, done: Callable[[Report], bool], told: Callable[[Report], None] = lambda _: None) -> Report:
        """The first report that is ``done``; ``told`` is shown the latest one now and then.

        Raises:
            ChildFailed: it ended, or reported nothing for a minute.
        """
        at = 0
        heard = time.monotonic() + START_SECONDS - STILL_SECONDS
        while True:
            reports = self.reports[at:]
            for report in reports:
                if done(report):
                    return report
            if reports:
                at += len(reports)
                heard = max(heard, time.monotonic())
                told(reports[-1])
            if self.process.poll() is not None:
                raise ChildFailed(f"{self.role} ended with {self.process.returncode}: {reason(self.log)}")
            if time.monotonic() - heard > STILL_SECONDS:
                raise ChildFailed(f"{self.role} reports nothing; its log ends with: {reason(self.log)}")
            time.sleep(0.02)

    def assigned(self) -> Report:
        """The report of its partitions."""
        return self.wait(lambda report: report["what"] == "assigned" and report["partitions"] > 0)

    def took(self, last: Report) -> Took:
        """What it took up to a report."""
        first = self.assigned()
        commits = [
            r["seconds"] for r in self.reports if r["what"] == "committed" and first["time"] < r["time"] <= last["time"]
        ]
        return Took(
            last["time"] - first["time"],
            last["cpu"] - first["cpu"],
            last["peak"],
            len(commits),
            sum(commits) / len(commits),
            max(commits),
        )

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _environment(settings: Settings, folder: Path) -> dict[str, str]:
    assert settings.bootstrap is not None
    root = str(Path(streams.__file__).resolve().parents[1])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])),
        "FAUST_DATADIR": str(folder / "faust"),
        "WEIR_BOOTSTRAP": settings.bootstrap,
        "WEIR_APP": settings.app,
        "WEIR_INSTANCE": settings.instance,
        "WEIR_PARTITIONS": str(settings.partitions),
        "WEIR_REDACTION_KEY": redaction_key(settings).hex(),
        "WEIR_METRICS_PORT": "0",
    }

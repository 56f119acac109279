"""Child processes that are started, watched, started again, and ended together.

Start them on the thread that lives as long as they should: on Linux the kernel ends them when that thread ends, also by
kill -9, so none is ever left behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from streams.edge.session import EXIT_REFUSED

FINAL = {EXIT_REFUSED: "refused to start", 2: "was called wrongly"}
"""Exit codes after which another start would end the same way."""

BACK_OFF = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each restart in a row; the last for all that follow."""

SETTLED = 60.0
"""A child that ran for so many seconds begins again with the shortest wait."""

_TIED = (
    "import ctypes,os,sys;"
    "ctypes.CDLL(None).prctl(1,15);"  # PR_SET_PDEATHSIG, SIGTERM: prctl(2); it outlives the exec
    "os.getppid()==int(sys.argv[1]) or os._exit(1);"
    "os.execv(sys.argv[2],sys.argv[2:])"
)


class Child:
    """One command of ``weir`` as a process of its own, its output appended to ``log``.

    ``failed`` counts ends in a row that were not asked for; ``final`` says why it will not be started again.
    """

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.arguments = arguments
        self.environment = {**os.environ, **environment}
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.restart_at: float | None = None
        self.failed = 0
        self.final: str | None = None

    def start(self) -> None:
        """Start it."""
        command = [sys.executable, "-m", "streams.cli", *self.arguments]
        if sys.platform.startswith("linux"):
            command = [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *command]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,  # Ctrl-C is the supervisor's, which ends the children in its own time
            )
        self.started = time.monotonic()
        self.restart_at = None

    def watch(self) -> str | None:
        """Note its end; start it again when its wait is over. Returns one clause where something happened."""
        now = time.monotonic()
        if self.process is None or self.final is not None:
            return None
        if self.restart_at is not None:
            if now < self.restart_at:
                return None
            self.start()
            return f"{self.name} was started again"
        code = self.process.poll()
        if code is None:
            if self.failed and now - self.started > SETTLED:
                self.failed = 0
            return None
        ended = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        why = reason(self.log)
        if code in FINAL:
            self.final = f"{self.name} {FINAL[code]}: {why}"
            return self.final
        self.failed += 1
        wait = BACK_OFF[min(self.failed, len(BACK_OFF)) - 1]
        self.restart_at = now + wait
        return f"{self.name} ended {ended}{f' ({why})' if why else ''}, next start in {wait:g} s; log: {self.log}"

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None


def stop(children: Sequence[Child], seconds: float = 40.0) -> list[str]:
    """SIGTERM to all of them, then wait; who is still there after ``seconds`` is killed and named."""
    for child in children:
        child.restart_at = None
        if child.process is not None and child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + seconds
    killed = []
    for child in children:
        if child.process is None:
            continue
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
            killed.append(child.name)
    return killed


def reason(log: Path) -> str:
    """Why a process ended, out of its log: the last critical line's reason, else the last line."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 65_536))
            lines = stream.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(entry, dict) and entry.get("level") == "critical":
            return str(entry.get("reason") or entry.get("error") or entry.get("event"))
    return lines[-1].strip() if lines else ""

"""Ingest, correlate and links processes on a real broker, and the means to hurt them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.edge import client, restore
from streams.settings import Settings
from tests.conftest import read_to_end

ROOT = Path(__file__).resolve().parents[2]


class Cluster:
    """The processes by name (``ingest-1``, ``correlate-2``, …); a dead one is started again by ``tend``.

    ``each`` of ingest and correlate, and one links, unless ``names`` says which.
    """

    def __init__(
        self,
        settings: Settings,
        logs: Path,
        mutants: dict[str, str] | None = None,
        each: int = 2,
        names: Sequence[str] = (),
    ) -> None:
        self.settings = settings
        self.logs = logs
        self.mutants = mutants or {}
        self.names = names or [*(f"{role}-{n + 1}" for role in ("ingest", "correlate") for n in range(each)), "links-1"]
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.exits: list[tuple[str, int]] = []
        self.kills = 0
        self.freezes = 0

    def __enter__(self) -> Self:
        for name in self.names:
            self.start(name)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self, name: str) -> None:
        role = name.partition("-")[0]
        settings = self.settings
        key = settings.redaction_key
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("WEIR_")},
            "PYTHONPATH": str(ROOT),
            "WEIR_BOOTSTRAP": settings.bootstrap or "",
            "WEIR_APP": settings.app,
            "WEIR_PARTITIONS": str(settings.partitions),
            "WEIR_INSTANCE": name,
            "WEIR_SESSION_TIMEOUT_MS": str(settings.session_timeout_ms),
            "WEIR_TRANSACTION_TIMEOUT_MS": str(settings.transaction_timeout_ms),
            "WEIR_REDACTION_KEY": key.get_secret_value() if key is not None else "",
        }
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("process.py")), role, self.mutants.get(role, "none")],
                env=environment,
                cwd=self.logs,
                stdout=log,
                stderr=log,
            )

    def tend(self) -> None:
        """Start again what ended by itself."""
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                self.exits.append((name, process.returncode))
                self.start(name)

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running[name].wait()
        self.kills += 1

    def freeze(self, name: str, seconds: float) -> None:
        self.running[name].send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.running[name].send_signal(signal.SIGCONT)
        self.freezes += 1

    def hurt(
        self,
        random_: random.Random,
        kills: int,
        freezes: int,
        role: str = "",
        between: tuple[float, float] = (0.5, 2.5),
        done: Callable[[], int] | None = None,
    ) -> None:
        """Kill and freeze random processes at random moments, over both kinds or one.

        ``done`` grows as they work: each kill then waits until that is so, however slow the machine is to start them.
        """
        names = [name for name in self.names if name.startswith(role)]
        plan = ["kill"] * kills + ["freeze"] * freezes
        random_.shuffle(plan)
        for what in plan:
            time.sleep(random_.uniform(*between))
            self.tend()
            name = random_.choice(names)
            if what == "kill":
                if done is not None:
                    self._until_more(done, random_.uniform(0.0, 0.3))
                self.kill(name)
                time.sleep(random_.choice((0.0, 0.0, 1.0)))
                self.start(name)
            else:
                self.freeze(name, self.settings.session_timeout_ms / 1000 + random_.uniform(1, 3))

    def _until_more(self, done: Callable[[], int], then: float, seconds: float = 15.0) -> None:
        before, deadline = done(), time.monotonic() + seconds
        while done() <= before and time.monotonic() < deadline:
            self.tend()
            time.sleep(0.05)
        time.sleep(then)

    def stop(self) -> dict[str, int]:
        """SIGTERM to all; exit codes by name. Those that do not end in 40 s are killed (-9)."""
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        codes = {}
        for name, process in self.running.items():
            try:
                codes[name] = process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                codes[name] = process.wait()
        self.running.clear()
        return codes

    def tail(self) -> str:
        """The last lines of every process's log."""
        out = []
        for path in sorted(self.logs.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()
            out.append(f"--- {path.name}\n" + "\n".join(lines[-12:]))
        return "\n".join(out)


class Progress:
    """How far the groups are, asked from the broker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.admin = AdminClient(client.admin(settings))
        self.ingest = Consumer(client.consumer(settings, settings.group("ingest")))
        self.correlate = Consumer(client.consumer(settings, settings.group("correlate")))
        self.raw = [(topic, p) for topic in settings.raw_topics.values() for p in range(settings.partitions)] + [
            (settings.topic(name), 0) for name in ("context", "config")
        ]
        self.links = Consumer(client.consumer(settings, settings.group("links")))
        self.log = [(settings.topic("events"), p) for p in range(settings.partitions)]
        self.indicators = [(settings.topic("indicators"), p) for p in range(settings.partitions)]

    def raw_left(self) -> int:
        """Raw records that ingest has not committed yet."""
        ends = restore.bounds(self.admin, self.raw)
        done = self.ingest.committed([TopicPartition(t, p) for t, p in self.raw], timeout=30)
        return sum(ends[tp.topic, tp.partition].high - max(0, tp.offset) for tp in done)

    def positions(self) -> tuple[tuple[int, int], ...]:
        """Of each log partition: the committed position, and the high watermark."""
        return self._positions(self.correlate, self.log)

    def done(self, role: str) -> int:
        """A number that grows as ingest or correlate commit."""
        reader, places = (self.ingest, self.raw) if role == "ingest" else (self.correlate, self.log)
        done = reader.committed([TopicPartition(t, p) for t, p in places], timeout=30)
        return sum(max(0, tp.offset) for tp in done)

    def linked(self) -> tuple[tuple[int, int], ...]:
        """The same of each partition of the indicators."""
        return self._positions(self.links, self.indicators)

    def _positions(self, reader: Consumer, places: list[tuple[str, int]]) -> tuple[tuple[int, int], ...]:
        ends = restore.bounds(self.admin, places)
        done = reader.committed([TopicPartition(t, p) for t, p in places], timeout=30)
        return tuple((tp.offset, ends[tp.topic, tp.partition].high) for tp in done)

    def working(self, seconds: float) -> bool:
        """Wait until something has come through to the end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any(position > 0 for position, _ in self.positions()):
                return True
            time.sleep(0.2)
        return False

    def behind(self) -> list[str]:
        """Partitions of both logs not folded to their last record; markers of transactions do not count."""
        wrong = []
        for name, positions in (("events", self.positions()), ("indicators", self.linked())):
            last = {}
            for message in read_to_end(self.settings, self.settings.topic(name), seconds=120):
                last[message.partition()] = message.offset()
            wrong += [
                f"{name}[{partition}] is folded to {position}, its last record is {last[partition]}"
                for partition, (position, _) in enumerate(positions)
                if partition in last and position != last[partition] + 1
            ]
        return wrong

    def drained(self, tend: Callable[[], None], seconds: float, quiet: float = 4.0) -> bool:
        """Wait until nothing moves any more: raw topics read, logs and positions unchanged for ``quiet`` seconds."""
        deadline = time.monotonic() + seconds
        last, since = None, time.monotonic()
        while time.monotonic() < deadline:
            tend()
            now = None if self.raw_left() else (self.positions(), self.linked())
            if now is None or now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > quiet:
                return True
            time.sleep(0.3)
        return False

    def close(self) -> None:
        self.ingest.close()
        self.correlate.close()
        self.links.close()

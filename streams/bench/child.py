"""One deployed process under observation: ``python -m streams.bench.child fold|correlate|ingest``.

It runs as deployed, and says on stdout, one line of JSON each, when it was given partitions and when it committed: the
clock and its own CPU time then, and what it has done so far. It ends when its stdin does, so that none is left behind.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import orjson

from streams.bench.fold import Counting
from streams.bench.measure import peak_bytes
from streams.edge import correlate, ingest, pump
from streams.edge.memory import settle
from streams.edge.worker import Worker
from streams.log import configure
from streams.settings import Settings, load

EVENTS = ("activity", "finding", "change", "scan", "copies")
"""What ingest counts that becomes an event of the log."""


def report(what: str, **numbers: float) -> None:
    """One line. ``time`` is the monotonic clock, which all processes of a machine share; ``cpu`` all threads'."""
    line = {"what": what, "time": time.monotonic(), "cpu": time.process_time(), "peak": peak_bytes() or 0, **numbers}
    sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
    sys.stdout.buffer.flush()


class ReportingPump(pump.PumpSession):
    """A session that reports."""

    def _on_assign(self, consumer: Any, partitions: list[Any]) -> None:
        super()._on_assign(consumer, partitions)
        report("assigned", partitions=len(partitions))

    def _commit(self) -> None:
        commits, began = self.commits, time.monotonic()
        super()._commit()
        if self.commits > commits:
            counts = [owned.fold.counts for owned in self.owned.values()]  # type: ignore[attr-defined] # both have it
            events = sum(n for each in counts for name, n in each.items() if name != "steering")
            report("committed", events=events, seconds=time.monotonic() - began)


class ReportingIngest(ingest.IngestSession):
    """A session that reports."""

    def __init__(self, settings: Settings, stop: threading.Event, told: Any, health: Any) -> None:
        super().__init__(settings, stop, self._tell, health)
        self.passed_on = told
        self.records = self.events = 0

    def _tell(self, read: ingest.Read) -> None:
        self.passed_on(read)
        self.records += read.records
        self.events += sum(read.counts[name] for name in EVENTS)
        report("committed", records=self.records, events=self.events, seconds=read.seconds)

    def _on_assign(self, consumer: Any, partitions: list[Any]) -> None:
        super()._on_assign(consumer, partitions)
        report("assigned", partitions=len(partitions))


def fold(settings: Settings) -> None:
    """The worker with the counting fold in place of the pipeline."""
    assert settings.bootstrap is not None
    settle()
    observer = pump.Observer()
    Worker(
        bootstrap=settings.bootstrap,
        app_id=f"{settings.app}-control-{settings.instance}",
        instance=settings.instance,
        control_topic=settings.topic("control"),
        make_session=correlate.session_factory(settings, observer, Counting, ReportingPump),
        observer=observer,
    ).run()


def _end_with_the_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main(role: str) -> None:
    """Run until SIGTERM."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    settings = load()
    configure("warning", json=True)
    if role == "fold":
        fold(settings)
    elif role == "correlate":
        correlate.run(settings, ReportingPump)
    else:
        sys.exit(ingest.run(settings, ReportingIngest))


if __name__ == "__main__":
    main(sys.argv[1])

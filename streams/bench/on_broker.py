"""The deployed processes on a broker, over topics that are filled beforehand and taken away afterwards."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from streams.bench import fold
from streams.bench.events import Given
from streams.bench.processes import Took, Watched
from streams.edge import broker, topics
from streams.edge.feed import publish_catalog, publish_config
from streams.edge.fill import drop, fill
from streams.edge.reach import admin, reaching
from streams.settings import Settings

Progress = Callable[[str], None]


class Edge(NamedTuple):
    """The transport alone."""

    events: int
    event_bytes: int
    packed: int
    partitions: int
    broker: str
    worker: Took


class EndToEnd(NamedTuple):
    """Ingest and correlate at once. ``seconds``: from ingest's first partition to correlate's last commit."""

    records: int
    mean_bytes: float
    events: int
    partitions: int
    broker: str
    seconds: float
    ingest: Took
    correlate: Took


@contextmanager
def _topics(settings: Settings, partitions: int, progress: Progress) -> Iterator[tuple[Settings, str, Path]]:
    """Settings with a broker and topics of their own, what kind of broker it is, and a folder."""
    with ExitStack() as stack:
        found, settings = stack.enter_context(broker.use(settings, progress))
        fresh = {"app": f"weir-bench-{uuid.uuid4().hex[:8]}", "instance": "bench", "partitions": partitions, "raw": {}}
        settings = settings.model_copy(update=fresh)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weir-bench-")))
        with reaching(settings):
            progress(f"making topics {settings.app}.* at {settings.bootstrap}")
            stack.callback(drop, settings)
            topics.create(admin(settings), settings)
            yield settings, found.kind, folder


def edge(settings: Settings, events: int, partitions: int, progress: Progress) -> Edge:
    """A worker with a fold that only counts, over a log that is full before it starts.

    Raises:
        streams.edge.broker.NoBroker: there is none, and none can be started.
        streams.edge.reach.BrokerFailed: it failed.
        streams.bench.processes.ChildFailed: the worker did.
    """
    with _topics(settings, partitions, progress) as (settings, kind, folder):
        progress(f"writing {events:,} events of {fold.BYTES} bytes")
        fill(settings, settings.topic("events"), ((n % partitions, v) for n, v in enumerate(fold.log(events))))
        worker = Watched("fold", settings, folder)
        try:
            progress("folding")
            last = worker.wait(
                lambda report: report.get("events", 0) >= events,
                lambda report: progress(f"folding, {report.get('events', 0):,} of {events:,} events"),
            )
            took = worker.took(last)
        finally:
            worker.stop()
    return Edge(events, fold.BYTES, fold.PACKED, partitions, kind, took)


def end_to_end(settings: Settings, given: Given, partitions: int, progress: Progress) -> EndToEnd:
    """Ingest and correlate at once, over raw topics that are full before they start. Raises as ``edge`` does."""
    records = len(given.records)
    with _topics(settings, partitions, progress) as (settings, kind, folder):
        steering = publish_catalog(settings, given.entities) + publish_config(settings)
        progress(f"writing {records:,} raw records")
        raw = settings.raw_topics["cloudtrail"]
        fill(settings, raw, ((n % partitions, value) for n, value in enumerate(given.records)))
        correlate = Watched("correlate", settings, folder)
        ingest = Watched("ingest", settings, folder)
        try:
            correlate.assigned()
            first = ingest.assigned()
            read = ingest.wait(
                lambda report: report.get("records", 0) >= records + steering,
                lambda report: progress(f"{report.get('records', 0):,} of {records + steering:,} records read"),
            )
            folded = correlate.wait(
                lambda report: report.get("events", 0) >= read["events"],
                lambda report: progress(f"{report.get('events', 0):,} of {read['events']:,} events folded"),
            )
            took = folded["time"] - first["time"]
            parts = ingest.took(read), correlate.took(folded)
        finally:
            ingest.stop()
            correlate.stop()
    size = sum(map(len, given.records)) / records
    return EndToEnd(records, size, int(read["events"]), partitions, kind, took, *parts)

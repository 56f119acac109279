"""A counting fold and the means to run it: the transport without the real pipeline behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import orjson
from confluent_kafka import Message, Producer

from streams.edge import client, correlate, pump
from streams.edge.session import Session
from streams.edge.worker import fold_all
from streams.records import LogRecord, Output
from streams.settings import Settings


class Count:
    """Counts keys; every event gives one output, ``<number>:<count of its key so far>``."""

    def __init__(self, _partition: int) -> None:
        self.counts: dict[bytes, int] = {}
        self.dirty: set[bytes] = set()

    def load(self, key: bytes, value: bytes | None) -> None:
        assert value is not None
        self.counts[key] = int(value)

    def step(self, record: LogRecord) -> list[Output]:
        out = []
        for event in orjson.loads(record.value):
            if "key" not in event:
                continue
            key = event["key"].encode()
            self.counts[key] = self.counts.get(key, 0) + 1
            self.dirty.add(key)
            out.append(Output("units", key, b"%d:%d" % (event["n"], self.counts[key])))
        return out

    def drain(self) -> list[tuple[bytes, bytes | None]]:
        rows: list[tuple[bytes, bytes | None]] = [(key, b"%d" % self.counts[key]) for key in sorted(self.dirty)]
        self.dirty.clear()
        return rows

    def next_due(self) -> int | None:
        return None


class Watch(pump.Observer):
    """Remembers what the pump reported."""

    def __init__(self) -> None:
        self.commits = 0
        self.records = 0
        self.failures: list[str] = []
        self.owned = threading.Event()
        self.ticks = 0

    def assigned(self, partitions: Sequence[int]) -> None:
        if partitions:
            self.owned.set()

    def revoked(self) -> None:
        self.owned.clear()

    def folded(self, records: int, size: int, newest: int) -> None:
        self.records += records

    def committed(self, outputs: Sequence[Output], state: int, seconds: float) -> None:
        self.commits += 1

    def failed(self, reason: str) -> None:
        self.failures.append(reason)

    def ticked(self) -> None:
        self.ticks += 1


def append(settings: Settings, numbers: range, *, partition: int = 0, pack: int = 10, abort: bool = False) -> None:
    """Append events ``numbers`` to the log, ``pack`` a record, in one transaction; committed, or aborted."""
    producer = Producer(client.transactional(settings, f"{settings.app}-append-{partition}"))
    producer.init_transactions(30)
    producer.begin_transaction()
    for start in range(numbers.start, numbers.stop, pack):
        events = [{"key": f"k{n % 7}", "n": n} for n in range(start, min(start + pack, numbers.stop))]
        producer.produce(settings.topic("events"), orjson.dumps(events), partition=partition)
    producer.flush(30)
    if abort:
        producer.abort_transaction(30)
    else:
        producer.commit_transaction(30)


def make_session(
    settings: Settings,
    stop: threading.Event,
    watch: pump.Observer,
    session: type[pump.PumpSession] = pump.PumpSession,
    make_fold: Callable[[int], pump.Fold] = Count,
) -> Session:
    """One session in this process, without Faust."""
    return correlate.session_factory(settings, watch, make_fold, session)(fold_all, stop)


@contextmanager
def running(target: Callable[[], None], stop: threading.Event) -> Iterator[threading.Thread]:
    """Run ``target`` on a thread, and stop and join it at the end."""
    thread = threading.Thread(target=target)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def values(messages: Sequence[Message]) -> list[bytes]:
    """The values, in order."""
    return [m.value() or b"" for m in messages]

"""A fold that does next to nothing, so that what is measured is the transport: it counts keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import orjson

from streams.records import LogRecord, Output

PACKED = 200
"""Events in a record of the log."""

KEYS = 500
EVERY = 10
"""Each so manieth event of a key is an output."""

_TEMPLATE = (
    '{"type":"activity","n":%d,"key":"service-%03d","source":"bench","time":"2026-03-02T08:00:00Z",'
    '"title":"%s","actor":"arn:aws:iam::111122223333:role/service-%03d","entities":[["ip","198.51.100.%03d"],'
    '["account","111122223333"]],"filler":"%s"}'
)
BYTES = 370
"""Of an event."""


def log(events: int) -> Iterator[bytes]:
    """Records of the log with as many events in all."""
    for start in range(0, events, PACKED):
        yield ("[" + ",".join(map(_event, range(start, min(start + PACKED, events)))) + "]").encode()


def _event(number: int) -> str:
    key = number * 7_919 % KEYS
    title = f"event {number:010d} of service {key:03d}"
    short = _TEMPLATE % (number, key, title, key, number % 256, "")
    return short[:-2] + (f"{number * 2_654_435_761 % 2**32:08x}" * 40)[: BYTES - len(short)] + short[-2:]


class Counting:
    """State: how often each key came. ``counts`` says so in the terms of the real fold."""

    def __init__(self, _partition: int) -> None:
        self.seen: dict[str, int] = {}
        self.changed: set[str] = set()
        self.counts: Counter[str] = Counter()

    def load(self, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back."""
        self.seen[key.decode()] = int(value or b"0")

    def step(self, record: LogRecord) -> list[Output]:
        """Count the events; every tenth of a key gives an output."""
        out = []
        seen, changed = self.seen, self.changed
        events = orjson.loads(record.value)
        for event in events:
            key = event.get("key")
            if key is None:
                continue  # a tick
            count = seen[key] = seen.get(key, 0) + 1
            changed.add(key)
            self.counts["counted"] += 1
            if count % EVERY == 0:
                out.append(Output("units", key.encode(), b"%s:%d" % (key.encode(), count)))
        return out

    def drain(self) -> list[tuple[bytes, bytes | None]]:
        """What changed since the last drain."""
        rows: list[tuple[bytes, bytes | None]] = [
            (key.encode(), b"%d" % self.seen[key]) for key in sorted(self.changed)
        ]
        self.changed.clear()
        return rows

    def next_due(self) -> int | None:
        """Nothing ever waits for the clock."""
        return None

"""Whether a run has nothing left to do: decided by what the broker says, not by counts, which a restart may lose.

Drained is: every raw record is read, every partition of the log is folded up to a tick so late that no revision can
wait any more, every indicator of these revisions is folded, and no unit was told of another meanwhile; else a further
round begins. That is exact; nothing is guessed from silence. It ends, since a unit tells an indicator once.
"""

from __future__ import annotations

import time

from confluent_kafka import IsolationLevel, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.edge import client
from streams.edge.lag import Lag, Place, ends, newest
from streams.edge.pump import TICK
from streams.edge.restore import Bounds, bounds, read_between
from streams.edge.units import UnitReader
from streams.settings import Settings


class Drained:
    """Watches the groups of one application. All methods raise ``KafkaException`` where the broker does not answer."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.admin = AdminClient(client.admin(settings))
        self.ticker = Producer(client.producer(settings))
        self.log = settings.topic("events")
        steering = [settings.topic(name) for name in ("config", "context", "reviews")]
        self.ingest = Lag(settings, "ingest", [*steering, *settings.raw_topics.values()])
        self.correlate = Lag(settings, "correlate", [self.log])
        self.links = Lag(settings, "links", [settings.topic("indicators")])
        self._due_at: float | None = None
        self._from: dict[Place, int] = {}
        self._ticks: dict[Place, int] = {}
        self._ends: dict[Place, int] = {}

    def raw_left(self) -> int:
        """Raw, context, configuration and review records that ingest has still to read."""
        return sum(self.ingest.left().values())

    def doing(self, reader: UnitReader, *, once: bool) -> str | None:
        """What is waited for, in words; None when all is done. Without ``once`` there is always something."""
        raw, log = self.raw_left(), sum(self.correlate.left().values())
        now = time.monotonic()
        if raw:
            self._due_at, self._ticks = None, {}
            return f"{raw:,} raw records to read"
        if self._due_at is None:
            # Every event is in the log by now. A unit's first revision waits for group_wait from there, any later one
            # for update_interval; what is folded after that has made all of them.
            engine = self.settings.engine
            self._begin(max(engine.group_wait_ms, engine.update_interval_ms))
        if not once:
            return f"{log:,} offsets of the log to fold" if log else "waiting for input"
        assert self._due_at is not None
        if now < self._due_at:
            return f"{self._due_at - now:.0f} s until the last units are due"
        if not self._ticks:
            self._ticks = self._tick()
        if not self._ticks or not self._folded():
            return "folding the end of the log"
        if left := sum(self.links.left().values()):
            return f"{left:,} offsets of indicators to link"
        if self._told():
            self._begin(self.settings.engine.update_interval_ms)
            return "revising units that were linked"
        return None if reader.reached(self._ends) else "reading the last units"

    def close(self) -> None:
        """Stop watching."""
        self.ingest.close()
        self.correlate.close()
        self.links.close()

    def _begin(self, wait_ms: int) -> None:
        """A round: what is in the log by now has made its revisions ``wait_ms`` from now."""
        self._from = ends(self.admin, self._log_places(), IsolationLevel.READ_UNCOMMITTED)
        self._due_at = time.monotonic() + wait_ms / 1000 + self._ahead() + 0.1
        self._ticks = {}

    def _told(self) -> bool:
        """Whether anything but ticks came into the log since the round began."""
        now = bounds(self.admin, self._from)
        since = {place[1]: Bounds(self._from[place], now[place].high) for place in self._from}
        config = client.consumer(self.settings, self.settings.group("correlate"))
        found: set[bytes | None] = set()
        read_between(config, self.log, since, lambda _partition, _key, value: found.add(value), timeout=60.0)
        return not found <= {TICK}

    def _log_places(self) -> list[TopicPartition]:
        return [TopicPartition(self.log, number) for number in range(self.settings.partitions)]

    def _tick(self) -> dict[Place, int]:
        """Let the time pass in every partition of the log; where the ticks stand, or nothing if one was not taken."""
        stands: dict[Place, int] = {}

        def delivered(error: KafkaError | None, message: Message) -> None:
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            if error is None and topic is not None and partition is not None and offset is not None:
                stands[topic, partition] = offset

        for number in range(self.settings.partitions):
            self.ticker.produce(self.log, TICK, partition=number, on_delivery=delivered)
        self.ticker.flush(10.0)
        return stands if len(stands) == self.settings.partitions else {}

    def _folded(self) -> bool:
        """Whether the group is past the ticks; where the units topic ends now, the last unit is before it."""
        standings = self.correlate.read()
        if any((standings[place].committed or 0) <= offset for place, offset in self._ticks.items()):
            return False
        places = [TopicPartition(self.settings.topic("units"), number) for number in range(self.settings.partitions)]
        self._ends = ends(self.admin, places, IsolationLevel.READ_UNCOMMITTED)
        return True

    def _ahead(self) -> float:
        """Seconds by which the broker's clock, which dates the log, is ahead of ours, as far as the log shows."""
        at = newest(self.admin, self._log_places())
        return 0.0 if at is None else max(0.0, at / 1000 - time.time())

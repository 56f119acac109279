"""A worker process for the chaos tests: the real one, or one that is broken on purpose.

``python tests/chaos/process.py ingest|correlate|links [MUTANT]``; settings come from the environment. A mutant breaks
one rule of exactly-once delivery, and the oracles must see it.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from streams.edge import client, correlate, ingest, links, pump, restore
from streams.ingest import RawRecord
from streams.settings import Settings, load


class Widened:
    """Makes the moment between two transactions longer, so that a kill finds it."""

    pause = 0.6


class EarlyAckIngest(Widened, ingest.IngestSession):
    """Commits the raw offsets before the events."""

    def _commit(self, records: Any, packed: Any, dead: Any) -> None:
        offsets = {(r.topic, r.partition): r.offset + 1 for r in records}
        places = [TopicPartition(t, p, o) for (t, p), o in offsets.items()]
        self.writer.transact(lambda: None, places, self.metadata)
        time.sleep(self.pause)
        super()._commit(records, packed, dead)


class EarlyAckFold(Widened, pump.PumpSession):
    """Commits the position before what follows from it."""

    def _commit(self) -> None:
        moved = {p: o for p, o in self.owned.items() if o.moved}
        if moved:

            def positions() -> None:
                for partition, owned in moved.items():
                    if owned.genesis is not None:
                        value = restore.encode_genesis(owned.genesis)
                        self.writer.write(self.topics.state, partition, restore.GENESIS_KEY, value)
                    value = b"%d" % owned.position
                    self.writer.write(self.topics.state, partition, restore.POSITION_KEY, value)

            offsets = [TopicPartition(self.topics.log, p, o.position) for p, o in moved.items()]
            self.writer.transact(positions, offsets, self.metadata)
            time.sleep(self.pause)
        super()._commit()


class NoPositionIngest(ingest.IngestSession):
    """Writes the events without the offsets they came from."""

    def _commit(self, records: list[RawRecord], packed: Any, dead: Any) -> None:
        super()._commit([], packed, dead)


class NoPositionFold(pump.PumpSession):
    """Leaves the position out of the transaction."""

    def _write_state(self, partition: int, owned: pump.Owned) -> int:
        rows = owned.fold.drain()
        for key, value in rows:
            self.writer.write(self.topics.state, partition, key, value)
        return len(rows)


class DroppedBatchIngest(ingest.IngestSession):
    """Loses one fetched batch after the first few."""

    fetched = 0

    def _fetch(self) -> list[Message]:
        messages = super()._fetch()
        self.fetched += bool(messages)
        return [] if messages and self.fetched == 3 else messages


class DroppedBatchFold(pump.PumpSession):
    """Loses one fetched batch after the first few."""

    fetched = 0

    def _fetch(self) -> list[Message]:
        messages = super()._fetch()
        self.fetched += bool(messages)
        return [] if messages and self.fetched == 3 else messages


def _stranger(settings: Settings, group: str) -> Any:
    """Group metadata of nobody: the broker takes offsets with it from anybody."""
    config = client.consumer(settings, group)
    return Consumer({k: v for k, v in config.items() if k != "group.instance.id"}).consumer_group_metadata()


class UnfencedIngest(ingest.IngestSession):
    """Commits without its generation."""

    def _commit(self, records: Any, packed: Any, dead: Any) -> None:
        self.metadata = _stranger(self.settings, self.settings.group("ingest"))
        super()._commit(records, packed, dead)


class UnfencedFold(pump.PumpSession):
    """Commits without its generation, and rarely, so that a zombie has something to commit when it is woken."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.limits = self.limits._replace(commit_interval=2.0)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._commit()
        super()._on_lost(consumer, partitions)

    def _commit(self) -> None:
        self.metadata = _stranger(load(), self.consumer_settings["group.id"])
        super()._commit()


MUTANTS: dict[str, tuple[type[ingest.IngestSession], type[pump.PumpSession]]] = {
    "none": (ingest.IngestSession, pump.PumpSession),
    "early_ack": (EarlyAckIngest, EarlyAckFold),
    "no_position": (NoPositionIngest, NoPositionFold),
    "dropped_batch": (DroppedBatchIngest, DroppedBatchFold),
    "unfenced": (UnfencedIngest, UnfencedFold),
}


def main(role: str, mutant: str = "none") -> int:
    """Run one process until SIGTERM."""
    for_ingest, for_fold = MUTANTS[mutant]
    settings = load()
    if role == "ingest":
        return ingest.run(settings, for_ingest)
    (links if role == "links" else correlate).run(settings, for_fold)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Ingest's own view of the context topic: read to its end before the first batch, then followed.

Every ingest process needs the whole catalog to place events, and all detection rules, whichever partitions the group
gives it; so this reader belongs to no group and commits nothing.
"""

from __future__ import annotations

import time
from typing import Any

import orjson
import structlog
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from streams.catalog import Catalog
from streams.edge import client
from streams.edge.session import SessionEnded, is_record
from streams.settings import Settings
from streams.sigma.in_force import KIND as SIGMA
from streams.sigma.in_force import PREFIX, InForce

log = structlog.get_logger(__name__)


class ContextReader:
    """Keeps a catalog and the detection rules equal to the context topic."""

    def __init__(self, settings: Settings, catalog: Catalog, rules: InForce) -> None:
        self.catalog = catalog
        self.rules = rules
        self.told: object = ()
        self.topic = settings.topic("context")
        self.ended = False
        config = client.consumer(settings, settings.group("context"), offset_reset="earliest")
        self.consumer = Consumer(config | {"enable.partition.eof": True})
        self.consumer.assign([TopicPartition(self.topic, 0, 0)])

    def catch_up(self, seconds: float = 60.0) -> None:
        """Read to the end of the topic.

        Raises:
            SessionEnded: if the end was not reached in time.
        """
        deadline = time.monotonic() + seconds
        while not self.ended:
            if time.monotonic() > deadline:
                raise SessionEnded(f"{self.topic} was not read to its end in {seconds:.0f} s")
            self._take(self.consumer.consume(1_000, timeout=0.1))
        self._tell()

    def poll(self) -> None:
        """Take what has arrived, without waiting."""
        if messages := self.consumer.consume(1_000, timeout=0):
            self._take(messages)
            self._tell()

    def _tell(self) -> None:
        """Rules take effect now; log what of them does not."""
        faults = self.rules.faults
        if faults != self.told:
            for fault in faults:
                log.warning("detection rule not in force", rule=fault.file, place=fault.place, reason=fault.reason)
            self.told = faults

    def _take(self, messages: list[Message]) -> None:
        for message in messages:
            error = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                self.ended = True
            elif is_record(message):
                self._apply(message.key(), message.value())

    def _apply(self, key: str | bytes | None, value: bytes | None) -> None:
        try:
            record: dict[str, Any]
            record = orjson.loads(value) if value else withdrawn(text(key))
            if record["kind"] == "catalog":
                self.catalog.apply(record["key"], record["record"])
            elif record["kind"] == SIGMA and (wrong := self.rules.apply(record["key"], record["record"])) is not None:
                log.warning("detection rule refused", key=text(key), place=wrong.place, reason=wrong.reason)
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            # ingest reads the same record and makes a dead letter of it
            log.warning("context record skipped", key=text(key), error=repr(error))

    def close(self) -> None:
        """Stop reading."""
        self.consumer.close()


def withdrawn(key: str) -> dict[str, Any]:
    """What an empty value says: of a user the aliases are withdrawn, of a rule this, else a catalog entity."""
    if key.startswith(PREFIX):
        return {"kind": SIGMA, "key": key.removeprefix(PREFIX), "record": None}
    return {"kind": "alias" if key.startswith("user:") else "catalog", "key": key, "record": None}


def text(key: str | bytes | None) -> str:
    """A Kafka key as text."""
    return key.decode(errors="replace") if isinstance(key, bytes) else key or ""

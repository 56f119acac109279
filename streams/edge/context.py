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
from streams.edge.context_check import unfit
from streams.edge.session import SessionEnded, is_record
from streams.settings import Settings
from streams.sigma.in_force import KIND as SIGMA
from streams.sigma.in_force import InForce
from streams.sources.backstage import KINDS

log = structlog.get_logger(__name__)

_KEYED_ALONE = frozenset(("catalog", "alias"))
"""Kinds whose keys are references of a catalog's entities, which begin with a kind of their own (``KINDS``)."""


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
            if record["kind"] == SIGMA:
                if (wrong := self.rules.apply(record["key"], record["record"])) is not None:
                    log.warning("detection rule refused", key=text(key), place=wrong.place, reason=wrong.reason)
                return
            if record["kind"] != "catalog":
                return
            if (problem := unfit("catalog", record["key"], record["record"])) is not None:
                raise ValueError(problem)
            self.catalog.apply(record["key"], record["record"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # ingest reads the same record, and a dead letter says what is wrong with it
            log.warning("context record skipped", key=text(key), error=repr(error))

    def close(self) -> None:
        """Stop reading."""
        self.consumer.close()


def withdrawn(key: str) -> dict[str, Any]:
    """What a record with an empty value says: that the one of its Kafka key is withdrawn.

    >>> withdrawn("kev:CVE-2026-1000")["key"], withdrawn("component:default/pay")["kind"]
    ('CVE-2026-1000', 'catalog')
    """
    kind, _, rest = key.partition(":")
    if rest and kind not in KINDS:
        return {"kind": kind, "key": rest, "record": None}
    return {"kind": "alias" if kind == "user" else "catalog", "key": key, "record": None}


def kafka_key(kind: str, key: str) -> bytes:
    """The Kafka key of a record: of catalog entries and aliases their own, of all others with the kind before it.

    One topic holds all kinds, and two of them may speak of the same CVE: compaction must not take one for the other.
    """
    return (key if kind in _KEYED_ALONE else f"{kind}:{key}").encode()


def text(key: str | bytes | None) -> str:
    """A Kafka key as text."""
    return key.decode(errors="replace") if isinstance(key, bytes) else key or ""

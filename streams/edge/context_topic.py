"""The context topic as those who write it see it: what it holds, whose each record is, and how to add to it.

A record is ``{"kind", "key", "record"}``, null for one that is withdrawn; a tombstone, an empty value, says the same
and is forgotten by compaction. The header ``weir-feed`` names the feed that wrote a record; without it a person did, or
``weir topics create``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.edge import client
from streams.edge.context import kafka_key, text, withdrawn
from streams.edge.dump import PASSING, read_topic
from streams.edge.poll_delta import Held, Subject, content_of
from streams.edge.sender import Sender
from streams.edge.session import is_record
from streams.settings import Settings

FEED_HEADER = "weir-feed"


class Entry(NamedTuple):
    """One record as it stands in the topic; ``written`` in ms by the broker, ``record`` None if it is withdrawn."""

    kind: str
    key: str
    record: dict[str, Any] | None
    feed: str | None
    written: int
    offset: int


class ContextTopic:
    """Follows the topic and remembers of each record its hash, its feed and when it was written."""

    def __init__(self, settings: Settings) -> None:
        self.held: dict[Subject, Held] = {}
        self._place = TopicPartition(settings.topic("context"), 0, 0)
        self._at = 0
        self._consumer = Consumer(
            client.consumer(settings, settings.group("feeds"), offset_reset="earliest") | {"enable.partition.eof": True}
        )
        self._consumer.assign([self._place])

    def catch_up(self, seconds: float = 60.0) -> None:
        """Read on to where the topic ends now.

        Raises:
            TimeoutError: the end was not reached in time.
            confluent_kafka.KafkaException: the broker does not answer.
        """
        deadline = time.monotonic() + seconds
        end = self._end(deadline)
        while self._at < end:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._place.topic} was not read to its end in {seconds:.0f} s")
            for message in self._consumer.consume(1_000, timeout=0.1):
                offset = message.offset()
                error = message.error()
                if error is not None and error.code() == KafkaError._PARTITION_EOF:
                    self._at = max(self._at, offset or 0)
                elif is_record(message):
                    assert offset is not None
                    self._at = offset + 1
                    self._take(message)

    def _end(self, deadline: float) -> int:
        while True:
            try:
                return self._consumer.get_watermark_offsets(self._place, timeout=30)[1]
            except KafkaException as error:
                if error.args[0].code() not in PASSING or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _take(self, message: Message) -> None:
        headers: Any = message.headers() or ()  # declared wider than what a consumer gives
        entry = _entry(message.key(), message.value(), headers, message.timestamp()[1], self._at - 1)
        if entry is not None:
            content = None if entry.record is None else content_of(entry.record)
            self.held[entry.kind, entry.key] = Held(content, entry.feed, entry.written)

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()


def entries(settings: Settings) -> list[Entry]:
    """What the topic holds now, by kind and key; what is withdrawn is left out.

    Raises:
        NoTopic: there is none.
        TimeoutError: it was not read to its end in time.
    """
    held: dict[Subject, Entry] = {}
    for record in read_topic(settings, settings.topic("context")):
        entry = _entry(record.key, record.value, record.headers, record.timestamp, record.offset)
        if entry is not None:
            held[entry.kind, entry.key] = entry
    return [held[subject] for subject in sorted(held) if held[subject].record is not None]


def write(
    settings: Settings, sender: Sender, records: Mapping[Subject, dict[str, Any] | None], feed: str | None = None
) -> None:
    """Send records, None for what is withdrawn, and return when they are delivered. Raises as ``Sender``."""
    topic = settings.topic("context")
    headers = [(FEED_HEADER, feed.encode())] if feed else []
    for (kind, key), record in records.items():
        value = orjson.dumps({"kind": kind, "key": key, "record": record})
        sender.send(topic, kafka_key(kind, key), value, headers)
    sender.end()


def _entry(
    key: str | bytes | None, value: bytes | None, headers: Iterable[tuple[str, Any]], written: int, offset: int
) -> Entry | None:
    """The record as an entry; None for what ingest makes a dead letter of."""
    try:
        given = orjson.loads(value) if value else withdrawn(text(key))
        kind, name, record = given["kind"], given["key"], given["record"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if not isinstance(kind, str) or not isinstance(name, str) or not isinstance(record, dict | None):
        return None
    feed = next((content for header, content in headers if header == FEED_HEADER and content), None)
    return Entry(kind, name, record, None if feed is None else text(feed), written, offset)

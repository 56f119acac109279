"""A topic read from its beginning to where it ends now: the log for a re-execution, and any topic as lines of JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.edge import client
from streams.edge.restore import Bounds, bounds
from streams.edge.session import is_record
from streams.records import LogRecord
from streams.replay.recorded import Recorded, encode, log_records
from streams.settings import Settings

_FETCH = 2_000
_LEADER_WAIT = 30.0
PASSING = frozenset((KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE))
"""Answers while a partition gets its leader: just after the topic was made, or after a broker failed."""

Progress = Callable[[int, int], None]
"""Told the records done and the offsets to do; control records of transactions are among the latter."""


class NoTopic(LookupError):
    """There is no topic of this name."""


def read_topic(
    settings: Settings, topic: str, *, wait: float = 60.0, progress: Progress | None = None
) -> Iterator[Recorded]:
    """Every committed record of a topic up to its high watermarks of now, partition by partition, in offset order.

    Raises:
        NoTopic: there is none.
        TimeoutError: nothing came for ``wait`` seconds, for example behind a transaction that nobody ends.
    """
    admin = AdminClient(client.admin(settings))
    known = admin.list_topics(timeout=30).topics.get(topic)
    if known is None or not known.partitions:
        raise NoTopic(f"there is no topic {topic}")
    ends = _ends(admin, [(topic, number) for number in sorted(known.partitions)])
    total = sum(end.high - end.low for end in ends.values())
    done = 0
    consumer = Consumer(client.consumer(settings, settings.group("dump")) | {"enable.partition.eof": True})
    try:
        for (_, partition), end in sorted(ends.items()):
            if end.high == end.low:
                continue
            consumer.assign([TopicPartition(topic, partition, end.low)])
            for record in _partition(consumer, topic, partition, end.high, wait):
                done += 1
                if progress is not None and done % _FETCH == 0:
                    progress(done, total)
                yield record
        if progress is not None:
            progress(total, total)
    finally:
        consumer.close()


def _ends(admin: AdminClient, partitions: list[tuple[str, int]]) -> dict[tuple[str, int], Bounds]:
    deadline = time.monotonic() + _LEADER_WAIT
    while True:
        try:
            return bounds(admin, partitions)
        except KafkaException as error:
            if error.args[0].code() not in PASSING or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _partition(consumer: Consumer, topic: str, partition: int, high: int, wait: float) -> Iterator[Recorded]:
    """The records below ``high``. Reading on to it, not only to the last stable offset, waits for open transactions."""
    deadline = time.monotonic() + wait
    at = 0
    while True:
        for message in consumer.consume(_FETCH, timeout=0.2):
            error = message.error()
            offset = message.offset()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                if offset is not None and offset >= high:
                    return
                continue
            if not is_record(message):
                continue
            assert offset is not None
            if offset >= high:
                return
            deadline = time.monotonic() + wait
            at = offset + 1
            yield _recorded(topic, partition, offset, message)
            if at == high:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{topic}[{partition}]: nothing came for {wait:.0f} s at offset {at} of {high}")


def _recorded(topic: str, partition: int, offset: int, message: Any) -> Recorded:
    pairs = message.headers() or ()
    headers = tuple((name, value.encode() if isinstance(value, str) else value) for name, value in pairs)
    return Recorded(topic, partition, offset, message.timestamp()[1], message.key(), message.value(), headers)


def read_log(
    settings: Settings, topic: str | None = None, *, wait: float = 60.0, progress: Progress | None = None
) -> Iterator[LogRecord]:
    """The partition log for ``fold_log``; ``topic`` is the settings' own unless named. Raises as ``read_topic``."""
    return log_records(read_topic(settings, topic or settings.topic("events"), wait=wait, progress=progress))


def dump(settings: Settings, topic: str, out: BinaryIO, *, wait: float = 60.0, progress: Progress | None = None) -> int:
    """Write a topic as lines of JSON (``streams.replay.recorded``); gives their number. Raises as ``read_topic``."""
    lines = 0
    for record in read_topic(settings, topic, wait=wait, progress=progress):
        out.write(encode(record))
        lines += 1
    return lines

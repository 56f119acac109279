"""Filling topics fast, and taking them away again: for measuring."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from streams.edge import client, topics
from streams.settings import Settings

_WAIT = 60.0


def fill(settings: Settings, topic: str, records: Iterable[tuple[int, bytes]], *, each: int = 500) -> int:
    """Write (partition, value) pairs in transactions of ``each`` records; gives their number.

    Raises:
        confluent_kafka.KafkaException: the broker refused.
    """
    producer = Producer(client.transactional(settings, settings.transactional_id("fill")))
    producer.init_transactions(_WAIT)
    written = 0
    for partition, value in records:
        if written % each == 0:
            if written:
                producer.commit_transaction(_WAIT)
            producer.begin_transaction()
        while True:
            try:
                producer.produce(topic, value, partition=partition)
                break
            except BufferError:
                producer.poll(0.1)
        written += 1
    if written:
        producer.commit_transaction(_WAIT)
    return written


def drop(settings: Settings) -> None:
    """Delete all topics under these settings' names, as far as they are there. Failures are passed over."""
    admin = AdminClient(client.admin(settings))
    for done in admin.delete_topics(list(topics.wanted(settings)), operation_timeout=_WAIT).values():
        with contextlib.suppress(KafkaException):
            done.result()

"""What every broker must pass, however it was started."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient

from streams.edge import client, topics
from streams.settings import Settings

pytestmark = pytest.mark.broker


@pytest.fixture
def smoke(read_all: Callable[..., list[Message]]) -> Callable[[Settings], None]:
    """Topics, a committed and an aborted transaction, and a reader who sees the first one only."""

    def run(settings: Settings) -> None:
        admin = AdminClient(client.admin(settings))
        assert settings.topic("units") in topics.create(admin, settings)
        assert topics.check(admin, settings) == []

        producer = Producer(client.transactional(settings, settings.transactional_id("smoke")))
        producer.init_transactions(30)
        for number, ends_well in enumerate((True, False, True)):
            producer.begin_transaction()
            producer.produce(settings.topic("units"), f"unit {number}".encode(), partition=0)
            producer.produce(settings.topic("events"), b"x" * (settings.max_message_bytes - 4_096), partition=0)
            producer.flush(30)
            if ends_well:
                producer.commit_transaction(30)
            else:
                producer.abort_transaction(30)

        assert [record.value() for record in read_all(settings, settings.topic("units"))] == [b"unit 0", b"unit 2"]
        assert len(read_all(settings, settings.topic("events"))) == 2

    return run

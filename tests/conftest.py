"""One real broker a test session, and settings with names of their own for each test."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from hypothesis import settings as hypothesis
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from streams.edge import broker as brokers
from streams.edge import client, topics
from streams.settings import Settings

# The same examples in every run, so that a change is to blame for what turns red. To look for new ones: SEEK=1.
hypothesis.register_profile("weir", derandomize=not os.environ.get("SEEK"))
hypothesis.load_profile("weir")

MakeSettings = Callable[..., Settings]
ReadAll = Callable[..., list[Message]]

WITH_BROKER = ("tests/broker/", "tests/chaos/", "tests/bench/", "tests/streams/cli/test_doctor.py")


class OneBroker(LoadScopeScheduling):
    """Tests by file over the processes, but all files that need the broker in one of them, which starts it."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "broker" if path.startswith(WITH_BROKER) else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """The scheduler of ``-n``."""
    return OneBroker(config, log)


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> Iterator[brokers.Broker]:
    """The broker of the session: KAFKA_BOOTSTRAP_SERVERS, else local jars, else a container. Leave it running."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def progress(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", flush=True)

    try:
        found = brokers.provide(Settings(app="tests"), progress, ways=("given", "local", "container"))
    except brokers.NoBroker as reason:
        if Settings(app="tests").bootstrap is not None:
            raise
        pytest.skip(str(reason))
    yield found
    found.stop()


@pytest.fixture
def own_broker() -> Iterator[brokers.LocalBroker]:
    """A local broker for this test alone, to kill, freeze and start again."""
    try:
        found = brokers.provide(Settings(app="tests"), lambda _: None, ways=("local",))
    except brokers.NoBroker as reason:
        pytest.skip(str(reason))
    assert isinstance(found, brokers.LocalBroker)
    yield found
    found.stop()


@pytest.fixture
def make_settings(broker: brokers.Broker, tmp_path: Path) -> MakeSettings:
    """``make_settings(**flags)``: settings with a fresh ``app``, its topics made unless ``create=False``."""

    def make(*, create: bool = True, **flags: Any) -> Settings:
        given = {
            "app": f"t{uuid.uuid4().hex[:10]}",
            "bootstrap": broker.bootstrap,
            "instance": "one",
            "partitions": 2,
            "session_timeout_ms": 6_000,
            "redaction_key": "a key for tests only",
            **flags,
        }
        made = Settings(**given)
        if create:
            topics.create(AdminClient(client.admin(made)), made)
        return made

    return make


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    """Settings of this test alone, its topics made."""
    return make_settings()


@pytest.fixture
def read_all() -> ReadAll:
    """``read_all(settings, topic)``: every committed record of a topic (full name), partition by partition."""
    return read_to_end


def read_to_end(
    settings: Settings, topic: str, *, seconds: float = 30.0, isolation: str = "read_committed"
) -> list[Message]:
    """Read a topic from its first to its last record, as of now.

    The end is the last stable offset with ``read_committed``: wait for, or abort, open transactions first. Raises
    ``AssertionError`` where the end is not reached in time.
    """
    reader = Consumer(
        client.consumer(
            settings,
            f"{settings.app}-read-{uuid.uuid4().hex[:8]}",
            offset_reset="earliest",
            **{"isolation.level": isolation, "enable.partition.eof": True},
        )
    )
    try:
        numbers = reader.list_topics(topic, timeout=10).topics[topic].partitions
        places = [TopicPartition(topic, number) for number in sorted(numbers)]
        assert places, f"{topic} does not exist"
        reader.assign([TopicPartition(topic, place.partition, 0) for place in places])
        records: dict[int, list[Message]] = {place.partition: [] for place in places}
        open_ends = set(records)
        deadline = time.monotonic() + seconds
        while open_ends:
            assert time.monotonic() < deadline, f"{topic}: partitions {sorted(open_ends)} not read to their end"
            for message in reader.consume(1_000, timeout=0.2):
                error = message.error()
                if error is None:
                    records[message.partition()].append(message)
                elif error.name() == "_PARTITION_EOF":
                    open_ends.discard(message.partition())
                else:
                    raise AssertionError(f"{topic}: {error}")
        return [message for number in sorted(records) for message in records[number]]
    finally:
        reader.close()

"""The client settings that delivery rests on."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from streams.edge import client
from streams.settings import Settings

SETTINGS = Settings(app="a", instance="i", bootstrap="127.0.0.1:1", kafka={"client.rack": "r1", "linger.ms": "77"})


def test_readers_see_committed_records_and_never_commit_by_themselves() -> None:
    """Every consumer is read_committed, without auto commit, eager, and an error outside the log."""
    config = client.consumer(SETTINGS, "g", instance="pod-0")
    assert config["isolation.level"] == "read_committed"
    assert config["enable.auto.commit"] is False
    assert config["auto.offset.reset"] == "error"
    assert config["partition.assignment.strategy"] == "range"
    assert config["group.instance.id"] == "pod-0"
    assert "group.instance.id" not in client.consumer(SETTINGS, "g")
    assert config["heartbeat.interval.ms"] * 3 <= config["session.timeout.ms"] <= config["max.poll.interval.ms"]


def test_writers_are_idempotent_and_acknowledged_by_all() -> None:
    """Plain and transactional producers alike; only the latter has an id and a timeout."""
    for config in (client.producer(SETTINGS), client.transactional(SETTINGS, "t")):
        assert (config["acks"], config["enable.idempotence"]) == ("all", True)
        assert config["message.max.bytes"] == SETTINGS.max_message_bytes
    assert client.transactional(SETTINGS, "t")["transactional.id"] == "t"
    assert client.transactional(SETTINGS, "t")["transaction.timeout.ms"] == 10_000
    assert "transactional.id" not in client.producer(SETTINGS)


def test_operators_properties_reach_every_client_below_our_own() -> None:
    """What settings.kafka holds is passed on, but where Weir sets a value it stays, and extra beats both."""
    assert client.admin(SETTINGS)["client.rack"] == "r1"
    assert client.producer(SETTINGS)["linger.ms"] == 5
    assert client.producer(SETTINGS, **{"linger.ms": 50})["linger.ms"] == 50


def test_librdkafka_takes_all_of_them() -> None:
    """Each dict builds its client: no unknown property, no combination that is refused."""
    short = SETTINGS.model_copy(update={"session_timeout_ms": 1_000, "transaction_timeout_ms": 1_000, "kafka": {}})
    for settings in (SETTINGS, short):
        AdminClient(client.admin(settings))
        Producer(client.producer(settings))
        Producer(client.transactional(settings, "t"))
        Consumer(client.consumer(settings, "g", instance="x")).close()


def test_no_address_is_an_error_that_says_so() -> None:
    """Without a broker's address there is no client."""
    with pytest.raises(ValueError, match="bootstrap is not set"):
        client.admin(Settings(app="a", bootstrap=None))

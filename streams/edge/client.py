"""librdkafka's configuration for each kind of client, in one place, because delivery rests on it.

What the operator gives in ``settings.kafka`` (TLS, SASL, sockets) is laid under our own values and never over them;
``extra`` is laid over everything, for tests and for the few callers that know why.
"""

from __future__ import annotations

import logging
from typing import Any

from streams.log import KAFKA_LOGGER
from streams.settings import Settings

Config = dict[str, Any]


def producer(settings: Settings, **extra: Any) -> Config:
    """An idempotent producer outside of transactions: ticks, simulated raw records, configuration records."""
    return {
        **_common(settings),
        "acks": "all",
        "enable.idempotence": True,
        "max.in.flight.requests.per.connection": 5,  # the most for which idempotence keeps the order
        "compression.type": "lz4",
        "linger.ms": 5,
        "message.max.bytes": settings.max_message_bytes,
        "queue.buffering.max.kbytes": 65_536,
        **extra,
    }


def transactional(settings: Settings, transactional_id: str, **extra: Any) -> Config:
    """A transactional producer. The id must be the same after a restart, so that the new one fences the old one.

    No ``linger``: a commit flushes anyway, and waits for it.
    """
    return producer(
        settings,
        **{
            "transactional.id": transactional_id,
            "transaction.timeout.ms": settings.transaction_timeout_ms,
            "linger.ms": 0,
            **extra,
        },
    )


def consumer(
    settings: Settings, group: str, *, instance: str | None = None, offset_reset: str = "error", **extra: Any
) -> Config:
    """A reader that sees committed records only and never commits by itself.

    ``instance`` makes it a static member: a restart within the session gets its partitions back without a rebalance.
    ``offset_reset="error"``: a position outside the log is an error, not a silent jump; ``"earliest"`` for readers
    that may begin at the beginning.
    """
    config: Config = {
        **_common(settings),
        "group.id": group,
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": offset_reset,
        "partition.assignment.strategy": "range",  # eager; equal counts put the same numbers of all topics together
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": max(100, min(3_000, settings.session_timeout_ms // 4)),
        "max.poll.interval.ms": max(300_000, settings.session_timeout_ms),
        "fetch.message.max.bytes": settings.max_message_bytes,
        "queued.max.messages.kbytes": 32_768,
    }
    if instance is not None:
        config["group.instance.id"] = instance
    return {**config, **extra}


def admin(settings: Settings, **extra: Any) -> Config:
    """For ``confluent_kafka.admin.AdminClient``."""
    return {**_common(settings), **extra}


def _common(settings: Settings) -> Config:
    if settings.bootstrap is None:
        raise ValueError("no broker: settings.bootstrap is not set")
    return {
        "broker.address.family": "v4",  # localhost first resolves to ::1 on many machines, where no broker listens
        "reconnect.backoff.max.ms": 1_000,
        "socket.keepalive.enable": True,
        "log.connection.close": False,  # brokers close idle connections; that is not news
        **settings.kafka,
        "bootstrap.servers": settings.bootstrap,
        "client.id": f"{settings.app}-{settings.instance}",
        "logger": logging.getLogger(KAFKA_LOGGER),
    }

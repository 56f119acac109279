"""What a command needs of a broker: an admin client, and any failure of Kafka as one error with the address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.edge import client
from streams.settings import Settings


class BrokerFailed(RuntimeError):
    """The broker did not answer, not in time, or with a refusal."""


def admin(settings: Settings) -> AdminClient:
    """An admin client under these settings."""
    return AdminClient(client.admin(settings))


@contextmanager
def reaching(settings: Settings) -> Iterator[None]:
    """Turns the failures of Kafka's clients inside into ``BrokerFailed``."""
    try:
        yield
    except KafkaException as error:
        reason = error.args[0]
        raise BrokerFailed(f"{settings.bootstrap}: {reason.str() if hasattr(reason, 'str') else reason}") from error
    except TimeoutError as error:
        raise BrokerFailed(f"{settings.bootstrap}: {error}") from error

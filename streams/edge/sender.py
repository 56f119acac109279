"""An idempotent producer for what Weir writes outside of transactions."""

from __future__ import annotations

import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.edge import client
from streams.settings import Settings

_WAIT = 30.0


class Sender:
    """An idempotent producer that ends at the first record that was not delivered."""

    def __init__(self, settings: Settings) -> None:
        self.failure: KafkaError | None = None
        # Only failures are reported back: a call for every delivery would cost more than the producing.
        config = client.producer(settings) | {"delivery.report.only.error": True, "on_delivery": self._failed}
        self.producer = Producer(config)

    def _failed(self, error: KafkaError | None, _message: Message) -> None:
        self.failure = self.failure or error

    def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]] = ()
    ) -> None:
        """Queue one record; waits while the queue is full. ``KafkaException`` if an earlier one failed."""
        while True:
            try:
                self.producer.produce(topic, value, key, headers=list(headers) or None)
                break
            except BufferError:
                self.wait(0.1)
        self.wait(0)

    def wait(self, seconds: float) -> None:
        """Serve delivery reports for up to ``seconds``."""
        self.producer.poll(seconds)
        if self.failure is not None:
            raise KafkaException(self.failure)

    def end(self) -> None:
        """Return when everything is delivered."""
        deadline = time.monotonic() + _WAIT
        left = self.producer.flush(_WAIT)
        while left and time.monotonic() < deadline:
            left = self.producer.flush(1.0)
        if self.failure is not None:
            raise KafkaException(self.failure)
        if left:
            raise TimeoutError(f"{left} records were not delivered in {_WAIT:.0f} s")

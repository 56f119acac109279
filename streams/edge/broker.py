"""Finds or starts a broker: the given address, else a container, else Apache Kafka's jars on this machine.

Each way that is not open says why in one clause; if none is, ``NoBroker`` carries them all in one sentence.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.edge import broker_container, broker_local, client
from streams.edge.broker_local import BrokerDied, LocalBroker, Unavailable
from streams.settings import Settings

__all__ = ["Broker", "BrokerDied", "Kind", "LocalBroker", "NoBroker", "Unavailable", "answering", "provide", "use"]

Kind = Literal["given", "container", "local"]
_NOT: dict[Kind, str] = {"container": "not in a container", "local": "not with local jars"}
_START_SECONDS = 60.0
_GIVEN_SECONDS = 15.0


class NoBroker(RuntimeError):
    """There is no broker, and none can be started; the message is one sentence for the user."""


class Broker(Protocol):
    """A broker that is there. ``stop`` ends it only where Weir started it."""

    @property
    def bootstrap(self) -> str:
        """Address, host:port[,host:port]."""

    @property
    def kind(self) -> str:
        """One of ``Kind``."""

    def stop(self) -> None:
        """End it and free what it holds. Safe to call twice."""


class GivenBroker:
    """Somebody else's broker; ``stop`` leaves it alone."""

    kind = "given"

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def stop(self) -> None:
        """Nothing: it is not ours."""


def provide(
    settings: Settings,
    progress: Callable[[str], None],
    *,
    ways: Sequence[Kind] = ("given", "container", "local"),
) -> Broker:
    """A broker that answers.

    A given address (``settings.bootstrap``) is used or it fails: nothing is started beside it. The others are tried in
    the order of ``ways``. Raises ``NoBroker``, and ``BrokerDied`` for a local broker that starts and ends.
    """
    if settings.bootstrap is not None and "given" in ways:
        return _given(settings)
    refusals = []
    for way in ways:
        try:
            if way == "container":
                return broker_container.start(settings.broker_image, progress, answering)
            if way == "local":
                return _local(settings.broker_data, progress)
        except Unavailable as reason:
            refusals.append(str(reason))
            progress(f"{_NOT[way]}: {reason}")
    raise NoBroker(
        "There is no Kafka broker: KAFKA_BOOTSTRAP_SERVERS is not set, and none can be started here "
        f"({'; '.join(refusals)}); `weir run --in-process` runs the same without one."
    )


@contextlib.contextmanager
def use(settings: Settings, progress: Callable[[str], None]) -> Iterator[tuple[Broker, Settings]]:
    """``provide`` for a ``with`` block: the broker, and the settings with its address in them."""
    found = provide(settings, progress)
    try:
        yield found, settings.model_copy(update={"bootstrap": found.bootstrap})
    finally:
        found.stop()


def answering(bootstrap: str, alive: Callable[[], None], *, seconds: float = _START_SECONDS) -> None:
    """Return when a broker answers there. ``alive`` is asked in between and raises if there is no more hope.

    Raises ``TimeoutError``.
    """
    deadline = time.monotonic() + seconds
    host, port = bootstrap.rsplit(":", 1)
    while True:  # plain connects first: librdkafka would log each one that is refused
        alive()
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1.0):
            break
        if time.monotonic() > deadline:
            raise TimeoutError(f"no broker answered at {bootstrap} within {seconds:.0f} s")
        time.sleep(0.05)
    admin = AdminClient(client.admin(Settings(bootstrap=bootstrap, kafka={})))
    while True:
        alive()
        with contextlib.suppress(KafkaException):
            if admin.list_topics(timeout=1.0).brokers:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"the broker at {bootstrap} took connections but did not answer within {seconds:.0f} s")


def _given(settings: Settings) -> GivenBroker:
    assert settings.bootstrap is not None
    try:
        AdminClient(client.admin(settings)).list_topics(timeout=_GIVEN_SECONDS)
    except KafkaException as error:
        raise NoBroker(
            f"The broker given as {settings.bootstrap} does not answer ({error.args[0].str()}): check the address "
            "(KAFKA_BOOTSTRAP_SERVERS, WEIR_BOOTSTRAP or weir.toml), or leave it out to have one started here."
        ) from None
    return GivenBroker(settings.bootstrap)


def _local(data: Path | None, progress: Callable[[str], None]) -> LocalBroker:
    java = broker_local.java()
    jars = broker_local.jars(progress)
    broker_local.sweep()
    broker = LocalBroker(java, jars, data=data)
    progress(f"starting Apache Kafka {broker_local.VERSION} at {broker.bootstrap}, log in {broker.log}")
    try:
        broker.start(answering)
    except BaseException:
        broker.stop()
        raise
    return broker

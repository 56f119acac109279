"""A process that folds a log, whichever it is: its role, its sessions, and what it tells about itself.

``correlate`` folds the partition log into units, ``links`` the indicators into links between them. Both are one Faust
worker with the same transport; they differ in their topics, their fold and what they count.
"""

from __future__ import annotations

import gc
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import orjson
import prometheus_client
import structlog
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from streams.edge import client, pump
from streams.edge.health import Health, HealthServer
from streams.edge.memory import settle
from streams.edge.session import Session
from streams.edge.worker import Process, Worker
from streams.log import configure
from streams.metrics import Metrics
from streams.records import Output
from streams.settings import Settings

log = structlog.get_logger(__name__)

F = TypeVar("F", bound=pump.Fold)


class Role(NamedTuple):
    """What a folding process reads and writes; names of topics without the prefix. See ``pump.Topics``."""

    name: str
    log: str
    state: str
    outputs: tuple[str, ...]
    spread: frozenset[str]
    witness: str | None

    def topics(self, settings: Settings) -> pump.Topics:
        """Its topics by full name."""
        return pump.Topics(
            log=settings.topic(self.log),
            state=settings.topic(self.state),
            outputs={output: settings.topic(output) for output in self.outputs},
            spread=self.spread,
            witness=None if self.witness is None else settings.topic(self.witness),
            partitions=settings.partitions,
        )


CORRELATE = Role(
    "correlate",
    log="events",
    state="state",
    outputs=("units", "suppressed", "dead-letters", "indicators"),
    spread=frozenset({"indicators"}),
    witness="units",
)
LINKS = Role(
    "links",
    log="indicators",
    state="links-state",
    outputs=("events", "dead-letters"),
    spread=frozenset({"events"}),
    witness=None,  # its records are some among many in the log
)
ROLES = (CORRELATE, LINKS)


class Told(pump.Observer, ABC, Generic[F]):
    """Turns what the pump reports into metrics and readiness. A subclass says what its fold counts."""

    def __init__(self, metrics: Metrics, health: Health, fresh: Callable[[int], F]) -> None:
        self.metrics = metrics
        self.health = health
        self.fresh = fresh
        self.folds: dict[int, F] = {}
        self.newest = 0
        self.before: Counter[tuple[int, str, str]] = Counter()

    def make(self, partition: int) -> F:
        """A fresh fold for a partition, and the one whose counts are reported."""
        fold = self.folds[partition] = self.fresh(partition)
        self.before = Counter({at: n for at, n in self.before.items() if at[0] != partition})
        return fold

    @abstractmethod
    def counted(self, fold: F) -> Iterable[tuple[str, prometheus_client.Counter, Counter[str]]]:
        """What a fold counted since it was made: a name, and the metric with one label that the counts go to."""

    def wrote(self, output: Output) -> None:
        """A committed output that is no dead letter."""

    def restoring(self, partitions: Sequence[int]) -> None:
        """State is being read back: not ready."""
        self.health.not_ready(f"restoring partitions {list(partitions)}")
        log.info("restoring", partitions=list(partitions))

    def assigned(self, partitions: Sequence[int]) -> None:
        """Ready, also without any partition: a spare worker does its work."""
        self.metrics.partitions.set(len(partitions))
        self.health.ready()
        gc.freeze()  # restored rows live long; keep the collector from walking them
        log.info("assigned", partitions=list(partitions))

    def revoked(self) -> None:
        """Between two assignments."""
        self.metrics.partitions.set(0)
        self.folds.clear()
        self.health.not_ready("waiting for partitions")

    def folded(self, records: int, size: int, newest: int) -> None:
        """Counted; shown with the next commit."""
        self.metrics.log_records.inc(records)
        self.metrics.log_bytes.inc(size)
        self.newest = newest

    def committed(self, outputs: Sequence[Output], state: int, seconds: float) -> None:
        """A transaction ended well: what it held is what happened."""
        now = time.time()
        metrics = self.metrics
        metrics.commit_seconds.observe(seconds)
        metrics.last_commit.set(now)
        metrics.state_rows.inc(state)
        if self.newest:
            metrics.log_delay_seconds.observe(max(0.0, now - self.newest / 1000))
        for output in outputs:
            if output.role == "dead-letters":
                stage = next((v.decode() for k, v in output.headers if k == "__weir.errors.stage"), "")
                metrics.dead_letters.labels(stage).inc()
            else:
                self.wrote(output)
        for partition, fold in self.folds.items():
            for name, metric, counts in self.counted(fold):
                for label, count in counts.items():
                    at = (partition, name, label)
                    if more := count - self.before[at]:
                        metric.labels(label).inc(more)
                        self.before[at] = count

    def turned(self) -> None:
        """The pump's loop turned: live."""
        self.health.beat()

    def failed(self, reason: str) -> None:
        """A session ended by a failure: not ready until the next assignment."""
        self.metrics.sessions_failed.inc()
        self.health.not_ready(reason)

    def ticked(self) -> None:
        """A tick was appended."""
        self.metrics.ticks.inc()


def limits(settings: Settings) -> pump.Limits:
    """Intervals in seconds, out of the settings."""
    return pump.Limits(
        commit_interval=settings.commit_interval_ms / 1000,
        tick_interval=settings.tick_interval_ms / 1000,
        transaction_wait=max(30.0, settings.transaction_timeout_ms / 1000),
    )


def session_factory(
    settings: Settings,
    role: Role,
    observer: pump.Observer,
    make_fold: Callable[[int], pump.Fold],
    session: type[pump.PumpSession] = pump.PumpSession,
) -> Callable[[Process, threading.Event], Session]:
    """Builds sessions for these settings; ``session`` may be a subclass, to break it in tests."""
    ticker = Producer(client.producer(settings))
    admin = AdminClient(client.admin(settings))
    group = settings.group(role.name)

    def make(process: Process, stop: threading.Event) -> Session:
        return session(
            consumer=client.consumer(settings, group, instance=settings.instance),
            producer=client.transactional(settings, settings.transactional_id(role.name)),
            ticker=ticker,
            admin=admin,
            topics=role.topics(settings),
            limits=limits(settings),
            make_fold=make_fold,
            process=process,
            observer=observer,
            stop=stop,
        )

    return make


def on_control(settings: Settings) -> Callable[[bytes], None]:
    """What a message of the control topic does: ``{"log_level": "debug"}`` changes the log level of every worker."""

    def control(message: bytes) -> None:
        try:
            command: Any = orjson.loads(message)
            configure(command["log_level"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            log.warning("control message not understood", error=repr(error))
        else:
            log.info("log level changed", level=command["log_level"], app=settings.app)

    return control


def run(
    settings: Settings,
    role: Role,
    told: Callable[[Metrics, Health], Told[Any]],
    session: type[pump.PumpSession] = pump.PumpSession,
) -> None:
    """Fold until SIGTERM or SIGINT; ends the process."""
    assert settings.bootstrap is not None
    settle()
    metrics, health = Metrics(role.name), Health()
    observer = told(metrics, health)
    if settings.metrics_port:
        HealthServer(health, metrics.registry, host=settings.metrics_host, port=settings.metrics_port)
    Worker(
        bootstrap=settings.bootstrap,
        # Faust's own group: its one member is this process, so it must not be shared with another role's.
        app_id=f"{settings.app}-{role.name}-control-{settings.instance}",
        instance=settings.instance,
        control_topic=settings.topic("control"),
        make_session=session_factory(settings, role, observer, observer.make, session),
        observer=observer,
        role=role.name,
        on_control=on_control(settings),
    ).run()

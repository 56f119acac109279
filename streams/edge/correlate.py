"""The correlate process: the worker, with the real pipeline behind it, and what it tells about itself."""

from __future__ import annotations

import gc
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import orjson
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
from streams.pipeline import Pipeline
from streams.records import Output
from streams.settings import Settings

log = structlog.get_logger(__name__)

OUTPUTS = ("units", "suppressed", "dead-letters", "indicators")


class Told(pump.Observer):
    """Turns what the pump reports into metrics and readiness."""

    def __init__(self, metrics: Metrics, health: Health) -> None:
        self.metrics = metrics
        self.health = health
        self.pipelines: dict[int, Pipeline] = {}
        self.newest = 0
        self.before: Counter[tuple[int, str]] = Counter()

    def make(self, partition: int) -> Pipeline:
        """A fresh pipeline for a partition, and the one whose counts are reported."""
        pipeline = self.pipelines[partition] = Pipeline(partition)
        self.before = Counter({at: n for at, n in self.before.items() if at[0] != partition})
        return pipeline

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
        self.pipelines.clear()
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
            if output.role == "units":
                metrics.revisions.labels(orjson.loads(output.value)["reason"]).inc()
            elif output.role == "dead-letters":
                stage = next((v.decode() for k, v in output.headers if k == "__weir.errors.stage"), "")
                metrics.dead_letters.labels(stage).inc()
        for partition, pipeline in self.pipelines.items():
            for outcome, count in pipeline.counts.items():
                if more := count - self.before[partition, outcome]:
                    metrics.events.labels(outcome).inc(more)
                    self.before[partition, outcome] = count

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


def topics(settings: Settings) -> pump.Topics:
    """The topics of the worker by role."""
    return pump.Topics(
        log=settings.topic("events"),
        state=settings.topic("state"),
        outputs={role: settings.topic(role) for role in OUTPUTS},
    )


def limits(settings: Settings) -> pump.Limits:
    """Intervals in seconds, out of the settings."""
    return pump.Limits(
        commit_interval=settings.commit_interval_ms / 1000,
        tick_interval=settings.tick_interval_ms / 1000,
        transaction_wait=max(30.0, settings.transaction_timeout_ms / 1000),
    )


def session_factory(
    settings: Settings,
    observer: pump.Observer,
    make_fold: Callable[[int], pump.Fold],
    session: type[pump.PumpSession] = pump.PumpSession,
) -> Callable[[Process, threading.Event], Session]:
    """Builds sessions for these settings; ``session`` may be a subclass, to break it in tests."""
    ticker = Producer(client.producer(settings))
    admin = AdminClient(client.admin(settings))
    group = settings.group("correlate")

    def make(process: Process, stop: threading.Event) -> Session:
        return session(
            consumer=client.consumer(settings, group, instance=settings.instance),
            producer=client.transactional(settings, settings.transactional_id("correlate")),
            ticker=ticker,
            admin=admin,
            topics=topics(settings),
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


def run(settings: Settings, session: type[pump.PumpSession] = pump.PumpSession) -> None:
    """Correlate until SIGTERM or SIGINT; ends the process."""
    assert settings.bootstrap is not None
    settle()
    metrics, health = Metrics("correlate"), Health()
    told = Told(metrics, health)
    if settings.metrics_port:
        HealthServer(health, metrics.registry, host=settings.metrics_host, port=settings.metrics_port)
    Worker(
        bootstrap=settings.bootstrap,
        app_id=f"{settings.app}-control-{settings.instance}",
        instance=settings.instance,
        control_topic=settings.topic("control"),
        make_session=session_factory(settings, told, told.make, session),
        observer=told,
        on_control=on_control(settings),
    ).run()

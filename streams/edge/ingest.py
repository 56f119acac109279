"""The ingest process: raw topics in, partition log and dead letters out, one transaction a poll.

Offsets of the raw topics are committed with what was made of them, so a raw record is read exactly once. After any
failure nothing is repaired: consumer and producer are thrown away, and a new session starts from what is committed.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import orjson
import structlog
from confluent_kafka import Consumer, Message, TopicPartition

from schemas.dead_letter import DeadLetter
from streams.catalog import Catalog
from streams.dead_letters import headers as dead_letter_headers
from streams.edge import client
from streams.edge.context import ContextReader, text, withdrawn
from streams.edge.health import Health, HealthServer
from streams.edge.memory import settle
from streams.edge.session import EXIT_FAILED, SessionEnded, Writer, close_all, is_record, run_sessions
from streams.ingest import Ingest, Packed, Placed, RawRecord
from streams.metrics import Metrics
from streams.redaction import Redactor
from streams.routing import partition_of
from streams.settings import Settings, redaction_key
from streams.sigma.in_force import InForce
from streams.sources.base import Source
from streams.sources.family import AWS, AZURE, SCANS, VEX, Family
from streams.sources.known import known_with
from streams.sources.review import Reviews
from streams.sources.steering import Steering

log = structlog.get_logger(__name__)

SOURCE_OF_TOPIC = {
    "cloudtrail": "aws.cloudtrail",
    "github": "github.webhook",
    "cdevents": "cdevents",
    "kubernetes_audit": "kubernetes.audit",
    "kubernetes_events": "kubernetes.events",
    "argocd": "argocd",
    "flux": "flux",
    "tekton": "tekton",
    "falco": "falco",
    "trivy": "trivy",
    "trivy_operator": "trivy.operator",
    "sarif": "sarif",
    "ocsf": "ocsf",
    "vpcflow": "aws.vpcflow",
    "okta": "okta",
    "gcp_audit": "gcp.audit",
    "github_audit": "github.audit",
    "suricata": "suricata",
    "wazuh": "wazuh",
    "ecs": "ecs",
    "terraform": "terraform",
    "gitlab": "gitlab.webhook",
    "policy_exceptions": "policy.exceptions",
}
"""Short name of a raw topic, as in the settings, to the source bound to it."""

FAMILY_OF_TOPIC = {"aws": AWS, "azure": AZURE, "scans": SCANS, "vex": VEX}
"""The same for topics that carry several formats, told apart by content."""

ENVELOPE = 65_536
"""Room that a record of the log leaves below the message limit."""

FETCH = 4_000
FETCH_WAIT = 0.1
WAIT = 30.0


class Read(NamedTuple):
    """What one transaction held: raw records and their bytes, what became of their items, and the seconds it took.

    ``detected`` and ``undetected`` are those of ``Ingest.take_detected``, ``rules`` the detections loaded, by state.
    """

    records: int
    size: int
    packed: Sequence[Packed]
    dead: Sequence[DeadLetter]
    counts: Counter[str]
    ignored: Counter[tuple[str, str]]
    seconds: float
    detected: Counter[str]
    undetected: Counter[str]
    rules: Counter[str]


class IngestSession:
    """One membership in the ingest group, with one transactional producer, until something goes wrong or ``stop``."""

    def __init__(self, settings: Settings, stop: threading.Event, told: Callable[[Read], None], health: Health) -> None:
        self.settings = settings
        self.stop = stop
        self.told = told
        self.health = health
        self.commits = 0
        self.failure: BaseException | None = None
        self.sources = sources(settings)
        self.catalog = Catalog()
        rules = InForce()
        self.context = ContextReader(settings, self.catalog, rules)
        self.ingest = Ingest(self.catalog, Redactor(redaction_key(settings)), settings.partitions, rules=rules)
        self.writer = Writer(client.transactional(settings, settings.transactional_id("ingest")), WAIT)
        self.consumer = Consumer(client.consumer(settings, settings.group("ingest"), offset_reset="earliest"))
        self.metadata: object = None
        self.owned: set[tuple[str, int]] = set()

    def run(self) -> None:
        """Work until ``stop``.

        Raises:
            SessionEnded: start a new session.
        """
        self.writer.start()
        self.context.catch_up()
        self.consumer.subscribe(
            list(self.sources), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        while not self.stop.is_set():
            self._turn()

    def close(self) -> None:
        """Leave. Never raises; safe in any state."""
        close_all(self.consumer.close, self.context.close, self.writer.close)

    def _turn(self) -> None:
        messages = self._fetch()
        self.health.beat()
        if self.failure is not None:
            raise self.failure
        self.context.poll()
        records = [r for m in messages if (r := self._record(m)) is not None]
        if not records:
            return
        placed: list[Placed] = []
        dead: list[DeadLetter] = []
        for record in records:
            events, refused = self.ingest.read(record)
            placed += events
            dead += refused
        packed, refused = self.ingest.pack(
            placed, self.settings.batch_bytes, self.settings.max_message_bytes - ENVELOPE
        )
        dead += refused
        started = time.monotonic()
        self._commit(records, packed, dead)
        size = sum(len(r.value or b"") for r in records)
        counts, ignored = self.ingest.take_counts()
        detected, undetected = self.ingest.take_detected()
        seconds = time.monotonic() - started
        rules = self.ingest.rules.counts
        self.told(Read(len(records), size, packed, dead, counts, ignored, seconds, detected, undetected, rules))

    def _fetch(self) -> list[Message]:
        return self.consumer.consume(FETCH, timeout=FETCH_WAIT)

    def _record(self, message: Message) -> RawRecord | None:
        if not is_record(message):
            return None
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        assert topic is not None
        assert partition is not None
        assert offset is not None
        if (topic, partition) not in self.owned:
            return None  # fetched before a rebalance; its new owner reads it
        key, value = message.key(), message.value()
        if value is None and topic == self.settings.topic("context"):
            value = orjson.dumps(withdrawn(text(key)))
        return RawRecord(
            topic,
            partition,
            offset,
            message.timestamp()[1],
            key.encode() if isinstance(key, str) else key,
            _headers(message),
            value,
            self.sources[topic],
        )

    def _commit(self, records: Sequence[RawRecord], packed: Sequence[Packed], dead: Sequence[DeadLetter]) -> None:
        positions = {(record.topic, record.partition): record.offset + 1 for record in records}
        events, letters = self.settings.topic("events"), self.settings.topic("dead-letters")

        def write() -> None:
            for record in packed:
                self.writer.write(events, record.partition, None, record.value)
            for letter in dead:
                key = f"{letter.topic}/{letter.partition}/{letter.offset}"
                home = partition_of(key, self.settings.partitions)
                value = letter.model_dump_json().encode()
                self.writer.write(letters, home, key.encode(), value, dead_letter_headers(letter))

        offsets = [TopicPartition(topic, partition, at) for (topic, partition), at in positions.items()]
        self.writer.transact(write, offsets, self.metadata)
        self.commits += 1

    # Rebalances run inside consume(), between two transactions, so there is never anything to abort or to save.

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # Taken now and not at commit: after the membership is lost the client's metadata is empty, and the broker
        # accepts offsets without a generation, which would unfence a zombie.
        self.metadata = consumer.consumer_group_metadata()
        self.owned = {(tp.topic, tp.partition) for tp in partitions}
        consumer.assign(partitions)
        self.health.ready()

    def _on_revoke(self, consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self.owned = set()
        consumer.unassign()

    def _on_lost(self, consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self.owned = set()
        consumer.unassign()
        self.failure = SessionEnded("the group gave our partitions to others")


def sources(settings: Settings) -> dict[str, Source | Family]:
    """The source of every topic that ingest reads: the raw topics, context, configuration and reviews."""
    known = known_with(*settings.mappings)
    bound: dict[str, Source | Family] = {
        topic: FAMILY_OF_TOPIC.get(short) or known.by_name(SOURCE_OF_TOPIC.get(short, short))
        for short, topic in settings.raw_topics.items()
    }
    for name in ("context", "config"):
        bound[settings.topic(name)] = Steering()
    bound[settings.topic("reviews")] = Reviews()
    return bound


def _headers(message: Message) -> list[tuple[str, bytes | None]]:
    pairs: Any = message.headers() or ()  # declared wider than what a consumer gives
    return [(name, value.encode() if isinstance(value, str) else value) for name, value in pairs]


class IngestTold:
    """Turns what ingest reports into metrics and readiness."""

    def __init__(self, metrics: Metrics, health: Health) -> None:
        self.metrics = metrics
        self.health = health

    def __call__(self, read: Read) -> None:
        """One transaction ended well."""
        metrics = self.metrics
        metrics.raw_records.inc(read.records)
        metrics.raw_bytes.inc(read.size)
        metrics.commit_seconds.observe(read.seconds)
        metrics.last_commit.set_to_current_time()
        for outcome, count in read.counts.items():
            metrics.items.labels(outcome).inc(count)
        for (source, reason), count in read.ignored.items():
            metrics.ignored.labels(source, reason).inc(count)
        for letter in read.dead:
            metrics.dead_letters.labels(letter.stage).inc()
        for level, count in read.detected.items():
            metrics.detections.labels(level).inc(count)
        for reason, count in read.undetected.items():
            metrics.detections_failed.labels(reason).inc(count)
        for state, count in read.rules.items():
            metrics.detection_rules.labels(state).set(count)


def run(settings: Settings, session: type[IngestSession] = IngestSession) -> int:
    """Ingest until SIGTERM or SIGINT. Returns the exit code."""
    settle()
    metrics, health = Metrics("ingest"), Health()
    told = IngestTold(metrics, health)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if settings.metrics_port:
        HealthServer(health, metrics.registry, host=settings.metrics_host, port=settings.metrics_port)
    try:
        run_sessions(lambda: session(settings, stop, told, health), stop, health.not_ready)
    except SessionEnded as error:
        log.critical("ingest gives up", reason=str(error))
        return EXIT_FAILED
    return 0

"""The transport of a worker: log records in, one Kafka transaction out, exactly once by the broker's own protocol.

One thread owns consumer and producer. It fetches, hands the records to the agent and waits for it, and every
``commit_interval`` writes everything that followed from them in one transaction: outputs, changed state, and the
group's offsets with the group's metadata. Because nothing is in flight while it fetches, a rebalance, which librdkafka
reports inside ``consume``, always finds the worker between two steps.

Any failure throws away the consumer, the producer and the state in memory, and begins a new session from what is
committed; nothing is repaired in place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.edge import restore

log = structlog.get_logger(__name__)

TICK = b'[{"type":"tick","v":1}]'


class Record(NamedTuple):
    """One record of the partition log. ``log_time`` is its append time, ms since the epoch."""

    partition: int
    offset: int
    log_time: int
    value: bytes


class Output(NamedTuple):
    """One record to write: ``role`` names the topic (``units``, ``suppressed``, ``dead-letters``, ``indicators``)."""

    role: str
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


class Fold(Protocol):
    """The pure part: one partition's state."""

    def load(self, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back. Called for all of them, in order, before the first ``step``."""

    def step(self, record: Record) -> list[Output]:
        """Fold one record of the log."""

    def drain(self) -> list[tuple[bytes, bytes | None]]:
        """State that changed since the last drain, as changelog records."""

    def next_due(self) -> int | None:
        """The log time at which something is due even if nothing arrives, ms; None if nothing is."""


class Topics(NamedTuple):
    """Full topic names."""

    log: str
    state: str
    outputs: dict[str, str]


class Limits(NamedTuple):
    """When to commit, when to tick, and how long to wait. Seconds and bytes."""

    commit_interval: float = 0.2
    commit_bytes: int = 16 * 2**20
    fetch: int = 32
    fetch_wait: float = 0.05
    tick_interval: float = 1.0
    transaction_wait: float = 30.0


class Observer:
    """Told what happened, for metrics and readiness. This one listens to nothing; a subclass must not raise."""

    def restoring(self, partitions: Sequence[int]) -> None:
        """The state of these partitions is being read back."""

    def assigned(self, partitions: Sequence[int]) -> None:
        """These partitions are restored and being folded; empty if the group has none for us."""

    def revoked(self) -> None:
        """No partition is ours any more."""

    def folded(self, records: int, size: int, newest: int) -> None:
        """``records`` of ``size`` bytes in all were folded, the last appended at ``newest`` ms."""

    def committed(self, outputs: Sequence[Output], state: int, seconds: float) -> None:
        """A transaction with these outputs and ``state`` changelog records took ``seconds``."""

    def failed(self, reason: str) -> None:
        """A session ended by a failure."""

    def ticked(self) -> None:
        """A tick was appended to the log."""


class SessionEnded(Exception):  # noqa: N818 - the end of a session is an event, and often no error of ours
    """This session cannot go on: fenced, timed out, lost, or the outcome of a commit is not known."""


PASSING = frozenset({KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT, KafkaError._RESOLVE})
"""Consumer errors that librdkafka mends by itself."""


class Owned:
    """A partition that this session owns."""

    __slots__ = ("at_end", "fold", "genesis", "last_tick", "moved", "position")

    def __init__(self, fold: Fold, start: restore.Start) -> None:
        self.fold = fold
        self.position = start.position
        self.genesis = start.genesis
        self.moved = start.genesis is not None
        self.at_end = False
        self.last_tick = 0.0


class Session:
    """One membership in the group, with one transactional producer, until something goes wrong or ``stop`` is set."""

    def __init__(
        self,
        *,
        consumer: dict[str, Any],
        producer: dict[str, Any],
        ticker: Producer,
        admin: AdminClient,
        topics: Topics,
        limits: Limits,
        make_fold: Callable[[int], Fold],
        process: Callable[[Sequence[tuple[Fold, Record]]], list[list[Output]]],
        observer: Observer,
        stop: threading.Event,
    ) -> None:
        self.consumer_settings = consumer
        self.admin = admin
        self.topics = topics
        self.limits = limits
        self.make_fold = make_fold
        self.process = process
        self.observer = observer
        self.stop = stop
        self.ticker = ticker
        self.owned: dict[int, Owned] = {}
        self.pending: list[tuple[int, Output]] = []
        self.pending_bytes = 0
        self.open_since: float | None = None
        self.metadata: Any = None
        self.commits = 0
        self.failure: BaseException | None = None
        self.log_id = self._log_id()
        self.producer = Producer(producer)
        self.consumer = Consumer(consumer | {"enable.partition.eof": True})

    def _log_id(self) -> str:
        described = self.admin.describe_topics(TopicCollection([self.topics.log]), request_timeout=30)
        return str(described[self.topics.log].result().topic_id)

    def run(self) -> None:
        """Work until ``stop``; leaves nothing uncommitted that it can still commit.

        Raises:
            SessionEnded: start a new session.
            restore.Refused: do not.
        """
        self.producer.init_transactions(self.limits.transaction_wait)
        self.consumer.subscribe(
            [self.topics.log], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        while not self.stop.is_set():
            self._turn()
        self._commit()

    def close(self) -> None:
        """Leave without committing. Never raises; safe in any state."""
        self.owned = {}
        self.pending = []
        for what in (self.consumer.close, self.producer.purge, lambda: self.producer.flush(1.0)):
            try:
                what()
            except (KafkaException, RuntimeError) as error:
                log.debug("close", error=str(error))

    def _turn(self) -> None:
        messages = self._fetch()
        if self.failure is not None:
            raise self.failure
        records = [r for m in messages if (r := self._record(m)) is not None]
        if records:
            self._fold(records)
        if self.open_since is not None and (
            self.pending_bytes >= self.limits.commit_bytes
            or time.monotonic() - self.open_since >= self.limits.commit_interval
        ):
            self._commit()
        self._tick()

    def _fetch(self) -> list[Message]:
        return self.consumer.consume(self.limits.fetch, timeout=self.limits.fetch_wait)

    def _record(self, message: Message) -> Record | None:
        partition, offset = message.partition(), message.offset()
        error = message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                owned = self.owned.get(partition if partition is not None else -1)
                if owned is not None:
                    owned.at_end = True
                return None
            if error.fatal() or not (error.retriable() or error.code() in PASSING):
                raise SessionEnded(f"consumer: {error}")
            log.warning("consumer", error=str(error))
            return None
        assert partition is not None
        assert offset is not None
        value = message.value()
        return Record(partition, offset, message.timestamp()[1], value if value is not None else b"")

    def _fold(self, records: Sequence[Record]) -> None:
        work: list[tuple[Fold, Record]] = []
        for record in records:
            owned = self.owned.get(record.partition)
            if owned is None or record.offset < owned.position:
                continue  # fetched before a rebalance: another's by now, or already folded
            owned.position = record.offset + 1
            owned.moved = True
            owned.at_end = False
            work.append((owned.fold, record))
        if not work:
            return
        if self.open_since is None:
            self.open_since = time.monotonic()
        for (_, record), outputs in zip(work, self.process(work), strict=True):
            for output in outputs:
                self.pending.append((record.partition, output))
                self.pending_bytes += len(output.value)
        newest = work[-1][1].log_time
        self.observer.folded(len(work), sum(len(r.value) for _, r in work), newest)

    def _commit(self) -> None:
        """One transaction for everything since the last one. On any failure the session is over."""
        self.open_since = None
        moved = {p: o for p, o in self.owned.items() if o.moved}
        if not moved and not self.pending:
            return
        started = time.monotonic()
        state = 0
        try:
            self.producer.begin_transaction()
            for partition, output in self.pending:
                self._produce(self.topics.outputs[output.role], partition, output.key, output.value, output.headers)
            for partition, owned in moved.items():
                if owned.genesis is not None:
                    self._produce(
                        self.topics.state, partition, restore.GENESIS_KEY, restore.encode_genesis(owned.genesis)
                    )
                for key, value in owned.fold.drain():
                    self._produce(self.topics.state, partition, key, value)
                    state += 1
                self._produce(self.topics.state, partition, restore.POSITION_KEY, b"%d" % owned.position)
            self._finish(moved)
        except KafkaException as error:
            raise self._ended(error) from error
        self.commits += 1
        for owned in moved.values():
            owned.moved = False
            owned.genesis = None
        self.observer.committed([o for _, o in self.pending], state, time.monotonic() - started)
        self.pending = []
        self.pending_bytes = 0

    def _finish(self, moved: dict[int, Owned]) -> None:
        offsets = [TopicPartition(self.topics.log, p, o.position) for p, o in moved.items()]
        self.producer.send_offsets_to_transaction(offsets, self.metadata, self.limits.transaction_wait)
        deadline = time.monotonic() + self.limits.transaction_wait
        while True:
            try:
                self.producer.commit_transaction(self.limits.transaction_wait)
                return
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise
                log.warning("commit is tried again", error=str(error))

    def _produce(
        self, topic: str, partition: int, key: bytes, value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        while True:
            try:
                self.producer.produce(topic, value, key, partition, headers=list(headers) if headers else None)
                return
            except BufferError:
                self.producer.poll(0.1)

    def _ended(self, error: KafkaException) -> SessionEnded:
        problem: KafkaError = error.args[0]
        if problem.txn_requires_abort():
            try:
                self.producer.abort_transaction(self.limits.transaction_wait)
            except KafkaException as second:
                log.warning("abort failed", error=str(second))
        return SessionEnded(f"transaction: {problem}")

    def _tick(self) -> None:
        """Let time pass on partitions that are read to their end while something waits for the log's clock."""
        now = time.time()
        for partition, owned in self.owned.items():
            if not owned.at_end or now - owned.last_tick < self.limits.tick_interval:
                continue
            due = owned.fold.next_due()
            if due is None or now * 1000 < due:
                continue
            owned.last_tick = now
            self.ticker.produce(self.topics.log, TICK, partition=partition)
            self.observer.ticked()
        self.ticker.poll(0)

    # Rebalances. All three run inside consume(), on the pump's thread, with nothing in flight.

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            # Taken now and not at commit: after the membership is lost the client's metadata is empty, and the broker
            # accepts offsets without a generation, which would unfence a zombie.
            self.metadata = consumer.consumer_group_metadata()
            numbers = sorted(tp.partition for tp in partitions)
            self.observer.restoring(numbers)
            self.owned = self._restore(numbers)
            consumer.assign([TopicPartition(self.topics.log, p, o.position) for p, o in self.owned.items()])
            if any(o.moved for o in self.owned.values()):
                self.open_since = time.monotonic()
            self.observer.assigned(numbers)
        except KafkaException as error:
            self.failure = SessionEnded(f"assignment: {error}")
        except (restore.Refused, TimeoutError) as error:
            self.failure = error

    def _restore(self, numbers: Sequence[int]) -> dict[int, Owned]:
        if not numbers:
            return {}
        group = restore.committed(self.consumer, self.topics.log, numbers)
        units = self.topics.outputs["units"]
        names = [(t, p) for t in (self.topics.log, self.topics.state, units) for p in numbers]
        ends = restore.bounds(self.admin, names)
        folds = {p: self.make_fold(p) for p in numbers}
        genesis: dict[int, restore.Genesis] = {}
        positions: dict[int, int] = {}

        def load(partition: int, key: bytes, value: bytes | None) -> None:
            if key == restore.GENESIS_KEY and value is not None:
                genesis[partition] = restore.decode_genesis(value)
            elif key == restore.POSITION_KEY and value is not None:
                positions[partition] = int(value)
            else:
                folds[partition].load(key, value)

        restore.read_changelog(
            self.consumer_settings, self.topics.state, {p: ends[self.topics.state, p] for p in numbers}, load
        )
        return {
            p: Owned(
                folds[p],
                restore.start_of(
                    topic=self.topics.log,
                    partition=p,
                    log=ends[self.topics.log, p],
                    log_topic_id=self.log_id,
                    units=ends[units, p],
                    group_offset=group[p],
                    genesis=genesis.get(p),
                    position=positions.get(p),
                ),
            )
            for p in numbers
        }

    def _on_revoke(self, consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        try:
            self._commit()
        except SessionEnded as error:
            self.failure = error
        self._drop()
        consumer.unassign()

    def _on_lost(self, consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self._drop()
        consumer.unassign()
        self.failure = SessionEnded("the group gave our partitions to others")

    def _drop(self) -> None:
        self.owned = {}
        self.pending = []
        self.pending_bytes = 0
        self.open_since = None
        self.observer.revoked()


def run(make_session: Callable[[], Session], stop: threading.Event, observer: Observer, attempts: int = 3) -> None:
    """Session after session until ``stop``. Failures in a row without a commit between them end the worker.

    Raises:
        restore.Refused: at once.
        SessionEnded: after ``attempts`` failures in a row.
    """
    failures = 0
    while not stop.is_set():
        session = make_session()
        try:
            session.run()
        except (SessionEnded, TimeoutError, KafkaException) as error:
            failures = 1 if session.commits else failures + 1
            observer.failed(str(error))
            log.warning("session ended, starting again from what is committed", reason=str(error), failures=failures)
            if failures >= attempts:
                raise SessionEnded(f"{failures} sessions in a row failed, the last: {error}") from error
            stop.wait(min(0.5 * failures, 5.0))
        finally:
            session.close()

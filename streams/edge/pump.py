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

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.edge import restore
from streams.edge.session import SessionEnded, Writer, close_all, is_record
from streams.records import LogRecord, Output
from streams.routing import partition_of

TICK = b'[{"type":"tick","v":1}]'


class Fold(Protocol):
    """The pure part: one partition's state."""

    def load(self, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back. Called for all of them, in order, before the first ``step``."""

    def step(self, record: LogRecord) -> list[Output]:
        """Fold one record of the log."""

    def drain(self) -> list[tuple[bytes, bytes | None]]:
        """State that changed since the last drain, as changelog records."""

    def next_due(self) -> int | None:
        """The log time at which something is due even if nothing arrives, ms; None if nothing is."""


class Topics(NamedTuple):
    """Full topic names, and where in them an output goes.

    Outputs of the roles in ``spread`` go to the partition of their key, since they are for the owner of what the key
    names; all others to the partition that the log record has, so that one frozen owner stalls its own readers only.
    ``witness`` is the topic that holds nothing exactly if the log was never folded; None where no topic can tell.
    """

    log: str
    state: str
    outputs: dict[str, str]
    spread: frozenset[str]
    witness: str | None
    partitions: int

    def place(self, output: Output, partition: int) -> int:
        """The partition for an output of a record of ``partition``."""
        return partition_of(output.key.decode(), self.partitions) if output.role in self.spread else partition


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

    def turned(self) -> None:
        """The pump's loop turned once, whether or not there was anything to do."""

    def failed(self, reason: str) -> None:
        """A session ended by a failure."""

    def ticked(self) -> None:
        """A tick was appended to the log."""


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


class PumpSession:
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
        process: Callable[[Sequence[tuple[Fold, LogRecord]]], list[list[Output]]],
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
        self.closing = False
        self.failure: BaseException | None = None
        self.log_id = self._log_id()
        self.writer = Writer(producer, limits.transaction_wait)
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
        self.writer.start()
        self.consumer.subscribe(
            [self.topics.log], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        while not self.stop.is_set():
            self._turn()
        self._commit()

    def close(self) -> None:
        """Leave without committing. Never raises; safe in any state."""
        self.closing = True
        self.owned = {}
        self.pending = []
        close_all(self.consumer.close, self.writer.close)

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
        self.observer.turned()

    def _fetch(self) -> list[Message]:
        return self.consumer.consume(self.limits.fetch, timeout=self.limits.fetch_wait)

    def _record(self, message: Message) -> LogRecord | None:
        if not is_record(message, self._at_end):
            return None
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        return LogRecord(partition, offset, message.timestamp()[1], message.value() or b"")

    def _at_end(self, partition: int) -> None:
        if (owned := self.owned.get(partition)) is not None:
            owned.at_end = True

    def _fold(self, records: Sequence[LogRecord]) -> None:
        work: list[tuple[Fold, LogRecord]] = []
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
        if not moved:
            return
        started = time.monotonic()
        state = 0

        def write() -> None:
            nonlocal state
            topics = self.topics
            for partition, output in self.pending:
                place = topics.place(output, partition)
                self.writer.write(topics.outputs[output.role], place, output.key, output.value, output.headers)
            for partition, owned in moved.items():
                state += self._write_state(partition, owned)

        offsets = [TopicPartition(self.topics.log, p, o.position) for p, o in moved.items()]
        self.writer.transact(write, offsets, self.metadata)
        self.commits += 1
        for owned in moved.values():
            owned.moved = False
            owned.genesis = None
        self.observer.committed([o for _, o in self.pending], state, time.monotonic() - started)
        self.pending = []
        self.pending_bytes = 0

    def _write_state(self, partition: int, owned: Owned) -> int:
        topic = self.topics.state
        if owned.genesis is not None:
            self.writer.write(topic, partition, restore.GENESIS_KEY, restore.encode_genesis(owned.genesis))
        rows = owned.fold.drain()
        for key, value in rows:
            self.writer.write(topic, partition, key, value)
        self.writer.write(topic, partition, restore.POSITION_KEY, b"%d" % owned.position)
        return len(rows)

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
        if self.closing:  # close() delivers an assignment that was on its way
            consumer.unassign()
            return
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
        except (restore.Refused, SessionEnded, TimeoutError) as error:
            self.failure = error

    def _restore(self, numbers: Sequence[int]) -> dict[int, Owned]:
        if not numbers:
            return {}
        group = restore.committed(self.consumer, self.topics.log, numbers)
        witness = self.topics.witness
        topics = [topic for topic in (self.topics.log, self.topics.state, witness) if topic is not None]
        names = [(t, p) for t in topics for p in numbers]
        ends = restore.bounds(self.admin, names)
        folds = {p: self.make_fold(p) for p in numbers}
        marks = restore.Marks()

        def load(partition: int, key: bytes, value: bytes | None) -> None:
            if not marks.take(partition, key, value):
                folds[partition].load(key, value)

        restore.read_changelog(
            self.consumer_settings, self.topics.state, {p: ends[self.topics.state, p] for p in numbers}, load
        )
        written: set[int] = set()
        if witness is not None:
            fresh = {p: ends[witness, p] for p in numbers if p not in marks.genesis}
            written = restore.has_records(self.consumer_settings, witness, fresh)
        owned: dict[int, Owned] = {}
        try:
            for p in numbers:
                start = restore.start_of(
                    topic=self.topics.log,
                    partition=p,
                    log=ends[self.topics.log, p],
                    log_topic_id=self.log_id,
                    has_outputs=p in written,
                    group_offset=group[p],
                    genesis=marks.genesis.get(p),
                    position=marks.positions.get(p),
                )
                owned[p] = Owned(folds[p], start)
        except restore.Refused:
            # The witnesses were not asked at one moment: a process that is stopped in between finds what others did.
            if restore.committed(self.consumer, self.topics.log, numbers) != group:
                raise SessionEnded("others folded our partitions while they were being restored") from None
            raise
        return owned

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

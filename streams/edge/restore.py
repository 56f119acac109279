"""What a partition starts from: its state out of the changelog, and the proof that log, changelog and group agree.

Three witnesses say how far a partition has been folded: the position that every transaction writes into the
changelog, the group's committed offset, and the log itself. If they contradict each other, the partition is refused,
because going on would lose or repeat records without anyone seeing it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import orjson
from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined] # re-exported, undeclared

GENESIS_KEY = b"\x00genesis"
POSITION_KEY = b"\x00position"
STATE_VERSION = 1

UNDECIDED = (
    KafkaError.UNSTABLE_OFFSET_COMMIT,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError._WAIT_COORD,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
)
"""A former owner's transaction is still open, or the group's coordinator is not there yet: asked again."""

NO_LEADER = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
"""Passes by itself; admin answers do not mark it as retriable."""


class Refused(Exception):
    """The partition must not be folded; the text says what contradicts what, and what an operator can do."""


class Genesis(NamedTuple):
    """First record of a partition's changelog: which log it folds, from where, under which state version."""

    log_topic_id: str
    start: int
    state_version: int


class Bounds(NamedTuple):
    """First offset still in a topic partition, and the one that the next record will get."""

    low: int
    high: int


class Start(NamedTuple):
    """Where to go on reading the log. ``genesis`` is None if the changelog already has one."""

    position: int
    genesis: Genesis | None


class Marks:
    """What the changelogs of some partitions say about the folds themselves: genesis and position."""

    def __init__(self) -> None:
        self.genesis: dict[int, Genesis] = {}
        self.positions: dict[int, int] = {}

    def take(self, partition: int, key: bytes, value: bytes | None) -> bool:
        """Whether the record was one of these, and no row of the fold. One that was deleted is not there."""
        if key == GENESIS_KEY:
            self.genesis.pop(partition, None)
            if value is not None:
                self.genesis[partition] = decode_genesis(value)
        elif key == POSITION_KEY:
            self.positions.pop(partition, None)
            if value is not None:
                self.positions[partition] = int(value)
        else:
            return False
        return True


def bounds(
    admin: AdminClient, partitions: Iterable[tuple[str, int]], timeout: float = 30.0
) -> dict[tuple[str, int], Bounds]:
    """Low and high watermark (not the last stable offset) of each topic partition."""
    wanted = [TopicPartition(t, p) for t, p in partitions]
    deadline = time.monotonic() + timeout
    while True:
        try:
            low = _offsets(admin, wanted, OffsetSpec.earliest(), timeout)  # type: ignore[no-untyped-call]
            high = _offsets(admin, wanted, OffsetSpec.latest(), timeout)  # type: ignore[no-untyped-call]
            return {at: Bounds(low[at], high[at]) for at in low}
        except KafkaException as error:  # a leader that has just changed, or has just been made
            problem: KafkaError = error.args[0]
            if not (problem.retriable() or problem.code() in NO_LEADER) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _offsets(
    admin: AdminClient, wanted: list[TopicPartition], spec: OffsetSpec, timeout: float
) -> dict[tuple[str, int], int]:
    futures = admin.list_offsets(
        dict.fromkeys(wanted, spec), isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=timeout
    )
    return {(tp.topic, tp.partition): future.result().offset for tp, future in futures.items()}


def committed(
    consumer: Consumer, topic: str, partitions: Iterable[int], timeout: float = 60.0
) -> dict[int, int | None]:
    """The group's committed offsets, once no transaction that could still change them is open.

    A read_committed consumer asks for stable offsets (KIP-447); while a former owner's transaction is undecided the
    broker answers UNSTABLE_OFFSET_COMMIT, at most for the transaction timeout.
    """
    deadline = time.monotonic() + timeout
    wanted = [TopicPartition(topic, p) for p in partitions]
    while True:
        try:
            answer = consumer.committed(wanted, timeout=10.0)
            bad = next((tp.error for tp in answer if tp.error), None)
            if bad is None:
                return {tp.partition: (tp.offset if tp.offset >= 0 else None) for tp in answer}
            problem: Any = bad
        except KafkaException as error:
            problem = error.args[0]
        if not (problem.retriable() or problem.code() in UNDECIDED):
            raise KafkaException(problem)  # such as a consumer that is being closed
        if time.monotonic() > deadline:
            raise KafkaException(problem)
        time.sleep(0.2)


def read_between(
    settings: dict[str, Any],
    topic: str,
    ends: dict[int, Bounds],
    take: Callable[[int, bytes | None, bytes | None], None],
    progress: Callable[[int, int], None] | None = None,
    timeout: float = 600.0,
) -> None:
    """Read each partition from the low to the high watermark in ``ends``, side by side, committed records only.

    Reading to the high watermark, not to the last stable offset, waits for the commit marker of a transaction that is
    already decided but whose marker has not arrived in this partition yet; without it its records would be missing.

    Raises:
        TimeoutError: if the end was not reached in ``timeout`` seconds.
    """
    left = {p: b.high for p, b in ends.items() if b.high > b.low}
    if not left:
        return
    total = sum(b.high - b.low for b in ends.values())
    done = 0
    consumer = Consumer(
        settings
        | {
            "group.id": "unused-restore",
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, p, ends[p].low) for p in left])
        deadline = time.monotonic() + timeout
        while left:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{topic} did not reach {left} in {timeout:.0f} s")
            for message in consumer.consume(5000, timeout=0.2):
                error = message.error()
                partition, offset = message.partition(), message.offset()
                assert partition is not None
                assert offset is not None
                if error is not None:
                    if error.code() != KafkaError._PARTITION_EOF:
                        raise KafkaException(error)
                    if offset >= left.get(partition, 0):
                        left.pop(partition, None)
                    continue
                take(partition, message.key(), message.value())
                done += 1
                if progress is not None and done % 50_000 == 0:
                    progress(done, total)
    finally:
        consumer.close()


def read_changelog(
    settings: dict[str, Any],
    topic: str,
    ends: dict[int, Bounds],
    load: Callable[[int, bytes, bytes | None], None],
    progress: Callable[[int, int], None] | None = None,
    timeout: float = 600.0,
) -> None:
    """``read_between`` for a changelog, whose records all have a key."""

    def take(partition: int, key: bytes | None, value: bytes | None) -> None:
        assert key is not None, "changelog records have keys"
        load(partition, key, value)

    read_between(settings, topic, ends, take, progress, timeout)


def has_records(settings: dict[str, Any], topic: str, ends: dict[int, Bounds]) -> set[int]:
    """The partitions with at least one committed record; aborted ones and markers do not count."""
    found: set[int] = set()
    read_changelog(settings, topic, ends, lambda partition, _key, _value: found.add(partition))
    return found


def start_of(
    *,
    topic: str,
    partition: int,
    log: Bounds,
    log_topic_id: str,
    has_outputs: bool,
    group_offset: int | None,
    genesis: Genesis | None,
    position: int | None,
) -> Start:
    """Decide where a partition goes on, or refuse. Pure.

    Raises:
        Refused: if the witnesses contradict each other.
    """
    name = f"{topic}[{partition}]"
    if genesis is None:
        if group_offset is not None or has_outputs:
            trace = "units were written" if group_offset is None else f"the group stands at {group_offset}"
            raise Refused(
                f"{name}: {trace}, but the changelog has no genesis record: its state is lost. "
                "Restore the state topic, or start a new application prefix to fold the log again."
            )
        return Start(log.low, Genesis(log_topic_id, log.low, STATE_VERSION))
    if genesis.state_version != STATE_VERSION:
        raise Refused(f"{name}: the changelog has state version {genesis.state_version}, this engine {STATE_VERSION}.")
    if genesis.log_topic_id != log_topic_id:
        raise Refused(
            f"{name}: the changelog belongs to another topic of the same name "
            f"(id {genesis.log_topic_id}, now {log_topic_id}): the log was deleted and made again."
        )
    if position is None:
        raise Refused(f"{name}: the changelog has a genesis record but no position: it was cut.")
    if group_offset is not None and group_offset != position:
        raise Refused(
            f"{name}: the group stands at {group_offset}, the changelog at {position}: one of them was altered or cut. "
            "They are written in one transaction and must be equal."
        )
    if position < log.low:
        raise Refused(
            f"{name}: the next record to fold is {position}, but the log starts at {log.low}: "
            f"{log.low - position} records were removed unread. Raise the retention of the log."
        )
    if position > log.high:
        raise Refused(f"{name}: the next record to fold is {position}, but the log ends at {log.high}: it was cut.")
    return Start(position, None)


def encode_genesis(genesis: Genesis) -> bytes:
    """Genesis as the value of its changelog record."""
    return orjson.dumps(genesis._asdict())


def decode_genesis(value: bytes) -> Genesis:
    """The inverse of ``encode_genesis``."""
    return Genesis(**orjson.loads(value))

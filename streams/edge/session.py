"""What every exactly-once process has in common: sessions that end at the first failure, and one transactional writer.

A session is one membership in a consumer group with one transactional producer. Nothing is repaired in place: after any
failure both are thrown away, and the next session starts from what is committed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition

log = structlog.get_logger(__name__)

EXIT_FAILED = 70
"""Exit code of a process that a restart may mend."""

EXIT_REFUSED = 78
"""Exit code of a process that refused to start: what it found is for an operator to decide."""

PASSING = frozenset({KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT, KafkaError._RESOLVE})
"""Consumer errors that librdkafka mends by itself."""


class SessionEnded(Exception):
    """This session cannot go on: fenced, timed out, lost, or the outcome of a commit is not known."""


def is_record(message: Message, at_end: Callable[[int], None] = lambda _: None) -> bool:
    """Whether the message is a record; the end of a partition is told to ``at_end``, what passes is logged.

    Raises:
        SessionEnded: for an error that does not pass by itself.
    """
    error = message.error()
    if error is None:
        return True
    if error.code() == KafkaError._PARTITION_EOF:
        partition = message.partition()
        if partition is not None:
            at_end(partition)
        return False
    if error.fatal() or not (error.retriable() or error.code() in PASSING):
        raise SessionEnded(f"consumer: {error}")
    log.warning("consumer", error=str(error))
    return False


class Writer:
    """A transactional producer. ``begin``, ``write`` and ``commit``; the first failure ends the session.

    Args:
        config: librdkafka properties with a ``transactional.id``.
        wait: seconds for each answer of the broker.
    """

    def __init__(self, config: dict[str, Any], wait: float) -> None:
        self.producer = Producer(config)
        self.wait = wait

    def start(self) -> None:
        """Fence and finish what an earlier holder of the transactional id left behind."""
        self.producer.init_transactions(self.wait)

    def write(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes]] = (),
    ) -> None:
        """Put one record into the transaction; waits while the producer's queue is full."""
        while True:
            try:
                self.producer.produce(topic, value, key, partition, headers=list(headers) or None)
                return
            except BufferError:
                self.producer.poll(0.1)

    def transact(self, write: Callable[[], None], offsets: Sequence[TopicPartition], metadata: Any) -> None:
        """One transaction: what ``write`` writes, and the group's offsets under the given membership.

        Raises:
            SessionEnded: the transaction is aborted, fenced, or its outcome unknown.
        """
        try:
            self.producer.begin_transaction()
            write()
            self.producer.send_offsets_to_transaction(list(offsets), metadata, self.wait)
            self._commit()
        except KafkaException as error:
            problem: KafkaError = error.args[0]
            if problem.txn_requires_abort():
                try:
                    self.producer.abort_transaction(self.wait)
                except KafkaException as second:
                    log.warning("abort failed", error=str(second))
            raise SessionEnded(f"transaction: {problem}") from error

    def _commit(self) -> None:
        deadline = time.monotonic() + self.wait
        while True:
            try:
                self.producer.commit_transaction(self.wait)
                return
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise
                log.warning("commit is tried again", error=str(error))

    def close(self) -> None:
        """Drop what is not committed."""
        self.producer.purge()
        self.producer.flush(1.0)


def close_all(*closers: Callable[[], object]) -> None:
    """Call each of them, whatever the others do; for leaving a session that may be in any state."""
    for closer in closers:
        try:
            closer()
        except (KafkaException, RuntimeError) as error:
            log.debug("close", error=str(error))


class Session(Protocol):
    """What ``run_sessions`` runs. ``commits`` counts its transactions."""

    commits: int

    def run(self) -> None:
        """Work until told to stop; ``SessionEnded`` asks for a new session."""

    def close(self) -> None:
        """Leave without committing. Never raises; safe in any state."""


def run_sessions(
    make: Callable[[], Session], stop: threading.Event, on_failure: Callable[[str], None], attempts: int = 3
) -> None:
    """Session after session until ``stop``.

    Raises:
        SessionEnded: after ``attempts`` failures in a row without a commit between them.
    """
    failures = 0
    while not stop.is_set():
        session = make()
        try:
            session.run()
        except (SessionEnded, TimeoutError, KafkaException) as error:
            failures = 1 if session.commits else failures + 1
            on_failure(str(error))
            log.warning("session ended, starting again from what is committed", reason=str(error), failures=failures)
            if failures >= attempts:
                raise SessionEnded(f"{failures} sessions in a row failed, the last: {error}") from error
            stop.wait(0.5 * failures)
        finally:
            session.close()

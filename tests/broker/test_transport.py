"""Every rule of the exactly-once transport, on a real broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.edge import client, pump, restore
from streams.edge import topics as all_topics
from streams.edge.session import SessionEnded, run_sessions
from streams.settings import Settings
from tests.broker.transport import Count, Watch, append, make_session, running, values
from tests.conftest import MakeSettings, ReadAll

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


def until(condition: Callable[[], bool], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def fold_until(
    settings: Settings, read_all: ReadAll, outputs: int, session: type[pump.PumpSession] = pump.PumpSession
) -> Watch:
    """Work until that many outputs are committed, then stop in good order."""
    stop, watch = threading.Event(), Watch()
    with running(lambda: run_sessions(lambda: make_session(settings, stop, watch, session), stop, watch.failed), stop):
        until(lambda: len(read_all(settings, settings.topic("units"))) >= outputs)
    return watch


def test_an_aborted_batch_is_never_folded(settings: Settings, read_all: ReadAll) -> None:
    """Records of an aborted transaction in the log reach no fold and no output."""
    append(settings, range(50))
    append(settings, range(1_000, 1_050), abort=True)
    append(settings, range(50, 100))
    fold_until(settings, read_all, 100)
    numbers = [int(v.split(b":")[0]) for v in values(read_all(settings, settings.topic("units")))]
    assert numbers == list(range(100))


def test_it_goes_on_exactly_at_the_committed_position(settings: Settings, read_all: ReadAll) -> None:
    """A second owner starts with the first's state at the first's position: counts go on, nothing twice."""
    append(settings, range(100))
    fold_until(settings, read_all, 100)
    append(settings, range(100, 200))
    second = fold_until(settings, read_all, 200)
    counts: dict[int, int] = {}
    expected = []
    for n in range(200):
        counts[n % 7] = counts.get(n % 7, 0) + 1
        expected.append(b"%d:%d" % (n, counts[n % 7]))
    assert values(read_all(settings, settings.topic("units"))) == expected
    assert second.records == 10


def test_position_state_and_output_are_one(settings: Settings, read_all: ReadAll) -> None:
    """The position in the changelog, the group's offset and the number of outputs say the same, commit after commit."""
    append(settings, range(300), pack=5)
    fold_until(settings, read_all, 300)
    reader = Consumer(client.consumer(settings, settings.group("correlate")))
    group = restore.committed(reader, settings.topic("events"), [0, 1])
    reader.close()
    for partition in (0, 1):
        state = [m for m in read_all(settings, settings.topic("state")) if m.partition() == partition]
        positions = [int(m.value() or b"-1") for m in state if m.key() == restore.POSITION_KEY]
        assert positions == sorted(positions)
        assert positions[-1] == (group[partition] or 0)


class Frozen(pump.PumpSession):
    """Sits in its first transaction for longer than the broker allows, as a stopped process would."""

    slept = False

    def _write_state(self, partition: int, owned: pump.Owned) -> int:
        written = super()._write_state(partition, owned)
        if not Frozen.slept:
            Frozen.slept = True
            self.writer.producer.flush(10)
            time.sleep(9)
        return written


def test_a_sole_owner_whose_transaction_timed_out_recovers(make_settings: MakeSettings, read_all: ReadAll) -> None:
    """The broker aborts the slow transaction; its owner starts a new session and folds the records again, once."""
    settings = make_settings(transaction_timeout_ms=3_000)
    Frozen.slept = False
    append(settings, range(100))
    watch = fold_until(settings, read_all, 100, Frozen)
    assert watch.failures
    numbers = [int(v.split(b":")[0]) for v in values(read_all(settings, settings.topic("units")))]
    assert numbers == list(range(100))


def refused(settings: Settings) -> str:
    """Start a session that must refuse, and give its reason."""
    stop = threading.Event()
    session = make_session(settings, stop, Watch())
    try:
        with pytest.raises(restore.Refused) as caught:
            session.run()
    finally:
        session.close()
    return str(caught.value)


def recreate(settings: Settings, name: str) -> None:
    """Delete a topic and make it again, empty."""
    admin = AdminClient(client.admin(settings))
    topic = settings.topic(name)
    admin.delete_topics([topic])[topic].result()
    until(lambda: topic not in admin.list_topics(timeout=10).topics)
    until(lambda: bool(all_topics.create(admin, settings)))


def test_a_lost_changelog_is_refused(settings: Settings, read_all: ReadAll) -> None:
    """Units and a group position without a genesis record: the state is gone, and going on would repeat unit ids."""
    append(settings, range(50))
    fold_until(settings, read_all, 50)
    recreate(settings, "state")
    assert "no genesis record" in refused(settings)


def test_a_log_that_was_made_again_is_refused(settings: Settings, read_all: ReadAll) -> None:
    """A new topic of the old name has other records at the old offsets."""
    append(settings, range(50))
    fold_until(settings, read_all, 50)
    recreate(settings, "events")
    assert "was deleted and made again" in refused(settings)


def test_a_log_cut_before_the_position_is_refused(settings: Settings, read_all: ReadAll) -> None:
    """Records that retention removed unread are a loss, and are said to be one."""
    append(settings, range(50))
    fold_until(settings, read_all, 50)
    append(settings, range(50, 200))
    admin = AdminClient(client.admin(settings))
    place = TopicPartition(settings.topic("events"), 0, 15)
    admin.delete_records([place])[place].result()
    assert "were removed unread" in refused(settings)


def test_a_changelog_that_says_otherwise_than_the_group_is_refused(settings: Settings, read_all: ReadAll) -> None:
    """Position and group offset are written in one transaction; if they differ, one of them was altered."""
    append(settings, range(50))
    fold_until(settings, read_all, 50)
    producer = Producer(client.producer(settings))
    producer.produce(settings.topic("state"), b"2", restore.POSITION_KEY, 0)
    producer.flush(10)
    assert "altered or cut" in refused(settings)


def test_a_zombie_is_fenced(make_settings: MakeSettings, read_all: ReadAll) -> None:
    """A session that lost its partitions to another while it folded cannot commit what it folded."""
    settings = make_settings(session_timeout_ms=3_000, partitions=1)
    append(settings, range(100))
    stop, watch = threading.Event(), Watch()
    zombie = make_session(settings, stop, watch)
    assert isinstance(zombie, pump.PumpSession)
    zombie.writer.start()
    zombie.consumer.subscribe([settings.topic("events")], on_assign=zombie._on_assign)
    until(lambda: zombie._fold([r for m in zombie._fetch() if (r := zombie._record(m))]) or bool(zombie.pending))
    # The broker takes another member of the same name for the zombie's successor and gives it the partition at once.
    fold_until(settings.model_copy(update={"app": settings.app}), read_all, 100)
    with pytest.raises((SessionEnded, KafkaException)):
        zombie._commit()
    zombie.close()
    assert len(read_all(settings, settings.topic("units"))) == 100


def test_log_is_counted_against_fold(settings: Settings, read_all: ReadAll) -> None:
    """Over two partitions, what the log holds is what was folded, partition by partition."""
    for partition in (0, 1):
        append(settings, range(120), partition=partition, pack=7)
        append(settings, range(500, 600), partition=partition, abort=True)
        append(settings, range(120, 200), partition=partition, pack=3)
    fold_until(settings, read_all, 400)
    for partition in (0, 1):
        log = [m for m in read_all(settings, settings.topic("events")) if m.partition() == partition]
        units = [m for m in read_all(settings, settings.topic("units")) if m.partition() == partition]
        assert sum(len(orjson.loads(m.value() or b"[]")) for m in log) == len(units) == 200


class Due(Count):
    """Wants to be woken."""

    def next_due(self) -> int | None:
        return 0


def test_a_silent_partition_gets_ticks(settings: Settings, read_all: ReadAll) -> None:
    """While something waits for the log's clock, the owner of a partition that is read to its end appends ticks."""
    append(settings, range(10))
    stop, watch = threading.Event(), Watch()
    with running(
        lambda: run_sessions(lambda: make_session(settings, stop, watch, make_fold=Due), stop, watch.failed), stop
    ):
        until(lambda: watch.ticks >= 2)
    ticks = [m for m in read_all(settings, settings.topic("events")) if m.value() == pump.TICK]
    assert ticks
    assert all(m.timestamp()[0] == 2 for m in ticks), "append time, not the producer's"


def test_an_assignment_that_arrives_while_closing_is_not_restored(settings: Settings) -> None:
    """Closing a consumer may deliver an assignment that was on its way; restoring it would hang the worker's end."""
    watch = Watch()
    session = make_session(settings, threading.Event(), watch)
    assert isinstance(session, pump.PumpSession)
    session.closing = True
    session._on_assign(session.consumer, [TopicPartition(settings.topic("events"), 0)])
    assert session.owned == {}
    assert not watch.owned.is_set()
    session.close()


class Delayed(pump.PumpSession):
    """Is stopped inside its restore, while another takes the partition and folds on."""

    meanwhile: Callable[[], object] | None = None

    def _restore(self, numbers: Sequence[int]) -> dict[int, pump.Owned]:
        read = restore.read_changelog

        def slow(*given: Any, **named: Any) -> None:
            if (meanwhile := Delayed.meanwhile) is not None:
                Delayed.meanwhile = None
                meanwhile()
                names = [(self.topics.state, number) for number in numbers]
                now = restore.bounds(self.admin, names)
                given = (*given[:2], {number: now[self.topics.state, number] for number in numbers}, *given[3:])
            read(*given, **named)

        restore.read_changelog = slow
        try:
            return super()._restore(numbers)
        finally:
            restore.read_changelog = read


def test_a_restore_that_others_overtook_is_no_refusal(make_settings: MakeSettings, read_all: ReadAll) -> None:
    """A process that was stopped between asking the group and reading the changelog starts a new session."""
    settings = make_settings(session_timeout_ms=3_000, partitions=1)
    append(settings, range(50))
    fold_until(settings, read_all, 50)
    append(settings, range(50, 100))
    Delayed.meanwhile = lambda: fold_until(settings, read_all, 100)
    session = make_session(settings, threading.Event(), Watch(), Delayed)
    assert isinstance(session, Delayed)
    session.writer.start()
    with pytest.raises(SessionEnded, match="while they were being restored"):
        session.metadata, session.owned = None, session._restore([0])
    session.close()

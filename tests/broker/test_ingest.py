"""Ingest on a real broker: bad input beside good, aborted batches, zombies, the catalog before the first event."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from confluent_kafka import Consumer, KafkaException, Producer

from streams.edge import client
from streams.edge.feed import publish_catalog
from streams.edge.health import Health
from streams.edge.ingest import IngestSession
from streams.edge.session import SessionEnded, run_sessions
from streams.settings import Settings
from tests.broker.transport import running
from tests.conftest import MakeSettings, ReadAll

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

BIG = 1_100_000


def record(number: int, **fields: Any) -> bytes:
    """A CloudTrail record, as AWS documents its fields."""
    return orjson.dumps(
        {
            "eventVersion": "1.09",
            "userIdentity": {
                "type": "IAMUser",
                "arn": "arn:aws:iam::111122223333:user/ana",
                "accountId": "111122223333",
            },
            "eventTime": datetime(2026, 3, 2, 8, 0, number % 60, tzinfo=UTC).isoformat(),
            "eventSource": "kms.amazonaws.com",
            "eventName": "Decrypt",
            "awsRegion": "eu-west-1",
            "sourceIPAddress": "198.51.100.7",
            "eventID": f"00000000-0000-4000-8000-{number:012}",
            "readOnly": True,
            "recipientAccountId": "111122223333",
            **fields,
        }
    )


def send(settings: Settings, values: list[bytes | None], short: str = "cloudtrail") -> None:
    producer = Producer(client.producer(settings))
    for value in values:
        producer.produce(settings.raw_topics[short], value, partition=0)
    assert producer.flush(20) == 0


def ingest(settings: Settings, done: Callable[[], bool], session: type[IngestSession] = IngestSession) -> list[str]:
    """Ingest until ``done``; the reasons of sessions that failed."""
    stop, failures = threading.Event(), list[str]()

    def make() -> IngestSession:
        return session(settings, stop, lambda _read: None, Health())

    with running(lambda: run_sessions(make, stop, failures.append), stop):
        deadline = time.monotonic() + 60
        while not done():
            assert time.monotonic() < deadline, failures
            time.sleep(0.1)
    return failures


def events(settings: Settings, read_all: ReadAll) -> list[dict[str, Any]]:
    log = read_all(settings, settings.topic("events"))
    return [event for message in log for event in orjson.loads(message.value() or b"[]")]


def letters(settings: Settings, read_all: ReadAll) -> list[dict[str, Any]]:
    return [orjson.loads(m.value() or b"{}") for m in read_all(settings, settings.topic("dead-letters"))]


def test_bad_input_is_a_dead_letter_and_the_rest_of_its_batch_goes_on(settings: Settings, read_all: ReadAll) -> None:
    """Whatever is wrong with a record, it has a dead letter with place and reason, and its neighbours are events."""
    bad: dict[str, bytes | None] = {
        "empty": None,
        "unparsable": record(1)[:-20],
        "not UTF-8": b'{"eventID": "\xff\xfe"}',
        "not a number": b'{"eventID": NaN}',
        "unknown": b'{"hello": "world"}',
        "wrong type": record(2, eventTime=17),
        "no time": record(3, eventTime=None),
        "no identity": record(4, eventID=None),
        "too large": record(5, requestParameters={"filler": "x" * BIG}),
    }
    send(settings, [record(10), *bad.values(), record(11)])
    ingest(settings, lambda: len(events(settings, read_all)) == 2)
    found = {letter["offset"]: letter for letter in letters(settings, read_all)}
    assert sorted(found) == list(range(1, len(bad) + 1))
    assert all(letter["reason"] for letter in found.values())
    assert {found[6]["place"], found[7]["place"]} == {"eventTime"}
    assert found[9]["size"] > BIG
    assert found[9]["truncated"]
    assert len(found[9]["value"]) <= 65_536
    assert [e["origin"][2] for e in events(settings, read_all)] == [0, 10]


def test_a_dead_letter_says_where_its_original_is(settings: Settings, read_all: ReadAll) -> None:
    """Topic, partition, offset, stage, reason and place are in its headers, for tools that do not read values."""
    send(settings, [record(1, eventTime="yesterday")])
    ingest(settings, lambda: bool(letters(settings, read_all)))
    (message,) = read_all(settings, settings.topic("dead-letters"))
    headers = {name: value.decode() for name, value in message.headers()}
    assert headers["__weir.errors.topic"] == settings.raw_topics["cloudtrail"]
    assert headers["__weir.errors.partition"] == "0"
    assert headers["__weir.errors.offset"] == "0"
    assert headers["__weir.errors.stage"] == "map"
    assert headers["__weir.errors.place"] == "eventTime"
    assert headers["__weir.errors.reason"]


def test_secrets_reach_neither_log_nor_dead_letters(settings: Settings, read_all: ReadAll) -> None:
    """A password in a request, and one in input that cannot be parsed, are redacted before anything is written."""
    password = "correct-" + "horse-battery"
    send(settings, [record(1, requestParameters={"password": password}, errorMessage=f"password={password}")])
    send(settings, [b'{"password": "%s", ' % password.encode()])
    ingest(settings, lambda: bool(events(settings, read_all)) and bool(letters(settings, read_all)))
    for topic in ("events", "dead-letters"):
        for message in read_all(settings, settings.topic(topic)):
            assert password.encode() not in (message.value() or b"")
            assert all(password.encode() not in value for _, value in message.headers() or ())


class Interrupted(IngestSession):
    """Dies between writing its first batch and committing it."""

    died = False

    def _commit(self, records: Any, packed: Any, dead: Any) -> None:
        if not Interrupted.died:
            Interrupted.died = True
            self.writer.producer.begin_transaction()
            for one in packed:
                self.writer.write(self.settings.topic("events"), one.partition, None, one.value)
            self.writer.producer.flush(10)
            self.writer.producer.abort_transaction(10)
            raise SessionEnded("interrupted")
        super()._commit(records, packed, dead)


def test_an_aborted_batch_is_not_seen_and_its_records_are_read_again(settings: Settings, read_all: ReadAll) -> None:
    """The next session starts from the committed offsets, not behind the records of the aborted batch."""
    Interrupted.died = False
    send(settings, [record(n) for n in range(30)])
    failures = ingest(settings, lambda: len(events(settings, read_all)) >= 30, Interrupted)
    assert failures == ["interrupted"]
    assert [e["origin"][2] for e in events(settings, read_all)] == list(range(30))
    everything = read_all(settings, settings.topic("events"), isolation="read_uncommitted")
    assert sum(len(orjson.loads(m.value() or b"[]")) for m in everything) == 60


def zombie_with_a_batch(settings: Settings, read_all: ReadAll) -> tuple[IngestSession, list[Any], list[Any]]:
    """A session that holds a batch of 20 records which another process has read and committed meanwhile."""
    send(settings, [record(n) for n in range(20)])
    zombie = IngestSession(settings, threading.Event(), lambda _read: None, Health())
    zombie.writer.start()
    zombie.context.catch_up()
    zombie.consumer.subscribe(list(zombie.sources), on_assign=zombie._on_assign)
    held: list[Any] = []
    while not held:
        held = [r for m in zombie._fetch() if (r := zombie._record(m)) is not None]
    zombie.consumer.unsubscribe()
    other = settings.model_copy(update={"instance": "two"})
    ingest(other, lambda: len(events(settings, read_all)) == 20)
    placed = [event for one in held for event in zombie.ingest.read(one)[0]]
    packed, _ = zombie.ingest.pack(placed, settings.batch_bytes)
    return zombie, held, list(packed)


def test_a_zombie_is_fenced(make_settings: MakeSettings, read_all: ReadAll) -> None:
    """An ingest that lost its partitions while it held a batch cannot commit that batch any more."""
    settings = make_settings(session_timeout_ms=3_000, partitions=1)
    zombie, held, packed = zombie_with_a_batch(settings, read_all)
    with pytest.raises((SessionEnded, KafkaException)):
        zombie._commit(held, packed, [])
    zombie.close()
    assert len(events(settings, read_all)) == 20


def test_only_the_generation_fences_a_zombie(make_settings: MakeSettings, read_all: ReadAll) -> None:
    """With the metadata of nobody the broker takes the same batch: that is why ours is taken at assignment."""
    settings = make_settings(session_timeout_ms=3_000, partitions=1)
    zombie, held, packed = zombie_with_a_batch(settings, read_all)
    nobody = Consumer(client.consumer(settings, settings.group("ingest")))
    zombie.metadata = nobody.consumer_group_metadata()
    zombie._commit(held, packed, [])
    zombie.close()
    nobody.close()
    assert len(events(settings, read_all)) == 40


def test_the_catalog_is_known_before_the_first_event(settings: Settings, read_all: ReadAll) -> None:
    """Events are placed by a catalog that was published before ingest started, and every partition is told of it."""
    entity = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Resource",
        "metadata": {"name": "ana", "annotations": {"amazonaws.com/arn": "arn:aws:iam::111122223333:user/ana"}},
        "spec": {"type": "user", "owner": "team-a", "system": "billing"},
    }
    publish_catalog(settings, [entity])
    send(settings, [record(1)])
    ingest(settings, lambda: any(e["type"] == "activity" for e in events(settings, read_all)))
    found = events(settings, read_all)
    assert [e["domain"] for e in found if e["type"] == "activity"] == ["system:billing"]
    assert len([e for e in found if e["type"] == "context"]) == settings.partitions


def test_ingest_goes_on_exactly_where_it_stopped(settings: Settings, read_all: ReadAll) -> None:
    """A second process reads what the first did not commit, and nothing else."""
    send(settings, [record(n) for n in range(10)])
    ingest(settings, lambda: len(events(settings, read_all)) == 10)
    send(settings, [record(n) for n in range(10, 20)])
    ingest(settings, lambda: len(events(settings, read_all)) == 20)
    assert [e["origin"][2] for e in events(settings, read_all)] == list(range(20))

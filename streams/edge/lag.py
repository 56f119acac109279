"""How far the consumer groups are behind their topics, and whether what is left holds any record at all."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined] # re-exported, undeclared

from streams.edge import client
from streams.settings import Settings

Place = tuple[str, int]

_UNLED = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)


class Standing(NamedTuple):
    """One partition for one group. ``committed`` is None before the first commit; ``stable`` is the last stable offset.

    ``end - committed`` counts the markers of transactions too, which no reader is ever given.
    """

    committed: int | None
    stable: int
    end: int

    @property
    def behind(self) -> int:
        """Offsets not yet read, markers included."""
        return self.end - (self.committed or 0)


class Lag:
    """Reads one group's standing without joining it. Not for two threads."""

    def __init__(self, settings: Settings, role: str, topics: Iterable[str]) -> None:
        self.admin = AdminClient(client.admin(settings))
        config = client.consumer(settings, settings.group(role), offset_reset="earliest")
        self.consumer = Consumer(config | {"enable.partition.eof": True, "queued.max.messages.kbytes": 1_024})
        present = self.admin.list_topics(timeout=30).topics
        self.places = [
            TopicPartition(topic, number)
            for topic in topics
            if topic in present
            for number in sorted(present[topic].partitions)
        ]
        self._before: dict[Place, Standing] = {}
        self._empty: dict[Place, Standing] = {}

    def read(self) -> dict[Place, Standing]:
        """Where the group stands now. Raises ``KafkaException``."""
        if not self.places:
            return {}
        stable = ends(self.admin, self.places, IsolationLevel.READ_COMMITTED)
        end = ends(self.admin, self.places, IsolationLevel.READ_UNCOMMITTED)
        found = {}
        for tp in self.consumer.committed(self.places, timeout=10.0):
            place = (tp.topic, tp.partition)
            known = tp.offset >= 0 and tp.error is None
            found[place] = Standing(tp.offset if known else None, stable[place], end[place])
        return found

    def left(self) -> dict[Place, int]:
        """Partitions that may still hold a record for the group, with the offsets in them.

        Where the standing is the same as at the last call, what is left is looked at: the markers of transactions and
        aborted records are no records. So the answer is exact from the second call without news on.
        """
        standings = self.read()
        left = {place: standing.behind for place, standing in standings.items() if standing.behind > 0}
        doubtful = [
            place
            for place in left
            if standings[place] == self._before.get(place)
            and standings[place].stable == standings[place].end
            and self._empty.get(place) != standings[place]
        ]
        for place in self._without_records(doubtful, standings):
            self._empty[place] = standings[place]
        self._before = standings
        return {place: behind for place, behind in left.items() if self._empty.get(place) != standings[place]}

    def _without_records(self, places: list[Place], standings: dict[Place, Standing]) -> set[Place]:
        if not places:
            return set()
        empty: set[Place] = set()
        open_: set[Place] = set(places)
        self.consumer.assign([TopicPartition(t, p, standings[t, p].committed or 0) for t, p in places])
        deadline = time.monotonic() + 5.0
        while open_ and time.monotonic() < deadline:
            for message in self.consumer.consume(len(places), timeout=0.2):
                topic, partition, error = message.topic(), message.partition(), message.error()
                if topic is None or partition is None:
                    continue
                if error is not None and error.code() == KafkaError._PARTITION_EOF and (topic, partition) in open_:
                    empty.add((topic, partition))
                if error is None or error.code() == KafkaError._PARTITION_EOF:
                    open_.discard((topic, partition))
        self.consumer.unassign()
        return empty

    def close(self) -> None:
        """Stop reading."""
        self.consumer.close()


def ends(admin: AdminClient, places: Iterable[TopicPartition], isolation: IsolationLevel) -> dict[Place, int]:
    """The end of each partition: the high watermark, or with READ_COMMITTED the last stable offset."""
    return {place: found.offset for place, found in _offsets(admin, places, OffsetSpec.latest(), isolation).items()}  # type: ignore[no-untyped-call]


def held(admin: AdminClient, names: Iterable[str]) -> int:
    """Offsets between beginning and end of these topics, as far as they exist; 0: nothing is in them."""
    present = admin.list_topics(timeout=30).topics
    places = [TopicPartition(n, number) for n in names if n in present for number in present[n].partitions]
    if not places:
        return 0
    every = IsolationLevel.READ_UNCOMMITTED
    first = _offsets(admin, places, OffsetSpec.earliest(), every)  # type: ignore[no-untyped-call]
    begins = {place: found.offset for place, found in first.items()}
    return sum(end - int(begins[place]) for place, end in ends(admin, places, every).items())


def newest(admin: AdminClient, places: Iterable[TopicPartition]) -> int | None:
    """Broker time in ms of the newest record in any of the partitions; None if there is none."""
    found = _offsets(admin, places, OffsetSpec.max_timestamp(), IsolationLevel.READ_UNCOMMITTED)  # type: ignore[no-untyped-call]
    return max((each.timestamp for each in found.values() if each.timestamp >= 0), default=None)


def _offsets(
    admin: AdminClient, places: Iterable[TopicPartition], spec: OffsetSpec, isolation: IsolationLevel
) -> dict[Place, Any]:
    """What the leaders answer. A topic just made is led in the metadata before its leader knows it: asked again."""
    deadline = time.monotonic() + 15.0
    wanted = dict.fromkeys(places, spec)
    while True:
        answers = admin.list_offsets(wanted, isolation_level=isolation, request_timeout=30.0)
        try:
            return {(tp.topic, tp.partition): answer.result() for tp, answer in answers.items()}
        except KafkaException as error:
            if error.args[0].code() not in _UNLED or time.monotonic() > deadline:
                raise
        time.sleep(0.1)

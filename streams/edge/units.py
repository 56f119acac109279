"""Reading the units topic: committed revisions, from the beginning or as they come."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from pydantic import ValidationError

from schemas.unit import Unit
from streams.edge import client
from streams.settings import Settings


class NoUnits(LookupError):
    """The units cannot be read; the message says what to do."""


class Revision(NamedTuple):
    """One record of the topic: the unit, and its bytes as they were written."""

    unit: Unit
    value: bytes


class UnitReader:
    """Reads all partitions without a group; commits nothing.

    Args:
        beginning: from the first record kept; else only what is committed from now on.
        role: the topic: ``units``, or ``suppressed``, which holds the revisions that are out of the primary queue.

    Raises:
        NoUnits: if there is no such topic, or no broker answers.
    """

    def __init__(self, settings: Settings, *, beginning: bool = True, role: str = "units") -> None:
        self.topic = settings.topic(role)
        self.unreadable = 0
        """Records that are no unit of this version: skipped."""
        config = client.consumer(settings, settings.group("units-reader"), offset_reset="earliest")
        self.consumer = Consumer(config | {"enable.partition.eof": True})
        try:
            found = self.consumer.list_topics(self.topic, timeout=15).topics[self.topic]
            numbers = sorted(found.partitions)
            if found.error is not None or not numbers:
                raise NoUnits(
                    f"there is no topic {self.topic} at {settings.bootstrap}; `weir run` or `weir topics create` makes "
                    "it (WEIR_APP names another prefix)"
                )
            places = [TopicPartition(self.topic, number, 0) for number in numbers]
            if not beginning:
                for place in places:
                    place.offset = self.consumer.get_watermark_offsets(place, timeout=15)[1]
        except KafkaException as error:
            self.consumer.close()
            raise NoUnits(f"no broker answers at {settings.bootstrap} ({error.args[0].str()})") from None
        except NoUnits:
            self.consumer.close()
            raise
        self._not_at_end = set(numbers)
        self._next: dict[int, int] = {}
        self.consumer.assign(places)

    @property
    def caught_up(self) -> bool:
        """Whether every partition was once read to its end."""
        return not self._not_at_end

    def read(self, timeout: float) -> list[Revision]:
        """What came; waits at most ``timeout`` seconds for it. Raises ``NoUnits`` for an error that stays."""
        found = []
        for message in self.consumer.consume(500, timeout=timeout):
            error = message.error()
            partition, offset = message.partition() or 0, message.offset() or 0
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    self._not_at_end.discard(partition)
                    self._next[partition] = offset
                elif error.fatal() or not error.retriable():
                    raise NoUnits(f"{self.topic}: {error.str()}")
                continue
            self._next[partition] = offset + 1
            value = message.value() or b""
            try:
                found.append(Revision(Unit.model_validate_json(value), value))
            except ValidationError:
                self.unreadable += 1
        return found

    def reached(self, ends: Mapping[tuple[str, int], int]) -> bool:
        """Whether every partition was read up to these offsets."""
        return all(self._next.get(partition, 0) >= end for (_, partition), end in ends.items())

    def to_end(self, seconds: float = 120.0) -> Iterator[Revision]:
        """Every revision up to the end as of now. Raises ``NoUnits`` if that takes longer than ``seconds``."""
        deadline = time.monotonic() + seconds
        while not self.caught_up:
            if time.monotonic() > deadline:
                raise NoUnits(f"{self.topic} was not read to its end in {seconds:.0f} s")
            yield from self.read(0.2)

    def close(self) -> None:
        """Stop reading."""
        self.consumer.close()


class Latest:
    """The last revision of each unit, and which unit an id stands for. Memory grows with the units, not revisions."""

    def __init__(self) -> None:
        self.revisions: dict[str, Revision] = {}
        self.alias: dict[str, str] = {}

    def take(self, revision: Revision) -> None:
        """Keep it unless a later one is here."""
        unit = revision.unit
        before = self.revisions.get(unit.unit_id)
        if before is None or unit.revision >= before.unit.revision:
            self.revisions[unit.unit_id] = revision
        for other in unit.aliases:
            self.alias[other] = unit.unit_id
        if unit.merged_into is not None:
            self.alias[unit.unit_id] = unit.merged_into

    def find(self, name: str) -> list[Revision]:
        """The unit that an id, an id that was merged away, or the beginning of an id names; several if it is not clear.

        A merged unit leads to the one that survives.
        """
        known = self.revisions.keys() | self.alias.keys()
        names = [name] if name in known else sorted(other for other in known if other.startswith(name))
        found = {self._final(each) for each in names}
        return [self.revisions[each] for each in sorted(found) if each in self.revisions]

    def _final(self, name: str) -> str:
        seen = set()
        while name in self.alias and name not in seen:
            seen.add(name)
            name = self.alias[name]
        return name


def latest(settings: Settings, roles: Sequence[str] = ("units",)) -> Latest:
    """Read topics of units from their beginning to their end, together: a unit's last revision may be in either."""
    found = Latest()
    for role in roles:
        for revision in every(settings, role):
            found.take(revision)
    return found


def every(settings: Settings, role: str = "units") -> Iterator[Revision]:
    """Every revision of a topic up to its end as of now. Raises ``NoUnits``."""
    reader = UnitReader(settings, role=role)
    try:
        yield from reader.to_end()
    finally:
        reader.close()

"""What the changelog holds of models besides what they have learnt: health, shadow and feedback, by domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from streams.edge import restore
from streams.edge.dump import read_topic
from streams.settings import Settings

Rows = dict[str, dict[str, tuple[Any, ...]]]
"""By table, then by key."""


class Taken:
    """Takes changelog records, keeps those of the tables that are asked for, the last of each key."""

    def __init__(self, wanted: Callable[[str], bool]) -> None:
        self.domains: dict[str, Rows] = {}
        self._wanted = wanted

    def take(self, key: bytes, value: bytes | None) -> None:
        """One record, in the order of the changelog."""
        table, domain, name = orjson.loads(key)
        if not self._wanted(table):
            return
        rows = self.domains.setdefault(domain, {}).setdefault(table, {})
        if value is None:
            rows.pop(name, None)
        else:
            rows[name] = tuple(orjson.loads(value))


def read(settings: Settings, wanted: Callable[[str], bool]) -> dict[str, Rows]:
    """The rows of such tables, by domain, as of the last commit. Raises ``NoTopic``, ``TimeoutError``."""
    return read_with_offsets(settings, wanted)[0]


def read_with_offsets(
    settings: Settings, wanted: Callable[[str], bool]
) -> tuple[dict[str, Rows], dict[str, dict[int, int]]]:
    """The same, and by domain its partition of the log with the offset that the rows go up to."""
    taken = Taken(wanted)
    marks = restore.Marks()
    partitions: dict[str, int] = {}
    for record in read_topic(settings, settings.topic("state")):
        if record.key is None or marks.take(record.partition, record.key, record.value):
            continue
        taken.take(record.key, record.value)
        partitions[orjson.loads(record.key)[1]] = record.partition
    offsets = {
        domain: {partition: marks.positions[partition]}
        for domain, partition in partitions.items()
        if partition in marks.positions
    }
    return taken.domains, offsets

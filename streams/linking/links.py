"""The fold of one partition of the indicators: who shares one, over domains, is told of each other.

Units are linked and never merged. Two units of one domain are not linked here: grouping sees both of them whole.
What so many units share that it says nothing about any of them is common, and links nothing further.
"""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final, NamedTuple, cast

import orjson
from pydantic import ValidationError

from schemas.dead_letter import DeadLetter
from schemas.entity import Entity
from schemas.events import Related
from schemas.indicator import Indicator
from streams.correlation.rows import tuples
from streams.correlation.table import Table, Undo
from streams.dead_letters import headers
from streams.linking.strong import Mark
from streams.records import LogRecord, Output

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Holder = tuple[str, str, int]
"""Domain and id of a unit that has the indicator, and the log time in ms at which it said so."""


class Bounds(NamedTuple):
    """What keeps state and links few. Part of the engine's version, like everything that decides the outcome.

    A vulnerability of a base image is in every domain within a day: it should become common before it links many.
    """

    window_ms: int = 14 * 86_400_000  # of log time; a unit that is open for longer has said it long ago
    units: int = 8  # that share an indicator at one time; with more it is common
    domains: int = 4
    indicators: int = 100_000  # of a partition; the one longest not heard of goes


class Row(NamedTuple):
    """One indicator. ``shared``: 0, or how many units have said it if it is common; then holders are not kept."""

    last: int
    shared: int
    holders: tuple[Holder, ...]


_NOBODY: Final = Row(0, 0, ())


class Links:
    """One partition's fold. ``load`` all changelog rows first, then ``step`` record by record. Needs no ticks.

    ``counts``: every record under exactly one of linked, alone, repeated, common, withdrawn, renamed, unknown, invalid.
    ``told``: pairs of units told of each other (``pairs``), and indicators that became common, expired or were evicted.
    Neither is part of the state.
    """

    def __init__(self, partition: int | None = None, bounds: Bounds | None = None) -> None:
        self.partition = partition
        self.bounds = bounds or Bounds()
        self.counts: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self._journal: Undo = []
        self._rows = Table("indicators", self._journal)
        self._clock = Table("clock", self._journal)
        self._tables = (self._clock, self._rows)
        self._oldest: list[tuple[int, str]] = []  # hints: of every row one with its ``last``, and outdated ones
        self._restoring = False

    @property
    def held(self) -> int:
        """Indicators in the state."""
        return len(self._rows)

    # State in and out

    def load(self, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back."""
        name, row_key = orjson.loads(key)
        table = next(table for table in self._tables if table.name == name)
        row = None if value is None else tuples(orjson.loads(value))
        table.load(row_key, Row._make(row) if row is not None and table is self._rows else row)
        self._restoring = True

    def drain(self) -> list[tuple[bytes, bytes | None]]:
        """Changed rows since the last drain, as changelog records."""
        dumps = orjson.dumps
        return [
            (dumps((table.name, key)), None if row is None else dumps(tuple(row)))
            for table in self._tables
            for key, row in table.drain()
        ]

    def next_due(self) -> int | None:
        """Nothing here waits for time to pass."""
        return None

    def _ready(self) -> None:
        if self._restoring:
            self._restoring = False
            self._index()

    def _index(self) -> None:
        self._oldest = [(row[0], key) for key, row in self._rows.items()]
        heapq.heapify(self._oldest)

    # The fold

    def step(self, record: LogRecord) -> list[Output]:
        """Fold one record, one ``schemas.indicator.Indicator``. Gives ``events`` records, or a dead letter.

        A value of ``events`` is a JSON array of ``Related``, the key is their domain. The identity of a ``Related`` is
        (unit_id, other_unit_id, indicator), and its words follow from that: one that comes twice differs in time alone.
        """
        self._ready()
        now = self._advance(record.log_time)
        try:
            said = Indicator.model_validate_json(record.value)
        except ValidationError as error:
            self.counts["invalid"] += 1
            return [_refuse(record, error)]
        out = self._seen(said, now) if said.state == "seen" else self._withdrawn(said, now)
        self._evict()
        self._journal.clear()
        return out

    def _advance(self, log_time: int) -> int:
        """Move the clock, never back, and forget what is older than the window."""
        row = self._clock.get("log_time")
        now = log_time if row is None or log_time > row[0] else int(row[0])
        if row is None or now != row[0]:
            self._clock["log_time"] = (now,)
        since = now - self.bounds.window_ms
        while self._oldest and self._oldest[0][0] < since:
            self._forget("expired")
        return now

    def _seen(self, said: Indicator, now: int) -> list[Output]:
        found = Mark(said.kind, said.id)
        row = self._row(found, now)
        if row.shared:
            self._put(found, Row(now, row.shared + 1, ()))
            self.counts["common"] += 1
            return []
        holders = row.holders
        if any(holder[:2] == (said.domain, said.unit_id) for holder in holders):
            self.counts["repeated"] += 1
            return []
        more = (*holders, (said.domain, said.unit_id, now))
        if len(more) > self.bounds.units or len({domain for domain, _, _ in more}) > self.bounds.domains:
            self._put(found, Row(now, len(more), ()))
            self.counts["common"] += 1
            self.told["common"] += 1
            return []
        self._put(found, Row(now, 0, more))
        out = self._tell(found, said.domain, said.unit_id, holders, now)
        self.counts["linked" if out else "alone"] += 1
        return out

    def _withdrawn(self, said: Indicator, now: int) -> list[Output]:
        """The unit holds it no more; the one it was merged into does in its place."""
        found = Mark(said.kind, said.id)
        row = self._row(found, now)
        rest = tuple(holder for holder in row.holders if holder[:2] != (said.domain, said.unit_id))
        if len(rest) == len(row.holders):
            self.counts["unknown"] += 1
            return []
        into = said.merged_into
        if into is None or any(holder[:2] == (said.domain, into) for holder in rest):
            self.counts["withdrawn"] += 1
            if rest:
                self._put(found, row._replace(holders=rest))
            else:
                del self._rows[found.key]
            return []
        (gone,) = set(row.holders) - set(rest)
        self._put(found, row._replace(holders=(*rest, (said.domain, into, gone[2]))))
        out = self._tell(found, said.domain, into, rest, now)
        self.counts["renamed"] += 1
        return out

    def _tell(self, found: Mark, domain: str, unit_id: str, others: tuple[Holder, ...], now: int) -> list[Output]:
        """Tell the unit of the others in other domains, and each of them of it: one record for each domain."""
        by_domain: dict[str, list[Related]] = {}
        for other_domain, other_id, _ in sorted(others):
            if other_domain != domain:
                self.told["pairs"] += 1
                by_domain.setdefault(domain, []).append(
                    _related(found, (domain, unit_id), (other_domain, other_id), now)
                )
                by_domain.setdefault(other_domain, []).append(
                    _related(found, (other_domain, other_id), (domain, unit_id), now)
                )
        return [
            Output("events", name.encode(), orjson.dumps([each.model_dump(mode="json") for each in told]))
            for name, told in sorted(by_domain.items())
        ]

    # Rows

    def _row(self, found: Mark, now: int) -> Row:
        """The indicator's row, without who said it before the window began."""
        row = cast(Row, self._rows.get(found.key, _NOBODY))
        since = now - self.bounds.window_ms
        if any(at < since for _, _, at in row.holders):
            return row._replace(holders=tuple(holder for holder in row.holders if holder[2] >= since))
        return row

    def _put(self, found: Mark, row: Row) -> None:
        key = found.key
        self._rows[key] = row
        heapq.heappush(self._oldest, (row.last, key))
        if len(self._oldest) > 1_024 + 4 * len(self._rows):
            self._index()

    def _evict(self) -> None:
        while len(self._rows) > self.bounds.indicators:
            self._forget("evicted")

    def _forget(self, why: str) -> None:
        """Forget the indicator that the first hint names, unless the hint is outdated."""
        last, key = heapq.heappop(self._oldest)
        row = self._rows.get(key)
        if row is not None and row[0] == last:
            del self._rows[key]
            self.told[why] += 1


def _related(found: Mark, unit: tuple[str, str], other: tuple[str, str], now: int) -> Related:
    return Related(
        time=_EPOCH + timedelta(milliseconds=now),
        domain=unit[0],
        unit_id=unit[1],
        other_domain=other[0],
        other_unit_id=other[1],
        indicator=Entity(found.kind, found.id),
        reason=f"the same {found} is in {other[1]} of {other[0]}"[:512],
    )


def _refuse(record: LogRecord, error: ValidationError) -> Output:
    """A dead letter for what is no indicator of this version. The topic is ours: nothing in it is unredacted."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    letter = DeadLetter(
        topic="indicators",
        partition=record.partition,
        offset=record.offset,
        stage="validate",
        reason=(f"{place}: {first['msg']}" if place else first["msg"])[:1024],
        place=place[:512],
        value=record.value[:65_536].decode(errors="replace"),
        size=len(record.value),
        digest=blake2b(record.value, digest_size=16).hexdigest(),
        truncated=len(record.value) > 65_536,
    )
    key = f"indicators/{record.partition}/{record.offset}".encode()
    return Output("dead-letters", key, letter.model_dump_json().encode(), tuple(headers(letter)))

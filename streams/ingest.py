"""Raw records into events with their place: parse, redact, map, resolve, route. Pure; shared by ingest and replay.

Every raw record is accounted for: each of its items becomes events, is ignored with a reason, or is a dead letter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from schemas.dead_letter import DeadLetter, Stage
from schemas.events import BATCH
from streams.catalog import Catalog
from streams.dead_letters import dead_letter
from streams.redaction import Redactor
from streams.routing import concerned, partition_of
from streams.sources.base import Ignored, Malformed, Source
from streams.sources.parse import ParseError, inflate, parse
from streams.sources.registry import recognise

MAX_RAW_BYTES = 1_048_576
"""A larger raw record is a dead letter. gzip counts compressed, and may grow to ``MAX_INFLATED``."""

MAX_INFLATED = 67_108_864

MAX_ITEMS_SHOWN = 1_000
"""Dead letters that one raw record may cause; a record with more malformed items is refused from there on."""


class RawRecord(NamedTuple):
    """One record of a raw topic. ``received`` is its broker time, ms; ``source`` the source bound to the topic."""

    topic: str
    partition: int
    offset: int
    received: int
    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None
    source: Source | None = None


class Placed(NamedTuple):
    """One event as JSON, and its partition of the log; None goes to all of them."""

    partition: int | None
    value: bytes
    raw: RawRecord
    item: int


class Packed(NamedTuple):
    """One record of the log: a JSON array of ``events`` events."""

    partition: int
    value: bytes
    events: int


class Ingest:
    """Reads raw records. ``counts`` says what became of the items: events, copies, ignored, dead."""

    def __init__(
        self, catalog: Catalog, redactor: Redactor, partitions: int, max_raw_bytes: int = MAX_RAW_BYTES
    ) -> None:
        self.catalog = catalog
        self.redactor = redactor
        self.partitions = partitions
        self.max_raw_bytes = max_raw_bytes
        self.counts: Counter[str] = Counter()
        self.ignored: Counter[tuple[str, str]] = Counter()

    def read(self, raw: RawRecord) -> tuple[list[Placed], list[DeadLetter]]:
        """The events of a raw record, and what had to be refused."""
        value = raw.value
        if not value:
            return [], [self._refuse(raw, None, "read", "the record is empty")]
        if len(value) > self.max_raw_bytes:
            reason = f"{len(value)} bytes; at most {self.max_raw_bytes} are read"
            return [], [self._refuse(raw, None, "read", reason)]
        try:
            if value[:2] == b"\x1f\x8b":
                value = inflate(value, MAX_INFLATED)
            document = parse(value)
        except ParseError as error:
            return [], [self._refuse(raw, None, "parse", error.reason, error.place)]
        headers = {name.lower(): content.decode(errors="replace") for name, content in raw.headers if content}
        source = raw.source or recognise(document, headers)
        if source is None:
            return [], [self._refuse(raw, None, "recognise", "no source reads this format")]
        headers.setdefault("x-weir-received", _rfc3339(raw.received))
        return self.map(raw, source, self.redactor.redact(value, document), headers)

    def take_counts(self) -> tuple[Counter[str], Counter[tuple[str, str]]]:
        """What became of the items since the last call, and why the ignored ones were."""
        taken = self.counts, self.ignored
        self.counts, self.ignored = Counter(), Counter()
        return taken

    def map(
        self, raw: RawRecord, source: Source, document: object, headers: Mapping[str, str]
    ) -> tuple[list[Placed], list[DeadLetter]]:
        """The events of a parsed, redacted document."""
        placed: list[Placed] = []
        dead: list[DeadLetter] = []
        item = -1
        for item, reading in source.read(document, headers):
            if isinstance(reading, Malformed):
                if len(dead) < MAX_ITEMS_SHOWN:
                    dead.append(self._refuse(raw, item, "map", reading.reason, reading.place, source.name))
            elif isinstance(reading, Ignored):
                self.counts["ignored"] += 1
                self.ignored[source.name, reading.reason] += 1
            else:
                self._place(raw, source.name, item, reading, placed)
        if item < 0:
            self.counts["ignored"] += 1
            self.ignored[source.name, "nothing in it"] += 1
        return placed, dead

    def _place(self, raw: RawRecord, source: str, item: int, draft: Any, placed: list[Placed]) -> None:
        draft["origin"] = (raw.topic, raw.partition, raw.offset, item)
        if draft["type"] in ("context", "config"):
            placed.append(Placed(None, orjson.dumps(draft), raw, item))
            self.counts[draft["type"]] += 1
            return
        draft["source"] = source
        domain, component = self.catalog.resolve(
            draft["entities"], draft["domain"], by_actor=draft["type"] == "activity"
        )
        draft["domain"] = domain
        if component is not None:
            draft["component"] = component
        placed.append(Placed(partition_of(domain, self.partitions), orjson.dumps(draft), raw, item))
        self.counts[draft["type"]] += 1
        if draft["type"] == "change" and component is not None:
            for other in concerned(self.catalog, component, domain):
                draft["domain"] = other
                draft["home"] = False
                placed.append(Placed(partition_of(other, self.partitions), orjson.dumps(draft), raw, item))
                self.counts["copies"] += 1

    def pack(
        self, placed: Sequence[Placed], max_bytes: int, max_event: int = 2_000_000
    ) -> tuple[list[Packed], list[DeadLetter]]:
        """Cut the events into records of the log of ``max_bytes``, in order, each checked against the readers' schema.

        An event of more than ``max_event`` bytes, or one that does not hold the schema, takes its whole item to the
        dead letters, so that an item is never half in the log.
        """
        large = {(id(p.raw), p.item): p for p in placed if len(p.value) > max_event}
        oversize = [
            self._refuse(p.raw, p.item, "route", f"{len(p.value)} bytes as an event; at most {max_event} fit")
            for p in large.values()
        ]
        valid, dead = self._checked([p for p in placed if (id(p.raw), p.item) not in large] if large else placed)
        dead += oversize
        by_partition: dict[int, list[bytes]] = {}
        for event in valid:
            targets = range(self.partitions) if event.partition is None else (event.partition,)
            for partition in targets:
                by_partition.setdefault(partition, []).append(event.value)
        packed: list[Packed] = []
        for partition in sorted(by_partition):
            part: list[bytes] = []
            size = 2
            for value in by_partition[partition]:
                if part and size + len(value) + 1 > max_bytes:
                    packed.append(Packed(partition, b"[" + b",".join(part) + b"]", len(part)))
                    part, size = [], 2
                part.append(value)
                size += len(value) + 1
            packed.append(Packed(partition, b"[" + b",".join(part) + b"]", len(part)))
        return packed, dead

    def _checked(self, placed: Sequence[Placed]) -> tuple[Sequence[Placed], list[DeadLetter]]:
        dead: list[DeadLetter] = []
        while placed:
            try:
                BATCH.validate_json(b"[" + b",".join([p.value for p in placed]) + b"]")
                break
            except ValidationError as error:
                refused: dict[tuple[int, int], tuple[Placed, str, str]] = {}
                for problem in error.errors(include_url=False, include_input=False):
                    event = placed[int(problem["loc"][0])]
                    place = ".".join(map(str, problem["loc"][2:] or problem["loc"][1:]))
                    refused.setdefault((id(event.raw), event.item), (event, problem["msg"], place))
                for event, reason, place in refused.values():
                    dead.append(self._refuse(event.raw, event.item, "validate", reason, place))
                placed = [p for p in placed if (id(p.raw), p.item) not in refused]
        return placed, dead

    def _refuse(
        self,
        raw: RawRecord,
        item: int | None,
        stage: Stage,
        reason: str,
        place: str = "",
        source: str | None = None,
    ) -> DeadLetter:
        self.counts["dead"] += 1
        return dead_letter(
            self.redactor,
            topic=raw.topic,
            partition=raw.partition,
            offset=raw.offset,
            item=item,
            stage=stage,
            reason=reason,
            place=place,
            source=source or (raw.source.name if raw.source else None),
            key=raw.key,
            headers=[(name, content) for name, content in raw.headers],
            value=raw.value,
        )


def _rfc3339(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()

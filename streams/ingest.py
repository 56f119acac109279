"""Raw records into events with their place: parse, redact, map, resolve, route. Pure; shared by ingest and replay.

Every raw record is accounted for: each of its items becomes events, is ignored with a reason, or is a dead letter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from schemas.check import Fault, fault
from schemas.dead_letter import DeadLetter, Stage
from streams.catalog import Catalog
from streams.dead_letters import dead_letter
from streams.redaction import Redactor
from streams.routing import concerned, partition_of
from streams.sigma.events import finding, items, normalised
from streams.sigma.in_force import KIND as SIGMA
from streams.sigma.in_force import InForce, refused
from streams.sigma.rule import Rule
from streams.sigma.rule_set import RuleSet
from streams.sigma.values import Document
from streams.sources.base import Ignored, Malformed, Source
from streams.sources.family import Family
from streams.sources.known import BUILT_IN, Known
from streams.sources.parse import ParseError, inflate, parse
from streams.sources.plain_text import plain_text
from streams.sources.shipped import opened

MAX_RAW_BYTES = 1_048_576
"""A larger raw record is a dead letter. gzip counts compressed, and may grow to ``MAX_INFLATED``."""

MAX_INFLATED = 67_108_864

GZIP = b"\x1f\x8b"

MAX_ITEMS_SHOWN = 1_000
"""Dead letters that one raw record may cause; a record with more malformed items is refused from there on."""


_DETECTED_ON = {kind: f"weir.{kind}" for kind in ("activity", "finding", "change")}
"""Types of draft that detections are made of, and the log source of rules over them."""

_Matches = dict[int, tuple[Document, Sequence[Rule]]]
"""By item: the event as its vendor sends it, and the rules that hold for it."""

_Scanned = dict[tuple[str, str | None, str], dict[str, set[str]]]
"""Of one document: reporter, target and scan -> domain -> ids of findings; one that is there twice counts once."""


class RawRecord(NamedTuple):
    """One record of a raw topic. ``received`` is its broker time, ms; ``source`` what is bound to the topic."""

    topic: str
    partition: int
    offset: int
    received: int
    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None
    source: Source | Family | None = None


class Placed(NamedTuple):
    """One event as JSON, and its partition of the log; None goes to all of them. With a fault it goes to none."""

    partition: int | None
    value: bytes
    raw: RawRecord
    item: int
    fault: Fault | None


class Packed(NamedTuple):
    """One record of the log: a JSON array of ``events`` events."""

    partition: int
    value: bytes
    events: int


class Ingest:
    """Reads raw records. ``counts`` says what became of the items: events, copies, broadcasts, ignored, dead.

    ``known`` are the sources that may read a record which is bound to none. ``rules`` are the detections in force: what
    matches an item is a finding of its own beside the item's events, at their place, in ``counts`` a ``detection``.
    """

    def __init__(
        self,
        catalog: Catalog,
        redactor: Redactor,
        partitions: int,
        max_raw_bytes: int = MAX_RAW_BYTES,
        known: Known = BUILT_IN,
        rules: InForce | None = None,
    ) -> None:
        self.catalog = catalog
        self.redactor = redactor
        self.partitions = partitions
        self.max_raw_bytes = max_raw_bytes
        self.known = known
        self.counts: Counter[str] = Counter()
        self.ignored: Counter[tuple[str, str]] = Counter()
        self.rules = InForce() if rules is None else rules
        self.detected: Counter[str] = Counter()
        self.undetected: Counter[str] = Counter()

    def read(self, raw: RawRecord) -> tuple[list[Placed], list[DeadLetter]]:
        """The events of a raw record, and what had to be refused."""
        value = raw.value
        if not value:
            return [], [self._refuse(raw, None, "read", "the record is empty")]
        if len(value) > self.max_raw_bytes:
            reason = f"{len(value)} bytes; at most {self.max_raw_bytes} are read"
            return [], [self._refuse(raw, None, "read", reason)]
        headers = _received(raw.received)
        if raw.headers:
            given = {name.lower(): content.decode(errors="replace") for name, content in raw.headers if content}
            headers = {**headers, **given}
        family = raw.source if isinstance(raw.source, Family) else None
        bound = None if isinstance(raw.source, Family) else raw.source
        known = self.known.recognise if family is None else family.recognise
        try:
            if value.startswith(GZIP):
                value = inflate(value, MAX_INFLATED)
            document = parse(value)
        except ParseError as error:
            document = plain_text(value)
            if document is None or (bound is not None and not bound.recognise(document, headers)):
                source = None
            else:
                source = bound or known(document, headers)
            if source is None:
                return [], [self._refuse(raw, None, "parse", error.reason, error.place)]
        else:
            source = bound or known(document, headers)
            if source is None:
                found = opened(document, headers, known)
                if found is None:
                    return [], [self._refuse(raw, None, "recognise", "no source reads this format")]
                source, document = found
                value = orjson.dumps(document)  # its JSON may have stood in a text, where redaction sees less
        return self.map(raw, source, self.redactor.redact(value, document), headers)

    def take_counts(self) -> tuple[Counter[str], Counter[tuple[str, str]]]:
        """What became of the items since the last call, and why the ignored ones were."""
        taken = self.counts, self.ignored
        self.counts, self.ignored = Counter(), Counter()
        return taken

    def take_detected(self) -> tuple[Counter[str], Counter[str]]:
        """Findings that rules made since the last call, by level of the rule; and matches that made none, by reason.

        The level of a rule without one is ``none``, and ``silent`` that of rules which only feed correlation rules.
        """
        taken = self.detected, self.undetected
        self.detected, self.undetected = Counter(), Counter()
        return taken

    def map(
        self, raw: RawRecord, source: Source, document: object, headers: Mapping[str, str]
    ) -> tuple[list[Placed], list[DeadLetter]]:
        """The events of a parsed, redacted document."""
        placed: list[Placed] = []
        dead: list[DeadLetter] = []
        item = -1
        scanned: _Scanned = {}
        rules = self.rules.rules
        matches = {} if rules is None else self._matches(rules, source.name, document)
        for item, reading in source.read(document, headers):
            if type(reading) is dict:
                if reading["type"] == "context" and (wrong := _broken_rule(reading)) is not None:
                    dead.append(self._refuse(raw, item, "map", wrong.reason, wrong.place, source.name))
                    continue
                self._place(raw, source.name, item, reading, placed, scanned)
                if rules is not None:
                    self._detect(rules, matches, raw, source.name, item, reading, placed)
            elif isinstance(reading, Malformed):
                if len(dead) < MAX_ITEMS_SHOWN:
                    dead.append(self._refuse(raw, item, "map", reading.reason, reading.place, source.name))
            elif isinstance(reading, Ignored):
                self.counts["ignored"] += 1
                self.ignored[source.name, reading.reason] += 1
        if item < 0:
            self.counts["ignored"] += 1
            self.ignored[source.name, "nothing in it"] += 1
        if matches:
            self.undetected["no event"] += sum(len(found) for _, found in matches.values())
        return placed, dead

    def _matches(self, rules: RuleSet, source: str, document: object) -> _Matches:
        """The rules that hold for the events in a document, by item."""
        found: _Matches = {}
        if rules.wants(source):
            for item, event in items(source, document):
                try:
                    those = rules.detect(event, source)
                except Exception:  # noqa: BLE001 - a fault of a rule, or of ours, must not cost the event
                    self.undetected["failed"] += 1
                else:
                    if those:
                        found[item] = event, those
        return found

    def _detect(
        self,
        rules: RuleSet,
        matches: _Matches,
        raw: RawRecord,
        source: str,
        item: int,
        draft: Any,
        placed: list[Placed],
    ) -> None:
        """Place what was found in an item, by its first event, and what rules over normalised events find in this."""
        over = _DETECTED_ON.get(draft["type"])
        if over is None:
            return
        if matches and (match := matches.pop(item, None)) is not None:
            event, those = match
            self._found(those, event, raw, item, draft, placed)
        if rules.wants(over):
            try:
                event = normalised(draft, source)
                those = rules.detect(event, over)
            except Exception:  # noqa: BLE001 - as above
                self.undetected["failed"] += 1
            else:
                self._found(those, event, raw, item, draft, placed)

    def _found(
        self, those: Sequence[Rule], event: Document, raw: RawRecord, item: int, draft: Any, placed: list[Placed]
    ) -> None:
        """Place findings where the draft that they are about is; one that is refused itself has none."""
        if placed[-1].fault is not None:
            return
        for rule in those:
            try:
                made = finding(rule, event, draft) | {"origin": draft["origin"], "source": draft["source"]}
                value = orjson.dumps(made)
            except Exception:  # noqa: BLE001 - as above
                self.undetected["failed"] += 1
                continue
            if fault(made) is not None:  # would take the item along
                self.undetected["invalid"] += 1
                continue
            placed.append(Placed(partition_of(draft["domain"], self.partitions), value, raw, item, None))
            self.counts["detection"] += 1
            self.detected["silent" if rule.silent else rule.level or "none"] += 1

    def _place(
        self, raw: RawRecord, source: str, item: int, draft: Any, placed: list[Placed], scanned: _Scanned
    ) -> None:
        kind = draft["type"]
        self.counts[kind] += 1
        if kind == "review":  # says itself where it belongs, and is no observation
            partition = partition_of(draft["domain"], self.partitions)
            placed.append(Placed(partition, orjson.dumps(draft), raw, item, fault(draft)))
            return
        draft["origin"] = (raw.topic, raw.partition, raw.offset, item)
        if kind == "context" or kind == "config":
            placed.append(Placed(None, orjson.dumps(draft), raw, item, fault(draft)))
            return
        draft["source"] = source
        domain, component = self.catalog.resolve(draft["entities"], draft["domain"], kind == "activity")
        draft["domain"] = domain
        if component is not None:
            draft["component"] = component
        if kind == "scan":
            self._place_scan(raw, item, draft, placed, scanned)
            return
        if kind == "finding" and draft.get("scan") is not None:
            found = scanned.setdefault((draft["reporter"], draft.get("target"), draft["scan"]), {})
            found.setdefault(domain, set()).add(draft["source_id"])
        partition = partition_of(domain, self.partitions)
        placed.append(Placed(partition, orjson.dumps(draft), raw, item, fault(draft)))
        if kind == "change" and component is not None:
            for other in concerned(self.catalog, component, domain):
                copy = {**draft, "domain": other, "home": False}
                partition = partition_of(other, self.partitions)
                placed.append(Placed(partition, orjson.dumps(copy), raw, item, fault(copy)))
                self.counts["copies"] += 1

    def _place_scan(self, raw: RawRecord, item: int, draft: Any, placed: list[Placed], scanned: _Scanned) -> None:
        """Tell each domain how much of a scan to expect: what of its findings went there, and other domains nothing.

        The scan's own domain is told of what is missing, too, so that it never takes a part for the whole. An image is
        in one domain; findings of anything else may be anywhere, so whoever knows the target is told, too.
        """
        home, total = draft["domain"], draft["findings"]
        found = scanned.get((draft["reporter"], draft["target"], draft["scan"]), {})
        parts = {name: len(ids) for name, ids in found.items() if name != home}
        draft["findings"] = max(total - sum(parts.values()), len(found.get(home, ())))
        placed.append(Placed(partition_of(home, self.partitions), orjson.dumps(draft), raw, item, fault(draft)))
        whole = not str(draft["target"]).startswith("image ")
        if not parts and not whole:
            return
        draft.pop("component", None)
        for other in sorted(parts):
            draft["domain"], draft["findings"] = other, parts[other]
            placed.append(Placed(partition_of(other, self.partitions), orjson.dumps(draft), raw, item, fault(draft)))
            self.counts["copies"] += 1
        if whole:
            draft["domain"], draft["findings"], draft["elsewhere"] = home, 0, sorted({home, *parts})
            placed.append(Placed(None, orjson.dumps(draft), raw, item, fault(draft)))
            self.counts["broadcasts"] += 1

    def pack(
        self, placed: Sequence[Placed], max_bytes: int, max_event: int = 2_000_000
    ) -> tuple[list[Packed], list[DeadLetter]]:
        """Cut the events into records of the log of ``max_bytes``, in order.

        An event of more than ``max_event`` bytes, or with a fault, takes its whole item to the dead letters, so that an
        item is never half in the log.
        """
        dead: list[DeadLetter] = []
        bad = [p for p in placed if p.fault is not None or len(p.value) > max_event]
        if bad:
            items = {(id(p.raw), p.item): p for p in reversed(bad)}
            placed = [p for p in placed if (id(p.raw), p.item) not in items]
            dead = [self._unfit(p, max_event) for p in reversed(items.values())]
        by_partition: defaultdict[int, list[bytes]] = defaultdict(list)
        for event in placed:
            if event.partition is None:
                for partition in range(self.partitions):
                    by_partition[partition].append(event.value)
            else:
                by_partition[event.partition].append(event.value)
        return [
            packed
            for partition in sorted(by_partition)
            for packed in _cut(partition, by_partition[partition], max_bytes)
        ], dead

    def _unfit(self, event: Placed, max_event: int) -> DeadLetter:
        """The letter for an item with this event in it."""
        if event.fault is not None:
            return self._refuse(event.raw, event.item, "validate", event.fault.reason, event.fault.place)
        reason = f"{len(event.value)} bytes as an event; at most {max_event} fit"
        return self._refuse(event.raw, event.item, "route", reason)

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


def _broken_rule(draft: Any) -> Fault | None:
    """Why a record of context is no rule that can be in force; None if it is one, or is none."""
    return refused(draft["key"], draft["record"]) if draft["kind"] == SIGMA else None


def _cut(partition: int, values: Sequence[bytes], max_bytes: int) -> Iterator[Packed]:
    """The events of one partition as records of the log."""
    part: list[bytes] = []
    size = 2
    for value in values:
        size += len(value) + 1
        if size > max_bytes and part:
            yield Packed(partition, b"[" + b",".join(part) + b"]", len(part))
            part, size = [], len(value) + 3
        part.append(value)
    yield Packed(partition, b"[" + b",".join(part) + b"]", len(part))


@lru_cache(maxsize=1024)
def _received(ms: int) -> Mapping[str, str]:
    """What a record without headers says: when it was appended. Records come many a millisecond."""
    return MappingProxyType({"x-weir-received": datetime.fromtimestamp(ms / 1000, UTC).isoformat()})

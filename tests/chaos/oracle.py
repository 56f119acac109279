"""What must hold after any chaos, checked against the pure functions. Each check returns what is wrong, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from confluent_kafka import Message

from streams.catalog import Catalog
from streams.edge import restore
from streams.edge.ingest import sources
from streams.ingest import Ingest, RawRecord
from streams.linking.links import Links
from streams.pipeline import Pipeline
from streams.records import LogRecord
from streams.redaction import Redactor
from streams.routing import partition_of
from streams.settings import Settings, redaction_key

STEERING = {"tick", "related"}


def raw_records(settings: Settings, messages: Sequence[Message]) -> list[RawRecord]:
    """Raw records as ingest sees them."""
    bound = sources(settings)
    return [
        RawRecord(
            m.topic(),
            m.partition(),
            m.offset(),
            m.timestamp()[1],
            m.key(),
            m.headers() or [],
            m.value(),
            bound[m.topic()],
        )
        for m in messages
    ]


def homes(settings: Settings, raw: Sequence[RawRecord], log: Sequence[Message], dead: Sequence[Message]) -> list[str]:
    """(a) Log and dead letters together hold exactly what the pure reading of every raw record gives, each once.

    That is one home copy for each raw coordinate, and of further copies (changes for dependent domains, broadcasts)
    the routing function's set.
    """
    catalog = Catalog()
    for record in raw:
        if record.topic == settings.topic("context"):
            item = orjson.loads(record.value or b"null")
            catalog.apply(item["key"], item["record"])
    ingest = Ingest(catalog, Redactor(redaction_key(settings)), settings.partitions)
    wanted: Counter[tuple[int, bytes]] = Counter()
    letters: Counter[tuple[str, int, int, int | None, str]] = Counter()
    for record in raw:
        placed, refused = ingest.read(record)
        packed, more = ingest.pack(placed, settings.batch_bytes, settings.max_message_bytes - 65_536)
        for batch in packed:
            wanted.update((batch.partition, orjson.dumps(event)) for event in orjson.loads(batch.value))
        letters.update(
            (letter.topic, letter.partition, letter.offset, letter.item, letter.reason) for letter in (*refused, *more)
        )
    found: Counter[tuple[int, bytes]] = Counter()
    for message in log:
        for event in orjson.loads(message.value()):
            if event["type"] not in STEERING:
                found[message.partition(), orjson.dumps(event)] += 1
    found_letters: Counter[tuple[str, int, int, int | None, str]] = Counter()
    for message in dead:
        letter = orjson.loads(message.value())
        if letter["stage"] not in ("late", "correlate") and letter["topic"] != "indicators":
            place = tuple(letter[name] for name in ("topic", "partition", "offset", "item", "reason"))
            found_letters[place] += 1
    out = []
    for what, want, have in (("event", wanted, found), ("dead letter", letters, found_letters)):
        missing, extra = want - have, have - want
        if missing:
            out.append(f"{missing.total()} {what}(s) missing of {want.total()}, such as {next(iter(missing))}")
        if extra:
            out.append(f"{extra.total()} {what}(s) too many, such as {next(iter(extra))}")
    return out


def folds(
    settings: Settings,
    log: Sequence[Message],
    written: dict[str, Sequence[Message]],
    changelog: Sequence[Message],
    indicators: Sequence[Message],
) -> list[str]:
    """(b) An uninterrupted fold of that very log gives exactly the bytes in the outputs, in the same order.

    And exactly the state that the changelog holds, which sees also a lost event that no unit shows. Indicators of
    several partitions meet in one, so of them order says nothing.
    """
    out = []
    told: Counter[tuple[int, bytes, bytes]] = Counter()
    for partition in range(settings.partitions):
        pipeline = Pipeline(partition)
        state: dict[bytes, bytes | None] = {}
        wanted: dict[str, list[tuple[bytes, bytes]]] = {role: [] for role in written}
        for m in log:
            if m.partition() == partition:
                record = LogRecord(partition, m.offset(), m.timestamp()[1], m.value())
                for output in pipeline.step(record):
                    if output.role == "indicators":
                        told[partition_of(output.key.decode(), settings.partitions), output.key, output.value] += 1
                    else:
                        wanted[output.role].append((output.key, output.value))
                state.update(pipeline.drain())
        for role, messages in written.items():
            have = [
                (m.key(), m.value())
                for m in messages
                if m.partition() == partition and (role != "dead-letters" or _by_correlate(m))
            ]
            want = wanted[role]
            if have == want:
                continue
            missing, extra = Counter(want) - Counter(have), Counter(have) - Counter(want)
            order = "" if missing or extra else ", in another order"
            out.append(
                f"{role}[{partition}]: {len(have)} written, {len(want)} folded: "
                f"{missing.total()} missing, {extra.total()} too many{order}"
            )
        out += _differences(f"state[{partition}]", _rows(_kept(changelog, partition)), _rows(state))
    have_told = Counter((m.partition(), m.key(), m.value()) for m in indicators)
    return out + _unequal("indicators", have_told, told)


def links(
    settings: Settings, indicators: Sequence[Message], log: Sequence[Message], changelog: Sequence[Message]
) -> list[str]:
    """(c) An uninterrupted fold of the indicators gives exactly the ``related`` records in the log, and the state."""
    out = []
    wanted: Counter[tuple[int, bytes, bytes]] = Counter()
    for partition in range(settings.partitions):
        fold = Links(partition)
        state: dict[bytes, bytes | None] = {}
        for m in indicators:
            if m.partition() == partition:
                for output in fold.step(LogRecord(partition, m.offset(), m.timestamp()[1], m.value())):
                    assert output.role == "events", output
                    wanted[partition_of(output.key.decode(), settings.partitions), output.key, output.value] += 1
                state.update(fold.drain())
        have = {key: value for key, value in _kept(changelog, partition).items() if value is not None}
        want = {key: value for key, value in state.items() if value is not None}
        out += _differences(f"links-state[{partition}]", have, want)
    found = Counter((m.partition(), m.key(), m.value()) for m in log if b'"type":"related"' in m.value())
    return out + _unequal("related", found, wanted)


def _kept(changelog: Sequence[Message], partition: int) -> dict[bytes, bytes | None]:
    """What a changelog holds of the fold's own rows."""
    ours = (restore.GENESIS_KEY, restore.POSITION_KEY)
    return {m.key(): m.value() for m in changelog if m.partition() == partition and m.key() not in ours}


def _differences(name: str, have: Mapping[Any, object], want: Mapping[Any, object]) -> list[str]:
    different = [key for key in have.keys() | want.keys() if have.get(key) != want.get(key)]
    return [f"{name}: {len(different)} rows differ, such as {min(different)!r}"] if different else []


def _unequal(name: str, have: Counter[Any], want: Counter[Any]) -> list[str]:
    missing, extra = want - have, have - want
    if not missing and not extra:
        return []
    return [
        f"{name}: {have.total()} written, {want.total()} folded: {missing.total()} missing, {extra.total()} too many"
    ]


def _rows(state: dict[bytes, bytes | None]) -> dict[str, object]:
    """Live rows; the ids of one bucket are one set, since how a commit cuts them into rows says nothing."""
    rows: dict[str, object] = {}
    for key, value in state.items():
        if value is None:
            continue
        table, domain, name = orjson.loads(key)
        if table == "seen":
            bucket = rows.setdefault(f"seen {domain} {name.rpartition(':')[0]}", set())
            assert isinstance(bucket, set)
            bucket.update(orjson.loads(value))
        else:
            rows[key.decode()] = value
    return rows


def _by_correlate(message: Message) -> bool:
    letter = orjson.loads(message.value())
    return letter["stage"] in ("late", "correlate") or letter["topic"] == "log"

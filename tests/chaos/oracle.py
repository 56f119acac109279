"""What must hold after any chaos, checked against the pure functions. Each check returns what is wrong, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import orjson
from confluent_kafka import Message

from streams.catalog import Catalog
from streams.edge import restore
from streams.edge.ingest import sources
from streams.ingest import Ingest, RawRecord
from streams.pipeline import Pipeline
from streams.records import LogRecord
from streams.redaction import Redactor
from streams.settings import Settings, redaction_key

STEERING = {"tick"}


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
        if letter["stage"] not in ("late", "correlate"):
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
    settings: Settings, log: Sequence[Message], written: dict[str, Sequence[Message]], changelog: Sequence[Message]
) -> list[str]:
    """(b) An uninterrupted fold of that very log gives exactly the bytes in the outputs, in the same order.

    And exactly the state that the changelog holds, which sees also a lost event that no unit shows.
    """
    out = []
    for partition in range(settings.partitions):
        pipeline = Pipeline(partition)
        state: dict[bytes, bytes | None] = {}
        wanted: dict[str, list[tuple[bytes, bytes]]] = {role: [] for role in written}
        for m in log:
            if m.partition() == partition:
                record = LogRecord(partition, m.offset(), m.timestamp()[1], m.value())
                for output in pipeline.step(record):
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
        kept: dict[bytes, bytes | None] = {
            m.key(): m.value()
            for m in changelog
            if m.partition() == partition and m.key() not in (restore.GENESIS_KEY, restore.POSITION_KEY)
        }
        have_rows, want_rows = _rows(kept), _rows(state)
        if different := [
            key for key in have_rows.keys() | want_rows.keys() if have_rows.get(key) != want_rows.get(key)
        ]:
            out.append(f"state[{partition}]: {len(different)} rows differ, such as {min(different)!r}")
    return out


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

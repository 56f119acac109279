"""What goes into Weir's topics from its own hand: simulated raw records, catalog, configuration and reviews."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from confluent_kafka.admin import AdminClient
from pydantic import ValidationError

from schemas.events import Review
from schemas.parameters import Parameters
from streams.correlation.rules.check import edited
from streams.edge import client
from streams.edge.dump import NoTopic, read_topic
from streams.edge.sender import Sender
from streams.settings import BadSettings, Settings
from streams.simulate.message import Message as Simulated
from streams.sources.backstage import Backstage
from streams.sources.base import Ignored, Malformed

CONFIG_KEY = b"engine"
_TOLD = 1_000
_WAIT = 30.0


class BadCatalog(ValueError):
    """An entity that cannot be read; the text names its place."""


def missing_topics(settings: Settings, topics: Iterable[str]) -> list[str]:
    """Those of the topics (full names) that the broker does not have."""
    present = AdminClient(client.admin(settings)).list_topics(timeout=_WAIT).topics
    return [topic for topic in topics if topic not in present]


def require_topics(settings: Settings, topics: Iterable[str]) -> None:
    """Raises ``NoTopic`` for those that are missing: a producer would wait for them for minutes."""
    if missing := missing_topics(settings, topics):
        raise NoTopic(f"no such topic: {', '.join(missing)}; run `weir topics create`")


def feed(
    settings: Settings,
    messages: Iterable[Simulated],
    rate: float | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write simulated messages to the raw topics of their sources, with their keys and headers; gives their number.

    ``rate`` is messages a second; None: as fast as the broker takes them. ``progress`` is told the number so far. Their
    timestamp is the time of writing, not ``arrival``: brokers delete records by timestamp, and a scenario may lie far
    back. Returns when all are delivered.

    Raises:
        confluent_kafka.KafkaException: a record was refused.
        TimeoutError: the broker did not take the last ones in time.
    """
    topics = settings.raw_topics
    sender = Sender(settings)
    sent = 0
    began = time.monotonic()
    for message in messages:
        if rate is not None:
            while (early := began + sent / rate - time.monotonic()) > 0.001:
                sender.wait(early)
        sender.send(topics[message.source], message.key, message.value, message.headers)
        sent += 1
        if progress is not None and sent % _TOLD == 0:
            progress(sent)
    sender.end()
    if progress is not None:
        progress(sent)
    return sent


def catalog_records(entities: Iterable[object]) -> dict[str, dict[str, Any]]:
    """The records of the context topic by key, as Backstage entities give them. Raises ``BadCatalog``."""
    records: dict[str, dict[str, Any]] = {}
    for number, entity in enumerate(entities):
        for _, reading in Backstage().read(entity, {}):
            if isinstance(reading, Malformed):
                raise BadCatalog(f"catalog entity {number}: {reading.place}: {reading.reason}")
            if isinstance(reading, Ignored):
                continue
            assert reading["type"] == "context"
            records[reading["key"]] = {k: reading[k] for k in ("kind", "key", "record")}
    return records


def publish_catalog(settings: Settings, entities: Iterable[object]) -> int:
    """Write Backstage entities to the context topic, those that it does not hold already; gives the number written.

    Nothing is withdrawn: an entity that is gone needs a record whose value is empty, written by whoever knows.

    Raises:
        BadCatalog: one cannot be read; then none is written.
    """
    records = catalog_records(entities)
    topic = settings.topic("context")
    held = _held(settings, topic)
    fresh = {key: record for key, record in records.items() if held.get(key.encode()) != record}
    sender = Sender(settings)
    for key, record in fresh.items():
        sender.send(topic, key.encode(), orjson.dumps(record))
    sender.end()
    return len(fresh)


def send(settings: Settings, topic: str, records: Iterable[tuple[bytes, bytes | None]]) -> None:
    """Write keys and values to a topic; returns when all are delivered. Errors are those of ``feed``."""
    if given := list(records):
        sender = Sender(settings)
        for key, value in given:
            sender.send(topic, key, value)
        sender.end()


def publish_reviews(settings: Settings, reviews: Iterable[Review]) -> int:
    """Write reviews to their topic, by unit or pattern; gives their number. Raises ``NoTopic`` where there is none."""
    topic = settings.topic("reviews")
    require_topics(settings, [topic])
    sender = Sender(settings)
    written = 0
    for review in reviews:
        key = review.unit_id or review.pattern or ""
        sender.send(topic, key.encode(), review.model_dump_json(exclude_none=True).encode())
        written += 1
    sender.end()
    return written


def publish_config(settings: Settings) -> bool:
    """Write the engine's parameters to the config topic unless the last record there is equal; whether it did.

    Model sets that the settings do not name stay as they are there: ``weir models`` may have switched them. Raises
    ``BadSettings`` where a rule says something else than the one of its name and version that is there.
    """
    topic = settings.topic("config")
    held = _held(settings, topic).get(CONFIG_KEY)
    before = _parameters(held)
    engine = settings.engine
    if before is not None and not {"models", "shadow"} & engine.model_fields_set:
        engine = engine.model_copy(update={"models": before.models, "shadow": before.shadow})
    record = _config(engine)
    if held == record:
        return False
    if wrong := edited(before.rules if before is not None else (), engine.rules):
        raise BadSettings("\n".join(map(str, wrong)))
    _send_config(settings, record)
    return True


def change_config(settings: Settings, change: Callable[[Parameters], Parameters]) -> Parameters:
    """Write another config record, made of the one that is in force; gives the parameters that are now.

    Raises ``NoTopic`` where the broker has none, and whatever ``change`` raises.
    """
    topic = settings.topic("config")
    require_topics(settings, [topic])
    before = _parameters(_held(settings, topic).get(CONFIG_KEY)) or settings.engine
    after = change(before)
    if after != before:
        _send_config(settings, _config(after))
    return after


def held_config(settings: Settings) -> Parameters | None:
    """The parameters of the last config record; None where there is none that can be read."""
    topic = settings.topic("config")
    require_topics(settings, [topic])
    return _parameters(_held(settings, topic).get(CONFIG_KEY))


def _config(engine: Parameters) -> dict[str, Any]:
    return {"digest": engine.digest(), "settings": engine.model_dump(mode="json")}


def _send_config(settings: Settings, record: dict[str, Any]) -> None:
    sender = Sender(settings)
    sender.send(settings.topic("config"), CONFIG_KEY, orjson.dumps(record))
    sender.end()


def _parameters(held: object) -> Parameters | None:
    """The parameters of a config record; None if it cannot be read: then the fold refuses it as well."""
    try:
        return Parameters.model_validate(held["settings"]) if isinstance(held, dict) else None
    except (KeyError, ValidationError):
        return None


def _held(settings: Settings, topic: str) -> Mapping[bytes, Any]:
    """The last value of every key, parsed; what is not JSON reads as absent."""
    held: dict[bytes, Any] = {}
    for record in read_topic(settings, topic):
        try:
            held[record.key or b""] = orjson.loads(record.value or b"null")
        except orjson.JSONDecodeError:
            held.pop(record.key or b"", None)
    return held

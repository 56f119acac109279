"""Raw CloudTrail records to measure with: the simulator's benign background, or a recorded file again and again.

Every record has an id of its own, and times rise, so that nothing is a duplicate or late.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from streams.replay.documents import documents
from streams.simulate import catalog
from streams.simulate.background import Background
from streams.simulate.world import build
from streams.sources.fields import instant
from streams.sources.parse import ParseError, parse

PER_HOUR = 1_000
"""Records of the background, unless they are to fit into a shorter time: the simulator's own pace."""

SERVICES = 36
_PAUSE = timedelta(minutes=1)


class Unusable(ValueError):
    """The file is not one of CloudTrail records, one a line; the text says where it is not."""


class Given(NamedTuple):
    """Records in time order, and the Backstage entities that go with them."""

    name: str
    records: list[bytes]
    entities: list[dict[str, Any]]


def synthetic(count: int, end: datetime, *, span: timedelta | None = None, seed: int = 1) -> Given:
    """``count`` records of the background, the last at ``end`` (aware UTC); over ``span``, else at its own pace."""
    world = build(seed, SERVICES)
    background = Background(world)
    step = (timedelta(hours=count / PER_HOUR) if span is None else span) / count
    records = [background.record(end - (count - 1 - number) * step) for number in range(count)]
    return Given(f"simulated CloudTrail, seed {seed}", records, catalog.entities(world))


def recorded(path: Path, count: int, end: datetime, *, span: timedelta | None = None) -> Given:
    """``count`` records out of a file of one CloudTrail record a line, repeated as often as that takes.

    The times of each repetition begin a minute after those of the one before; the last is moved to ``end``, and over
    ``span`` all are pressed together. Every repetition has event ids of its own. Raises ``Unusable`` and ``OSError``.
    """
    base = sorted(_read(path), key=lambda pair: pair[0])
    if not base:
        raise Unusable(f"{path}: there is no record in it")
    first, last = base[0][0], base[-1][0]
    width = last - first + _PAUSE
    repeats = -(-count // len(base))
    whole = (repeats - 1) * width + base[(count - 1) % len(base)][0] - first
    scale = 1.0 if span is None or not whole else span / whole
    records = []
    for number in range(count):
        repeat, place = divmod(number, len(base))
        time, record = base[place]
        at = end - (whole - (repeat * width + time - first)) * scale
        again = {**record, "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}", "eventID": _id(record["eventID"], repeat)}
        records.append(orjson.dumps(again))
    return Given(f"{path.name} {repeats} times", records, [])


def _read(path: Path) -> Iterator[tuple[datetime, dict[str, Any]]]:
    with documents(path, "lines") as lines:
        for line in lines:
            try:
                record = parse(line.value)
            except ParseError as error:
                raise Unusable(f"{path}: line {line.number + 1}: {error}") from None
            time = instant(record.get("eventTime")) if isinstance(record, dict) else None
            if not isinstance(record, dict) or time is None or not isinstance(record.get("eventID"), str):
                raise Unusable(f"{path}: line {line.number + 1}: not a CloudTrail record")
            yield datetime.fromisoformat(time).astimezone(UTC), record


def _id(event_id: str, repeat: int) -> str:
    """Another id of the same shape."""
    digits = blake2b(f"{event_id}/{repeat}".encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

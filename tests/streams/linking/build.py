"""Units, indicators and logs of them for the tests of linking. Times are whole ms since the epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from schemas.events import BATCH, Related
from schemas.indicator import Indicator
from schemas.unit import Exploitability as Reach
from schemas.unit import NotJoined, Provenance, Risk, Unit, UnitEntity
from streams.linking.links import Links
from streams.records import LogRecord, Output

T0 = 1_735_732_800_000  # 2025-01-01T12:00:00Z
DAY = 86_400_000
ADDRESS = "198.51.100.7"


def at(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def unit(
    *entities: tuple[str, str, float], name: str = "wu-1", common: Sequence[tuple[str, str]] = (), **more: Any
) -> Unit:
    """A revision of a unit with these entities: kind, id, weight."""
    given: dict[str, Any] = {
        "unit_id": name,
        "revision": 1,
        "reason": "opened",
        "status": "open",
        "severity": 4,
        "confidence": 0.5,
        "title": "something",
        "domain": "system:shop",
        "opened_at": at(T0),
        "updated_at": at(T0),
        "risk": Risk(score=10),
        "exploitability": Reach(),
        "signal_count": 1,
        "signals": (),
        "entities": tuple(UnitEntity(kind=kind, id=id_, weight=weight) for kind, id_, weight in entities),
        "not_joined": tuple(NotJoined(kind=kind, id=id_, signals=9, unrelated=9, text="many") for kind, id_ in common),
        "first_at": at(T0),
        "last_at": at(T0),
        "provenance": Provenance(engine="e", config="c", rules="r", models=(), context="x", log=None),
        "digest": "0" * 32,
    }
    return Unit.model_validate(given | more)


def told(outputs: Iterable[Output]) -> list[tuple[str, str, str | None]]:
    """State, key and survivor of indicator records."""
    found = [(Indicator.model_validate_json(each.value), each) for each in outputs]
    assert all(each.role == "indicators" and each.key == f"{i.kind}:{i.id}".encode() for i, each in found)
    return [(i.state, each.key.decode(), i.merged_into) for i, each in found]


def seen(domain: str, unit_id: str, kind: str = "ip", id_: str = ADDRESS, **more: Any) -> bytes:
    """An indicator as it is in its topic."""
    given = {"kind": kind, "id": id_, "state": "seen", "domain": domain, "unit_id": unit_id, "time": at(T0)}
    return Indicator.model_validate(given | more).model_dump_json().encode()


def withdrawn(domain: str, unit_id: str, into: str | None = None, **more: Any) -> bytes:
    """A withdrawal as it is in its topic."""
    return seen(domain, unit_id, **({"state": "withdrawn", "merged_into": into} | more))


def log(values: Iterable[bytes | tuple[int, bytes]]) -> list[LogRecord]:
    """Records one after the other, a second apart, or so many ms after T0 as is given with them."""
    records = []
    for number, value in enumerate(values):
        after, body = value if isinstance(value, tuple) else (number * 1_000, value)
        records.append(LogRecord(0, number, T0 + after, body))
    return records


def fold(links: Links, records: Iterable[LogRecord]) -> list[Output]:
    return [output for record in records for output in links.step(record)]


def related(outputs: Iterable[Output]) -> list[Related]:
    """What units were told."""
    found = []
    for output in outputs:
        if output.role == "events":
            events = BATCH.validate_json(output.value)
            assert {event.domain for event in events if isinstance(event, Related)} == {output.key.decode()}
            found += [event for event in events if isinstance(event, Related)]
    return found


def pairs(outputs: Iterable[Output]) -> list[tuple[str, str]]:
    """Unit and the other it was told of, in order."""
    return [(each.unit_id, each.other_unit_id) for each in related(outputs)]


def restored(rows: Iterable[tuple[bytes, bytes | None]], links: Links) -> Links:
    """A fresh fold that took these changelog records back."""
    kept = dict(rows)
    for key in sorted(kept, reverse=True):
        links.load(key, kept[key])
    return links


def state(links: Links) -> dict[str, Any]:
    """All rows, by table and key."""
    return {
        f"{table.name} {key}": orjson.loads(orjson.dumps(tuple(row)))
        for table in links._tables
        for key, row in table.items()
    }

"""A unit as a record of the units topic: JSON under its size limit, CloudEvents headers in binary mode."""

from __future__ import annotations

from schemas.unit import Unit
from streams.records import Output

MAX_BYTES = 262_144
"""Largest value of a unit; evidence is cut until it fits."""

_TYPES = {"opened": "created", "closed": "closed", "merged": "updated"}


def unit_record(unit: Unit) -> Output:
    """The record: key is the unit id, value the unit, identifying fields first; never a tombstone."""
    value = unit.model_dump_json(by_alias=True).encode()
    while len(value) > MAX_BYTES:
        unit = _cut(unit)
        value = unit.model_dump_json(by_alias=True).encode()
    return Output("units", unit.unit_id.encode(), value, headers(unit))


def headers(unit: Unit) -> tuple[tuple[str, bytes], ...]:
    """CloudEvents 1.0 attributes, Kafka binding, binary mode."""
    kind = "closed" if unit.status in ("closed", "merged") else _TYPES.get(unit.reason, "updated")
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{unit.unit_id}:{unit.revision}".encode()),
        ("ce_source", b"/weir"),
        ("ce_type", f"io.weir.unit.{kind}.v1".encode()),
        ("ce_subject", unit.unit_id.encode()),
        ("ce_time", unit.updated_at.isoformat().encode()),
        ("content-type", b"application/json"),
    )


def _cut(unit: Unit) -> Unit:
    """Half the listed signals and entities: the least severe and oldest, and the lightest, go; counts stay true."""
    ranked = sorted(unit.signals, key=lambda s: (-s.severity, -s.score, -s.last.timestamp(), s.id))
    keep = {s.id for s in ranked[: len(ranked) // 2]}
    return unit.model_copy(
        update={
            "signals": tuple(s for s in unit.signals if s.id in keep),
            "entities": unit.entities[: len(unit.entities) // 2],
            "truncated": True,
        }
    )

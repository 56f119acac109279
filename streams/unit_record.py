"""A unit as a record of the units topic: JSON under its size limit, CloudEvents headers in binary mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from schemas.unit import Unit
from streams.records import Output

MAX_BYTES = 262_144
"""Largest value of a unit; evidence is cut until it fits."""

_TYPES = {"opened": "created", "closed": "closed", "merged": "updated"}

_LISTS = ("signals", "entities", "changes", "reviews", "related", "aliases", "components", "approvals")
"""What can be cut. All but signals and reviews have the most important first."""


def unit_record(unit: Unit, role: str = "units") -> Output:
    """The record: key is the unit id, value the unit, identifying fields first; never a tombstone."""
    return unit_records(unit, (role,))[0]


def unit_records(unit: Unit, roles: Sequence[str]) -> list[Output]:
    """The same record for each topic that the revision is for."""
    value = unit.model_dump_json(by_alias=True).encode()
    while len(value) > MAX_BYTES:
        smaller = _cut(unit)
        if smaller is None:
            break
        unit = smaller
        value = unit.model_dump_json(by_alias=True).encode()
    key, attributes = unit.unit_id.encode(), headers(unit)
    return [Output(role, key, value, attributes) for role in roles]


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


def _cut(unit: Unit) -> Unit | None:
    """Half of the list that takes most room: the least severe and oldest, the lightest, go. None if all are empty."""
    document = unit.model_dump(mode="json", include=set(_LISTS))
    name = max(_LISTS, key=lambda field: len(orjson.dumps(document[field])))
    items: tuple[Any, ...] = getattr(unit, name)
    if not items:
        return None
    half = len(items) // 2
    if name == "signals":
        ranked = sorted(unit.signals, key=lambda s: (-s.severity, -s.score, -s.last.timestamp(), s.id))
        kept = {s.id for s in ranked[:half]}
        items = tuple(s for s in unit.signals if s.id in kept)
    else:
        items = items[len(items) - half :] if name == "reviews" else items[:half]
    return unit.model_copy(update={name: items, "truncated": True})

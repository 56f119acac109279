"""What a unit tells other domains with a revision: the indicators that are new for it, and those it lost.

The state is one row for each open unit, the indicators it told, so that each is told exactly once.
"""

from __future__ import annotations

from typing import Final

from schemas.indicator import Indicator
from schemas.unit import Unit
from streams.correlation.table import Table
from streams.linking.strong import Mark, mark
from streams.records import Output

TABLE: Final = "indicators"
"""Name of the domain's table: unit id -> keys of the indicators that it told, sorted."""

LEAST_WEIGHT: Final = 0.05
"""What weighs less holds hardly any of the unit together: a CVE in one of seven findings, an address in one of 15."""

MOST: Final = 32
"""Indicators that a unit tells; the strongest. It may hold more for a while after a merge."""


def announce(table: Table, unit: Unit) -> list[Output]:
    """The records that go with this revision, in the order to write them; the table's rows are brought up to it.

    Call it once for every revision of every unit, suppressed ones included, with the table ``TABLE`` of the unit's
    domain. What the unit says it was not joined by is common and not told. An indicator that was told once is held
    until the unit no longer lists the entity, so that a weight near the limit does not make it come and go.
    """
    told = table.get(unit.unit_id, ())
    if unit.status != "open":
        return _end(table, unit, told)
    weights: dict[str, float] = {}
    marks: dict[str, Mark] = {}
    for entity in unit.entities:
        found = mark(entity.kind, entity.id)
        if found is not None and entity.weight > 0:
            key = found.key
            marks[key] = found
            weights[key] = max(entity.weight, weights.get(key, 0.0))
    for common in unit.not_joined:
        found = mark(common.kind, common.id)
        if found is not None:
            marks.pop(found.key, None)
    kept = [key for key in told if key in marks]
    fresh = sorted(marks.keys() - told, key=lambda key: (-weights[key], key))
    fresh = sorted(key for key in fresh[: max(0, MOST - len(kept))] if weights[key] >= LEAST_WEIGHT)
    if not fresh and len(kept) == len(told):
        return []
    held = tuple(sorted([*kept, *fresh]))
    if held:
        table[unit.unit_id] = held
    else:
        table.discard(unit.unit_id)
    out = [_withdrawn(unit, key) for key in told if key not in marks]
    return out + [_record(_indicator(unit, marks[key], weights[key])) for key in fresh]


def _end(table: Table, unit: Unit, told: tuple[str, ...]) -> list[Output]:
    """Everything is withdrawn. What went into another unit is that unit's to withdraw from now on."""
    if not told:
        return []
    del table[unit.unit_id]
    if unit.merged_into is not None and (others := table.get(unit.merged_into)) is not None:
        table[unit.merged_into] = tuple(sorted({*others, *told}))
    return [_withdrawn(unit, key) for key in told]


def _indicator(unit: Unit, found: Mark, weight: float) -> Indicator:
    return Indicator(
        kind=found.kind,
        id=found.id,
        state="seen",
        domain=unit.domain,
        unit_id=unit.unit_id,
        time=unit.updated_at,
        weight=weight,
    )


def _withdrawn(unit: Unit, key: str) -> Output:
    kind, _, id_ = key.partition(":")
    return _record(
        Indicator(
            kind=kind,
            id=id_,
            state="withdrawn",
            domain=unit.domain,
            unit_id=unit.unit_id,
            time=unit.updated_at,
            merged_into=unit.merged_into,
        )
    )


def _record(indicator: Indicator) -> Output:
    return Output("indicators", f"{indicator.kind}:{indicator.id}".encode(), indicator.model_dump_json().encode())

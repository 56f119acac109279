"""The public ids of units: derived, permanent, never given twice at once."""

from __future__ import annotations

from hashlib import blake2b
from typing import cast

from streams.correlation.rows import UnitRow
from streams.correlation.state import Domain


def derived(domain: str, unit: UnitRow, number: int = 0) -> str:
    """The id from domain and anchor signal; ``number`` tells apart units that had one anchor in turn."""
    more = f"\x1f{number}" if number else ""
    text = f"{domain}\x1f{unit.anchor}\x1f{unit.anchor_id}{more}"
    return "wu-" + blake2b(text.encode(), digest_size=10).hexdigest()


def free(domain: Domain, unit: UnitRow) -> str:
    """An id for the unit that no other unit here has or had."""
    number = 0
    while (name := derived(domain.name, unit, number)) in domain.cluster_of:
        number += 1
    return name


def named(domain: Domain, cluster: str) -> str:
    """The unit's id, for good: others are about to refer to it."""
    unit = cast(UnitRow, domain.units[cluster])
    if unit.unit_id:
        return unit.unit_id
    name = free(domain, unit)
    domain.units[cluster] = unit._replace(unit_id=name)
    domain.cluster_of[name] = cluster
    return name

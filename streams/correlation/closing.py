"""The ends of units: closed and still there to be reopened, succeeded when full or too old, forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from streams.correlation.interval import Line, without
from streams.correlation.lifecycle import touch
from streams.correlation.naming import named
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.state import Domain, State
from streams.correlation.table import Row

EVICT = 16
"""Beyond the cap, one unit in so many goes, so that looking for the idle ones costs little."""

PAST: Final = "past"
"""The table of forgotten units by what they were about: line of an identity key -> (unit id, log time of the end)."""

PAST_LIMIT: Final = 20_000


def relate(domain: Domain, cluster: str, row: Row) -> bool:
    """Note another unit that this one has to do with, ``row`` as ``(unit id, domain, relation, kind, id, text)``."""
    key = f"{cluster}\x1f{row[0]}\x1f{row[2]}" + (f"\x1f{row[3]}:{row[4]}" if row[3] is not None else "")
    if domain.related.get(key) == row:
        return False
    domain.note(domain.related, cluster, key, row)
    return True


def succeed(state: State, domain: Domain, full: str, successor: str, log_time: int) -> None:
    """Tell both units, and when one is shown the reader, that one carries on where the other was full or too old."""
    unit = cast(UnitRow, domain.units[full])
    why = "had lived its longest" if unit.signals < state.parameters.max_signals else f"lists {unit.signals} signals"
    before, after = named(domain, full), named(domain, successor)
    relate(
        domain, successor, (before, domain.name, "predecessor", None, None, f"carries on from {before}, which {why}")
    )
    if relate(domain, full, (after, domain.name, "successor", None, None, f"{after} carries on: this unit {why}")):
        unit = cast(UnitRow, domain.units[full])
        touched = touch(unit, "related", log_time, state.parameters)
        domain.units[full] = touched
        state.arm(domain, full, touched)


def evict(state: State, domain: Domain, log_time: int) -> None:
    """Close the units that have been idle longest, if the domain has too many, to be forgotten at once. Counted.

    They leave when the log's clock is next looked at; until then they are ``leaving``, and not counted again.
    """
    if len(domain.units) - len(domain.leaving) <= state.parameters.max_units:
        return
    ranked = sorted(
        (unit.status == "open", unit.last_log, cluster)
        for cluster, unit in cast(dict[str, UnitRow], domain.units).items()
        if unit.status != "merged" and unit.pending != "closed"
    )
    gone = ranked[: max(1, state.parameters.max_units // EVICT)]
    for open_, _, cluster in gone:
        if not open_:
            forget(state, domain, cluster)
            continue
        unit = cast(UnitRow, domain.units[cluster])._replace(pending="closed", due=log_time, sealed=True)
        domain.units[cluster] = unit
        domain.leaving.add(cluster)
        state.arm(domain, cluster, unit)
    domain.gone["units"] = (cast(tuple[int], domain.gone.get("units", (0,)))[0] + len(gone),)


def forget(state: State, domain: Domain, cluster: str) -> None:
    """Drop a closed or merged unit: its rows, and its hold on lines."""
    unit = cast(UnitRow, domain.units[cluster])
    keys = sorted(domain.signals_of.pop(cluster, ()))
    _remember(domain, unit, [cast(SignalRow, domain.signals[key]) for key in keys])
    for key in keys:
        _, name, session = key.split("\x1f")
        domain.unrun(key)
        domain.density.end(cast(SignalRow, domain.signals[key]), name, session)
        del domain.signals[key]
        del domain.key_of[session]
        if state.moves is not None:
            state.ids[domain.name, session] = unit.unit_id
    release(domain, cluster)
    for table in (domain.reviews, domain.related):
        for key in sorted(domain.notes_of.pop((table.name, cluster), ())):
            del table[key]
    del domain.units[cluster]
    domain.leaving.discard(cluster)
    domain.patterns.forget(cluster)
    domain.merged.discard(cluster)
    state.disarm(domain, cluster)
    if unit.status == "merged":
        return
    for unit_id in (unit.unit_id, *unit.aliases):
        if domain.cluster_of.get(unit_id) == cluster:
            del domain.cluster_of[unit_id]
    gone = [cluster]
    while gone:
        for victim in sorted(domain.joined_of.pop(gone.pop(), ())):
            domain.joined.discard(victim)
            gone.append(victim)


def _remember(domain: Domain, unit: UnitRow, rows: Sequence[SignalRow]) -> None:
    """Note what weaknesses the unit was about, of each the last unit; the oldest are dropped, counted."""
    if not unit.unit_id:
        return
    past = domain.table(PAST)
    for line in sorted({line for row in rows for line, _ in row.keys}):
        past[line] = (unit.unit_id, unit.closed_log)
    if len(past) > PAST_LIMIT:
        oldest = sorted((row[1], line) for line, row in past.items())[: len(past) - PAST_LIMIT * 9 // 10]
        for _, line in oldest:
            del past[line]
        domain.gone[PAST] = (cast(tuple[int], domain.gone.get(PAST, (0,)))[0] + len(oldest),)


def release(domain: Domain, cluster: str) -> None:
    """Take the unit off all lines."""
    for key in sorted(domain.lines_of.pop(cluster, ())):
        rest = without(cast(Line, domain.links.get(key, ())), cluster)
        if rest:
            domain.links[key] = rest
        else:
            domain.links.discard(key)

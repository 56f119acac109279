"""Signals into units: a unit is what hooks connect; it grows, and units merge, as signals come.

A cluster is a unit before and after it has its public id. Its key is made from the first signal that arrived and never
leaves the state; the public ``unit_id`` is made from the anchor when the unit is first emitted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from streams.correlation import closing, member_hash
from streams.correlation.hooks import begins, entity_key, hooks
from streams.correlation.interval import Line, touched
from streams.correlation.joining import counts, hold, join, unite
from streams.correlation.lifecycle import touch
from streams.correlation.regroup import regroup
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.session import fuse, node, signature, summary
from streams.correlation.spread import counted
from streams.correlation.state import Domain, State


def add(state: State, domain: Domain, signal: SignalRow, *, late: bool, log_time: int, offset: int) -> str:
    """Put a signal (one occurrence) into its session and that into its unit. Returns the session.

    Opens and merges units as needed, and takes those apart that an entity held together which by now too many share.
    """
    parameters = state.parameters
    name = signature(signal)
    cluster, old = _session_of(state, domain, signal, name, log_time)
    before = [cast(SignalRow, domain.signals[key]) for key in old]
    row = signal
    for earlier in before:
        row = fuse(row, earlier)
    if before:
        row = row._replace(home=before[0].home)
    placed = hooks(row, name, domain.spread, parameters, domain.root)
    spans = [(earlier.first, earlier.last) for earlier in before]
    moved = bool(before) and (len(before) > 1 or row.first < before[0].first) and begins(row, placed)
    lost = _count(domain, row, name, spans, state)
    if lost:
        placed = hooks(row, name, domain.spread, parameters, domain.root)
    if cluster is None and (full := counts(state, domain, placed, row)) is not None:
        session = _sum_up(state, domain, full, row)
        _account(state, domain, full, signal, late=late, log_time=log_time, offset=offset)
        return session
    cluster = join(state, domain, cluster, placed, log_time, signal, offset)
    session = _keep(state, domain, cluster, row, name, [key.rpartition("\x1f")[2] for key in old])
    hold(domain, cluster, placed)
    _account(state, domain, cluster, signal, late=late, log_time=log_time, offset=offset)
    if lost or moved:
        stale = {cluster} if moved else set()
        for key, start, end in lost:
            stale.update(touched(cast(Line, domain.links.get(key, ())), start, end, 0))
        for each in sorted(stale):
            if each in domain.units:
                regroup(state, domain, each, log_time)
    if len(domain.units) > parameters.max_units:
        closing.evict(state, domain, log_time)
    return session


def _session_of(
    state: State, domain: Domain, signal: SignalRow, name: str, log_time: int
) -> tuple[str | None, list[str]]:
    """The unit that holds sessions of this signature near the signal, and their keys; None if there are none."""
    window = state.parameters.link_window_ms
    time = signal.first
    near = set(touched(cast(Line, domain.links.get(f"=\x1f{name}", ())), time, time, window))
    if not near:
        return None, []
    cluster = unite(state, domain, near, log_time)
    keys = sorted(
        key
        for key in domain.runs_of.get(f"{cluster}\x1f{name}", ())
        if cast(SignalRow, domain.signals[key]).first - window <= time
        and time <= cast(SignalRow, domain.signals[key]).last + window
    )
    return (cluster, keys) if keys else (None, [])


def _count(
    domain: Domain, row: SignalRow, name: str, spans: Iterable[tuple[int, int]], state: State
) -> list[tuple[str, int, int]]:
    """Count the session's entities in the buckets it is new in; lines, and where on them, that link no more."""
    parameters = state.parameters
    size = parameters.spread_bucket_ms
    known = {b for first, last in spans for b in range(first // size, last // size + 1)}
    lost = []
    for bucket in range(row.first // size, row.last // size + 1):
        if bucket not in known:
            for entity in sorted({domain.root(*entity, row.first) for entity in counted(row)}):
                gone = domain.spread.add(entity, row, name, bucket, parameters)
                lost += [(entity_key(*entity), b * size, (b + 1) * size - 1) for b in gone]
    return sorted(lost)


def _keep(state: State, domain: Domain, cluster: str, row: SignalRow, name: str, nodes: list[str]) -> str:
    """The session's row in its unit, in place of the ones it is made of. Returns its node."""
    prefix = f"{cluster}\x1f{name}"
    runs = domain.runs_of.setdefault(prefix, set())
    keys = domain.signals_of.setdefault(cluster, set())
    if nodes:
        session = nodes[0]
        for gone in nodes[1:]:
            key = f"{prefix}\x1f{gone}"
            del domain.signals[key]
            runs.discard(key)
            keys.discard(key)
            if state.moves is not None:
                state.moves.append((domain.name, gone, session))
    else:
        session = node(domain.name, row)
        row = row._replace(home=cluster)
    key = f"{prefix}\x1f{session}"
    domain.signals[key] = row
    runs.add(key)
    keys.add(key)
    unit = cast(UnitRow, domain.units[cluster])
    if unit.signals != len(keys):
        sealed = unit.sealed or len(keys) >= state.parameters.max_signals
        domain.units[cluster] = unit._replace(signals=len(keys), sealed=sealed)
    return session


def _sum_up(state: State, domain: Domain, cluster: str, row: SignalRow) -> str:
    """Count a signal in a full unit that was told the same about other things."""
    name = summary(row)
    before = [cast(SignalRow, domain.signals[key]) for key in domain.runs_of.get(f"{cluster}\x1f{name}", ())]
    nodes = [key.rpartition("\x1f")[2] for key in domain.runs_of.get(f"{cluster}\x1f{name}", ())]
    for earlier in before:
        row = fuse(row, earlier)._replace(entities=earlier.entities, home=earlier.home)
    return _keep(state, domain, cluster, row, name, nodes)


def _account(
    state: State, domain: Domain, cluster: str, signal: SignalRow, *, late: bool, log_time: int, offset: int
) -> None:
    """One more member in the unit's sums, and a revision due."""
    unit = cast(UnitRow, domain.units[cluster])
    anchor_id = f"{signal.source}\x1f{signal.source_id}"
    first = min((unit.anchor, unit.anchor_id), (signal.first, anchor_id))
    before = unit.due
    closed = unit.status == "closed"
    unit = unit._replace(
        anchor=first[0],
        anchor_id=first[1],
        first=min(unit.first, signal.first),
        last=max(unit.last, signal.first),
        last_log=log_time,
        members=unit.members + 1,
        member_hash=member_hash.union(unit.member_hash, signal.members),
        severity=max(unit.severity, signal.severity),
        last_offset=max(unit.last_offset, offset),
        first_offset=min(unit.first_offset, offset),
    )
    if closed and not unit.sealed:
        unit = unit._replace(status="open", closed_log=0)
        unit = touch(unit, "reopened", log_time, state.parameters)
    else:
        unit = touch(unit, "late" if late else "signal", log_time, state.parameters)
    domain.units[cluster] = unit
    if unit.last > domain.latest:
        domain.latest = unit.last
    if closed or unit.due != before:
        state.arm(domain, cluster, unit)

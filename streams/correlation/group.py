"""Signals into units: a unit is what hooks connect; it grows, and units merge, as signals come.

A cluster is a unit before and after it has its public id. Its key is made from the first signal that arrived and never
leaves the state; the public ``unit_id`` is made from the anchor when the unit is first emitted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import cast

from streams.correlation import closing, member_hash
from streams.correlation.density import KIND, second
from streams.correlation.hooks import begins, entity_key, hooks
from streams.correlation.interval import Line, near, touched
from streams.correlation.joining import counts, hold, join, unite
from streams.correlation.lifecycle import touch
from streams.correlation.regroup import regroup
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.session import fuse, node, signature, summary
from streams.correlation.spread import STATES, counted
from streams.correlation.state import Domain, State


def add(state: State, domain: Domain, signal: SignalRow, *, late: bool, log_time: int, offset: int) -> str:
    """Put a signal (one occurrence) into its session and that into its unit. Returns the session.

    Opens and merges units as needed, and takes those apart that an entity held together which by now too many share.
    """
    parameters = state.parameters
    name = signature(signal)
    density = domain.density
    risen: list[tuple[str, int]] = []
    if signal.kind == KIND:
        risen = density.note(signal, name, signal.first, parameters)
        signal = signal._replace(routine=density.routine(name, signal.first))
    if signal.component is not None and signal.kind not in STATES and (around := state.near(signal.component)):
        signal = signal._replace(near=around)
    cluster, old = _session_of(state, domain, signal, name, log_time)
    before = [cast(SignalRow, domain.signals[key]) for key in old]
    row = signal
    for earlier in before:
        row = fuse(row, earlier)
    if before:
        row = row._replace(home=before[0].home)
    session = old[0].rpartition("\x1f")[2] if old else node(domain.name, row)
    begun = len(before) == 1 and (before[0].first, before[0].near) == (row.first, row.near)
    placed = []
    if not _is_within(signal, row, before):
        placed = hooks(row, name, domain.spread, parameters, domain.root, begun=begun)
    moved = bool(before) and (len(before) > 1 or row.first < before[0].first)
    shifted = moved and any(_rooted_anew(domain, row, earlier) for earlier in before)
    lost = _count(domain, row, name, [] if shifted else [(each.first, each.last) for each in before], state)
    if lost:
        placed = hooks(row, name, domain.spread, parameters, domain.root)
    partners: list[str] = []
    if moved:
        for earlier, key in zip(before, old, strict=True):
            density.end(earlier, name, key.rpartition("\x1f")[2])
    if moved or not before:
        partners = list(density.partners(row, name, session, parameters.link_ms))
    if cluster is None and (full := counts(state, domain, placed, row, partners)) is not None:
        session = _sum_up(state, domain, full, row)
        _account(state, domain, full, signal, late=late, log_time=log_time, offset=offset)
        return session
    cluster = join(state, domain, cluster, placed, log_time, signal, offset, partners)
    _keep(state, domain, cluster, row, name, session, [key.rpartition("\x1f")[2] for key in old[1:]])
    hold(domain, cluster, placed)
    stale = {cluster} if shifted or (moved and (row.kind == KIND or begins(row, placed))) else set()
    if moved or not before:
        stale.update(domain.unit_of(other) for other in density.begin(row, name, session, parameters.link_ms))
    _account(state, domain, cluster, signal, late=late, log_time=log_time, offset=offset)
    for key, start, end in lost:
        for line in (key, f"%{key}"):
            stale.update(touched(cast(Line, domain.links.get(line, ())), start, end, 0))
    for line, bucket in risen:
        stale |= density.parted(line, bucket, parameters.link_ms, domain.unit_of)
    for each in sorted(stale):
        if each in domain.units:
            regroup(state, domain, each, log_time)
    closing.evict(state, domain, log_time)
    return session


def _session_of(
    state: State, domain: Domain, signal: SignalRow, name: str, log_time: int
) -> tuple[str | None, list[str]]:
    """The unit that holds sessions of this signature near the signal, and their keys; None if there are none."""
    line = cast(Line, domain.links.get(f"=\x1f{name}", ()))
    if not line:
        return None, []
    time = signal.first
    units = {unit for first, last, unit in near(line, time) if _continues(state, domain, signal, name, first, last)}
    if not units:
        return None, []
    cluster = unite(state, domain, units, log_time)
    runs = domain.runs_of.get(f"{cluster}\x1f{name}", [])
    place = bisect_right(runs, (time, "\x7f"))
    keys = []
    for _, key in runs[max(0, place - 1) : place + 1]:
        row = cast(SignalRow, domain.signals[key])
        if _continues(state, domain, signal, name, row.first, row.last):
            keys.append(key)
    return (cluster, sorted(keys)) if keys else (None, [])


def _continues(state: State, domain: Domain, signal: SignalRow, name: str, first: int, last: int) -> bool:
    """Whether the signal belongs to a session of its signature from ``first`` to ``last``.

    Of a detection the repeats within ``link_ms``, or where it is routine by then, within ``routine_gap_ms``.
    """
    time = signal.first
    if first <= time <= last:
        return True
    parameters = state.parameters
    earlier, later = (last, time) if last < time else (time, first)
    if signal.kind != KIND:
        return later - earlier <= parameters.link_window_ms
    if (second(later) - second(earlier)) * 1000 <= parameters.link_ms:
        return True
    return later - earlier <= parameters.routine_gap_ms and domain.density.routine(name, later)


def _is_within(signal: SignalRow, row: SignalRow, before: Sequence[SignalRow]) -> bool:
    """Whether an occurrence leaves its one session where it is on the lines."""
    if len(before) != 1:
        return False
    (session,) = before
    return (
        session.first <= signal.first
        and signal.last <= session.last
        and (row.hooks, row.keys, row.near)
        == (
            session.hooks,
            session.keys,
            session.near,
        )
    )


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


def _rooted_anew(domain: Domain, row: SignalRow, earlier: SignalRow) -> bool:
    """Whether an entity stands for another one now that the session begins at another time."""
    root = domain.root
    return any(root(*entity, row.first) != root(*entity, earlier.first) for entity in counted(row))


def _keep(
    state: State, domain: Domain, cluster: str, row: SignalRow, name: str, session: str, fused: Iterable[str]
) -> None:
    """The session's row in its unit, in place of the ones that it is fused of."""
    prefix = f"{cluster}\x1f{name}"
    keys = domain.signals_of.setdefault(cluster, set())
    for gone in fused:
        key = f"{prefix}\x1f{gone}"
        domain.unrun(key)
        del domain.signals[key]
        del domain.key_of[gone]
        keys.discard(key)
        if state.moves is not None:
            state.moves.append((domain.name, gone, session))
    key = f"{prefix}\x1f{session}"
    before = domain.signals.get(key)
    if before is None:
        domain.run(key, row.first)
    elif before[3] != row.first:
        domain.unrun(key)
        domain.run(key, row.first)
    domain.signals[key] = row if row.home else row._replace(home=cluster)
    domain.key_of[session] = key
    keys.add(key)
    unit = cast(UnitRow, domain.units[cluster])
    if unit.signals != len(keys):
        sealed = unit.sealed or len(keys) >= state.parameters.max_signals
        domain.units[cluster] = unit._replace(signals=len(keys), sealed=sealed)


def _sum_up(state: State, domain: Domain, cluster: str, row: SignalRow) -> str:
    """Count a signal in a full unit that was told the same about other things."""
    name = summary(row)
    session = f"{cluster}{name}"
    there = cast(SignalRow | None, domain.signals.get(f"{cluster}\x1f{name}\x1f{session}"))
    if there is not None:
        row = fuse(row, there)._replace(entities=there.entities, home=there.home)
    _keep(state, domain, cluster, row, name, session, ())
    return session


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
        last=max(unit.last, signal.last),
        last_log=log_time,
        members=unit.members + signal.times,
        member_hash=member_hash.union(unit.member_hash, signal.members),
        severity=max(unit.severity, signal.severity),
        idle=max(unit.idle, signal.idle),
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

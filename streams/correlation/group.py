"""Signals into units: linked by a shared, specific entity inside the link window; units merge when a signal links them.

A cluster is a unit before and after it has its public id. Its key is made from the first signal that arrived and never
leaves the state; the public ``unit_id`` is made from the anchor when the unit is first emitted.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import cast

from streams.correlation import member_hash
from streams.correlation.entity_weight import links
from streams.correlation.interval import Line, insert, rename, touched
from streams.correlation.lifecycle import touch
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.state import Domain, State


def signature(row: SignalRow) -> str:
    """Equal for repeats: the same statement of the same source about the same entities."""
    text = "\x1e".join((row.source, row.kind, row.title, *(f"{k}\x1f{i}" for k, i in sorted(row.entities))))
    return blake2b(text.encode(), digest_size=8).hexdigest()


def add(state: State, domain: Domain, signal: SignalRow, *, late: bool, log_time: int, offset: int) -> str:
    """Put a signal (one occurrence) into its unit, opening or merging units as needed. Returns the cluster.

    A signal without a specific entity is linked to its own repeats. A unit that lists as many signals as it may takes
    others in by the entities it has, and no further ones: that bounds what it holds.
    """
    window = state.parameters.link_window_ms
    repeats = signature(signal)
    keys = [f"{kind}\x1f{id_}" for kind, id_ in signal.entities if links(kind, id_)] or [f"=\x1f{repeats}"]
    time = signal.first
    lines = domain.links
    found = {cluster for key in keys if key in lines for cluster in touched(cast(Line, lines[key]), time, window)}
    if not found:
        cluster = _own(domain, signal)
    elif len(found) == 1:
        (cluster,) = found
    else:
        cluster = min(found, key=lambda c: _seniority(domain, c))
        for victim in sorted(found - {cluster}):
            _merge(state, domain, victim, cluster, log_time)
    listed = _place(
        state, domain, cluster, signal, f"{cluster}\x1f{repeats}", late=late, log_time=log_time, offset=offset
    )
    held = domain.lines_of.setdefault(cluster, set())
    for key in keys:
        if key in held or listed:
            before = cast(Line, lines.get(key, ()))
            line, _ = insert(before, time, window, cluster)
            if line != before:
                lines[key] = line
                held.add(key)
    return cluster


def _own(domain: Domain, signal: SignalRow) -> str:
    """The key of a cluster that begins with this signal."""
    return blake2b(f"{domain.name}\x1f{signal.source}\x1f{signal.source_id}".encode(), digest_size=8).hexdigest()


def _seniority(domain: Domain, cluster: str) -> tuple[bool, int, str]:
    """What has been emitted stays; of two such, the one with the earlier anchor."""
    unit = cast(UnitRow, domain.units[cluster])
    return unit.revision == 0, unit.anchor, unit.anchor_id


def _merge(state: State, domain: Domain, victim: str, survivor: str, log_time: int) -> None:
    gone = cast(UnitRow, domain.units[victim])
    kept = cast(UnitRow, domain.units[survivor])
    listed, unlisted = _move_signals(domain, victim, survivor, kept, state.parameters.max_signals)
    held = domain.lines_of.setdefault(survivor, set())
    for key in sorted(domain.lines_of.pop(victim, ())):
        domain.links[key] = rename(cast(Line, domain.links[key]), victim, survivor)
        held.add(key)
    for table in (domain.reviews, domain.related):
        for key in sorted(k for k in table if k.startswith(victim + "\x1f")):
            table[survivor + key[len(victim) :]] = table[key]
            del table[key]
    first = min((kept.anchor, kept.anchor_id), (gone.anchor, gone.anchor_id))
    names = tuple(sorted({*kept.aliases, *gone.aliases, *((gone.unit_id,) if gone.unit_id else ())}))
    merged = kept._replace(
        opened_log=kept.opened_log if kept.revision else min(kept.opened_log, gone.opened_log),
        anchor=first[0],
        anchor_id=first[1],
        first=min(kept.first, gone.first),
        last=max(kept.last, gone.last),
        last_log=max(kept.last_log, gone.last_log),
        members=kept.members + gone.members,
        member_hash=member_hash.union(kept.member_hash, gone.member_hash),
        severity=max(kept.severity, gone.severity),
        signals=listed,
        unlisted=unlisted + gone.unlisted,
        first_offset=min(kept.first_offset, gone.first_offset),
        last_offset=max(kept.last_offset, gone.last_offset),
        aliases=names,
        disposition=kept.disposition if kept.disposition != "undecided" else gone.disposition,
    )
    merged = touch(merged, "merged", log_time, state.parameters)
    domain.units[survivor] = merged
    state.arm(domain, survivor, merged)
    for unit_id in names:
        domain.cluster_of[unit_id] = survivor
    for other in sorted(c for c, row in domain.merged.items() if row[0] == victim):
        domain.merged[other] = (survivor, kept.unit_id)
    if gone.revision:
        domain.merged[victim] = (survivor, kept.unit_id)
        farewell = gone._replace(status="merged", pending="merged", due=max(log_time, gone.ready_log), signals=0)
        domain.units[victim] = farewell
        state.arm(domain, victim, farewell)
    else:
        del domain.units[victim]
        state.disarm(domain, victim)
    if state.moves is not None:
        state.moves.append((domain.name, victim, survivor))


def _move_signals(domain: Domain, victim: str, survivor: str, kept: UnitRow, cap: int) -> tuple[int, int]:
    """The victim's signals to the survivor, by key; the survivor's numbers of listed and unlisted signals then."""
    listed, unlisted = kept.signals, kept.unlisted
    held = domain.signals_of.setdefault(survivor, set())
    for key in sorted(domain.signals_of.pop(victim, ())):
        row = cast(SignalRow, domain.signals[key])
        del domain.signals[key]
        target = survivor + key[len(victim) :]
        there = cast(SignalRow | None, domain.signals.get(target))
        if there is not None:
            domain.signals[target] = fuse(there, row)
        elif listed < cap:
            domain.signals[target] = row
            held.add(target)
            listed += 1
        else:
            unlisted += row.times
    return listed, unlisted


def fuse(one: SignalRow, other: SignalRow) -> SignalRow:
    """Two collapsed signals of one signature as one. Commutes and associates."""
    mine, theirs = (one.first, one.source_id), (other.first, other.source_id)
    swapped = mine > theirs if mine != theirs else _words(one) > _words(other)
    first, second = (other, one) if swapped else (one, other)
    return first._replace(
        last=max(first.last, second.last),
        times=first.times + second.times,
        severity=max(first.severity, second.severity),
        score=max(first.score, second.score),
        kev=first.kev or second.kev,
    )


def _words(row: SignalRow) -> str:
    """What fusing leaves as it is in the earlier row."""
    return repr((row.title, row.why, row.entities, row.component, row.cvss, row.fix, row.action, row.actor))


def _place(
    state: State, domain: Domain, cluster: str, signal: SignalRow, key: str, *, late: bool, log_time: int, offset: int
) -> bool:
    """Into the unit's rows; false if the unit only counts the signal."""
    anchor_id = f"{signal.source}\x1f{signal.source_id}"
    unit = cast(UnitRow | None, domain.units.get(cluster))
    if unit is None:
        unit = _begun(signal, anchor_id, log_time, offset)
    existing = cast(SignalRow | None, domain.signals.get(key))
    fresh = existing is None and unit.signals < state.parameters.max_signals
    if existing is not None:
        domain.signals[key] = fuse(existing, signal)
    elif fresh:
        domain.signals[key] = signal
        domain.signals_of.setdefault(cluster, set()).add(key)
    counted = existing is not None or fresh
    first = min((unit.anchor, unit.anchor_id), (signal.first, anchor_id))
    before = unit.due
    unit = unit._replace(
        anchor=first[0],
        anchor_id=first[1],
        first=min(unit.first, signal.first),
        last=max(unit.last, signal.first),
        last_log=log_time,
        members=unit.members + 1,
        member_hash=member_hash.add(unit.member_hash, signal.source, signal.source_id),
        severity=max(unit.severity, signal.severity),
        signals=unit.signals + fresh,
        unlisted=unit.unlisted + (not counted),
        last_offset=max(unit.last_offset, offset),
        first_offset=min(unit.first_offset, offset),
    )
    unit = touch(unit, "late" if late else "signal", log_time, state.parameters)
    domain.units[cluster] = unit
    if unit.last > domain.latest:
        domain.latest = unit.last
    if unit.due != before:
        state.arm(domain, cluster, unit)
    return counted


def _begun(signal: SignalRow, anchor_id: str, log_time: int, offset: int) -> UnitRow:
    """A unit without members."""
    return UnitRow(
        revision=0,
        unit_id="",
        status="open",
        pending=None,
        due=None,
        opened_log=log_time,
        updated_log=log_time,
        last_log=log_time,
        anchor=signal.first,
        anchor_id=anchor_id,
        first=signal.first,
        last=signal.first,
        members=0,
        member_hash=member_hash.EMPTY,
        severity=0,
        signals=0,
        unlisted=0,
        first_offset=offset,
        last_offset=offset,
        aliases=(),
        disposition="undecided",
        ready_log=log_time,
        digest="",
    )


def close(state: State, domain: Domain, cluster: str) -> None:
    """Forget a closed or merged unit: its rows, and its hold on entities."""
    for key in sorted(domain.signals_of.pop(cluster, ())):
        del domain.signals[key]
    for key in sorted(domain.lines_of.pop(cluster, ())):
        rest = tuple(interval for interval in cast(Line, domain.links[key]) if interval[2] != cluster)
        if rest:
            domain.links[key] = rest
        else:
            del domain.links[key]
    for table in (domain.reviews, domain.related):
        for key in sorted(k for k in table if k.startswith(cluster + "\x1f")):
            del table[key]
    unit = cast(UnitRow, domain.units[cluster])
    del domain.units[cluster]
    domain.merged.discard(cluster)
    state.disarm(domain, cluster)
    if unit.status != "merged":
        for unit_id in (unit.unit_id, *unit.aliases):
            domain.cluster_of.pop(unit_id, None)

"""Signals into units: linked by a shared, specific entity inside the link window; units merge when a signal links them.

A cluster is a unit before and after it has its public id. Its key is made from the first signal that arrived and never
leaves the state; the public ``unit_id`` is made from the anchor when the unit is first emitted.
"""

from __future__ import annotations

from hashlib import blake2b

from schemas.parameters import Parameters
from streams.correlation import member_hash
from streams.correlation.entity_weight import links
from streams.correlation.interval import insert
from streams.correlation.lifecycle import touch
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.state import Domain, State


def signature(row: SignalRow) -> str:
    """Equal for repeats: the same statement of the same source about the same entities."""
    text = "\x1e".join((row.source, row.kind, row.title, *(f"{k}\x1f{i}" for k, i in sorted(row.entities))))
    return blake2b(text.encode(), digest_size=8).hexdigest()


def add(state: State, domain: Domain, signal: SignalRow, *, late: bool, log_time: int, offset: int) -> str:
    """Put a signal (one occurrence) into its unit, opening or merging units as needed. Returns the cluster."""
    parameters = state.parameters
    own = blake2b(f"{domain.name}\x1f{signal.source}\x1f{signal.source_id}".encode(), digest_size=8).hexdigest()
    lines = [f"{kind}\x1f{id_}" for kind, id_ in signal.entities if links(kind, id_)]
    touched: set[str] = set()
    for key in lines:
        _, others = insert(domain.links.get(key, ()), signal.first, parameters.link_window_ms, own)
        touched.update(found for other in others if (found := domain.find(other)) in domain.units)
    cluster = min(touched, key=lambda c: _seniority(domain, c)) if touched else own
    for victim in sorted(touched - {cluster}):
        _merge(state, domain, victim, cluster, log_time)
    for key in lines:
        domain.links[key], _ = insert(domain.links.get(key, ()), signal.first, parameters.link_window_ms, cluster)
    _place(state, domain, cluster, signal, late=late, log_time=log_time, offset=offset)
    return cluster


def _seniority(domain: Domain, cluster: str) -> tuple[bool, int, str]:
    """What has been emitted stays; of two such, the one with the earlier anchor."""
    unit = UnitRow._make(domain.units[cluster])
    return unit.revision == 0, unit.anchor, unit.anchor_id


def _merge(state: State, domain: Domain, victim: str, survivor: str, log_time: int) -> None:
    gone = UnitRow._make(domain.units[victim])
    kept = UnitRow._make(domain.units[survivor])
    listed = kept.signals
    unlisted = kept.unlisted + gone.unlisted
    for key in sorted(domain.signals_of.pop(victim, ())):
        row = SignalRow._make(domain.signals[key])
        del domain.signals[key]
        target = survivor + key[len(victim) :]
        there = domain.signals.get(target)
        if there is not None:
            domain.signals[target] = fuse(SignalRow._make(there), row)
        elif listed < state.parameters.max_signals:
            domain.signals[target] = row
            domain.signals_of.setdefault(survivor, set()).add(target)
            listed += 1
        else:
            unlisted += row.times
    for table in (domain.reviews, domain.related):
        for key in sorted(k for k in table if k.startswith(victim + "\x1f")):
            table[survivor + key[len(victim) :]] = table[key]
            del table[key]
    first = min((kept.anchor, kept.anchor_id), (gone.anchor, gone.anchor_id))
    names = tuple(sorted({*kept.aliases, *gone.aliases, *((gone.unit_id,) if gone.unit_id else ())}))
    merged = kept._replace(
        anchor=first[0],
        anchor_id=first[1],
        first=min(kept.first, gone.first),
        last=max(kept.last, gone.last),
        last_log=max(kept.last_log, gone.last_log),
        members=kept.members + gone.members,
        member_hash=member_hash.union(kept.member_hash, gone.member_hash),
        severity=max(kept.severity, gone.severity),
        signals=listed,
        unlisted=unlisted,
        first_offset=min(kept.first_offset, gone.first_offset),
        last_offset=max(kept.last_offset, gone.last_offset),
        aliases=names,
        disposition=kept.disposition if kept.disposition != "undecided" else gone.disposition,
    )
    merged = touch(merged, "merged", log_time, state.parameters)
    domain.units[survivor] = merged
    state.arm(domain, survivor, merged)
    domain.merged[victim] = (survivor,)
    for unit_id in names:
        domain.cluster_of[unit_id] = survivor
    if gone.revision:
        farewell = gone._replace(
            status="merged", pending="merged", due=max(log_time, gone.updated_log), signals=0, merged_into=survivor
        )
        domain.units[victim] = farewell
        state.arm(domain, victim, farewell)
    else:
        del domain.units[victim]


def fuse(one: SignalRow, other: SignalRow) -> SignalRow:
    """Two collapsed signals of one signature as one. Commutes and associates."""
    first, second = sorted((one, other), key=lambda s: (s.first, s.source_id))
    return first._replace(
        last=max(first.last, second.last),
        times=first.times + second.times,
        severity=max(first.severity, second.severity),
        score=max(first.score, second.score),
        kev=first.kev or second.kev,
    )


def _place(
    state: State, domain: Domain, cluster: str, signal: SignalRow, *, late: bool, log_time: int, offset: int
) -> None:
    anchor_id = f"{signal.source}\x1f{signal.source_id}"
    there = domain.units.get(cluster)
    if there is None:
        unit = UnitRow(
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
            merged_into=None,
            disposition="undecided",
        )
    else:
        unit = UnitRow._make(there)
    key = f"{cluster}\x1f{signature(signal)}"
    existing = domain.signals.get(key)
    listed, unlisted = unit.signals, unit.unlisted
    if existing is not None:
        domain.signals[key] = fuse(SignalRow._make(existing), signal)
    elif listed < state.parameters.max_signals:
        domain.signals[key] = signal
        domain.signals_of.setdefault(cluster, set()).add(key)
        listed += 1
    else:
        unlisted += 1
    first = min((unit.anchor, unit.anchor_id), (signal.first, anchor_id))
    unit = unit._replace(
        anchor=first[0],
        anchor_id=first[1],
        first=min(unit.first, signal.first),
        last=max(unit.last, signal.first),
        last_log=log_time,
        members=unit.members + 1,
        member_hash=member_hash.add(unit.member_hash, signal.source, signal.source_id),
        severity=max(unit.severity, signal.severity),
        signals=listed,
        unlisted=unlisted,
        last_offset=max(unit.last_offset, offset),
        first_offset=min(unit.first_offset, offset),
    )
    before = unit.due
    unit = touch(unit, "late" if late else "signal", log_time, state.parameters)
    domain.units[cluster] = unit
    if unit.due != before:
        state.arm(domain, cluster, unit)


def close(domain: Domain, cluster: str, parameters: Parameters) -> None:
    """Forget a closed or merged unit: its rows, and its hold on entities."""
    for key in sorted(domain.signals_of.pop(cluster, ())):
        row = SignalRow._make(domain.signals[key])
        del domain.signals[key]
        for kind, id_ in row.entities:
            name = f"{kind}\x1f{id_}"
            line = domain.links.get(name)
            if line is None:
                continue
            rest = tuple(i for i in line if domain.find(i[2]) != cluster)
            if rest:
                domain.links[name] = rest
            else:
                domain.links.discard(name)
    for table in (domain.reviews, domain.related):
        for key in sorted(k for k in table if k.startswith(cluster + "\x1f")):
            del table[key]
    unit = UnitRow._make(domain.units[cluster])
    del domain.units[cluster]
    if unit.status != "merged":
        for unit_id in (unit.unit_id, *unit.aliases):
            domain.cluster_of.pop(unit_id, None)
        for name in sorted(n for n, row in domain.merged.items() if row[0] == cluster):
            domain.merged.discard(name)

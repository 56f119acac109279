"""A unit taken apart where nothing holds it together any more, and put together again by its hooks.

Hooks are lost when an entity turns out to be shared by too many, when a late signal moves a beginning, when an alias is
revoked or a reviewer cuts. The unit is then worked out from its sessions, as if they came anew. The part with most
members keeps the unit; each other part is a unit of its own, under the id that it had before it was merged in, if any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import cast

from streams.correlation import closing, member_hash
from streams.correlation.hooks import Hook, hooks
from streams.correlation.joining import hold, join
from streams.correlation.lifecycle import touch
from streams.correlation.naming import derived, free, named
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.state import Domain, State


def regroup(state: State, domain: Domain, cluster: str, log_time: int) -> None:
    """Put the sessions of a unit on their lines anew, splitting off what no hook connects with its largest part."""
    if cluster not in domain.signals_of:
        return
    closing.release(domain, cluster)
    keys = sorted(domain.signals_of[cluster])
    places = {key: _places(state, domain, key) for key in keys}
    unit = cast(UnitRow, domain.units[cluster])
    partners = {key: _partners(state, domain, key) for key in keys}
    near = [(key.rpartition("\x1f")[2], other) for key in keys for other in partners[key]]
    parts = connected(places, [*unit.pins, *near])
    ranked = sorted(parts, key=lambda part: _rank(domain, part))
    clusters = [cluster]
    clusters += [split(state, domain, cluster, part, log_time) for part in ranked[1:]]
    for each, part in zip(clusters, ranked, strict=True):
        for key in part:
            hold(domain, each, places[key])
    for each, part in zip(clusters, ranked, strict=True):
        placed = [hook for key in part for hook in places[key]]
        if each in domain.signals_of:
            near_by = [other for key in part for other in partners[key]]
            join(state, domain, each, placed, log_time, partners=near_by)


def connected(places: dict[str, list[Hook]], pins: Iterable[tuple[str, str]] = ()) -> list[list[str]]:
    """The sessions (by key) that hooks and pins connect, each part sorted; by the definition of a hook."""
    parent = {key: key for key in places}

    def find(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    lines: dict[str, list[tuple[int, int, int, str]]] = {}
    for key, placed in places.items():
        for hook in placed:
            if not hook.alone:
                lines.setdefault(hook.key, []).append((hook.first, hook.last, hook.window, key))
    runs: dict[str, list[tuple[int, int, str]]] = {}
    for name, line in lines.items():
        runs[name] = []
        for first, last, window, key in sorted(line):
            if runs[name] and first <= runs[name][-1][1] + window:
                start, reach, other = runs[name][-1]
                runs[name][-1] = (start, max(reach, last), other)
                parent[find(key)] = find(other)
            else:
                runs[name].append((first, last, key))
    runs |= _beside(places, find)
    for key, placed in places.items():
        for hook in placed:
            for first, last, other in runs.get(hook.sees, ()) if hook.alone else ():
                if first - hook.window <= hook.last and last + hook.window >= hook.first:
                    parent[find(key)] = find(other)
    sessions = {key.rpartition("\x1f")[2]: key for key in places}
    for one, other in pins:
        if one in sessions and other in sessions:
            parent[find(sessions[one])] = find(sessions[other])
    parts: dict[str, list[str]] = {}
    for key in sorted(places):
        parts.setdefault(find(key), []).append(key)
    return list(parts.values())


def _beside(places: dict[str, list[Hook]], find: Callable[[str], str]) -> dict[str, list[tuple[int, int, str]]]:
    """The lines whose sessions only others see, as runs of what is connected already."""
    seen = {hook.sees for placed in places.values() for hook in placed if hook.alone}
    lines: dict[str, list[tuple[int, int, int, str]]] = {}
    for key, placed in places.items():
        for hook in placed:
            if hook.alone and hook.key in seen:
                lines.setdefault(hook.key, []).append((hook.first, hook.last, hook.window, find(key)))
    runs: dict[str, list[tuple[int, int, str]]] = {}
    for name, line in lines.items():
        ends: dict[str, tuple[int, int]] = {}
        runs[name] = []
        for first, last, window, part in sorted(line):
            if part in ends and first <= ends[part][1] + window:
                ends[part] = (ends[part][0], max(ends[part][1], last))
                continue
            if part in ends:
                runs[name].append((*ends[part], part))
            ends[part] = (first, last)
        runs[name] += [(*span, part) for part, span in ends.items()]
    return runs


def split(
    state: State, domain: Domain, cluster: str, part: Sequence[str], log_time: int, apart: tuple[str, ...] = ()
) -> str:
    """Give some sessions of a unit a unit of their own, and return its cluster; their hooks are the caller's."""
    whole = cast(UnitRow, domain.units[cluster])
    own = _summed(whole, [cast(SignalRow, domain.signals[key]) for key in part])
    text = f"{domain.name}\x1f{own.anchor}\x1f{own.anchor_id}\x1f{cluster}"
    fresh = blake2b(text.encode(), digest_size=8).hexdigest()
    while fresh in domain.units:
        fresh = blake2b(f"{text}\x1f{fresh}".encode(), digest_size=8).hexdigest()
    unit = own._replace(
        revision=0,
        unit_id="",
        status="open",
        closed_log=0,
        pending="split" if whole.revision else None,
        due=None,
        opened_log=log_time if whole.revision else whole.opened_log,
        aliases=(),
        disposition="undecided",
        digest="",
        sealed=False,
        apart=tuple(sorted({*whole.apart, *apart})),
        pins=whole.pins,
        shown=(),
        ruled=(),
    )
    domain.units[fresh] = unit
    _move(domain, cluster, fresh, part)
    left = [cast(SignalRow, domain.signals[key]) for key in sorted(domain.signals_of[cluster])]
    whole = _summed(whole, left)._replace(sealed=len(left) >= state.parameters.max_signals)
    domain.units[cluster] = whole
    _name(state, domain, cluster, fresh)
    unit = touch(cast(UnitRow, domain.units[fresh]), "split", log_time, state.parameters)
    domain.units[fresh] = unit
    state.arm(domain, fresh, unit)
    if whole.revision:
        name, old = named(domain, fresh), named(domain, cluster)
        closing.relate(domain, fresh, (old, domain.name, "split_from", None, None, f"was a part of {old}"))
        closing.relate(
            domain, cluster, (name, domain.name, "split_into", None, None, f"{name} was a part of this unit")
        )
        whole = touch(cast(UnitRow, domain.units[cluster]), "split", log_time, state.parameters)
        domain.units[cluster] = whole
        state.arm(domain, cluster, whole)
    return fresh


def _places(state: State, domain: Domain, key: str) -> list[Hook]:
    row = cast(SignalRow, domain.signals[key])
    return hooks(row, key.split("\x1f")[1], domain.spread, state.parameters, domain.root)


def _partners(state: State, domain: Domain, key: str) -> list[str]:
    _, name, session = key.split("\x1f")
    row = cast(SignalRow, domain.signals[key])
    return list(domain.density.partners(row, name, session, state.parameters.link_ms))


def _rank(domain: Domain, part: Sequence[str]) -> tuple[int, int, str, str]:
    rows = [cast(SignalRow, domain.signals[key]) for key in part]
    return (
        -sum(row.times for row in rows),
        *min((row.first, f"{row.source}\x1f{row.source_id}") for row in rows),
        part[0],
    )


def _summed(unit: UnitRow, rows: Sequence[SignalRow]) -> UnitRow:
    """The unit row with what it sums up of its sessions."""
    anchor, anchor_id = min((row.first, f"{row.source}\x1f{row.source_id}") for row in rows)
    total = member_hash.EMPTY
    for row in rows:
        total = member_hash.union(total, row.members)
    return unit._replace(
        anchor=anchor,
        anchor_id=anchor_id,
        first=min(row.first for row in rows),
        last=max(row.last for row in rows),
        members=sum(row.times for row in rows),
        member_hash=total,
        severity=max(row.severity for row in rows),
        idle=max(row.idle for row in rows),
        signals=len(rows),
    )


def _move(domain: Domain, cluster: str, fresh: str, part: Sequence[str]) -> None:
    """Rename the sessions' rows."""
    for key in part:
        _, name, session = key.split("\x1f")
        target = f"{fresh}\x1f{name}\x1f{session}"
        domain.unrun(key)
        domain.signals[target] = domain.signals[key]
        del domain.signals[key]
        domain.signals_of[cluster].discard(key)
        domain.signals_of.setdefault(fresh, set()).add(target)
        domain.key_of[session] = target
        domain.run(target, domain.signals[target][3])


def _name(state: State, domain: Domain, cluster: str, fresh: str) -> None:
    """If the part was a unit before it was merged in, it is that unit again: its id, its revisions, its reviews."""
    whole, unit = cast(UnitRow, domain.units[cluster]), cast(UnitRow, domain.units[fresh])
    former = derived(domain.name, unit)
    if former not in whole.aliases:
        if whole.revision:
            domain.units[fresh] = unit._replace(unit_id=free(domain, unit))
            domain.cluster_of[cast(UnitRow, domain.units[fresh]).unit_id] = fresh
        return
    victim, row = next((v, r) for v, r in sorted(domain.joined.items()) if r[1] == former)
    revision, opened = row[2], row[3]
    domain.joined.discard(victim)
    for victims in domain.joined_of.values():
        victims.discard(victim)
    if victim in domain.units:  # the world was not told yet
        revision -= 1
        del domain.units[victim]
        domain.patterns.rename(victim, fresh)
        domain.merged.discard(victim)
        state.disarm(domain, victim)
    aliases = tuple(name for name in whole.aliases if name != former)
    domain.units[cluster] = whole._replace(aliases=aliases)
    domain.units[fresh] = unit._replace(
        unit_id=former, revision=revision, opened_log=opened if revision else unit.opened_log, pending=None
    )
    domain.cluster_of[former] = fresh
    for key in sorted(domain.notes_of.get(("reviews", cluster), ())):
        review = domain.reviews[key]
        if review[6] == former:
            domain.unnote(domain.reviews, cluster, key)
            domain.note(domain.reviews, fresh, fresh + key[len(cluster) :], review)

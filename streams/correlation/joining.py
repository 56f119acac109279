"""Units joined: what a session's hooks touch becomes one unit, as far as that is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import cast

from streams.correlation import closing, member_hash
from streams.correlation.hooks import Hook
from streams.correlation.interval import Line, begin, insert, rename, touched
from streams.correlation.lifecycle import touch
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.session import statement, summary
from streams.correlation.state import Domain, State
from streams.correlation.suppression.held import better


def counts(
    state: State, domain: Domain, placed: Iterable[Hook], row: SignalRow, partners: Iterable[str] = ()
) -> str | None:
    """The full unit that the signal belongs to and that was told the same of other things: there it is counted.

    None if there is no such unit, or one that is not full can take the signal.
    """
    found = _touched(domain, placed, partners)
    if not found or not all(_full(state, cast(UnitRow, domain.units[c])) for c in found):
        return None
    name, said = summary(row), statement(row)
    for cluster in sorted(found):
        if f"{cluster}\x1f{name}" in domain.runs_of:
            return cluster
    for cluster in sorted(found):
        if any(statement(cast(SignalRow, domain.signals[key])) == said for key in domain.signals_of[cluster]):
            return cluster
    return None


def _touched(domain: Domain, placed: Iterable[Hook], partners: Iterable[str]) -> set[str]:
    """The units that hooks touch, and those of the partners."""
    found = {domain.unit_of(partner) for partner in partners}
    for hook in placed:
        for key in (hook.sees,) if hook.alone else (hook.key, hook.sees):
            if (line := domain.links.get(key)) is not None:
                found.update(touched(cast(Line, line), hook.first, hook.last, hook.window))
    return found


def _full(state: State, unit: UnitRow) -> bool:
    return unit.sealed and unit.status == "open" and unit.signals >= state.parameters.max_signals


def join(
    state: State,
    domain: Domain,
    cluster: str | None,
    placed: list[Hook],
    log_time: int,
    signal: SignalRow | None = None,
    offset: int = 0,
    partners: Iterable[str] = (),
) -> str:
    """The unit of a session with these hooks: the one it is in, all it touches merged into one, or a new one."""
    found = _touched(domain, placed, partners)
    if cluster is not None:
        found.discard(cluster)
        return unite(state, domain, found | {cluster}, log_time, member=cluster) if found else cluster
    takes = {c for c in found if not cast(UnitRow, domain.units[c]).sealed}
    if takes:
        return unite(state, domain, takes, log_time)
    assert signal is not None, "only a new session has no unit"
    begun = _begin(state, domain, signal, log_time, offset)
    for full in sorted(found):
        closing.succeed(state, domain, full, begun, log_time)
    return begun


def hold(domain: Domain, cluster: str, placed: Iterable[Hook]) -> None:
    """Put the hooks of one of its sessions on their lines, held by the unit."""
    held = domain.lines_of.setdefault(cluster, set())
    for hook in placed:
        before = cast(Line, domain.links.get(hook.key, ()))
        if hook.key in held and not (hook.alone and hook.key[0] == "@"):  # pieces are short
            line = insert(before, hook.first, hook.last, hook.window, cluster)
        else:
            line = begin(before, hook.first, hook.last, cluster)
        if line is not before and line != before:
            domain.links[hook.key] = line
        held.add(hook.key)


def _begin(state: State, domain: Domain, signal: SignalRow, log_time: int, offset: int) -> str:
    """A new cluster, without members yet."""
    text = f"{domain.name}\x1f{signal.source}\x1f{signal.source_id}"
    cluster = blake2b(text.encode(), digest_size=8).hexdigest()
    anchor_id = f"{signal.source}\x1f{signal.source_id}"
    number = 0
    while cluster in domain.units:
        number += 1
        cluster = blake2b(f"{text}\x1f{number}".encode(), digest_size=8).hexdigest()
    domain.units[cluster] = UnitRow(
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
        first_offset=offset,
        last_offset=offset,
        aliases=(),
        disposition="undecided",
        ready_log=log_time,
        digest="",
    )
    return cluster


def unite(state: State, domain: Domain, found: set[str], log_time: int, member: str | None = None) -> str:
    """The unit that remains of those that can be joined. ``member``: the one that the session is in already."""
    ranked = sorted(found, key=lambda c: seniority(domain, c))
    if member is not None:
        ranked = [c for c in ranked if c == member or joinable(domain, member, c)]
    survivor = ranked[0]
    for victim in ranked[1:]:
        if joinable(domain, survivor, victim):
            merge(state, domain, victim, survivor, log_time)
    return member if member is not None and member in domain.signals_of else survivor


def seniority(domain: Domain, cluster: str) -> tuple[bool, int, str, str]:
    """What has been emitted stays; of two such, the one with the earlier anchor."""
    unit = cast(UnitRow, domain.units[cluster])
    return unit.revision == 0, unit.anchor, unit.anchor_id, cluster


def joinable(domain: Domain, one: str, other: str) -> bool:
    """Whether two units may become one: neither is full or too old, and no reviewer set them apart."""
    mine, theirs = cast(UnitRow, domain.units[one]), cast(UnitRow, domain.units[other])
    if mine.sealed or theirs.sealed or "merged" in (mine.status, theirs.status):
        return False
    return not (mine.apart and theirs.apart) or not any(_other_side(side) in theirs.apart for side in mine.apart)


def _other_side(side: str) -> str:
    review, _, number = side.rpartition(":")
    return f"{review}:{1 - int(number)}"


def merge(state: State, domain: Domain, victim: str, survivor: str, log_time: int) -> None:
    """All of the victim goes to the survivor: sessions, lines, reviews, relations, names."""
    gone = cast(UnitRow, domain.units[victim])
    kept = cast(UnitRow, domain.units[survivor])
    held = domain.signals_of.setdefault(survivor, set())
    for key in sorted(domain.signals_of.pop(victim, ())):
        _, name, session = key.split("\x1f")
        target = f"{survivor}\x1f{name}\x1f{session}"
        domain.unrun(key)
        domain.signals[target] = domain.signals[key]
        del domain.signals[key]
        held.add(target)
        domain.key_of[session] = target
        domain.run(target, domain.signals[target][3])
    lines = domain.lines_of.setdefault(survivor, set())
    for key in sorted(domain.lines_of.pop(victim, ())):
        domain.links[key] = rename(cast(Line, domain.links[key]), victim, survivor)
        lines.add(key)
    for table in (domain.reviews, domain.related):
        for key in sorted(k for k in domain.notes_of.pop((table.name, victim), ())):
            target = survivor + key[len(victim) :]
            table[target] = table[key]
            del table[key]
            domain.notes_of.setdefault((table.name, survivor), set()).add(target)
    first = min((kept.anchor, kept.anchor_id), (gone.anchor, gone.anchor_id))
    names = tuple(sorted({*kept.aliases, *gone.aliases, *((gone.unit_id,) if gone.unit_id else ())}))
    was_closed = kept.status == "closed"
    merged = kept._replace(
        status="open",
        closed_log=0,
        opened_log=kept.opened_log if kept.revision else min(kept.opened_log, gone.opened_log),
        anchor=first[0],
        anchor_id=first[1],
        first=min(kept.first, gone.first),
        last=max(kept.last, gone.last),
        last_log=max(kept.last_log, gone.last_log),
        members=kept.members + gone.members,
        member_hash=member_hash.union(kept.member_hash, gone.member_hash),
        severity=max(kept.severity, gone.severity),
        idle=max(kept.idle, gone.idle),
        signals=len(held),
        sealed=len(held) >= state.parameters.max_signals,
        first_offset=min(kept.first_offset, gone.first_offset),
        last_offset=max(kept.last_offset, gone.last_offset),
        aliases=names,
        disposition=kept.disposition if kept.disposition != "undecided" else gone.disposition,
        apart=tuple(sorted({*kept.apart, *gone.apart})),
        pins=tuple(sorted({*kept.pins, *gone.pins})),
        ruled=better(kept.ruled, gone.ruled),
    )
    merged = touch(merged, "merged", log_time, state.parameters)
    domain.units[survivor] = merged
    if was_closed or merged.due != kept.due:
        state.arm(domain, survivor, merged)
    for unit_id in names:
        domain.cluster_of[unit_id] = survivor
    domain.joined[victim] = (survivor, gone.unit_id, gone.revision + 1, gone.opened_log)
    domain.joined_of.setdefault(survivor, set()).add(victim)
    for other in sorted(c for c, row in domain.merged.items() if row[0] == victim):
        domain.merged[other] = (survivor, merged.unit_id)
    if gone.revision:
        domain.merged[victim] = (survivor, merged.unit_id)
        farewell = gone._replace(status="merged", pending="merged", due=max(log_time, gone.ready_log), signals=0)
        domain.units[victim] = farewell
        state.arm(domain, victim, farewell)
    else:
        del domain.units[victim]
        state.disarm(domain, victim)

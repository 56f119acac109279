"""What reviewers decide, folded: verdicts and comments are noted, units joined and taken apart for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from schemas.events import Review
from streams.correlation import closing, queue, regroup
from streams.correlation.hooks import hooks
from streams.correlation.instants import instant
from streams.correlation.joining import hold, merge, seniority
from streams.correlation.lifecycle import touch
from streams.correlation.resolving import unlink
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.state import Domain, State
from streams.correlation.statement import named
from streams.correlation.suppression.steer import reviewed
from streams.correlation.unit_notes import suspects
from streams.correlation.unit_signals import sessions_of, shown_as


def review(state: State, domain: Domain, event: Review, log_time: int) -> str | None:
    """Take a review of a unit, under any id it has or had, or of a pattern. None, or why it cannot be taken."""
    cluster = domain.cluster_of.get(event.unit_id)
    if event.pattern is not None and not domain.patterns.knows(event.pattern):
        return absent(event)
    if cluster is None and event.pattern is not None:
        _steer(state, domain, None, event, log_time)
        return None
    if cluster is None:
        return absent(event)
    key = f"{cluster}\x1f{event.source_id}"
    row = (
        event.source_id,
        instant(event.time),
        event.reviewer,
        event.kind,
        event.verdict,
        event.comment,
        event.unit_id,
        event.field,
        event.value,
    )
    if domain.reviews.get(key) == row:
        return None
    if event.kind == "merge":
        problem = _merge(state, domain, cluster, event, log_time)
    elif event.kind == "split":
        problem = _split(state, domain, cluster, event, log_time)
    elif event.kind == "unmerge":
        problem = _unmerge(state, domain, cluster, event, log_time)
    elif event.kind == "unlink":
        problem = _unlink(state, domain, event, log_time)
    else:
        problem = None
    if problem is not None:
        return problem
    cluster = domain.cluster_of[event.unit_id]
    domain.note(domain.reviews, cluster, f"{cluster}\x1f{event.source_id}", row)
    unit = cast(UnitRow, domain.units[cluster])
    if event.kind == "verdict" and event.verdict is not None:
        unit = unit._replace(disposition=event.verdict)
        domain.changes.verdicts.judge(unit.unit_id, domain.changes.kinds(suspects(unit.shown)), event.verdict, log_time)
    unit = touch(unit, "review", log_time, state.parameters)
    domain.units[cluster] = unit
    state.arm(domain, cluster, unit)
    _steer(state, domain, cluster, event, log_time)
    return None


def absent(event: Review) -> str:
    """What a review is refused with whose pattern or unit is not known; the same where the domain is not."""
    if event.pattern is not None:
        return f"no pattern {event.pattern} is known in {event.domain}"
    return f"no unit {event.unit_id} in {event.domain} that is open or was lately closed"


def _steer(state: State, domain: Domain, cluster: str | None, event: Review, log_time: int) -> None:
    """Let the patterns of the domain know, and have the units looked at again that it concerns."""
    unit_id = event.unit_id if cluster is None else cast(UnitRow, domain.units[cluster]).unit_id
    found = reviewed(domain.patterns, event, cluster, unit_id, log_time, state.thresholds)
    queue.again(state, domain, found, log_time)
    state.arm_patterns(domain)


def _merge(state: State, domain: Domain, cluster: str, event: Review, log_time: int) -> str | None:
    other = domain.cluster_of.get(event.other_unit_id or "")
    if other is None:
        return f"no unit {event.other_unit_id} in {event.domain} to merge with"
    if other == cluster:
        return f"{event.unit_id} and {event.other_unit_id} are one unit already"
    mine, theirs = cast(UnitRow, domain.units[cluster]), cast(UnitRow, domain.units[other])
    if mine.sealed or theirs.sealed:
        return "a unit that is full, or has lived its longest, is not merged"
    cuts = {side.rpartition(":")[0] for side in mine.apart} & {side.rpartition(":")[0] for side in theirs.apart}
    for each in (cluster, other):  # this decision is the newer one
        unit = cast(UnitRow, domain.units[each])
        kept = tuple(side for side in unit.apart if side.rpartition(":")[0] not in cuts)
        domain.units[each] = unit._replace(apart=kept)
    nodes = tuple(min(domain.signals_of[each]).rpartition("\x1f")[2] for each in (cluster, other))
    survivor, victim = sorted((cluster, other), key=lambda c: seniority(domain, c))
    merge(state, domain, victim, survivor, log_time)
    unit = cast(UnitRow, domain.units[survivor])
    domain.units[survivor] = unit._replace(pins=tuple(sorted({*unit.pins, (nodes[0], nodes[1])})))
    return None


def _split(state: State, domain: Domain, cluster: str, event: Review, log_time: int) -> str | None:
    ids = shown_as(sessions_of(domain, cluster))
    if unknown := sorted(set(event.signals) - ids.keys()):
        return f"{event.unit_id} has no signal {', '.join(unknown)}"
    leaving = {ids[name] for name in event.signals}  # what is shown as one signal goes as one
    keys = sorted(key for key in domain.signals_of[cluster] if ids[key.split("\x1f")[1]] in leaving)
    if not keys or len(keys) == len(domain.signals_of[cluster]):
        return "a split takes some of the signals, and leaves some"
    _cut(state, domain, cluster, keys, event.source_id, log_time)
    return None


def _unmerge(state: State, domain: Domain, cluster: str, event: Review, log_time: int) -> str | None:
    victim = next((v for v, row in sorted(domain.joined.items()) if row[1] == event.other_unit_id), None)
    if victim is None or domain.cluster_of.get(event.other_unit_id or "") != cluster:
        return f"{event.other_unit_id} was not merged into {event.unit_id}"
    homes, todo = set(), [victim]
    while todo:
        home = todo.pop()
        homes.add(home)
        todo.extend(sorted(domain.joined_of.get(home, ())))
    keys = sorted(key for key in domain.signals_of[cluster] if cast(SignalRow, domain.signals[key]).home in homes)
    if not keys or len(keys) == len(domain.signals_of[cluster]):
        return f"nothing that came with {event.other_unit_id} can be told apart any more"
    _cut(state, domain, cluster, keys, event.source_id, log_time)
    return None


def _unlink(state: State, domain: Domain, event: Review, log_time: int) -> str | None:
    entity = named(event.value or "")
    if entity is None:
        return "an unlink names an entity as kind:id"
    if not unlink(state, domain, entity, event.source_id, instant(event.time), log_time):
        return f"{event.value} is not said to stand for anything"
    return None


def _cut(state: State, domain: Domain, cluster: str, keys: Sequence[str], cut: str, log_time: int) -> None:
    """Take the sessions out into a unit that is not joined with the rest again by itself."""
    closing.release(domain, cluster)
    fresh = regroup.split(state, domain, cluster, keys, log_time, apart=(f"{cut}:1",))
    rest = cast(UnitRow, domain.units[cluster])
    domain.units[cluster] = rest._replace(apart=tuple(sorted({*rest.apart, f"{cut}:0"})))
    for each in (cluster, fresh):
        for key in sorted(domain.signals_of[each]):
            row = cast(SignalRow, domain.signals[key])
            placed = hooks(row, key.split("\x1f")[1], domain.spread, state.parameters, domain.root)
            hold(domain, each, placed)

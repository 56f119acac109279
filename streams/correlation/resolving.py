"""Statements about who stands for whom, taken into the grouping: what they change is linked anew.

An alias may come after the signals that it connects, or be revoked when it has connected them. Sessions that carry the
entity, and begin while the statement holds, are then looked up by the lines they are on, counted under the root that
they have now (``spread``: else an alias that comes late would count for less than one that came first), and their units
are worked out again (``regroup``). So units follow from the set of statements and signals.

Counts only grow: what was counted for an entity before it was known to stand for another stays counted.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from schemas.entity import ENTITY_KINDS
from streams.correlation.aliases import Changed
from streams.correlation.density import PLACES, second
from streams.correlation.entity_weight import links
from streams.correlation.hooks import CUT_MS, entity_key
from streams.correlation.interval import FOREVER, Line, touched
from streams.correlation.regroup import regroup
from streams.correlation.rows import SignalRow
from streams.correlation.spread import TARGETS
from streams.correlation.state import SHARED, Domain, State
from streams.correlation.statement import of_context, said

MOST: Final = 1_000
"""Changed entities that are looked at for one event or record; more are counted in ``gone`` under "unresolved"."""

_Aligned = dict[tuple[str, str, int], set[str]]


def learn(
    state: State,
    domain: Domain,
    identities: Iterable[tuple[str, str, str, str]],
    source: str,
    source_id: str,
    time: int,
    log_time: int,
) -> None:
    """Take in what an event says about who stands for whom; ``time`` is the event's, ms."""
    changed: list[Changed] = []
    for identity in identities:
        changed += domain.aliases.learn(said(identity, source, source_id, time))
    if changed:
        resolve(state, domain, changed, log_time)


def unlink(state: State, domain: Domain, entity: tuple[str, str], review: str, time: int, log_time: int) -> bool:
    """Take back what the entity is said to stand for, by a review at ``time`` (ms); false if nothing is known."""
    changed = domain.aliases.revoke(entity, review, time)
    resolve(state, domain, changed, log_time)
    return bool(changed)


def unfit(key: str, record: Mapping[str, Any]) -> str | None:
    """Why a context record of kind "alias" says nothing that can be used; None if it does."""
    statements = of_context(key, record)
    if not statements:
        return 'an alias record needs "entity": [kind, id] and "aliases": [[kind, id], ...]'
    kinds = {kind for each in statements for kind in (each.kind, each.of_kind)}
    unknown = sorted(kinds - set(ENTITY_KINDS))
    return f"no kind of entity: {', '.join(unknown)[:200]}" if unknown else None


def replace(
    state: State, key: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, log_time: int
) -> None:
    """Put what a context record says, for all domains, in place of what it said before; None: nothing."""
    before = of_context(key, old) if old else []
    after = of_context(key, new) if new else []
    common = state.shared.aliases
    changed: list[Changed] = []
    for gone in before:
        if gone not in after:
            changed += common.withdraw((gone.kind, gone.id), key)
    for fresh in after:
        if fresh not in before:
            changed += common.learn(fresh)
    if not changed:
        return
    for name in sorted(state.domains):
        if name != SHARED:
            state.touched.add(name)
            resolve(state, state.domains[name], state.domains[name].aliases.affected(changed), log_time)


def resolve(state: State, domain: Domain, changed: Sequence[Changed], log_time: int) -> None:
    """Work out anew the units in which something may have another root now."""
    changed = [each for each in changed if links(each.kind, each.id)]
    if len(changed) > MOST:
        before = cast(tuple[int], domain.gone.get("unresolved", (0,)))[0]
        domain.gone["unresolved"] = (before + len(changed) - MOST,)
        changed = changed[:MOST]
    if not changed or not domain.signals:
        return
    aligned: _Aligned = {}
    about: dict[str, list[Changed]] = {}
    for each in changed:
        for cluster in _near(state, domain, each, aligned):
            about.setdefault(cluster, []).append(each)
    stale: set[str] = set()
    lost: list[tuple[str, int, int]] = []
    for cluster in sorted(about):
        for key in sorted(domain.signals_of.get(cluster, ())):
            for each in about[cluster]:
                row = cast(SignalRow, domain.signals[key])
                if (each.kind, each.id) in row.entities and _within(each, row.first):
                    stale.add(cluster)
                    lost += _counted(state, domain, each, row, key)
    for line, first, last in lost:
        for name in (line, f"%{line}"):
            stale.update(touched(cast(Line, domain.links.get(name, ())), first, last, 0))
    for cluster in sorted(stale):
        at = cluster
        while at not in domain.signals_of and at in domain.joined:  # joined over a place that is no longer its own
            at = domain.joined[at][0]
        regroup(state, domain, at, log_time)


def _near(state: State, domain: Domain, change: Changed, aligned: _Aligned) -> set[str]:
    """The units that may hold a session with the entity which begins in the time of the change."""
    since = -FOREVER if change.since is None else change.since
    until = FOREVER if change.until is None else change.until
    found: set[str] = set()
    for root in change.roots:
        key = entity_key(*root)
        for line in (key, f"%{key}"):
            found.update(touched(cast(Line, domain.links.get(line, ())), since, until, 0))
    if change.kind in PLACES:  # a detection at a place that all share is on no line but this one
        starts = domain.density.starts.get(f"@{entity_key(change.kind, change.id)}", [])
        begin, end = bisect_left(starts, (second(since), "")), bisect_right(starts, (second(until), "\x7f"))
        found.update(domain.unit_of(session) for _, session in starts[begin:end])
    size = state.parameters.spread_bucket_ms
    for bucket in domain.spread.buckets:
        if since // size <= bucket <= until // size:
            for root in change.roots:
                found |= _aligned(state, domain, root, bucket, aligned)
    return found


def _aligned(state: State, domain: Domain, root: tuple[str, str], bucket: int, known: _Aligned) -> set[str]:
    """The units that begin on the entity's line in a bucket in which it only links beginnings."""
    found = known.get((*root, bucket))
    if found is not None:
        return found
    found = known[*root, bucket] = set()
    key, size = entity_key(*root), state.parameters.spread_bucket_ms
    if f"{bucket}\x1f{key}" not in domain.spread.rows:
        return found
    if root[0] not in TARGETS and domain.spread.specific(root, bucket, state.parameters):
        return found
    for piece in range(bucket * size // CUT_MS, ((bucket + 1) * size - 1) // CUT_MS + 1):
        for _, _, cluster in cast(Line, domain.links.get(f"@{key}\x1f{piece}", ())):
            found.add(cluster)
    return found


def _within(change: Changed, time: int) -> bool:
    return (change.since is None or change.since <= time) and (change.until is None or time <= change.until)


def _counted(state: State, domain: Domain, change: Changed, row: SignalRow, key: str) -> Iterator[tuple[str, int, int]]:
    """Count the session under the root it has now; lines, and where on them, that link no more."""
    name = key.split("\x1f")[1]
    if name.startswith("~"):  # a sum of many, each of which was counted for itself
        return
    size = state.parameters.spread_bucket_ms
    root = domain.root(change.kind, change.id, row.first)
    for bucket in range(row.first // size, row.last // size + 1):
        for gone in domain.spread.add(root, row, name, bucket, state.parameters):
            yield entity_key(*root), gone * size, (gone + 1) * size - 1

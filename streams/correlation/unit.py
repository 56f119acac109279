"""A unit as it leaves: from its rows to ``schemas.unit.Unit``. Pure, and the same for the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple, cast

from schemas.unit import (
    ChangeSearch,
    Provenance,
    Reason,
    RelatedUnit,
    Signal,
    SuspectChange,
    Unit,
    UnitEntity,
    UnitReview,
)
from streams.correlation.change_content import Subject, about, hops
from streams.correlation.changes import Own
from streams.correlation.entity_weight import links, weight
from streams.correlation.risk import UNKNOWN, Facts, exploitability, risk
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.state import Domain

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS = -62_135_596_800_000  # 0001-01-01
_LAST_MS = 253_402_300_799_000  # 9999-12-31T23:59:59
RUN_UP_MS = 60_000
MAX_TITLE = 256
MAX_ENTITIES = 100
LISTED = 200
"""Signals and entities that a revision lists; more are counted."""


class Engine(NamedTuple):
    """What decided, for provenance."""

    version: str
    config: str
    models: tuple[str, ...]
    context: str
    partition: int | None


def at(ms: int) -> datetime:
    """The instant ``ms`` milliseconds after the epoch; the end of the calendar for what lies beyond it."""
    return _EPOCH + timedelta(milliseconds=min(max(ms, _FIRST_MS), _LAST_MS))


def signals_of(domain: Domain, cluster: str) -> list[tuple[str, SignalRow]]:
    """The collapsed signals of a unit with their ids, by time."""
    keys = domain.signals_of.get(cluster, ())
    rows = [(key.split("\x1f", 1)[1], cast(SignalRow, domain.signals[key])) for key in keys]
    return sorted(rows, key=lambda r: (r[1].first, r[1].source, r[1].source_id, r[0]))


def unit_id(domain: Domain, unit: UnitRow) -> str:
    """The public id: domain and anchor signal."""
    return "wu-" + blake2b(f"{domain.name}\x1f{unit.anchor}\x1f{unit.anchor_id}".encode(), digest_size=10).hexdigest()


def subject(unit: UnitRow, signals: Sequence[tuple[str, SignalRow]], facts: Callable[[str], Facts | None]) -> Subject:
    """What the unit is about, for the change search."""
    components = {s.component for _, s in signals if s.component is not None}
    dependencies = hops(components, lambda c: (facts(c) or UNKNOWN).depends_on)
    return about(unit.first, unit.last, [s for _, s in signals], dependencies)


def build(
    domain: Domain,
    cluster: str,
    unit: UnitRow,
    *,
    reason: Reason,
    engine: Engine,
    facts: Callable[[str], Facts | None],
    shown_changes: int,
) -> Unit:
    """The next revision of a unit, given that it is due for ``reason``."""
    signals = signals_of(domain, cluster)
    rows = [s for _, s in signals]
    of = subject(unit, signals, facts)
    newest = {name: seen.newest for name, seen in domain.seen.items() if seen.newest is not None}
    search = domain.changes.search(of, _own(rows), shown_changes, newest) if rows else None
    known = [f for c in sorted(of.components) if (f := facts(c)) is not None]
    reach = exploitability(rows, known)
    confidence = _confidence(rows)
    into = domain.merged.get(cluster) if unit.status == "merged" else None
    listed = _listed(signals)
    closed = reason in ("closed", "merged") and (unit.status != "open" or reason == "closed")
    return Unit(
        unit_id=unit.unit_id,
        revision=unit.revision,
        reason=reason,
        status="merged" if unit.status == "merged" else "closed" if closed else "open",
        disposition=unit.disposition,
        severity=unit.severity,
        confidence=confidence,
        title=_title(domain.name, unit, rows, of) if into is None else f"{domain.name}: merged into {into[1]}",
        domain=domain.name,
        opened_at=at(unit.opened_log),
        updated_at=at(unit.updated_log),
        closed_at=at(unit.updated_log) if closed else None,
        owner=next((f.owner for f in known if f.owner), None),
        components=tuple(sorted(of.components)),
        risk=risk(unit.severity, rows, reach, confidence),
        exploitability=reach,
        signal_count=unit.members,
        signals=tuple(_signal(key, s) for key, s in listed),
        entities=_entities(rows),
        changes=tuple(
            SuspectChange(
                id=blake2b(f"{c.change.source}\x1f{c.change.source_id}".encode(), digest_size=8).hexdigest(),
                source_id=c.change.source_id,
                source=c.change.source,
                kind=c.change.kind,
                time=at(c.change.time),
                actor=c.change.actor,
                title=c.change.title,
                score=round(c.score, 6),
                factors=c.factors,
            )
            for c in (search.best if search else ())
        ),
        change_count=search.scored if search else 0,
        change_search=None
        if search is None
        else ChangeSearch.model_validate(
            {
                "from": at(search.since),
                "to": at(search.until),
                "searched": search.searched,
                "silent_sources": search.silent,
            }
        ),
        reviews=_reviews(domain, cluster),
        related=_related(domain, cluster),
        aliases=unit.aliases,
        merged_into=None if into is None else into[1],
        first_at=at(unit.first),
        last_at=at(unit.last),
        provenance=Provenance(
            engine=engine.version,
            config=engine.config,
            rules="none",
            models=engine.models,
            context=engine.context,
            log=None if engine.partition is None else (engine.partition, unit.first_offset, unit.last_offset),
        ),
        digest=_digest(unit, rows, search.suspects if search else ()),
        truncated=len(listed) < len(signals) or unit.unlisted > 0,
    )


def _own(rows: Sequence[SignalRow]) -> Own:
    """The unit's members, as far as they can be told from changes: by id, and repeats by who called what and when.

    The calls that it took for a burst to become one belong to it, too.
    """
    spans: dict[tuple[str, str | None, str | None], tuple[int, int]] = {}
    for row in rows:
        if row.action is not None:
            key = (row.source, row.action, row.actor)
            first, last = spans.get(key, (row.first, row.last))
            spans[key] = (min(first, row.first - RUN_UP_MS), max(last, row.last))
    return Own(frozenset((row.source, row.source_id) for row in rows), spans)


def _listed(signals: list[tuple[str, SignalRow]]) -> list[tuple[str, SignalRow]]:
    """At most ``LISTED``: the most severe, then the newest; in order of time."""
    if len(signals) <= LISTED:
        return signals
    best = sorted(signals, key=lambda r: (-r[1].severity, -r[1].score, -r[1].last, r[0]))[:LISTED]
    chosen = {key for key, _ in best}
    return [r for r in signals if r[0] in chosen]


def _signal(key: str, row: SignalRow) -> Signal:
    return Signal(
        id=key,
        source_id=row.source_id,
        source=row.source,
        kind=row.kind,
        time=at(row.first),
        last=at(row.last),
        count=row.times,
        title=row.title,
        severity=row.severity,
        score=round(row.score, 6),
        why=row.why,
    )


def _entities(rows: Sequence[SignalRow]) -> tuple[UnitEntity, ...]:
    """The unit's entities, the ones that hold most of it together first: prior times the share of signals with it."""
    count: dict[tuple[str, str], int] = {}
    for row in rows:
        for entity in row.entities:
            count[entity] = count.get(entity, 0) + 1
    weighed = [(round(weight(kind, id_) * n / len(rows), 6), kind, id_) for (kind, id_), n in count.items()]
    weighed.sort(key=lambda e: (-e[0], e[1], e[2]))
    return tuple(UnitEntity(kind=kind, id=id_, weight=w) for w, kind, id_ in weighed[:MAX_ENTITIES])


def _confidence(rows: Sequence[SignalRow]) -> float:
    """That something is going on: one minus the chance that every signal, best twenty, is nothing."""
    nothing = 1.0
    for score in sorted((row.score for row in rows), reverse=True)[:20]:
        nothing *= 1 - 0.9 * score
    return round(min(0.99, 1 - nothing), 4)


def _title(name: str, unit: UnitRow, rows: Sequence[SignalRow], about: Subject) -> str:
    if not rows:
        return f"{name}: no signals left"
    lead = max(rows, key=lambda s: (s.severity, s.score, -s.first, s.source_id))
    where = next(iter(sorted(about.components)), None) or name
    more = unit.members - lead.times
    times = f" ({lead.times} times)" if lead.times > 1 else ""
    also = times + (f", and {more} more" if more > 0 else "")
    title = f"{where}: {lead.title}"
    return (title if len(title) + len(also) <= MAX_TITLE else title[: MAX_TITLE - len(also) - 1] + "…") + also


def _reviews(domain: Domain, cluster: str) -> tuple[UnitReview, ...]:
    rows = [row for key, row in domain.reviews.items() if key.startswith(cluster + "\x1f")]
    return tuple(
        UnitReview(id=i, time=at(t), reviewer=who, kind=kind, verdict=verdict, comment=comment)
        for i, t, who, kind, verdict, comment in sorted(rows, key=lambda r: (r[1], r[0]))
    )


def _related(domain: Domain, cluster: str) -> tuple[RelatedUnit, ...]:
    rows = [row for key, row in domain.related.items() if key.startswith(cluster + "\x1f")]
    return tuple(
        RelatedUnit(unit_id=unit, domain=other, indicator_kind=kind, indicator=value)
        for unit, other, kind, value in sorted(rows)
    )


def _digest(unit: UnitRow, rows: Sequence[SignalRow], suspects: Sequence[tuple[str, str]]) -> str:
    """What the unit consists of, in whatever order it came: members, linking keys, suspects. No ids, clocks, scores."""
    count: dict[tuple[str, str], int] = {}
    for row in rows:
        for entity in row.entities:
            count[entity] = count.get(entity, 0) + row.times
    shared = sorted(f"{kind}\x1f{id_}" for (kind, id_), n in count.items() if n > 1 and links(kind, id_))
    changes = (f"{source}\x1f{source_id}" for source, source_id in suspects)
    text = "\x1e".join((unit.member_hash, *shared, "\x1d", *changes))
    return blake2b(text.encode(), digest_size=16).hexdigest()

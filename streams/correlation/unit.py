"""A unit as it leaves: from its rows to ``schemas.unit.Unit``. Pure, and the same for the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from schemas.base import SEVERITY_NAMES
from schemas.parameters import Parameters
from schemas.unit import (
    ModelHealth,
    Provenance,
    Reason,
    SuspectChange,
    Unit,
    UnitEntity,
)
from streams.correlation.change_content import Subject, about, hops
from streams.correlation.changes import SUSPECT
from streams.correlation.context import Context
from streams.correlation.entity_weight import links, weight
from streams.correlation.exploitability import reach
from streams.correlation.exposure import TABLE, Seen
from streams.correlation.facts import UNKNOWN, Facts
from streams.correlation.instants import at
from streams.correlation.risk_score import assess
from streams.correlation.risk_words import Suspect
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.state import Domain
from streams.correlation.story import story
from streams.correlation.topology import joined_by
from streams.correlation.unit_notes import (
    SEVERITY,
    approvals,
    change_id,
    change_search,
    fixed_before,
    not_joined,
    overridden,
    related,
    reviews,
)
from streams.correlation.unit_signals import collapsed, doubted, most_telling, own_changes, sessions_of, signal_of

MAX_TITLE = 256
MAX_ENTITIES = 100
MAX_IDENTITIES = 50


class Engine(NamedTuple):
    """What decided, for provenance."""

    version: str
    config: str
    models: tuple[str, ...]
    context: str
    partition: int | None
    rules: str = "none"
    health: tuple[ModelHealth, ...] = ()


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
    context: Context,
    parameters: Parameters,
) -> Unit:
    """The next revision of a unit, given that it is due for ``reason``."""
    sessions = sessions_of(domain, cluster)
    drift = {each.model: each.text for each in engine.health if each.state == "drift"}
    signals = [(name, doubted(row, drift)) for name, row in collapsed(sessions)]
    rows = [s for _, s in signals]
    of = subject(unit, signals, facts)
    newest = {name: seen.newest for name, seen in domain.seen.items() if seen.newest is not None}
    search = domain.changes.search(of, own_changes(rows), parameters.shown_changes, newest) if rows else None
    known = [f for c in sorted(of.components) if (f := facts(c)) is not None]
    reached = reach(rows, facts, context, unit.last, parameters, Seen(domain.tables.get(TABLE)))
    confidence = _confidence(rows)
    into = domain.merged.get(cluster) if unit.status == "merged" else None
    listed = most_telling(signals)
    given = overridden(domain, cluster, "severity")
    override = SEVERITY_NAMES.index(given) if given in SEVERITY_NAMES else None
    severity = _severity(unit, rows) if override is None else override
    best = search.best[0] if search is not None and search.best and search.best[0].score > SUSPECT else None
    suspect = None if best is None else Suspect(best.score, best.change.title)
    return Unit(
        unit_id=unit.unit_id,
        revision=unit.revision,
        reason=reason,
        status=unit.status,
        disposition=unit.disposition,
        severity=severity,
        confidence=confidence,
        title=_title(domain.name, unit, rows, of) if into is None else f"{domain.name}: merged into {into[1]}",
        domain=domain.name,
        opened_at=at(unit.opened_log),
        updated_at=at(unit.updated_log),
        closed_at=at(unit.updated_log if unit.status == "merged" else unit.closed_log)
        if unit.status != "open"
        else None,
        owner=overridden(domain, cluster, "owner") or next((f.owner for f in known if f.owner), None),
        components=tuple(sorted(of.components)),
        risk=assess(reached, confidence, suspect, max(unit.updated_log, unit.last), override),
        exploitability=reached.summary,
        signal_count=unit.members,
        signals=tuple(signal_of(key, s) for key, s in listed),
        entities=_entities(rows),
        identities=domain.aliases.resolved(
            (kind, id_, row.first) for _, row in sessions for kind, id_ in row.entities if links(kind, id_)
        )[:MAX_IDENTITIES],
        changes=tuple(
            SuspectChange(
                id=change_id(c.change.source, c.change.source_id),
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
        change_search=None if search is None else change_search(search),
        fixed_before=fixed_before(domain, unit, rows, context),
        story=story(rows, facts, context, reached.summary, unit.last, max(unit.updated_log, unit.last), parameters),
        joined_by=joined_by(sessions, parameters),
        not_joined=not_joined(domain, rows, parameters),
        approvals=approvals(domain, cluster),
        reviews=reviews(domain, cluster),
        related=related(domain, cluster, unit),
        aliases=unit.aliases,
        merged_into=None if into is None else into[1],
        first_at=at(unit.first),
        last_at=at(unit.last),
        provenance=Provenance(
            engine=engine.version,
            config=engine.config,
            rules=engine.rules,
            models=engine.models,
            model_health=engine.health,
            context=engine.context,
            log=None if engine.partition is None else (engine.partition, unit.first_offset, unit.last_offset),
        ),
        digest=_digest(unit, rows, search.suspects if search else ()),
        truncated=len(listed) < len(signals),
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


def _severity(unit: UnitRow, rows: Sequence[SignalRow]) -> int:
    """Of the most severe signal that is open; where none is any more, what the revision before said."""
    still = [row.severity for row in rows if row.status != "fixed"]
    if still:
        return max(still)
    return unit.shown[SEVERITY] if unit.shown else unit.severity


def _confidence(rows: Sequence[SignalRow]) -> float:
    """That something is going on: one minus the chance that every signal, best twenty, is nothing."""
    nothing = 1.0
    for score in sorted((row.score for row in rows), reverse=True)[:20]:
        nothing *= 1 - 0.9 * score
    return round(min(0.99, 1 - nothing), 4)


def _title(name: str, unit: UnitRow, rows: Sequence[SignalRow], about: Subject) -> str:
    if not rows:
        return f"{name}: no signals left"
    lead = max(rows, key=lambda s: (s.status != "fixed", s.severity, s.score, -s.first, s.source_id))
    where = next(iter(sorted(about.components)), None) or name
    more = unit.members - lead.times
    times = f" ({lead.times} times)" if lead.times > 1 else ""
    also = times + (f", and {more} more" if more > 0 else "")
    title = f"{where}: {lead.title}"
    return (title if len(title) + len(also) <= MAX_TITLE else title[: MAX_TITLE - len(also) - 1] + "…") + also


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

"""One event into the state, and the revisions that are due out of it. The only module that decides in which order."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from schemas.events import Change, Finding, Related, Review
from schemas.unit import Unit
from streams.correlation import group
from streams.correlation.change_score import LOOK_BACK
from streams.correlation.entity_weight import links
from streams.correlation.lifecycle import decide, touch
from streams.correlation.risk import Facts
from streams.correlation.rows import ChangeRow, Pairs, SignalRow, UnitRow, pairs
from streams.correlation.state import Domain, State
from streams.correlation.unit import Engine, build, unit_id


def with_component(entities: Pairs, component: str | None) -> Pairs:
    """The entities, and the component as one of them."""
    if component is None or ("component", component) in entities:
        return entities
    return (*entities, ("component", component))


def finding_signal(event: Finding, time: int) -> SignalRow:
    """A finding as one occurrence of a signal."""
    score = event.cvss / 10 if event.cvss is not None else min(1.0, event.severity / 5)
    why = [f"{event.reporter} reports {event.rule}"]
    if event.cvss is not None:
        why.append(f"CVSS {event.cvss:g}")
    if event.location:
        why.append(f"in {event.location}")
    if event.fix:
        why.append(f"fixed by {event.fix}")
    return SignalRow(
        source=event.source,
        source_id=event.source_id,
        kind=event.kind,
        first=time,
        last=time,
        times=1,
        title=event.title or event.rule,
        severity=event.severity,
        score=score,
        why=tuple(why),
        entities=with_component(pairs(event.entities), event.component),
        component=event.component,
        cvss=event.cvss,
        fix=event.fix,
    )


def add_change(state: State, domain: Domain, event: Change, time: int, log_time: int) -> None:
    """Keep a change, and bring the units that share an entity with it up to date."""
    row = ChangeRow(
        source=event.source,
        source_id=event.source_id,
        time=time,
        kind=event.kind,
        actor=event.actor,
        title=event.title,
        status=event.status,
        revision=event.revision,
        component=event.component,
        entities=with_component(pairs(event.entities), event.component),
        home=event.home,
    )
    domain.changes.add(row, state.parameters.max_changes)
    concerned: set[str] = set()
    for kind, id_ in row.entities:
        if not links(kind, id_):
            continue
        for first, last, cluster in domain.links.get(f"{kind}\x1f{id_}", ()):
            if first - LOOK_BACK[row.kind] <= time <= last:
                concerned.add(domain.find(cluster))
    for cluster in sorted(concerned):
        _touch(state, domain, cluster, "change", log_time)


def add_review(state: State, domain: Domain, event: Review, log_time: int) -> bool:
    """Note a review; false if the domain has no such unit any more."""
    cluster = domain.cluster_of.get(event.unit_id)
    if cluster is None:
        return False
    stamp = int(event.time.timestamp() * 1000)
    domain.reviews[f"{cluster}\x1f{event.source_id}"] = (
        event.source_id,
        stamp,
        event.reviewer,
        event.kind,
        event.verdict,
        event.comment,
    )
    if event.verdict is not None:
        domain.units[cluster] = UnitRow._make(domain.units[cluster])._replace(disposition=event.verdict)
    _touch(state, domain, cluster, "review", log_time)
    return True


def add_related(state: State, domain: Domain, event: Related, log_time: int) -> bool:
    """Note a unit of another domain; false if this domain has no such unit any more."""
    cluster = domain.cluster_of.get(event.unit_id)
    if cluster is None:
        return False
    key = f"{cluster}\x1f{event.other_unit_id}"
    row = (event.other_unit_id, event.other_domain, event.indicator.kind, event.indicator.id)
    if domain.related.get(key) != row:
        domain.related[key] = row
        _touch(state, domain, cluster, "related", log_time)
    return True


def _touch(state: State, domain: Domain, cluster: str, reason: str, log_time: int) -> None:
    row = domain.units.get(cluster)
    if row is None:
        return
    unit = touch(UnitRow._make(row), reason, log_time, state.parameters)  # type: ignore[arg-type] # our own literals
    domain.units[cluster] = unit
    state.arm(domain, cluster, unit)


def due(
    state: State, log_time: int, engine_of: Callable[[Domain], Engine], facts: Callable[[str], Facts | None]
) -> list[Unit]:
    """Every revision that is due at ``log_time``, in order of due time, domain and cluster."""
    out: list[Unit] = []
    while state.timers and state.timers[0][0] <= log_time:
        _, name, cluster = heapq.heappop(state.timers)
        domain = state.domain(name)
        row = domain.units.get(cluster)
        if row is None:
            continue
        unit = UnitRow._make(row)
        reason = decide(unit, log_time, state.parameters)
        if reason is None:
            state.arm(domain, cluster, unit)
            continue
        unit = unit._replace(
            revision=unit.revision + 1,
            unit_id=unit.unit_id or unit_id(domain, unit),
            pending=None,
            due=None,
            updated_log=log_time,
            status="closed" if reason == "closed" else unit.status,
        )
        domain.units[cluster] = unit
        domain.cluster_of[unit.unit_id] = domain.find(cluster)
        out.append(
            build(
                domain,
                cluster,
                unit,
                reason=reason,
                engine=engine_of(domain),
                facts=facts,
                shown_changes=state.parameters.shown_changes,
            )
        )
        if unit.status == "open":
            state.arm(domain, cluster, unit)
        else:
            group.close(domain, cluster, state.parameters)
    return out


def flush(
    state: State, log_time: int, engine_of: Callable[[Domain], Engine], facts: Callable[[str], Facts | None]
) -> list[Unit]:
    """Every revision that waits for its interval, now: the end of a replay. Closes nothing."""
    last = log_time
    for name in sorted(state.domains):
        for row in state.domains[name].units.values():
            unit = UnitRow._make(row)
            if unit.pending is not None and unit.due is not None:
                last = max(last, unit.due)
    if last == log_time and not state.timers:
        return []
    parameters = state.parameters
    state.parameters = parameters.model_copy(update={"idle_close_ms": 2**62})
    try:
        return due(state, last, engine_of, facts)
    finally:
        state.parameters = parameters


def next_due(state: State) -> int | None:
    """The next log time at which ``due`` may have something."""
    return state.timers[0][0] if state.timers else None

"""One event into the state, and the revisions that are due out of it. The only module that decides in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from schemas.events import Change, Related
from schemas.unit import Reason, Unit
from streams.correlation import endings, queue, stirring, upcoming
from streams.correlation.change_score import LOOK_BACK
from streams.correlation.changes import key_of
from streams.correlation.closing import forget, relate
from streams.correlation.facts import Facts
from streams.correlation.fixing import settled
from streams.correlation.lifecycle import aged, decide, looked, touch
from streams.correlation.naming import free
from streams.correlation.queue import Revision
from streams.correlation.rows import ChangeRow, UnitRow, pairs
from streams.correlation.signal import with_component
from streams.correlation.state import PATTERNS, Domain, State
from streams.correlation.unit import Engine, build
from streams.correlation.unit_notes import difference, summary


def add_change(state: State, domain: Domain, event: Change, time: int, log_time: int) -> None:
    """Keep a change, and have the units looked at again that it may be behind.

    Any open unit in whose look-back it lies: which of them it is really behind depends on entities, components and
    dependencies, and is worked out once when the revision is due, for all changes that came until then.
    """
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
        action=event.action,
    )
    if event.kind == upcoming.KIND:
        since = upcoming.begins(state.context, event.source_id)
        if since is not None and time < since <= log_time:
            row = row._replace(time=since)
        elif since is not None and since > log_time:
            upcoming.note(state, domain, event.source_id, since, key_of(row))
    domain.changes.add(row, state.parameters.max_changes)
    _follow(state, domain, row, log_time)


def begin(state: State, log_time: int) -> None:
    """Put the policy exceptions that come into force by now where they begin."""
    for domain, key, since in upcoming.due(state, log_time):
        if (row := domain.changes.move(key, since)) is not None:
            _follow(state, domain, row, log_time)


def _follow(state: State, domain: Domain, row: ChangeRow, log_time: int) -> None:
    """Have the open units looked at again that may have followed from a change."""
    time = row.time
    if domain.latest < time:  # the usual case: nothing can have followed from it yet
        return
    since = time + LOOK_BACK[row.kind]
    concerned = [c for c, unit in domain.units.since(time) if unit.first <= since and unit.status == "open"]
    for cluster in sorted(concerned):
        retouch(state, domain, cluster, "change", log_time)


def add_related(state: State, domain: Domain, event: Related, log_time: int) -> bool:
    """Note a unit of another domain; false if this domain has no such unit any more."""
    cluster = domain.cluster_of.get(event.unit_id)
    if cluster is None:
        return False
    kind, id_ = event.indicator
    row = (event.other_unit_id, event.other_domain, "indicator", kind, id_, event.reason)
    if relate(domain, cluster, row):
        retouch(state, domain, cluster, "related", log_time)
    return True


def stir(
    state: State,
    log_time: int,
    engine_of: Callable[[Domain], Engine],
    facts: Callable[[str], Facts | None],
    name: Callable[[str], str],
) -> None:
    """Have the units told again that context which came lately alters. ``name``: of a component by its reference."""

    def said(domain: Domain, cluster: str, unit: UnitRow) -> Unit:
        return build(
            domain,
            cluster,
            unit,
            reason="context",
            engine=engine_of(domain),
            facts=facts,
            context=state.context,
            parameters=state.parameters,
        )

    for domain, cluster in stirring.differing(state, facts, name, said):
        state.touched.add(domain.name)
        retouch(state, domain, cluster, "context", log_time)


def retouch(state: State, domain: Domain, cluster: str, reason: Reason, log_time: int) -> None:
    """Have a revision of the unit made for ``reason``."""
    before = cast(UnitRow, domain.units[cluster])
    unit = touch(before, reason, log_time, state.parameters)
    if unit is not before:
        domain.units[cluster] = unit
        state.arm(domain, cluster, unit)


def due(
    state: State, log_time: int, engine_of: Callable[[Domain], Engine], facts: Callable[[str], Facts | None]
) -> list[Revision]:
    """Every revision that is due at ``log_time``, in order of due time, domain and cluster."""
    out: list[Revision] = []
    while (woken := state.wake(log_time)) is not None:
        domain, cluster = woken
        if cluster == PATTERNS:
            queue.end(state, domain, log_time)
            continue
        unit = cast(UnitRow, domain.units[cluster])
        reason = decide(unit, log_time, state.parameters)
        if reason is None:
            assert unit.status == "closed", "woken for nothing"
            forget(state, domain, cluster)
        elif (revision := _revise(state, domain, cluster, unit, reason, log_time, engine_of, facts)) is not None:
            out.append(revision)
    return out


def flush(
    state: State, log_time: int, engine_of: Callable[[Domain], Engine], facts: Callable[[str], Facts | None]
) -> list[Revision]:
    """Every revision that waits for its interval, as if time went on to then: the end of a replay.

    Closes nothing but what is fixed.
    """
    out: list[Revision] = []
    while waiting := sorted(
        (unit.due, name, cluster)
        for name, domain in state.domains.items()
        for cluster, unit in cast(dict[str, UnitRow], domain.units).items()
        if unit.due is not None
    ):
        for at, name, cluster in waiting:
            domain = state.domain(name)
            unit = cast(UnitRow, domain.units[cluster])
            assert unit.pending is not None, "due for nothing"
            reason = cast(Reason, unit.pending)
            revision = _revise(state, domain, cluster, unit, reason, max(at, log_time), engine_of, facts)
            if revision is not None:
                out.append(revision)
    return out


def _revise(
    state: State,
    domain: Domain,
    cluster: str,
    unit: UnitRow,
    reason: Reason,
    log_time: int,
    engine_of: Callable[[Domain], Engine],
    facts: Callable[[str], Facts | None],
) -> Revision | None:
    """The next revision of a unit, and its row with it; None if what it was due for makes no difference."""
    parameters = state.parameters
    fixed = unit.status == "open" and settled(domain, cluster)
    if fixed and unit.revision:
        reason = "closed"
    row = looked(unit, log_time, parameters)._replace(
        revision=unit.revision + 1,
        unit_id=unit.unit_id or free(domain, unit),
        updated_log=log_time,
    )
    if reason == "closed":
        evicted = unit.sealed and unit.signals < parameters.max_signals and not aged(unit, log_time, parameters)
        row = row._replace(
            status="closed",
            closed_log=log_time - parameters.reopen_ms if evicted else log_time,
            sealed=unit.sealed or aged(unit, log_time, parameters),
        )
    if not unit.revision:
        endings.opened(domain, cluster, row, facts)
    revision = build(
        domain,
        cluster,
        row,
        reason=reason,
        engine=engine_of(domain),
        facts=facts,
        context=state.context,
        parameters=parameters,
    )
    if reason == "closed":
        endings.closed(domain, cluster, row, facts, log_time, parameters, fixed=fixed)
    elif reason == "reopened":
        endings.reopened(domain, cluster, row)
    shown = summary(revision)
    revision = revision.model_copy(update={"diff": difference(unit.shown, shown)})
    placed = queue.place(state, domain, cluster, row, revision, facts, log_time)
    if reason == "closed" and not fixed:
        queue.note_idle(state, domain, cluster, unit, log_time)
    settled_on = queue.settle(reason, revision.digest == unit.digest, placed)
    if settled_on is None:
        row = looked(unit, log_time, parameters)._replace(ruled=placed.ruled)
        domain.units[cluster] = row
        state.arm(domain, cluster, row)
        return None
    revision = placed.told(revision.model_copy(update={"reason": settled_on}))
    row = row._replace(digest=revision.digest, shown=shown, ruled=placed.ruled)
    if fixed and row.status == "open":  # first it is told, then it ends
        row = touch(row, "signal", log_time, parameters)
    domain.units[cluster] = row
    if row.status == "merged":
        forget(state, domain, cluster)
    else:
        domain.cluster_of[row.unit_id] = cluster
        state.arm(domain, cluster, row)
    return Revision(revision, placed.places)


def next_due(state: State) -> int | None:
    """The next log time at which ``due`` has something."""
    return state.next_due()

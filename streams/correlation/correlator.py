"""One event into the state, and the revisions that are due out of it. The only module that decides in which order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

from schemas.events import Change, Related, Review
from schemas.unit import Reason, Unit
from streams.correlation import group
from streams.correlation.change_score import LOOK_BACK
from streams.correlation.lifecycle import decide, looked, touch
from streams.correlation.risk import Facts
from streams.correlation.rows import ChangeRow, UnitRow, pairs
from streams.correlation.signal import with_component
from streams.correlation.state import Domain, State
from streams.correlation.unit import Engine, build, unit_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def instant(time: datetime) -> int:
    """Whole milliseconds since the epoch."""
    return (time - _EPOCH) // _MS


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
    domain.changes.add(row, state.parameters.max_changes)
    if domain.latest < time:  # the usual case: nothing can have followed from it yet
        return
    since = time + LOOK_BACK[row.kind]
    concerned = [
        cluster
        for cluster, unit in cast(dict[str, UnitRow], domain.units).items()
        if unit.last >= time and unit.first <= since and unit.status == "open"
    ]
    for cluster in sorted(concerned):
        _touch(state, domain, cluster, "change", log_time)


def add_review(state: State, domain: Domain, event: Review, log_time: int) -> bool:
    """Note a review; false if the domain has no such unit any more."""
    cluster = domain.cluster_of.get(event.unit_id)
    if cluster is None:
        return False
    key = f"{cluster}\x1f{event.source_id}"
    row = (event.source_id, instant(event.time), event.reviewer, event.kind, event.verdict, event.comment)
    if domain.reviews.get(key) == row:
        return True
    domain.reviews[key] = row
    if event.verdict is not None:
        domain.units[cluster] = cast(UnitRow, domain.units[cluster])._replace(disposition=event.verdict)
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


def _touch(state: State, domain: Domain, cluster: str, reason: Reason, log_time: int) -> None:
    before = cast(UnitRow, domain.units[cluster])
    unit = touch(before, reason, log_time, state.parameters)
    if unit is not before:
        domain.units[cluster] = unit
        state.arm(domain, cluster, unit)


def due(
    state: State, log_time: int, engine_of: Callable[[Domain], Engine], facts: Callable[[str], Facts | None]
) -> list[Unit]:
    """Every revision that is due at ``log_time``, in order of due time, domain and cluster."""
    out: list[Unit] = []
    while (woken := state.wake(log_time)) is not None:
        domain, cluster, unit = woken
        reason = decide(unit, log_time, state.parameters)
        assert reason is not None, "woken for nothing"
        if (revision := _revise(state, domain, cluster, unit, reason, log_time, engine_of, facts)) is not None:
            out.append(revision)
    return out


def flush(
    state: State, log_time: int, engine_of: Callable[[Domain], Engine], facts: Callable[[str], Facts | None]
) -> list[Unit]:
    """Every revision that waits for its interval, as if time went on to then: the end of a replay. Closes nothing."""
    waiting = sorted(
        (unit.due, name, cluster)
        for name, domain in state.domains.items()
        for cluster, unit in cast(dict[str, UnitRow], domain.units).items()
        if unit.due is not None
    )
    out: list[Unit] = []
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
) -> Unit | None:
    """The next revision of a unit, and its row with it; None if a change turned out to make no difference."""
    parameters = state.parameters
    row = looked(unit, log_time, parameters)._replace(
        revision=unit.revision + 1,
        unit_id=unit.unit_id or unit_id(domain, unit),
        updated_log=log_time,
        status="closed" if reason == "closed" else unit.status,
    )
    revision = build(
        domain,
        cluster,
        row,
        reason=reason,
        engine=engine_of(domain),
        facts=facts,
        shown_changes=parameters.shown_changes,
    )
    if reason == "change" and revision.digest == unit.digest:
        row = looked(unit, log_time, parameters)
        domain.units[cluster] = row
        state.arm(domain, cluster, row)
        return None
    row = row._replace(digest=revision.digest)
    domain.units[cluster] = row
    state.ids_seen(domain, cluster, row.unit_id)
    if row.status == "open":
        domain.cluster_of[row.unit_id] = cluster
        state.arm(domain, cluster, row)
    else:
        group.close(state, domain, cluster)
    return revision


def next_due(state: State) -> int | None:
    """The next log time at which ``due`` has something."""
    return state.next_due()

"""Components that move to another system: their new signals go there, their open units stay, and each says so.

A catalog record reaches every partition, a domain is on one of them. So the open units of the domain that a component
left are told at once where its new signals go; the new units about it, where they come from; and by id of each other
where both domains are on one partition.

Wrong for an entity that is moved by a rule of the catalog about others (a namespace that another system claims): its
own record says nothing then, and nothing is noted.
"""

from __future__ import annotations

from typing import Final, NamedTuple, cast

from streams.correlation.closing import relate
from streams.correlation.lifecycle import touch
from streams.correlation.naming import named
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.state import Domain, State

MOVED: Final = "moved"
"""The table of all domains, shared by them: component -> the domain it left, the one it is in, log time of the move."""

TOLD: Final = 5
"""Units of the other domain that one names for a component: of those left behind the newest, of new ones the first."""


class Move(NamedTuple):
    """What became of a component."""

    left: str
    home: str
    log: int


def note_move(state: State, component: str, left: str, home: str, log_time: int) -> None:
    """A component went from one domain to another: keep it for as long as its open units can live, and tell them."""
    moves = state.shared.table(MOVED)
    for name, row in sorted(moves.items()):
        if Move._make(row).log + state.parameters.max_life_ms <= log_time:
            del moves[name]
    moves[component] = tuple(Move(left, home, log_time))
    domain = state.domains.get(left)
    if domain is None:
        return
    state.touched.add(left)
    text = f"{component} moved to {home}: its new signals go there"
    for cluster in _about(domain, component):
        _tell(state, domain, cluster, ("", home, "moved", "component", component, text), log_time)


def note_signal(state: State, domain: Domain, session: str, log_time: int) -> None:
    """A session that is new, or was added to: if its component came from another domain, its unit says so."""
    moves = state.shared.tables.get(MOVED)
    if not moves:
        return
    component = cast(SignalRow, domain.signals[domain.key_of[session]]).component
    row = moves.get(component or "")
    if row is None or component is None:
        return
    move = Move._make(row)
    if move.home != domain.name or move.log + state.parameters.max_life_ms <= log_time:
        return
    cluster = domain.unit_of(session)
    if _notes(domain, cluster, component):
        return
    left = state.domains.get(move.left)
    others = [] if left is None else _about(left, component)[:TOLD]
    where = f"{component} moved here from {move.left}"
    if left is None or not others:
        _tell(state, domain, cluster, ("", move.left, "moved", "component", component, where), log_time)
        return
    state.touched.add(left.name)
    name = named(domain, cluster)
    for other in others:
        before = named(left, other)
        text = f"{where}, where {before} is about it"
        _tell(state, domain, cluster, (before, left.name, "moved", "component", component, text), log_time)
        notes = _notes(left, other, component)
        if len(notes) < TOLD:
            for key in notes:
                if not left.related[key][0]:  # now there is a unit to name
                    left.unnote(left.related, other, key)
            text = f"{component} moved to {domain.name}, where {name} is about it"
            _tell(state, left, other, (name, domain.name, "moved", "component", component, text), log_time)


def _notes(domain: Domain, cluster: str, component: str) -> list[str]:
    """Keys of what the unit says about this component's moves."""
    keys = domain.notes_of.get(("related", cluster), ())
    return sorted(key for key in keys if key.endswith(f"\x1fmoved\x1fcomponent:{component}"))


def _about(domain: Domain, component: str) -> list[str]:
    """The open units with signals of a component, the newest first."""
    found = [
        (-unit.last, cluster)
        for cluster, unit in cast(dict[str, UnitRow], domain.units).items()
        if unit.status == "open"
        and any(cast(SignalRow, domain.signals[key]).component == component for key in domain.signals_of[cluster])
    ]
    return [cluster for _, cluster in sorted(found)]


def _tell(state: State, domain: Domain, cluster: str, row: tuple[str, str, str, str, str, str], log_time: int) -> None:
    if relate(domain, cluster, row):
        unit = touch(cast(UnitRow, domain.units[cluster]), "related", log_time, state.parameters)
        domain.units[cluster] = unit
        state.arm(domain, cluster, unit)

"""What the log itself shows to be open to the internet: load balancers, security groups, ingresses. Pure.

A change says what it opened or closed (``schemas.events.Change.exposes``). Its statements are kept with the component
that it was of, else with the resource itself, in the domain. Open at a time is what was opened by then and not closed
since; the order in which the events came decides nothing. A statement costs a row of its component, and events that
open nothing cost nothing.

It says what was seen, not what is: what was open before the log began is not known, and closed is never a proof that
there is no other way in. So it is yes, or not known. The catalog goes before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from schemas.events import Change
from streams.correlation.state import Domain
from streams.correlation.table import Table

TABLE: Final = "exposure"
"""The domain's table: component, or \\x1f and the resource's id -> statements, in order of time."""

KINDS: Final = ("resource", "workload", "host")
"""Entities of a signal without a component, by which it is known what it is about."""

MOST: Final = 500
"""Components and resources of a domain; beyond, a tenth goes, the ones of which was heard longest ago."""

STATEMENTS: Final = 64
"""Of one component; beyond, the oldest goes that no longer decides anything, else the oldest."""

_SEP = "\x1f"


class Statement(NamedTuple):
    """One opening or closing: event ms, whether it opened, what, which way in ("" all of them), and the event."""

    time: int
    opened: bool
    subject: str
    way: str
    source: str
    source_id: str


def note(domain: Domain, event: Change, time: int) -> tuple[str, ...]:
    """Keep what a change opened or closed, at event time ``time`` in ms; the keys of the rows that it is in."""
    if not event.exposes or not event.home:
        return ()
    table = domain.table(TABLE)
    new: dict[str, list[Statement]] = {}
    for subject, way, opened in event.exposes:
        key = event.component if event.component is not None else _SEP + subject
        new.setdefault(key, []).append(Statement(time, opened, subject, way, event.source, event.source_id))
    gone = 0
    for key, statements in new.items():
        kept = sorted({*_row(table, key), *statements})
        while len(kept) > STATEMENTS:
            live = set(_open(kept))
            kept.remove(next((each for each in kept if each not in live), kept[0]))
            gone += 1
        table[key] = tuple(tuple(each) for each in kept)
    if len(table) > MOST:
        for key in sorted(table, key=lambda key: (table[key][-1][0], key))[: MOST // 10]:
            del table[key]
            gone += 1
    if gone:
        domain.gone[TABLE] = (domain.gone.get(TABLE, (0,))[0] + gone,)
    return tuple(new)


class Seen:
    """What was seen to be open in a domain."""

    def __init__(self, table: Table | None) -> None:
        self._table = table

    def __bool__(self) -> bool:
        return bool(self._table)

    def at(self, component: str, as_of: int) -> tuple[Statement, ...]:
        """What is open of a component at event time ``as_of``: the statement of each way in, by time."""
        return self._at(component, as_of)

    def about(self, entities: Iterable[tuple[str, str]], as_of: int) -> tuple[str, tuple[Statement, ...]] | None:
        """The first entity of no known component that is open, and how; None where none is."""
        if not self._table:
            return None
        for kind, name in sorted(entities):
            if kind in KINDS and (found := self._at(_SEP + name, as_of)):
                return name, found
        return None

    def _at(self, key: str, as_of: int) -> tuple[Statement, ...]:
        if not self._table:
            return ()
        return tuple(_open([each for each in _row(self._table, key) if each.time <= as_of]))


NOTHING: Final = Seen(None)


def words(statement: Statement) -> str:
    """What is open, as an analyst reads it."""
    return f"{statement.subject} lets in {statement.way}"


def _row(table: Table, key: str) -> list[Statement]:
    return [Statement(*each) for each in table.get(key, ())]


def _open(statements: Iterable[Statement]) -> list[Statement]:
    """What is left open by statements in order; of one moment, what closes goes before what opens."""
    left: dict[tuple[str, str], Statement] = {}
    for each in statements:
        if each.opened:
            left[each.subject, each.way] = each
            continue
        closes = set(each.way.split())
        for at in [at for at in left if at[0] == each.subject and closes <= set(at[1].split())]:
            del left[at]
    return sorted(left.values())

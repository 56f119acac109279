"""Imported incidents and tickets about the same as a unit, that were closed, and what closed them. Pure.

The same: the same vulnerability or rule under any name; a case without one, the same title but for numbers, about the
same component. Those of the unit's own components go first, then the newest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from schemas.unit import FixedBefore
from streams.correlation.change_words import span
from streams.correlation.context import Context, Fact, bare, instant, same_title
from streams.correlation.instants import at
from streams.correlation.rows import SignalRow

SHOWN: Final = 3
_DAY = 86_400_000


def closed(context: Context, rows: Sequence[SignalRow], as_of: int) -> tuple[FixedBefore, ...]:
    """The cases that were closed by ``as_of``, event ms, at most ``SHOWN``. Costs nothing where there are none."""
    if not context.knows("case"):
        return ()
    places = {bare(row.component) for row in rows if row.component is not None}
    found: dict[str, tuple[bool, int, Fact]] = {}
    for name in subjects(rows):
        for fact in context.about("case", name, as_of):
            ended = instant(fact.record.get("closed_at"))
            if ended is not None and ended <= as_of:
                own = bare(str(fact.record.get("component"))) in places
                found[fact.key] = (own, ended, fact)
    best = sorted(found.values(), key=lambda case: (not case[0], -case[1], case[2].key))[:SHOWN]
    return tuple(_told(fact, ended, as_of) for _, ended, fact in best)


def subjects(rows: Iterable[SignalRow]) -> list[str]:
    """What cases about these signals can be about, as the context spells it."""
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(name.upper() for name in (row.rule or "", *row.aliases) if name))
        if row.component is not None:
            names[same_title(row.title, bare(row.component))] = None
    return sorted(names)


def _told(fact: Fact, ended: int, as_of: int) -> FixedBefore:
    record = fact.record
    opened = instant(record.get("opened_at"))
    days = None if opened is None or opened > ended else round((ended - opened) / _DAY, 2)
    given = {
        field: _text(record.get(field)) for field in ("title", "component", "change", "resolution", "team", "person")
    }
    what = _text(record.get("cve") or record.get("rule")) or given["title"] or fact.key
    where = f" in {given['component']}" if given["component"] else ""
    by = given["change"] or given["resolution"] or "nobody says what"
    team = f" of {given['team']}" if given["team"] else ""
    took = "" if days is None else f", {span(ended - (opened or 0))} after it was opened"
    return FixedBefore(
        unit_id="",
        change_id="",
        source="case",
        title=by,
        actor=given["person"],
        time=at(ended),
        text=f"case {fact.key}, {what}{where}: closed {span(as_of - ended)} before{took}, by {by}{team}",
        team=given["team"],
        days=days,
        case=fact.key,
        record=f"case:{fact.key}@{fact.version}",
    )


def _text(value: object) -> str | None:
    return value[:256] if isinstance(value, str) and value else None

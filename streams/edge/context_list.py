"""What the context topic holds, record by record, with the version and freshness that units will tell of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schemas.parameters import Parameters
from streams.correlation.context import Context
from streams.correlation.freshness import Freshness
from streams.correlation.table import Table
from streams.edge.context_topic import Entry


class Listed(NamedTuple):
    """One record. Times in ms since 1970, ages in ms.

    ``version`` is the part of a unit's version of it that is of its content; ``dated`` the record's own date, or when
    it was written; ``age`` since somebody last said so, None where nothing tells; ``stale`` says why it is, or None.
    """

    kind: str
    key: str
    version: str
    dated: int | None
    age: int | None
    stale: str | None
    feed: str | None
    written: int


def listed(entries: Iterable[Entry], parameters: Parameters, now: int, kind: str | None = None) -> list[Listed]:
    """The records as they stand at ``now``, of one kind or of all, in the order given."""
    entries = list(entries)
    context = Context(Table("context", []))
    for entry in entries:
        context.put(entry.kind, entry.key, entry.record, entry.written, entry.offset)
    freshness = Freshness(context, parameters)
    found = []
    for entry in entries:
        if kind is not None and entry.kind != kind:
            continue
        fact = context.at(entry.kind, entry.key, now)
        if fact is None:  # in force later: dated in the future
            found.append(Listed(entry.kind, entry.key, "", None, None, None, entry.feed, entry.written))
            continue
        dated = None if fact.age is None else now - fact.age
        age, stale = freshness.age(fact, now), freshness.stale(fact, now)
        version = fact.version.partition("-")[2]
        found.append(Listed(entry.kind, entry.key, version, dated, age, stale, entry.feed, entry.written))
    return found

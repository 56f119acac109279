"""A second model set beside the acting one: scored on the same events, counted and noted, without any effect.

For each domain: how often both, or one of them alone, would have made a signal, and the last events on which they were
of two minds. Rows of the domain's table ``shadow``; all of it begins anew with another pair of sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from models.reason import text
from models.suite import Verdict
from schemas.events import Activity

TABLE: Final = "shadow"
NOTED: Final = 200
"""Differences that a domain keeps, the newest."""

_COUNTS: Final = "counts"
_Row = tuple[Any, ...]


class Counts(NamedTuple):
    """Of one domain, since the pair was made. ``active`` and ``shadow`` count signals of one set alone."""

    events: int = 0
    both: int = 0
    active: int = 0
    shadow: int = 0


class Difference(NamedTuple):
    """An event on which only one of them made a signal. ``time``: event ms; ``why``: the words of the one that did."""

    number: int
    time: int
    source: str
    source_id: str
    title: str
    active_p: float
    shadow_p: float
    why: str


def note(rows: Any, event: Activity, time: int, active: Verdict, shadow: Verdict, signal_p: float) -> None:
    """Count an event that both sets have scored, and keep it if they differ. ``rows``: the domain's table."""
    counts = Counts(*rows.get(_COUNTS, ()))
    mine, theirs = active.p <= signal_p, shadow.p <= signal_p
    number = counts.active + counts.shadow
    rows[_COUNTS] = (
        counts.events + 1,
        counts.both + (mine and theirs),
        counts.active + (mine and not theirs),
        counts.shadow + (theirs and not mine),
    )
    if mine == theirs:
        return
    parts = (active if mine else shadow).parts
    title = f"{event.action} by {event.actor}"[:256]
    why = text(parts[0]) if parts else ""
    rows[f"{number % NOTED:03d}"] = (
        number, time, event.source, event.source_id, title, active.p, shadow.p, why,
    )  # fmt: skip


def read(rows: Mapping[str, Iterable[Any]]) -> tuple[Counts, list[Difference]]:
    """What the rows of a domain say; the newest difference first."""
    counts = Counts(*rows.get(_COUNTS, ()))
    noted = [Difference(*row) for key, row in rows.items() if key != _COUNTS]
    return counts, sorted(noted, reverse=True)

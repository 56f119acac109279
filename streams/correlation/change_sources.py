"""What a silence of a source of changes is worth: measured against the gaps that this source usually leaves. Pure.

Mean and mean deviation of the gaps are kept as TCP keeps those of its round trips: the bound is the mean plus four
deviations (RFC 6298 section 2, with its gains of 1/8 and 1/4). Gaps are of event time and only those by which a
source's newest time rises, so a late change leaves no gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from streams.correlation.change_words import span
from streams.correlation.table import Table

DEVIATIONS: Final = 4
LEAST_MS: Final = 300_000
"""No silence shorter than this is one: what the slowest webhook takes."""
GAPS: Final = 4
"""Gaps that must be known before a source's silence is judged at all."""


class HeardRow(NamedTuple):
    """What was heard from a source of changes: event times of its first and newest, and its gaps, all in ms."""

    first: int
    newest: int
    gaps: int = 0
    mean: float = 0.0
    deviation: float = 0.0


class Freshness(NamedTuple):
    """A source at the end of a search. Event times in ms.

    ``newest`` is its newest change, ``heard`` its newest event of any kind as far as known. ``silent_ms`` is what lies
    between ``heard`` and the end of the search, 0 where it was heard since. ``usual_ms`` is the longest silence that is
    nothing unusual, None while too few gaps are known; ``silent`` if this one is longer.
    """

    source: str
    newest: int
    heard: int
    silent_ms: int
    usual_ms: int | None
    silent: bool

    def words(self) -> str:
        """``argo fresh`` or ``argo silent for 6.0 h``; while its gaps are not known, ``argo heard 6.0 h before``."""
        if self.silent:
            return f"{self.source} silent for {span(self.silent_ms)}"
        return f"{self.source} fresh" if self.usual_ms else f"{self.source} heard {span(self.silent_ms)} before"


def hear(heard: Table, source: str, time: int) -> None:
    """Note a change of a source at that event time."""
    row = heard.get(source)
    if row is None:
        heard[source] = HeardRow(time, time)
        return
    known = HeardRow._make(row)
    if time > known.newest:
        gap = time - known.newest
        if known.gaps:
            deviation = known.deviation + (abs(known.mean - gap) - known.deviation) / 4
            mean = known.mean + (gap - known.mean) / 8
        else:
            deviation, mean = gap / 2, float(gap)
        heard[source] = HeardRow(known.first, time, known.gaps + 1, round(mean, 3), round(deviation, 3))
    elif time < known.first:
        heard[source] = known._replace(first=time)


def freshness(heard: Table, until: int, newest: Mapping[str, int]) -> tuple[Freshness, ...]:
    """Every source heard by ``until``, sorted by name. ``newest``: its newest event of any kind, where known."""
    out: list[Freshness] = []
    for source in sorted(heard):
        row = HeardRow._make(heard[source])
        if row.first > until:
            continue
        last = max(row.newest, newest.get(source, row.newest))
        silence = max(0, until - last)
        usual = max(LEAST_MS, round(row.mean + DEVIATIONS * row.deviation)) if row.gaps >= GAPS else None
        out.append(Freshness(source, row.newest, last, silence, usual, usual is not None and silence > usual))
    return tuple(out)

"""The signals of a unit as a reader sees them: repeats as one, the most telling ones listed, all counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from schemas.unit import Signal
from streams.correlation.changes import Own
from streams.correlation.instants import at
from streams.correlation.rows import SignalRow
from streams.correlation.session import fuse
from streams.correlation.state import Domain

LISTED: Final = 200
"""Signals that a revision lists; more are counted."""

RUN_UP_MS: Final = 60_000


def sessions_of(domain: Domain, cluster: str) -> list[tuple[str, SignalRow]]:
    """The sessions of a unit with their signatures, by time."""
    keys = domain.signals_of.get(cluster, ())
    rows = [(key.split("\x1f")[1], cast(SignalRow, domain.signals[key])) for key in keys]
    return sorted(rows, key=lambda r: (r[1].first, r[1].source, r[1].source_id, r[0]))


def collapsed(sessions: Sequence[tuple[str, SignalRow]]) -> list[tuple[str, SignalRow]]:
    """Sessions of one signature as one signal, by time. Its signature is its id."""
    found: dict[str, SignalRow] = {}
    for name, row in sessions:
        found[name] = fuse(found[name], row) if name in found else row
    return sorted(found.items(), key=lambda r: (r[1].first, r[1].source, r[1].source_id, r[0]))


def most_telling(signals: list[tuple[str, SignalRow]]) -> list[tuple[str, SignalRow]]:
    """At most ``LISTED``: the most severe, then the newest; in order of time."""
    if len(signals) <= LISTED:
        return signals
    best = sorted(signals, key=lambda r: (-r[1].severity, -r[1].score, -r[1].last, r[0]))[:LISTED]
    chosen = {key for key, _ in best}
    return [r for r in signals if r[0] in chosen]


def signal_of(key: str, row: SignalRow) -> Signal:
    """One signal as it leaves."""
    return Signal(
        id=key,
        source_id=row.source_id,
        source=row.source,
        kind=row.kind,
        time=at(row.first),
        last=at(row.last),
        count=row.times,
        status=row.status,
        reporters=() if row.reporter is None else (row.reporter,),
        title=row.title,
        severity=row.severity,
        score=round(row.score, 6),
        why=row.why,
    )


def own_changes(rows: Sequence[SignalRow]) -> Own:
    """The unit's members, as far as they can be told from changes: by id, and repeats by who called what and when.

    The calls that it took for a burst to become one belong to it, too.
    """
    spans: dict[tuple[str, str | None, str | None], tuple[int, int]] = {}
    for row in rows:
        if row.action is not None:
            key = (row.source, row.action, row.actor)
            first, last = spans.get(key, (row.first, row.last))
            spans[key] = (min(first, row.first - RUN_UP_MS), max(last, row.last))
    return Own(frozenset((row.source, row.source_id) for row in rows), spans)

"""The signals of a unit as a reader sees them: repeats, and several reports of one weakness, as one; all counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

from schemas.unit import Signal
from streams.correlation import member_hash
from streams.correlation.changes import Own
from streams.correlation.finding_identity import Group, Key, collapse
from streams.correlation.instants import at
from streams.correlation.rows import SignalRow
from streams.correlation.session import fuse, openness
from streams.correlation.state import Domain

LISTED: Final = 200
"""Signals that a revision lists; more are counted."""

RUN_UP_MS: Final = 60_000

DOUBTED: Final = 0.5
"""Of the score of a model in drift."""

_WHY, _ALIASES = 8, 32


def sessions_of(domain: Domain, cluster: str) -> list[tuple[str, SignalRow]]:
    """The sessions of a unit with their signatures, by time."""
    keys = domain.signals_of.get(cluster, ())
    rows = [(key.split("\x1f")[1], cast(SignalRow, domain.signals[key])) for key in keys]
    return sorted(rows, key=lambda r: (r[1].first, r[1].source, r[1].source_id, r[0]))


def collapsed(sessions: Sequence[tuple[str, SignalRow]]) -> list[tuple[str, SignalRow]]:
    """Sessions of one signature, and signatures of one weakness, as one signal, by time.

    The signature of the earliest is its id. What a full unit only counts is of many weaknesses, and stays by itself.
    """
    found = _by_signature(sessions)
    for group in _same(found):
        name, row = one_weakness([(name, found.pop(name)) for name in group.members], group.reasons)
        found[name] = row
    return sorted(found.items(), key=_earlier)


def shown_as(sessions: Sequence[tuple[str, SignalRow]]) -> dict[str, str]:
    """Of every signature the id of the signal that it is shown as, by ``collapsed``."""
    found = _by_signature(sessions)
    ids = {name: name for name in found}
    for group in _same(found):
        lead = min(((name, found[name]) for name in group.members), key=_earlier)[0]
        ids |= dict.fromkeys(group.members, lead)
    return ids


def _by_signature(sessions: Sequence[tuple[str, SignalRow]]) -> dict[str, SignalRow]:
    found: dict[str, SignalRow] = {}
    for name, row in sessions:
        found[name] = fuse(found[name], row) if name in found else row
    return found


def _same(found: Mapping[str, SignalRow]) -> list[Group]:
    """The signatures that are one weakness, where these are several."""
    held: dict[str, str] = {}
    shared: set[str] = set()
    for name, row in found.items():
        for line, _ in row.keys if name[0] != "~" else ():
            if held.setdefault(line, name) != name:
                shared.add(line)
    if not shared:
        return []
    known = {
        name: [Key(*key) for key in row.keys if key[0] in shared]
        for name, row in found.items()
        if row.keys and name[0] != "~"
    }
    groups = collapse((name, keys) for name, keys in known.items() if keys)
    return [group for group in groups if len(group.members) > 1]


def one_weakness(rows: Iterable[tuple[str, SignalRow]], same: tuple[str, ...]) -> tuple[str, SignalRow]:
    """Signals of different signatures that are the same weakness, as one: the earliest, with what the others add.

    ``same``: why, in words. Whatever the order of the rows. Not for the state: there each session stays by itself.
    """
    ranked = sorted(rows, key=_earlier)
    name, lead = ranked[0]
    all_ = [row for _, row in ranked]
    members = lead.members
    for row in all_[1:]:
        members = member_hash.union(members, row.members)
    ids = [i for row in all_ for i in (row.rule, *row.aliases) if i is not None and i != lead.rule]
    best = min((row.p, row.detector) for row in all_)
    return name, lead._replace(
        last=max(row.last for row in all_),
        times=sum(row.times for row in all_),
        severity=max(row.severity for row in all_),
        score=max(row.score for row in all_),
        p=best[0],
        detector=best[1],
        why=tuple(dict.fromkeys(why for row in all_ for why in row.why))[:_WHY],
        entities=tuple(dict.fromkeys(entity for row in all_ for entity in row.entities)),
        component=next((row.component for row in all_ if row.component is not None), None),
        members=members,
        kev=any(row.kev for row in all_),
        cvss=max((row.cvss for row in all_ if row.cvss is not None), default=None),
        epss=max((row.epss for row in all_ if row.epss is not None), default=None),
        fix=next((row.fix for row in all_ if row.fix), None),
        aliases=tuple(dict.fromkeys(ids))[:_ALIASES],
        status=min((row.status for row in all_), key=openness),
        reporters=tuple(sorted({row.reporter for row in all_ if row.reporter is not None})),
        same=same,
    )


def _earlier(signal: tuple[str, SignalRow]) -> tuple[int, str, str, str]:
    name, row = signal
    return row.first, row.source, row.source_id, name


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
        reporters=row.reporters or (() if row.reporter is None else (row.reporter,)),
        same=row.same,
        title=row.title,
        severity=row.severity,
        score=round(row.score, 6),
        why=row.why,
    )


def doubted(row: SignalRow, drift: Mapping[str, str]) -> SignalRow:
    """The signal of a model, less sure where that or all of them together are in drift. ``drift``: why, by model."""
    why = next((f"model in drift: {drift[name]}" for name in (row.detector, "all") if name in drift), None)
    if not row.detector or why is None:
        return row
    return row._replace(score=row.score * DOUBTED, why=(*row.why, why))


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

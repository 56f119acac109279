"""The changes of a domain, and the search for the ones behind a unit."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Mapping
from typing import NamedTuple, cast

from schemas.unit import Factor
from streams.correlation.change_score import LONGEST, LOOK_BACK, Subject, factors, score
from streams.correlation.rows import ChangeRow, Pairs
from streams.correlation.table import Table

SUSPECT: float = 0.5
"""A change with a score above this is a suspect."""

_SHIFT = 2**62  # makes times before 1970 sort as text, too


class Candidate(NamedTuple):
    """A change with its score and the factors of it."""

    change: ChangeRow
    score: float
    factors: tuple[Factor, ...]


class Search(NamedTuple):
    """What was found, and where it was looked for; event times in ms.

    ``best`` are the changes to show, best first; ``suspects`` source and source id of all suspects, shown or not.
    ``searched`` counts the changes of the domain from ``since`` to ``until``, ``scored`` those of them that lie in
    their kind's look-back and are no part of the unit. ``silent``: sources heard before, but not in that time.
    """

    best: tuple[Candidate, ...]
    suspects: tuple[tuple[str, str], ...]
    scored: int
    searched: int
    since: int
    until: int
    silent: tuple[str, ...]


class Own(NamedTuple):
    """What a unit did itself, which explains nothing: its members, and the repeats that it only counts.

    ``members``: (source, source id). ``repeats``: first and last event time by (source, action, actor).
    """

    members: Collection[tuple[str, str]] = ()
    repeats: Mapping[tuple[str, str | None, str | None], tuple[int, int]] = {}

    def has(self, change: ChangeRow) -> bool:
        """Whether the change is one of the unit's own members."""
        if (change.source, change.source_id) in self.members:
            return True
        span = self.repeats.get((change.source, change.action, change.actor))
        return span is not None and span[0] <= change.time <= span[1]


class Changes:
    """Changes by time over a table. The sorted list of keys is derived.

    ``heard``: source -> (event time of its first, of its newest change). ``forgotten``: how many went because there
    were too many, and the newest event time among them; before it a silence proves nothing.
    """

    def __init__(self, rows: Table, heard: Table, forgotten: Table) -> None:
        self.rows = rows
        self.heard = heard
        self.forgotten = forgotten
        self.keys: list[str] = []

    def index(self) -> None:
        """Build the list again after a restore."""
        self.keys = sorted(self.rows)

    def add(self, change: ChangeRow, cap: int) -> None:
        """Keep the change; beyond ``cap`` the oldest goes, counted, and so does what no unit can look back to."""
        key = f"{_stamp(change.time)}\x1f{change.source}\x1f{change.source_id}"
        if key not in self.rows:
            insort(self.keys, key)
        self.rows[key] = change
        heard = self.heard.get(change.source)
        if heard is None:
            self.heard[change.source] = (change.time, change.time)
        elif not heard[0] <= change.time <= heard[1]:
            self.heard[change.source] = (min(heard[0], change.time), max(heard[1], change.time))
        stale = _stamp(max(row[1] for row in self.heard.values()) - 2 * LONGEST)
        gone = max(len(self.keys) - cap, bisect_left(self.keys, stale))
        if gone <= 0:
            return
        for old in self.keys[:gone]:
            del self.rows[old]
        count, horizon = self.forgotten.get("changes", (0, -_SHIFT))
        last = int(self.keys[gone - 1].partition("\x1f")[0]) - _SHIFT
        self.forgotten["changes"] = (count + gone, max(horizon, last))
        del self.keys[:gone]

    def search(self, subject: Subject, own: Own, shown: int) -> Search:
        """The changes that may be behind the subject, best first, without its own members."""
        since = subject.first - LONGEST
        low = bisect_left(self.keys, _stamp(since))
        high = bisect_left(self.keys, _stamp(subject.last + 1))
        found: list[tuple[float, int, str]] = []
        suspects: list[tuple[str, str]] = []
        strengths: dict[Pairs, float] = {}
        present = set()
        for key in self.keys[low:high]:
            change = cast(ChangeRow, self.rows[key])
            present.add(change.source)
            if change.time < subject.first - LOOK_BACK[change.kind] or own.has(change):
                continue
            value = score(subject, change, strengths)
            if value > SUSPECT:
                suspects.append((change.source, change.source_id))
            found.append((-value, -change.time, key))
        found.sort()
        _, horizon = self.forgotten.get("changes", (0, -_SHIFT))
        return Search(
            best=tuple(
                Candidate(change, value, factors(subject, change)) for value, change in self._different(found, shown)
            ),
            suspects=tuple(sorted(suspects)),
            scored=len(found),
            searched=high - low,
            since=since,
            until=subject.last,
            silent=tuple(
                sorted(
                    source
                    for source, (first, _) in self.heard.items()
                    if first <= subject.last and source not in present and not first <= horizon >= since
                )
            ),
        )

    def _different(self, found: list[tuple[float, int, str]], shown: int) -> list[tuple[float, ChangeRow]]:
        """The best of each kind of change: fifty calls of one script are one line for the reader; all are counted."""
        out: list[tuple[float, ChangeRow]] = []
        named = set()
        for negative, _, key in found:
            if len(out) == shown:
                break
            change = cast(ChangeRow, self.rows[key])
            name = (change.source, change.kind, change.title, change.actor)
            if name not in named:
                named.add(name)
                out.append((-negative, change))
        return out


def _stamp(time: int) -> str:
    """Event time in ms as text that sorts."""
    return f"{time + _SHIFT:020d}"

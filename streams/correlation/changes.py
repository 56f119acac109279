"""The changes of a domain, and the search for the ones behind a unit."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import NamedTuple

from schemas.unit import Factor
from streams.correlation.change_score import LONGEST, Subject, in_range, score
from streams.correlation.rows import ChangeRow
from streams.correlation.table import Table


class Candidate(NamedTuple):
    """A change with its score and the factors of it."""

    change: ChangeRow
    score: float
    factors: tuple[Factor, ...]


class Search(NamedTuple):
    """What was found, and where it was looked for; event times in ms."""

    best: tuple[Candidate, ...]
    scored: int
    since: int
    until: int
    silent: tuple[str, ...]


class Changes:
    """Changes by time over a table. The sorted list of keys is derived; keys whose row is gone are skipped."""

    def __init__(self, rows: Table, heard: Table) -> None:
        self.rows = rows
        self.heard = heard  # source -> (time of its newest change,)
        self.keys: list[str] = []
        self.evicted = 0

    def index(self) -> None:
        """Build the list again after a restore."""
        self.keys = sorted(self.rows)

    def add(self, change: ChangeRow, cap: int) -> None:
        """Keep the change; beyond ``cap`` the oldest goes, counted."""
        key = f"{change.time + 2**62:020d}\x1f{change.source}\x1f{change.source_id}"
        if key not in self.rows:
            insort(self.keys, key)
        self.rows[key] = change
        heard = self.heard.get(change.source)
        if heard is None or heard[0] < change.time:
            self.heard[change.source] = (change.time,)
        while len(self.keys) > cap or (self.keys and self._stale(self.keys[0])):
            oldest = self.keys.pop(0)
            if oldest in self.rows:
                self.evicted += 1
                del self.rows[oldest]

    def _stale(self, key: str) -> bool:
        """Whether no unit can look back to it any more, going by the newest change."""
        newest = max((row[0] for row in self.heard.values()), default=0)
        return int(key[:20]) - 2**62 < newest - 2 * LONGEST

    def search(self, subject: Subject, exclude: frozenset[tuple[str, str]], shown: int) -> Search:
        """The changes that may be behind the subject, best first, without its own members (source, source id)."""
        since = subject.first - LONGEST
        low = bisect_left(self.keys, f"{since + 2**62:020d}")
        high = bisect_left(self.keys, f"{subject.last + 1 + 2**62:020d}")
        found: list[Candidate] = []
        for key in self.keys[low:high]:
            row = self.rows.get(key)
            if row is None:
                continue
            change = ChangeRow._make(row)
            if in_range(subject, change) and (change.source, change.source_id) not in exclude:
                found.append(Candidate(change, *score(subject, change)))
        found.sort(key=lambda c: (-c.score, -c.change.time, c.change.source, c.change.source_id))
        present = {c.change.source for c in found}
        silent = tuple(sorted(source for source in self.heard if source not in present))
        return Search(tuple(found[:shown]), len(found), since, subject.last, silent)

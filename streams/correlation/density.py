"""Which beginnings of detections belong together: windows that are short where a line is busy, long where it is quiet.

A detector's alerts share little but the place: the host, the address. On a quiet host two alerts minutes apart are one
matter; on a host with forty kinds of alert in ten minutes only what begins in the same second is. So sessions of
detections are put on lines by their beginnings, and *neighbours* on a line are linked if no more lies between them than
the windows of both allow:

=============  ====================  ==================================================================================
line           of                    window, with ``n`` counted in the ten minutes of the beginning
=============  ====================  ==================================================================================
``@=``         one signature         by its occurrences
``@`` entity   one place             by the different (signature, ten seconds) that carried it; ten minutes while there
                                     are at most three
``@*``         all of the domain     constant: what begins in the same second
=============  ====================  ==================================================================================

``n`` counts as the power of two below it, so that a window changes at most six times in ten minutes. A signature that
was heard in twelve of the day's tens of minutes is *routine*: its repeats within two hours are one session, and connect
nothing.

Found on two scenarios of AIT-ADS (santos, shaw) and held against two others by ``weir eval grouping``. Times are
compared in whole seconds, so that sources that stamp seconds and ones that stamp milliseconds behave alike.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Final, cast

from schemas.parameters import Parameters
from streams.correlation.rows import SignalRow
from streams.correlation.table import Table

KIND: Final = "detection"
PLACES: Final = frozenset({"host", "ip", "workload", "component"})

BUCKET_MS: Final = 600_000
SLOT_MS: Final = 10_000
BUSY: Final = 20
SIGNATURE: Final = (1.0, 10.0)
PLACE: Final = (0.25, 400.0)
QUIET: Final = (3, 600.0)
DOMAIN: Final = 0.04
MOST: Final = 64
"""From here on a count changes no window."""

ROUTINE_BUCKETS: Final = 144
ROUTINE_ACTIVE: Final = 12
SEALED: Final = 2
"""Buckets back from which on what was heard counts: nearer ones may still fill up."""

KEPT: Final = 1_008
"""Buckets, a week, for which counts are kept."""

MAX_ROWS: Final = 200_000
"""Counts, and signatures, that a domain keeps; beyond, the oldest go, counted."""

EVERYWHERE: Final = "@*"


def second(ms: int) -> int:
    """Whole seconds."""
    return ms // 1000


class Density:
    """Counts and beginnings of a domain's detections.

    ``counts``: ``bucket \\x1f line`` -> digests of what was heard there, or ("*",) once more would change nothing.
    ``active``: signature -> the buckets it was heard in. The beginnings by line are derived.
    """

    def __init__(self, counts: Table, active: Table, gone: Table, limit: int = MAX_ROWS) -> None:
        self.limit = limit
        self.counts = counts
        self.active = active
        self.gone = gone
        self.buckets: dict[int, set[str]] = {}
        self.starts: dict[str, list[tuple[int, str]]] = {}  # line -> (second of the beginning, session), sorted

    def index(self, sessions: Iterable[tuple[str, str, SignalRow]]) -> None:
        """Build what is derived again, from all sessions as (name, signature, row)."""
        self.buckets = {}
        for key in self.counts:
            self.buckets.setdefault(int(key.partition("\x1f")[0]), set()).add(key)
        self.starts = {}
        for session, signature, row in sessions:
            for line in lines(row, signature):
                self.starts.setdefault(line, []).append((second(row.first), session))
        for line_ in self.starts.values():
            line_.sort()

    def note(self, row: SignalRow, signature: str, time: int, parameters: Parameters) -> list[tuple[str, int]]:
        """Count one occurrence of a detection; the lines, and buckets, whose window shrinks by it."""
        bucket = time // BUCKET_MS
        active = self.active.get(signature, ())
        if bucket not in active:
            recent = sorted(b for b in (*active, bucket) if b > max((*active, bucket)) - 2 * ROUTINE_BUCKETS)
            self.active[signature] = tuple(recent)
            if len(self.active) > self.limit:
                oldest = sorted((row[-1], name) for name, row in self.active.items())[: max(1, self.limit // 10)]
                for _, name in oldest:
                    del self.active[name]
                self._lose("active", len(oldest))
        risen = []
        if self._grow(f"@={signature}", bucket, f"{row.source}\x1f{row.source_id}"):
            risen.append((f"@={signature}", bucket))
        if not self.routine(signature, time):
            told = f"{signature}\x1f{time // SLOT_MS}"
            risen += [(line, bucket) for line in _places(row) if self._grow(line, bucket, told)]
        return risen

    def routine(self, signature: str, time: int) -> bool:
        """Whether the signature was heard so regularly before that it says nothing by coming again."""
        bucket = time // BUCKET_MS
        active: tuple[int, ...] = self.active.get(signature, ())
        if len(active) < ROUTINE_ACTIVE:
            return False
        first, last = bucket - SEALED - ROUTINE_BUCKETS + 1, bucket - SEALED
        return bisect_right(active, last) - bisect_left(active, first) >= ROUTINE_ACTIVE

    def window(self, line: str, at: int, link_ms: int) -> float:
        """The window of a line at a beginning (in seconds since the epoch), ms."""
        if line == EVERYWHERE:
            return DOMAIN * link_ms
        row = self.counts.get(f"{at * 1000 // BUCKET_MS}\x1f{line}", ())
        count = MOST if row == ("*",) else max(1, len(row))
        place = not line.startswith("@=")
        if place and count <= QUIET[0]:
            return QUIET[1] * link_ms
        least, most = PLACE if place else SIGNATURE
        return link_ms * min(most, max(least, (BUSY / _level(count)) ** 2))

    def linked(self, line: str, one: int, other: int, link_ms: int) -> bool:
        """Whether two beginnings that are neighbours on the line, in seconds, are linked."""
        apart = abs(one - other) * 1000
        return apart <= self.window(line, one, link_ms) and apart <= self.window(line, other, link_ms)

    def neighbours(self, line: str, at: int, session: str) -> tuple[tuple[int, str] | None, tuple[int, str] | None]:
        """What is next to a place on the line, before and after, the session itself left out."""
        starts = self.starts.get(line, [])
        place = bisect_left(starts, (at, session))
        before = starts[place - 1] if place else None
        if place < len(starts) and starts[place] == (at, session):
            place += 1
        return before, starts[place] if place < len(starts) else None

    def partners(self, row: SignalRow, signature: str, session: str, link_ms: int) -> Iterator[str]:
        """The sessions that a session is linked with by its beginning."""
        at = second(row.first)
        for line in lines(row, signature):
            for other in self.neighbours(line, at, session):
                if other is not None and self.linked(line, at, other[0], link_ms):
                    yield other[1]

    def begin(self, row: SignalRow, signature: str, session: str, link_ms: int) -> list[str]:
        """Put a beginning on its lines; sessions that were linked over it before, and are not through it."""
        at = second(row.first)
        broken = []
        for line in lines(row, signature):
            before, after = self.neighbours(line, at, session)
            insort(self.starts.setdefault(line, []), (at, session))
            if before is None or after is None or not self.linked(line, before[0], after[0], link_ms):
                continue
            if not (self.linked(line, before[0], at, link_ms) and self.linked(line, at, after[0], link_ms)):
                broken.append(before[1])
        return broken

    def end(self, row: SignalRow, signature: str, session: str) -> None:
        """Take a beginning off its lines."""
        entry = (second(row.first), session)
        for line in lines(row, signature):
            starts = self.starts.get(line, [])
            place = bisect_left(starts, entry)
            if place < len(starts) and starts[place] == entry:
                del starts[place]
                if not starts:
                    del self.starts[line]

    def parted(self, line: str, bucket: int, link_ms: int, unit_of: Callable[[str], str]) -> set[str]:
        """The units in which neighbours on the line with a beginning in the bucket are linked no more."""
        starts = self.starts.get(line, [])
        place = max(0, bisect_left(starts, (bucket * BUCKET_MS // 1000, "")) - 1)
        end = (bucket + 1) * BUCKET_MS // 1000
        found = set()
        while place + 1 < len(starts) and starts[place][0] < end:
            (one, a), (other, b) = starts[place], starts[place + 1]
            unit = unit_of(a)
            if unit == unit_of(b) and not self.linked(line, one, other, link_ms):
                found.add(unit)
            place += 1
        return found

    def _grow(self, line: str, bucket: int, told: str) -> bool:
        """One more on the line, unless it was there; true if the level rose."""
        key = f"{bucket}\x1f{line}"
        row = self.counts.get(key)
        if row is None:
            while len(self.counts) >= self.limit and min(self.buckets) < bucket:
                self._evict()
            if len(self.counts) >= self.limit:  # all of one moment: a line that is not counted is as one just begun
                self._lose("density", 1)
                return False
            self.counts[key] = (_digest(told),)
            if bucket not in self.buckets:
                self.buckets[bucket] = set()
                self._forget(max(self.buckets) - KEPT)
            self.buckets.setdefault(bucket, set()).add(key)
            return False
        if row == ("*",) or (digest := _digest(told)) in row:
            return False
        count = len(row) + 1
        self.counts[key] = ("*",) if count >= MOST else (*row, digest)
        return count & (count - 1) == 0  # a power of two

    def _forget(self, before: int) -> None:
        for bucket in sorted(b for b in self.buckets if b < before):
            for key in sorted(self.buckets.pop(bucket)):
                del self.counts[key]
        if len(self.active) > self.limit // 10:
            newest = {name: row[-1] for name, row in self.active.items()}
            for name in sorted(name for name, last in newest.items() if last < before):
                del self.active[name]

    def _evict(self) -> None:
        keys = sorted(self.buckets.pop(min(self.buckets)))
        for key in keys:
            del self.counts[key]
        self._lose("density", len(keys))

    def _lose(self, what: str, count: int) -> None:
        self.gone[what] = (cast(tuple[int], self.gone.get(what, (0,)))[0] + count,)


def lines(row: SignalRow, signature: str) -> list[str]:
    """The lines of a session's beginning: none if it is no detection, or routine."""
    if row.kind != KIND or row.routine or signature.startswith("~"):
        return []
    return [f"@={signature}", EVERYWHERE, *_places(row)]


def _places(row: SignalRow) -> list[str]:
    return [f"@{kind}\x1f{id_}" for kind, id_ in row.entities if kind in PLACES]


def _level(count: int) -> int:
    return 1 << (count.bit_length() - 1)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=6).hexdigest()

"""Which natural keys a domain has taken already, in event-time buckets, bounded.

Everything at or above the floor is remembered exactly, so no accepted event can be accepted twice; what is older than
the floor is refused by the caller as too late. The floor follows the retention and, if the number of ids reaches its
cap, rises bucket by bucket.
"""

from __future__ import annotations

from streams.correlation.table import Row, Undo

BUCKET_MS = 900_000


class Seen:
    """A set of ids by bucket of event time. The changelog gets the ids of each commit as one row, not a row an id."""

    name = "seen"

    def __init__(self, journal: Undo) -> None:
        self.journal = journal
        self.buckets: dict[int, set[str]] = {}
        self.chunks: dict[int, int] = {}  # rows a bucket has in the changelog
        self.fresh: dict[int, list[str]] = {}
        self.dropped: list[tuple[int, int]] = []
        self.size = 0
        self.floor = -(2**62)
        self.evicted = 0

    def __contains__(self, at: tuple[int, str]) -> bool:
        bucket = self.buckets.get(at[0] // BUCKET_MS)
        return bucket is not None and at[1] in bucket

    def add(self, time: int, key: str) -> None:
        """Remember the id of an event at ``time`` ms."""
        number = time // BUCKET_MS
        bucket = self.buckets.get(number)
        if bucket is None:
            bucket = self.buckets[number] = set()
        bucket.add(key)
        fresh = self.fresh.get(number)
        if fresh is None:
            fresh = self.fresh[number] = []
        fresh.append(key)
        self.size += 1
        self.journal.append((self, key, (number,)))

    def forget(self, before: int, cap: int) -> None:
        """Drop buckets that ended before ``before`` ms, and the oldest while there are more than ``cap`` ids."""
        floor = max(self.floor, before // BUCKET_MS * BUCKET_MS)
        while self.size > cap and len(self.buckets) > 1:
            oldest = min(self.buckets)
            self.evicted += len(self.buckets[oldest])
            floor = max(floor, (oldest + 1) * BUCKET_MS)
            self._drop(oldest)
        for number in [n for n in self.buckets if (n + 1) * BUCKET_MS <= floor]:
            self._drop(number)
        self.floor = floor

    def _drop(self, number: int) -> None:
        self.size -= len(self.buckets.pop(number))
        self.fresh.pop(number, None)
        if chunks := self.chunks.pop(number, 0):
            self.dropped.append((number, chunks))

    def drain(self) -> list[tuple[str, Row | None]]:
        """Changelog rows since the last drain: new ids by bucket, and tombstones of dropped buckets."""
        rows: list[tuple[str, Row | None]] = []
        for number, chunks in sorted(self.dropped):
            rows.extend((f"{number}:{chunk}", None) for chunk in range(chunks))
        for number in sorted(self.fresh):
            chunk = self.chunks.get(number, 0)
            self.chunks[number] = chunk + 1
            rows.append((f"{number}:{chunk}", tuple(self.fresh[number])))
        self.dropped.clear()
        self.fresh.clear()
        return rows

    def restore(self, key: str, row: Row | None) -> None:
        """Take one changelog row back."""
        number, chunk = map(int, key.split(":"))
        if row is None:
            self.size -= len(self.buckets.pop(number, ()))
            self.chunks.pop(number, None)
            return
        bucket = self.buckets.setdefault(number, set())
        self.size += len(set(row) - bucket)
        bucket.update(row)
        self.chunks[number] = max(self.chunks.get(number, 0), chunk + 1)

    def load(self, key: str, row: Row | None, /) -> None:
        """Undo of ``add``; the row holds the bucket."""
        assert row is not None
        number = row[0]
        self.buckets[number].discard(key)
        self.fresh[number].remove(key)
        self.size -= 1

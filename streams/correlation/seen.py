"""Which natural keys a domain has taken from one source, in event-time buckets, bounded; and how far that source is.

An id is a duplicate wherever in time it comes again: a producer without event times gives each delivery another one.
Everything at or above the floor is remembered exactly, so no accepted event can be accepted twice; what is older than
the floor is refused by the caller as too late. The floor follows the retention and, where the domain has too many ids,
rises bucket by bucket, but never past the newest bucket.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from streams.correlation.table import Row, Undo

BUCKET_MS = 10_000
CHUNK = 64
"""Ids in one row of the changelog. A bucket's rows depend on its ids alone, not on when they were committed."""

NEVER = -(2**62)


class Seen:
    """Ids by bucket of event time, the newest event time, and the floor; times in ms.

    ``newest`` is None until the first event. ``evicted`` counts the ids that went because there were too many.
    """

    __slots__ = (
        "_loaded",
        "buckets",
        "dirty",
        "evicted",
        "floor",
        "ids",
        "journal",
        "newest",
        "order",
        "rows",
        "written",
    )

    def __init__(self, journal: Undo) -> None:
        self.journal = journal
        self.newest: int | None = None
        self.floor = NEVER
        self.evicted = 0
        self.ids: dict[str, int] = {}  # id -> bucket
        self.buckets: dict[int, list[str]] = {}
        self.order: list[int] = []  # heap of buckets; may name one that is gone
        self.dirty: set[int] = set()
        self.rows: dict[int, int] = {}  # rows of a bucket that the changelog has
        self.written: dict[int, int] = {}  # ids of a bucket that the changelog has
        self._loaded: dict[int, dict[int, Row]] = {}

    def add(self, time: int, key: str) -> bool:
        """Remember the id of an event at ``time``; true if it is the first of its bucket."""
        number = time // BUCKET_MS
        newest = self.newest
        self.journal.append((self, key, ("add", number, newest)))
        if newest is None or time > newest:
            self.newest = time
        self.ids[key] = number
        self.dirty.add(number)
        bucket = self.buckets.get(number)
        if bucket is not None:
            bucket.append(key)
            return False
        self.buckets[number] = [key]
        heappush(self.order, number)
        return True

    def forget(self, before: int) -> None:
        """Drop the buckets that ended before ``before``."""
        floor = before // BUCKET_MS * BUCKET_MS
        if floor <= self.floor:
            return
        self.journal.append((self, "", ("floor", self.floor, self.evicted)))
        self.floor = floor
        while self.order and (self.order[0] + 1) * BUCKET_MS <= floor:
            self._drop(self.order[0])
            heappop(self.order)

    def evict(self, count: int) -> None:
        """Drop the oldest buckets until ``count`` ids are gone, or only the newest bucket is left."""
        if self.newest is None:
            return
        last = self.newest // BUCKET_MS
        self.journal.append((self, "", ("floor", self.floor, self.evicted)))
        while count > 0 and self.order and self.order[0] < last:
            number = self.order[0]
            gone = self._drop(number)
            heappop(self.order)
            count -= gone
            self.evicted += gone
            self.floor = max(self.floor, (number + 1) * BUCKET_MS)

    def _drop(self, number: int) -> int:
        bucket = self.buckets.get(number)
        if bucket is None:
            return 0
        self.journal.append((self, "", ("drop", number, bucket)))
        del self.buckets[number]
        for key in bucket:
            del self.ids[key]
        self.dirty.add(number)
        return len(bucket)

    def drain(self) -> list[tuple[str, Row | None]]:
        """Changelog rows ``bucket:chunk`` since the last drain, None where one is gone."""
        out: list[tuple[str, Row | None]] = []
        for number in sorted(self.dirty):
            bucket = self.buckets.get(number, [])
            start = min(self.written.get(number, 0), len(bucket)) // CHUNK
            count = -(-len(bucket) // CHUNK)
            out.extend(
                (f"{number}:{chunk}", tuple(bucket[chunk * CHUNK : (chunk + 1) * CHUNK]))
                for chunk in range(start, count)
            )
            out.extend((f"{number}:{chunk}", None) for chunk in range(count, self.rows.get(number, 0)))
            if count:
                self.rows[number], self.written[number] = count, len(bucket)
            else:
                self.rows.pop(number, None)
                self.written.pop(number, None)
        self.dirty.clear()
        return out

    def restore(self, key: str, row: Row | None) -> None:
        """Take one changelog row back; ``index`` must follow the last one."""
        number, chunk = map(int, key.split(":"))
        chunks = self._loaded.setdefault(number, {})
        if row is None:
            chunks.pop(chunk, None)
        else:
            chunks[chunk] = row

    def index(self) -> None:
        """Build the ids from the rows that were taken back."""
        for number, chunks in self._loaded.items():
            bucket = [key for chunk in sorted(chunks) for key in chunks[chunk]]
            if bucket:
                self.buckets[number] = bucket
                self.ids.update(dict.fromkeys(bucket, number))
                self.rows[number], self.written[number] = len(chunks), len(bucket)
        if self._loaded:
            self._loaded = {}
            self.order = list(self.buckets)
            heapify(self.order)

    def load(self, key: str, row: Row | None, /) -> None:
        """Undo of one entry of the journal."""
        assert row is not None
        what, number, before = row
        if what == "add":
            del self.ids[key]
            self.newest = before
            bucket = self.buckets[number]
            bucket.pop()  # the last that went in: entries are taken back last first
            if not bucket:
                del self.buckets[number]
        elif what == "drop":
            self.buckets[number] = before
            self.ids.update(dict.fromkeys(before, number))
            heappush(self.order, number)
        else:
            self.floor, self.evicted = number, before

"""Ingest without a broker: every item is placed, ignored or refused, and only what holds its contract leaves."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import BATCH
from streams.catalog import Catalog
from streams.ingest import Ingest, Packed, Placed, RawRecord
from streams.redaction import Redactor
from streams.sources.base import Ignored, Malformed, Reading


class Drafts:
    """A source whose documents say what is to be read: a list of (item, draft), or of (item, why)."""

    name = "drafts"
    lateness = timedelta(0)

    def __init__(self) -> None:
        self.headers: Mapping[str, str] = {}

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        return False

    def read(self, document: Any, headers: Mapping[str, str]) -> Iterator[Reading]:
        self.headers = headers
        for item, what in document:
            if what == "ignored":
                yield item, Ignored("of no interest")
            elif what == "malformed":
                yield item, Malformed("here", "wrong")
            else:
                yield item, {**what, "entities": [tuple(pair) for pair in what["entities"]]}


def activity(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "type": "activity",
        "source_id": f"e-{number}",
        "time": "2026-03-02T08:00:00Z",
        "domain": f"aws:{number}",
        "entities": [["ip", "198.51.100.7"]],
        "title": "somebody did something",
        "action": "iam:GetUser",
        **fields,
    }


def raw(*readings: Any, offset: int = 0, headers: tuple[tuple[str, bytes | None], ...] = ()) -> RawRecord:
    return RawRecord("raw", 0, offset, 1_772_438_400_000, None, headers, orjson.dumps(readings), Drafts())


def ingest(partitions: int = 2, catalog: Catalog | None = None) -> Ingest:
    return Ingest(catalog or Catalog(), Redactor(b"0123456789abcdef"), partitions)


def read(ingest: Ingest, *records: RawRecord) -> list[Placed]:
    return [event for record in records for event in ingest.read(record)[0]]


def ids(packed: list[Packed]) -> list[str]:
    return [event["source_id"] for record in packed for event in orjson.loads(record.value)]


def test_an_event_with_a_fault_takes_its_item_along():
    """The other event of the item is not written, other items are, and one letter says what was wrong where."""
    work = ingest()
    events = read(work, raw([0, activity(1)], [0, activity(2, title=5)], [1, activity(3)], offset=9))
    packed, dead = work.pack(events, 1_000_000)
    assert ids(packed) == ["e-3"]
    assert [(d.stage, d.offset, d.item, d.place) for d in dead] == [("validate", 9, 0, "title")]


def test_an_event_that_no_message_holds_takes_its_item_along():
    """One letter for the item, with the size of the event."""
    work = ingest()
    events = read(work, raw([0, activity(1)], [0, activity(2)], [1, activity(3)]))
    long = next(event for event in events if b'"e-2"' in event.value)
    packed, dead = work.pack(
        [e._replace(value=e.value + b" " * 5_000) if e is long else e for e in events], 1_000, 4_000
    )
    assert ids(packed) == ["e-3"]
    assert [(d.stage, d.item) for d in dead] == [("route", 0)]
    assert "bytes as an event" in dead[0].reason


@given(st.lists(st.integers(1, 300), max_size=40), st.integers(300, 1_500))
def test_records_of_the_log_are_cut_at_their_size(sizes: list[int], limit: int):
    """All events in order, each record valid and, unless one event alone is larger, within the limit; none is empty."""
    work = ingest(partitions=1)
    events = read(work, *[raw([0, activity(n, title="t" * size)]) for n, size in enumerate(sizes)])
    packed, dead = work.pack(events, limit)
    assert not dead
    assert ids(packed) == [f"e-{n}" for n in range(len(sizes))]
    for record in packed:
        assert len(BATCH.validate_json(record.value)) == record.events >= 1
        assert len(record.value) <= limit or record.events == 1
    for before, after in pairwise(packed):
        assert len(before.value) + len(after.value.split(b'},{"type"')[0]) + 2 > limit


def test_the_time_of_arrival_is_a_header_unless_the_producer_sent_one():
    """Sources find it under ``x-weir-received``; names are in lower case, and a header without a value is none."""
    record = raw()
    read(ingest(), record)
    assert record.source.headers == {"x-weir-received": "2026-03-02T08:00:00+00:00"}
    record = raw(headers=(("X-Other", b"a"), ("X-Weir-Received", b"2020-01-01T00:00:00Z"), ("none", None)))
    read(ingest(), record)
    assert record.source.headers == {"x-other": "a", "x-weir-received": "2020-01-01T00:00:00Z"}


def test_every_item_is_counted():
    """Events by type, ignored ones with their reason, refused ones; a document with nothing in it is ignored."""
    work = ingest()
    for record in (raw([0, activity(1)], [1, "ignored"], [2, "malformed"]), raw()):
        work.read(record)
    counts, ignored = work.take_counts()
    assert counts == {"activity": 1, "ignored": 2, "dead": 1}
    assert ignored == {("drafts", "of no interest"): 1, ("drafts", "nothing in it"): 1}
    assert work.take_counts() == ({}, {})

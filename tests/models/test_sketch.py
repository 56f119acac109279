"""What is remembered of evicted names."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from models.base import Store
from models.sketch import HEAD, Sketch, key_id, taken

NAMES = [f"p|role/{n}" for n in range(5000)]


def counts(rows: Store, names: list[str], limit: int = 10_000) -> list[int]:
    sketch = Sketch(rows, limit)
    return [int(count) for count in sketch.counts(sketch.prints(names))]


def evict(rows: Store, names: list[str], limit: int = 10_000) -> None:
    sketch = Sketch(rows, limit)
    sketch.add(sketch.prints(names))


@given(st.lists(st.lists(st.sampled_from(NAMES[:40]), unique=True), max_size=12))
def test_a_name_counts_as_often_as_it_was_evicted(batches: list[list[str]]) -> None:
    """Below the limit, counts are exact, for names that were never evicted, too."""
    rows: Store = {}
    for batch in batches:
        evict(rows, batch)
    expected = Counter(name for batch in batches for name in batch)
    assert counts(rows, NAMES[:40]) == [expected[name] for name in NAMES[:40]]


def test_of_many_names_none_is_taken_for_another() -> None:
    """Of 2,500 names never evicted, none counts, with as many remembered."""
    rows: Store = {}
    evict(rows, NAMES[:2500])
    assert counts(rows, NAMES) == [1] * 2500 + [0] * 2500


def test_the_oldest_are_forgotten_at_the_limit() -> None:
    """Beyond the limit the oldest names go, and the rows they were in; those within the limit are all there."""
    rows: Store = {}
    for start in range(0, 5000, 100):
        evict(rows, NAMES[start : start + 100], limit=1000)
    known = counts(rows, NAMES)
    assert sum(known) == 1000 == rows[HEAD][3]
    assert known[-1000:] == [1] * 1000
    assert taken(rows) == len(rows) == 11


def test_what_stays_because_it_came_back_is_not_forgotten() -> None:
    """A name that is in the store again keeps one count for as long as it stays, however many others go."""
    rows: Store = {}
    evict(rows, NAMES[:2])
    evict(rows, NAMES[:2])
    for start in range(100, 5000, 100):
        sketch = Sketch(rows, 1000)
        sketch.add(sketch.prints(NAMES[start : start + 100]), sketch.prints(NAMES[:1]))
    assert counts(rows, NAMES[:2]) == [1, 0]


def test_rows_are_small_and_survive_json() -> None:
    """No row is longer than 5 kB, all are flat, and a sweep writes only its own rows and the head."""
    rows: Store = {}
    evict(rows, NAMES[:2000])
    before = dict(rows)
    evict(rows, NAMES[2000:4000])
    changed = [key for key, row in rows.items() if before.get(key) != row]
    assert len(changed) == 4
    assert all(len(json.dumps(row)) < 5000 for row in rows.values())
    assert {key: tuple(row) for key, row in json.loads(json.dumps(rows)).items()} == rows


def test_the_hash_is_keyed_by_what_the_store_held() -> None:
    """Stores with other names have other keys, so nobody can work prints out; the key stays, and is named."""
    one: Store = {"p|ann": (1,)}
    other: Store = {"p|bob": (1,)}
    assert key_id(one) is None
    evict(one, NAMES[:10])
    evict(other, NAMES[:10])
    first = key_id(one)
    assert first != key_id(other)
    assert one["#sketch|0"] != other["#sketch|0"]
    evict(one, NAMES[10:20])
    assert key_id(one) == first


def test_names_that_are_no_unicode_are_remembered() -> None:
    """A lone surrogate in a name is hashed as it is."""
    rows: Store = {"p|\ud800": (1,)}
    evict(rows, ["p|\ud800"])
    assert counts(rows, ["p|\ud800", "p|\ud801"]) == [1, 0]

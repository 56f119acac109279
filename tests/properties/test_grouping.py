"""Law 2: with scores given and nothing evicted, order, duplication and delay within lateness change no final unit."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson
from hypothesis import event, given, settings
from hypothesis import strategies as st

from schemas.events import Finding
from streams.correlation import member_hash
from streams.correlation.finding_identity import same
from streams.correlation.interval import insert, rename, touched
from streams.correlation.rows import SignalRow
from streams.correlation.session import fuse
from streams.pipeline import Pipeline
from streams.records import Output
from tests.streams.correlation.build import (
    DOMAIN,
    MINUTE,
    SECOND,
    Doc,
    activity,
    change,
    config,
    finding,
    record,
    units,
)

ENTITIES = [
    ("ip", "198.51.100.7"),
    ("ip", "198.51.100.8"),
    ("host", "i-1"),
    ("session", "s"),
    ("file", "a.py"),
    ("repository", "o/r"),
    ("account", "1"),
]
NAMES = st.sampled_from(["pay", "web", None, None, None])
SHARED = st.lists(st.sampled_from(ENTITIES), max_size=3, unique=True)


@st.composite
def scenes(draw: st.DrawFn, kinds: Sequence[str] = ("detection", "vulnerability")) -> list[Doc]:
    """Findings and changes of three hours; windows are six minutes, so there is much to join and to keep apart."""
    documents: list[Doc] = []
    for number in range(draw(st.integers(1, 14))):
        at = draw(st.integers(0, 40)) * 3 * MINUTE
        entities = draw(SHARED)
        if draw(st.integers(0, 3)):
            title = draw(st.sampled_from(["one", "two"]))
            kind = draw(st.sampled_from(kinds))
            documents.append(
                finding(f"f{number}", at, *entities, component=draw(NAMES), title=title, kind=kind)
                | {"severity": draw(st.integers(2, 5))}
            )
        else:
            actor = draw(st.sampled_from([None, "role/a"]))
            kind = draw(st.sampled_from(["deploy", "code", "access"]))
            documents.append(change(f"c{number}", at, *entities, component=draw(NAMES), actor=actor, kind=kind))
    return documents


IDENTITIES = [
    ("ip", "198.51.100.7", "host", "i-1"),
    ("ip", "198.51.100.8", "host", "i-1"),
    ("ip", "198.51.100.8", "host", "i-2"),
    ("host", "i-1", "resource", "r"),
    ("session", "s", "access_key", "ASIA1"),
    ("access_key", "ASIA1", "principal", "ann"),
    ("session", "s", "principal", "bob"),
]
ALIASES = [
    {
        "type": "context",
        "kind": "alias",
        "key": key,
        "record": {"entity": ["principal", key], "aliases": aliases},
        "origin": ["raw", 0, 0, 0],
    }
    for key, aliases in (("user:default/ann", [["principal", "ann"]]), ("user:default/bob", [["host", "i-2"]]))
]


@st.composite
def stated(draw: st.DrawFn) -> list[Doc]:
    """Scenes in which events, signals or not, and context records say at any time who stands for whom."""
    documents = draw(scenes())
    for document in documents:
        if not draw(st.integers(0, 3)):
            document["identities"] = [draw(st.sampled_from(IDENTITIES))]
    for number in range(draw(st.integers(1, 5))):
        at = draw(st.integers(-20, 60)) * 3 * MINUTE
        said = draw(st.lists(st.sampled_from(IDENTITIES), min_size=1, max_size=2, unique=True))
        documents.append(activity(f"i{number}", at, "x", identities=said))
    return documents + draw(st.lists(st.sampled_from(ALIASES), unique_by=lambda each: str(each["key"])))


CATALOG = [
    {
        "type": "context",
        "kind": "catalog",
        "key": f"component:default/{name}",
        "record": {"system": "system:default/shop", "depends_on": needs},
        "origin": ["raw", 0, 0, 0],
    }
    for name, needs in (("pay", ["component:default/web"]), ("web", []))
]


def finals(documents: list[Doc], step: int) -> Counter[str]:
    """Digests of the final revisions when the documents come one a record, ``step`` ms apart, in this order."""
    pipeline = Pipeline(0)
    settings = config(link_window_ms=6 * MINUTE, scoring=False, shown_changes=1)
    start = 240 * MINUTE  # after all event times: nothing is clamped
    records = [record(0, start, settings, *CATALOG)]
    records += [record(n + 1, start + n * step, document) for n, document in enumerate(documents)]
    outputs: list[Output] = []
    for each in records:
        outputs += pipeline.step(each)
    pipeline.flush(outputs)
    revisions = units(outputs)
    for unit in revisions:
        event(unit.reason)
        if unit.changes and unit.changes[0].score > 0.5:
            event("suspect")
    last = {unit.unit_id: unit for unit in revisions}
    rows = pipeline.state.domains[DOMAIN].units if DOMAIN in pipeline.state.domains else {}
    assert {u.unit_id for u in last.values() if u.status == "open"} == {row[1] for row in rows.values()}
    assert not any(unit.truncated for unit in last.values())
    return Counter(unit.digest for unit in last.values() if unit.status == "open")


def components(documents: list[Doc]) -> set[frozenset[str]]:
    """The groups by definition: connected by pairs that share a linking entity, or all they say, within the window.

    Two reports of the same weakness are connected whenever they were.
    """
    found = [d for d in documents if d["type"] == "finding"]
    groups = {d["source_id"]: frozenset([d["source_id"]]) for d in found}
    weaknesses = {d["source_id"]: Finding.model_validate_json(orjson.dumps(d)) for d in found}

    def keys(document: Doc) -> set[tuple[str, str]]:
        entities = [*document["entities"], *([("component", document["component"])] if document["component"] else [])]
        strong = {(kind, name) for kind, name in entities if kind in ("ip", "host", "session", "component")}
        said = f"{document['title']} {document['kind']} {sorted(entities)}"
        return strong or {("", said)}

    for one in found:
        for other in found:
            apart = abs(datetime.fromisoformat(one["time"]) - datetime.fromisoformat(other["time"]))
            near = apart <= timedelta(minutes=6) and keys(one) & keys(other)
            if near or same(weaknesses[one["source_id"]], weaknesses[other["source_id"]]):
                joined = groups[one["source_id"]] | groups[other["source_id"]]
                groups |= dict.fromkeys(joined, joined)
    return set(groups.values())


@given(
    scenes(kinds=("misconfiguration", "vulnerability")),
    st.randoms(use_true_random=False),
    st.sampled_from([1, 15 * SECOND]),
)
@settings(deadline=None, max_examples=100)
def test_units_are_the_connected_components(documents: list[Doc], chance: random.Random, step: int) -> None:
    """Whatever the order, the members of a unit are those that entities connect within the window, or identity."""
    chance.shuffle(documents)
    pipeline = Pipeline(0)
    pipeline.keep_members()
    pipeline.step(record(0, 240 * MINUTE, config(link_window_ms=6 * MINUTE)))
    for number, document in enumerate(documents, 1):
        pipeline.step(record(number, 240 * MINUTE + number * step, document))
    pipeline.flush([])
    found: dict[str, set[str]] = {}
    for unit_id, source_id in pipeline.members_by_unit():
        found.setdefault(unit_id, set()).add(source_id)
    assert {frozenset(members) for members in found.values()} == components(documents)


@given(scenes(), st.randoms(use_true_random=False), st.sampled_from([1, 4 * SECOND, 15 * SECOND, MINUTE]))
@settings(deadline=None, max_examples=150)
def test_order_and_repeats_change_no_final_unit(documents: list[Doc], chance: random.Random, step: int) -> None:
    """Any permutation, each event delivered up to three times, at any pace: the same digests of what is open."""
    orderly = sorted(documents, key=lambda document: str(document["time"]))
    shuffled = [document for document in documents for _ in range(chance.randint(1, 3))]
    chance.shuffle(shuffled)
    assert finals(shuffled, step) == finals(orderly, 11 * SECOND) == finals(orderly[::-1], 1)


@given(stated(), st.randoms(use_true_random=False), st.sampled_from([1, 4 * SECOND, 15 * SECOND, MINUTE]))
@settings(deadline=None, max_examples=150)
def test_when_an_alias_is_said_changes_no_final_unit(documents: list[Doc], chance: random.Random, step: int) -> None:
    """Statements about who stands for whom count the same before, between and after the signals that they connect."""
    orderly = sorted(documents, key=lambda document: str(document.get("time", "")))
    statements_last = sorted(orderly, key=lambda document: "identities" in document or document["type"] == "context")
    shuffled = [document for document in documents for _ in range(chance.randint(1, 3))]
    chance.shuffle(shuffled)
    known = finals(orderly, 11 * SECOND)
    assert finals(shuffled, step) == known
    assert finals(orderly[::-1], 1) == known
    assert finals(statements_last, step) == known


def row(first: int, name: str, times: int = 1, severity: int = 3, score: float = 0.5, why: str = "") -> SignalRow:
    entities = (("ip", "x"),)
    return SignalRow("s", name, "detection", first, first, times, "t", severity, score, (why,), entities, None, "a")


ROWS = st.builds(
    row,
    st.integers(0, 5),
    st.sampled_from(["a", "b", "c"]),
    st.integers(1, 3),
    st.integers(0, 6),
    st.sampled_from([0.1, 0.9]),
    st.sampled_from(["", "x"]),
)


@given(ROWS, ROWS, ROWS)
def test_fusing_commutes_and_associates(one: SignalRow, two: SignalRow, three: SignalRow) -> None:
    """Repeats of one signature give the same collapsed signal whatever pairs are fused first."""
    assert fuse(one, two) == fuse(two, one)
    assert fuse(fuse(one, two), three) == fuse(one, fuse(two, three))


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12), st.randoms(use_true_random=False), st.integers(0, 8))
def test_intervals_are_the_connected_components_of_times(times: list[int], chance: random.Random, window: int) -> None:
    """Inserted in any order, the intervals are the runs of times with no gap above the window."""

    def line(order: list[int]) -> list[tuple[int, int]]:
        intervals: tuple[tuple[int, int, str], ...] = ()
        for time in order:
            for other in touched(intervals, time, time, window):
                intervals = rename(intervals, other, str(time))
            intervals = insert(intervals, time, time, window, str(time))
        return sorted((first, last) for first, last, _ in intervals)

    runs: list[tuple[int, int]] = []
    for time in sorted(times):
        if runs and time - runs[-1][1] <= window:
            runs[-1] = (runs[-1][0], time)
        else:
            runs.append((time, time))
    mixed = list(times)
    chance.shuffle(mixed)
    assert line(times) == line(mixed) == runs


@given(st.lists(st.tuples(st.sampled_from("ab"), st.text(max_size=5)), unique=True), st.integers(0, 10))
def test_member_hashes_add_up_in_any_order(ids: list[tuple[str, str]], cut: int) -> None:
    """The hash of a set is the union of the hashes of any two parts of it, in both orders."""

    def total(members: list[tuple[str, str]]) -> str:
        value = member_hash.EMPTY
        for source, source_id in members:
            value = member_hash.add(value, source, source_id)
        return value

    left, right = total(ids[:cut]), total(ids[cut:][::-1])
    assert member_hash.union(left, right) == member_hash.union(right, left) == total(ids)
    if ids:
        assert total(ids) != total(ids[1:])

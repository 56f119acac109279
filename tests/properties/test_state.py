"""Law 1: the same log gives the same bytes, wherever it was committed, restored or undone, and in whichever process."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.events import EVENT, Event
from streams.correlation.suppression.pattern import Pattern
from streams.failures import TooManyFailures
from streams.pipeline import Pipeline
from streams.records import LogRecord, Output
from tests.streams.correlation.build import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Doc,
    activity,
    change,
    config,
    derived,
    finding,
    iso,
    record,
    restored,
    tables,
    tick,
    units,
)

ENTITIES = [("ip", "198.51.100.7"), ("host", "i-1"), ("component", "pay"), ("file", "a.py"), ("principal", "role/a")]
IDENTITIES = [
    ("ip", "198.51.100.7", "host", "i-1"),
    ("ip", "198.51.100.7", "host", "i-2"),
    ("principal", "role/a", "principal", "role/b"),
    ("host", "i-1", "principal", "role/a"),
]
BACKS = [0] * 6 + [SECOND, 20 * SECOND, 10 * MINUTE, 50 * MINUTE, 90 * MINUTE, 3 * HOUR, 8 * DAY, -HOUR]
GAPS = [0, 0, SECOND, SECOND, 4 * SECOND, 7 * SECOND, 7 * SECOND, 11 * SECOND, 2 * MINUTE, 2 * HOUR, 15 * DAY, -SECOND]
SEEN = {"id": "seen", "where": {"type": "finding"}}
PUT = {"id": "put", "where": {"action": "iam:Put"}}
RULES: list[Doc] = [
    {"name": "burst", "version": 1, "title": "burst", "kind": "count", "at_least": 2, "timespan": "30m",
     "group_by": "ip", "steps": [SEEN]},
    {"name": "one", "version": 1, "title": "one", "kind": "count", "at_least": 1, "timespan": "1h", "lateness": "7d",
     "group_by": "type", "steps": [SEEN, PUT]},
    {"name": "both", "version": 1, "title": "both", "kind": "all", "timespan": "2h", "lateness": "7d",
     "group_by": "principal", "steps": [SEEN, PUT]},
    {"name": "missed", "version": 1, "title": "missed", "kind": "absence", "timespan": "30m", "group_by": "component",
     "lateness": "1d", "max_groups": 2,
     "steps": [SEEN, {"id": "changed", "absent": "around", "where": {"type": "change"}}]},
    {"name": "linked", "version": 1, "title": "linked", "kind": "count", "at_least": 2, "timespan": "10m",
     "group_by": "file", "link_only": True, "steps": [SEEN]},
]  # fmt: skip
NEXT = [*RULES[:2], RULES[2] | {"version": 2, "timespan": "10m"}, *RULES[3:4]]
NOISE = [
    Pattern("ocsf", f"{reporter}: {rule}", component, entities).id
    for reporter in ("falco", "trivy")
    for rule in ("R1", "R2")
    for component in ("", "pay")
    for entities in ("", "host", "public ip", "host+public ip")
]
"""Ids of patterns that the findings below may have."""
POISON = {"type": "config", "digest": "0" * 16, "settings": {"group_wait_ms": -1}}


def said_of(now: int) -> st.SearchStrategy[Doc]:
    """Records that fit several kinds of context, about one component, everything, a team or a CVE."""
    instants = st.sampled_from([iso(now + delta) for delta in (-20 * DAY, -HOUR, 0, HOUR, 20 * DAY)])
    return st.fixed_dictionaries(
        {"person": st.sampled_from(["al", "bo"]), "vulnerability": st.just("CVE-2024-0001"),
         "status": st.sampled_from(["affected", "not_affected"]), "title": st.sampled_from(["one", "two"])},
        optional={"component": st.just("pay"), "team": st.just("a"), "from": instants, "to": instants,
                  "timestamp": instants, "closed_at": instants, "read_at": instants, "cve": st.just("CVE-2024-0001"),
                  "added": st.just(iso(now)[:10]), "weekly": st.just([{"days": ["mon", "thu"], "start": "10:00"}])},
    )  # fmt: skip


@st.composite
def events(draw: st.DrawFn, number: int, now: int) -> Doc:
    name = f"e{draw(st.sampled_from([number, number, number, max(0, number - 1), max(0, number - 3)]))}"
    back = draw(st.sampled_from(BACKS))
    shared = draw(
        st.lists(st.sampled_from(ENTITIES), min_size=draw(st.sampled_from([0, 1, 1, 1, 2])), max_size=2, unique=True)
    )
    domain = draw(st.sampled_from(["system:shop", "system:shop", "system:web"]))
    component = draw(st.sampled_from([None, None, None, "pay", "web"]))
    more: Doc = {"domain": domain, "component": component, "time": iso(0)}
    kind = draw(
        st.sampled_from(
            ["finding"] * 4
            + ["scan"] * 2
            + ["activity", "change", "change", "review", "related", "tick", "catalog", "context"]
        )
    )
    if kind == "finding":
        more["severity"] = draw(st.sampled_from([1, 3, 5]))
        more["title"] = draw(st.sampled_from(["one", "two"]))
        if draw(st.booleans()):
            more |= {"scan": draw(st.sampled_from(["s1", "s2"])), "target": "image a"}
        more |= {
            "rule": draw(st.sampled_from(["R1", "R2", "CVE-2024-0001"])),
            "reporter": draw(st.sampled_from(["falco", "trivy"])),
        }
        more["status"] = draw(st.sampled_from(["open", "open", "open", "fixed"]))
        document = finding(name, 0, *shared, **more)
    elif kind == "scan":
        scan: Doc = {"type": "scan", "scan": draw(st.sampled_from(["s1", "s2", f"s{number}"])), "target": "image a"}
        scan |= {"reporter": draw(st.sampled_from(["falco", "trivy"])), "findings": draw(st.sampled_from([0, 1]))}
        document = finding(name, 0, **more) | scan
        for field in ("kind", "rule", "severity", "component"):
            document.pop(field)
    elif kind == "change":
        source = draw(st.sampled_from(["cdevents", "github.webhook"]))
        document = change(name, 0, *shared, **more, source=source, actor=draw(st.sampled_from([None, "role/a"])))
        ways = st.tuples(st.sampled_from(["lb", "sg"]), st.sampled_from(["", "tcp 22", "tcp 443"]), st.booleans())
        document["exposes"] = draw(st.just([]) | st.lists(ways, max_size=2))
    elif kind == "activity":
        principal = draw(st.sampled_from(["role/a", "role/b", None]))
        document = activity(name, 0, principal or "x", draw(st.sampled_from(["s3:GetObject", "iam:Put"])), **more)
        if principal is None:
            document |= {"actor": None, "entities": []}
    elif kind == "review":
        unit = draw(st.sampled_from(["wu-none", "{0}", "{1}"]))
        kind = draw(st.sampled_from(["verdict", "unlink", "suppress", "suppress", "unsuppress", "escalate"]))
        about: Doc = {}
        if kind in ("suppress", "unsuppress") and draw(st.booleans()):
            unit, about = "", {"pattern": draw(st.sampled_from(NOISE))}
        if kind == "suppress" and draw(st.booleans()):
            about["expires"] = iso(now + draw(st.sampled_from([-HOUR, 8 * SECOND, HOUR, 20 * DAY])))
        return about | {
            "type": "review",
            "source_id": f"r{number}",
            "time": iso(now),
            "domain": domain,
            "unit_id": unit,
            "reviewer": "ann",
            "kind": kind,
            "verdict": "benign",
            "value": draw(st.sampled_from(["ip:198.51.100.7", "principal:role/a"])),
        }
    elif kind == "related":
        return {
            "type": "related",
            "time": iso(now),
            "domain": domain,
            "unit_id": "{0}",
            "other_domain": "system:x",
            "other_unit_id": f"wu-{number % 2}",
            "indicator": ["ip", "198.51.100.7"],
        }
    elif kind == "context":
        return {
            "type": "context",
            "kind": draw(st.sampled_from(["on_call", "deployment_window", "freeze", "vex", "case", "feed", "kev"])),
            "key": draw(st.sampled_from(["a", "CVE-2024-0001"])),
            "record": draw(st.none() | said_of(now)),
            "origin": ["raw", 0, 0, 0],
        }
    elif kind == "catalog" and draw(st.booleans()):
        said = {"entity": ["principal", "user:ann"], "aliases": [["principal", draw(st.sampled_from(["role/a", "b"]))]]}
        return {
            "type": "context",
            "kind": "alias",
            "key": "user:ann",
            "record": draw(st.sampled_from([said, said, {}, None])),
            "origin": ["raw", 0, 0, 0],
        }
    elif kind == "catalog":
        deps = draw(st.sampled_from([[], ["component:default/web"]]))
        key = f"component:default/{draw(st.sampled_from(['pay', 'web']))}"
        row = {"owner": "group:a", "system": "system:default/shop", "tags": ["privileged"], "depends_on": deps}
        return {
            "type": "context",
            "kind": "catalog",
            "key": key,
            "record": draw(st.sampled_from([row, None])),
            "origin": ["raw", 0, 0, 0],
        }
    else:
        return tick()
    document["time"] = iso(now - back)
    if draw(st.integers(0, 3)) == 0:
        document["identities"] = [draw(st.sampled_from(IDENTITIES))]
    return document


@st.composite
def logs(draw: st.DrawFn) -> list[LogRecord]:
    """A partition log: bursts, gaps up to months, late, repeated and future events, merges, other parameters, noise."""
    small = {"group_wait_ms": 4_000, "idle_close_ms": draw(st.sampled_from([9_000, HOUR, 20 * DAY])), "max_signals": 2}
    others: list[Doc] = [small, {"scoring": False}, {"signal_p": 0.6}, {"rules": RULES}, {"rules": NEXT}]
    others += [small | {"rules": RULES}, small | {"suppress_sample": 0.5, "suppress_automatic": False}]
    others += [{"suppress_actionable": 0.9, "suppress_days": 1, "suppress_reviewers": 1, "suppress_sample": 0}]
    records = [record(0, 0, config(rules=RULES))] if draw(st.booleans()) else []
    at = number = 0
    for offset in range(draw(st.integers(2, 24))):
        at += draw(st.sampled_from(GAPS))
        batch = []
        for _ in range(draw(st.integers(0, 6))):
            batch.append(draw(events(number, 1_735_732_800_000 + at)))
            number += 1
        if draw(st.integers(0, 9)) == 0:
            batch.append(config(**draw(st.sampled_from(others))))
        if draw(st.integers(0, 9)) == 0:
            batch.append(POISON)
        records.append(record(offset, at, *batch))
    return records


class Fold:
    """A fold that keeps its changelog, and names units in reviews by the order in which it opened them."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.changelog: dict[bytes, bytes | None] = {}
        self.history: list[tuple[bytes, bytes | None]] = []
        self.outputs: list[Output] = []
        self.units: list[str] = []

    def step(self, each: LogRecord) -> None:
        text = each.value.decode()
        for place in range(2):
            text = text.replace(f"{{{place}}}", self.units[place] if place < len(self.units) else "wu-no")
        outputs = self.pipeline.step(each._replace(value=text.encode()))
        for output in outputs:
            name = output.key.decode()
            if output.role in ("units", "suppressed") and name not in self.units:
                self.units.append(name)
        self.outputs += outputs

    def commit(self) -> None:
        rows = self.pipeline.drain()
        self.changelog.update(rows)
        self.history += rows

    def replayed(self) -> Pipeline:
        """A new fold from the changelog as no compaction ever touched it."""
        pipeline = Pipeline(0)
        for key, value in self.history:
            pipeline.load(key, value)
        return pipeline

    def state(self) -> dict[bytes, bytes]:
        return {key: value for key, value in self.changelog.items() if value is not None}


@given(logs(), st.data())
@settings(deadline=None, max_examples=100)
def test_a_fold_goes_on_from_its_changelog_as_if_nothing_had_been(log: list[LogRecord], data: st.DataObject) -> None:
    """Restored at any points, from rows in any order, outputs and state are byte-equal to the uninterrupted fold's."""
    whole, parts = Fold(Pipeline(0)), Fold(Pipeline(0))
    for each in log:
        whole.step(each)
        parts.step(each)
        how = data.draw(st.sampled_from(["go on", "commit", "restore", "replay"]), label="cut")
        if how != "go on":
            parts.commit()
        if how == "restore":
            order = list(parts.changelog)
            random.Random(data.draw(st.integers(0, 99), label="order")).shuffle(order)
            parts.pipeline = restored(parts.changelog, order)
        elif how == "replay":
            parts.pipeline = parts.replayed()
    for unit in units(whole.outputs):
        hypothesis.event(unit.reason)
    for name in whole.pipeline.counts:
        hypothesis.event(name)
    whole.commit()
    parts.commit()
    assert parts.outputs == whole.outputs
    assert parts.state() == whole.state()
    parts.pipeline.next_due()
    assert tables(parts.pipeline) == tables(whole.pipeline)
    assert derived(parts.pipeline) == derived(whole.pipeline)
    ends: tuple[list[Output], list[Output]] = ([], [])
    whole.pipeline.flush(ends[0])
    parts.pipeline.flush(ends[1])
    assert ends[0] == ends[1]


@given(logs(), st.data())
@settings(deadline=None, max_examples=40)
def test_an_event_that_fails_leaves_no_trace(log: list[LogRecord], data: st.DataObject) -> None:
    """Where an event raises half-way, everything is as before it, and the rest folds as if it had not been there."""
    clean, hurt = Pipeline(0), Pipeline(0)
    failed = 0
    for each in log:
        now = clean.advance(each.log_time, [])
        assert hurt.advance(each.log_time, []) == now
        for event in _events(each):
            if data.draw(st.booleans(), label="fail"):
                before = tables(hurt), derived(hurt), hurt.catalog.digest(), hurt.state.parameters
                out: list[Output] = []
                with _poisoned(hurt, data.draw(st.integers(0, 12), label="after")) as writes:
                    hurt.fold(event, now, each.offset, out)
                if writes.raised:
                    failed += 1
                    assert [output.role for output in out] == ["dead-letters"]
                    assert (tables(hurt), derived(hurt), hurt.catalog.digest(), hurt.state.parameters) == before
                    assert hurt.counts["failed"] >= failed
                    continue
                expected: list[Output] = []
                clean.fold(event, now, each.offset, expected)
                assert out == expected
                continue
            ends: tuple[list[Output], list[Output]] = ([], [])
            clean.fold(event, now, each.offset, ends[0])
            hurt.fold(event, now, each.offset, ends[1])
            assert ends[0] == ends[1]
    hypothesis.event("failed" if failed else "none failed")
    assert tables(hurt) == tables(clean)
    assert derived(hurt) == derived(clean)
    _hold_same_state(hurt, clean)


def _hold_same_state(one: Pipeline, other: Pipeline) -> None:
    """Both changelogs, merged, hold the same rows."""
    rows = [{key: value for key, value in pipeline.drain() if value is not None} for pipeline in (one, other)]
    assert rows[0] == rows[1]


def _events(each: LogRecord) -> list[Event]:
    events = []
    for item in orjson.loads(each.value):
        try:
            events.append(EVENT.validate_python(item))
        except ValidationError:
            continue
    return events


class _Poison(list):  # type: ignore[type-arg] # stands in for the journal, which every write passes
    """A journal that refuses the write after the first ``left``."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left
        self.raised = False

    def append(self, entry: Any) -> None:
        if not self.raised and self.left == 0:
            self.raised = True
            raise OSError("no more room")
        self.left -= 1
        super().append(entry)


@contextmanager
def _poisoned(pipeline: Pipeline, left: int) -> Iterator[_Poison]:
    """Every table and id set of the fold writes through a journal that fails; afterwards through a sound one."""

    def use(journal: list[Any]) -> None:
        pipeline.state.journal = journal
        for domain in pipeline.state.domains.values():
            domain.journal = journal
            for each in (*domain.tables.values(), *domain.seen.values()):
                each.journal = journal

    sound, poison = pipeline.state.journal, _Poison(left)
    use(poison)
    try:
        yield poison
    finally:
        sound.clear()
        use(sound)


@given(st.integers(0, 40))
def test_too_many_failures_stop_the_fold(before: int) -> None:
    """A hundred failures in a row raise, and so does more than one in a hundred of at least a thousand."""
    pipeline = Pipeline(0)
    pipeline.step(record(0, 0, *[tick()] * before))
    for number in range(99):
        assert len(pipeline.step(record(number, 0, POISON))) == 1
    with pytest.raises(TooManyFailures, match="100 of them in a row"):
        pipeline.step(record(100, 0, POISON))


def test_a_hash_seed_changes_no_byte() -> None:
    """Processes with different hash seeds give the same outputs and the same changelog."""
    program = "from tests.properties.test_state import show; show()"
    seen = set()
    for seed in ("0", "1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=Path(__file__).resolve().parents[2],
            env={"PYTHONHASHSEED": seed, "PATH": "", "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        )
        seen.add(done.stdout)
    assert len(seen) == 1
    assert len(seen.pop()) > 20_000


def show() -> None:
    """A fold with everything in it, as bytes on stdout: outputs and changelog."""
    chance = random.Random(7)
    pipeline = Pipeline(0)
    number = 0
    for offset in range(120):
        batch = []
        for _ in range(chance.randint(0, 4)):
            number += 1
            shared = chance.sample(ENTITIES, chance.randint(0, 3))
            at = offset * 7 * SECOND - chance.choice([0, 0, SECOND, 20 * MINUTE])
            more = {"component": chance.choice([None, "pay", "web"])}
            make = chance.choice([finding, change])
            batch.append(make(f"e{number}", at, *shared, **more))
            batch.append(activity(f"a{number}", at, chance.choice(["role/a", "role/b"]), f"iam:X{number % 9}"))
        if offset == 60:
            batch.append(config(signal_p=0.6, rules=RULES))
        if offset == 90:
            batch.append(config(signal_p=0.6, rules=NEXT))
        for output in pipeline.step(record(offset, offset * 7 * SECOND, *batch)):
            sys.stdout.buffer.write(repr(output).encode())
    out: list[Output] = []
    pipeline.flush(out)
    sys.stdout.buffer.write(repr(out).encode())
    sys.stdout.buffer.write(repr(pipeline.drain()).encode())

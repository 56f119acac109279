"""What holds of suppression in every fold: one place for each unit, told to whoever could think it elsewhere."""

from __future__ import annotations

import hypothesis
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.unit import Unit
from streams.correlation.suppression.pattern import Pattern
from streams.pipeline import Pipeline
from streams.records import LogRecord, Output
from tests.properties.test_state import Fold
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    SECOND,
    T0,
    Doc,
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

HOSTS = [("host", "h0"), ("host", "h1"), ("host", "h2")]
RULES = ["R1", "R1", "R1", "CVE-2024-1"]
PATTERNS = [Pattern("ocsf", f"falco: {rule}", "", "host").id for rule in ("R1", "CVE-2024-1")]
GAPS = [SECOND, 4 * SECOND, 11 * SECOND, 11 * SECOND, 11 * SECOND, MINUTE, 2 * HOUR, 8 * HOUR, 4 * DAY]
EAGER = {"suppress_days": 1, "suppress_reviewers": 1, "suppress_actionable": 0.7, "reopen_ms": HOUR}
CONFIGS = [
    EAGER | {"suppress_sample": 0},
    EAGER | {"suppress_sample": 0.5, "suppress_for_ms": HOUR, "suppress_longest_ms": DAY},
    {"suppress_automatic": False, "suppress_longest_ms": 2 * MINUTE, "suppress_sample": 0.0, "idle_close_ms": DAY},
]


@st.composite
def noisy(draw: st.DrawFn) -> list[LogRecord]:
    """Findings of few rules on few hosts, and reviewers who suppress, judge, merge and change their minds."""
    records = [record(0, 0, config(**draw(st.sampled_from(CONFIGS))))]
    at = 20 * SECOND
    if draw(st.booleans()):  # else it takes long until something is hidden
        records.append(record(0, 0, finding("n", 0, HOSTS[0], rule="R1", severity=3, kind="vulnerability")))
        records.append(record(0, at, {"unit_id": "{0}", "source_id": "r", "kind": "suppress", **_said(at)}))
    for number in range(1, draw(st.integers(3, 20))):
        at += draw(st.sampled_from(GAPS))
        one = draw(
            st.sampled_from(["finding"] * 5 + ["suppress"] * 3 + ["verdict", "verdict", "unsuppress", "escalate"])
            | st.sampled_from(["bridge", "merge", "unmerge", "catalog", "kev", "config", "tick"])
        )
        records.append(record(number, at, _event(draw, one, number, at)))
    return records


def _event(draw: st.DrawFn, kind: str, number: int, at: int) -> Doc:
    if kind in ("finding", "bridge"):
        hosts = HOSTS[:2] if kind == "bridge" else [draw(st.sampled_from(HOSTS))]
        more: Doc = {"rule": draw(st.sampled_from(RULES)), "severity": draw(st.sampled_from([3, 3, 3, 4, 5]))}
        more |= {"component": draw(st.sampled_from([None, None, "pay"])), "kind": "vulnerability"}
        return finding(f"n{number}", at, *hosts, **more)
    if kind == "tick":
        return tick()
    if kind == "config":
        return config(**draw(st.sampled_from(CONFIGS)))
    if kind in ("catalog", "kev"):
        key = "component:default/pay" if kind == "catalog" else "CVE-2024-1"
        row = {"tags": ["internet-facing"]} if kind == "catalog" else {"added": "2024-01-01"}
        said = draw(st.sampled_from([row, None]))
        return {"type": "context", "kind": kind, "key": key, "record": said, "origin": ["raw", 0, 0, 0]}
    about: Doc = {"unit_id": draw(st.sampled_from(["{0}", "{1}"]))}
    if kind in ("suppress", "unsuppress") and draw(st.booleans()):
        about = {"unit_id": "", "pattern": draw(st.sampled_from(PATTERNS))}
    if kind == "suppress" and draw(st.booleans()):
        about["expires"] = iso(T0 + at + draw(st.sampled_from([-HOUR, 8 * SECOND, HOUR, 20 * DAY])))
    if kind == "verdict":
        about["verdict"] = draw(st.sampled_from(["benign", "benign", "false_positive", "true_positive"]))
    if kind in ("merge", "unmerge"):
        about = {"unit_id": "{0}", "other_unit_id": "{1}"}
    more = {"source_id": f"r{number}", "kind": kind, "reviewer": draw(st.sampled_from(["ada", "ben"]))}
    return _said(at) | more | about


def _said(at: int) -> Doc:
    return {"type": "review", "reviewer": "ada", "time": iso(T0 + at), "domain": DOMAIN}


def hidden(unit: Unit) -> bool:
    return unit.suppression is not None and not unit.suppression.sampled


@given(noisy())
@settings(deadline=None, max_examples=150)
def test_a_unit_is_in_one_place_and_each_topic_knows(log: list[LogRecord]) -> None:
    """A revision that moves is in both topics, the same bytes; any other where the unit is, a farewell where it was."""
    fold = Fold(Pipeline(0))
    for each in log:
        fold.step(each)
    fold.pipeline.flush(fold.outputs)
    told: dict[tuple[str, int], list[Output]] = {}
    for output in fold.outputs:
        if output.role in ("units", "suppressed"):
            unit = Unit.model_validate_json(output.value)
            told.setdefault((unit.unit_id, unit.revision), []).append(output)
    where: dict[str, str] = {}
    for (unit_id, revision), records in told.items():
        unit = Unit.model_validate_json(records[0].value)
        assert all(record[1:] == records[0][1:] for record in records)
        if unit.status == "merged":
            assert [record.role for record in records] == [where.pop(unit_id, "units")]  # merged again, untold
            continue
        place = "suppressed" if hidden(unit) else "units"
        before = where.get(unit_id, place if revision == 1 else "units")  # out of another unit: the queue must know
        assert [record.role for record in records] == ([place] if before == place else [place, before])
        where[unit_id] = place
        hypothesis.event(f"{before} to {place}, {unit.reason}")
        assert unit.reason != "suppression" or (unit.diff is not None and "suppression" in unit.diff.fields)
        if hidden(unit):
            assert unit.severity < 5
            assert not unit.exploitability.kev
            assert not (unit.severity >= 4 and unit.exploitability.internet_facing)
            assert unit.disposition != "true_positive"
            assert unit.suppression is not None
            assert unit.suppression.owner
            assert unit.suppression.expires is not None
            assert unit.suppression.expires > unit.updated_at


@given(noisy(), st.data())
@settings(deadline=None, max_examples=100)
def test_suppression_survives_a_restore_anywhere(log: list[LogRecord], data: st.DataObject) -> None:
    """Taken back from its rows at any point the fold writes the same; what is noted of a unit goes with the unit."""
    whole, parts = Fold(Pipeline(0)), Fold(Pipeline(0))
    for each in log:
        whole.step(each)
        parts.step(each)
        if data.draw(st.booleans(), label="cut"):
            parts.commit()
            parts.pipeline = restored(parts.changelog, reversed(parts.changelog))
        for domain in whole.pipeline.state.domains.values():
            assert domain.patterns.carried.keys() <= domain.units.keys()
    whole.commit()
    parts.commit()
    parts.pipeline.next_due()
    assert parts.outputs == whole.outputs
    assert parts.state() == whole.state()
    assert tables(parts.pipeline) == tables(whole.pipeline)
    assert derived(parts.pipeline) == derived(whole.pipeline)
    for name, domain in whole.pipeline.state.domains.items():
        assert parts.pipeline.state.domain(name).patterns.hidden == domain.patterns.hidden


@given(noisy())
@settings(deadline=None, max_examples=60)
def test_suppression_changes_no_unit(log: list[LogRecord]) -> None:
    """Without anything being suppressed there are the same units of the same members; only where they go differs."""
    plain = [each._replace(value=_unsteered(each.value)) for each in log]
    ends = []
    for records in (log, plain):
        fold = Fold(Pipeline(0))
        for each in records:
            fold.step(each)
        fold.pipeline.flush(fold.outputs)
        last = {unit.unit_id: unit for unit in units(fold.outputs)}
        ends.append({unit_id: (unit.digest, unit.signal_count, unit.aliases) for unit_id, unit in last.items()})
    assert ends[0] == ends[1]


def _unsteered(value: bytes) -> bytes:
    """The record with comments in the place of what suppresses or could."""
    kinds = (b"suppress", b"unsuppress", b"escalate", b"verdict")
    for kind in kinds:
        value = value.replace(b'"kind":"%b"' % kind, b'"kind":"comment"')
    return value

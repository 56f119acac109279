"""What becomes of every event: one outcome each, refused ones with where and why."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from streams.failures import TooManyFailures
from streams.pipeline import Pipeline
from streams.records import LogRecord
from streams.scoring import MODELS
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    SECOND,
    T0,
    Doc,
    activity,
    change,
    config,
    final,
    finding,
    fold,
    iso,
    letters,
    record,
    tables,
    tick,
    timeline,
    units,
)

IP = ("ip", "198.51.100.7")


def folded(*events: Doc, before: int = 0) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Counts and dead letters of one record, appended at T0."""
    pipeline = Pipeline(0)
    outputs = fold([record(7, before, *events)], pipeline)
    return dict(pipeline.counts), letters(outputs)


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        ("member", finding("f", 0, IP)),
        ("uninteresting", finding("f", 0, IP, severity=1)),
        ("uninteresting", finding("f", 0, IP, status="suppressed")),
        ("uninteresting", activity("a", 0, "role/a")),
        ("change", change("c", 0, IP)),
        ("steering", tick()),
        ("steering", config()),
        ("steering", {"type": "context", "kind": "kev", "key": "k", "record": {}, "origin": ["r", 0, 0, 0]}),
        ("failed", config(group_wait_ms=-1)),
        (
            "failed",
            {
                "type": "context",
                "kind": "catalog",
                "key": "component:default/k",
                "record": {"tags": 1},
                "origin": ["r", 0, 0, 0],
            },
        ),
        ("invalid", finding("", 0)),
        ("invalid", {"type": "nothing"}),
    ],
)
def test_an_event_counts_once(outcome: str, event: Doc) -> None:
    """Under its own outcome and no other; what failed or is invalid leaves a dead letter."""
    counts, refused = folded(event)
    assert counts == {outcome: 1}
    assert len(refused) == (1 if outcome in ("failed", "invalid") else 0)


def test_a_duplicate_is_known_by_its_natural_key() -> None:
    """At whatever event time it comes again, of whatever content; other sources and types are other keys."""
    events = [
        finding("x", 0, IP),
        finding("x", 0, IP),
        finding("x", -HOUR, IP, title="again"),
        finding("x", 0, IP, source="trivy"),
        change("x", 0, IP, source="ocsf"),
        finding("x", 0, IP, domain="system:web"),
    ]
    assert folded(*events)[0] == {"member": 3, "duplicate": 2, "change": 1}


def test_a_duplicate_from_the_future_is_known_too() -> None:
    """Its event time counts as the log's clock, which is another one at each delivery."""
    pipeline = Pipeline(0)
    event = finding("x", DAY, IP)
    fold(timeline((0, [event]), (HOUR, [event]), (2 * DAY, [event])), pipeline)
    assert pipeline.counts == {"member": 1, "duplicate": 2}
    assert pipeline.clamped == 2


def test_an_event_time_ahead_of_the_log_is_clamped() -> None:
    """The unit shows the append time, the source's clock does not run ahead, and the event is counted."""
    pipeline = Pipeline(0)
    outputs = fold(timeline((0, [finding("x", DAY, IP)]), (MINUTE, [finding("y", 0, IP)]), (HOUR, [tick()])), pipeline)
    (unit,) = units(outputs)[-1:]
    assert unit.last_at.isoformat() == iso(T0)
    assert unit.signal_count == 2
    assert (pipeline.clamped, letters(outputs)) == (1, [])


def test_what_is_too_late_is_a_dead_letter() -> None:
    """Behind the newest event of its own source by more than the retention; other sources have their own clock."""
    events = [
        finding("new", 0, IP),
        finding("old", -7 * DAY, IP),
        finding("older", -7 * DAY - 1, IP, kind="detection"),
        finding("other", -70 * DAY, IP, source="trivy"),
    ]
    counts, refused = folded(*events)
    assert counts == {"member": 3, "too_late": 1}
    (letter,) = refused
    assert (letter["stage"], letter["key"], letter["source"]) == ("late", "older", "ocsf")
    assert "older than what ocsf is still taken for" in letter["reason"]
    assert orjson.loads(letter["value"])["source_id"] == "older"
    assert (letter["topic"], letter["partition"], letter["offset"], letter["item"]) == ("raw", 0, 0, 0)


def test_a_weakness_that_stands_since_long_ago_counts_from_what_is_remembered() -> None:
    """A finding of months ago in today's scan is a member, with its true age in words; sent again, a duplicate."""
    pipeline = Pipeline(0)
    old = finding("old", -100 * DAY, IP)
    out = fold(timeline((0, [finding("new", 0, ("host", "h")), old, old]), (HOUR, [tick()])), pipeline)
    assert pipeline.counts == {"member": 2, "duplicate": 1, "steering": 1}
    assert (letters(out), pipeline.clamped) == ([], 0)
    (unit,) = [unit for unit in units(out) if unit.signals[0].source_id == "old"]
    assert unit.first_at.isoformat() == iso(T0 - 7 * DAY)
    assert any("stands since 2024-09-23 12:00Z" in why for why in unit.signals[0].why)


def test_the_first_year_of_the_calendar_stops_nothing() -> None:
    """A source may begin with any event time; the search for changes reaches back to where the calendar begins."""
    pipeline = Pipeline(0)
    fold([record(0, 0, finding("x", 0, IP) | {"time": "0001-01-01T00:00:00Z"}), record(1, HOUR, tick())], pipeline)
    assert pipeline.revisions == {"opened": 1}


def test_one_bad_event_does_not_take_its_batch_with_it() -> None:
    """The others of the record are folded; the bad one is a dead letter with its place in the record."""
    value = b'[%b,{"type":"finding","source":""},%b,17]' % (
        orjson.dumps(finding("a", 0, IP)),
        orjson.dumps(finding("b", 0, IP)),
    )
    pipeline = Pipeline(3)
    outputs = pipeline.step(LogRecord(3, 9, T0, value))
    assert pipeline.counts == {"member": 2, "invalid": 2}
    one, two = letters(outputs)
    assert [(x["topic"], x["partition"], x["offset"], x["item"], x["stage"]) for x in (one, two)] == [
        ("log", 3, 9, 1, "validate"),
        ("log", 3, 9, 3, "validate"),
    ]
    assert one["place"].startswith("finding.")
    assert one["reason"]
    assert b"__weir.errors.place" in {name.encode() for name, _ in outputs[0].headers}


@pytest.mark.parametrize("value", [b"", b"{", b"[{", b"null", b'"x"', b"[[]]", b"[" * 900 + b"]" * 900, b"\xff"])
def test_a_record_that_is_no_batch_is_a_dead_letter(value: bytes) -> None:
    """One, whole, and the fold goes on."""
    pipeline = Pipeline(0)
    (letter,) = letters(pipeline.step(LogRecord(0, 1, T0, value)))
    assert letter["stage"] == "validate"
    assert letter["size"] in (len(value), len(value) - 2)
    assert pipeline.counts == {"invalid": 1}
    assert folded(finding("f", 0))[0] == {"member": 1}


def test_more_than_one_in_a_hundred_stops_the_fold() -> None:
    """Of at least a thousand events; before that a few may fail."""
    bad = config(group_wait_ms=-1)
    good = [finding(f"f{n}", 0, IP, title="same") for n in range(980)]
    pipeline = Pipeline(0)
    pipeline.step(record(0, 0, *[bad] * 9, *good))
    assert pipeline.counts["failed"] == 9
    pipeline.step(record(1, 0, bad, *[tick()] * 10))
    with pytest.raises(TooManyFailures, match=r"11 of 10\d\d events, 1 of them in a row"):
        pipeline.step(record(2, 0, bad))


def test_a_catalog_record_that_breaks_is_refused_before_it_counts() -> None:
    """So that it cannot break every unit that asks for its component later."""
    pipeline = Pipeline(0)
    whole = {"system": "system:default/shop", "owner": "group:default/a", "tags": ["internet-facing"]}

    def about(row: Any) -> Doc:
        origin = ["r", 0, 0, 0]
        return {"type": "context", "kind": "catalog", "key": "component:default/pay", "record": row, "origin": origin}

    broken = [{"depends_on": 3}, {"links": {"images": 5}}, {"tags": True}, {"depends_on": [7]}]
    outputs = fold(
        timeline(
            (0, [about(whole)]),
            (0, [about(row) for row in broken]),
            (0, [finding("f", 0, IP, component="pay")]),
            (HOUR, [tick()]),
        ),
        pipeline,
    )
    assert pipeline.counts["failed"] == len(broken)
    (unit,) = units(outputs)
    assert unit.owner == "group:default/a"
    assert unit.exploitability.internet_facing is True
    assert unit.provenance.context == pipeline.state.context.digest()


def test_context_of_the_log_makes_a_unit_exploitable_and_survives_a_restore() -> None:
    """KEV, catalog and exceptions count as of the newest signal, with their records named, also in a restored fold."""
    origin = ["r", 0, 0, 0]

    def about(kind: str, key: str, record: Any) -> Doc:
        return {"type": "context", "kind": kind, "key": key, "record": record, "origin": origin}

    waived = {"control": "waf", "component": "pay", "created_at": "2020-01-01T00:00:00Z"}
    known = [
        about("catalog", "component:default/pay", {"tags": ["internet-facing"], "controls": ["waf"]}),
        about("kev", "CVE-2020-1000", {"added": "2020-02-01"}),
        about("kev", "CVE-2020-1001", {"added": "2100-01-01"}),
        about("policy_exception", "EX-1", waived),
    ]
    first = Pipeline(0)
    fold(timeline((0, known)), first)
    second = Pipeline(0)
    for key, value in first.drain():
        second.load(key, value)
    later = timeline(
        (HOUR, [finding("f", HOUR, IP, component="pay", kind="vulnerability", rule="CVE-2020-1001",
                        aliases=["CVE-2020-1000"])]),
        (2 * HOUR, [tick()]),
    )  # fmt: skip
    (unit,), again = units(fold(later, first)), units(fold(later, second))
    assert [unit] == again
    assert unit.exploitability.kev == ("CVE-2020-1000",)
    assert (unit.exploitability.controls, unit.exploitability.exceptions) == ((), ("EX-1",))
    assert {fact.field for fact in unit.exploitability.evidence} == {"internet_facing", "kev", "controls", "exceptions"}
    assert {"kev", "internet_facing"} <= {factor.name for factor in unit.risk.factors}
    assert round(sum(factor.value for factor in unit.risk.factors), 2) == unit.risk.score


def test_settings_hold_from_their_record_on() -> None:
    """Those of an earlier record do not; the same settings again change nothing and write nothing."""
    pipeline = Pipeline(0)
    outputs = fold(
        timeline(
            (0, [finding("a", 0, IP, severity=1), config(signal_severity=1, group_wait_ms=1_000)]),
            (0, [finding("b", 0, IP, severity=1)]),
            (1_000, [tick()]),
        ),
        pipeline,
    )
    (unit,) = units(outputs)
    assert [signal.source_id for signal in unit.signals] == ["b"]
    assert unit.provenance.config == pipeline.state.parameters.digest()
    before = tables(pipeline)
    pipeline.drain()
    fold([record(9, 1_000, config(signal_severity=1, group_wait_ms=1_000))], pipeline)
    assert tables(pipeline) == before
    assert pipeline.drain() == []


def test_unusual_activity_is_a_signal_with_its_reasons() -> None:
    """A burst far beyond a principal's habits joins its unit as an anomaly; without scoring it is none."""
    calls = [
        activity(f"a{minute}-{n}", minute * MINUTE + n, "role/a", "s3:GetObject")
        for minute in range(180)
        for n in range(1 if minute < 179 else 400)
    ]
    seen = {}
    for scoring in (True, False):
        pipeline = Pipeline(0)
        records = [record(0, 200 * MINUTE, config(scoring=scoring), *calls), record(1, 201 * MINUTE, tick())]
        seen[scoring] = units(fold(records, pipeline))
        assert sum(pipeline.counts.values()) == len(calls) + 2
    (unit,) = seen[True]
    (signal,) = unit.signals
    assert (signal.kind, signal.title) == ("anomaly", "unusual s3:GetObject by role/a")
    assert signal.count == unit.signal_count > 100
    assert "s3:GetObject by role/a in 1 min, expected" in signal.why[0]
    assert [name.partition("+")[0] for name in unit.provenance.models] == ["standard", *MODELS]
    assert seen[False] == []


def test_provenance_says_what_decided() -> None:
    """Engine, settings, models and catalog, and the offsets between which the members lie."""
    records = timeline((0, [tick()]), (0, [finding("a", 0, IP)]), (0, [finding("b", 0, IP)]), (MINUTE, [tick()]))
    (unit,) = units(fold(records, Pipeline(4)))
    assert unit.provenance.log == (4, 1, 2)
    assert [name.partition("+")[0] for name in unit.provenance.models] == ["standard", *MODELS]
    (other,) = units(fold(records, Pipeline(None)))
    assert other.provenance.log is None
    assert other.digest == unit.digest


def test_members_are_told_under_the_unit_that_has_them_now() -> None:
    """Also those whose unit was merged, closed, or never emitted under its own name."""
    pipeline = Pipeline(0)
    pipeline.keep_members()
    host = ("host", "i-1")
    out = fold(
        timeline(
            (0, [config(idle_close_ms=HOUR, reopen_ms=0), finding("a", -MINUTE, IP), finding("b", 0, host)]),
            (MINUTE, [finding("c", 0, IP, host), finding("d", 0, ("host", "i-2"))]),
            (MINUTE + 30 * SECOND, [finding("d", 0, ("host", "i-2"))]),
            (3 * HOUR, [tick()]),
            (3 * HOUR + SECOND, [finding("e", 0, IP)]),
        ),
        pipeline,
    )
    pipeline.flush(out)
    last = {name: unit for name, unit in final(units(out)).items() if unit.status != "merged"}
    found: dict[str, set[str]] = {}
    for unit_id, source_id in pipeline.members_by_unit():
        found.setdefault(unit_id, set()).add(source_id)
    assert sorted(map(sorted, found.values())) == [["a", "b", "c"], ["d"], ["e"]]
    assert set(found) == set(last)
    assert all(last[name].signal_count == len(ids) for name, ids in found.items())
    pipeline.members = None
    assert list(pipeline.members_by_unit()) == []


def test_domains_do_not_touch() -> None:
    """The same entity in two domains gives two units; each knows its own changes and duplicates only."""
    pipeline = Pipeline(0)
    outputs = fold(
        timeline(
            (0, [finding("a", 0, IP), finding("a", 0, IP, domain="system:web"), change("c", -MINUTE, IP)]),
            (MINUTE, [tick()]),
        ),
        pipeline,
    )
    seen = {unit.domain: unit for unit in units(outputs)}
    assert [change.source_id for change in seen[DOMAIN].changes] == ["c"]
    assert seen["system:web"].changes == ()
    assert seen[DOMAIN].unit_id != seen["system:web"].unit_id

"""Time lines: at which log time which unit gets which revision, and why."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from schemas.events import EVENT
from schemas.unit import Unit
from streams.pipeline import Pipeline
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    T0,
    Doc,
    change,
    config,
    derived,
    finding,
    fold,
    iso,
    record,
    restored,
    tables,
    tick,
    timeline,
    units,
)

IP, OTHER, HOST = ("ip", "198.51.100.7"), ("ip", "198.51.100.8"), ("host", "i-1")


def told(*entries: tuple[int, Sequence[Doc]], pipeline: Pipeline | None = None) -> list[tuple[int, str, int, str]]:
    """(log time after T0, unit, revision, reason) of every revision; units named a, b, c as they open."""
    names: dict[str, str] = {}
    out = []
    for at, unit in revisions(*entries, pipeline=pipeline):
        name = names.setdefault(unit.unit_id, "abcdefgh"[len(names)])
        out.append((at, name, unit.revision, unit.reason))
    return out


def revisions(*entries: tuple[int, Sequence[Doc]], pipeline: Pipeline | None = None) -> list[tuple[int, Unit]]:
    pipeline = pipeline or Pipeline(0)
    return [(each.log_time - T0, unit) for each in timeline(*entries) for unit in units(pipeline.step(each))]


def ticks(*times: int) -> list[tuple[int, list[Doc]]]:
    return [(at, [tick()]) for at in times]


def test_a_unit_opens_after_group_wait_of_log_time() -> None:
    """Not a millisecond before ten seconds of log time, and with all that came in them."""
    seen = revisions(
        (0, [finding("f1", -HOUR, IP)]),
        (4_000, [finding("f2", -HOUR, IP)]),
        *ticks(9_999, 10_000),
    )
    assert [(at, unit.reason, unit.signal_count) for at, unit in seen] == [(10_000, "opened", 2)]
    assert seen[0][1].opened_at.isoformat() == iso(T0)
    assert seen[0][1].updated_at.isoformat() == iso(T0 + 10_000)


def test_a_burst_is_one_revision_an_interval() -> None:
    """After the first, at most one revision in five seconds of log time, the first of them at once."""
    burst = [(at, [finding(f"f{at}", -HOUR, IP)]) for at in range(0, 30_000, 500)]
    assert told(*burst, *ticks(31_000, 40_000)) == [
        (10_000, "a", 1, "opened"),
        (15_000, "a", 2, "signal"),
        (20_000, "a", 3, "signal"),
        (25_000, "a", 4, "signal"),
        (31_000, "a", 5, "signal"),
    ]


def test_after_a_quiet_time_a_signal_shows_at_the_next_record() -> None:
    """The interval is over, so the revision is due at once: at the next record, whenever it comes."""
    assert told(
        (0, [finding("f1", 0, IP)]), *ticks(10_000), (60_000, [finding("f2", 0, IP)]), *ticks(60_000, 60_001)
    ) == [(10_000, "a", 1, "opened"), (60_000, "a", 2, "signal")]


def test_nothing_to_say_is_not_said() -> None:
    """Ticks, uninteresting findings, duplicates and changes that are behind nothing give no revision."""
    assert told(
        (0, [finding("f1", 0, IP)]),
        *ticks(10_000),
        (20_000, [finding("f1", 0, IP), finding("f2", 0, IP, severity=1), finding("f3", 0, IP, status="fixed")]),
        (30_000, [change("c1", -MINUTE, OTHER), change("c2", MINUTE, IP)]),
        *ticks(40_000, 50_000, HOUR, DAY),
    ) == [(10_000, "a", 1, "opened")]


def test_a_change_that_comes_later_gives_a_revision() -> None:
    """With the reason change; a second delivery of it gives none."""
    seen = revisions(
        (0, [finding("f1", 0, HOST, kind="detection")]),
        *ticks(10_000),
        (60_000, [change("c1", -MINUTE, HOST)]),
        (70_000, [change("c1", -MINUTE, HOST)]),
        *ticks(80_000, 90_000),
    )
    assert [(at, unit.reason, [c.source_id for c in unit.changes]) for at, unit in seen] == [
        (10_000, "opened", []),
        (70_000, "change", ["c1"]),
    ]
    assert seen[0][1].digest != seen[1][1].digest


def test_looking_for_a_change_in_vain_waits_for_its_interval_too() -> None:
    """A change that makes no difference uses up the interval, so a flood of such changes costs one look in five s."""
    assert told(
        (0, [finding("f1", 0, HOST)]),
        *ticks(10_000),
        (20_000, [change("c1", -MINUTE, OTHER)]),
        (20_500, [finding("f2", 0, HOST)]),
        *ticks(21_000, 25_499, 25_500),
    ) == [(10_000, "a", 1, "opened"), (25_500, "a", 2, "signal")]


def test_a_late_signal_says_so() -> None:
    """What comes behind its source's watermark names the revision late, also among others."""
    assert told(
        (0, [finding("f1", 0, IP)]),
        *ticks(10_000),
        (20_000, [finding("f2", 0, IP), finding("f3", -6 * MINUTE, IP), finding("f4", 0, IP)]),
        *ticks(20_001),
    ) == [(10_000, "a", 1, "opened"), (20_001, "a", 2, "late")]


def bridge(first: int, second: int) -> list[tuple[int, list[Doc]]]:
    return [
        (0, [finding("f1", first, IP, severity=3)]),
        (1_000, [finding("f2", second, HOST, severity=5)]),
        *ticks(11_000),
        (30_000, [finding("f3", -MINUTE, IP, HOST)]),
        *ticks(30_001, 40_000),
    ]


def test_of_two_that_merge_the_earlier_anchor_stays() -> None:
    """The other says goodbye as merged, naming the survivor, and its id is an alias for ever. In both orders."""
    for first, second in ((-2 * MINUTE, -MINUTE), (-MINUTE, -2 * MINUTE)):
        seen = [unit for _, unit in revisions(*bridge(first, second))]
        by_name = {("one" if unit.signals[0].source_id == "f1" else "two"): unit for unit in seen[:2]}
        stays, goes = (by_name["one"], by_name["two"]) if first < second else (by_name["two"], by_name["one"])
        last = {unit.unit_id: unit for unit in seen}
        assert len(seen) == 4
        survivor, victim = last[stays.unit_id], last[goes.unit_id]
        assert (survivor.status, survivor.reason, survivor.revision) == ("open", "merged", 2)
        assert survivor.aliases == (goes.unit_id,)
        assert {signal.source_id for signal in survivor.signals} == {"f1", "f2", "f3"}
        assert (survivor.signal_count, survivor.severity, survivor.closed_at) == (3, 5, None)
        assert (victim.status, victim.reason, victim.revision) == ("merged", "merged", 2)
        assert victim.merged_into == stays.unit_id
        assert victim.closed_at is not None


def test_a_merge_waits_for_the_interval_of_each() -> None:
    """Who has just spoken speaks again five seconds later, the one that goes like the one that stays."""
    assert told(
        (0, [finding("f1", -2 * MINUTE, IP)]),
        (3_000, [finding("f2", -MINUTE, HOST)]),
        *ticks(10_000, 13_000),
        (13_500, [finding("f3", -MINUTE, IP, HOST)]),
        *ticks(14_000, 15_000, 17_999, 18_000),
    ) == [
        (10_000, "a", 1, "opened"),
        (13_000, "b", 1, "opened"),
        (15_000, "a", 2, "merged"),
        (18_000, "b", 2, "merged"),
    ]


def test_merges_in_a_row_before_any_of_them_is_told() -> None:
    """Three units become one inside one record: both victims name the last survivor."""
    seen = revisions(
        (0, [finding("f1", -3 * MINUTE, IP), finding("f2", -2 * MINUTE, HOST), finding("f3", -MINUTE, OTHER)]),
        *ticks(10_000),
        (30_000, [finding("f4", -MINUTE, HOST, OTHER), finding("f5", -MINUTE, IP, HOST)]),
        *ticks(30_000),
    )
    opened = [unit.unit_id for _, unit in seen[:3]]
    earliest = next(unit.unit_id for _, unit in seen[:3] if unit.signals[0].source_id == "f1")
    last = {unit.unit_id: unit for _, unit in seen}
    assert [last[name].merged_into for name in opened if name != earliest] == [earliest, earliest]
    assert set(last[earliest].aliases) == set(opened) - {earliest}
    assert last[earliest].signal_count == 5


def test_what_was_never_told_merges_in_silence() -> None:
    """Units that a signal joins before their first revision open as one, ten seconds after the first of them."""
    assert told(
        (0, [finding("f2", -MINUTE, HOST)]),
        (6_000, [finding("f1", -2 * MINUTE, IP)]),
        (8_000, [finding("f3", -MINUTE, IP, HOST)]),
        *ticks(9_999, 10_000, 30_000),
    ) == [(10_000, "a", 1, "opened")]


def test_what_was_told_outlives_what_was_not() -> None:
    """A unit that has left keeps its id, even against an earlier anchor."""
    assert told(
        (0, [finding("f1", -MINUTE, IP)]),
        *ticks(10_000),
        (11_000, [finding("f2", -30 * MINUTE, HOST), finding("f3", -MINUTE, IP, HOST)]),
        *ticks(16_000, 30_000),
    ) == [(10_000, "a", 1, "opened"), (16_000, "a", 2, "merged")]


def test_a_silent_unit_closes_and_leaves_nothing_behind() -> None:
    """After idle_close of log time without a signal; clocks, ids and who shared what aside, no row is left."""
    pipeline = Pipeline(0)
    entries = [
        (0, [config(idle_close_ms=HOUR, scoring=False, reopen_ms=0)]),
        *bridge(-2 * MINUTE, -MINUTE),
        (50_000, [change("c1", -3 * MINUTE, HOST), finding("f9", 0, ("file", "x"))]),
        *ticks(60_000, HOUR + 29_999, HOUR + 30_000, HOUR + 50_000, HOUR + 50_001),
    ]
    assert told(*entries, pipeline=pipeline)[-2:] == [
        (HOUR + 30_000, "a", 3, "closed"),
        (HOUR + 50_000, "c", 2, "closed"),
    ]
    left = {table for name, table in tables(pipeline) if name == DOMAIN}
    known = {"repeats", "outcomes"}  # of patterns of noise, which outlive units
    clocks = {"heard", "seen ocsf", "newest ocsf", "seen cdevents", "newest cdevents"}
    assert left == {"spread", "changes"} | clocks | known
    domain = pipeline.state.domains[DOMAIN]
    assert (domain.signals_of, domain.lines_of, domain.cluster_of) == ({}, {}, {})
    assert pipeline.next_due() is None
    assert pipeline.state.timers == []


def test_a_signal_puts_the_close_off() -> None:
    """The hour counts from the last signal."""
    assert told(
        (0, [config(idle_close_ms=HOUR), finding("f1", -MINUTE, IP)]),
        *ticks(10_000),
        (30 * MINUTE, [finding("f2", 0, IP)]),
        *ticks(30 * MINUTE, HOUR, HOUR + 10_000, 90 * MINUTE - 1, 90 * MINUTE),
    ) == [(10_000, "a", 1, "opened"), (30 * MINUTE, "a", 2, "signal"), (90 * MINUTE, "a", 3, "closed")]


def test_after_a_close_the_same_entity_opens_another_unit() -> None:
    """A closed unit's hold on its entities is over."""
    assert [
        entry[1:]
        for entry in told(
            (0, [config(idle_close_ms=MINUTE, reopen_ms=0), finding("f1", -MINUTE, IP)]),
            *ticks(10_000, 60_000),
            (70_000, [finding("f2", 0, IP)]),
            *ticks(80_000),
        )
    ] == [("a", 1, "opened"), ("a", 2, "closed"), ("b", 1, "opened")]


def test_a_leap_of_the_clock_does_not_say_two_things_at_once() -> None:
    """Where the log is silent past both dates, the waiting revision comes first, the close an interval later."""
    assert told(
        (0, [config(idle_close_ms=HOUR), finding("f1", -MINUTE, IP)]),
        *ticks(DAY, DAY + 4_999, DAY + 5_000),
    ) == [(DAY, "a", 1, "opened"), (DAY + 5_000, "a", 2, "closed")]


def test_a_clock_that_steps_back_stands_still() -> None:
    """Append times below the highest so far count as the highest: nothing is told twice, or early."""
    assert told(
        (20_000, [finding("f1", 0, IP)]), (5_000, [finding("f2", 0, IP)]), *ticks(29_000, 1_000, 30_000, 12_000)
    ) == [(30_000, "a", 1, "opened")]


def test_revisions_of_several_units_come_in_order_of_what_was_due_first() -> None:
    """By due time, whatever hints were set on the way, also after a restore."""
    entries = [
        (0, [config(idle_close_ms=20_000), finding("f1", 0, IP)]),
        *ticks(10_000),  # closes at 20 s
        (12_000, [finding("f2", 0, HOST)]),  # opens at 22 s
        (15_000, [finding("f3", 0, IP)]),  # now due at once, and closes at 35 s
        (16_000, [finding("f4", 0, OTHER)]),  # opens at 26 s
        *ticks(60_000),
    ]
    records = timeline(*entries)
    whole = units(fold(records))
    assert [unit.reason for unit in whole] == ["opened", "signal", "opened", "opened", "closed"]
    assert [unit.signals[0].source_id for unit in whole] == ["f1", "f1", "f2", "f4", "f1"]
    pipeline = Pipeline(0)
    fold(records[:-1], pipeline)
    rows = dict(pipeline.drain())
    assert units(fold(records[-1:], restored(rows, reversed(rows)))) == whole[-3:]


def test_the_hints_for_one_unit_do_not_pile_up() -> None:
    """A unit with two thousand revisions has a handful of entries in the heap, and so has a crowd that merged."""
    pipeline = Pipeline(0)
    for number in range(2_000):
        event = EVENT.validate_python(finding(f"f{number}", 0, IP, title="same"))
        now = pipeline.advance(T0 + number * 5_000, [])
        pipeline.fold(event, now, number, [])
    assert pipeline.revisions["signal"] > 1_900
    assert len(pipeline.state.timers) <= 3
    crowd = Pipeline(0)
    crowd.step(record(0, 0, config(max_signals=10_000)))
    for number in range(3_000):
        one = finding(f"a{number}", 0, ("ip", str(number)))
        two = finding(f"b{number}", 0, ("ip", str(number)), IP)
        crowd.step(record(number, number, one, two))
    assert len(crowd.state.domains[DOMAIN].units) == 1
    assert len(crowd.state.timers) < 1_200


def test_a_review_shows_and_decides() -> None:
    """A verdict becomes the disposition, by unit id or by an alias of it; delivered again it changes nothing."""
    first = [unit for _, unit in revisions(*bridge(-2 * MINUTE, -MINUTE))]
    survivor = first[2].merged_into or first[3].merged_into
    victim = next(unit.unit_id for unit in first if unit.unit_id != survivor)
    review = {
        "type": "review",
        "source_id": "r1",
        "time": iso(T0),
        "domain": DOMAIN,
        "unit_id": victim,
        "reviewer": "ann",
        "kind": "verdict",
        "verdict": "benign",
    }
    for name in (victim, survivor):
        pipeline = Pipeline(0)
        entries = [*bridge(-2 * MINUTE, -MINUTE), (60_000, [review | {"unit_id": name}]), *ticks(60_000)]
        last = revisions(*entries, (70_000, [review | {"unit_id": name}]), *ticks(80_000), pipeline=pipeline)[-1][1]
        assert (last.unit_id, last.reason, last.disposition, last.revision) == (survivor, "review", "benign", 3)
        assert [entry.id for entry in last.reviews] == ["r1"]
        assert derived(pipeline)
    refused = [o for o in fold(timeline((0, [review]))) if o.role == "dead-letters"]
    assert "no unit" in orjson.loads(refused[0].value)["reason"]


def test_the_end_of_a_replay_tells_what_waits_and_closes_nothing() -> None:
    """Each revision as if time had gone on to its moment; the settings that units name stay the same."""
    pipeline = Pipeline(0)
    seen = revisions(
        (0, [config(idle_close_ms=11_000), finding("f1", -MINUTE, IP)]),
        (5_000, [finding("f2", -MINUTE, HOST)]),
        pipeline=pipeline,
    )
    assert seen == []
    out: list[object] = []
    pipeline.flush(out)  # type: ignore[arg-type] # a list of outputs
    ended = units(out)  # type: ignore[arg-type]
    assert [(unit.reason, unit.updated_at.isoformat()) for unit in ended] == [
        ("opened", iso(T0 + 10_000)),
        ("opened", iso(T0 + 15_000)),
    ]
    assert {unit.provenance.config for unit in ended} == {pipeline.state.parameters.digest()}
    again: list[object] = []
    pipeline.flush(again)  # type: ignore[arg-type]
    assert again == []


def test_revisions_rise_by_one() -> None:
    """Over merges, changes and closes, no number is left out or used twice."""
    entries = [
        (0, [config(idle_close_ms=HOUR, scoring=False, reopen_ms=0)]),
        *bridge(-2 * MINUTE, -MINUTE),
        (50_000, [change("c1", -3 * MINUTE, HOST)]),
        *((60_000 + n * 3_000, [finding(f"g{n}", n * 1_000, HOST)]) for n in range(40)),
        *ticks(3 * HOUR, 4 * HOUR),
    ]
    numbers: dict[str, list[int]] = {}
    for _, unit in revisions(*entries):
        numbers.setdefault(unit.unit_id, []).append(unit.revision)
    assert len(numbers) == 2
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())

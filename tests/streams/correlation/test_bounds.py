"""What grows, and up to where: ids, signals, links, work. Counted, never timed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from schemas.events import EVENT
from schemas.parameters import Parameters
from streams.correlation.arrival import arrive
from streams.correlation.density import Density
from streams.correlation.seen import BUCKET_MS, CHUNK, Seen
from streams.correlation.signal import finding_signal
from streams.correlation.spread import MAX_ROWS, Spread
from streams.correlation.state import Domain
from streams.pipeline import Pipeline
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    SECOND,
    T0,
    config,
    finding,
    fold,
    record,
    restored,
    tables,
    tick,
    timeline,
    units,
)

IP = ("ip", "198.51.100.7")

OUTLIVES = {"spread", "seen ocsf", "newest ocsf", "repeats", "outcomes"}
"""What is known of sources, entities and patterns of noise, when no unit is left."""


class Writes(list[Any]):
    """A journal that counts what passes it, by table."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()

    def append(self, entry: Any) -> None:
        self.count[getattr(entry[0], "name", "seen")] += 1
        super().append(entry)


def counting(pipeline: Pipeline) -> Counter[str]:
    """From here on, the writes of every table of the fold."""
    journal = Writes()
    pipeline.state.journal = journal
    for domain in pipeline.state.domains.values():
        domain.journal = journal
        for each in (*domain.tables.values(), *domain.seen.values()):
            each.journal = journal
    return journal.count


def test_a_hundred_thousand_repeats_are_one_signal() -> None:
    """With the exact count, at the same few writes for each, and a handful of revisions."""
    pipeline = Pipeline(0)
    events = [EVENT.validate_python(finding(f"f{n}", n, IP, title="same", component="pay")) for n in range(100_000)]
    out: list[Any] = []
    now = pipeline.advance(T0, out)
    pipeline.fold(events[0], now, 0, out)
    pipeline.drain()
    writes = counting(pipeline)
    for number, event in enumerate(events[1:], 1):
        now = pipeline.advance(T0 + number, out)
        pipeline.fold(event, now, number, out)
    pipeline.flush(out)
    told = units(out)
    last = told[-1]
    assert last.signal_count == 100_000
    assert [(signal.count, signal.title) for signal in last.signals] == [(100_000, "same")]
    assert last.revision == len(told) <= 20
    assert writes["signals"] == 99_999
    assert writes["units"] <= 99_999 + 2 * len(told)
    assert writes["links"] <= 3 * 99_999
    assert len(pipeline.state.timers) <= 3
    (row,) = pipeline.state.domains[DOMAIN].signals.values()
    assert len(repr(row)) < 600
    rows = pipeline.drain()
    assert len(rows) < 100_000 / CHUNK + 100_000 / BUCKET_MS + 50


def test_repeats_without_a_specific_entity_are_one_signal_too() -> None:
    """The same statement about the same file, again and again, does not open a unit each time."""
    pipeline = Pipeline(0)
    same = [finding(f"f{n}", n * SECOND, ("file", "a.py"), title="same") for n in range(500)]
    other = finding("other", 0, ("file", "a.py"), title="other")
    found = units(fold(timeline((HOUR, [*same, other]), (2 * HOUR, [tick()])), pipeline))
    assert sorted(unit.signal_count for unit in found) == [1, 500]


def test_units_beyond_the_cap_close_once_though_they_come_in_one_record() -> None:
    """Those that are marked to close are not counted again until they are gone."""
    flood = [finding(f"f{n}", n, ("host", f"i-{n}"), title=f"t{n}") for n in range(600)]
    pipeline = Pipeline(0)
    fold([record(0, T0 + HOUR, config(max_units=160, scoring=False), *flood)], pipeline)
    domain = pipeline.state.domains[DOMAIN]
    assert 440 <= domain.gone["units"][0] <= 450
    assert len(domain.leaving) == domain.gone["units"][0]
    rows = dict(pipeline.drain())
    again = restored(rows, reversed(rows))
    again.next_due()
    assert again.state.domains[DOMAIN].leaving == domain.leaving
    for each in (pipeline, again):
        fold([record(1, T0 + HOUR + MINUTE, tick())], each)
        left = each.state.domains[DOMAIN]
        assert (len(left.units), left.leaving) == (600 - left.gone["units"][0], set())


def test_a_million_entities_leave_no_more_rows_than_a_domain_keeps() -> None:
    """Of each moment, and all in one bucket; what went is counted, and the index that spares look-ups shrinks too."""
    pipeline = Pipeline(0)
    spread = Spread(pipeline.state.domain(DOMAIN).table("spread"), gone := pipeline.state.domain(DOMAIN).gone)
    row = finding_signal(EVENT.validate_python(finding("f", 0, ("host", "i"))), T0)
    parameters = Parameters()
    most = 0
    for number in range(1_000_000):
        spread.add(("host", f"i-{number}"), row, "s", 0, parameters)
        if number % 50_000 == 0:
            most = max(most, len(spread.rows))
            pipeline.state.journal.clear()
            spread.rows.dirty.clear()
    assert max(most, len(spread.rows)) <= MAX_ROWS
    assert len(spread.rows) + gone["spread"][0] == 1_000_000
    assert len(spread.most) <= len(spread.rows)


@pytest.mark.parametrize("apart", [0, 1, 700_000])
def test_counts_of_detections_are_bounded(apart: int) -> None:
    """Ever other signatures at ever other places, in one moment or over days: neither table outgrows its limit."""
    pipeline = Pipeline(0)
    domain = pipeline.state.domain(DOMAIN)
    density = Density(domain.table("density"), domain.table("active"), domain.gone, limit=500)
    parameters = Parameters()
    like = finding_signal(EVENT.validate_python(finding("f", 0, kind="detection")), T0)
    for number in range(5_000):
        at = T0 + number * apart
        row = like._replace(first=at, last=at, source_id=f"f{number}", entities=(("host", f"i-{number}"),))
        density.note(row, f"s{number}", at, parameters)
        assert len(domain.table("density")) <= 502
        assert len(domain.table("active")) <= 500
    assert domain.gone["active"][0] == 5_000 - len(domain.table("active"))
    assert domain.gone["density"][0] == 10_000 - len(domain.table("density"))
    assert sum(map(len, density.buckets.values())) == len(domain.table("density"))


def test_a_full_unit_counts_what_it_is_told_again() -> None:
    """One more row for all that is said of ever other hosts, and no more links; all is gone when it closes."""
    pipeline = Pipeline(0)
    storm = [finding(f"f{n}", n, IP, ("host", f"i-{n}")) for n in range(1_500)]
    out = fold(timeline((HOUR, [config(idle_close_ms=HOUR, reopen_ms=0), *storm]), (HOUR + MINUTE, [tick()])), pipeline)
    (unit,) = units(out)
    assert (unit.signal_count, len(unit.signals), unit.truncated) == (1_500, 200, True)
    domain = pipeline.state.domains[DOMAIN]
    assert (len(domain.signals), len(domain.links)) == (1_001, 2_001)
    assert len(out[0].value) <= 262_144
    fold([record(9, 3 * HOUR, tick())], pipeline)
    assert {table for name, table in tables(pipeline) if name == DOMAIN} == OUTLIVES


def test_two_units_that_are_not_full_merge_though_together_they_are() -> None:
    """A unit may become up to twice as large by a merge; then it is full."""
    pipeline = Pipeline(0)
    host = ("host", "i-1")
    one = [finding(f"a{n}", n, IP) for n in range(8)]
    two = [finding(f"b{n}", n, host) for n in range(8)]
    bridge = finding("c", 0, IP, host)
    out = fold(timeline((HOUR, [config(max_signals=10), *one, *two]), (HOUR, [bridge]), (2 * HOUR, [tick()])), pipeline)
    (unit,) = units(out)
    assert (unit.signal_count, len(unit.signals), unit.truncated) == (17, 17, False)
    assert [row[23] for row in pipeline.state.domains[DOMAIN].units.values()] == [True]


def test_links_of_merged_units_go_with_the_survivor() -> None:
    """A chain of merges leaves no row that names a cluster which is gone."""
    pipeline = Pipeline(0)
    hosts = [("host", f"i-{n}") for n in range(20)]
    apart = [finding(f"f{n}", n, host) for n, host in enumerate(hosts)]
    joins = [finding(f"j{n}", n, hosts[n], hosts[n + 1]) for n in range(19)]
    fold(
        timeline(
            (0, [config(idle_close_ms=HOUR, reopen_ms=0), *apart]),
            (MINUTE, joins),
            (MINUTE, [tick()]),
            (2 * MINUTE, [tick()]),
        ),
        pipeline,
    )
    domain = pipeline.state.domains[DOMAIN]
    (cluster,) = domain.units
    assert {holder for line in domain.links.values() for _, _, holder in line} == {cluster}
    assert not domain.merged
    assert set(domain.cluster_of.values()) == {cluster}
    assert len(domain.cluster_of) == 20
    fold([record(9, 3 * HOUR, tick())], pipeline)
    assert {table for name, table in tables(pipeline) if name == DOMAIN} == OUTLIVES


LIMITS = Parameters(max_seen=1_000)


def taken(domain: Domain, source: str, times: range, name: str = "") -> Counter[str]:
    found: Counter[str] = Counter()
    for time in times:
        verdict, _ = arrive(domain, source, f"{name}{time}", time, 2**50, HOUR, LIMITS)
        found[verdict] += 1
    return found


def test_ids_are_bounded_by_domain() -> None:
    """The source with the most forgets its oldest; below its floor nothing is taken, so nothing is taken twice."""
    domain = Domain("d", [])
    assert taken(domain, "rare", range(T0, T0 + 50 * SECOND, SECOND)) == {"new": 50}
    assert taken(domain, "busy", range(T0, T0 + 5_000 * SECOND, SECOND)) == {"new": 5_000}
    busy, rare = domain.seen["busy"], domain.seen["rare"]
    assert len(busy.ids) + len(rare.ids) <= 1_000 + BUCKET_MS / SECOND
    assert (rare.evicted, busy.evicted) == (0, 5_000 - len(busy.ids))
    again = taken(domain, "busy", range(T0, T0 + 5_000 * SECOND, SECOND))
    assert again == {"too_late": busy.evicted, "duplicate": len(busy.ids)}
    assert taken(domain, "rare", range(T0, T0 + 50 * SECOND, SECOND)) == {"duplicate": 50}


def test_the_newest_bucket_is_never_forgotten() -> None:
    """Else a flood in one moment would refuse its own next event."""
    domain = Domain("d", [])
    for number in range(3_000):
        assert arrive(domain, "s", f"{number}", T0, 2**50, HOUR, LIMITS) == ("new", T0)
    assert arrive(domain, "s", "next", T0 + 1, 2**50, HOUR, LIMITS)[0] == "new"
    assert arrive(domain, "s", "0", T0, 2**50, HOUR, LIMITS)[0] == "duplicate"


def test_ids_go_with_the_retention() -> None:
    """A week behind the newest event of the source, in whole buckets."""
    domain = Domain("d", [])
    taken(domain, "s", range(T0, T0 + MINUTE, SECOND))
    taken(domain, "s", range(T0 + 7 * DAY + 30 * SECOND, T0 + 7 * DAY + 31 * SECOND, SECOND))
    assert len(domain.seen["s"].ids) == 31
    assert domain.seen["s"].floor == T0 + 30 * SECOND


def test_the_floor_survives_a_restore() -> None:
    """What was refused as too old before is refused after, although the ids that it displaced are gone."""
    pipeline = Pipeline(0)
    flood = [finding(f"f{n}", n * SECOND, severity=1) for n in range(1_200)]
    fold([record(0, HOUR, config(max_seen=1_000), *flood)], pipeline)
    rows = dict(pipeline.drain())
    again = restored(rows, reversed(rows))
    for each in (pipeline, again):
        before = Counter(each.counts)
        fold([record(1, HOUR, *flood)], each)
        assert each.counts - before == {
            "too_late": pipeline.state.domains[DOMAIN].seen["ocsf"].evicted,
            "duplicate": len(pipeline.state.domains[DOMAIN].seen["ocsf"].ids),
        }


@pytest.mark.parametrize("cuts", [1, 7, 64, 1000])
def test_the_rows_of_a_bucket_do_not_depend_on_commits(cuts: int) -> None:
    """Committed after every id or all at once, the changelog ends up with the same rows."""
    seen = Seen([])
    changelog = {}
    for number in range(200):
        seen.add(T0, f"id{number}")
        if number % cuts == 0:
            changelog.update(seen.drain())
    changelog.update(seen.drain())
    bucket = T0 // BUCKET_MS
    assert changelog == {
        f"{bucket}:{chunk}": tuple(f"id{n}" for n in range(chunk * CHUNK, min(200, (chunk + 1) * CHUNK)))
        for chunk in range(4)
    }
    seen.add(T0 + DAY, "later")
    seen.forget(T0 + HOUR)
    gone = seen.drain()
    assert [key for key, row in gone if row is None] == [f"{bucket}:{chunk}" for chunk in range(4)]


def test_more_than_a_thousand_different_signals_stay_one_unit() -> None:
    """Each distinct signal is listed up to the cap, and what is looked up for one does not grow with their number."""
    pipeline = Pipeline(0)
    events = [EVENT.validate_python(finding(f"f{n}", n, IP, ("host", f"i-{n}"))) for n in range(4_000)]
    out: list[Any] = []
    now = pipeline.advance(T0 + MINUTE, out)
    writes = counting(pipeline)
    for number, event in enumerate(events):
        pipeline.fold(event, now, number, out)
    assert len(pipeline.state.domains[DOMAIN].units) == 1
    assert sum(writes.values()) <= 14 * len(events)
    assert all(len(line) == 1 for line in pipeline.state.domains[DOMAIN].links.values())

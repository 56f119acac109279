"""Units that come apart, come back, are succeeded, and what reviewers join and cut."""

from __future__ import annotations

from typing import Any

from schemas.unit import Unit
from streams.pipeline import Pipeline
from streams.records import Output
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    SECOND,
    T0,
    Doc,
    config,
    final,
    finding,
    fold,
    iso,
    letters,
    record,
    restored,
    tables,
    tick,
    timeline,
    units,
)

IP, HOST, OTHER = ("ip", "198.51.100.7"), ("host", "i-1"), ("host", "i-2")


def review(name: str, unit_id: str, kind: str, **more: Any) -> Doc:
    fixed = {"type": "review", "source_id": name, "time": iso(T0), "domain": DOMAIN, "reviewer": "ann"}
    return fixed | {"unit_id": unit_id, "kind": kind} | more


ROLE = ("principal", "arn:aws:iam::111122223333:role/ci")


def jobs(count: int, first: int = 0) -> list[Doc]:
    """Detections of a build system's role: each job has a session, an address and a target of its own."""
    return [
        finding(
            f"f{n}",
            n * 10 * SECOND,
            ROLE,
            ("session", f"job-{n}"),
            ("ip", f"198.51.100.{n}"),
            ("resource", f"arn:aws:s3:::b-{n}"),
            kind="detection",
            rule=f"r{n}",
            title=f"t{n}",
        )
        for n in range(first, first + count)
    ]


def told(out: list[Output]) -> list[tuple[str, int, str, str]]:
    """Unit ids in the order of their first mention, with revision, reason and status."""
    names: dict[str, str] = {}
    return [(names.setdefault(u.unit_id, chr(97 + len(names))), u.revision, u.reason, u.status) for u in units(out)]


def test_a_closed_unit_is_reopened_within_six_hours_and_not_after() -> None:
    """The same id, the revisions go on, and the closing is taken back."""
    settings = config(idle_close_ms=HOUR, reopen_ms=6 * HOUR)
    out = fold(
        timeline(
            (0, [settings, finding("a", 0, IP)]),
            (HOUR, [tick()]),
            (HOUR + 10 * SECOND, [tick()]),
            (2 * HOUR, [finding("b", MINUTE, IP)]),
            (2 * HOUR + MINUTE, [tick()]),
            (3 * HOUR + 2 * MINUTE, [tick()]),
            (9 * HOUR + 3 * MINUTE, [finding("c", 2 * MINUTE, IP), tick()]),
            (10 * HOUR, [tick()]),
        )
    )
    assert told(out) == [
        ("a", 1, "opened", "open"),
        ("a", 2, "closed", "closed"),
        ("a", 3, "reopened", "open"),
        ("a", 4, "closed", "closed"),
        ("b", 1, "opened", "open"),
    ]
    assert units(out)[2].closed_at is None


def test_a_unit_that_has_lived_its_longest_has_a_successor() -> None:
    """It closes at thirty days although signals come; the next one opens a unit, and both name each other."""
    settings = config(max_life_ms=DAY, link_window_ms=2 * DAY)
    out = fold(
        timeline(
            (0, [settings, finding("a", 0, IP)]),
            (23 * HOUR, [finding("b", 0, IP, title="b")]),
            (25 * HOUR, [tick()]),
            (26 * HOUR, [finding("c", HOUR, IP, title="c")]),
            (27 * HOUR, [tick()]),
        )
    )
    last = list(final(units(out)).values())
    assert [(unit.status, unit.signal_count) for unit in last] == [("closed", 2), ("open", 1)]
    assert [(r.relation, r.unit_id) for r in last[0].related] == [("successor", last[1].unit_id)]
    assert [(r.relation, r.unit_id) for r in last[1].related] == [("predecessor", last[0].unit_id)]


def test_a_full_unit_has_a_successor_and_keeps_counting_its_own() -> None:
    """What is new goes to the successor; repeats of what it lists, and the same said of other things, stay."""
    many = [finding(f"f{n}", n, IP, title=f"t{n}", rule=f"r{n}") for n in range(12)]
    again = finding("again", 20, IP, title="t1", rule="r1")
    out = fold(timeline((HOUR, [config(max_signals=10), *many, again]), (2 * HOUR, [tick()])))
    last = sorted(final(units(out)).values(), key=lambda unit: -unit.signal_count)
    assert [unit.signal_count for unit in last] == [11, 2]
    assert last[1].related[0].relation == "predecessor"
    assert last[0].related[0].unit_id == last[1].unit_id


def test_a_role_that_everybody_uses_lets_go_of_what_it_held() -> None:
    """Five jobs were one unit by their role; when sixty had it they are told apart, whatever order they came in."""
    pipeline = Pipeline(0)
    out = fold(timeline((HOUR, jobs(5)), (HOUR + MINUTE, [tick()])), pipeline)
    (unit,) = units(out)
    assert unit.signal_count == 5
    out += fold([record(8, 2 * HOUR, *jobs(55, 5)), record(9, 3 * HOUR, tick())], pipeline)
    last = final(units(out))
    assert len(last) == 60
    assert last[unit.unit_id].signal_count == 1
    assert last[unit.unit_id].reason == "split"
    assert {relation.relation for relation in last[unit.unit_id].related} == {"split_into"}
    assert [reason.id for reason in last[unit.unit_id].not_joined] == [ROLE[1]]
    backwards = units(fold(timeline((2 * HOUR, jobs(60)[::-1]), (3 * HOUR, [tick()]))))
    assert {u.digest for u in final(backwards).values()} == {u.digest for u in last.values()}


def test_a_reviewers_split_keeps_the_larger_part_and_lasts() -> None:
    """The named signals leave into a unit of their own; later signals of the same address do not join them again."""
    first = [finding(name, 0, IP, HOST, title=name) for name in ("a", "b", "c")]
    pipeline = Pipeline(0)
    out = fold(timeline((0, first), (MINUTE, [tick()])), pipeline)
    (unit,) = units(out)
    leaving = [signal.id for signal in unit.signals if signal.title == "c"]
    more = fold(
        [
            record(2, 2 * MINUTE, review("r1", unit.unit_id, "split", signals=leaving)),
            record(3, 3 * MINUTE, tick()),
            record(4, 4 * MINUTE, finding("d", 0, IP, title="d")),
            record(5, 5 * MINUTE, tick()),
        ],
        pipeline,
    )
    last = final(units(out + more))
    assert sorted(u.signal_count for u in last.values()) == [1, 3]
    kept = last[unit.unit_id]
    assert kept.signal_count == 3
    assert [r.relation for r in kept.related] == ["split_into"]
    assert not letters(more)


def test_a_reviewers_merge_is_taken_back_whole() -> None:
    """Merge, then unmerge: the victim has its id again, its revisions go on, its review goes with it, and it stays."""
    pipeline = Pipeline(0)
    out = fold(timeline((0, [finding("a", -MINUTE, HOST), finding("b", 0, OTHER)]), (MINUTE, [tick()])), pipeline)
    one, two = sorted(units(out), key=lambda unit: unit.first_at)
    steps = [
        review("r0", two.unit_id, "comment", comment="mine"),
        review("r1", one.unit_id, "merge", other_unit_id=two.unit_id),
        review("r2", two.unit_id, "comment", comment="under the old name"),
        review("r3", one.unit_id, "unmerge", other_unit_id=two.unit_id),
    ]
    found: list[Unit] = []
    for number, step in enumerate(steps):
        at = (2 + 2 * number) * MINUTE
        out = fold([record(10 + number, at, step), record(20 + number, at + MINUTE, tick())], pipeline)
        assert not letters(out)
        found += units(out)
        if step["source_id"] == "r2":
            last = final(found)
            assert last[two.unit_id].status == "merged"
            assert last[one.unit_id].signal_count == 2
            assert [entry.id for entry in last[one.unit_id].reviews] == ["r0", "r1", "r2"]
    last = final(found)
    assert (last[two.unit_id].status, last[two.unit_id].signal_count) == ("open", 1)
    assert [entry.id for entry in last[two.unit_id].reviews] == ["r0", "r2"]
    assert two.unit_id not in last[one.unit_id].aliases
    life = [unit.revision for unit in found if unit.unit_id == two.unit_id]
    assert life == sorted(set(life))
    out = fold([record(40, HOUR, finding("c", 0, HOST, OTHER)), record(41, 2 * HOUR, tick())], pipeline)
    assert {unit.unit_id: unit.status for unit in units(out)} == {one.unit_id: "open"}
    rows = dict(pipeline.drain())
    again = restored(rows, reversed(rows))
    assert again.next_due() == pipeline.next_due()
    assert tables(again) == tables(pipeline)


def test_what_cannot_be_taken_back_is_refused_with_its_reason() -> None:
    """Reviews of what is not there, or not so, are dead letters."""
    pipeline = Pipeline(0)
    (unit,) = units(fold(timeline((0, [finding("a", 0, IP)]), (MINUTE, [tick()])), pipeline))
    wrong = [
        review("r1", unit.unit_id, "merge", other_unit_id="wu-none"),
        review("r2", unit.unit_id, "merge", other_unit_id=unit.unit_id),
        review("r3", unit.unit_id, "split", signals=["none"]),
        review("r4", unit.unit_id, "split", signals=[signal.id for signal in unit.signals]),
        review("r5", unit.unit_id, "unmerge", other_unit_id="wu-none"),
    ]
    reasons = [letter["reason"] for letter in letters(fold([record(5, 2 * MINUTE, *wrong)], pipeline))]
    assert len(reasons) == 5
    assert ["wu-none" in reasons[0], "one unit already" in reasons[1], "no signal" in reasons[2]] == [True] * 3


def test_too_many_units_close_the_idle_ones_counted() -> None:
    """A flood of distinct entities is bounded: the units idle longest close, and it is said how many."""
    pipeline = Pipeline(0)
    flood = [finding(f"f{n}", n, ("host", f"i-{n}"), title=f"t{n}") for n in range(2_000)]
    log = timeline((HOUR, [config(max_units=160, scoring=False)]), *((HOUR + n, [d]) for n, d in enumerate(flood)))
    fold(log, pipeline)
    out = fold([record(9_999, 2 * HOUR, tick())], pipeline)
    domain = pipeline.state.domains[DOMAIN]
    assert len(domain.units) <= 160
    assert domain.gone["units"][0] >= 1_800
    assert out


def test_a_routine_repeat_goes_on_with_the_one_before_it_and_with_no_other() -> None:
    """Two sessions on a busy host stay two units though a repeat that is routine by then comes hours within both."""
    beats = [*range(0, 12 * 600, 600), 12 * 600 + 560, 12 * 600 + 596]
    host = ("host", "i-1")
    busy = [(12 * 600 + 100 + 5 * n, f"other {n}") for n in range(60)]
    told = sorted([*((at, "beat") for at in beats), *busy, (13 * 600 + 5, "beat")])
    start = -T0 % DAY  # buckets begin with the day
    findings = [
        finding(f"f{at}", start + at * SECOND, host, kind="detection", title=title, rule=title) for at, title in told
    ]
    pipeline = Pipeline(0)
    fold(timeline((start + DAY, [config(scoring=False), *findings])), pipeline)
    domain = pipeline.state.domains[DOMAIN]
    last = {
        (row.first - T0 - start) // SECOND: (row.times, key.partition("\x1f")[0])
        for key, row in domain.signals.items()
        if row.title == "beat" and row.first >= T0 + start + 12 * 600 * SECOND
    }
    assert [(at, times) for at, (times, _) in sorted(last.items())] == [(12 * 600 + 560, 1), (12 * 600 + 596, 2)]
    assert len({unit for _, unit in last.values()}) == 2

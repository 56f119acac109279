"""Suppression in the fold: what leaves for the other topic, what never does, and what each topic is told."""

from __future__ import annotations

from typing import Any

import pytest

from streams.cli.suppressed import by_pattern, hidden_by
from streams.correlation.suppression.shown import patterns_of
from streams.pipeline import Pipeline
from streams.records import Output
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    SECOND,
    finding,
    letters,
    record,
    restored,
    tick,
)
from tests.streams.correlation.suppression.fold import CATALOG, JUDGED, Bench, copy, noise, places, read, review


@pytest.fixture(scope="module")
def judged() -> Bench:
    """What reviewers said is enough: not to be folded on by a test, but by its copies."""
    return Bench().judged()


def test_reviews_in_the_log_hide_what_they_judged(judged: Bench) -> None:
    """On the third day evidence is enough: what comes is never told to the queue, what waits there leaves."""
    revisions = read(judged.outputs)
    days = {unit.first_at.isoformat()[:10] for unit in revisions}
    assert days == {"2025-01-01", "2025-01-02", "2025-01-03"}
    opened = [unit for unit in revisions if unit.reason == "opened"]
    kept = [unit for unit in opened if unit.suppression is None]
    hidden = [unit for unit in opened if unit.suppression is not None]
    assert {unit.first_at.isoformat()[:10] for unit in hidden} == {"2025-01-03"}
    assert len(kept) + len(hidden) == JUDGED
    assert len(hidden) > 5
    suppression = hidden[0].suppression
    assert suppression is not None
    assert (suppression.owner, suppression.sampled) == ("weir", False)
    assert suppression.reason == "seen again and again, judged to be nothing, never escalated"
    assert suppression.expires is not None
    assert (suppression.expires - suppression.since).days == 30
    evidence = {factor.name: factor.value for factor in suppression.evidence}
    assert (evidence["reviewers"], evidence["days"], evidence["escalations"]) == (2, 3, 0)
    assert evidence["verdicts"] >= 30
    primary = {(unit.unit_id, unit.revision) for unit in read(judged.outputs, "units")}
    assert all((unit.unit_id, unit.revision) not in primary for unit in hidden)
    left = [unit for unit in revisions if unit.reason == "suppression"]
    assert {unit.unit_id for unit in left} == {unit.unit_id for unit in kept}
    for unit in left:
        assert unit.suppression is not None
        assert unit.diff is not None
        assert unit.diff.text.startswith("left the primary queue until 2025-02-02 by weir: falco: SCAN")
        assert unit.diff.fields == ("suppression",)


def test_the_revision_that_leaves_is_told_to_both_topics(judged: Bench) -> None:
    """As one record, so that a reader of the queue learns that it left; later ones only where it is."""
    bench = copy(judged)
    out = [output for output in judged.outputs if b'"reason":"suppression"' in output.value]
    for one, other in zip(out[::2], out[1::2], strict=True):
        assert (one.role, other.role) == ("suppressed", "units")
        assert one[1:] == other[1:]
    out = bench.after(HOUR, noise(44, bench.now, source_id="again"))
    out += bench.after(MINUTE, tick())
    assert places(out) == ["suppressed"]
    (unit,) = read(out)
    assert (unit.reason, unit.signal_count, unit.revision) == ("signal", 2, 3)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"kev": True}, "known to be exploited"),
        ({"severity": 5}, "severity critical"),
        ({"severity": 6}, "severity fatal"),
        ({"severity": 4, "component": "shop"}, "high severity and reachable from the internet"),
    ],
)
def test_what_must_never_be_hidden_stays(more: dict[str, Any], why: str) -> None:
    """Exploited, critical, or high and reachable from the internet: a suppression of its pattern changes nothing."""
    bench = Bench()
    assert places(bench.after(0, CATALOG)) == []
    quiet = {"component": "shop"} if "component" in more else {}
    unit = bench.suppressed(**quiet)
    assert unit.suppression is not None
    bench.after(3 * HOUR, tick())
    assert places(bench.opened(noise(1, bench.now, **quiet))) == ["suppressed"]
    bench.after(3 * HOUR, tick())
    out = bench.opened(noise(2, bench.now, **more))
    assert places(out) == ["units"]
    (kept,) = read(out)
    assert kept.suppression is None
    bench.after(3 * HOUR, review("s2", bench.now, kept.unit_id, "suppress", comment="away with it"))
    again = bench.after(MINUTE, tick())
    assert [each.unit_id for each in read(again, "units")] == [kept.unit_id]
    assert {each.unit_id for each in read(again, "suppressed")} >= {unit.unit_id}  # until a later date now
    last = bench.opened(noise(3, bench.now, **quiet))
    assert places(last) == ["suppressed"]
    bench.after(0, noise(3, bench.now, source_id="worse", **more))
    out = bench.after(MINUTE, tick())
    assert places(out) == ["units", "suppressed"]
    (back,) = read(out)
    assert (back.unit_id, back.reason, back.suppression) == (read(last)[0].unit_id, "signal", None)
    assert back.diff is not None
    assert f"back in the primary queue: {why}" in back.diff.text


def test_a_sample_is_surfaced_and_says_so() -> None:
    """At a share of a half about half of the units stay in the queue, with the suppression and the word ``sampled``."""
    bench = Bench(suppress_sample=0.5)
    bench.suppressed()
    out: list[Output] = []
    for number in range(1, 41):
        out += bench.opened(noise(number, bench.now))
    queue = read(out, "units")
    assert 10 <= len(queue) <= 30
    assert len(read(out)) == 40 == len(places(out))
    assert all(unit.suppression is not None and unit.suppression.sampled for unit in queue)
    aside = read(out, "suppressed")
    assert all(unit.suppression is not None and not unit.suppression.sampled for unit in aside)


def test_a_merged_unit_says_so_where_it_was() -> None:
    """Two hidden units that become one: the farewell of the one is for the topic in which its readers know it."""
    bench = Bench()
    bench.suppressed()
    bench.opened(noise(1, bench.now))
    bridge = finding("b", bench.now, ("host", "h0"), ("host", "h1"), severity=3, title="Port scan", rule="SCAN")
    out = bench.after(SECOND, bridge) + bench.after(MINUTE, tick())
    assert sorted((unit.reason, unit.status) for unit in read(out)) == [("merged", "merged"), ("merged", "open")]
    assert places(out) == ["suppressed", "suppressed"]


def test_a_revision_that_would_say_nothing_new_is_not_made() -> None:
    """Units that have the pattern but are kept by another are asked again when it begins, and not told about it."""
    bench = Bench()
    bench.opened(noise(5, bench.now))
    bench.after(SECOND, noise(5, bench.now, source_id="y", rule="SHELL"))
    bench.after(MINUTE, tick())
    before = len(bench.outputs)
    left = bench.suppressed()
    mixed = [unit for unit in read(bench.outputs[before:]) if unit.unit_id != left.unit_id]
    assert mixed == []


def test_a_pattern_that_nobody_saw_is_refused() -> None:
    """A review of an unknown pattern, or of one in another domain, is a dead letter that says so."""
    bench = Bench()
    pattern = patterns_of(bench.suppressed().suppression)[0]  # type: ignore[arg-type] # it is suppressed
    for odd in ({"pattern": "0" * 16}, {"pattern": pattern, "domain": "system:web"}):
        bench.after(HOUR, review("u", bench.now, "", "unsuppress", **odd))
    one, other = letters(bench.outputs)
    assert one["reason"] == f"no pattern {'0' * 16} is known in {DOMAIN}"
    assert other["reason"] == f"no pattern {pattern} is known in system:web"
    assert places(bench.after(MINUTE, tick())) == []


def test_what_was_hidden_is_told_from_the_topics(judged: Bench) -> None:
    """By pattern with numbers, owner and end; and by its id every unit that it hid, also those that came back."""
    bench = copy(judged)
    units = [*read(judged.outputs, "suppressed"), *read(judged.outputs, "units")]
    (pattern,) = by_pattern(units)
    ids = {unit.unit_id for unit in units}
    assert (pattern.now, pattern.ever, pattern.owner) == (ids, ids, "weir")
    assert pattern.signals == JUDGED
    told = hidden_by(pattern.pattern, units)
    assert {unit.unit_id for unit, where in told if where == "hidden"} == ids
    out = bench.after(HOUR, review("u", bench.now, "", "unsuppress", pattern=pattern.pattern))
    out += bench.after(MINUTE, tick())
    units += [*read(out, "suppressed"), *read(out, "units")]
    assert {(unit.unit_id, where) for unit, where in hidden_by(pattern.pattern, units)} == {
        (unit_id, "came back") for unit_id in ids
    }
    assert [each.now for each in by_pattern(units)] == [set()]


@pytest.mark.parametrize("cut", [1, 4, 9])
def test_a_restored_fold_goes_on_the_same(judged: Bench, cut: int) -> None:
    """Dumped and taken back every few records, with suppressions in force, it writes the same bytes and rows."""
    log = [*judged.log, record(9_000, judged.now + HOUR, noise(500, judged.now + HOUR))]
    log += [record(9_001 + day, judged.now + day * DAY, tick()) for day in range(1, 40)]
    whole, parts = Pipeline(0), Pipeline(0)
    expected = [output for each in log for output in whole.step(each)]
    changelog: dict[bytes, bytes | None] = {}
    found: list[Output] = []
    for number, each in enumerate(log):
        found += parts.step(each)
        if number % (cut * 7) == 0:
            changelog.update(parts.drain())
            parts = restored(changelog, sorted(changelog, key=lambda key: key[::-1]))
    assert found == expected
    assert {output.role for output in found} >= {"units", "suppressed"}
    changelog.update(parts.drain())
    rows = {key: value for key, value in changelog.items() if value is not None}
    assert rows == {key: value for key, value in whole.drain() if value is not None}


def test_a_merge_that_is_taken_back_at_once_moves_nothing() -> None:
    """A unit that was never told to have gone into another is, when it is by itself again, where it was."""
    bench = Bench()
    one = bench.suppressed()
    bench.after(3 * HOUR, tick())
    (other,) = read(bench.opened(noise(1, bench.now)))
    merged = review("m", bench.now, one.unit_id, "merge", other_unit_id=other.unit_id)
    parted = review("p", bench.now, one.unit_id, "unmerge", other_unit_id=other.unit_id)
    out = bench.after(SECOND, merged, parted) + bench.after(MINUTE, tick())
    assert {unit.unit_id for unit in read(out)} == {one.unit_id, other.unit_id}
    assert set(places(out)) == {"suppressed"}
    assert letters(bench.outputs) == []
    assert (
        bench.pipeline.state.domain(DOMAIN).patterns.carried.keys() == bench.pipeline.state.domain(DOMAIN).units.keys()
    )

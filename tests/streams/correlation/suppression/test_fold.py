"""Suppression in the fold: from findings and reviews in the log to records of both topics."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.unit import Unit
from streams.cli.suppressed import by_pattern, hidden_by
from streams.correlation.suppression.shown import patterns_of
from streams.pipeline import Pipeline
from streams.records import LogRecord, Output
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    SECOND,
    T0,
    Doc,
    config,
    finding,
    iso,
    letters,
    record,
    restored,
    tick,
)

REVIEWERS = ("ada", "ben")
JUDGED = 45
"""Verdicts that are plenty, over three days."""

KEPT = {"suppress_sample": 0.0, "idle_close_ms": 60 * DAY, "max_life_ms": 90 * DAY}


def noise(number: int, at: int, **more: Any) -> Doc:
    """A finding of the noisy rule, on a host of its own, so a unit of its own."""
    fields: Doc = {"severity": 3, "title": "Port scan", "rule": "SCAN"}
    return finding(f"n{number}", at, ("host", f"h{number}"), **(fields | more))


def review(name: str, at: int, unit_id: str, kind: str = "verdict", **more: Any) -> Doc:
    fields = {"type": "review", "source_id": name, "time": iso(T0 + at), "domain": DOMAIN, "unit_id": unit_id}
    verdict = {"verdict": "benign"} if kind == "verdict" else {}
    return fields | {"reviewer": REVIEWERS[sum(name.encode()) % 2], "kind": kind} | verdict | more


class Bench:
    """A fold of numbered records, with a tick wherever something is due, whose log and outputs are kept."""

    def __init__(self, **settings: Any) -> None:
        self.pipeline = Pipeline(0)
        self.now = 0
        self.outputs: list[Output] = []
        self.log: list[LogRecord] = []
        self.at(0, config(**(KEPT | settings)))

    def at(self, at: int, *events: Doc) -> list[Output]:
        """What comes out until a time after T0, at which the events are folded."""
        out: list[Output] = []
        while (due := self.pipeline.next_due()) is not None and due - T0 < at:
            out += self._fold(max(self.now, due - T0), tick())
        return out + self._fold(at, *events)

    def after(self, gap: int, *events: Doc) -> list[Output]:
        """The same, so long after the last record."""
        return self.at(self.now + gap, *events)

    def _fold(self, at: int, *events: Doc) -> list[Output]:
        self.now = at
        self.log.append(record(len(self.log), at, *events))
        out = self.pipeline.step(self.log[-1])
        self.outputs += out
        return out

    def opened(self, event: Doc) -> list[Output]:
        """What comes out for an event that makes a unit."""
        return self.after(SECOND, event) + self.after(MINUTE, tick())

    def judged(self, verdict: str = "benign", **more: Any) -> Bench:
        """Units of the noise, fifteen on each of three days, each with a verdict a minute after it came."""
        for number in range(JUDGED):
            self.at(number // 15 * DAY + number % 15 * 10 * MINUTE, noise(number, self.now, **more))
            (unit,) = [unit for unit in read(self.after(MINUTE, tick())) if unit.reason == "opened"]
            self.after(0, review(f"r{number}", self.now, unit.unit_id, verdict=verdict))
        self.after(MINUTE, tick())
        return self

    def suppressed(self, **more: Any) -> Unit:
        """A unit of the noise that a reviewer suppressed; its last revision."""
        (unit,) = read(self.opened(noise(0, self.now + SECOND, **more)))
        self.after(SECOND, review("s", self.now, unit.unit_id, "suppress", comment="nightly scan"))
        (left,) = read(self.after(MINUTE, tick()))
        return left


def read(outputs: list[Output], role: str | None = None) -> list[Unit]:
    """Revisions of one topic, or of both each once, in order."""
    found: dict[str, Unit] = {}
    for output in outputs:
        if output.role in ("units", "suppressed") and role in (None, output.role):
            unit = Unit.model_validate_json(output.value)
            found[f"{unit.unit_id}:{unit.revision}"] = unit
    return list(found.values())


def places(outputs: list[Output]) -> list[str]:
    """The topics of the records of units, in order."""
    return [output.role for output in outputs if output.role in ("units", "suppressed")]


@pytest.fixture(scope="module")
def judged() -> Bench:
    """What reviewers said is enough: not to be folded on by a test, but by its copies."""
    return Bench().judged()


def copy(bench: Bench) -> Bench:
    """The same fold, from its changelog."""
    other = Bench.__new__(Bench)
    other.__dict__.update(bench.__dict__)
    changelog: dict[bytes, bytes | None] = {}
    pipeline = Pipeline(0)
    for each in bench.log:
        pipeline.step(each)
    changelog.update(pipeline.drain())
    other.pipeline = restored(changelog, reversed(changelog))
    other.outputs, other.log = [], list(bench.log)
    return other


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


CATALOG = {
    "type": "context", "kind": "catalog", "key": "component:default/shop", "record": {"tags": ["internet-facing"]},
    "origin": ["raw", 0, 0, 0],
}  # fmt: skip


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


def test_another_kind_of_signal_brings_the_unit_back_whole() -> None:
    """With all its signals, those that came while it was hidden included."""
    bench = Bench()
    unit = bench.suppressed()
    for number in range(3):
        assert places(bench.after(MINUTE, noise(0, bench.now, source_id=f"m{number}"))) in ([], ["suppressed"])
    out = bench.after(MINUTE, noise(0, bench.now, source_id="x", rule="SHELL", title="Shell in container"))
    out += bench.after(MINUTE, tick())
    *hidden, back = read(out)
    assert places(out)[-2:] == ["units", "suppressed"]
    assert all(each.suppression is not None for each in hidden)
    assert (back.unit_id, back.signal_count, back.suppression) == (unit.unit_id, 5, None)
    assert {signal.title for signal in back.signals} == {"Port scan", "Shell in container"}
    assert back.diff is not None
    assert "not suppressed: falco: SHELL" in back.diff.text


def test_unsuppress_brings_all_of_them_back_as_of_then(judged: Bench) -> None:
    """One review of a pattern: every unit that it hid is in the queue again with its next revision, whole."""
    bench = copy(judged)
    hidden = {unit.unit_id: unit for unit in read(judged.outputs)}
    assert all(unit.suppression is not None for unit in hidden.values())
    (grown,) = [unit.unit_id for unit in hidden.values() if unit.entities[0].id == "h44"]
    bench.after(HOUR, noise(44, bench.now, source_id="again"))
    suppression = hidden[grown].suppression
    assert suppression is not None
    undo = review("u", bench.now + HOUR, "", "unsuppress", pattern=suppression.pattern, comment="audit")
    out = bench.after(HOUR, undo) + bench.after(MINUTE, tick())
    back = read(out, "units")
    assert {unit.unit_id for unit in back} == hidden.keys()
    assert places(out).count("suppressed") == len(hidden) + 1  # each of them, and the one that grew meanwhile
    for unit in back:
        assert (unit.reason, unit.suppression) == ("suppression", None)
        assert unit.diff is not None
        assert "took back the suppression of falco: SCAN about host (from ocsf): audit" in unit.diff.text
        assert unit.signal_count == (2 if unit.unit_id == grown else 1)
        assert unit.signals
    assert letters(bench.outputs) == []
    assert places(bench.opened(noise(77, bench.now))) == ["units"]


def test_it_ends_by_the_clock_alone() -> None:
    """On the day that the suppression ends, by a tick, its units are back, each once."""
    bench = Bench(suppress_longest_ms=2 * DAY)
    unit = bench.suppressed()
    assert unit.suppression is not None
    assert unit.suppression.expires is not None
    end = round(unit.suppression.expires.timestamp() * 1000)
    assert bench.pipeline.next_due() == end
    out = bench.at(end - T0 - 1, tick())
    assert places(out) == []
    out = bench.at(end - T0, tick())
    assert places(out) == ["units", "suppressed"]
    (back,) = read(out)
    assert (back.reason, back.suppression) == ("suppression", None)
    assert back.diff is not None
    assert back.diff.text.startswith("back in the primary queue: the suppression ended on 2025-01-03: falco: SCAN")
    assert places(bench.at(end - T0 + DAY, tick())) == []


def test_what_is_learnt_to_be_exploited_comes_back() -> None:
    """A CVE that enters the catalogue of exploited ones, and a component that is exposed from now on, by themselves."""
    bench = Bench()
    unit = bench.suppressed(rule="CVE-2024-1", kind="vulnerability", severity=4, component="shop")
    assert places(bench.after(HOUR, CATALOG | {"key": "component:default/other"}) + bench.after(MINUTE, tick())) == []
    other = {"kind": "kev", "key": "CVE-2024-2", "record": {"added": "2025-01-01"}}
    assert places(bench.after(HOUR, CATALOG | other) + bench.after(MINUTE, tick())) == []
    out = bench.after(HOUR, CATALOG) + bench.after(MINUTE, tick())
    assert places(out) == ["units", "suppressed"]
    assert [each.unit_id for each in read(out)] == [unit.unit_id]
    out = bench.after(HOUR, CATALOG | {"record": None}) + bench.after(MINUTE, tick())
    listed = {"kind": "kev", "key": "CVE-2024-1", "record": {"added": "2025-01-01"}}
    bench = Bench()
    unit = bench.suppressed(rule="cve-2024-1", kind="vulnerability", severity=4)
    out = bench.after(HOUR, CATALOG | listed) + bench.after(MINUTE, tick())
    assert places(out) == ["units", "suppressed"]
    (back,) = read(out)
    assert (back.unit_id, back.reason) == (unit.unit_id, "suppression")
    assert back.diff is not None
    assert "known to be exploited" in back.diff.text


def test_escalation_and_a_true_positive_end_it(judged: Bench) -> None:
    """An escalation brings back everything that evidence alone hid; so do verdicts that it was something."""
    hidden = sorted(read(judged.outputs), key=lambda unit: unit.revision)
    ids = {unit.unit_id for unit in hidden}
    bench = copy(judged)
    out = bench.after(HOUR, review("e", bench.now, hidden[0].unit_id, "escalate")) + bench.after(MINUTE, tick())
    assert {unit.unit_id for unit in read(out, "units")} == ids
    bench = copy(judged)
    out = []
    for number in range(8):
        verdict = review(f"t{number}", bench.now, sorted(ids)[number], verdict="true_positive")
        out += bench.after(HOUR, verdict) + bench.after(MINUTE, tick())
    assert {unit.unit_id for unit in read(out, "units")} == ids


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


def test_settings_that_ask_for_more_end_what_they_would_not_begin(judged: Bench) -> None:
    """Other thresholds in force: what evidence hid comes back if it is not enough for them; a reviewer's stays."""
    bench = copy(judged)
    ids = {unit.unit_id for unit in read(judged.outputs)}
    out = bench.after(HOUR, config(**KEPT, suppress_automatic=False)) + bench.after(MINUTE, tick())
    assert {unit.unit_id for unit in read(out, "units")} == ids
    assert all("only reviewers suppress" in (unit.diff.text if unit.diff else "") for unit in read(out))
    bench = Bench()
    bench.suppressed()
    out = bench.after(HOUR, config(**KEPT, suppress_automatic=False)) + bench.after(MINUTE, tick())
    assert places(out) == []


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

"""What brings suppressed units back to the queue, whole and with the reason."""

from __future__ import annotations

import pytest

from tests.streams.correlation.build import (
    DAY,
    HOUR,
    MINUTE,
    T0,
    config,
    letters,
    tick,
)
from tests.streams.correlation.suppression.fold import CATALOG, KEPT, Bench, copy, noise, places, read, review


@pytest.fixture(scope="module")
def judged() -> Bench:
    """What reviewers said is enough: not to be folded on by a test, but by its copies."""
    return Bench().judged()


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

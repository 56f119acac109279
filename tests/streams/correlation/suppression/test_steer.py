"""Which reviews concern suppression, and what they do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.events import Review
from streams.correlation.suppression.pattern import pattern_of
from streams.correlation.suppression.steer import reviewed

from .build import DAY, EASY, NOON, Bench, look, signal

SCAN = pattern_of(signal()).id
AT = datetime.fromtimestamp(NOON / 1000, UTC)


def review(kind: str, **fields: Any) -> Review:
    row = {"source_id": "r", "time": AT, "domain": "d", "unit_id": "wu-1", "reviewer": "ada", "kind": kind}
    return Review.model_validate(row | fields)


@pytest.fixture
def bench() -> Bench:
    """Two units in the queue: one of a pattern, one of that and another."""
    bench = Bench()
    bench.patterns.decide("c1", look("wu-1"), [signal()], NOON, EASY)
    bench.patterns.decide("c2", look("wu-2"), [signal(), signal("Odd DNS name")], NOON, EASY)
    return bench


def test_a_unit_is_suppressed_with_all_its_patterns_and_brought_back(bench: Bench) -> None:
    """Named by the unit; the owner is the reviewer, the reason the comment; what shares a pattern is asked again."""
    end = AT + timedelta(days=2)
    patterns = bench.patterns
    assert reviewed(patterns, review("suppress", comment="x", expires=end), "c2", "wu-2", NOON, EASY) == ["c1", "c2"]
    found = patterns.decide("c2", look("wu-2"), [signal(), signal("Odd DNS name")], NOON, EASY).suppression
    assert found is not None
    assert (found.owner, found.reason, found.expires) == ("ada", "x", end)
    assert patterns.decide("c1", look("wu-1"), [signal()], NOON, EASY).suppression is not None
    later = review("unsuppress", source_id="s", time=AT + timedelta(hours=1))
    assert reviewed(patterns, later, "c2", "wu-2", NOON + DAY, EASY) == ["c1", "c2"]
    assert patterns.decide("c1", look("wu-1"), [signal()], NOON + DAY, EASY).suppression is None


def test_a_pattern_is_suppressed_by_its_id_without_a_unit(bench: Bench) -> None:
    """Only what has nothing else is hidden by it."""
    by_id = review("suppress", pattern=SCAN, unit_id="")
    assert reviewed(bench.patterns, by_id, None, "", NOON, EASY) == ["c1", "c2"]
    assert bench.patterns.decide("c1", look("wu-1"), [signal()], NOON, EASY).suppression is not None
    both = [signal(), signal("Odd DNS name")]
    assert bench.patterns.decide("c2", look("wu-2"), both, NOON, EASY).suppression is None


def test_verdicts_and_escalations_are_evidence_and_the_rest_is_not(bench: Bench) -> None:
    """A comment, an approval or an override says nothing about a pattern; nor does a verdict on what is gone."""
    before = bench.dump()
    for other in (review("comment", comment="x"), review("approval"), review("override", field="owner", value="x")):
        assert reviewed(bench.patterns, other, "c1", "wu-1", NOON, EASY) == []
    assert reviewed(bench.patterns, review("verdict", verdict="benign"), None, "", NOON, EASY) == []
    assert bench.dump() == before
    reviewed(bench.patterns, review("verdict", verdict="benign"), "c1", "wu-1", NOON, EASY)
    reviewed(bench.patterns, review("escalate", source_id="e"), "c2", "wu-2", NOON, EASY)
    tally = bench.patterns.evidence.tally(SCAN, NOON, EASY, None, None)
    assert (tally.verdicts, tally.escalations) == (1, 1)

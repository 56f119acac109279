"""The measurement of rules runs on every size; what the figures are is no test's business."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from typer.testing import CliRunner

from streams.bench import events, rules
from streams.cli import app
from streams.sigma.load import load


def test_rules_are_measured_at_every_size() -> None:
    """Each size has a cost, a rate and the fields that are looked at, beside what parsing takes."""
    done = CliRunner().invoke(
        app, ["bench", "rules", "--events", "500", "--rules", "5", "--rules", "40", "--repetitions", "1", "--json"]
    )
    assert done.exit_code == 0, done.output
    result = orjson.loads(done.stdout)
    assert [level["rules"] for level in result["levels"]] == [5, 40]
    assert all(level["event"]["median"] > 0 and level["fields"] >= 1 for level in result["levels"])
    assert result["parse"]["median"] > 0


def test_the_measured_rules_are_the_same_each_time_and_meet_events() -> None:
    """Seeded texts, all of which compile, and some of which are about calls that the events have."""
    given = events.synthetic(300, datetime(2026, 3, 2, tzinfo=UTC))
    seen = sorted({(event["eventSource"], event["eventName"]) for event in map(orjson.loads, given.records)})
    assert rules.texts(50, seen) == rules.texts(50, seen)
    loaded = load([(str(n), text) for n, text in enumerate(rules.texts(300, seen))])
    assert (len(loaded.rules), loaded.faults) == (300, ())
    names = {name.lower() for _, name in seen}
    assert any(name in str(rule.node).lower() for rule in loaded.rules for name in names)

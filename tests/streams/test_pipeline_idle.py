"""Units that close after a silence that rules say: shorter or longer than the usual one, of several the longest."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.parameters import Parameters
from streams.correlation.rules.rule_set import compile_rules
from streams.pipeline import Pipeline
from tests.streams.correlation.build import (
    DAY,
    HOUR,
    MINUTE,
    Doc,
    activity,
    config,
    derived,
    finding,
    fold,
    record,
    restored,
    tables,
    tick,
    units,
)


def rule(name: str, idle_close: str | None, action: str) -> Doc:
    """Fires on every call of an action, for the address."""
    fixed = {"version": 1, "title": name, "kind": "count", "at_least": 1, "timespan": "60s", "group_by": "ip"}
    steps = [{"id": "call", "where": {"action": action}}]
    return {"name": name, "steps": steps} | fixed | ({} if idle_close is None else {"idle_close": idle_close})


RULES = [rule("short", "2d", "x:Short"), rule("long", "20d", "x:Long"), rule("plain", None, "x:Plain")]


def calls(*names: str, at: int = 0) -> list[Doc]:
    return [activity(f"{n}-{at}", at, "ann", f"x:{n}", entities=[("ip", "198.51.100.7")]) for n in names]


def closes(*names: str, **settings: Any) -> float:
    """Days of silence after which a unit with these matches closes, ``names`` first in that order."""
    pipeline = Pipeline(0)
    fold([record(0, 0, config(rules=RULES, scoring=False, **settings), *calls(*names))], pipeline)
    for hour in range(1, 31 * 24):
        for unit in units(fold([record(hour, hour * HOUR, tick())], pipeline)):
            if unit.status == "closed":
                return hour / 24
    raise AssertionError("never")


@pytest.mark.parametrize(
    ("names", "days"),
    [
        (["Short"], 2),
        (["Long"], 20),
        (["Plain"], 14),
        (["Short", "Plain"], 2),
        (["Short", "Long"], 20),
        (["Long", "Short"], 20),
    ],
)
def test_a_unit_closes_when_its_rules_say(names: list[str], days: int) -> None:
    """Two days by rule instead of 14, or 20; of several rules that say something, the longest."""
    assert closes(*names) == days


def test_the_longest_life_ends_a_unit_whatever_rules_say() -> None:
    """A rule keeps no unit open beyond ``max_life_ms``."""
    assert closes("Long", max_life_ms=5 * DAY) == 5


def test_the_silence_holds_in_a_merged_unit_and_goes_with_a_split() -> None:
    """A unit that took a match in by a merge has its silence; the part that is cut off from it has not."""
    other = [finding("f", 0, ("host", "i-1")), finding("g", 0, ("host", "i-1"), ("ip", "198.51.100.7"), title="g")]
    pipeline = Pipeline(0)
    out = fold(
        [
            record(0, 0, config(rules=RULES, scoring=False), *calls("Short"), other[0]),
            record(1, MINUTE, other[1]),
            record(2, 2 * MINUTE, tick()),
        ],
        pipeline,
    )
    (whole,) = [unit for unit in {u.unit_id: u for u in units(out)}.values() if unit.status == "open"]
    rows = [row.idle for row in pipeline.state.domains[whole.domain].units.values()]
    assert rows == [2 * DAY]
    cut = [signal.id for signal in whole.signals if signal.source == "ocsf"]
    said = {"type": "review", "source_id": "r", "time": "2025-01-01T12:00:00Z", "domain": whole.domain}
    said |= {"reviewer": "ann", "kind": "split", "unit_id": whole.unit_id, "signals": cut}
    fold([record(3, 3 * MINUTE, said), record(4, 5 * MINUTE, tick())], pipeline)
    out = fold([record(5, 3 * DAY, tick())], pipeline)
    assert {(unit.status, unit.signal_count) for unit in units(out) if unit.reason == "closed"} == {("closed", 1)}


def test_the_silence_survives_a_restore() -> None:
    """A fold restored from its rows closes the unit at the same time."""
    pipeline = Pipeline(0)
    fold([record(0, 0, config(rules=RULES, scoring=False), *calls("Short")), record(1, MINUTE, tick())], pipeline)
    changelog = dict(pipeline.drain())
    again = restored(changelog, sorted(changelog))
    assert again.next_due() == pipeline.next_due()
    assert (tables(again), derived(again)) == (tables(pipeline), derived(pipeline))
    (closed,) = units(fold([record(2, 2 * DAY, tick())], again))
    assert closed.status == "closed"


def test_a_rule_that_only_links_says_no_silence() -> None:
    """It has no matches, so the silence would mean nothing: a fault that names its place."""
    links = rule("links", "2d", "x:Short") | {"link_only": True}
    _, faults = compile_rules(Parameters.model_validate({"rules": [links]}).rules)
    assert [(fault.rule, fault.place) for fault in faults] == [("links@1", "idle_close")]


@pytest.mark.parametrize("wrong", ["0s", "40d", "soon"])
def test_a_silence_is_a_duration(wrong: str) -> None:
    """More than nothing, at most 31 days."""
    with pytest.raises(ValueError, match="idle_close"):
        Parameters.model_validate({"rules": [rule("odd", wrong, "x:Short")]})

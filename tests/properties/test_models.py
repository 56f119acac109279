"""Laws of the models over arbitrary streams."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models import Suite
from models.base import Store

MINUTE = 60_000


@st.composite
def streams(draw: st.DrawFn, ordered: bool = False) -> list[dict[str, Any]]:
    """Calls of three principals: repeated, in and out of order, with gaps of seconds to years and missing fields."""
    gaps = st.sampled_from([0, 0, 0, 1, 30_000, MINUTE, 90 * MINUTE, 86_400_000, 100 * 86_400_000])
    if not ordered:
        gaps |= st.sampled_from([-1, -MINUTE, -86_400_000])
    now, events = 1_735_689_600_000, []
    for gap, repeat, principal, action, ip, resource, outcome in draw(
        st.lists(
            st.tuples(
                gaps,
                st.sampled_from([1, 1, 2, 40]),
                st.sampled_from(["role/a", "role/b", "role|c", None]),
                st.sampled_from(["s3:GetObject", "iam:CreateUser", None]),
                st.sampled_from(["198.51.100.7", None]),
                st.sampled_from(["arn:x", "arn:y", None]),
                st.sampled_from(["success", "failure", "unknown"]),
            ),
            max_size=40,
        )
    ):
        now += gap
        event = {"time": now, "principal": principal, "action": action, "ip": ip, "resource": resource}
        events += [event | {"outcome": outcome}] * repeat
    return events


def run(events: list[dict[str, Any]]) -> tuple[list[Any], dict[str, Store]]:
    tables: dict[str, Store] = {}
    suite = Suite(lambda name: tables.setdefault(name, {}))
    return [suite.score_and_learn(event) for event in events], tables


@given(streams())
@settings(deadline=None, max_examples=300)
def test_one_pass_equals_score_then_learn(events: list[dict[str, Any]]) -> None:
    """``score_and_learn`` gives what ``assess`` followed by ``learn`` gives, verdict by verdict and row by row."""
    tables: dict[str, Store] = {}
    suite = Suite(lambda name: tables.setdefault(name, {}))
    apart = []
    for event in events:
        apart.append(suite.assess(event))
        suite.learn(event)
    together, rows = run(events)
    assert together == apart
    assert rows == tables


@given(streams())
@settings(deadline=None, max_examples=80)
def test_every_verdict_is_a_capped_p_value_and_every_row_survives_json(events: list[dict[str, Any]]) -> None:
    """0 < p <= 1; p >= 1e-3 while learning; rows come back from JSON as they were."""
    verdicts, tables = run(events)
    for verdict in verdicts:
        assert 0.0 < verdict.p <= 1.0
        assert 0.0 <= verdict.maturity <= 1.0
        assert verdict.p >= 1e-3 or not verdict.learning
    for rows in tables.values():
        assert {key: tuple(row) for key, row in json.loads(json.dumps(rows, allow_nan=False)).items()} == rows


@given(streams(ordered=True), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=80)
def test_order_inside_a_tick_makes_no_difference_to_what_is_sealed(events: list[dict[str, Any]], chance: Any) -> None:
    """With the events of each minute in any order, the rows after the minute are the same, and so is what follows."""
    shuffled = sorted(events, key=lambda event: (event["time"] // MINUTE, chance.random()))
    probe = [
        {"time": (events[-1]["time"] if events else 0) + MINUTE, "principal": principal, "action": "s3:GetObject"}
        for principal in ("role/a", "role/b", "role|c")
    ]
    one, rows = run(events + probe)
    other, same_rows = run(shuffled + probe)
    assert rows == same_rows
    assert one[-3:] == other[-3:]


@given(streams(ordered=True))
@settings(deadline=None, max_examples=40)
def test_principals_do_not_share_a_baseline(events: list[dict[str, Any]]) -> None:
    """The burst rows of a principal depend on its own events, except for the prior of new keys."""
    _, tables = run(events)
    _, alone = run([event for event in events if event["principal"] == "role/a"])
    mine = [key for key in tables.get("burst", {}) if key[2:].split("|")[0] == "role/a"]
    for key in mine:
        row, own = tables["burst"][key], alone["burst"][key]
        assert (len(row), row[:2]) == (len(own), own[:2])
        if len(row) > 4:  # first tick and events, of a key of more than one tick
            assert row[2:4] == own[2:4]

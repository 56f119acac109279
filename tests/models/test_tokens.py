"""Multi-aspect tokens: current shares of a kind of record against its long run."""

from __future__ import annotations

import gc
import json
import os
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from math import exp, sqrt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river.checks import common

from models.base import Row
from models.reason import text
from models.tokens import Tokens, token

ROOT = Path(__file__).resolve().parents[2]

CHECKS = [
    common.check_repr,
    common.check_clone_same_class,
    common.check_clone_is_idempotent,
    common.check_init_has_default_params_for_tests,
    common.check_init_default_params_are_not_mutable,
    common.check_clone_changes_memory_addresses,
    common.check_pickling_supports_roundtrip,
    common.check_get_params_matches_signature,
]
ON_DATA = [
    common.check_learn_one,
    common.check_pickling,
    common.check_shuffle_features_no_impact,
    common.check_predict_one_pure,
    common.check_predict_one_before_any_learn,
    common.check_no_state_aliasing_with_input,
    common.check_clone_is_independent,
]

REPLAY = """
import json, sys
from models.tokens import Tokens
rows, records = json.load(sys.stdin)
tokens = Tokens(store={key: tuple(row) for key, row in rows})
found = [repr(tokens.observe(record)) for record in records]
json.dump([found, sorted(tokens._rows.items())], sys.stdout)
"""


def traffic(count: int, seed: int = 1, source: str = "flow") -> list[dict[str, Any]]:
    """Records of twelve fields: four texts, four small numbers, four that hardly change."""
    chance = random.Random(seed)
    records = []
    for _ in range(count):
        fields: dict[str, Any] = {f"t{n}": chance.choice("abcdefg"[: n + 3]) for n in range(4)}
        fields |= {f"n{n}": chance.randrange(2 ** (n + 1)) for n in range(4)}
        fields |= {f"c{n}": chance.random() < 0.002 for n in range(4)}
        records.append({"source": source, "fields": fields})
    return records


def odd(record: dict[str, Any], **more: Any) -> dict[str, Any]:
    return record | {"fields": record["fields"] | more}


def learn(tokens: Tokens, records: list[dict[str, Any]]) -> Tokens:
    for record in records:
        tokens.learn_one(record)
    return tokens


def score_of(tokens: Tokens, record: dict[str, Any]) -> float:
    found = tokens.scored(record)
    assert found is not None
    return found.score


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_river_checks_of_the_interface(check: Callable[..., None]) -> None:
    """River's checks of an estimator's parameters, clone and pickle hold."""
    check(Tokens())


@pytest.mark.parametrize("check", ON_DATA, ids=lambda check: check.__name__)
def test_river_checks_on_a_stream(check: Callable[..., None]) -> None:
    """River's checks of learning and scoring hold."""
    check(Tokens(), [(record, False) for record in traffic(200)])


def run_of(count: int, **more: Any) -> list[dict[str, Any]]:
    return [odd(record, **more) for record in traffic(count, seed=2)]


def test_a_field_that_turns_is_named_with_its_shares() -> None:
    """After 3,000 ordinary records, a dozen with values never seen stand out as nothing before, field by field."""
    tokens = learn(Tokens(), traffic(3000))
    records = run_of(12, t0="zz", c1=True)
    learn(tokens, records[:-1])
    assessment = tokens.assess(records[-1])
    assert assessment is not None
    usual = max(score_of(tokens, record) for record in traffic(300, seed=3))
    assert score_of(tokens, records[-1]) > 1.5 * usual
    assert assessment.maturity == 1.0
    assert {part.feature for part in assessment.parts[:2]} == {"t0", "c1"}
    assert abs(sum(part.score for part in assessment.parts) - tokens.score_one(records[-1])) < 1e-9
    assert text(assessment.parts[0]).startswith(("t0 =zz in 37% of the last flow records", "c1 =1 in 37% of the last"))
    assert "2.0% in the long run (0% to 11%)" in text(assessment.parts[0])


def test_the_parts_rank_as_their_shares_and_the_first_as_the_score() -> None:
    """The first part's p is exp(-root of the score), the others' their share of that; at most four are told of."""
    tokens = learn(Tokens(), traffic(3000))
    records = run_of(12, t0="zz", t1="yy", n3=10**9, c0=True, c1=True)
    learn(tokens, records[:-1])
    found, (_, parts) = tokens.scored(records[-1]), tokens.weigh(records[-1])
    assert found is not None
    assert len(parts) == 4 == tokens.tests(records[-1])
    for part, (share, *_) in zip(parts, found.fields, strict=False):
        assert part.p == pytest.approx(exp(-sqrt(found.score) * share / found.fields[0][0]))


def at(record: dict[str, Any], minute: int) -> dict[str, Any]:
    return record | {"time": minute * 60_000, "principal": "x"}


@pytest.mark.parametrize("seed", range(5))
def test_order_inside_a_minute_changes_no_row(seed: int) -> None:
    """Minutes of fifty records in any order, with a flood and a field that turns: the same rows after each."""
    stream = traffic(1500) + run_of(100, t0="zz", t1="zz", c0=True) + traffic(900, seed=4)
    chance = random.Random(seed)
    one, other = Tokens(), Tokens()
    for minute in range(50):
        records = [at(record, minute) for record in stream[50 * minute : 50 * minute + 50]]
        learn(one, records)
        learn(other, chance.sample(records, 50))
        assert sorted(one._rows.items()) == sorted(other._rows.items())
    assert len(one._kind("flow").majority) >= 3


def test_a_minute_that_turns_is_seen_while_it_goes_on() -> None:
    """Of records with times, thirty odd ones in one minute score more and more."""
    tokens = learn(Tokens(), [at(record, minute) for minute, record in enumerate(traffic(3000))])
    scores = []
    for record in run_of(30, t0="zz", c1=True):
        scores.append(score_of(tokens, at(record, 3001)))
        tokens.learn_one(at(record, 3001))
    assert scores[-1] > scores[8] > scores[0]


def test_the_order_of_fields_changes_no_bit() -> None:
    """Records with their fields in another order: the same scores and rows, to the last bit."""
    one, other = Tokens(), Tokens()
    chance = random.Random(7)
    for record in [*traffic(1500), *run_of(40, t0="zz", t1="yy", t2="xx", n0=99, n1=999, n2=9999)]:
        names = list(record["fields"])
        chance.shuffle(names)
        found = other.scored({"source": "flow", "fields": {name: record["fields"][name] for name in names}}, learn=True)
        assert one.scored(record, learn=True) == found
    assert sorted(one._rows.items()) == sorted(other._rows.items())


def test_records_of_few_fields_are_left_alone() -> None:
    """Below four fields, or without any, nothing is tested or learnt."""
    tokens = Tokens()
    for record in ({}, {"time": 5}, {"fields": {}}, {"source": "x", "fields": dict.fromkeys("abc", 1)}):
        assert tokens.tests(record) == 0
        assert tokens.assess(record) is None
        tokens.learn_one(record)
    assert not tokens._rows


def test_kinds_of_records_do_not_mix() -> None:
    """What one source always has is new to another, and neither changes the other's score."""
    alone, both = Tokens(), Tokens()
    for record in traffic(1500):
        alone.learn_one(record)
        both.learn_one(record)
        both.learn_one(odd(record, t0="other") | {"source": "dns"})
    for record in run_of(12, t0="other"):
        assert alone.scored(record, learn=True) == both.scored(record, learn=True)
        both.learn_one(record | {"source": "dns"})
    assert score_of(both, record | {"source": "dns"}) < score_of(both, record) / 10


def test_majorities_cost_nothing_and_change_no_score() -> None:
    """With and without the saving, scores are equal; with it, a field that hardly changes has no row of its value. A
    majority that is lost, or a field that comes later or is missing, makes no difference to that."""
    plain, saving = Tokens(majority=2.0), Tokens()
    stream = traffic(1500) + [odd(record, c0=record["fields"]["t0"]) for record in traffic(3000, seed=2)]
    for record in traffic(1500, seed=3):
        fields = record["fields"] | {"late": 7}
        fields.pop("c1") if fields["t1"] == "a" else None
        stream.append({"source": "flow", "fields": fields})
    fewest = 99
    for number, record in enumerate(stream):
        a, b = plain.scored(record, learn=True), saving.scored(record, learn=True)
        assert a is not None
        assert b is not None
        assert abs(a.score - b.score) < 1e-6 * (1.0 + a.score), number
        fewest = min(fewest, len(saving._kind("flow").majority)) if number > 1000 else 99
    assert fewest >= 2
    assert len(saving._kind("flow").majority) >= 3
    assert "t|flow|c2=0" in plain._rows
    assert "t|flow|c2=0" not in saving._rows


def test_a_billion_moves_nothing() -> None:
    """One record with 1e9 in every number changes the scores of the records after it by next to nothing."""
    clean, poisoned = learn(Tokens(), traffic(3000)), learn(Tokens(), traffic(3000))
    poisoned.learn_one({"source": "flow", "fields": dict.fromkeys(traffic(1)[0]["fields"], 10**9)})
    after = traffic(60, seed=2) + run_of(12, t0="zz", t1="zz")
    learn(clean, after)
    learn(poisoned, after)
    for record in run_of(20, t0="zz", t1="zz"):
        assert score_of(clean, record) > 1
        assert abs(score_of(clean, record) - score_of(poisoned, record)) < 0.02 * score_of(clean, record)


def test_a_tenth_of_poison_does_not_teach_away_an_attack() -> None:
    """After training with one record in ten of an attack, the attack in a row still outscores all that is ordinary."""
    attack = {"t0": "zz", "t1": "yy", "t2": "xx", "n3": 10**6}
    tokens = Tokens()
    for number, record in enumerate(traffic(6000)):
        tokens.learn_one(record)
        if number % 9 == 8:
            tokens.learn_one(odd(record, **attack))
    usual = [score_of(tokens, record) for record in traffic(300, seed=5)]
    run = [odd(record, **attack) for record in traffic(12, seed=6)]
    learn(tokens, run[:-1])
    assert score_of(tokens, run[-1]) > max(usual)


def test_a_flood_teaches_the_windows_only() -> None:
    """Records that are held back leave the long-run mass of their tokens where it was."""
    tokens = learn(Tokens(), traffic(3000))
    flood = [odd(record, t0="zz", t1="zz", t2="zz", t3="zz", n0=10**6, n1=10**6) for record in traffic(2000, seed=2)]
    learn(tokens, flood[:200])
    assert tokens._rows["t|flow|t0=zz"][3] < 20
    assert tokens._rows["*|flow"][2] == 3199  # and one in this minute
    assert tokens._rows["*|flow"][5] < 3020


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "=None"), ("GET", "=GET"), (0, "=0"), (1.0, "=1"), (False, "=0"), (0.37, "~.3"), (2, "#3"),
        (-1500, "#-21"), (10**9, "#59"), (float("inf"), "=inf"), (float("nan"), "=nan"), ([1, 2], "=[1, 2]"),
        ("x" * 99, "=" + "x" * 64),
    ],
)  # fmt: skip
def test_the_name_of_a_value(value: Any, name: str) -> None:
    """Texts as they are, numbers on a fixed scale."""
    assert token(value) == name


def test_odd_values_do_no_harm() -> None:
    """Lists, not-a-numbers and infinities are tokens like others; a field too many is ignored."""
    tokens = Tokens()
    for number in range(300):
        fields = {
            f"f{n}": [None, float("nan"), float("inf"), [number], {"a": 1}, True, "", -0.0][n % 8] for n in range(16)
        }
        tokens.learn_one({"source": "s", "fields": fields | {f"x{number}": 1}})
    assert len(tokens._rows["!|s"]) == 2 * 128
    assert tokens.assess({"source": "s", "fields": dict.fromkeys("abcdefgh")}) is not None


def test_rows_are_capped_and_the_known_ones_stay() -> None:
    """With a cap of 300 rows and a field of unique values, the established tokens stay and the loss is counted."""
    tokens = learn(Tokens(keys=300), traffic(2000))
    before = {key for key in tokens._rows if key.startswith("t|flow|t")}
    for number, record in enumerate(traffic(2000, seed=2)):
        tokens.learn_one(odd(record, id=f"r{number}"))
    assert len(tokens._rows) <= 301
    assert before <= set(tokens._rows)
    assert tokens._rows["#evicted"][0] > 1500


def test_a_token_takes_at_most_300_bytes() -> None:
    """As a restart leaves them: name, row and its numbers, and the place in the table."""
    tokens = Tokens()
    for number, record in enumerate(traffic(8000)):
        tokens.learn_one(odd(record, id=f"request-{number}"))
    dumped = json.dumps(list(tokens._rows.items()))
    gc.collect()
    tracemalloc.start()
    rows = {key: tuple(row) for key, row in json.loads(dumped)}
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(rows) > 8000
    assert taken / len(rows) <= 300


def test_scores_are_byte_equal_in_another_process() -> None:
    """Rows dumped as JSON, in another order, under other hash seeds: the same evidence and rows, bit for bit."""
    tokens = learn(Tokens(), traffic(4090))
    records = traffic(100, seed=3) + run_of(50, t0="zz", t1="zz", c0=True) + traffic(100, seed=4)
    given_rows = json.dumps([list(reversed(tokens._rows.items())), records])
    here = [repr(tokens.observe(record)) for record in records]
    assert sum("Part(" in line for line in here) > 20
    rows = sorted(tokens._rows.items())
    for seed in ("0", "77"):
        done = subprocess.run(
            [sys.executable, "-c", REPLAY],
            input=given_rows,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        )
        assert json.loads(done.stdout) == json.loads(json.dumps([here, rows]))


values = st.one_of(st.integers(0, 3), st.sampled_from("ab"), st.none(), st.floats(0, 5), st.booleans())


@given(st.lists(st.lists(values, min_size=8, max_size=10), min_size=1, max_size=60), st.integers(0, 60))
@settings(max_examples=60)
def test_a_restart_anywhere_changes_no_bit(stream: list[list[Any]], cut: int) -> None:
    """Rows through JSON at any place of any stream: equal evidence and rows; and a look changes nothing."""
    records = [{"fields": {f"f{n}": value for n, value in enumerate(record)}} for record in stream]
    records = [record for record in records for _ in range(5)]
    whole = Tokens()
    expected = []
    for record in records:
        rows = dict(whole._rows)
        found = whole.weigh(record)
        assert whole._rows == rows
        assert whole.observe(record) == found
        expected.append(found)
    first = Tokens()
    got = [first.observe(record) for record in records[:cut]]
    kept: dict[str, Row] = {key: tuple(row) for key, row in reversed(json.loads(json.dumps([*first._rows.items()])))}
    again = Tokens(store=kept)
    got += [again.observe(record) for record in records[cut:]]
    assert repr(got) == repr(expected)
    assert sorted(kept.items()) == sorted(whole._rows.items())


@given(st.lists(st.lists(values, min_size=8, max_size=8), min_size=1, max_size=40))
@settings(max_examples=40)
def test_scores_are_finite(stream: list[list[Any]]) -> None:
    """Any values: a score of at least 0."""
    tokens = Tokens()
    for record in stream:
        found = tokens.scored({"fields": {f"f{n}": value for n, value in enumerate(record)}}, learn=True)
        assert found is not None
        assert 0.0 <= found.score < 1e9

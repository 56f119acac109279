"""What every registered detector has to keep, and river's own checks. No detector is exempt."""

from __future__ import annotations

import copy
import doctest
import importlib
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from river import compose
from river.checks import common

from models.base import Detector, Row
from models.suite import DETECTORS

MINUTE, DAY = 60_000, 86_400_000

STATIC = [
    common.check_repr,
    common.check_str,
    common.check_tags,
    common.check_clone_same_class,
    common.check_clone_is_idempotent,
    common.check_init_has_default_params_for_tests,
    common.check_init_default_params_are_not_mutable,
    common.check_doc,
    common.check_clone_changes_memory_addresses,
    common.check_mutate_can_be_idempotent,
    common.check_pickling_supports_roundtrip,
    common.check_repr_roundtrips_clone,
    common.check_clone_with_new_params_applies,
    common.check_get_params_matches_signature,
]
ON_DATA = [
    common.check_learn_one,
    common.check_pickling,
    common.check_shuffle_features_no_impact,
    common.check_emerging_features,
    common.check_disappearing_features,
    common.check_radically_disappearing_features,
    common.check_predict_one_pure,
    common.check_predict_one_before_any_learn,
    common.check_no_state_aliasing_with_input,
    common.check_clone_is_independent,
    common.check_bounded_memory_growth,
]


def traffic(count: int = 2000, seed: int = 1) -> list[tuple[dict[str, Any], bool]]:
    """Two days of six roles with their own actions; at the end one of them does twenty new things in a minute."""
    chance = random.Random(seed)
    events = []
    for n in range(count):
        who = chance.randrange(6)
        action = chance.choice("abcd") + str(who % 3)
        events.append((event(n * 2 * DAY // count, who, action, chance.random() < 0.05), False))
    return events + [(event(2 * DAY + n, 3, "iam:Create" + str(n % 4), True), n > 4) for n in range(30)]


def event(at: int, who: int, action: str, failed: bool) -> dict[str, Any]:
    return {
        "time": at,
        "principal": f"role/{who}",
        "action": action,
        "resource": f"bucket-{who % 2}",
        "ip": f"198.51.100.{who}",
        "outcome": "failure" if failed else "success",
        "component": None,
        "source": "cloudtrail",
        "fields": {
            "action": action,
            "outcome": failed,
            "who": who % 2,
            "ip": who,
            "region": "eu",
            "read_only": ":" not in action,
        },
    }


@pytest.fixture(params=DETECTORS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> type[Detector]:
    return request.param  # type: ignore[no-any-return]  # pytest types a parameter as Any


@pytest.mark.parametrize("check", STATIC, ids=lambda check: check.__name__)
def test_river_checks_of_the_interface(kind: type[Detector], check: Callable[..., None]) -> None:
    """River's checks of an estimator's parameters, clone and pickle hold."""
    check(kind())


@pytest.mark.parametrize("check", ON_DATA, ids=lambda check: check.__name__)
def test_river_checks_on_a_stream(kind: type[Detector], check: Callable[..., None]) -> None:
    """River's checks of learning and scoring hold, on a stream of calls instead of its credit card data."""
    check(kind(), traffic(400))


def test_river_check_of_the_ranking(kind: type[Detector]) -> None:
    """Anomalies rank above the rest: river's check_roc_auc with its area written out, as it asks for scikit-learn."""
    detector = kind()
    scores: dict[bool, list[float]] = {True: [], False: []}
    for x, odd in traffic():
        scores[odd].append(detector.score_one(x))
        detector.learn_one(x)
    pairs = [(a > b) + (a == b) / 2 for a in scores[True] for b in scores[False]]
    assert sum(pairs) / len(pairs) > 0.9


def test_it_works_in_a_river_pipeline(kind: type[Detector]) -> None:
    """Behind a transformer it scores as it does alone."""
    alone, piped = kind(), compose.Pipeline(compose.Discard("component"), kind())
    for x, _ in traffic(300):
        assert piped.score_one(x) == alone.score_one(x)
        piped.learn_one(x)
        alone.learn_one(x)


def test_scoring_changes_nothing(kind: type[Detector]) -> None:
    """Any number of scores in between leaves the rows and the later scores as they are."""
    asked, silent = kind(), kind()
    for x, _ in traffic():
        rows = dict(asked._rows)
        given = copy.copy(x)
        first = asked.assess(x)
        assert asked.assess(x) == first
        assert asked.score_one(x) >= 0
        assert asked._rows == rows
        assert x == given
        asked.learn_one(x)
        silent.learn_one(x)
    assert asked._rows == silent._rows


def test_score_then_learn_in_one_pass_is_the_same(kind: type[Detector]) -> None:
    """``observe`` returns what ``weigh`` returned before and leaves the rows that ``learn_one`` leaves."""
    once, twice = kind(), kind()
    found = 0
    for x, _ in traffic():
        evidence = twice.weigh(x)
        twice.learn_one(x)
        assert once.observe(x) == evidence
        found += bool(evidence[1])
    assert once._rows == twice._rows
    assert found > 5


def test_rows_are_flat_immutable_and_survive_json(kind: type[Detector]) -> None:
    """Every row is a tuple of plain values, equal to itself after JSON, and written only by assignment and deletion."""

    class Watched(dict[str, Row]):
        def _refuse(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("a store is written only by item assignment and del")

        pop = popitem = setdefault = update = clear = __ior__ = _refuse

    store = Watched()
    detector = kind(store=store)
    for x, _ in traffic():
        detector.learn_one(x)
    assert len(store) > 20
    for row in store.values():
        assert isinstance(row, tuple)
        assert all(value is None or type(value) in (int, float, str) for value in row)
        assert tuple(json.loads(json.dumps(row))) == row
        assert [type(value) for value in json.loads(json.dumps(row))] == [type(value) for value in row]


def test_an_event_without_principal_or_time_is_left_alone(kind: type[Detector]) -> None:
    """Nothing is tested or learnt: no assessment, score 0."""
    detector = kind()
    for x in ({}, {"time": 5}, {"principal": "role/web"}, {"time": 5, "principal": None, "action": "a"}):
        assert detector.assess(x) is None
        assert detector.score_one(x) == 0.0
        detector.learn_one(x)
    assert not detector._rows


def test_the_digest_follows_the_parameters(kind: type[Detector]) -> None:
    """Equal parameters, equal digest, whatever the store; any other parameter, another digest."""
    assert kind().digest == kind(store={"x": (1,)}).digest
    for name, value in kind().parameters().items():
        assert kind(**{name: value * 2}).digest != kind().digest


@pytest.mark.parametrize(
    "module",
    [
        "adopt",
        "adwin",
        "base",
        "beta_binomial",
        "budget",
        "burst",
        "calibration",
        "combine",
        "curve",
        "evict",
        "feedback",
        "frequency",
        "health",
        "keys",
        "negative_binomial",
        "quota",
        "ramp",
        "rarity",
        "ratio",
        "reason",
        "season",
        "sketch",
        "state",
        "suite",
        "surge",
        "tokens",
    ],
)
def test_the_examples_in_the_documentation_run(module: str) -> None:
    """Docstring examples are true."""
    assert doctest.testmod(importlib.import_module(f"models.{module}")).failed == 0

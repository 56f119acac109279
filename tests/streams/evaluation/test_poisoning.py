"""Teaching the models wrong."""

from __future__ import annotations

import json

import pytest

from models.base import Store
from models.feedback import Feedback
from models.suite import Suite
from streams.evaluation import poisoning
from streams.evaluation.poisoning import (
    ABSURD,
    Labelled,
    Scored,
    absurd,
    attacks,
    flooded,
    flooder,
    scored,
    told,
    traffic,
)

DAY = 86_400_000
SEED = 1


@pytest.fixture(scope="module")
def clean() -> list[Labelled]:
    """Fewer events than the command has."""
    return sorted(traffic(SEED, 6_000) + attacks(SEED, 3 * DAY, 5 * DAY), key=lambda each: each.event["time"])


@pytest.fixture(scope="module")
def free(clean: list[Labelled]) -> Scored:
    return scored(clean)


def test_without_poison_the_attacks_stand_out(free: Scored) -> None:
    """A mean ROC area of 0.97 or more over the four kinds, three attacks of each."""
    assert free.roc >= 0.97
    assert len(free.worst) == 12


@pytest.mark.parametrize("known", [True, False])
def test_one_value_of_a_billion_costs_next_to_nothing(clean: list[Labelled], free: Scored, known: bool) -> None:
    """By a role that is flooded later, or by a new name: a loss of at most 0.005 of the area."""
    principal = flooder([each for each in clean if each.attack]) if known else "made-up"
    assert free.roc - scored(clean, absurd(principal)).roc <= 0.005


def test_the_billion_is_in_the_rows() -> None:
    """The counts of the minute in burst and ratio, which the day's is made of, hold it; the next come on top."""
    tables: dict[str, Store] = {}
    suite = Suite(lambda name: tables.setdefault(name, {}))
    absurd("role/3")(suite, tables)
    for name, key in (("burst", "p|role/3"), ("ratio", "p|role/3")):
        assert tables[name][key][1] == ABSURD + 313


def test_a_poisoned_tenth_costs_little(clean: list[Labelled], free: Scored) -> None:
    """Attacks of the same kinds as 10 % of the learning span: at most 0.02 of the area."""
    learning = sum(each.event["time"] < 3 * DAY for each in clean)
    poison = attacks(SEED + 1_000, 0, 3 * DAY, learning // 9)
    assert len(poison) >= 0.1 * (len(poison) + learning)
    mixed = sorted(clean + poison, key=lambda each: each.event["time"])
    assert free.roc - scored(mixed).roc <= 0.02


def test_a_flood_of_verdicts_hides_no_attack(free: Scored) -> None:
    """10,000 rejections of every detector by one reviewer: as many attacks are told as before."""
    detectors = sorted({verdict.parts[0].detector for verdict in free.worst.values() if verdict.parts})
    before = told(free.worst, Feedback({}), 0)
    assert before >= 0.25
    assert told(free.worst, flooded(detectors, 1), 0) >= before - 0.05


def test_a_ramp_of_an_empty_hand_is_not_told_and_one_of_two_per_cent_is() -> None:
    """By the ramp's own test, for twenty roles with 10,000 calls a day; nothing in the year before it."""
    delays, false = poisoning.by_test(SEED, 10_000, 20)
    assert sorted(delays)[10] <= 10
    assert false <= 0.05


def test_the_report_is_plain_and_says_what_was_promised() -> None:
    """A small run: JSON, a target for each promise, and passed only if all are met."""
    lines: list[str] = []
    found = poisoning.run(
        (1,), lines.append, events=800, ramp_calls=(100, 1_000), suite_calls=20, ramp_keys=3, flood=1, verdicts=50
    )
    assert json.loads(json.dumps(found)) == found
    assert len(found["targets"]) == 8
    assert found["passed"] == all(target["met"] for target in found["targets"])
    assert set(found["ramp"]) == {"100", "1000"}
    assert found["ramp_through_suite"] == [{"days": None, "before": 0}]  # twenty calls a day are too few
    assert lines

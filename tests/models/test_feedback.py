"""Verdicts of reviewers on what a detector found."""

from __future__ import annotations

import doctest
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Suite, feedback
from models.base import Store
from models.feedback import ALONE, FLOOR, MOVES, PRIOR, RANGE, REVIEWERS, STEP, UNITS, Feedback

DAY = 86_400_000
PEOPLE = "ann", "bob", "eve"

VERDICTS = st.tuples(
    st.sampled_from(("burst", "rarity")),
    st.sampled_from(PEOPLE),
    st.text("0123456789abcdef", min_size=4, max_size=4),
    st.sampled_from(("true_positive", "false_positive", "benign")),
)


def said(
    verdict: str, days: int, people: tuple[str, ...] = PEOPLE, each: int = 3, store: Store | None = None
) -> Feedback:
    """So many verdicts of each person on each day."""
    found = Feedback({} if store is None else store)
    for day in range(days):
        for who in people:
            for n in range(each):
                found.judge("rarity", who, f"{day}-{n}", verdict, day)
    return found


def test_the_example_runs() -> None:
    """The docstring is true."""
    assert doctest.testmod(feedback).failed == 0


def test_people_who_agree_over_days_move_it_both_ways_and_within_its_range() -> None:
    """Thirty days of three people: rejected, a tenth; confirmed, well above 1; never outside, another detector not."""
    down, up = said("false_positive", 30), said("true_positive", 30)
    assert down.factor("rarity", 29) == pytest.approx(1 / RANGE)
    assert 3 < up.factor("rarity", 29) <= RANGE
    assert down.factor("burst", 29) == up.factor("burst", 29) == 1.0


def test_it_is_the_domains_average_that_counts() -> None:
    """Where every detector has one unit in five confirmed, none moves by more than a quarter."""
    found = Feedback({})
    for day in range(30):
        for detector in ("burst", "rarity", "ratio"):
            for place, who in enumerate(PEOPLE):
                for n in range(5):
                    verdict = "true_positive" if n == place else "benign"
                    found.judge(detector, who, f"{detector}-{day}-{n}", verdict, day)
    assert all(0.75 < found.factor(detector, 29) < 1.25 for detector in ("burst", "rarity", "ratio"))


def test_a_day_moves_it_by_one_step() -> None:
    """However many verdicts of however many people."""
    found = said("false_positive", 1, people=tuple(f"who-{n}" for n in range(30)), each=30)
    assert found.factor("rarity", 0) == pytest.approx(1 / STEP)
    assert len(found.moves()) == 1


def test_a_flood_of_one_reviewer_stops_at_the_allowance() -> None:
    """10,000 rejections a day by one person for twenty days: a step on the first, and never below 0.625."""
    found = Feedback({})
    for day in range(20):
        for n in range(10_000 if day == 0 else 200):
            found.judge("rarity", "mallory", f"{day}-{n}", "false_positive", day)
        if day == 0:
            assert found.factor("rarity", 0) == pytest.approx(1 / STEP)
    assert found.factor("rarity", 19) >= PRIOR / (PRIOR + ALONE)


def test_the_others_weigh_as_much_as_the_flood() -> None:
    """Two people who confirm four units each hold it where it was, against any number of rejections by a third."""
    found = Feedback({})
    for day in range(12):
        for n in range(300):
            found.judge("rarity", "mallory", f"{day}-{n}", "false_positive", day)
        if day < 4:
            for who in ("ann", "bob"):
                found.judge("rarity", who, f"{day}-0", "true_positive", day)
    assert found.factor("rarity", 11) > 0.7


def test_a_retracted_verdict_leaves_nothing() -> None:
    """Taken back on the same day, the factor is 1 again; what says nothing of worth takes back, or does nothing."""
    store: Store = {}
    found = Feedback(store)
    assert found.judge("rarity", "ann", "u1", "duplicate", 0) is None
    found.judge("rarity", "ann", "u1", "false_positive", 0)
    assert found.factor("rarity", 0) < 1.0
    move = found.judge("rarity", "ann", "u1", "insufficient_data", 0)
    assert move is not None
    assert (move.reviewers, move.verdicts) == (0, 0)
    assert move.after == pytest.approx(1.0)
    assert not [key for key in store if key.startswith("r|")]


def test_a_changed_verdict_takes_the_place_of_the_first() -> None:
    """Rejected, then confirmed: the same as confirmed."""
    changed, plain = Feedback({}), Feedback({})
    changed.judge("rarity", "ann", "u1", "benign", 0)
    for each in (changed, plain):
        each.judge("rarity", "ann", "u1", "true_positive", 0)
    assert changed._rows == plain._rows
    assert changed.judge("rarity", "ann", "u1", "true_positive", 0) is None


@given(st.lists(VERDICTS, max_size=12, unique_by=lambda each: each[:3]), st.randoms(use_true_random=False))
def test_the_order_of_a_days_verdicts_makes_no_difference(given: list[Any], chance: random.Random) -> None:
    """Byte-equal rows, on a day after others."""
    shuffled = list(given)
    chance.shuffle(shuffled)
    rows = []
    for verdicts in (given, shuffled):
        found = said("false_positive", 3, each=1)
        for detector, who, unit, verdict in verdicts:
            found.judge(detector, who, unit, verdict, 5)
        rows.append(json.dumps(sorted(found._rows.items())))
    assert rows[0] == rows[1]


@given(st.lists(st.tuples(VERDICTS, st.integers(0, 40)), max_size=60))
def test_it_stays_within_range_and_step_whatever_is_said(given: list[Any]) -> None:
    """Any verdicts, days in any order: the factor is within its range, and a move no more than a step."""
    found = Feedback({})
    for (detector, who, unit, verdict), day in given:
        found.judge(detector, who, unit, verdict, day)
    for move in found.moves():
        assert 1 / RANGE <= move.after <= RANGE
        assert 1 / STEP - 1e-9 <= move.after / move.before <= STEP + 1e-9


def test_without_verdicts_it_fades() -> None:
    """After one half-life the factor's logarithm is half of what it was."""
    found = said("false_positive", 30)
    assert found.factor("rarity", 59) == pytest.approx(RANGE**-0.5)


def test_the_extreme_is_told_whatever_was_said() -> None:
    """A level is never lowered below 1e-6, and one that is lower by itself is left alone."""
    found = said("false_positive", 30)
    assert found.level(1e-3, "rarity", 29) == pytest.approx(1e-4)
    assert found.level(5e-6, "rarity", 29) == FLOOR
    assert found.level(1e-8, "rarity", 29) == 1e-8


def test_memory_is_bounded() -> None:
    """Of people, of a person's verdicts, and of moves; who weighs most stays."""
    store: Store = {}
    found = said("true_positive", 10, each=10, store=store)
    for n in range(3 * REVIEWERS):
        found.judge("rarity", f"sock-{n}", "u", "false_positive", 10)
    for day in range(11, 11 + 2 * MOVES):
        found.judge("burst", "ann", f"{day}", "benign", day)
    people = [key for key in store if key.startswith("r|rarity|")]
    assert len(people) == REVIEWERS
    assert {f"r|rarity|{who}" for who in PEOPLE} <= set(people)
    assert len(found.moves()) == MOVES
    assert [move.day for move in found.moves()] == list(range(11 + MOVES, 11 + 2 * MOVES))
    assert max(map(len, store.values())) == 3 * UNITS


def test_rows_survive_json_and_another_process() -> None:
    """The rows through JSON give the same answers and the same later rows."""
    store: Store = {}
    first = said("false_positive", 7, store=store)
    second = Feedback({key: tuple(row) for key, row in json.loads(json.dumps(sorted(store.items())))})
    assert second.moves() == first.moves()
    for each in (first, second):
        each.judge("rarity", "ann", "later", "true_positive", 9)
    assert first._rows == second._rows


def test_a_flood_of_verdicts_does_not_hide_an_attack() -> None:
    """An intruder with p far below the level is told before and after 10,000 rejections of each detector."""
    tables: dict[str, Store] = {}
    suite = Suite(lambda name: tables.setdefault(name, {}))
    chance = random.Random(1)
    for n in range(10_000):
        who = chance.randrange(10)
        suite.learn(event(n * 2 * DAY // 10_000, f"role/{who}", f"svc:Op{who % 5 + chance.randrange(3)}"))
    verdict = suite.score_and_learn(event(2 * DAY, "role/0", "iam:CreateUser"))
    found = Feedback({})
    for detector in ("burst", "rarity", "frequency", "ratio"):
        for n in range(10_000):
            found.judge(detector, "mallory", f"{n}", "false_positive", 2)
    detector = verdict.parts[0].detector
    assert verdict.p <= found.level(1e-3, detector, 2) < 1e-3


def event(at: int, principal: str, action: str) -> dict[str, Any]:
    return {"time": at, "principal": principal, "action": action, "outcome": "success", "ip": f"ip-{principal}"}

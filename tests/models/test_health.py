"""When a domain's models are said to be in drift, and when not."""

from __future__ import annotations

import copy
import doctest
import json
import random
from collections.abc import Callable, Iterable, Iterator
from math import log
from typing import Any

import pytest

import models.health
from models import Suite
from models.base import Row, Store
from models.calibration import Calibration, Sealed
from models.health import DRIFT, FEW, GOOD, LEARNING, MANY, REFUSED, UP, Health, Limits, Monitors, health

HOUR, DAY = 60, 1440
UNITS = 10

Shape = Callable[[int], tuple[float, float]]
"""Minute to mean ``-log10 p`` and share of p <= 0.01."""


class Domain:
    """Monitors of one detector and the combination, fed by hand; counters as the calibration would keep them."""

    def __init__(self, rows: Store | None = None, limits: Limits | None = None) -> None:
        self.rows: Store = {} if rows is None else rows
        self.counters = [0.0] * 4
        self.lost: dict[str, int] = {}
        self.monitors = Monitors(
            self.rows, ("one", "all"), lambda _: tuple(self.counters), lambda _: 1.0, lambda: self.lost, limits
        )

    def feed(self, minute: int, mean: float, rare: int, young: int = 0, weight: float = 9e9) -> None:
        keep = 0.5 ** (UNITS / 15_000)
        new = (UNITS, UNITS // 10, rare, 0)
        self.counters = [old * keep + more for old, more in zip(self.counters, new, strict=True)]
        total = mean * UNITS
        self.monitors.feed(Sealed(minute, UNITS, weight, (young, young), (total, total), (rare, rare)))

    def run(self, minutes: Iterable[int], shape: Shape, seed: int = 1) -> list[tuple[int, Health]]:
        """Feed the minutes; where the combination comes to another state, the minute and what is said."""
        chance = random.Random(seed)
        turns: list[tuple[int, Health]] = []
        before = None
        for minute in minutes:
            mean, share = shape(minute)
            rare = sum(chance.random() < share for _ in range(UNITS))
            self.feed(minute, mean * chance.uniform(0.5, 1.5), rare)
            now = health(self.rows)[-1]
            if before is not None and now.state != before:
                turns.append((minute, now))
            before = now.state
        return turns


def usual(minute: int) -> tuple[float, float]:
    """A level three times as high by day as by night, twice that on two days of the week; the share is as promised."""
    by_day = 0.3 if 8 <= minute // HOUR % 24 < 18 else 0.1
    return by_day * (2.0 if minute // DAY % 7 < 2 else 1.0), 0.01


def from_on(start: int, end: int, odd: tuple[float, float]) -> Shape:
    return lambda minute: odd if start <= minute < end else usual(minute)


@pytest.fixture(scope="module")
def ten_days() -> Domain:
    domain = Domain()
    domain.run(range(10 * DAY), usual)
    return domain


def after(ten_days: Domain) -> Domain:
    """The same past, to go on from."""
    domain = Domain(dict(ten_days.rows))
    domain.counters = list(ten_days.counters)
    return domain


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_traffic_of_one_kind_is_never_in_drift(seed: int) -> None:
    """Thirty days with a rhythm of day and week, from the first minute on: no alarm."""
    assert DRIFT not in {now.state for _, now in Domain().run(range(30 * DAY), usual, seed)}


@pytest.mark.parametrize("start", range(10 * DAY, 10 * DAY + HOUR, 7))
def test_an_attack_of_an_hour_is_no_drift(ten_days: Domain, start: int) -> None:
    """Whenever it begins, an hour in which every principal is as odd as can be raises no alarm, nor does its wake."""
    domain = after(ten_days)
    shape = from_on(start, start + HOUR, (4.0, 1.0))
    assert domain.run(range(10 * DAY, 14 * DAY), shape) == []
    assert health(domain.rows)[-1].state == GOOD


def test_without_the_rule_of_three_blocks_it_would_be() -> None:
    """The check above can fail: with blocks of a third of an hour, the same attack is an alarm."""
    limits = Limits(block=20, block_units=10)
    past = Domain(limits=limits)
    past.run(range(10 * DAY), usual)
    shape = from_on(10 * DAY, 10 * DAY + HOUR, (4.0, 1.0))
    assert [now.state for _, now in past.run(range(10 * DAY, 10 * DAY + 3 * HOUR), shape)] == [DRIFT]


def test_a_level_that_stays_where_it_never_stood_is_drift(ten_days: Domain) -> None:
    """Half as high again as on the oddest days before, at the promised share: told within four hours, and why."""
    domain = after(ten_days)
    [(minute, now)] = domain.run(range(10 * DAY, 10 * DAY + 6 * HOUR), from_on(10 * DAY, 99 * DAY, (0.9, 0.01)))
    assert minute - 10 * DAY < 4 * HOUR
    assert (now.state, now.cause, now.since) == (DRIFT, UP, minute)
    assert now.seen is not None
    assert now.most is not None
    assert now.seen == pytest.approx(0.9, rel=0.1)
    assert now.most == pytest.approx(0.6, rel=0.1)
    assert now.text == (
        "all: in drift since 1970-01-11 02:59, mean -log10 p stood above 0.9 for three hours or more, "
        "at 0.098 to 0.61 in the 7 days before"
    )


@pytest.mark.parametrize("limits", [Limits(delta=1e-300), Limits(recent=10)])
def test_a_level_without_a_change_of_late_is_none(limits: Limits) -> None:
    """Where ADWIN saw no change, or none in the last minutes, the highest level of all is no alarm."""
    domain = Domain(limits=limits)
    domain.run(range(10 * DAY), usual)
    assert domain.run(range(10 * DAY, 10 * DAY + 6 * HOUR), from_on(10 * DAY, 99 * DAY, (0.9, 0.01))) == []


def test_a_level_as_on_other_days_is_none(ten_days: Domain) -> None:
    """The same jump from the night's level to the day's of the odd days, at night: it was there before."""
    domain = after(ten_days)
    assert domain.run(range(10 * DAY, 12 * DAY), from_on(10 * DAY, 99 * DAY, (0.6, 0.01))) == []


def test_a_broken_promise_is_drift(ten_days: Domain) -> None:
    """Where 6 % of the units come to have p <= 0.01, it is told once the counters are sure, at the usual level."""
    domain = after(ten_days)
    turns = domain.run(range(10 * DAY, 11 * DAY), lambda minute: (usual(minute)[0], 0.06))
    assert [(now.state, now.cause) for _, now in turns] == [(DRIFT, MANY)]
    assert turns[0][0] - 10 * DAY < 16 * HOUR
    assert "% of the principal-minutes had p <= 0.01, expected 0.5% to 2%" in turns[0][1].text


def test_what_an_attack_left_in_the_counters_is_no_drift(ten_days: Domain) -> None:
    """Half a day after an hour in which all was odd, four hours with every thirtieth p small are not the last straw."""
    domain = after(ten_days)
    odd = {**dict.fromkeys(range(HOUR), 1.0), **dict.fromkeys(range(12 * HOUR, 16 * HOUR), 0.035)}
    turns = domain.run(
        range(10 * DAY, 10 * DAY + 16 * HOUR), lambda minute: (usual(minute)[0], odd.get(minute - 10 * DAY, 0.01))
    )
    assert domain.counters[2] / domain.counters[0] > 0.02
    assert turns == []


def test_too_few_small_p_are_drift_if_there_are_scores(ten_days: Domain) -> None:
    """A combination that scores and never comes below 0.01 is blind; a detector of few scores, or alone, may be so."""
    blind = after(ten_days)
    blind.run(range(10 * DAY, 20 * DAY), lambda minute: (usual(minute)[0], 0.0))
    assert [(now.state, now.cause) for now in health(blind.rows)] == [(GOOD, None), (DRIFT, FEW)]
    silent = after(ten_days)
    silent.monitors._speaking = lambda _: 0.01
    assert silent.run(range(10 * DAY, 20 * DAY), lambda minute: (usual(minute)[0], 0.0)) == []


def test_an_alarm_ends_a_day_after_the_last_evidence(ten_days: Domain) -> None:
    """A change of six hours is told for a day more, then it is good again since then, and the cause remembered."""
    domain = after(ten_days)
    shape = from_on(10 * DAY, 10 * DAY + 6 * HOUR, (0.9, 0.01))
    [(_, begun), (end, over)] = domain.run(range(10 * DAY, 13 * DAY), shape)
    assert begun.state == DRIFT
    assert end == 10 * DAY + 6 * HOUR - 1 + DAY
    assert (over.state, over.since, over.cause) == (GOOD, end, UP)


def test_a_change_that_stays_becomes_the_usual(ten_days: Domain) -> None:
    """A new level is told on its first day and the one after, and no more in the following ten."""
    domain = after(ten_days)
    turns = domain.run(range(10 * DAY, 22 * DAY), from_on(10 * DAY, 99 * DAY, (0.9, 0.01)))
    assert [now.state for _, now in turns] == [DRIFT, GOOD]
    assert turns[1][0] < 12 * DAY + HOUR


def test_nothing_is_told_while_learning() -> None:
    """Before the laws have weight, and as long as most keys are young, the state is that, whatever the numbers are."""
    domain = Domain()
    for minute in range(2 * DAY):
        domain.feed(minute, 4.0, UNITS, young=UNITS, weight=1_999.0)
    assert {(now.state, now.since, now.level) for now in health(domain.rows)} == {(LEARNING, 0, None)}
    for minute in range(2 * DAY, 4 * DAY):
        domain.feed(minute, 0.2, UNITS, young=UNITS)
    assert [now.state for now in health(domain.rows)] == [LEARNING, LEARNING]
    assert health(domain.rows)[0].young == 1.0
    for minute in range(4 * DAY, 6 * DAY):
        domain.feed(minute, 0.2, 0)
    assert [now.state for now in health(domain.rows)] == [GOOD, GOOD]
    assert 4 * DAY + 20 * HOUR < health(domain.rows)[0].since < 5 * DAY + 6 * HOUR
    assert "a key that is still learning" in health(domain.rows)[0].text


def test_what_is_lost_is_told_a_day() -> None:
    """A hundred rows evicted and ten keys refused in every hour are 2,400 and 240 a day; an hour alone fades."""
    domain = Domain()
    for minute in range(8 * DAY):
        domain.lost = {"one": minute // HOUR * 100, "ratio": 0, REFUSED: minute // HOUR * 10}
        domain.feed(minute, 0.2, 0)
    one, whole = health(domain.rows)
    assert one.evicted == whole.evicted == pytest.approx(2_400, rel=0.05)
    assert one.refused == whole.refused == pytest.approx(240, rel=0.05)
    assert "evicted; " in one.text
    for minute in range(8 * DAY, 18 * DAY):
        domain.feed(minute, 0.2, 0)
    assert health(domain.rows)[0].evicted < 10
    assert "refused" not in health(domain.rows)[0].text


def test_its_rows_are_few_small_and_all_it_knows(ten_days: Domain) -> None:
    """After JSON it goes on as before; below 4 kB a name; a minute writes one row, a span or a block a few more."""

    class Counted(dict[str, Row]):
        written = 0

        def __setitem__(self, key: str, row: Row) -> None:
            self.written += 1
            super().__setitem__(key, row)

    restored = Counted({key: tuple(row) for key, row in json.loads(json.dumps(ten_days.rows)).items()})
    one, other = after(ten_days), Domain(restored)
    other.counters = list(one.counters)
    for domain in (one, other):
        domain.run(range(10 * DAY, 11 * DAY), from_on(10 * DAY, 99 * DAY, (0.9, 0.01)))
    assert json.dumps(one.rows, sort_keys=True) == json.dumps(restored, sort_keys=True)
    assert health(one.rows) == health({key: tuple(row) for key, row in json.loads(json.dumps(one.rows)).items()})
    assert len(restored) < 20
    assert len(json.dumps(restored)) < 2 * 4_000
    assert restored.written < DAY * 1.8


def test_other_models_begin_anew(ten_days: Domain) -> None:
    """Rows of another set of detectors are put away; what does not belong to the monitors stays."""
    rows: Store = {**ten_days.rows, "#header": (1,)}
    other = Monitors(rows, ("two", "all"), lambda _: (0.0,) * 4, lambda _: 1.0, dict)
    other.feed(Sealed(11 * DAY, 1, 0.0, (0, 0), (), ()))
    assert sorted(rows) == ["#header", "names", "now"]
    assert [(now.model, now.state, now.since) for now in health(rows)] == [
        ("two", LEARNING, 11 * DAY),
        ("all", LEARNING, 11 * DAY),
    ]


def test_no_rows_no_word() -> None:
    """Before the first minute is over there is nothing to tell."""
    assert health({}) == ()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_calibrated_score_of_one_law_is_never_in_drift(seed: int) -> None:
    """Thirty days of six principals with a score of one law, mostly silent, through the calibration: no alarm."""
    rows: Store = {}
    monitors: list[Monitors] = []
    laws = Calibration({}, ("one", "all"), lambda ps, beside: 1.0 - ps[0], sealed=lambda each: monitors[0].feed(each))
    monitors.append(Monitors(rows, laws.names, laws.monitored, laws.speaking, dict))
    chance = random.Random(seed)
    states = set()
    for minute in range(30 * DAY):
        for who in range(6):
            laws.note(f"role/{who}", minute, (chance.expovariate(log(10) / 1.7) if chance.random() < 0.1 else 0.0,))
        if minute % HOUR == 0:
            states |= {now.state for now in health(rows)}
    assert states == {LEARNING, GOOD}
    assert 0.005 < (health(rows)[-1].hundredth or 0.0) < 0.02


def calls(
    minutes: range, seed: int = 1, fresh: int = -1, times: int = 1, enumerates: range = range(0)
) -> Iterator[Any]:
    """Eight roles with three actions each. From the minute ``fresh`` on every other one has three new ones; each calls
    so many times as often; in the minutes ``enumerates`` all of them try what they never did."""
    chance = random.Random(seed)
    for minute in minutes:
        for who in range(8):
            new = "new" if who % 2 and 0 <= fresh <= minute else "svc"
            for _ in range(chance.choice((1, 1, 2, 3)) * times):
                action = f"{new}{who}:Op{chance.choice('aaabbc')}"
                yield event(minute, who, action if chance.random() > 5e-4 else f"odd:Op{chance.randrange(99)}")
            if minute in enumerates:
                for n in range(10):
                    yield event(minute, who, f"iam:List{(minute * 7 + n) % 100}")


def event(minute: int, who: int, action: str) -> dict[str, Any]:
    return {"time": minute * 60_000, "principal": f"role/{who}", "action": action, "outcome": "success"}


@pytest.fixture(scope="module")
def nine_days() -> dict[str, Store]:
    tables: dict[str, Store] = {}
    suite = Suite(lambda name: tables.setdefault(name, {}))
    for x in calls(range(9 * DAY)):
        suite.score_and_learn(x)
    return tables


def follow(tables: dict[str, Store], events: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """The states that each model was in, in order, on a copy of the tables."""
    suite = Suite(copy.deepcopy(tables).__getitem__)
    states: dict[str, list[str]] = {}
    for x in events:
        suite.score_and_learn(x)
        if x["principal"] == "role/0":
            for now in suite.health():
                seen = states.setdefault(now.model, [])
                if seen[-1:] != [now.state]:
                    seen.append(now.state)
    return states


START = 9 * DAY + 100


def test_a_suite_on_its_usual_traffic_is_good(nine_days: dict[str, Store]) -> None:
    """One more day of the same: every model is good all along."""
    states = follow(nine_days, calls(range(9 * DAY, 10 * DAY), seed=2))
    assert states == {name: [GOOD] for name in ("burst", "rarity", "frequency", "all")}


def test_a_suite_of_which_half_do_other_things_is_in_drift(nine_days: dict[str, Store]) -> None:
    """Every other role has three new actions and none of the old: within six hours the combination is in drift."""
    states = follow(nine_days, calls(range(9 * DAY, START + 6 * HOUR), seed=2, fresh=START))
    assert states["all"] == [GOOD, DRIFT]


def test_a_suite_whose_rates_double_is_in_drift(nine_days: dict[str, Store]) -> None:
    """Every role calls twice as often: within six hours the burst detector is in drift."""
    states = follow(nine_days, calls(range(START, START + 6 * HOUR), seed=2, times=2))
    assert states["burst"] == [GOOD, DRIFT]


def test_a_suite_after_an_hour_of_enumeration_is_good(nine_days: dict[str, Store]) -> None:
    """For an hour all roles try a hundred actions they never used: no model is in drift then, or half a day after."""
    events = calls(range(9 * DAY, START + 13 * HOUR), seed=2, enumerates=range(START, START + HOUR))
    assert DRIFT not in {state for states in follow(nine_days, events).values() for state in states}


def test_the_examples_in_the_documentation_run() -> None:
    """Docstring examples are true."""
    assert doctest.testmod(models.health).failed == 0

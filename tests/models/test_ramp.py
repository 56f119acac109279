"""Counts of calls that creep up over days."""

from __future__ import annotations

import json
from math import exp
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.base import Row, Store
from models.ramp import TURNS, begun, learnt, read, stored
from models.ratio import Ratio
from models.reason import Part

MINUTE, DAY = 60_000, 86_400_000
ALARM = 2e-5
USUAL = 9  # of a history's row, the first of seven


def counts(seed: int, mean: float, days: int, ramp: int, wobble: float = 0.05, growth: float = 1.02) -> list[int]:
    """Calls a day: weekends 40 %, log-normal wobble, growth from day ``ramp`` on."""
    chance = np.random.default_rng(seed)
    rates = [mean * (0.4 if day % 7 >= 5 else 1.0) * growth ** max(0, day - ramp + 1) for day in range(days)]
    return [int(chance.poisson(rate * exp(chance.normal(0, wobble) - wobble**2 / 2))) for rate in rates]


def alarms(given: list[int]) -> list[int]:
    """Days on which a ramp is told."""
    history = begun(0)
    found = []
    for day, calls in enumerate(given):
        history = learnt(history, calls, ALARM)
        if history[3] <= ALARM:
            found.append(day)
    return found


def called(ratio: Ratio, day: int, calls: int, who: str = "web", **more: Any) -> list[tuple[int, Part]]:
    """So many calls over a day; the parts about their number, with the minute of the day."""
    told = []
    for n in range(calls):
        at = day * DAY + n * DAY // calls
        x = {"time": at, "principal": who, "action": "s3:GetObject", "outcome": "success"} | more
        told += [(at % DAY // MINUTE, part) for part in ratio.observe(x)[1] if part.feature == "volume"]
    return told


@pytest.mark.parametrize("mean", [1_000, 10_000])
def test_two_per_cent_a_day_is_told_within_ten_days(mean: int) -> None:
    """With 5 % of wobble and weekends, nine weeks before, from each day of the week on: the median of a hundred
    keys within ten, nine in ten within eleven; none was told before."""
    delays = []
    for seed in range(100):
        start = 63 + seed % 7
        days = alarms(counts(seed, mean, start + 20, start))
        assert not [day for day in days if day < start]
        delays.append(days[0] - start + 1 if days else 99)
    assert np.median(delays) <= 10
    assert np.percentile(delays, 90) <= 11


def test_neither_a_week_nor_noise_is_a_ramp() -> None:
    """Twenty keys over a year each, weekends of 40 %, from 100 to 10,000 calls a day: at most one is told, once."""
    told = [alarms(counts(seed, 10 ** (2 + seed % 3), 365, 10**6)) for seed in range(20)]
    assert sum(map(len, told)) <= 1


def test_one_absurd_day_is_no_ramp_and_teaches_nothing_to_speak_of() -> None:
    """A billion calls on one day: not told, and the usual of that weekday is 2 % higher a week later."""
    given = counts(1, 1_000, 70, 10**6)
    plain = spoiled = begun(0)
    for day, calls in enumerate(given):
        plain = learnt(plain, calls, ALARM)
        spoiled = learnt(spoiled, 10**9 if day == 60 else calls, ALARM)
        assert spoiled[3] > ALARM
        if day > 60:
            for a, b in zip(plain[USUAL : USUAL + 7], spoiled[USUAL : USUAL + 7], strict=True):
                assert abs(a - b) < 2 * TURNS


def test_the_usual_moves_by_a_stated_share_at_most() -> None:
    """Any counts: once a weekday was seen three times, its usual moves by at most 2 % a week."""
    history = begun(0)
    chance = np.random.default_rng(3)
    for day in range(100):
        before = history[USUAL : USUAL + 7]
        history = learnt(history, int(10 ** chance.uniform(0, 7)), ALARM)
        if day >= 21:
            moved = max(abs(a - b) for a, b in zip(before, history[USUAL : USUAL + 7], strict=True))
            assert moved <= TURNS


def test_a_ramp_that_lasts_is_told_again_and_is_not_swallowed() -> None:
    """Forty days of 2 %: told at least three times."""
    assert len(alarms(counts(1, 5_000, 63 + 40, 63))) >= 3


def test_a_row_is_small() -> None:
    """With ten million calls a day, both rows of a key together have at most 300 bytes of JSON."""
    history: Row = begun(20_000)
    for calls in counts(1, 1e7, 60, 10**6):
        history = learnt(history, calls, ALARM)
    assert len(json.dumps(stored(history))) + len(json.dumps((20_060, 10**7, -1, 60))) <= 300
    assert tuple(json.loads(json.dumps(stored(history)))) == stored(history)


@given(st.integers(0, 30_000), st.lists(st.integers(0, 10**6) | st.sampled_from([0, 10**12]), max_size=60))
@settings(deadline=None)
def test_a_history_comes_back_from_its_row(first: int, given: list[int]) -> None:
    """To the bit, on its first day and on every later one, through JSON."""
    history = begun(first)
    for calls in (0, *given):
        assert read(tuple(json.loads(json.dumps(stored(history))))) == history
        assert len(stored(history)) in (2, 10)
        history = learnt(history, calls, ALARM)


def test_the_detector_tells_it_in_the_first_minute_of_a_day() -> None:
    """A principal and its use of an action, with what was seen yesterday against what is usual for that weekday."""
    ratio = Ratio()
    given = [2 * calls for calls in counts(2, 400, 45, 35, wobble=0.01, growth=1.1)]
    told = [(day, minute, part) for day, calls in enumerate(given) for minute, part in called(ratio, day, calls)]
    assert told
    day, minute, part = next(each for each in told if each[2].p <= ALARM)
    assert 36 <= day <= 42
    assert minute == 0
    assert {(part.key, part.value) for _, _, part in told} == {("web", None), ("web", "s3:GetObject")}
    assert part.seen == given[day - 1]
    assert part.low < part.expected < part.high < part.seen
    assert part.maturity >= 0.5
    assert part.history == day - 1


def test_rows_alone_decide_and_asking_changes_nothing() -> None:
    """After JSON, in the minute in which a ramp is told, before and after its first event: equal parts for each."""
    ratio = Ratio()
    x: dict[str, Any] = {"principal": "web", "action": "s3:GetObject", "outcome": "success"}
    for day, calls in enumerate(counts(2, 400, 45, 35, wobble=0.01, growth=1.1)):
        x["time"] = day * DAY + 5
        store: Store = {key: tuple(row) for key, row in json.loads(json.dumps(sorted(ratio._rows.items())))}
        other = Ratio(store)
        first = other.weigh(x)[1]
        assert other._rows == ratio._rows
        if first:
            break
        called(ratio, day, calls)
    assert [part.feature for part in first] == ["volume", "volume"]
    assert ratio.observe(x)[1] == first == ratio.observe(x)[1] == ratio.weigh(x)[1]
    assert not ratio.observe(x | {"time": x["time"] + MINUTE})[1]


def test_late_events_are_left_out_and_a_long_silence_begins_anew() -> None:
    """An event of yesterday changes nothing; after a month of silence nothing is told of the first days."""
    ratio = Ratio()
    for day in range(30):
        called(ratio, day, 300)
    called(ratio, 30, 5)
    rows = {key: row for key, row in ratio._rows.items() if key[0] in "nh"}
    called(ratio, 29, 300)
    assert {key: row for key, row in ratio._rows.items() if key[0] in "nh"} == rows
    assert not [told for day in range(60, 80) for told in called(ratio, day, 1_000)]


def test_silent_days_count_as_none() -> None:
    """A key of working days: its silent weekends are its rhythm, and a working day after them is no rise."""
    ratio = Ratio()
    for day in range(60):
        if day % 7 < 5:
            assert not called(ratio, day, 200)
    assert ratio._rows["n|web|s3:GetObject"][0] == 59


def test_a_key_with_few_calls_is_counted_and_no_more() -> None:
    """Below twenty calls a day there is no history; one day of twenty begins it, for the action as for all calls."""
    ratio = Ratio()
    for day in range(5):
        called(ratio, day, 19)
    assert sorted(ratio._rows) == ["a|s3:GetObject", "n|web|s3:GetObject", "p|web"]
    x = {"principal": "web", "outcome": "success"}
    for n in range(26):  # twelve of each on the fifth day
        ratio.learn_one(x | {"time": (5 * 24 + n) * DAY // 24, "action": ("s3:GetObject", "s3:PutObject")[n % 2]})
    assert [key for key in sorted(ratio._rows) if key[0] == "h"] == ["h|web"]
    assert ratio._rows["h|web"][:2] == (6, 6)
    called(ratio, 7, 20)
    called(ratio, 8, 1)
    assert ratio._rows["h|web|s3:GetObject"][:2] == (8, 8)
    assert ratio._rows["h|web"][:2] == (8, 6)

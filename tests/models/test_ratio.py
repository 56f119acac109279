"""The share of calls that fail."""

from __future__ import annotations

import doctest
import random
from math import comb
from typing import Any

import pytest

from models import beta_binomial, text
from models.base import Row, Store
from models.ratio import Ratio
from models.reason import Part

MINUTE, DAY = 60_000, 86_400_000


def call(at: int, failed: bool, who: str = "web", **more: Any) -> dict[str, Any]:
    return {"time": at, "principal": who, "outcome": "failure" if failed else "success"} | more


def learnt(days: int = 5, share: float = 0.05, **parameters: Any) -> Ratio:
    """Days with ten calls in every tenth minute, of which a share fails."""
    chance = random.Random(1)
    ratio = Ratio(**parameters)
    for minute in range(0, days * 1440, 10):
        for n in range(10):
            ratio.learn_one(call(minute * MINUTE + n, chance.random() < share))
    return ratio


def ramps(shares: list[float], calls: int, seed: int = 1) -> list[tuple[int, Part]]:
    """Parts about a ramp, with their days, of a principal with so many calls a day, in forty minutes of it."""
    chance = random.Random(seed)
    ratio = Ratio()
    told = []
    for day, share in enumerate(shares):
        for minute in range(40):
            for n in range(calls // 40):
                event = call(day * DAY + minute * 36 * MINUTE + n, chance.random() < share)
                told += [(day, part) for part in ratio.observe(event)[1] if part.feature == "ramp" and part.p <= 1e-3]
    return told


@pytest.mark.parametrize(("calls", "a", "b"), [(5, 1.0, 4.0), (40, 2.0, 38.0), (300, 6.0, 194.0)])
def test_the_tail_is_that_of_the_law(calls: int, a: float, b: float) -> None:
    """Against the sum of all its terms, from the exact recurrence of the beta function."""

    def mass(k: int) -> float:
        value = float(comb(calls, k))
        for at in range(calls):
            value *= (a + at if at < k else b + at - k) / (a + b + at)
        return value

    for fails in range(int(calls * a / (a + b)) + 2, calls + 1, 3):
        exact = sum(mass(k) for k in range(fails, calls + 1))
        assert beta_binomial.tail(fails, calls, a, b) == pytest.approx(exact, rel=2e-3)
    assert beta_binomial.tail(calls + 1, calls, a, b) == 1e-300
    assert doctest.testmod(beta_binomial).failed == 0


def test_a_minute_of_failures_is_improbable_and_says_so() -> None:
    """Nine of ten where one in twenty fails: p below 1e-4, with the share seen, expected and its interval."""
    ratio = learnt()
    for n in range(10):
        evidence = ratio.observe(call(5 * DAY + n, failed=n > 0))
    (part,) = evidence[1]
    assert part.p < 1e-4
    assert part.maturity == 1.0
    assert text(part).startswith("90% of the calls by web failed in 1 min, expected 5.2% (0% to 19%), ")
    assert text(part).endswith("calls and 5 days of history")


def test_the_usual_share_is_no_reason() -> None:
    """Of the minutes after five days of learning, no more than promised have a p of 0.01, and none speaks at 1e-4."""
    ratio = learnt()
    chance = random.Random(7)
    least = []
    for minute in range(5 * 1440, 45 * 1440, 10):
        ps = [1.0]
        for n in range(10):
            parts = ratio.observe(call(minute * MINUTE + n, chance.random() < 0.05))[1]
            ps += [part.p for part in parts if part.feature == "share"]
        least.append(min(ps))
    assert sum(p <= 1e-2 for p in least) / len(least) / 1e-2 < 1.25
    assert min(least) > 1e-5


def test_failed_logins_of_many_are_the_share_of_the_action() -> None:
    """Ten people who fail once each are nothing to any of them, and much to the action and the component."""
    ratio = Ratio()
    more = {"action": "signin:ConsoleLogin", "component": "portal"}
    for minute in range(0, 4 * 1440, 10):
        ratio.learn_one(call(minute * MINUTE, False, f"user{minute % 50}", **more))
    for n in range(10):
        parts = ratio.observe(call(4 * DAY + n, True, f"user{n}", **more))[1]
    assert {part.value for part in parts if part.p < 1e-6} == {"action", "component"}
    assert any(text(part).startswith("100% of the calls to portal failed") for part in parts)


def test_a_slow_ramp_is_told_within_ten_days() -> None:
    """A share of 5 % that grows by 2 % of itself a day, at 20,000 calls a day: told 4 to 10 days on, as a rise."""
    shares = [0.05 * 1.02 ** max(0, day - 30) for day in range(41)]
    days = sorted({day for day, _ in ramps(shares, 20_000)})
    assert days
    assert 34 <= days[0] <= 40
    part = ramps(shares, 20_000)[0][1]
    assert part.seen > 0
    assert "more of the calls by web fail than the usual" in text(part)


def test_a_fall_is_told_too_and_a_steady_share_is_not() -> None:
    """From 20 % to nothing at once: told the day after, as a fall; forty steady days: nothing."""
    assert not ramps([0.05] * 40, 2_000)
    told = ramps([0.2] * 15 + [0.0] * 4, 2_000)
    assert told[0][0] == 17
    assert "fewer of the calls" in text(told[0][1])


@pytest.mark.parametrize(("days", "within"), [(12, 0.001), (4, 0.02)])
def test_a_flood_of_failures_does_not_become_usual(days: int, within: float) -> None:
    """An hour of a thousand failures a minute moves the share expected the next day by a tenth of a point; in the first
    week, when any day is learnt whole, by less than two points, though it is nine tenths of all calls."""
    calm, flooded = learnt(days=days), learnt(days=days)
    for minute in range(60):
        for n in range(1_000):
            flooded.learn_one(call(days * DAY + minute * MINUTE + n, True))
    probe = [call((days + 1) * DAY + n, True) for n in range(5)]
    expected = []
    for ratio in (calm, flooded):
        for event in probe:
            parts = ratio.observe(event)[1]
        expected.append(next(part.expected for part in parts if part.feature == "share"))
    assert expected[1] < expected[0] + within


def test_what_neither_fails_nor_succeeds_does_not_count() -> None:
    """An unknown outcome leaves no row."""
    store: Store = {}
    ratio = Ratio(store)
    ratio.learn_one(call(0, False) | {"outcome": "unknown"})
    ratio.learn_one({"time": 0, "principal": "web"})
    assert not store


def test_new_names_displace_themselves() -> None:
    """At the cap, a flood of names evicts what has no day behind it; the one with a history stays."""
    store: Store = {}
    ratio = learnt(store=store, keys=50)
    for n in range(2_000):
        ratio.learn_one(call(5 * DAY + n, True, f"who{n}"))
    assert len(store) <= 51
    assert "p|web" in store


class Counted(dict[str, Row]):
    """A store that counts how often each key was written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: dict[str, int] = {}

    def __setitem__(self, key: str, row: Row) -> None:
        self.writes[key] = self.writes.get(key, 0) + 1
        super().__setitem__(key, row)


def test_an_event_writes_each_of_its_rows_once() -> None:
    """One of the principal, the action, the component, and the principal's use of the action; beside them at most two
    histories, in the first minute of a day."""
    store = Counted()
    ratio = Ratio(store)
    more = {"action": "s3:GetObject", "component": "shop"}
    wanted = ["a|s3:GetObject", "c|shop", "n|web|s3:GetObject", "p|web"]
    for at in range(0, 5 * DAY, 15 * MINUTE):
        store.writes.clear()
        ratio.learn_one(call(at, at % 7 == 0, **more))
        extra = ["h|web", "h|web|s3:GetObject"] if at % DAY == 0 and at else []
        assert sorted(store.writes) == sorted(wanted + extra)
        assert set(store.writes.values()) == {1}

"""Ratio shift: more of the calls fail than did before, within a minute or creeping up over days.

Failed logins are the share of one action, denials that of a principal, failed changes that of a deploy action or a
component: each of the three has a row. The minute is held against the past by a beta-binomial tail; the day against the
last thirty by two CUSUMs (Page, Biometrika 41, 1954), one for a rise and one for a fall, with Lundberg's bound as p.

A count of calls that creeps up over days has its own rows beside these: see ``models.ramp``.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, sqrt
from typing import ClassVar

from models.base import NOTABLE, TICK_MS, UNTESTED, Detector, Evidence, Features, Row, Store
from models.beta_binomial import spread as beta_spread
from models.beta_binomial import tail
from models.evict import sweep
from models.keys import row_key
from models.ramp import DAY_TICKS, Ramp, stored
from models.ramp import rank as ramp_rank
from models.reason import Part

KINDS = {"p": "principal", "a": "action", "c": "component"}

# Of this tick: tick, calls, failures. Of this UTC day, earlier ticks: calls, failures. Of earlier days, decayed: calls,
# failures; how much more than by chance a day wanders; CUSUMs of rise and fall; days. First tick; the tick in which
# ramps are told, the first of a day. What is nothing or one is an int: those take no memory.
_TICK, _CALLS, _FAILS, _DAY_CALLS, _DAY_FAILS, _SLOW, _SLOW_FAILS, _SPREAD, _UP, _DOWN, _DAYS, _FIRST, _TELL = range(13)

_HALF_LIFE = 30.0  # days
_PRIOR_CALLS, _PRIOR_FAILS = 20.0, 1.0
_STRENGTH = 200.0  # calls' worth of certainty about the share of one minute, at most: shares wander
_SLACK, _CLIP = 0.5, 4.0  # of the CUSUM, in standard deviations of a day
_RAMP_DAYS = 7
_TURNS = 0.005  # of itself, the most that the slow share moves in a day
_MATURE_CALLS, _MATURE_DAYS = 200.0, 2.0  # of earlier days, at maturity 1


class Ratio(Detector):
    """How improbable the share of failed calls is: of this principal, of this action, of this component.

    And how improbable is the growth of its calls over days, of this principal and of its use of this action.

    ``guard``: a minute with a p below it teaches as much as the highest ordinary one. ``alarm``: a ramp that has come
    to a p below it is told in the first minute of the day, and begins anew; low enough that the combination with the
    other detectors is below 1e-3, too. ``keys``: the cap on rows.

    Only calls that succeeded or failed count. A ramp of 2 % of the share a day is told after 7 to 10 days where a day
    has a thousand failures, and is not told within ten days where it has a hundred. The day is UTC's.

    The share is looked at after every failed call of a minute, so the order inside the minute matters to its p.

    >>> ratio = Ratio()
    >>> login = {"principal": "ann", "action": "signin:ConsoleLogin", "outcome": "success"}
    >>> for minute in range(0, 4 * 1440, 10):
    ...     ratio.learn_one(login | {"time": minute * 60_000})
    >>> for second in range(8):
    ...     ratio.learn_one(login | {"time": 4 * 86_400_000 + second, "outcome": "failure"})
    >>> from models.reason import text
    >>> text(ratio.assess(login | {"time": 4 * 86_400_000 + 9, "outcome": "failure"}).parts[0])
    '100% of the calls by ann failed in 1 min, expected 0.18% (0% to 3%), 543 calls and 4 days of history'
    """

    name: ClassVar[str] = "ratio"
    version: ClassVar[int] = 3
    features: ClassVar[tuple[str, ...]] = ("time", "principal", "action", "component", "outcome")
    repeatable: ClassVar[bool] = False

    def __init__(
        self, store: Store | None = None, guard: float = 1e-3, alarm: float = 2e-5, keys: int = 100_000
    ) -> None:
        self.store = store
        self.guard = guard
        self.alarm = alarm
        self.keys = keys
        self._rows = {} if store is None else store
        self._ramp = Ramp(self._rows, alarm)

    def tests(self, x: Features) -> int:
        """Two a key, of principal, action and component, where the call succeeded or failed; one a count of calls."""
        if x.get("principal") is None or x.get("time") is None or x.get("outcome") not in _KNOWN:
            return 0
        action = x.get("action")
        return 2 * len(_keys(x["principal"], action, x.get("component"))) + (1 if action is None else 2)

    def weigh(self, x: Features) -> Evidence:
        """The raw evidence about an event that is not learnt yet. Changes nothing."""
        time, principal, outcome = x.get("time"), x.get("principal"), x.get("outcome")
        if time is None or principal is None:
            return UNTESTED
        tick = time // TICK_MS
        keys = _keys(principal, x.get("action"), x.get("component"))
        if outcome not in _KNOWN:
            row = self._rows.get(keys[0])
            return (0.0 if row is None else _maturity(row)), ()
        failed = outcome == "failure"
        maturity = -1.0
        parts: tuple[Part, ...] = ()
        ramps: tuple[Part, ...] = ()
        for key in keys:
            row = self._rows.get(key)
            if row is None:
                row = _begun(tick)
            else:
                if maturity < 0.0 and row[_TICK] <= tick:
                    ramps = self._ramped(principal, row, tick)[0]
                if row[_TICK] < tick:
                    row = self._sealed(row, tick)
                if row[_TICK] == tick:
                    parts = self._test(parts, key, row, failed)
            if maturity < 0.0:
                maturity = _maturity(row)
        return maturity, parts + ramps + self._ramp.weigh(principal, x.get("action"), tick)

    def observe(self, x: Features) -> Evidence:
        """``weigh`` and ``learn_one`` in one pass: the same answer and the same rows."""
        time, principal, outcome = x.get("time"), x.get("principal"), x.get("outcome")
        if outcome not in _KNOWN or time is None or principal is None:
            return self.weigh(x)
        rows = self._rows
        tick = time // TICK_MS
        failed = outcome == "failure"
        action = x.get("action")
        maturity = -1.0
        parts: tuple[Part, ...] = ()
        ramps: tuple[Part, ...] = ()
        grown = False
        dawn = tick - tick % DAY_TICKS
        for key in _keys(principal, action, x.get("component")):
            row = rows.get(key)
            if row is None:
                row = _begun(tick)
                rows[key] = (tick, 1, int(failed), *row[3:])
                grown = True
            else:
                then = row[_TICK]
                if then <= tick:
                    if maturity < 0.0 and (then < dawn or row[_TELL] == tick):
                        ramps, history = self._ramped(principal, row, tick)
                        if history is not None:
                            rows[row_key("h", principal)] = stored(history)
                            grown = True
                    if then < tick and (failed or then < dawn or row[_FAILS] or row[_TELL] == then):
                        row = self._sealed(row, tick)
                    if failed or row[_TELL] == tick:
                        parts = self._test(parts, key, row, failed)
                    # Taken apart and put together by hand, as slices take twice as long.
                    then, calls, fails, day, day_fails, slow, slow_fails, wander, up, down, days, first, tell = row
                    if then < tick:  # of a minute without failures only the number of calls is left
                        day += calls
                        calls = 0
                    rows[key] = (
                        tick, calls + 1, fails + failed, day, day_fails, slow, slow_fails, wander, up, down, days,
                        first, tell,
                    )  # fmt: skip
            if maturity < 0.0:
                maturity = _maturity(row)
        if action is not None:
            more, new = self._ramp.observe(principal, action, tick)
            ramps += more
            grown = grown or new
        if grown:
            sweep(rows, self.keys, _rank)
        return (maturity, parts + ramps) if ramps else (maturity, parts)

    def _ramped(self, principal: str, row: Row, tick: int) -> tuple[tuple[Part, ...], Row | None]:
        """What is told of the principal's calls a day in that tick; and what they have become, if a day is over."""
        then, day = row[_TICK] // DAY_TICKS, tick // DAY_TICKS
        key = row_key("h", principal)
        if then < day:
            history = self._ramp.turned(key, then, row[_DAY_CALLS] + row[_CALLS], day)
            return self._ramp.part(history, principal, None, tick), history
        return (self._ramp.part(self._ramp.history(key), principal, None, tick) if row[_TELL] == tick else ()), None

    def _sealed(self, row: Row, tick: int) -> Row:
        """The key's row at the start of a later tick."""
        then, calls, fails, day_calls, day_fails, slow, slow_fails, wander, up, down, days, first, tell = row
        gone = tick // DAY_TICKS - then // DAY_TICKS
        if not fails and tell != then and not gone:
            return (tick, 0, 0, day_calls + calls, *row[4:])
        a, b = _beta(slow, slow_fails)
        mean = calls * a / (a + b)
        bar = mean + 2.0 * sqrt(mean)
        if slow and fails > bar and tail(fails, calls, a, b) <= self.guard:
            fails = bar
        if tell == then and exp(-2.0 * _SLACK * max(up, down)) <= self.alarm:
            up = down = 0
        day_calls += calls
        day_fails += fails
        if gone:
            slow, slow_fails, wander, up, down = _dawn(
                day_calls, day_fails, slow, slow_fails, wander, up, down, days, gone
            )
            day_calls, day_fails, days, tell = 0, 0, days + 1, tick
        return (tick, 0, 0, day_calls, day_fails, slow, slow_fails, wander, up, down, days, first, tell)

    def _test(self, parts: tuple[Part, ...], key: str, row: Row, failed: bool) -> tuple[Part, ...]:
        calls = row[_CALLS] + 1
        a, b = _beta(row[_SLOW], row[_SLOW_FAILS])
        mean = a / (a + b)
        if failed:
            fails = row[_FAILS] + 1
            count = calls * mean
            if fails > count + 1.0 and fails > count + 2.0 * sqrt(count):
                p = tail(fails, calls, a, b)
                if p <= NOTABLE:
                    wide = 1.96 * beta_spread(calls, a, b) / calls
                    parts = (*parts, _part("share", key, row, fails / calls, mean, wide, p))
        if row[_TELL] == row[_TICK]:
            p = exp(-2.0 * _SLACK * max(row[_UP], row[_DOWN]))
            if p <= NOTABLE:
                wide = 1.96 * sqrt(mean * (1.0 - mean) * row[_SPREAD] / max(row[_SLOW], 1.0))
                steps = row[_UP] if row[_UP] > row[_DOWN] else -row[_DOWN]
                parts = (*parts, _part("ramp", key, row, steps, mean, wide, p))
        return parts


_KNOWN = ("success", "failure")


def _begun(tick: int) -> Row:
    return (tick, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, tick, -1)


def _maturity(row: Row) -> float:
    return min(1.0, row[_SLOW] / _MATURE_CALLS, row[_DAYS] / _MATURE_DAYS)  # type: ignore[no-any-return]  # rows hold numbers


def _part(feature: str, key: str, row: Row, seen: float, mean: float, wide: float, p: float) -> Part:
    kind, name = key[0], key[2:].replace("%7C", "|").replace("%25", "%")
    return Part(
        detector="ratio",
        feature=feature,
        key=name,
        value=KINDS[kind],
        seen=seen,
        expected=mean,
        low=max(0.0, mean - wide),
        high=min(1.0, mean + wide),
        history=int(row[_SLOW]),
        age_ms=(row[_TICK] - row[_FIRST]) * TICK_MS,
        maturity=_maturity(row),
        p=p,
    )


def _beta(slow: float, slow_fails: float) -> tuple[float, float]:
    calls = slow + _PRIOR_CALLS
    mean = (slow_fails + _PRIOR_FAILS) / calls
    strength = calls if calls < _STRENGTH else _STRENGTH
    return mean * strength, (1.0 - mean) * strength


def _dawn(
    calls: int, fails: float, slow: float, slow_fails: float, wander: float, up: float, down: float, days: int, gap: int
) -> tuple[float, float, float, float, float]:
    """The end of a day: the CUSUMs, then the slow share, which hardly moves, lest a ramp drag it along."""
    mean = (slow_fails + _PRIOR_FAILS) / (slow + _PRIOR_CALLS)
    if days and calls:
        # Two sources of chance: the day's own, and how little of the past was seen.
        variance = calls * mean * (1.0 - mean) * (1.0 + calls / (slow + _PRIOR_CALLS))
        plain = (fails - calls * mean) / sqrt(variance)
        z = max(-_CLIP, min(_CLIP, plain / sqrt(wander)))
        if days >= _RAMP_DAYS:
            up, down = max(0, up + z - _SLACK), max(0, down - z - _SLACK)
        weight = max(1.0 / (days + 3.0), 1.0 / 30.0)
        wander = max(1, wander + weight * (min(plain * plain, 9.0 * wander) - wander))
    keep = 0.5 ** (gap / _HALF_LIFE)
    slow, slow_fails = (slow + calls) * keep, (slow_fails + fails) * keep or 0
    if days >= _RAMP_DAYS:
        now = (slow_fails + _PRIOR_FAILS) / (slow + _PRIOR_CALLS)
        held = max(mean * (1.0 - _TURNS), min(mean * (1.0 + _TURNS), now))
        slow_fails = max(0, held * (slow + _PRIOR_CALLS) - _PRIOR_FAILS)
    return slow, slow_fails, wander, up, down


def _rank(key: str, row: Row) -> tuple[int, int] | None:
    if key[0] in "nh":
        return ramp_rank(key, row)
    return (1 if row[_DAYS] else 0), row[_TICK]


@lru_cache(maxsize=16_384)
def _keys(principal: str, action: str | None, component: str | None) -> tuple[str, ...]:
    """The principal's own key first: its maturity is the event's."""
    keys = [row_key("p", principal)]
    if action is not None:
        keys.append(row_key("a", action))
    if component is not None:
        keys.append(row_key("c", component))
    return tuple(keys)

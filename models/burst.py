"""Burst: more events of one key in one minute than its own history allows.

After MIDAS and MIDAS-F (Bhatia et al., arXiv 1911.04464 and 2009.08452): the current tick against decayed history, and
a tick that is itself anomalous does not teach. Differences: the tail is a negative binomial, so that naturally bursty
keys are judged by their own burstiness, and an unseen key has a prior, learnt from the first minutes of the other keys.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, repeat
from typing import ClassVar

from models.base import NOTABLE, TICK_MS, UNTESTED, Detector, Evidence, Features, Row, Store
from models.evict import sweep
from models.keys import row_key
from models.negative_binomial import interval, moments, tail
from models.reason import LEARNING_BELOW, Part

# A key's row: tick; its count; then, of earlier ticks: the first; events; active ticks, up to ``_ENOUGH``; decayed
# counts, fast and slow; decayed sum and sum of squares of the counts of active ticks, 0 if that is the sum, too.
# A key that was seen in one tick only has the first two. From the second event of a tick on, two stand behind: the
# highest ordinary count, and the size of the law of the count, as that rests on what other keys had taught by then. The
# law's mean and the key's maturity follow from the rest. Nothing is an int: that takes no memory.
_TICK, _COUNT, _FIRST, _EVENTS, _ACTIVE, _FAST, _SLOW, _SUM, _SQUARES = range(9)
_NEW, _NEW_TESTED, _KNOWN, _TESTED = 2, 4, 9, 11  # lengths of a row
# First minutes of new keys, of one kind: tick; keys, sum, squares of earlier ticks; the same added in this tick.
_PRIOR: Row = (0, 0, 0, 0, 0, 0, 0)

_FEATURES = {"p": "calls", "a": "action", "f": "failures"}

_FAST_HALF, _SLOW_HALF = 5.0, 360.0  # ticks
_RATE, _RATE_TICKS = 0.5, 5.0  # Gamma prior of the rate: half an event in five ticks
_FORGET = 0.98  # of the sizes of active minutes, an active minute: about the last fifty count
_SIZES = 2.0  # weight of the prior of those sizes, in active minutes
_PRIOR_KEYS, _PRIOR_SUM, _PRIOR_SQUARES = 5.0, 15.0, 150.0  # five made-up first minutes, with 3 events on average
_PRIOR_LIMIT = 500  # keys, at which the sums are halved
_VARIABILITY = 0.1  # no rate is steadier than 1/sqrt(10)
_MATURE_ACTIVE, _MATURE_AGE = 20.0, 60.0  # active ticks and ticks of age at maturity 1
_TRUST = 8  # times the bar: the most that a key which is still learning may teach in one tick
_NEGLIGIBLE = 2.0**-55  # a sum with one half or more does not see it

_ENOUGH = 26  # active ticks, after which more do not make a key more mature
# Of a key that is old enough, by its active ticks.
_MATURITIES = tuple(
    min(1.0, active / _MATURE_ACTIVE)
    for active in accumulate(repeat(1.0, _ENOUGH), lambda before, one: before * _FORGET + one, initial=0.0)
)

# The same powers over and over: looked up where the gap is short.
_FAST_KEEP = tuple(0.5 ** (gap / _FAST_HALF) for gap in range(256))
_SLOW_KEEP = tuple(0.5 ** (gap / _SLOW_HALF) for gap in range(1440))


class Burst(Detector):
    """How improbable this minute's count is for a principal, for its calls of this action, and for its failed calls.

    ``guard``: a minute with a p below it teaches no more than the highest ordinary count, so a flood of any size
    neither blinds the detector nor sets the new normal at once; a lasting rise is learnt in about an hour. ``keys``:
    the cap on rows; beyond it, keys seen in one minute only go first, then those silent for longest.

    An event older than its key's current minute is neither tested nor learnt (its minute is sealed): on a stream whose
    order is worse than a minute, counts are too low. Not for slow rises over days, nor for daily rhythm: it
    has no calendar.

    >>> burst = Burst()
    >>> calls = {"principal": "role/web", "action": "s3:GetObject", "outcome": "success"}
    >>> for minute in range(120):
    ...     burst.learn_one(calls | {"time": minute * 60_000})
    >>> for second in range(30):
    ...     burst.learn_one(calls | {"time": 120 * 60_000 + second})
    >>> from models.reason import text
    >>> text(burst.assess(calls | {"time": 120 * 60_000 + 30}).parts[0])
    '31 s3:GetObject by role/web in 1 min, expected 1.6 (1 to 4) in a minute with any, 2 hours of history'
    """

    name: ClassVar[str] = "burst"
    version: ClassVar[int] = 2
    features: ClassVar[tuple[str, ...]] = ("time", "principal", "action", "outcome")
    grows: ClassVar[bool] = True

    def __init__(self, store: Store | None = None, guard: float = 1e-3, keys: int = 50_000) -> None:
        self.store = store
        self.guard = guard
        self.keys = keys
        self._rows = {} if store is None else store

    def tests(self, x: Features) -> int:
        """The number of keys of the event: two, three if the call failed; one less without an action."""
        if x.get("principal") is None or x.get("time") is None:
            return 0
        return len(_keys(x["principal"], x.get("action"), x.get("outcome") == "failure"))

    def weigh(self, x: Features) -> Evidence:
        """The raw evidence about an event that is not learnt yet. Changes nothing."""
        time, principal = x.get("time"), x.get("principal")
        if time is None or principal is None:
            return UNTESTED
        tick = time // TICK_MS
        action = x.get("action")
        maturity = -1.0
        parts: tuple[Part, ...] = ()
        for key in _keys(principal, action, x.get("outcome") == "failure"):
            row = self._rows.get(key)
            if row is None:
                row = (tick, 1)
            elif row[_TICK] < tick:
                row = self._sealed(row, tick)
            elif row[_TICK] == tick:
                row = self._with_bar(key, row)
                count = row[_COUNT] + 1
                if count > row[-2]:
                    parts = _test(parts, key, row, count, principal, action)
            if maturity < 0.0:
                maturity = _maturity(row)
        return maturity, parts

    def observe(self, x: Features) -> Evidence:
        """``weigh`` and ``learn_one`` in one pass: the same answer and the same rows."""
        time, principal = x.get("time"), x.get("principal")
        if time is None or principal is None:
            return UNTESTED
        tick = time // TICK_MS
        action = x.get("action")
        rows = self._rows
        maturity = -1.0
        parts: tuple[Part, ...] = ()
        for key in _keys(principal, action, x.get("outcome") == "failure"):
            row = rows.get(key)
            if row is None:
                rows[key] = row = (tick, 1)
                sweep(rows, self.keys, _rank)
            elif row[0] == tick:
                if len(row) != _TESTED:
                    row = self._with_bar(key, row)
                if len(row) == _TESTED:
                    # By name: half the cost of slicing the rest off.
                    _, count, first, events, active, fast, slow, total, squares, bar, size = row
                    count += 1
                    if count > bar:
                        parts = _test(parts, key, row, count, principal, action)
                    rows[key] = (tick, count, first, events, active, fast, slow, total, squares, bar, size)
                else:
                    _, count, bar, size = row
                    count += 1
                    if count > bar:
                        parts = _test(parts, key, row, count, principal, action)
                    rows[key] = (tick, count, bar, size)
            elif row[0] < tick:
                sealed = self._sealed(row, tick)
                if len(row) <= _NEW_TESTED:
                    self._teach_prior(key[0], sealed[_SUM], tick)
                rows[key] = row = sealed
            if maturity < 0.0:
                maturity = _maturity(row)
        return maturity, parts

    def _sealed(self, row: Row, tick: int) -> Row:
        """The key's row at the start of a later tick: what its last tick taught, and the first event of the new one."""
        then, learnt = row[:2]
        first, events, active, fast, slow, total, squares = _history(row)
        events += learnt
        if len(row) in (_NEW_TESTED, _TESTED):
            bar, size = row[-2:]
            if learnt > bar and tail(learnt, _rate(fast, slow, then - first), size) <= self.guard:
                learnt = bar if _maturity(row) >= LEARNING_BELOW else min(learnt, bar * _TRUST)
        gap = tick - then
        fast = (fast + learnt) * (_FAST_KEEP[gap] if gap < 256 else 0.5 ** (gap / _FAST_HALF))
        if total:
            squares = (squares or total) * _FORGET + learnt * learnt
            total = total * _FORGET + learnt
        else:
            total, squares = learnt, learnt * learnt
        return (
            tick,
            1,
            first,
            events,
            active + 1 if active < _ENOUGH else active,
            fast if fast >= _NEGLIGIBLE else 0,
            (slow + learnt) * (_SLOW_KEEP[gap] if gap < 1440 else 0.5 ** (gap / _SLOW_HALF)),
            total,
            squares if squares != total else 0,
        )

    def _with_bar(self, key: str, row: Row) -> Row:
        """The row with the bar and the size of the law of this tick's count, worked out from the earlier ticks."""
        if len(row) in (_NEW_TESTED, _TESTED):
            return row
        tick = row[_TICK]
        first, _, _, fast, slow, total, squares = _history(row)
        rate = _rate(fast, slow, tick - first)
        prior = self._rows.get("*" + key[0], _PRIOR)
        _, keys, prior_sum, prior_squares, _, _, _ = prior if prior[0] == tick else _folded(prior, tick)
        weight = _SIZES / (keys + _PRIOR_KEYS)
        # E[X^2] / E[X]: idle minutes add to neither, so this burstiness outlives the night and the weekend.
        burstiness = ((squares or total) + weight * (prior_squares + _PRIOR_SQUARES)) / (
            total + weight * (prior_sum + _PRIOR_SUM)
        )
        excess = max(burstiness - 1.0 - rate, _VARIABILITY * rate)
        # Two sources of spread: how the key's own rate varies, and how little of it was seen.
        size = 1.0 / (excess / rate + 1.0 / (slow + _RATE))
        centre, spread = moments(rate, size)
        return (*row, int(centre + 2.0 * spread), size)

    def _teach_prior(self, kind: str, learnt: int, tick: int) -> None:
        row = _folded(self._rows.get("*" + kind, _PRIOR), tick)
        self._rows["*" + kind] = (*row[:4], row[4] + 1, row[5] + learnt, row[6] + learnt * learnt)


def _history(row: Row) -> Row:
    """What is known from earlier ticks: all from the first tick to the squares."""
    return row[_FIRST:_KNOWN] if len(row) > _NEW_TESTED else (row[_TICK], 0, 0, 0, 0, 0, 0)


def _maturity(row: Row) -> float:
    """0 to 1, of what was learnt before the row's tick."""
    if len(row) <= _NEW_TESTED:
        return 0.0
    maturity = _MATURITIES[row[_ACTIVE]]
    age = row[_TICK] - row[_FIRST]
    return maturity if age >= _MATURE_AGE else min(maturity, age / _MATURE_AGE)


def _rate(fast: float, slow: float, age: int) -> float:
    """The mean of the law of a tick's count, at that age of the key."""
    return max(
        (fast + _RATE) / (_exposure(age, _FAST_HALF) + _RATE_TICKS),
        (slow + _RATE) / (_exposure(age, _SLOW_HALF) + _RATE_TICKS),
    )


def _folded(prior: Row, tick: int) -> Row:
    """The prior at the start of ``tick``. Sums of ints, so the order of keys inside a tick makes no difference."""
    if prior[0] >= tick:
        return prior
    keys, total, squares = prior[1] + prior[4], prior[2] + prior[5], prior[3] + prior[6]
    while keys > _PRIOR_LIMIT:
        keys, total, squares = keys // 2, total // 2, squares // 2
    return (tick, keys, total, squares, 0, 0, 0)


def _exposure(age: int, half: float) -> float:
    """Ticks of history, each weighted as its events are."""
    keep: float = 0.5 ** (1.0 / half)
    weighted: float = keep * (1.0 - keep**age) / (1.0 - keep)
    return weighted


def _test(
    parts: tuple[Part, ...], key: str, row: Row, count: int, principal: str, action: str | None
) -> tuple[Part, ...]:
    first, events, _, fast, slow, _, _ = _history(row)
    age = row[_TICK] - first
    mean, size = _rate(fast, slow, age), row[-1]
    p = tail(count, mean, size)
    if p > NOTABLE:
        return parts
    low, high = interval(mean, size)
    part = Part(
        detector="burst",
        feature=_FEATURES[key[0]],
        key=principal,
        value=action if key[0] == "a" else None,
        seen=float(count),
        expected=moments(mean, size)[0],
        low=low,
        high=high,
        history=events,
        age_ms=age * TICK_MS,
        maturity=_maturity(row),
        p=p,
    )
    return (*parts, part)


def _rank(key: str, row: Row) -> tuple[int, int] | None:
    if key[0] == "*":
        return None
    return (1 if len(row) > _NEW_TESTED else 0), row[_TICK]


@lru_cache(maxsize=16_384)
def _keys(principal: str, action: str | None, failed: bool) -> tuple[str, ...]:
    """The principal's own key first: its maturity is the event's."""
    keys = [row_key("p", principal)]
    if action is not None:
        keys.append(row_key("a", principal, action))
    if failed:
        keys.append(row_key("f", principal))
    return tuple(keys)

"""Surge: more events of one key in the last minutes than its own history allows.

After MIDAS-F (Bhatia et al., arXiv 1911.04464 and 2009.08452): the decayed count of the last minutes against a long
history, and a minute that is itself anomalous does not teach. Differences: exact keys instead of a count-min sketch;
a negative binomial law with the key's own dispersion instead of chi-square; a prior for what was never seen, learnt
from the first minutes of the other keys; pairs have a clock of their own; busy keys have an hour of the week.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, expm1, log, sqrt
from typing import ClassVar

from models.base import NOTABLE, TICK_MS, UNTESTED, Detector, Evidence, Features, Row, Store
from models.combine import TINY
from models.evict import sweep
from models.keys import row_key
from models.negative_binomial import bounds, surprise
from models.reason import Part
from models.season import TICKS as HOUR
from models.season import begun, doubt, factor, taught

# A key's row while it was seen in one tick only: tick, count.
# Later: tick, count, what the window carries over from earlier ticks, decayed sums of the counts, of their squares, and
# of active ticks; first tick; and, if this tick is anomalous so far, the most that it may teach.
# "*": first tick of the detector. "*" and a kind: the first minutes of its keys, as tick; keys, sum, squares of earlier
# ticks; the same added in this tick. "v|" and "w|" before a key's name: the rows of its profile of the week.
# "#profiles": the keys that have one, each behind the hour of its first tick.
_START, _PROFILES = "*", "#profiles"
_PRIOR: Row = (0, 0, 0, 0, 0, 0, 0)

_FEATURES = {"p": "calls", "a": "action", "f": "failures", "r": "resource"}
_PAIRS = "a"
"""Kinds of keys that count from their first tick, since new ones are common. The others, nodes, count from the
detector's: one that was silent all the time was watched all the time."""

_FAST_HALF, _SLOW_HALF = 5.0, 43_200.0  # ticks: of the window that is tested, and of the history (30 days)
_RATE_TICKS = 5.0  # ticks that the prior of the rate is worth, each with as many events as a first minute
_PRIOR_KEYS, _PRIOR_SUM, _PRIOR_SQUARES = 5.0, 15.0, 150.0  # five made-up first minutes, with 3 events on average
_PRIOR_LIMIT, _PRIOR_MOST = 500, 200  # keys, at which the sums are halved; the most that one first minute teaches
_BURSTY = 10.0  # the most that is believed of the squared relative spread of a tick's rate, until a key shows it
_OWN = 20.0  # active ticks at which the key's own spread counts as much as the prior
_STEADY = 0.01  # no rate is steadier than a standard deviation of 10 %
_LEAST = 2.0  # events in the window up to which nothing is tested
_MATURE_ACTIVE, _MATURE_AGE = 20.0, 60.0  # active ticks and ticks of age at maturity 1
_BUSY = 1440.0  # active ticks, decayed, from which a key has a profile of the week
_IDLE = 8 * 168  # hours without an event after which a profile may be given to another key

_KEEP = 0.5 ** (1.0 / _FAST_HALF)
WINDOW = 1.0 / (1.0 - _KEEP)
"""Ticks that the decayed window is worth: 7.7."""
_LAMBDA = log(2.0) / _SLOW_HALF
_FAST = tuple(_KEEP**gap for gap in range(256))
_SLOW = tuple(exp(-_LAMBDA * gap) for gap in range(4096))
_NOTABLE, _SURE = -log(NOTABLE), -log(TINY)

# What a window carries is a multiple of 2^-20: then sums of it are exact, and order inside a tick changes no bit.
# Adding and taking away this number rounds to such a multiple.
_ROUND = 1.5 * 2.0**32
_GONE = tuple(1.0 - round(keep * 2**20) / 2**20 for keep in _FAST)  # of an event, after so many ticks

_Law = tuple[int, float, float, float, float]
"""Tick, history (to know it by); mean and size of the law of the window; the count up to which nothing is notable."""


class Surge(Detector):
    """How improbable the last minutes' count is for a principal, its calls of this action, its failures, a resource.

    Events count half after five minutes. ``guard``: a minute that ends with a p at or below it teaches no more than the
    expectation of ``teach`` minutes, by default that of the window, so a flood of any size neither blinds the detector
    nor sets the new normal at once; under a lasting one the history of a month grows by at most 18 % a day. ``keys``:
    the cap on rows; beyond it, keys seen in one minute only go first, then the seldom, then those silent for longest.
    ``late``: minutes by which an event may be older than its key's newest: it then counts in the window as if it had
    come in time, and is learnt with the minute in which it came; older ones are neither tested nor learnt.
    ``profiles``: the cap on keys with an hour of the week (from 1,440 active minutes on; 0: no calendar, for times that
    are none). ``resources``: test the resource's key as well, a count over all principals. Then the score of a
    principal's event rests on what others did earlier in the same minute, which a calibration by principal can't have.

    An option of a set of models, outside the standard set: in the place of burst it doubles what the suite costs, and
    its overlapping windows put the calibration to principal-minutes out (AIT-ADS).

    p is an upper bound under the key's own law, which is no calibrated one: windows overlap. Not for slow rises over
    days. A surge that is much shorter than an hour stays unusual within its hour of the week. After a flood of a
    billion its key stays unusual for up to three hours, since the window remembers.

    >>> surge = Surge()
    >>> calls = {"principal": "role/web", "action": "s3:GetObject", "outcome": "success"}
    >>> for minute in range(1440):
    ...     surge.learn_one(calls | {"time": minute * 60_000})
    >>> for second in range(30):
    ...     surge.learn_one(calls | {"time": 1440 * 60_000 + second})
    >>> from models.reason import text
    >>> text(surge.assess(calls | {"time": 1440 * 60_000 + 30}).parts[0])
    '38 s3:GetObject by role/web in about 8 min, expected 7.8 (1.4 to 15) where there is any, 24 hours of history'
    """

    name: ClassVar[str] = "surge"
    version: ClassVar[int] = 1
    features: ClassVar[tuple[str, ...]] = ("time", "principal", "action", "resource", "outcome")
    grows: ClassVar[bool] = True

    def __init__(
        self,
        store: Store | None = None,
        guard: float = 1e-3,
        teach: float = WINDOW,
        keys: int = 50_000,
        late: int = 15,
        profiles: int = 256,
        resources: bool = False,
    ) -> None:
        self.store = store
        self.guard = guard
        self.teach = teach
        self.keys = keys
        self.late = late
        self.profiles = profiles
        self.resources = resources
        self._rows = {} if store is None else store
        # Worked out from the rows, and only for the sake of speed.
        self._laws: dict[str, _Law] = {}
        self._newest = -1
        self._factors: dict[str, tuple[Row, int, float]] = {}
        self._young: dict[str, tuple[Row, int, float, float]] = {}

    def tests(self, x: Features) -> int:
        """The number of keys of the event: principal, action, resource if tested, and one more if the call failed."""
        if x.get("principal") is None or x.get("time") is None:
            return 0
        resource = x.get("resource") if self.resources else None
        return len(_keys(x["principal"], x.get("action"), resource, x.get("outcome") == "failure"))

    def weigh(self, x: Features) -> Evidence:
        """The raw evidence about an event that is not learnt yet. Changes nothing."""
        return self._pass(x, False)

    def observe(self, x: Features) -> Evidence:
        """``weigh`` and ``learn_one`` in one pass: the same answer and the same rows."""
        return self._pass(x, True)

    def _pass(self, x: Features, learn: bool) -> Evidence:
        time, principal = x.get("time"), x.get("principal")
        if time is None or principal is None:
            return UNTESTED
        tick = time // TICK_MS
        action = x.get("action")
        resource = x.get("resource") if self.resources else None
        rows = self._rows
        laws = self._laws
        if tick > self._newest:
            laws.clear()
            self._newest = tick
        maturity = -1.0
        parts: tuple[Part, ...] = ()
        for key in _keys(principal, action, resource, x.get("outcome") == "failure"):
            row = rows.get(key)
            if row is None:
                if learn:
                    self._begin(key, tick)
                if maturity < 0.0:
                    maturity = 0.0
                continue
            then = row[0]
            law = None
            if then < tick:
                known = self.profiles and len(row) > 2 and row[5] >= _BUSY
                carried, history, squares, active, first = _sealed(row, tick, self._factor(key, then) if known else 1.0)
                if learn and active <= 1.0:
                    self._teach(key[0], row, tick)
                count = 1
                profile = None
                if active >= _BUSY and self.profiles:
                    profile = self._taught(key, row, tick, learn)
                then = tick
                seen = carried + 1.0
                if seen > _LEAST:
                    law = self._law(key, tick, history, squares, active, first, profile)
                    if learn:
                        laws[key] = law
            else:
                if len(row) == 2:
                    count, carried, history, squares, active, first = row[1], 0.0, 0.0, 0.0, 0.0, then
                else:
                    # By name: half the cost of slicing.
                    _, count, carried, history, squares, active, first = row if len(row) == 7 else row[:7]
                count += 1
                if then > tick:
                    if then - tick > self.late:
                        if maturity < 0.0:
                            maturity = _maturity(active, then - first)
                        continue
                    carried -= _GONE[then - tick] if then - tick < 256 else 1.0
                    if tick < first:
                        first = tick
                        laws.pop(key, None)
                        if learn:
                            self._start(tick)
                seen = carried + count
                if seen > _LEAST:
                    law = laws.get(key)
                    if law is None or law[0] != then or law[1] != history:
                        law = self._law(key, then, history, squares, active, first, None)
                        if learn:
                            laws[key] = law
            limit = 0.0
            if law is not None and seen > law[4]:
                value = surprise(seen, law[2], law[3])
                if value >= _NOTABLE:
                    part = self._part(key, x, seen, law, history, active, then - first, value)
                    parts += (part,)
                    if part.p <= self.guard:
                        limit = law[2] / WINDOW * self.teach
            if learn:
                if limit:
                    rows[key] = (then, count, carried, history, squares, active, first, limit)
                elif history or carried:
                    rows[key] = (then, count, carried, history, squares, active, first)
                else:
                    rows[key] = (then, count)
            if maturity < 0.0:
                if active >= _MATURE_ACTIVE and then - first >= _MATURE_AGE:
                    maturity = 1.0
                else:
                    maturity = _maturity(active, then - first)
        return maturity, parts

    def _begin(self, key: str, tick: int) -> None:
        self._start(tick)
        self._rows[key] = (tick, 1)
        sweep(self._rows, self.keys, _rank)

    def _start(self, tick: int) -> None:
        start = self._rows.get(_START)
        if start is None or tick < start[0]:
            self._rows[_START] = (tick,)
            self._laws.clear()

    def _teach(self, kind: str, row: Row, tick: int) -> None:
        """Add a key's first minute to the prior, if ``row`` is that."""
        if len(row) > 2 and row[5]:
            return
        prior = self._rows.get("*" + kind, _PRIOR)
        if prior[0] < tick:
            prior = _folded(prior, tick)
            self._laws.clear()
        elif tick < self._newest:
            self._laws.clear()
        learnt = max(1, min(int(_learnt(row)), _PRIOR_MOST))
        self._rows["*" + kind] = (*prior[:4], prior[4] + 1, prior[5] + learnt, prior[6] + learnt * learnt)

    def _prior(self, kind: str, tick: int) -> tuple[float, float]:
        """Of the first minutes of the kind's keys before ``tick``: mean, and variance over the mean less 1."""
        row = self._rows.get("*" + kind, _PRIOR)
        known = self._young.get(kind)
        if known is None or known[0] is not row or known[1] != tick:
            _, keys, total, squares, *_ = _folded(row, tick) if row[0] < tick else row
            mean = (total + _PRIOR_SUM) / (keys + _PRIOR_KEYS)
            spread = max((squares + _PRIOR_SQUARES) / (total + _PRIOR_SUM) - 1.0, _STEADY)
            known = self._young[kind] = (row, tick, mean, spread)
        return known[2], known[3]

    def _law(
        self, key: str, tick: int, history: float, squares: float, active: float, first: int, profile: Row | None
    ) -> _Law:
        """The law of the window at ``tick``, from what earlier ticks taught."""
        age = tick - (first if key[0] in _PAIRS else min(first, self._rows.get(_START, (tick,))[0]))
        exposure = (1.0 - _SLOW[age] if age < 4096 else -expm1(-_LAMBDA * age)) / _LAMBDA + _RATE_TICKS
        first_minute, spread = self._prior(key[0], tick)
        mass = history + first_minute * _RATE_TICKS
        mean = mass / exposure
        own = max((squares / exposure - mean) / (mean * mean) - 1.0, _STEADY)
        young = min(spread / mean, _BURSTY)
        size = WINDOW / ((_OWN * young + active * own) / (_OWN + active) + 1.0 / mass)
        multiplier = self._factor(key, tick, profile) if active >= _BUSY else 1.0
        mean *= WINDOW * multiplier
        if multiplier != 1.0:
            size = 1.0 / (1.0 / size + doubt(multiplier))
        return tick, history, mean, size, mean + sqrt(mean + mean * mean / size)

    def _factor(self, key: str, tick: int, profile: Row | None = None) -> float:
        """The key's multiplier of the hour; 1 for those that have no profile."""
        if not self.profiles:
            return 1.0
        if profile is None:
            profile = self._rows.get("w|" + key)
            if profile is None:
                return 1.0
        known = self._factors.get(key)
        hour = tick // HOUR
        if known is None or known[0] is not profile or known[1] != hour:
            if len(self._factors) > 2 * self.profiles:
                self._factors.clear()
            known = self._factors[key] = (profile, hour, factor(profile, hour))
        return known[2]

    def _taught(self, key: str, row: Row, tick: int, learn: bool) -> Row | None:
        """The key's profile with the tick that is over, or None if it has none."""
        rows = self._rows
        hour = row[0] // HOUR
        going, profile = rows.get("v|" + key), rows.get("w|" + key)
        if going is None or profile is None:
            if hour == tick // HOUR or not learn or not self._admitted(key, tick // HOUR):
                return None
            rows["v|" + key], rows["w|" + key] = begun(tick // HOUR)
            return None
        later, folded = taught(going, profile, hour, float(_learnt(row)))
        if learn:
            rows["v|" + key] = later
            if folded is not profile:
                rows["w|" + key] = folded
        return folded

    def _admitted(self, key: str, hour: int) -> bool:
        """Whether the key gets a profile: the oldest stay, so this does not depend on the order inside a tick."""
        rows = self._rows
        before = rows.get(_PROFILES, ())
        kept = list(before)
        if len(before) >= self.profiles:
            kept = [name for name in before if rows["v|" + name[9:]][0] >= hour - _IDLE]
        own = f"{hour:08d}|{key}"
        after = tuple(sorted([*kept, own])[: self.profiles])
        for name in before:
            if name not in after:
                del rows["v|" + name[9:]], rows["w|" + name[9:]]
                self._laws.pop(name[9:], None)
        if after != before:
            rows[_PROFILES] = after
        return own in after

    def _part(
        self, key: str, x: Features, seen: float, law: _Law, history: float, active: float, age: int, value: float
    ) -> Part:
        expected, low, high = bounds(law[2], law[3])
        kind = key[0]
        return Part(
            detector="surge",
            feature=_FEATURES[kind],
            key=x["resource"] if kind == "r" else x["principal"],
            value=x["action"] if kind == "a" else None,
            seen=seen,
            expected=expected,
            low=low,
            high=high,
            history=int(history),
            age_ms=age * TICK_MS,
            maturity=_maturity(active, age),
            p=exp(-value) if value < _SURE else TINY,
            factor=self._factor(key, law[0]) if active >= _BUSY else 1.0,
            surprise=value,
        )


def _learnt(row: Row) -> float:
    """What the row's tick teaches."""
    count: float = row[1]
    return min(count, row[7]) if len(row) == 8 else count


def _sealed(row: Row, tick: int, multiplier: float) -> tuple[float, float, float, float, int]:
    """At the start of a later tick: what the window carries over, history, squares, active ticks, first tick."""
    gap = tick - row[0]
    slow = _SLOW[gap] if gap < 4096 else exp(-_LAMBDA * gap)
    if len(row) == 2:
        first, count = row
        carried = count * _FAST[gap] + _ROUND - _ROUND if gap < 256 else 0.0
        return carried, count * slow, count * count * slow, slow, first
    _, count, carried, history, squares, active, first = row[:7]
    carried += count
    if len(row) == 8 and row[7] < count:
        count = row[7]
    carried = carried * _FAST[gap] + _ROUND - _ROUND if gap < 256 else 0.0
    level = count / multiplier  # without the calendar: it is no part of the key's own spread
    return carried, (history + count) * slow, (squares + level * level) * slow, (active + 1.0) * slow, first


def _folded(prior: Row, tick: int) -> Row:
    """The prior at the start of ``tick``. Sums of ints, so the order of keys inside a tick makes no difference."""
    keys, total, squares = prior[1] + prior[4], prior[2] + prior[5], prior[3] + prior[6]
    while keys > _PRIOR_LIMIT:
        keys, total, squares = keys // 2, total // 2, squares // 2
    return (tick, keys, total, squares, 0, 0, 0)


def _maturity(active: float, age: int) -> float:
    return min(1.0, active / _MATURE_ACTIVE, age / _MATURE_AGE)


def _rank(key: str, row: Row) -> tuple[int, int] | None:
    if key[0] not in _FEATURES:
        return None
    return (0, row[0]) if len(row) == 2 else (1 + min(3, int(row[5]).bit_length() // 2), row[0])


@lru_cache(maxsize=32_768)
def _keys(principal: str, action: str | None, resource: str | None, failed: bool) -> tuple[str, ...]:
    """The principal's own key first: its maturity is the event's."""
    keys = [row_key("p", principal)]
    if action is not None:
        keys.append(row_key("a", principal, action))
    if failed:
        keys.append(row_key("f", principal))
    if resource is not None:
        keys.append(row_key("r", resource))
    return tuple(keys)

"""Rarity: the first time that a principal uses an action, an address or a resource.

Unseen mass by Good and Turing (Good, Biometrika 40, 1953), twice, as in a hierarchical back-off: how often does this
principal bring a new value at all, and if it does, how often is it one that so few of its peers have?

    p = (values it had in one minute only + 1) / (active minutes + 1)
        * (pairs whose value as few principals share + 1) / (pairs + 1)

Presence in a minute counts, not events, so a flood teaches no more than one call.
"""

from __future__ import annotations

from functools import lru_cache
from operator import add
from typing import ClassVar

from models.base import NOTABLE, TICK_MS, UNTESTED, Detector, Evidence, Features, Row, Store
from models.evict import sweep
from models.keys import row_key
from models.reason import LEARNING_BELOW, Part

FEATURES = ("action", "ip", "resource")
_KINDS = ("a", "i", "r")

# Principal: tick and first tick; active minutes before this tick; then for each feature the values seen in one minute
# only, the same not yet counted because it happened in this tick, and the values stored; maturity in this tick.
_TICK, _FIRST, _MINUTES, _ONCE, _ADDED, _STORED, _MATURITY = 0, 1, 2, 3, 6, 9, 12
# Pair: one of these; last tick (to the day, once it is known).
_ONE, _KNOWN, _BACK = 1, 2, 3  # seen in one minute only; in more; in one minute after it was forgotten
# Value: tick, principals that have it, principals added in this tick.
_LEVELS = 8
# Feature: tick; principals, pairs, and pairs by how many principals share the value (1, 2-3, 4-7, ...); the same three
# added in this tick.
_WIDTH = 2 + _LEVELS
_NOTHING = (0,) * _WIDTH

_LONG = 150  # characters: below it, a value stands in the key as it is
_DAY = 1440  # ticks
_MATURE_MINUTES, _MATURE_AGE = 100.0, 1440.0  # active minutes and ticks of age at maturity 1
_IMMATURE = 0.01  # no first time of a principal that is still learning is rarer than this
_SHARED = 0.1  # a value that a share s of the peers have is never rarer than this times s


class Rarity(Detector):
    """How improbable it is that this principal, now, brings a value it never had: action, address, resource.

    A first time is strong evidence only for a principal with a history (maturity 0.5: fifty active minutes over
    half a day), with few such novelties, and for a value that its peers, all principals of the store, rarely have.
    Before maturity 0.5, p >= 0.01.

    ``half_life``: days after which a principal's history counts half. ``forget``: days after which an unused
    value is as good as new. ``values``: the cap on values a principal and feature; a principal at the cap brings new
    values all the time, and is not tested for more. ``keys``: the cap on rows; beyond it what was seen in one minute
    only goes first, then the oldest.

    Not for values that are unique by design (request ids, one-off session names): map these to their kind first.

    >>> rarity = Rarity()
    >>> calls = {"principal": "role/web", "action": "s3:GetObject", "ip": "198.51.100.7"}
    >>> for minute in range(3 * 1440):
    ...     rarity.learn_one(calls | {"time": minute * 60_000})
    >>> odd = rarity.assess(calls | {"time": 3 * 86_400_000, "action": "iam:CreateUser"})
    >>> odd.p < 1e-3
    True
    >>> from models.reason import text
    >>> text(odd.parts[0])
    'first iam:CreateUser by role/web in 4,125 active minutes and 3 days'
    """

    name: ClassVar[str] = "rarity"
    version: ClassVar[int] = 2
    features: ClassVar[tuple[str, ...]] = ("time", "principal", "action", "ip", "resource")

    def __init__(
        self,
        store: Store | None = None,
        half_life: float = 30.0,
        forget: int = 90,
        values: int = 512,
        keys: int = 100_000,
    ) -> None:
        self.store = store
        self.half_life = half_life
        self.forget = forget
        self.values = values
        self.keys = keys
        self._rows = {} if store is None else store

    def tests(self, x: Features) -> int:
        """How many of action, address and resource the event has."""
        if x.get("principal") is None or x.get("time") is None:
            return 0
        return sum(x.get(feature) is not None for feature in FEATURES)

    def weigh(self, x: Features) -> Evidence:
        """The raw evidence about an event that is not learnt yet. Changes nothing."""
        time, principal = x.get("time"), x.get("principal")
        if time is None or principal is None:
            return UNTESTED
        own = self._rows.get(row_key("p", principal))
        tick = time // TICK_MS
        if own is None:
            return 0.0, ()
        if own[_FIRST] >= tick:  # else the first event of its first minute would differ from the second
            return own[_MATURITY], ()
        if own[_TICK] < tick:
            own = self._folded(own, tick)
        parts: tuple[Part, ...] = ()
        for place, feature in enumerate(FEATURES):
            value = x.get(feature)
            if value is None:
                continue
            pair = self._rows.get(row_key(_KINDS[place], principal, value))
            if pair is None or self._is_unseen(pair, tick):
                parts = self._test(parts, place, principal, value, own, tick, pair)
        return own[_MATURITY], parts

    def observe(self, x: Features) -> Evidence:
        """``weigh`` and ``learn_one`` in one pass: the same answer and the same rows."""
        time, principal = x.get("time"), x.get("principal")
        if time is None or principal is None:
            return UNTESTED
        tick = time // TICK_MS
        rows = self._rows
        names = _names(principal)
        own_key = names[3]
        own = was = rows.get(own_key)
        if own is None:
            own = (tick, tick, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0, 0, 0, 0.0)
        elif own[0] < tick:
            own = self._folded(own, tick)
        parts: tuple[Part, ...] = ()
        place = -1
        for feature in FEATURES:
            place += 1
            value = x.get(feature)
            if value is None:
                continue
            key = names[place] + value if len(value) < _LONG else row_key(_KINDS[place], principal, value)
            pair = rows.get(key)
            if pair is not None:
                state, then = pair
                age = tick - then
                if state == _KNOWN and age < _DAY:
                    continue
                if not self._is_unseen(pair, tick):
                    if age > 0:
                        if state != _KNOWN:
                            own = _added(own, place, -1, 0)
                        rows[key] = (_KNOWN, tick)
                    continue
            if was is not None and own[_FIRST] < tick:
                parts = self._test(parts, place, principal, value, own, tick, pair)
            own = self._learn_pair(own, place, principal, value, key, pair, tick)
        if own is not was:
            rows[own_key] = own
            if was is None:
                sweep(rows, self.keys, _rank)
        return own[_MATURITY], parts

    def _is_unseen(self, pair: Row, tick: int) -> bool:
        """Whether the pair, though stored, was not there before this tick, or is forgotten."""
        return bool((pair[0] != _KNOWN and pair[1] == tick) or tick - pair[1] > self.forget * _DAY)

    def _folded(self, own: Row, tick: int) -> Row:
        """The principal's row at the start of a later tick."""
        then, first, minutes, one, two, three, new_one, new_two, new_three, stored, stored_two, stored_three, _ = own
        minutes += 1.0
        if new_one or new_two or new_three:
            one, two, three = max(one + new_one, 0.0), max(two + new_two, 0.0), max(three + new_three, 0.0)
        days = tick // _DAY - then // _DAY
        if days:
            keep = 0.5 ** (days / self.half_life)
            minutes, one, two, three = minutes * keep, one * keep, two * keep, three * keep
        age = tick - first
        return (
            tick,
            first,
            minutes,
            one,
            two,
            three,
            0,
            0,
            0,
            stored,
            stored_two,
            stored_three,
            1.0
            if minutes >= _MATURE_MINUTES and age >= _MATURE_AGE
            else min(1.0, minutes / _MATURE_MINUTES, age / _MATURE_AGE),
        )

    def _learn_pair(
        self, own: Row, place: int, principal: str, value: str, key: str, pair: Row | None, tick: int
    ) -> Row:
        rows = self._rows
        if pair is not None:
            if pair[1] == tick:  # learnt already, in this very tick
                return own
            rows[key] = (_BACK, tick)
            return _added(own, place, 1, 0)
        stored = own[_STORED + place]
        if stored >= self.values:
            return own
        rows[key] = (_ONE, tick)
        value_key = row_key(_KINDS[place].upper(), value)
        before, holders, added = _value_at(rows.get(value_key), tick)
        rows[value_key] = (before, holders, added + 1)
        feature_key = "*" + _KINDS[place]
        rows[feature_key] = _with_pair(_feature_at(rows.get(feature_key), tick), holders + added, not stored)
        sweep(rows, self.keys, _rank)
        return _added(own, place, 1, 1)

    def _test(
        self, parts: tuple[Part, ...], place: int, principal: str, value: str, own: Row, tick: int, pair: Row | None
    ) -> tuple[Part, ...]:
        if pair is None and own[_STORED + place] >= self.values:
            return parts
        feature = _feature_at(self._rows.get("*" + _KINDS[place]), tick)
        holders = _value_at(self._rows.get(row_key(_KINDS[place].upper(), value)), tick)[1]
        if pair is not None and (pair[0] == _BACK or pair[1] < tick):
            holders = max(holders - 1, 0)  # the principal itself, from before it forgot
        others = max(feature[1] - 1, 0)
        novel = (own[_ONCE + place] + 1.0) / (own[_MINUTES] + 1.0)
        p = min(1.0, novel) * min(1.0, (sum(feature[3 : 4 + _level(holders + 1)]) + 1.0) / (feature[2] + 1.0))
        if others:
            p = max(p, _SHARED * (holders - 1) / others)
        maturity = own[_MATURITY]
        if maturity < LEARNING_BELOW:
            p = max(p, _IMMATURE)
        if p > NOTABLE:
            return parts
        part = Part(
            detector="rarity",
            feature=FEATURES[place],
            key=principal,
            value=value,
            seen=0.0,
            expected=min(1.0, novel),
            low=0.0,
            high=1.0,
            history=int(own[_MINUTES]),
            age_ms=(tick - own[_FIRST]) * TICK_MS,
            maturity=maturity,
            p=p,
            peers=min(1.0, holders / others) if others else None,
        )
        return (*parts, part)


def _added(own: Row, place: int, once: int, stored: int) -> Row:
    changed = list(own)
    changed[_ADDED + place] += once
    changed[_STORED + place] += stored
    return tuple(changed)


def _value_at(row: Row | None, tick: int) -> Row:
    """A value's row at ``tick``: what was added in earlier ticks counts now."""
    if row is None:
        return (tick, 0, 0)
    return row if row[0] >= tick else (tick, row[1] + row[2], 0)


def _feature_at(row: Row | None, tick: int) -> Row:
    """A feature's row at ``tick``: what was added in earlier ticks counts now."""
    if row is None:
        return (tick, *_NOTHING, *_NOTHING)
    if row[0] >= tick:
        return row
    return (tick, *map(add, row[1 : 1 + _WIDTH], row[1 + _WIDTH :]), *_NOTHING)


def _with_pair(row: Row, holders: int, new_principal: bool) -> Row:
    """One more pair, whose value had ``holders`` principals: these pairs are now shared by one more."""
    changed = list(row)
    added = 1 + _WIDTH
    changed[added] += new_principal
    changed[added + 1] += 1
    if holders:
        changed[added + 2 + _level(holders)] -= holders
    changed[added + 2 + _level(holders + 1)] += holders + 1
    return tuple(changed)


def _level(holders: int) -> int:
    return min(holders.bit_length(), _LEVELS) - 1


def _rank(key: str, row: Row) -> tuple[int, int] | None:
    kind = key[0]
    if kind == "*":
        return None
    if kind == "p":
        return (1 if row[_MINUTES] else 0), row[_TICK]
    if kind in _KINDS:
        return (0 if row[0] == _ONE else 1), row[1]
    return (1 if row[1] + row[2] > 1 else 0), row[0]


@lru_cache(maxsize=16_384)
def _names(principal: str) -> tuple[str, str, str, str]:
    """What the keys of the principal's pairs begin with, by feature, and its own key."""
    action, ip, resource = (row_key(kind, principal, "") for kind in _KINDS)
    return action, ip, resource, row_key("p", principal)

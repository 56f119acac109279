"""Frequency: how rarely a pair of principal and action is seen at all, in the whole domain.

The rate is unconditional on purpose. Given the principal, whatever a quiet one does looks common; here a pair of which
the domain sees one a week is rare, whoever's it is, and one that comes every ten minutes is not, however odd it looks.
Rarity tells of first times only; this one also of the second and the fifth, until the pair has become ordinary.

    rate = (spans with the pair + 0.5 (spans with the action + 0.5) / (spans + 1)) / (spans + 1)
    p    = the pairs there are, times the rate, over the pairs in a span

p is a union bound: of the pairs of a span, at most this share belongs to pairs as rare, if they keep their rates. It
does not know how often new pairs come, so it ranks the unseen, and says little of how improbable they are: use it
calibrated. Spans are the domain's active ten minutes, decayed; presence in one counts once, from the next on, so a
flood teaches no more than one call.
"""

from __future__ import annotations

from functools import lru_cache
from math import sqrt
from typing import ClassVar

from models.base import UNTESTED, Detector, Evidence, Features, Row, Store
from models.evict import sweep
from models.keys import row_key
from models.reason import Part

SPAN_MS = 600_000
"""Event-time bucket of presence."""

_SPANS_A_DAY = 144
_LONG = 150  # characters: below it, an action stands in the key as it is
_BACK_OFF = 0.5  # spans that a pair is given of its action's
_TOLD = 0.7  # a larger p makes no part
_MATURE = 288.0  # active spans of the domain at maturity 1

# Domain: span, first span; active spans before it, pairs summed over these, pairs; of this span: pairs, new pairs.
_SPAN, _FIRST, _SPANS, _PRESENT, _PAIRS, _NOW, _NEW = range(7)


class Frequency(Detector):
    """How improbable a pair as rarely seen as this principal's use of this action is, among those the domain sees.

    ``half_life``: days after which presence counts half. ``keys``: the cap on rows; beyond it what was seen in one span
    goes first, then the oldest.

    Maturity is the domain's: 0.5 after a day of active spans. Not for actions that are unique by design, and no use
    where every pair is as rare: the calibration of its p sees to that.

    >>> frequency = Frequency()
    >>> calls = {"principal": "role/web", "action": "s3:GetObject"}
    >>> for minute in range(0, 3 * 1440, 10):
    ...     frequency.learn_one(calls | {"time": minute * 60_000})
    >>> odd = frequency.assess(calls | {"time": 3 * 86_400_000, "action": "iam:CreateUser"})
    >>> odd.p < 1e-4, round(frequency.assess(calls | {"time": 3 * 86_400_000}).p, 2)
    (True, 0.67)
    """

    name: ClassVar[str] = "frequency"
    version: ClassVar[int] = 1
    features: ClassVar[tuple[str, ...]] = ("time", "principal", "action")
    weight: ClassVar[float] = 3.0
    believed: ClassVar[float] = 1e-2

    def __init__(self, store: Store | None = None, half_life: float = 14.0, keys: int = 100_000) -> None:
        self.store = store
        self.half_life = half_life
        self.keys = keys
        self._rows = {} if store is None else store
        self._ticks = half_life * _SPANS_A_DAY
        # What was said of a pair in this span: it rests on earlier ones, so it stays true, unless rows are evicted.
        self._span = -1
        self._said: dict[str, Evidence] = {}
        # What follows from the domain's row: it is another row at each event, but says the same for the whole span.
        self._head: Row | None = None
        self._law: _Law = _law(_begun(0))

    def tests(self, x: Features) -> int:
        """One, where there is an action."""
        return int(x.get("principal") is not None and x.get("time") is not None and x.get("action") is not None)

    def weigh(self, x: Features) -> Evidence:
        """The raw evidence about an event that is not learnt yet. Changes nothing."""
        time, principal = x.get("time"), x.get("principal")
        if time is None or principal is None:
            return UNTESTED
        span = time // SPAN_MS
        head = self._rows.get("*")
        if head is None:
            return 0.0, ()
        law = _law(self._turned(head, span) if head[0] < span else head)
        action = x.get("action")
        if action is None:
            return law[0]
        own = self._seen(self._rows.get(row_key("p", principal, action)), span)
        any_one = self._seen(self._rows.get(row_key("a", action)), span)
        return _test(law, principal, action, own, any_one)

    def observe(self, x: Features) -> Evidence:
        """``weigh`` and ``learn_one`` in one pass: the same answer and the same rows."""
        time, principal = x.get("time"), x.get("principal")
        if time is None or principal is None:
            return UNTESTED
        rows = self._rows
        span = time // SPAN_MS
        head = was = rows.get("*")
        if head is None:
            head = _begun(span)
        elif head[0] < span:
            head = self._turned(head, span)
        if head is not self._head:
            self._head = head
            self._law = _law(head)
        action = x.get("action")
        if action is None:
            if head is not was:
                rows["*"] = head
            return self._law[0]
        pair_key = _name(principal) + action if len(action) < _LONG else row_key("p", principal, action)
        pair = rows.get(pair_key)
        now = head[0] == span
        if pair is not None and pair[0] == span == self._span and now:  # learnt already
            said = self._said.get(pair_key)
            if said is not None:
                return said
        general_key = _general(action)
        general = rows.get(general_key)
        # As ``_seen`` does it: two calls are a tenth of all this.
        if pair is None:
            own = 0.0
        else:
            own = pair[1] if pair[0] >= span else (pair[1] + 1.0) * 0.5 ** ((span - pair[0]) / self._ticks)
        if general is None:
            any_one = 0.0
        else:
            any_one = (
                general[1] if general[0] >= span else (general[1] + 1.0) * 0.5 ** ((span - general[0]) / self._ticks)
            )
        if was is None:
            evidence = self._law[0]
        else:
            evidence = _test(self._law, principal, action, own, any_one)
            if now:
                if self._span != span:
                    self._span = span
                    self._said.clear()
                self._said[pair_key] = evidence
        if pair is None or pair[0] < span:
            rows[pair_key] = (span, own)
            then, first, spans, present, pairs, in_span, new = head
            self._head = head = (then, first, spans, present, pairs, in_span + 1, new + 1 if pair is None else new)
            if general is None or general[0] < span:
                rows[general_key] = (span, any_one)
        if head is not was:
            rows["*"] = head
        if pair is None and (before := len(rows)) > self.keys:
            sweep(rows, self.keys, _rank)
            if len(rows) < before:
                self._said.clear()
        return evidence

    def _seen(self, row: Row | None, span: int) -> float:
        """Spans before this one that had it, decayed."""
        if row is None:
            return 0.0
        gap = span - row[0]
        return row[1] if gap <= 0 else (row[1] + 1.0) * 0.5 ** (gap / self._ticks)  # type: ignore[no-any-return]  # rows hold numbers

    def _turned(self, head: Row, span: int) -> Row:
        keep = 0.5 ** ((span - head[0]) / self._ticks)
        return (
            span,
            head[1],
            (head[2] + 1.0) * keep,
            (head[3] + head[5]) * keep,
            head[4] + head[6],
            0,
            0,
        )


_Law = tuple[Evidence, float, float, int, float, float, float, float, int, int]
# Said of a pair that is not rare; maturity; spans, with one made up; pairs, with one; these in all spans, with one; an
# average pair's spans, low and high of their interval; active spans; age, ms.


def _begun(span: int) -> Row:
    return (span, span, 0.0, 0.0, 0, 0, 0)


def _law(head: Row) -> _Law:
    then, first, spans, present, pairs, _, _ = head
    usual = present / pairs if pairs else 0.0
    wide = 1.96 * sqrt(usual)
    maturity = min(1.0, spans / _MATURE)
    return (
        (maturity, ()),
        maturity,
        spans + 1.0,
        pairs + 1,
        present + 1.0,
        usual,
        max(0.0, usual - wide),
        usual + wide,
        int(spans),
        (then - first) * SPAN_MS,
    )


def _test(law: _Law, principal: str, action: str, own: float, general: float) -> Evidence:
    ordinary, maturity, total, pairs, present, usual, low, high, spans, age = law
    rate = (own + _BACK_OFF * (general + 0.5) / total) / total
    bound = rate * pairs * total / present
    p = bound / (1.0 + bound)
    if p > _TOLD:
        return ordinary
    peers = general / total
    # Nearly every event has such a part, and this way it costs half.
    return maturity, (
        _new(
            Part,
            (
                "frequency", "pair", principal, action, own, usual, low, high, spans,
                age, maturity, p, 1.0 if peers > 1.0 else peers, 0.0, 1.0, None,
            ),
        ),
    )  # fmt: skip


_new = tuple.__new__


def _rank(key: str, row: Row) -> tuple[int, int] | None:
    return None if key == "*" else ((1 if row[1] else 0), row[0])


@lru_cache(maxsize=16_384)
def _name(principal: str) -> str:
    """What the keys of the principal's pairs begin with."""
    return row_key("p", principal, "")


@lru_cache(maxsize=16_384)
def _general(action: str) -> str:
    return row_key("a", action)

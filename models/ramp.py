"""Ramp: the calls of a key grow over days, too slowly for any minute or day of it to be unusual.

Fast against slow: the last ten days, each against the usual count of its weekday. The usual is a mean of logarithms
over about twelve weeks, a number a weekday, so no rhythm of the week looks like a ramp; it moves by at most ``TURNS`` a
week, so a ramp cannot drag it along. With z a day's distance in standard deviations, oldest first,

    t = sum of i z_i / sqrt(sum of i^2),  i = 1 .. 10,  p = P(T >= t), T Student's

which has the most power against a straight line from ten days ago. The spread of a day is learnt from the differences
of days in succession (von Neumann, Annals of Mathematical Statistics 12, 1941), which a ramp hardly widens; Student's
tail is by Wallace's approximation (Annals of Mathematical Statistics 30, 1959).
"""

from __future__ import annotations

from functools import lru_cache
from math import erfc, exp, log, log1p, sqrt

from models.base import NOTABLE, TICK_MS, Row, Store
from models.keys import row_key
from models.reason import Part

DAY_TICKS = 1440
TURNS = 0.02
"""The most that the usual count of a weekday moves in a week, of itself, once it was seen three times."""

# "n|PRINCIPAL|ACTION": UTC day, calls of it, tick in which a ramp is told or -1, days learnt. Those of a principal
# alone are in its row of ``models.ratio``.
# "h|PRINCIPAL" and "h|PRINCIPAL|ACTION", once there was a day with so many calls that a ramp is looked for:
# day up to which it is learnt; first day learnt; variance of a day's log; p; calls and usual log and deviation of the
# last day; its residual and how much more than its own chance that varies; usual logs by weekday; z in hundredths. In
# the rows the logs, in ten thousandths, and the z are one string, and of a first day there are two days only. What is
# nothing or one is an int: those take no memory.
_DAY, _SINCE, _SPREAD, _P, _SEEN, _USUAL, _DEVIATION, _LAST, _WIDER = range(9)
_SLOTS = 9
_Z = _SLOTS + 7
_PLACES = 10_000

_WINDOW = 10
_LEARN = 21  # days before the first test
_MATURE = 42.0  # days at maturity 1
_WEEKS = 12
_MEMORY = 45.0  # days, of the spread
_NARROW, _FIRST = 0.0004, 0.0025  # no key is steadier than 2 % a day; taken to be 5 % at first
_CLIP = 4.0  # a day counts as no more sd than that
_FEWEST = 20.0  # calls on a usual day below which a ramp is not looked for
_GONE = 28  # days of silence after which a key begins anew


class Ramp:
    """How improbable the last days' growth is, of the calls of a principal and of its use of an action.

    Over rows of the caller's, whose keys begin with "n|" or "h|"; used by ``models.ratio``. ``alarm``: a p at or below
    it is told once, and the ten days begin anew. A part is given in a key's first minute of a day, and to every event
    in it. Three weeks are learnt before the first test. A ramp of 2 % a day is told after 8 to 10 days where there are
    1,000 calls a day or more and days vary by 5 %; after 13 where they vary by 10 %; after 15 at 100 a day. Falls are
    not told, and no rhythm but the week's is known. A key of which no day had 20 calls is only counted.
    """

    def __init__(self, rows: Store, alarm: float) -> None:
        self._rows = rows
        self.alarm = alarm

    def weigh(self, principal: str, action: str | None, tick: int) -> tuple[Part, ...]:
        """The parts of an event that is not learnt yet, about the principal's use of the action. Changes nothing."""
        if action is None:
            return ()
        key, kept = _keys(principal, action)
        row = self._rows.get(key)
        if row is None:
            return ()
        day = tick // DAY_TICKS
        if row[0] < day:
            return self.part(self.turned(kept, row[0], row[1], day), principal, action, tick)
        return self.part(self.history(kept), principal, action, tick) if row[2] == tick else ()

    def observe(self, principal: str, action: str, tick: int) -> tuple[tuple[Part, ...], bool]:
        """``weigh``, and learn the event: the same parts; and whether there are new rows."""
        rows = self._rows
        key, kept = _keys(principal, action)
        row = rows.get(key)
        day = tick // DAY_TICKS
        if row is None:
            rows[key] = (day, 1, -1, 0)
            return (), True
        then, count, tell, days = row
        if then == day:
            rows[key] = (day, count + 1, tell, days)
            return (self.part(self.history(kept), principal, action, tick) if tell == tick else ()), False
        if then > day:
            return (), False
        history = self.turned(kept, then, count, day)
        parts = self.part(history, principal, action, tick)
        rows[key] = (day, 1, tick if parts else -1, days + 1)
        if history is not None:
            rows[kept] = stored(history)
        return parts, history is not None

    def history(self, kept: str) -> Row | None:
        """What is known of a key, if anything is. ``kept``: its row."""
        row = self._rows.get(kept)
        return None if row is None else read(row)

    def turned(self, kept: str, then: int, calls: int, day: int) -> Row | None:
        """A key's history at the beginning of a day, if it has one. ``kept``: its row; ``then``: the day with calls
        before, and how many."""
        history = self.history(kept)
        if history is None:
            return begun(day) if calls >= _FEWEST else None  # a key's first day is a part of one, and teaches nothing
        if day - then > _GONE:
            return begun(day)
        history = learnt(history, calls, self.alarm)
        for _ in range(day - then - 1):
            history = learnt(history, 0, self.alarm)
        return history

    def part(self, history: Row | None, principal: str, action: str | None, tick: int) -> tuple[Part, ...]:
        """What is to be told of a history, if anything is. ``action``: None for all calls of the principal."""
        return () if history is None or history[_P] > NOTABLE else (_part(history, principal, action, tick),)


def begun(day: int) -> Row:
    """A history of which ``day`` is the first."""
    return (day, day, _FIRST, 1, 0, 0, 0, 0, 0, *(0,) * 7)


def stored(history: Row) -> Row:
    """The history as a row: ``read`` gives it back exactly, as the usual logs have four places."""
    if history[_DAY] == history[_SINCE]:
        return history[:2]
    logs = (round(usual * _PLACES) for usual in history[_SLOTS:_Z])
    return (*history[:_SLOTS], " ".join(map(str, (*logs, *history[_Z:]))))


def read(row: Row) -> Row:
    """The history in a row."""
    if len(row) == 2:
        return begun(row[_DAY])
    numbers = [int(number) for number in row[_SLOTS].split()]
    return (*row[:_SLOTS], *(log / _PLACES for log in numbers[:7]), *numbers[7:])


def learnt(history: Row, calls: int, alarm: float) -> Row:
    """The history a day later, on which there were so many calls."""
    day, since, spread, _, _, _, _, last, before = history[:_SLOTS]
    place = day % 7
    days = day - since
    weeks = (days - (place - since) % 7 + 6) // 7
    slots, z = list(history[_SLOTS:_Z]), history[_Z:]
    now = log1p(calls)
    if not weeks:
        slots[place] = round(now, 4) or 0
        return (day + 1, since, spread, 1, calls, slots[place], 0, 0, 0, *slots)
    usual = slots[place]
    residual = now - usual
    chance = exp(-usual)  # of a log of a count, Poisson's part
    wider = 1.0 + 1.0 / weeks  # the usual is a mean of so many
    if before:
        apart = (residual - last) ** 2 / (wider + before) - chance
        spread += max(1.0 / (days - 1.0), 1.0 / _MEMORY) * (min(apart, 9.0 * (spread + chance)) - spread)
        spread = max(_NARROW, round(spread, 6))
    deviation = sqrt((spread + chance) * wider)
    if days >= _LEARN - _WINDOW:
        z = (*z, round(100.0 * max(-_CLIP, min(_CLIP, residual / deviation))))[-_WINDOW:]
    p: float = 1
    if days >= _LEARN and len(z) == _WINDOW and exp(usual) >= _FEWEST:
        p = _tail(sum(i * value for i, value in enumerate(z, 1)) / 100.0 / _NORM, min(days - 6.0, _MEMORY) * 2.0 / 3.0)
    step = residual / min(weeks + 1, _WEEKS)
    limit = log1p(TURNS)
    slots[place] = round(usual + (step if weeks < 3 else max(-limit, min(limit, step))), 4)
    return (
        day + 1, since, spread, p, calls, usual, round(deviation, 4), round(residual, 4), wider, *slots,
        *(z if p > alarm else ()),
    )  # fmt: skip


_NORM = sqrt(sum(i * i for i in range(1, _WINDOW + 1)))


def _tail(t: float, freedom: float) -> float:
    if t <= 0.0:
        return 1.0
    return 0.5 * erfc((8.0 * freedom + 1.0) / (8.0 * freedom + 3.0) * sqrt(freedom * log(1.0 + t * t / freedom) / 2.0))


def _part(history: Row, principal: str, action: str | None, tick: int) -> Part:
    wide = 1.96 * history[_DEVIATION]
    return Part(
        detector="ratio",
        feature="volume",
        key=principal,
        value=action,
        seen=float(history[_SEEN]),
        expected=exp(history[_USUAL]) - 1.0,
        low=max(0.0, exp(history[_USUAL] - wide) - 1.0),
        high=exp(history[_USUAL] + wide) - 1.0,
        history=history[_DAY] - history[_SINCE],
        age_ms=(tick - history[_SINCE] * DAY_TICKS) * TICK_MS,
        maturity=min(1.0, (history[_DAY] - history[_SINCE]) / _MATURE),
        p=history[_P],
    )


def rank(key: str, row: Row) -> tuple[int, int]:
    """For ``models.evict.sweep``: what has no day behind it goes first."""
    return (1 if key[0] == "h" or row[3] else 0), row[0] * DAY_TICKS


@lru_cache(maxsize=16_384)
def _keys(principal: str, action: str) -> tuple[str, str]:
    return row_key("n", principal, action), row_key("h", principal, action)

"""Version 1 of the burst detector, as it was: what version 2 has to say to the bit, from rows without what follows."""

from __future__ import annotations

from typing import Any

from models.evict import sweep
from models.keys import row_key
from models.negative_binomial import interval, moments, tail
from models.reason import Part

TICK_MS = 60_000
FEATURES = {"p": "calls", "a": "action", "f": "failures"}
Row = tuple[Any, ...]


def observe(rows: dict[str, Row], x: dict[str, Any], guard: float, cap: int) -> tuple[float, tuple[Part, ...]]:
    """Maturity and parts of the event, which is learnt. ``x`` has time and principal."""
    tick, principal, action = x["time"] // TICK_MS, x["principal"], x.get("action")
    keys = [row_key("p", principal)]
    if action is not None:
        keys.append(row_key("a", principal, action))
    if x.get("outcome") == "failure":
        keys.append(row_key("f", principal))
    maturity = -1.0
    parts: tuple[Part, ...] = ()
    for key in keys:
        row = rows.get(key)
        if row is None:
            rows[key] = row = (tick, 1, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, tick)
            sweep(rows, cap, rank)
        elif row[0] == tick:
            if not row[2]:
                row = with_bar(rows, key, row)
            count = row[1] + 1
            if count > row[2]:
                parts += tested(key, row, count, principal, action)
            rows[key] = (tick, count, *row[2:])
        elif row[0] < tick:
            after = sealed(row, tick, guard)
            if not row[11]:
                prior = folded(rows.get("*" + key[0], (0,) * 7), tick)
                learnt = int(after[9])
                rows["*" + key[0]] = (*prior[:4], prior[4] + 1, prior[5] + learnt, prior[6] + learnt * learnt)
            rows[key] = row = after
        if maturity < 0.0:
            maturity = row[3]
    return maturity, parts


def sealed(row: Row, tick: int, guard: float) -> Row:
    then, learnt, bar, maturity, mean, size, fast, slow, active, total, squares, events, first = row
    events += learnt
    if bar and learnt > bar and tail(learnt, mean, size) <= guard:
        learnt = bar if maturity >= 0.5 else min(learnt, bar * 8)
    gap, age = tick - then, tick - first
    active = active * 0.98 + 1.0
    return (
        tick, 1, 0, min(1.0, active / 20.0, age / 60.0), 0.0, 0.0, (fast + learnt) * 0.5 ** (gap / 5.0),
        (slow + learnt) * 0.5 ** (gap / 360.0), active, total * 0.98 + learnt, squares * 0.98 + learnt * learnt, events,
        first,
    )  # fmt: skip


def with_bar(rows: dict[str, Row], key: str, row: Row) -> Row:
    tick, count, _, maturity, _, _, fast, slow, active, total, squares, events, first = row
    age = tick - first
    rate = max((fast + 0.5) / (exposure(age, 5.0) + 5.0), (slow + 0.5) / (exposure(age, 360.0) + 5.0))
    _, keys, prior_sum, prior_squares, _, _, _ = folded(rows.get("*" + key[0], (0,) * 7), tick)
    weight = 2.0 / (keys + 5.0)
    burstiness = (squares + weight * (prior_squares + 150.0)) / (total + weight * (prior_sum + 15.0))
    excess = max(burstiness - 1.0 - rate, 0.1 * rate)
    size = 1.0 / (excess / rate + 1.0 / (slow + 0.5))
    centre, spread = moments(rate, size)
    bar = int(centre + 2.0 * spread)
    return (tick, count, bar, maturity, rate, size, fast, slow, active, total, squares, events, first)


def folded(prior: Row, tick: int) -> Row:
    if prior[0] >= tick:
        return prior
    keys, total, squares = prior[1] + prior[4], prior[2] + prior[5], prior[3] + prior[6]
    while keys > 500:
        keys, total, squares = keys // 2, total // 2, squares // 2
    return (tick, keys, total, squares, 0, 0, 0)


def exposure(age: int, half: float) -> float:
    keep: float = 0.5 ** (1.0 / half)
    weighted: float = keep * (1.0 - keep**age) / (1.0 - keep)
    return weighted


def tested(key: str, row: Row, count: int, principal: str, action: str | None) -> tuple[Part, ...]:
    tick, _, _, maturity, mean, size, _, _, _, _, _, events, first = row
    p = tail(count, mean, size)
    if p > 0.05:
        return ()
    low, high = interval(mean, size)
    value = action if key[0] == "a" else None
    expected, age_ms = moments(mean, size)[0], (tick - first) * TICK_MS
    return (
        Part(
            "burst", FEATURES[key[0]], principal, value, float(count), expected, low, high, events, age_ms, maturity, p
        ),
    )


def rank(key: str, row: Row) -> tuple[int, int] | None:
    return None if key[0] == "*" else (1 if row[11] else 0, row[0])

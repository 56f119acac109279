"""How rarely a pair is seen at all."""

from __future__ import annotations

import json
import random
from math import sqrt
from typing import Any

import pytest

from models import text
from models.base import Evidence, Store
from models.evict import sweep
from models.frequency import SPAN_MS, Frequency, _rank
from models.keys import row_key
from models.reason import Part

DAY = 86_400_000


def call(at: int, who: str = "web", action: str = "s3:GetObject") -> dict[str, Any]:
    return {"time": at, "principal": who, "action": action}


def learnt(**parameters: Any) -> Frequency:
    """Three days of six principals, each calling its own action in every span."""
    frequency = Frequency(**parameters)
    for span in range(3 * 144):
        for n in range(6):
            frequency.learn_one(call(span * SPAN_MS, f"role/{n}", f"svc:Op{n}"))
    return frequency


def test_the_rarer_the_pair_the_smaller_its_p() -> None:
    """Never seen and never anyone's, never seen but others', seen once, seen every span: in this order."""
    frequency = learnt()
    frequency.learn_one(call(2 * DAY, "role/1", "svc:Once"))
    ps = [
        frequency.assess(call(3 * DAY, who, action)).p  # type: ignore[union-attr]  # each can be tested
        for who, action in (("role/1", "svc:New"), ("role/1", "svc:Op2"), ("role/1", "svc:Once"), ("role/1", "svc:Op1"))
    ]
    assert ps[0] < 1e-4 < ps[1] < ps[3]
    assert ps[0] < ps[2] < 0.02
    assert ps[3] > 0.4


def test_the_second_and_the_fifth_time_are_rare_too() -> None:
    """p grows with every span that has the pair, and is ordinary once it comes as often as others."""
    frequency = learnt()
    ps = []
    for span in range(3 * 144, 6 * 144):
        odd = call(span * SPAN_MS, "role/1", "svc:New")
        assessment = frequency.assess(odd)
        assert assessment is not None
        ps.append(assessment.p)
        frequency.learn_one(odd)
    assert ps[:50] == sorted(ps[:50])
    assert ps[1] < ps[4] < 0.05
    assert ps[-1] > 0.2


def test_a_flood_teaches_as_much_as_one_call() -> None:
    """Ten thousand calls in one span and one call leave the pair as rare."""
    ps = []
    for times in (1, 10_000):
        frequency = learnt()
        for n in range(times):
            frequency.learn_one(call(3 * DAY + n, "role/1", "svc:New"))
        ps.append(frequency.score_one(call(3 * DAY + SPAN_MS, "role/1", "svc:New")))
    assert ps[0] == ps[1]


def test_a_young_domain_is_learning() -> None:
    """Maturity is half after a day of active spans, whoever the principal is."""
    frequency = Frequency()
    for span in range(144):
        frequency.learn_one(call(span * SPAN_MS))
    assessment = frequency.assess(call(DAY, "new", "svc:New"))
    assert assessment is not None
    assert 0.48 < assessment.maturity < 0.5


def test_the_reason_says_what_was_seen_and_what_is_usual() -> None:
    """Spans with the pair, of how many, since when, what an average pair has, and how common the action is."""
    part = learnt().weigh(call(3 * DAY, "role/1", "svc:Op2"))[1][0]
    assert text(part) == (
        "svc:Op2 by role/1 in 0 of 401 active spans of 10 min, 3 days, a pair has 401 (362 to 441), "
        "the action is in 100% of them"
    )


def test_new_names_displace_themselves() -> None:
    """At the cap, a flood of names evicts what was seen in one span only; the pairs with a history stay."""
    store: Store = {}
    frequency = learnt(store=store, keys=200)
    for n in range(5_000):
        frequency.learn_one(call(3 * DAY + n, f"who{n}", f"what{n}"))
    assert len(store) <= 203
    assert store["p|role/1|svc:Op1"][1] > 300


def test_what_was_said_of_a_pair_is_forgotten_when_rows_are_evicted() -> None:
    """A pair that stays while its action's row goes is judged by the rows there are, in the same span too."""
    frequency = Frequency(keys=121)
    for n in range(4 * 60):
        frequency.learn_one(call(n // 60 * SPAN_MS, f"who{n % 60}", f"what{n % 60}"))
    frequency.learn_one(call(3 * SPAN_MS, "who0", "new"))
    left = [n for n in range(60) if f"p|who{n}|what{n}" in frequency._rows]
    assert any(f"a|what{n}" not in frequency._rows for n in left)
    for n in left:
        x = call(3 * SPAN_MS, f"who{n}", f"what{n}")
        evidence = frequency.weigh(x)
        assert frequency.observe(x) == evidence


def by_definition(rows: Store, x: dict[str, Any], half_life: float, keys: int) -> Evidence:
    """What ``observe`` is to do, without anything remembered or saved: the module's formulas, row by row."""
    span, principal, action = x["time"] // SPAN_MS, x["principal"], x["action"]
    ticks = half_life * 144
    head = rows.get("*")
    known = head is not None
    then, first, spans, present, pairs, now, new = head or (span, span, 0.0, 0.0, 0, 0, 0)
    if then < span:
        keep = 0.5 ** ((span - then) / ticks)
        spans, present, pairs, then, now, new = (spans + 1.0) * keep, (present + now) * keep, pairs + new, span, 0, 0
    maturity = min(1.0, spans / 288.0)
    parts: tuple[Part, ...] = ()
    before = {}
    if action is not None:
        for key in (row_key("p", principal, action), row_key("a", action)):
            last, count = rows.get(key, (None, 0.0))
            before[key] = count if last is None or last >= span else (count + 1.0) * 0.5 ** ((span - last) / ticks)
        own, general = before.values()
        total = spans + 1.0
        bound = (own + 0.5 * (general + 0.5) / total) / total * (pairs + 1) * total / (present + 1.0)
        p = bound / (1.0 + bound)
        if known and p <= 0.7:
            usual = present / pairs if pairs else 0.0
            part = Part(
                detector="frequency",
                feature="pair",
                key=principal,
                value=action,
                seen=own,
                expected=usual,
                low=max(0.0, usual - 1.96 * sqrt(usual)),
                high=usual + 1.96 * sqrt(usual),
                history=int(spans),
                age_ms=(then - first) * SPAN_MS,
                maturity=maturity,
                p=p,
                peers=min(1.0, general / total),
            )
            parts = (part,)
        pair, anyone = before
        if pair not in rows or rows[pair][0] < span:
            now, new = now + 1, new + (pair not in rows)
            rows[pair] = (span, own)
            if anyone not in rows or rows[anyone][0] < span:
                rows[anyone] = (span, general)
    if (then, now) != (head or (None,) * 6)[0::5]:
        rows["*"] = (then, first, spans, present, pairs, now, new)
        sweep(rows, keys, _rank)
    return maturity, parts


@pytest.mark.parametrize("keys", [100_000, 60])
def test_it_does_to_the_bit_what_the_formulas_say(keys: int) -> None:
    """Evidence and rows are those of the plain formulas, also late, restarted, evicted, and after an undone event."""
    chance = random.Random(7)
    names = ["role/web", "a|b", "100%", "é" * 149, "x" * 150, "y" * 201]
    actions = [*"abcdefgh", "s3:Get|Object", "n" * 149, "n" * 150, "n" * 200, "n" * 201, None]
    plain: Store = {}
    rows: Store = {}
    fast = Frequency(rows, half_life=3.0, keys=keys)
    now, told = 1_735_689_600_000, 0
    for n in range(6_000):
        now += chance.choice([0, 1_000, 60_000, SPAN_MS]) if n % 500 else 20 * DAY
        late = chance.choice([0, 0, 0, SPAN_MS, DAY])
        x = {"time": now - late, "principal": chance.choice(names), "action": chance.choice(actions)}
        if n % 40 == 0:  # learnt and taken back, as where a later step of the same event fails
            kept = dict(rows)
            fast.observe(x | {"time": now + SPAN_MS, "action": "undone"})
            rows.clear()
            rows.update(kept)
        if n % 701 == 0:
            rows = {key: tuple(row) for key, row in json.loads(json.dumps(rows)).items()}
            fast = Frequency(rows, half_life=3.0, keys=keys)
        evidence = by_definition(plain, x, 3.0, keys)
        assert repr(fast.weigh(x)) == repr(evidence)
        assert repr(fast.observe(x)) == repr(evidence)
        told += len(evidence[1])
    assert {key: repr(row) for key, row in rows.items()} == {key: repr(row) for key, row in plain.items()}
    assert told > 100
    assert ("#evicted" in rows) == (keys < 100)

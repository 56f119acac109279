"""How rarely a pair is seen at all."""

from __future__ import annotations

from typing import Any

from models import text
from models.base import Store
from models.frequency import SPAN_MS, Frequency

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

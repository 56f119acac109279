"""Burst: counts per minute against a key's own history."""

from __future__ import annotations

from typing import Any

from models.burst import Burst
from models.reason import text

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def call(at: int, principal: str = "role/web", action: str = "s3:GetObject", **more: Any) -> dict[str, Any]:
    return {"time": at, "principal": principal, "action": action, "outcome": "success"} | more


def steady(minutes: int, per_minute: int = 1, start: int = 0, **more: Any) -> list[dict[str, Any]]:
    return [call(start + m * MINUTE + n, **more) for m in range(minutes) for n in range(per_minute)]


def learn(burst: Burst, events: list[dict[str, Any]]) -> Burst:
    for event in events:
        burst.learn_one(event)
    return burst


def p_of(burst: Burst, event: dict[str, Any]) -> float:
    assessment = burst.assess(event)
    assert assessment is not None
    return assessment.p


def test_thirty_calls_in_a_minute_stand_out_of_a_history_of_one_a_minute() -> None:
    """A principal that calls once a minute and now thirty times has p <= 1e-4, with its numbers in words."""
    burst = learn(Burst(), steady(180))
    learn(burst, [call(180 * MINUTE + n) for n in range(29)])
    assessment = burst.assess(call(180 * MINUTE + 29))
    assert assessment is not None
    assert assessment.p <= 1e-4
    assert assessment.maturity == 1.0
    assert {part.feature for part in assessment.parts} == {"calls", "action"}
    assert "30 calls by role/web in 1 min, expected 1.6 (1 to 4) in a minute with any, 3 hours of history" in [
        text(part) for part in assessment.parts
    ]


def test_thirty_calls_are_nothing_to_a_key_that_always_makes_thirty() -> None:
    """The same count is ordinary where the history says so."""
    burst = learn(Burst(), steady(180, per_minute=30))
    learn(burst, [call(180 * MINUTE + n) for n in range(29)])
    assert burst.score_one(call(180 * MINUTE + 29)) == 0.0


def test_the_first_event_of_a_minute_is_never_a_burst() -> None:
    """A key that was silent for a month is not unusual by coming back."""
    burst = learn(Burst(), steady(180))
    assert burst.score_one(call(30 * DAY)) == 0.0


def test_a_key_that_comes_in_sessions_is_judged_by_its_own_sessions() -> None:
    """Twenty calls each morning are ordinary on the next morning, though the rate has decayed overnight."""
    burst = Burst()
    for day in range(14):
        learn(burst, steady(5, per_minute=20, start=day * DAY))
    learn(burst, steady(1, per_minute=20, start=14 * DAY))
    assert p_of(burst, call(14 * DAY + 21)) > 0.01


def test_failed_calls_have_their_own_history() -> None:
    """Thirty failures among calls that normally succeed stand out, even where the number of calls does not."""
    burst = learn(Burst(), steady(180, per_minute=30))
    learn(burst, [call(m * MINUTE + 40, outcome="failure") for m in range(0, 180, 3)])
    events = [call(180 * MINUTE + n, outcome="failure") for n in range(30)]
    learn(burst, events[:-1])
    assessment = burst.assess(events[-1])
    assert assessment is not None
    assert assessment.p <= 1e-4
    assert [part.feature for part in assessment.parts] == ["failures"]


def test_a_flood_does_not_blind_the_detector() -> None:
    """After a minute with a million calls, thirty in a minute are as improbable as before."""
    calm, flooded = learn(Burst(), steady(180)), learn(Burst(), steady(180))
    flood = call(180 * MINUTE)
    flooded.learn_one(flood)
    for key in ("p|role/web", "a|role/web|s3:GetObject"):
        row = flooded._with_bar(key, flooded._rows[key])
        flooded._rows[key] = (row[0], 1_000_000, *row[2:])
    events = [call(200 * MINUTE + n) for n in range(30)]
    learn(calm, events[:-1])
    learn(flooded, events[:-1])
    assert p_of(flooded, events[-1]) <= 1e-4
    assert flooded._rows["p|role/web"][5] < 2 * calm._rows["p|role/web"][5] + 10


def test_an_outlier_of_a_billion_in_the_first_minute_is_outgrown() -> None:
    """A key that starts with 1e9 calls in a minute is judged by its later history within three hours."""
    burst = learn(Burst(), steady(1, per_minute=2))
    row = burst._rows["p|role/web"]
    burst._rows["p|role/web"] = (row[0], 10**9, *row[2:])
    learn(burst, steady(180, start=MINUTE))
    learn(burst, [call(181 * MINUTE + n) for n in range(29)])
    assert p_of(burst, call(181 * MINUTE + 29)) <= 1e-4


def test_a_lasting_rise_becomes_the_new_normal() -> None:
    """Thirty a minute are flagged at first and ordinary two hours later, without a reset."""
    burst = learn(Burst(), steady(180))
    early = steady(1, per_minute=30, start=180 * MINUTE)
    learn(burst, early)
    assert p_of(burst, call(180 * MINUTE + 31)) <= 1e-4
    learn(burst, steady(120, per_minute=30, start=181 * MINUTE))
    learn(burst, steady(1, per_minute=30, start=301 * MINUTE))
    assert p_of(burst, call(301 * MINUTE + 31)) > 0.01


def test_a_new_key_is_learning_and_its_p_is_capped() -> None:
    """A hundred calls in a key's first minute give exactly the cap, and the words say that it is still learning."""
    burst = learn(Burst(), [call(n) for n in range(100)])
    assessment = burst.assess(call(100))
    assert assessment is not None
    assert assessment.p == 1e-3
    assert assessment.maturity == 0.0
    assert text(assessment.parts[0]).endswith("as of any new key, no history yet, still learning")


def test_what_new_keys_do_is_learnt_from_the_other_keys() -> None:
    """Where every new principal starts with sixty calls, sixty are not flagged at the next one."""
    burst = Burst()
    for n in range(50):
        learn(burst, steady(1, per_minute=60, start=n * MINUTE, principal=f"role/{n}"))
        learn(burst, steady(1, start=(n + 1) * MINUTE, principal=f"role/{n}"))
    learn(burst, steady(1, per_minute=60, start=60 * MINUTE, principal="role/next"))
    assert p_of(burst, call(60 * MINUTE + 61, "role/next")) > 0.01
    naive = learn(Burst(), steady(1, per_minute=60, start=60 * MINUTE, principal="role/next"))
    assert p_of(naive, call(60 * MINUTE + 61, "role/next")) == 1e-3


def test_what_others_do_in_the_same_minute_does_not_matter() -> None:
    """A new key's first minute has the same p before and after the other keys of that minute have taught the prior."""
    scores = []
    for others_first in (True, False):
        burst = Burst()
        for n in range(20):
            learn(burst, steady(1, per_minute=30, principal=f"role/{n}"))
        others = [call(MINUTE + n, f"role/{n}") for n in range(20)]
        own = [call(MINUTE + n, "role/new") for n in range(40)]
        learn(burst, others + own if others_first else own + others)
        scores.append(burst.score_one(call(MINUTE + 50, "role/new")))
    assert scores[0] == scores[1] > 1


def test_late_events_leave_the_row_alone() -> None:
    """An event of an earlier minute is neither tested nor learnt: the rows stay as they are."""
    burst = learn(Burst(), steady(180))
    before = dict(burst._rows)
    assert p_of(burst, call(170 * MINUTE)) == 1.0
    learn(burst, [call((170 + n % 9) * MINUTE) for n in range(500)])
    assert burst._rows == before


def test_keys_are_capped_and_a_flood_of_names_displaces_itself() -> None:
    """With a cap of 100 rows and 1,000 new principals, the established one keeps its row; the loss is counted."""
    burst = learn(Burst(keys=100), steady(60))
    kept = burst._rows["p|role/web"]
    learn(burst, [call(61 * MINUTE + n, f"role/{n}") for n in range(1000)])
    assert len(burst._rows) <= 101
    assert burst._rows["p|role/web"] == kept
    assert burst._rows["#evicted"][0] > 1800

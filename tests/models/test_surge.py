"""Surge: the count of the last minutes against a key's own history."""

from __future__ import annotations

import gc
import json
import random
import tracemalloc
from math import exp, sqrt
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.base import Row
from models.reason import Part, text
from models.surge import Surge

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def call(at: int, principal: str = "role/web", action: str = "s3:GetObject", **more: Any) -> dict[str, Any]:
    return {"time": at, "principal": principal, "action": action, "outcome": "success"} | more


def steady(minutes: int, per_minute: int = 1, start: int = 0, **more: Any) -> list[dict[str, Any]]:
    return [call(start + m * MINUTE + n, **more) for m in range(minutes) for n in range(per_minute)]


def learn(surge: Surge, events: list[dict[str, Any]]) -> Surge:
    for event in events:
        surge.learn_one(event)
    return surge


def p_of(surge: Surge, event: dict[str, Any]) -> float:
    assessment = surge.assess(event)
    assert assessment is not None
    return assessment.p


def test_thirty_calls_in_a_minute_stand_out_of_a_history_of_one_a_minute() -> None:
    """A principal that calls once a minute for a day, then thirty times, has p <= 1e-4, with its numbers in words."""
    surge = learn(Surge(), steady(1440))
    learn(surge, [call(DAY + n) for n in range(29)])
    assessment = surge.assess(call(DAY + 29))
    assert assessment is not None
    assert assessment.p <= 1e-4
    assert assessment.maturity == 1.0
    assert {part.feature for part in assessment.parts} == {"calls", "action"}
    assert "37 calls by role/web in about 8 min, expected 7.8 (1.4 to 15) where there is any, 24 hours of history" in [
        text(part) for part in assessment.parts
    ]


def test_thirty_calls_are_nothing_to_a_key_that_always_makes_thirty() -> None:
    """The same count is ordinary where the history says so."""
    surge = learn(Surge(), steady(300, per_minute=30))
    learn(surge, [call(300 * MINUTE + n) for n in range(29)])
    assert surge.score_one(call(300 * MINUTE + 29)) == 0.0


def test_what_is_spread_over_minutes_adds_up() -> None:
    """Ten calls a minute over ten minutes stand out of one a minute, though no single minute does as much."""
    surge = learn(Surge(), steady(2 * 1440))
    once = learn(Surge(), steady(2 * 1440))
    learn(surge, steady(10, per_minute=10, start=2 * DAY))
    learn(once, steady(1, per_minute=10, start=2 * DAY + 9 * MINUTE))
    assert p_of(surge, call(2 * DAY + 9 * MINUTE + 11)) < 1e-3 * p_of(once, call(2 * DAY + 9 * MINUTE + 11))


def test_the_first_event_of_a_minute_is_never_a_surge() -> None:
    """A key that was silent for a month is not unusual by coming back."""
    surge = learn(Surge(), steady(180))
    assert surge.score_one(call(30 * DAY)) == 0.0


def test_a_key_that_comes_in_sessions_is_judged_by_its_own_sessions() -> None:
    """Twenty calls each morning are ordinary on the next morning, though the rate has decayed overnight."""
    surge = Surge()
    for day in range(14):
        learn(surge, steady(5, per_minute=20, start=day * DAY))
    learn(surge, steady(1, per_minute=20, start=14 * DAY))
    assert p_of(surge, call(14 * DAY + 21)) > 0.01


def test_failed_calls_have_their_own_history() -> None:
    """Thirty failures among calls that normally succeed stand out, even where the number of calls does not."""
    surge = learn(Surge(), steady(1440, per_minute=30))
    learn(surge, [call(m * MINUTE + 40, outcome="failure") for m in range(0, 1440, 3)])
    events = [call(DAY + n, outcome="failure") for n in range(30)]
    learn(surge, events[:-1])
    assessment = surge.assess(events[-1])
    assert assessment is not None
    assert assessment.p <= 1e-3
    assert [part.feature for part in assessment.parts] == ["failures"]


def test_a_resource_has_a_history_over_all_principals() -> None:
    """Forty principals with one call each on a bucket that gets one a minute: the bucket is what stands out."""
    surge = Surge(resources=True)
    for minute in range(1440):
        surge.learn_one(call(minute * MINUTE, f"role/{minute % 40}", resource="bucket"))
    events = [call(DAY + n, f"role/{n}", resource="bucket") for n in range(40)]
    learn(surge, events[:-1])
    assessment = surge.assess(events[-1])
    assert assessment is not None
    assert [(part.feature, part.key) for part in assessment.parts] == [("resource", "bucket")]
    assert text(assessment.parts[0]).startswith("47 calls on bucket in about 8 min, expected 7.8")


def flooded(surge: Surge, at: int, count: int) -> Surge:
    """As if ``count`` calls had come in that minute: counted but for the last, which is tested."""
    surge.learn_one(call(at))
    for key in ("p|role/web", "a|role/web|s3:GetObject"):
        row = surge._rows[key]
        surge._rows[key] = (row[0], count - 1, *row[2:])
    surge.learn_one(call(at + 1))
    return surge


def test_a_flood_does_not_blind_the_detector() -> None:
    """After a minute with a billion calls, thirty in a minute are four hours later as improbable as without it."""
    calm, after = learn(Surge(), steady(1440)), flooded(learn(Surge(), steady(1440)), DAY, 10**9)
    events = [call(DAY + 4 * HOUR + n) for n in range(30)]
    learn(calm, events[:-1])
    learn(after, events[:-1])
    assert p_of(after, events[-1]) < 2 * p_of(calm, events[-1]) < 1e-4


def test_a_billion_in_the_first_minute_is_outgrown() -> None:
    """A key that starts with 1e9 calls in a minute is judged by its later history two days later."""
    surge = flooded(Surge(), 0, 10**9)
    learn(surge, steady(2 * 1440, start=4 * HOUR))
    learn(surge, [call(2 * DAY + 4 * HOUR + n) for n in range(29)])
    assert p_of(surge, call(2 * DAY + 4 * HOUR + 29)) <= 1e-4


def test_a_tenth_of_poisoned_minutes_costs_little() -> None:
    """Thirty calls in one minute of ten, all along, and a hundred a minute are still improbable."""
    poisoned = Surge()
    for minute in range(3 * 1440):
        learn(poisoned, steady(1, per_minute=30 if minute % 10 == 0 else 1, start=minute * MINUTE))
    learn(poisoned, steady(10, per_minute=100, start=3 * DAY))
    assert p_of(poisoned, call(3 * DAY + 9 * MINUTE + 200)) <= 1e-4


def test_a_lasting_flood_moves_a_months_history_by_a_fifth_a_day_at_most() -> None:
    """A day of a hundred a minute, after months of one: the mean of a minute rises by less than 18 %."""
    surge = Surge()
    month = 43_200
    row = (month - 1, 1, 6.7, 62_300.0, 62_300.0, 62_300.0, -20 * month)
    surge._rows |= {"*": (-20 * month,), "p|role/web": row}
    before = surge._law("p|role/web", month, *row[3:], None)[2]
    learn(surge, steady(1440, per_minute=100, start=month * MINUTE, action=None))
    after = surge._rows["p|role/web"]
    assert surge._law("p|role/web", after[0], *after[3:7], None)[2] <= 1.18 * before


def test_a_lasting_rise_becomes_the_new_normal() -> None:
    """Thirty a minute are flagged at first and, with a history of two days, ordinary after three more."""
    surge = learn(Surge(), steady(2 * 1440))
    learn(surge, steady(1, per_minute=30, start=2 * DAY))
    assert p_of(surge, call(2 * DAY + 31)) <= 1e-3
    learn(surge, steady(3 * 1440, per_minute=30, start=2 * DAY + MINUTE))
    assert p_of(surge, call(5 * DAY + MINUTE)) > 0.01


def test_a_new_principal_is_learning_and_its_p_is_capped() -> None:
    """In a domain of a day, a hundred calls in a principal's first minute give the cap, and the words say so."""
    surge = learn(Surge(), steady(1440))
    learn(surge, [call(DAY + n, "role/new") for n in range(100)])
    assessment = surge.assess(call(DAY + 100, "role/new"))
    assert assessment is not None
    assert assessment.p == 1e-3
    assert assessment.maturity == 0.0
    assert text(assessment.parts[0]).endswith("as of any new key, no history yet, still learning")


def test_a_flood_in_the_first_minutes_of_all_is_seen() -> None:
    """Nothing is known of anything: two hundred calls in the first minute have p <= 1e-4 before the cap, ten have 1."""
    surge = Surge()
    parts = [surge.observe(call(n))[1] for n in range(200)]
    assert not any(parts[:10])
    assert max(part.p for part in parts[-1]) <= 1e-4


def first_minutes(count: int, principals: int = 200) -> Surge:
    """A domain where each of so many principals begins with ``count`` calls in a minute, and comes back once."""
    surge = Surge()
    for who in range(principals):
        learn(surge, [call(who * MINUTE + n, f"role/{who}") for n in range(count)])
        learn(surge, [call((who + 3) * MINUTE + 50_000, f"role/{who}")])
    return surge


def test_what_a_first_minute_may_bring_is_learnt_from_the_others() -> None:
    """Sixty calls of a new pair are much where others began with one, and nothing where they began with fifty."""
    ps = []
    for count in (1, 50):
        surge = first_minutes(count)
        events = [call(300 * MINUTE + n, "role/new", "svc:New") for n in range(60)]
        parts = [surge.observe(event)[1] for event in events][-1]
        ps.append(min((part.p for part in parts if part.feature == "action"), default=1.0))
    assert ps[0] < 1e-6
    assert ps[1] == 1.0


def test_no_flood_teaches_more_than_two_hundred_as_a_first_minute() -> None:
    """A hundred new principals with 1e9 calls in their first minute move the expectation to two hundred at most."""
    surge = Surge()
    for who in range(100):
        surge.learn_one(call(who * MINUTE, f"role/{who}"))
        surge._rows[f"p|role/{who}"] = (who, 10**9)
        surge.learn_one(call((who + 1) * MINUTE, f"role/{who}"))
    assert surge._prior("p", 10**6)[0] <= 200


def test_a_new_pair_counts_from_its_first_minute() -> None:
    """A hundred calls of a new action by an old principal that makes as many are nothing, however old the domain."""
    surge = learn(Surge(), steady(1440, per_minute=100))
    learn(surge, [call(DAY + n, action="s3:PutObject") for n in range(100)])
    assert p_of(surge, call(DAY + 100, action="s3:PutObject")) == 1.0


def poisson(chance: random.Random, mean: float) -> int:
    if mean > 30:
        return max(0, round(chance.gauss(mean, sqrt(mean))))
    return sum(chance.random() < 0.05 for _ in range(round(mean * 20)))


def nights(days: int, of: int, seed: int = 1) -> list[dict[str, Any]]:
    """Two calls a minute; in the last ``of`` days, forty from 2:00 to 2:55."""
    chance = random.Random(seed)
    events = []
    for minute in range(days * 1440):
        busy = 120 <= minute % 1440 < 175 and minute // 1440 >= days - of
        events += [call(minute * MINUTE + n, action=None) for n in range(poisson(chance, 40.0 if busy else 2.0))]
    return events


def test_a_nightly_backup_stops_being_unusual_and_the_same_at_noon_does_not() -> None:
    """After three weeks without it, a backup is unusual on its first nights; four weeks later its calls are ordinary at
    their hour, and not at noon."""
    surge = Surge()
    found = {}
    for event in nights(49, of=28):
        if event["time"] % DAY == 2 * HOUR + 20 * MINUTE:
            found[event["time"] // DAY - 21] = p_of(surge, event)
        surge.learn_one(event)
    assert max(found[night] for night in range(4)) <= 1e-3
    assert min(found[night] for night in range(24, 28)) > 0.01
    noon = [call(49 * DAY + 12 * HOUR + m * MINUTE + n, action=None) for m in range(10) for n in range(40)]
    learn(surge, noon)
    assessment = surge.assess(call(noon[-1]["time"] + 1))
    assert assessment is not None
    assert assessment.p <= 1e-6
    assert assessment.parts[0].factor < 1
    learn(surge, [call(50 * DAY + 2 * HOUR + n, action=None) for n in range(800)])
    assessment = surge.assess(call(50 * DAY + 2 * HOUR + 900))
    assert assessment is not None
    assert "(7.3 times the mean at this hour of the week)" in text(assessment.parts[0])


def test_profiles_are_capped_by_age() -> None:
    """With room for two profiles, the two oldest keys have them, whatever the order of keys inside a minute; one that
    was idle for eight weeks makes room."""
    stores = []
    for order in ((0, 1, 2, 3), (3, 2, 1, 0)):
        surge = Surge(profiles=2)
        for minute in range(1600):
            for who in order:
                surge.learn_one(call(minute * MINUTE, f"role/{who}", action=None))
        assert surge._rows["#profiles"] == ("00000025|p|role/0", "00000025|p|role/1")
        stores.append(surge._rows)
    assert stores[0] == stores[1]
    surge = Surge(store=stores[0], profiles=2)
    for minute in range(1440):
        learn(surge, [call((9 * 7 * DAY) + minute * MINUTE, "role/3", action=None)])
    assert [name[9:] for name in surge._rows["#profiles"]] == ["p|role/3"]
    assert {key for key in surge._rows if key[0] in "vw"} == {"v|p|role/3", "w|p|role/3"}


def test_events_that_are_minutes_late_count_as_if_in_time() -> None:
    """The window and the history are the same, whether the minutes before came in order or shuffled."""
    minutes = [*range(1440, 1446)]
    events = [call(m * MINUTE + n) for m in minutes for n in range(2)]
    in_order = learn(Surge(), steady(1440) + events)
    shuffled = [*events]
    random.Random(3).shuffle(shuffled)
    late = learn(Surge(), steady(1440) + shuffled)
    then = call(1446 * MINUTE)
    for surge in (in_order, late):
        learn(surge, [then] * 20)
    a, b = in_order.assess(then), late.assess(then)
    assert a is not None
    assert b is not None
    assert abs(a.parts[0].seen - b.parts[0].seen) < 1e-4
    assert abs(in_order._rows["p|role/web"][3] - late._rows["p|role/web"][3]) < 0.01
    assert 0.5 < b.p / a.p < 2


@given(st.permutations([*range(1, 15)]))
@settings(max_examples=30)
def test_the_order_of_late_events_changes_no_bit(lateness: list[int]) -> None:
    """Events of earlier minutes that come during one minute: the same rows in whatever order they come."""
    stores = []
    for order in (lateness, sorted(lateness)):
        surge = learn(Surge(), [*steady(30), call(70 * MINUTE)])
        learn(surge, [call((70 - back) * MINUTE) for back in order])
        stores.append(surge._rows)
    assert stores[0] == stores[1]
    assert all(float(row[2] * 2**20).is_integer() for row in stores[0].values() if len(row) > 2)  # so sums are exact


def test_a_late_first_event_counts_at_once_as_after_a_restart() -> None:
    """An event before a pair's first minute makes it older; the rest of the minute is judged so in either process."""
    surge = learn(Surge(guard=0.05), steady(100, action="other"))
    learn(surge, [call(100 * MINUTE + n, action="new") for n in range(5)])
    surge.learn_one(call(90 * MINUTE, action="new"))
    again = Surge(store=dict(surge._rows), guard=0.05)
    later = [call(100 * MINUTE + n, action="new") for n in range(2000)]
    assert evidence(surge, later) == evidence(again, later)


def test_events_that_are_too_late_leave_the_row_alone() -> None:
    """Older than 15 minutes: neither tested nor learnt."""
    surge = learn(Surge(), steady(180))
    before = dict(surge._rows)
    assert p_of(surge, call(163 * MINUTE)) == 1.0
    learn(surge, [call((120 + n % 44) * MINUTE) for n in range(500)])
    assert surge._rows == before


def test_keys_are_capped_and_a_flood_of_names_displaces_itself() -> None:
    """With a cap of 100 rows and 1,000 new principals, the established one keeps its row; the loss is counted."""
    surge = learn(Surge(keys=100), steady(60))
    kept = surge._rows["p|role/web"]
    learn(surge, [call(61 * MINUTE + n, f"role/{n}") for n in range(1000)])
    assert len(surge._rows) <= 102
    assert surge._rows["p|role/web"] == kept
    assert surge._rows["#evicted"][0] > 1800


def test_a_key_takes_at_most_300_bytes() -> None:
    """As a restart leaves them: name, row and its numbers, and the place in the table. A third of 15,000 keys seen in
    one minute only, as on the DARPA edges."""
    surge = Surge()
    now = 1_760_000_000_000
    for minute in range(2):
        for who in range(15_000 if minute else 10_000):
            surge.learn_one(call(now + (minute * 7 + who % 5) * MINUTE, f"role/service-{who}", action=None))
    dumped = json.dumps(list(surge._rows.items()))
    del surge
    gc.collect()
    tracemalloc.start()
    rows = {key: tuple(row) for key, row in json.loads(dumped)}
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert sum(len(row) == 7 for key, row in rows.items() if key[0] == "p") == 10_000
    assert taken / len(rows) <= 300


def evidence(surge: Surge, events: list[dict[str, Any]]) -> list[tuple[float, tuple[Part, ...]]]:
    return [surge.observe(event) for event in events]


streams = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 2), st.booleans(), st.integers(1, 12)), min_size=1, max_size=40
)


def written(stream: list[tuple[int, int, bool, int]]) -> list[dict[str, Any]]:
    return [
        call(minute * MINUTE, f"role/{who}", outcome="failure" if failed else "success", resource=f"b{who % 2}")
        for minute, who, failed, times in stream
        for _ in range(times)
    ]


@given(streams, st.integers(0, 400))
@settings(max_examples=60)
def test_a_restart_anywhere_changes_no_bit(stream: list[tuple[int, int, bool, int]], cut: int) -> None:
    """Rows through JSON, in another order, at any place of any stream, also a disordered one: equal scores and rows;
    and a look at an event before it is learnt finds what learning it finds."""
    events = written(stream)
    whole = Surge(guard=0.05, resources=True, keys=12)
    expected = []
    for event in events:
        found = whole.weigh(event)
        assert whole.observe(event) == found
        expected.append(found)
    part = Surge(guard=0.05, resources=True, keys=12)
    got = evidence(part, events[:cut])
    rows: dict[str, Row] = {key: tuple(row) for key, row in reversed(json.loads(json.dumps([*part._rows.items()])))}
    again = Surge(store=rows, guard=0.05, resources=True, keys=12)
    got += evidence(again, events[cut:])
    assert repr(got) == repr(expected)
    assert sorted(rows.items()) == sorted(whole._rows.items())


@given(streams, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_order_inside_a_minute_changes_no_row(stream: list[tuple[int, int, bool, int]], chance: random.Random) -> None:
    """In whatever order the events of each minute come, the rows after it are the same."""
    ordered = sorted(written(stream), key=lambda event: event["time"])
    shuffled = sorted(chance.sample(ordered, len(ordered)), key=lambda event: event["time"])
    a, b = Surge(guard=0.05, resources=True), Surge(guard=0.05, resources=True)
    learn(a, ordered)
    learn(b, shuffled)
    assert sorted(a._rows.items()) == sorted(b._rows.items())


@given(st.integers(1, 5), st.integers(2, 200))
@settings(max_examples=30, deadline=None)
def test_more_events_are_never_less_surprising(rate: int, count: int) -> None:
    """Within a minute the surprise of a key does not fall, and p is its exponential."""
    surge = learn(Surge(), steady(120, per_minute=rate))
    last = 0.0
    for n in range(count):
        for part in surge.observe(call(120 * MINUTE + n))[1]:
            if part.feature == "calls":
                assert part.surprise is not None
                assert part.surprise >= last
                assert part.p == exp(-part.surprise)
                last = part.surprise

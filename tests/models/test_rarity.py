"""Rarity: the first time that a principal brings a value."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from models.base import Store
from models.evict import sweep
from models.keys import row_key
from models.rarity import Rarity, _rank
from models.reason import text

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def call(at: int, principal: str = "role/0", action: str = "s3:GetObject", **more: Any) -> dict[str, Any]:
    return {"time": at, "principal": principal, "action": action, "ip": "198.51.100.7", "outcome": "success"} | more


def company(days: int = 2, principals: int = 20) -> Rarity:
    """Twenty principals that share ten actions, four each, every three minutes."""
    rarity = Rarity()
    for n in range(days * 480):
        for who in range(principals):
            rarity.learn_one(call(n * 3 * MINUTE, f"role/{who}", f"svc:Op{(who + n % 4) % 10}"))
    return rarity


def p_of(rarity: Rarity, event: dict[str, Any]) -> float:
    assessment = rarity.assess(event)
    assert assessment is not None
    return assessment.p


def test_the_first_time_of_what_no_peer_does_is_rare() -> None:
    """A mature principal's first use of an action that nobody used has p <= 1e-3, and the words say both."""
    assessment = company().assess(call(2 * DAY, action="iam:CreateUser"))
    assert assessment is not None
    assert assessment.p <= 1e-3
    assert [text(part) for part in assessment.parts] == [
        "first iam:CreateUser by role/0 in 927 active minutes and 2 days, no other principal does it"
    ]


def test_the_first_time_of_what_peers_do_is_no_reason() -> None:
    """An action that half of the peers use is not a reason at its first use by one more."""
    rarity = company()
    assert p_of(rarity, call(2 * DAY, action="svc:Op6")) > 0.01
    assert p_of(rarity, call(2 * DAY, action="iam:CreateUser")) < 1e-3


def test_what_the_principal_does_is_ordinary() -> None:
    """A value that the principal had in two earlier minutes scores exactly 0."""
    assert company().score_one(call(2 * DAY, action="svc:Op0")) == 0.0


def test_a_first_time_during_learning_stays_above_one_percent() -> None:
    """Before fifty active minutes over half a day, no first time has p < 0.01, whatever the peers do."""
    rarity = company()
    for n in range(40):
        rarity.learn_one(call(2 * DAY + n * HOUR, "role/new"))
    assessment = rarity.assess(call(4 * DAY, "role/new", "iam:CreateUser", ip="203.0.113.9", resource="bucket"))
    assert assessment is not None
    assert assessment.maturity < 0.5
    assert assessment.p >= 0.01
    for n in range(300):
        rarity.learn_one(call(4 * DAY + n * MINUTE, "role/fast"))
    assert p_of(rarity, call(4 * DAY + 301 * MINUTE, "role/fast", "iam:CreateUser", ip="203.0.113.9")) >= 0.01


def test_the_first_event_of_a_principal_is_learning_not_rare() -> None:
    """An unknown principal has maturity 0 and p = 1: nothing is known against it."""
    assessment = company().assess(call(2 * DAY, "role/unknown", "iam:CreateUser"))
    assert assessment is not None
    assert (assessment.p, assessment.maturity, assessment.parts) == (1.0, 0.0, ())


def test_a_first_time_stays_one_for_its_whole_minute() -> None:
    """The second call in the same minute scores as the first did; in the next minute the action is known."""
    rarity = company()
    first = call(2 * DAY, action="iam:CreateUser")
    score = rarity.score_one(first)
    rarity.learn_one(first)
    assert rarity.score_one(first) == score > 3
    later = call(2 * DAY + MINUTE, action="iam:CreateUser")
    assert rarity.score_one(later) == 0.0


def test_what_others_do_in_the_same_minute_does_not_matter() -> None:
    """A first time has the same p before and after the peers' first times of the same minute."""
    before, after = company(), company()
    for who in range(1, 10):
        after.learn_one(call(2 * DAY, f"role/{who}", "iam:CreateUser"))
    mine = call(2 * DAY + 1, action="iam:CreateUser")
    assert before.score_one(mine) == after.score_one(mine) > 3
    assert after.score_one(mine | {"time": 2 * DAY + MINUTE}) < 1.5


def test_a_flood_teaches_no_more_than_one_call() -> None:
    """Ten thousand calls in one minute leave the same rows as one."""
    one, many = company(1, 3), company(1, 3)
    event = call(DAY, action="svc:New")
    one.learn_one(event)
    for _ in range(10_000):
        many.learn_one(event)
    assert one._rows == many._rows


def test_who_brings_something_new_all_the_time_is_not_rare_in_doing_so() -> None:
    """A principal that meets a new resource every minute is ordinary with the next new one."""
    rarity = company()
    for n in range(600):
        rarity.learn_one(call(2 * DAY + n * 3 * MINUTE, "role/backup", resource=f"bucket-{n}"))
    assert rarity.score_one(call(4 * DAY, "role/backup", resource="bucket-new")) == 0.0
    assert rarity._rows["p|role/backup"][11] == 512  # the cap on stored values


def test_a_new_address_counts_too() -> None:
    """The first use of an address that no peer uses is rare for a principal with one address."""
    assessment = company().assess(call(2 * DAY, action="svc:Op0", ip="203.0.113.9"))
    assert assessment is not None
    assert assessment.p <= 1e-3
    assert text(assessment.parts[0]).startswith("first use of 203.0.113.9 by role/0")


def test_what_was_unused_for_a_season_is_new_again() -> None:
    """After 90 days without it, an action is as unseen as a new one; at 80 days it is not."""
    rarity = company()
    rarity.learn_one(call(2 * DAY, action="kms:Rotate"))
    rarity.learn_one(call(2 * DAY + MINUTE, action="kms:Rotate"))
    for n in range(85 * 24):
        rarity.learn_one(call(2 * DAY + n * HOUR, action="svc:Op0"))
    assert rarity.score_one(call(82 * DAY, action="kms:Rotate")) == 0.0
    back = call(93 * DAY, action="kms:Rotate")
    for _ in range(2):  # before it is learnt again, and in the same minute after
        part = rarity.weigh(back)[1][0]
        assert part.p < 0.02
        assert part.peers == 0.0  # its own earlier use is not a peer's
        rarity.learn_one(back)


def test_history_decays() -> None:
    """A principal's active minutes count half after thirty days of silence."""
    rarity = company()
    before = rarity._rows["p|role/0"][2] + 1
    rarity.learn_one(call(2 * DAY - 3 * MINUTE + 30 * DAY))
    assert rarity._rows["p|role/0"][2] == pytest.approx(before / 2)


def test_late_events_do_not_disturb_what_is_known() -> None:
    """A late repeat changes no row; a late new value is learnt without moving the principal's clock back."""
    rarity = company()
    before = dict(rarity._rows)
    rarity.learn_one(call(DAY, action="svc:Op0"))
    assert rarity._rows == before
    rarity.learn_one(call(DAY, action="svc:Late"))
    assert rarity._rows["p|role/0"][0] == before["p|role/0"][0]
    assert rarity.score_one(call(2 * DAY, action="svc:Late")) == 0.0


def test_rows_are_capped_and_a_flood_of_names_displaces_itself() -> None:
    """With a cap of 200 rows and 5,000 new principals, the established ones keep theirs; the loss is counted."""
    rarity = company(1, 3)
    rarity.keys = 200
    kept = {key: row for key, row in rarity._rows.items() if key[0] == "p"}
    for n in range(5000):
        rarity.learn_one(call(DAY + n, f"role/new-{n}"))
    assert len(rarity._rows) <= 201
    assert {key: rarity._rows[key] for key in kept} == kept
    assert rarity._rows["#evicted"][0] > 9000


def learn_by_definition(rows: Store, x: dict[str, Any], limits: Rarity) -> None:
    """What ``observe`` does to the rows, nothing remembered or saved: named fields, one small step after the other."""
    tick, principal = x["time"] // MINUTE, x["principal"]
    key = row_key("p", principal)
    known = key in rows
    last, first, minutes, *counts, maturity = rows.get(key, (tick, tick, 0.0, *[0.0] * 3, *[0] * 6, 0.0))
    once, added, stored = counts[:3], counts[3:6], counts[6:]
    if last < tick:
        days = tick // 1440 - last // 1440
        keep = 0.5 ** (days / limits.half_life)
        minutes = (minutes + 1.0) * keep
        once = [max(old + new, 0.0) * keep for old, new in zip(once, added, strict=True)]
        added = [0, 0, 0]
        maturity = min(1.0, minutes / 100.0, (tick - first) / 1440.0)
        last = tick
    for place, (kind, feature) in enumerate((("a", "action"), ("i", "ip"), ("r", "resource"))):
        value = x[feature]
        if value is None:
            continue
        pair = row_key(kind, principal, value)
        state, then = rows.get(pair, (None, 0))
        if state is not None and tick - then <= limits.forget * 1440:
            if state == 2 and tick - then >= 1440:
                rows[pair] = (2, tick)
            elif state != 2 and then < tick:
                rows[pair] = (2, tick)
                added[place] -= 1
        elif state is not None:
            if then != tick:
                rows[pair] = (3, tick)
                added[place] += 1
        elif stored[place] < limits.values:
            rows[pair] = (1, tick)
            when, holders, joined = rows.get(row_key(kind.upper(), value), (tick, 0, 0))
            if when < tick:
                when, holders, joined = tick, holders + joined, 0
            rows[row_key(kind.upper(), value)] = (when, holders, joined + 1)
            when, *sums = rows.get("*" + kind, (tick, *[0] * 20))
            if when < tick:
                when, sums = tick, [*map(sum, zip(sums[:10], sums[10:], strict=True)), *[0] * 10]
            have = holders + joined
            sums[10] += not stored[place]
            sums[11] += 1
            if have:
                sums[12 + min(have.bit_length(), 8) - 1] -= have
            sums[12 + min((have + 1).bit_length(), 8) - 1] += have + 1
            rows["*" + kind] = (when, *sums)
            sweep(rows, limits.keys, _rank)
            added[place] += 1
            stored[place] += 1
    row = (last, first, minutes, *once, *added, *stored, maturity)
    if row != rows.get(key):
        rows[key] = row
        if not known:
            sweep(rows, limits.keys, _rank)


@pytest.mark.parametrize("keys", [100_000, 150])
def test_it_does_to_the_bit_what_its_definition_says(keys: int) -> None:
    """Rows are those of the plain definition, also late, restarted, evicted and after silence; the evidence is that of
    ``weigh`` over them."""
    chance = random.Random(7)
    names = ["role/web", "a|b", "100%", "é" * 149, "x" * 150, "y" * 201]
    actions = [*"abcdefgh", "s3:Get|Object", "n" * 149, "n" * 150, "n" * 200, "n" * 201, None]
    rows: Store = {}
    plain: Store = {}
    fast = Rarity(rows, half_life=3.0, forget=30, values=12, keys=keys)
    slow = Rarity(plain, half_life=3.0, forget=30, values=12, keys=keys)
    now, told = 1_735_689_600_000, 0
    for n in range(6_000):
        now += chance.choice([0, 1_000, MINUTE, 5 * MINUTE]) if n % 500 else chance.choice([10, 40]) * DAY
        x = {
            "time": now - chance.choice([0, 0, 0, MINUTE, DAY]),
            "principal": chance.choice(names),
            "action": chance.choice(actions),
            "ip": chance.choice(["198.51.100.7", "203.0.113.9", None]),
            "resource": f"bucket-{chance.randrange(40)}" if chance.random() < 0.5 else None,
        }
        if n % 701 == 0:
            rows = {key: tuple(row) for key, row in json.loads(json.dumps(rows)).items()}
            fast = Rarity(rows, half_life=3.0, forget=30, values=12, keys=keys)
        evidence = slow.weigh(x)
        learn_by_definition(plain, x, slow)
        assert repr(fast.observe(x)) == repr(evidence)
        told += len(evidence[1])
    assert {key: repr(row) for key, row in rows.items()} == {key: repr(row) for key, row in plain.items()}
    assert told > 5
    assert ("#evicted" in rows) == (keys < 1_000)

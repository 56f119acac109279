"""Can the models be taught wrong? ``weir eval poisoning``, on traffic that is made up from a seed.

**Traffic**: twenty roles of five kinds with their own actions, addresses and buckets over five days, one call in three
hundred something else. In the last two days four kinds of attack, three times each, by different roles: an intruder
(new actions from a new address), a flood of the role's own calls, failed calls, and an enumeration.

**Score**: -log10 of the verdict's p, before the event is learnt. The ROC area of the events of each kind of attack
against all ordinary ones of the last two days, and the mean of the four.

**Poison**, each against the same traffic without it:

- one value of 1e9: that many calls in one minute of the third day, by a role that will be flooded, and by a name that
  is new. A few hundred are sent; what then grows by one with each call, in whatever row, is set forward. More are sent
  after it.
- a tenth of the learning span is the attacker's: attacks of the same kinds, drawn by themselves, until they are 10 %
  of it. In ``repeated`` they are the very attacks of the last days, which the models then know: no promise there.
- a ramp of 2 % a day of a role's calls, weekends 40 % and days that vary by 5 %, after four weeks: the day on which a
  verdict of p <= 1e-3 rests on it, through all models; and by the ramp's own test alone, for a hundred roles, whose
  false alarms in the year before are counted too.
- 10,000 rejected units a day of every detector, by one reviewer: of the attacks, the share told before and after.
- a flood of new names, twenty times the cap on rows (a million at 50,000): of the rows about what the twenty roles
  usually do, the share that is kept. In ``names_twice`` each comes in two minutes, which is what a history looks like:
  no promise there.

A ramp is promised from 1,000 calls a day on: at 100 a day chance alone moves a day by 10 %, and that figure is given
without a promise. ``recall`` is the share of the attacks with p <= 1e-3, without a promise, too: it may fall where the
area does not, as attacks that were learnt make attacks less rare.

Nothing was tuned on this traffic but the alarm level of the ramp, which is set so that the suite tells it at 1e-3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, log10
from typing import Any, Final, NamedTuple

import numpy as np

from models.base import Features, Store
from models.feedback import Feedback
from models.ramp import begun, learnt
from models.suite import Suite, Verdict
from streams.evaluation.ranks import area, macro

SIGNAL: Final = 1e-3
ABSURD: Final = 10**9
ONE_VALUE: Final = 0.005
POISONED: Final = 0.02
WITHIN: Final = 10
KEPT: Final = 0.99

_MINUTE, _DAY = 60_000, 86_400_000
_DAYS, _LEARN = 5, 3
_ROLES, _KINDS, _ODD = 20, 5, 1 / 300
_ATTACKS = "intruder", "flood", "failures", "enumeration"
_TIMES = 3
_WARM = 28
_CAP = 1_000
_PROMISED = 1_000  # calls a day, from which on a ramp is told in time
_ALARM = 2e-5  # of ``models.ratio``


class Labelled(NamedTuple):
    """An event, and the attack it is part of: kind and number, or "" for the ordinary."""

    event: Features
    attack: str


class Scored(NamedTuple):
    """The mean of the ROC areas, and the most significant verdict of each attack."""

    roc: float
    recall: float
    worst: dict[str, Verdict]


Between = Callable[[Suite, dict[str, Store]], None]


def traffic(seed: int, events: int) -> list[Labelled]:
    """The ordinary events, in order of time."""
    chance = np.random.default_rng((seed, 1))
    times = np.sort(chance.integers(0, _DAYS * _DAY, events)).tolist()
    return [Labelled(_ordinary(chance, time, int(chance.integers(_ROLES))), "") for time in times]


def attacks(seed: int, start: int, end: int, share_of: int = 0) -> list[Labelled]:
    """Attacks between two times: three of each kind, or as many as it takes to have ``share_of`` events."""
    chance = np.random.default_rng((seed, 2))
    found: list[Labelled] = []
    number = 0
    while number < _TIMES * len(_ATTACKS) if not share_of else len(found) < share_of:
        kind = _ATTACKS[number % len(_ATTACKS)]
        role = int(chance.integers(_ROLES))
        time = int(chance.integers(start, end - 2 * _MINUTE)) // _MINUTE * _MINUTE
        label = f"{kind} {number // len(_ATTACKS)}"
        found += [Labelled(event, label) for event in _attack(chance, kind, role, time)]
        number += 1
    return found


def scored(given: Sequence[Labelled], between: Between | None = None, cap: int | None = None) -> Scored:
    """All models over the events; ``between`` is done to them at noon of the third day. ``cap``: on rows."""
    tables: dict[str, Store] = {}
    suite = Suite(lambda name: tables.setdefault(name, {}))
    if cap:
        for detector in suite.detectors:
            detector.keys = cap
    late = _LEARN * _DAY
    noon = late - _DAY // 2
    ordinary: list[float] = []
    odd: dict[str, list[float]] = {kind: [] for kind in _ATTACKS}
    worst: dict[str, Verdict] = {}
    for event, attack in given:
        time = event["time"]
        if between is not None and time >= noon:
            between(suite, tables)
            between = None
        verdict = suite.score_and_learn(event)
        if time < late:
            continue
        if not attack:
            ordinary.append(-log10(verdict.p))
            continue
        odd[attack.split()[0]].append(-log10(verdict.p))
        if attack not in worst or verdict.p < worst[attack].p:
            worst[attack] = verdict
    recall = sum(verdict.p <= SIGNAL for verdict in worst.values()) / max(len(worst), 1)
    return Scored(macro([area(scores, ordinary) for scores in odd.values()])[0], recall, worst)


def absurd(principal: str) -> Between:
    """A billion calls of the principal in the minute before noon."""

    def send(suite: Suite, tables: dict[str, Store]) -> None:
        time = _LEARN * _DAY - _DAY // 2 - _MINUTE
        action = _actions(int(principal.partition("/")[2]) if principal.startswith("role/") else 0)[0]
        event = {"time": time, "principal": principal, "action": action, "outcome": "success", "ip": "198.51.100.0"}
        for _ in range(300):
            suite.learn(event)
        seen = []
        for _ in range(3):
            suite.learn(event)
            seen.append({name: dict(rows) for name, rows in tables.items()})
        for name, rows in tables.items():
            if name == "calibration":  # its units come by the scores
                continue
            for key, row in list(rows.items()):
                was, between = (before[name].get(key) for before in seen[:2])
                if was is None or between is None or len(was) != len(row) or row == between:
                    continue
                rows[key] = tuple(
                    c + ABSURD if isinstance(c, int) and isinstance(a, int) and c - b == b - a == 1 else c
                    for a, b, c in zip(was, between, row, strict=True)
                )
        for _ in range(10):
            suite.learn(event)

    return send


def flooder(given: Sequence[Labelled]) -> str:
    """The role of the first flood among the attacks."""
    return next(str(each.event["principal"]) for each in given if each.attack.startswith("flood"))


def names(count: int, times: int = 1) -> Between:
    """So many principals that nobody knows, with actions and addresses of their own, in the hour before noon; each
    comes in so many minutes in succession."""

    def send(suite: Suite, _: dict[str, Store]) -> None:
        start = (_LEARN * _DAY - _DAY // 2) // _MINUTE - 60
        minutes = 60 - times
        for minute in range(60):
            for back in range(times):
                if 0 <= minute - back < minutes:
                    for n in range((minute - back) * count // minutes, (minute - back + 1) * count // minutes):
                        suite.learn(
                            {"time": (start + minute) * _MINUTE, "principal": f"made-up/{n}", "ip": f"ip-{n}"}
                            | {"action": f"svc:Flood{n}", "resource": f"thing-{n}", "outcome": "success"}
                        )

    return send


def kept(count: int, share: list[float], times: int = 1) -> Between:
    """``names``, and of the rows about what the roles usually do the share that is there afterwards."""

    def send(suite: Suite, tables: dict[str, Store]) -> None:
        def known() -> set[tuple[str, str]]:
            return {(name, key) for name, rows in tables.items() for key in rows if name != "calibration" and _own(key)}

        before = known()
        names(count, times)(suite, tables)
        share.append(len(before & known()) / len(before))

    return send


def by_suite(seed: int, calls: int, growth: float = 1.02, days: int = 14) -> tuple[int | None, int]:
    """Days of a ramp until a verdict of p <= 1e-3 rests on it, None for never; and such verdicts on days before it."""
    chance = np.random.default_rng((seed, 3))
    tables: dict[str, Store] = {}
    suite = Suite(lambda name: tables.setdefault(name, {}))
    start = _WARM + seed % 7
    before: set[int] = set()
    for day in range(start + days + 1):
        given = [(0, _calls(chance, calls, day, start, growth)), *((role, _calls(chance, 60, day)) for role in (1, 2))]
        at = [(int(time), role) for role, count in given for time in chance.integers(0, _DAY, count)]
        for time, role in sorted(at):
            event = _ordinary(chance, day * _DAY + time, role, odd=_ODD / 10)
            verdict = suite.score_and_learn(event)
            if verdict.p <= SIGNAL and any(part.feature == "volume" and part.p <= SIGNAL for part in verdict.parts):
                if day > start and role == 0:
                    return day - start, len(before)
                before.add(day)
    return None, len(before)


def by_test(seed: int, calls: int, keys: int = 100) -> tuple[list[int], float]:
    """Of so many roles: days of a ramp until its own test tells it (99: not within thirty); alarms a year without."""
    delays, false = [], 0
    for key in range(keys):
        chance = np.random.default_rng((seed, 4, key))
        start = 63 + key % 7
        history = begun(0)
        delay = 99
        for day in range(start + 30):
            history = learnt(history, _calls(chance, calls, day, start), _ALARM)
            if history[3] <= _ALARM and day >= start:
                delay = min(delay, day - start + 1)
        delays.append(delay)
        history = begun(0)
        for day in range(21 + 365):
            history = learnt(history, _calls(chance, calls, day), _ALARM)
            false += history[3] <= _ALARM
    return delays, false / keys


def told(worst: dict[str, Verdict], feedback: Feedback, day: int) -> float:
    """Of the attacks, the share whose most significant verdict is at or below the level of its first detector."""
    levels = [verdict.p <= feedback.level(SIGNAL, _first(verdict), day) for verdict in worst.values()]
    return sum(levels) / len(levels)


def flooded(detectors: Sequence[str], days: int, verdicts: int = 10_000) -> Feedback:
    """One reviewer rejects so many units of every detector, every day."""
    feedback = Feedback({})
    for day in range(days):
        for detector in detectors:
            for n in range(
                verdicts if not day else min(verdicts, 100)
            ):  # the newest few are kept: more make no difference
                feedback.judge(detector, "one reviewer", f"{day}-{n:05}", "false_positive", day)
    return feedback


def run(
    seeds: Sequence[int] = (1, 2, 3),
    told: Callable[[str], None] = lambda _: None,
    *,
    events: int = 20_000,
    ramp_calls: Sequence[int] = (100, 1_000, 10_000),
    suite_calls: int = 1_000,
    ramp_keys: int = 100,
    flood: int = 20,
    verdicts: int = 10_000,
) -> dict[str, Any]:
    """All of it, with what is promised. ``told``: of the progress. ``flood``: new names, in caps on rows.

    The other figures are the size of it; what is promised is promised at those given here.
    """
    losses: dict[str, list[float]] = {}
    recalls: dict[str, list[float]] = {}
    base: list[float] = []
    share: list[float] = []
    share_twice: list[float] = []
    worst: dict[str, Verdict] = {}
    late, end = _LEARN * _DAY, _DAYS * _DAY
    for seed in seeds:
        told(f"seed {seed}: {events:,} events, five times and three times with a small cap")
        plain = traffic(seed, events)
        real = attacks(seed, late, end)
        clean = _sorted(plain + real)
        free = scored(clean)
        base.append(free.roc)
        worst |= {f"{seed} {name}": verdict for name, verdict in free.worst.items()}
        tenth = sum(each.event["time"] < late for each in plain) // 9
        again = [
            each._replace(event=each.event | {"time": each.event["time"] % late})
            for each in real * (tenth // len(real) + 1)
        ][:tenth]
        small = scored(clean, cap=_CAP)
        runs = {
            "one_value_known": (free, scored(clean, absurd(flooder(real)))),
            "one_value_new": (free, scored(clean, absurd("made-up"))),
            "poisoned": (free, scored(_sorted(clean + attacks(seed + 1_000, 0, late, tenth)))),
            "poisoned_repeated": (free, scored(_sorted(clean + again))),
            "new_names": (small, scored(clean, kept(flood * _CAP, share), _CAP)),
            "new_names_twice": (small, scored(clean, kept(flood * _CAP, share_twice, 2), _CAP)),
        }
        for name, (without, poisoned) in runs.items():
            losses.setdefault(name, []).append(without.roc - poisoned.roc)
            recalls.setdefault(name, []).append(poisoned.recall)
        recalls.setdefault("without", []).append(free.recall)
        recalls.setdefault("small_cap", []).append(small.recall)
    ramps: dict[str, Any] = {}
    for calls in ramp_calls:
        told(f"ramps of {calls:,} calls a day")
        delays, false = by_test(seeds[0], calls, ramp_keys)
        ramps[f"{calls}"] = {
            "median": float(np.median(delays)),
            "p90": float(np.percentile(delays, 90)),
            "within_ten_days": float(np.mean(np.array(delays) <= WITHIN)),
            "false_alarms_a_year": false,
        }
    through = []
    for seed in seeds:
        told(f"seed {seed}: a ramp of {suite_calls:,} calls a day through all models")
        through.append(by_suite(seed, suite_calls))
    told("verdicts")
    judged = _verdicts(worst, verdicts)
    result = {
        "seeds": list(seeds),
        "roc": _mean(base),
        "recall": {name: _mean(recall) for name, recall in recalls.items()},
        "loss": {name: {"mean": _mean(loss), "most": max(loss)} for name, loss in losses.items()},
        "ramp": ramps,
        "ramp_through_suite": [{"days": days, "before": before} for days, before in through],
        "verdict_flood": judged,
        "new_names": {"names": flood * _CAP, "cap": _CAP, "kept": min(share), "kept_twice": min(share_twice)},
    }
    targets = _targets(result)
    return result | {"targets": targets, "passed": all(target["met"] for target in targets)}


def _targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    loss, verdicts = result["loss"], result["verdict_flood"]
    found = [
        _target(f"ROC loss by one value of 1e9, {who} principal", loss[name]["mean"], f"at most {ONE_VALUE}", ONE_VALUE)
        for name, who in (("one_value_known", "a known"), ("one_value_new", "a new"))
    ]
    found.append(
        _target("ROC loss by 10 % poisoned training", loss["poisoned"]["mean"], f"at most {POISONED}", POISONED)
    )
    for calls, ramp in result["ramp"].items():
        if int(calls) < _PROMISED:
            continue
        name = f"days to tell a ramp of 2 % a day, median, {int(calls):,} calls a day"
        found.append(_target(name, ramp["median"], f"at most {WITHIN}", WITHIN))
    days = [each["days"] for each in result["ramp_through_suite"]]
    slowest = float(np.median([99 if day is None else day for day in days]))
    found.append(_target("the same through all models, median", slowest, f"at most {WITHIN}", WITHIN))
    lost = verdicts["before"] - verdicts["after_a_day"]
    found.append(_target("attacks lost to 10,000 rejections by one reviewer", lost, "at most 0.05", 0.05))
    found.append(
        _target("ROC loss by a flood of new names", loss["new_names"]["mean"], f"at most {ONE_VALUE}", ONE_VALUE)
    )
    rows = result["new_names"]["kept"]
    found.append(
        {"name": "rows of known roles kept", "measured": rows, "wanted": f"at least {KEPT}", "met": rows >= KEPT}
    )
    return found


def _target(name: str, measured: float, wanted: str, most: float) -> dict[str, Any]:
    return {"name": name, "measured": measured, "wanted": wanted, "met": measured <= most}


def _verdicts(worst: dict[str, Verdict], verdicts: int) -> dict[str, float]:
    detectors = sorted({_first(verdict) for verdict in worst.values()})
    day, month = flooded(detectors, 1, verdicts), flooded(detectors, 30, verdicts)
    return {
        "before": told(worst, Feedback({}), 0),
        "after_a_day": told(worst, day, 0),
        "after_a_month": told(worst, month, 29),
        "factor_after_a_day": min(day.factor(detector, 0) for detector in detectors),
        "factor_after_a_month": min(month.factor(detector, 29) for detector in detectors),
    }


def _first(verdict: Verdict) -> str:
    return verdict.parts[0].detector if verdict.parts else "none"


def _ordinary(chance: np.random.Generator, time: int, role: int, odd: float = _ODD) -> Features:
    actions = _actions(role)
    strange = chance.random() < odd
    return {
        "time": time,
        "principal": f"role/{role}",
        "action": f"svc:Op{chance.integers(60)}" if strange else actions[int(chance.integers(len(actions)))],
        "ip": f"198.51.100.{role % 6}",
        "resource": f"bucket-{role % 4}-{chance.integers(3)}",
        "outcome": "failure" if chance.random() < 0.03 else "success",
    }


def _actions(role: int) -> list[str]:
    return [f"svc:Op{role % _KINDS * 4 + n}" for n in range(4)]


def _attack(chance: np.random.Generator, kind: str, role: int, time: int) -> list[Features]:
    base = _ordinary(chance, time, role, odd=0.0) | {"outcome": "success"}
    address = {"ip": f"203.0.113.{chance.integers(250)}"}
    if kind == "intruder":
        return [
            base | address | {"time": time + n * 10_000, "action": f"iam:Op{chance.integers(40)}", "resource": "admin"}
            for n in range(8)
        ]
    if kind == "flood":
        return [base | {"time": time + n * 500} for n in range(80)]
    if kind == "failures":
        return [base | {"time": time + n * 2_000, "outcome": "failure"} for n in range(20)]
    return [
        base | {"time": time + n * 2_000, "action": f"svc:List{chance.integers(200)}", "resource": f"secret-{n}"}
        for n in range(20)
    ]


def _calls(chance: np.random.Generator, mean: float, day: int, start: int = 10**6, growth: float = 1.02) -> int:
    """Of one day."""
    rate = mean * (0.4 if day % 7 >= 5 else 1.0) * growth ** max(0, day - start + 1)
    return int(chance.poisson(rate * exp(chance.normal(0.0, 0.05) - 0.05**2 / 2)))


def _own(key: str) -> bool:
    """Whether a row is about one of the roles and its usual actions, addresses and buckets."""
    kind, *rest = key.split("|")
    if not rest or not rest[0].startswith("role/") or kind == "u":
        return False
    if len(rest) == 1:
        return True
    role = int(rest[0].partition("/")[2])
    return rest[1] in _actions(role) or rest[1].startswith(("198.51.100.", f"bucket-{role % 4}-"))


def _sorted(given: list[Labelled]) -> list[Labelled]:
    return sorted(given, key=lambda each: each.event["time"])


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))

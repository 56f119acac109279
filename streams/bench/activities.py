"""Activities to measure the models with: what the engine's suites get of records, or made up.

An event is the features of one activity, with the domain whose suite it goes to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from models.base import TICK_MS, Features
from models.suite import UNTESTED, Suite, Verdict
from schemas.events import BATCH, Activity
from streams.bench import events as sample
from streams.bench import stages
from streams.correlation.instants import instant
from streams.correlation.state import State
from streams.scoring import Scoring
from streams.simulate.chance import chance

Given = Sequence[tuple[str, Features]]
"""Domain and event, in time order."""


class Stream(NamedTuple):
    """Events to measure with. ``warm_up`` of them are learnt first and not measured."""

    name: str
    given: Given
    warm_up: int


def new_minutes(given: Given) -> float:
    """The share of the events that are the first of their principal in their minute."""
    last: dict[tuple[str, str | None], int] = {}
    new = 0
    for domain, x in given:
        who, minute = (domain, x["principal"]), x["time"] // TICK_MS
        new += last.get(who) != minute
        last[who] = minute
    return new / len(given)


def simulated(events: int, warm_up: int, end: datetime) -> Stream:
    """The simulator's benign CloudTrail, at its own pace, with its catalog."""
    return _of_records("simulated", sample.synthetic(events + warm_up, end), warm_up)


def recorded(path: Path, events: int, warm_up: int, end: datetime) -> Stream:
    """A recorded CloudTrail file, again and again. Raises ``Unusable`` and ``OSError``."""
    return _of_records("recorded", sample.recorded(path, events + warm_up, end), warm_up)


def sparse(
    events: int,
    warm_up: int,
    end: datetime,
    *,
    principals: int = 400,
    actions: int = 300,
    new_minutes: float = 0.3,
    a_minute: int = 20,
    seed: int = 1,
) -> Stream:
    """Many principals and actions, each seldom: what keys cost that are touched once in a while.

    ``new_minutes``: share of the events that open a minute of their principal. ``a_minute``: events of all principals.
    Each has ten actions of its own, three resources and two addresses; one call in two hundred is of any action.
    """
    rng = chance(seed, "bench", "sparse")
    own = [[rng.randrange(0, actions) for _ in range(10)] for _ in range(principals)]
    given: list[tuple[str, Features]] = []
    count = events + warm_up
    minute = int(end.timestamp() * 1000) // TICK_MS - count // a_minute - 1
    while len(given) < count:
        active = rng.sample(range(principals), max(1, round(a_minute * new_minutes)))
        who = active + [rng.choice(active) for _ in range(a_minute - len(active))]
        for place, one in enumerate(rng.sample(who, len(who))):
            action = rng.choice(own[one]) if rng.random() > 0.005 else rng.randrange(0, actions)
            given.append(
                (
                    "account 111122223333",
                    {
                        "time": minute * TICK_MS + place * TICK_MS // a_minute,
                        "principal": f"arn:aws:iam::111122223333:role/service-{one}",
                        "action": f"service{action % 20}:Operation{action}",
                        "resource": f"arn:aws:s3:::bucket-{one * 7 % 200 + rng.randrange(0, 3)}",
                        "ip": f"198.51.100.{(one + rng.randrange(0, 2)) % 250}",
                        "outcome": "failure" if rng.random() < 0.02 else "success",
                        "component": None,
                    },
                )
            )
        minute += 1
    return Stream(f"sparse: {principals} principals, {actions} actions", given[:count], warm_up)


def _of_records(name: str, given: sample.Given, warm_up: int) -> Stream:
    return Stream(f"{name}: {given.name}", _features(given), warm_up)


class _Taking(Suite):
    """A suite that takes down what it is given, and learns nothing."""

    def __init__(self, domain: str, given: list[tuple[str, Features]]) -> None:
        self.domain = domain
        self.given = given

    def score_and_learn(self, x: Features) -> Verdict:
        self.given.append((self.domain, x))
        return UNTESTED


class _Takers(dict[tuple[str, str], Suite]):
    """Suites of a scoring, each made the first time that its set and domain are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[str, Features]] = []

    def get(self, at: tuple[str, str], _: Any = None) -> Suite:
        if at not in self:
            self[at] = _Taking(at[1], self.given)
        return self[at]


def _features(given: sample.Given) -> Given:
    """What the engine's suites get of raw records: the activities, by domain."""
    work, _ = stages.with_catalog(given)
    scoring = Scoring()
    scoring.suites = takers = _Takers()
    state = State()
    for record in stages.raw_records(given):
        for placed in work.read(record)[0]:
            (event,) = BATCH.validate_json(b"[" + placed.value + b"]")
            if isinstance(event, Activity):
                at = instant(event.time)
                scoring.signal(state.domain(event.domain), event, at, at, 0.0)
    return takers.given

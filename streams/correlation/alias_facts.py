"""What is known of one statement, how it adds up when it is made again, and which of several is in force.

Everything here is a function of a set of facts, never of their order.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from streams.correlation.statement import EPOCH_MS, SAID, SUCCESSION, Statement, earliest, hold_ms, latest

COUNTED: Final = 8
"""How often the same is counted. Beyond that, saying it again writes no row, save once a day."""

DAY_MS: Final = 86_400_000

Entity = tuple[str, str]


class Fact(NamedTuple):
    """What is known of one statement: the first evidence of it, the bounds of all of it, the day it was last said."""

    of_kind: str
    of_id: str
    rank: int
    source: str
    source_id: str
    time: int
    since: int | None
    until: int | None
    day: int
    times: int

    @property
    def of(self) -> Entity:
        """The entity stood for."""
        return self.of_kind, self.of_id

    @property
    def key(self) -> tuple[str, str, int, str, int]:
        """What makes it another fact. What events say within one epoch is one, unless it holds for ever anyway.

        Context records are withdrawn one by one, so each has its own.
        """
        if self.rank:
            return self.of_kind, self.of_id, self.rank, self.source_id, 0
        epoch = 0 if self.since is None and self.until is None else self.time // EPOCH_MS
        return self.of_kind, self.of_id, SAID, "", epoch


Facts = tuple[Fact, ...]


def of_statement(statement: Statement) -> Fact:
    """A statement that was made once."""
    return Fact(
        of_kind=statement.of_kind,
        of_id=statement.of_id,
        rank=statement.rank,
        source=statement.source,
        source_id=statement.source_id,
        time=statement.time,
        since=statement.since,
        until=statement.until,
        day=statement.time // DAY_MS,
        times=1,
    )


def newest(facts: Facts) -> int:
    """The day on which any of them was last said."""
    return max(fact.day for fact in facts)


def merged(known: Fact, fresh: Fact) -> Fact:
    """Two of one key as one. Commutes and associates."""
    first = min(known, fresh, key=lambda fact: (fact.time, fact.source, fact.source_id))
    return first._replace(
        since=earliest((known.since, fresh.since)),
        until=latest((known.until, fresh.until)),
        day=max(known.day, fresh.day),
        times=min(known.times + fresh.times, COUNTED),
    )


def nothing_new(fact: tuple[Any, ...], statement: Statement) -> bool:
    """Quick, for what every call of a session says again: false where it has to be looked at."""
    of_kind, of_id, rank, _, _, time, since, until, day, times = fact
    return (
        times == COUNTED
        and of_id == statement.of_id
        and of_kind == statement.of_kind
        and rank == SAID == statement.rank
        and time < statement.time < (day + 1) * DAY_MS
        and (since is None or (statement.since is not None and since <= statement.since))
        and (until is None or (statement.until is not None and until >= statement.until))
        and (since is until is None or time // EPOCH_MS == statement.time // EPOCH_MS)
    )


def core_end(kind: str, id_: str, fact: Fact) -> int | None:
    """When it was last said, of a name that passes on; from there to its end it only holds if nothing else was said."""
    if fact.until is None or kind not in SUCCESSION or fact.rank != SAID:
        return fact.until
    return fact.until - (hold_ms(kind, id_, fact.of_kind) or 0)


def holds(fact: Fact, time: int | None) -> bool:
    """Whether it holds at an event time; without one, whether it holds for ever."""
    if time is None:
        return fact.until is None
    return (fact.since is None or fact.since <= time) and (fact.until is None or time <= fact.until)


def choose(entity: Entity, facts: Facts, time: int | None) -> Fact | None:
    """The fact in force. Of several about one entity the one with the earlier evidence speaks."""
    valid = [fact for fact in facts if holds(fact, time)]
    if len(valid) > 1:
        top = max(fact.rank for fact in valid)
        valid = [fact for fact in valid if fact.rank == top]
    if not valid:
        return None
    if len({fact.of for fact in valid}) > 1:
        if entity[0] not in SUCCESSION:
            return None
        valid = _in_succession(entity, valid, time)
    return min(valid, key=lambda fact: (fact.time, fact.source, fact.source_id, fact.of))


def _in_succession(entity: Entity, facts: list[Fact], time: int | None) -> list[Fact]:
    """Between two times at which the same was said it holds, the narrowest first; else what was said last holds."""
    if time is None:
        return [max(facts, key=lambda fact: (fact.time, fact.of))]
    ends = {fact: core_end(*entity, fact) for fact in facts}
    core = [fact for fact in facts if (end := ends[fact]) is None or time <= end]
    if core:
        return [max(core, key=lambda fact: (fact.since is not None, fact.since or 0, fact.of))]
    return [max(facts, key=lambda fact: (ends[fact] or 0, fact.of))]


def overlap(one: Fact, other: Fact) -> bool:
    """Whether there is a time at which both hold."""
    starts = [fact.since for fact in (one, other) if fact.since is not None]
    ends = [fact.until for fact in (one, other) if fact.until is not None]
    return not starts or not ends or max(starts) <= min(ends)

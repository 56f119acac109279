"""Entity resolution: which entity another one stands for, as of an event time.

``root`` gives the entity to link by. It is a function of the *set* of statements (``statement``), whatever their order,
as long as none was evicted:

- One that holds at that time is followed, and then its own, up to ``DEPTH``; of a cycle the smallest is the root.
- A manual statement goes before the catalog's, and that before an event's.
- Two of one rank that name different entities are a conflict. A name that passes on (a tag, an address:
  ``SUCCESSION``) goes to whoever was named last; any other stands for itself, since joining two stories wrongly costs
  an analyst more than not joining them. ``conflicts`` lists them.
- What was revoked is not learnt again, and stays revoked when a restart reads the rows.

Rows: ``kind␟id`` -> the facts known of it, one for each entity it was said to stand for; beside them what was revoked
and how many were evicted. Besides its own table a domain's ``Aliases`` reads the ``common`` one, of context records.

Wrong for "has to do with": a role has to do with its sessions, and is not one of them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, cast

from schemas.unit import Alias
from streams.correlation.alias_facts import (
    Entity,
    Fact,
    Facts,
    choose,
    core_end,
    holds,
    merged,
    newest,
    nothing_new,
    of_statement,
    overlap,
)
from streams.correlation.statement import SUCCESSION, Statement, earliest, latest
from streams.correlation.table import Row, Table

DEPTH: Final = 8
"""Statements that ``root`` follows: key, session, chained session, user, person leave room."""

TARGETS: Final = 8
"""Facts of one entity; the one longest not said goes."""

LIMIT: Final = 50_000
"""Entities of a domain with statements; the one of which nothing was said for longest goes."""

LONGEST: Final = 1_024
"""Characters of an id; about a longer one nothing is learnt."""

_REVOKED: Final = "\x1erevoked\x1f"
_EVICTED: Final = "\x1eevicted"


class Changed(NamedTuple):
    """An entity whose root may be another one at event times from ``since`` to ``until`` (None: without a bound).

    ``roots``: all that its root may have been before, and may be now, itself included, sorted. What carries the entity
    in that time is to be linked by another one of them than before.
    """

    kind: str
    id: str
    since: int | None
    until: int | None
    roots: tuple[Entity, ...]


class Step(NamedTuple):
    """One step of ``chain``: the entity, the one it stands for, and the fact that says so."""

    kind: str
    id: str
    fact: Fact


class Conflict(NamedTuple):
    """An entity that was said to stand for several at one time, and so stands for none of them."""

    kind: str
    id: str
    of: tuple[Entity, ...]


class Aliases:
    """The statements of one domain, over a table of its state. ``index`` must follow a restore and an undo."""

    def __init__(self, table: Table, common: Aliases | None = None, limit: int = LIMIT) -> None:
        self.table = table
        self.common = common
        self.limit = limit
        self.index()

    def index(self) -> None:
        """Build what follows from the rows again; rows that came as plain tuples become facts."""
        self._standing: dict[str, set[str]] = {}  # key -> keys of those that stand for it
        self._days: list[tuple[int, str]] = []  # a hint for every entity with facts, at or before its newest day
        self._held = 0
        self._revocations = 0
        for key, row in self.table.items():
            if key[0] == "\x1e":
                self._revocations += key.startswith(_REVOKED)
                continue
            facts = _facts(row)
            self._held += 1
            self._days.append((newest(facts), key))
            for fact in facts:
                self._standing.setdefault(_key(*fact.of), set()).add(key)
        heapq.heapify(self._days)

    def __len__(self) -> int:
        return self._held

    @property
    def evicted(self) -> int:
        """Entities, single facts and revocations that went because there were too many."""
        return int(self.table.get(_EVICTED, (0,))[0])

    # Reading

    def root(self, entity: Entity, time: int | None = None) -> Entity:
        """The entity to link by, as of an event time in ms; without one, by what holds for ever.

        ``entity`` itself where nothing is known of it.
        """
        if not self.table and (self.common is None or not self.common.table):
            return entity
        fact = self._fact(entity, time)
        if fact is None:
            return entity
        passed = [entity]
        at = fact.of
        while (fact := self._fact(at, time)) is not None and len(passed) < DEPTH:
            if at in passed:
                return min(passed[passed.index(at) :])
            passed.append(at)
            at = fact.of
        return at

    def chain(self, entity: Entity, time: int | None = None) -> tuple[Step, ...]:
        """The statements that lead to the root, first to last; empty where there are none."""
        steps: list[Step] = []
        goal = self.root(entity, time)
        while entity != goal and len(steps) < DEPTH and (fact := self._fact(entity, time)) is not None:
            steps.append(Step(*entity, fact))
            entity = fact.of
        return tuple(steps)

    def resolved(self, entities: Iterable[tuple[str, str, int]]) -> tuple[Alias, ...]:
        """For a unit: every statement by which these (kind, id, event time) were taken for others, sorted, once each.

        Each names its evidence. Of a chain all steps are given, so that a reader can walk it.
        """
        if not self.table and (self.common is None or not self.common.table):
            return ()
        found = {
            (step.kind, step.id, *step.fact.of, step.fact.source, step.fact.source_id)
            for kind, id_, time in entities
            for step in self.chain((kind, id_), time)
        }
        return tuple(
            Alias.model_validate(
                dict(zip(("kind", "id", "of_kind", "of_id", "source", "source_id"), each, strict=True))
            )
            for each in sorted(found)
        )

    def conflicts(self) -> list[Conflict]:
        """Everything that its own and the common statements disagree about at some time, sorted."""
        common = self.common.table if self.common else ()
        found = []
        for key in sorted({key for key in (*self.table, *common) if key[0] != "\x1e"}):
            kind, _, id_ = key.partition("\x1f")
            facts = self._facts(key)
            of = {
                each.of
                for fact in facts
                for other in facts
                if fact.of != other.of and fact.rank == other.rank and overlap(fact, other)
                for each in (fact, other)
            }
            if of and kind not in SUCCESSION:
                found.append(Conflict(kind, id_, tuple(sorted(of))))
        return found

    def revoked(self, entity: Entity) -> tuple[tuple[str, str, str, int], ...]:
        """What the entity no longer stands for: kind and id, by which review, and when (ms)."""
        return cast(tuple[tuple[str, str, str, int], ...], self.table.get(_REVOKED + _key(*entity), ()))

    def _fact(self, entity: Entity, time: int | None) -> Fact | None:
        """The fact to follow from here."""
        key = f"{entity[0]}\x1f{entity[1]}"
        row = self.table.get(key)
        if self.common is not None and key in self.common.table:
            return choose(entity, self._facts(key), time)
        if row is None:
            return None
        if len(row) > 1:
            return choose(entity, _facts(row), time)
        fact = Fact._make(row[0])
        return fact if holds(fact, time) else None

    def _facts(self, key: str) -> Facts:
        """Its own facts and the common ones that were not revoked here."""
        own = _facts(self.table.get(key, ()))
        shared = _facts(self.common.table.get(key, ())) if self.common else ()
        if not shared:
            return own
        gone = {each[:2] for each in self.table.get(_REVOKED + key, ())}
        return (*own, *(fact for fact in shared if fact.of not in gone))

    # Writing

    def learn(self, statement: Statement) -> list[Changed]:
        """Take a statement in. What may have another root now; empty if it says nothing new or was revoked.

        Outside the times that are given, no root has changed.
        """
        entity, of = statement[:2], statement[2:4]
        if entity == of or len(entity[1]) > LONGEST or len(of[1]) > LONGEST:
            return []
        key = _key(*entity)
        row = self.table.get(key, ())
        if len(row) == 1 and nothing_new(row[0], statement):
            return []
        fresh = of_statement(statement)
        facts = _facts(row)
        known = next((fact for fact in facts if fact.key == fresh.key), None)
        if known is not None:
            return self._again(key, statement, facts, known, fresh)
        if any(each[:2] == of for each in self.revoked(entity)):
            return []
        kept = (*facts, fresh)
        if len(kept) > TARGETS:
            oldest = min(kept, key=lambda fact: (fact.rank, fact.day, fact.key))
            self._count(1)
            if oldest is fresh:
                return []
            kept = tuple(fact for fact in kept if fact is not oldest)
        self._put(key, kept)
        if len(kept) > len(facts):
            changed = self._standing_for([key], fresh.since, fresh.until)
        else:
            changed = self._standing_for([key], None, None, facts)
        return [*changed, *self._evict()]

    def _again(self, key: str, statement: Statement, facts: Facts, known: Fact, fresh: Fact) -> list[Changed]:
        """The same said once more: another evidence, wider bounds, or nothing new."""
        both = merged(known, fresh)
        if both == known:
            return []
        self._put(key, tuple(both if fact is known else fact for fact in facts))
        since, until = both.since, both.until
        if since == known.since and until == known.until:
            return []
        if since == known.since:
            since = core_end(statement.kind, statement.id, known)
        elif until == known.until:
            until = known.since
        return self._standing_for([key], since, until)

    def withdraw(self, entity: Entity, source_id: str) -> list[Changed]:
        """Forget what a context record said, as it is gone or says something else. Other evidence stays."""
        key = _key(*entity)
        facts = _facts(self.table.get(key, ()))
        rest = tuple(fact for fact in facts if not fact.rank or fact.source_id != source_id)
        if len(rest) == len(facts):
            return []
        self._put(key, rest)
        gone = [fact for fact in facts if fact not in rest]
        return self._standing_for([key], earliest(f.since for f in gone), latest(f.until for f in gone), gone)

    def revoke(self, entity: Entity, source_id: str, time: int) -> list[Changed]:
        """A reviewer says that the entity stands for none of those it is said to stand for.

        All statements about it that are known here, common ones included, are gone and not learnt again; one that
        names another entity later is. ``source_id`` and ``time`` (ms) are the review's. Empty if nothing was known.
        """
        key = _key(*entity)
        facts = self._facts(key)
        if not facts:
            return []
        before = self.revoked(entity)
        more = {(*fact.of, source_id, time) for fact in facts if all(each[:2] != fact.of for each in before)}
        if not before:
            self._revocations += 1
        self.table[_REVOKED + key] = tuple(sorted({*before, *more}))
        if key in self.table:
            self._put(key, ())
        keys = [key]
        if self._revocations > self.limit:
            names = (name for name in self.table if name.startswith(_REVOKED))
            oldest = min(names, key=lambda name: (max(each[3] for each in self.table[name]), name))
            keys.append(oldest.removeprefix(_REVOKED))
            del self.table[oldest]
            self._revocations -= 1
            self._count(1)
            return self._standing_for(keys, None, None, facts)
        return self._standing_for(keys, earliest(f.since for f in facts), latest(f.until for f in facts), facts)

    def affected(self, changed: Iterable[Changed]) -> list[Changed]:
        """What a change of the common statements changes here: the same entities, and all that lead to them."""
        found: dict[Entity, Changed] = {}
        for each in changed:
            for follower in self._standing_for([_key(each.kind, each.id)], each.since, each.until):
                follower = follower._replace(roots=tuple(sorted({*follower.roots, *each.roots})))
                other = found.get(follower[:2])
                found[follower[:2]] = follower if other is None else _hull(follower, other)
        return [found[entity] for entity in sorted(found)]

    def _put(self, key: str, facts: Facts) -> None:
        """Write the facts of one entity, and keep the indexes in step."""
        before = _facts(self.table.get(key, ()))
        named, names = {_key(*fact.of) for fact in before}, {_key(*fact.of) for fact in facts}
        for of in named - names:
            standing = self._standing[of]
            standing.discard(key)
            if not standing:
                del self._standing[of]
        for of in names - named:
            self._standing.setdefault(of, set()).add(key)
        self._held += bool(facts) - bool(before)
        if not facts:
            self.table.discard(key)
            return
        self.table[key] = tuple(tuple(fact) for fact in sorted(facts, key=lambda fact: fact.key))
        day = newest(facts)
        if not before or newest(before) != day:
            heapq.heappush(self._days, (day, key))
            if len(self._days) > 1_024 + 4 * self._held:
                self._days = [(newest(_facts(row)), name) for name, row in self._entities()]
                heapq.heapify(self._days)

    def _entities(self) -> Iterator[tuple[str, Row]]:
        return ((key, row) for key, row in self.table.items() if key[0] != "\x1e")

    def _evict(self) -> list[Changed]:
        """Of those held, the ones longest not said go; of one day, the smallest key."""
        gone: list[str] = []
        lost: list[Fact] = []
        while self._held > self.limit:
            day, key = heapq.heappop(self._days)
            row = self.table.get(key)
            if row is not None and newest(_facts(row)) == day:
                self._put(key, ())
                self._count(1)
                gone.append(key)
                lost += _facts(row)
        return self._standing_for(gone, None, None, lost) if gone else []

    def _count(self, more: int) -> None:
        self.table[_EVICTED] = (self.evicted + more,)

    def _standing_for(
        self, keys: list[str], since: int | None, until: int | None, lost: Iterable[Fact] = ()
    ) -> list[Changed]:
        """These, and all that lead to them within ``DEPTH``, sorted. ``lost``: facts about these that are gone."""
        common = self.common._standing if self.common else {}
        reached, front = set(keys), set(keys)
        for _ in range(DEPTH):
            front = {key for of in front for key in (*self._standing.get(of, ()), *common.get(of, ()))} - reached
            if not front:
                break
            reached |= front
        before = self._reach({_key(*fact.of) for fact in lost})
        return [
            Changed(*_entity(key), since, until, tuple(sorted(map(_entity, self._reach({key}) | before))))
            for key in sorted(reached)
        ]

    def _reach(self, keys: set[str]) -> set[str]:
        """These, and all that they may stand for at any time."""
        reached, front = set(keys), keys
        for _ in range(DEPTH):
            front = {_key(*fact.of) for key in front for fact in self._facts(key)} - reached
            if not front:
                break
            reached |= front
        return reached


def _facts(row: Row) -> Facts:
    """Rows hold plain tuples, so that they survive JSON."""
    return tuple(map(Fact._make, row))


def _key(kind: str, id_: str) -> str:
    return f"{kind}\x1f{id_}"


def _entity(key: str) -> Entity:
    kind, _, id_ = key.partition("\x1f")
    return kind, id_


def _hull(one: Changed, other: Changed) -> Changed:
    roots = tuple(sorted({*one.roots, *other.roots}))
    return Changed(*one[:2], earliest((one.since, other.since)), latest((one.until, other.until)), roots)

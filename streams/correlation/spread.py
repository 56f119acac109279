"""How many signals with nothing else in common carry an entity: what a shared entity is still worth as a link.

A NAT address, the role of a build system or a base image is in the signals of everybody, and must not glue them
together. Counted is not how often an entity comes, but by how many *unrelated* signals: one user's 15,000 results at
one address are related by the user. Signals are related, as far as the entity goes, by what else they share:

=================================  ==================================================================================
the entity is                      its signals are told apart by, the smallest number of different values counting
=================================  ==================================================================================
an actor (principal, session,      each other kind of linking entity: addresses, sessions, hosts, workloads, ...
access key)
a place (host, address, workload,  who acted (else what happened), and what happened (action or rule)
resource, component)
an artefact (image, commit)        the component or workload it is in
=================================  ==================================================================================

A signal that lacks a kind counts by its own signature. Findings that are states (vulnerabilities, secrets, ...)
differ by what they say and still have one cause and one owner, so what they say does not tell them apart.

Numbers are kept by buckets of event time and only grow, so whether an entity links in a bucket depends on the set of
signals alone, and is lost at most once. A bucket counts half in the next one, a quarter in the one after, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple, cast

from schemas.parameters import Parameters
from streams.correlation.entity_weight import LINKS_FROM, links, shared_weight
from streams.correlation.rows import SignalRow
from streams.correlation.table import Row, Table

ACTORS: Final = ("principal", "session", "access_key")
ARTEFACTS: Final = frozenset({"image", "commit"})
TARGETS: Final = ("host", "workload", "resource")
LINKING: Final = ("principal", "session", "access_key", "host", "ip", "workload", "image", "resource", "commit")
STATES: Final = frozenset({"vulnerability", "misconfiguration", "secret", "license", "weakness"})
MEMORY: Final = 3
"""Buckets in which an earlier one still counts."""

MAX_ROWS: Final = 200_000
"""Entities and buckets that a domain keeps; beyond, the oldest buckets go, counted."""

FEW: Final = 1
"""Unrelated signals, or targets, that are too few for any ceiling."""

_TARGETS: Final = "targets"
_FEW: Final = (FEW, FEW)


class Sharing(NamedTuple):
    """How an entity was shared in one bucket: signals in all, unrelated ones (a lower bound), and different targets."""

    signals: int
    unrelated: int
    targets: int


class Spread:
    """Over the table ``bucket \\x1f kind \\x1f id`` -> (signals, unrelated, targets, ((name, (hash, ...)), ...)).

    ``gone``: "rows" -> how many were evicted. Derived: ``buckets``, and ``most``, at least the numbers of unrelated
    signals and of targets in any row of an entity, of those with more than ``FEW``. Nearly none has, and so nearly none
    is looked up in its buckets.
    """

    def __init__(self, rows: Table, gone: Table, limit: int = MAX_ROWS) -> None:
        self.limit = limit
        self.rows = rows
        self.gone = gone
        self.buckets: dict[int, set[str]] = {}
        self.most: dict[tuple[str, str], tuple[int, int]] = {}

    def index(self) -> None:
        """Build what is derived again after a restore."""
        self.buckets = {}
        for key in self.rows:
            self.buckets.setdefault(int(key.partition("\x1f")[0]), set()).add(key)
        self._survey()

    def _survey(self) -> None:
        self.most = {}
        for key, row in self.rows.items():
            if row[1] > FEW or row[2] > FEW:
                _, kind, id_ = key.split("\x1f", 2)
                self._mark((kind, id_), row)

    def _mark(self, entity: tuple[str, str], row: Row) -> None:
        """Note the numbers of a row that has grown."""
        if row[1] > FEW or row[2] > FEW:
            unrelated, targets = self.most.get(entity, (0, 0))
            self.most[entity] = (max(unrelated, row[1]), max(targets, row[2]))

    def add(
        self, entity: tuple[str, str], row: SignalRow, signature: str, bucket: int, parameters: Parameters
    ) -> list[int]:
        """Count a signal with the entity in a bucket; the buckets in which the entity, or its targets, link no more."""
        key = f"{bucket}\x1f{entity[0]}\x1f{entity[1]}"
        before = self.rows.get(key)
        sets: dict[str, tuple[str, ...]] = {} if before is None else dict(before[3])
        most = 4 * parameters.max_unrelated
        grown = False
        for name, value in _values(entity, row, signature):
            known = sets.get(name, ())
            if len(known) < (parameters.max_targets if name == _TARGETS else most):
                digest = _digest(value)
                if digest not in known:
                    sets[name] = (*known, digest)
                    grown = True
        signals = (before[0] if before else 0) + 1
        row_now: Row = (
            (signals, *_counts(sets), tuple(sorted(sets.items())))
            if grown or before is None
            else (signals, *before[1:])
        )
        if before is None:
            self.rows[key] = row_now
            if bucket in self.buckets:
                self.buckets[bucket].add(key)
            else:  # an old session counted anew may be in a bucket that is forgotten at once
                self.buckets[bucket] = {key}
                self._forget(max(self.buckets) - parameters.retention_ms // parameters.spread_bucket_ms - MEMORY - 1)
            if len(self.rows) > self.limit:
                self._evict()
            self._mark(entity, row_now)
            return []
        _, unrelated, targets, _ = row_now
        if not grown or (unrelated <= parameters.max_unrelated and targets < parameters.max_targets):
            self.rows[key] = row_now
            if grown:
                self._mark(entity, row_now)
            return []
        old = self._links_in(entity, bucket, parameters)
        self.rows[key] = row_now
        self._mark(entity, row_now)
        new = self._links_in(entity, bucket, parameters)
        return [bucket + ahead for ahead in range(MEMORY + 1) if new[ahead] != old[ahead]]

    def _links_in(self, entity: tuple[str, str], bucket: int, parameters: Parameters) -> list[tuple[bool, bool]]:
        """Whether the entity, and whether its targets, link in the bucket and in those on which it still tells."""
        found = []
        for ahead in range(MEMORY + 1):
            sharing = self.sharing(entity, bucket + ahead)
            weight = shared_weight(*entity, sharing.unrelated, parameters.max_unrelated)
            found.append((weight >= LINKS_FROM, sharing.targets < parameters.max_targets))
        return found

    def sharing(self, entity: tuple[str, str], bucket: int) -> Sharing:
        """As of the bucket: the largest of it and of the ones before, each of these halved once a bucket."""
        signals = unrelated = targets = 0
        name = f"\x1f{entity[0]}\x1f{entity[1]}"
        for back in range(MEMORY + 1):
            row = self.rows.get(f"{bucket - back}{name}")
            if row is not None:
                signals = max(signals, row[0] >> back)
                unrelated = max(unrelated, row[1] >> back)
                targets = max(targets, row[2] >> back)
        return Sharing(signals, unrelated, targets)

    def weight(self, entity: tuple[str, str], bucket: int, parameters: Parameters) -> float:
        """What sharing the entity is worth in the bucket, 0 to 1."""
        few = self.most.get(entity, _FEW)[0] <= parameters.max_unrelated
        unrelated = 0 if few else self.sharing(entity, bucket).unrelated
        return shared_weight(*entity, unrelated, parameters.max_unrelated)

    def specific(self, entity: tuple[str, str], bucket: int, parameters: Parameters) -> bool:
        """Whether sharing the entity links in that bucket."""
        return self.weight(entity, bucket, parameters) >= LINKS_FROM

    def everywhere(
        self, entities: Iterable[tuple[str, str]], bucket: int, parameters: Parameters
    ) -> tuple[str, str] | None:
        """The one actor among them that touched so much that no target of it says anything, if there is one."""
        for entity in entities:
            if entity[0] in ACTORS and self.most.get(entity, _FEW)[1] >= parameters.max_targets:
                sharing = self.sharing(entity, bucket)
                if sharing.targets >= parameters.max_targets and self.specific(entity, bucket, parameters):
                    return entity
        return None

    def _forget(self, before: int) -> None:
        """Drop what lies in buckets before this one."""
        for bucket in sorted(b for b in self.buckets if b < before):
            for key in sorted(self.buckets.pop(bucket)):
                del self.rows[key]
        if len(self.most) > len(self.rows):
            self._survey()

    def _evict(self) -> None:
        oldest = min(self.buckets)
        keys = sorted(self.buckets.pop(oldest))
        for key in keys:
            del self.rows[key]
        if len(self.most) > len(self.rows):
            self._survey()
        self.gone["spread"] = (cast(tuple[int], self.gone.get("spread", (0,)))[0] + len(keys),)


@lru_cache(maxsize=16_384)
def _digest(value: str) -> str:
    """A value in few bytes; the same few come again and again, in other ways and with other entities."""
    return blake2b(value.encode(), digest_size=6).hexdigest()


def _counts(sets: dict[str, tuple[str, ...]]) -> tuple[int, int]:
    """How many unrelated signals, and how many targets, the sets tell of."""
    return min((len(v) for k, v in sets.items() if k != _TARGETS), default=0), len(sets.get(_TARGETS, ()))


def counted(row: SignalRow) -> Iterator[tuple[str, str]]:
    """The entities of a signal that are counted: those that could link."""
    return (entity for entity in row.entities if links(*entity))


def _values(entity: tuple[str, str], row: SignalRow, signature: str) -> Iterator[tuple[str, str]]:
    """What tells the signals of the entity apart: a value for each way of doing so."""
    kind = entity[0]
    ids: dict[str, str] = {}
    for other, id_ in sorted(row.entities):
        if (other, id_) != entity:
            ids[other] = f"{ids[other]}\x1e{id_}" if other in ids else id_
    state = row.kind in STATES
    if kind in ARTEFACTS:
        yield "service", row.component or ids.get("workload", "")
        return
    what = "" if state else row.action or row.rule or row.title
    if kind in ACTORS:
        for other in LINKING:
            if other != kind:
                yield other, ids.get(other, "" if state else signature)
        yield _TARGETS, "\x1e".join(ids.get(target, "") for target in TARGETS)
        return
    yield "actor", next((ids[actor] for actor in ACTORS if actor in ids), what)
    yield "what", what

"""The service catalog: which component and correlation domain an event belongs to, and what is known of a component.

Pure: it is what the catalog records applied so far say, in whatever order they came. The same object serves ingest
(``resolve`` and ``dependents`` route events) and the pipeline (``facts`` and ``digest``).

- A component's *name* is its reference in short: ``pay`` for ``component:default/pay``, ``x/pay`` in the namespace x,
  ``resource:db`` for a Resource. Functions that take a component take any spelling.
- Its *domain* is ``system:<name>``; without a system ``component:<name>``, or of a Resource the one domain of all that
  depend on it, else ``resource:<name>``.
- What an event names is looked up from the most specific kind to the least: component, workload, image, repository,
  resource, host, namespace, principal. Of two entities of one kind the first in the event counts. For changes and
  findings what was touched goes before who touched it; for activities it is the other way round (``by_actor``): one
  leaked key that reads the secrets of six systems is one story, of the key's owner.
- Two claims of one thing: a component goes before a resource and that before a system, then the smaller reference.
  ``conflicts`` lists them all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from streams.sources.aws_names import canonical, entity_of
from streams.sources.canonical import image, repository

MAX_HOPS = 2
"""How far ``dependents`` follows dependencies: what uses it, and what uses that. Beyond, everything is connected."""

CACHE = 65_536
"""Ids of one kind that ``resolve`` remembers; then it starts anew."""

_KINDS = ("component", "workload", "image", "repository", "resource", "host", "namespace", "principal")
_KINDS_BY_ACTOR = ("component", "workload", "image", "repository", "principal", "resource", "host", "namespace")
_PRECEDENCE = {"component": 0, "resource": 1, "system": 2}

_Place = tuple[int, str, str | None]
"""Rank of the kind (0 is the most specific), domain, component."""

_UNSEEN: _Place = (-1, "", None)
"""Not looked up yet, unlike None: nobody claims it."""


class CatalogFacts(NamedTuple):
    """What the catalog says of a component. None means not known, never no; references are in full.

    ``depends_on`` has components and resources only: in the place of an API stands what provides it; ``dependents``
    counts those that depend on it directly, a resource's users among them. ``controls`` are
    its compensating controls, ``criticality`` its tier, 1 the most critical; ``ref`` its full reference.
    """

    owner: str | None
    system: str | None
    tags: tuple[str, ...]
    internet_facing: bool | None
    privileged: bool | None
    customer_path: bool | None
    depends_on: tuple[str, ...]
    ref: str
    controls: tuple[str, ...]
    criticality: int | None
    dependents: int = 0


class Conflict(NamedTuple):
    """One thing that several catalog entities claim: the first reference of ``claimants`` has it."""

    kind: str
    id: str
    claimants: tuple[str, ...]
    domains: tuple[str, ...]


class Catalog:
    """Catalog records by reference, indexed by what events name."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, Any]] = {}
        self._hashes: dict[str, int] = {}
        self._sum = 0
        self._claims: dict[tuple[str, str], set[str]] = {}
        self._forget()

    def _forget(self) -> None:
        self._cache: dict[str, dict[str, _Place | None]] = {kind: {} for kind in _KINDS}
        self._cache_by_actor: dict[str, dict[str, _Place | None]] = {kind: {} for kind in _KINDS}
        self._users: dict[str, set[str]] | None = None
        self._providers: dict[str, list[str]] | None = None
        self._dependents: dict[str, tuple[str, ...]] = {}

    def apply(self, key: str, record: dict[str, Any] | None) -> bool:
        """Takes a record as ``streams.sources.backstage`` gives it; None withdraws. False if it changes nothing."""
        hashed = 0 if record is None else _hash(key, record)
        if hashed == self._hashes.get(key, 0):
            return False
        if (old := self._records.pop(key, None)) is not None:
            for claim in set(_claims(key, old)):
                claimants = self._claims[claim]
                claimants.discard(key)
                if not claimants:
                    del self._claims[claim]
        self._sum = (self._sum - self._hashes.pop(key, 0) + hashed) % (1 << 128)
        if record is not None:
            self._records[key] = record
            self._hashes[key] = hashed
            for claim in _claims(key, record):
                self._claims.setdefault(claim, set()).add(key)
        self._forget()
        return True

    def __len__(self) -> int:
        return len(self._records)

    def digest(self) -> str:
        """A hash of the content in hex, whatever the order it came in: a sum of the records' hashes."""
        return f"{self._sum:032x}"

    def resolve(
        self, entities: Iterable[Sequence[str]], fallback: str, by_actor: bool = False
    ) -> tuple[str, str | None]:
        """Domain and component of an event that is about these (kind, id) pairs; ``fallback`` where nobody claims any.

        ``by_actor`` for activities: a known principal then goes before the resources, hosts and namespaces it touched.

        >>> catalog = Catalog()
        >>> record = {"system": "system:default/shop", "links": {"repository": ["a/pay"]}}
        >>> catalog.apply("component:default/pay", record)
        True
        >>> catalog.resolve([("ip", "198.51.100.7"), ("repository", "a/pay")], "github:a/pay")
        ('system:shop', 'pay')
        """
        best: _Place | None = None
        cache = self._cache_by_actor if by_actor else self._cache
        for entity in entities:
            known = cache.get(entity[0])
            if known is None:
                continue
            found = known.get(entity[1], _UNSEEN)
            if found is _UNSEEN:
                found = self._place(entity[0], entity[1], by_actor)
            if found is not None and (best is None or found[0] < best[0]):
                if found[0] == 0:
                    return found[1], found[2]
                best = found
        return (fallback, None) if best is None else (best[1], best[2])

    def _place(self, kind: str, name: str, by_actor: bool) -> _Place | None:
        place = None
        for claim in _names(kind, name):
            if claimants := self._claims.get(claim):
                ref = min(claimants, key=_order)
                rank = (_KINDS_BY_ACTOR if by_actor else _KINDS).index(kind)
                place = (rank, self._domain(ref), self._component(ref))
                break
        known = (self._cache_by_actor if by_actor else self._cache)[kind]
        if len(known) >= CACHE:
            known.clear()
        known[name] = place
        return place

    def _domain(self, ref: str) -> str:
        record = self._records[ref]
        if ref.startswith("system:"):
            return f"system:{_short(ref)}"
        if system := record.get("system"):
            return f"system:{_short(system)}"
        if ref.startswith("resource:"):
            users = {self._domain(user) for user in self._used_by(ref) if not user.startswith("resource:")}
            if len(users) == 1:
                return users.pop()
        kind, _, _ = ref.partition(":")
        return f"{kind}:{_short(ref)}"

    def _component(self, ref: str) -> str | None:
        """A component itself; of a resource the one component of its domain that uses it, else the resource."""
        if ref.startswith("system:"):
            return None
        if not ref.startswith("resource:"):
            return _short(ref)
        domain = self._domain(ref)
        users = [user for user in self._used_by(ref) if user.startswith("component:") and self._domain(user) == domain]
        return _short(users[0]) if len(users) == 1 else f"resource:{_short(ref)}"

    def _used_by(self, ref: str) -> set[str]:
        if self._users is None:
            self._users = _users(self._records, self._provided())
        return self._users.get(ref, set())

    def _provided(self) -> dict[str, list[str]]:
        if self._providers is None:
            self._providers = _providers(self._records)
        return self._providers

    def ref(self, component: str) -> str | None:
        """The full reference of a component or resource under any spelling, None if the catalog does not have it."""
        for claim in _names("component", component):
            if claimants := self._claims.get(claim):
                return min(claimants, key=_order)
        return None

    def name(self, ref: str) -> str:
        """The component name of a full reference, as ``resolve`` gives it."""
        return f"resource:{_short(ref)}" if ref.startswith("resource:") else _short(ref)

    def place(self, ref: str) -> tuple[str, str] | None:
        """Domain and name of a component or resource by full reference: where its events go, and under which name."""
        if ref not in self._records or ref.startswith("system:") or (component := self._component(ref)) is None:
            return None
        return self._domain(ref), component

    def places(self, ref: str) -> dict[str, str]:
        """Domains by name, of a component and of the resources that it depends on and that may move with it."""
        if ref not in self._records:
            return {}
        needs = [needed for needed in _needs(self._records[ref], self._provided()) if needed.startswith("resource:")]
        return {name: domain for each in (ref, *needs) if (found := self.place(each)) for domain, name in (found,)}

    def dependents(self, component: str) -> tuple[str, ...]:
        """The other domains with components that depend on this one, within ``MAX_HOPS``, sorted."""
        known = self._dependents.get(component)
        if known is None:
            known = self._dependents[component] = self._find_dependents(component)
        return known

    def _find_dependents(self, component: str) -> tuple[str, ...]:
        start = self.ref(component)
        if start is None:
            return ()
        reached = {start}
        front = reached
        for _ in range(MAX_HOPS):
            front = {user for ref in front for user in self._used_by(ref)} - reached
            reached |= front
        return tuple(sorted({self._domain(ref) for ref in reached} - {self._domain(start)}))

    def facts(self, component: str) -> CatalogFacts | None:
        """What is known of a component; a missing owner is the system's. None if the catalog does not have it."""
        ref = self.ref(component)
        if ref is None:
            return None
        record = self._records[ref]
        system = record.get("system")
        tags = tuple(record.get("tags", ()))
        return CatalogFacts(
            owner=record.get("owner") or self._records.get(system or "", {}).get("owner"),
            system=system,
            tags=tags,
            internet_facing=True if "internet-facing" in tags else False if "not-internet-facing" in tags else None,
            privileged="privileged" in tags or None,
            customer_path="customer-path" in tags or None,
            depends_on=tuple(sorted(set(_needs(record, self._provided())))),
            ref=ref,
            controls=tuple(record.get("controls", ())),
            criticality=record.get("criticality"),
            dependents=len(self._used_by(ref)),
        )

    def conflicts(self) -> list[Conflict]:
        """Every thing that more than one entity claims, sorted. Within one domain only the component is in doubt."""
        found = []
        for (kind, name), refs in self._claims.items():
            if len(refs) > 1:
                claimants = tuple(sorted(refs, key=_order))
                domains = tuple(dict.fromkeys(self._domain(ref) for ref in claimants))
                found.append(Conflict(kind, name, claimants, domains))
        return sorted(found)


def _short(ref: str) -> str:
    return ref.partition(":")[2].removeprefix("default/")


def _order(ref: str) -> tuple[int, str]:
    return _PRECEDENCE.get(ref.partition(":")[0], 3), ref


def _hash(key: str, record: dict[str, Any]) -> int:
    content = json.dumps([key, record], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return int.from_bytes(blake2b(content.encode(), digest_size=16).digest(), "big")


def _claims(ref: str, record: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """What events may name this entity by. Entities that own nothing (Group, API) claim nothing."""
    kind = ref.partition(":")[0]
    if kind not in _PRECEDENCE:
        return
    if kind != "system":
        yield "component", ref
        yield "component", _short(ref) if kind == "component" else f"{kind}:{_short(ref)}"
    links = record.get("links") or {}
    for name in links.get("workloads", ()):
        yield "workload", name if "/" in name else f"*/{name}"
        yield "workload", name.rpartition("/")[2]
    for reference in links.get("images", ()):
        if (found := image(reference)) is not None:
            yield "image", found.repository
            if found.tag:
                yield "image", f"{found.repository}:{found.tag}"
            if found.digest:
                yield "image", f"{found.repository}@{found.digest}"
    for slug in links.get("repository", ()):
        yield "repository", slug.lower()
    for arn in links.get("arns", ()):
        yield "arn", canonical(arn)
        if ":instance/" in arn:
            yield "host", arn.rpartition("/")[2]
    for namespace in links.get("namespaces", ()):
        yield "namespace", namespace


def _names(kind: str, name: str) -> Iterable[tuple[str, str]]:
    """The claims that would own what an event calls (kind, name), the most specific first."""
    if kind == "component":
        lowered = name.lower()
        yield "component", lowered
        if lowered.startswith("component:"):
            yield "component", lowered.removeprefix("component:").removeprefix("default/")
    elif kind == "workload":
        yield "workload", name
        namespace, _, last = name.rpartition("/")
        if namespace:  # an entity that says no namespace has the name in all of them
            yield "workload", f"*/{last}"
            yield "namespace", namespace
        else:
            yield "component", name.lower()
    elif kind == "image":
        if (found := image(name)) is not None:
            yield "image", found.id
            if found.digest and found.tag:
                yield "image", f"{found.repository}:{found.tag}"
            yield "image", found.repository
    elif kind == "repository":
        yield "repository", name.lower()
        if (source := repository(name)) is not None:
            yield "repository", source.path.lower()
    elif kind in ("namespace", "host"):
        yield kind, name
    elif name.startswith("arn:"):
        yield from _arns(name)
    elif name.startswith("system:serviceaccount:"):
        yield "namespace", name.split(":")[2]


def _arns(name: str) -> Iterable[tuple[str, str]]:
    """The ARN, then what it is part of: the bucket of an object, the cluster of a service."""
    entity = entity_of(name)
    arn = entity[1] if entity else name
    yield "arn", arn
    for _ in range(8):
        head, _, resource = arn.rpartition(":")
        arn = arn.rpartition("/")[0] if "/" in resource else head
        if arn.count(":") < 5:
            return
        yield "arn", arn


def _providers(records: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """API to the components that provide it."""
    providers: dict[str, list[str]] = {}
    for ref, record in records.items():
        for api in record.get("provides", ()):
            providers.setdefault(api, []).append(ref)
    return providers


def _needs(record: dict[str, Any], providers: dict[str, list[str]]) -> Iterable[str]:
    """What an entity depends on: who consumes an API depends on what provides it."""
    for needed in record.get("depends_on", ()):
        yield from providers.get(needed, ()) if needed.startswith("api:") else (needed,)


def _users(records: dict[str, dict[str, Any]], providers: dict[str, list[str]]) -> dict[str, set[str]]:
    """Reference to the references of what depends on it."""
    users: dict[str, set[str]] = {}
    for ref, record in records.items():
        for target in _needs(record, providers):
            users.setdefault(target, set()).add(ref)
        for user in record.get("dependency_of", ()):
            users.setdefault(ref, set()).add(user)
    known = records.keys()
    return {ref: {user for user in found if user in known and user != ref} for ref, found in users.items()}

"""A rule's condition as a tree, as a predicate, and what an event must have for it to hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from streams.sigma.asks import Ask, effort
from streams.sigma.checks import Check, check
from streams.sigma.values import Document, Finder, as_text, finder, leaves

Predicate = Callable[[Document], bool]
Leaves = Callable[[Document], Sequence[Any]]

Paths = tuple[str, ...]
"""The names under which a document may have the field; its values are those of all of them together."""


@dataclass(frozen=True, slots=True)
class Has:
    """One of the field's values meets one of the asks."""

    field: str
    paths: Paths
    asks: tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class Present:
    """The field is there, with something other than null."""

    field: str
    paths: Paths


@dataclass(frozen=True, slots=True)
class Same:
    """A value of the field is one of the other's, or begins with it, ends with it, or (both) contains it."""

    field: str
    paths: Paths
    other: str
    other_paths: Paths
    starts: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Anywhere:
    """Any value of the document, whatever its field, meets one of the asks: keywords."""

    asks: tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Some part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Node


@dataclass(frozen=True, slots=True)
class Named:
    """A detection by the name it has in the rule."""

    name: str
    part: Node


Node = Has | Present | Same | Anywhere | All | Some | Not | Named


def all_of(parts: Sequence[Node]) -> Node:
    """All of them, in one level."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, All) else (part,))]
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def any_of(parts: Sequence[Node]) -> Node:
    """Some of them, in one level; what is asked of one field is asked at once."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Some) else (part,))]
    merged: dict[object, Node] = {}
    for number, part in enumerate(flat):
        if isinstance(part, Has):
            known = merged.get((part.field, part.paths))
            if isinstance(known, Has):
                part = Has(part.field, part.paths, tuple(dict.fromkeys(known.asks + part.asks)))
            merged[part.field, part.paths] = part
        elif isinstance(part, Anywhere):
            known = merged.get(Anywhere)
            merged[Anywhere] = Anywhere(known.asks + part.asks) if isinstance(known, Anywhere) else part
        else:
            merged[number] = part
    found = tuple(merged.values())
    return found[0] if len(found) == 1 else Some(found)


def predicate(node: Node, leaves_of: Leaves = leaves) -> Predicate:
    """True for the documents that the condition holds for. ``leaves_of`` gives all scalars of a document."""
    match node:
        case Has(_, paths, asks):
            return _has(paths, check(asks))
        case Present(_, paths):
            finders = tuple(map(finder, paths))
            return lambda document: any(find(document) for find in finders)
        case Same():
            return _same(node)
        case Anywhere(asks):
            holds = check(asks)
            return lambda document: any(map(holds, leaves_of(document)))
        case All(parts):
            return _all([predicate(part, leaves_of) for part in sorted(parts, key=_cost)])
        case Some(parts):
            several = tuple(predicate(part, leaves_of) for part in sorted(parts, key=_cost))
            return lambda document: any(part(document) for part in several)
        case Not(part):
            inner = predicate(part, leaves_of)
            return lambda document: not inner(document)
        case Named(_, part):
            return predicate(part, leaves_of)


def values(node: Has | Present | Same, document: Document) -> list[Any]:
    """What the document has in the field of a node."""
    return [value for path in node.paths for value in finder(path)(document)]


def _has(paths: Paths, holds: Check) -> Predicate:
    if len(paths) > 1:
        several = tuple(_has((path,), holds) for path in paths)
        return lambda document: any(part(document) for part in several)
    path = paths[0]
    find = finder(path)
    first, _, rest = path.partition(".")

    def slow(document: Document) -> bool:
        for value in find(document):
            kind = type(value)
            if kind is str or (kind is not dict and kind is not list):
                if holds(value):
                    return True
            elif any(map(holds, leaves(value))):
                return True
        return False

    if not rest:

        def top(document: Document) -> bool:
            value = document.get(path)
            if type(value) is str:
                return holds(value)
            return value is not None and slow(document)

        return top
    if "." in rest:
        return slow

    def second(document: Document) -> bool:
        node = document.get(first)
        if type(node) is dict:
            value = node.get(rest)
            if type(value) is str:
                return holds(value)
            if value is None and path not in document:
                return False
        elif node is None and path not in document:
            return False
        return slow(document)

    return second


def _same(node: Same) -> Predicate:
    ours, others = tuple(map(finder, node.paths)), tuple(map(finder, node.other_paths))
    starts, ends = node.starts, node.ends

    def texts(finders: tuple[Finder, ...], document: Document) -> Iterator[str]:
        for find in finders:
            for found in find(document):
                for value in leaves(found):
                    yield as_text(value).lower()

    def like(one: str, other: str) -> bool:
        if starts and ends:
            return other in one
        if starts:
            return one.startswith(other)
        return one.endswith(other) if ends else one == other

    def holds(document: Document) -> bool:
        given = list(texts(others, document))
        return bool(given) and any(like(one, other) for one in texts(ours, document) for other in given)

    return holds


def _all(parts: list[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        one, two = parts
        return lambda document: one(document) and two(document)
    if len(parts) == 3:
        one, two, three = parts
        return lambda document: one(document) and two(document) and three(document)
    several = tuple(parts)

    def holds(document: Document) -> bool:
        for part in several:  # noqa: SIM110 -- a generator would cost more than the parts
            if not part(document):
                return False
        return True

    return holds


def _cost(node: Node) -> int:
    """Cheap parts are asked first; the outcome does not depend on it."""
    match node:
        case Has(_, paths, asks):
            return len(paths) * (1 + paths[0].count(".")) + sum(map(effort, asks))
        case Present() | Same():
            return 8
        case Named(_, part) | Not(part):
            return _cost(part)
        case All(parts):
            return min(map(_cost, parts), default=0)
        case Some(parts):
            return sum(map(_cost, parts))
        case Anywhere():
            return 1_000

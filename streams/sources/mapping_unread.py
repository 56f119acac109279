"""What of a document a mapping never looks at: said when a mapping is tried, so that nothing useful is overlooked.

Static: a place counts as read if some path of the mapping leads to it or to what it is in, whichever table or
alternative was taken; of a condition, if it is about the place itself. Elements of a list are one place, ``[*]``.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from streams.sources.mapping_model import MappingFile, When
from streams.sources.mapping_path import ALL, Expression, Path, Step, expression, written

_DEPTH = 16


def unread(mapping: MappingFile, document: object) -> list[str]:
    """The places with a value that no path leads to, in the order of the document."""
    items = [(*path.steps, ALL) for path in _paths(mapping.items)] if mapping.items else [()]
    asked = {_general(path.steps) for found in _tested(mapping.recognise) for path in _paths(found)}
    taken: set[tuple[Step, ...]] = set()
    for table in mapping.event:
        for places, expressions in ((asked, _tested(table.when)), (taken, _expressions(table))):
            for path in (each for found in expressions for each in _paths(found)):
                if path.root == "document":
                    places.add(_general(path.steps))
                elif path.root == "item" and path.steps:  # the whole item is no reading of its parts
                    places |= {_general((*item, *path.steps)) for item in items}
    taken.discard(())
    leaves = dict.fromkeys(_leaves(document, ()))
    return [
        written("", leaf) for leaf in leaves if leaf not in asked and not any(_inside(leaf, each) for each in taken)
    ]


def _inside(place: tuple[Step, ...], path: tuple[Step, ...]) -> bool:
    return place[: len(path)] == path


def _leaves(node: object, steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    if isinstance(node, dict) and node and len(steps) < _DEPTH:
        for key, value in node.items():
            yield from _leaves(value, (*steps, key))
    elif isinstance(node, list) and any(isinstance(each, dict) for each in node) and len(steps) < _DEPTH:
        for each in node:
            yield from _leaves(each, (*steps, ALL))
    elif steps and node is not None and node not in ("", [], {}):
        yield steps


def _general(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The same for every element of a list; at the end the list itself stands for its elements."""
    general = tuple(ALL if isinstance(step, int) else step for step in steps)
    while general and general[-1] is ALL:
        general = general[:-1]
    return general


def _paths(found: Expression) -> list[Path]:
    return [each for each in found.alternatives if isinstance(each, Path)]


def _tested(when: When | None) -> Iterator[Expression]:
    if when is not None:
        yield from (*(when.exists or ()), *(when.missing or ()), *map(expression, (*when.equals, *when.matches)))


def _expressions(node: object) -> Iterator[Expression]:
    """Those of values, not of conditions."""
    if isinstance(node, Expression):
        yield node
    elif isinstance(node, BaseModel) and not isinstance(node, When):
        for name in type(node).model_fields:
            yield from _expressions(getattr(node, name))
    elif isinstance(node, tuple):
        for each in node:
            yield from _expressions(each)

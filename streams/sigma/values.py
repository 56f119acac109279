"""What a document has in a field: dotted names, arrays, objects.

A field name is split at its dots, and each part is a key of an object; a key may have dots of its own
(``annotations.kubernetes.io/role``, or a flat ``{"a.b": 1}``), so every way of splitting is tried, short parts first,
until one finds something. An array stands for its elements, one of which is enough; ``items.0`` is its first element.
``null`` is not there. An object stands for all that is in it: ``requestParameters|contains: x`` asks whether any value
below it contains x.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Document = dict[str, Any]
Finder = Callable[[Any], Sequence[Any]]

NOTHING: tuple[Any, ...] = ()


def finder(name: str) -> Finder:
    """What a document has in the field: scalars and objects, no array, no null; nothing where it is not there.

    >>> find = finder("a.b")
    >>> find({"a": [{"b": 1}, {"b": [2, None]}]}), find({"a.b": 3}), find({"a": {"b": None}})
    ([1, 2], [3], ())
    """
    return _finder(tuple(name.split(".")))


def _finder(parts: tuple[str, ...]) -> Finder:
    ways = [
        (".".join(parts[:taken]), _finder(parts[taken:]) if taken < len(parts) else None)
        for taken in range(1, len(parts) + 1)
    ]
    number = int(parts[0]) if parts[0].isascii() and parts[0].isdigit() and len(parts[0]) < 6 else -1
    beyond = ways[0][1]

    def find(node: Any) -> Sequence[Any]:
        if type(node) is dict:
            get = node.get
            for key, rest in ways:
                value = get(key)
                if value is not None:
                    found = flat(value) if rest is None else rest(value)
                    if found:
                        return found
            return NOTHING
        if type(node) is list:
            several = [value for element in flat(node) if type(element) is dict for value in find(element)]
            if not several and 0 <= number < len(node):
                return flat(node[number]) if beyond is None else beyond(node[number])
            return several
        return NOTHING

    return find


def flat(value: Any) -> Sequence[Any]:
    """The value, or the elements of an array at any depth; no null."""
    if type(value) is not list:
        return NOTHING if value is None else [value]
    found: list[Any] = []
    todo = value[::-1]
    while todo:
        each = todo.pop()
        if type(each) is list:
            todo += each[::-1]
        elif each is not None:
            found.append(each)
    return found


def leaves(value: Any) -> Sequence[Any]:
    """All scalars in a value, in its order; no keys, no null.

    >>> leaves({"a": [1, {"b": "x"}], "c": None})
    [1, 'x']
    """
    kind = type(value)
    if kind is not dict and kind is not list:
        return NOTHING if value is None else [value]
    found: list[Any] = []
    todo = [value]
    while todo:
        each = todo.pop()
        kind = type(each)
        if kind is dict:
            todo += reversed(each.values())
        elif kind is list:
            todo += reversed(each)
        elif each is not None:
            found.append(each)
    return found


def as_text(value: Any) -> str:
    """How a scalar is compared with text: as JSON writes it.

    >>> as_text(True), as_text(22), as_text("x")
    ('true', '22', 'x')
    """
    if type(value) is str:
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    return str(value)

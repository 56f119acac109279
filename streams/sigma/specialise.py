"""A condition once the texts of some fields are known: what of it is still open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from streams.sigma.asks import Ask
from streams.sigma.checks import Check, check
from streams.sigma.condition import All, Has, Named, Node, Not, Present, Some, all_of, any_of

Known = Mapping[str, str | None]
"""Text of a field by its path; None where the document does not have it. Any other kind of value is not known."""


def specialise(node: Node, known: Known) -> Node | bool:
    """The condition for documents with these texts: True or False where they decide it.

    >>> from streams.sigma.asks import Text
    >>> specialise(Has("a", ("a",), (Text(("x",)),)), {"a": "X"})
    True
    """
    match node:
        case Has(_, (path,), asks) if path in known:
            text = known[path]
            return text is not None and _checked(asks)(text)
        case Present(_, (path,)) if path in known:
            return known[path] is not None
        case Named(_, part):
            return specialise(part, known)
        case Not(part):
            inner = specialise(part, known)
            return (not inner) if isinstance(inner, bool) else Not(inner)
        case All(parts):
            return _joined(parts, known, False, all_of)
        case Some(parts):
            return _joined(parts, known, True, any_of)
    return node


def _joined(parts: tuple[Node, ...], known: Known, decides: bool, join: Callable[[list[Node]], Node]) -> Node | bool:
    """``decides``: what one part settles the whole with."""
    left: list[Node] = []
    for part in parts:
        inner = specialise(part, known)
        if inner is decides:
            return decides
        if not isinstance(inner, bool):
            left.append(inner)
    return join(left) if left else not decides


@lru_cache(maxsize=16_384)
def _checked(asks: tuple[Ask, ...]) -> Check:
    return check(asks)


def top_fields(node: Node) -> frozenset[str]:
    """The fields of the document's first level that the condition asks something of."""
    match node:
        case Has(_, (path,), _) | Present(_, (path,)) if "." not in path:
            return frozenset((path,))
        case Named(_, part) | Not(part):
            return top_fields(part)
        case All(parts) | Some(parts):
            return frozenset().union(*map(top_fields, parts))
    return frozenset()

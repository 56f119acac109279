"""Fields of an ECS document by their dotted names, whether it nests its objects or writes names with dots."""

from __future__ import annotations

from typing import Any

from streams.sources.fields import text
from streams.sources.memo import Memo

_Cuts = tuple[tuple[str, str], ...]


def _cut(name: str) -> _Cuts:
    """Every way to part a dotted name in two, the longest first part last."""
    at = [index for index, letter in enumerate(name) if letter == "."]
    return tuple((name[:index], name[index + 1 :]) for index in at)


_CUTS: Memo[str, _Cuts] = Memo(_cut, limit=1024, size=96)


def at(document: dict[str, Any], name: str) -> object:
    """The value of a field, None where there is none.

    >>> at({"event": {"kind": "alert"}}, "event.kind"), at({"event.kind": "alert"}, "event.kind")
    ('alert', 'alert')
    """
    if (found := document.get(name)) is not None:
        return found
    for first, rest in _CUTS[name]:
        inner = document.get(first)
        if type(inner) is dict and (found := at(inner, rest)) is not None:
            return found
    return None


def one(document: dict[str, Any], name: str, limit: int = 512) -> str | None:
    """The text of a field; of several the first, since any field of the store may hold an array."""
    found = at(document, name)
    if type(found) is list and found:
        found = found[0]
    if type(found) is int:
        return str(found)[:limit]
    return text(found, limit)


def several(document: dict[str, Any], name: str, limit: int = 16) -> list[str]:
    """The texts of a field, at most ``limit``."""
    found = at(document, name)
    given = found[:limit] if type(found) is list else [found]
    return [each for each in given if type(each) is str and 0 < len(each) <= 512]

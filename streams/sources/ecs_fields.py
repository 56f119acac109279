"""Fields of an ECS document by their dotted names, whether it nests its objects or writes names with dots."""

from __future__ import annotations

from typing import Any

from streams.sources.fields import text

Fields = dict[str, Any]
"""The leaves of a document by dotted name; arrays are leaves."""

_DEPTH = 8
_FIELDS = 4096


def flat(document: dict[str, Any]) -> Fields:
    """All fields of a document: one walk, since some sixty of them are asked for by name.

    Objects deeper than eight levels and fields beyond the first few thousand are left out: the schema has neither.

    >>> flat({"event": {"kind": "alert"}, "host.name": "web-1"})
    {'event.kind': 'alert', 'host.name': 'web-1'}
    """
    found: Fields = {}
    _walk(document, "", 0, found)
    return found


def _walk(part: dict[str, Any], prefix: str, depth: int, found: Fields) -> None:
    for name, value in part.items():
        if type(value) is dict:
            if depth < _DEPTH:
                _walk(value, f"{prefix}{name}.", depth + 1, found)
        elif value is not None and len(found) < _FIELDS:
            found[prefix + name] = value


def has(document: dict[str, Any], first: str, second: str) -> bool:
    """Whether a field of two parts is there, nested or with a dot; cheap, for telling formats apart."""
    inner = document.get(first)
    return (type(inner) is dict and inner.get(second) is not None) or document.get(f"{first}.{second}") is not None


def one(fields: Fields, name: str, limit: int = 512) -> str | None:
    """The text of a field; of several the first, since any field of the store may hold an array."""
    found = fields.get(name)
    if found is None:
        return None
    if type(found) is list and found:
        found = found[0]
    if type(found) is int:
        return str(found)[:limit]
    return text(found, limit)


def several(fields: Fields, name: str, limit: int = 16) -> list[str]:
    """The texts of a field, at most ``limit``."""
    found = fields.get(name)
    given = found[:limit] if type(found) is list else [found]
    return [each for each in given if type(each) is str and 0 < len(each) <= 512]

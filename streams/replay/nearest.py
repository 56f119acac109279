"""Which sources a document that none of them reads comes close to, and what it lacks for each.

A source says only yes or no. So it is asked with a document that writes down which keys were looked at. Keys that are
there write it down themselves when they are compared, which no source can tell; those that are not are seen by an
object in the dict's place, which sources that want a dict and nothing else refuse: of these only what is there is told.
A mapping knows its conditions and names them itself.
"""

from __future__ import annotations

from collections.abc import KeysView, Mapping
from typing import Any, NamedTuple

from streams.sources.known import Known
from streams.sources.mapping import MappedSource

_DEPTH = 6
_ELEMENTS = 3
"""Elements of an array that are written down; recognition looks at the first ones."""

_SHOWN = 4


class Near(NamedTuple):
    """A source, the keys in its favour, and in words what it misses."""

    source: str
    found: int
    why: str


class _Key(str):
    """A key that writes down when a look-up finds it."""

    __slots__ = ("path", "seen")
    path: str
    seen: dict[str, None]

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        equal = str.__eq__(self, other)
        if equal is True:
            self.seen[self.path] = None
        return equal

    def __ne__(self, other: object) -> bool:
        return not self == other


class _Object(dict[str, Any]):
    """An object that writes down which keys it was asked for and does not have."""

    def __init__(self, content: Mapping[str, Any], path: str, gone: dict[str, None]) -> None:
        super().__init__(content)
        self._path = path
        self._gone = gone

    def _look(self, key: object) -> None:
        if isinstance(key, str) and not dict.__contains__(self, key):
            self._gone[f"{self._path}.{key}" if self._path else key] = None

    def __contains__(self, key: object) -> bool:
        self._look(key)
        return super().__contains__(key)

    def __getitem__(self, key: str) -> Any:
        self._look(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """As of any dict."""
        self._look(key)
        return super().get(key, default)

    def keys(self) -> KeysView[str]:  # type: ignore[override]  # a view that asks us, so that comparisons are seen
        """As of any dict."""
        return KeysView(self)


def nearest(document: object, headers: Mapping[str, str], known: Known, limit: int = 3) -> list[Near]:
    """The sources that found most of what they look for, at most ``limit``; empty where none found anything."""
    near: list[Near] = []
    for source in known.sources:
        if isinstance(source, MappedSource):
            held, lacking = source.lacks(document, headers)
            near.append(
                Near(source.name, held, f"{held} of {held + len(lacking)} conditions hold; {'; '.join(lacking)}")
            )
            continue
        there: dict[str, None] = {}
        gone: dict[str, None] = {}
        if source.recognise(watched(document, there), headers) or not there:
            continue
        source.recognise(_asked(document, "", gone, _DEPTH), headers)
        has = f"has {', '.join(list(there)[:_SHOWN])}"
        lack = f"; {', '.join(list(gone)[:_SHOWN])} missing" if gone else ", and something else that it does not say"
        near.append(Near(source.name, len(there), has + lack))
    near = [each for each in near if each.found]
    return sorted(near, key=lambda each: (-each.found, each.source))[:limit]


def watched(node: object, seen: dict[str, None], path: str = "", depth: int = _DEPTH) -> object:
    """The same document; the keys that are found in it by anybody are in ``seen`` then, as paths."""
    if depth and isinstance(node, dict):
        found = {}
        for name, value in node.items():
            key = _Key(name)
            key.path, key.seen = f"{path}.{name}" if path else name, seen
            found[key] = watched(value, seen, key.path, depth - 1)
        seen.clear()  # filling a dict compares keys, too
        return found
    if depth and isinstance(node, list):
        first = [watched(each, seen, f"{path}[{n}]", depth - 1) for n, each in enumerate(node[:_ELEMENTS])]
        return [*first, *node[_ELEMENTS:]]
    return node


def _asked(node: object, path: str, gone: dict[str, None], depth: int) -> object:
    if depth and isinstance(node, dict):
        inner = {key: _asked(value, f"{path}.{key}" if path else key, gone, depth - 1) for key, value in node.items()}
        return _Object(inner, path, gone)
    if depth and isinstance(node, list):
        first = [_asked(each, f"{path}[{n}]", gone, depth - 1) for n, each in enumerate(node[:_ELEMENTS])]
        return [*first, *node[_ELEMENTS:]]
    return node

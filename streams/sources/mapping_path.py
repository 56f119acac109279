"""Paths into a JSON document, as a mapping writes them, and what stands there.

An expression is one path, or several with ``??`` between them: the first that has something counts.

- ``a.b``: keys; ``a."b.c"`` or ``a["b.c"]`` a key with anything in it; ``a[0]``, ``a[-1]`` one element of an array;
  ``a[*]`` all of them.
- Without a root a path begins at the item. ``$`` is the document, ``$item`` the item, ``$headers`` the headers of the
  record (``$headers.x-weir-received``: when it arrived).
- ``'text'`` is that text.

Null, empty text and what is not there are the same: missing. JSONPath (RFC 9535) has filters and slices besides; these
are left out, since a path that selects by condition hides a decision which belongs into ``when``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

ALL = None
"""The step that stands for every element."""

Step = str | int | None
Root = Literal["item", "document", "headers"]

_ROOTS: dict[str, Root] = {"$": "document", "$item": "item", "$headers": "headers"}
_BARE = re.compile(r"[^\s.\[\]\"'?${}]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_INDEX = re.compile(r"\[(\*|-?[0-9]{1,6})\]")
_KEY = re.compile(r'\["((?:[^"\\]|\\["\\])*)"\]')
_ROOT = re.compile(r"\$[a-z]*(?=[.\[\s?]|$)")
_LITERAL = re.compile(r"'((?:[^'\\]|\\['\\])*)'")
_SPACE = re.compile(r"\s*")


class BadPath(ValueError):
    """The text is no expression; the message says where it stops to be one."""


class Scope(NamedTuple):
    """Where paths are looked up. ``place`` is that of the item in the document, ``alerts[3]``; empty for the whole."""

    item: object
    document: object
    headers: Mapping[str, str]
    place: str = ""


class Found(NamedTuple):
    """A value and where it stands in the document."""

    place: str
    value: Any


class Path(NamedTuple):
    """One path. ``text`` is it as it was written."""

    root: Root
    steps: tuple[Step, ...]
    text: str

    def place(self, scope: Scope) -> str:
        """Where it points to, for a message."""
        if self.root == "item":
            return written(scope.place, self.steps)
        return written("$headers" if self.root == "headers" else "", self.steps)

    def first(self, scope: Scope) -> object:
        """The value of a path without ``[*]``; None if it is missing."""
        node: Any = (
            scope.item if self.root == "item" else scope.document if self.root == "document" else dict(scope.headers)
        )
        for step in self.steps:
            if isinstance(step, str):
                if not isinstance(node, dict):
                    return None
                node = node.get(step)
            elif isinstance(step, int) and isinstance(node, list) and -len(node) <= step < len(node):
                node = node[step]
            else:
                return None
        return None if node == "" else node

    def all(self, scope: Scope) -> list[Found]:
        """Everything that the path reaches and that is not missing, with its place."""
        if ALL not in self.steps:
            value = self.first(scope)
            return [] if value is None else [Found(self.place(scope), value)]
        node: Any = (
            scope.item if self.root == "item" else scope.document if self.root == "document" else dict(scope.headers)
        )
        start = scope.place if self.root == "item" else "$headers" if self.root == "headers" else ""
        reached = [(start, node)]
        for step in self.steps:
            after: list[tuple[str, Any]] = []
            for place, node in reached:
                if step is ALL:
                    if isinstance(node, list):
                        after += [(f"{place}[{number}]", element) for number, element in enumerate(node)]
                elif isinstance(step, str):
                    if isinstance(node, dict) and step in node:
                        after.append((written(place, (step,)), node[step]))
                elif isinstance(node, list) and -len(node) <= step < len(node):
                    after.append((written(place, (step,)), node[step]))
            reached = after
        return [Found(place, value) for place, value in reached if value is not None and value != ""]


class Constant(NamedTuple):
    """A text in quotes."""

    value: str


class Expression(NamedTuple):
    """Alternatives in their order; ``text`` is the expression as it was written.

    ``several`` says whether it may reach more than one value.
    """

    alternatives: tuple[Path | Constant, ...]
    text: str
    several: bool

    def first(self, scope: Scope) -> object:
        """The value of the first alternative that has one, None if none has. Wrong for an expression of ``several``."""
        for each in self.alternatives:
            value = each.value if isinstance(each, Constant) else each.first(scope)
            if value is not None:
                return value
        return None

    def values(self, scope: Scope) -> list[Any]:
        """The values of the first alternative that has any, without their places, which cost as much as they do."""
        if self.several:
            return [found.value for found in self.all(scope)]
        value = self.first(scope)
        return [] if value is None else [value]

    def all(self, scope: Scope) -> list[Found]:
        """The values of the first alternative that has any."""
        for each in self.alternatives:
            if isinstance(each, Constant):
                return [Found("", each.value)]
            if found := each.all(scope):
                return found
        return []

    def place(self, scope: Scope) -> str:
        """Where the value stands, or, if it is missing, where the first path points to; for a message."""
        paths = [each for each in self.alternatives if isinstance(each, Path)]
        if not paths:
            return scope.place
        return next(
            (found for each in paths if each.all(scope) and (found := each.place(scope))), paths[0].place(scope)
        )


def expression(text: str) -> Expression:
    """Reads an expression.

    >>> expression('host.name ?? labels["host.name"]').alternatives[1].steps
    ('labels', 'host.name')

    Raises:
        BadPath: with the place in the text.
    """
    found, at = _alternatives(text, 0)
    if at < len(text):
        raise _unexpected(text, at)
    return _expression(found, text)


def _expression(alternatives: list[Path | Constant], text: str) -> Expression:
    several = any(isinstance(each, Path) and ALL in each.steps for each in alternatives)
    return Expression(tuple(alternatives), text, several)


Part = str | Expression


def template(text: str) -> tuple[Part, ...]:
    """Text with expressions in braces, in parts; ``{{`` and ``}}`` are braces.

    >>> [part if isinstance(part, str) else part.text for part in template("{user} on {host.name ?? 'a host'}")]
    ['user', ' on ', "host.name ?? 'a host'"]

    Raises:
        BadPath: an expression is none, or a brace stands alone.
    """
    parts: list[Part] = []
    plain = ""
    at = 0
    while at < len(text):
        if text.startswith(("{{", "}}"), at):
            plain += text[at]
            at += 2
        elif text[at] == "}":
            raise BadPath(f"character {at + 1}: a }} that closes nothing; write }}}} for a brace")
        elif text[at] == "{":
            found, end = _alternatives(text, at + 1)
            if not text.startswith("}", end):
                raise _unexpected(text, end)
            if plain:
                parts.append(plain)
                plain = ""
            parts.append(_expression(found, text[at + 1 : end].strip()))
            at = end + 1
        else:
            plain += text[at]
            at += 1
    if plain:
        parts.append(plain)
    return tuple(parts)


def _alternatives(text: str, at: int) -> tuple[list[Path | Constant], int]:
    found: list[Path | Constant] = []
    while True:
        at = _skip(text, at)
        if literal := _LITERAL.match(text, at):
            found.append(Constant(_unescaped(literal[1])))
            at = literal.end()
        else:
            path, at = _path(text, at)
            found.append(path)
        at = _skip(text, at)
        if not text.startswith("??", at):
            return found, at
        at += 2


def _path(text: str, at: int) -> tuple[Path, int]:
    begin = at
    root: Root = "item"
    steps: list[Step] = []
    if given := _ROOT.match(text, at):
        if given[0] not in _ROOTS:
            raise BadPath(f"character {at + 1}: {given[0]} is no root; there are {', '.join(_ROOTS)}")
        root, at = _ROOTS[given[0]], given.end()
    else:
        if text.startswith("[", at):
            step, at = _bracket(text, at)
        else:
            step, at = _name(text, at)
        steps.append(step)
    while at < len(text):
        if text[at] == ".":
            step, at = _name(text, at + 1)
        elif text[at] == "[":
            step, at = _bracket(text, at)
        else:
            break
        steps.append(step)
    return Path(root, tuple(steps), text[begin:at]), at


def _bracket(text: str, at: int) -> tuple[Step, int]:
    if index := _INDEX.match(text, at):
        return (ALL if index[1] == "*" else int(index[1])), index.end()
    if key := _KEY.match(text, at):
        return _unescaped(key[1]), key.end()
    raise BadPath(f'character {at + 1}: after [ comes a number, * or a "key", then ]')


def _name(text: str, at: int) -> tuple[str, int]:
    if quoted := _QUOTED.match(text, at):
        return _unescaped(quoted[1]), quoted.end()
    bare = _BARE.match(text, at)
    if bare is None:
        raise _unexpected(text, at)
    return bare[0], bare.end()


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _unexpected(text: str, at: int) -> BadPath:
    if at >= len(text):
        return BadPath(f"character {at + 1}: it ends where a key is expected" if text else "empty")
    return BadPath(f"character {at + 1}: {text[at]!r} is not expected here; keys with such characters stand in quotes")


def written(place: str, steps: tuple[Step, ...]) -> str:
    """Steps from a place on, as a path would be written."""
    for step in steps:
        if type(step) is str:
            shown = step if _BARE.fullmatch(step) else '"' + step.replace("\\", "\\\\").replace('"', '\\"') + '"'
            place = f"{place}.{shown}" if place else shown
        else:
            place = f"{place}[{'*' if step is ALL else step}]"
    return place

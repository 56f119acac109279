"""Rule texts into documents: YAML with several in a text, or JSON; each with its place and a plain text of its own.

``canonical`` is what a rule is known by and travels as: JSON, without comments and without its tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from hashlib import blake2b
from typing import Any, NamedTuple

import yaml
from sigma.collection import deep_dict_update
from sigma.exceptions import SigmaCollectionError
from sigma.rule.base import SigmaYAMLLoader, check_alias_expansion

from streams.sigma.rule import Fault

TESTS = "tests"
"""The attribute of a rule with its test events."""

MAX_TEXT = 4_194_304
"""Characters of one text."""


class Document(NamedTuple):
    """One rule as written. ``lines`` has the line of every key, by its place."""

    file: str
    number: int
    body: dict[str, Any]
    lines: Mapping[str, int]

    def fault(self, place: str, reason: str) -> Fault:
        """A fault at a place of the document; its line is that of the deepest key that is known."""
        inside = place
        while inside and inside not in self.lines:
            inside = inside.rpartition(".")[0]
        title = self.body.get("title")
        line = self.lines.get(inside, 0)
        return Fault(self.file, self.number, line, place, reason, title if isinstance(title, str) else "")

    @property
    def canonical(self) -> str:
        """The document as one line of JSON, without its tests; equal documents give equal text."""
        return json.dumps({k: v for k, v in self.body.items() if k != TESTS}, ensure_ascii=False, separators=(",", ":"))


def digest(canonical: str) -> str:
    """16 hex digits."""
    return blake2b(canonical.encode(errors="surrogatepass"), digest_size=8).hexdigest()


def documents(file: str, text: str) -> Iterator[Document | Fault]:
    """The rules in a text, templates (``action: global`` and the like) applied; and what is no document.

    After a mistake in the YAML itself nothing more can be read from the text: that fault is the last.
    """
    if len(text) > MAX_TEXT:
        yield Fault(file, 1, 0, "", f"{len(text)} characters; at most {MAX_TEXT} are read")
        return
    template: dict[str, Any] = {}
    previous: dict[str, Any] = {}
    number = 0
    for read in _read(file, text):
        if isinstance(read, Fault):
            yield read
            number = read.document
            continue
        number, body, lines = read
        given = Document(file, number, body, lines)
        action = body.pop("action", None)
        if action in ("repeat", None) and not _mergeable(body, template if action is None else previous):
            yield given.fault("", "has other types than the template that it is merged with")
            continue
        if action is None:
            if "correlation" not in body and "filter" not in body:
                body = deep_dict_update(body, _copy(template))
                previous = body
            yield given._replace(body=body)
        elif action == "global":
            template = previous = body
        elif action == "reset":
            template = {}
        elif action == "repeat":
            previous = deep_dict_update(_copy(previous), body)
            yield given._replace(body=previous)
        else:
            yield given.fault("action", f"{action!r} is no action; there are global, reset and repeat")
    if not number:
        yield Fault(file, 1, 0, "", "no rule in it")


_Read = tuple[int, dict[str, Any], Mapping[str, int]]


def _read(file: str, text: str) -> Iterator[_Read | Fault]:
    if text.startswith("{"):
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            pass  # YAML's own braces
        else:
            yield 1, body, {}
            return
    number = 0
    try:
        loader = SigmaYAMLLoader(text)
        while loader.check_node():
            node = loader.get_node()
            number += 1
            line = 0 if node is None else node.start_mark.line + 1
            try:
                body = loader.construct_document(node)
                check_alias_expansion(body, SigmaCollectionError)
                if body is None:
                    continue  # a trailing ---
                yield _plain(file, number, line, body, {} if node is None else _lines(node))
            except SigmaCollectionError as error:
                yield Fault(file, number, line, "", str(error))
            except yaml.YAMLError as error:
                at, reason = _place(error, line)
                yield Fault(file, number, at, "", reason)
    except (yaml.YAMLError, ValueError, RecursionError, AttributeError) as error:  # ValueError: a date in no calendar
        line, reason = _place(error, 0)
        yield Fault(file, number + 1, line, "", reason)


def _plain(file: str, number: int, line: int, body: object, lines: Mapping[str, int]) -> _Read | Fault:
    if not isinstance(body, dict):
        return Fault(file, number, line, "", "is no mapping of keys to values")
    try:
        return number, _values(body, ""), lines
    except _Odd as error:
        return Fault(file, number, lines.get(error.place, line), error.place, str(error))


class _Odd(ValueError):
    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place = place


def _values(value: object, place: str) -> Any:
    """The value in the types that JSON has: a date is text."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise _Odd(f"{place}.{key}".strip("."), f"the key {key!r} is no text; quote it")
        return {key: _values(each, f"{place}.{key}" if place else key) for key, each in value.items()}
    if isinstance(value, list):
        return [_values(each, f"{place}.{number}") for number, each in enumerate(value)]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, date):
        return value.isoformat()[:10]
    raise _Odd(place, f"{type(value).__name__} has no meaning here")


def _mergeable(body: Any, template: Any) -> bool:
    """Whether an object meets an object wherever the template has one."""
    if not isinstance(template, dict):
        return True
    return isinstance(body, dict) and all(k not in body or _mergeable(body[k], v) for k, v in template.items())


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _lines(root: yaml.Node) -> dict[str, int]:
    """The line of every key, by its place; not inside of ``tests``, whose events may be large."""
    found: dict[str, int] = {}
    todo: list[tuple[str, yaml.Node]] = [("", root)]
    while todo and len(found) < 10_000:
        place, node = todo.pop()
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    at = f"{place}.{key.value}" if place else key.value
                    found[at] = key.start_mark.line + 1
                    if at != TESTS:
                        todo.append((at, value))
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                found[f"{place}.{number}"] = value.start_mark.line + 1
                todo.append((f"{place}.{number}", value))
    return found


def _place(error: Exception, line: int) -> tuple[int, str]:
    if isinstance(error, RecursionError):
        return line, "is nested too deeply"
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return (mark.line + 1 if mark is not None else line), f"is no YAML: {problem}"

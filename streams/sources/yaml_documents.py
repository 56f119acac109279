"""YAML text to documents that are as safe to walk as parsed JSON: its types, no cycles, bounded depth and size.

One pass over the event stream checks before anything is built: the C loader ends the process on deep nesting, and a
few dozen aliases of aliases can stand for more nodes than memory holds.

Only null, true and false are more than text: ``no``, ``2024-05-01`` and ``1.20`` stay as written, and ``<<`` merges
nothing (as in YAML 1.2, which Backstage reads). Wrong for YAML whose numbers count.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import yaml

MAX_DEPTH = 64
MAX_NODES = 1_000_000
"""Nodes of the whole text with every alias written out."""

if TYPE_CHECKING:
    _Safe = yaml.SafeLoader
else:
    _Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # 10 times as fast, where libyaml is there

_TAG = "tag:yaml.org,2002:"
_BUILT = frozenset(_TAG + name for name in ("null", "bool", "str", "seq", "map"))


class _Loader(_Safe):
    """The safe loader, less everything that JSON has no word for."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own attributes, on the class
        first: [(tag, pattern) for tag, pattern in resolvers if tag == f"{_TAG}null"]
        for first, resolvers in _Safe.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {  # noqa: RUF012
        tag: construct for tag, construct in _Safe.yaml_constructors.items() if tag is None or tag in _BUILT
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        for key, _ in node.value:
            if key.tag != f"{_TAG}str":
                raise yaml.constructor.ConstructorError(None, None, "a key that is not text", key.start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(f"{_TAG}bool", re.compile("true|True|TRUE|false|False|FALSE"), list("tTfF"))


def documents_from_yaml(content: str) -> list[object]:
    """The documents of a YAML stream, empty ones left out. ``ValueError`` with the line where it cannot be read.

    >>> documents_from_yaml("a: 1\\n---\\nb: [true, no]\\n")
    [{'a': '1'}, {'b': [True, 'no']}]
    """
    try:
        problem = _problem(content)
        if problem is None:
            return [document for document in yaml.load_all(content, _Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1} column {mark.column + 1}: " if mark else ""
        problem = f"{where}not YAML: {error.problem or error.context}"
    except yaml.YAMLError as error:
        problem = f"not YAML: {str(error).partition(chr(10))[0]}"
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        # The loader lets the errors of its own conversions through, for example of a tagged boolean that is none.
        problem = f"not YAML: a value that cannot be what it says it is ({type(error).__name__})"
    raise ValueError(problem)


def _problem(content: str) -> str | None:
    open_: list[tuple[str | None, int]] = []  # anchor, and how many nodes came before
    sizes: dict[str, int] = {}
    nodes = 0
    for event in yaml.parse(content, _Loader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            sizes.clear()
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                return f"line {line}: alias *{event.anchor} of nothing, or of what it stands in"
            nodes += sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, nodes))
            nodes += 1
            if len(open_) > MAX_DEPTH:
                return f"line {line}: nested deeper than {MAX_DEPTH} levels"
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = nodes - before
        if nodes > MAX_NODES:
            return f"line {line}: more than {MAX_NODES} nodes, aliases written out"
    return None

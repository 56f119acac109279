"""Rules as they travel: one small text each, in a record of the log.

A bundle is what ``Parameters.detections`` would hold (a tuple of ``RuleText``): plain data, equal for equal rules, each
with its digest, and with what no machine needs (references, authors, tests) left behind. ``load`` takes it back; since
one text is compiled once in a process, a new bundle costs what is new in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from streams.sigma.documents import TESTS, Document, digest, documents
from streams.sigma.load import Loaded, load
from streams.sigma.rule import Fault
from streams.sigma.translate import Placeholders

LEFT_BEHIND = frozenset((TESTS, "references", "author", "related", "license", "fields", "status", "taxonomy"))


class RuleText(NamedTuple):
    """``key`` is the rule's id, else its name, else its title; ``text`` is JSON, which is YAML, too."""

    key: str
    digest: str
    text: str


def bundle(texts: Iterable[tuple[str, str]]) -> tuple[tuple[RuleText, ...], list[Fault]]:
    """Every document of the texts (with the names of their files), in order; and what is no document."""
    found: list[RuleText] = []
    faults: list[Fault] = []
    for file, text in texts:
        for document in documents(file, text):
            if isinstance(document, Document):
                found.append(_text(document))
            else:
                faults.append(document)
    return tuple(found), faults


def unbundle(texts: Iterable[RuleText], placeholders: Placeholders | None = None) -> Loaded:
    """The rules of a bundle; a fault names the rule where a file would stand."""
    return load(((each.key, each.text) for each in texts), placeholders)


def _text(document: Document) -> RuleText:
    body = {key: value for key, value in document.body.items() if key not in LEFT_BEHIND}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    key = body.get("id") or body.get("name") or body.get("title") or ""
    return RuleText(str(key), digest(text), text)

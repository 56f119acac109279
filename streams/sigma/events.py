"""What detection sees of an event, and what it makes of a match.

At ingest, for each document that a source has recognised::

    for item, event in items(source.name, document):
        for rule in rules.detect(event, source.name):
            draft = finding(rule, event, the first draft of that item)

and for each draft, where ``rules.wants("weir." + draft["type"])``::

    for rule in rules.detect(normalised(draft, source.name), "weir." + draft["type"]): ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from streams.sigma.condition import Paths
from streams.sigma.explain import why
from streams.sigma.rule import Rule
from streams.sigma.values import Document, as_text, finder, leaves

REPORTER = "sigma"

SILENT = 1
"""Severity of what a rule finds that only feeds correlation rules: below what makes a signal."""

LONGEST_ID = 512
"""Characters of a natural key, as events may have it."""

_LISTS: Mapping[str, tuple[str, ...]] = {
    "aws.cloudtrail": ("Records",),
    "aws.guardduty": ("findings", "Findings"),
    "aws.config": ("configurationItems",),
    "asff": ("findings", "Findings"),
    "kubernetes.audit": ("items",),
    "kubernetes.events": ("items",),
    "azure.activity": ("records", "value"),
    "azure.signin": ("records", "value"),
    "gcp.audit": ("entries",),
    "okta": ("data.events",),
}
"""The array of a source's documents with several events."""


def items(source: str, document: object) -> Iterator[tuple[int, Document]]:
    """The events in a document, each with the number that the source's reading of it has.

    What a source opens before it reads it (base64 of a Pub/Sub push, JSON in a text) is not opened here: such a
    document is one event, in which rules find nothing.
    """
    if type(document) is dict and "detail-type" in document and type(document.get("detail")) is dict:
        document = document["detail"]
    if type(document) is dict:
        for place in _LISTS.get(source, ()):
            several: Any = document
            for part in place.split("."):
                several = several.get(part) if type(several) is dict else None
            if type(several) is list:
                document = several
                break
    if type(document) is dict:
        yield 0, document
    elif type(document) is list:
        for number, each in enumerate(document):
            if type(each) is dict:
                yield number, each


def normalised(draft: Mapping[str, Any], source: str) -> Document:
    """A draft as rules for ``product: weir`` see it: its own fields, ``source``, and ``entity.<kind>`` with the ids."""
    entities: dict[str, list[str]] = {}
    for kind, id_ in draft.get("entities", ()):
        entities.setdefault(kind, []).append(id_)
    return {**draft, "source": source, "entity": entities}


def finding(rule: Rule, document: Document, draft: Mapping[str, Any]) -> dict[str, Any]:
    """The finding of a match: a draft of ``schemas.events.Finding``, about what the event's own draft is about.

    ``document`` is redacted already, so the evidence is. The id is that of the event and the rule, so a copy of the
    event is a copy of the finding; an id that is too long for that is hashed.
    """
    source_id = f"{draft['source_id']}/{rule.key}"
    if len(source_id) > LONGEST_ID:
        source_id = f"{blake2b(source_id.encode(errors='surrogatepass'), digest_size=16).hexdigest()}/{rule.key}"
    marks = " ".join(tag.removeprefix("attack.").upper() for tag in rule.tags if tag.startswith("attack.t"))
    evidence = why(rule, document)
    if marks:
        evidence = f"{evidence[:1900]} ATT&CK: {marks}"
    made: dict[str, Any] = {
        "type": "finding",
        "kind": "detection",
        "source_id": source_id[:LONGEST_ID],
        "time": draft["time"],
        "domain": draft["domain"],
        "entities": draft.get("entities", []),
        "title": rule.title[:512],
        "rule": rule.key,
        "severity": SILENT if rule.silent else rule.severity,
        "reporter": REPORTER,
        "aliases": [rule.name] if rule.name and rule.name != rule.key else [],
        "evidence": evidence[:2048] or None,
    }
    if rule.locates:
        given = [_first(paths, document) for paths in rule.locates]
        made["location"] = None if None in given else _joined([str(each) for each in given])
    return made | {name: draft[name] for name in ("identities", "component") if draft.get(name)}


def _joined(values: list[str]) -> str:
    """One text, equal for equal values only."""
    if len(values) > 1:
        values = [value.replace("%", "%25").replace(";", "%3B") for value in values]
    return "; ".join(values)[:1024]


def _first(paths: Paths, document: Document) -> str | None:
    for path in paths:
        for found in finder(path)(document):
            for value in leaves(found):
                return as_text(value)
    return None

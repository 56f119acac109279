"""OpenVEX documents (specification v0.2.0; the shapes of v0.0 are read, too) as context records of kind "vex".

- One item a statement, a draft for each of its products, with the ``subcomponents`` that it means in there.
- A product is an object with ``@id`` and ``identifiers``, of which the purl goes first, or, in v0.0, a text.
- Time: the statement's ``last_updated`` or ``timestamp``, else the document's. Author: the document's.
- A statement without product is malformed: whom it is about is said outside the document.

Reads documents, not the attestations (in-toto) that they may be wrapped in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from streams.sources.base import ContextDraft, Malformed, Reading
from streams.sources.document import mapping, sequence, texts
from streams.sources.fields import dig, instant, text
from streams.sources.vex import MOST, Statement, draft

CONTEXT = "https://openvex.dev/ns"

_STATUSES = frozenset(("not_affected", "affected", "fixed", "under_investigation"))


class OpenVex:
    """OpenVEX; each draft is a statement about one product."""

    name = "openvex"
    lateness = timedelta(seconds=1)
    """Nominal: statements have dates of their own."""

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``@context``."""
        return isinstance(document, dict) and (text(document.get("@context")) or "").startswith(CONTEXT)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every statement."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
            return
        statements = document.get("statements")
        if not isinstance(statements, list):
            yield 0, Malformed("statements", "not an array")
            return
        seen: set[str] = set()
        for item, given in enumerate(statements):
            for content in _read(document, f"statements[{item}]", given):
                if not isinstance(content, Malformed):
                    if content["key"] in seen:
                        continue
                    seen.add(content["key"])
                yield item, content


def _read(document: dict[str, Any], place: str, given: object) -> Iterator[ContextDraft | Malformed]:
    if not isinstance(given, dict):
        yield Malformed(place, "not an object")
        return
    named = given.get("vulnerability")
    name = text(named, 256) or text(dig(named, "name"), 256) or text(dig(named, "@id"), 256)
    if name is None:
        yield Malformed(f"{place}.vulnerability", "no name")
        return
    status = text(given.get("status"), 64)
    if status not in _STATUSES:
        yield Malformed(f"{place}.status", f"not one of {', '.join(sorted(_STATUSES))}")
        return
    products = sequence(given.get("products"))
    if not products or len(products) > MOST:
        yield Malformed(f"{place}.products", f"not 1 to {MOST} products")
        return
    times = (given.get("last_updated"), given.get("timestamp"), document.get("last_updated"), document.get("timestamp"))
    statement = Statement(
        name.rpartition("/")[2],
        tuple(texts(dig(named, "aliases"), 256)),
        status,
        text(given.get("justification"), 256),
        text(given.get("impact_statement") or given.get("action_statement") or given.get("status_notes"), 4096),
        next((found for time in times if (found := instant(time)) is not None), None),
        text(document.get("author"), 256),
    )
    common = _identifiers(given.get("subcomponents"))
    for index, product in enumerate(products):
        found = _identifier(product)
        if found is None:
            yield Malformed(f"{place}.products[{index}]", "no @id and no purl")
            continue
        yield draft(statement, found, common + _identifiers(dig(product, "subcomponents")))


def _identifiers(given: object) -> list[str]:
    return [found for each in sequence(given)[:MOST] if (found := _identifier(each)) is not None]


def _identifier(given: object) -> str | None:
    return text(dig(mapping(given).get("identifiers"), "purl")) or text(mapping(given).get("@id")) or text(given)

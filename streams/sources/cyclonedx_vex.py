"""CycloneDX VEX documents that stand alone (JSON, specification 1.4 to 1.7) as context records of kind "vex".

Such a document lists vulnerabilities with an ``analysis`` each, and no components: what is affected is in another
document (a BOM-Link), is a purl, or is what ``metadata.component`` names. One with components is a scan with remarks,
and is read as one (``streams.sources.cyclonedx``), its statements as the status of its findings.

- One item a vulnerability, a draft for each product. Of a BOM-Link the fragment counts, which generators make of the
  purl; where it is none, the product is what ``metadata.component`` names. Without either it is malformed.
- ``analysis.state``: not_affected and false_positive are not_affected, exploitable is affected, in_triage
  under_investigation, both kinds of resolved fixed. Without a state it is ignored.
- Time: ``analysis.lastUpdated``, ``firstIssued``, the vulnerability's ``updated``, else ``metadata.timestamp``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from streams.sources.base import ContextDraft, Ignored, Malformed, Reading
from streams.sources.canonical import purl
from streams.sources.document import mapping, sequence, texts
from streams.sources.fields import dig, instant, text
from streams.sources.vex import MOST, Statement, draft

_STATES = {
    "not_affected": "not_affected",
    "false_positive": "not_affected",
    "exploitable": "affected",
    "in_triage": "under_investigation",
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
}


def stands_alone(document: Mapping[str, Any]) -> bool:
    """Whether a CycloneDX document is statements only: no components, and an analysis of its first vulnerability."""
    found = document.get("vulnerabilities")
    first = found[0] if isinstance(found, list) and found else None
    return not document.get("components") and isinstance(first, dict) and isinstance(first.get("analysis"), dict)


class CycloneDxVex:
    """VEX in CycloneDX; each draft is a statement about one product."""

    name = "cyclonedx.vex"
    lateness = timedelta(seconds=1)
    """Nominal: statements have dates of their own."""

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``bomFormat``, with vulnerabilities that were analysed and without components."""
        return isinstance(document, dict) and document.get("bomFormat") == "CycloneDX" and stands_alone(document)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every vulnerability."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
            return
        given = document.get("vulnerabilities")
        if not isinstance(given, list):
            yield 0, Malformed("vulnerabilities", "not an array")
            return
        seen: set[str] = set()
        for item, each in enumerate(given):
            for content in _read(mapping(document.get("metadata")), f"vulnerabilities[{item}]", each):
                if isinstance(content, dict):
                    if content["key"] in seen:
                        continue
                    seen.add(content["key"])
                yield item, content


def _read(metadata: dict[str, Any], place: str, given: object) -> Iterator[ContextDraft | Malformed | Ignored]:
    if not isinstance(given, dict):
        yield Malformed(place, "not an object")
        return
    name = text(given.get("id"), 256)
    if name is None:
        yield Malformed(f"{place}.id", "missing")
        return
    analysis = mapping(given.get("analysis"))
    status = _STATES.get(text(analysis.get("state"), 64) or "")
    if status is None:
        yield Ignored("vulnerability without a state")
        return
    subject = mapping(metadata.get("component"))
    own = text(subject.get("purl")) or text(subject.get("name"), 256)
    refs = [text(mapping(each).get("ref"), 1024) for each in sequence(given.get("affects"))]
    found = {_product(ref) or own for ref in refs if ref} or {own}
    products = sorted(product for product in found if product)
    if not products or len(products) > MOST:
        yield Malformed(f"{place}.affects", f"not 1 to {MOST} products that have a purl, or metadata.component's name")
        return
    times = (analysis.get("lastUpdated"), analysis.get("firstIssued"), given.get("updated"), metadata.get("timestamp"))
    ids = (text(mapping(each).get("id"), 128) for each in sequence(given.get("references"))[:MOST])
    answer = ", ".join(texts(analysis.get("response"), 64))
    statement = Statement(
        name,
        tuple(each for each in ids if each),
        status,
        text(analysis.get("justification"), 256),
        text(analysis.get("detail"), 4096) or text(answer),
        next((time for value in times if (time := instant(value)) is not None), None),
        text(dig(metadata, "supplier", "name"), 256) or text(dig(metadata, "manufacture", "name"), 256),
    )
    for product in products:
        yield draft(statement, product, [])


def _product(ref: str) -> str | None:
    fragment = unquote(ref.rpartition("#")[2] if ref.startswith("urn:cdx:") else ref)
    return fragment if fragment.startswith("pkg:") and purl(fragment) else None

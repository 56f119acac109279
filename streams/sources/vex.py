"""VEX documents that stand alone: CycloneDX (1.4 to 1.7) and OpenVEX (0.0.1 to 0.2.0).

A statement says what is known of a vulnerability in a product; it is no finding of anybody's. What a scanner reports
stays open, since what is open anywhere is open; so a statement becomes context, a policy exception that waives the
vulnerability for the product's component, and the risk of findings there tells why it fell.

- In force by ``not_affected``, ``false_positive``, ``resolved``, ``resolved_with_pedigree`` (CycloneDX),
  ``not_affected`` and ``fixed`` (OpenVEX). Any other state withdraws what an earlier statement on the same product and
  vulnerability said.
- Key: ``vex:``, component and vulnerability, so that a later document replaces an earlier one's. Of several statements
  on one in a document the last counts.
- Component: the header ``x-weir-component``, else the document's own (``metadata.component``), else the name of what is
  affected, as its package URL or BOM-Link has it. It takes effect where a catalog component is called so.
- In force from ``analysis.lastUpdated`` or the statement's time, else the document's, else ``x-weir-received``; until
  further notice. The exception is for the component, whatever version the statement names: a later build with the flaw
  needs a later statement.

A CycloneDX document with components is a bill of materials, whose own analysis its findings carry (``cyclonedx``).

Sources: CycloneDX specification, "vulnerabilities", "Vulnerability Exploitability"; OpenVEX specification 0.2.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from streams.sources.base import ContextDraft, Ignored, Malformed, Reading
from streams.sources.canonical import purl, vulnerability
from streams.sources.cyclonedx import is_statement
from streams.sources.document import digest, line, mapping, sequence, texts
from streams.sources.fields import dig, instant, text
from streams.sources.scan import RECEIVED

COMPONENT: Final = "x-weir-component"
"""Record header: the catalog component that the document's product is."""

_WAIVED: Final = frozenset(("not_affected", "false_positive", "resolved", "resolved_with_pedigree", "fixed"))
_OTHER: Final = frozenset(("exploitable", "in_triage", "affected", "under_investigation"))
_PRODUCTS: Final = 64


class _Statement(NamedTuple):
    """What one statement says of one component."""

    component: str
    rule: str
    state: str
    time: str
    why: str | None
    by: str | None


class Vex:
    """The source ``vex``."""

    name = "vex"
    lateness = timedelta(hours=24)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By OpenVEX's context, or a CycloneDX document of statements without components."""
        if not isinstance(document, dict):
            return False
        return is_statement(document) or _is_openvex(document)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every statement: a context record for each of its components."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
            return
        field = "statements" if _is_openvex(document) else "vulnerabilities"
        given = document.get(field)
        if not isinstance(given, list):
            yield 0, Malformed(field, "not an array")
            return
        reader = _openvex if field == "statements" else _cyclonedx
        read = [list(reader(document, each, f"{field}[{item}]", headers)) for item, each in enumerate(given)]
        last = {
            _key(said): (item, index)
            for item, row in enumerate(read)
            for index, said in enumerate(row)
            if isinstance(said, _Statement)
        }
        for item, row in enumerate(read):
            for index, said in enumerate(row):
                if not isinstance(said, _Statement):
                    yield item, said
                elif last[_key(said)] != (item, index):
                    yield item, Ignored("a later statement of the document replaces it")
                else:
                    yield item, _context(said)
        if not given:
            yield 0, Ignored("document without statements")


def _is_openvex(document: dict[str, Any]) -> bool:
    return str(document.get("@context", ""))[:64].startswith("https://openvex.dev/ns") and "statements" in document


def _key(said: _Statement) -> str:
    key = f"vex:{said.component}:{said.rule}"
    return key if len(key) <= 512 else f"vex:{digest((said.component, said.rule))}"


def _context(said: _Statement) -> ContextDraft:
    record: dict[str, Any] | None = None
    if said.state in _WAIVED:
        record = {
            "control": said.rule,
            "component": said.component,
            "created_at": said.time,
            "valid_from": said.time,
            "valid_to": None,
            "reason": line(f"VEX: {said.state.replace('_', ' ')}{f': {said.why}' if said.why else ''}", 256),
            "requested_by": None,
            "approved_by": said.by,
        }
    return {"type": "context", "kind": "policy_exception", "key": _key(said), "record": record}


def _cyclonedx(
    document: dict[str, Any], given: object, place: str, headers: Mapping[str, str]
) -> Iterator[_Statement | Malformed | Ignored]:
    if not isinstance(given, dict):
        yield Malformed(place, "not an object")
        return
    rule, state = text(given.get("id"), 128), text(dig(given, "analysis", "state"), 64)
    if rule is None or state is None:
        yield Malformed(f"{place}.{'id' if rule is None else 'analysis.state'}", "missing")
        return
    times = (dig(given, "analysis", "lastUpdated"), dig(given, "analysis", "firstIssued"))
    document_time = dig(document, "metadata", "timestamp")
    time = next((found for at in (*times, document_time, headers.get(RECEIVED)) if (found := instant(at))), None)
    metadata = mapping(document.get("metadata"))
    own = text(headers.get(COMPONENT), 200) or text(dig(metadata, "component", "name"), 200)
    refs = [text(mapping(entry).get("ref"), 1024) for entry in sequence(given.get("affects"))[:_PRODUCTS]]
    said = [text(dig(given, "analysis", "justification"), 64), line(dig(given, "analysis", "detail"), 200)]
    why = line(" ".join(each.replace("_", " ") if each == said[0] else each for each in said if each))
    authors = [mapping(author).get("name") for author in sequence(metadata.get("authors"))[:1]]
    people = (dig(metadata, "supplier", "name"), dig(metadata, "manufacturer", "name"), *authors)
    by = next((found for name in people if (found := text(name, 256))), None)
    yield from _stated(place, rule, state, time, why, by, [own] if own else [_named(ref) for ref in refs])


def _openvex(
    document: dict[str, Any], given: object, place: str, headers: Mapping[str, str]
) -> Iterator[_Statement | Malformed | Ignored]:
    if not isinstance(given, dict):
        yield Malformed(place, "not an object")
        return
    flaw = given.get("vulnerability")
    rule = text(flaw, 128) or text(dig(flaw, "name"), 128) or text(dig(flaw, "@id"), 128)
    state = text(given.get("status"), 64)
    if rule is None or state is None:
        yield Malformed(f"{place}.{'vulnerability' if rule is None else 'status'}", "missing")
        return
    times = (given.get("last_updated"), given.get("timestamp"), document.get("last_updated"), document.get("timestamp"))
    time = next((found for at in (*times, headers.get(RECEIVED)) if (found := instant(at))), None)
    own = text(headers.get(COMPONENT), 200)
    products = sequence(given.get("products"))[:_PRODUCTS]
    ids = [text(each, 1024) or text(dig(each, "@id"), 1024) for each in products]
    said = [text(given.get("justification"), 64), line(given.get("impact_statement"), 200)]
    why = line(" ".join(each.replace("_", " ") if each == said[0] else each for each in said if each))
    names: list[str | None] = [own] if own else [_named(ref) for ref in ids]
    yield from _stated(place, rule, state, time, why, text(document.get("author"), 256), names)


def _stated(
    place: str,
    rule: str,
    state: str,
    time: str | None,
    why: str | None,
    by: str | None,
    names: list[str | None],
) -> Iterator[_Statement | Malformed | Ignored]:
    components = list(dict.fromkeys(name for name in names if name))
    if state not in _WAIVED and state not in _OTHER:
        yield Malformed(place, "a state that the format does not have")
    elif time is None:
        yield Malformed(place, "no time, and no time of arrival either")
    elif not components:
        yield Malformed(place, "no product, and no component by header either")
    else:
        for component in components:
            yield _Statement(component, vulnerability(rule), state, time, why, by)


def _named(reference: str | None) -> str | None:
    """The name of a product: the last part of a package URL, or what a BOM-Link's fragment has of one."""
    if reference is None:
        return None
    url = purl(reference.rpartition("#")[2] if reference.startswith("urn:cdx:") else reference)
    name = (url.rpartition("/")[2].partition("@")[0] if url else reference.rpartition("#")[2])[:200]
    return next(iter(texts([name])), None)

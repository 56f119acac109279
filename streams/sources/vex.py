"""What the VEX formats have in common: a statement about a vulnerability in a product, as a context record.

One record a vulnerability and product, so that a later statement takes the place of the earlier one; its form is that
of kind "vex" in ``streams.correlation.context_forms``. A product is a package (purl), an image (a purl of type oci, or
an image reference), else the name of a component.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

from streams.sources.base import ContextDraft
from streams.sources.canonical import image, purl, vulnerability
from streams.sources.document import digest, line

MOST = 64
"""Products, parts and aliases of one statement."""


class Statement(NamedTuple):
    """One statement of a document, before it is a record for each product. ``timestamp`` is RFC 3339."""

    vulnerability: str
    aliases: tuple[str, ...]
    status: str
    justification: str | None
    text: str | None
    timestamp: str | None
    author: str | None


def draft(statement: Statement, product: str, parts: list[str]) -> ContextDraft:
    """The record about one product; ``parts`` are the purls of what is meant inside of it."""
    named = vulnerability(statement.vulnerability)
    what, name = _product(product)
    packages = sorted({found for part in parts[:MOST] if (found := purl(part))})
    record: dict[str, Any] = {
        "vulnerability": named,
        "aliases": [other for alias in statement.aliases[:MOST] if (other := vulnerability(alias)) != named],
        what: name,
        "packages": packages,
        "status": statement.status,
        "justification": line(statement.justification, 128),
        "statement": line(statement.text, 256),
        "timestamp": statement.timestamp,
        "author": line(statement.author, 128),
    }
    key = f"{named} {what} {name}" + (f" {digest(tuple(packages))}" if packages else "")
    if len(key) > 512:
        key = f"{named[:64]} {digest((what, name, *packages))}"
    return {"type": "context", "kind": "vex", "key": key, "record": record}


def _product(reference: str) -> tuple[str, str]:
    """The field of the record, and what it holds.

    >>> _product("pkg:oci/pay@sha256%3A" + "0" * 64 + "?repository_url=ghcr.io/acme/pay")[1][:24]
    'ghcr.io/acme/pay@sha256:'
    """
    if reference.startswith(("pkg:oci/", "pkg:docker/")):
        head, _, query = reference.partition("?")
        name, _, version = head.partition("/")[2].partition("@")
        asked = parse_qs(query)
        where = (asked.get("repository_url") or [unquote(name)])[0]
        tag = (asked.get("tag") or [""])[0]
        version = unquote(version)
        given = f"{where}@{version}" if ":" in version else f"{where}:{version or tag}" if version or tag else where
        if (found := image(given)) is not None:
            return "image", found.id
    if (url := purl(reference)) is not None:
        return "package", url
    if "@sha256:" in reference and (found := image(reference)) is not None:
        return "image", found.id
    return "component", reference[:256]

"""Drafts that say which scan reported them: findings with what identity and comparing scans need, and the scan itself.

``target`` is one text for what a scan looked at, the same in every scan of it and from every tool: a word for its
kind and its name, ``image ghcr.io/acme/pay:1.4``, ``repository acme/pay``, ``directory .``. Images are spelt as
``canonical.image`` spells them, by the name that the scan was given: a digest names one build only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streams.sources.base import EntityDraft, FindingDraft, IdentityDraft, ScanDraft
from streams.sources.canonical import image
from streams.sources.document import digest, line

RECEIVED = "x-weir-received"
"""Header in which the caller gives the broker's timestamp as RFC 3339 text, for formats that have no time."""


ScannedDraft = FindingDraft
"""The draft of a finding by a scanner."""


def scan_draft(
    *,
    reporter: str,
    target: str,
    scan: str,
    time: str,
    domain: str,
    entities: Iterable[EntityDraft],
    findings: int,
    identities: Sequence[IdentityDraft] = (),
) -> ScanDraft:
    """The event that says a complete report of ``findings`` findings has ended, and what its images are by digest."""
    draft: ScanDraft = {
        "type": "scan",
        "source_id": _short(f"{scan}/{target}"),
        "time": time,
        "domain": domain,
        "entities": list(entities),
        "title": line(f"{reporter} scanned {target}: {findings} findings") or reporter,
        "reporter": reporter,
        "target": target,
        "scan": scan,
        "findings": findings,
    }
    if identities:
        draft["identities"] = list(identities)
    return draft


def image_target(reference: str) -> str | None:
    """The target of an image scan, None where the text names nothing. A name with spaces stays as it is.

    >>> image_target("docker.io/library/nginx:1.27")
    'image nginx:1.27'
    """
    if not reference.strip():
        return None
    found = image(reference)
    return f"image {found.id if found else reference.strip()}"[:1024]


def scan_id(*parts: str | None) -> str:
    """An id for a report that gives none: a hash of what tells it from others."""
    return digest(parts)


def _short(identity: str) -> str:
    return identity if len(identity) <= 512 else digest((identity,))

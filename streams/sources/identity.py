"""The statements about who stands for whom that several formats have in common.

An identity is ``(kind, id, of kind, of id)``: the first stands for the second, and the event is the evidence
(``schemas.events.Identity``; which are stated, and for how long each holds: ``streams.correlation.statement``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from streams.sources.base import EntityDraft, IdentityDraft
from streams.sources.canonical import Image

MAX_IDENTITIES = 32
"""Of one event."""

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}")
_GHSA = re.compile(r"GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}")


def stands_for(entity: EntityDraft, of: EntityDraft) -> IdentityDraft:
    """The statement that the entity stands for another one."""
    return (*entity, *of)


def tag_of(found: Image, tag: str | None = None) -> list[IdentityDraft]:
    """That an image by its tag is the one by its digest, where both are known; ``tag`` in place of the reference's.

    >>> tag_of(Image("acme/pay", "1.4", "sha256:0"))
    [('image', 'acme/pay:1.4', 'image', 'acme/pay@sha256:0')]
    """
    tag = found.tag or tag
    if not tag or not found.digest:
        return []
    return [("image", f"{found.repository}:{tag}", "image", f"{found.repository}@{found.digest}")]


def tags_of(tagged: Iterable[Image], exact: Iterable[Image]) -> list[IdentityDraft]:
    """The statements of a report that names one image by tags and by digests: of repositories with one digest only.

    >>> tags_of([Image("acme/pay", "1.4", None)], [Image("acme/pay", None, "sha256:0")])
    [('image', 'acme/pay:1.4', 'image', 'acme/pay@sha256:0')]
    """
    digests: dict[str, set[str]] = {}
    for each in exact:
        if each.digest:
            digests.setdefault(each.repository, set()).add(each.digest)
    said = [
        identity
        for each in tagged
        if each.tag and len(known := digests.get(each.repository, set())) == 1
        for identity in tag_of(Image(each.repository, each.tag, min(known)))
    ]
    return list(dict.fromkeys(said))[:MAX_IDENTITIES]


def cve_of(ids: list[str]) -> list[IdentityDraft]:
    """That the GHSA id of one advisory is its CVE id. Not for ids that are only related, nor for several of a kind.

    >>> cve_of(["GHSA-jfh8-c2jp-5v3q", "CVE-2021-44228"])
    [('vulnerability', 'GHSA-jfh8-c2jp-5v3q', 'vulnerability', 'CVE-2021-44228')]
    """
    cves = [each for each in ids if _CVE.fullmatch(each)]
    advisories = [each for each in ids if _GHSA.fullmatch(each)]
    if len(cves) != 1 or len(advisories) != 1:
        return []
    return [("vulnerability", advisories[0], "vulnerability", cves[0])]


def commit_of(short: object, full: str | None) -> list[IdentityDraft]:
    """That an abbreviated hash is the full one which the same event names, and which begins with it.

    >>> commit_of("ab12cd3", "ab12cd3" + 33 * "0")[0][1]
    'ab12cd3'
    """
    if full is None or not isinstance(short, str) or not 7 <= len(short) < len(full):
        return []
    return [("commit", short.lower(), "commit", full)] if full.startswith(short.lower()) else []

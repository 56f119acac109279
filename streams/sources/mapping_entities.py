"""Ids of entities that a mapping names, in the spelling that all sources use; what is no id of its kind is refused."""

from __future__ import annotations

from collections.abc import Callable

from schemas.entity import EntityKind
from streams.sources.aws_names import canonical
from streams.sources.canonical import image, purl, repository, vulnerability
from streams.sources.fields import address, email, host

LONGEST = 512


def _image(value: str) -> str | None:
    found = image(value)
    return found.id if found else None


def _repository(value: str) -> str | None:
    found = repository(value)
    return found.path if found else None


def _principal(value: str) -> str | None:
    return email(value) or canonical(value)


_SPELLING: dict[str, Callable[[str], str | None]] = {
    "ip": address,
    "host": host,
    "image": _image,
    "repository": _repository,
    "package": purl,
    "vulnerability": vulnerability,
    "principal": _principal,
    "resource": canonical,
    "commit": str.lower,
}
_WANTED = {
    "ip": "no IP address",
    "host": "no name of a host",
    "image": "no image reference",
    "repository": "no owner/name or URL of a repository",
    "package": "no package URL (pkg:…)",
}


def entity_id(kind: EntityKind, value: str) -> str | None:
    """The id of an entity as events carry it; None if the text is no id of this kind, or too long for one.

    >>> entity_id("ip", "010.0.0.7"), entity_id("ip", "n/a"), entity_id("host", "Web-1.Example.com.")
    ('10.0.0.7', None, 'web-1.example.com')
    """
    value = value.strip()
    if not 0 < len(value) <= LONGEST:
        return None
    spelt = _SPELLING.get(kind)
    found = spelt(value) if spelt else value
    return found if found and len(found) <= LONGEST else None


def unfit(kind: EntityKind) -> str:
    """Why ``entity_id`` gave None, without the value."""
    return _WANTED.get(kind, f"empty, or longer than {LONGEST} characters")

"""What a unit tells other domains: that it has a strong indicator, or no longer has it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Contract, SchemaVersion, Utc

IndicatorKind = Literal[
    "ip",  # a public address
    "principal",
    "access_key",
    "vulnerability",  # CVE or GHSA
    "file",  # the hash of a file's content
    "image",  # the digest of an image, without its repository
    "commit",
    "url",
]
"""Kinds of entity (``schemas.entity.EntityKind``) that mean the same thing in every domain."""


class Indicator(Contract):
    """One record of the indicators topic, whose key is ``kind:id``. Each unit says ``seen`` once, until ``withdrawn``.

    ``(domain, unit_id, kind, id)`` is its identity. A unit withdraws what it loses, and all of it when it closes or is
    merged; after a merge the unit ``merged_into`` stands for it.
    """

    v: SchemaVersion = 1
    kind: IndicatorKind
    id: str = Field(min_length=1, max_length=512, description="canonical: of an image the digest alone")
    state: Literal["seen", "withdrawn"]
    domain: str = Field(min_length=1)
    unit_id: str = Field(min_length=1)
    time: Utc = Field(description="log time of the revision that says so")
    weight: float = Field(default=0, ge=0, description="in holding the unit together; 0 where it is withdrawn")
    merged_into: str | None = Field(default=None, description="of withdrawn: the unit of this domain it went into")

"""Where an event goes: the partition of a domain, and the further domains a change concerns. Pure."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from streams.catalog import Catalog


@lru_cache(maxsize=65_536)
def partition_of(domain: str, partitions: int) -> int:
    """The partition of a correlation domain: a stable hash, the same in every process and version."""
    return int.from_bytes(blake2b(domain.encode(), digest_size=8).digest(), "big") % partitions


def concerned(catalog: Catalog, component: str | None, domain: str) -> tuple[str, ...]:
    """The other domains that get a copy of a change to ``component``: those that depend on it. Sorted."""
    if component is None:
        return ()
    return tuple(d for d in catalog.dependents(component) if d != domain)

"""An additive set hash: which members a unit has, in 32 bytes, whatever order they came in.

The sum, modulo 2**256, of BLAKE2b-256 over each (source, source id). Adding and taking away are O(1), and merging two
disjoint sets is one addition. With a 256-bit modulus nobody finds two sets with one sum by chance; it is no defence
against somebody who can choose thousands of ids freely (Wagner's generalised birthday), which the log is there for.
"""

from __future__ import annotations

from hashlib import blake2b

_MODULUS = 2**256
EMPTY = "0"


def add(total: str, source: str, source_id: str) -> str:
    """The hash of the set with one more member, as hex."""
    digest = blake2b(f"{source}\x1f{source_id}".encode(), digest_size=32).digest()
    return f"{(int(total, 16) + int.from_bytes(digest, 'big')) % _MODULUS:x}"


def take(total: str, source: str, source_id: str) -> str:
    """The hash of the set without one of its members, as hex."""
    digest = blake2b(f"{source}\x1f{source_id}".encode(), digest_size=32).digest()
    return f"{(int(total, 16) - int.from_bytes(digest, 'big')) % _MODULUS:x}"


def union(one: str, other: str) -> str:
    """The hash of two disjoint sets together."""
    return f"{(int(one, 16) + int(other, 16)) % _MODULUS:x}"

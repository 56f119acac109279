"""Hits, as they lie in the state: plain tuples in the order of event time. Times in event ms.

``(time, steps, source, source_id, values, told, more)``: ``steps`` is a bit mask of the rule's steps that the event
meets, ``values`` what a distinct rule counts, ``told`` 1 if an absence rule has named it as a member, and ``more``
either () or (end, hits, hash) of the neighbours up to ``end`` that it stands for besides itself. So their natural order
is by time, at one instant by step, then by id, and a time alone finds its place among them: ``bisect(hits, (time,))``.
"""

from __future__ import annotations

from bisect import bisect, bisect_left
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

Hit = tuple[int, int, str, str, tuple[str, ...], int, tuple[Any, ...]]
Hits = tuple[Hit, ...]

TIME: Final = 0
STEPS: Final = 1
SOURCE: Final = 2
SOURCE_ID: Final = 3
VALUES: Final = 4
TOLD: Final = 5
MORE: Final = 6

HASH_MODULUS = 2**63
"""Sums stay within what JSON readers take for an integer."""


def since(hits: Sequence[Hit], time: int) -> int:
    """The place of the first hit at or after ``time``."""
    return bisect_left(hits, (time,))


def twin(hits: Sequence[Hit], hit: Hit) -> int | None:
    """The place of the same event: one call of an interface comes as an activity and as a change, and counts once."""
    place = since(hits, hit[TIME])
    while place < len(hits) and hits[place][TIME] == hit[TIME]:
        if hits[place][SOURCE_ID] == hit[SOURCE_ID] and hits[place][SOURCE] == hit[SOURCE]:
            return place
        place += 1
    return None


def merged(one: Hit, other: Hit) -> Hit:
    """The steps and values of two readings of one event."""
    values = one[VALUES] if one[VALUES] == other[VALUES] else tuple(sorted({*one[VALUES], *other[VALUES]}))
    return one[TIME], one[STEPS] | other[STEPS], one[SOURCE], one[SOURCE_ID], values, one[TOLD], one[MORE]


def insert(hits: Hits, hit: Hit) -> tuple[Hits, int]:
    """The hits with one more, and its place."""
    place = bisect(hits, hit)
    return ((*hits, hit) if place == len(hits) else (*hits[:place], hit, *hits[place:])), place


def member_hash(hit: Hit) -> int:
    """Its part of the additive hash of a run's members, with all that it stands for."""
    text = f"{hit[SOURCE]}\x1f{hit[SOURCE_ID]}".encode()
    own = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
    return (own + hit[MORE][2] if hit[MORE] else own) % HASH_MODULUS


def weight(hit: Hit) -> int:
    """How many hits it stands for, itself included."""
    return 1 + hit[MORE][1] if hit[MORE] else 1


def end(hit: Hit) -> int:
    """The time of the last hit that it stands for."""
    last: int = hit[MORE][0] if hit[MORE] else hit[TIME]
    return last


def absorb(hit: Hit, later: Hit) -> Hit:
    """The hit, standing for the later one as well."""
    _, hits, total = hit[MORE] or (0, 0, 0)
    more = (end(later), hits + weight(later), (total + member_hash(later)) % HASH_MODULUS)
    return hit[TIME], hit[STEPS], hit[SOURCE], hit[SOURCE_ID], hit[VALUES], hit[TOLD], more

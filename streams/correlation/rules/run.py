"""Runs: overlapping windows as one, from the first hit to the last, with what is known of all hits between.

``(first, source, source_id, last, members, hash, counts, values)``: the anchor, which is the earliest hit by event
time, source and source id, and so a run's place among runs; the last hit's time; how many hits, their additive hash,
how many by step, and the smallest ``DISTINCT`` hashes of the values that a distinct rule counts. Times in event ms. A
plain tuple, since it is part of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

from streams.correlation.rules.hit import HASH_MODULUS, SOURCE, SOURCE_ID, STEPS, TIME, VALUES, Hit, member_hash, weight

Run = tuple[int, str, str, int, int, int, tuple[int, ...], tuple[str, ...]]

FIRST: Final = 0
ANCHOR_SOURCE: Final = 1
ANCHOR_ID: Final = 2
LAST: Final = 3
MEMBERS: Final = 4
HASH: Final = 5
COUNTS: Final = 6
DISTINCT_VALUES: Final = 7

DISTINCT = 64
"""So many different values of a run are counted exactly; with more it is "64 or more"."""


def of(hits: Sequence[Hit], steps: int) -> Run:
    """The run of these hits, in their order; there is at least one. ``steps``: how many the rule has."""
    counts = [0] * steps
    members = total = 0
    values: set[str] = set()
    for hit in hits:
        times = weight(hit)
        members += times
        total += member_hash(hit)
        mask = hit[STEPS]
        while mask:
            counts[(mask & -mask).bit_length() - 1] += times
            mask &= mask - 1
        values.update(hit[VALUES])
    hashes = tuple(sorted(_short(value) for value in values)[:DISTINCT])
    first = hits[0][TIME]
    source, source_id = hits[0][SOURCE], hits[0][SOURCE_ID]
    if len(hits) > 1 and hits[1][TIME] == first:
        source, source_id = min((hit[SOURCE], hit[SOURCE_ID]) for hit in hits if hit[TIME] == first)
    return first, source, source_id, hits[-1][TIME], members, total % HASH_MODULUS, tuple(counts), hashes


def join(one: Run, other: Run) -> Run:
    """Two runs of different hits as one. Commutes and associates."""
    values = one[DISTINCT_VALUES]
    if other[DISTINCT_VALUES] and other[DISTINCT_VALUES] != values:
        values = tuple(sorted({*values, *other[DISTINCT_VALUES]})[:DISTINCT])
    first, source, source_id, *_ = min(one, other)
    return (
        first,
        source,
        source_id,
        max(one[LAST], other[LAST]),
        one[MEMBERS] + other[MEMBERS],
        (one[HASH] + other[HASH]) % HASH_MODULUS,
        tuple(map(int.__add__, one[COUNTS], other[COUNTS])),
        values,
    )


def without(run: Run, hit: Hit) -> Run:
    """The run less what one of its hits adds to the numbers; its ends, anchor and values stay."""
    alone = of((hit,), len(run[COUNTS]))
    counts = tuple(map(int.__sub__, run[COUNTS], alone[COUNTS]))
    members, total = run[MEMBERS] - alone[MEMBERS], (run[HASH] - alone[HASH]) % HASH_MODULUS
    return (*run[:MEMBERS], members, total, counts, run[DISTINCT_VALUES])


def joined(runs: Iterable[Run], gap: int) -> tuple[Run, ...]:
    """Runs in order, with those that lie at most ``gap`` ms apart as one."""
    out: list[Run] = []
    for run in sorted(runs):
        if out and run[FIRST] - out[-1][LAST] <= gap:
            out[-1] = join(out[-1], run)
        else:
            out.append(run)
    return tuple(out)


def identity(line: str, run: Run) -> str:
    """16 hex digits, of the line (rule and group) and the anchor."""
    text = "\x1f".join((line, run[ANCHOR_SOURCE], run[ANCHOR_ID]))
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _short(value: str) -> str:
    return blake2b(value.encode(), digest_size=6).hexdigest()

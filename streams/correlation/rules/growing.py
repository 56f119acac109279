"""Hits and runs of a group whose windows are never undone by another hit: every kind of rule but absence.

A hit that opens windows makes one run of all runs that its windows overlap. Inside a run nothing needs to be looked at:
the windows that make it leave no gap, so whatever falls between its ends is a member.
"""

from __future__ import annotations

from typing import NamedTuple

from streams.correlation.rules import run as runs_of
from streams.correlation.rules.hit import STEPS, TIME, VALUES, Hit, Hits, insert, merged, since, twin
from streams.correlation.rules.run import FIRST, LAST, Run, join
from streams.correlation.rules.sliding import Window


class Growth(NamedTuple):
    """What a hit did: the hits and runs then; the run that it is in, the runs that this one takes in, its new hits."""

    hits: Hits
    runs: tuple[Run, ...]
    run: Run | None
    before: tuple[Run, ...]
    added: tuple[Hit, ...]


def grow(window: Window, hits: Hits, runs: tuple[Run, ...], hit: Hit, steps: int) -> Growth:
    """Put a hit among the hits, in any order of event time. ``steps``: how many the rule has."""
    time = hit[TIME]
    at = twin(hits, hit)
    if at is not None:
        known = hits[at]
        hit = merged(known, hit)
        if hit[STEPS] == known[STEPS] and hit[VALUES] == known[VALUES]:
            return Growth(hits, runs, None, (), ())
        hits = (*hits[:at], *hits[at + 1 :])
    hits, place = insert(hits, hit)
    span = window.reach(hits, place)
    if span is None:
        if not any(run[FIRST] <= time <= run[LAST] for run in runs):
            return Growth(hits, runs, None, (), ())
        span = time, time
    first, last = span
    before = tuple(run for run in runs if run[FIRST] <= last and run[LAST] >= first)
    added: list[Hit] = []
    begin = first
    for run in before:
        if begin < run[FIRST]:
            added += hits[since(hits, begin) : since(hits, run[FIRST])]
        begin = max(begin, run[LAST] + 1)
        if run[FIRST] <= time <= run[LAST]:
            added.append(hit)
    if begin <= last:
        added += hits[since(hits, begin) : since(hits, last + 1)]
    grown = runs_of.of(added, steps)
    for run in before:
        if at is not None and run[FIRST] <= time <= run[LAST]:
            run = runs_of.without(run, known)
        grown = join(grown, run)
    if len(before) == len(runs):
        return Growth(hits, (grown,), grown, before, tuple(added))
    kept = sorted((grown, *(run for run in runs if run not in before)))
    return Growth(hits, tuple(kept), grown, before, tuple(added))

"""What a group may forget, and what it loses by it.

Nothing is lost where hits are too old for any event that is still taken, or lie inside a run where no window beyond it
depends on them (of a sequence: unless events come late into the run). If that is not enough, an absence rule can no
more take back the oldest of what it told; neighbours of the same steps and values are kept as one that stands for both
(windows that begin or end between them may be missed, and a run that does counts them wholly); and then the oldest go
(what only they would have completed is missed). No window of a growing rule is ever found that is not there.
"""

from __future__ import annotations

from streams.correlation.rules.hit import STEPS, TIME, TOLD, VALUES, Hit, Hits, absorb, end, since, weight
from streams.correlation.rules.run import FIRST, LAST, Run
from streams.correlation.rules.sliding import Window


def inside(window: Window, hits: Hits, runs: tuple[Run, ...]) -> Hits:
    """The hits without those inside runs on which nothing depends."""
    out: list[Hit] = []
    begin = 0
    for run in runs:
        first, last = since(hits, run[FIRST]), since(hits, run[LAST] + 1)
        out += hits[begin:first]
        members = hits[first:last]
        out += [members[place] for place in sorted(window.ends(members))]
        begin = last
    out += hits[begin:]
    return tuple(out)


def alike(hits: Hits, runs: tuple[Run, ...], keep: int, least: int) -> Hits:
    """At least ``keep`` hits: neighbours outside runs as one, the closest first.

    Of each stretch of like hits the first and the last ``least`` stay alone.
    """
    spans = [(run[FIRST], run[LAST]) for run in runs]
    free = [not any(first <= hit[TIME] <= last for first, last in spans) for hit in hits]
    gaps: list[tuple[int, int]] = []
    begin = 0
    for place in range(1, len(hits) + 1):
        if place < len(hits) and free[place] and free[begin] and _alike(hits[place], hits[begin]):
            continue
        inner = range(begin + least, place - least - 1)
        gaps += [(end(hits[at + 1]) - hits[at][TIME], at) for at in inner]
        begin = place
    gone: set[int] = set()
    out: dict[int, Hit] = dict(enumerate(hits))
    for _, at in sorted(gaps):
        if len(out) <= keep:
            break
        if at in gone or at + 1 in gone or at - 1 in gone:
            continue
        out[at] = absorb(out[at], out.pop(at + 1))
        gone.update((at, at + 1))
    return tuple(out[at] for at in sorted(out))


def oldest(hits: Hits, keep: int) -> tuple[Hits, int]:
    """The newest ``keep`` hits, and how many hits the others stood for."""
    gone = hits[: max(0, len(hits) - keep)]
    return hits[len(gone) :], sum(weight(hit) for hit in gone)


def _alike(one: Hit, other: Hit) -> bool:
    return one[STEPS] == other[STEPS] and one[VALUES] == other[VALUES] and one[TOLD] == other[TOLD]

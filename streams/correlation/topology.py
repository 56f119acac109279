"""Signals joined because one component depends on the other: what may spread over a dependency, how far, how soon.

A shared component links for as long as signals go on, and ``link_window_ms`` more. A dependency is weaker evidence: it
links signals that *begin* within ``dependency_ms``, over a further hop half of it, up to ``MAX_HOPS``. What so many
depend on that a signal there says nothing about any one of them (more than ``max_dependents``) is a hub: it is neither
linked with its dependents nor passed through. A component that many unrelated signals share links over its dependencies
no more than by itself (``spread``).

A detection says little by itself: it is joined with other kinds of signals over one hop, and with another detection
only if they begin within ``align_ms``, as over any shared place. Findings that are states are not joined this way at
all: a vulnerability does not spread to who calls the service.

The dependencies are those of the catalog as folded when the signal came, and stay with its session. So the order of
events changes nothing; a catalog record that comes between two signals counts for the later one only.

Wrong for dependencies between domains: their signals are in other units, which only changes reach (``routing``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from schemas.parameters import Parameters
from schemas.unit import JoinedBy
from streams.correlation.density import KIND
from streams.correlation.facts import Facts
from streams.correlation.rows import MAX_NEAR, Near, SignalRow

MAX_HOPS: Final = 2
STATED: Final = 20
"""Dependencies that a unit names."""


def near(component: str, facts: Callable[[str], Facts | None], most: int) -> tuple[Near, ...]:
    """What a component depends on as (hops, name), by hops and name; itself, at no hops, if others depend on it.

    ``facts``: None of what has no signals of its own in the component's domain; that is not passed through either.
    ``most``: dependents from more than which on a component is a hub.
    """
    start = facts(component)
    if start is None:
        return ()
    own = start.name or component
    found: list[Near] = [(0, own)] if 0 < start.dependents <= most else []
    known = {own}
    front: Iterable[Facts] = (start,)
    for hops in range(1, MAX_HOPS + 1):
        names = sorted({name for each in front for name in each.depends_on} - known)
        reached = [(name, each) for name in names if (each := facts(name)) is not None and each.dependents <= most]
        known.update(names)
        found += [(hops, name) for name, _ in reached]
        front = [each for _, each in reached]
    return tuple(found[:MAX_NEAR])


def window(hops: int, parameters: Parameters) -> int:
    """Event time, ms, within which signals so many hops apart are linked; never longer than of a shared component."""
    return min(parameters.dependency_ms, parameters.link_window_ms) >> (hops - 1)


def lines(row: SignalRow, parameters: Parameters) -> list[tuple[str, str, int]]:
    """The lines that a session's beginning is on: its own, the one that it sees, and the window, ms.

    ``<`` are those of who depends, ``>`` of what is depended on, ``%`` those of detections for other signals, ``=`` for
    each other. Nothing is linked with what is on the same line: two components that depend on one are not.
    """
    detected = row.kind == KIND
    out = []
    for hops, name in row.near:
        for apart in (hops,) if hops else range(1, MAX_HOPS + 1):
            mine, theirs = ("@<", "@>") if hops else ("@>", "@<")
            at, wide = f"{apart}\x1f{name}", window(apart, parameters)
            if not detected:
                out.append((mine + at, theirs + at, wide))
            if apart == 1:
                own, seen = ("%", "") if detected else ("", "%")
                out.append((mine + own + at, theirs + seen + at, wide))
                if detected:
                    out.append((f"{mine}={at}", f"{theirs}={at}", parameters.align_ms))
    return out


def joined_by(sessions: Sequence[tuple[str, SignalRow]], parameters: Parameters) -> tuple[JoinedBy, ...]:
    """The dependencies that join sessions of a unit, given with their signatures; at most ``STATED``, by component."""
    rows = [row for _, row in sessions if row.near]
    there: dict[str, list[SignalRow]] = {}
    for row in rows:
        hops, own = row.near[0]
        if hops == 0:
            there.setdefault(own, []).append(row)
    found: dict[tuple[str, str], JoinedBy] = {}
    for row in rows if there and parameters.dependency_ms else ():
        for hops, name in row.near:
            pair = row.component or "", name
            if hops and name in there and pair not in found:
                wide = window(hops, parameters)
                if any(_close(row, other, hops, wide, parameters) for other in there[name]):
                    over = f" over {hops} hops" if hops > 1 else ""
                    text = f"{pair[0]} depends on {name}{over}, and signals of both began within {_span(wide)}"
                    found[pair] = JoinedBy(component=pair[0], depends_on=name, hops=hops, text=text)
    return tuple(found[pair] for pair in sorted(found))[:STATED]


def _close(row: SignalRow, other: SignalRow, hops: int, wide: int, parameters: Parameters) -> bool:
    detections = (row.kind == KIND) + (other.kind == KIND)
    apart = abs(row.first - other.first)
    return apart <= (parameters.align_ms if detections == 2 else wide) and (hops == 1 or not detections)


def _span(ms: int) -> str:
    for name, unit in (("hour", 3_600_000), ("minute", 60_000), ("second", 1_000)):
        if ms >= unit and ms % unit == 0:
            return f"{ms // unit} {name}{'s' if ms != unit else ''}"
    return f"{ms} ms"

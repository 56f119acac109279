"""Where a session is on the lines, and so what it is linked to.

A hook is a place on the line of a key: two sessions are linked if their places on one line are within its window.

- ``=``: repeats of the same signature.
- an entity's own line: for as long as few unrelated signals share it (``spread``).
- ``@``: the line of a shared entity: only sessions that *begin* together are linked, since what happens on one host at
  one moment is rarely two things. Lines are cut into pieces, so that they stay short.
- ``%``: detections at a place. They are linked with one another as ``density`` says; here only with other signals.
- ``@<`` and ``@>``: a component that depends on another, and the other one, by beginnings, too (``topology``).
- what the signal brought along: identity of a finding, a grouping rule's key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from schemas.parameters import Parameters
from streams.correlation.density import KIND, PLACES
from streams.correlation.entity_weight import links
from streams.correlation.rows import SignalRow
from streams.correlation.spread import TARGETS, Spread
from streams.correlation.topology import lines

Root = Callable[[str, str, int], tuple[str, str]]
"""What an entity stands for at an event time (ms): kind and id in, kind and id out."""

FOREVER: Final = 2**62
"""The window of a hook that time does not end."""

CUT_MS: Final = 60_000
"""The least length of a piece of an ``@`` line."""


class Hook(NamedTuple):
    """A place on a line: first and last event time (ms), and the window within which others are linked (ms).

    ``sees``: another line whose sessions are linked, too. ``alone``: those on its own line are not.
    """

    key: str
    first: int
    last: int
    window: int
    sees: str = ""
    alone: bool = False


def itself(kind: str, id_: str, time: int) -> tuple[str, str]:
    """The root of an entity where nothing is known of others."""
    return kind, id_


def entity_key(kind: str, id_: str) -> str:
    """The key of an entity's line."""
    return f"{kind}\x1f{id_}"


def identity_key(line: str) -> str:
    """The key of the line of a finding's identity: its reports are linked whatever time lies between them."""
    return f"id\x1f{line}"


def hooks(
    row: SignalRow,
    signature: str,
    spread: Spread,
    parameters: Parameters,
    root: Root = itself,
    *,
    begun: bool = False,
) -> list[Hook]:
    """All places of a session. They follow from it, the numbers in ``spread``, and what entities stand for.

    ``begun``: without those that dependencies give to its beginning, which it has already.
    """
    window = parameters.link_window_ms
    detected = row.kind == KIND
    size = parameters.spread_bucket_ms
    first, last = row.first, row.last
    out = [Hook(f"=\x1f{signature}", first, last, parameters.link_ms if detected else window)]
    buckets = range(first // size, last // size + 1)
    roots = sorted({root(*entity, first) for entity in row.entities if links(*entity)})
    blocked = {b for b in buckets if spread.everywhere(roots, b, parameters) is not None}
    for kind, id_ in roots:
        key, sees, alone = entity_key(kind, id_), "", False
        if kind in PLACES:
            key, sees, alone = (f"%{key}", key, True) if detected else (key, f"%{key}", False)
        common = [
            b for b in buckets if (kind in TARGETS and b in blocked) or not spread.specific((kind, id_), b, parameters)
        ]
        start = first
        for bucket in common:
            if start < bucket * size:
                out.append(Hook(key, start, bucket * size - 1, window, sees, alone))
            start = (bucket + 1) * size
        if start <= last:
            out.append(Hook(key, start, last, window, sees, alone))
        if first // size in common and not alone:
            out.extend(_aligned(f"@{key}", first, parameters.align_ms))
    if row.near and parameters.dependency_ms and not begun:
        out.extend(_over_dependencies(row, spread, parameters, root))
    for line, _ in row.keys:
        out.append(Hook(identity_key(line), first, last, FOREVER))
    for key, width, begins in row.hooks:
        if not begins:
            out.append(Hook(key, first, last, width))
        else:
            out.extend(_aligned(key, first, width))
    return out


def _aligned(key: str, at: int, width: int, sees: str = "") -> list[Hook]:
    """The hooks of a beginning: one, or two where the line's next piece is near. A piece is at least ``width`` long."""
    cut = max(CUT_MS, width)
    pieces = {at // cut, (at + width) // cut}
    return [
        Hook(f"{key}\x1f{piece}", at, at, width, f"{sees}\x1f{piece}" if sees else "", bool(sees))
        for piece in sorted(pieces)
    ]


def _over_dependencies(row: SignalRow, spread: Spread, parameters: Parameters, root: Root) -> list[Hook]:
    """Where the component itself links at the beginning: what depends on it, and what it depends on."""
    own = root("component", row.component or "", row.first)
    if not spread.specific(own, row.first // parameters.spread_bucket_ms, parameters):
        return []
    return [hook for key, sees, window in lines(row, parameters) for hook in _aligned(key, row.first, window, sees)]


def begins(row: SignalRow, placed: list[Hook]) -> bool:
    """Whether some hook holds the beginning alone, so that another beginning must be looked at anew."""
    return any(hook.key.startswith("@") for hook in placed) or any(hook[2] for hook in row.hooks)

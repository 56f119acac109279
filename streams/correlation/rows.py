"""The rows of the correlation state. All of them survive JSON: ints, floats, strings, None and tuples of these."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

Pairs = tuple[tuple[str, str], ...]
"""Entities as plain pairs of kind and id."""


Hook = tuple[str, int, bool]
"""Another reason to link: the key of a line, its window in ms, and whether only the first occurrence is on it."""


Near = tuple[int, str]
"""A component that a signal's own one depends on, after the hops to it; at 0 hops itself, where others depend on it."""

MAX_NEAR: Final = 16
"""Components that a signal is linked with over dependencies, the nearest first."""


class SignalRow(NamedTuple):
    """One session of a signal: occurrences of one signature with short gaps. Its first one, and what the others add.

    Times in event ms. What a unit shows as one signal may be several sessions.
    """

    source: str
    source_id: str
    kind: str
    first: int
    last: int
    times: int
    title: str
    severity: int
    score: float
    why: tuple[str, ...]
    entities: Pairs
    component: str | None
    members: str  # additive set hash over (source, source_id) of the occurrences, hex
    kev: bool = False
    cvss: float | None = None
    fix: str | None = None
    action: str | None = None  # of an anomaly: the call, and who made it
    actor: str | None = None
    rule: str | None = None  # of a finding
    reporter: str | None = None
    status: str = "open"
    epss: float | None = None
    aliases: tuple[str, ...] = ()  # other ids of the same weakness
    hooks: tuple[Hook, ...] = ()
    routine: bool = False  # began as one more repeat of what comes all the time
    home: str = ""  # the cluster it was first in
    keys: Pairs = ()  # of a finding: line and words of each identity key
    near: tuple[Near, ...] = ()  # by the catalog when it came
    idle: int = 0  # of a rule's match: the log time without a signal that closes its unit, ms; 0: says nothing
    p: float = 1.0  # of an anomaly: its lowest tail probability, and the detector that said most there
    detector: str = ""
    reporters: tuple[str, ...] = ()  # these two only where several signatures are shown as one signal
    same: tuple[str, ...] = ()


class UnitRow(NamedTuple):
    """One unit. ``*_log`` are log times, ``first``, ``last`` and ``anchor`` event times, all in ms."""

    revision: int  # 0: not emitted yet
    unit_id: str  # "" until it is named
    status: str
    pending: str | None  # reason of the revision that is due
    due: int | None  # log time at which it is due
    opened_log: int
    updated_log: int
    last_log: int  # log time of the newest signal
    anchor: int
    anchor_id: str  # source and source id of the earliest member
    first: int
    last: int
    members: int
    member_hash: str  # additive set hash over (source, source_id), hex
    severity: int
    signals: int  # sessions
    first_offset: int
    last_offset: int
    aliases: tuple[str, ...]
    disposition: str
    ready_log: int  # before this log time no further revision leaves
    digest: str  # of the last revision
    closed_log: int = 0  # of a closed unit: since when
    sealed: bool = False  # full or too old: takes repeats of what it has, and nothing else
    apart: tuple[str, ...] = ()  # sides of reviewers' cuts, "review:side"; other sides are not joined
    pins: tuple[tuple[str, str], ...] = ()  # sessions that a reviewer joined
    shown: tuple[Any, ...] = ()  # what the last revision said, for the diff
    idle: int = 0  # the longest that rules say of its matches, ms; 0: none says anything
    ruled: tuple[Any, ...] = ()  # how it stands with the alert budget (``suppression.held.Ruled``)


class ChangeRow(NamedTuple):
    """One change of the domain; ``time`` in event ms. ``home`` is false where it happened in another domain."""

    source: str
    source_id: str
    time: int
    kind: str
    actor: str | None
    title: str
    status: str
    revision: str | None
    component: str | None
    entities: Pairs
    home: bool
    action: str | None = None


def tuples(value: Any) -> Any:
    """Lists, as JSON gives them, back to tuples, at any depth."""
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value


def pairs(entities: Iterable[tuple[str, str]]) -> Pairs:
    """Entities as plain pairs."""
    return tuple((kind, id_) for kind, id_ in entities)

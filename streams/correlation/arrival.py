"""Whether an event is new, a duplicate, late, or too late: by its natural key and its source's own event time."""

from __future__ import annotations

from typing import Literal, NamedTuple

from schemas.parameters import Parameters
from streams.correlation.state import Domain

Verdict = Literal["new", "late", "duplicate", "too_late"]


class Arrival(NamedTuple):
    """``time`` is the event time in ms that counts: not ahead of the log's clock."""

    verdict: Verdict
    time: int
    clamped: bool


def arrive(
    domain: Domain, source: str, key: str, time: int, log_time: int, lateness: int, parameters: Parameters
) -> Arrival:
    """Admit an event and remember it, unless it is a duplicate or too late. Times in ms.

    Late is what comes after its source's watermark (newest event time less ``lateness``); too late what is further
    behind than the retention, or older than what the domain can still know duplicates by.
    """
    clamped = time > log_time
    if clamped:
        time = log_time
    seen = domain.seen_of(source)
    row = domain.newest.get(source)
    newest = row[0] if row is not None else None
    if (time, key) in seen:
        return Arrival("duplicate", time, clamped)
    if newest is None or time > newest:
        domain.newest[source] = (time,)
        if newest is None or time // 60_000 != newest // 60_000:
            seen.forget(time - parameters.retention_ms, parameters.max_seen)
        late = False
    else:
        if time < newest - parameters.retention_ms or time < seen.floor:
            return Arrival("too_late", time, clamped)
        late = time < newest - lateness
    seen.add(time, key)
    return Arrival("late" if late else "new", time, clamped)

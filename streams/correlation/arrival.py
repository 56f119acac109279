"""Whether an event is new, a duplicate, late, or too late: by its natural key and its source's own event time."""

from __future__ import annotations

from typing import Literal

from schemas.parameters import Parameters
from streams.correlation.state import Domain

Verdict = Literal["new", "late", "duplicate", "too_late"]


def arrive(
    domain: Domain,
    source: str,
    key: str,
    time: int,
    log_time: int,
    lateness: int,
    parameters: Parameters,
    *,
    stands: bool = False,
) -> tuple[Verdict, int]:
    """Admit an event and remember it, unless it is a duplicate or too late. Times in ms.

    Late is what comes after its source's watermark (newest event time less ``lateness``); too late what is further
    behind than the retention, or older than what the domain can still know duplicates by. What ``stands`` still counts
    as of the retention's beginning if it is older. The second of the answer is the event time that counts, which is not
    ahead of the log's clock either.
    """
    if time > log_time:
        time = log_time
    seen = domain.seen.get(source)
    if seen is None:
        seen = domain.seen_of(source)
    elif key in seen.ids:
        return "duplicate", time
    newest = seen.newest
    late = False
    if newest is not None and time <= newest:
        oldest = newest - parameters.retention_ms
        if stands and time < oldest:
            time = oldest
        if time < oldest or time < seen.floor:
            return "too_late", time
        late = time < newest - lateness
    if seen.add(time, key):
        seen.forget((time if newest is None or time > newest else newest) - parameters.retention_ms)
        _bound(domain, parameters.max_seen)
    return ("late" if late else "new"), time


def _bound(domain: Domain, cap: int) -> None:
    """Where the domain knows too many ids, the source with the most forgets its oldest."""
    over = sum(len(seen.ids) for seen in domain.seen.values()) - cap
    if over > 0:
        _, largest = max((len(seen.ids), name) for name, seen in domain.seen.items())
        domain.seen[largest].evict(over + cap // 16)

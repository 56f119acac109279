"""What an event does not say and Weir would use: said to whoever connects a source, never a reason to refuse it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_PLACED = ("component", "workload", "image", "repository", "resource", "host", "namespace", "principal")
"""Kinds of entities that a catalog knows components by (``streams.catalog``)."""

_ACTED = ("activity", "change")


def wishes(event: Mapping[str, Any], received: str | None) -> Iterator[tuple[str, str]]:
    """Name and reason of everything missing. ``received``: when the record arrived, RFC 3339."""
    type_ = event.get("type")
    if type_ not in ("activity", "finding", "change"):
        return
    kinds = {kind for kind, _ in event.get("entities", ())}
    if not kinds:
        yield "entities", "it names nothing, so it shares nothing and is grouped with nothing"
    if not event.get("component"):
        if kinds & set(_PLACED):
            yield "component", f"the catalog knows none of its {', '.join(sorted(kinds & set(_PLACED)))}"
        else:
            yield "component", f"it has no {', '.join(_PLACED[:-1])} or {_PLACED[-1]} that a catalog could know"
    if not event.get("component") and event.get("domain") == event.get("source"):
        yield "domain", "no account, cluster or system: all such events share one domain, named as the source"
    if type_ in _ACTED and not event.get("actor"):
        yield "principal", "nobody is named as having done it"
    if type_ == "finding" and not event.get("severity"):
        yield "severity", "unknown: it opens no unit by itself"
    if type_ == "activity" and event.get("outcome", "unknown") == "unknown":
        yield "outcome", "neither success nor failure: failures are not counted"
    if type_ == "change" and event.get("status", "unknown") == "unknown":
        yield "status", "neither started, succeeded nor failed"
    if type_ == "change" and not event.get("revision"):
        yield "revision", "no commit, digest or version: less to tell the suspect by"
    if received is not None and _same(event.get("time"), received):
        yield "time", "the time of arrival: the format has none"


def _same(time: object, received: str) -> bool:
    return isinstance(time, str) and datetime.fromisoformat(time) == datetime.fromisoformat(received)

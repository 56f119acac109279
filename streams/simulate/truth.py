"""What a scenario knows about itself, as plain JSON values.

A record is named by ``source_id``, the natural key that its vendor gave it: CloudTrail ``eventID``, GitHub delivery id,
CDEvents ``id``, Trivy ``ReportID/Fingerprint``, SARIF result ``guid``, OCSF ``metadata.uid``. Weir's ``source_id`` is
that key, or the key with more around it, parted by slashes; ``natural_key`` finds it.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import Any

from streams.simulate.disorder import Counts
from streams.simulate.message import Reference
from streams.simulate.plan import Told

_SOURCES = ("cloudtrail", "github", "cdevents", "trivy", "sarif", "ocsf")


def natural_key(source_id: str, known: Container[str]) -> str | None:
    """The key of ``known`` that a ``source_id`` of Weir stands for: itself, or the longest run of its segments."""
    segments = source_id.split("/")
    for length in range(len(segments), 0, -1):
        for first in range(len(segments) - length + 1):
            candidate = "/".join(segments[first : first + length])
            if candidate in known:
                return candidate
    return None


def incident(told: Told, decoys: list[Told]) -> dict[str, Any]:
    """One incident: its members, the change behind it (or null), and the changes that only look like it.

    ``id, kind, title, domain`` (the catalog's system), ``component``, ``first`` and ``last`` (event times of the
    members), ``source_ids`` (all members), ``findings`` and ``activities`` (the members apart, with rule and severity
    or action), ``suspect`` (``source, source_id, kind, time, actor, component, same_change``) and ``decoys`` (the same,
    with ``domain``). ``same_change`` are other records of the same release: naming one of them first is as good.
    """
    members = [
        reference for part in told.parts for reference in part.references if reference.role in ("finding", "activity")
    ]
    members.sort(key=lambda reference: (reference.time, reference.source_id))
    suspect = told.cause.suspect
    same_change = [_change(reference) for reference in told.cause.same_change]
    service = told.planned.service
    return {
        "type": "incident",
        "id": f"incident-{told.planned.number:03d}",
        "kind": told.planned.kind,
        "title": told.cause.title,
        "domain": service.system,
        "component": service.name,
        "first": _text(members[0].time),
        "last": _text(members[-1].time),
        "source_ids": [reference.source_id for reference in members],
        "findings": [
            {
                "source": reference.source,
                "source_id": reference.source_id,
                "time": _text(reference.time),
                "rule": reference.kind,
                "severity": reference.severity,
            }
            for reference in members
            if reference.role == "finding"
        ],
        "activities": [
            {
                "source": reference.source,
                "source_id": reference.source_id,
                "time": _text(reference.time),
                "action": reference.kind,
            }
            for reference in members
            if reference.role == "activity"
        ],
        "suspect": None if suspect is None else _change(suspect) | {"same_change": same_change},
        "decoys": [
            _change(reference) | {"domain": decoy.planned.service.system}
            for decoy in decoys
            for reference in decoy.change
        ],
    }


def injected(events: int, counts: Counts, by_source: dict[str, int]) -> dict[str, Any]:
    """The last entry: how many messages there are, and what was put in to disturb."""
    return {
        "type": "injected",
        "messages": events,
        "duplicate": counts.duplicate,
        "far_late": counts.far_late,
        "malformed": sum(counts.malformed.values()),
        "malformed_by_defect": counts.malformed,
        "story_messages_by_source": {source: by_source.get(source, 0) for source in _SOURCES},
    }


def _change(reference: Reference) -> dict[str, Any]:
    return {
        "source": reference.source,
        "source_id": reference.source_id,
        "kind": reference.kind,
        "time": _text(reference.time),
        "actor": reference.actor,
        "component": reference.component,
    }


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

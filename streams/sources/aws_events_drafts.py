"""How an event of EventBridge becomes a draft: the same for every service."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from schemas.events import ChangeKind, ChangeStatus, Outcome
from streams.sources.aws_envelope import Envelope
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, IdentityDraft, Ignored, Malformed
from streams.sources.document import line

Reader = Callable[[Envelope], ActivityDraft | ChangeDraft | Ignored | Malformed]
"""Reads one event of its detail type."""

_ENTITIES = 64


def change(
    event: Envelope,
    kind: ChangeKind,
    status: ChangeStatus,
    action: str,
    title: str,
    entities: Iterable[EntityDraft],
    *,
    actor: str | None = None,
    revision: str | None = None,
    identities: Iterable[IdentityDraft] = (),
) -> ChangeDraft:
    """Something that a service altered, or tried to; the account is added."""
    draft: ChangeDraft = {
        "type": "change",
        "source_id": event.id,
        "time": event.time,
        "domain": event.domain,
        "entities": list(dict.fromkeys([*entities, *event.owner()]))[:_ENTITIES],
        "title": line(title) or action,
        "kind": kind,
        "status": status,
        "action": action,
        "actor": actor,
        "revision": revision,
    }
    said = list(identities)
    if said:
        draft["identities"] = said
    return draft


def activity(
    event: Envelope,
    action: str,
    outcome: Outcome,
    title: str,
    entities: Iterable[EntityDraft],
    *,
    error: str | None = None,
    severity: int = 0,
) -> ActivityDraft:
    """Something that happened to a service; the account is added."""
    draft: ActivityDraft = {
        "type": "activity",
        "source_id": event.id,
        "time": event.time,
        "domain": event.domain,
        "entities": list(dict.fromkeys([*entities, *event.owner()]))[:_ENTITIES],
        "title": line(title) or action,
        "action": action,
        "outcome": outcome,
        "severity": severity,
    }
    if outcome == "failure":
        draft["error"] = line(error, 256) or "failed"
        draft["severity"] = max(severity, 1)
    return draft

"""Policy exceptions, Weir's own format: one JSON object a line.

``id, created_at, control, component, requested_by, approved_by, reason, valid_from, valid_to``; times are RFC 3339.
``valid_from`` missing is from its creation on, ``valid_to`` missing or null is until further notice. ``control`` names
a compensating control of the component, or what is accepted: a rule, a vulnerability, or a kind of finding.

An exception is two things: a context record (the control is waived while it is in force), key its id; and a change at
the time it was created, moved to ``valid_from`` when that comes, which can be the suspect of what follows. The same id
again replaces the context (an earlier ``valid_to`` ends it); the change is the first one's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from streams.sources.base import ChangeDraft, ContextDraft, EntityDraft, Malformed, Reading
from streams.sources.document import line
from streams.sources.fields import instant, text
from streams.sources.kev import cve


class PolicyExceptions:
    """Exceptions, each as a context record of kind "policy_exception" and a change of that kind."""

    name = "policy.exceptions"
    lateness = timedelta(hours=24)
    """They are written by people, and exported by jobs."""

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``control`` and ``component`` beside the approval or the validity."""
        return (
            isinstance(document, dict)
            and {"id", "created_at", "control", "component"} <= document.keys()
            and not document.keys().isdisjoint(("approved_by", "requested_by", "valid_from", "valid_to"))
        )

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """One item with two drafts: the context record, then the change."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
            return
        names = {field: text(document.get(field), 256) for field in ("id", "control", "component")}
        times = {field: instant(document.get(field)) for field in ("created_at", "valid_from", "valid_to")}
        id_, control, component, created = names["id"], names["control"], names["component"], times["created_at"]
        if id_ is None or control is None or component is None:
            missing = next(field for field, value in names.items() if value is None)
            yield 0, Malformed(missing, "not 1 to 256 characters of text")
            return
        if created is None:
            yield 0, Malformed("created_at", "not an RFC 3339 time")
            return
        for field in ("valid_from", "valid_to"):
            if document.get(field) is not None and times[field] is None:
                yield 0, Malformed(field, "not an RFC 3339 time")
                return
        since, until = times["valid_from"] or created, times["valid_to"]
        if until is not None and datetime.fromisoformat(until) <= datetime.fromisoformat(since):
            yield 0, Malformed("valid_to", "not after valid_from")
            return
        people = {field: text(document.get(field), 256) for field in ("requested_by", "approved_by")}
        context: ContextDraft = {
            "type": "context",
            "kind": "policy_exception",
            "key": id_,
            "record": {
                "control": control,
                "component": component,
                "created_at": created,
                "valid_from": since,
                "valid_to": until,
                "reason": line(document.get("reason"), 256),
                **people,
            },
        }
        yield 0, context
        entities: list[EntityDraft] = [("component", component)]
        if (vulnerability := cve(control)) is not None:
            entities.append(("vulnerability", vulnerability))
        actor = people["approved_by"] or people["requested_by"]
        if actor is not None:
            entities.append(("principal", actor))
        change: ChangeDraft = {
            "type": "change",
            "kind": "policy_exception",
            "source_id": id_,
            "time": created,
            "domain": f"component:{component}",
            "entities": entities,
            "title": (line(f"exception: {control} is waived for {component}", 512)) or "",
            "actor": actor,
            "status": "succeeded",
        }
        yield 0, change

"""Cloud Audit Logs of Google Cloud: admin activity, data access, system events and denials by policy.

Read: a ``LogEntry`` with an ``AuditLog`` in ``protoPayload``, an array of them, the answer of ``entries.list``
(``{"entries": […]}``), and a message that Pub/Sub pushes (``message.data`` is the entry in base64). Names and ids are
all that is taken from an entry, since redaction cannot look into base64.

Every entry is an activity. A successful call that alters something (``gcp_changes``) is a change as well, with the same
key; of a long operation, which has an entry when it begins and one when it ends, the first says that the change
started, the last that it succeeded. System events, which nobody decided, are activities only.

- Natural key: log name, timestamp and ``insertId``, by which Logging itself tells duplicates; exports keep them. A
  digest of the entry where one is missing.
- Time: ``timestamp``, else ``receiveTimestamp``; without an offset, as BigQuery shows them, UTC.
- Lateness: no bound is stated; ten minutes, for the way through Pub/Sub.
- Severity: ``LogSeverity`` is the log's, not the incident's: an ordinary NOTICE is none (0), a failed call
  informational (1); only CRITICAL and above are taken at their word.
- Who called, with which key, for whom: ``gcp_entities``. Domain: the project, else the organisation or folder.

Sources: Cloud Logging, "LogEntry"; Cloud Audit Logs, "Understanding audit logs", "AuditLog"; Pub/Sub, "Push
subscriptions"; GKE, "Audit logging"; ``google.rpc.Code``.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from schemas.events import ChangeKind, ChangeStatus, Outcome
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, IdentityDraft, Malformed, Reading
from streams.sources.document import digest, mapping, sequence
from streams.sources.exported import content_id, utc
from streams.sources.fields import dig, text
from streams.sources.gcp_changes import READS, change_of, change_of_object, object_of, verb_of
from streams.sources.gcp_entities import callers, holder, key, members, origin, principal, resource
from streams.sources.kubernetes_changes import is_control_plane
from streams.sources.kubernetes_objects import entity, owned
from streams.sources.memo import Memo
from streams.sources.parse import ParseError, parse
from streams.sources.severity import severity_of_word

_LOG: Final = "/logs/cloudaudit.googleapis.com"
_MAX_PUSHED: Final = 1_048_576
_CODE_NAMES = """
OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED
FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED
"""
_CODES: Final = tuple(_CODE_NAMES.split())
_GRAVE: Final = frozenset(("CRITICAL", "ALERT", "EMERGENCY"))


class GcpAudit:
    """The source ``gcp.audit``."""

    name = "gcp.audit"
    lateness = timedelta(minutes=10)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By an audit log's payload: of the entry, of the first of several, or of what Pub/Sub pushed."""
        if type(document) is list:
            return bool(document) and _is_entry(document[0])
        if type(document) is not dict:
            return False
        if "protoPayload" in document:
            return _is_entry(document)
        entries = document.get("entries")
        if type(entries) is list:
            return bool(entries) and _is_entry(entries[0])
        return _is_pushed(document) and _is_entry(_opened(document))

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every entry: one reading for an activity, two with the same item where it is a change as well."""
        if type(document) is list:
            return _read_all(document, "")
        if type(document) is dict and "protoPayload" not in document:
            if "entries" in document:
                return _read_all(document["entries"], "entries")
            if _is_pushed(document):
                opened = _opened(document)
                return iter(_read(opened, 0, "message.data"))
        return iter(_read(document, 0, ""))


def _is_entry(value: object) -> bool:
    """Other logs have a ``protoPayload`` of another type, such as the requests of App Engine."""
    if type(value) is not dict:
        return False
    payload, log = value.get("protoPayload"), value.get("logName")
    if type(payload) is not dict:
        return False
    return "methodName" in payload or (type(log) is str and _LOG in log)


def _is_pushed(document: dict[str, Any]) -> bool:
    message = document.get("message")
    return "subscription" in document and type(message) is dict and type(message.get("data")) is str


def _opened(document: dict[str, Any]) -> object:
    """What a pushed message holds; None if that is no JSON."""
    data = document["message"]["data"]
    if len(data) > _MAX_PUSHED:
        return None
    try:
        return parse(b64decode(data, validate=True), _MAX_PUSHED)
    except (binascii.Error, ValueError, ParseError):
        return None


def _read_all(entries: object, place: str) -> Iterator[Reading]:
    if type(entries) is not list:
        yield 0, Malformed(place, "not a list of log entries")
        return
    for item, entry in enumerate(entries):
        yield from _read(entry, item, f"{place}[{item}]")


class _Call(NamedTuple):
    """What was called, of what, and what it changes."""

    action: str
    what: str
    upon: tuple[EntityDraft, ...]
    said: tuple[IdentityDraft, ...]
    read_only: bool | None
    kind: ChangeKind | None
    begins: bool
    persons: bool = False
    """Whether it counts only if a person made it."""


def _read(entry: object, item: int, place: str) -> list[Reading]:
    if not isinstance(entry, dict):
        return [(item, Malformed(place, "not a log entry"))]
    payload = mapping(entry.get("protoPayload"))
    time = utc(entry.get("timestamp")) or utc(entry.get("receiveTimestamp"))
    method = text(payload.get("methodName"), 400)
    if time is None or method is None:
        field, reason = (
            ("timestamp", "not a time") if time is None else ("protoPayload.methodName", "no name of a method")
        )
        return [(item, Malformed(f"{place}.{field}" if place else field, reason))]
    log_name = text(entry.get("logName") or entry.get("logname"), 512) or ""
    log = log_name.partition("cloudaudit.googleapis.com%2F")[2] or log_name.partition("cloudaudit.googleapis.com/")[2]
    call = _called(payload, method, log)
    acting = callers(payload)
    who = acting[0][1] if acting else None
    account = holder(entry, log_name)

    found = dict.fromkeys((*acting, *call.upon))
    said = list(call.said)
    used = key(dig(payload, "authenticationInfo", "serviceAccountKeyName"), acting[0] if len(acting) == 1 else None)
    made = key(dig(payload, "response", "name"), None) if method.endswith("ServiceAccountKey") else None
    for each in (used, made):
        if each is not None:
            found[each[0]] = None
            said += each[1]
    served = principal(dig(entry, "resource", "labels", "email_id"))
    found |= dict.fromkeys((*([served] if served else []), *members(payload), *origin(payload)))
    if account:
        found["account", account] = None

    code = dig(payload, "status", "code")
    failed = type(code) is int and code != 0
    outcome: Outcome = "failure" if failed or log == "policy" else "success"
    title = f"{(who or 'someone')[:160]}: {call.what}"
    insert_id = text(entry.get("insertId") or entry.get("insertid"))
    activity: ActivityDraft = {
        "type": "activity",
        "source_id": digest([log_name, time, insert_id]) if insert_id and log_name else content_id(entry),
        "time": time,
        "domain": f"gcp:{account or 'unknown'}",
        "entities": list(found),
        "title": title,
        "action": call.action,
        "actor": who,
        "outcome": outcome,
        "read_only": _read_only(payload, call),
    }
    severity = entry.get("severity")
    if isinstance(severity, str) and severity in _GRAVE:
        activity["severity"] = severity_of_word(severity)
    said = [each for each in dict.fromkeys(said) if each[:2] != each[2:]]
    if said:
        activity["identities"] = said
    if outcome == "failure":
        error = _CODES[code] if type(code) is int and 0 < code < len(_CODES) else str(code)[:16] if failed else "DENIED"
        activity["error"] = error
        activity["title"] = f"{title}: {error}"
        activity.setdefault("severity", 1)
        return [(item, activity)]
    if call.kind is None or (who and _works(who, call.persons)):
        return [(item, activity)]
    altered: ChangeDraft = {
        "type": "change",
        "source_id": activity["source_id"],
        "time": time,
        "domain": activity["domain"],
        "entities": list(found),
        "title": title,
        "kind": call.kind,
        "actor": who,
        "status": _status(entry, call.begins),
        "action": call.action,
    }
    if said:
        altered["identities"] = list(said)
    return [(item, activity), (item, altered)]


def _works(who: str, persons: bool) -> bool:
    """Whether a caller of the Kubernetes API carries out what others decided."""
    return is_control_plane(who) or (persons and who.startswith("system:serviceaccount:"))


def _status(entry: dict[str, Any], begins: bool) -> ChangeStatus:
    """Of a long operation the first entry says that it began, the last that it ended."""
    first, last = dig(entry, "operation", "first") is True, dig(entry, "operation", "last") is True
    if first or last:
        return "succeeded" if last else "started"
    return "started" if begins else "succeeded"


def _called(payload: dict[str, Any], method: str, log: str) -> _Call:
    named = text(payload.get("resourceName"), 1024) or ""
    return _CALLS[text(payload.get("serviceName"), 200) or "", method, named, log]


def _call(key: tuple[str, str, str, str]) -> _Call:
    """What all entries of the same call of the same thing have in common."""
    host, method, named, log = key
    service = host.removesuffix(".googleapis.com")
    if service == "k8s.io" or method.startswith("io.k8s."):
        return _asked_of_cluster(method, named, log)
    made = change_of(service, method, log)
    upon = resource(host, named)
    tail = named.rpartition("/")[2][:100]
    return _Call(
        action=f"gcp.{service}:{method}" if service else f"gcp:{method}",
        what=f"{service[:60] or 'a service'} {verb_of(method)[:100]}{f' {tail}' if tail else ''}",
        upon=(upon,) if upon else (),
        said=(),
        read_only=True if READS.match(verb_of(method)) else False if log in ("activity", "system_event") else None,
        kind=made.kind if made else None,
        begins=bool(made and made.begins),
    )


_CALLS = Memo(_call)


def _asked_of_cluster(method: str, path: str, log: str) -> _Call:
    """A request to the Kubernetes API, named as ``kubernetes.audit`` names it."""
    request = object_of(method, path)
    if request is None:
        verb = verb_of(method)
        return _Call(f"k8s:{verb}", f"{verb} {path[:200]}", (), (), bool(READS.match(verb)), None, False)
    made = change_of_object(request) if log in ("activity", "") else None
    space = request.namespace or None
    thing = entity(request.resource, space, request.name) if request.name else None
    upon = [thing] if thing else []
    if space:
        upon.append(("namespace", space))
    spelt = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
    at = "/".join(part for part in (request.namespace, request.name) if part)
    return _Call(
        action=f"k8s:{request.verb} {spelt}"[:256],
        what=f"{request.verb} {spelt}{f' {at}' if at else ''}"[:300],
        upon=tuple(upon),
        said=tuple(owned(request.resource, space, request.name)) if request.name else (),
        read_only=bool(READS.match(request.verb)),
        kind=made.kind if made else None,
        begins=bool(made and made.status == "started"),
        persons=bool(made and made.persons),
    )


def _read_only(payload: dict[str, Any], call: _Call) -> bool | None:
    """What the permissions are for, where the entry says it; else as the verb or the log has it."""
    asked = sequence(payload.get("authorizationInfo"))[:32]
    kinds = {kind for each in asked if (kind := text(dig(each, "permissionType"), 32))}
    return kinds <= {"ADMIN_READ", "DATA_READ"} if kinds else call.read_only

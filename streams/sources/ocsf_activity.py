"""OCSF events that are no findings: every class of the other categories is an activity.

- Action: of API Activity (6003) the service and the operation, AWS's services as CloudTrail's calls are named
  (``iam:CreateUser``); of every other class ``ocsf:``, the class and the activity (``ocsf:authentication.logon``), by
  the names that the event has beside its numbers, else by the numbers.
- Actor: ``actor.user``; of Authentication (3002) the ``user`` who logs on. Outcome: ``status_id`` 1 and 2.
- A change as well, where it did not fail: calls that change something by ``aws_changes`` for AWS, and in other clouds
  every Create, Update and Delete (infrastructure); Account Change, User Access and Group Management (access);
  Entity Management that creates, updates or deletes (configuration).
- Natural key: ``metadata.uid``, else a digest of the event.

Source: OCSF schema 1.1 to 1.8, the classes named, ``activity_id``, ``status_id``, objects api, actor, http_request.
"""

from __future__ import annotations

import re
from typing import Any, Final

from schemas.events import ChangeKind, Outcome
from streams.sources.aws_changes import change_of
from streams.sources.aws_cloudtrail import agent_family
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, Malformed
from streams.sources.document import line
from streams.sources.exported import content_id
from streams.sources.fields import dig, host, text
from streams.sources.ocsf_entities import LIMIT, actor_of, entities
from streams.sources.ocsf_fields import domain_of, reporter_of, time_of
from streams.sources.severity import severity_of_ocsf

_API: Final = 6003
_AUTHENTICATION: Final = 3002
_ACCESS: Final = frozenset((3001, 3005, 3006))
_ENTITY: Final = 3004
_ALTERING: Final = frozenset((1, 3, 4))
"""``activity_id`` of Create, Update and Delete, of API Activity and Entity Management."""

_READ: Final = 2
_OUTCOMES: Final[dict[object, Outcome]] = {1: "success", 2: "failure"}
_WORD: Final = re.compile(r"[^a-z0-9]+")
_AWS: Final = ".amazonaws.com"


def category_of(kind: int) -> int:
    """The category that a class is of, of an extension's too: the thousands of its number in its extension."""
    return kind % 100_000 // 1000


def activity(place: str, event: dict[str, Any], kind: int) -> list[ActivityDraft | ChangeDraft | Malformed]:
    """The activity of an event of a class, and the change that it is, too."""
    time = time_of(event)
    if time is None:
        return [Malformed(f"{place}time", "neither time in milliseconds nor time_dt with an offset")]
    number = event.get("activity_id")
    done = number if type(number) is int else 0
    service, operation = _call(event) if kind == _API else (None, None)
    action = f"{service}:{operation}" if service else f"ocsf:{_named(event, kind, done)}"
    status = event.get("status_id")
    outcome = _OUTCOMES.get(status, "unknown") if type(status) is int else "unknown"
    who = actor_of(event, own=kind == _AUTHENTICATION)
    actor = who[1] if who else None
    about, said = entities(event)
    about = list(dict.fromkeys([*about, *_more(event)]))[:LIMIT]
    message = line(event.get("message"), 400)
    draft: ActivityDraft = {
        "type": "activity",
        "source_id": text(dig(event, "metadata", "uid")) or content_id(event),
        "time": time,
        "domain": domain_of(event, reporter_of(event)),
        "entities": about,
        "title": line(message or f"{action} by {actor or 'someone'}") or action,
        "action": action,
        "actor": actor,
        "outcome": outcome,
        "read_only": (done == _READ if done in (_READ, *_ALTERING) else None) if kind == _API else None,
        "severity": severity_of_ocsf(event.get("severity_id")),
    }
    if outcome == "failure":
        draft["error"] = line(event.get("status_code"), 256) or line(event.get("status_detail"), 256)
    if said:
        draft["identities"] = said
    changed = None if outcome == "failure" else _change(event, kind, done, service, operation)
    if changed is None:
        return [draft]
    change: ChangeDraft = {
        "type": "change",
        "source_id": draft["source_id"],
        "time": time,
        "domain": draft["domain"],
        "entities": list(about),
        "title": draft["title"],
        "kind": changed,
        "actor": actor,
        "status": "succeeded" if outcome == "success" else "unknown",
        "action": action,
    }
    if said:
        change["identities"] = list(said)
    return [draft, change]


def _call(event: dict[str, Any]) -> tuple[str, str] | tuple[None, None]:
    operation, service = text(dig(event, "api", "operation"), 200), text(dig(event, "api", "service", "name"), 200)
    if operation is None:
        return None, None
    return (service or reporter_of(event)).removesuffix(_AWS), operation


def _named(event: dict[str, Any], kind: int, done: int) -> str:
    words = [text(event.get(field), 64) for field in ("class_name", "activity_name")]
    spelt = [_WORD.sub("_", word.lower()).strip("_") if word else "" for word in words]
    return f"{spelt[0] or f'class_{kind}'}.{spelt[1] or done}"


def _more(event: dict[str, Any]) -> list[EntityDraft]:
    """What only activities have: the request's URL and client, and the name that was looked up."""
    found: list[EntityDraft] = []
    if url := text(dig(event, "http_request", "url", "url_string"), 1024):
        found.append(("url", url))
    if (agent := text(dig(event, "http_request", "user_agent"), 1024)) and (family := agent_family(agent)):
        found.append(("user_agent", family))
    if name := host(dig(event, "query", "hostname")):
        found.append(("host", name))
    return found


def _change(
    event: dict[str, Any], kind: int, done: int, service: str | None, operation: str | None
) -> ChangeKind | None:
    if kind == _API:
        cloud = text(dig(event, "cloud", "provider"), 64)
        if cloud and cloud.upper() == "AWS":
            found = change_of(service, operation) if service and operation else None
            return found[0] if found else None
        return "infrastructure" if cloud and done in _ALTERING else None
    if kind in _ACCESS:
        return "access" if done else None
    return "configuration" if kind == _ENTITY and done in _ALTERING else None
